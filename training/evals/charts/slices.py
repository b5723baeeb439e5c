"""Where the difference is larger, smaller or turns round: slices of the documents, metric by metric; exploratory."""

from collections.abc import Mapping, Sequence
from typing import Any

from training.evals.charts.catalogue import empty, made
from training.evals.charts.chart import Chart
from training.evals.charts.differences import NO_PAIR
from training.evals.charts.heat import cell as short
from training.evals.charts.heat import heatmap
from training.evals.charts.view import Record, View, number, view_of, whole
from training.evals.charts.words import and_words, interval, plural, safe, signed

FEW = 10  # documents below which a cell is told, but not read into
SURE = 0.05
NO_SLICES = "These documents are not cut into slices, or no slice was scored in both arms."
ELSEWHERE = "Slices were compared for other pairs of arms: those of a base and a tuned arm come first."


def chart_slices(aggregates: Mapping[str, Any], pair: tuple[str, str] | None, tier: str) -> Chart:
    """Difference and n in each cell, * where it holds after Benjamini-Hochberg over the cells; strict tier always.

    Reads tables["slices"]: rows, metrics and a cell a pair, slice and metric.
    """
    view = view_of(aggregates, pair, tier)
    if view.pair is None:
        return empty("slices", NO_PAIR)
    table = view.table("slices")
    rows = list(table.get("rows") or ())
    found = _found(view, table)
    metrics = [metric for metric in table.get("metrics") or () if any(name == metric for _, name in found)]
    rows = [row for row in rows if any(key == row.get("slice") for key, _ in found)]
    if not rows or not metrics:
        kept = {(cell.get("a"), cell.get("b")) for cell in table.get("cells") or ()}
        return empty("slices", ELSEWHERE if kept else NO_SLICES)
    grid = [[found.get((str(row.get("slice")), metric)) for metric in metrics] for row in rows]
    reach = [max((abs(cell["difference"]) for cell in column if cell), default=0) or 1
             for column in zip(*grid, strict=True)]  # fmt: skip
    shades = [[view.gain(m, cell["difference"]) / most if cell else None
               for m, most, cell in zip(metrics, reach, line, strict=True)] for line in grid]  # fmt: skip
    words = [[_words(cell) for cell in line] for line in grid]
    told = [[_told(view, row, m, cell) for m, cell in zip(metrics, line, strict=True)]
            for row, line in zip(rows, grid, strict=True)]  # fmt: skip
    heads = [("↓ " if view.better(m) == "lower" else "") + view.label(m) for m in metrics]
    names = [str(row.get("label") or row.get("slice")) for row in rows]
    a, b = (safe(view.look(name).label, 30) for name in view.pair)
    notes = [f"teal: {b} better", f"red: {a} better", "* holds after Benjamini-Hochberg", "small: n; ↓ less is better",
             "exploratory, answers as they stand (strict)"]  # fmt: skip
    figure = heatmap(heads, names, shades, words, told, 36, notes, diverging=True)
    points = {
        f"0/{at},{column}": {"frame": "gen", **_target(row), "words": f"{names[at]}: {view.label(metric)}"}
        for at, row in enumerate(rows)
        for column, metric in enumerate(metrics)
    }
    csv: list[list[Any]] = [["slice", "metric", "difference", "low", "high", "p", "p_adjusted", "n"]]
    csv += [[row.get("slice"), metric, *cell.values()] for row, line in zip(rows, grid, strict=True)
            for metric, cell in zip(metrics, line, strict=True) if cell]  # fmt: skip
    return made("slices", _insight(view, rows, metrics, grid), figure, csv, points)


def _found(view: View, table: Record) -> dict[tuple[str, str], Record]:
    """(slice, metric) -> the pair's cell, turned round where it was stored the other way."""
    pair = view.pair or ("", "")
    cells: dict[tuple[str, str], Record] = {}
    for cell in table.get("cells") or ():
        sides = (cell.get("a"), cell.get("b"))
        if number(cell.get("difference")) is None or set(sides) != set(pair):
            continue
        low, high = number(cell.get("ci_low")), number(cell.get("ci_high"))
        turned = sides != pair
        if turned:
            low, high = (None if high is None else -high), (None if low is None else -low)
        difference = float(cell["difference"]) * (-1 if turned else 1)
        cells[(str(cell.get("slice")), str(cell.get("metric")))] = {
            "difference": difference, "low": low, "high": high, "p": cell.get("p"), "q": cell.get("p_adjusted"),
            "n": cell.get("n"),
        }  # fmt: skip
    return cells


def _words(cell: Record | None) -> str:
    if cell is None:
        return "·"
    mark = " *" if _sure(cell) else ""
    return f"{short(cell['difference'], sign=True)}{mark}<br><sub>{whole(cell['n']):,}</sub>"


def _sure(cell: Record) -> bool:
    q = number(cell.get("q"))
    return q is not None and q < SURE


def _told(view: View, row: Record, metric: str, cell: Record | None) -> str:
    head = f"{safe(row.get('label') or row.get('slice'), 60)}<br>{safe(view.label(metric), 60)}"
    if cell is None:
        return f"{head}<br>no document of this slice has it in both arms"
    size = interval(cell["difference"], number(cell["low"]), number(cell["high"]), sign=True)
    q = number(cell.get("q"))
    few = f"<br>fewer than {FEW} documents: read with care" if whole(cell["n"]) < FEW else ""
    return (
        f"{head}<br>{safe(size, 60)}, n = {whole(cell['n']):,}"
        + (f"<br>adjusted p {q:.3g}" if q is not None else "")
        + few
    )


def _target(row: Record) -> dict[str, Any]:
    where, docs = row.get("where"), row.get("docs")
    return ({"where": dict(where)} if where else {}) | ({"docs": list(docs)} if docs else {})


def _insight(
    view: View, rows: Sequence[Record], metrics: Sequence[str], grid: Sequence[Sequence[Record | None]]
) -> str:
    a, b = (view.look(name).label for name in view.pair or ("", ""))
    sure: dict[bool, list[tuple[float, str]]] = {True: [], False: []}
    shown = 0
    for row, line in zip(rows, grid, strict=True):
        for metric, cell in zip(metrics, line, strict=True):
            shown += cell is not None
            if cell and _sure(cell):
                gain = view.gain(metric, cell["difference"])
                size = f"{signed(cell['difference'])}, n = {whole(cell['n']):,}"
                label = f"{view.label(metric)} on {row.get('label') or row.get('slice')} ({size})"
                sure[gain > 0].append((abs(gain), label))
    if not sure[False]:
        if not sure[True]:
            return (
                f"No slice is shown to differ between {a} and {b} after correction for {plural(shown, 'comparison')}."
            )
        return (
            f"{b} is shown to be better in {len(sure[True])} of {plural(shown, 'comparison')} and to be worse in none."
        )
    worst = and_words([label for _, label in sorted(sure[False], reverse=True)[:2]])
    better = f"{len(sure[True])} of {plural(shown, 'comparison')}"
    return f"{b} is worse at {worst}; it is shown to be better in {better}, exploratory."
