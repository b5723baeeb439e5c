"""How far an evaluation is: its status on the disk and what whoever waits is told, at most twice a second."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from training.background import WRITE_EVERY_S
from training.evals.directory import write_status
from training.evals.records import EvalStatus

ETA_AFTER = 3  # answers, before a rate is believed
Told = Callable[[EvalStatus], None]


class Progress:
    """Keeps a status up to date. `stop` is asked by whoever works; the rate of answers gives the time that is left."""

    def __init__(self, folder: Path, status: EvalStatus, told: Told, stop: Callable[[], bool]) -> None:
        self._folder, self._told, self.stop = folder, told, stop
        self.status = status
        self._written = 0.0
        self._began, self._timed = 0.0, 0
        self._asked, self._to_ask = 0, 0  # answers of models alone: the others take no time

    def tell(self, **changes: Any) -> None:
        """Keep a change of what is done now, at once."""
        self.status = write_status(self._folder, replace(self.status, **changes))
        self._written = time.monotonic()
        self._told(self.status)

    def expect(self, answers: int) -> None:
        """So many answers of models are still to be had, those of passes for times and noise among them."""
        self._to_ask = answers

    def begin(self, arm: str, phase: str = "answering") -> None:
        """An arm starts to answer: what was waited for before is no part of its rate."""
        self._began, self._timed = time.monotonic(), 0
        self.tell(phase=phase, arm=arm)

    def given(self) -> None:
        """One more answer that needed no model."""
        self._count(self.status.eta_s)

    def answered(self) -> None:
        """One more answer of a model. The time left is reckoned at this arm's own rate, the one before it at first."""
        self._count(self._eta())

    def passed(self) -> None:
        """One more answer of a pass: it takes time, and none of the answers that were asked for."""
        self._count(self._eta(), 0)

    def _eta(self) -> float | None:
        self._timed, self._to_ask = self._timed + 1, max(0, self._to_ask - 1)
        if self._timed < ETA_AFTER:
            return self.status.eta_s
        return round((time.monotonic() - self._began) / self._timed * self._to_ask, 1)

    def _count(self, eta: float | None, answers: int = 1) -> None:
        self.status = replace(self.status, done=self.status.done + answers, eta_s=eta)
        if time.monotonic() - self._written >= WRITE_EVERY_S:
            self.tell()
