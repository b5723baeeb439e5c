"""Files written whole or not at all, and what the disk refuses as a StorageError."""

import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from training.errors import StorageError


def write_whole(path: Path, text: str) -> None:
    """The file has all of `text` or does not exist; OSError where the disk refuses."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file that may be half written or come from elsewhere; {} where none can be read."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def storage_error(what: str, where: Path, err: Exception) -> StorageError:
    return StorageError(
        f"Could not {what}: {err} ({where}).",
        fix="What is on screen is still there: free some disk space or choose another --home, then try again.",
    )


@contextmanager
def disk(what: str, where: Path) -> Iterator[None]:
    """Whatever the disk or SQLite raises inside, as a StorageError."""
    try:
        yield
    except (OSError, sqlite3.Error) as err:
        raise storage_error(what, where, err) from err
