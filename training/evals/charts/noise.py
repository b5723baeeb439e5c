"""Whether a score holds as sources get longer, and over styles of writing (metrics D 16)."""

from collections.abc import Mapping, Sequence
from typing import Any

from training.evals.charts.catalogue import empty, made
from training.evals.charts.chart import Chart
from training.evals.charts.text import dots
from training.evals.charts.view import Look, Record, View, number, view_of, whole
from training.evals.charts.words import measured_words, safe


def chart_noise(aggregates: Mapping[str, Any], pair: tuple[str, str] | None, tier: str) -> Chart:
    """The primary metric by length of the source and by style, with intervals; strict tier always. Reads `slices`."""
    view = view_of(aggregates, pair, tier)
    rows = [(key, label) for key, label in _rows(view) if any(_cell(view, key, look) for look in view.looks)]
    if not rows:
        return empty("noise", "These documents have no styles and are too few to be cut by length.")
    arms = [look for look in view.arms(trivial=False) if any(_cell(view, key, look) for key, _ in rows)][:4]
    if not arms:
        return empty("noise", "No arm that is a model has a score on these slices.")
    cells = [[_cell(view, key, look) for key, _ in rows] for look in arms]
    counts = [max(whole((cell or {}).get("n_scored")) for cell in column) for column in zip(*cells, strict=True)]
    titles = [(label, f"n = {n:,}") for (_, label), n in zip(rows, counts, strict=True)]
    unit = safe(view.about(view.primary).get("unit") or "")
    figure = dots(
        arms, titles, cells, f"{safe(view.label(view.primary))}{' in ' + unit if unit else ''}, 95 % intervals"
    )
    top = max(
        (v for row in cells for cell in row if cell and (v := number(cell.get("high") or cell.get("value")))), default=1
    )
    if top > 1:
        figure["layout"]["xaxis"] |= {"range": [0, top * 1.05], "tickvals": None}
    points = {
        f"{curve}/{at}": {"frame": "gen", **_target(view, key), "words": f"{look.label}: {label}"}
        for curve, look in enumerate(reversed(arms))
        for at, (key, label) in enumerate(rows)
        if _target(view, key)
    }
    csv: list[list[Any]] = [["slice", "arm", view.primary, "low", "high", "n"]]
    csv += [[key, look.name, *((cell or {}).get(k) for k in ("value", "low", "high", "n_scored"))]
            for look, line in zip(arms, cells, strict=True)
            for (key, _), cell in zip(rows, line, strict=True)]  # fmt: skip
    return made("noise", _insight(view, arms[min(1, len(arms) - 1)], rows), figure, csv, points)


def _rows(view: View) -> list[tuple[str, str]]:
    """Slices by length, from short to long, then by style."""
    told = {
        str(row.get("slice")): str(row.get("label") or row.get("slice"))
        for row in view.table("slices").get("rows") or ()
    }
    keys = [str(key) for key in view.data.get("slices") or {}]
    lengths = [key for key in keys if key.startswith("length=")]
    styles = [key for key in keys if key.startswith("style=")]
    return [(key, told.get(key) or key.partition("=")[2] or key) for key in (*lengths, *styles)]


def _cell(view: View, key: str, look: Look) -> Record | None:
    found = (((view.data.get("slices") or {}).get(key) or {}).get(look.name) or {}).get(view.primary) or {}
    return found if number(found.get("value")) is not None else None


def _target(view: View, key: str) -> dict[str, Any]:
    row = next((row for row in view.table("slices").get("rows") or () if row.get("slice") == key), {})
    where, docs = row.get("where"), row.get("docs")
    return ({"where": dict(where)} if where else {}) | ({"docs": list(docs)} if docs else {})


def _insight(view: View, look: Look, rows: Sequence[tuple[str, str]]) -> str:
    """The largest drop from the best slice, and whether the two intervals meet."""
    found = [(label, cell) for key, label in rows if (cell := _cell(view, key, look))]
    metric = view.label(view.primary)
    if len(found) < 2:
        label, cell = found[0] if found else (rows[0][1], {})
        return f"{look.label} on {label}: {metric} {measured_words(cell)}, n = {whole(cell.get('n_scored')):,}."
    found.sort(key=lambda row: view.gain(view.primary, float(row[1]["value"])))
    apart = _apart(found[0][1], found[-1][1])
    told = [
        f"{name} ({measured_words(cell)}, n = {whole(cell.get('n_scored')):,})" for name, cell in (found[0], found[-1])
    ]
    meet = "do not meet" if apart else "meet"
    return f"{metric} of {look.label} is worst on {told[0]} and best on {told[1]}; their intervals {meet}."


def _apart(a: Record, b: Record) -> bool:
    ends = [number(cell.get(key)) for cell in (a, b) for key in ("low", "high")]
    if None in ends:
        return False
    low_a, high_a, low_b, high_b = (float(end or 0.0) for end in ends)
    return high_a < low_b or high_b < low_a
