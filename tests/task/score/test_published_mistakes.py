"""Wrong numbers that published comparisons of this kind printed, each made impossible here (metrics 0).

The shapes are those of the two source documents' evaluations: their own arithmetic first, then what it has to be.
"""

import json
from typing import Any

import numpy as np
import pytest

from tests.task.score.recipes import GOLD, PACK, POST, step
from training.evals.evaluate import Row, evaluate
from training.evals.metrics import Cells, measure_all, metric_specs
from training.evals.records import EvalRow
from training.evals.trivial import trivial_arm
from training.task.pack import BUILTIN, find_packs
from training.task.parse import parse_answer
from training.task.records import FinishReason, Score, Tier
from training.task.score.answer import score_answer

NEWS = find_packs(BUILTIN)["news-metadata"]
ITEM = "Kalvane has collected 180 million dollars. The round was led by Quiet Lantern."


def news_gold(companies: list[str], relevance: int = 8) -> dict[str, Any]:
    return {
        "relevance_score": relevance,
        "key_insights": ["The round was led by Quiet Lantern"],
        "company_names": companies,
        "summary": "Kalvane has collected 180 million dollars.",
    }


def scored(raw: str, gold: Any = GOLD, reason: str = "eos", pack: Any = PACK, text: str = POST) -> dict[Any, Score]:
    parsed = parse_answer(pack, raw, FinishReason(reason))
    found = score_answer(pack, parsed, text, gold, raw=raw, finish=reason)
    return {(score.metric, score.field): score for score in found}


def test_a_failed_answer_is_not_an_empty_list_that_is_right() -> None:
    """63 of 96 golds name no company; failed parses became [] and scored 1.0 there: "F1 0.396". It is 0."""
    rows = [Row(str(at), ITEM, news_gold([] if at < 63 else ["Kalvane"])) for at in range(96)]
    found = evaluate(NEWS, rows, {"base": [("I like it.", "length")] * 96}, resamples=99)["base"].overall
    assert found["f1:company_names"].value == 0.0 and found["f1:company_names"].n_scored == 96
    assert found["abstain:company_names"].value == 0.0 and found["abstain:company_names"].n_scored == 63
    theirs = (63 * 1.0 + 33 * 0.0) / 96
    assert theirs == pytest.approx(0.656, abs=1e-3), "what both-empty-is-1 would have printed"


def test_both_empty_is_no_success_of_finding() -> None:
    answer = json.dumps(news_gold([]))
    found = scored(answer, news_gold([]), pack=NEWS, text=ITEM)
    assert found["f1", "company_names"].value is None and found["jaccard", "company_names"].value is None
    assert found["abstain", "company_names"].value == 1.0


def test_a_missing_rating_is_no_rating_outside_the_scale() -> None:
    """Relevance 0 was put in for 91 unparsed rows: MAE 6.98 where a constant 9 gets 2.42."""
    rng = np.random.default_rng(1)
    golds = [int(g) for g in np.clip(rng.normal(8, 2.5, 96).round(), 1, 10)]
    rows = [Row(str(at), ITEM, news_gold(["Kalvane"], gold)) for at, gold in enumerate(golds)]
    answers = [(json.dumps(news_gold(["Kalvane"], golds[at])) if at < 5 else "no", "eos") for at in range(96)]
    scores = evaluate(NEWS, rows, {"base": answers}, resamples=99)["base"].scores
    found = measure_all(metric_specs(NEWS), Cells.from_scores(scores), resamples=99)
    assert (found["mae_parsed:relevance_score"].value, found["mae_parsed:relevance_score"].n_scored) == (0.0, 5)
    worst = [max(gold - 1, 10 - gold) for gold in golds]
    assert found["mae_penalised:relevance_score"].value == pytest.approx(sum(worst[5:]) / 96)
    assert (found["skill:relevance_score"].value or 0) < 0, "a constant sets the floor"
    assert (found["qwk:relevance_score"].value or 0) < 0.1


def test_a_constant_sets_the_floor_for_relevance() -> None:
    golds = [9, 9, 8, 9, 3, 10, 9, 2]
    rows = [EvalRow(str(at), ITEM, news_gold(["Kalvane"], gold)) for at, gold in enumerate(golds)]
    said = trivial_arm("constant", NEWS, rows)(rows[0])
    assert json.loads(said)["relevance_score"] == 9
    plain = [Row(row.id, row.source, row.gold) for row in rows]
    scores = evaluate(NEWS, plain, {"constant": [(said, "eos")] * 8}, resamples=99)["constant"].scores
    found = measure_all(metric_specs(NEWS), Cells.from_scores(scores), resamples=99)
    assert found["skill:relevance_score"].value == 0.0
    assert found["qwk:relevance_score"].value == pytest.approx(0.0, abs=1e-12)
    assert found["spearman:relevance_score"].value is None


TEMPLATE = """{
  "@context": "https://schema.org/",
  "@type": "Recipe",
  "name": "Recipe Name",
  "recipeIngredient": ["quantity of ingredient 1", "quantity of ingredient 2", ...],
  "recipeInstructions": [{"@type": "HowToStep", "text": "Step 1"}, ...]
}"""


@pytest.mark.parametrize("tier", ["strict", "usable", "repaired"])
def test_a_template_sent_back_is_not_valid(tier: str) -> None:
    """Their evaluator called exactly this valid, without a warning."""
    for raw in (TEMPLATE, TEMPLATE.replace(", ...", "").replace("schema.org/", "schema.org")):
        parsed = parse_answer(PACK, raw, FinishReason.EOS)
        found = {(s.metric, s.field): s.value for s in score_answer(PACK, parsed, POST, GOLD, tier=tier, raw=raw)}
        assert found["schema_valid", ""] == 0.0, raw
        assert found["template_echo", ""] == 1.0
        assert found["f1", "recipeIngredient"] == 0.0 and found["exact_record", ""] == 0.0


@pytest.mark.parametrize("pack", [PACK, NEWS, find_packs(BUILTIN)["recipe-writer"]], ids=lambda pack: pack.name)
def test_our_own_template_sent_back_is_not_valid(pack: Any) -> None:
    raw = trivial_arm("echo", pack, [])(EvalRow("a", "Lemon Cake", None))
    found = scored(raw, None, pack=pack, text="Lemon Cake")
    assert found["schema_valid", ""].value == 0.0 and found["template_echo", ""].value == 1.0


def test_a_bare_frame_of_a_record_is_no_record() -> None:
    """{"@context": "x", "@type": "Recipe", "name": "y"} was valid."""
    found = scored('{"@context":"x","@type":"Recipe","name":"y"}')
    assert (found["schema_valid", ""].value == 0.0 and found["omitted", ""].value == 1 - 0 / 10) or found[
        "omitted", ""
    ].value
    kept = scored('{"@context":"https://schema.org","@type":"Recipe","name":"y"}')
    assert kept["f1", "recipeIngredient"].value == 0.0 and kept["exact_record", ""].value == 0.0
    assert (kept["omitted", ""].value or 0) > 0.8


def test_a_time_that_is_none_breaks_the_contract() -> None:
    """prepTime "PTxyz" was not even a warning."""
    for wrong in ("PTxyz", "15 min", "PT", "pt15m", "P1M", "-PT5M"):
        assert scored(json.dumps({**GOLD, "prepTime": wrong}))["schema_valid", ""].value == 0.0, wrong


def test_a_repaired_truncation_is_not_strict_and_not_valid() -> None:
    """A recipe cut in mid-JSON was valid, because a repair tool closed it first."""
    cut = json.dumps(GOLD)[:200]
    parsed = parse_answer(PACK, cut, FinishReason.LENGTH)
    assert parsed.tier is Tier.REPAIRED_TRUNCATED and parsed.object
    for tier in ("strict", "usable", "repaired"):
        found = {(s.metric, s.field): s.value for s in
                 score_answer(PACK, parsed, POST, GOLD, tier=tier, raw=cut, finish="length")}  # fmt: skip
        assert (found["strict", ""], found["usable", ""], found["repaired", ""]) == (0.0, 0.0, 0.0)
        assert (found["truncated", ""], found["schema_valid", ""], found["repair_gain", ""]) == (1.0, 0.0, 0.0)
        assert found["f1", "recipeIngredient"] == 0.0 and found["omitted", ""] == 1.0


def test_several_objects_are_not_joined() -> None:
    """A greedy {.*} joined them."""
    both = json.dumps(GOLD) + "\n" + json.dumps({"name": "another"})
    found = scored(both)
    assert (found["strict", ""].value, found["multi_object", ""].value) == (0.0, 1.0)


def test_an_empty_answer_does_not_look_good() -> None:
    for raw in ("", "{}"):
        found = scored(raw)
        lists = [("f1", "recipeIngredient"), ("ordered_f1", "recipeInstructions"), ("jaccard", "recipeIngredient")]
        for key in [*lists, ("exact_record", ""), ("slot", "name"), ("slot_f1", ""), ("recipe_f1", ""),
                    ("recipe_count", "")]:  # fmt: skip
            assert found[key].value == 0.0, (raw, key)
        assert found["omitted", ""].value == 1.0 and found["empty_rate", "recipeIngredient"].value == 1.0
        assert found.get(("hallucinated", ""), Score("", None)).value is None, "nothing made up is no merit of nothing"
    assert scored("")["schema_valid", ""].value == scored("")["abstain", "totalTime"].value == 0.0


def test_no_trivial_arm_wins_where_it_should_not() -> None:
    """On whatever says how good an answer is, knowing the answer beats every arm that read nothing."""
    rows = [EvalRow(str(at), POST, GOLD) for at in range(3)]
    arms = {name: trivial_arm(name, PACK, rows) for name in ("empty", "echo")}
    raws = {name: [(arm(row), "eos") for row in rows] for name, arm in arms.items()}
    raws |= {"nothing": [("{}", "eos")] * 3, "right": [(json.dumps(GOLD), "eos")] * 3}
    plain = [Row(row.id, row.source, row.gold) for row in rows]
    scores = {arm: found.scores for arm, found in evaluate(PACK, plain, raws, resamples=99).items()}
    specs = [spec for spec in metric_specs(PACK) if spec.group in ("content", "grounding") and spec.better != "none"]
    found = {arm: measure_all(specs, Cells.from_scores(scored_), resamples=99) for arm, scored_ in scores.items()}
    for spec in specs:
        right = found["right"][spec.name].value
        for arm in ("empty", "echo", "nothing"):
            other = found[arm][spec.name].value
            if right is not None and other is not None:
                ahead = other - right if spec.better == "higher" else right - other
                assert ahead <= 1e-12, (spec.name, arm, other, right)


def test_one_inserted_ingredient_shifts_nothing() -> None:
    more = {**GOLD, "recipeIngredient": ["2 lemons", *GOLD["recipeIngredient"]]}
    assert scored(json.dumps(more))["recall", "recipeIngredient"].value == 1.0


def test_steps_in_reverse_are_not_the_same_steps() -> None:
    """Under ANLS* they are: 1.0."""
    turned = {**GOLD, "recipeInstructions": [step(item["text"]) for item in reversed(GOLD["recipeInstructions"])]}
    found = scored(json.dumps(turned))
    assert found["f1", "recipeInstructions"].value == 1.0
    assert found["ordered_f1", "recipeInstructions"].value == pytest.approx(2 / 3)
    assert found["exact_record", ""].value == 0.0
