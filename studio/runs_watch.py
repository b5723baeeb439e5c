"""What the window does for training while it is open: a look every two seconds, in the background.

Promise: the first window of a home owns its runs and says so to later ones, a run whose process is gone is noticed, the
next one starts, and the comparison model gives its memory back when a run wants the accelerator. On the CPU both share
the processor and nothing is given back. Limits: with no window open the runs themselves see to the queue. A look that
fails, for whatever reason, stands on the Train page until one works again; each part of a look is tried every time.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from studio.deps import Deps
from studio.queries.runs import active, words_of
from training.errors import StudioError
from training.runs.lease import Owner
from training.runs.sharing import ENGINE

EVERY_S = 2.0
GAVE = f"{ENGINE} gave its memory back, it is loaded again when you compare after the run"
LEFT = f"{ENGINE} is not loaded beside the run, it is when you compare after it"
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Watch:
    """The parts of a look."""

    deps: Deps
    owner: Owner


def watch_runs(deps: Deps, stopped: threading.Event | None = None) -> threading.Thread | None:
    """Look from now on, in a daemon thread, until `stopped`; None on a Space, where nothing runs."""
    if deps.queue is None:
        return None
    watch = Watch(deps, Owner(deps.settings.home))
    thread = threading.Thread(
        target=_keep_looking, args=[watch, stopped or threading.Event()], name="runs", daemon=True
    )
    thread.start()
    return thread


def _keep_looking(watch: Watch, stopped: threading.Event) -> None:
    while True:
        look(watch)
        if stopped.wait(EVERY_S):
            if watch.deps.sharing is not None:
                watch.deps.sharing.release()
            watch.owner.release()
            return


def look(watch: Watch) -> None:
    """One look: who owns the runs, what became of them, and who wants the accelerator. What fails is told, see Deps."""
    deps = watch.deps
    faults = [words for part in (look_after, give_way) if (words := _tried(part, watch))]
    if faults and " ".join(faults) != deps.runs_fault.words:
        log.warning("%s", " ".join(faults))
    deps.runs_fault.words = " ".join(dict.fromkeys(faults))


def _tried(part: Callable[[Watch], None], watch: Watch) -> str:
    """Do a part of a look; what went wrong, in words, and "" where nothing did. The next look may work."""
    try:
        part(watch)
    except StudioError as err:  # a full disk, say: what runs goes on
        return words_of(err)
    except Exception as err:
        log.exception("The look after the runs failed.")
        fix = "What runs goes on, and the next look comes in a moment; please report this with the terminal's trace."
        return f"The runs could not be looked after: {type(err).__name__}: {err}. {fix}"
    return ""


def look_after(watch: Watch) -> None:
    """Who owns the runs, and what became of them."""
    deps = watch.deps
    assert deps.queue is not None
    deps.read_only.words = watch.owner.read_only
    if not deps.read_only.words:
        deps.queue.reconcile()


def give_way(watch: Watch) -> None:
    """Leave the accelerator to a run that asks, once no answer is being written, and say what became of the model."""
    deps = watch.deps
    if deps.sharing is None:
        return
    if deps.sharing.give_way(deps.engine):
        deps.runs_told.words = GAVE
    elif deps.sharing.refusal() is not None:
        deps.runs_told.words = deps.runs_told.words or LEFT
    elif active(deps) is None:
        deps.runs_told.words = ""
