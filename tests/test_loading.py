"""Loading that is watched: its words come through, and whoever leaves is free at once."""

import threading
from typing import Any

import pytest

from training.errors import ModelError
from training.loading import Left, Loading, Tell, watched


def never() -> bool:
    return False


def run(generator: Any) -> tuple[list[Loading], Any]:
    """What was told, and what came of it."""
    told: list[Loading] = []
    while True:
        try:
            told.append(next(generator))
        except StopIteration as end:
            return told, end.value


def test_words_come_through_and_the_result_at_the_end() -> None:
    def work(tell: Tell) -> str:
        tell("Fetching", 0.5)
        tell("Reading", None)
        return "ready"

    told = [Loading("Fetching", 0.5), Loading("Reading", None)]
    assert run(watched(work, threading.Event(), never)) == (told, "ready")


def test_what_breaks_is_raised_where_it_is_waited_for() -> None:
    def work(_: Tell) -> None:
        raise ZeroDivisionError("x")

    with pytest.raises(ZeroDivisionError):
        run(watched(work, threading.Event(), never))


class Slow:
    """Work that tells how far it is whenever it is allowed to, and remembers how it ended."""

    def __init__(self) -> None:
        self.go_on, self.ended = threading.Event(), threading.Event()
        self.how: BaseException | None = None

    def __call__(self, tell: Tell) -> str:
        tell("Fetching", 0.1)
        self.go_on.wait(30)
        try:
            tell("Fetching", 0.2)
        except BaseException as err:
            self.how = err
            raise
        finally:
            self.ended.set()
        return "late"


def test_cancel_frees_the_one_who_waits_at_once_and_ends_the_work_at_its_next_word() -> None:
    work, cancel = Slow(), threading.Event()
    watching = watched(work, cancel, never)
    assert next(watching).fraction == 0.1
    cancel.set()
    assert run(watching) == ([], None), "the work has not gone on meanwhile"
    work.go_on.set()
    assert work.ended.wait(30) and isinstance(work.how, Left)


def test_a_page_that_is_closed_ends_the_work_as_well() -> None:
    work = Slow()
    watching = watched(work, threading.Event(), never)
    next(watching)
    watching.close()
    work.go_on.set()
    assert work.ended.wait(30) and isinstance(work.how, Left)


def test_what_takes_too_long_is_given_up_with_a_word() -> None:
    work = Slow()
    with pytest.raises(ModelError, match="not ready") as told:
        run(watched(work, threading.Event(), lambda: True))
    assert told.value.fix
    work.go_on.set()
    assert work.ended.wait(30)
