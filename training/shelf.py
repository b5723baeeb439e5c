"""What a shelf of comparisons is: its rows, its blind ballots, and how votes are counted. No disk."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

from training.errors import InputError
from training.task.records import ArmKind, Comparison

TIE = "tie"
NO_VOTE = "none"
KINDS = tuple(ArmKind)  # base, prompted, adapter
TITLE_CHARS = 80
TITLE_FROM_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One line of the list. `created` is ISO 8601 UTC, `arms` the column labels in the order they ran."""

    id: str
    created: str
    task: str
    base: str
    title: str
    arms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ballot:
    """A blind comparison. `shown` are the labels from left to right as `seed` shuffled them.

    `winner` is None while names are hidden, then a label, "tie", or "none" where names were revealed without a vote.
    """

    comparison_id: str
    shown: tuple[str, ...]
    seed: int
    winner: str | None = None


@dataclass(frozen=True, slots=True)
class VoteTally:
    """Blind votes between two sides of one task on one base: `left` and `right` are as `side_of` tells them, in the
    order of the text, whatever the columns were called and wherever they stood."""

    task: str
    base: str
    left: str
    right: str
    left_wins: int
    right_wins: int
    ties: int


class Vote(NamedTuple):
    """A vote that was cast: `shown` are the labels, `sides` who stood behind each, in the same order."""

    task: str
    base: str
    winner: str
    shown: Sequence[str]
    sides: Sequence[str]


class Shelf(Protocol):
    """Where comparisons go: `Store` at home, a session's own memory on a Space."""

    def add_comparison(self, comparison: Comparison) -> None: ...
    def get_comparison(self, comparison_id: str) -> dict[str, Any]: ...
    def list_comparisons(self, limit: int = 50, search: str = "") -> list[ComparisonRow]: ...
    def count_comparisons(self, search: str = "") -> int: ...
    def delete_comparison(self, comparison_id: str) -> None: ...
    def add_ballot(self, ballot: Ballot) -> None: ...
    def get_ballot(self, comparison_id: str) -> Ballot | None: ...
    def add_vote(self, comparison_id: str, winner: str) -> Ballot: ...
    def vote_tally(self) -> list[VoteTally]: ...


def title_of(data: Mapping[str, Any]) -> str:
    """The first line of the source that says something, tags dropped, at most 80 characters."""
    text = str(data["source"]["text"])[:TITLE_FROM_CHARS]
    if data["source"].get("kind") == "html":
        found = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
        text = found.group(1) if found else re.sub(r"<[^>]*>", " ", text)
    lines = (" ".join(line.split()).lstrip("# ") for line in text.splitlines())
    first = next((line for line in lines if any(c.isalnum() for c in line)), "untitled")
    return first if len(first) <= TITLE_CHARS else first[: TITLE_CHARS - 1].rstrip() + "…"


def row_of(data: Mapping[str, Any]) -> ComparisonRow:
    """A comparison's JSON form as a line of the list. KeyError or TypeError where it is no comparison."""
    arms = tuple(str(arm["generation"]["arm"]["label"]) for arm in data["arms"])
    return ComparisonRow(data["id"], data["created"], data["task"], data["base"], title_of(data), arms)


def decide(ballot: Ballot | None, winner: str) -> Ballot:
    """The ballot with its vote. InputError where there is nothing to vote on, or a vote was cast before."""
    if ballot is None:
        raise InputError("This comparison was not a blind one.", fix="Tick Blind before you compare.")
    if ballot.winner is not None:
        raise InputError("This comparison was voted on before.", fix="Compare again to vote again.")
    if winner not in (TIE, NO_VOTE, *ballot.shown):
        raise InputError(f"{winner!r} was not one of the columns voted on.", fix="Vote for a column that is shown.")
    return replace(ballot, winner=winner)


def side_of(arm: Mapping[str, Any]) -> str:
    """Who answered in a column, of a comparison's JSON form: kind, hash of the adapter and of the base, temperature.

    Two adapters in folders of one name are two, and one adapter under two names is one.
    """
    generation = arm["generation"]
    told, proof = generation["arm"], generation["proof"]
    temperature = generation["sampling"]["temperature"] if told["temperature"] is None else told["temperature"]
    rank = KINDS.index(told["kind"])  # so that a base stands left of its adapters
    weights = f"{proof['adapter_sha256'] or '-'} on {proof['base_sha256']}"
    return f"{rank} {told['kind']} {weights} at {float(temperature):g}"


def sides_of(data: Mapping[str, Any], shown: Sequence[str]) -> list[str]:
    """Who stood behind each label of a ballot; the labels themselves where the comparison does not tell."""
    try:
        sides = {arm["generation"]["arm"]["label"]: side_of(arm) for arm in data["arms"]}
        return [sides[label] for label in shown]
    except (KeyError, TypeError, ValueError):
        return list(shown)


def tally(votes: Sequence[Vote]) -> list[VoteTally]:
    """Votes counted by the pair that was voted on, most votes first; only votes on two columns count."""
    counts: dict[tuple[str, str, str, str], list[int]] = {}
    for vote in votes:
        if len(vote.shown) != 2 or vote.winner == NO_VOTE:
            continue
        (left, label), (right, other) = sorted(zip(vote.sides, vote.shown, strict=True))
        count = counts.setdefault((vote.task, vote.base, left, right), [0, 0, 0])
        count[2 if vote.winner == TIE else (label, other).index(vote.winner)] += 1
    rows = [VoteTally(*key, *count) for key, count in counts.items()]
    return sorted(rows, key=lambda row: -(row.left_wins + row.right_wins + row.ties))
