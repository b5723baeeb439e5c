"""What the tabs are given. Built once in app.py, faked in tests."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event
from typing import TYPE_CHECKING, Protocol

from studio.line import Line
from studio.sessions import Sessions
from studio.settings import Settings
from training.engine.api import AdapterInfo, BaseInfo, EngineLike, EngineStatus
from training.shelf import Shelf
from training.task.pack import Pack

if TYPE_CHECKING:
    from training.runs.queue import Queue
    from training.runs.sharing import Sharing


class Engine(EngineLike, Protocol):
    """What the studio asks besides a comparison: what there is to choose, how the machine stands, its memory back."""

    def status(self) -> EngineStatus: ...
    def unload(self) -> None: ...
    def bases(self) -> list[BaseInfo]: ...
    def adapters(self, base: str) -> list[AdapterInfo]: ...


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Told:
    """What the machine is busy with apart from comparisons, in words; empty at rest."""

    words: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Deps:
    """`notices` are told on the page: what was damaged, what could not be loaded. `clock` is monotonic seconds.

    `first_page` is set when a page was served; models are loaded after that. `queue` is the home's training runs, None
    on a Space, and so is `sharing`, by which the engine asks for the accelerator that runs use as well. `read_only`
    says why this window may not change runs, empty where it may; `runs_fault` what kept it from looking after them;
    `runs_told` is what became of the comparison model because of a run.
    """

    settings: Settings
    engine: Engine
    packs: Mapping[str, Pack]
    sessions: Sessions
    line: Line
    first_page: Event = field(default_factory=Event)
    notices: list[str] = field(default_factory=list)
    told: Told = field(default_factory=Told)
    queue: "Queue | None" = None
    read_only: Told = field(default_factory=Told)
    runs_fault: Told = field(default_factory=Told)
    runs_told: Told = field(default_factory=Told)
    sharing: "Sharing | None" = None
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = utc_now

    def shelf(self, session: str) -> Shelf:
        return self.sessions.shelf(session)
