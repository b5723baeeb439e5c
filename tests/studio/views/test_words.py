import json
from typing import Any

import pytest

from studio.views.markup import number, plural, seconds
from studio.views.words import (
    finish_words,
    one_line,
    open_key,
    parse_verdict,
    proof_verdict,
    schema_verdict,
    share_words,
    short_line,
    support_verdict,
)
from tests.studio.views import samples
from training.task.records import FinishReason, to_json


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        ('{"name": "x", "recipeIngredient": ["a", "b', "recipeIngredient"),
        ('{"name": "x", "recipeIngredient": ["a"], ', ""),
        ('{"name": "half', "name"),
        ('{"name": "a \\"quoted, {[ word", "steps": [{"text": "x", "na', "steps"),
        ('Sure: {"steps": {"a": {"b": 1}', "steps"),
        ('{"a": 1}', ""),
        ('{"a', ""),
        ("no object at all", ""),
        ("", ""),
        ('{"a": "ends with a backslash\\', "a"),
        ("}}}]]", ""),
    ],
)
def test_open_key_is_the_top_level_key_that_was_being_written(raw: str, key: str) -> None:
    assert open_key(raw) == key


def test_a_cut_answer_says_where_it_was_cut() -> None:
    assert finish_words(to_json(samples.FAILED.generation)) == "stopped at 512 tokens inside recipeIngredient"


def test_every_finish_reason_has_words() -> None:
    generation = to_json(samples.GOOD.generation)
    words = {finish_words(generation | {"finish_reason": reason}) for reason in FinishReason}
    assert len(words) == len(FinishReason)


def case(raw: str, finish: FinishReason = FinishReason.EOS, **more: Any) -> dict[str, Any]:
    return to_json(samples.result(samples.BASE_ARM, raw, finish, **more))


@pytest.mark.parametrize(
    ("result", "level", "words"),
    [
        (case(json.dumps(samples.GOLD)), "ok", "strict JSON"),
        (case("{}"), "ok", "strict JSON, empty"),
        (case('Here: {"a": 1} Enjoy'), "warn", "JSON with 12 characters around it"),
        (case('{"a": 1}{"a": 2}'), "warn", "JSON with 8 characters around it, first of 2 objects"),
        (case("This is a lovely post."), "bad", "not JSON: no object in the answer"),
        (case("   "), "bad", "no answer: ended by the model"),
        (case("", FinishReason.CANCELLED, new_tokens=0), "bad", "no answer: cancelled by you after 0 tokens"),
        (case("", FinishReason.TIME_LIMIT, new_tokens=0), "bad", "no answer: stopped at the time limit after 0 tokens"),
        (to_json(samples.FAILED), "warn", "not JSON, repaired: stopped at 512 tokens inside recipeIngredient"),
        (to_json(samples.REPAIRED), "warn", "not JSON, repaired: 4 repairs"),
    ],
)
def test_parse_verdict_says_how_much_help_was_needed(result: dict[str, Any], level: str, words: str) -> None:
    assert parse_verdict(result) == (level, words)


def test_a_repaired_answer_is_never_called_valid_without_saying_so() -> None:
    mended = to_json(samples.REPAIRED) | {"schema_errors": []}
    assert schema_verdict(mended) == ("quiet", "schema valid only after repair")
    assert "strict" not in one_line(mended)
    assert short_line(mended) == "not JSON, repaired"


def test_schema_is_not_judged_where_there_is_nothing_to_judge() -> None:
    assert schema_verdict(case("words only")) == ("quiet", "schema not checked")
    assert schema_verdict(to_json(samples.GOOD)) == ("ok", "schema valid")
    assert schema_verdict(to_json(samples.REPAIRED)) == ("bad", "3 schema errors")


def test_support_counts_only_what_can_be_checked() -> None:
    good = to_json(samples.GOOD)
    assert support_verdict(good) == ("flag", "17 of 18 items in the text")
    unknown = good | {"items": [item | {"supported": None} for item in good["items"]]}
    assert support_verdict(unknown) == ("quiet", "no items to check")


def test_a_failed_proof_is_told_as_failed() -> None:
    proof = to_json(samples.GOOD.generation.proof)
    assert proof_verdict(proof) == ("ok", "proven: adapter on")
    assert proof_verdict(proof | {"passed": False}) == ("bad", "weights not proven")


def test_one_line_and_short_line_tell_the_whole_of_a_good_answer() -> None:
    assert one_line(to_json(samples.GOOD)) == "strict JSON, schema valid, 17 of 18 items in the text"
    assert short_line(to_json(samples.GOOD)) == "strict JSON, 17 of 18 items in the text"
    assert short_line(to_json(samples.NOTHING)) == "says that this text holds none"


@pytest.mark.parametrize(
    ("share", "words"), [(1.0, "100 %"), (0.999, "over 99 %"), (0.84, "84 %"), (0.001, "under 1 %"), (0.0, "0 %")]
)
def test_a_share_is_never_rounded_to_all_or_nothing(share: float, words: str) -> None:
    assert share_words(share) == words


def test_numbers_are_written_for_people() -> None:
    assert (number(1903), number(0.25), number(1234.5), number(3.14159)) == ("1,903", "0.25", "1,234", "3.14")
    assert (seconds(0.314), seconds(12.41), seconds(125.2), seconds(120)) == ("0.31 s", "12.4 s", "2 min 5 s", "2 min")
    assert (plural(1, "token"), plural(1200, "token"), plural(2, "entry"), plural(2, "day")) == (
        "1 token",
        "1,200 tokens",
        "2 entries",
        "2 days",
    )
