"""What is kept of comparisons: complete JSON files, and an SQLite index that can be rebuilt from them.

`HOME/comparisons/<id>.json` is the truth, one file a comparison; `HOME/comparisons/ballots.jsonl` logs blind votes;
`HOME/studio.db` makes both searchable. Files are written whole or not at all. A file that can't be read is reported
in `notices` and left where it is. Raises StorageError where the disk or the index refuses.
"""

import json
import os
import re
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from training.disk import disk, storage_error, write_whole
from training.errors import InputError, StorageError
from training.shelf import Ballot, ComparisonRow, Vote, VoteTally, decide, row_of, sides_of, tally
from training.task.records import Comparison, to_json

BALLOT_KEYS = ("comparison_id", "created", "task", "base", "shown", "seed", "winner")
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
SEARCH_CHARS = 20_000

MIGRATIONS: tuple[str, ...] = (  # PRAGMA user_version counts those applied; never edit one that was released
    """
    CREATE TABLE comparisons (
        id TEXT PRIMARY KEY, created TEXT NOT NULL, task TEXT NOT NULL, base TEXT NOT NULL,
        title TEXT NOT NULL, arms TEXT NOT NULL, words TEXT NOT NULL
    );
    CREATE INDEX comparisons_by_created ON comparisons (created DESC);
    """,
    """
    CREATE TABLE ballots (
        comparison_id TEXT PRIMARY KEY, created TEXT NOT NULL, task TEXT NOT NULL, base TEXT NOT NULL,
        shown TEXT NOT NULL, seed INTEGER NOT NULL, winner TEXT
    );
    """,
    "ALTER TABLE ballots ADD COLUMN sides TEXT;",
)


class Store:
    """The comparisons of one home folder. Safe to use from several threads: a connection per call."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "comparisons"
        self.path = home / "studio.db"
        self.notices: list[str] = []
        self._ballots = self.folder / "ballots.jsonl"
        self._writing = threading.Lock()
        with disk("open the studio's folder", home):
            self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self._migrate()
        except StorageError as err:
            if not isinstance(err.__cause__, sqlite3.DatabaseError) or isinstance(
                err.__cause__, sqlite3.OperationalError
            ):
                raise
            self._set_aside()

    def add_comparison(self, comparison: Comparison) -> None:
        """Keep a comparison. StorageError where the disk is full; then neither file nor row exists."""
        data = to_json(comparison)
        path = self._file(comparison.id)
        with disk("keep the comparison", path):
            write_whole(path, json.dumps(data, ensure_ascii=True))
            try:
                with self._index() as db:
                    insert_comparison(db, data)
            except sqlite3.Error:
                path.unlink(missing_ok=True)
                raise

    def get_comparison(self, comparison_id: str) -> dict[str, Any]:
        """The JSON form. InputError for an unknown id, StorageError for a file that can't be read."""
        path = self._file(comparison_id)
        if not path.is_file():
            raise InputError(
                f"There is no comparison {comparison_id} on this machine.",
                fix="Pick one from Recent; it may have been deleted.",
            )
        try:
            data = json.loads(path.read_text("utf-8"))
            row_of(data)
        except (ValueError, KeyError, TypeError, AttributeError) as err:
            raise StorageError(
                f"The file of comparison {comparison_id} is damaged ({path}).",
                fix="Restore that file from a backup, or delete it by hand; the others are untouched.",
            ) from err
        except OSError as err:
            raise storage_error("read the comparison", path, err) from err
        return data

    def list_comparisons(self, limit: int = 50, search: str = "") -> list[ComparisonRow]:
        """Newest first; `search` finds words in source text, task, base and arm labels, all of them, in any order."""
        where, values = found_by(search)
        query = (
            f"SELECT id, created, task, base, title, arms FROM comparisons WHERE {where} ORDER BY created DESC LIMIT ?"
        )
        with disk("read the list of comparisons", self.path), self._index() as db:
            rows = db.execute(query, [*values, limit]).fetchall()
        return [ComparisonRow(*row[:-1], arms=tuple(json.loads(row[-1]))) for row in rows]

    def count_comparisons(self, search: str = "") -> int:
        """How many there are in all, or in all that `search` finds."""
        where, values = found_by(search)
        with disk("read the list of comparisons", self.path), self._index() as db:
            return int(db.execute(f"SELECT count(*) FROM comparisons WHERE {where}", values).fetchone()[0])

    def delete_comparison(self, comparison_id: str) -> None:
        """Remove file and row; the vote on it stays counted."""
        path = self._file(comparison_id)
        with disk("delete the comparison", path):
            path.unlink(missing_ok=True)
            with self._index() as db:
                db.execute("DELETE FROM comparisons WHERE id = ?", [comparison_id])

    def add_ballot(self, ballot: Ballot) -> None:
        """Remember that a kept comparison is blind and how it was shuffled. StorageError where the disk refuses."""
        with self._writing, disk("keep the shuffled order", self._ballots), self._index() as db:
            self._log_ballot(db, ballot)

    def get_ballot(self, comparison_id: str) -> Ballot | None:
        """None where the comparison was not blind."""
        query = "SELECT comparison_id, shown, seed, winner FROM ballots WHERE comparison_id = ?"
        with disk("read the votes", self.path), self._index() as db:
            row = db.execute(query, [comparison_id]).fetchone()
        return Ballot(row[0], tuple(json.loads(row[1])), row[2], row[3]) if row else None

    def add_vote(self, comparison_id: str, winner: str) -> Ballot:
        """One vote a comparison: a label, "tie", or "none" to reveal the names without one. InputError on a second."""
        ballot = decide(self.get_ballot(comparison_id), winner)
        with self._writing, disk("keep the vote", self._ballots), self._index() as db:
            self._log_ballot(db, ballot)
        return ballot

    def vote_tally(self) -> list[VoteTally]:
        query = "SELECT task, base, winner, shown, sides FROM ballots WHERE winner IS NOT NULL ORDER BY created"
        with disk("read the votes", self.path), self._index() as db:
            rows = db.execute(query).fetchall()
        return tally([Vote(*row[:3], shown=json.loads(row[3]), sides=json.loads(row[4])) for row in rows])

    def rebuild(self) -> int:
        """Fill the index from the files; returns how many comparisons it holds. Damaged files go to `notices`."""
        with disk("rebuild the index", self.path), self._index() as db:
            db.execute("DELETE FROM comparisons")
            for path in sorted(self.folder.glob("*.json")):
                try:
                    insert_comparison(db, json.loads(path.read_text("utf-8")))
                except (ValueError, KeyError, TypeError, AttributeError):
                    self.notices.append(f"{path.name} is damaged and not in the list; the file was left as it is.")
            for line in self._read_ballots():
                insert_ballot(db, line)
            self._tell_sides(db)
            return db.execute("SELECT count(*) FROM comparisons").fetchone()[0]

    def _log_ballot(self, db: sqlite3.Connection, ballot: Ballot) -> None:
        data = self.get_comparison(ballot.comparison_id)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        sides = sides_of(data, ballot.shown)
        line = {"created": now, "task": data["task"], "base": data["base"], "sides": sides, **to_json(ballot)}
        insert_ballot(db, line)
        with self._ballots.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def _tell_sides(self, db: sqlite3.Connection) -> None:
        """Ballots from before votes were counted by weights: who stood behind their labels, where it is still known."""
        for comparison_id, shown in db.execute(
            "SELECT comparison_id, shown FROM ballots WHERE sides IS NULL"
        ).fetchall():
            labels = json.loads(shown)
            try:
                sides = sides_of(self.get_comparison(comparison_id), labels)
            except (InputError, StorageError):  # deleted or damaged: the vote counts for its labels
                sides = labels
            db.execute("UPDATE ballots SET sides = ? WHERE comparison_id = ?", [json.dumps(sides), comparison_id])

    def _read_ballots(self) -> Iterator[dict[str, Any]]:
        lines = self._ballots.read_text("utf-8").splitlines() if self._ballots.exists() else []
        for number, line in enumerate(lines, start=1):
            try:
                ballot = json.loads(line)
                keys = set(BALLOT_KEYS) - set(ballot)
            except (ValueError, TypeError):
                keys = set(BALLOT_KEYS)
            if keys:
                self.notices.append(f"{self._ballots.name}, line {number} is damaged and was not counted.")
            else:
                yield ballot

    def _file(self, comparison_id: str) -> Path:
        if not ID.fullmatch(comparison_id):
            raise InputError("That is no comparison's id.", fix="Pick one from Recent.")
        return self.folder / f"{comparison_id}.json"

    def _migrate(self) -> None:
        with disk("open the index", self.path), self._index() as db:
            done = db.execute("PRAGMA user_version").fetchone()[0]
            if done > len(MIGRATIONS):
                raise StorageError(
                    f"{self.path} was written by a newer Taste Test (schema {done}, this one knows {len(MIGRATIONS)}).",
                    fix="Update this checkout, or start with another --home.",
                )
            for number, script in enumerate(MIGRATIONS[done:], start=done + 1):
                db.executescript(f"BEGIN; {script} PRAGMA user_version = {number}; COMMIT;")
            self._tell_sides(db)

    def _set_aside(self) -> None:
        """A damaged index moves out of the way and is built anew from the files."""
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        aside = self.path.with_name(f"studio.db.damaged-{stamp}")
        with disk("set the damaged index aside", self.path):
            os.replace(self.path, aside)
        self._migrate()
        kept = self.rebuild()
        self.notices.append(f"The index was damaged: kept as {aside.name}, and rebuilt with {kept} comparisons.")

    @contextmanager
    def _index(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=10)) as db, db:
            yield db


def found_by(search: str) -> tuple[str, list[str]]:
    """The condition that each word of `search` stands in a comparison's words, and its values."""
    words = search.casefold().split()
    where = " AND ".join("words LIKE ? ESCAPE '\\'" for _ in words) or "1"
    return where, [f"%{escape_like(word)}%" for word in words]


def insert_comparison(db: sqlite3.Connection, data: Mapping[str, Any]) -> None:
    row = row_of(data)
    words = " ".join([data["source"]["text"][:SEARCH_CHARS], row.title, row.task, row.base, *row.arms]).casefold()
    values = [row.id, row.created, row.task, row.base, row.title, json.dumps(row.arms), clean(words)]
    db.execute("INSERT OR REPLACE INTO comparisons VALUES (?, ?, ?, ?, ?, ?, ?)", [clean(v) for v in values])


def insert_ballot(db: sqlite3.Connection, line: Mapping[str, Any]) -> None:
    """Later lines of a comparison replace earlier ones: first the order, then the vote."""
    values = [json.dumps(line[key]) if key == "shown" else line[key] for key in BALLOT_KEYS]
    values.append(json.dumps(line["sides"]) if "sides" in line else None)
    columns = ", ".join((*BALLOT_KEYS, "sides"))
    db.execute(f"INSERT OR REPLACE INTO ballots ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)


def clean(text: str) -> str:
    """Text as SQLite can hold it: lone surrogates, which are not UTF-8, become "?" (the JSON file keeps them)."""
    return text.encode("utf-8", "replace").decode("utf-8")


def escape_like(word: str) -> str:
    return clean(word).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
