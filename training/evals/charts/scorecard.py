"""Every metric of every arm as one table: value in the cell, n and interval on it, darker is better."""

from collections.abc import Mapping, Sequence
from typing import Any

from training.evals.charts.catalogue import empty, made
from training.evals.charts.chart import Chart
from training.evals.charts.heat import cell, heatmap
from training.evals.charts.view import Look, View, number, view_of
from training.evals.charts.words import measured_words, n_words, plural, safe

MOST_ROWS = 26
GROUPS = ("content", "relevance", "grounding", "form", "text", "speed")


def chart_scorecard(aggregates: Mapping[str, Any], pair: tuple[str, str] | None, tier: str) -> Chart:
    """Shares are shaded by how good they are, other units from the worst to the best arm of their row."""
    view = view_of(aggregates, pair, tier)
    arms = view.arms()
    every = _metrics(view, arms)
    if not every:
        return empty("scorecard", "Nothing was scored in this evaluation.")
    names = every[:MOST_ROWS]
    shades = [[_shade(view, arms, metric, look) for look in arms] for metric in names]
    words = [[cell(_value(view, look, metric)) for look in arms] for metric in names]
    told = [[_told(view, look, metric) for look in arms] for metric in names]
    more = f", {len(every) - len(names)} more metrics in the CSV" if len(every) > len(names) else ""
    notes = ["darker is better, ↓ less is better", f"{n_words(view.n_docs)}; hover for interval{more}"]
    figure = heatmap([look.label for look in arms], [_title(view, metric) for metric in names], shades, words, told, 24,
                     notes, diverging=False)  # fmt: skip
    points = {
        f"0/{row},{column}": {
            "frame": "scores",
            "where": {"arm": look.name, "metric": metric.partition(":")[0], "field": metric.partition(":")[2]},
            "words": f"{look.label}: {view.label(metric)}",
        }
        for row, metric in enumerate(names)
        for column, look in enumerate(arms)
    }
    csv: list[list[Any]] = [["metric", "arm", "value", "low", "high", "n_scored", "n_total"]]
    keys = ("value", "low", "high", "n_scored", "n_total")
    csv += [[m, look.name, *(view.metrics(look.name).get(m, {}).get(k) for k in keys)] for m in every for look in arms]
    return made("scorecard", _insight(view, arms, every), figure, csv, points)


def _metrics(view: View, arms: Sequence[Look]) -> list[str]:
    """The metrics with a value, the primary one first, then by group in the task's order."""
    known = dict.fromkeys(metric for look in arms for metric in view.metrics(look.name))
    found = [metric for metric in known if any(view.measured(look.name, metric) for look in arms)]
    declared = [view.primary, *(view.data.get("confirmatory") or ())]

    def order(metric: str) -> tuple[int, int]:
        group = view.about(metric).get("group")
        return (declared.index(metric) if metric in declared else len(declared),
                GROUPS.index(group) if group in GROUPS else len(GROUPS))  # fmt: skip

    return sorted(found, key=order)


def _title(view: View, metric: str) -> str:
    return view.label(metric) + (" ↓" if view.better(metric) == "lower" else "")


def _value(view: View, look: Look, metric: str) -> float | None:
    return number((view.measured(look.name, metric) or {}).get("value"))


def _shade(view: View, arms: Sequence[Look], metric: str, look: Look) -> float | None:
    value, way = _value(view, look, metric), view.better(metric)
    if value is None or way == "none":
        return None
    ends = [found for other in arms if (found := _value(view, other, metric)) is not None]
    low, high = (0.0, 1.0) if min(ends) >= 0 and max(ends) <= 1 and not view.about(metric).get("unit") else (
        min(ends), max(ends))  # fmt: skip
    share = (value - low) / (high - low) if high > low else 0.5
    return 1 - share if way == "lower" else share


def _told(view: View, look: Look, metric: str) -> str:
    found = view.metrics(look.name).get(metric) or {}
    head = f"{safe(look.label)}<br>{safe(view.label(metric), 60)}"
    if view.measured(look.name, metric) is None:
        return f"{head}<br>no value: it applies to no document here"
    unit = safe(view.about(metric).get("unit") or "")
    return (
        f"{head}<br>{safe(measured_words(found), 60)} {unit}<br>n = {found.get('n_scored')} of {found.get('n_total')}"
    )


def _insight(view: View, arms: Sequence[Look], every: Sequence[str]) -> str:
    """Which arm has the best value most often; told as counting, for a lead within the interval counts too."""
    real = [look for look in arms if look.kind != "trivial"] or list(arms)
    firsts = dict.fromkeys((look.name for look in real), 0)
    judged = 0
    for metric in every:
        values = {look.name: value for look in real if (value := _value(view, look, metric)) is not None}
        if view.better(metric) == "none" or len(values) < 2:
            continue
        best = (min if view.better(metric) == "lower" else max)(values.values())
        leaders = [name for name, value in values.items() if value == best]
        judged += 1
        if len(leaders) == 1:
            firsts[leaders[0]] += 1
    if not judged:
        primary = view.measured(real[0].name, every[0]) or {}
        return f"{real[0].label}: {view.label(every[0])} {measured_words(primary)}, {n_words(primary.get('n_scored'))}."
    top = max(firsts, key=lambda name: firsts[name])
    even = [name for name, count in firsts.items() if count == firsts[top]]
    if firsts[top] == 0 or len(even) > 1:
        lead = f"No arm leads on more of {plural(judged, 'metric')} than every other"
    else:
        lead = f"{view.look(top).label} has the best value on {firsts[top]} of {plural(judged, 'metric')}"
    return f"{lead}; which leads are more than chance stands in the chart of differences."
