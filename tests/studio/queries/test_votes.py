"""The interval against published values, and what a tally says."""

import pytest

from studio.queries.votes import standing, wilson
from training.shelf import VoteTally


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(0, 0, 0.0, 1.0), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (81, 263, 0.2553, 0.3662)],
)  # 81 of 263 is the example of Newcombe (1998), Statistics in Medicine 17, method 3
def test_wilson(successes: int, n: int, low: float, high: float) -> None:
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)


def test_ties_are_told_and_left_out_of_the_rate() -> None:
    tally = VoteTally("t", "b", "0 base", "2 tuned", 1, 3, 9)
    found = standing([tally], "t", "b", ["mine", "base"], ["2 tuned", "0 base"])
    assert found is not None and found.rate == 0.25 and found.tally.ties == 9
    assert (found.low, found.high) == wilson(1, 4)
    assert (found.tally.left, found.tally.right) == ("base", "mine"), "as the two are called here"


def test_other_tasks_bases_and_pairs_do_not_count() -> None:
    tally = VoteTally("t", "b", "0 base", "2 tuned", 1, 0, 0)
    labels, sides = ["base", "tuned"], ["0 base", "2 tuned"]
    assert standing([tally], "other", "b", labels, sides) is None
    assert standing([tally], "t", "other", labels, sides) is None
    assert standing([tally], "t", "b", labels, ["0 base", "2 another of that name"]) is None
    assert standing([tally], "t", "b", ["one"], ["0 base"]) is None
    assert standing([tally], "t", "b", labels, sides) is not None


def test_only_ties_give_no_rate() -> None:
    found = standing(
        [VoteTally("t", "b", "0 base", "2 tuned", 0, 0, 2)], "t", "b", ["base", "tuned"], ["0 base", "2 tuned"]
    )
    assert found is not None and found.rate is None and (found.low, found.high) == (0.0, 1.0)
