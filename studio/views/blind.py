"""Blind votes: neutral names before, who was who after, and the running rate with its interval."""

from collections.abc import Mapping, Sequence
from typing import Any

from studio.views.looks import ArmLook, who
from studio.views.markup import Html, each, el, html, plural
from training.task.records import to_json


def vote_invitation() -> Html:
    return el("p", "Which answer is better for this text? Names and figures come after your vote.", cls="tt-lead")


def reveal(looks: Sequence[ArmLook], winner: str) -> Html:
    """After the vote: A and B with their names, the winner named. `winner` is an arm label or 'tie'."""
    rows = each(el("span", el("strong", "ABCD"[i]), " was ", who(look), cls="tt-pair") for i, look in enumerate(looks))
    won = next((look for look in looks if look.label == winner), None)
    words = html("You preferred ", who(won), ".") if won else html("You saw no difference.")
    return el("div", el("p", words, cls="tt-lead"), el("p", rows), cls="tt-reveal")


def tally_line(tally: Any, left: ArmLook, right: ArmLook, *, rate: float | None, low: float, high: float) -> Html:
    """The running tally of two arms. `tally` has left_wins, right_wins, ties; `rate` is the left's share of decided
    votes with its 95 % Wilson interval [low, high], all 0..1; None where every vote was a tie.
    """
    data: Mapping[str, Any] = to_json(tally)
    wins, losses, ties = int(data["left_wins"]), int(data["right_wins"]), int(data["ties"])
    counts = f"{wins} to {losses}, {plural(ties, 'tie')}, n {wins + losses + ties}"
    if rate is None:
        return el(
            "p",
            who(left),
            " and ",
            who(right),
            ": no vote has decided yet",
            el("span", counts, cls="tt-dim tt-num"),
            cls="tt-tally",
        )
    even = low <= 0.5 <= high
    note = (
        "too few votes to tell them apart" if even else f"better than even for {(left if low > 0.5 else right).label}"
    )
    return el(
        "p",
        who(left),
        html(el("strong", f"{rate:.0%}", cls="tt-num"), f" of {plural(wins + losses, 'decided vote')} against "),
        who(right),
        el("span", f"95 % interval {low:.0%} to {high:.0%}: {note}", cls="tt-dim tt-num"),
        el("span", counts, cls="tt-dim tt-num"),
        cls="tt-tally",
    )


def tally_empty() -> Html:
    return el(
        "p", "No votes yet. Switch Blind on, compare, and vote: the running win rate stands here.", cls="tt-empty"
    )
