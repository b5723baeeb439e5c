"""Two versions held against each other, and rows taken out of one. A version itself never changes.

A deletion gives a new version that names its parent and what was taken out: rows, and refused rows and bad records of
the same source. The parent's folder stays until a person deletes it, and so does what was exported or pushed before.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from training.data.rows import DataRow
from training.data.split import PIN, day_of
from training.data.version_files import read_lines
from training.data.versions import LOCKED, Content, Version, rows_of, write_version
from training.errors import DataError
from training.task.records import to_json

Leaks = Callable[[Sequence[DataRow], Sequence[DataRow]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class VersionDiff:
    """What became of the rows. `changed` pairs rows of one group, place, style and slice whose text or gold differs;
    `moved` are (id, part before, part after); `same` counts rows that are in both, in the same part. `spec` gives, for
    each setting that differs, its value before and after.
    """

    same: int
    added: tuple[DataRow, ...]
    removed: tuple[DataRow, ...]
    changed: tuple[tuple[DataRow, DataRow], ...]
    moved: tuple[tuple[str, str, str], ...]
    spec: Mapping[str, tuple[Any, Any]]


def compare_versions(before: Version, after: Version) -> VersionDiff:
    """What differs, rows in the order of their ids. Memory grows with ids, and with the rows that differ."""
    old, new = _parts(before), _parts(after)
    gone = {row.id: row for row in _rows(before) if row.id not in new}
    come = {row.id: row for row in _rows(after) if row.id not in old}
    places: dict[tuple[str, ...], list[DataRow]] = {}
    for row in come.values():
        places.setdefault(_place(row), []).append(row)
    pairs: list[tuple[DataRow, DataRow]] = []
    for row in list(gone.values()):
        if there := places.get(_place(row)):
            pairs.append((gone.pop(row.id), come.pop(there.pop(0).id)))
    both = [key for key in old if key in new]
    moved = sorted((key, old[key], new[key]) for key in both if old[key] != new[key])
    return VersionDiff(
        same=len(both) - len(moved),
        added=_by_id(come),
        removed=_by_id(gone),
        changed=tuple(sorted(pairs, key=lambda pair: pair[0].id)),
        moved=tuple(moved),
        spec=_spec_diff(before, after),
    )


def delete_rows(
    version: Version, *, sources: Sequence[str] = (), ids: Sequence[str] = (), leaks: Leaks | None = None
) -> Version:
    """A new version beside this one without the rows of `sources` and without those of `ids`.

    The other rows keep their parts; the leak report is made anew. DataError where a source or an id has no row in this
    version, and where nothing would be left to train on.
    """
    if not sources and not ids:
        raise DataError("There is nothing to take out.", fix="Name a source or the id of a row.")
    drop = _Drop(frozenset(sources), frozenset(ids))
    left: Counter[str] = Counter()
    counts: dict[str, _Counts] = {}
    hit: set[str] = set()
    for part in version.rows:
        for row in rows_of(version, part):
            if drop(row.origin, row.id):
                hit |= {row.origin, row.id}
            else:
                left[part] += 1
                counts.setdefault(part, _Counts()).add(row)
    refused = list(_refused(version, drop, hit))
    if missing := [name for name in (*sources, *ids) if name not in hit]:
        raise DataError(
            f"{version.name} has no row of {', '.join(missing)}.",
            fix="Sources stand on its card, ids in its rows: give one of those.",
        )
    if not left["train"]:
        raise DataError("That takes out every row there is to train on.", fix="Delete the version's folder instead.")
    rows = {part: (row for row in rows_of(version, part) if not drop(row.origin, row.id)) for part in version.rows}
    train = [row for row in rows_of(version, "train") if not drop(row.origin, row.id)]
    held = [row for part in LOCKED if part in version.rows for row in rows_of(version, part)]
    held = [row for row in held if not drop(row.origin, row.id)]
    report = (leaks or leaks_json)(train, held) if held else {}
    gone = sum(version.rows.values()) - left.total()
    return write_version(
        version.folder.parent,
        Content(
            spec=version.spec,
            rows=rows,
            split=_split_after(version.read("splits"), counts),
            gates=version.read("gates"),
            leaks=report,
            refused=refused,
            parent=version.name,
            removed={"sources": sorted(sources), "rows": sorted(ids), "count": gone},
        ),
    )


@dataclass(slots=True)
class _Counts:
    """Of the rows of one part that stay."""

    slices: Counter[str] = field(default_factory=Counter[str])
    groups: set[str] = field(default_factory=set[str])
    days: set[str] = field(default_factory=set[str])
    pinned: int = 0

    def add(self, row: DataRow) -> None:
        self.slices[row.slice] += 1
        self.groups.add(row.group)
        self.days.add(day_of(row.date, row.origin))
        self.pinned += bool(row.notes.get(PIN))


def _split_after(before: Mapping[str, Any], counts: Mapping[str, _Counts]) -> dict[str, Any]:
    """The split's report with the counts of what is left; what was wanted stays as it was."""
    total = sum(count.slices.total() for count in counts.values())
    parts: dict[str, Any] = {}
    for part, told in before.get("parts", {}).items():
        left = counts.get(part, _Counts())
        rows = left.slices.total()
        parts[part] = {
            **told,
            "got_rows": rows,
            "got_share": round(rows / total, 4),
            "groups": min(told["groups"], len(left.groups)),  # groups that share a text were joined
            "slices": dict(sorted(left.slices.items())),
            "days": [min(left.days), max(left.days)] if told["days"] and left.days else None,
        }
    pinned = sum(count.pinned for count in counts.values())
    kept = {key: value for key, value in before.items() if key != "ids"}
    return {**kept, "rows": total, "pinned_rows": pinned, "parts": parts} if parts else kept


@dataclass(frozen=True, slots=True)
class _Drop:
    sources: frozenset[str]
    ids: frozenset[str]

    def __call__(self, origin: str, row_id: str) -> bool:
        return origin in self.sources or row_id in self.ids


def _refused(version: Version, drop: _Drop, hit: set[str]) -> Iterator[Mapping[str, Any]]:
    for line in read_lines(version.folder / "refused.jsonl"):
        what = line.get("row") or line.get("bad") or {}
        origin, row_id = str(what.get("origin", "")), str(what.get("id", ""))
        if drop(origin, row_id):
            hit |= {origin, row_id}
        else:
            yield line


def leaks_json(train: Sequence[DataRow], test: Sequence[DataRow]) -> Mapping[str, Any]:
    """The leak report as a version keeps it: its figures and its sentences."""
    from training.data.leaks import leak_report

    report = leak_report(train, test)
    return {"clean": report.clean, "lines": list(report.lines()), **to_json(report)}


def _parts(version: Version) -> dict[str, str]:
    return {row_id: part for part, ids in version.read("splits")["ids"].items() for row_id in ids}


def _rows(version: Version) -> Iterator[DataRow]:
    for part in version.rows:
        yield from rows_of(version, part)


def _place(row: DataRow) -> tuple[str, ...]:
    return (row.origin, row.group, row.place, row.style, row.slice)


def _by_id(rows: Mapping[str, DataRow]) -> tuple[DataRow, ...]:
    return tuple(rows[key] for key in sorted(rows))


def _spec_diff(before: Version, after: Version) -> dict[str, tuple[Any, Any]]:
    old, new = to_json(before.spec), to_json(after.spec)
    differ = [key for key in old if key != "folder" and old[key] != new.get(key)]
    return {key: (old[key], new[key]) for key in differ}
