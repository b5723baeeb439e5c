"""The data tab's components: version and build on top, then one view at a time. Ids as in assets/studio.css."""

from typing import Any

import gradio as gr

from studio.actions.datasets import COMMAND, NOT_HERE, menu_rows, source_choices
from studio.deps import Deps
from studio.queries.choices import task_choices
from studio.views.markup import note

Parts = dict[str, Any]  # components by name; Any, since Gradio gives them their events at run time
FILES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".gz")
PRESETS = ("95/5", "90/10", "80/10/10", "70/15/15")
POLICIES = [
    ("mask it", "mask"),
    ("refuse such rows", "refuse"),
    ("find it and say so", "find"),
    ("do not look", "off"),
]
FORMS = [("chat messages", "chat"), ("prompt and completion", "completion"), ("instruction", "instruction"),
         ("rows as they are", "rows")]  # fmt: skip
NO_VERSION = note("There is no dataset version yet. Make one under New dataset: a preview first, then one click.")
SPACE = note(f"{NOT_HERE} The datasets that ship with the studio stand here, to be read.")
LATER = note("Choose a version above.")
OVERWRITES = "What is built. You may edit it here; a change in the form above writes it anew."


def view(value: str = "", **options: Any) -> gr.HTML:
    """A gr.HTML that shows a view as it is."""
    return gr.HTML(value, apply_default_css=False, padding=False, **options)


def plot(name: str) -> gr.Plot:
    return gr.Plot(show_label=False, container=False, visible=False, elem_id=f"tt-data-{name}", elem_classes="tt-plot")


def build_top(deps: Deps) -> Parts:
    """Which version is open, and the build under way."""
    parts: Parts = {}
    if deps.settings.space:
        view(SPACE, elem_id="tt-data-why")
    with gr.Row(elem_id="tt-data-bar"):
        parts["version"] = gr.Dropdown([], label="Dataset version", elem_id="tt-data-version", scale=0, min_width=360)
        parts["head"] = view("" if deps.settings.space else NO_VERSION, elem_id="tt-data-head")
    with gr.Row(elem_id="tt-data-job"):
        parts["job"] = view(elem_id="tt-data-progress")
        parts["stop"] = gr.Button(
            "Cancel build", size="sm", variant="stop", visible=False, elem_id="tt-data-stop", scale=0
        )
        parts["dismiss"] = gr.Button("Dismiss", size="sm", visible=False, elem_id="tt-data-dismiss", scale=0)
    parts["seen"] = gr.Textbox("", visible="hidden", elem_id="tt-data-seen", label="Build")
    parts["payload"] = gr.Textbox("", visible="hidden", elem_id="tt-data-payload", label="Download")
    return parts


def build_start(deps: Deps) -> Parts:
    """The form of a new dataset on the left, what comes of it on the right."""
    with gr.Row(elem_id="tt-data-start"):
        with gr.Column(elem_id="tt-data-form", scale=2, min_width=320):
            parts = build_source(deps) | build_columns() | build_recipe(deps)
        with gr.Column(elem_id="tt-data-sample", scale=3, min_width=320):
            with gr.Row(elem_id="tt-data-go"):
                parts["look"] = gr.Button("Show first rows", elem_id="tt-data-look", scale=0, min_width=150)
                parts["make"] = gr.Button(
                    "Build dataset", variant="primary", elem_id="tt-data-make", scale=0, min_width=150
                )
            parts["said"] = view(elem_id="tt-data-said")
            parts["sample"] = view(
                note("Show first rows makes ten rows as they will be, before anything is built."),
                elem_id="tt-data-rows10",
            )
            parts |= build_columns_table()
            parts |= build_advanced()
    return parts


def build_source(deps: Deps) -> Parts:
    tasks = task_choices(deps)
    task = tasks[0][1] if tasks else None
    kinds = source_choices(task or "", deps)
    parts: Parts = {
        "task": gr.Dropdown(tasks, value=task, label="Task", elem_id="tt-data-task"),
        "name": gr.Textbox("my-dataset", label="Name", info="a-z, 0-9, - and _", elem_id="tt-data-name"),
        "kind": gr.Dropdown(kinds, value=kinds[0][1] if kinds else None, label="Source", elem_id="tt-data-kind"),
    }
    with gr.Group(visible=False, elem_id="tt-data-file-box") as parts["file_box"]:
        parts["drop"] = gr.File(label="Drop a file", file_types=list(FILES), elem_id="tt-data-drop", height=120)
        parts["file"] = gr.Textbox(
            label="Or its path on this machine",
            interactive=deps.settings.allow_paths,
            elem_id="tt-data-file",
            info="A file of any size is read from where it lies",
        )
    with gr.Group(visible=False, elem_id="tt-data-hub-box") as parts["hub_box"]:
        parts["dataset"] = gr.Textbox(label="Dataset id", placeholder="owner/name", elem_id="tt-data-hub")
        parts["subset"] = gr.Textbox(label="Subset", placeholder="none", elem_id="tt-data-subset")
        parts["hub_split"] = gr.Textbox("train", label="Split", elem_id="tt-data-hub-split")
    parts["licence"] = gr.Textbox(
        label="Licence of the source", placeholder="CC-BY-4.0", visible=False, elem_id="tt-data-licence",
        info="Rows of an unknown licence are refused",
    )  # fmt: skip
    parts["rows"] = gr.Number(
        500, label="Source records", precision=0, minimum=0, elem_id="tt-data-rows", info="0: all of a file or dataset"
    )
    return parts


def build_columns() -> Parts:
    return {"encoding": gr.Textbox("", visible="hidden", label="Encoding", elem_id="tt-data-encoding")}


def build_columns_table() -> Parts:
    """The proposed columns, to be corrected and confirmed."""
    parts: Parts = {}
    with gr.Group(visible=False, elem_id="tt-data-columns") as parts["columns"]:
        parts["mapping"] = gr.Dataframe(
            headers=["field", "column", "rule"], type="array", datatype="str", column_count=3, interactive=True,
            label="Columns", elem_id="tt-data-mapping",
        )  # fmt: skip
        parts["confirmed"] = gr.Checkbox(False, label="These columns are right", elem_id="tt-data-confirmed")
    return parts


def build_recipe(deps: Deps) -> Parts:
    """What is made of the source: shares, privacy, split, seed."""
    task = next(iter(deps.packs), "")
    styles, slices = menu_rows(task)
    parts: Parts = {
        "preset": gr.Dropdown(PRESETS, value="80/10/10", label="Split: train / dev / test", elem_id="tt-data-preset"),
        "personal": gr.Dropdown(POLICIES, value="mask", label="Personal data and secrets", elem_id="tt-data-personal"),
        "seed": gr.Number(7, label="Seed", precision=0, elem_id="tt-data-seed", info="The same seed, the same rows"),
    }
    with gr.Accordion("Styles and slices", open=False, elem_classes="tt-fold", elem_id="tt-data-shares"):
        parts["posts"] = gr.Number(1, label="Posts per recipe", precision=0, minimum=1, elem_id="tt-data-posts")
        for name, one, rows in (("styles", "style", styles), ("slices", "slice", slices)):
            parts[name] = gr.Dataframe(
                rows, headers=[one, "share"], type="array", datatype=["str", "number"], column_count=2,
                interactive=True, label=name.capitalize(), elem_id=f"tt-data-{name}", visible=bool(rows),
            )  # fmt: skip
    return parts


def build_advanced() -> Parts:
    """The spec as YAML, the command that does the same, and what Compare sent here."""
    parts: Parts = {}
    with gr.Accordion("Advanced: the spec as a file", open=False, elem_classes="tt-fold", elem_id="tt-data-advanced"):
        parts["yaml"] = gr.Code("", language="yaml", label="SPEC.yaml", lines=12, elem_id="tt-data-yaml")
        view(note(f"{OVERWRITES} Saved as SPEC.yaml, this command builds the same: {COMMAND}"))
    with gr.Accordion(
        "Rows sent from Compare", open=False, elem_classes="tt-fold", elem_id="tt-data-candidates"
    ) as parts["waiting"]:
        parts["waiting_said"] = view()
        parts["candidates"] = gr.CheckboxGroup(
            [], label="For evaluation, never for training", elem_id="tt-data-waiting"
        )
        parts["accept_licence"] = gr.Textbox(label="Licence of these texts", elem_id="tt-data-accept-licence")
        parts["accept"] = gr.Button("Add to the spec as test rows", size="sm", elem_id="tt-data-accept", scale=0)
    return parts


def build_passed() -> Parts:
    """What the gates kept, and how the kept rows are spread."""
    parts: Parts = {"funnel_said": view(LATER), "funnel": plot("funnel"), "gate_notes": view()}
    with gr.Row(elem_id="tt-data-lengths"):
        for name in ("prompts", "answers"):
            with gr.Column(min_width=320):
                parts[f"{name}_said"] = view()
                parts[name] = plot(name)
    parts["spread"] = view()
    return parts


def build_refused(deps: Deps) -> Parts:
    """Refused rows by reason, and one of them to be mended."""
    parts: Parts = {}
    with gr.Row(elem_classes="tt-data-pick"):
        parts["gate"] = gr.Dropdown([], label="Reason", elem_id="tt-data-gate")
        parts["refused_page"] = gr.Number(1, label="Page", precision=0, minimum=1, elem_id="tt-data-refused-page")
    parts["refused"] = view(LATER, elem_id="tt-data-refused")
    with gr.Accordion("Mend a row", open=False, elem_classes="tt-fold", elem_id="tt-data-mend"):
        parts["mend_row"] = gr.Dropdown([], label="Refused row", elem_id="tt-data-mend-row")
        with gr.Row():
            parts["mend_text"] = gr.Textbox(label="Text", lines=10, max_lines=16, elem_id="tt-data-mend-text")
            parts["mend_answer"] = gr.Textbox(label="Answer", lines=10, max_lines=16, elem_id="tt-data-mend-answer")
        with gr.Row(elem_classes="tt-data-pick"):
            parts["check"] = gr.Button("Check again", size="sm", elem_id="tt-data-check", scale=0)
            parts["keep"] = gr.Button(
                "Keep for evaluation", size="sm", visible=not deps.settings.space, elem_id="tt-data-keep", scale=0
            )
        parts["mended"] = view(elem_id="tt-data-mended")
    return parts


def build_rows() -> Parts:
    """Rows by part and search, and one of them as tokens."""
    parts: Parts = {}
    with gr.Row(elem_classes="tt-data-pick"):
        parts["part"] = gr.Dropdown([], label="Part", elem_id="tt-data-part")
        parts["find"] = gr.Textbox(label="Find", placeholder="Words, a group or an id", elem_id="tt-data-find")
        parts["page"] = gr.Number(1, label="Page", precision=0, minimum=1, elem_id="tt-data-page")
    parts["found"] = view(LATER, elem_id="tt-data-found")
    with gr.Accordion("A row as the model reads it", open=False, elem_classes="tt-fold", elem_id="tt-data-tokens-box"):
        with gr.Row(elem_classes="tt-data-pick"):
            parts["row"] = gr.Dropdown([], label="Row", elem_id="tt-data-row")
            parts["show"] = gr.Button("Show tokens", size="sm", elem_id="tt-data-show", scale=0)
        parts["tokens"] = view(elem_id="tt-data-tokens")
    return parts


def build_leaks() -> Parts:
    return {"leaks": view(LATER, elem_id="tt-data-leaks"), "nearest": plot("nearest")}


def build_changes() -> Parts:
    """Another version beside this one."""
    parts: Parts = {}
    with gr.Row(elem_classes="tt-data-pick"):
        parts["other"] = gr.Dropdown([], label="Compare with", elem_id="tt-data-other")
    parts["changes"] = view(note("Choose an older version: what was added, removed and changed since."))
    return parts


def build_card(deps: Deps) -> Parts:
    """The card; export; rows taken out into a new version."""
    parts: Parts = {}
    with gr.Row(elem_classes="tt-data-pick", elem_id="tt-data-export"):
        parts["form"] = gr.Dropdown(FORMS, value="chat", label="Export as", elem_id="tt-data-form-of")
        parts["export_parts"] = gr.CheckboxGroup([], label="Parts", elem_id="tt-data-export-parts")
        parts["export"] = gr.Button("Save JSONL", size="sm", elem_id="tt-data-save", scale=0)
    with gr.Accordion(
        "Take rows out", open=False, elem_classes="tt-fold", visible=not deps.settings.space, elem_id="tt-data-out"
    ):
        parts["out_sources"] = gr.CheckboxGroup([], label="All rows of a source", elem_id="tt-data-out-sources")
        parts["out_ids"] = gr.Textbox(
            label="Rows by id", placeholder="ids, parted by spaces", elem_id="tt-data-out-ids"
        )
        parts["take_out"] = gr.Button(
            "Make a version without them", size="sm", variant="stop", elem_id="tt-data-take-out", scale=0
        )
    parts["card"] = gr.Markdown("", elem_id="tt-data-card", sanitize_html=True)
    return parts
