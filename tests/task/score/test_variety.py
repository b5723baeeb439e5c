"""Length, several answers to one document, times and bits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.task.pack import BUILTIN, find_packs
from training.task.score.speed import bits_score, latency_scores, token_score
from training.task.score.variety import bleu, length_scores, sample_scores, self_bleu

PACK = find_packs(BUILTIN)["recipe-writer"]
WORDS = st.lists(st.sampled_from("abcde"), max_size=12)


def test_lengths() -> None:
    assert [score.value for score in length_scores("Lemon  cake\n½ cup")] == [17.0, 4.0]
    assert [score.value for score in length_scores("")] == [0.0, 0.0]


def test_bleu_is_the_references() -> None:
    """sacrebleu 2.6.0 with smooth_method add-k gives 74.38301789874404 (run once)."""
    text = ["the", "cat", "sat", "on", "the", "mat", "today"]
    others = [["the", "cat", "sat", "on", "a", "mat"], ["a", "dog", "sat", "on", "the", "mat", "now"]]
    assert bleu(text, others) == pytest.approx(0.7438301789874404)
    assert bleu([], others) == bleu(["zebra"], others) == 0.0


@given(st.lists(WORDS, min_size=2, max_size=4))
def test_samples_that_are_alike_are_1_and_never_more(texts: list[list[str]]) -> None:
    found = self_bleu(texts)
    assert found is not None and 0.0 <= found <= 1.0 + 1e-12
    if texts[0]:
        assert self_bleu([texts[0]] * 3) == pytest.approx(1.0)
    assert self_bleu(texts[:1]) is None


def test_figures_over_samples() -> None:
    """ "soup one", "soup two", "soup one": pairs (soup one), (soup two), (soup one): 2 of 3 differ."""
    objects = [{"title": "Soup one"}, {"title": "soup two"}, {"title": "soup ONE"}]
    found = {(s.metric, s.field): s for s in sample_scores(PACK, ["soup one", "soup two", "soup one"], objects)}
    assert found["distinct2", ""].value == pytest.approx(2 / 3)
    assert found["agreement", "title"].value == pytest.approx(1 / 3)
    assert found["agreement", "ingredients"].value is None, "all leave them out: nothing was said that could differ"
    assert found["self_bleu", ""].value is not None
    assert sample_scores(PACK, ["soup"], objects[:1]) == []
    failed = {(s.metric, s.field): s.value for s in sample_scores(PACK, ["", ""], [None, None])}
    assert failed["agreement", "title"] == 0.0 and failed["distinct2", ""] is None


def test_lists_agree_as_far_as_they_share() -> None:
    objects = [{"ingredients": ["2 eggs", "1 cup milk"]}, {"ingredients": ["2 eggs", "flour"]}]
    found = {(s.metric, s.field): s.value for s in sample_scores(PACK, ["a", "b"], objects)}
    assert found["agreement", "ingredients"] == 0.5


def test_times_and_bits() -> None:
    found = {score.metric: score.value for score in latency_scores(2.0, 0.5, 31, 120)}
    timed = {"latency_s": 2.0, "ttft_s": 0.5, "tokens_per_s": 20.0, "chars_per_s": 60.0}
    assert found == {**timed, "prefill_tokens_per_s": None}
    read = {score.metric: score.value for score in latency_scores(2.0, 0.5, 31, 120, 800)}
    assert read == {**timed, "prefill_tokens_per_s": 1600.0}
    unknown = {score.metric: score.value for score in latency_scores(0.0, None, 0, 0)}
    nothing = ("ttft_s", "prefill_tokens_per_s", "tokens_per_s", "chars_per_s")
    assert unknown == {"latency_s": 0.0, **dict.fromkeys(nothing)}
    assert token_score(31).value == 31.0
    assert (bits_score(1.5, 200).value, bits_score(None, 0).n) == (1.5, 0)
