"""How many rows came in, how many were kept and why the others were not. The counts always add up.

n_in = n_kept + the sum of `refused`, where a refused row counts once, under its first reason in the order of `GATES`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from training.chat.cost import Spending
from training.data.rows import DataRow, Refusal

# The order in which a row meets them; its first reason is the first of these that refused it.
GATES = (
    "parses", "personal", "schema", "contract", "leaked", "trivial", "length", "supported", "licence", "evaluation",
    "consistency", "duplicate", "rubric", "diversity",
)  # fmt: skip
MASKED, FOUND, UNSCORED, UNSUPPORTED = "masked", "found", "unscored", "unsupported"  # keys of a row's notes
SCORES, FIXED = "rubric", "fixed_row"  # the judge's scores; of a refused row, the one it would have in its place
Gated = tuple[DataRow, tuple[Refusal, ...]]


@dataclass(frozen=True, slots=True)
class Judged:
    """How far the judge is: `done` of `total` rows that passed the gates before it, and what was spent so far."""

    done: int
    total: int
    spending: Spending | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """How many rows the gates that look at one row have seen: the first word, long before a row comes out."""

    done: int


@dataclass(frozen=True, slots=True)
class GateReport:
    """Rows by outcome. `refused`: by first reason; `reasons`: by every reason, so its sum may be larger.

    `n_masked`, `n_found` (personal data or secrets seen and left), `n_unsupported` (kept, with items the source lacks)
    and `n_unscored` (the judge gave no score) count rows of any outcome: they are not part of the sum.
    """

    n_in: int
    n_kept: int
    refused: Mapping[str, int]
    reasons: Mapping[str, int]
    n_masked: int
    n_found: int
    n_unsupported: int
    n_unscored: int

    @property
    def n_refused(self) -> int:
        return sum(self.refused.values())


class Tally:
    """A report in the making: `add` each row as it comes out of the gates."""

    def __init__(self) -> None:
        self._kept = 0
        self._first: Counter[str] = Counter()
        self._all: Counter[str] = Counter()
        self._notes: Counter[str] = Counter()

    def add(self, row: DataRow, refusals: tuple[Refusal, ...]) -> None:
        """Count one row."""
        if refusals:
            self._first[refusals[0].gate] += 1
        else:
            self._kept += 1
        self._all.update({refusal.gate for refusal in refusals})
        self._notes.update(key for key in (MASKED, FOUND, UNSCORED, UNSUPPORTED) if key in row.notes)

    def report(self) -> GateReport:
        """The counts so far."""
        return GateReport(
            n_in=self._kept + self._first.total(),
            n_kept=self._kept,
            refused=_ordered(self._first),
            reasons=_ordered(self._all),
            n_masked=self._notes[MASKED],
            n_found=self._notes[FOUND],
            n_unsupported=self._notes[UNSUPPORTED],
            n_unscored=self._notes[UNSCORED],
        )


def gate_report(results: Iterable[Gated]) -> GateReport:
    """The report over what `run_gates` gave."""
    tally = Tally()
    for row, refusals in results:
        tally.add(row, refusals)
    return tally.report()


def _ordered(counts: Counter[str]) -> dict[str, int]:
    return {gate: counts[gate] for gate in GATES if counts[gate]}
