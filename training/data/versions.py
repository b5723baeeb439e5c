"""A dataset version: a folder named by what it says, whole or not there, and checked when it is opened.

    train.jsonl dev.jsonl test.jsonl golden.jsonl adversarial.jsonl   rows by part, each where it has any, by id
    spec.yaml        what it was built from            splits.json    the row ids of each part, sizes wanted and got
    gates.json       counts: in = kept + refused       leaks.json     what of test is also in train, and how near
    refused.jsonl    every refused row and bad record with its reasons
    card.md          for people                        manifest.json  the hash of every file, parent, time

The name's hash covers the rows of every part, the spec and, after a deletion, the parent and what was taken out. It
covers no time, machine or path. Test, golden and adversarial rows are locked: asking for them to train on is an error.
Limits: the hashes show accidents and careless edits; who rewrites the manifest too can't be told from them.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from training.data.rows import DataRow, canonical
from training.data.spec import PARTS, DatasetSpec, portable, read_spec, write_spec
from training.data.version_card import CardFacts, Counts, card
from training.data.version_files import (
    FileFacts,
    move_into_place,
    read_rows,
    row_json,
    scratch_folder,
    sha256_file,
    write_lines,
    write_text,
)
from training.disk import disk
from training.errors import DataError, PackError
from training.task.records import sha256_text, to_json
from training.task.yamlfile import read_json
from training.typed_path import typed_path

FORMAT = 1
LOCKED = ("test", "golden", "adversarial")
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Content:
    """All that a version holds. `rows` gives each part's rows in the order of their ids; each is read once.

    `split` is the split's report, `gates` the gates', `leaks` the leak report, all as plain JSON. `removed` says what
    a deletion took out of `parent`: {"sources": [...], "rows": [...], "count": n}.
    """

    spec: DatasetSpec
    rows: Mapping[str, Iterable[DataRow]]
    split: Mapping[str, Any]
    gates: Mapping[str, Any]
    leaks: Mapping[str, Any]
    refused: Iterable[Mapping[str, Any]] = ()
    parent: str | None = None
    removed: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Version:
    """One version on the disk. `rows` counts rows by part; `sha256` has 64 hex characters, of which the name has 12."""

    folder: Path
    task: str
    dataset: str
    sha256: str
    created: str  # ISO 8601 UTC
    rows: Mapping[str, int]
    files: Mapping[str, FileFacts]
    parent: str | None = None
    removed: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def name(self) -> str:
        return f"{self.dataset}-{self.sha256[:12]}"

    @property
    def spec(self) -> DatasetSpec:
        return read_spec(self.folder / "spec.yaml")

    def read(self, name: str) -> dict[str, Any]:
        """One of its JSON files: "gates", "leaks" or "splits"."""
        return _json(self.folder / f"{name}.json")


def write_version(datasets: Path, content: Content) -> Version:
    """Write a version beside the others and move it into its place at the end.

    The same content again gives the version that is there already. StorageError where the disk refuses, DataError where
    a damaged folder has the name; then nothing has changed.
    """
    with scratch_folder(datasets) as folder, disk("write the version", folder):
        files, counts, ids = _write_parts(folder, content)
        sha256 = content_hash(content.spec, files, content.parent, content.removed)
        name = f"{content.spec.name}-{sha256[:12]}"
        files["spec.yaml"] = write_text(folder / "spec.yaml", write_spec(portable(content.spec)))
        files["splits.json"] = _write_json(folder / "splits.json", {**content.split, "ids": ids})
        files["gates.json"] = _write_json(folder / "gates.json", content.gates)
        files["leaks.json"] = _write_json(folder / "leaks.json", content.leaks)
        files["refused.jsonl"] = write_lines(folder / "refused.jsonl", content.refused)
        facts = CardFacts(name, content.spec, counts, content.gates, content.leaks, content.split)
        text = card(facts, content.parent, content.removed)
        files["card.md"] = write_text(folder / "card.md", text)
        manifest = {
            "format": FORMAT,
            "name": name,
            "dataset": content.spec.name,
            "task": content.spec.task,
            "sha256": sha256,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "rows": counts.rows,
            "parent": content.parent,
            "removed": content.removed,
            "files": to_json(files),
        }
        _write_json(folder / MANIFEST, manifest)
        final = datasets / name
        if final.exists():
            return open_version(final)
        move_into_place(folder, final)
    return read_version(final)


def content_hash(
    spec: DatasetSpec, files: Mapping[str, FileFacts], parent: str | None, removed: Mapping[str, Any]
) -> str:
    """64 hex characters over the rows of every part, the spec, and what a deletion took out of which parent."""
    parts = {part: files[f"{part}.jsonl"].sha256 for part in PARTS if f"{part}.jsonl" in files}
    what: dict[str, Any] = {"format": FORMAT, "spec": spec.identity, "parts": parts}
    if parent is not None:
        what |= {"parent": parent, "removed": removed}
    return sha256_text(canonical(what))


def open_version(folder: Path) -> Version:
    """A version whose every file was checked against its hash. DataError names the file that was changed or is gone."""
    version = read_version(folder)
    for name, facts in version.files.items():
        path = folder / name
        if not path.is_file():
            raise DataError(f"{path} is gone, so {folder.name} is not what it was.", fix="Restore it, or build again.")
        if sha256_file(path) != facts.sha256:
            raise DataError(
                f"{path} was changed after {folder.name} was built.",
                fix="Restore the file, or build a new version: a version stands for what it was.",
            )
    if content_hash(version.spec, version.files, version.parent, version.removed) != version.sha256:
        raise DataError(f"{folder / MANIFEST} does not fit its files.", fix="Restore it, or build the version again.")
    return version


def read_version(folder: Path) -> Version:
    """What the manifest says, its files not checked. DataError where there is none or it can't be read."""
    path = folder / MANIFEST
    if not path.is_file():
        raise DataError(f"{folder} is no dataset version: it has no {MANIFEST}.", fix="Give a version's folder.")
    data = _json(path)
    if data.get("format") != FORMAT:
        raise DataError(
            f"{path} has format {data.get('format')!r}, this studio reads {FORMAT}.", fix="Update the studio."
        )
    try:
        files = {name: FileFacts(**facts) for name, facts in data["files"].items()}
        return _typed(
            Version(
                folder, data["task"], data["dataset"], data["sha256"], data["created"], data["rows"], files,
                data["parent"], data["removed"],
            )
        )  # fmt: skip
    except (KeyError, TypeError, AttributeError) as err:
        raise DataError(f"{path} is damaged: {err!r}.", fix="Restore it, or build the version again.") from err


def _typed(version: Version) -> Version:
    """The version, whose manifest may have been written by anybody; TypeError for a value of the wrong kind."""
    texts = {key: getattr(version, key) for key in ("task", "dataset", "sha256", "created")}
    texts |= {f"files.{name}": facts.sha256 for name, facts in version.files.items()}
    if wrong := [key for key, value in texts.items() if not isinstance(value, str)]:
        raise TypeError(f"{wrong[0]} is no text")
    if not isinstance(version.parent, str | None):
        raise TypeError("parent is no text")
    if not isinstance(version.removed, dict):
        raise TypeError("removed is no object")
    if not isinstance(version.rows, dict) or any(type(count) is not int for count in version.rows.values()):
        raise TypeError("rows holds no counts by part")
    return version


def list_versions(datasets: Path) -> tuple[list[Version], list[str]]:
    """Versions, newest first, and a sentence for each folder that is none. Files are not checked."""
    found: list[Version] = []
    notices: list[str] = []
    for folder in sorted(datasets.iterdir()) if datasets.is_dir() else []:
        if folder.is_dir() and not folder.name.startswith("."):
            try:
                found.append(read_version(folder))
            except DataError as err:
                notices.append(str(err))
    return sorted(found, key=lambda version: (version.created, version.name), reverse=True), notices


def find_version(datasets: Path, text: str) -> Path:
    """The folder behind what a person gave: a path, a version's name, or the beginning of one that only one has."""
    if ((given := typed_path(text, "The version")) / MANIFEST).is_file():
        return given
    versions, _ = list_versions(datasets)
    fitting = [v.folder for v in versions if v.folder.name.startswith(text) or v.sha256.startswith(text)]
    exact = [folder for folder in fitting if folder.name == text]
    if len(exact or fitting) == 1:
        return (exact or fitting)[0]
    known = ", ".join(folder.name for folder in fitting or [v.folder for v in versions][:5]) or "none yet"
    what = f"{len(fitting)} versions begin with" if fitting else "There is no version"
    raise DataError(f"{what} {text!r}.", fix=f"Give a folder or one of: {known}.")


def rows_of(version: Version, part: str) -> Iterator[DataRow]:
    """The rows of a part, to look at or to evaluate on, in the order of their ids. DataError where it has none."""
    if part not in version.rows:
        raise DataError(
            f"{version.name} has no part {part!r}.", fix=f"It has {', '.join(version.rows)}; see its split."
        )
    return read_rows(version.folder / f"{part}.jsonl")


def rows_for_training(version: Version, part: str) -> Iterator[DataRow]:
    """The rows of train, or of dev to watch a run by. DataError for a part that is locked."""
    if part in LOCKED:
        raise DataError(
            f"The {part} rows of {version.name} are locked: a model that saw them could not be measured by them.",
            fix="Train on train. To evaluate, open the version for evaluation.",
        )
    return rows_of(version, part)


def _write_parts(folder: Path, content: Content) -> tuple[dict[str, FileFacts], Counts, dict[str, list[str]]]:
    files: dict[str, FileFacts] = {}
    ids: dict[str, list[str]] = {}
    counts = Counts()

    def lines(part: str, rows: Iterable[DataRow]) -> Iterator[dict[str, Any]]:
        for row in rows:
            data = row_json(row)
            before = ids.setdefault(part, [])
            if before and data["id"] < before[-1]:
                raise ValueError(f"rows of {part} come out of order at {data['id']}")
            before.append(data["id"])
            counts.add(part, row)
            yield data

    for part in PARTS:
        if part in content.rows:
            facts = write_lines(folder / f"{part}.jsonl", lines(part, content.rows[part]))
            if facts.lines:
                files[f"{part}.jsonl"] = facts
            else:
                (folder / f"{part}.jsonl").unlink()
    return files, counts, ids


def _write_json(path: Path, value: Any) -> FileFacts:
    return write_text(path, json.dumps(to_json(value), indent=1, ensure_ascii=True, sort_keys=False) + "\n")


def _json(path: Path) -> dict[str, Any]:
    try:
        return cast("dict[str, Any]", read_json(path))
    except PackError as err:
        raise DataError(str(err), fix="Restore it, or build the version again.") from err
