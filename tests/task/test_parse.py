"""The parse tiers, one case each and then whatever hypothesis thinks of."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.task.parse import MAX_NESTING, nesting, parse
from training.task.records import FinishReason, Tier

EOS, LENGTH = FinishReason.EOS, FinishReason.LENGTH
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
JSON_OBJECTS = st.dictionaries(st.text(), JSON_VALUES, max_size=5)
PIECES = ["{", "}", "[", "]", '"', ":", ",", '"a"', "1", "'", "\\", "```json\n", " ", "NaN", "\ud800", "1e999"]
JSON_LIKE = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


@pytest.mark.parametrize(
    ("raw", "tier", "obj"),
    [
        ('{"a": 1}', Tier.STRICT, {"a": 1}),
        ('\n {"a": 1}\t', Tier.STRICT, {"a": 1}),
        ("{}", Tier.STRICT, {}),
        ('```json\n{"a": 1}\n```', Tier.EXTRACTED, {"a": 1}),
        ('Here you are: {"a": 1} Enjoy!', Tier.EXTRACTED, {"a": 1}),
        ('Note [1]: {"a": 1}', Tier.EXTRACTED, {"a": 1}),
        ('{"a": 1}{"a": 2}', Tier.EXTRACTED, {"a": 1}),
        ("{'a': 1}", Tier.REPAIRED, {"a": 1}),
        ('{"a": 1, "a": 2}', Tier.REPAIRED, {"a": 2}),
        ('{"a": NaN}', Tier.REPAIRED, {"a": "NaN"}),
        ('{"a": [1, "2 eg', Tier.REPAIRED, {"a": [1, "2 eg"]}),
        ("", Tier.FAILED, None),
        ("Sorry, I can't.", Tier.FAILED, None),
        ("[]", Tier.FAILED, None),
        ("null", Tier.FAILED, None),
        ('{"a": 1e999}', Tier.FAILED, None),
    ],
)
def test_tiers(raw: str, tier: Tier, obj: dict[str, object] | None) -> None:
    parsed = parse(raw, EOS)
    assert (parsed.tier, parsed.object) == (tier, obj)
    assert (parsed.error is None) == (tier is Tier.STRICT)


def test_an_object_within_an_array_is_no_answer() -> None:
    for raw in ('[{"a": 1}]', '["x", {"a": 1}]', '[{"a": 1}, {"b": 2}]', '[{"a": 1}, {"b":'):
        assert parse(raw, EOS).tier is Tier.FAILED, raw


def test_a_broken_object_is_not_replaced_by_a_whole_child_or_neighbour() -> None:
    child = parse('{"name": "Cake", "step": {"text": "Mix."}, "broken"', EOS)
    assert child.tier is Tier.REPAIRED
    assert child.object is not None and child.object["name"] == "Cake"
    assert parse('{"name": "Cake",, } {"text": "Mix."}', EOS).tier is not Tier.EXTRACTED


def test_a_repair_of_a_cut_answer_is_said_to_be_one() -> None:
    raw = '{"a": ["x", "y'
    assert parse(raw, EOS).tier is Tier.REPAIRED
    for reason in (FinishReason.LENGTH, FinishReason.CANCELLED, FinishReason.ERROR):
        assert parse(raw, reason).tier is Tier.REPAIRED_TRUNCATED


def test_a_whole_answer_at_the_end_of_the_budget_is_strict() -> None:
    assert parse('{"a": 1}', LENGTH).tier is Tier.STRICT


def test_what_stands_around_the_object_is_counted() -> None:
    parsed = parse('Yes: {"a": {"b": "}"}} and {"c": 2} and {broken} ok', EOS)
    assert parsed.object == {"a": {"b": "}"}}
    assert parsed.n_objects == 2
    assert (parsed.prefix_chars, parsed.suffix_chars) == (5, len(' and {"c": 2} and {broken} ok'))


def test_a_repair_says_how_far_it_went() -> None:
    parsed = parse('{"a": "b", "c": "d', EOS)
    assert parsed.repair_similarity is not None and 0.9 < parsed.repair_similarity < 1
    assert parsed.repairs > 0


@pytest.mark.parametrize("opening", ['{"a":', "[", "{", '{"a":['])
def test_deep_nesting_fails_and_does_not_raise(opening: str) -> None:
    assert parse(opening * 20_000, EOS).tier is Tier.FAILED


def test_the_nesting_limit() -> None:
    at_limit = '{"a":' * MAX_NESTING + "1" + "}" * MAX_NESTING
    assert nesting(json.loads(at_limit)) == MAX_NESTING
    assert parse(at_limit, EOS).tier is Tier.STRICT
    assert parse(f'{{"a":{at_limit}}}', EOS).tier is Tier.FAILED


def test_numbers_and_characters_python_balks_at() -> None:
    assert parse('{"a": ' + "9" * 5000 + "}", EOS).tier is Tier.REPAIRED
    assert parse('{"a": "\ud800"}', EOS).object == {"a": "\ud800"}
    assert parse('{"a": "\x00"}', EOS).tier is not Tier.STRICT
    assert parse('\ufeff{"a": 1}', EOS).tier is Tier.EXTRACTED


@settings(max_examples=300, deadline=None)
@given(st.text() | JSON_LIKE, st.sampled_from(FinishReason))
def test_never_raises(raw: str, reason: FinishReason) -> None:
    parsed = parse(raw, reason)
    assert (parsed.object is None) == (parsed.tier is Tier.FAILED)
    assert (parsed.repair_similarity is None) == (parsed.tier not in (Tier.REPAIRED, Tier.REPAIRED_TRUNCATED))


@settings(max_examples=150, deadline=None)
@given(JSON_OBJECTS, st.booleans())
def test_what_is_strict_is_read_as_written_and_stays_usable_in_a_fence(
    obj: dict[str, object], ascii_only: bool
) -> None:
    raw = json.dumps(obj, ensure_ascii=ascii_only)
    strict, fenced = parse(raw, EOS), parse(f"```json\n{raw}\n```", EOS)
    assert (strict.tier, strict.object) == (Tier.STRICT, obj)
    assert (fenced.tier, fenced.object) == (Tier.EXTRACTED, obj)


@settings(max_examples=150, deadline=None)
@given(JSON_OBJECTS, st.integers(min_value=1, max_value=400))
def test_a_cut_answer_is_never_strict_and_never_usable(obj: dict[str, object], cut: int) -> None:
    raw = json.dumps(obj)
    parsed = parse(raw[: max(0, len(raw) - cut)], LENGTH)
    assert parsed.tier in (Tier.REPAIRED_TRUNCATED, Tier.FAILED)
