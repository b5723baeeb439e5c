"""The charts of an evaluation in the order of a page, each drawn from aggregates.json alone.

    for spec in CHARTS:
        chart = spec.draw(aggregates, pair, tier)

`pair` is (reference arm, arm in question), None for `default_pair`; `tier` one of TIERS. The thirteen charts of the
news document are found by their own names: find("ROUGE"). Figures have no paper and mid-tone colours: they stand on
light and dark; text takes the page's ink where it has `CHART_CSS` and the plot stands in an element of class tt-chart.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from training.evals.charts.chart import Chart, Target

__all__ = ["CHARTS", "CHART_CSS", "SECTIONS", "Chart", "ChartSpec", "Target", "default_pair", "draw", "find", "spec_of"]

SECTIONS = {
    "answer": "Did it help",
    "form": "Form",
    "content": "Content",
    "grounding": "Made up and left out",
    "documents": "Documents",
    "cost": "Time",
    "judge": "Judge",
    "training": "Training and data",
}

CHART_CSS = """
.tt-chart text { fill: var(--tt-ink) !important; }
.tt-chart .hoverlayer path { fill: var(--tt-ink) !important; stroke: none !important; }
.tt-chart .hoverlayer text { fill: var(--tt-surface) !important; }
.tt-chart .main-svg { background: none !important; }
"""


@dataclass(frozen=True, slots=True)
class ChartSpec:
    """A chart of the catalogue. `module` of training.evals.charts holds `chart_ID`; `number` is its place in the design
    (metrics D); `section` a key of SECTIONS; `also` the names of the news document's charts it stands for."""

    id: str
    number: int
    title: str
    section: str
    module: str
    also: tuple[str, ...] = ()

    def draw(self, aggregates: Mapping[str, Any], pair: tuple[str, str] | None = None, tier: str = "strict") -> Chart:
        function = getattr(import_module(f"training.evals.charts.{self.module}"), f"chart_{self.id}")
        return function(aggregates, pair, tier)


CHARTS: tuple[ChartSpec, ...] = (
    ChartSpec("forest", 2, "Difference by metric", "answer", "differences", ("forest plot", "effect sizes + 95% CI")),
    ChartSpec("wins", 7, "Better, the same, worse", "answer", "differences"),
    ChartSpec("scorecard", 20, "Every metric, every arm", "answer", "scorecard",
              ("heatmap of all metrics x models",)),
    ChartSpec("tiers", 1, "How answers parse", "form", "form", ("JSON validity bars",)),
    ChartSpec("lengths", 11, "How long, and how many items", "form", "lengths",
              ("response length box", "response length violin", "word count box", "response length histogram")),
    ChartSpec("dumbbell", 3, "Score by field", "content", "fields", ("F1 by field bars",)),
    ChartSpec("precision_recall", 4, "Precision and recall by field", "content", "precision",
              ("precision/recall bars", "precision/recall(/F1) bars")),
    ChartSpec("outcomes", 5, "Right, wrong, missing, too much", "content", "outcomes"),
    ChartSpec("relevance", 10, "Relevance, given and right", "content", "relevance",
              ("relevance error distribution (MAE, R2)",)),
    ChartSpec("overlap", 12, "Shared wording", "content", "text", ("ROUGE-1/2/L bars", "BERTScore bars")),
    ChartSpec("grounding", 6, "Made up against left out", "grounding", "grounding"),
    ChartSpec("strip", 8, "Difference by document", "documents", "documents"),
    ChartSpec("slices", 9, "Difference by slice", "documents", "slices"),
    ChartSpec("noise", 16, "Score by length and style", "documents", "noise"),
    ChartSpec("clusters", 14, "What goes wrong", "documents", "clusters"),
    ChartSpec("consistency", 13, "The same document, asked again", "documents", "text",
              ("output consistency (CV) bars",)),
    ChartSpec("cost", 15, "Score against time", "cost", "cost"),
    ChartSpec("judge", 17, "The judge, and how far to trust it", "judge", "judge"),
    ChartSpec("sweep", 18, "Settings that were tried", "training", "training_data"),
    ChartSpec("leakage", 19, "Test documents near training rows", "training", "training_data"),
)  # fmt: skip


def spec_of(chart_id: str) -> ChartSpec:
    """The chart of that id. KeyError for one that is none."""
    return {spec.id: spec for spec in CHARTS}[chart_id]


def made(
    chart_id: str,
    insight: str,
    figure: dict[str, Any],
    csv: list[list[Any]],
    points: Mapping[str, Target] | None = None,
) -> Chart:
    """A drawn chart, with the catalogue's title and names."""
    spec = spec_of(chart_id)
    return Chart(spec.id, spec.title, insight, figure, "", csv, spec.also, dict(points or {}))


def empty(chart_id: str, why: str) -> Chart:
    """A chart without data, and the reason in a sentence."""
    spec = spec_of(chart_id)
    return Chart(spec.id, spec.title, why_empty=why, also=spec.also)


def draw(
    chart_id: str, aggregates: Mapping[str, Any], pair: tuple[str, str] | None = None, tier: str = "strict"
) -> Chart:
    return spec_of(chart_id).draw(aggregates, pair, tier)


def find(words: str) -> tuple[ChartSpec, ...]:
    """Charts whose id, title or other name holds every word, whatever the case."""
    wanted = words.lower().split()
    return tuple(
        spec for spec in CHARTS
        if all(word in " ".join((spec.id, spec.title, *spec.also)).lower() for word in wanted)
    )  # fmt: skip


def default_pair(aggregates: Mapping[str, Any]) -> tuple[str, str] | None:
    """The pair where nobody chose one, as verdict and report choose it too; None for fewer than two arms."""
    from training.evals.figures import default_pair as usual_pair

    return usual_pair(aggregates)
