"""Which rows stand for the same text: exact and near duplicates, and those among them that contradict each other.

Rows are looked at in an order of their own (`standing`), each against those that stand already: one that is at least
`similarity` like a standing row joins it, any other stands itself. So what stays depends on the rows alone, never on
the order in which they came, no two rows that stay are near-duplicates of each other, and a chain of small changes does
not pull unlike texts together. Of a JSON task the texts are compared, of a text task prompt and answer together.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from training.data.gates.consistency import can_contradict, contradiction
from training.data.gates.evaluation import compared, same_text
from training.data.gates.plan import GatePlan
from training.data.gates.similar import Near, NearIndex, Shingles, shingles
from training.data.rows import UNKNOWN_LICENCE, DataRow, Refusal, canonical
from training.task.records import to_json

_DOUBT = "rows with this text are labelled against each other"


class Twin(NamedTuple):
    """A row that repeats another: places in the rows given, and how similar the texts are (1: the same)."""

    at: int
    kept: int
    similarity: float


@dataclass(frozen=True, slots=True)
class Clusters:
    """`twins`: rows that repeat a standing one. `against`: a row's place to why its label can't be trusted."""

    twins: tuple[Twin, ...] = ()
    against: dict[int, Refusal] = field(default_factory=dict[int, Refusal])


def standing(row: DataRow) -> tuple[str | bool, ...]:
    """Who stays of two alike: a row of known licence first, then by its id, which is as good as by lot."""
    unknown = row.licence.strip() in ("", UNKNOWN_LICENCE)
    rest = row.group, row.style, row.slice, row.date or "", row.reasoning, canonical(to_json(row.notes))
    return unknown, row.id, row.origin, row.place, *rest


def cluster(rows: Sequence[DataRow], plan: GatePlan) -> Clusters:
    """Near and exact duplicates among rows, with their contradictions. Nothing where both gates are off."""
    if not plan.duplicates and not can_contradict(plan):
        return Clusters()
    keys = [standing(row) for row in rows]
    index = _Standing(plan.similarity)
    twins: list[Twin] = []
    pairs: list[tuple[int, int, str, str]] = []
    for at in sorted(range(len(rows)), key=keys.__getitem__):
        said = compared(rows[at])
        text, found = same_text(said), shingles(said)
        near = index.like(text, found)
        if not near:
            index.stand(at, text, found)
            continue
        twins.append(Twin(at, near[0].key, near[0].similarity))
        for other in near if can_contradict(plan) else ():
            here = contradiction(rows[at], rows[other.key], plan)
            if here is not None:
                there = contradiction(rows[other.key], rows[at], plan)
                pairs.append((at, other.key, here, there or here))
    return Clusters(tuple(twins), _against(rows, twins, pairs))


def duplicate(twin: Twin, rows: Sequence[DataRow]) -> Refusal:
    """The refusal of a row that repeats another."""
    kept = rows[twin.kept]
    same = "exactly" if twin.similarity == 1 else f"{twin.similarity:.0%}"
    where = f"{kept.origin}, {kept.place}" if kept.place else kept.origin
    return Refusal("duplicate", f"Its text is {same} that of another row ({where}).", f"row {kept.id}")


class _Standing:
    """The rows that stand, by their words and by their shingles."""

    def __init__(self, similarity: float) -> None:
        self._same: dict[str, int] = {}
        self._near = NearIndex(similarity)

    def like(self, text: str, found: Shingles) -> list[Near]:
        if text in self._same:
            return [Near(1.0, self._same[text])]
        return self._near.near(found)

    def stand(self, at: int, text: str, found: Shingles) -> None:
        self._same[text] = at
        self._near.add(at, found)


def _against(
    rows: Sequence[DataRow], twins: Sequence[Twin], pairs: Iterable[tuple[int, int, str, str]]
) -> dict[int, Refusal]:
    """The rows of every pair that contradicts itself, and the others that repeat the same standing row."""
    found: dict[int, Refusal] = {}
    for left, right, here, there in pairs:
        found.setdefault(left, _inconsistent(here, rows[right]))
        found.setdefault(right, _inconsistent(there, rows[left]))
    for twin in twins:
        if twin.at in found:
            found.setdefault(twin.kept, _inconsistent(_DOUBT, rows[twin.at]))
    for twin in twins:
        if twin.kept in found:
            found.setdefault(twin.at, _inconsistent(_DOUBT, rows[twin.kept]))
    return found


def _inconsistent(why: str, other: DataRow) -> Refusal:
    return Refusal("consistency", f"A row with nearly the same text is labelled otherwise: {why}.", f"row {other.id}")
