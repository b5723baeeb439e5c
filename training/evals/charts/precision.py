"""Precision against recall, a point a field (metrics A3, A4): how much of what is given is right, and the reverse."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from training.evals.charts import figures as fg
from training.evals.charts.catalogue import empty, made
from training.evals.charts.chart import Chart
from training.evals.charts.fields import field_rows
from training.evals.charts.view import Look, Record, View, number, view_of, whole
from training.evals.charts.words import interval, n_words, num, safe
from training.evals.statistics import wilson

ISO = (0.2, 0.4, 0.6, 0.8)
WIDTH, HEIGHT = 290.0, 360.0  # of the plot at 360 px: labels that fit there fit everywhere
NO_ENDS = (None, None)
GAP = 0.05  # a lead smaller than this is told as even


class Place(NamedTuple):
    """A field of an arm: precision, recall and both intervals; `n` documents or items."""

    label: str
    field: str
    precision: float
    recall: float
    ends: tuple[tuple[float, float] | None, tuple[float, float] | None]
    n: int


def chart_precision_recall(aggregates: Mapping[str, Any], pair: tuple[str, str] | None, tier: str) -> Chart:
    """Lists by their means over documents, single values by their outcomes; both intervals drawn."""
    view = view_of(aggregates, pair, tier)
    arms = [view.look(name) for name in view.pair] if view.pair else list(view.arms()[:1])
    found = {look.name: places(view, look.name) for look in arms}
    if not any(found.values()):
        return empty("precision_recall", "Precision and recall need a right answer and a given one; no field has both.")
    data = _iso()
    joins: list[tuple[Place, Place]] = []
    if len(arms) == 2:
        by_field = {place.field: place for place in found[arms[0].name]}
        joins = [(by_field[place.field], place) for place in found[arms[1].name] if place.field in by_field]
    data.append({
        "type": "scatter", "mode": "lines", "line": {"color": fg.LINE, "width": 1.5}, "hoverinfo": "skip",
        "x": [x for a, b in joins for x in (a.recall, b.recall, None)],
        "y": [y for a, b in joins for y in (a.precision, b.precision, None)], "showlegend": False,
    })  # fmt: skip
    start = len(data)
    data += [_points(look, found[look.name]) for look in arms]
    last = found[arms[-1].name] or found[arms[0].name]
    axes = {"range": [-0.03, 1.05], "tickvals": [0, 0.25, 0.5, 0.75, 1]}
    words = f"recall: of what is right, how much is given<br>{n_words(view.n_docs)}, 95 % intervals"
    figure = fg.figure(
        data, 414, fg.axis(words, **axes),
        fg.axis("precision: of what is given, how much is right", **axes), showlegend=True,
        annotations=_labels(last, [place for side in found.values() for place in side]),
    )  # fmt: skip
    points = {
        f"{start + curve}/{at}": {
            "frame": "items",
            "where": {"arm": look.name, "field": place.field, "outcome": ["INC", "MIS", "SPU"]},
            "words": f"{look.label}: {place.label}, what is not right",
        }
        for curve, look in enumerate(arms)
        for at, place in enumerate(found[look.name])
    }
    csv: list[list[Any]] = [["field", "arm", "precision", "low", "high", "recall", "low", "high", "n"]]
    for look in arms:
        csv += [[p.field, look.name, p.precision, *(p.ends[0] or NO_ENDS), p.recall, *(p.ends[1] or NO_ENDS), p.n]
                for p in found[look.name]]  # fmt: skip
    return made("precision_recall", _insight(arms, found), figure, csv, points)


def places(view: View, arm: str) -> list[Place]:
    """Every field of an arm that has both."""
    table = view.table("outcomes").get("fields") or {}
    kept: list[Place] = []
    for field in field_rows(view):
        name, label = str(field["name"]), str(field["label"])
        both = [view.measured(arm, f"{metric}:{name}") for metric in ("precision", "recall")]
        if both[0] and both[1]:
            ends = tuple(_ends(figure) for figure in both if figure)
            kept.append(Place(label, name, float(both[0]["value"]), float(both[1]["value"]), (ends[0], ends[1]),
                              whole(both[1].get("n_scored"))))  # fmt: skip
        elif not any(both) and (slot := _slot(label, name, ((table.get(name) or {}).get("arms") or {}).get(arm) or {})):
            kept.append(slot)
    return kept


def _ends(figure: Record) -> tuple[float, float] | None:
    low, high = number(figure.get("low")), number(figure.get("high"))
    return None if low is None or high is None else (low, high)


def _slot(label: str, name: str, counts: Record) -> Place | None:
    right, wrong, missing, extra = (whole(counts.get(key)) for key in ("COR", "INC", "MIS", "SPU"))
    given, wanted = right + wrong + extra, right + wrong + missing
    if not given or not wanted:
        return None
    return Place(label, name, right / given, right / wanted, (wilson(right, given), wilson(right, wanted)), wanted)


def _iso() -> list[fg.Trace]:
    """Lines on which F1 is the same, each named at its right end."""
    traces: list[fg.Trace] = []
    for f1 in ISO:
        recalls = [f1 / 2 + (1 - f1 / 2) * at / 40 + 1e-9 for at in range(41)]
        kept = [(r, f1 * r / (2 * r - f1)) for r in recalls if 2 * r > f1 and f1 * r / (2 * r - f1) <= 1]
        traces.append({
            "type": "scatter", "mode": "lines+text", "x": [r for r, _ in kept], "y": [p for _, p in kept],
            "line": {"color": fg.LINE, "width": 1, "dash": "dot"}, "hoverinfo": "skip", "showlegend": False,
            "text": [""] * (len(kept) - 1) + [f"F1 {f1}"], "textposition": "top left", "textfont": {"size": 11},
        })  # fmt: skip
    return traces


def _points(look: Look, found: Sequence[Place]) -> fg.Trace:
    told = [
        f"{safe(look.label)}, {safe(p.label)}<br>precision {safe(interval(p.precision, *(p.ends[0] or (None, None))))}"
        f"<br>recall {safe(interval(p.recall, *(p.ends[1] or (None, None))))}, n = {p.n:,}"
        for p in found
    ]
    xs, ys = [p.recall for p in found], [p.precision for p in found]
    sides = [[(p.ends[at] or (None, None)) for p in found] for at in (1, 0)]
    trace = fg.points(
        xs, ys, look, low=[end[0] for end in sides[0]], high=[end[1] for end in sides[0]], **fg.hover(told)
    )
    up = fg.reach(ys, [end[0] for end in sides[1]], [end[1] for end in sides[1]], fg.fill(look.colour, 0.55), 1.5)
    return trace | {
        "error_y": up,
        "error_x": trace["error_x"] | {"color": fg.fill(look.colour, 0.55), "thickness": 1.5},
    }


def _labels(named: Sequence[Place], others: Sequence[Place]) -> list[dict[str, Any]]:
    """A name beside each point where there is room for it; a point without a name tells it on hover."""
    taken = [(p.recall * WIDTH - 6, p.precision * HEIGHT - 6, 12.0, 12.0) for p in others]
    notes: list[dict[str, Any]] = []
    for place in sorted(named, key=lambda p: -p.precision):
        words = safe(place.label, 16)
        wide = 7.0 * len(words)
        x, y = place.recall * WIDTH, place.precision * HEIGHT
        for dx, dy, anchor in ((10, -7, "left"), (-10 - wide, -7, "right"), (10, 7, "left"), (-10 - wide, 7, "right"),
                               (10, -20, "left"), (-10 - wide, -20, "right")):  # fmt: skip
            box = (x + dx, y + dy, wide, 14.0)
            inside = box[0] >= 0 and box[0] + wide <= WIDTH * 1.05 and 0 <= box[1] <= HEIGHT
            if inside and not any(_meet(box, other) for other in taken):
                taken.append(box)
                notes.append(fg.text(words, place.recall, place.precision, xanchor=anchor, yanchor="middle",
                                     xshift=10 if anchor == "left" else -10, yshift=dy + 7))  # fmt: skip
                break
    return notes


def _meet(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]


def _insight(arms: Sequence[Look], found: Mapping[str, Sequence[Place]]) -> str:
    look = arms[-1] if found[arms[-1].name] else arms[0]
    kept = found[look.name]
    weak = min(kept, key=lambda p: p.precision + p.recall)
    lead = f"{look.label} is weakest on {weak.label}: precision {num(weak.precision)}, recall {num(weak.recall)}"
    lead = f"{lead} (n = {weak.n:,})"
    careful = sum(p.precision - p.recall > GAP for p in kept)
    bold = sum(p.recall - p.precision > GAP for p in kept)
    if careful > bold:
        return f"{lead}; it rather leaves out than adds: precision is above recall on {careful} of {len(kept)} fields."
    if bold > careful:
        return f"{lead}; it rather adds than leaves out: recall is above precision on {bold} of {len(kept)} fields."
    return f"{lead}; neither precision nor recall leads over its {len(kept)} fields."
