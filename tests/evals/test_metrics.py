"""The list of metrics of each task, and figures measured from cells."""

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from tests.task.score.recipes import GOLD, PACK, POST
from training.errors import PackError
from training.evals.metrics import (
    Cells,
    confirmatory_metrics,
    measure,
    measure_all,
    metric_specs,
    primary_metric,
    spec_named,
)
from training.evals.statistics import bootstrap_mean, bootstrap_ratio, wilson
from training.task.evaluation import EvaluationSpec
from training.task.pack import BUILTIN, Pack, find_packs
from training.task.parse import parse_answer
from training.task.records import FinishReason, Score
from training.task.score.answer import score_answer

PACKS = find_packs(BUILTIN)


@pytest.mark.parametrize("pack", PACKS.values(), ids=list(PACKS))
def test_every_metric_is_named_once_and_explained(pack: Pack) -> None:
    specs = metric_specs(pack)
    assert len({spec.name for spec in specs}) == len(specs)
    for spec in specs:
        assert spec.label and spec.page and spec.keys and spec.label[0].isupper(), spec
        name, _, field = spec.name.partition(":")
        assert name == "lint" or not field or pack.field(field) or field in pack.profiles, spec.name
    assert specs[0].name == primary_metric(pack) not in confirmatory_metrics(pack)
    names = [spec.name for spec in specs]
    assert set(confirmatory_metrics(pack)) <= set(names)
    assert "strict" in names and "schema_valid" in names and "truncated" in names, "rates of form of text answers too"


def test_what_a_task_declares_comes_first() -> None:
    spec = EvaluationSpec("omitted", ("strict", "omitted", "strict"))
    pack = dataclasses.replace(PACK, evaluation=spec)
    assert (primary_metric(pack), confirmatory_metrics(pack)) == ("omitted", ("strict",))
    for wrong in (EvaluationSpec("f1:nothing"), EvaluationSpec("strict", ("bleu",))):
        with pytest.raises(PackError, match="none of this task's"):
            confirmatory_metrics(dataclasses.replace(PACK, evaluation=wrong))
    assert spec_named(PACK, "strict") and spec_named(PACK, "bleu") is None


@pytest.mark.parametrize("pack", PACKS.values(), ids=list(PACKS))
def test_every_score_of_an_answer_has_a_figure(pack: Pack) -> None:
    """What `score_answer` gives is summed up somewhere, or stands here with its reason."""
    example = next(example for example in pack.examples if example.gold)
    raw = "x" if pack.answer.kind == "text" else json.dumps(example.gold)
    parsed = parse_answer(pack, raw, FinishReason.EOS)
    found = score_answer(pack, parsed, example.text, example.gold, raw=raw, finish="eos")
    keys = {key for spec in metric_specs(pack) for key in spec.keys}
    aside = {"missing", "hallucinated", "hallucinated_docs", "lint:total_time"}  # omitted is made of it; other fields'
    assert {score.metric for score in found if (score.metric, score.field) not in keys} <= aside


def cells(values: Any, name: str = "f1", field: str = "recipeIngredient", n: int = 1) -> Cells:
    return Cells.from_scores([[Score(name, value, field, n=n)] for value in values])


def test_figures_by_kind() -> None:
    spec = {
        name: found for name in ("strict", "f1:recipeIngredient", "hallucinated") if (found := spec_named(PACK, name))
    }
    passed = [1.0] * 8 + [0.0] * 2
    rate = measure(spec["strict"], cells(passed, "strict", ""))
    assert (rate.value, rate.n_scored) == (0.8, 10) and (rate.low, rate.high) == wilson(8, 10)
    shares = list(np.random.default_rng(1).random(30))
    mean = measure(spec["f1:recipeIngredient"], cells([*shares, None]))
    assert (mean.low, mean.high) == bootstrap_mean(shares) and (mean.n_scored, mean.n_total) == (30, 31)
    pooled = measure(spec["hallucinated"], cells(shares, "hallucinated", "", n=4))
    assert (pooled.low, pooled.high) == bootstrap_ratio([4 * share for share in shares], [4.0] * 30)
    assert (pooled.value, pooled.n_items) == (pytest.approx(np.mean(shares)), 120)
    nothing = measure(spec["strict"], cells([None, None], "strict", ""))
    assert (nothing.value, nothing.low, nothing.n_scored, nothing.n_total) == (None, None, 0, 2)


def test_together_is_as_one_by_one() -> None:
    rng = np.random.default_rng(2)
    scores = [[Score("f1", rng.random(), "recipeIngredient", n=3), Score("hallucinated", rng.random(), n=5),
               Score("strict", float(rng.random() < 0.7), n=1)] for _ in range(25)]  # fmt: skip
    found = measure_all(metric_specs(PACK), Cells.from_scores(scores))
    for spec in metric_specs(PACK):  # but for the last bits: a product of matrices has others by shape and CPU
        alone = dataclasses.asdict(measure(spec, Cells.from_scores(scores)))
        assert dataclasses.asdict(found[spec.name]) == {
            name: pytest.approx(value, rel=1e-12) if isinstance(value, float) else value
            for name, value in alone.items()
        }


def test_a_rate_of_samples_is_a_mean_of_shares() -> None:
    spec = spec_named(PACK, "strict")
    assert spec is not None
    shares = [0.2, 0.8, 1.0, 0.4, 0.6, 1.0]
    found = measure(spec, cells(shares, "strict", ""))
    assert (found.low, found.high) == bootstrap_mean(shares)


def test_few_clusters_are_said() -> None:
    spec = spec_named(PACK, "f1:recipeIngredient")
    assert spec is not None
    values = np.random.default_rng(3).random(60)
    few = measure(spec, cells(values), clusters=[at // 6 for at in range(60)])
    enough = measure(spec, cells(values), clusters=[at // 2 for at in range(60)])
    alone = measure(spec, cells(values), clusters=list(range(60)))
    assert few.n_clusters == 10 and "Only 10 groups" in few.note
    assert (enough.n_clusters, enough.note, alone.n_clusters) == (30, "", None)
    passed = cells([1.0] * 60, "strict", "")
    strict = spec_named(PACK, "strict")
    assert strict is not None
    assert measure(strict, passed, clusters=[at // 2 for at in range(60)]).low == wilson(30, 30)[0]  # type: ignore[index]


def test_many_documents_are_measured_in_memory_that_does_not_grow() -> None:
    import tracemalloc

    rng = np.random.default_rng(4)
    values = {(f"m{at}", ""): rng.random(10_000) for at in range(3)}
    many = Cells(tuple(map(str, range(10_000))), values, values, {key: np.ones(10_000) for key in values})
    spec = spec_named(PACK, "f1:recipeIngredient")
    assert spec is not None
    specs = [dataclasses.replace(spec, name=f"m{at}", keys=((f"m{at}", ""),)) for at in range(3)]
    tracemalloc.start()
    found = measure_all(specs, many)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 200_000_000, f"{most:,} bytes: a table of all draws would be 800 MB a metric"
    for at in range(3):
        mean = values[f"m{at}", ""].mean()
        reach = 1.96 * values[f"m{at}", ""].std() / 100
        low, high = found[f"m{at}"].low, found[f"m{at}"].high
        assert low == pytest.approx(mean - reach, abs=5e-4) and high == pytest.approx(mean + reach, abs=5e-4)


def test_recipes_are_measured_from_their_scores() -> None:
    raw = json.dumps(GOLD)
    scores = score_answer(PACK, parse_answer(PACK, raw, FinishReason.EOS), POST, GOLD, raw=raw, finish="eos")
    found = measure_all(metric_specs(PACK), Cells.from_scores([scores, scores]))
    for name in ("strict", "f1:recipeIngredient", "slot_f1", "abstain_acc", "exact_record", "recipe_count", "recipe_f1",
                 "jaccard:recipeIngredient"):  # fmt: skip
        assert found[name].value == 1.0, name
    for name in ("hallucinated", "omitted", "truncated", "template_echo", "type_error:name"):
        assert found[name].value == 0.0, name
