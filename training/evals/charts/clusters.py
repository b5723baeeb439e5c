"""What goes wrong, by kind of error, the most frequent first (metrics E): where work on data pays most."""

from collections.abc import Mapping, Sequence
from typing import Any

from training.evals.charts import figures as fg
from training.evals.charts.catalogue import empty, made
from training.evals.charts.chart import Chart
from training.evals.charts.view import Look, Record, View, view_of, whole
from training.evals.charts.words import n_words, percent, plural, safe
from training.evals.statistics import wilson

MOST = 10


def chart_clusters(aggregates: Mapping[str, Any], pair: tuple[str, str] | None, tier: str) -> Chart:
    """Answers by their first error, an arm's share each, the arm in question decides the order; a click lists them.

    Reads tables["clusters"].
    """
    view = view_of(aggregates, pair, tier)
    table = view.table("clusters")
    names = view.pair or tuple(look.name for look in view.arms()[:1])
    arms = [view.look(name) for name in names if _total(table, name)]
    if not arms:
        return empty("clusters", "No answer was looked through for errors.")
    last = arms[-1].name
    every = {name for look in arms for name in _counts(table, look.name)}
    if not every:
        return empty("clusters", f"No error was found in any of {_total(table, last):,} answers of these arms.")
    sums = {name: sum(_counts(table, look.name).get(name, 0) for look in arms) for name in every}
    order = sorted(every, key=lambda name: (-_counts(table, last).get(name, 0), -sums[name], name))
    shown = order[:MOST]
    data = [_bars(table, look, shown, at, len(arms)) for at, look in enumerate(arms)]
    notes: list[dict[str, Any]] = []
    total, so_far = max(1, sum(_counts(table, last).values())), 0
    for at, name in enumerate(shown):
        so_far += _counts(table, last).get(name, 0)
        change = " → ".join(f"{_counts(table, look.name).get(name, 0):,}" for look in arms)
        notes += fg.row_words(at, _title(table, name), f"{change}, Σ {percent(so_far, total)}")
    rest = f"; {plural(len(order) - MOST, 'rarer kind')} in the CSV" if len(order) > MOST else ""
    n = n_words(max(_total(table, look.name) for look in arms), "answer")
    top = min(1.0, max(x for trace in data for x in trace["x"]) * 1.2 or 0.1)
    words = f"share of answers ({n} an arm), 95 % intervals{rest}<br>Σ: of {safe(arms[-1].label, 20)}'s errors so far"
    figure = fg.figure(
        data, 90 + 58 * len(shown), fg.axis(words, range=[0, top], **fg.percent_ticks(top)), fg.rows_axis(len(shown)),
        annotations=notes, barmode="overlay", showlegend=True,
    )  # fmt: skip
    points = {
        f"{curve}/{at}": {"frame": "gen", "where": {"arm": look.name, "error": name},
                          "docs": _examples(table, look.name, name),
                          "words": f"{look.label}: {_title(table, name)}"}
        for curve, look in enumerate(arms) for at, name in enumerate(shown)
    }  # fmt: skip
    csv: list[list[Any]] = [["error", "title", "owner", *(look.name for look in arms)]]
    owners = table.get("owners") or {}
    counts = {look.name: _counts(table, look.name) for look in arms}
    csv += [[c, _title(table, c), owners.get(c, ""), *(of.get(c, 0) for of in counts.values())] for c in order]
    return made("clusters", _insight(view, table, arms, order), figure, csv, points)


def _arm(table: Record, arm: str) -> Record:
    return (table.get("arms") or {}).get(arm) or {}


def _total(table: Record, arm: str) -> int:
    return whole(_arm(table, arm).get("n"))


def _counts(table: Record, arm: str) -> dict[str, int]:
    found = _arm(table, arm).get("clusters") or {}
    return {str(name): count for name, held in found.items() if (count := whole((held or {}).get("n")))}


def _examples(table: Record, arm: str, name: str) -> list[str]:
    return list(((_arm(table, arm).get("clusters") or {}).get(name) or {}).get("docs") or ())


def _title(table: Record, name: str) -> str:
    return str((table.get("titles") or {}).get(name) or name.replace("_", " "))


def _bars(table: Record, look: Look, shown: Sequence[str], at: int, many: int) -> fg.Trace:
    counts, total = _counts(table, look.name), _total(table, look.name)
    shares = [counts.get(name, 0) / total for name in shown]
    ends = [wilson(counts.get(name, 0), total) for name in shown]
    wide = 0.5 / many
    places = [row - 0.08 + wide * (at + 0.5) for row in range(len(shown))]
    told = [f"{safe(look.label)}: {safe(_title(table, name), 60)}<br>{counts.get(name, 0):,} of {total:,} answers"
            for name in shown]  # fmt: skip
    reach = fg.reach(
        shares, [e.low if e else None for e in ends], [e.high if e else None for e in ends], look.colour, 1.5
    )
    return fg.bar(shares, places, look.label, look.colour, width=wide * 0.92, error_x=reach, **fg.hover(told))


def _insight(view: View, table: Record, arms: Sequence[Look], order: Sequence[str]) -> str:
    last, first = arms[-1], order[0]
    counts, total = _counts(table, last.name), _total(table, last.name)
    if not counts:
        return f"{last.label} has no error in {total:,} answers."
    lead = f"{last.label} most often fails by: {_title(table, first)}, {counts[first]:,} of {total:,} answers"
    if len(arms) < 2:
        return f"{lead}."
    a = arms[0]
    moved = ((table.get("moved") or {}).get(f"{a.name}|{last.name}") or {}).get(first)
    before = _counts(table, a.name).get(first, 0)
    tail = f", {before:,} of {_total(table, a.name):,} with {a.label}"
    if moved and len(moved) == 2:
        tail += f" (gone on {whole(moved[0]):,} documents, new on {whole(moved[1]):,})"
    return f"{lead}{tail}."
