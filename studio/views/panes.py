"""The other two faces of an answer: its JSON and its raw text."""

from collections.abc import Mapping
from typing import Any

from studio.views.card import UNSUPPORTED, Support, repaired_note
from studio.views.markup import Html, each, el, html, icon
from studio.views.reading import json_line
from studio.views.words import REPAIRED_TIERS, is_text
from training.task.records import ArmResult, Tier, to_json


def json_html(result: ArmResult | Mapping[str, Any]) -> Html:
    """The parsed object, indented; unsupported values underlined. No object: said so, nothing is indented."""
    data = to_json(result)
    parsed = data["parsed"]
    if parsed["object"] is None:
        reason = parsed["error"] or "there is no object in the answer"
        what = "Not in form." if is_text(parsed) else "Not JSON."
        return el("p", icon("cross"), el("strong", what), f" {reason}", cls="tt-note tt-note-bad")
    support = {(item["field"], int(item["index"])): item["supported"] for item in data["items"]}
    note = repaired_note(parsed) if Tier(parsed["tier"]) in REPAIRED_TIERS else None
    return html(note, object_json(parsed["object"], support))


def object_json(obj: Mapping[str, Any], support: Support | None = None) -> Html:
    """Indented JSON with a fold for every list or object at the top level."""
    known, last = support or {}, len(obj) - 1
    rows = [_pair(name, value, known, "," if i < last else "") for i, (name, value) in enumerate(obj.items())]
    return el("div", el("div", "{"), el("div", *rows, cls="tt-j-in"), el("div", "}"), cls="tt-json", dir="ltr")


def _pair(name: str, value: Any, support: Support, comma: str) -> Html:
    key = html(el("span", json_line(name), cls="tt-j-key"), ": ")
    if not isinstance(value, (list, dict)) or not value:
        return el("div", key, _leaf(value, support.get((name, 0))), comma)
    opening, closing = ("[", "]") if isinstance(value, list) else ("{", "}")
    count = el("span", f"{len(value):,} …", cls="tt-j-count")
    return el(
        "details",
        el("summary", key, opening, count, el("span", f"{closing}{comma}", cls="tt-j-count")),
        el("div", _inside(name, value, support), cls="tt-j-in"),
        el("div", f"{closing}{comma}"),
        open=True,
    )


def _inside(name: str, value: list[Any] | dict[str, Any], support: Support) -> Html:
    last = len(value) - 1
    if isinstance(value, list):
        return each(
            el("div", _leaf(entry, support.get((name, i))), "," if i < last else "") for i, entry in enumerate(value)
        )
    pairs = enumerate(value.items())
    return each(
        el(
            "div",
            el("span", json_line(key), cls="tt-j-key"),
            ": ",
            _leaf(entry, None),
            "," if i < last else "",
        )
        for i, (key, entry) in pairs
    )


def _leaf(value: Any, supported: bool | None) -> Html:
    text = json_line(value)
    if supported is False:
        return el("span", text, icon("warn"), cls="tt-unsup", title=UNSUPPORTED)
    return el("span", text, cls="tt-j-val")


def raw_html(result: ArmResult | Mapping[str, Any]) -> Html:
    """Every character of the answer. Text around an extracted object is dimmed; an empty answer is said to be empty."""
    data = to_json(result)
    raw, parsed = str(data["generation"]["raw"]), data["parsed"]
    if not raw:
        return el("p", "The model wrote nothing: its first token ended the answer.", cls="tt-dim")
    if Tier(parsed["tier"]) is not Tier.EXTRACTED:
        return el("pre", raw, cls="tt-raw", dir="auto")
    start, end = int(parsed["prefix_chars"]), len(raw) - int(parsed["suffix_chars"])
    around = [
        el("span", part, cls="tt-around", title="text around the object") if part else None
        for part in (raw[:start], raw[end:])
    ]
    return el("pre", around[0], raw[start:end], around[1], cls="tt-raw", dir="auto")
