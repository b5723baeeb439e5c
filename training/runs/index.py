"""The index of a home's runs: their order, the keys they came under, and who holds what. HOME/runs/queue.sqlite.

Promise: a transaction is short and the only one at a time in all processes of the machine, so that what is read in it
still holds when it is written. A damaged index is set aside; the directories of the runs fill a new one (see
training.runs.queue). Limits: on network disks the write-ahead log can't be used and is left off; where the disk is not
known as one, TASTE_TEST_JOURNAL=delete switches it off. Raises StorageError where disk or index refuse.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psutil

from training.disk import disk
from training.errors import InputError, StorageError

NAME = "queue.sqlite"
BUSY_S = 30.0
JOURNAL = "TASTE_TEST_JOURNAL"
JOURNALS = ("wal", "delete")
NETWORK_DISKS = ("nfs", "cifs", "smb", "9p", "afs", "afp", "ceph", "gluster", "lustre", "gpfs", "webdav", "fuse")

MIGRATIONS: tuple[tuple[str, ...], ...] = (  # PRAGMA user_version counts those applied; never edit a released one
    (
        "CREATE TABLE jobs (run TEXT PRIMARY KEY, position INTEGER NOT NULL, key TEXT NOT NULL, state TEXT NOT NULL)",
        "CREATE UNIQUE INDEX jobs_by_key ON jobs (key) WHERE key != ''",
    ),
    (
        "CREATE TABLE leases (name TEXT PRIMARY KEY, holder TEXT NOT NULL, kind TEXT NOT NULL, mark TEXT NOT NULL, "
        "since TEXT NOT NULL)",
        "CREATE TABLE wishes (name TEXT NOT NULL, holder TEXT NOT NULL, kind TEXT NOT NULL, mark TEXT NOT NULL, "
        "since TEXT NOT NULL, PRIMARY KEY (name, holder, mark))",
    ),
)


def index_path(home: Path) -> Path:
    return home / "runs" / NAME


@contextmanager
def transaction(home: Path) -> Iterator[sqlite3.Connection]:
    """The only writer of the index until the block ends; all of it is kept, or with an error nothing."""
    path = index_path(home)
    with disk("use the list of runs", path), closing(_open(path)) as db, _immediate(db):
        yield db


@contextmanager
def reading(home: Path) -> Iterator[sqlite3.Connection]:
    """The index as it stands, without keeping writers waiting."""
    path = index_path(home)
    with disk("read the list of runs", path), closing(_open(path)) as db:
        yield db


def journal_for(folder: Path) -> str:
    """`delete` on a network disk, else `wal`; the environment decides where it says so. InputError for other words."""
    if given := os.environ.get(JOURNAL, ""):
        if given not in JOURNALS:
            raise InputError(f"{JOURNAL} is {given!r}.", fix=f"Set it to {' or '.join(JOURNALS)}, or not at all.")
        return given
    return "delete" if _kind_of_disk(folder).startswith(NETWORK_DISKS) else "wal"


def _kind_of_disk(folder: Path) -> str:
    """The file system's name as the system gives it, such as ext4 or nfs4; empty where it does not say."""
    within = [part for part in psutil.disk_partitions(all=True) if folder.absolute().is_relative_to(part.mountpoint)]
    return max(within, key=lambda part: len(part.mountpoint)).fstype.lower() if within else ""


def _open(path: Path) -> sqlite3.Connection:
    try:
        return _connect(path)
    except sqlite3.OperationalError:  # busy, full or not allowed: the file itself may be well
        raise
    except sqlite3.DatabaseError:
        _set_aside(path)
        return _connect(path)


def _connect(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
    try:
        done = _version(db)
        if done > len(MIGRATIONS):
            raise StorageError(
                f"{path} was written by a newer Taste Test (schema {done}, this one knows {len(MIGRATIONS)}).",
                fix="Update this checkout, or start with another --home.",
            )
        if done < len(MIGRATIONS):
            _migrate(db, path)
        return db
    except BaseException:
        db.close()
        raise


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _migrate(db: sqlite3.Connection, path: Path) -> None:
    if _version(db) == 0:
        db.execute(f"PRAGMA journal_mode = {journal_for(path.parent)}")  # the file remembers it
    with _immediate(db):  # another process may have been quicker
        for number, statements in enumerate(MIGRATIONS[_version(db) :], start=_version(db) + 1):
            for statement in statements:
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {number}")


@contextmanager
def _immediate(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # a full disk has undone it by itself
            db.execute("ROLLBACK")
        raise


def _set_aside(path: Path) -> None:
    """A damaged index moves out of the way; it holds nothing that the directories do not."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        file = path.with_name(name)
        if file.exists():
            os.replace(file, path.with_name(f"{name}.damaged-{stamp}"))
