"""What judges said, kept by what they were asked: one SQLite file, shared by all evaluations (metrics C6).

The key is made of everything that decides a verdict (`protocol.question_key`). A verdict that could be used is kept for
ever and never paid for twice; a failure is kept for the record and asked again. A row is on the disk before its
verdict is used. Safe from several threads and processes: a connection per call.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from training.chat.exchange import Usage
from training.disk import disk
from training.errors import StorageError
from training.task.records import to_json

FILE = "judge.sqlite3"
OK = "ok"
MIGRATIONS: tuple[str, ...] = (  # PRAGMA user_version counts those applied; never edit one that was released
    """
    CREATE TABLE verdicts (
        key TEXT PRIMARY KEY, status TEXT NOT NULL, raw TEXT NOT NULL, why TEXT NOT NULL, usage TEXT NOT NULL,
        latency_s REAL NOT NULL, model TEXT NOT NULL, created TEXT NOT NULL
    );
    """,
)


@dataclass(frozen=True, slots=True)
class Kept:
    """One answer of a judge. `status` ok, or why it can't be used; `why` says it in words; `latency_s` of all tries."""

    status: str
    raw: str
    why: str = ""
    usage: Usage = field(default_factory=Usage)
    latency_s: float = 0.0
    model: str = ""


class VerdictCache:
    """The file, made with its folder where it is not there. StorageError where the disk or the index refuses."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with disk("open the verdicts", path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._open() as db:
                done = db.execute("PRAGMA user_version").fetchone()[0]
                if done > len(MIGRATIONS):
                    raise StorageError(
                        f"{path} was written by a newer Taste Test (schema {done}, this one knows {len(MIGRATIONS)}).",
                        fix="Update this checkout, or start with another --home.",
                    )
                for number, script in enumerate(MIGRATIONS[done:], start=done + 1):
                    db.executescript(f"BEGIN; {script} PRAGMA user_version = {number}; COMMIT;")

    def find(self, key: str) -> Kept | None:
        """The usable answer under that key, None where there is none."""
        query = "SELECT status, raw, why, usage, latency_s, model FROM verdicts WHERE key = ? AND status = ?"
        with disk("read the verdicts", self.path), self._open() as db:
            row = db.execute(query, [key, OK]).fetchone()
        if row is None:
            return None
        return Kept(row[0], row[1], row[2], Usage(**json.loads(row[3])), row[4], row[5])

    def knows(self, key: str) -> bool:
        return self.find(key) is not None

    def keep(self, key: str, kept: Kept) -> None:
        """Write through. A usable answer is final; a failure replaces the failure before it."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        values = [key, kept.status, _clean(kept.raw), _clean(kept.why), json.dumps(to_json(kept.usage)),
                  kept.latency_s, _clean(kept.model), now]  # fmt: skip
        statement = (
            "INSERT INTO verdicts VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET "
            "status = excluded.status, raw = excluded.raw, why = excluded.why, usage = excluded.usage, "
            "latency_s = excluded.latency_s, model = excluded.model, created = excluded.created "
            "WHERE verdicts.status <> 'ok'"
        )
        with disk("keep a verdict", self.path), self._open() as db:
            db.execute(statement, values)

    def count(self) -> dict[str, int]:
        """How many answers of each status are there."""
        with disk("read the verdicts", self.path), self._open() as db:
            return dict(db.execute("SELECT status, count(*) FROM verdicts GROUP BY status").fetchall())

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=30)) as db, db:
            yield db


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
