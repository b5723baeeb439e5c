"""A kept comparison as the page shows it: its record, and what its blind vote says so far."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from studio.deps import Deps
from studio.queries.votes import Standing, standing
from training.shelf import NO_VOTE, sides_of


@dataclass(frozen=True, slots=True)
class Kept:
    """`data` is the comparison's JSON form, `arms` its columns from left to right (shuffled where it was blind).

    `winner` is a label, "tie" or, revealed without a vote, ""; None where it was not blind or nobody voted yet.
    `hidden`: names may not be shown. `standing` is the running tally of these two arms after a vote, else None.
    """

    data: Mapping[str, Any]
    arms: tuple[Mapping[str, Any], ...]
    blind: bool = False
    hidden: bool = False
    winner: str | None = None
    standing: Standing | None = None


def kept(deps: Deps, session: str, comparison_id: str) -> Kept:
    """InputError for an unknown id, StorageError for a damaged file."""
    shelf = deps.shelf(session)
    data, ballot = shelf.get_comparison(comparison_id), shelf.get_ballot(comparison_id)
    if ballot is None:
        return Kept(data, tuple(data["arms"]))
    by_label = {arm["generation"]["arm"]["label"]: arm for arm in data["arms"]}
    arms = tuple(by_label[label] for label in ballot.shown)
    if ballot.winner is None:
        return Kept(data, arms, blind=True, hidden=True)
    winner = "" if ballot.winner == NO_VOTE else ballot.winner
    sides = sides_of(data, ballot.shown)
    found = standing(shelf.vote_tally(), data["task"], data["base"], ballot.shown, sides)
    return Kept(data, arms, blind=True, winner=winner, standing=found)
