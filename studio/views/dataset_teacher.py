"""What a teacher and a judge would cost, before anything is paid. Pure: plain JSON in, HTML out."""

from collections.abc import Mapping, Sequence
from typing import Any

from studio.views.markup import Html, el, icon, plural

ASKED = {"teacher": "text", "judge": "verdict"}  # what an answer of theirs is


def cost_html(cost: Mapping[str, Any], lines: Sequence[Sequence[str]]) -> Html:
    """Who would be asked for how much; what was used already, what bounds it, and why it can't be asked, if so.

    `lines` are each quote's own sentences.
    """
    parts = [part for quote, said in zip(cost["quotes"], lines, strict=True) for part in _quote(quote, said)]
    problem = el("p", icon("cross"), " ", cost["problem"], cls="tt-note tt-note-bad") if cost["problem"] else None
    return el("div", *parts, problem, cls="tt-data")


def _quote(quote: Mapping[str, Any], lines: Sequence[str]) -> tuple[Html, Html]:
    asked, new = quote["asked"], _new(quote)
    who = f"{asked['model']} at {asked['base_url']}"
    head = f"{who} would be asked for {plural(new, ASKED[quote['whose']])}. Nothing is paid yet."
    if not new:
        head = f"Every answer of {asked['model']} is here already: building costs nothing."
        if quote["whose"] == "judge" and not quote["estimate"]["requests"]:
            head = f"No row reaches the judge, {asked['model']}: the other gates refuse them all."
    said = [*lines, _bounds(asked)]
    return el("p", head, cls="tt-insight"), el("ul", *(el("li", line) for line in said if line), cls="tt-list")


def _new(quote: Mapping[str, Any]) -> int:
    """Questions that are still to be paid for."""
    return int(quote["estimate"]["requests"]) - int(quote["estimate"]["known"])


def _bounds(asked: Mapping[str, Any]) -> str:
    """The caps, in words."""
    caps, currency = asked["caps"], asked["prices"]["currency"]
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
    """What the button says that begins it: what is to be paid in all, at most what the caps leave."""
    asked = [quote for quote in cost["quotes"] if _new(quote)]
    if not asked:
        return "Build: nothing to pay"
    currencies = {quote["estimate"]["currency"] for quote in asked}
    if len(currencies) > 1 or any(quote["estimate"]["money"] is None for quote in asked):
        return f"Ask the {' and the '.join(quote['whose'] for quote in asked)} and build"
    most = [_most(quote) for quote in asked]
    about = sum(min(quote["estimate"]["money"], top) for quote, top in zip(asked, most, strict=True))
    return f"Pay about {about:.2f} {currencies.pop()}, at most {sum(most):.2f}, and build"


def _most(quote: Mapping[str, Any]) -> float:
    """What a quote can come to without retries: its worst case, or what its cap leaves."""
    most, cap = float(quote["estimate"]["most_money"]), quote["asked"]["caps"]["money"]
    return most if cap is None else min(most, max(0.0, cap - (quote["spending"]["money"] or 0.0)))
