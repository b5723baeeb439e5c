"""Charts of an evaluation: where each stands on the page, under which names it is found, and one of them drawn.

A chart is drawn from the aggregates alone, when its section is looked at. The names that the news document gave its
thirteen charts lead to the charts that took their place.
"""

import logging
from typing import Any, NamedTuple

from studio.queries.evaluations import Aggregates, Choices, Pair
from training.errors import InputError
from training.evals.charts.catalogue import CHARTS, ChartSpec, spec_of
from training.evals.charts.chart import Chart, Target

PLACES = {  # chart -> the view it stands in; what stands nowhere is shown in the overview
    "forest": "overview", "tiers": "overview", "wins": "overview", "scorecard": "overview",
    "dumbbell": "fields", "precision_recall": "fields", "outcomes": "fields", "lengths": "fields",
    "grounding": "grounding", "slices": "slices", "noise": "slices",
    "relevance": "text", "overlap": "text", "consistency": "text", "cost": "speed", "judge": "judge",
    "strip": "documents", "clusters": "errors", "sweep": "leaderboard", "leakage": "receipt",
}  # fmt: skip
BROKEN = "This chart could not be drawn: a fault of the studio, its traceback stands in the terminal."


def place_of(chart: str) -> str:
    return PLACES.get(chart, "overview")


def known(chart: str) -> str:
    """The chart's id. InputError for one that is none."""
    if all(spec.id != chart for spec in CHARTS):
        raise InputError(f"There is no chart {chart!r}.", fix="Search for it by one of its names.")
    return chart


def charts_in(view: str) -> list[ChartSpec]:
    """The charts of a view in its order."""
    order = list(PLACES)
    found = [spec for spec in CHARTS if place_of(spec.id) == view]
    return sorted(found, key=lambda spec: order.index(spec.id) if spec.id in order else len(order))


def drawn(found: Aggregates, chart: str, pair: Pair | None, tier: str) -> Chart:
    """KeyError for a chart that is none. One that fails takes no page with it: it says so, and the log says why."""
    spec = spec_of(chart)
    try:
        return spec.draw(found, (pair.a, pair.b) if pair else None, tier)
    except Exception:
        logging.getLogger(__name__).exception("the chart %s could not be drawn", chart)
        return Chart(spec.id, spec.title, why_empty=BROKEN, also=spec.also)


class Clicked(NamedTuple):
    """Where a click on a mark leads: documents by id, or what their rows in a frame have to be; in words for people."""

    docs: tuple[str, ...]
    where: dict[str, Any]
    frame: str
    words: str


def clicked(found: Aggregates, chart: str, pair: Pair | None, tier: str, mark: tuple[int, Any]) -> Clicked | None:
    """Where a mark (Plotly's curve and point number) leads; None for one that leads nowhere."""
    target: Target | None = drawn(found, chart, pair, tier).target(*mark)
    if not target:
        return None
    where = dict(target.get("where") or {})
    docs = () if where else tuple(str(doc) for doc in target.get("docs") or ())  # beside a filter they are examples
    return Clicked(docs, where, str(target.get("frame") or "gen"), str(target.get("words") or ""))


def search_choices() -> Choices:
    """Every chart by its title and by each other name it has."""
    found = [(f"chart: {spec.title}", f"chart:{spec.id}") for spec in CHARTS]
    return [*found, *((f"{name}: see {spec.title}", f"chart:{spec.id}") for spec in CHARTS for name in spec.also)]
