"""Similarity is counted, not estimated; what is nearer than the threshold is found."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data.gates.similar import MISS, NearIndex, bands, jaccard, shingles, signature, words_in


def test_jaccard_by_hand() -> None:
    left, right = shingles("a b c d e f"), shingles("a b c d e g")
    assert (len(left), len(right)) == (3, 3)  # abcd bcde cdef; abcd bcde cdeg
    assert jaccard(left, right) == 2 / 4
    assert jaccard(left, left) == 1
    assert jaccard(left, shingles("")) == jaccard(shingles(""), shingles("")) == 0


def test_case_accents_and_marks_make_no_difference_but_order_does() -> None:
    assert jaccard(shingles("Crème brûlée, slowly BAKED!"), shingles("creme brulee slowly baked")) == 1
    assert jaccard(shingles("slowly baked creme brulee"), shingles("creme brulee slowly baked")) == 0


def test_short_texts_and_scripts_without_spaces() -> None:
    assert len(shingles("leek soup")) == 1
    assert jaccard(shingles("leek soup"), shingles("soup leek")) == 0
    assert words_in("韭葱汤 two") == ("韭", "葱", "汤", "two")
    assert len(shingles("🍲🍲")) == 1
    assert len(shingles(" \n")) == 0


def test_shingles_are_the_same_on_every_machine() -> None:
    assert shingles("three leeks, two potatoes and stock").tolist() == EXPECTED


EXPECTED = [397952986021632779, 5043192166481797150, 16771385862184060116]


@given(st.text(max_size=60), st.text(max_size=60))
def test_similarity_is_symmetric_and_within_bounds(left: str, right: str) -> None:
    one, other = shingles(left), shingles(right)
    assert jaccard(one, other) == jaccard(other, one)
    assert 0 <= jaccard(one, other) <= 1
    assert (jaccard(one, one) == 1) == bool(words_in(left) or left.split())


@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.7, 0.8, 0.85, 0.9, 0.99, 1.0])
def test_the_sieve_misses_at_most_what_it_says(threshold: float) -> None:
    count, rows = bands(threshold)
    assert count >= 2
    assert count * rows <= 128
    assert (1 - threshold**rows) ** count <= MISS


def test_signatures_agree_about_as_often_as_the_texts() -> None:
    words = [f"word{at}" for at in range(400)]
    left, right = shingles(" ".join(words)), shingles(" ".join(words[:300]))
    agreed = (signature(left) == signature(right)).mean()
    assert agreed == pytest.approx(jaccard(left, right), abs=0.12)


def test_the_index_finds_each_near_text_and_nothing_else() -> None:
    rng = random.Random(5)
    texts = [[f"w{rng.randrange(5000)}" for _ in range(80)] for _ in range(60)]
    for at in range(0, 60, 3):  # a near copy of every third
        copy = list(texts[at])
        copy[rng.randrange(80)] = "other"
        texts.append(copy)
    found = [shingles(" ".join(words)) for words in texts]
    index = NearIndex(0.8)
    for key, held in enumerate(found):
        index.add(key, held)
    for key, held in enumerate(found):
        true = {other for other, that in enumerate(found) if jaccard(held, that) >= 0.8}
        near = index.near(held)
        assert {hit.key for hit in near} == true
        assert near[0].similarity == 1
        assert [hit.similarity for hit in near] == sorted((hit.similarity for hit in near), reverse=True)
        assert key in true


def test_a_text_without_words_is_near_nothing() -> None:
    index = NearIndex(0.5)
    index.add(1, shingles(""))
    assert index.near(shingles("")) == []
