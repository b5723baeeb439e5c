"""A number from 1 to 10: given against right, how far off, and what a constant answer would have got (metrics A8)."""

from collections.abc import Mapping, Sequence
from typing import Any

from training.evals.charts import figures as fg
from training.evals.charts.catalogue import empty, made
from training.evals.charts.chart import Chart
from training.evals.charts.view import Look, Record, View, number, view_of, whole
from training.evals.charts.words import (
    difference_words,
    doubt_words,
    interval,
    measured_words,
    n_words,
    num,
    plural,
    safe,
)

STEPS = range(1, 11)
LARGEST = 30.0  # px of the fullest bubble


def chart_relevance(aggregates: Mapping[str, Any], pair: tuple[str, str] | None, tier: str) -> Chart:
    """Above: each pair of right and given number, the bubble's area its documents. Below: how far off each arm is,
    with what has no valid number apart, and the best constant's mean error as a line. Reads tables["relevance"]."""
    view = view_of(aggregates, pair, tier)
    table = view.table("relevance")
    held = table.get("arms") or {}
    names = [name for name in view.pair or [look.name for look in view.arms()[:1]] if _cells(held.get(name))]
    if not names:
        return empty("relevance", "This task's answers have no relevance score, or no right one is known.")
    arms = [view.look(name) for name in names]
    top, field = arms[-1], str(table.get("field") or "relevance_score")
    counts = _cells(held[top.name])
    bubbles = _bubbles(top, counts)
    bars = [_errors(look, held[look.name]) for look in arms]
    constant = number(table.get("mae_constant"))
    n = sum(count for *_, count in counts) + whole(held[top.name].get("invalid"))
    top_share = min(
        1.0, 1.1 * max(y + up for bar in bars for y, up in zip(bar["y"], bar["error_y"]["array"], strict=True))
    )
    bound = {"tickvals": list(STEPS), "range": [0.2, 10.8]}
    x = fg.axis(f"right (n = {n:,}, dashed: exactly right)", domain=[0, 1], **bound)
    y = fg.axis(f"given by {safe(top.label, 18)}", domain=[0.5, 1], **bound)
    ticks = {"tickvals": list(range(11)), "ticktext": [*(str(step) for step in range(10)), "none"]}
    more = {
        "xaxis2": fg.axis("points off (none: no number), 95 % intervals", anchor="y2", range=[-0.6, 10.6], **ticks),
        "yaxis2": fg.axis("share", anchor="x2", domain=[0, 0.33], range=[0, top_share], **fg.percent_ticks(top_share)),
    }  # fmt: skip
    shapes = [{"type": "line", "x0": 1, "y0": 1, "x1": 10, "y1": 10, "layer": "below",
               "line": {"color": fg.ZERO, "width": 1, "dash": "dash"}}]  # fmt: skip
    notes: list[dict[str, Any]] = []
    if constant is not None:
        shapes.append(fg.line_at(constant, axis_name="x2") | {"yref": "paper", "y0": 0, "y1": 0.33})
        words = f"always {number(table.get('constant')) or 0:g}: {num(constant)} off on average"
        notes.append(
            fg.text(words, constant, 0.33, xref="x2", yref="paper", xanchor="left", yanchor="bottom", xshift=4)
        )
    figure = fg.figure([bubbles, *bars], 620, x, y, annotations=notes, shapes=shapes, barmode="group", showlegend=True,
                       legend=fg.legend(y=0.36, yanchor="bottom", x=1, xanchor="right"), **more)  # fmt: skip
    docs = held[top.name].get("docs") or {}
    points = {
        f"0/{at}": {"docs": list(docs.get(f"{right},{given}") or ()), "words": f"right {right}, given {given}"}
        for at, (right, given, _) in enumerate(counts)
        if docs.get(f"{right},{given}")
    }
    csv: list[list[Any]] = [["arm", "right", "given", "documents"]]
    for look in arms:
        csv += [[look.name, *cell] for cell in _cells(held[look.name])]
        csv.append([look.name, "", "no valid number", whole(held[look.name].get("invalid"))])
    return made("relevance", _insight(view, field, constant, arms), figure, csv, points)


def _cells(arm: Any) -> list[tuple[int, int, int]]:
    """(right, given, documents), those that have any."""
    stored = (arm or {}).get("counts") or ()
    return [(whole(right), whole(given), whole(n)) for right, given, n in stored if whole(n)]


def _bubbles(look: Look, counts: Sequence[tuple[int, int, int]]) -> fg.Trace:
    most = max(count for *_, count in counts)
    return {
        "type": "scatter", "mode": "markers", "x": [right for right, *_ in counts],
        "y": [given for _, given, _ in counts], "showlegend": False, "name": safe(look.label),
        "marker": {"size": [count for *_, count in counts], "sizemode": "area", "sizeref": 2 * most / LARGEST**2,
                   "sizemin": 3, "color": fg.fill(look.colour), "line": {"color": look.colour, "width": 1}},
        **fg.hover([f"right {right}, given {given}<br>{plural(count, 'document')}" for right, given, count in counts]),
    }  # fmt: skip


def _errors(look: Look, arm: Record) -> fg.Trace:
    from training.evals.statistics import wilson

    off = [0] * 11
    for right, given, count in _cells(arm):
        off[min(9, abs(right - given))] += count
    off[10] = whole(arm.get("invalid"))
    total = sum(off)
    shares = [count / total for count in off]
    ends = [wilson(count, total) for count in off]
    reach = fg.reach(shares, [end.low if end else None for end in ends], [end.high if end else None for end in ends],
                     look.colour, 1.5)  # fmt: skip
    told = [f"{safe(look.label)}<br>{f'{at} off' if at < 10 else 'no valid number'}: {count:,} of {total:,}"
            for at, count in enumerate(off)]  # fmt: skip
    return {
        "type": "bar", "x": list(range(11)), "y": shares, "xaxis": "x2", "yaxis": "y2", "name": safe(look.label),
        "marker": {"color": fg.fill(look.colour), "line": {"color": look.colour, "width": 1}}, "error_y": reach,
        **fg.hover(told),
    }  # fmt: skip


def _insight(view: View, field: str, constant: float | None, arms: Sequence[Look]) -> str:
    metric = f"mae_penalised:{field}"
    figure, b = view.pair_figures().get(metric), arms[-1].label
    found = view.measured(arms[-1].name, metric)
    if found is None:
        return f"No mean error of {b} is known."
    said = f"{b} is {measured_words(found)} points off on average"
    if constant is not None:
        low, high = number(found.get("low")), number(found.get("high"))
        sure = low is not None and high is not None and not low <= constant <= high
        against = "not shown to differ from" if not sure else "better than" if (high or 0) < constant else "worse than"
        said += f", {against} always giving the same number ({num(constant)})"
    if figure is None or view.pair is None:
        return f"{said}; {n_words(found.get('n_scored'))}."
    a, n = view.look(view.pair[0]).label, n_words(figure.get("n"))
    ends = [abs(number(figure.get(key)) or 0.0) for key in ("difference", "ci_low", "ci_high")]
    size = interval(ends[0], *sorted(ends[1:]))
    outcome = view.outcome(figure)
    if outcome in ("better", "worse"):
        return f"{said}, and {size} points {'nearer' if outcome == 'better' else 'further off'} than {a} ({n})."
    why = doubt_words(figure)
    return f"{said}; no difference to {a} is shown ({difference_words(figure)}, {n}{'; ' + why if why else ''})."
