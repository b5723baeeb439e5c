"""Who is next, and how to stop."""

import threading

import pytest

from studio.line import Line
from training.errors import BusyError


def test_first_come_first_served() -> None:
    line = Line(4)
    first, second, third = (line.join(name) for name in "abc")
    assert [line.ahead(ticket) for ticket in (first, second, third)] == [0, 1, 2]
    assert line.counts() == (1, 2)
    line.leave(second)
    line.leave(first)
    assert line.ahead(third) == 0 and line.counts() == (1, 0)
    line.leave(third)
    line.leave(third)
    assert line.counts() == (0, 0)


def test_a_page_runs_one_comparison_at_a_time() -> None:
    line = Line(4)
    line.join("a")
    with pytest.raises(BusyError, match="of this page"):
        line.join("a")


def test_a_full_line_says_so() -> None:
    line = Line(max_waiting=1)
    line.join("running")
    line.join("waiting")
    with pytest.raises(BusyError, match="The line is full: 1 wait already"):
        line.join("refused")


def test_cancel_reaches_only_its_own_page() -> None:
    line = Line(4)
    mine, other = line.join("mine"), line.join("other")
    assert line.cancel("mine") and not line.cancel("nobody")
    assert mine.cancel.is_set() and not other.cancel.is_set()


def test_waiting_ends_when_the_line_moves() -> None:
    line = Line(4)
    first, second = line.join("a"), line.join("b")
    threading.Timer(0.05, line.leave, [first]).start()
    while line.ahead(second):
        line.wait(30.0)  # far beyond the test's own patience: only the move can end it
    assert line.ahead(second) == 0
