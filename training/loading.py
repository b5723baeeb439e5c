"""Getting ready, watched: in a thread of its own, so that people see how far it is and can leave. No torch.

Promise: who leaves is free at once, and what was begun for them ends at its next word of progress. Limit: a step that
says nothing for long, such as reading one large file into memory, is finished first.
"""

import queue
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Generic, TypeVar

from training.errors import ModelError

Tell = Callable[[str, float | None], None]
T = TypeVar("T")
POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Loading:
    """`fraction` is 0..1, None where it is not known."""

    text: str
    fraction: float | None


class Left(Exception):
    """Raised out of the progress callback: the one who wanted this has gone."""


@dataclass(frozen=True, slots=True)
class _Made(Generic[T]):
    value: T


def watched(
    work: Callable[[Tell], T], cancel: threading.Event, over: Callable[[], bool]
) -> Generator[Loading, None, T | None]:
    """What `work` returns, its words of progress on the way; None where `cancel` was set first.

    ModelError where `over` says that it took too long; what `work` raises is raised here. A set `cancel`, closing this
    iterator and `over` all end `work` the next time that it tells how far it is.
    """
    told: queue.SimpleQueue[Loading | _Made[T] | BaseException] = queue.SimpleQueue()
    left = threading.Event()

    def tell(text: str, fraction: float | None) -> None:
        if left.is_set() or cancel.is_set():
            raise Left
        told.put(Loading(text, fraction))

    def run() -> None:
        try:
            told.put(_Made(work(tell)))
        except BaseException as err:  # carried to the caller's thread, which raises it
            told.put(err)

    threading.Thread(target=run, name="prepare", daemon=True).start()
    try:
        return (yield from _listen(told, cancel, over))
    finally:
        left.set()


def _listen(
    told: "queue.SimpleQueue[Loading | _Made[T] | BaseException]", cancel: threading.Event, over: Callable[[], bool]
) -> Generator[Loading, None, T | None]:
    while True:
        try:
            news = told.get(timeout=POLL_S)
        except queue.Empty:
            news = None
        if isinstance(news, _Made):
            return news.value
        if cancel.is_set() or isinstance(news, Left):
            return None
        if isinstance(news, BaseException):
            raise news
        if over():
            raise ModelError(
                "The model was not ready within the time that a run may take here.",
                fix="Try again, what was fetched is kept; or choose a smaller model.",
            )
        if news is not None:
            yield news
