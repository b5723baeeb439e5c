"""Two arms on the same documents: what is paired, how it is tested, corrected and told (metrics B)."""

import time
from typing import Any

import numpy as np
import pytest
from scipy import stats

from tests.task.score.recipes import PACK
from training.errors import InputError
from training.evals.hypotheses import tost
from training.evals.metrics import Cells, measure, spec_named
from training.evals.paired import (
    PairFigure,
    compare_arms,
    compare_metrics,
    holm,
    mde_mcnemar,
    newcombe_paired,
    sign_flip,
)
from training.evals.statistics import bootstrap_mean, mcnemar_mid_p
from training.task.pack import BUILTIN, find_packs
from training.task.records import Score

NEWS = find_packs(BUILTIN)["news-metadata"]
F1 = ("f1", "recipeIngredient")


def cells(docs: int = 60, seed: int = 0, lift: float = 0.0) -> Cells:
    """An arm with a mean, a rate, a pooled figure and one that applies to every third document."""
    rng = np.random.default_rng(seed)
    scores: list[list[Score]] = []
    for at in range(docs):
        hard = np.random.default_rng(at).random()
        f1 = float(np.clip(0.5 + lift + 0.3 * (hard - 0.5) + rng.normal(0, 0.1), 0, 1))
        passed = float(rng.random() < 0.6 + lift)
        scores.append(
            [
                Score("f1", f1, "recipeIngredient", n=8), Score("strict", passed, n=1),
                Score("hallucinated", float(rng.integers(0, 3)) / 6 * (1 - lift), n=6),
                Score("abstain", passed if at % 3 == 0 else None, "cookTime", n=1),
            ]
        )  # fmt: skip
    return Cells.from_scores(scores)


def figures(a: Cells, b: Cells, clusters: Any = None) -> dict[str, PairFigure]:
    return {figure.metric: figure for figure in compare_arms(PACK, a, b, "base", "tuned", clusters)}


def test_a_mean_is_compared_document_by_document() -> None:
    a, b = cells(seed=1), cells(seed=2, lift=0.2)
    found = figures(a, b)["f1:recipeIngredient"]
    d = b.value(*F1) - a.value(*F1)
    assert found.difference == pytest.approx(d.mean()) and (found.ci_low, found.ci_high) == bootstrap_mean(d)
    assert (found.p, found.test, found.effect_name) == (sign_flip(d), "sign flips", "d_z")
    assert found.effect == pytest.approx(d.mean() / d.std(ddof=1))
    assert found.detectable == pytest.approx(2.8016 * d.std(ddof=1) / np.sqrt(60), rel=1e-3)
    assert (found.wins, found.ties, found.losses) == (int((d > 0).sum()), 0, int((d < 0).sum()))
    assert (found.a, found.b, found.n, found.family, found.p_adjusted) == ("base", "tuned", 60, "primary", found.p)


def test_a_rate_is_compared_by_the_documents_that_differ() -> None:
    a, b = cells(seed=1), cells(seed=2, lift=0.2)
    found = figures(a, b)["strict"]
    x, y = a.value("strict") > 0.5, b.value("strict") > 0.5
    only_a, only_b = int((x & ~y).sum()), int((y & ~x).sum())
    both = int((x & y).sum())
    assert found.difference == pytest.approx((only_b - only_a) / 60)
    assert (found.ci_low, found.ci_high) == newcombe_paired(both, only_a, only_b, 60 - both - only_a - only_b)
    assert found.p == pytest.approx(stats.binomtest(only_b, only_a + only_b).pvalue)
    assert (found.test, found.effect_name) == ("McNemar, exact", "Cohen g")
    assert found.effect == pytest.approx(only_b / (only_a + only_b) - 0.5)
    assert (found.wins, found.losses, found.ties) == (only_b, only_a, 60 - only_a - only_b)
    assert found.detectable == mde_mcnemar(60, round((only_a + only_b) / 60, 6))


def test_a_pooled_figure_is_drawn_for_both_arms_together() -> None:
    a, b = cells(seed=1), cells(seed=2, lift=0.4)
    found = figures(a, b)["hallucinated"]
    spec = spec_named(PACK, "hallucinated")
    assert spec is not None
    left, right = measure(spec, a).value, measure(spec, b).value
    assert left is not None and right is not None and found.difference == pytest.approx(right - left)
    assert found.ci_low is not None and found.ci_high is not None and found.p is not None
    assert found.ci_low < found.difference < found.ci_high  # type: ignore[operator]
    assert (found.p < 0.05) == (found.ci_high < 0)
    assert found.wins > found.losses, "fewer made-up items is better"


def test_only_documents_that_both_have_are_paired() -> None:
    a, b = cells(seed=1), cells(seed=2)
    assert figures(a, b)["abstain:cookTime"].n == 20
    assert "abstain:prepTime" not in figures(a, b), "no arm has it"


def test_the_same_answers_differ_by_nothing() -> None:
    a = cells(seed=1)
    for figure in figures(a, a).values():
        assert (figure.difference, figure.p, figure.wins, figure.losses) == (0.0, 1.0, 0, 0), figure
        assert figure.ci_low is None or figure.ci_low <= 0.0 <= (figure.ci_high or 0.0)


def test_turning_the_arms_turns_the_sign() -> None:
    a, b = cells(seed=1), cells(seed=2, lift=0.1)
    there, back = figures(a, b), figures(b, a)
    for name, figure in there.items():
        assert figure.difference == pytest.approx(-(back[name].difference or 0.0))
        assert figure.p == pytest.approx(back[name].p, abs=0.02)
        assert (figure.wins, figure.losses) == (back[name].losses, back[name].wins)


def test_documents_are_paired_by_their_id_and_must_be_the_same() -> None:
    a, b = cells(seed=1), cells(seed=2, lift=0.1)
    turned = b.take(np.arange(60)[::-1])
    assert figures(a, turned) == figures(a, b)
    with pytest.raises(InputError, match="different documents"):
        figures(a, b.take(np.arange(59)))


def test_corrections_are_by_family() -> None:
    found = figures(cells(seed=1), cells(seed=2, lift=0.1))
    confirmed = [figure for figure in found.values() if figure.family == "confirmatory"]
    assert [figure.p_adjusted for figure in confirmed] == pytest.approx(holm([figure.p or 0.0 for figure in confirmed]))
    rest = [figure for figure in found.values() if figure.family == "exploratory"]
    assert rest and all(figure.p_adjusted is not None and figure.p_adjusted >= (figure.p or 0) for figure in rest)
    loose = compare_metrics([spec] if (spec := spec_named(PACK, "strict")) else [], cells(), cells(seed=3), ("a", "b"))
    assert loose[0].p_adjusted is None and loose[0].family == "exploratory"


def test_dependent_documents_widen_what_is_told() -> None:
    """Five posts of one recipe each: the arms' differences go together within it."""
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(40), 5)
    moved = rng.normal(0.05, 0.15, 40)[groups] + rng.normal(0, 0.02, 200)
    a = Cells.from_scores([[Score("f1", 0.5, "recipeIngredient", n=4)] for _ in groups])
    b = Cells.from_scores([[Score("f1", 0.5 + d, "recipeIngredient", n=4)] for d in moved])
    alone, together = figures(a, b)["f1:recipeIngredient"], figures(a, b, list(groups))["f1:recipeIngredient"]
    assert together.test == "sign flips by cluster" and together.n_clusters == 40 and not together.note
    width = [(f.ci_high or 0) - (f.ci_low or 0) for f in (alone, together)]
    assert width[1] > 1.8 * width[0]
    assert (together.detectable or 0) > 1.8 * (alone.detectable or 0) and (together.p or 0) > (alone.p or 0)
    few = figures(a, b, list(groups // 4))["f1:recipeIngredient"]
    assert "Only 10 groups" in few.note
    named = figures(a, b, dict(zip(a.docs, (str(group) for group in groups), strict=True)))["f1:recipeIngredient"]
    assert named == together


def news_cells(gold: list[int], given: list[int | None]) -> Cells:
    documents: list[list[Score]] = []
    for right, said in zip(gold, given, strict=True):
        far = 10 if 10 - right > right - 1 else 1
        counted = said if said is not None else far
        documents.append(
            [
                Score("mae_penalised", float(abs(right - counted)), "relevance_score", n=1),
                Score("mae_parsed", None if said is None else float(abs(right - said)), "relevance_score", n=1),
                Score("relevance_gold", float(right), "relevance_score", n=1),
                Score("relevance_counted", float(counted), "relevance_score", n=1),
            ]
        )
    return Cells.from_scores(documents)


def test_a_scale_is_compared_by_ranks() -> None:
    rng = np.random.default_rng(4)
    gold = [int(g) for g in rng.integers(1, 11, 80)]
    off = [int(np.clip(g + rng.integers(-3, 4), 1, 10)) for g in gold]
    near = [int(np.clip(g + rng.integers(-1, 2), 1, 10)) for g in gold]
    found = {
        f.metric: f
        for f in compare_arms(NEWS, news_cells(gold, list(off)), news_cells(gold, list(near)), "a", "b", None)
    }
    error = found["mae_penalised:relevance_score"]
    assert (error.test, error.effect_name) == ("Wilcoxon (Pratt)", "rank-biserial")
    assert (
        error.difference is not None and error.difference < 0 and (error.effect or 0) < 0 and error.wins > error.losses
    )
    assert error.shift is not None and error.shift < 0 and not error.note
    kappa = found["qwk:relevance_score"]
    assert kappa.difference is not None and kappa.difference > 0 and (kappa.p or 1) < 0.01 and kappa.wins > kappa.losses
    assert kappa.ci_low is not None and kappa.ci_low > 0


def test_an_arm_that_answers_five_of_ninety_six_gains_nothing_by_silence() -> None:
    """Metrics 0: MAE of the 5 answers looks fine, with the other 91 counted it falls behind a constant."""
    rng = np.random.default_rng(5)
    gold = [int(g) for g in np.clip(rng.normal(8, 2, 96).round(), 1, 10)]
    few: list[int | None] = [g if at < 5 else None for at, g in enumerate(gold)]
    constant: list[int | None] = [int(np.median(gold))] * 96
    found = {
        f.metric: f for f in compare_arms(NEWS, news_cells(gold, constant), news_cells(gold, few), "c", "few", None)
    }
    assert (found["mae_parsed:relevance_score"].n, found["mae_penalised:relevance_score"].n) == (5, 96)
    assert (found["mae_penalised:relevance_score"].difference or 0) > 2
    assert (found["skill:relevance_score"].difference or 0) < 0


def test_what_was_declared_is_tested_for_being_the_same_too() -> None:
    found = figures(cells(seed=1), cells(seed=2))
    f1, strict = found["f1:recipeIngredient"], found["strict"]
    d = cells(seed=2).value(*F1) - cells(seed=1).value(*F1)
    assert (f1.p_same, f1.same_low, f1.same_high) == tost(d, PACK.evaluation.minimum_difference)
    assert f1.margin == PACK.evaluation.minimum_difference and f1.p_mid is None
    assert strict.p_mid is not None and strict.p is not None and strict.p_mid < strict.p
    assert strict.p_mid == mcnemar_mid_p(strict.losses, strict.wins)
    assert found["hallucinated"].margin is None, "nothing was declared of it"
    same = figures(cells(seed=1), cells(seed=1))["f1:recipeIngredient"]
    assert same.p_same == 0.0
    pairs = [f"c{at // 2}" for at in range(60)]
    grouped = figures(cells(seed=1), cells(seed=2), pairs)["f1:recipeIngredient"]
    assert grouped.same_low is not None and grouped.ci_low is not None and grouped.ci_low < grouped.same_low
    assert grouped.p_same is not None and 0 < grouped.p_same <= 1


def test_ten_thousand_documents_are_compared_in_seconds() -> None:
    """No time is asserted: it is printed. Memory is what a block of draws takes."""
    import tracemalloc

    a, b = cells(10_000, seed=1), cells(10_000, seed=2, lift=0.01)
    tracemalloc.start()
    began = time.monotonic()
    found = figures(a, b)
    print(f"{len(found)} metrics of 10,000 documents in {time.monotonic() - began:.1f} s")  # noqa: T201
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found["f1:recipeIngredient"].n == 10_000 and most < 200_000_000


def test_draws_of_few_documents_are_no_test() -> None:
    def p_of(docs: int, metric: str) -> float | None:
        found = compare_arms(PACK, cells(docs, 1), cells(docs, 2, 0.3), "a", "b", None)
        return next(figure.p for figure in found if figure.metric == metric)

    assert p_of(12, "hallucinated") is None
    assert p_of(60, "hallucinated") is not None
