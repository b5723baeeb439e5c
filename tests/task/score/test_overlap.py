"""Word overlap by hand and against the reference implementation's numbers (rouge_score 0.1.2, run once)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.task.score.overlap import GRAM, CopyIndex, rouge_lsum, rouge_n, rouge_scores
from training.task.score.text import keys_of

TEXTS = st.text(max_size=40) | st.sampled_from(
    ["the cat sat. it slept.", "it slept. the cat sat.", "½ cup", "猫が座った"]
)


@pytest.mark.parametrize(
    ("gold", "pred", "one", "two", "lsum"),
    [
        ("police killed the gunman", "police kill the gunman", 0.75, 0.3333, 0.75),
        ("the gunman killed police", "police killed the gunman", 1.0, 0.3333, 0.5),
        ("The cat sat on the mat. It slept all day.", "It slept all day long. A cat sat on a mat.", 0.7619, 0.5263,
         0.7619),
        ("one two three four five. one two six seven eight.", "one two three four five. one three five seven nine",
         0.7, 0.5556, 0.7),
    ],
)  # fmt: skip
def test_rouge_is_the_references(gold: str, pred: str, one: float, two: float, lsum: float) -> None:
    left, right = keys_of(gold), keys_of(pred)
    assert (rouge_n(left, right, 1), rouge_n(left, right, 2)) == pytest.approx((one, two), abs=1e-4)
    assert rouge_lsum(gold, pred) == pytest.approx(lsum, abs=1e-4)


def test_sentences_in_another_order_are_still_found() -> None:
    """Without cutting sentences, Lsum is L: half of it."""
    gold, pred = "The cat sat down. Rain fell.", "Rain fell. The cat sat down."
    assert rouge_lsum(gold, pred) == 1.0
    assert rouge_lsum(gold.replace(".", ""), pred.replace(".", "")) == pytest.approx(4 / 6)


def test_what_the_usual_tokenizer_drops_counts_here() -> None:
    """There "½ cup" and "¼ cup" are equal, and a Chinese text shares nothing with itself."""
    assert rouge_n(keys_of("½ cup"), keys_of("¼ cup"), 1) == 0.5
    assert rouge_n(keys_of("½ cup"), keys_of("1/2 cup"), 1) == 1.0
    assert rouge_n(keys_of("猫座"), keys_of("猫座"), 1) == 1.0 and rouge_lsum("猫座", "猫座") == 1.0


def test_nothing_to_share_has_no_value_and_nothing_given_is_0() -> None:
    assert [score.value for score in rouge_scores("summary", "Summary", "", "x")] == [None] * 3
    assert [score.value for score in rouge_scores("summary", "Summary", "a b c", "")] == [0.0] * 3
    assert rouge_n(["one"], ["one"], 2) is None, "one word has no pair"


@given(TEXTS, TEXTS)
def test_rouge_is_a_share_and_1_on_itself(left: str, right: str) -> None:
    for gold, pred in ((left, right), (left, left)):
        values = [rouge_n(keys_of(gold), keys_of(pred), n) for n in (1, 2)] + [rouge_lsum(gold, pred)]
        assert all(value is None or 0.0 <= value <= 1.0 for value in values)
    assert rouge_lsum(left, left) in (None, 1.0) and rouge_n(keys_of(left), keys_of(left), 1) in (None, 1.0)
    there, back = (rouge_n(keys_of(a), keys_of(b), 1) for a, b in ((left, right), (right, left)))
    assert there == back or None in (there, back)


WORDS = [f"word{chr(97 + at)}" for at in range(26)]


def test_copied_runs_are_found_and_measured() -> None:
    """Of 20 words, 8 runs of 13. The answer takes 15 of them (3 runs) among 17 words (5 runs)."""
    index = CopyIndex([" ".join(WORDS[:20])])
    whole = {score.metric: score for score in index.scores(" ".join([*WORDS[2:17], "x", "y"]))}
    assert (whole["copied"].value, whole["copied"].n) == (3 / 5, 5)
    assert whole["copied_longest"].value == 15
    own = {score.metric: score.value for score in index.scores(" ".join(reversed(WORDS[:20])))}
    assert own == {"copied": 0.0, "copied_longest": 0.0}
    short = {score.metric: score.value for score in index.scores(" ".join(WORDS[: GRAM - 1]))}
    assert short == {"copied": None, "copied_longest": 0.0}
