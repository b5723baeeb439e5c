"""The fairness receipt: what was equal for every column, what was not, and the same as JSON to copy."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from studio.views.looks import ArmLook, who
from studio.views.markup import Html, el, html, icon, number, plural, short_hash
from studio.views.reading import compact, spaced
from training.task.records import Receipt, to_json

HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def receipt_words(receipt: Receipt | Mapping[str, Any]) -> str:
    """One line: 'equal in 9 settings, differs in prompt'."""
    data = to_json(receipt)
    equal = f"equal in {plural(len(data['equal']), 'setting')}"
    if not data["differs"]:
        return f"{equal}, differs in none"
    return f"{equal}, differs in {', '.join(spaced(name) for name in data['differs'])}"


def receipt_html(receipt: Receipt | Mapping[str, Any], looks: Sequence[ArmLook]) -> Html:
    """Two tables and the JSON. `differs` is looked up by arm label; an arm that is not named there shows a dash."""
    data = to_json(receipt)
    return el(
        "div",
        el("p", receipt_words(data).capitalize(), ".", cls="tt-insight"),
        _differs(data["differs"], looks),
        _equal(data["equal"]),
        el("details", el("summary", el("span", "As JSON, to copy")), receipt_json(data), cls="tt-group"),
        cls="tt-receipt",
    )


def receipt_json(receipt: Receipt | Mapping[str, Any]) -> Html:
    text = json.dumps(to_json(receipt), ensure_ascii=False, indent=2, default=str)
    return el("pre", text, cls="tt-raw", tabindex="0")


def _differs(differs: Mapping[str, Mapping[str, Any]], looks: Sequence[ArmLook]) -> Html | None:
    if not differs:
        return None
    head = el("tr", el("th", "Differs", scope="col"), *(el("th", who(look), scope="col") for look in looks))
    rows = [
        el(
            "tr",
            el("th", icon("change"), spaced(name), scope="row"),
            *(el("td", _value(by_arm.get(look.label))) for look in looks),
        )
        for name, by_arm in differs.items()
    ]
    table = el("table", el("thead", head), el("tbody", *rows), cls="tt-table")
    return el("div", table, cls="tt-scroll-x", tabindex="0", role="group", aria_label="settings that differ")


def _equal(equal: Mapping[str, Any]) -> Html:
    rows = [el("div", el("dt", spaced(name)), el("dd", _value(value))) for name, value in equal.items()]
    return html(
        el("p", icon("check"), "Equal for every column", cls="tt-subhead"),
        el("dl", *rows, cls="tt-facts tt-facts-grid"),
    )


def _value(value: Any) -> Html:
    if value is None:
        return el("span", "–", cls="tt-dim")
    if isinstance(value, str) and HASH.fullmatch(value):
        return short_hash(value)
    if isinstance(value, Mapping):
        return html(*(el("span", f"{name} {compact(entry)}", cls="tt-pair") for name, entry in value.items()))
    return html(number(value) if isinstance(value, float) else compact(value))
