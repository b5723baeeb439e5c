"""The evaluate tab's components: what is open and its verdict on top, then one view at a time. Ids as in
assets/studio.css; a chart is its words and its plot, named by the catalogue."""

from typing import Any

import gradio as gr

from studio.deps import Deps
from studio.queries import evaluation_charts as charts
from studio.queries import evaluation_files as files
from studio.views import eval_docs, eval_head
from studio.views.markup import note

Parts = dict[str, Any]  # components by name; Any, since Gradio gives them their events at run time
TIERS = [("strict", "strict"), ("usable", "usable"), ("repaired", "repaired")]
VIEWS = {
    "overview": "Overview", "fields": "Fields", "grounding": "Grounding", "slices": "Slices",
    "text": "Text & relevance", "speed": "Speed", "judge": "Judge", "documents": "Documents", "errors": "Errors",
    "gates": "Gates", "leaderboard": "Leaderboard", "metrics": "Metrics", "receipt": "Receipt",
}  # fmt: skip
TABLES = {  # view -> the HTML parts above its charts
    "overview": ("scorecard",), "fields": ("fields_table",), "grounding": ("grounding_table",),
    "slices": ("slices_table",), "text": ("text_table",), "speed": ("speed_table",), "judge": ("judged",),
    "documents": (), "errors": ("clusters",), "gates": ("gates",), "leaderboard": ("board",), "metrics": (),
    "receipt": ("receipt",),
}  # fmt: skip
MORE = {  # view -> its other parts
    "overview": ("every",),
    "documents": ("metric", "slice", "style", "cluster", "find_doc", "page", "cells", "listed", "document", "filtered"),
    "metrics": ("page_pick", "page_text"),
}
TABLE_FIRST = ("overview", "judge", "gates", "leaderboard")
ASKS = ("cell", "doc", "cluster", "slice", "metric", "open", "save", "spec", "point")
FILES = (("report", "Report (HTML)"), ("card", "Model card"), ("summary", "summary.json"), ("figures", "Figures (CSV)"))
LATER = note("Choose an evaluation above.")


def chart_parts(view: str) -> tuple[str, ...]:
    return tuple(part for spec in charts.charts_in(view) for part in (f"said_{spec.id}", f"plot_{spec.id}"))


def parts_of(view: str) -> tuple[str, ...]:
    """The names of everything that a view shows."""
    return (*TABLES[view], *MORE.get(view, ()), *chart_parts(view))


EVERY = tuple(name for view in VIEWS for name in parts_of(view))


def view(value: str = "", **options: Any) -> gr.HTML:
    """A gr.HTML that shows a view as it is."""
    return gr.HTML(value, apply_default_css=False, padding=False, **options)


def hidden(name: str, label: str) -> gr.Textbox:
    return gr.Textbox("", visible="hidden", elem_id=f"tt-eval-{name}", label=label)


def build_top(deps: Deps) -> Parts:
    """Which evaluation, how it stands, what it says, and which two arms are compared."""
    parts: Parts = {name: hidden(name, name) for name in ("chosen", "now", "seen", "asked", "news", "payload")}
    parts |= {f"ask_{kind}": hidden(f"ask-{kind}", f"ask {kind}") for kind in ASKS}
    parts["why"] = view(note(eval_head.SPACE) if deps.settings.space else "", elem_id="tt-eval-why")
    with gr.Row(elem_id="tt-eval-bar"):
        parts["pick"] = gr.Dropdown([], label="Evaluation", elem_id="tt-eval-pick", scale=0, min_width=360)
        parts["facts"] = view(elem_id="tt-eval-facts")
        for name, label in (("cancel", "Cancel"), ("again", "Go on"), ("forget", "Delete")):
            parts[name] = gr.Button(
                label, size="sm", variant="stop" if name == "forget" else "secondary", visible=False,
                elem_id=f"tt-eval-{name}", scale=0,
            )  # fmt: skip
        parts["new"] = gr.Button(
            "New evaluation", size="sm", visible=not deps.settings.space, elem_id="tt-eval-new", scale=0
        )
    parts["progress"] = view(elem_id="tt-eval-progress")
    return parts


def build_verdict(deps: Deps) -> Parts:
    """The sentence, then what it is a sentence about."""
    empty = eval_head.SPACE_EMPTY if deps.settings.space else eval_head.EMPTY
    parts: Parts = {"verdict": view(note(empty), elem_id="tt-eval-verdict")}
    found = [*charts.search_choices(), *((f"metric: {label}", f"page:{name}") for label, name in files.page_choices())]
    with gr.Row(elem_id="tt-eval-pair") as parts["pair"]:
        parts["a"] = gr.Dropdown([], label="Compare", elem_id="tt-eval-a", scale=0, min_width=200)
        parts["b"] = gr.Dropdown([], label="with", elem_id="tt-eval-b", scale=0, min_width=200)
        parts["tier"] = gr.Radio(TIERS, value="strict", label="Answers that count", elem_id="tt-eval-tier", scale=0)
        parts["find"] = gr.Dropdown(found, value=None, label="Find a chart or a metric", elem_id="tt-eval-find")
    return parts


def build_views(deps: Deps) -> Parts:
    """One tab a view."""
    parts: Parts = {}
    with gr.Tabs(elem_id="tt-eval-views", selected="overview") as parts["views"]:
        for name, label in VIEWS.items():
            with gr.Tab(label, id=name, elem_id=f"tt-eval-view-{name}", elem_classes="tt-view") as parts[f"tab_{name}"]:
                parts |= BUILD[name](deps, name) if name in BUILD else build_plain(deps, name)
    return parts


def build_plain(deps: Deps, name: str) -> Parts:
    """What is seen at once, then the table: charts first where the table is long."""
    if name in TABLE_FIRST:
        return build_tables(name) | build_charts(name)
    return build_charts(name) | build_tables(name)


def build_tables(name: str) -> Parts:
    return {table: view(LATER, elem_id=f"tt-eval-{table.replace('_', '-')}") for table in TABLES[name]}


def build_overview(deps: Deps, name: str) -> Parts:
    parts = build_plain(deps, name)
    with gr.Accordion("Every metric of every arm", open=False, elem_classes="tt-fold", elem_id="tt-eval-every-box"):
        parts["every"] = view(elem_id="tt-eval-every")
    return parts


def build_charts(name: str) -> Parts:
    """Two columns of charts where there is room."""
    parts: Parts = {}
    with gr.Row(elem_classes="tt-charts"):
        for spec in charts.charts_in(name):
            with gr.Column(min_width=320, elem_classes="tt-chart-box", elem_id=f"tt-chart-{spec.id}"):
                parts[f"said_{spec.id}"] = view()
                parts[f"plot_{spec.id}"] = gr.Plot(
                    show_label=False, container=False, visible=False, elem_id=f"tt-plot-{spec.id}",
                    elem_classes="tt-chart",
                )  # fmt: skip
    return parts


def build_documents(deps: Deps, name: str) -> Parts:
    """The 2x2 and its filters, the list, the chosen document."""
    parts: Parts = {}
    with gr.Row(elem_id="tt-eval-explorer"):
        with gr.Column(min_width=300, scale=0, elem_id="tt-eval-by"):
            parts["metric"] = gr.Dropdown([], label="Judged by", elem_id="tt-eval-metric")
            parts["cells"] = view(elem_id="tt-eval-cells")
        with gr.Column(min_width=320, elem_id="tt-eval-list-box"):
            with gr.Row(elem_id="tt-eval-filters"):
                for part, label in (("slice", "Slice"), ("style", "Style"), ("cluster", "Error")):
                    parts[part] = gr.Dropdown([("all", "")], value="", label=label, elem_id=f"tt-eval-{part}")
                parts["find_doc"] = gr.Textbox(label="Id", placeholder="part of it", elem_id="tt-eval-find-doc")
                parts["page"] = gr.Number(1, label="Page", precision=0, minimum=1, elem_id="tt-eval-page")
            parts["filtered"] = view(elem_id="tt-eval-filtered")
            parts["listed"] = view(LATER, elem_id="tt-eval-listed")
    parts |= build_charts(name)
    parts["document"] = view(eval_docs.LATER, elem_id="tt-eval-document")
    return parts


def build_errors(deps: Deps, name: str) -> Parts:
    """Clusters, the chart, and the spec that a click makes."""
    parts: Parts = {"clusters": view(LATER, elem_id="tt-eval-clusters")}
    with gr.Column(visible=False, elem_id="tt-eval-spec-box") as parts["spec_box"]:
        parts["spec_said"] = view(elem_id="tt-eval-spec-said")
        parts["spec"] = gr.Code("", language="yaml", label="SPEC.yaml", lines=10, elem_id="tt-eval-spec")
        with gr.Row(elem_classes="tt-data-pick"):
            parts["spec_save"] = gr.Button("Save SPEC.yaml", size="sm", elem_id="tt-eval-spec-save", scale=0)
            parts["spec_build"] = gr.Button(
                "Build this dataset", size="sm", variant="primary", elem_id="tt-eval-spec-build", scale=0
            )
        parts["spec_built"] = view(elem_id="tt-eval-spec-built")
    return parts | build_charts(name)


def build_metrics(deps: Deps, name: str) -> Parts:
    return {
        "page_pick": gr.Dropdown(files.page_choices(), value=None, label="Metric", elem_id="tt-eval-page-pick"),
        "page_text": gr.Markdown("", elem_id="tt-eval-page-text", sanitize_html=True),
    }


def build_receipt(deps: Deps, name: str) -> Parts:
    """What to take away, then what decided the figures."""
    parts: Parts = {}
    with gr.Row(elem_classes="tt-data-pick", elem_id="tt-eval-saves"):
        for what, label in FILES:
            parts[f"file_{what}"] = gr.Button(label, size="sm", elem_id=f"tt-eval-file-{what}", scale=0)
        parts["frames"] = gr.Button("Frames (Parquet)", size="sm", elem_id="tt-eval-frames", scale=0)
    parts["files"] = gr.File(label="Frames", visible=False, interactive=False, elem_id="tt-eval-files")
    return parts | build_plain(deps, name)


BUILD: dict[str, Any] = {
    "overview": build_overview, "documents": build_documents, "errors": build_errors, "metrics": build_metrics,
    "receipt": build_receipt,
}  # fmt: skip
