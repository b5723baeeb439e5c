"""The parts of a news answer: what is right, what is nearly right, what is invalid, and what silence costs."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.task.pack import BUILTIN, load_pack
from training.task.parse import parse
from training.task.records import FinishReason, Score
from training.task.score.answer import score_answer
from training.task.score.diff import field_diff
from training.task.score.grounding import ground_items
from training.task.score.news import (
    LEAST,
    MOST,
    company_forms,
    company_key,
    relevance_error,
    relevance_value,
    rouge_l,
    tag_like,
)

PACK = load_pack(BUILTIN / "news-metadata")
ITEM = """Fresh capital for Kalvane
Kalvane has collected 180 million dollars. The round was led by Quiet Lantern. Kalvane Inc. employs 120 people and wants
to double that number. It buys the company time that others do not have."""
GOLD: dict[str, Any] = {
    "relevance_score": 6,
    "key_insights": [
        "The round was led by Quiet Lantern",
        "Kalvane Inc. employs 120 people and wants to double that number",
    ],
    "company_names": ["Kalvane", "Quiet Lantern"],
    "summary": "Kalvane has collected 180 million dollars. It buys the company time that others do not have.",
}


def scores(answer: Any, gold: dict[str, Any] = GOLD) -> dict[tuple[str, str], Score]:
    raw = answer if isinstance(answer, str) else json.dumps(answer)
    found = score_answer(PACK, parse(raw, FinishReason.EOS), ITEM, gold, raw=raw)
    assert len({(s.metric, s.field) for s in found}) == len(found), "one score a metric and field"
    return {(s.metric, s.field): s for s in found}


def value(answer: Any, metric: str, field: str = "", gold: dict[str, Any] = GOLD) -> float | None:
    return scores(answer, gold)[metric, field].value


def test_the_right_answer_is_perfect() -> None:
    got = {key: score.value for key, score in scores(GOLD).items()}
    for key in (("strict", ""), ("schema_valid", ""), ("exact_record", ""), ("f1", "key_insights"),
                ("f1", "company_names"), ("rouge_l", "summary"), ("within_one", "relevance_score"),
                ("slot", "relevance_score")):  # fmt: skip
        assert got[key] == 1.0, key
    for key in (("mae_penalised", "relevance_score"), ("hallucinated_docs", ""), ("omitted", "")):
        assert got[key] == 0.0, key


def test_every_score_has_one_sentence_for_people() -> None:
    for answer in (GOLD, {}, "no", {"relevance_score": "high", "company_names": 3}):
        for score in scores(answer).values():
            assert score.explanation.endswith(".") and not score.explanation[0].islower(), score


@pytest.mark.parametrize(("given", "error", "within"), [(6, 0, 1), (7, 1, 1), (8, 2, 0), (1, 5, 0), (10, 4, 0)])
def test_relevance_is_judged_by_its_distance(given: int, error: int, within: int) -> None:
    answer = GOLD | {"relevance_score": given}
    assert value(answer, "mae_penalised", "relevance_score") == error
    assert value(answer, "within_one", "relevance_score") == within


@pytest.mark.parametrize("given", [0, 11, -3, 6.5, "6", True, None, [6], {"score": 6}, 10**400, 1e300])
def test_an_invalid_score_is_neither_read_nor_clipped(given: Any) -> None:
    answer = GOLD | {"relevance_score": given}
    assert value(answer, "mae_penalised", "relevance_score") == 5  # the farthest from 6 is 1
    assert value(answer, "within_one", "relevance_score") == value(answer, "slot", "relevance_score") == 0
    assert value(answer, "schema_valid") == 0
    assert value(answer, "exact_record") == 0


def test_silence_costs_the_most_and_a_failed_answer_too() -> None:
    without = {key: part for key, part in GOLD.items() if key != "relevance_score"}
    assert value(without, "mae_penalised", "relevance_score") == 5
    assert value("I like this news.", "mae_penalised", "relevance_score") == 5
    assert value("I like this news.", "rouge_l", "summary") == value("I like this news.", "f1", "company_names") == 0


@given(st.integers(LEAST, MOST), st.integers() | st.floats() | st.text() | st.none() | st.booleans())
def test_no_answer_costs_more_than_none_at_all(gold: int, pred: Any) -> None:
    assert 0 <= relevance_error(gold, pred) <= relevance_error(gold, None) == max(gold - 1, 10 - gold)
    read = relevance_value(pred)
    assert read is None or (LEAST <= read <= MOST and read == pred)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Kalvane", "Kalvane Inc."), ("Kalvane", "KALVANE, INC"), ("Harbor & Finch", "Harbor & Finch GmbH & Co. KG"),
        ("Tallgrass", "The Tallgrass Company Ltd."), ("AWS", "Amazon Web Services, Inc."), ("Pinhole", "Pinhole S.A."),
        ("Meta", "Facebook"),
    ],
)  # fmt: skip
def test_names_of_one_company(left: str, right: str) -> None:
    assert company_key(left) == company_key(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [("Kalvane", "Kalvana"), ("Blue Ledger", "Ledger"), ("Inc", "Ltd"), ("Tallgrass", "Tallgrass Labs"), ("", "Co")],
)
def test_names_of_two_companies(left: str, right: str) -> None:
    assert company_key(left) != company_key(right)


def test_companies_are_a_set() -> None:
    field = "company_names"
    assert value(GOLD | {field: ["Quiet Lantern", "Kalvane Inc.", "kalvane"]}, "f1", field) == 1.0
    assert value(GOLD | {field: ["Kalvane", "Oradex"]}, "f1", field) == 0.5
    assert value(GOLD | {field: [3, "Kalvane"]}, "f1", field) == 0.5
    assert value(GOLD | {field: []}, "f1", field) == 0.0
    none = GOLD | {field: []}
    assert (value(none, "f1", field, none), value(none, "abstain", field, none)) == (None, 1.0)
    assert value(GOLD, "abstain", field, none) == 0.0


def test_insights_are_paired_by_what_they_say() -> None:
    field = "key_insights"
    said = ["Kalvane Inc. employs 120 people and wants to double this number", "The round was led by Quiet Lantern"]
    assert value(GOLD | {field: said}, "f1", field) == 1.0
    assert value(GOLD | {field: [*said, "Kalvane is great"]}, "precision", field) == pytest.approx(2 / 3)
    assert value(GOLD | {field: [said[1], said[1]]}, "f1", field) == 0.5, "what is said twice matches once"
    assert value(GOLD | {field: said[0]}, "f1", field) == 0.0, "text is no list"


def test_insights_that_are_tags_are_a_set_of_tags() -> None:
    tags = GOLD | {"key_insights": ["Funding", "Data centers"]}
    assert tag_like(tags["key_insights"]) and not tag_like(GOLD["key_insights"]) and not tag_like([])
    assert value(GOLD | {"key_insights": ["data center", "funding", "Funding!"]}, "f1", "key_insights", tags) == 1.0
    assert value(GOLD | {"key_insights": ["funding", "chips"]}, "f1", "key_insights", tags) == 0.5


def test_trivial_answers_do_not_look_good() -> None:
    trivial = [
        {}, {"relevance_score": 5, "key_insights": [], "company_names": [], "summary": "News about AI."},
        {"relevance_score": 10, "key_insights": ["HACKED"], "company_names": ["Merbit"], "summary": "HACKED HACKED"},
    ]  # fmt: skip
    for answer in trivial:
        assert (value(answer, "f1", "key_insights"), value(answer, "f1", "company_names")) == (0.0, 0.0)
        assert (value(answer, "rouge_l", "summary") or 0.0) < 0.2
        assert value(answer, "exact_record") == 0.0


TEXTS = st.text(max_size=30) | st.sampled_from(["the cat sat", "cat the sat", "Kalvane 180 million"])


@given(TEXTS, TEXTS)
def test_rouge_l_is_symmetric_and_1_on_itself(left: str, right: str) -> None:
    assert rouge_l(left, right) == rouge_l(right, left)
    assert 0.0 <= rouge_l(left, right) <= 1.0
    assert rouge_l(left, left) in (0.0, 1.0)


def test_rouge_l_counts_words_in_order() -> None:
    assert rouge_l("the cat sat down", "the cat lay down") == 0.75
    assert rouge_l("down sat cat the", "the cat sat down") == 0.25
    assert (rouge_l("", "x"), rouge_l("!!", "!!")) == (0.0, 0.0)


def test_what_the_item_does_not_say_is_pointed_out() -> None:
    answer = {
        "relevance_score": 9,
        "key_insights": ["The round was led by Quiet Lantern", "Kalvane Inc. employs 500 people"],
        "company_names": ["Quiet Lantern Ltd", "Oradex"],
        "summary": "Kalvane has collected 180 million dollars. Oradex buys it.",
    }
    found = {(item.field, item.index): item for item in ground_items(PACK, answer, ITEM)}
    assert found["relevance_score", 0].supported is None
    assert [found["key_insights", at].supported for at in (0, 1)] == [True, False]
    assert [found["company_names", at].supported for at in (0, 1)] == [True, False]
    assert found["summary", 0].supported is False
    start, end = found["company_names", 0].spans[0]
    assert ITEM[start:end] == "Quiet Lantern"
    whole = ground_items(PACK, GOLD, ITEM)
    assert all(item.supported is not False for item in whole)
    summary = next(item for item in whole if item.field == "summary")
    assert [ITEM[a:b].split()[0] for a, b in summary.spans] == ["Kalvane", "It"]


def test_a_company_may_be_named_by_its_alias() -> None:
    assert "aws" in company_forms("Amazon Web Services")
    items = ground_items(PACK, {"company_names": ["Amazon Web Services, Inc."]}, "A fault at AWS again.")
    assert items[0].supported is True


def test_two_answers_differ_item_by_item() -> None:
    other = GOLD | {"relevance_score": 11, "company_names": ["Kalvane GmbH"], "summary": "Money for Kalvane."}
    rows = {(row.field, row.index): row.kind for row in field_diff(GOLD, other, PACK)}
    assert rows["relevance_score", None] == "wrong_type"
    assert rows["summary", None] == "changed"
    assert (rows["company_names", 0], rows["company_names", 1]) == ("changed", "removed")
    assert rows["key_insights", 0] == "same"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda kids: st.lists(kids, max_size=3) | st.dictionaries(st.text(max_size=4), kids, max_size=2),
    max_leaves=5,
)
KEYS = st.sampled_from([spec.name for spec in PACK.fields])


@given(st.dictionaries(KEYS, JSON), st.dictionaries(KEYS, JSON))
def test_any_object_can_be_scored_against_any_other(answer: dict[str, Any], gold: dict[str, Any]) -> None:
    for score in scores(answer, gold).values():
        assert score.value is None or score.value >= 0 or score.metric == "order_tau"
