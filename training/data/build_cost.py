"""What a build would pay for, told before anything is paid: its teacher, its judge, or nobody."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from training.data.spec import DatasetSpec

if TYPE_CHECKING:
    from training.chat.cost import Estimate, Spending
    from training.chat.endpoint import EndpointSpec


@dataclass(frozen=True, slots=True)
class Quote:
    """One endpoint that a build would ask: `whose` is teacher or judge, `spending` what builds of that name used."""

    whose: str
    asked: "EndpointSpec"
    estimate: "Estimate"
    spending: "Spending"

    def lines(self) -> tuple[str, ...]:
        """For a person: what it would take, and what it has taken so far where it has."""
        used = self.spending.calls or self.spending.damaged
        return (*self.estimate.lines(), self.spending.line()) if used else tuple(self.estimate.lines())


def endpoints(spec: DatasetSpec) -> tuple["EndpointSpec", ...]:
    """Whom a build of the spec would ask for money."""
    return tuple(asked for asked in (spec.teacher, spec.judge) if asked is not None)


def quotes(spec: DatasetSpec, home: Path) -> tuple[Quote, ...]:
    """A quote for each endpoint of the spec, () for a build that costs nothing. Reads every source, asks nobody.

    DataError for a source that can't be read.
    """
    return tuple(_quotes(spec, home))


def _quotes(spec: DatasetSpec, home: Path) -> Iterator[Quote]:
    from training.chat.cost import Spending
    from training.chat.ledger import used_in
    from training.data import build_judge, build_teacher

    kinds = (
        (spec.teacher, build_teacher.estimate_teacher, build_teacher.ledger_path),
        (spec.judge, build_judge.estimate_judge, build_judge.ledger_path),
    )
    for asked, estimate, ledger in kinds:
        if asked is not None:
            spending = Spending.of(asked.whose, asked, *used_in(ledger(home, spec)))
            yield Quote(asked.whose, asked, estimate(spec, home), spending)
