"""Plotly figures as plain dicts: one look for all charts. Plotly itself is not imported.

Rows have their title above their mark and their figures at the right end of that line, so that a chart needs no left
margin and reads at 360 px as it does at 1200. Fills are half transparent inside a full outline: ink on them is readable
on light and on dark. No paper; text colours come from the page, the mid grey here is for a page that has none.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from training.evals.charts.view import Look
from training.evals.charts.words import safe, titled

INK = "#76808a"
LINE = "rgba(128,136,144,0.25)"
ZERO = "rgba(128,136,144,0.75)"
BAND = "rgba(128,136,144,0.16)"
BAD, WARN, GOOD, WEAK, NONE = "#d1524a", "#c98a1b", "#3477b5", "#7fb2dd", "#8a8f96"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', sans-serif"
ROW_PX, TITLE_AT, MARK_AT, UNDER_AT = 46, -0.29, 0.13, 0.41
SIZE, SMALL = 13, 12
WIDE, LINE_PX = 50, 16  # characters of a line below the plot, and its height
TITLE, ROOM = 34, 41  # characters of a row's title, and of it and its figures together, that fit into 360 px

Trace = dict[str, Any]
Layout = dict[str, Any]


def fill(colour: str, alpha: float = 0.5) -> str:
    """A #rrggbb as rgba."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"


def axis(title: str = "", **more: Any) -> dict[str, Any]:
    """An axis in the house look. `title` says unit and n and has to be safe already."""
    found: dict[str, Any] = {
        "title": {"text": wrapped(title), "font": {"size": SMALL}, "standoff": 8},
        "gridcolor": LINE,
        "zeroline": False,
        "fixedrange": True,
        "automargin": True,
        "tickfont": {"size": SMALL},
        "showline": False,
        "ticks": "",
    }
    return found | more


def rows_axis(n: int, **more: Any) -> dict[str, Any]:
    """n rows from the top, without ticks: their titles stand above the marks."""
    return axis(range=[n - 0.45, -0.55], showgrid=False, showticklabels=False, **more)


def share_axis(title: str, **more: Any) -> dict[str, Any]:
    ends = ["0 %", "25 %", "50 %", "75 %", "100 %"]
    return axis(title, tickvals=[0, 0.25, 0.5, 0.75, 1], ticktext=ends, **({"range": [0, 1]} | more))


def percent_ticks(top: float, low: float = 0.0) -> dict[str, Any]:
    """Four or five round ticks from `low` to `top`, for an axis of shares."""
    step = next((step for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.25) if (top - low) / step <= 5.5), 0.5)
    ticks = [at * step for at in range(math.ceil(low / step - 1e-9), math.floor(top / step + 1e-9) + 1)]
    return {"tickvals": ticks, "ticktext": [f"{100 * abs(tick):.0f} %" for tick in ticks]}


def figure(data: Sequence[Trace], height: int, x: Any, y: Any, **layout: Any) -> dict[str, Any]:
    """A whole figure. `layout` adds to or replaces the house's: annotations, shapes, further axes, a legend.

    `height` is for a title of one line below the plot; each further line adds its own.
    """
    more = LINE_PX * x["title"]["text"].count("<br>")
    base: Layout = {
        "height": height + more,
        "margin": {"l": 16, "r": 20, "t": 8, "b": 44 + more, "pad": 0},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": SIZE, "color": INK},
        "hoverlabel": {"font": {"family": FONT, "size": SMALL, "color": "#ffffff"}, "bgcolor": "#2b3138",
                       "bordercolor": "#2b3138", "align": "left"},
        "dragmode": False,
        "showlegend": False,
        "legend": legend(),
        "xaxis": x,
        "yaxis": y,
    }  # fmt: skip
    return {"data": list(data), "layout": base | layout}


def wrapped(words: str, wide: int = WIDE) -> str:
    """Safe words on lines that fit 360 px; lines that they have already stay."""
    lines: list[str] = []
    for given in words.split("<br>"):
        line = ""
        for word in given.replace("95 % ", "95\u00a0%\u00a0").split(" "):
            if line and len(line) + 1 + len(word) > wide:
                lines.append(line)
                line = word
            else:
                line = f"{line} {word}" if line else word
        lines.append(line)
    return "<br>".join(lines)


def legend(**more: Any) -> dict[str, Any]:
    """Above the plot, left; a click on it hides nothing, since shares would then no longer add up."""
    found: dict[str, Any] = {
        "orientation": "h", "x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom", "bgcolor": "rgba(0,0,0,0)",
        "font": {"size": SMALL}, "itemclick": False, "itemdoubleclick": False, "traceorder": "normal",
    }  # fmt: skip
    return found | more


def text(words: str, x: Any, y: Any, **more: Any) -> dict[str, Any]:
    """Words on the plot. `words` has to be safe already."""
    found: dict[str, Any] = {"text": words, "x": x, "y": y, "showarrow": False, "font": {"size": SMALL}}
    return found | more


def row_words(row: int, title: str, value: str = "", mark: str = "") -> list[dict[str, Any]]:
    """A row's title and mark at the left and its figures at the right, on the line above its marks. Both reach out into
    the margins: a phone has no room to spare."""
    at: dict[str, Any] = {"xref": "paper", "yanchor": "middle"}
    left = text(
        f"<b>{titled(title, min(TITLE, ROOM - len(value)), mark)}</b>",
        0,
        row + TITLE_AT,
        xanchor="left",
        align="left",
        xshift=-12,
        **at,
    )
    if not value:
        return [left]
    return [left, text(safe(value, 60), 1, row + TITLE_AT, xanchor="right", align="right", xshift=14, **at)]


def versus(a: Look, b: Look, more: str) -> str:
    """An axis title that says which side is whose, and below it `more`, which has to be safe already. Names that are
    too long for one line have one each: half a name would not say who."""
    left, right = f"← {safe(a.label)} better", f"{safe(b.label)} better →"
    gap = "      " if len(left) + len(right) + 6 <= WIDE else "<br>"
    return f"{left}{gap}{right}<br>{more}"


def signed_ticks(reach: float) -> dict[str, Any]:
    """Up to three round ticks on both sides of 0, those above it with a plus. `reach` is the axis's end, above 0."""
    power = math.floor(math.log10(reach))
    steps = (of * 10.0**at for at in (power - 1, power) for of in (1, 2, 5))
    step = next(step for step in steps if reach / step < 3.5)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    many = int(reach / step + 1e-9)
    ticks = [round(at * step, digits) for at in range(-many, many + 1)]
    return {"tickvals": ticks, "ticktext": [f"{tick:+.{digits}f}".replace("-", "−") if tick else "0" for tick in ticks]}


def points(xs: Sequence[Any], ys: Sequence[Any], look: Look, **more: Any) -> Trace:
    """Marks of an arm. `low` and `high` in `more` are ends of their intervals, by point, None for none."""
    low, high = more.pop("low", None), more.pop("high", None)
    symbol = more.pop("symbol", look.symbol)
    found: Trace = {
        "type": "scatter", "mode": "markers", "x": list(xs), "y": list(ys), "name": safe(look.label),
        "marker": marker(look.colour, symbol), "cliponaxis": False,
    }  # fmt: skip
    if low is not None and high is not None:
        found["error_x"] = reach(xs, low, high, look.colour)
    return found | more


def marker(colour: str, symbol: str, size: int = 11) -> dict[str, Any]:
    thin = symbol.startswith("line-")
    return {"color": colour, "symbol": symbol, "size": size,
            "line": {"color": colour, "width": 2 if thin or symbol.endswith("-open") else 0}}  # fmt: skip


def reach(
    values: Sequence[Any], low: Sequence[Any], high: Sequence[Any], colour: str, width: float = 2
) -> dict[str, Any]:
    """An interval as Plotly's error bars, never negative."""
    up = [max(0.0, h - v) if None not in (v, h) else 0.0 for v, h in zip(values, high, strict=True)]
    down = [max(0.0, v - lo) if None not in (v, lo) else 0.0 for v, lo in zip(values, low, strict=True)]
    return {"type": "data", "array": up, "arrayminus": down, "color": colour, "thickness": width, "width": 0}


def bar(xs: Sequence[Any], ys: Sequence[Any], name: str, colour: str, **more: Any) -> Trace:
    """Horizontal bars, pale inside; `shape` is a hatching where colour is not to say it alone."""
    shape = more.pop("shape", "")
    look: dict[str, Any] = {"color": fill(colour), "line": {"color": colour, "width": 1}}
    if shape:
        look["pattern"] = {"shape": shape, "fgcolor": colour, "size": 6, "solidity": 0.15}
    found: Trace = {
        "type": "bar", "orientation": "h", "x": list(xs), "y": list(ys), "name": safe(name), "marker": look,
        "textfont": {"size": SMALL}, "insidetextanchor": "middle", "textangle": 0, "constraintext": "none",
    }  # fmt: skip
    return found | more


def hover(lines: Sequence[str]) -> dict[str, Any]:
    """What stands in the box over each mark, one text a mark; the texts have to be safe already."""
    return {"hovertext": list(lines), "hoverinfo": "text"}


def line_at(value: float, *, dash: str = "dot", axis_name: str = "x", colour: str = ZERO) -> dict[str, Any]:
    """A rule across the plot at a value."""
    ends: Mapping[str, Any] = (
        {"x0": value, "x1": value, "xref": axis_name, "y0": 0, "y1": 1, "yref": "paper"}
        if axis_name.startswith("x")
        else {"y0": value, "y1": value, "yref": axis_name, "x0": 0, "x1": 1, "xref": "paper"}
    )
    return {"type": "line", "line": {"color": colour, "width": 1, "dash": dash}, "layer": "below", **ends}
