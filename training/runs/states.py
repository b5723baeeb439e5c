"""How a run can stand, and what may follow what: the one table that queue, worker and window go by."""

from collections.abc import Mapping

from training.errors import RunError

QUEUED, STARTING, RUNNING, STOPPING = "queued", "starting", "running", "stopping"
STOPPED, FINISHED, FAILED, LOST = "stopped", "finished", "failed", "lost"
STATES = (QUEUED, STARTING, RUNNING, STOPPING, STOPPED, FINISHED, FAILED, LOST)
ACTIVE = frozenset({STARTING, RUNNING, STOPPING})  # a process works on it, or should
OVER = frozenset({STOPPED, FINISHED, FAILED, LOST})
RESUMABLE = frozenset({STOPPED, FAILED, LOST})  # where a checkpoint is; without one the run begins anew
# A process may end at any moment of its life; one that ends without a word leaves its run lost.
ALLOWED: Mapping[str, frozenset[str]] = {
    QUEUED: frozenset({STARTING, STOPPED}),
    STARTING: frozenset({RUNNING, STOPPING, STOPPED, FAILED, LOST}),
    RUNNING: frozenset({STOPPING, FINISHED, FAILED, LOST}),
    STOPPING: frozenset({STOPPED, FINISHED, FAILED, LOST}),
    STOPPED: frozenset({QUEUED}),
    FINISHED: frozenset(),
    FAILED: frozenset({QUEUED}),
    LOST: frozenset({QUEUED}),
}


def check_move(run: str, before: str, after: str) -> None:
    """RunError where `after` may not follow `before`."""
    if after not in ALLOWED[before]:
        may = ", ".join(sorted(ALLOWED[before])) or "nothing"
        raise RunError(
            f"The run {run} is {before} and can't become {after}.", fix=f"From {before} it can become: {may}."
        )
