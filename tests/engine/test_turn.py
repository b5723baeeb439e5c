"""One at a time, counted, and nobody has to wait for ever."""

import threading
import time
from collections.abc import Callable

import pytest

from training.engine.turn import Turnstile
from training.errors import BusyError


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.005)


def test_the_second_waits_until_the_first_leaves_and_is_counted() -> None:
    turn = Turnstile()
    assert turn.enter()
    entered = threading.Event()
    waiter = threading.Thread(target=lambda: turn.enter() and entered.set())
    waiter.start()
    wait_for(lambda: turn.waiting == 1)
    assert not entered.is_set()
    turn.leave()
    waiter.join(10)
    assert entered.is_set()
    assert (turn.waiting, turn.busy) == (0, True)


def test_a_waiter_that_cancels_leaves_without_the_turn() -> None:
    turn, cancel = Turnstile(), threading.Event()
    turn.enter()
    cancel.set()
    assert turn.enter(cancel) is False
    assert (turn.waiting, turn.busy) == (0, True)


def test_waiting_has_an_end() -> None:
    turn = Turnstile()
    turn.enter()
    with pytest.raises(BusyError, match="busy") as caught:
        turn.enter(max_wait_s=0.01)
    assert caught.value.fix
    assert turn.waiting == 0


def test_another_thread_may_give_the_turn_back() -> None:
    turn = Turnstile()
    turn.enter()
    helper = threading.Thread(target=turn.leave)
    helper.start()
    helper.join(10)
    assert not turn.busy
