"""All scores of an answer: tiers, abstention, and the trivial answers that must never look good (metrics A0)."""

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.task.score.recipes import GOLD, PACK, POST, parsed, step
from training.task.records import FinishReason, Score, Tier
from training.task.score.answer import COUNTED, counted_object, headline_scores, score_answer

GOOD_METRICS = ("strict", "usable", "schema_valid", "f1", "soft_f1", "ordered_f1", "recall", "precision", "slot",
                "exact_record", "qty_acc", "unit_acc")  # fmt: skip
WRITTEN = json.dumps(GOLD)


def scores_of(answer: Any, gold: dict[str, Any] | None = GOLD, **kwargs: Any) -> dict[tuple[str, str], Score]:
    reason = kwargs.pop("reason", FinishReason.EOS)
    raw = answer if isinstance(answer, str) else json.dumps(answer)
    found = score_answer(PACK, parsed(answer, reason), POST, gold, raw=raw, **kwargs)
    assert len({(s.metric, s.field) for s in found}) == len(found), "one score a metric and field"
    return {(s.metric, s.field): s for s in found}


def value(answer: Any, metric: str, field: str = "", **kwargs: Any) -> float | None:
    return scores_of(answer, **kwargs)[metric, field].value


def number(answer: Any, metric: str, field: str = "") -> float:
    found = value(answer, metric, field)
    assert found is not None
    return found


def test_the_right_answer_is_perfect() -> None:
    for (metric, field), score in scores_of(GOLD).items():
        if metric in GOOD_METRICS and score.value is not None:
            assert score.value == 1.0, (metric, field)
    assert (value(GOLD, "omitted"), value(GOLD, "hallucinated"), value(GOLD, "hallucinated_docs")) == (0.0, 0.0, 0.0)
    assert value(GOLD, "slot", "totalTime") is None
    assert value(GOLD, "abstain", "totalTime") == 1.0


def test_every_score_has_one_sentence_for_people() -> None:
    for answer in (GOLD, {}, "no", {"recipeIngredient": 3}):
        for score in scores_of(answer).values():
            assert score.explanation.endswith(".") and not score.explanation[0].islower(), score


@pytest.mark.parametrize(
    ("answer", "reason", "counted"),
    [
        (WRITTEN, FinishReason.EOS, {"strict", "usable", "repaired"}),
        (f"Here:\n{WRITTEN}", FinishReason.EOS, {"usable", "repaired"}),
        (WRITTEN[:-3], FinishReason.EOS, {"repaired"}),
        (WRITTEN[:-3], FinishReason.LENGTH, set[str]()),
        ("no", FinishReason.EOS, set[str]()),
    ],
)
def test_a_tier_that_does_not_count_scores_0(answer: str, reason: FinishReason, counted: set[str]) -> None:
    for tier in COUNTED:
        f1 = value(answer, "f1", "recipeIngredient", tier=tier, reason=reason)
        assert (f1 == 1.0) == (tier in counted)
        assert value(answer, tier, reason=reason) == float(tier in counted)


def test_an_unknown_tier_is_refused() -> None:
    with pytest.raises(KeyError):
        score_answer(PACK, parsed(GOLD), POST, GOLD, tier="lenient")


def test_a_failed_answer_scores_0_even_where_nothing_was_to_be_said() -> None:
    gold = {key: item for key, item in GOLD.items() if key not in ("recipeIngredient", "recipeInstructions")}
    for field in ("recipeIngredient", "recipeInstructions"):
        assert value("no", "f1", field, gold=gold) == 0.0
        assert value("no", "abstain", field, gold=gold) == 0.0
        assert value(gold, "f1", field, gold=gold) is None
        assert value(gold, "abstain", field, gold=gold) == 1.0
        assert value(GOLD, "f1", field, gold=gold) == 0.0
    assert value("no", "omitted") == 1.0
    assert ("hallucinated", "") not in scores_of("no")
    assert value("no", "schema_errors") is None


@pytest.mark.parametrize("answer", [{}, {"@context": "https://schema.org", "@type": "Recipe"}, {"name": " "}])
def test_no_recipe_and_none_given(answer: dict[str, Any]) -> None:
    assert value(answer, "abstain", gold={}) == 1.0
    assert ("exact_record", "") not in scores_of(answer, gold={})


@pytest.mark.parametrize("answer", [GOLD, {"name": "x"}, {"recipeIngredient": [""], "author": "me"}, "no", "[]"])
def test_no_recipe_and_one_given(answer: Any) -> None:
    assert value(answer, "abstain", gold={}) == 0.0


def test_without_a_known_answer_only_form_and_grounding_are_scored() -> None:
    found = scores_of(GOLD, gold=None)
    assert ("hallucinated", "") in found and ("schema_valid", "") in found
    assert not {"f1", "slot", "abstain", "omitted", "exact_record"} & {metric for metric, _ in found}


ECHO = {
    "@context": "https://schema.org", "@type": "Recipe", "name": "string", "recipeIngredient": ["string", "string"],
    "recipeInstructions": [step("string")], "prepTime": "PT25M", "recipeYield": "string",
}  # fmt: skip
TRIVIAL = {
    "empty": {},
    "echo": ECHO,
    "schema": PACK.schema,
    "copy": {**GOLD, "name": POST[:40], "recipeIngredient": [POST], "recipeInstructions": [step(POST)]},
    "nothing": "",
    "cut": WRITTEN[:80],
}


@pytest.mark.parametrize("name", TRIVIAL)
def test_no_trivial_answer_comes_near_the_right_one(name: str) -> None:
    for field in ("recipeIngredient", "recipeInstructions"):
        f1 = value(TRIVIAL[name], "f1", field)
        assert f1 is not None and f1 < 0.5
    assert value(TRIVIAL[name], "exact_record") == 0.0


def test_an_empty_answer_is_all_omission_and_no_praise() -> None:
    assert value({}, "omitted") == 1.0
    assert value({}, "hallucinated") is None
    assert value({}, "exact_record") == 0.0
    assert value({}, "slot", "name") == 0.0


def test_echoes_of_the_request_are_told() -> None:
    assert value(ECHO, "template_echo") == 1.0
    assert value(ECHO, "hallucinated") == 1.0
    assert value(GOLD, "template_echo") == 0.0
    assert value(PACK.schema, "template_echo") == 1.0
    assert value({**GOLD, "totalTime": "PT25M"}, "template_echo") == 1.0
    assert value({"cookTime": "PT20M"}, "template_echo") == 0.0


def test_an_example_that_the_source_says_is_no_echo() -> None:
    said = score_answer(PACK, parsed({"cookTime": "PT25M"}), "Bake for 25 minutes.", None)
    assert {s.metric: s.value for s in said}["template_echo"] == 0.0


def test_leaked_instructions_are_told() -> None:
    leak = PACK.user.partition("{source}")[0][:80]
    assert value({**GOLD, "description": leak}, "prompt_leak") == 1.0
    assert value(leak, "prompt_leak") == 1.0
    assert value(GOLD, "prompt_leak") == 0.0
    quoted = score_answer(PACK, parsed({"description": leak}), f"A post that quotes: {leak}", None)
    assert {s.metric: s.value for s in quoted}["prompt_leak"] == 0.0


def test_a_value_of_the_wrong_type_matches_nothing() -> None:
    texts = [item["text"] for item in GOLD["recipeInstructions"]]
    assert value({**GOLD, "recipeInstructions": texts}, "f1", "recipeInstructions") == 0.0
    assert value({**GOLD, "recipeIngredient": ", ".join(GOLD["recipeIngredient"])}, "f1", "recipeIngredient") == 0.0
    assert value({**GOLD, "name": ["Grandma's Lemon Cake"]}, "slot", "name") == 0.0


def test_steps_cut_otherwise_are_the_same_steps() -> None:
    joined = {**GOLD, "recipeInstructions": [step(" ".join(item["text"] for item in GOLD["recipeInstructions"]))]}
    assert value(joined, "f1", "recipeInstructions") == 1.0
    assert value(joined, "ordered_f1", "recipeInstructions") == 1.0


def test_a_wrong_amount_spoils_the_record_and_not_the_name() -> None:
    wrong = {**GOLD, "recipeIngredient": ["1½ cups sugar", "5 cups flour", "three eggs, beaten", "a pinch of salt"]}
    assert value(wrong, "f1", "recipeIngredient") == 1.0
    assert value(wrong, "qty_acc", "recipeIngredient") == 0.75
    assert value(wrong, "qty_halluc", "recipeIngredient") == 0.25
    assert (value(wrong, "exact_record"), value(wrong, "ingredient_exact", "recipeIngredient")) == (0.0, 0.75)


def test_contradictions_within_an_answer() -> None:
    off = {**GOLD, "totalTime": "PT3H"}
    assert (value(off, "lint:total_time", "totalTime"), value(GOLD, "lint:total_time", "totalTime")) == (1.0, None)
    butter = {**GOLD, "recipeInstructions": [step("Melt the butter.")]}
    assert (value(butter, "lint:food_not_listed"), value(GOLD, "lint:food_not_listed")) == (1.0, 0.0)
    assert (value({"name": "x"}, "lint:empty_critical"), value(GOLD, "lint:empty_critical")) == (1.0, 0.0)


def test_dose_response_more_mistakes_never_score_higher() -> None:
    """Taking items away one by one, and putting inventions in, moves F1 down and the two error rates up."""
    rng = random.Random(3)
    for field in ("recipeIngredient", "recipeInstructions"):
        items = list(GOLD[field])
        f1: list[float] = []
        omitted: list[float] = []
        while items:
            f1.append(number({**GOLD, field: items}, "f1", field))
            omitted.append(number({**GOLD, field: items}, "omitted"))
            items = items[:]
            items.pop(rng.randrange(len(items)))
        assert f1 == sorted(f1, reverse=True) and omitted == sorted(omitted)
    made_up = ["100 g butter", "5 leeks", "1 cup rye", "9 figs"]
    rates = [
        number({**GOLD, "recipeIngredient": GOLD["recipeIngredient"] + made_up[:k]}, "hallucinated") for k in range(5)
    ]
    assert rates == sorted(rates) and rates[0] == 0.0 and rates[-1] == pytest.approx(4 / 14)


def test_headline() -> None:
    good, bad, none = (headline_scores(PACK, parsed(a), POST) for a in (GOLD, {**GOLD, "author": "x"}, "no"))
    assert (good.tier, good.schema_errors, good.items_supported, good.items_checked) == (Tier.STRICT, 0, 10, 10)
    assert (bad.schema_errors, bad.items_supported, bad.items_checked) == (1, 10, 11)
    assert (none.tier, none.schema_errors, none.items_checked) == (Tier.FAILED, None, 0)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from([spec.name for spec in PACK.fields]) | st.text(max_size=5)
ANSWERS = st.dictionaries(KEYS, JSON, max_size=6)


@settings(max_examples=60, deadline=None)
@given(ANSWERS, st.sampled_from([None, {}, GOLD]), st.sampled_from(["strict", "usable", "repaired"]))
def test_any_object_can_be_scored(answer: dict[str, Any], gold: dict[str, Any] | None, tier: str) -> None:
    for score in scores_of(answer, gold=gold, tier=tier).values():
        unbounded = score.metric in (
            "schema_errors",
            "missing",
            "duration_error_minutes",
            "order_tau",
            "chars",
            "words",
        )
        assert score.value is None or unbounded or 0.0 <= score.value <= 1.0, score


@settings(max_examples=60, deadline=None)
@given(st.text(), st.sampled_from(FinishReason))
def test_a_wider_tier_never_counts_less(raw: str, reason: FinishReason) -> None:
    answer = parsed(raw, reason)
    strict, usable, repaired = (counted_object(answer, tier) for tier in ("strict", "usable", "repaired"))
    assert strict is None or usable == strict
    assert usable is None or repaired == usable


@pytest.mark.parametrize(
    ("finish", "raw", "ends"),
    [
        (FinishReason.EOS, '{"name": "x"}', 1.0),
        (FinishReason.RAN_ON, '{"name": "x"}', 0.0),
        (FinishReason.LENGTH, '{"name": "x"} and on and on', 0.0),
        (FinishReason.STOP, '{"name": "x"}', None),
        (FinishReason.EOS, '{"name": "x"', None),
        (FinishReason.ERROR, '{"name": "x"}', None),
    ],
)
def test_who_ended_behind_an_object_is_known_where_it_was_looked_at(
    finish: FinishReason, raw: str, ends: float | None
) -> None:
    found = scores_of(raw, reason=finish, finish=finish).get(("ends", ""))
    assert (None if found is None else found.value) == ends
