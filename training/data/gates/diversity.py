"""Diversity quotas: no style, slice, group or opening may hold more than its share of the rows that stay.

For each quota in turn the cap is the largest number of rows for which the promise holds: value by value at most
`share` of what all of them together keep. Rows beyond it are refused, those that stay chosen by lot over their ids, so
independent of the order in which they came. Up to `least_rows` a value may always hold, or a small set would lose
everything. Where too few values are there to satisfy a share at all (two styles, a quota of 40%), each keeps
`least_rows`: such a quota asks for more variety, not for fewer rows. Rows that a later quota takes away are no longer
counted by an earlier one.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from training.data.gates.plan import Quotas
from training.data.gates.similar import words_in
from training.data.rows import DataRow, Refusal


def diversity(rows: Sequence[DataRow], quotas: Quotas | None) -> dict[int, Refusal]:
    """The place of every row beyond a quota, with its refusal."""
    refused: dict[int, Refusal] = {}
    for name, share, value_of in _dimensions(quotas) if quotas else ():
        left = [at for at in range(len(rows)) if at not in refused]
        by_value: defaultdict[str, list[int]] = defaultdict(list)
        for at in left:
            by_value[value_of(rows[at])].append(at)
        most = max(
            cap({value: len(held) for value, held in by_value.items()}, share), quotas.least_rows if quotas else 0
        )
        for value, held in sorted(by_value.items()):
            over = sorted(held, key=lambda at: _lot(rows[at], name))[most:]
            refused |= {at: _refusal(name, value, share, (len(held), len(left), most)) for at in over}
    return refused


def cap(counts: Mapping[str, int], share: float) -> int:
    """The most rows one value may keep so that none holds more than `share` of all that is kept; 0 where no number
    does, because there are fewer than 1/share values."""

    def holds(most: int) -> bool:
        return most <= share * sum(min(count, most) for count in counts.values()) + 1e-9

    low, high = 0, max(counts.values(), default=0)  # what holds, holds for everything below it
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low


def opening(row: DataRow, words: int) -> str:
    """The first words of a source, folded."""
    return " ".join(words_in(row.source[: 40 * words])[:words])


def _dimensions(quotas: Quotas) -> list[tuple[str, float, Callable[[DataRow], str]]]:
    wanted: list[tuple[str, float | None, Callable[[DataRow], str]]] = [
        ("group", quotas.group, lambda row: row.group),
        ("style", quotas.style, lambda row: row.style),
        ("slice", quotas.slice, lambda row: row.slice),
        ("opening", quotas.opening, lambda row: opening(row, quotas.opening_words)),
    ]
    return [(name, share, value_of) for name, share, value_of in wanted if share is not None]


def _lot(row: DataRow, name: str) -> tuple[str, str, str]:
    """A place in a line that has nothing to do with what a row says; another one for each quota."""
    return hashlib.sha256(f"{name} {row.id}".encode()).hexdigest(), row.origin, row.place


def _refusal(name: str, value: str, share: float, counts: tuple[int, int, int]) -> Refusal:
    held, total, most = counts
    reason = f"The {name} {value[:60]!r} has {held} of {total} rows; at a quota of {share:.0%} it keeps {most}."
    return Refusal("diversity", reason, value[:200])
