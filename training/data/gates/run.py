"""Rows through all gates: each comes out with every reason that speaks against it, a kept one with none.

Row gates look at one row and are asked in the order of `report.GATES`; all of them are asked, so a person who repairs a
row sees everything at once, except where it can't be read at all. Then the gates over the whole set look at what is
left, so that a refused row never displaces a good one: consistency and duplicates, the judge, who is paid by the row,
and the quotas. Rows come out in the order in which they came in. Limits: the set is held in memory, about 12 kB a row
besides its own text; the first row comes out when the last one is in.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from training.data.gates.diversity import diversity
from training.data.gates.duplicates import cluster, duplicate
from training.data.gates.evaluation import Protected, protected
from training.data.gates.leaked import leaked
from training.data.gates.lengths import length
from training.data.gates.personal import guard
from training.data.gates.plan import GatePlan
from training.data.gates.report import UNSUPPORTED, Gated, Judged, Looked
from training.data.gates.rows import contract, parses, schema
from training.data.gates.supported import licence, rubric, supported, unsupported
from training.data.gates.trivial import trivial
from training.data.rows import DataRow, Refusal

EVERY = 100  # rows between two words
RowGate = Callable[[DataRow, GatePlan], Refusal | None]
ROW_GATES: tuple[RowGate, ...] = (schema, contract, leaked, trivial, length, supported, licence)


def run_gates(rows: Iterable[DataRow], plan: GatePlan) -> Iterator[Gated]:
    """Every row with its refusals in the order of `GATES`, () where kept; a masked or noted row comes back changed."""
    return (step for step in gate_steps(rows, plan) if not isinstance(step, Judged | Looked))


def gate_steps(rows: Iterable[DataRow], plan: GatePlan) -> Iterator[Gated | Judged | Looked]:
    """`run_gates` with words before the first row comes out: after every `EVERY` rows that the gates have looked at by
    themselves, and after each that the judge was asked about.
    """
    known = protected(plan)
    held: list[DataRow] = []
    refusals: defaultdict[int, list[Refusal]] = defaultdict(list)
    for at, given in enumerate(rows):
        row, found = judge_row(given, plan, known)
        held.append(row)
        if found:
            refusals[at] += found
        if len(held) % EVERY == 0:
            yield Looked(len(held))
    _clusters(held, plan, refusals)
    yield from _rubric(held, plan, refusals)
    _quotas(held, plan, refusals)
    for at, row in enumerate(held):
        yield row, tuple(refusals.get(at, ()))


def judge_row(row: DataRow, plan: GatePlan, known: Protected) -> tuple[DataRow, list[Refusal]]:
    """One row through the gates that need no other row. The evaluation is compared with the row as it was given."""
    if unread := parses(row, plan):
        return row, [unread]
    guarded, personal = guard(row, plan)
    asked = [personal, *(gate(guarded, plan) for gate in ROW_GATES), known.evaluation(row)]
    if plan.supported.policy == "find" and (lacking := unsupported(guarded, plan)):
        items = [f"{item.field}: {item.text[:120]}" for item in lacking]
        guarded = replace(guarded, notes={**guarded.notes, UNSUPPORTED: items})
    return guarded, [refusal for refusal in asked if refusal is not None]


def _left(held: list[DataRow], refusals: Mapping[int, list[Refusal]]) -> list[int]:
    return [at for at in range(len(held)) if not refusals.get(at)]


def _clusters(held: list[DataRow], plan: GatePlan, refusals: defaultdict[int, list[Refusal]]) -> None:
    left = _left(held, refusals)
    rows = [held[at] for at in left]
    clusters = cluster(rows, plan)
    for place, refusal in clusters.against.items():
        refusals[left[place]].append(refusal)
    for twin in clusters.twins if plan.duplicates else ():
        refusals[left[twin.at]].append(duplicate(twin, rows))


def _rubric(held: list[DataRow], plan: GatePlan, refusals: defaultdict[int, list[Refusal]]) -> Iterator[Judged]:
    if plan.rubric is None:
        return
    left = _left(held, refusals)
    opinions = plan.rubric.judge([held[at] for at in left])
    for number, (at, opinion) in enumerate(zip(left, opinions, strict=True), 1):
        held[at], refusal = rubric(held[at], opinion, plan.rubric)
        if refusal:
            refusals[at].append(refusal)
        yield Judged(number, len(left), opinion.spending)


def _quotas(held: list[DataRow], plan: GatePlan, refusals: defaultdict[int, list[Refusal]]) -> None:
    left = _left(held, refusals)
    for place, refusal in diversity([held[at] for at in left], plan.quotas).items():
        refusals[left[place]].append(refusal)
