"""How good against how slow, a point an arm, the size of the bubble its memory; which arms no other beats at both."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from training.evals.charts import figures as fg
from training.evals.charts.catalogue import empty, made
from training.evals.charts.chart import Chart
from training.evals.charts.view import Look, Record, View, number, view_of, whole
from training.evals.charts.words import AT_POINT, and_words, measured_words, n_words, num, safe, titled

GB = 1e9
SHIFTS = (16, -16, 31, -31, 46, -46)  # pixels of a name above its point, the best first


class Spot(NamedTuple):
    """An arm: seconds a document with their interval, the primary metric with its own, memory in bytes."""

    look: Look
    seconds: float
    time: Record
    score: Record
    memory: float | None


def chart_cost(aggregates: Mapping[str, Any], pair: tuple[str, str] | None, tier: str) -> Chart:
    """Seconds of one document alone where that was measured, else in its batch, which is said. Reads tables["cost"]."""
    view = view_of(aggregates, pair, tier)
    table = view.table("cost")
    held = table.get("arms") or {}
    spots = [
        Spot(look, seconds, held[look.name], score, number(held[look.name].get("memory_bytes")))
        for look in view.arms(trivial=False)
        if (seconds := number((held.get(look.name) or {}).get("seconds"))) is not None
        and (score := view.measured(look.name, view.primary)) is not None
    ]
    if not spots:
        return empty("cost", "No arm was timed: its answers were made elsewhere, or it has no score.")
    data = [_front(view, spots), *(_point(spot) for spot in spots)]
    alone = all(spot.time.get("how") == "alone" for spot in spots)
    how = "one document alone" if alone else "a document within its batch (no latency)"
    top = max(number(spot.time.get("high")) or spot.seconds for spot in spots) * 1.15 or 1.0
    ends = [v for spot in spots for key in ("value", "high") if (v := number(spot.score.get(key))) is not None]
    unit = safe(view.about(view.primary).get("unit") or "")
    high = 1.03 if max(ends) <= 1 and not unit else max(ends) * 1.1
    n = n_words(max(whole(spot.time.get("n")) for spot in spots))
    words = f"seconds, {how}<br>{n} timed, 95 % intervals; dashed: none is better and faster"
    figure = fg.figure(
        data, 364, fg.axis(words, range=[0, top]),
        fg.axis(f"{safe(view.label(view.primary))}{' in ' + unit if unit else ''}", range=[0, high]),
        annotations=_names(spots, top, high),
    )  # fmt: skip
    points = {f"{at}/0": {"frame": "gen", "where": {"arm": spot.look.name}, "words": f"{spot.look.label}: all answers"}
              for at, spot in enumerate(spots, start=1)}  # fmt: skip
    csv: list[list[Any]] = [
        ["arm", "seconds", "low", "high", "how", "n", view.primary, "low", "high", "memory_bytes", "adapter_bytes"]
    ]
    csv += [[s.look.name, s.seconds, *(s.time.get(k) for k in ("low", "high", "how", "n")),
             *(s.score.get(k) for k in ("value", "low", "high")), s.memory, s.time.get("adapter_bytes")]
            for s in spots]  # fmt: skip
    return made("cost", _insight(view, spots, alone), figure, csv, points)


def best(view: View, spots: Sequence[Spot]) -> list[Spot]:
    """The arms that no other beats at one and equals at the other, from the fastest."""

    def beaten(spot: Spot) -> bool:
        mine = view.gain(view.primary, float(spot.score["value"]))
        return any(
            (gain := view.gain(view.primary, float(other.score["value"]))) >= mine
            and other.seconds <= spot.seconds
            and (gain > mine or other.seconds < spot.seconds)
            for other in spots
        )

    return sorted((spot for spot in spots if not beaten(spot)), key=lambda spot: spot.seconds)


def _front(view: View, spots: Sequence[Spot]) -> fg.Trace:
    kept = best(view, spots)
    return {
        "type": "scatter", "mode": "lines", "x": [s.seconds for s in kept], "y": [s.score["value"] for s in kept],
        "line": {"color": fg.ZERO, "width": 1, "dash": "dash", "shape": "hv"}, "hoverinfo": "skip",
        "name": "no arm is better and faster",
    }  # fmt: skip


def _point(spot: Spot) -> fg.Trace:
    look = spot.look
    memory = f"<br>{spot.memory / GB:.2f} GB" if spot.memory else ""
    size = number(spot.time.get("adapter_bytes"))
    memory += f"<br>adapter of {size / 1e6:.1f} MB" if size else ""
    told = f"{safe(look.label)}<br>{num(spot.seconds)} s, {safe(measured_words(spot.score))}{memory}"
    x, y = [spot.seconds], [float(spot.score["value"])]
    trace = fg.points(
        x, y, look, low=[number(spot.time.get("low"))], high=[number(spot.time.get("high"))], **fg.hover([told])
    )
    reach = fg.reach(y, [number(spot.score.get("low"))], [number(spot.score.get("high"))], look.colour)
    size = 12.0 if not spot.memory else min(34.0, 10 + 6 * (spot.memory / GB) ** 0.5)
    return trace | {"error_y": reach, "marker": fg.marker(look.colour, look.symbol) | {"size": size, "opacity": 0.9}}


def _names(spots: Sequence[Spot], top: float, high: float) -> list[dict[str, Any]]:
    """Each point's name above or below it, clear of the other points and names as far as there is room."""
    notes: list[dict[str, Any]] = []
    points = [(spot.seconds / top, float(spot.score["value"]) / high) for spot in spots]
    names: list[tuple[float, float]] = []
    for place, (spot, (x, y)) in enumerate(zip(spots, points, strict=True)):
        used = [*names, *points[:place], *points[place + 1 :]]
        free = [s for s in SHIFTS if not any(abs(x - ux) < 0.45 and abs(y + s / 300 - uy) < 0.05 for ux, uy in used)]
        shift = (free or SHIFTS)[0]
        names.append((x, y + shift / 300))
        side = "left" if x < 0.5 else "right"
        name = titled(spot.look.label, AT_POINT)
        notes.append(fg.text(name, spot.seconds, spot.score["value"], yshift=shift, xanchor=side,
                             xshift=10 if side == "left" else -10))  # fmt: skip
    return notes


def _insight(view: View, spots: Sequence[Spot], alone: bool) -> str:
    kept = best(view, spots)
    names = and_words(
        [f"{spot.look.label} ({num(spot.seconds)} s, {num(float(spot.score['value']))})" for spot in kept]
    )
    how = "a document alone" if alone else "in its batch"
    lead = f"No arm is both faster and better at {view.label(view.primary)} than {names}; seconds {how}"
    return f"{lead}, {n_words(max(whole(spot.time.get('n')) for spot in spots))} timed."
