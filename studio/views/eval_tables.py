"""The scorecard: metrics down, arms across, every figure with its interval and its n, the paired difference at the
end. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from studio.views.eval_words import (
    NONE,
    MetricLike,
    ask,
    bounds_words,
    change_words,
    items_words,
    n_words,
    p_words,
    value_words,
)
from studio.views.looks import ArmLook, who
from studio.views.markup import Html, each, el, html, icon, note

Record = Mapping[str, Any]
GROUPS = {
    "form": "Form", "content": "Content", "grounding": "Made up and left out", "relevance": "Relevance",
    "text": "Wording", "speed": "Time",
}  # fmt: skip
BETTER = {"lower": "less is better", "none": "neither way is better"}
EMPTY = "Nothing of this kind was measured in this evaluation."
SURE = 0.05  # as in the charts and the verdict


class LineLike(Protocol):
    @property
    def metric(self) -> Any: ...
    @property
    def figures(self) -> Mapping[str, Record]: ...
    @property
    def pair(self) -> Record | None: ...
    @property
    def primary(self) -> bool: ...


def scorecard(
    lines: Sequence[LineLike], looks: Mapping[str, ArmLook], pair: Sequence[str] = (), *, grouped: bool = True
) -> Html:
    """The table. The two arms that are compared stand first, then the others in their order; those without any figure
    of this kind are named below it."""
    if not lines:
        return note(EMPTY)
    some = {arm for line in lines for arm, figure in line.figures.items() if figure.get("value") is not None}
    order = [*(arm for arm in pair if arm in looks), *(arm for arm in looks if arm not in pair and arm in some)]
    at = 2 if any(line.pair is not None for line in lines) else None  # the difference stands behind the two arms
    heads = [el("th", who(looks[arm]), scope="col", cls="tt-num") for arm in order]
    if at is not None:
        heads.insert(at, el("th", "Difference", scope="col", cls="tt-num"))
    body: list[Html] = []
    group = ""
    for line in lines:
        mine = "Primary" if line.primary else GROUPS.get(line.metric.group, line.metric.group)
        if grouped and mine != group:
            group = mine
            body.append(el("tr", el("th", group, colspan=len(order) + 2, scope="colgroup"), cls="tt-eval-group"))
        body.append(_row(line, order, at))
    head = el("tr", el("th", "Metric", scope="col"), *heads)
    table = el("table", el("thead", head), el("tbody", *body), cls="tt-table tt-eval-table")
    none = ", ".join(look.label for arm, look in looks.items() if arm not in order)
    return html(
        el("div", table, cls="tt-scroll-x", tabindex="0", role="group", aria_label="figures"),
        el("p", f"None of this applies to: {none}.", cls="tt-dim tt-eval-without") if none else None,
    )


def _row(line: LineLike, order: Sequence[str], at: int | None) -> Html:
    """Where every arm has the same n, it stands once, under the metric's name."""
    metric: MetricLike = line.metric
    counts = {n_words(figure) for figure in line.figures.values() if figure.get("value") is not None}
    one = counts.pop() if len(counts) == 1 else ""
    ahead = _ahead(metric, line.pair)
    cells = [_cell(metric, line.figures.get(arm), bold=arm == ahead, counted=not one) for arm in order]
    if at is not None:
        cells.insert(at, _difference(metric, line.pair))
    about = ", ".join(filter(None, [one, BETTER.get(metric.better, "")]))
    name = ask("metric", metric.name, metric.label, title="What it measures")
    return el(
        "tr",
        el("th", name, el("span", about, cls="tt-eval-small") if about else None, scope="row"),
        *cells,
        cls="tt-eval-primary" if line.primary else "",
    )


def _ahead(metric: MetricLike, row: Record | None) -> str:
    """The arm of the pair that is better for sure, "" where neither is."""
    good = "" if row is None else _direction(metric, row)
    return "" if row is None or not good else str(row["b"] if good == "better" else row["a"])


def _cell(metric: MetricLike, figure: Record | None, *, bold: bool = False, counted: bool = True) -> Html:
    if figure is None or figure.get("value") is None:
        return el("td", el("span", NONE, title="does not apply"), cls="tt-num tt-dim")
    value = el("strong" if bold else "span", value_words(metric, float(figure["value"])))
    bounds = bounds_words(metric, figure.get("low"), figure.get("high"))
    return el(
        "td", value, el("span", bounds, cls="tt-eval-small") if bounds else None,
        el("span", n_words(figure), cls="tt-eval-small") if counted else None, cls="tt-num", title=items_words(figure),
    )  # fmt: skip


def _difference(metric: MetricLike, row: Record | None) -> Html:
    """The paired difference with its interval, whether it counts, and what could have been seen where it does not."""
    if row is None or row.get("difference") is None:
        return el("td", NONE, cls="tt-num tt-dim")
    good = _direction(metric, row)
    words = change_words(metric, float(row["difference"]))
    bounds = bounds_words(metric, row.get("ci_low"), row.get("ci_high"))
    p = row.get("p_adjusted") if row.get("p_adjusted") is not None else row.get("p")
    low, high = row.get("ci_low"), row.get("ci_high")
    least = float(row["detectable"]) if row.get("detectable") is not None else 0.0
    holds_0 = low is not None and high is not None and low <= 0 <= high
    if holds_0 and metric.better != "none" and least > 0.0005:
        more = f"could show {change_words(metric, least).lstrip('+')}"
    else:
        more = "" if metric.better == "none" or not least else p_words(p)
    mark = {"better": icon("check"), "worse": icon("cross")}.get(good)
    return el(
        "td", html(mark, el("span", good, cls="tt-sr") if good else None), el("strong" if good else "span", words),
        el("span", bounds, cls="tt-eval-small"), el("span", more, cls="tt-eval-small") if more else None,
        cls=f"tt-num tt-eval-diff {'tt-eval-bad' if good == 'worse' else ''}".strip(),
title=_tested(row),
    )  # fmt: skip


def _tested(row: Record) -> str:
    """Which test, how many documents went which way, and what the tests beside it say."""
    ways = f"{row.get('wins')} won, {row.get('ties')} tied, {row.get('losses')} lost"
    told = [f"{row['test']}: {ways}" if row.get("test") else ways]
    if row.get("p_mid") is not None:
        told.append(f"mid-p {p_words(float(row['p_mid']))[2:]}")
    if row.get("p_same") is not None:
        told.append(f"the same within {row['margin']:g}: {p_words(float(row['p_same']))} (two one-sided tests)")
    return "; ".join(told)


def _direction(metric: MetricLike, row: Record) -> str:
    """better, worse, or "" where the interval holds 0, the test (corrected where it is) does not hold, or neither way
    is better: what the charts call shown."""
    low, high = row.get("ci_low"), row.get("ci_high")
    p = row.get("p_adjusted") if row.get("p_adjusted") is not None else row.get("p")
    if metric.better == "none" or low is None or high is None or low <= 0 <= high or (p is not None and p >= SURE):
        return ""
    return "better" if (low > 0) == (metric.better != "lower") else "worse"


def slices_table(rows: Sequence[Record], metric: MetricLike, looks: Mapping[str, ArmLook], pair: Sequence[str]) -> Html:
    """Slices down, the two arms across: {kind, value, n, a, b} with figures as Measured."""
    if not rows:
        return note("No slice of these documents holds enough to be told apart.")
    a, b = pair
    head = el(
        "tr", el("th", "Slice", scope="col"), el("th", who(looks[a]), scope="col", cls="tt-num"),
        el("th", who(looks[b]), scope="col", cls="tt-num"), el("th", "Change", scope="col", cls="tt-num"),
        el("th", "Documents", scope="col", cls="tt-num"),
    )  # fmt: skip
    body = each(_slice_row(row, metric) for row in rows)
    table = el("table", el("thead", head), el("tbody", body), cls="tt-table tt-eval-table")
    return el("div", table, cls="tt-scroll-x", tabindex="0", role="group", aria_label="slices")


def _slice_row(row: Record, metric: MetricLike) -> Html:
    a, b = row["a"], row["b"]
    values = [None if side is None else side.get("value") for side in (a, b)]
    change = None if None in values else float(values[1]) - float(values[0])  # pyright: ignore[reportArgumentType]
    worse = change is not None and change * (-1 if metric.better == "lower" else 1) < 0
    name = str(row["words"])
    words = ask("slice", str(row["key"]), name, title="List its documents") if row["linked"] else name
    cells = [_cell(metric, side) for side in (a, b)]
    return el(
        "tr", el("th", words, scope="row"), *cells,
        el("td", icon("cross") if worse else None, "the same" if change == 0 else change_words(metric, change),
           cls=f"tt-num {'tt-eval-bad' if worse else ''}".strip()),
        el("td", f"{int(row['n']):,}", cls="tt-num"),
    )  # fmt: skip
