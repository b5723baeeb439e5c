"""Words, numbers and their places."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.task.score.text import fold, keys_of, tokenise


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1½ cups", "1 1/2 cup"),
        ("½ T", "0.5 tablespoons"),
        ("1-1/2 tsp", "1.5 teaspoons"),
        ("2&frac12; cups", "2.5 cups"),
        ("three eggs", "3 egg"),
        ("Jalapeños", "jalapeno"),
        ("crème fraîche", "CREME FRAICHE"),
        ("tomatoes", "tomato"),
        ("berries", "berry"),
        ("<b>salt</b>&nbsp;and", "salt and"),
        ("1,000 g", "1000 grams"),
        ("1,5 l", "1.5 litres"),
        ("grandma’s", "grandma's"),
    ],
)
def test_spellings_of_one_thing_have_one_key(one: str, other: str) -> None:
    assert keys_of(one) == keys_of(other)


def test_different_amounts_have_different_keys() -> None:
    assert keys_of("½ cup") != keys_of("¼ cup")
    assert keys_of("1 T") != keys_of("1 t")


def test_tokens_point_at_their_characters() -> None:
    text = "  • 1½ cups\tSugar,\nthree Eggs"
    assert [text[t.start : t.end] for t in tokenise(text)] == ["1½", "cups", "Sugar", "three", "Eggs"]


def test_odd_numbers_are_kept_as_they_are_written() -> None:
    assert [token.number for token in tokenise("1/0 and " + "9" * 400)] == [None, None, None]


def test_folding() -> None:
    assert fold("  1½ Cup\n“Crème” ") == '1 1/2 cup "creme"'


@given(st.text())
def test_any_text_is_read_and_every_token_lies_in_it(text: str) -> None:
    tokens = tokenise(text)
    assert all(0 <= t.start < t.end <= len(text) for t in tokens)
    assert all(a.end <= b.start for a, b in pairwise(tokens))
    assert fold(fold(text)) == fold(text)
