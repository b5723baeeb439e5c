"""The views of an evaluation, each made from figures that are there already; frames only where documents are shown."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components.plot import PlotData

from studio.deps import Deps
from studio.queries import evaluation_board as boards
from studio.queries import evaluation_charts as charts
from studio.queries import evaluation_docs as docs
from studio.queries import evaluation_errors as errors
from studio.queries import evaluation_files as files
from studio.queries import evaluation_metrics as metrics
from studio.queries import evaluations as queries
from studio.queries.evaluations import Aggregates, Pair
from studio.views import eval_charts, eval_docs, eval_judge, eval_reports
from studio.views import eval_tables as tables
from studio.views.looks import ArmLook
from studio.views.markup import each, note
from training.task.pack import Pack

TWO_ARMS = note("One arm alone is compared with nothing: evaluate again with a second one.")
CONFIG = {"displayModeBar": False, "displaylogo": False, "scrollZoom": False}


@dataclass(frozen=True, slots=True)
class Look:
    """What a view is made of: an evaluation, the two arms compared, the tier that counts, each arm's colour."""

    deps: Deps
    chosen: str
    folder: Path
    found: Aggregates
    pack: Pack
    pair: Pair | None
    tier: str
    looks: Mapping[str, ArmLook]
    asked: str = ""

    @property
    def sides(self) -> list[ArmLook]:
        return [self.looks[arm] for arm in self.pair or ()]


def chart_values(look: Look, view: str) -> dict[str, Any]:
    """Every chart of a view: its words and its plot."""
    made: dict[str, Any] = {}
    for spec in charts.charts_in(view):
        chart = charts.drawn(look.found, spec.id, look.pair, look.tier)
        data = queries.record({**_fields(chart), "points": {}})
        made[f"said_{spec.id}"] = eval_charts.chart_head(data)
        made[f"plot_{spec.id}"] = plotted(chart.figure)
    return made


def _fields(chart: Any) -> dict[str, Any]:
    return {name: getattr(chart, name) for name in ("id", "title", "insight", "figure", "why_empty", "also")}


def plotted(figure: Mapping[str, Any] | None) -> Any:
    """Plotly's JSON as it is, without its own toolbar: downloads stand beside the title."""
    if figure is None:
        return gr.update(value=None, visible=False)
    text = json.dumps({**figure, "config": CONFIG})
    return gr.update(value=PlotData(type="plotly", plot=text), visible=True)


def scorecard(look: Look, groups: Sequence[str]) -> str:
    found = metrics.lines(look.found, look.pack, look.tier, look.pair, groups)
    return tables.scorecard(found, look.looks, look.pair or (), grouped=len(groups) > 1)


def overview(look: Look) -> dict[str, Any]:
    every = metrics.lines(look.found, look.pack, look.tier, look.pair)
    wanted = metrics.headline(look.pack)
    first = [line for line in every if line.primary or line.metric.name in wanted]
    card = tables.scorecard(first, look.looks, look.pair or (), grouped=False)
    whole = tables.scorecard(every, look.looks, look.pair or ())
    return {"scorecard": card, "every": whole, **chart_values(look, "overview")}


def plain(view: str, part: str, *groups: str) -> Callable[[Look], dict[str, Any]]:
    """A table of some groups of metrics, then the view's charts."""

    def made(look: Look) -> dict[str, Any]:
        return {part: scorecard(look, groups), **chart_values(look, view)}

    return made


def fields(look: Look) -> dict[str, Any]:
    """How right each field is, then in which way it breaks the contract."""
    every = metrics.lines(look.found, look.pack, look.tier, look.pair, ("content", "form"))
    found = [line for line in every if line.metric.group == "content" or metrics.of_field(line.metric)]
    card = tables.scorecard(found, look.looks, look.pair or ())
    return {"fields_table": card, **chart_values(look, "fields")}


def slices(look: Look) -> dict[str, Any]:
    metric = metrics.primary_of(look.found, look.pack)
    rows = queries.slice_rows(look.found, metric.name, look.pair)
    table = tables.slices_table(rows, metric, look.looks, look.pair) if look.pair else TWO_ARMS
    return {"slices_table": table, **chart_values(look, "slices")}


def judge(look: Look) -> dict[str, Any]:
    found = files.judge(look.deps, look.chosen)
    ships = queries.ships(look.deps, look.chosen)
    data = queries.record(found) if found else None
    shown = eval_judge.judge_html(data, look.looks, str(look.folder.name), ships=ships)
    if found is None:  # said once, with what to do; an empty chart would say it again
        return {"judged": shown, "said_judge": "", "plot_judge": plotted(None)}
    return {"judged": shown, **chart_values(look, "judge")}


def gates(look: Look) -> dict[str, Any]:
    if look.pair is None:
        return {"gates": TWO_ARMS}
    found = files.gates(look.deps, look.chosen, look.pair)
    return {"gates": eval_reports.gates_html(queries.record(found), look.sides[1])}


def leaderboard(look: Look) -> dict[str, Any]:
    found = boards.board(look.deps, look.chosen, look.tier)
    shown = eval_reports.board_html(
        queries.record(found) if found else None, found.metric if found else None, look.chosen
    )
    return {"board": shown, **chart_values(look, "leaderboard")}


def clusters(look: Look) -> dict[str, Any]:
    if look.pair is None:
        return {"clusters": TWO_ARMS, **chart_values(look, "errors")}
    found, total = errors.clusters(look.folder, look.pair, look.pack)
    writable = not look.deps.settings.space
    shown = eval_reports.clusters_html(queries.record(found), total, look.sides, writable=writable)
    return {"clusters": shown, **chart_values(look, "errors")}


def receipt(look: Look) -> dict[str, Any]:
    shown = eval_reports.receipt_html(queries.manifest(look.deps, look.chosen))
    return {"receipt": shown, **chart_values(look, "receipt")}


def metric_page(look: Look | None, name: str = "") -> dict[str, Any]:
    """The page of a metric, or of the evaluation's primary one, or the first there is."""
    pages = files.pages()
    asked = name or (metrics.primary_of(look.found, look.pack).name if look else "")
    page = (files.page_named(asked) if asked else None) or (pages[0] if pages and not name else None)
    return {
        "page_pick": gr.update(choices=files.page_choices(), value=page.name if page else None),
        "page_text": files.page_markdown(page) if page else "No metric is explained here yet.",
    }


def documents(look: Look) -> dict[str, Any]:
    """The 2x2, a page of the list, and the document that was chosen."""
    if look.pair is None:
        return {"listed": TWO_ARMS, "cells": "", "document": "", "filtered": "", **chart_values(look, "documents")}
    asked = docs.asked_of(look.asked)
    offered = metrics.choices(look.found, look.pack)
    names = [name for _, name in offered]
    primary = metrics.primary_of(look.found, look.pack).name
    name = next((one for one in (asked.metric, primary, *names) if one in names), primary)
    metric = metrics.metric_of(look.pack, name)
    found = docs.documents(look.folder, look.pair, metric, look.tier, asked)
    titles = {tag: errors.title_of(tag, look.pack) for tag, _ in found.choices["cluster"]}
    cells = eval_docs.cells_html(found.cells, found.cell, look.sides, docs.right_words(metric), found.left_out,
                                sizes=docs.is_size(metric))  # fmt: skip
    return {
        "metric": gr.update(choices=offered, value=name),
        "cells": cells,
        **{part: _filter(part, found.choices[part], getattr(asked, part), titles) for part in found.choices},
        "find_doc": asked.find,
        "page": gr.update(value=min(asked.page, found.pages), maximum=found.pages, label=f"Page, of {found.pages:,}"),
        "filtered": eval_charts.found_words(asked.words),
        "listed": eval_docs.list_html(queries.record(rows_of(found)), metric, look.sides, titles, found.total),
        "document": document(look, asked),
        **chart_values(look, "documents"),
    }


def rows_of(found: docs.Found) -> list[dict[str, Any]]:
    return [doc._asdict() for doc in found.listed]


def _filter(part: str, found: Sequence[tuple[str, int]], value: str, titles: Mapping[str, str]) -> Any:
    offered = [(f"{titles.get(name, name) if part == 'cluster' else name} ({count:,})", name) for name, count in found]
    known = value if any(name == value for name, _ in found) else ""
    return gr.update(choices=[("all", ""), *offered], value=known, visible=bool(found))


def document(look: Look, asked: docs.Asked) -> str:
    """The chosen document with its answers, or what will be there."""
    if not asked.doc or look.pair is None:
        return eval_docs.LATER
    found = docs.one_document(look.folder, look.pack, asked.doc, look.pair, look.tier)
    arms = [look.looks[arm["generation"]["arm"]["label"]] for arm in found.arms]
    data = queries.record(found)
    data["diffs"] = found.diffs
    return each([eval_docs.document_html(data, arms, look.pack)])


MAKERS: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "overview": overview,
    "fields": fields,
    "grounding": plain("grounding", "grounding_table", "grounding"),
    "slices": slices,
    "text": plain("text", "text_table", "relevance", "text"),
    "speed": plain("speed", "speed_table", "speed"),
    "judge": judge,
    "documents": documents,
    "errors": clusters,
    "gates": gates,
    "leaderboard": leaderboard,
    "metrics": metric_page,
    "receipt": receipt,
}
