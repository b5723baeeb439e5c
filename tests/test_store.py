"""Comparisons are kept whole or not at all, and the index can always be made again from the files."""

import errno
import json
import os
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes import ADAPTER, make_comparison
from training.errors import InputError, StorageError
from training.shelf import Ballot
from training.store import MIGRATIONS, Store
from training.task.records import Arm, ArmKind, Comparison, to_json

SCHEMA = {
    "comparisons": ["id", "created", "task", "base", "title", "arms", "words"],
    "ballots": ["comparison_id", "created", "task", "base", "shown", "seed", "winner", "sides"],
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def columns(path: Path) -> dict[str, list[str]]:
    with sqlite3.connect(path) as db:
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: [row[1] for row in db.execute(f"PRAGMA table_info({table})")] for table in tables}


def test_the_schema_is_what_this_test_says(store: Store) -> None:
    assert columns(store.path) == SCHEMA
    with sqlite3.connect(store.path) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS) == 3


def test_an_older_index_is_brought_up_to_date_with_its_rows(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "studio.db") as db:
        db.executescript(f"{MIGRATIONS[0]} PRAGMA user_version = 1;")
        db.execute("INSERT INTO comparisons VALUES ('old', '2026-01-01', 't', 'b', 'Title', '[\"base\"]', 'title')")
    store = Store(tmp_path)
    assert columns(store.path) == SCHEMA
    assert [row.id for row in store.list_comparisons()] == ["old"]


def test_an_index_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "studio.db") as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StorageError, match="newer"):
        Store(tmp_path)
    with sqlite3.connect(tmp_path / "studio.db") as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == 99


def test_a_comparison_comes_back_as_it_was(store: Store, tmp_path: Path) -> None:
    comparison = make_comparison("abc")
    store.add_comparison(comparison)
    assert store.get_comparison("abc") == to_json(comparison) == Store(tmp_path).get_comparison("abc")


def test_text_that_is_not_unicode_is_kept_exactly(store: Store) -> None:
    comparison = make_comparison("odd", text="Soup \ud800 with a lone surrogate \x00 and a null")
    store.add_comparison(comparison)
    assert store.get_comparison("odd")["source"]["text"] == comparison.source.text
    assert len(store.list_comparisons(search="surrogate")) == 1


def test_the_list_is_newest_first_and_searched_by_words(store: Store) -> None:
    store.add_comparison(make_comparison("a", text="Bean stew\nwith 100% beans", created="2026-11-01T10:00:00+00:00"))
    store.add_comparison(make_comparison("b", text="Plum cake", created="2026-11-02T10:00:00+00:00"))
    assert [(row.id, row.title) for row in store.list_comparisons()] == [("b", "Plum cake"), ("a", "Bean stew")]
    assert [row.id for row in store.list_comparisons(1)] == ["b"]
    assert [row.id for row in store.list_comparisons(search="STEW bean")] == ["a"]
    assert [row.id for row in store.list_comparisons(search="100%")] == ["a"]
    assert store.list_comparisons(search="be_n") == []
    assert store.list_comparisons()[0].arms == ("base", ADAPTER)


def test_deleting_removes_file_and_row(store: Store) -> None:
    store.add_comparison(make_comparison("gone"))
    store.delete_comparison("gone")
    assert store.list_comparisons() == [] and not list(store.folder.glob("*.json"))
    with pytest.raises(InputError, match="no comparison gone"):
        store.get_comparison("gone")


@pytest.mark.parametrize("bad", ["../studio", "a/b", "", ".hidden", "a" * 65, "x\0y"])
def test_an_id_is_never_a_path(store: Store, bad: str) -> None:
    with pytest.raises(InputError, match="no comparison's id"):
        store.get_comparison(bad)
    with pytest.raises(InputError, match="no comparison's id"):
        store.delete_comparison(bad)


def test_all_that_a_search_finds_is_counted_whatever_the_list_shows(store: Store) -> None:
    for number in range(5):
        store.add_comparison(make_comparison(f"c{number}", text=f"soup {number % 2} of 100%"))
    assert len(store.list_comparisons(2)) == 2
    assert [store.count_comparisons(words) for words in ("", "soup", "0 OF", "100%", "stew", "_")] == [5, 5, 5, 5, 0, 0]


def test_a_damaged_file_is_told_and_hurts_no_other(store: Store) -> None:
    store.add_comparison(make_comparison("good"))
    store.add_comparison(make_comparison("bad"))
    (store.folder / "bad.json").write_text('{"id": "bad", "arms": [')
    with pytest.raises(StorageError, match="damaged"):
        store.get_comparison("bad")
    assert store.get_comparison("good")["id"] == "good"
    assert store.rebuild() == 1
    assert store.notices == ["bad.json is damaged and not in the list; the file was left as it is."]
    assert (store.folder / "bad.json").exists()


def test_a_damaged_index_is_set_aside_and_built_anew(store: Store, tmp_path: Path) -> None:
    store.add_comparison(make_comparison("kept"))
    store.add_ballot(Ballot("kept", (ADAPTER, "base"), seed=5))
    store.add_vote("kept", ADAPTER)
    store.path.write_bytes(b"this is no database at all" * 100)
    again = Store(tmp_path)
    assert [row.id for row in again.list_comparisons()] == ["kept"]
    assert again.get_ballot("kept") == Ballot("kept", (ADAPTER, "base"), 5, ADAPTER)
    assert "rebuilt with 1 comparisons" in again.notices[0]
    assert len(list(tmp_path.glob("studio.db.damaged-*"))) == 1


def test_a_full_disk_leaves_nothing_half_written(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left on device") as caught:
        store.add_comparison(make_comparison("full"))
    assert "free some disk space" in caught.value.fix
    assert list(store.folder.iterdir()) == [] and store.list_comparisons() == []


def test_an_index_that_refuses_takes_the_file_back(store: Store) -> None:
    with sqlite3.connect(store.path) as db:
        db.execute("DROP TABLE comparisons")
    with pytest.raises(StorageError, match="no such table"):
        store.add_comparison(make_comparison("half"))
    assert not list(store.folder.glob("*.json"))


def test_a_home_that_is_a_file_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(StorageError, match="Could not open") as caught:
        Store(tmp_path / "home")
    assert "--home" in caught.value.fix


def test_votes_are_counted_by_pair_whatever_side_they_stood_on(store: Store) -> None:
    this_way, that_way = ("base", ADAPTER), (ADAPTER, "base")
    cast = [(this_way, ADAPTER), (that_way, ADAPTER), (that_way, "base"), (this_way, "tie"), (this_way, "none")]
    for number, (shown, winner) in enumerate(cast):
        store.add_comparison(make_comparison(f"v{number}"))
        store.add_ballot(Ballot(f"v{number}", shown, seed=number))
        assert store.get_ballot(f"v{number}") == Ballot(f"v{number}", shown, number, None)
        store.add_vote(f"v{number}", winner)
    (row,) = store.vote_tally()
    assert row.left.startswith("0 base - on bbb") and row.right.startswith("2 adapter aaa")
    assert (row.left_wins, row.right_wins, row.ties) == (1, 2, 1)


def voted(store: Store, number: int, comparison: Comparison, winner: int = 0) -> None:
    labels = tuple(arm.generation.arm.label for arm in comparison.arms)
    store.add_comparison(replace(comparison, id=f"n{number}"))
    store.add_ballot(Ballot(f"n{number}", labels, seed=number))
    store.add_vote(f"n{number}", labels[winner])


def of_adapter(comparison: Comparison, sha256: str) -> Comparison:
    base, tuned = comparison.arms
    proof = replace(tuned.generation.proof, adapter_sha256=sha256)
    return replace(comparison, arms=(base, replace(tuned, generation=replace(tuned.generation, proof=proof))))


def test_votes_count_for_the_weights_and_not_for_what_a_folder_is_called(store: Store) -> None:
    two = [Arm(ArmKind.BASE, "base"), Arm(ArmKind.ADAPTER, "adapter", "/one/adapter")]
    voted(store, 0, of_adapter(make_comparison(arms=two), "1" * 64))
    voted(store, 1, of_adapter(make_comparison(arms=two), "2" * 64), winner=1)
    renamed = [Arm(ArmKind.BASE, "base"), Arm(ArmKind.ADAPTER, "again", "/two/again")]
    voted(store, 2, of_adapter(make_comparison(arms=renamed), "1" * 64))
    first, second = store.vote_tally()
    assert (first.left_wins, first.right_wins, second.left_wins, second.right_wins) == (2, 0, 0, 1)
    assert "1111" in first.right and "2222" in second.right


def test_a_sweep_of_the_base_and_one_of_an_adapter_are_not_one(store: Store) -> None:
    def sweep(kind: ArmKind, adapter: str | None, *temperatures: float) -> Comparison:
        return make_comparison(arms=[Arm(kind, f"T {t:g}", adapter, t) for t in temperatures])

    voted(store, 0, sweep(ArmKind.BASE, None, 0.3, 1.0))
    voted(store, 1, sweep(ArmKind.ADAPTER, ADAPTER, 0.3, 1.0))
    voted(store, 2, sweep(ArmKind.BASE, None, 0.3, 1.5))
    voted(store, 3, sweep(ArmKind.BASE, None, 1.0, 0.3))
    assert sorted((row.left_wins, row.right_wins) for row in store.vote_tally()) == [(1, 0), (1, 0), (1, 1)]


def test_ballots_of_an_older_studio_keep_their_votes(store: Store, tmp_path: Path) -> None:
    for number in range(3):
        voted(store, number, make_comparison())
    lines = [json.loads(line) for line in (store.folder / "ballots.jsonl").read_text().splitlines()]
    old = [{key: value for key, value in line.items() if key != "sides"} for line in lines]
    (store.folder / "ballots.jsonl").write_text("".join(json.dumps(line) + "\n" for line in old))
    (store.folder / "n2.json").unlink()  # deleted in the old one: nobody knows any more who it was
    with sqlite3.connect(store.path) as db:
        db.execute("ALTER TABLE ballots DROP COLUMN sides")
        db.execute("PRAGMA user_version = 2")
    for again in (Store(tmp_path), store):
        known, unknown = again.vote_tally()
        assert known.left_wins == 2 and known.left.startswith("0 base")
        assert unknown.left_wins == 1 and unknown.left == "base"
        again.rebuild()


def test_one_vote_a_comparison_and_only_for_what_was_shown(store: Store) -> None:
    store.add_comparison(make_comparison("v"))
    with pytest.raises(InputError, match="not a blind one"):
        store.add_vote("v", "base")
    store.add_ballot(Ballot("v", ("base", ADAPTER), seed=1))
    with pytest.raises(InputError, match="not one of the columns"):
        store.add_vote("v", "someone else")
    store.add_vote("v", "base")
    with pytest.raises(InputError, match="voted on before"):
        store.add_vote("v", ADAPTER)


def test_damaged_ballot_lines_are_told_and_skipped(store: Store) -> None:
    store.add_comparison(make_comparison("v"))
    store.add_ballot(Ballot("v", ("base", ADAPTER), seed=1))
    store.add_vote("v", "base")
    log = store.folder / "ballots.jsonl"
    log.write_text(log.read_text() + "{half a li\n" + json.dumps({"comparison_id": "x"}) + "\n")
    store.rebuild()
    assert [notice.split(" is ")[0] for notice in store.notices] == ["ballots.jsonl, line 3", "ballots.jsonl, line 4"]
    assert store.vote_tally()[0].left_wins == 1
