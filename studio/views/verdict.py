"""The line over everything: which side can be used, seen in five seconds."""

from collections.abc import Mapping, Sequence
from typing import Any

from studio.views.looks import ArmLook, who
from studio.views.markup import Html, el, icon
from studio.views.words import parse_verdict, short_line
from training.task.records import ArmResult, to_json


def verdict_line(results: Sequence[ArmResult | Mapping[str, Any]], looks: Sequence[ArmLook]) -> Html:
    """An entry an arm, all in one line where there is room: who, and what came of it."""
    rows = [_entry(to_json(result), look) for result, look in zip(results, looks, strict=True)]
    return el("ul", *rows, cls="tt-summary")


def _entry(result: Mapping[str, Any], look: ArmLook) -> Html:
    level = parse_verdict(result).level
    mark = {"ok": "check", "bad": "cross"}.get(level, "warn")
    return el("li", who(look), el("span", icon(mark), short_line(result)), cls=f"tt-{level}")
