"""A vote on a blind comparison, by side."""

from typing import Literal

from studio.deps import Deps
from training.errors import InputError
from training.shelf import NO_VOTE, TIE

Choice = Literal["left", "right", "tie", "reveal"]


def vote(deps: Deps, session: str, comparison_id: str, choice: Choice) -> None:
    """Count it; "reveal" shows the names without a vote. InputError where there is nothing (more) to vote on."""
    shelf = deps.shelf(session)
    ballot = shelf.get_ballot(comparison_id) if comparison_id else None
    if ballot is None:
        raise InputError("There is no blind comparison to vote on.", fix="Tick Blind, then compare.")
    sides = {"left": ballot.shown[0], "right": ballot.shown[-1], "tie": TIE, "reveal": NO_VOTE}
    shelf.add_vote(comparison_id, sides[choice])
