"""What one open page keeps for itself."""

import errno
import os
from pathlib import Path

import pytest

from studio.sessions import KEPT_PER_SESSION, SESSION_S, SESSIONS, Sessions
from tests.fakes import ADAPTER, make_comparison
from training.errors import InputError, StorageError
from training.shelf import Ballot
from training.store import Store


def test_on_a_space_nobody_sees_anothers_comparison() -> None:
    sessions = Sessions(store=None)
    sessions.shelf("mine").add_comparison(make_comparison("secret"))
    assert sessions.shelf("mine").get_comparison("secret")["id"] == "secret"
    with pytest.raises(InputError, match="no such comparison"):
        sessions.shelf("theirs").get_comparison("secret")
    assert sessions.shelf("theirs").list_comparisons() == []


def test_on_a_space_nothing_outlives_the_page() -> None:
    sessions = Sessions(store=None)
    sessions.shelf("mine").add_comparison(make_comparison("secret"))
    sessions.drop("mine")
    with pytest.raises(InputError):
        sessions.shelf("mine").get_comparison("secret")


def test_memory_is_bounded_by_count_pages_and_time() -> None:
    now = [0.0]
    sessions = Sessions(store=None, clock=lambda: now[0])
    shelf = sessions.shelf("first")
    for number in range(KEPT_PER_SESSION + 1):
        shelf.add_comparison(make_comparison(f"c{number}"))
    with pytest.raises(InputError):
        shelf.get_comparison("c0")
    for number in range(SESSIONS):
        sessions.shelf(f"page {number}")
    assert sessions.shelf("first") is not shelf
    kept = sessions.shelf("first")
    now[0] = SESSION_S + 1
    sessions.shelf("another")
    assert sessions.shelf("first") is not kept


def test_at_home_pages_share_the_store(tmp_path: Path) -> None:
    sessions = Sessions(Store(tmp_path))
    sessions.shelf("one").add_comparison(make_comparison("shared"))
    sessions.shelf("one").add_ballot(Ballot("shared", ("base", ADAPTER), 3))
    sessions.shelf("two").add_vote("shared", "base")
    assert sessions.shelf("one").get_ballot("shared") == Ballot("shared", ("base", ADAPTER), 3, "base")
    assert sessions.shelf("one").vote_tally() == sessions.shelf("two").vote_tally() != []


def test_a_full_disk_loses_nothing_of_what_is_on_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    shelf = Sessions(Store(tmp_path)).shelf("page")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError):
        shelf.add_comparison(make_comparison("unsaved"))
    shelf.add_ballot(Ballot("unsaved", ("base", ADAPTER), 3))
    assert shelf.get_comparison("unsaved")["id"] == "unsaved"
    assert shelf.add_vote("unsaved", ADAPTER).winner == ADAPTER
    shelf.delete_comparison("unsaved")
    assert not list((tmp_path / "comparisons").glob("*.json"))


@pytest.mark.parametrize("room_again", [True, False])
def test_names_stay_hidden_where_the_disk_filled_up_before_the_ballot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room_again: bool
) -> None:
    def full(*_: object) -> None:
        raise StorageError("No space left.", fix="Free some.")

    store = Store(tmp_path)
    shelf = Sessions(store).shelf("page")
    shelf.add_comparison(make_comparison("half"))
    with monkeypatch.context() as patched:
        patched.setattr(store, "add_ballot", full)
        with pytest.raises(StorageError):
            shelf.add_ballot(Ballot("half", (ADAPTER, "base"), 3))
        assert shelf.get_ballot("half") == Ballot("half", (ADAPTER, "base"), 3)
        if not room_again:
            assert shelf.add_vote("half", ADAPTER).winner == ADAPTER
            assert shelf.get_ballot("half") == Ballot("half", (ADAPTER, "base"), 3, ADAPTER)
            assert store.get_ballot("half") is None
    if room_again:
        shelf.add_vote("half", ADAPTER)
        assert store.get_ballot("half") == Ballot("half", (ADAPTER, "base"), 3, ADAPTER)
        assert len(shelf.vote_tally()) == 1


def test_votes_on_a_space_are_counted_in_the_page_alone() -> None:
    shelf = Sessions(store=None).shelf("page")
    shelf.add_comparison(make_comparison("v"))
    shelf.add_ballot(Ballot("v", ("base", ADAPTER), 3))
    assert shelf.vote_tally() == []
    shelf.add_vote("v", "tie")
    assert shelf.vote_tally()[0].ties == 1
