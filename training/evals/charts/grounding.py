"""Made up against left out, a point an arm: what an arm gains on one it may pay for on the other (metrics A7)."""

from collections.abc import Mapping, Sequence
from typing import Any

from training.evals.charts import figures as fg
from training.evals.charts.catalogue import empty, made
from training.evals.charts.chart import Chart
from training.evals.charts.view import Look, View, number, view_of
from training.evals.charts.words import (
    AT_POINT,
    difference_words,
    doubt_words,
    measured_words,
    n_words,
    percent,
    safe,
    titled,
)

MADE_UP, LEFT_OUT = "hallucinated", "omitted"


def chart_grounding(aggregates: Mapping[str, Any], pair: tuple[str, str] | None, tier: str) -> Chart:
    """Share of given items that the text does not say, against the share of right ones that are missing.

    An arm that gives no item has no share of made-up ones: it stands at the edge, hollow, and is named so.
    """
    view = view_of(aggregates, pair, tier)
    arms = [look for look in view.arms() if view.measured(look.name, LEFT_OUT) or view.measured(look.name, MADE_UP)]
    both = [look for look in arms if view.measured(look.name, LEFT_OUT) and view.measured(look.name, MADE_UP)]
    silent = [look for look in arms if view.measured(look.name, LEFT_OUT) and not view.measured(look.name, MADE_UP)]
    if not both:
        return empty("grounding", "No arm gave items that can be looked up in a text, or no right answer is known.")
    data = [_point(view, look) for look in both]
    for look in silent:
        x = float((view.measured(look.name, LEFT_OUT) or {})["value"])
        told = f"{safe(look.label)} gives nothing that could be made up<br>left out {percent(x)}"
        data.append(fg.points([x], [0], look, symbol="circle-open", **fg.hover([told])))
    tops = [value for look in both for key in ("value", "high")
            if (value := number((view.measured(look.name, MADE_UP) or {}).get(key))) is not None]  # fmt: skip
    top = min(1.05, max(0.1, 1.15 * max(tops)))
    n = n_words(view.n_docs)
    figure = fg.figure(
        data, 364, fg.share_axis(f"left out: of what is right<br>{n}, 95 % intervals", range=[-0.03, 1.04]),
        fg.axis("made up: of what is given", range=[-0.04 * top, top], **fg.percent_ticks(top)),
        annotations=_names(view, both, silent, top),
    )  # fmt: skip
    points = {f"{curve}/0": {"frame": "items", "where": {"arm": look.name, "side": "pred", "grounded": False},
                             "words": f"{look.label}: what the text does not say"}
              for curve, look in enumerate(both)}  # fmt: skip
    csv: list[list[Any]] = [["arm", "metric", "value", "low", "high", "n_scored"]]
    csv += [[look.name, metric, *((view.measured(look.name, metric) or {}).get(key) for key in
             ("value", "low", "high", "n_scored"))] for look in arms for metric in (MADE_UP, LEFT_OUT)]  # fmt: skip
    return made("grounding", _insight(view, both), figure, csv, points)


def _point(view: View, look: Look) -> fg.Trace:
    x, y = (view.measured(look.name, metric) or {} for metric in (LEFT_OUT, MADE_UP))
    told = f"{safe(look.label)}<br>left out {safe(measured_words(x))}<br>made up {safe(measured_words(y))}"
    ends = [[number(figure.get(key))] for figure in (x, y) for key in ("low", "high")]
    trace = fg.points([x["value"]], [y["value"]], look, low=ends[0], high=ends[1], **fg.hover([told]))
    trace["marker"]["size"] = 13
    return trace | {"error_y": fg.reach([y["value"]], ends[2], ends[3], look.colour)}


def _names(view: View, both: Sequence[Look], silent: Sequence[Look], top: float) -> list[dict[str, Any]]:
    """Each point's name, away from the middle; names that would meet step apart."""
    notes: list[dict[str, Any]] = []
    used: list[tuple[float, float]] = []
    for look in (*both, *silent):
        x = float((view.measured(look.name, LEFT_OUT) or {})["value"])
        y = float((view.measured(look.name, MADE_UP) or {"value": 0.0})["value"])
        words = titled(look.label, AT_POINT) + (" (gives nothing)" if look in silent else "")
        shift = 15
        while any(abs(x - ux) < 0.45 and abs(y + shift / 300 * top - uy) < 0.05 * top for ux, uy in used):
            shift = shift + 14 if shift > 0 else shift - 14
        used.append((x, y + shift / 300 * top))
        notes.append(fg.text(words, x, y, yshift=shift, xshift=8 if x < 0.5 else -8,
                             xanchor="left" if x < 0.5 else "right"))  # fmt: skip
    return notes


def _insight(view: View, both: Sequence[Look]) -> str:
    found = view.pair_figures()
    figures = [found[metric] for metric in (MADE_UP, LEFT_OUT) if metric in found]
    if view.pair is None or len(figures) < 2:
        look = both[0]
        made_up, left_out = (measured_words(view.measured(look.name, metric) or {}) for metric in (MADE_UP, LEFT_OUT))
        n = n_words(view.n_docs)
        return f"{look.label}: made up {made_up} of what it gives, left out {left_out} of what is right ({n})."
    a, b = (view.look(name).label for name in view.pair)
    parts: list[str] = []
    for figure, does in zip(figures, ("makes up", "leaves out"), strict=True):
        how = {"better": "less", "worse": "more", "same": "exactly as much"}.get(view.outcome(figure), "")
        why = doubt_words(figure) if view.outcome(figure) == "unsure" else ""
        size = difference_words(figure) + ("; " + why if why else "")
        parts.append(f"{does} {how} ({size})" if how else f"is not shown to differ in what it {does} ({size})")
    turn = (
        "but" if [view.outcome(figure) for figure in figures] in (["better", "worse"], ["worse", "better"]) else "and"
    )
    return f"Against {a}, {b} {parts[0]} {turn} {parts[1]}; {n_words(figures[1].get('n'))}, shares of items."
