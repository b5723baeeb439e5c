"""How answers parse: one bar an arm, cut by the help that an answer needed (metrics A1)."""

from collections.abc import Mapping
from typing import Any

from training.evals.charts import figures as fg
from training.evals.charts.catalogue import empty, made
from training.evals.charts.chart import Chart
from training.evals.charts.view import Look, View, number, view_of, whole
from training.evals.charts.words import doubt_words, interval, n_words, percent, safe

TIERS = (
    ("strict", "as asked", fg.GOOD, ""),
    ("extracted", "text around it", fg.WEAK, ""),
    ("repaired", "repaired", fg.WARN, ""),
    ("repaired_truncated", "cut off, repaired", fg.WARN, "/"),
    ("failed", "nothing readable", fg.BAD, ""),
)
SHOWN = 0.09  # share from which a segment has room for its figure


def chart_tiers(aggregates: Mapping[str, Any], pair: tuple[str, str] | None, tier: str) -> Chart:
    """Shares of the parse tiers per arm, with the interval of the strict share. Reads tables["tiers"]."""
    view = view_of(aggregates, pair, tier)
    rows = [(look, counts) for look in view.arms() if sum((counts := _counts(view, look.name)).values())]
    if not rows:
        return empty("tiers", "No arm has an answer, so nothing was parsed.")
    data: list[fg.Trace] = []
    points: dict[str, Any] = {}
    for curve, (name, label, colour, shape) in enumerate(TIERS):
        shares = [counts[name] / sum(counts.values()) for _, counts in rows]
        told = [
            f"{safe(look.label)}<br>{label}: {counts[name]:,} of {sum(counts.values()):,} answers"
            for look, counts in rows
        ]
        data.append(fg.bar(shares, [at + fg.MARK_AT for at in range(len(rows))], label, colour, shape=shape, width=0.42,
                           text=[percent(share) if share >= SHOWN else "" for share in shares], textposition="inside",
                           **fg.hover(told)))  # fmt: skip
        for at, (look, _) in enumerate(rows):
            points[f"{curve}/{at}"] = {
                "frame": "gen",
                "where": {"arm": look.name, "tier": name},
                "words": f"{look.label}: {label}",
            }
    data.append(_whiskers(view, rows))
    notes = [
        note
        for at, (look, counts) in enumerate(rows)
        for note in fg.row_words(at, look.label, f"{_strict_words(view, look, counts)} as asked")
    ]
    n = max(sum(counts.values()) for _, counts in rows)
    figure = fg.figure(
        data, 88 + fg.ROW_PX * len(rows), fg.share_axis(f"share of answers ({n_words(n, 'answer')} an arm)"),
        fg.rows_axis(len(rows)), annotations=notes, barmode="stack", showlegend=True,
    )  # fmt: skip
    csv = [["arm", "tier", "answers", "of"]]
    csv += [[look.name, name, counts[name], sum(counts.values())] for look, counts in rows for name, *_ in TIERS]
    return made("tiers", _insight(view, {look.name: counts for look, counts in rows}), figure, csv, points)


def _counts(view: View, arm: str) -> dict[str, int]:
    found = (view.table("tiers").get("counts") or {}).get(arm) or {}
    return {name: whole(found.get(name)) for name, *_ in TIERS}


def _whiskers(view: View, rows: list[tuple[Look, dict[str, int]]]) -> fg.Trace:
    ends = [view.measured(look.name, "strict") or {} for look, _ in rows]
    shares = [counts["strict"] / sum(counts.values()) for _, counts in rows]
    low, high = ([number(end.get(side)) for end in ends] for side in ("low", "high"))
    return {
        "type": "scatter", "mode": "markers", "x": shares, "y": [at + fg.UNDER_AT for at in range(len(rows))],
        "marker": {"size": 1, "color": fg.INK}, "error_x": fg.reach(shares, low, high, fg.INK, 2) | {"width": 4},
        "hoverinfo": "skip", "showlegend": False, "name": "95 % interval", "cliponaxis": False,
    }  # fmt: skip


def _strict_words(view: View, look: Look, counts: dict[str, int]) -> str:
    found = view.measured(look.name, "strict") or {}
    low, high = number(found.get("low")), number(found.get("high"))
    share = percent(counts["strict"], sum(counts.values()))
    return share if low is None or high is None else f"{share} [{percent(low)[:-2]}, {percent(high)[:-2]}]"


def _insight(view: View, rows: dict[str, dict[str, int]]) -> str:
    if view.pair is None or not set(view.pair) <= set(rows):
        name, counts = next(iter(rows.items()))
        total = sum(counts.values())
        return (
            f"{view.look(name).label} answered as asked {counts['strict']:,} of {total:,} times "
            f"({_strict_words(view, view.look(name), counts)})."
        )
    a, b = view.pair
    said = [f"{rows[arm]['strict']:,} of {sum(rows[arm].values()):,} with {view.look(arm).label}" for arm in (b, a)]
    lead = f"Read as asked, without any help: {said[0]}, {said[1]}"
    figure = view.pair_figures().get("strict")
    if figure is None:
        return f"{lead}."
    outcome = view.outcome(figure)
    size = interval(*(number(figure.get(key)) for key in ("difference", "ci_low", "ci_high")), sign=True)
    if outcome in ("better", "worse"):
        return f"{lead}: {'more' if outcome == 'better' else 'fewer'} by {size} of all, {n_words(figure.get('n'))}."
    if outcome == "same":
        return f"{lead}: the same on every document, {n_words(figure.get('n'))}."
    why = doubt_words(figure)
    return f"{lead}: no difference is shown ({size}, {n_words(figure.get('n'))}{'; ' + why if why else ''})."
