"""Every document's difference, from the worst to the best: how even a gain is, and where to look for what it cost."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from training.evals.charts import figures as fg
from training.evals.charts.catalogue import empty, made
from training.evals.charts.chart import Chart
from training.evals.charts.differences import NO_PAIR
from training.evals.charts.view import Record, View, number, numbers, view_of, whole
from training.evals.charts.words import n_words, num, percent, safe, signed

EVEN = 1e-9


class Spot(NamedTuple):
    """A document: its place from 0 to 1, what b gained over a, and both values."""

    doc: str
    place: float
    gain: float
    a: float
    b: float


def chart_strip(aggregates: Mapping[str, Any], pair: tuple[str, str] | None, tier: str) -> Chart:
    """Gain by document, sorted; a click opens the document. Of many documents some stand for all, the extremes too;
    the line then is of all. Reads tables["strip"]."""
    view = view_of(aggregates, pair, tier)
    if view.pair is None:
        return empty("strip", NO_PAIR)
    table = view.table("strip")
    metric = str(table.get("metric") or view.primary)
    spots = _spots(view, table, metric)
    if not spots:
        return empty("strip", f"No document has a value of {view.label(metric)} in both arms.")
    a, b = (view.look(name) for name in view.pair)
    counts = _counts(view, table, spots)
    kinds = (("better", b.colour, "diamond", [s for s in spots if s.gain > EVEN]),
             ("same", fg.NONE, "line-ew", [s for s in spots if abs(s.gain) <= EVEN]),
             ("worse", fg.BAD, "x", [s for s in spots if s.gain < -EVEN]))  # fmt: skip
    data = [_stems(spots), *(_marks(kind, view) for kind in kinds)]
    reach = max(0.05, *(abs(spot.gain) for spot in spots)) * 1.08
    n = sum(counts)
    shown = f"{n_words(n)}, {len(spots):,} shown" if len(spots) < n else n_words(n)
    unit = safe(view.about(metric).get("unit") or "")
    arrow = ", turned so that up is better" if view.better(metric) == "lower" else ""
    figure = fg.figure(
        data, 344, fg.share_axis(f"documents, from the worst to the best<br>{shown}", range=[-0.02, 1.02]),
        fg.axis(f"{safe(view.label(metric))}, difference{' in ' + unit if unit else ''}{arrow}", range=[-reach, reach],
                **fg.signed_ticks(reach)),
        shapes=[fg.line_at(0, dash="solid", axis_name="y")], annotations=_zones(counts, reach, a.label, b.label),
    )  # fmt: skip
    points = {
        f"{curve}/{at}": {"docs": [spot.doc], "words": f"{spot.doc}: {num(spot.a)} → {num(spot.b)}"}
        for curve, kind in enumerate(kinds, start=1)
        for at, spot in enumerate(kind[3])
    }
    csv: list[list[Any]] = [["document", a.name, b.name, "gain"], *([s.doc, s.a, s.b, s.gain] for s in spots)]
    return made("strip", _insight(view, metric, counts, spots), figure, csv, points)


def _spots(view: View, table: Record, metric: str) -> list[Spot]:
    a, b = view.pair or ("", "")
    values = (table.get("tiers") or {}).get(view.tier) or {}
    rows = [
        (str(doc), view.gain(metric, right - left), left, right)
        for doc, x, y in zip(table.get("docs") or (), values.get(a) or (), values.get(b) or (), strict=False)
        if (left := number(x)) is not None and (right := number(y)) is not None
    ]
    rows.sort(key=lambda row: (row[1], row[0]))
    curve = _curve(view, table)
    count = max(len(rows) - 1, 1)
    return [
        Spot(doc, _place(curve, gain, at / count) if curve else at / count, gain, x, y)
        for at, (doc, gain, x, y) in enumerate(rows)
    ]


def _curve(view: View, table: Record) -> list[float]:
    """Evenly spaced quantiles of the gain over all documents; [] where every document is in the table."""
    found = _of_pair(view, table)
    curve = numbers(found[0].get("quantiles")) if found else []
    if found and found[1]:
        curve = [-value for value in reversed(curve)]
    return curve


def _of_pair(view: View, table: Record) -> tuple[Record, bool] | None:
    """What the table has of the pair, and whether it is stored the other way round."""
    a, b = view.pair or ("", "")
    pairs = (table.get("pairs") or {}).get(view.tier) or {}
    if f"{a}|{b}" in pairs:
        return pairs[f"{a}|{b}"], False
    return (pairs[f"{b}|{a}"], True) if f"{b}|{a}" in pairs else None


def _place(curve: Sequence[float], gain: float, at: float) -> float:
    """Where a gain stands among all: between the quantiles around it, equal ones spread by their order."""
    below = sum(value < gain - EVEN for value in curve)
    upto = sum(value <= gain + EVEN for value in curve)
    low, high = max(0, below - 1) / (len(curve) - 1), min(len(curve) - 1, upto) / (len(curve) - 1)
    return min(max(at, low), high)


def _counts(view: View, table: Record, spots: Sequence[Spot]) -> tuple[int, int, int]:
    """(better, same, worse) documents with b."""
    found = _of_pair(view, table)
    if found and (stored := [whole(found[0].get(key)) for key in ("wins", "ties", "losses")]) and sum(stored):
        wins, ties, losses = stored
        return (losses, ties, wins) if found[1] else (wins, ties, losses)
    better, worse = sum(spot.gain > EVEN for spot in spots), sum(spot.gain < -EVEN for spot in spots)
    return better, len(spots) - better - worse, worse


def _stems(spots: Sequence[Spot]) -> fg.Trace:
    """A thin line from zero to each mark."""
    return {
        "type": "scatter", "mode": "lines", "line": {"color": fg.LINE, "width": 1}, "hoverinfo": "skip",
        "x": [x for spot in spots for x in (spot.place, spot.place, None)],
        "y": [y for spot in spots for y in (0, spot.gain, None)], "name": "from zero",
    }  # fmt: skip


def _marks(kind: tuple[str, str, str, list[Spot]], view: View) -> fg.Trace:
    name, colour, symbol, spots = kind
    told = [f"{safe(s.doc, 60)}<br>{num(s.a)} → {num(s.b)} ({signed(s.b - s.a)})<br>click to open" for s in spots]
    return {
        "type": "scatter", "mode": "markers", "name": name, "x": [s.place for s in spots], "y": [s.gain for s in spots],
        "marker": fg.marker(colour, symbol, 6 if len(spots) > 60 else 8), "cliponaxis": False, **fg.hover(told),
    }  # fmt: skip


def _zones(counts: tuple[int, int, int], reach: float, a: str, b: str) -> list[dict[str, Any]]:
    better, same, worse = counts
    notes = []
    if better:
        notes.append(
            fg.text(f"<b>{better:,}</b> better with {safe(b, 20)}", 0, 0.86 * reach, xref="paper", xanchor="left")
        )
    if worse:
        notes.append(
            fg.text(f"<b>{worse:,}</b> better with {safe(a, 20)}", 1, -0.86 * reach, xref="paper", xanchor="right")
        )
    if same:
        notes.append(
            fg.text(f"{same:,} the same", 0, 0.72 * reach if better else 0.86 * reach, xref="paper", xanchor="left")
        )
    return notes


def _insight(view: View, metric: str, counts: tuple[int, int, int], spots: Sequence[Spot]) -> str:
    better, same, worse = counts
    n = sum(counts)
    a, b = (view.look(name).label for name in view.pair or ("", ""))
    label = view.label(metric)
    if not better and not worse:
        return f"{label} is the same with {b} as with {a} on all {n:,} documents."
    lead = f"{label} is better with {b} on {percent(better, n)} of documents and worse on {percent(worse, n)}"
    lead += f", {percent(same, n)} are the same ({n_words(n)})" if same else f" ({n_words(n)})"
    last = spots[0]
    if worse:
        return f"{lead}; the largest loss is {num(last.a)} → {num(last.b)}, on {last.doc}."
    return f"{lead}; it is worse on none."
