"""The line over everything: which side can be used, said once."""

from collections.abc import Mapping, Sequence
from typing import Any

from studio.views.looks import ArmLook, who
from studio.views.markup import Html, el, html, icon, seconds
from studio.views.words import one_line, parse_verdict
from training.task.records import ArmResult, to_json


def verdict_line(results: Sequence[ArmResult | Mapping[str, Any]], looks: Sequence[ArmLook]) -> Html:
    """One row an arm: who, what came of it, in how long."""
    rows = [_row(to_json(result), look) for result, look in zip(results, looks, strict=True)]
    return el("ul", *rows, cls="tt-summary")


def _row(result: Mapping[str, Any], look: ArmLook) -> Html:
    level = parse_verdict(result).level
    mark = {"ok": "check", "bad": "cross"}.get(level, "warn")
    took = seconds(float(result["generation"]["gen_s"]))
    return el(
        "li",
        who(look),
        html(icon(mark), el("span", one_line(result))),
        el("span", took, cls="tt-dim tt-num"),
        cls=f"tt-{level}",
    )
