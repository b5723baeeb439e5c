"""The leak report: what of a test set a training set already holds, and how near the rest comes.

Exact: the same words. Near: exact Jaccard similarity of word runs (`gates.similar`) of at least the threshold. Group:
the same recipe or newsletter on both sides. Answer: the same long answer to another text. For every test row the
nearest training row: candidates are those whose MinHash signatures agree in most places, the best `VERIFIED` of them
are counted exactly. Limits: the similarity given is that of a row that exists, so never too high; it can be too low
where more than `CROWD` training rows share a signature's value, or where nothing is alike anyway. Time and memory grow
with n log n. Every share is over the test rows, and says so.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np

from training.data.gates.evaluation import Reading, read_row
from training.data.gates.similar import POSITIONS, jaccard, signature
from training.data.rows import DataRow
from training.errors import DataError

NEAR = 0.8
VERIFIED = 8  # candidates of a test row that are counted exactly
CROWD = 64  # training rows of one signature value that are looked at


@dataclass(frozen=True, slots=True)
class Overlap:
    """A test row and a training row that should not both be there. `similarity` of their texts, 0..1."""

    kind: Literal["exact", "group", "answer", "near"]
    test_id: str
    train_id: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Nearest:
    """The most similar training row of a test row; `train_id` is None where no run of words is shared."""

    test_id: str
    train_id: str | None
    similarity: float


@dataclass(frozen=True, slots=True)
class Dates:
    """The days of both sides as the rows have them; None without a date. `holds`: every training row is before every
    test row; None where a side has none, False too where rows without a date leave it open."""

    last_train: str | None
    first_test: str | None
    n_train_dated: int
    n_test_dated: int
    holds: bool | None


@dataclass(frozen=True, slots=True)
class LeakReport:
    """Overlaps by kind, one entry a test row and kind at most; `nearest` has one entry a test row, in its order."""

    n_train: int
    n_test: int
    threshold: float
    exact: tuple[Overlap, ...]
    near: tuple[Overlap, ...]
    groups: tuple[Overlap, ...]
    answers: tuple[Overlap, ...]
    nearest: tuple[Nearest, ...]
    dates: Dates

    @property
    def clean(self) -> bool:
        """Nothing of the test set is in the training set, as far as this report can see."""
        return not (self.exact or self.near or self.groups or self.answers)

    def lines(self) -> tuple[str, ...]:
        """The report for a person, each share with its denominator."""
        kinds = (
            (self.exact, "have the same words as a training row"),
            (self.near, f"are at least {self.threshold:.0%} like a training row without being the same"),
            (self.groups, "share a group with a training row"),
            (self.answers, "have the same long answer as a training row"),
        )
        said = [f"{share(len(found), self.n_test)} test rows {words}." for found, words in kinds]
        values = sorted(near.similarity for near in self.nearest)
        if values:
            middle = (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2
            said.append(f"Similarity of the nearest training row: median {middle:.2f}, highest {values[-1]:.2f}.")
        return (*said, self._dates())

    def _dates(self) -> str:
        found, dated = self.dates, f"{self.dates.n_train_dated} of {self.n_train} training rows"
        dated += f" and {self.dates.n_test_dated} of {self.n_test} test rows have a date"
        if found.holds is None:
            return f"Nothing can be said about time: {dated}."
        ends = f"last training date {found.last_train}, first test date {found.first_test}; {dated}"
        return f"{'All' if found.holds else 'NOT all'} training rows are proven earlier than every test row: {ends}."


def share(count: int, total: int) -> str:
    """ "3 of 120 (2.5%)"; without a percentage where the total is 0."""
    return f"{count} of {total} ({count / total:.1%})" if total else f"{count} of {total}"


def leak_report(train: Sequence[DataRow], test: Sequence[DataRow], threshold: float = NEAR) -> LeakReport:
    """What `test` and `train` share. Independent of the order of `train`. DataError for a date that can't be read, or a
    threshold outside 0.1..1."""
    if not 0.1 <= threshold <= 1:
        raise DataError(f"A similarity of {threshold} is no threshold.", fix="Give a number from 0.1 to 1.")
    train = sorted(train, key=lambda row: (row.id, row.group, row.origin, row.place))
    known, asked = [read_row(row) for row in train], [read_row(row) for row in test]
    nearest = list(_nearest(known, asked))
    exact = _same("exact", (train, known), (test, asked), lambda reading: reading.text)
    same = {overlap.test_id for overlap in exact}
    near = [
        Overlap("near", row.id, train[found[0]].id, found[1])
        for row, found in zip(test, nearest, strict=True)
        if found is not None and found[1] >= threshold and row.id not in same
    ]
    return LeakReport(
        n_train=len(train),
        n_test=len(test),
        threshold=threshold,
        exact=exact,
        near=tuple(near),
        groups=_same("group", (train, known), (test, asked), lambda reading: reading.group.strip()),
        answers=_same("answer", (train, known), (test, asked), lambda reading: reading.answer),
        nearest=tuple(
            Nearest(row.id, train[found[0]].id, found[1]) if found else Nearest(row.id, None, 0.0)
            for row, found in zip(test, nearest, strict=True)
        ),
        dates=_dates(train, test),
    )


Side = tuple[Sequence[DataRow], Sequence[Reading]]


def _same(
    kind: Literal["exact", "group", "answer"], train: Side, test: Side, key_of: Callable[[Reading], str]
) -> tuple[Overlap, ...]:
    """Test rows whose key, unless it is empty, a training row has; the first one in the order of the training rows."""
    first: dict[str, int] = {}
    for at, reading in enumerate(train[1]):
        first.setdefault(key_of(reading), at)
    return tuple(
        Overlap(kind, row.id, train[0][at].id, jaccard(reading.shingles, train[1][at].shingles))
        for row, reading in zip(*test, strict=True)
        if key_of(reading) and (at := first.get(key_of(reading))) is not None
    )


def _nearest(known: Sequence[Reading], asked: Sequence[Reading]) -> Iterator[tuple[int, float] | None]:
    """For each reading asked the place of the most similar one known and how similar it is; None where none is."""
    holding = [at for at, reading in enumerate(known) if len(reading.shingles)]
    if not holding:
        yield from (None for _ in asked)
        return
    table = np.stack([signature(known[at].shingles) for at in holding])
    orders = np.argsort(table, axis=0, kind="stable")
    columns = np.take_along_axis(table, orders, axis=0)
    same = {known[at].text: at for at in reversed(holding)}
    for reading in asked:
        candidates = [holding[at] for at in _candidates(reading, columns, orders)]
        yield _best(reading, [*candidates, *([same[reading.text]] if reading.text in same else [])], known)


def _candidates(reading: Reading, columns: Any, orders: Any) -> list[int]:
    """Rows that agree with the reading's signature, those with most agreement first, `VERIFIED` at most."""
    if not len(reading.shingles):
        return []
    mine = signature(reading.shingles)
    agreeing = [
        orders[start : min(start + CROWD, end), at]
        for at in range(POSITIONS)
        if (start := int(np.searchsorted(columns[:, at], mine[at], "left")))
        < (end := int(np.searchsorted(columns[:, at], mine[at], "right")))
    ]
    if not agreeing:
        return []
    rows, counts = np.unique(np.concatenate(agreeing), return_counts=True)
    best = np.lexsort((rows, -counts))[:VERIFIED]
    return [int(at) for at in rows[best]]


def _best(reading: Reading, candidates: Sequence[int], known: Sequence[Reading]) -> tuple[int, float] | None:
    scored = [(jaccard(reading.shingles, known[at].shingles), -at) for at in candidates]
    similarity, at = max(scored, default=(0.0, 0))
    return (-at, similarity) if similarity > 0 else None


def _dates(train: Sequence[DataRow], test: Sequence[DataRow]) -> Dates:
    before = [(_moment(row), row.date) for row in train if row.date is not None]
    after = [(_moment(row), row.date) for row in test if row.date is not None]
    last, first = max(before, default=None), min(after, default=None)
    holds = None if last is None or first is None else last[0] < first[0]
    if holds and (len(before) < len(train) or len(after) < len(test)):
        holds = False
    return Dates(last[1] if last else None, first[1] if first else None, len(before), len(after), holds)


def _moment(row: DataRow) -> datetime:
    """A row's date as a moment; without a time it is midnight, without a zone UTC."""
    try:
        moment = datetime.fromisoformat(row.date or "")
    except ValueError as error:
        raise DataError(
            f"The date {row.date!r} of {row.origin} {row.place} is not ISO 8601.", fix="Write it as 2025-03-31."
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
