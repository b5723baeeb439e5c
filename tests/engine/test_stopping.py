"""A complete top-level object ends an answer, or the end marker of a text one; nothing else does."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.engine.stopping import MarkerScanner, ObjectScanner

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    LEAVES, lambda kids: st.lists(kids, max_size=3) | st.dictionaries(st.text(), kids, max_size=3), max_leaves=12
)


def stops_after(text: str) -> int | None:
    """Characters read when the scanner was done, None if it never was."""
    scanner = ObjectScanner()
    return next((n for n, char in enumerate(text, 1) if scanner.feed(char)), None)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("{}", 2),
        ('{"a": {"b": [1, {}]}} and more', 21),
        ('Sure! Here it is:\n```json\n{"a": 1}\n```', 34),
        ('{"a": "}"}', 10),
        ('{"a": "\\"}"}', 12),
        ('{"a": "\\\\"}', 11),
        ('[{"a": 1}, {"b": 2}]', 20),
        ('see [1] {"a": 1}', 16),
        ("{", None),
        ('{"a": "never closed}', None),
        ('{"a": ]}', None),
        ("no object at all", None),
        ("}}}", None),
        ("", None),
    ],
)
def test_it_stops_where_the_first_object_ends(text: str, read: int | None) -> None:
    assert stops_after(text) == read


@given(st.dictionaries(st.text(), VALUES, max_size=4), st.booleans(), st.integers(1, 7))
def test_any_object_stops_at_its_last_character_however_it_is_cut(
    value: dict[str, Any], ascii_only: bool, size: int
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert stops_after(text) == len(text)
    scanner = ObjectScanner()
    pieces = [text[n : n + size] for n in range(0, len(text), size)]
    assert [scanner.feed(piece) for piece in pieces] == [False] * (len(pieces) - 1) + [True]


def marker_stops_after(text: str, marker: str = "[END]") -> int | None:
    scanner = MarkerScanner(marker)
    return next((n for n, char in enumerate(text, 1) if scanner.feed(char)), None)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("[END]", 5), ("RECIPE: x\n[END]\nRECIPE: y", 15), ("[EN[END]", 8), ("[[END]", 6), ("[END", None),
        ("[end]", None), ('{"a": 1}', None), ("", None),
    ],
)  # fmt: skip
def test_a_text_answer_stops_where_its_end_marker_is_complete(text: str, read: int | None) -> None:
    assert marker_stops_after(text) == read


@given(st.text("[END] x", max_size=30), st.text(max_size=20), st.integers(1, 7))
def test_a_marker_is_found_however_the_text_is_cut(before: str, after: str, size: int) -> None:
    text = f"{before}[END]{after}"
    scanner = MarkerScanner("[END]")
    pieces = [text[n : n + size] for n in range(0, len(text), size)]
    done = [scanner.feed(piece) for piece in pieces]
    assert done[-1] and done == sorted(done)
    assert done.index(True) == (text.index("[END]") + 4) // size


def test_an_empty_marker_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="empty"):
        MarkerScanner("")
