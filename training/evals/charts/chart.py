"""What a chart is: a sentence, a figure, the numbers behind it and where a click on a mark leads. Leaf module.

A chart is made from aggregates.json alone and holds plain JSON types. Text in `figure` is safe for Plotly, which reads
a little HTML; `insight`, `why_empty` and `csv` are raw text, which the page that shows them has to escape.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Target = dict[str, Any]
"""Where a click leads: {"docs": [ids]} or {"frame": "gen", "where": {column: value}}, as `read_frame` takes it; perhaps
both, then `docs` are examples of what the filter finds. "words" says it in a line for people."""


@dataclass(frozen=True, slots=True)
class Chart:
    """One drawn chart. `figure` is Plotly's {"data", "layout"}, None for an empty chart, whose reason is `why_empty`.

    `insight` is one sentence computed from the data, never more than its intervals support. `csv` is the header and the
    rows behind the marks. `also` are names other reports call this chart by. `points` leads from "curve/point" (of a
    heatmap "curve/row,column"), Plotly's curveNumber and pointNumber, to where a click goes.
    """

    id: str
    title: str
    insight: str = ""
    figure: dict[str, Any] | None = None
    why_empty: str = ""
    csv: list[list[Any]] = field(default_factory=list[list[Any]])
    also: tuple[str, ...] = ()
    points: Mapping[str, Target] = field(default_factory=dict[str, Target])

    @property
    def empty(self) -> bool:
        return self.figure is None

    def target(self, curve: int, point: int | tuple[int, int] | list[int]) -> Target | None:
        """Where a click on this mark leads, None for a mark that leads nowhere."""
        at = ",".join(map(str, point)) if isinstance(point, (tuple, list)) else str(point)
        return self.points.get(f"{curve}/{at}")
