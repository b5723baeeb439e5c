"""Tables as heatmaps: cells whose ink is readable in light and in dark, because their colour is half transparent."""

from collections.abc import Sequence
from typing import Any

from training.evals.charts import figures as fg
from training.evals.charts.words import safe

DIVERGING = [[0, fg.fill(fg.BAD, 0.6)], [0.5, "rgba(128,136,144,0.08)"], [1, fg.fill("#0f9488", 0.6)]]
GROWING = [[0, "rgba(128,136,144,0.06)"], [1, fg.fill(fg.GOOD, 0.62)]]
GAP_PX = 20  # between rows, for a row's title


def heatmap(  # size: a cell has a shade, words and what is told on hover
    columns: Sequence[str],
    rows: Sequence[str],
    shades: Sequence[Sequence[float | None]],
    words: Sequence[Sequence[str]],
    told: Sequence[Sequence[str]],
    cell_px: int,
    notes: Sequence[str],
    *,
    diverging: bool,
) -> dict[str, Any]:
    """A whole figure, rows from the top, their titles above their cells. `shades` are 0..1, or -1..1 about 0 where
    `diverging`; words, told and the `notes` below have to be safe."""
    row_px, n = cell_px + GAP_PX, len(rows)
    lines = max((wrapped(name, len(columns)).count("<br>") for name in columns), default=0)
    trace: fg.Trace = {
        "type": "heatmap", "x": list(range(len(columns))), "y": list(range(n)), "z": [list(r) for r in shades],
        "zmin": -1 if diverging else 0, "zmax": 1, "colorscale": DIVERGING if diverging else GROWING,
        "showscale": False,
        "text": [list(row) for row in words], "texttemplate": "%{text}", "textfont": {"size": fg.SMALL},
        "hovertext": [list(row) for row in told], "hoverinfo": "text", "xgap": 2, "ygap": GAP_PX, "hoverongaps": False,
    }  # fmt: skip
    x = fg.axis(tickvals=list(range(len(columns))), ticktext=[wrapped(name, len(columns)) for name in columns],
                side="top", showgrid=False, range=[-0.5, len(columns) - 0.5], tickangle=0, ticks="")  # fmt: skip
    x["tickfont"] = {"size": 11}
    y = fg.axis(range=[n - 0.5, -0.5 - 10 / row_px], showgrid=False, showticklabels=False)
    titles = [fg.text(f"<b>{safe(name, 44)}</b>", 0, at - 0.5, xref="paper", xanchor="left", yanchor="middle")
              for at, name in enumerate(rows)]  # fmt: skip
    below = fg.text("<br>".join(notes), 0, 0, xref="paper", yref="paper", xanchor="left", yanchor="top", align="left")
    foot, head = 12 + 17 * len(notes), 30 + 14 * lines
    return fg.figure([trace], foot + head + row_px * n, x, y, annotations=[*titles, below],
                     margin={"l": 16, "r": 20, "t": 8, "b": foot, "pad": 0})  # fmt: skip


def cell(value: float | None, *, sign: bool = False) -> str:
    """A number as short as a cell: two decimals, none from a hundred."""
    if value is None:
        return "·"
    words = f"{abs(value):,.0f}" if abs(value) >= 100 else f"{abs(value):.2f}"
    small = not words.strip("0.")
    return words if small else f"{'−' if value < 0 else '+' if sign else ''}{words}"


def wrapped(name: str, columns: int) -> str:
    """A column's head on up to three lines, as short as so many columns make it; what is left out is in the middle,
    since arms differ at their ends."""
    wide, most = (8 if columns > 4 else 12 if columns > 2 else 20), 3
    lines: list[str] = []
    for word in name.replace("-", "- ").replace("_", "_ ").split():
        if lines and len(lines[-1]) + len(word) + 1 <= wide:
            lines[-1] += ("" if lines[-1].endswith(("-", "_")) else " ") + word
        else:
            lines.append(word)
    kept = lines
    if len(lines) > most:
        kept = [*lines[: most - 2], lines[most - 2].rstrip(",")[: wide - 1] + "…", lines[-1]]
    return "<br>".join(safe(line, wide + 1) for line in kept)
