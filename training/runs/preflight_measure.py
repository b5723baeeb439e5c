"""The part of a preflight that runs a few real steps: alone on the machine, and with a memory of what stopped them.

Promise: the steps hold the lease that runs and Compare share, so that an idle model of Compare gives its memory back
first and no run is timed or crowded by them; where somebody else keeps the machine they are not run, and the check of
the time says who has it. What stops them stops the run until they are measured anew (training.runs.measured).
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from training.data.versions import Version
from training.runs.config import RunConfig
from training.runs.lease import Lease
from training.runs.measured import remember
from training.runs.preflight_memory import gb
from training.runs.records import Check

if TYPE_CHECKING:
    from training.engine.calibrate import Measured
    from training.engine.row_checks import RowsSeen
    from training.engine.run_needs import BaseSeen

WAIT_S = 20.0  # an idle model of Compare gives its memory back within a few seconds
MEMORY = ("out_of_memory", "killed")  # kinds of failure that are told under the name of the memory


@dataclass(frozen=True, slots=True)
class Known:
    """What the checks before found on their way."""

    version: Version
    base: "BaseSeen"
    seen: "RowsSeen"


def measured_steps(config: RunConfig, known: Known, home: Path) -> "tuple[Measured | None, Check]":
    """The figures of a few real steps, and the check that tells of them; None where they did not run."""
    if known.base.files is None:
        return None, Check("time", "wait", f"Can't be measured before the weights of {known.base.name} are here.")
    with _alone(config, home) as other:
        if other:
            words = f"Not measured: {other} has the machine, and steps beside it would time the two together."
            return None, Check("time", "wait", words, "Check again when it is over.")
        return _measure(config, known, home)


def _measure(config: RunConfig, known: Known, home: Path) -> "tuple[Measured | None, Check]":
    from training.engine.calibrate import NotMeasured, calibration_rows, measure

    rows = calibration_rows(known.seen.rows, known.seen.lengths, config)
    try:
        found = measure(config, known.base.folder, rows, known.base.name)
    except NotMeasured as err:
        state = "warn" if err.kind == "slow" else "stop"
        check = Check("memory" if err.kind in MEMORY else "time", state, str(err), err.fix)
        remember(config, known.version.sha256, home, check if state == "stop" else None)
        return None, check
    remember(config, known.version.sha256, home, None)
    words = f"{found.steps} real steps ran: {found.tokens_per_s:,.0f} tokens/s, at most {gb(found.peak_bytes)} held."
    return found, Check("time", "ok", words)


@contextmanager
def _alone(config: RunConfig, home: Path) -> Iterator[str]:
    """Hold the machine, which is ""; or who has it and does not give way. A run never does: it is not waited for."""
    lease = Lease(home)
    name = f"the check {secrets.token_hex(2)} of {config.label}"  # two checks in one studio are two
    holder = lease.holder()
    waits = 0.0 if holder is not None and holder.kind == "run" else WAIT_S
    if not lease.acquire(name, "engine", waits):
        holder = lease.holder()
        yield holder.words if holder else "somebody else"
        return
    try:
        yield ""
    finally:
        lease.release()
