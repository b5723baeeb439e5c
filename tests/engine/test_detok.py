"""Text streams as it becomes certain, characters are never split, and the cost of a step stays the same."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tiny_models import make_tokenizer
from training.engine.detok import Detokenizer


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return make_tokenizer(tmp_path_factory.mktemp("tokenizer"))


class Counting:
    """Passes on to a tokenizer and remembers how many ids each call decoded."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.sizes: list[int] = []

    def decode(self, ids: Any, **options: Any) -> str:
        self.sizes.append(len(ids))
        return self.inner.decode(ids, **options)


@pytest.mark.parametrize("text", ["plain", "½ cup crème fraîche", "日本の料理", "👩‍🍳🍲 done", "\u0000\u202e"])
def test_streamed_text_is_the_text(tokenizer: Any, text: str) -> None:
    words = Detokenizer(tokenizer)
    seen = ""
    for token in tokenizer.encode(text, add_special_tokens=False):
        seen += words.add(token)
        assert text.startswith(seen)
    assert seen == words.text == words.full() == text


@given(text=st.text(max_size=60))
def test_any_text_comes_back(tokenizer: Any, text: str) -> None:
    words = Detokenizer(tokenizer)
    for token in tokenizer.encode(text, add_special_tokens=False):
        words.add(token)
    assert words.full() == text
    assert words.text == text


def test_half_a_character_is_held_back(tokenizer: Any) -> None:
    words = Detokenizer(tokenizer)
    first, *rest = tokenizer.encode("é", add_special_tokens=False)
    assert words.add(first) == ""
    assert [words.add(token) for token in rest] == ["é"]


def test_bytes_that_never_become_a_character_do_not_hold_the_stream(tokenizer: Any) -> None:
    words = Detokenizer(tokenizer)
    broken = tokenizer.encode("é", add_special_tokens=False)[0]
    for _ in range(12):
        words.add(broken)
    words.add(tokenizer.encode("a", add_special_tokens=False)[0])
    assert words.text.endswith("a")


def test_special_tokens_are_not_text(tokenizer: Any) -> None:
    words = Detokenizer(tokenizer)
    for token in tokenizer.encode("a<|user|>b", add_special_tokens=False):
        words.add(token)
    assert words.text == words.full() == "ab"


def test_a_step_decodes_a_few_ids_however_long_the_answer_is(tokenizer: Any) -> None:
    counting = Counting(tokenizer)
    words = Detokenizer(counting)
    for token in tokenizer.encode("crème brûlée, " * 80, add_special_tokens=False):
        words.add(token)
    assert max(counting.sizes) <= 16
