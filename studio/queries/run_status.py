"""The training queue for the status bar, and who may not use the model meanwhile. Cheap, for every tick."""

from typing import NamedTuple

from studio.deps import Deps
from studio.queries.runs import active, waiting
from training.runs.records import RunStatus


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
    shared = running is not None and status.base is not None and not on_accelerator(status.device)
    return QueueFacts(running, len(waiting(deps)), shared)


def gpu_run(deps: Deps) -> RunStatus | None:
    """The run for which the comparison model left the GPU; a comparison waits for it. None on the CPU: both go on."""
    running = active(deps) if deps.queue is not None else None
    return running if running is not None and deps.runs_told.words else None


def on_accelerator(device: str) -> bool:
    """Whether the engine says that its model is on a GPU; false before it has loaded one."""
    return device.partition(":")[0] in ("cuda", "mps", "xpu")
