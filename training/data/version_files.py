"""The files of a dataset version: rows as lines of JSON, hashes of files, a folder that is whole or not there.

One line is one value in canonical JSON, so equal rows are equal bytes on any machine. Text that is no UTF-8 (lone
surrogates) is written as JSON escapes and comes back as it was.
"""

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, cast

import psutil

from training.data.rows import DataRow, canonical
from training.disk import disk
from training.errors import DataError
from training.task.records import to_json

SCRATCH = ".building"  # below a home's datasets: what is under way, and never a version
_REQUIRED = tuple(f.name for f in fields(DataRow) if f.default is MISSING and f.default_factory is MISSING)
_KNOWN = frozenset(f.name for f in fields(DataRow))


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a manifest says of a file; `lines` None for a file that is no list of lines."""

    sha256: str
    bytes: int
    lines: int | None = None


def line_of(value: Any) -> str:
    """One canonical line, line end included."""
    text = canonical(value)
    if any("\ud800" <= char <= "\udfff" for char in text):
        text = json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return text + "\n"


def row_json(row: DataRow) -> dict[str, Any]:
    """A row as plain JSON, its id first among equals."""
    return {"id": row.id, **to_json(row)}


def row_from(data: Any, where: str) -> DataRow:
    """A row from its JSON form. DataError with `where` for anything that is none."""
    if not isinstance(data, Mapping):
        raise DataError(f"{where} is no row: it holds no JSON object.", fix="Give one object a line.")
    values = cast("Mapping[str, Any]", data)
    if missing := [key for key in _REQUIRED if key not in values]:
        raise DataError(
            f"{where} is no row: it lacks {', '.join(missing)}.", fix=f"Each row has {', '.join(_REQUIRED)}."
        )
    for key in _REQUIRED:
        if key != "gold" and not isinstance(values[key], str):
            raise DataError(f"{where} is no row: {key} is no text.", fix="Write it in quotes.")
    return DataRow(**{key: value for key, value in values.items() if key in _KNOWN})


class LineWriter:
    """Writes values as lines beside `path`, which appears when the block ends well; flat in memory.

    StorageError where the disk refuses. `count` and, after the block, `facts` say what was written.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._beside = path, path.with_name(f".{path.name}.part")
        self._digest, self._bytes, self.count = hashlib.sha256(), 0, 0

    def __enter__(self) -> "LineWriter":
        with disk("write rows", self._path):
            self._file = self._beside.open("wb")
        return self

    def write(self, value: Any) -> None:
        data = line_of(value).encode("utf-8")
        with disk("write rows", self._path):
            self._file.write(data)
        self._digest.update(data)
        self._bytes, self.count = self._bytes + len(data), self.count + 1

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            with disk("write rows", self._path):
                with self._file:
                    self._file.flush()
                    os.fsync(self._file.fileno())
                if kind is None:
                    os.replace(self._beside, self._path)
        finally:
            self._beside.unlink(missing_ok=True)

    @property
    def facts(self) -> FileFacts:
        return FileFacts(self._digest.hexdigest(), self._bytes, self.count)


def write_lines(path: Path, values: Iterable[Any]) -> FileFacts:
    """Write values as lines, whole or not at all, and say what was written. StorageError where the disk refuses."""
    with LineWriter(path) as writer:
        for value in values:
            writer.write(value)
    return writer.facts


def write_text(path: Path, text: str) -> FileFacts:
    """Write a text file and say what was written. OSError where the disk refuses."""
    data = text.encode("utf-8", "backslashreplace")
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return FileFacts(hashlib.sha256(data).hexdigest(), len(data))


def read_lines(path: Path) -> Iterator[Any]:
    """The values of a file of lines, flat in memory. DataError names file and line of what is no JSON."""
    with disk("read rows", path), path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                yield json.loads(line)
            except ValueError as err:
                raise DataError(f"{path}, line {number} is no JSON: {err}.", fix="Mend or remove that line.") from err


def read_rows(path: Path) -> Iterator[DataRow]:
    """The rows of a file that a version or a build wrote. DataError names file and line of what is none."""
    for number, value in enumerate(read_lines(path), start=1):
        yield row_from(value, f"{path}, line {number}")


def sha256_file(path: Path) -> str:
    """Hex SHA-256 of a file's bytes, flat in memory. StorageError where it can't be read."""
    with disk("read a file", path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def scratch_folder(datasets: Path) -> Iterator[Path]:
    """A hidden folder to write a version in, gone afterwards unless it was moved to its place.

    What a process that was killed left there goes as well.
    """
    root = datasets / SCRATCH
    folder = root / f"writing-{os.getpid()}-{uuid.uuid4().hex[:12]}"
    with disk("make a folder for the version", folder):
        for left in root.glob("writing-*-*"):
            if not psutil.pid_exists(int(left.name.split("-")[1])):
                shutil.rmtree(left)
        folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        if folder.exists():
            shutil.rmtree(folder)
        with suppress(OSError):  # others may be at work in it
            root.rmdir()


def move_into_place(folder: Path, final: Path) -> None:
    """The whole folder under its final name at one stroke. StorageError where the disk refuses."""
    with disk("put the version into its place", final):
        os.rename(folder, final)
        if os.name == "posix":  # the name itself survives a power cut
            number = os.open(final.parent, os.O_RDONLY)
            try:
                os.fsync(number)
            finally:
                os.close(number)
