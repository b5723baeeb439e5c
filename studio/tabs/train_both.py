"""Two runs beside each other, and how a chart is put away where there is nothing to draw."""

from typing import Any, NamedTuple

import gradio as gr

from studio.deps import Deps
from studio.queries import run_choices as offer
from studio.queries import runs as queries
from studio.views import run_plots as plots
from studio.views import run_scores as scores
from studio.views.run_plots import Curve


class BothView(NamedTuple):
    """Two runs beside each other."""

    both: Any
    both_plot: Any


def both_view(deps: Deps, run: str, other: str) -> BothView:
    """Settings that differ, curves and scores of two runs."""
    sides = [side_of(deps, name) for name in (run, other)]
    configs = [queries.run_of(deps, name).config for name in (run, other)]
    curves = [Curve(name, queries.records(queries.steps_of(deps, name))) for name in (run, other)]
    differing = offer.differing(configs[0], configs[1])
    return BothView(scores.beside_html(sides[0], sides[1], differing), plot(plots.loss_plot(curves)))


def side_of(deps: Deps, run: str) -> dict[str, Any]:
    steps = queries.steps_of(deps, run)
    losses = [step.loss for step in steps if step.loss is not None]
    dev = [step.dev_loss for step in steps if step.dev_loss is not None]
    return {
        "status": queries.records(queries.run_of(deps, run).status),
        "figures": queries.figures_of(deps, run).figures,
        "loss": losses[-1] if losses else None,
        "dev_loss": min(dev) if dev else None,
    }


def plot(figure: Any) -> Any:
    """A chart, or nothing where there is nothing to draw."""
    return gr.update(value=figure, visible=figure is not None)
