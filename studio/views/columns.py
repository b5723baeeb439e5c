"""A column: who answered, how far it can be trusted, then the answer itself as card, JSON and raw text.

The three panes are all there; one switch for all columns (`pane_switch`, rendered once and left alone) picks by CSS
which is seen, so that streaming never resets it and both answers are always looked at in the same way.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from studio.views.card import card_html
from studio.views.chips import trust_chips, work_line
from studio.views.looks import ArmLook
from studio.views.markup import Html, el, html, icon, number, seconds
from studio.views.panes import json_html, raw_html
from studio.views.reading import PackLike
from training.task.records import ArmResult, to_json

PANES = (("card", "Card"), ("json", "JSON"), ("raw", "Raw text"))


def arm_column(
    result: ArmResult | Mapping[str, Any],
    look: ArmLook,
    pack: PackLike | None = None,
    *,
    gold: Mapping[str, Any] | None = None,
) -> Html:
    """A finished arm. Blind looks show the answer alone: verdicts and figures would tell who it is."""
    data = to_json(result)
    chips = None if look.blind else html(trust_chips(data), work_line(data))
    panes = (
        _pane("card", card_html(data, pack, gold=gold)),
        _pane("json", json_html(data)),
        _pane("raw", raw_html(data)),
    )
    return _column(look, "done", chips, html(*panes))


def partial_column(
    look: ArmLook,
    text: str = "",
    new_tokens: int = 0,
    elapsed_s: float | None = None,
    *,
    note: str = "waiting for its first token",
    ended: bool = False,
) -> Html:
    """A running arm: its raw text so far, the newest line always in sight. Before the first token, `note` says why.

    `ended`: this one has said its last word, and is judged as soon as the others have.
    """
    words = note if not text else f"{'written' if ended else 'writing'}: {number(new_tokens)} tokens"
    if elapsed_s is not None:
        words = f"{words}, {seconds(elapsed_s) if elapsed_s >= 60 else f'{elapsed_s:.1f} s'}"
    if ended:
        words = f"{words}; judged when the others have ended"
    spin = None if ended else el("span", cls="tt-spin", aria_hidden="true")
    caret = None if ended else el("span", cls="tt-caret", aria_hidden="true")
    head = el("p", spin, words, cls="tt-progress", role="status")
    body = el("pre", text, caret, cls="tt-raw", dir="auto") if text else None
    return _column(look, "running", head, el("div", el("div", body), cls="tt-stream"))


def empty_column(look: ArmLook, words: str = "Its answer will stand here.") -> Html:
    """Before a run: what will be here."""
    return _column(look, "empty", None, el("p", words, cls="tt-empty"))


def error_column(look: ArmLook, message: str, fix: str) -> Html:
    """An arm that could not answer: what happened, what to do."""
    what = el("p", icon("cross"), el("strong", message), cls="tt-note tt-note-bad")
    body = el("div", what, el("p", fix), cls="tt-said")
    return _column(look, "error", None, body)


def _pane(name: str, body: Html) -> Html:
    return el("div", body, cls=f"tt-pane tt-pane-{name}")


def _column(look: ArmLook, state: str, verdict: Html | None, body: Html) -> Html:
    head = el(
        "header",
        el("span", look.shape, cls="tt-shape", aria_hidden="true"),
        el("h2", el("bdi", look.label), cls="tt-col-name"),
        el("span", look.note, cls="tt-col-note"),
        cls="tt-col-head",
    )
    return el(
        "section",
        head,
        el("div", verdict, cls="tt-verdict") if verdict else None,
        el("div", body, cls="tt-col-body", tabindex="0", role="group", aria_label=f"answer of {look.label}"),
        cls=f"tt-col tt-tone-{look.tone} tt-is-{state}",
    )


def pane_switch(selected: str = "card", name: str = "tt-pane") -> Html:
    """The switch over all columns. Render it once, outside of what streams; it needs no handler. `name` is its own
    where a page has two."""
    options = [
        html(
            el("input", type="radio", name=name, id=f"{name}-{pane}", checked=pane == selected),
            el("label", label, for_=f"{name}-{pane}"),
        )
        for pane, label in PANES
    ]
    return el("fieldset", el("legend", "Show answers as", cls="tt-sr"), *options, cls="tt-switch")


def columns_row(columns: Sequence[str]) -> Html:
    """All columns in one block: side by side, or cards to swipe on a phone."""
    return el("div", *(Html(column) for column in columns), cls="tt-cols", data_n=len(columns))
