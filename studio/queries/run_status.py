"""The training queue for the status bar, and who may not use the model meanwhile. Cheap, for every tick."""

from typing import NamedTuple

from studio.deps import Deps
from studio.queries.runs import active, waiting
from training.errors import BusyError
from training.runs.records import RunStatus
from training.runs.sharing import is_shared


class QueueFacts(NamedTuple):
    """The run at work, how many wait, and whether comparisons share the processor with it."""

    running: RunStatus | None
    waiting: int
    shared: bool


def queue_facts(deps: Deps) -> QueueFacts:
    """Nothing on a Space."""
    if deps.queue is None:
        return QueueFacts(None, 0, False)
    running, status = active(deps), deps.engine.status()
    shared = running is not None and status.base is not None and not is_shared(status.device)
    return QueueFacts(running, len(waiting(deps)), shared)


def gpu_refusal(deps: Deps) -> BusyError | None:
    """Why nothing can be compared now: a run has the GPU that the model needs. None on the CPU: both go on."""
    return deps.sharing.refusal() if deps.sharing is not None else None
