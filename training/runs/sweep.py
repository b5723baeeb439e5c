"""A sweep from its first run to the set that is tied with the best, one run of the queue after the other.

    HOME/sweeps/<id>/  spec.yaml  study.sqlite3 (Optuna)  sweep.json (training.runs.sweep_records)  stop (please stop)

Promise: `run_sweep` may be left at any moment, by a crash, by closing it or by a stop, and started again with the same
spec: it goes on with the very run it was at, and no combination is trained twice. What is chosen by is the task's
primary metric on dev documents; values that clearly hurt are left out and say why (training.runs.sweep_compare).
Limits: one process drives a sweep; other runs in the queue take their turns between its own.
"""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from training.disk import disk, write_whole
from training.errors import BusyError, RunError, StudioError
from training.evals.statistics import bootstrap_mean
from training.processes import Claim
from training.runs.directory import now, read_status, run_folder
from training.runs.evaluation import ADAPTER, EVALUATION, primary_metric
from training.runs.queue import Queue
from training.runs.records import RunStatus
from training.runs.states import ACTIVE, FINISHED, LOST, OVER, QUEUED, STOPPED, STOPPING
from training.runs.sweep_compare import Failure, PrunedValue, Scored, best_of, tied_with_best, values_that_hurt
from training.runs.sweep_records import FILE, SPEC, STOP, Sweep, Trial, read_sweep, sweeps_folder, write_sweep
from training.runs.sweep_search import DONE, FAILED, Search
from training.runs.sweep_spec import SweepSpec, settled, spec_yaml
from training.runs.sweep_time import left_s
from training.task.pack import BUILTIN, find_packs, pack_named

POLL_S = 1.0
BY_HAND, UNSCORED = "stopped by hand", "not scored"  # why a trial has no score that says nothing of its settings
ATTEMPTS = 3  # processes that may be lost over one run before it counts as failed


def run_sweep(spec: SweepSpec, home: Path, queue: Queue, poll_s: float = POLL_S) -> Iterator[Sweep]:
    """Drive the sweep, or go on with it; yields how it stands whenever it looks, the last time when it is over.

    Raises the StudioErrors of `settled` before anything is started, and BusyError where another process drives it.
    """
    spec, dataset_sha256 = settled(spec, home)
    folder = sweeps_folder(home) / spec.sweep
    try:
        claim = Claim(folder, f"The sweep {spec.sweep}")
        claim.__enter__()
    except BusyError as err:
        raise BusyError(f"The sweep {spec.sweep} is worked on by another process.", fix="Look at it there.") from err
    try:
        with disk("begin the sweep", folder):
            (folder / STOP).unlink(missing_ok=True)
            write_whole(folder / SPEC, spec_yaml(spec))
        driver = _Driver(spec, home, queue, folder, dataset_sha256)
        try:
            yield from driver.drive(poll_s)
        finally:
            driver.search.close()
    finally:
        claim.__exit__()


def stop_sweep(home: Path, sweep: str) -> None:
    """Ask who drives it to stop its run after the step, with a checkpoint, and to start no other."""
    folder = sweeps_folder(home) / sweep
    if not (folder / FILE).exists():
        raise RunError(f"There is no sweep {sweep!r} on this machine.", fix="Look at the list of sweeps.")
    with disk("stop the sweep", folder):
        (folder / STOP).touch()


class _Driver:
    """Asks for a combination, submits it, waits for its run, tells the score; all of it on the disk as it happens."""

    def __init__(self, spec: SweepSpec, home: Path, queue: Queue, folder: Path, dataset_sha256: str) -> None:
        self.spec, self.home, self.queue, self.folder = spec, home, queue, folder
        self.dataset_sha256 = dataset_sha256
        self.metric = primary_metric(pack_named(spec.config.task, find_packs(BUILTIN, home / "tasks"), RunError))
        self.search = Search(folder, spec)
        self.created = now()
        self.tied: tuple[int, ...] | None = None
        with suppress(StudioError):  # one that can't be read is written anew from the search in a moment
            self.created = read_sweep(folder).created

    def drive(self, poll_s: float) -> Iterator[Sweep]:
        yield self.keep("running")
        number = self.search.open_trial()
        while number is not None or (number := self._next()) is not None:
            for status in self._follow(number, poll_s):
                if status is None:
                    yield self.keep("stopped")
                    return
                yield self.keep("running", status)
            self.search.leave_out(self._newly_pruned())
            yield self.keep("running")
            if (self.folder / STOP).exists():
                yield self.keep("stopped")
                return
            number = None
        yield self.keep("finished")

    def _next(self) -> int | None:
        """The next combination without a value that is left out; those with one are told as pruned on the way."""
        while (number := self.search.ask()) is not None:
            values = self._trial(number)["values"]
            gone = next((out for out in self.search.left_out() if values[out.field] == out.value), None)
            if gone is None:
                return number
            self.search.prune(number, f"{gone.field} {gone.value}: {gone.reason}")
        return None

    def _follow(self, number: int, poll_s: float) -> Iterator[RunStatus | None]:
        """Submit a trial and wait for its end, which is told to the search. None last: it was stopped in the middle."""
        config = self.spec.config_of(self._trial(number)["values"], number)
        key = f"sweep {self.spec.sweep} {config.sha256[:32]}"
        run = self.queue.submit(config, key=key, dataset_sha256=self.dataset_sha256, sweep=self.spec.sweep)
        self.search.note(number, run=run)
        anew = True
        while True:
            try:
                status = self._look(run, anew)
            except RunError as err:
                self.search.fail(number, f"its run is gone: {err}")
                return
            anew = anew and status.state == STOPPING  # of an earlier stop of the sweep
            if (self.folder / STOP).exists() and status.state not in OVER:
                self._stop(run)
                yield None
                return
            if status.state in OVER:
                self._tell(number, status)
                return
            yield status
            time.sleep(poll_s)

    def _look(self, run: str, anew: bool) -> RunStatus:
        """How the run stands. One that was lost, or that an earlier stop of the sweep ended, goes on once more."""
        self.queue.reconcile()
        status = read_status(run_folder(self.home, run))
        while (status.state == LOST and status.attempts < ATTEMPTS) or (anew and status.state == STOPPED):
            self.queue.resume(run)
            anew, status = False, read_status(run_folder(self.home, run))
        return status

    def _stop(self, run: str) -> None:
        if read_status(run_folder(self.home, run)).state in ACTIVE | {QUEUED}:
            self.queue.stop(run)

    def _tell(self, number: int, status: RunStatus) -> None:
        """A finished run's score, or why it has none."""
        facts = {"seconds": status.seconds}
        if status.state != FINISHED:
            by_hand = status.state == STOPPED
            reason = status.error or (BY_HAND if by_hand else status.state)
            self.search.fail(number, reason, why=BY_HAND if by_hand else status.kind or status.state, **facts)
            return
        try:
            report = json.loads((run_folder(self.home, status.run) / EVALUATION).read_text("utf-8"))
            ids, scores = list(report["ids"]), [float(score) for score in report["scores"][ADAPTER]]
        except (OSError, ValueError, KeyError, TypeError):
            self.search.fail(number, f"not evaluated: {status.error or 'no figures were left'}", why=UNSCORED)
            return
        known = next((trial["ids"] for trial in self.search.found() if trial["state"] == DONE), ids)
        if ids != known or not scores:
            self.search.fail(number, "it was scored on other dev rows than the runs before it", why=UNSCORED)
            return
        low, high = bootstrap_mean(scores) or (None, None)
        self.search.tell(number, sum(scores) / len(scores), scores=scores, ids=ids, low=low, high=high, **facts)

    def _newly_pruned(self) -> list[PrunedValue]:
        if not self.spec.prune:
            return []
        trials = self.search.found()
        failures = [Failure(t["values"], t.get("why", "")) for t in trials if t["state"] == FAILED]
        told = [failure for failure in failures if failure.why not in (BY_HAND, UNSCORED, "")]
        return values_that_hurt(_scored(trials), told, self.search.left_out())

    def _trial(self, number: int) -> dict[str, Any]:
        return self.search.found()[number]

    def keep(self, state: str, status: RunStatus | None = None) -> Sweep:
        """Write how the sweep stands, and return it."""
        trials = self.search.found()
        scored = _scored(trials)
        best = best_of(scored)
        if self.tied is None or status is None:  # nothing is scored while a run is waited for
            self.tied = tied_with_best(scored)
        sweep = Sweep(
            sweep=self.spec.sweep, name=self.spec.name, state=state, task=self.spec.config.task,
            base=self.spec.config.base, dataset=self.spec.config.dataset, metric=self.metric, search=self.spec.search,
            fields=self.spec.to_json()["fields"], total=self.spec.total,
            trials=tuple(_trial_record(trial) for trial in trials), pruned=tuple(self.search.left_out()),
            best=None if best is None else best.number, tied=self.tied, created=self.created, updated=now(),
            step=0 if status is None else status.step, steps=0 if status is None else status.steps,
        )  # fmt: skip
        if state == "running":
            sweep = replace(sweep, left_s=left_s(self.spec, sweep, 0.0 if status is None else status.seconds))
        write_sweep(self.folder, sweep)
        return sweep


def _scored(trials: Sequence[dict[str, Any]]) -> list[Scored]:
    return [Scored(t["number"], t["values"], tuple(t["scores"])) for t in trials if t["state"] == DONE]


def _trial_record(trial: dict[str, Any]) -> Trial:
    return Trial(
        trial["number"], trial["state"], trial["values"], trial.get("run", ""), trial["score"], trial.get("low"),
        trial.get("high"), len(trial.get("scores", ())), trial.get("seconds", 0.0), trial.get("reason", ""),
    )  # fmt: skip
