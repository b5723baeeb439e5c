"""What became of each item of a field: right, rightly empty, wrong, missing or too much (metrics A3)."""

from collections.abc import Mapping, Sequence
from typing import Any

from training.evals.charts import figures as fg
from training.evals.charts.catalogue import empty, made
from training.evals.charts.chart import Chart
from training.evals.charts.fields import field_rows
from training.evals.charts.view import Look, Record, View, number, view_of, whole
from training.evals.charts.words import percent, safe

OUTCOMES = (
    ("COR", "right", fg.GOOD, ""),
    ("NUL", "rightly empty", fg.WEAK, ""),
    ("INC", "wrong", fg.WARN, ""),
    ("MIS", "missing", fg.NONE, "/"),
    ("SPU", "too much", fg.BAD, ""),
)


def chart_outcomes(aggregates: Mapping[str, Any], pair: tuple[str, str] | None, tier: str) -> Chart:
    """Of each field's items, how many are right, wrong, missing, too much or rightly empty; strict tier always."""
    view = view_of(aggregates, pair, tier)
    table = view.table("outcomes").get("fields") or {}
    arms = [view.look(name) for name in view.pair] if view.pair else list(view.arms()[:1])
    rows = [
        (field, look, counts)
        for field in field_rows(view)
        for look in arms
        if sum((counts := _counts(table, field["name"], look.name)).values())
    ]
    if not rows:
        return empty("outcomes", "No right answer is known for these documents, so nothing can be right or wrong.")
    data: list[fg.Trace] = []
    points: dict[str, Any] = {}
    for curve, (name, label, colour, shape) in enumerate(OUTCOMES):
        shares = [counts[name] / sum(counts.values()) for *_, counts in rows]
        told = [f"{safe(field['label'])}, {safe(look.label)}<br>{label}: {counts[name]:,} of {sum(counts.values()):,}"
                for field, look, counts in rows]  # fmt: skip
        inside = [percent(share) if share >= 0.1 else "" for share in shares]
        data.append(fg.bar(shares, _places(rows), label, colour, shape=shape, width=0.5, textposition="inside",
                           text=inside, **fg.hover(told)))  # fmt: skip
        for at, (field, look, _) in enumerate(rows):
            where = {"arm": look.name, "field": field["name"], "outcome": name}
            points[f"{curve}/{at}"] = {"frame": "items", "where": where, "words": f"{field['label']}: {label}"}
    data.append(_whiskers(table, rows))
    data += _who(arms, rows)
    height = _places(rows)[-1] + 1
    x = fg.share_axis("share of items, 95 % interval of what is right", range=[-0.045, 1])
    figure = fg.figure(
        data, round(100 + 33 * height), x,
        fg.axis(range=[height - 0.3, -1.2], showgrid=False, showticklabels=False),
        annotations=_words(rows), barmode="stack", showlegend=True,
    )  # fmt: skip
    csv: list[list[Any]] = [["field", "arm", *(name for name, *_ in OUTCOMES)]]
    csv += [[field["name"], look.name, *counts.values()] for field, look, counts in rows]
    return made("outcomes", _insight(view, table, rows), figure, csv, points)


_Row = tuple[Record, Look, dict[str, int]]


def _counts(table: Record, field: str, arm: str) -> dict[str, int]:
    found = ((table.get(field) or {}).get("arms") or {}).get(arm) or {}
    return {name: whole(found.get(name)) for name, *_ in OUTCOMES}


def _places(rows: Sequence[_Row]) -> list[float]:
    """Where each bar stands: the arms of a field together, a line for the field's name above them."""
    places: list[float] = []
    at, before = 0.0, ""
    for field, *_ in rows:
        if places:
            at += 1.0 if field["name"] == before else 1.75
        places.append(at)
        before = field["name"]
    return places


def _words(rows: Sequence[_Row]) -> list[dict[str, Any]]:
    """A field's name above its first bar, and its arms' items at the right."""
    notes: list[dict[str, Any]] = []
    before = ""
    for (field, *_), at in zip(rows, _places(rows), strict=True):
        if field["name"] != before:
            counts = " / ".join(f"{sum(c.values()):,}" for f, _, c in rows if f["name"] == field["name"])
            notes.append(fg.text(f"<b>{safe(field['label'])}</b>", 0, at - 0.75, xref="paper", xanchor="left"))
            notes.append(fg.text(f"n = {counts}", 1, at - 0.75, xref="paper", xanchor="right"))
        before = field["name"]
    return notes


def _who(arms: Sequence[Look], rows: Sequence[_Row]) -> list[fg.Trace]:
    """Each arm's mark at the left of its bars."""
    traces: list[fg.Trace] = []
    for look in arms:
        places = [at for (_, arm, _), at in zip(rows, _places(rows), strict=True) if arm.name == look.name]
        traces.append(fg.points([-0.025] * len(places), places, look, hoverinfo="skip"))
    return traces


def _whiskers(table: Record, rows: Sequence[_Row]) -> fg.Trace:
    xs = [(counts["COR"] + counts["NUL"]) / sum(counts.values()) for *_, counts in rows]
    ends = [((table.get(field["name"]) or {}).get("arms") or {}).get(look.name) or {} for field, look, _ in rows]
    low, high = ([number(end.get(key)) for end in ends] for key in ("low", "high"))
    return {
        "type": "scatter", "mode": "markers", "x": xs, "y": [at + 0.36 for at in _places(rows)],
        "marker": {"size": 1, "color": fg.INK}, "error_x": fg.reach(xs, low, high, fg.INK, 2) | {"width": 3},
        "hoverinfo": "skip", "showlegend": False, "name": "95 % interval of what is right", "cliponaxis": False,
    }  # fmt: skip


def _insight(view: View, table: Record, rows: Sequence[_Row]) -> str:
    if view.pair is None:
        field, look, counts = rows[0]
        total = sum(counts.values())
        right = percent(counts["COR"] + counts["NUL"], total)
        return f"{field['label']}: {look.label} has {right} right (n = {total:,} items)."
    sums: dict[str, dict[str, int]] = {
        look.name: dict.fromkeys((name for name, *_ in OUTCOMES), 0) for _, look, _ in rows
    }
    for _, look, counts in rows:
        for name, count in counts.items():
            sums[look.name][name] += count
    said = []
    for name in reversed(view.pair):
        counts = sums.get(name)
        if counts:
            total = sum(counts.values())
            right, missing, extra = (
                percent(n, total) for n in (counts["COR"] + counts["NUL"], counts["MIS"], counts["SPU"])
            )
            parts = f"{right} right, {missing} missing and {extra} too much (n = {total:,} items)"
            said.append(f"{view.look(name).label} has {parts}")
    return f"Over all fields, {'; '.join(said)}."
