"""Records in the files of a run's directory: read whole and checked, or told with file, reason and fix.

Promise: what is read has every field of its record, each of the type that the record says, so that one damaged file is
one StorageError with the run's name, wherever it is met. Limits: plain types alone; of a mapping or a list only its
reader knows what should be within.
"""

import json
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from training.disk import disk, write_whole
from training.errors import StorageError

SHOWN_CHARS = 80  # of a wrong value


def read_json(path: Path) -> dict[str, Any]:
    """The one record of a file, unchecked."""
    with disk("read the run", path):
        text = path.read_bytes()
    try:
        data = json.loads(text)
        if not isinstance(data, dict):
            raise ValueError("it holds no record")
    except (ValueError, RecursionError) as err:
        raise damaged(path, str(err)) from err
    return data


def write_json(path: Path, data: dict[str, Any]) -> None:
    with disk(f"keep the run's {path.name}", path):
        write_whole(path, json.dumps(data, indent=1))


def checked(record: type, path: Path, data: dict[str, Any]) -> dict[str, Any]:
    """The fields of a record from the data of its file; a newer studio may have written more of them."""
    if wrong := _wrong(record, data):
        raise damaged(path, wrong)
    return _known(record, data)


def lines_of(path: Path, record: type) -> Iterator[dict[str, Any]]:
    """Records of a growing file. A half-written last line waits for the next look, a torn one within is left out.

    A torn line is what a full disk leaves of a step: a gap in the curve, which the log explains.
    """
    with disk("read the run's lines", path):
        text = path.read_bytes() if path.exists() else b""
    for line in text.split(b"\n")[:-1]:
        try:
            data = json.loads(line)
        except ValueError:
            continue
        if isinstance(data, dict) and not _wrong(record, data):
            yield _known(record, data)


def damaged(path: Path, why: str) -> StorageError:
    return StorageError(
        f"{path.name} of the run {path.parent.name} is damaged: {why}.",
        fix=f"Delete the run's folder {path.parent}, or restore the file from a backup.",
    )


def _wrong(record: type, data: dict[str, Any]) -> str:
    """What keeps `data` from being such a record, "" where nothing does: a field that is missing or of another type."""
    for field in fields(record):
        if field.name not in data:
            if field.default is MISSING and field.default_factory is MISSING:
                return f"{field.name} is missing"
        elif isinstance(field.type, type):
            kinds = (int, float) if field.type is float else field.type
            if not isinstance(data[field.name], kinds):
                return f"{field.name} is {data[field.name]!r:.{SHOWN_CHARS}}"
    return ""


def _known(record: type, data: dict[str, Any]) -> dict[str, Any]:
    """The fields that this version of the record has."""
    names = {field.name for field in fields(record)}
    return {name: value for name, value in data.items() if name in names}
