"""Charts of a dataset version, as Plotly figures without colours of their own: the stylesheet dresses them in both
modes (.tt-plot). Plotly is imported when a chart is drawn. Insight is told beside them in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from studio.views.datasets import gate_words

BAR_PX, AROUND_PX = 26, 72


def _figure(traces: Sequence[Any], height: int, x_title: str) -> Any:
    import plotly.graph_objects as go

    figure = go.Figure(list(traces))
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 48, "t": 8, "b": 40},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 13},
        showlegend=False,
        bargap=0.3,
        dragmode=False,
        xaxis={
            "title": {"text": x_title, "font": {"size": 13}},
            "rangemode": "tozero",
            "fixedrange": True,
            "zeroline": False,
        },
        yaxis={"automargin": True, "fixedrange": True, "zeroline": False},
    )
    return figure


def funnel_plot(gates: Mapping[str, Any]) -> Any:
    """Rows in, refused by first reason, kept: bars from zero with their counts. None where nothing was counted."""
    import plotly.graph_objects as go

    if not gates.get("n_in"):
        return None
    refused: Mapping[str, int] = gates.get("refused") or {}
    names = [gate_words(gate) for gate in refused]
    whole = go.Bar(
        y=["rows in", "kept"], x=[gates["n_in"], gates["n_kept"]], orientation="h", name="rows", width=0.7,
        text=[f"{gates['n_in']:,}", f"{gates['n_kept']:,}"], textposition="outside", cliponaxis=False,
        hovertemplate="%{y}: %{x:,}<extra></extra>",
    )  # fmt: skip
    gone = go.Bar(
        y=names, x=list(refused.values()), orientation="h", name="refused", width=0.7,
        text=[f"{count:,}" for count in refused.values()], textposition="outside", cliponaxis=False,
        hovertemplate="%{y}: %{x:,}<extra></extra>",
    )  # fmt: skip
    figure = _figure([whole, gone], AROUND_PX + BAR_PX * (len(names) + 2), f"rows (n = {gates['n_in']:,})")
    order = ["rows in", *names, "kept"]
    figure.update_yaxes(categoryorder="array", categoryarray=order[::-1])
    return figure


def tokens_plot(lengths: Sequence[int], budget: int | None) -> Any:
    """How long texts are in tokens, with the budget as a line. None where nothing was counted."""
    import plotly.graph_objects as go

    if not lengths:
        return None
    most = max([*lengths, 1])
    size = max(1, -(-most // 30))
    bars = go.Histogram(
        x=list(lengths), xbins={"start": 0, "end": most + size, "size": size}, name="rows",
        hovertemplate="%{x} tokens: %{y:,} rows<extra></extra>",
    )  # fmt: skip
    figure = _figure([bars], 220, f"tokens (n = {len(lengths):,} rows)")
    figure.update_layout(bargap=0.05)
    if budget is not None and budget <= 4 * most:
        figure.add_vline(x=budget, annotation_text=f"budget {budget:,}", annotation_position="top left")
    return figure


def nearest_plot(leaks: Mapping[str, Any]) -> Any:
    """The nearest training row of each held-out row: similarity 0..1, the leak threshold as a line."""
    import plotly.graph_objects as go

    values = [float(near["similarity"]) for near in leaks.get("nearest", ())]
    if not values:
        return None
    bars = go.Histogram(
        x=values, xbins={"start": 0, "end": 1.0001, "size": 0.05}, name="rows",
        hovertemplate="similarity %{x}: %{y:,} rows<extra></extra>",
    )  # fmt: skip
    figure = _figure([bars], 220, f"similarity of the nearest training row (n = {len(values):,} held-out rows)")
    figure.update_layout(bargap=0.05)
    figure.update_xaxes(range=[0, 1.02])
    threshold = float(leaks.get("threshold") or 0)
    if threshold:
        figure.add_vline(x=threshold, annotation_text=f"leak from {threshold:g}", annotation_position="top left")
    return figure
