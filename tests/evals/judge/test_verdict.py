"""Any text is read to a verdict or to a complaint; quotes that stand nowhere count for nothing; nothing becomes 0."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.evals.judge.graders import NEWS, RECIPES, WRITER, field_verdict, verdict
from training.evals.judge.protocol import asker_for
from training.evals.judge.verdict import (
    NA_CONTRADICTED,
    Unusable,
    Verdict,
    implied_range,
    placed_words,
    quote_places,
    quoted,
    read_pairwise,
    read_pointwise,
    words_of,
)

ASKER = asker_for(RECIPES)
SOURCE = "Fry 2 onions in ½ cup of “good” oil.\nSimmer for 25 minutes – no longer!"
OBJ = {"name": "Soup", "recipeIngredient": ["2 onions", "1/2 cup oil"], "recipeInstructions": [{"text": "Fry."}]}


def read(given: Any, accept: bool = False, obj: dict[str, Any] | None = None) -> Verdict:
    text = given if isinstance(given, str) else json.dumps(given)
    return read_pointwise(text, ASKER.groups, ASKER.schema(False), (obj or OBJ, SOURCE), accept)


def absent() -> dict[str, Any]:
    """Everything that OBJ leaves out, as not applicable."""
    return {name: field_verdict(None, na=True) for name in ("times", "yield", "taxonomy")}


def test_overall_is_our_mean_over_what_applies() -> None:
    given = verdict(RECIPES, 9, ingredients=field_verdict(6, missing=["salt"]), **absent())
    found = read(given)
    assert [one.score for one in found.fields] == [9, 6, 9, None, None, None] and found.overall == 8
    assert (
        read(verdict(RECIPES, 9, **{g.name: field_verdict(None, na=True) for g in ASKER.groups}), obj={"x": 1}).overall
        is None
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no JSON object"),
        ("I would give it an 8.", "no JSON object"),
        (json.dumps(verdict(RECIPES))[:200], "no JSON object"),
        ("[]", "no JSON object"),
        ('{"scores": {"overall": 8}}', "at the root"),
        (json.dumps(verdict(NEWS)), "at fields"),
        (json.dumps(verdict(RECIPES) | {"overall": 10}), "overall"),
        (json.dumps(verdict(RECIPES, name=field_verdict(11))), "fields/name/score"),
        (json.dumps(verdict(RECIPES, name=field_verdict(-1))), "fields/name/score"),
        (json.dumps(verdict(RECIPES, name=field_verdict(True))), "fields/name/score"),
        (json.dumps(verdict(RECIPES, name=field_verdict(None))), "na is false"),
        (json.dumps(verdict(RECIPES)).replace('"score": 10', '"score": NaN', 1), "no JSON object"),
        (json.dumps(verdict(RECIPES)).replace('"na": false', '"na": false, "na": true', 1), "no JSON object"),
        (json.dumps(verdict(RECIPES, name=field_verdict(5, missing="salt"))), "fields/name/missing"),
        (json.dumps(verdict(RECIPES, name=field_verdict(5, wrong=["salt"]))), "fields/name/wrong"),
        (json.dumps(verdict(RECIPES, name=field_verdict(5, missing=["x"] * 61))), "fields/name/missing"),
    ],
)
def test_what_is_no_verdict_says_what_is_wrong_with_it(text: str, words: str) -> None:
    with pytest.raises(Unusable, match=words):
        read(text)


def test_prose_around_it_is_counted_and_a_repair_only_where_it_is_wished_for() -> None:
    text = json.dumps(verdict(RECIPES))
    assert read(text).tier == "strict" and read(f"Here you are:\n```json\n{text}\n```").tier == "extracted"
    broken = text.replace('"notes": ""', '"notes": "", ')
    with pytest.raises(Unusable):
        read(broken)
    assert read(broken, accept=True).tier == "repaired"


def test_a_complaint_with_a_made_up_quote_is_dropped_and_counted() -> None:
    wrongs = [
        {"got": "2", "should": "3", "source_quote": "Fry 3 onions"},
        {"got": "2", "should": "2", "source_quote": "fry 2 ONIONS"},
        {"got": "x", "should": "y", "source_quote": ""},
    ]
    found = read(verdict(RECIPES, 10, ingredients=field_verdict(4, wrong=wrongs), **absent())).fields[1]
    assert found.dropped == 2 and [wrong.source_quote for wrong in found.wrong] == ["fry 2 ONIONS"]
    assert found.complaints == 1 and found.score == 4, "the score stays what it was"


@pytest.mark.parametrize(
    "quote", ["2 onions", '½ cup of "good" oil', "25 minutes - no longer", "oil. Simmer", "‘Fry 2’", "… in ½ cup of…"]
)
def test_a_quote_may_differ_in_what_the_eye_does_not_see(quote: str) -> None:
    assert quoted(quote, words_of(SOURCE))


@pytest.mark.parametrize("quote", ["onion", "", "  ", "...", "Fry onions", "5 minutes", "cup of oil", "25 minute"])
def test_a_quote_is_whole_words_in_a_row(quote: str) -> None:
    assert not quoted(quote, words_of(SOURCE))


@given(st.text(max_size=60), st.text(alphabet="abc 12½.,-", max_size=20), st.text(max_size=60))
def test_every_run_of_a_texts_own_words_is_found_in_it(before: str, quote: str, after: str) -> None:
    if any(char.isalnum() for char in quote):
        assert quoted(quote, words_of(f"{before} {quote} {after}"))


def test_not_applicable_is_refused_where_the_answer_says_something() -> None:
    found = read(verdict(RECIPES, 10, ingredients=field_verdict(None, na=True), **absent()))
    assert found.fields[1].status == NA_CONTRADICTED and found.fields[1].score is None
    assert found.overall == 10, "it is in no mean, and it is no 0"
    gone = read(verdict(RECIPES, 10, times=field_verdict(None, na=True, missing=["25 minutes"])))
    assert gone.fields[3].status == NA_CONTRADICTED


def test_a_score_that_does_not_fit_its_own_complaints_is_flagged_and_kept() -> None:
    many = [f"item {n}" for n in range(5)]
    found = read(verdict(RECIPES, 10, ingredients=field_verdict(10, missing=many), steps=field_verdict(2), **absent()))
    assert [one.flagged for one in found.fields[:3]] == [False, True, True]
    assert found.fields[1].score == 10 and found.fields[1].implied == 2 and found.fields[2].implied == 10


@pytest.mark.parametrize(
    ("complaints", "size", "low", "high"),
    [(0, 5, 10, 10), (1, 1, 0, 8), (1, 9, 6, 8), (3, 9, 4, 4), (6, 9, 2, 2), (9, 9, 0, 2)],
)
def test_what_complaints_come_to(complaints: int, size: int, low: float, high: float) -> None:
    assert implied_range(complaints, size) == (low, high)


def test_a_score_before_its_evidence_is_noticed() -> None:
    given = verdict(RECIPES, 10, **absent())
    assert not read(given).score_first
    given["fields"]["name"] = dict(reversed(given["fields"]["name"].items()))
    assert read(given).score_first


def test_pairwise_evidence_is_looked_for_in_the_text_or_in_its_record() -> None:
    schema = ASKER.schema(True)
    fault = {"record": "A", "field": "name", "problem": "made up", "source_quote": "Grand Soup"}
    given = {
        "evidence": [fault, fault | {"record": "B"}, fault | {"source_quote": "2 onions"}],
        "better": "B",
        "notes": "",
    }
    found = read_pairwise(json.dumps(given), schema, SOURCE, {"A": '{"name": "Grand Soup"}', "B": '{"name": "Soup"}'})
    assert found.better == "B" and found.dropped == 1 and len(found.evidence) == 2
    for bad in (given | {"better": "C"}, given | {"score": 3}, {"better": "A"}):
        with pytest.raises(Unusable):
            read_pairwise(json.dumps(bad), schema, SOURCE, {"A": "", "B": ""})


PLAIN = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=12)
KEYS = st.sampled_from(["fields", "notes", "name", "missing", "wrong", "na", "score", "better", "evidence", "got"])
ANY = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6))


@given(ANY)
def test_any_value_is_read_to_a_verdict_or_a_complaint(value: Any) -> None:
    try:
        found = read(json.dumps(value))
    except Unusable as error:
        assert str(error)
    else:
        assert found.overall is None or 0 <= found.overall <= 10


@given(field=ANY, score=PLAIN, na=PLAIN)
def test_whatever_stands_in_a_field_is_read(field: Any, score: Any, na: Any) -> None:
    given = verdict(WRITER)
    given["fields"]["title"] = {"missing": field, "unsupported": [], "wrong": [], "na": na, "score": score}
    asker = asker_for(WRITER)
    try:
        found = read_pointwise(json.dumps(given), asker.groups, asker.schema(False), ({"title": "x"}, "x"))
    except Unusable:
        return
    assert found.fields[0].score is None or 0 <= found.fields[0].score <= 10


@given(st.text(max_size=300))
def test_any_text_at_all_is_read(text: str) -> None:
    with pytest.raises(Unusable):
        read(text)


@pytest.mark.parametrize(
    ("quote", "marked"),
    [
        ("fry 2 onions", ["Fry 2 onions"]),
        ('of "good" oil.', ["of “good” oil"]),
        ("½ cup", ["½ cup"]),
        ("25 minutes - no", ["25 minutes – no"]),
        ("oil. Simmer", ["oil.\nSimmer"]),
        ("onion", []),
        ("...", []),
    ],
)
def test_a_quote_is_marked_where_it_stands(quote: str, marked: list[str]) -> None:
    places = quote_places(quote, placed_words(SOURCE))
    assert [SOURCE[start:end] for start, end in places] == marked
    assert bool(marked) == quoted(quote, words_of(SOURCE))


WORDS = st.text(alphabet="ab’'\u0301é½–- .\nﬁ", max_size=12)


@given(WORDS, WORDS, WORDS)
def test_what_a_judge_may_quote_is_found_again(before: str, quote: str, after: str) -> None:
    text = f"{before} {quote} {after}"
    words = placed_words(text)
    assert [placed.word for placed in words] == words_of(text).split()
    places = quote_places(quote, words)
    assert bool(places) == quoted(quote, words_of(text))
    assert all(words_of(quote.strip().strip("\"'“”‘’.…")) in words_of(text[start:end]) for start, end in places)
