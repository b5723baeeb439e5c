"""Load the default base after the first page, so that opening the window never waits for torch."""

import threading

from studio.deps import Deps
from studio.queries.choices import ADAPTER_PREFIX, arm_choices, default_arms, default_base, default_task
from studio.queries.run_status import gpu_refusal
from training.errors import BusyError, StudioError

FIRST_PAGE_S = 20.0


def preload_later(deps: Deps) -> threading.Thread:
    """A daemon thread that waits for the first page (at most 20 s), then loads; the status bar tells how far it is."""
    thread = threading.Thread(target=preload, args=[deps], name="preload", daemon=True)
    thread.start()
    return thread


def preload(deps: Deps) -> None:
    """Make the default base and its adapter ready. What can't be loaded is told on the page, not only in the log."""
    deps.first_page.wait(FIRST_PAGE_S)
    base = default_base(deps)
    if not base:
        deps.notices.append("No base model was found: assets/models is empty.")
        return
    arms = default_arms(arm_choices(deps, base, default_task(deps)))
    adapters = [arm.removeprefix(ADAPTER_PREFIX) for arm in arms if arm.startswith(ADAPTER_PREFIX)]
    try:
        deps.engine.prepare(base, adapters, lambda text, fraction: tell(deps, text, fraction))
    except StudioError as err:
        if not (isinstance(err, BusyError) and gpu_refusal(deps)):  # the status bar says that, see studio.runs_watch
            deps.notices.append(f"{err} {err.fix}")
    finally:
        deps.told.words = ""


def tell(deps: Deps, text: str, fraction: float | None) -> None:
    deps.told.words = text if fraction is None else f"{text}, {fraction:.0%}"
