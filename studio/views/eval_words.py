"""Figures of an evaluation as people read them, and what can be clicked in its views. Pure: plain JSON in, HTML out.

A share of all or nothing is told in percent, a graded figure with three digits, times with their unit. Buttons carry
`data-ask` and `data-value`: the window hands them to the tab (assets/studio.js); they act on nothing by themselves.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from studio.views.looks import ADAPTER_TONES, SHAPES, ArmLook
from studio.views.markup import Html, el, number, seconds

Record = Mapping[str, Any]
MINUS, NONE = "\u2212", "–"
SIDES_WITHOUT_A_TONE = "blind"
NOTES = {
    "empty": "answers nothing", "constant": "the same answer always", "echo": "the template back",
    "regex": "plain patterns, no model", "base": "the base model, the prompt of training",
    "base+constrained": "the same, held to the schema token by token",
    "prompted": "the base model, the whole schema in its prompt", "shots": "prompted, after three worked examples",
    "constrained": "prompted, held to the schema token by token",
}  # fmt: skip


class MetricLike(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def better(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def group(self) -> str: ...


def looks_of(arms: list[dict[str, Any]]) -> dict[str, ArmLook]:
    """Each arm's colour and shape: its role where it names one, else base, prompted, then adapters in their order."""
    made: dict[str, ArmLook] = {}
    tuned = 0
    for arm in arms:
        name, kind, role = str(arm["name"]), str(arm.get("kind") or ""), str(arm.get("colour_role") or "")
        if role not in SHAPES:
            if kind in ("adapter", "imported", "endpoint"):
                role = ADAPTER_TONES[tuned % len(ADAPTER_TONES)]
            else:
                role = {"base": "base" if name.startswith("base") else "prompted"}.get(kind, SIDES_WITHOUT_A_TONE)
        tuned += kind in ("adapter", "imported", "endpoint")
        made[name] = ArmLook(str(arm.get("label") or name), role, NOTES.get(name, _note(name)))
    return made


def _note(name: str) -> str:
    kind, _, what = name.partition(":")
    return {
        "adapter": f"base + adapter {what}", "adapter+constrained": f"base + adapter {what}, held to the schema",
        "endpoint": "a larger model, asked over an address", "imported": "answers that were made elsewhere",
    }.get(kind, "answers that were made elsewhere")  # fmt: skip


def value_words(metric: MetricLike, value: float | None) -> str:
    """'86.2 %', '0.843', '1.42 s': one figure with its unit."""
    if value is None:
        return NONE
    if in_percent(metric):
        return f"{100 * value:.1f} %".replace("-", MINUS)
    if metric.unit == "s":
        return seconds(value)
    if not metric.unit:
        return f"{value:.3f}".replace("-", MINUS)
    return f"{number(float(value))} {metric.unit}".replace("-", MINUS)


def in_percent(metric: MetricLike) -> bool:
    """Shares of answers and of items; not F1 and its like, which nobody reads as percent."""
    return metric.unit == "" and metric.kind in ("rate", "pooled") and "f1" not in metric.name


def bounds_words(metric: MetricLike, low: float | None, high: float | None) -> str:
    """'[82.1, 90.4]', in the unit of the figure before it; "" where there is no interval."""
    if low is None or high is None:
        return ""
    scale = 100 if in_percent(metric) else 1
    form = "{:.1f}" if in_percent(metric) else "{:.3g}" if metric.unit else "{:.3f}"
    return f"[{form.format(scale * low)}, {form.format(scale * high)}]".replace("-", MINUS)


def change_words(metric: MetricLike, value: float | None) -> str:
    """'+14.0 points', '−0.032': a difference with its sign."""
    if value is None:
        return NONE
    if in_percent(metric):
        return f"{100 * value:+.1f} points".replace("-", MINUS)
    return (f"{value:+.3g} {metric.unit}" if metric.unit else f"{value:+.3f}").replace("-", MINUS)


def p_words(p: float | None) -> str:
    return "" if p is None else "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def n_words(figure: Record) -> str:
    """'n 288 of 300', 'n 300': documents with a value of all."""
    scored, total = int(figure.get("n_scored") or 0), int(figure.get("n_total") or 0)
    return f"n {scored:,}" if scored == total else f"n {scored:,} of {total:,}"


def items_words(figure: Record) -> str | None:
    """Over how many items a pooled figure is."""
    items = figure.get("n_items")
    return f"over {int(items):,} items" if items else None


def ask(kind: str, value: str, *words: str | None, cls: str = "", **attributes: str | int | bool | None) -> Html:
    """A button that asks the tab for something. `kind` names one of its hidden fields."""
    return el(
        "button", *words, type="button", data_ask=kind, data_value=value, cls=f"tt-ask {cls}".strip(), **attributes
    )
