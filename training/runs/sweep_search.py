"""The order in which a sweep tries its combinations, kept by Optuna in the sweep's own folder. No torch.

Promise: what was asked for, told and left out is written before the next is asked for, so that a sweep whose process
died goes on where it was, with the combination that was being tried. A grid goes by training.runs.sweep_order, a search
suggests by TPE. A damaged store is set aside: the same spec asks for the same combinations again, and their runs are
known to the queue by what they do. Limits: one process at a time, see training.runs.sweep.
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from training.disk import disk, storage_error
from training.runs.checks import kinds_of
from training.runs.sweep_compare import PrunedValue
from training.runs.sweep_order import in_order
from training.runs.sweep_spec import Range, SweepSpec

STUDY, FACTS = "study.sqlite3", "facts"
BUSY_S = 30.0
SUGGESTIONS = 10  # a search may suggest so many times its trials, those with pruned values among them
RUNNING, DONE, FAILED, PRUNED = "running", "done", "failed", "pruned"


class Search:
    """The trials of one sweep. `found` are plain records; every method that changes one has written it on return."""

    def __init__(self, folder: Path, spec: SweepSpec) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._optuna, self._spec, self._path = optuna, spec, folder / STUDY
        _set_aside_if_damaged(self._path)
        with self._kept():
            place = f"sqlite:///{self._path.absolute().as_posix()}"
            storage = optuna.storages.RDBStorage(place, engine_kwargs={"creator": self._connect})
            self._study = optuna.create_study(
                study_name=spec.sweep,
                storage=storage,
                direction="maximize",
                load_if_exists=True,
            )
            self._study.sampler = _sampler(spec, len(self._study.get_trials(deepcopy=False)))

    def open_trial(self) -> int | None:
        """The number of the trial that was asked for and not told yet, whole: a process ended in the middle of it."""
        number = next((trial["number"] for trial in self.found() if trial["state"] == RUNNING), None)
        if number is not None:
            with self._kept():
                trial = self._optuna.Trial(self._study, self._id(number))
                for name, values in self._spec.fields.items():
                    _suggest(trial, name, values)
        return number

    def ask(self) -> int | None:
        """The next trial's number; None where the grid is done, or enough was tried."""
        with self._kept():
            trials = self._study.get_trials(deepcopy=False)
            tried = sum(trial.state in (self._state(DONE), self._state(FAILED)) for trial in trials)
            total = self._spec.total
            if tried >= total or (self._spec.search == "tpe" and len(trials) >= SUGGESTIONS * total):
                return None
            if self._spec.search == "grid" and len(trials) >= (self._spec.combinations or 0):
                return None
            trial = self._study.ask()
            for name, values in self._spec.fields.items():
                _suggest(trial, name, values)
            return trial.number

    def note(self, number: int, **facts: Any) -> None:
        """Keep facts with a trial: its run, its scores."""
        with self._kept():
            storage, trial = self._study._storage, self._id(number)
            known = storage.get_trial(trial).user_attrs.get(FACTS, {})
            if known | facts != known:
                storage.set_trial_user_attr(trial, FACTS, known | facts)

    def tell(self, number: int, score: float, **facts: Any) -> None:
        self.note(number, **facts)
        with self._kept():
            self._study.tell(number, score)

    def fail(self, number: int, reason: str, **facts: Any) -> None:
        self.note(number, reason=reason, **facts)
        with self._kept():
            self._study.tell(number, state=self._state(FAILED))

    def prune(self, number: int, reason: str) -> None:
        """Leave a combination out; it counts as none of the runs."""
        self.note(number, reason=reason)
        with self._kept():
            self._study.tell(number, state=self._state(PRUNED))

    def found(self) -> list[dict[str, Any]]:
        """Every trial: number, state, values, score, and its facts."""
        with self._kept():
            trials = self._study.get_trials(deepcopy=False)
        states = {self._state(name): name for name in (RUNNING, DONE, FAILED, PRUNED)}
        return [
            {
                "number": trial.number,
                "state": states[trial.state],
                "values": _decoded(self._spec, trial.params),
                "score": trial.value,
                **trial.user_attrs.get(FACTS, {}),
            }
            for trial in trials
        ]

    def leave_out(self, values: Sequence[PrunedValue]) -> None:
        """Remember values that are not tried any more."""
        with self._kept():
            self._study.set_user_attr("pruned", [asdict(value) for value in [*self.left_out(), *values]])

    def left_out(self) -> list[PrunedValue]:
        with self._kept():
            kept = self._study.user_attrs.get("pruned", [])
        return [PrunedValue(one["field"], _plain(one["value"]), one["reason"]) for one in kept]

    def close(self) -> None:
        """Give the file back."""
        self._study._storage.remove_session()

    def _connect(self) -> sqlite3.Connection:
        """Without waiting for the disk at each word: what a power cut takes is asked for again, see above."""
        db = sqlite3.connect(self._path, timeout=BUSY_S, check_same_thread=False)
        db.execute("PRAGMA synchronous = OFF")
        return db

    def _id(self, number: int) -> int:
        return self._study._storage.get_trial_id_from_study_id_trial_number(self._study._study_id, number)

    def _state(self, name: str) -> Any:
        states = self._optuna.trial.TrialState
        return {RUNNING: states.RUNNING, DONE: states.COMPLETE, FAILED: states.FAIL, PRUNED: states.PRUNED}[name]

    @contextmanager
    def _kept(self) -> Iterator[None]:
        try:
            with disk("keep the sweep", self._path):
                yield
        except self._optuna.exceptions.StorageInternalError as err:
            raise storage_error("keep the sweep", self._path, err) from err


def _sampler(spec: SweepSpec, tried: int) -> Any:
    """What chooses next. A search that goes on after so many tries must not repeat the dice of its beginning."""
    import optuna

    if spec.search == "tpe":
        dice = (spec.seed + tried) % 2**32  # more has no place in numpy's
        return optuna.samplers.TPESampler(seed=dice, n_startup_trials=min(10, max(2, spec.trials // 3)))

    order = [dict(zip(values, _keys([*values.values()]), strict=True)) for values in in_order(spec)]

    class Grid(optuna.samplers.BaseSampler):
        """The first combination of the order that no trial has had. One that was being asked for when its process died
        is completed with what it had."""

        def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, Any]:
            return {}

        def sample_relative(self, study: Any, trial: Any, search_space: Any) -> dict[str, Any]:
            return {}

        def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:
            had = [other.params for other in study.get_trials(deepcopy=False) if other.number != trial.number]
            free = (values for values in order if values not in had)
            return next(values for values in free if trial.params.items() <= values.items())[param_name]

    return Grid()


def _suggest(trial: Any, name: str, values: tuple[Any, ...] | Range) -> None:
    if not isinstance(values, Range):
        trial.suggest_categorical(name, _keys(values))
    elif float in kinds_of(name):
        trial.suggest_float(name, values.low, values.high, log=values.log)
    else:
        trial.suggest_int(name, int(values.low), int(values.high), log=values.log)


def _keys(values: Sequence[Any]) -> list[Any]:
    """Values as Optuna keeps them: a list of names as one text."""
    return [",".join(value) if isinstance(value, tuple) else value for value in values]


def _decoded(spec: SweepSpec, params: Mapping[str, Any]) -> dict[str, Any]:
    """What Optuna kept, as the fields have it, in the order of the spec."""
    found: dict[str, Any] = {}
    for name, values in spec.fields.items():
        if name in params:
            kept = params[name]
            found[name] = (
                kept if isinstance(values, Range) else dict(zip(_keys(values), values, strict=True)).get(kept, kept)
            )
    return found


def _plain(value: Any) -> Any:
    """JSON has no tuples."""
    return tuple(value) if isinstance(value, list) else value


def _set_aside_if_damaged(path: Path) -> None:
    """A store that SQLite can't read moves out of the way."""
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_S)) as db:
            sound = db.execute("PRAGMA quick_check").fetchone()[0] == "ok"
    except sqlite3.OperationalError:  # busy or not allowed: the file itself may be well
        return
    except sqlite3.DatabaseError:
        sound = False
    if not sound:
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
        with disk("set the damaged store of the sweep aside", path):
            os.replace(path, path.with_name(f"{path.name}.damaged-{stamp}"))
