"""A chart's words: what it shows, the sentence computed from it, its downloads, or why it is empty. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from studio.views.eval_words import ask
from studio.views.markup import Html, el, html

Record = Mapping[str, Any]


def chart_head(chart: Record) -> Html:
    """Title, insight, downloads; for an empty chart the reason in their place."""
    also: Sequence[str] = chart["also"]
    names = el("span", f"in other reports: {', '.join(also)}", cls="tt-dim tt-chart-also") if also else None
    title = el("h3", str(chart["title"]), cls="tt-chart-title")
    if chart["figure"] is None:
        return el("div", title, el("p", str(chart["why_empty"]), cls="tt-chart-empty"), names, cls="tt-chart-head")
    said = el("p", str(chart["insight"]), cls="tt-insight") if chart["insight"] else None
    return el("div", el("div", title, _downloads(chart), cls="tt-chart-top"), said, names, cls="tt-chart-head")


def _downloads(chart: Record) -> Html:
    """PNG and SVG are made in the browser of what is seen; the CSV holds the numbers behind the marks."""
    name = str(chart["id"])
    drawn = [
        el("button", form.upper(), type="button", data_image=form, data_chart=name, cls="tt-ask",
           aria_label=f"{chart['title']} as {form.upper()}")
        for form in ("png", "svg")
    ]  # fmt: skip
    numbers = ask("save", f"chart:{name}", "CSV", aria_label=f"{chart['title']} as CSV")
    return el("span", *drawn, numbers, cls="tt-chart-saves")


def found_words(words: str) -> Html:
    """Where a search led."""
    return el("p", words, cls="tt-dim") if words else html()
