"""Field by field: the score of each arm, precision against recall, and what became of each item (metrics A3, A4)."""

from collections.abc import Mapping, Sequence
from typing import Any

from training.evals.charts import figures as fg
from training.evals.charts.catalogue import empty, made
from training.evals.charts.chart import Chart
from training.evals.charts.view import Look, Record, View, number, view_of
from training.evals.charts.words import and_words, change_sentence, measured_words, n_words, num, plural, safe

SCORES = ("f1", "slot", "within_one", "rougeLsum")  # what says how right a field is, first that there is


def chart_dumbbell(aggregates: Mapping[str, Any], pair: tuple[str, str] | None, tier: str) -> Chart:
    """Each field's score from the reference arm to the arm in question, the other arms beside; intervals drawn."""
    view = view_of(aggregates, pair, tier)
    fields = [(field, metric) for field in field_rows(view) if (metric := _score_of(view, field["name"]))]
    arms = [look for look in view.arms() if any(view.measured(look.name, metric) for _, metric in fields)]
    if not fields or not arms:
        return empty("dumbbell", "No field of these answers has a score.")
    data = [_joins(view, fields), *(_ends(view, look, fields) for look in reversed(arms))]
    notes: list[dict[str, Any]] = []
    for at, (field, metric) in enumerate(fields):
        notes += fg.row_words(at, field["label"], _change(view, arms, metric))
    x = fg.axis(
        f"F1 of lists, share right of single values<br>{n_words(view.n_docs)}, 95 % intervals",
        range=[-0.02, 1.02], tickvals=[0, 0.25, 0.5, 0.75, 1],
    )  # fmt: skip
    figure = fg.figure(data, 94 + fg.ROW_PX * len(fields), x, fg.rows_axis(len(fields)), annotations=notes,
                       showlegend=True, legend=fg.legend(traceorder="reversed"),)  # fmt: skip
    points = {
        f"{curve}/{at}": {
            "frame": "scores",
            "where": {"arm": look.name, "metric": metric.partition(":")[0], "field": field["name"]},
            "words": f"{look.label}, {field['label']}",
        }
        for curve, look in enumerate(reversed(arms), start=1)
        for at, (field, metric) in enumerate(fields)
    }
    csv: list[list[Any]] = [["field", "metric", "arm", "value", "low", "high", "n"]]
    for field, metric in fields:
        for look in arms:
            found = view.measured(look.name, metric) or {}
            csv.append(
                [field["name"], metric, look.name, *(found.get(k) for k in ("value", "low", "high", "n_scored"))]
            )
    return made("dumbbell", _dumbbell_insight(view, arms, fields), figure, csv, points)


def field_rows(view: View) -> list[Record]:
    """The task's fields that are compared, each with name and label; without them what the figures' names tell."""
    told = [field for field in view.data.get("fields") or () if field.get("name")]
    if told:
        return [{"label": field["name"], **field} for field in told]
    arms = (view.data.get("tiers") or {}).get(view.tier) or {}
    names = [metric.partition(":") for figures in arms.values() for metric in figures]
    return [{"name": name, "label": name} for name in dict.fromkeys(name for kind, _, name in names if kind in SCORES)]


def _score_of(view: View, field: str) -> str:
    names = [f"{kind}:{field}" for kind in SCORES]
    return next((name for name in names if any(view.measured(look.name, name) for look in view.looks)), "")


def _change(view: View, arms: Sequence[Look], metric: str) -> str:
    shown = view.pair or tuple(look.name for look in arms[:1])
    return " → ".join(num(number((view.measured(arm, metric) or {}).get("value"))) for arm in shown)


def _joins(view: View, fields: Sequence[tuple[Record, str]]) -> fg.Trace:
    xs: list[float | None] = []
    ys: list[float | None] = []
    for at, (_, metric) in enumerate(fields):
        ends = [number((view.measured(arm, metric) or {}).get("value")) for arm in view.pair or ()]
        if len(ends) == 2 and None not in ends:
            xs += [*ends, None]
            ys += [at + fg.MARK_AT, at + fg.MARK_AT, None]
    return {"type": "scatter", "mode": "lines", "x": xs, "y": ys, "line": {"color": fg.ZERO, "width": 2},
            "hoverinfo": "skip", "showlegend": False, "name": "change"}  # fmt: skip


def _ends(view: View, look: Look, fields: Sequence[tuple[Record, str]]) -> fg.Trace:
    found = [view.measured(look.name, metric) or {} for _, metric in fields]
    xs, low, high = ([number(figure.get(key)) for figure in found] for key in ("value", "low", "high"))
    told = [
        f"{safe(look.label)}, {safe(field['label'])}<br>{measured_words(figure)}, {n_words(figure.get('n_scored'))}"
        for (field, _), figure in zip(fields, found, strict=True)
    ]
    inside = look.name in (view.pair or (look.name,))
    more: dict[str, Any] = {} if look.kind == "trivial" else {"low": low, "high": high}
    trace = fg.points(xs, [at + fg.MARK_AT for at in range(len(fields))], look, **more, **fg.hover(told))
    return trace if inside else trace | {"opacity": 0.8, "marker": fg.marker(look.colour, look.symbol, 9)}


def _dumbbell_insight(view: View, arms: Sequence[Look], fields: Sequence[tuple[Record, str]]) -> str:
    figures = view.pair_figures()
    found = [(field, figures[metric]) for field, metric in fields if metric in figures]
    if not found or view.pair is None:
        value = view.measured(arms[0].name, fields[0][1]) or {}
        words = f"{measured_words(value)}, {n_words(value.get('n_scored'))}"
        return f"{fields[0][0]['label']}: {arms[0].label} scores {words}."
    by: dict[str, list[str]] = {"better": [], "worse": [], "unsure": [], "same": []}
    for field, figure in found:
        by[view.outcome(figure)].append(str(field["label"]))
    a, b = (view.look(name).label for name in view.pair)
    most = max((figure for _, figure in found), key=lambda f: abs(number(f["difference"]) or 0.0))
    if not by["better"] and not by["worse"]:
        return (
            f"No field is shown to differ between {a} and {b} ({plural(len(found), 'field')}, {n_words(view.n_docs)})."
        )
    parts = [f"{b} is better than {a} on {len(by['better'])} of {plural(len(found), 'field')}"]
    parts.append(f"worse on {and_words(by['worse'])}" if by["worse"] else "worse on none")
    same = len(by["unsure"]) + len(by["same"])
    lead = ", ".join([*parts, f"{same} not shown to differ"]) if same else ", ".join(parts)
    return f"{lead}; {change_sentence(view, most)}" if view.outcome(most) in ("better", "worse") else f"{lead}."
