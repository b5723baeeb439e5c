"""Chart 13 where an arm was asked at several temperatures: how much two answers to one document agree, over those.

A panel a field, the least agreeing first; a line an arm, a mark a temperature with its interval. All are in the CSV.
"""

from collections.abc import Mapping
from typing import Any

from training.evals.charts import figures as fg
from training.evals.charts.catalogue import made
from training.evals.charts.chart import Chart
from training.evals.charts.view import Look, Record, View, number
from training.evals.charts.words import measured_words, n_words, plural, safe

MOST_PANELS = 4
PANEL_PX, GAP_PX = 150, 44
_Line = list[tuple[float, str, Record]]  # temperature, the arm at it, its figure


def over_temperatures(view: View, table: Record, fields: Mapping[str, Record], samples: int) -> Chart | None:
    """The chart; None where no arm was asked at two temperatures."""
    heats: dict[str, dict[float, str]] = {}
    for arm, told in (table.get("heats") or {}).items():
        if (heat := number(told.get("temperature"))) is not None:
            heats.setdefault(str(told.get("of")), {})[heat] = arm
    heats = {stem: dict(sorted(arms.items())) for stem, arms in heats.items() if len(arms) > 1}
    lines = {name: _lines(held, heats) for name, held in fields.items()}
    lines = {name: kept for name, kept in lines.items() if kept}
    if not lines:
        return None
    shown = sorted(lines, key=lambda name: _least(lines[name]))[:MOST_PANELS]
    looks = {stem: _look(view, stem, next(iter(arms.values()))) for stem, arms in heats.items()}
    more = f", {plural(len(lines) - len(shown), 'more field')} in the CSV" if len(lines) > len(shown) else ""
    height = 74 + (PANEL_PX + GAP_PX) * len(shown)
    data: list[fg.Trace] = []
    layout: dict[str, Any] = {}
    notes: list[dict[str, Any]] = []
    for at, name in enumerate(shown):
        top = 1 - at / len(shown)
        bottom = top - (PANEL_PX / (PANEL_PX + GAP_PX)) / len(shown)
        own = "" if at == 0 else str(at + 1)
        layout[f"yaxis{own}"] = fg.share_axis("", domain=[bottom, top - 0.02], range=[-0.03, 1.03])
        label = safe(str(fields[name].get("label") or name))
        title = {"xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom", "showarrow": False}
        notes.append({**title, "x": 0, "y": top - 0.015, "text": f"<b>{label}</b>", "font": {"size": fg.SIZE}})
        data += [_trace(looks[stem], line, label, f"y{own}", at == 0) for stem, line in lines[name].items()]
    x = fg.axis(f"temperature; the same in two of {samples} answers, 95 % intervals{more}", anchor="free", position=0)
    y = layout.pop("yaxis")
    figure = fg.figure(data, height, x, y, annotations=notes, showlegend=True, **layout)
    csv: list[list[Any]] = [["field", "arm", "temperature", "agreement", "low", "high", "n", "samples"]]
    csv += [[name, stem, heat, *(cell.get(key) for key in ("value", "low", "high", "n")), samples]
            for name, kept in lines.items() for stem, line in kept.items() for heat, _, cell in line]  # fmt: skip
    return made("consistency", _insight(lines, looks, fields, samples), figure, csv)


def _lines(held: Record, heats: Mapping[str, Mapping[float, str]]) -> dict[str, _Line]:
    """By arm what is known of this field at each temperature, two of them at least."""
    found: dict[str, _Line] = {}
    for stem, arms in heats.items():
        cells: _Line = [(heat, arm, held["arms"].get(arm) or {}) for heat, arm in arms.items()]
        known = [cell for cell in cells if number(cell[2].get("value")) is not None]
        if len(known) > 1:
            found[stem] = known
    return found


def _look(view: View, stem: str, heated: str) -> Look:
    """How an arm is drawn over all its temperatures: as it is without one, or as the first of them under its name."""
    if any(look.name == stem for look in view.looks):
        return view.look(stem)
    look = view.look(heated)
    return look._replace(name=stem, label=look.label.rpartition(" at ")[0] or stem)


def _least(lines: Mapping[str, _Line]) -> float:
    return min(float(cell["value"]) for line in lines.values() for _, _, cell in line)


def _trace(look: Look, line: _Line, label: str, y: str, first: bool) -> fg.Trace:
    values = [float(cell["value"]) for _, _, cell in line]
    ends = [[number(cell.get(key)) for _, _, cell in line] for key in ("low", "high")]
    told = [f"{safe(look.label)}, {label}<br>temperature {heat:g}: {safe(measured_words(cell), 60)}"
            for heat, _, cell in line]  # fmt: skip
    return {
        "type": "scatter", "mode": "lines+markers", "x": [heat for heat, _, _ in line], "y": values, "yaxis": y,
        "name": safe(look.label), "legendgroup": look.name, "showlegend": first, "cliponaxis": False,
        "line": {"color": look.colour, "dash": look.dash, "width": 2}, "marker": fg.marker(look.colour, look.symbol, 9),
        "error_y": fg.reach(values, ends[0], ends[1], look.colour), **fg.hover(told),
    }  # fmt: skip


def _insight(
    lines: Mapping[str, Mapping[str, _Line]], looks: Mapping[str, Look], fields: Mapping[str, Record], samples: int
) -> str:
    """The field that loses most of its agreement from the lowest temperature to the highest."""
    falls: list[tuple[float, str, str]] = [
        (float(line[-1][2]["value"]) - float(line[0][2]["value"]), stem, name)
        for name, kept in lines.items() for stem, line in kept.items()
    ]  # fmt: skip
    _, stem, name = min(falls)
    (cold, _, low), *_, (hot, _, high) = lines[name][stem]
    label: str = str(fields[name].get("label") or name)
    return (
        f"Asked {samples} times, {looks[stem].label} agrees with itself on {label} {measured_words(low)} at "
        f"temperature {cold:g} and {measured_words(high)} at {hot:g}, {n_words(low.get('n'))}."
    )
