"""Two answers to one document as the report shows them: what each says, what is made up, missing or wrong in it.

A strict answer stands as its fields, each item marked by items.parquet; anything else stands as it came, never
pretty-printed. Everything goes through `esc`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from training.evals.charts.view import number
from training.evals.charts.words import num
from training.evals.clusters import cluster_title
from training.evals.figures import Figures
from training.evals.report_examples import KINDS, Example, Leaf, Side
from training.evals.report_html import Html, each, el, join
from training.evals.verdict import slice_words

SHAPES = {"base": "●", "prompted": "■", "tuned": "◆", "second": "▼", "third": "✚", "fourth": "⬢", "trivial": "○"}
TIERS = {
    "strict": "", "extracted": "Other text stands around the answer", "repaired": "Broken; only a repair can read it",
    "repaired_truncated": "Cut off before its end", "failed": "Not in the form that was asked for",
}  # fmt: skip
LEAD_CHARS, RAW_CHARS, MOST_ITEMS = 220, 1400, 14


def role(figures: Figures, arm: str) -> str:
    found = next((a for a in figures.aggregates.get("arms") or () if a.get("name") == arm), {})
    tone = "trivial" if found.get("kind") == "trivial" else str(found.get("colour_role") or "third")
    return tone if tone in SHAPES else "third"


def who(figures: Figures, arm: str) -> Html:
    """An arm's shape and label in its colour."""
    tone = role(figures, arm)
    shape = el("span", SHAPES[tone], cls="shape", aria_hidden="true")
    return el("span", shape, el("bdi", figures.label(arm)), cls=f"who tone-{tone}")


def example_html(example: Example, figures: Figures) -> Html:
    text = " ".join(example.source.split())
    lead = text if len(text) <= LEAD_CHARS else text[:LEAD_CHARS].rsplit(" ", 1)[0] + " …"
    place = f" · {slice_words('slice=' + example.slice)}" if example.slice else ""
    title = KINDS[example.kind]
    if figures.pair:
        title = title.replace("the tuned model", figures.label(figures.pair[1]))
    return el(
        "div",
        el("h3", title),
        el("p", f"Document {example.doc}{place}", cls="kind"),
        el("p", lead, cls="from"),
        el("details", el("summary", f"The whole text, {len(example.source):,} characters"), el("pre", example.source))
        if len(text) > LEAD_CHARS
        else None,
        el("div", *(_side(side, figures) for side in example.sides), cls="sides"),
        cls="example",
    )


def _side(side: Side, figures: Figures) -> Html:
    metric = figures.deciding
    score = "does not apply" if side.value is None else num(side.value)
    faults = cluster_title(side.error, figures.pack) if side.error else TIERS.get(side.tier, side.tier)
    body = _fields(side.leaves, figures) if side.tier == "strict" and side.leaves else _raw(side)
    return el(
        "div",
        el("div", who(figures, side.arm), el("span", f"{figures.name(metric)} {score}", cls="score"), cls="top"),
        el("p", faults, cls="error") if faults else el("p", "In the form that was asked for", cls="fine"),
        body,
        cls=f"side tone-{role(figures, side.arm)}",
    )


def _raw(side: Side) -> Html:
    """An answer as it came."""
    if not side.raw.strip():
        return el("p", "The answer is empty.", cls="fine")
    if len(side.raw) <= RAW_CHARS:
        return el("pre", side.raw)
    return join(
        el("pre", f"{side.raw[:RAW_CHARS]} …"),
        el("details", el("summary", f"All of it, {len(side.raw):,} characters"), el("pre", side.raw)),
    )


def _fields(leaves: Sequence[Leaf], figures: Figures) -> Html:
    """A strict answer field by field in the task's order; what the right answer has beside it as missing."""
    parts: list[Html] = []
    for spec in figures.pack.fields:
        mine = [leaf for leaf in leaves if leaf["field"] == spec.name]
        items = [_item(leaf) for leaf in mine if leaf["side"] == "pred" and str(leaf["text"]).strip()]
        items += [_missing(leaf) for leaf in mine if leaf["side"] == "gold" and leaf["outcome"] == "MIS"]
        if not items:
            continue
        shown = items[:MOST_ITEMS]
        more = el("li", f"and {len(items) - MOST_ITEMS} more", cls="dim") if len(items) > MOST_ITEMS else None
        listed = len(items) > 1 or spec.kind in ("list", "steps")
        value = el("ul", each(el("li", item) for item in shown), more) if listed else shown[0]
        parts += [el("dt", spec.label), el("dd", value)]
    return el("dl", *parts) if parts else el("p", "It says that there is nothing to answer.", cls="fine")


def _item(leaf: Mapping[str, Any]) -> Html:
    text, outcome = str(leaf["text"]), leaf["outcome"]
    if _is(leaf["grounded"], False):
        return join(el("span", text, cls="made-up"), el("span", "not in the text", cls="mark bad"))
    if _is(leaf["qty_ok"], False):
        return join(text, el("span", "wrong amount", cls="mark warn"))
    if outcome == "INC":
        return join(text, el("span", "differs from the right answer", cls="mark warn"))
    if outcome == "SPU":
        return join(text, el("span", "not in the right answer", cls="mark dim"))
    return join(text)


def _missing(leaf: Mapping[str, Any]) -> Html:
    return join(el("span", str(leaf["text"]), cls="absent"), el("span", "missing", cls="mark warn"))


def _is(value: Any, wanted: bool) -> bool:
    """A nullable flag of a frame: None and NaN are neither."""
    found = number(float(value)) if isinstance(value, (bool, int, float)) else None
    return found is not None and bool(found) is wanted
