"""Charts of training runs, as Plotly figures. Plotly is imported when a chart is drawn; insight is told beside them.

Lines carry colours that keep 3:1 against the window's surface in light and in dark, and a dash each, so that neither
mode nor colour blindness hides who is who. Text and grid are dressed by the stylesheet (.tt-plot). Runs are told by
their ids. Figures keep zoom and height between ticks.
"""

import html as stdlib_html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

COLOURS = ("#0f9488", "#8b5cf6", "#3b82d0", "#d0438a", "#b07a1e", "#6b7f93")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
MOST = len(COLOURS)  # runs on one chart
LOSS_PX, SMALL_PX = 300, 190
SMOOTHING = 0.75  # weight of what was before, a step
GB = 1e9


class Curve(NamedTuple):
    """A run's id and its steps as JSON records of metrics.jsonl."""

    run: str
    steps: Sequence[Mapping[str, Any]]


def points(steps: Iterable[Mapping[str, Any]], key: str) -> tuple[list[int], list[float]]:
    """Steps at which a figure was written, and the figure. What is no number is left out."""
    found = [(int(step["step"]), float(step[key])) for step in steps if _finite(step.get(key))]
    return [at for at, _ in found], [value for _, value in found]


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and value == value and abs(value) != float("inf")


def smooth(values: Sequence[float]) -> list[float]:
    """Exponential mean that starts at the first value without a pull towards zero."""
    out: list[float] = []
    total = weight = 0.0
    for value in values:
        total, weight = SMOOTHING * total + (1 - SMOOTHING) * value, SMOOTHING * weight + (1 - SMOOTHING)
        out.append(total / weight)
    return out


def loss_plot(curves: Sequence[Curve], steps: int = 0) -> Any:
    """Loss of each step, smoothed, and dev loss; further runs as their smoothed lines. None without a loss."""
    import plotly.graph_objects as go

    traces: list[Any] = []
    ends: list[tuple[int, float, str]] = []
    many = len(curves) > 1
    for index, curve in enumerate(curves[:MOST]):
        colour, dash, name = COLOURS[index], DASHES[index], plain(curve.run)
        at, loss = points(curve.steps, "loss")
        dev_at, dev = points(curve.steps, "dev_loss")
        if not many:
            traces.append(_line(go, (at, loss), "each step", colour, width=1, opacity=0.35))
        if at:
            traces.append(_line(go, (at, smooth(loss)), name if many else "loss, smoothed", colour, dash=dash))
            ends.append((at[-1], smooth(loss)[-1], "loss"))
        if dev_at:
            traces.append(
                _marks(go, (dev_at, dev), f"{name}, dev" if many else "dev loss", colour if many else COLOURS[4])
            )
            ends.append((dev_at[-1], dev[-1], "dev loss"))
    if not ends:
        return None
    n = max(len(points(curve.steps, "loss")[0]) for curve in curves[:MOST])
    figure = base_figure(traces, LOSS_PX, f"step (n = {n:,} of {max(steps, n):,} steps)", "loss, nats a learnt token")
    figure.update_layout(uirevision=curves[0].run, showlegend=many)
    if not many:
        for x, y, words in ends:
            figure.add_annotation(x=x, y=y, text=words, showarrow=False, xanchor="left", xshift=6)
    return figure


def small_plot(curves: Sequence[Curve], key: str, y_title: str, scale: float = 1.0) -> Any:
    """One figure over the steps: rate, tokens a second, memory. None where no run wrote it."""
    import plotly.graph_objects as go

    traces: list[Any] = []
    n = 0
    for index, curve in enumerate(curves[:MOST]):
        at, values = points(curve.steps, key)
        if at:
            n = max(n, len(at))
            scaled = [value / scale for value in values]
            traces.append(_line(go, (at, scaled), plain(curve.run), COLOURS[index], dash=DASHES[index]))
    if not traces:
        return None
    figure = base_figure(traces, SMALL_PX, f"step (n = {n:,})", y_title)
    figure.update_layout(uirevision=curves[0].run, showlegend=False)
    return figure


def rate_plot(curves: Sequence[Curve]) -> Any:
    return small_plot(curves, "learning_rate", "learning rate")


def speed_plot(curves: Sequence[Curve]) -> Any:
    return small_plot(curves, "tokens_per_s", "tokens a second")


def memory_plot(curves: Sequence[Curve]) -> Any:
    return small_plot(curves, "memory_bytes", "memory, GB", GB)


def scores_plot(figures: Sequence[tuple[str, Mapping[str, Any] | None, Mapping[str, Any] | None]]) -> Any:
    """(metric, base, adapter) as points with their 95 % intervals, 0 to 1. None where nothing was scored."""
    import plotly.graph_objects as go

    shown = [line for line in figures if any(side and _finite(side.get("value")) for side in line[1:])]
    if not shown:
        return None
    traces = [
        _intervals(go, [(name, line[side]) for name, *line in shown], label, (COLOURS[colour], symbol))
        for side, label, colour, symbol in ((0, "base", 5, "circle"), (1, "adapter", 0, "diamond"))
    ]
    n = max(int(side.get("n_total") or 0) for line in shown for side in line[1:] if side)
    figure = base_figure(traces, 88 + 34 * len(shown), f"share (n = {n:,} dev documents, lines are 95 % intervals)", "")
    figure.update_layout(showlegend=True, scattermode="group")
    figure.update_yaxes(categoryorder="array", categoryarray=[plain(name) for name, *_ in shown][::-1])
    figure.update_xaxes(range=[-0.02, 1.04])
    return figure


def _intervals(go: Any, side: Sequence[tuple[str, Mapping[str, Any] | None]], label: str, look: tuple[str, str]) -> Any:
    found = [(name, data) for name, data in side if data and _finite(data.get("value"))]
    value = [float(data["value"]) for _, data in found]
    high = [
        max(0.0, float(data["high"]) - x) if _finite(data.get("high")) else 0.0
        for (_, data), x in zip(found, value, strict=True)
    ]
    low = [
        max(0.0, x - float(data["low"])) if _finite(data.get("low")) else 0.0
        for (_, data), x in zip(found, value, strict=True)
    ]
    colour, symbol = look
    return go.Scatter(
        x=value, y=[plain(name) for name, _ in found], mode="markers", name=label,
        marker={"color": colour, "symbol": symbol, "size": 10},
        error_x={"type": "data", "array": high, "arrayminus": low, "color": colour, "thickness": 2, "width": 0},
        hovertemplate="%{y}: %{x:.3f}<extra>" + label + "</extra>",
    )  # fmt: skip


def _line(go: Any, xy: tuple[Sequence[int], Sequence[float]], name: str, colour: str, **look: Any) -> Any:
    line = {"color": colour, "width": look.get("width", 2.5), "dash": look.get("dash", "solid")}
    return go.Scatter(
        x=xy[0], y=xy[1], mode="lines" if len(xy[0]) > 1 else "markers", name=name, line=line,
        opacity=look.get("opacity", 1.0), marker={"color": colour},
        hovertemplate="step %{x}: %{y:.4g}<extra>%{fullData.name}</extra>",
    )  # fmt: skip


def _marks(go: Any, xy: tuple[Sequence[int], Sequence[float]], name: str, colour: str) -> Any:
    return go.Scatter(
        x=xy[0], y=xy[1], mode="lines+markers", name=name, line={"color": colour, "width": 1.5, "dash": "dot"},
        marker={"color": colour, "symbol": "diamond", "size": 8},
        hovertemplate="step %{x}: %{y:.4g}<extra>%{fullData.name}</extra>",
    )  # fmt: skip


def base_figure(traces: Sequence[Any], height: int, x_title: str, y_title: str) -> Any:
    import plotly.graph_objects as go

    figure = go.Figure(list(traces))
    title = {"size": 13}
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 64, "t": 8, "b": 40},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 13},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0, "bgcolor": "rgba(0,0,0,0)"},
        dragmode=False,
        xaxis={"title": {"text": x_title, "font": title}, "rangemode": "tozero", "fixedrange": True, "zeroline": False},
        yaxis={"title": {"text": y_title, "font": title}, "rangemode": "tozero", "automargin": True, "fixedrange": True,
               "zeroline": False},
    )  # fmt: skip
    return figure


def plain(label: str) -> str:
    """A label that Plotly shows as it is: it reads a little HTML in its texts."""
    return stdlib_html.escape(label[:60])
