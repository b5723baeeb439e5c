"""The part of a preflight that looks at the dataset version: is it there, whole, of the task, and free of test rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from training.data.versions import LOCKED, Version, open_version, read_version, rows_of
from training.runs.config import RunConfig
from training.runs.records import Check
from training.task.pack import BUILTIN, Pack, find_packs
from training.task.records import sha256_text

NAMED = 3  # row ids that are given as examples


@dataclass(frozen=True, slots=True)
class Overlap:
    """Held-out rows of a version that are in its train part too, by how: ids of the held-out rows."""

    held: int
    ids: tuple[str, ...]
    texts: tuple[str, ...]
    groups: tuple[str, ...]


def find_version_of(config: RunConfig, home: Path) -> Version:
    """The version whose every file was checked against its hash. DataError where there is none, or it was changed."""
    from training.engine.run_rows import find_dataset

    return open_version(find_dataset(home, config.dataset))


def packs_of(home: Path) -> dict[str, Pack]:
    return find_packs(BUILTIN, home / "tasks")


def data_checks(config: RunConfig, version: Version) -> Iterator[Check]:
    """What the version says of itself, and whether a test row is in train."""
    counts = ", ".join(f"{name} {count:,}" for name, count in version.rows.items())
    yield Check("dataset", "ok", f"{version.name} is whole: every file has its hash. Rows: {counts}.")
    if version.task != config.task:
        yield Check(
            "task", "stop", f"{version.name} is of the task {version.task}, the run of {config.task}.",
            f"Set task to {version.task}, or name another dataset.",
        )  # fmt: skip
        return
    yield Check("task", "ok", f"{config.task}, of dataset and run.")
    if not version.rows.get("train"):
        yield Check("train rows", "stop", f"{version.name} has no train part.", "Build a version with one.")
        return
    yield from _held_out(version)
    if not version.rows.get("dev"):
        yield from _without_dev(config, version)


def _without_dev(config: RunConfig, version: Version) -> Iterator[Check]:
    wanted = [
        name for name in ("early_stopping", "eval_steps", "sample_steps", "evaluate_rows") if getattr(config, name)
    ]
    if not wanted:
        return
    state = "stop" if "early_stopping" in wanted or "eval_steps" in wanted else "warn"
    words = f"{version.name} has no dev part, which {', '.join(wanted)} {'needs' if len(wanted) == 1 else 'need'}."
    yield Check("dev rows", state, words, f"Set {' and '.join(f'{name} to 0' for name in wanted)}, or split with dev.")


def _held_out(version: Version) -> Iterator[Check]:
    found = _overlap(version.folder, version.sha256)
    name = "held-out rows"
    if not found.held:
        parts = ", ".join(LOCKED)
        yield Check(name, "warn", f"{version.name} has none of {parts}: nothing stays to measure the result by.")
        return
    kinds = ((found.ids, "are train rows"), (found.texts, "have a train row's text"),
             (found.groups, "come from what a train row comes from"))  # fmt: skip
    told = [f"{len(rows):,} of {found.held:,} {what} ({', '.join(rows[:NAMED])})" for rows, what in kinds if rows]
    if told:
        yield Check(
            name, "stop", f"Of the held-out rows {'; '.join(told)}: a model that saw them can't be measured by them.",
            "Split again: `python -m training data build`, or delete these rows.",
        )  # fmt: skip
        return
    near = _near(version)
    if near:
        words = f"{near:,} of {found.held:,} are nearly a train row's text, see the version's leak report."
        yield Check(name, "warn", words, "Turn the duplicates gate on and build again.")
        return
    words = f"None of {found.held:,} test, golden and adversarial rows is in train: by id, group and text."
    yield Check(name, "ok", words)


@lru_cache(maxsize=8)
def _overlap(folder: Path, _sha256: str) -> Overlap:
    """Looked for once in the same rows, which the version's hash is of."""
    return overlap(read_version(folder))


def overlap(version: Version) -> Overlap:
    """By id, by group, and by text with spaces and case made equal."""
    ids: set[str] = set()
    texts: set[str] = set()
    groups: set[str] = set()
    for row in rows_of(version, "train"):
        ids.add(row.id)
        texts.add(_plain(row.source))
        groups.add(row.group)
    groups.discard("")
    held = [row for part in LOCKED if version.rows.get(part) for row in rows_of(version, part)]
    return Overlap(
        len(held),
        tuple(row.id for row in held if row.id in ids),
        tuple(row.id for row in held if row.id not in ids and _plain(row.source) in texts),
        tuple(row.id for row in held if row.id not in ids and row.group in groups),
    )


def _near(version: Version) -> int:
    """What the leak report counted when the version was built; its file was checked against its hash."""
    near: Any = version.read("leaks").get("near", [])
    return len(near)


def _plain(text: str) -> str:
    return sha256_text(" ".join(text.split()).lower())
