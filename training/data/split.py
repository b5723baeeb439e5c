"""Rows into train, dev, test, golden and adversarial, so that nothing of one part was seen in another.

Rows that share a group, a source text or an id form a block that never parts. Blocks are laid on a line and the line is
cut where it comes nearest to the wanted sizes:

    by group   blocks in an order drawn from the seed in which every slice is spread evenly, so that each part gets its
               share of each slice as well as blocks allow
    by date    blocks from the oldest to the newest day; a cut is possible only where no block reaches across it

Promises: the result depends on the rows and the seed, never on the rows' order; by group, each part of the line is
within one block of the rows it was to have; by date, max(train) < min(every other part), compared by UTC day.
Limits: adversarial rows are whole rows of the hard slices. By group their blocks are taken off first and what else is
in these blocks joins test; by date they come out of test. A pinned block goes where it was pinned, before all else.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from training.data.rows import DataRow
from training.data.spec import PARTS, SplitSpec
from training.data.split_report import Split
from training.errors import DataError
from training.task.records import sha256_text

PIN = "part"  # the note of a row that was pinned to a part
LINE = ("train", "dev", "test", "golden")  # as parts lie on the line


class _Row(NamedTuple):
    """What a split knows of a row; the texts stay on the disk."""

    id: str
    group: str
    source: str  # hash of the source text
    slice: str
    day: str  # "" where the row has no date
    pin: str
    where: str


@dataclass(slots=True)
class _Block:
    """Rows that stay together. `key` orders blocks by chance, the same on any machine."""

    key: str
    rows: list[_Row] = field(default_factory=list[_Row])

    @property
    def size(self) -> int:
        return len(self.rows)


def shares_of(text: str) -> Mapping[str, float]:
    """Shares from "80/10/10" (train/dev/test) or "90/10" (train/test), in percent. DataError for anything else."""
    numbers = text.split("/")
    if len(numbers) not in (2, 3) or not all(re.fullmatch(r"\d+(\.\d+)?", n) for n in numbers):
        raise DataError(
            f"{text!r} are no shares.", fix="Write train/test or train/dev/test, such as 90/10 or 80/10/10."
        )
    names = ("train", "test") if len(numbers) == 2 else ("train", "dev", "test")
    if abs(sum(map(float, numbers)) - 100) > 1e-6:
        raise DataError(f"The shares {text} add up to {sum(map(float, numbers)):g}.", fix="Make them add up to 100.")
    return {name: float(number) / 100 for name, number in zip(names, numbers, strict=True)}


def split_rows(rows: Iterable[DataRow], spec: SplitSpec, seed: int) -> Split:
    """Give every row its part. Reads `rows` once and keeps ids only.

    DataError where there are no rows, where a part that was wanted would be empty, where a date is missing or
    unreadable, and where no day separates the parts.
    """
    blocks = _blocks([_row(row) for row in rows], seed)
    if not blocks:
        raise DataError("There are no rows to split.", fix="See why the gates refused them; loosen one or add sources.")
    parts = {row.id: pin for block in blocks if (pin := _pin(block)) for row in block.rows}
    free = [block for block in blocks if not _pin(block)]
    if spec.by == "date":
        line, wanted = _by_day(blocks, free), _wanted(spec, _size(free), 0)
        parts |= _cut(line, wanted)
        hard = _hard_of_test(free, parts, spec)
    else:
        beside, hard = _hard(free, spec)
        taken = {block.key for block in beside}
        line = _spread([block for block in free if block.key not in taken], spec.stratify)
        n_beside = _size(beside) - len(hard)
        wanted = _wanted(spec, _size(free) - len(hard), n_beside)
        parts |= {row.id: "test" for block in beside for row in block.rows} | _cut(line, wanted)
        wanted["test"] = wanted.get("test", 0) + n_beside
    parts |= {row.id: "adversarial" for row in hard}
    _refuse_empty(parts, spec, blocks)
    return _result(blocks, parts, wanted | {"adversarial": spec.adversarial}, spec, seed)


def _row(row: DataRow) -> _Row:
    pin = str(row.notes.get(PIN, ""))
    where = f"{row.origin}, {row.place}" if row.place else row.origin
    return _Row(row.id, row.group, sha256_text(row.source), row.slice, day_of(row.date, where), pin, where)


def day_of(date: str | None, where: str) -> str:
    """The UTC day of an ISO 8601 date; one without a zone is taken as UTC."""
    if not date:
        return ""
    try:
        moment = datetime.fromisoformat(date)
    except ValueError as err:
        raise DataError(
            f"The date {date!r} ({where}) is no ISO 8601 date.", fix="Write it as 2026-03-31, or leave it out."
        ) from err
    return (moment.astimezone(UTC) if moment.tzinfo else moment).date().isoformat()


def _blocks(rows: Sequence[_Row], seed: int) -> list[_Block]:
    """Rows joined by group, source text or id, in an order that depends on these and the seed alone."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for row in rows:
        for other in (f"s{row.source}", f"i{row.id}"):
            parent[root(other)] = root(f"g{row.group}")
    members: dict[str, list[_Row]] = {}
    for row in rows:
        members.setdefault(root(f"g{row.group}"), []).append(row)
    found = [
        _Block(sha256_text(f"{seed}:{min(row.group for row in rows_of)}"), sorted(rows_of))
        for rows_of in members.values()
    ]
    return sorted(found, key=lambda block: block.key)


def _pin(block: _Block) -> str:
    """Where a block was pinned; of several pins the one furthest from training wins."""
    pins = {row.pin for row in block.rows if row.pin}
    return max(pins, key=PARTS.index) if pins else ""


def _wanted(spec: SplitSpec, rows: int, beside: int) -> dict[str, int]:
    """Rows that each part of the line is to have, adding up to what lies on it. `beside` rows are in test already."""
    golden = min(spec.golden, rows)
    rest = rows - golden
    wanted: dict[str, int] = {}
    edge = 0.0
    for part, share in spec.wanted.items():
        edge += share * rest
        wanted[part] = round(edge) - sum(wanted.values())
    short = max(0, beside - wanted.get("test", 0))  # more beside than test was to have: the others give
    if beside:
        wanted["test"] = max(0, wanted["test"] - beside)
    for part in ("train", "dev"):
        give = min(short, wanted.get(part, 0))
        short -= give
        if give:
            wanted[part] -= give
    if golden:
        wanted["golden"] = golden - short
    return wanted


def _spread(blocks: Sequence[_Block], stratify: bool) -> list[list[_Block]]:
    """Blocks in an order in which every stratum (the slices of a block) lies evenly from end to end."""
    strata: dict[str, list[_Block]] = {}
    for block in blocks:
        name = " ".join(sorted({row.slice for row in block.rows})) if stratify else ""
        strata.setdefault(name, []).append(block)
    placed: list[tuple[float, str, _Block]] = []
    for members in strata.values():
        total, before = sum(block.size for block in members), 0
        for block in members:
            placed.append(((before + block.size / 2) / total, block.key, block))
            before += block.size
    return [[block] for _, _, block in sorted(placed, key=lambda item: item[:2])]


def _by_day(blocks: Sequence[_Block], free: Sequence[_Block]) -> list[list[_Block]]:
    """Free blocks from old to new; those whose days overlap stand in one item of the line, which is not cut."""
    undated = [row for block in blocks for row in block.rows if not row.day]
    if undated:
        first = min(row.where for row in undated)
        raise DataError(
            f"{len(undated):,} of {_size(blocks):,} rows have no date, the first is {first}.",
            fix="Name the source's date_column, or split by group.",
        )
    line: list[list[_Block]] = []
    last = ""
    for block in sorted(free, key=lambda block: (min(row.day for row in block.rows), block.key)):
        if line and min(row.day for row in block.rows) <= last:
            line[-1].append(block)
        else:
            line.append([block])
        last = max(last, *(row.day for row in block.rows))
    return line


def _cut(line: Sequence[Sequence[_Block]], wanted: Mapping[str, int]) -> dict[str, str]:
    """Row id -> part. Each cut is put between two items of the line, where it is nearest to its wanted place."""
    names = [part for part in LINE if part in wanted]
    edges: list[float] = []
    place = 0
    for part in names:
        place += wanted[part]
        edges.append(place)
    parts: dict[str, str] = {}
    before, current = 0, 0
    for item in line:
        size = sum(block.size for block in item)
        while current < len(names) - 1 and before + size / 2 > edges[current]:
            current += 1
        parts.update((row.id, names[current]) for block in item for row in block.rows)
        before += size
    return parts


def _hard(blocks: Sequence[_Block], spec: SplitSpec) -> tuple[list[_Block], list[_Row]]:
    """Blocks with rows of the hard slices, by chance, until there are as many such rows as wanted; and these rows."""
    taken: list[_Block] = []
    hard: list[_Row] = []
    for block in blocks:
        rows = [row for row in block.rows if row.slice in spec.hard_slices]
        if rows and len(hard) + len(rows) / 2 <= spec.adversarial:
            taken.append(block)
            hard += rows
        if len(hard) >= spec.adversarial:
            break
    return taken, hard


def _hard_of_test(blocks: Sequence[_Block], parts: Mapping[str, str], spec: SplitSpec) -> list[_Row]:
    """Up to the wanted number of hard rows out of test, by chance: blocks come in that order."""
    rows = (row for block in blocks for row in block.rows)
    return [row for row in rows if parts[row.id] == "test" and row.slice in spec.hard_slices][: spec.adversarial]


def _size(blocks: Sequence[_Block]) -> int:
    return sum(block.size for block in blocks)


def _refuse_empty(parts: Mapping[str, str], spec: SplitSpec, blocks: Sequence[_Block]) -> None:
    there = set(parts.values())
    asked = [*spec.wanted, *(["golden"] if spec.golden else []), *(["adversarial"] if spec.adversarial else [])]
    empty = [part for part in asked if part not in there]
    if not empty:
        return
    if empty == ["adversarial"]:
        what, fix = f"no row of {', '.join(spec.hard_slices)}", "Add such slices to render, or set adversarial: 0."
    elif spec.by == "date":
        what, fix = "no day that separates it from the rest", "Split by group, or give groups that span fewer days."
    else:
        what, fix = f"{len(parts):,} rows in {len(blocks):,} groups", "Add rows, or choose other shares."
    raise DataError(f"The part {', '.join(empty)} would be empty: there is {what}.", fix=fix)


def _result(
    blocks: Sequence[_Block], parts: Mapping[str, str], wanted: Mapping[str, int], spec: SplitSpec, seed: int
) -> Split:
    rows = [row for block in blocks for row in block.rows]
    slices: dict[str, Counter[str]] = {}
    days: dict[str, tuple[str, str]] = {}
    for row in rows:
        part = parts[row.id]
        slices.setdefault(part, Counter())[row.slice] += 1
        first, last = days.get(part, (row.day, row.day))
        days[part] = (min(first, row.day), max(last, row.day))
    pinned = sum(block.size for block in blocks if _pin(block))
    if spec.by == "date":
        _prove(days, pinned)
    return Split(
        parts=parts,
        by=spec.by,
        seed=seed,
        wanted={part: count for part, count in wanted.items() if count},
        got={part: slices[part].total() for part in PARTS if part in slices},
        groups=Counter(part for block in blocks for part in {parts[row.id] for row in block.rows}),
        slices=slices,
        days=days if all(row.day for row in rows) else None,
        pinned=pinned,
    )


def _prove(days: Mapping[str, tuple[str, str]], pinned: int) -> None:
    """The last day of train is before the first of every other part; a pinned source may break that, and is told."""
    late = [part for part in days if part != "train" and "train" in days and days[part][0] <= days["train"][1]]
    if late:
        why = f" ({pinned:,} rows are pinned)" if pinned else ""
        raise DataError(
            f"Train reaches to {days['train'][1]}, {late[0]} begins on {days[late[0]][0]}{why}.",
            fix="Take the pin off that source, or split by group.",
        )
