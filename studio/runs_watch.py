"""What the window does for training while it is open: a look every two seconds, in the background.

Promise: the first window of a home owns its runs and says so to later ones, a run whose process is gone is noticed, the
next one starts, and the comparison model gives its memory back when a run wants the accelerator. On the CPU both share
the processor and nothing is given back. Limits: with no window open the runs themselves see to the queue. A look that
fails is told on the page once and tried again.
"""

import threading
from dataclasses import dataclass

from studio.deps import Deps
from studio.queries.run_status import on_accelerator
from studio.queries.runs import active
from training.errors import StudioError
from training.runs.lease import Lease, Owner

EVERY_S = 2.0
ENGINE = "the comparison model"


@dataclass(frozen=True, slots=True)
class Watch:
    """The parts of a look."""

    deps: Deps
    owner: Owner
    lease: Lease


def watch_runs(deps: Deps, stopped: threading.Event | None = None) -> threading.Thread | None:
    """Look from now on, in a daemon thread, until `stopped`; None on a Space, where nothing runs."""
    if deps.queue is None:
        return None
    home = deps.settings.home
    watch = Watch(deps, Owner(home), Lease(home))
    thread = threading.Thread(
        target=_keep_looking, args=[watch, stopped or threading.Event()], name="runs", daemon=True
    )
    thread.start()
    return thread


def _keep_looking(watch: Watch, stopped: threading.Event) -> None:
    while True:
        try:
            look(watch)
        except StudioError as err:  # a full disk, say: what runs goes on, and the next look may work
            words = f"{err} {err.fix}"
            if words not in watch.deps.notices:
                watch.deps.notices.append(words)
        if stopped.wait(EVERY_S):
            watch.lease.release()
            watch.owner.release()
            return


def look(watch: Watch) -> None:
    """One look: who owns the runs, what became of them, and who wants the accelerator."""
    deps = watch.deps
    assert deps.queue is not None
    deps.read_only.words = watch.owner.read_only
    if not deps.read_only.words:
        deps.queue.reconcile()
    give_way(watch)


def give_way(watch: Watch) -> None:
    """Hold the accelerator while a model is on it; leave it to whoever asks, once no answer is being written."""
    deps, lease = watch.deps, watch.lease
    status = deps.engine.status()
    wanted = lease.wanted()
    if wanted is None and active(deps) is None:
        deps.runs_told.words = ""
    if status.base is None or not on_accelerator(status.device):
        lease.release()
    elif wanted is None:
        lease.acquire(ENGINE, "engine")
    elif status.state == "idle":
        deps.engine.unload()
        lease.release()
        deps.runs_told.words = f"{ENGINE} gave its memory back, it is loaded again when you compare"
