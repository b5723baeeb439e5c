"""What a teacher would cost, before anything is paid. Pure: plain JSON in, HTML out."""

from collections.abc import Mapping, Sequence
from typing import Any

from studio.views.markup import Html, el, icon, plural


def cost_html(cost: Mapping[str, Any], lines: Sequence[str]) -> Html:
    """Who would be asked for how much; what was paid already, what bounds it, and why it can't be asked, if so.

    `lines` are the estimate's own sentences.
    """
    estimate, teacher = cost["estimate"], cost["teacher"]
    new = int(estimate["requests"]) - int(estimate["known"])
    head = f"{teacher['model']} at {teacher['base_url']} would be asked for {plural(new, 'text')}. Nothing is paid yet."
    if not new:
        head = f"Every answer of {teacher['model']} is here already: building costs nothing."
    said = [*lines, _spent(cost), _bounds(teacher)]
    body = el("ul", *(el("li", line) for line in said if line), cls="tt-list")
    problem = el("p", icon("cross"), " ", cost["problem"], cls="tt-note tt-note-bad") if cost["problem"] else None
    return el("div", el("p", head, cls="tt-insight"), body, problem, cls="tt-data")


def _spent(cost: Mapping[str, Any]) -> str:
    """What all builds of the name have used."""
    spent, prices = cost["spent"], cost["teacher"]["prices"]
    if not spent["calls"]:
        return ""
    paid = "at unknown prices" if cost["paid"] is None else f"{cost['paid']:.2f} {prices['currency']}"
    return f"Used so far under this name: {plural(int(spent['calls']), 'call')}, {paid}."


def _bounds(teacher: Mapping[str, Any]) -> str:
    """The caps, in words."""
    caps, currency = teacher["caps"], teacher["prices"]["currency"]
    most = [
        f"{caps['money']:g} {currency}" if caps["money"] is not None else "",
        plural(int(caps["calls"]), "call") if caps["calls"] is not None else "",
        f"{caps['tokens']:,} tokens" if caps["tokens"] is not None else "",
    ]
    named = ", ".join(cap for cap in most if cap)
    if not named:
        return "No cap is set: nothing stops it before its end."
    return f"It stops at {named} over all builds of this name; what was answered is kept and never paid for twice."


def agree_words(cost: Mapping[str, Any]) -> str:
    """What the button says that begins it."""
    estimate = cost["estimate"]
    if estimate["requests"] == estimate["known"]:
        return "Build: nothing to pay"
    if estimate["money"] is None:
        return "Ask the teacher and build"
    cap, currency = cost["teacher"]["caps"]["money"], estimate["currency"]
    most = estimate["most_money"] if cap is None else min(estimate["most_money"], max(0.0, cap - (cost["paid"] or 0.0)))
    about = min(estimate["money"], most)
    return f"Pay about {about:.2f} {currency}, at most {most:.2f}, and build"
