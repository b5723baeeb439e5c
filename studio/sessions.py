"""Comparisons of one open page, in memory: all there is on a Space, and at home a net for when the disk is full."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from training.errors import InputError, StorageError
from training.shelf import Ballot, ComparisonRow, Shelf, Vote, VoteTally, decide, row_of, sides_of, tally
from training.store import Store
from training.task.records import Comparison, to_json

KEPT_PER_SESSION = 12
SESSIONS = 200
SESSION_S = 2 * 3600.0


class SessionShelf:
    """The last comparisons of one page. With a `store` behind it, everything is kept there as well."""

    def __init__(self, store: Store | None = None) -> None:
        self._store = store
        self._data: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._ballots: dict[str, Ballot] = {}
        self._refused: set[str] = set()  # kept here only, because the disk refused them
        self._unlogged: set[str] = set()  # kept there, but that they are blind only here

    def add_comparison(self, comparison: Comparison) -> None:
        """StorageError where the disk refuses; the comparison then stays here as long as the page is open."""
        self._data[comparison.id] = to_json(comparison)
        while len(self._data) > KEPT_PER_SESSION:
            self._ballots.pop(self._data.popitem(last=False)[0], None)
        if self._store:
            try:
                self._store.add_comparison(comparison)
            except StorageError:
                self._refused.add(comparison.id)
                raise

    def get_comparison(self, comparison_id: str) -> dict[str, Any]:
        if comparison_id in self._data:
            return self._data[comparison_id]
        if self._store:
            return self._store.get_comparison(comparison_id)
        raise InputError("This page has no such comparison.", fix="Comparisons here last as long as the page is open.")

    def list_comparisons(self, limit: int = 50, search: str = "") -> list[ComparisonRow]:
        if self._store:
            return self._store.list_comparisons(limit, search)
        return [row_of(data) for data in reversed(self._data.values())][:limit]

    def count_comparisons(self, search: str = "") -> int:
        return self._store.count_comparisons(search) if self._store else len(self._data)

    def delete_comparison(self, comparison_id: str) -> None:
        self._data.pop(comparison_id, None)
        self._ballots.pop(comparison_id, None)
        if store := self._behind(comparison_id):
            store.delete_comparison(comparison_id)

    def add_ballot(self, ballot: Ballot) -> None:
        """StorageError where the disk refuses; names then stay hidden here as long as the page is open."""
        self._ballots[ballot.comparison_id] = ballot
        if store := self._behind(ballot.comparison_id):
            try:
                store.add_ballot(ballot)
            except StorageError:
                self._unlogged.add(ballot.comparison_id)
                raise

    def get_ballot(self, comparison_id: str) -> Ballot | None:
        store = self._behind(comparison_id)
        if store is None or comparison_id in self._unlogged:
            return self._ballots.get(comparison_id)
        return store.get_ballot(comparison_id)

    def add_vote(self, comparison_id: str, winner: str) -> Ballot:
        open_ = self.get_ballot(comparison_id)
        ballot = decide(open_, winner)
        self._ballots[comparison_id] = ballot
        store = self._behind(comparison_id)
        if store and open_ and comparison_id in self._unlogged:
            try:  # there may be room by now
                store.add_ballot(open_)
            except StorageError:
                return ballot
            self._unlogged.discard(comparison_id)
        if store:
            store.add_vote(comparison_id, winner)
        return ballot

    def vote_tally(self) -> list[VoteTally]:
        if self._store:
            return self._store.vote_tally()
        voted = [b for b in self._ballots.values() if b.winner is not None and b.comparison_id in self._data]
        rows = [(self._data[b.comparison_id], b) for b in voted]
        return tally(
            [Vote(data["task"], data["base"], b.winner or "", b.shown, sides_of(data, b.shown)) for data, b in rows]
        )

    def _behind(self, comparison_id: str) -> Store | None:
        """The store, where it knows this comparison or may know it."""
        return None if comparison_id in self._refused else self._store


class Sessions:
    """A shelf for each open page, never another's. Dropped when the page goes, at the latest two hours unused."""

    def __init__(self, store: Store | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._shelves: OrderedDict[str, tuple[float, SessionShelf]] = OrderedDict()

    def shelf(self, session: str) -> Shelf:
        now = self._clock()
        with self._lock:
            _, shelf = self._shelves.pop(session, (now, None))
            self._shelves[session] = (now, shelf or SessionShelf(self._store))
            stale = [name for name, (used, _) in self._shelves.items() if now - used > SESSION_S]
            extra = list(self._shelves)[: max(0, len(self._shelves) - SESSIONS)]
            for name in {*stale, *extra}:
                del self._shelves[name]
            return self._shelves[session][1]

    def drop(self, session: str) -> None:
        with self._lock:
            self._shelves.pop(session, None)
