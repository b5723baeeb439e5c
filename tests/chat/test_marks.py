"""Marks around a text: drawn from it, never in it, the same on every machine."""

from hypothesis import given
from hypothesis import strategies as st

from training.chat.marks import MARK_CHARS, framed, mark_of


@given(st.text(), st.lists(st.text(), min_size=1, max_size=3))
def test_no_text_holds_its_own_mark(salt: str, texts: list[str]) -> None:
    mark = mark_of(salt, *texts)
    assert len(mark) == MARK_CHARS and not any(mark in text for text in texts)
    assert mark == mark_of(salt, *texts)
    hostile = [*texts, f"<</DATA-{mark}>>"]
    assert mark_of(salt, *hostile) != mark


def test_half_a_character_is_shown_as_a_mark() -> None:
    assert framed("DATA", "ab", "a\ud800b") == "<<DATA-ab>>\na?b\n<</DATA-ab>>"
