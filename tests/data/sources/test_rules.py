"""Each named rule on the values it is made for, and on those it must refuse."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data.sources.rules import RULES, RuleError, shorten
from training.data.sources.shapes import FIELDS


def apply(rule: str, value: Any) -> Any:
    return RULES[rule].apply(value)


@pytest.mark.parametrize(
    ("rule", "value", "made"),
    [
        ("text", " Soup ", "Soup"),
        ("text", 4, "4"),
        ("text", 4.0, "4"),
        ("text", 4.5, "4.5"),
        ("minutes", "45.0", 45),
        ("integer", "7.0", 7),
        ("first", ["4", "4 servings"], "4"),
        ("first", [4], "4"),
        ("joined", ["quick", "easy"], "quick, easy"),
        ("list", ["1 egg ", "", " salt"], ["1 egg", "salt"]),
        ("json_list", '["1 c. sugar", "½ tsp \\"best\\" salt"]', ["1 c. sugar", '½ tsp "best" salt']),
        ("python_list", "['1 c. sugar', \"cook's salt\", '9\" pan']", ["1 c. sugar", "cook's salt", '9" pan']),
        ("python_list", "['a \\' b', '\"a\" \"b\"']", ["a ' b", '"a" "b"']),
        ("python_list", "('a', 'b')", ["a", "b"]),
        ("r_vector", 'c("2 eggs", "a \\"good\\" salt")', ["2 eggs", 'a "good" salt']),
        ("r_vector", '"2 eggs"', ["2 eggs"]),
        ("r_vector", "character(0)", []),
        ("lines", "Peel.\r\n\r\nBake.\n", ["Peel.", "Bake."]),
        ("pipes", "1 egg | salt||pepper", ["1 egg", "salt", "pepper"]),
        ("semicolons", "1 egg; salt, to taste", ["1 egg", "salt, to taste"]),
        ("commas", "1 egg, salt", ["1 egg", "salt"]),
        ("sentences", "Heat to 350.5 F. Stir! 5 min on, eat.", ["Heat to 350.5 F.", "Stir!", "5 min on, eat."]),
        ("whole", " Peel. Bake. ", ["Peel. Bake."]),
        ("howto", [{"@type": "HowToStep", "text": "Peel."}, "Bake."], ["Peel.", "Bake."]),
        ("howto", [{"@type": "HowToSection", "itemListElement": [{"text": "Peel."}, "Cut."]}], ["Peel.", "Cut."]),
        ("howto", "Peel.\nBake.", ["Peel.", "Bake."]),
        ("minutes", "45", 45),
        ("minutes", 45.0, 45),
        ("minutes", 0, None),
        ("iso_duration", "PT1H30M", 90),
        ("iso_duration", "P0DT0H20M", 20),
        ("iso_duration", "PT0S", None),
        ("time_text", "1 hr 30 mins", 90),
        ("time_text", "2 hrs", 120),
        ("time_text", "1 day 2 hrs", 26 * 60),
        ("time_text", "25 minutes.", 25),
        ("integer", "7", 7),
        ("json", '{"a": [1]}', {"a": [1]}),
        ("json", {}, {}),
        ("answer_text", "RECIPE: Soup", "RECIPE: Soup"),
        ("date", "2025-03-01", "2025-03-01"),
        ("date", "2025-03-01T23:30:00-02:00", "2025-03-02T01:30:00"),
        ("date", "2025-03-01 10:00", "2025-03-01T10:00:00"),
        ("date_mdy", "3/14/2025", "2025-03-14"),
        ("date_dmy", "14/3/2025", "2025-03-14"),
    ],
)  # fmt: skip
def test_a_rule_takes_a_value_apart(rule: str, value: Any, made: Any) -> None:
    assert apply(rule, value) == made


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("text", None), ("text", ["a"]), ("text", True), ("text", "half \ud83d"), ("text", b"bytes"),
        ("list", "a, b"), ("list", ["a", 1]), ("list", {"a": 1}),
        ("json_list", "['a']"), ("json_list", '"a"'), ("json_list", "[1]"), ("json_list", "[" * 100_000),
        ("python_list", "[1, 2]"), ("python_list", "__import__('os').getcwd()"), ("python_list", "['a' 'b']"),
        ("python_list", "['a'\n 'b']"), ("python_list", "['a"), ("python_list", "[" * 5000),
        ("python_list", "{'a': 1}"),
        ("r_vector", 'c("a" "b")'), ("r_vector", 'c("a", NA)'), ("r_vector", "2 eggs"),
        ("howto", [{"@type": "HowToStep", "name": "Peel"}]), ("howto", [7]),
        ("minutes", "30 min"), ("minutes", -5), ("minutes", 1.5), ("minutes", True), ("minutes", "٣"),
        ("iso_duration", "30 min"), ("iso_duration", "PTxyz"), ("iso_duration", "PT20S"), ("iso_duration", 30),
        ("time_text", "20-25 minutes"), ("time_text", "varies"), ("time_text", "overnight or 2 hours"),
        ("time_text", "10 minutes, 20 minutes"), ("integer", "7.5"), ("integer", "high"), ("integer", True),
        ("json", "Soup"), ("json", "7"), ("date", "March 3"), ("date", "03/04/2025"), ("date", "2025-13-01"),
        ("date_mdy", "14/3/2025"),
    ],
)  # fmt: skip
def test_a_rule_refuses_what_it_would_have_to_guess(rule: str, value: Any) -> None:
    with pytest.raises(RuleError, match=r"holds|which"):
        apply(rule, value)


def chat(*roles: str, answer: Any = "{}") -> list[dict[str, Any]]:
    return [{"role": role, "content": answer if role == "assistant" else f"said by {role}"} for role in roles]


def test_a_chat_of_one_turn_is_a_question_and_its_answer() -> None:
    for messages in (chat("user", "assistant"), chat("system", "user", "assistant")):
        for value in (messages, json.dumps(messages)):
            assert apply("chat_user", value) == "said by user"
            assert apply("chat_answer", value) == "{}"
            assert apply("chat_answer_json", value) == {}
    assert apply("chat_user", chat("user")) == "said by user"
    thought = [*chat("user"), {"role": "assistant", "content": "{}", "reasoning_content": "It is soup."}]
    assert apply("chat_reasoning", thought) == "It is soup."


@pytest.mark.parametrize(
    "messages",
    [chat("user", "assistant", "user", "assistant"), chat("assistant", "user"), [], [{"content": "a"}], "Soup", None],
)  # fmt: skip
def test_other_chats_are_refused(messages: Any) -> None:
    for rule in ("chat_user", "chat_answer"):
        with pytest.raises(RuleError):
            apply(rule, messages)
    with pytest.raises(RuleError):
        apply("chat_user", chat("assistant"))
    with pytest.raises(RuleError):
        apply("chat_answer", [*chat("user"), {"role": "assistant", "content": [{"type": "text", "text": "a"}]}])


def test_every_rule_fills_a_kind_of_field_and_says_what_it_does() -> None:
    assert {rule.makes for rule in RULES.values()} == set(FIELDS.values())
    assert all(rule.says and rule.name == name for name, rule in RULES.items())


plain = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(st.lists(plain.filter(lambda text: bool(text.strip())), min_size=1, max_size=6))
def test_lists_written_as_text_come_back_whole(items: list[str]) -> None:
    wanted = [item.strip() for item in items]
    assert apply("json_list", json.dumps(items)) == wanted
    assert apply("json_list", json.dumps(items, ensure_ascii=False)) == wanted
    assert apply("python_list", repr(items)) == wanted
    assert apply("list", items) == wanted


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["role", "text", "itemListElement", "a"]), inner)
    ),
    max_leaves=6,
)  # fmt: skip


@given(anything)
def test_a_rule_makes_its_kind_or_says_why_not(value: Any) -> None:
    kinds = {"text": str, "texts": list, "minutes": int | None, "integer": int, "answer": object, "date": str}
    for rule in RULES.values():
        try:
            made = rule.apply(value)
        except RuleError as error:
            assert str(error) and "\n" not in str(error)
        else:
            assert isinstance(made, kinds[rule.makes]), rule.name


@given(anything)
def test_a_shown_value_is_one_short_line_that_can_be_written(value: Any) -> None:
    shown = shorten(value)
    assert "\n" not in shown and shown.encode()
