"""Lengths are counted as the model reads them, without its weights."""

from pathlib import Path

import pytest

from training.engine.counting import token_counter
from training.errors import ModelError


def test_the_embedded_tokenizer_counts_and_never_breaks() -> None:
    count = token_counter("", None)
    assert count("") == 0
    assert 0 < count("Boil the lentils.") <= len("Boil the lentils.")
    assert count("Boil the lentils. " * 50) > 40 * count("Boil the lentils.")
    assert count("\ud800") > 0


def test_a_base_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        token_counter("no such base", tmp_path)
