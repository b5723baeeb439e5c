"""The form of a new dataset, and what comes of it: first rows, its cost where a teacher writes, the spec as a file."""

import gradio as gr

from studio.actions.dataset_form import QUOTAS
from studio.actions.datasets import COMMAND
from studio.deps import Deps
from studio.queries.choices import base_choices, task_choices
from studio.queries.dataset_offers import menu_rows, source_choices
from studio.tabs.data_outside import build_judge, build_offer, build_writer
from studio.tabs.data_parts import Parts, build_shares, view
from studio.views.markup import note

FILES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".gz")
PRESETS = ("95/5", "90/10", "80/10/10", "70/15/15")
POLICIES = [
    ("mask it", "mask"),
    ("refuse such rows", "refuse"),
    ("find it and say so", "find"),
    ("do not look", "off"),
]
BY = [("group: a recipe's posts stay together", "group"), ("date: train on what came before", "date")]
QUOTAS_INFO = {
    "group": "% of the rows; a recipe, a newsletter",
    "opening": "%; a text's first three words",
    "style": "%; empty: no limit",
    "slice": "%; empty: no limit",
}
OVERWRITES = "What is built. You may edit it here; a change in the form above writes it anew."


def build_start(deps: Deps) -> Parts:
    """The form of a new dataset on the left, what comes of it on the right."""
    with gr.Row(elem_id="tt-data-start"):
        with gr.Column(elem_id="tt-data-form", scale=2, min_width=320):
            parts = build_source(deps) | build_writer(deps, first_task(deps)) | build_recipe(deps) | build_judge(deps)
        with gr.Column(elem_id="tt-data-sample", scale=3, min_width=320):
            with gr.Row(elem_id="tt-data-go"):
                parts["look"] = gr.Button("Show first rows", elem_id="tt-data-look", scale=0, min_width=150)
                parts["make"] = gr.Button(
                    "Build dataset", variant="primary", elem_id="tt-data-make", scale=0, min_width=150
                )
            parts["said"] = view(elem_id="tt-data-said")
            parts |= build_offer()
            parts["sample"] = view(
                note("Show first rows makes ten rows as they will be, before anything is built."),
                elem_id="tt-data-rows10",
            )
            parts |= build_columns_table()
            parts |= build_advanced()
    return parts


def first_task(deps: Deps) -> str:
    tasks = task_choices(deps)
    return tasks[0][1] if tasks else ""


def build_source(deps: Deps) -> Parts:
    tasks, task = task_choices(deps), first_task(deps)
    kinds = source_choices(task, deps)
    parts: Parts = {
        "task": gr.Dropdown(tasks, value=task or None, label="Task", elem_id="tt-data-task"),
        "name": gr.Textbox("my-dataset", label="Name", info="a-z, 0-9, - and _", elem_id="tt-data-name"),
        "kind": gr.Dropdown(kinds, value=kinds[0][1] if kinds else None, label="Source", elem_id="tt-data-kind"),
    }
    with gr.Group(visible=False, elem_id="tt-data-file-box") as parts["file_box"]:
        parts["drop"] = gr.File(label="Drop a file", file_types=list(FILES), elem_id="tt-data-drop", height=120)
        parts["file"] = gr.Textbox(
            label="Or its path on this machine",
            interactive=deps.settings.allow_paths,
            elem_id="tt-data-file",
            info="Read from where it lies, a record at a time. The rows made of it are held in memory while they are "
            "checked, about 12 kB each: of a very large file, take a part (Source records)",
        )
    with gr.Group(visible=False, elem_id="tt-data-hub-box") as parts["hub_box"]:
        parts["dataset"] = gr.Textbox(
            label="Dataset id", placeholder="owner/name", elem_id="tt-data-hub",
            info="Or a folder of one on this machine" if deps.settings.allow_paths else None,
        )  # fmt: skip
        with gr.Row(elem_classes="tt-data-few"):
            parts["subset"] = gr.Textbox(label="Subset", placeholder="none", min_width=90, elem_id="tt-data-subset")
            parts["hub_split"] = gr.Textbox("train", label="Split", min_width=90, elem_id="tt-data-hub-split")
            parts["hub_slice"] = gr.Textbox(label="Slice", placeholder="0:1000", min_width=90, elem_id="tt-data-slice")
    parts["licence"] = gr.Textbox(
        label="Licence of the source", placeholder="CC-BY-4.0", visible=False, elem_id="tt-data-licence",
        info="Rows of an unknown licence are refused",
    )  # fmt: skip
    parts["rows"] = gr.Number(
        500, label="Source records", precision=0, minimum=0, elem_id="tt-data-rows", info="0: all of a file or dataset"
    )
    return parts


def build_columns_table() -> Parts:
    """The proposed columns, to be corrected and confirmed."""
    parts: Parts = {}
    with gr.Group(visible=False, elem_id="tt-data-columns") as parts["columns"]:
        parts["mapping"] = gr.Dataframe(
            headers=["field", "column", "rule"], type="array", datatype="str", column_count=3, interactive=True,
            label="Columns", elem_id="tt-data-mapping",
        )  # fmt: skip
        parts["encoding"] = gr.Textbox(
            "", visible=False, label="Encoding of the file", elem_id="tt-data-encoding",
            info="Not UTF-8. Correct it where letters are wrong, then Show first rows; confirmed with the columns",
        )  # fmt: skip
        parts["confirmed"] = gr.Checkbox(False, label="These columns are right", elem_id="tt-data-confirmed")
    return parts


def build_recipe(deps: Deps) -> Parts:
    """What is made of the source: shares, privacy, split, seed."""
    styles, slices = menu_rows(first_task(deps))
    parts: Parts = {
        "preset": gr.Dropdown(PRESETS, value="80/10/10", label="Split: train / dev / test", elem_id="tt-data-preset"),
        "personal": gr.Dropdown(POLICIES, value="mask", label="Personal data and secrets", elem_id="tt-data-personal"),
        "seed": gr.Number(7, label="Seed", precision=0, elem_id="tt-data-seed", info="The same seed, the same rows"),
    }
    parts |= build_held_out(deps)
    with gr.Accordion("Styles and slices", open=False, elem_classes="tt-fold", elem_id="tt-data-shares") as parts[
        "shares"
    ]:
        parts["posts"] = gr.Number(1, label="Posts per recipe", precision=0, minimum=1, elem_id="tt-data-posts")
        for name, one, rows in (("styles", "style", styles), ("slices", "slice", slices)):
            parts[name] = build_shares(name, one, rows)
    return parts


def build_held_out(deps: Deps) -> Parts:
    """What few datasets need: parts beside the three, a split by date, quotas, texts to keep out, the model that
    lengths are held against."""
    parts: Parts = {}
    with gr.Accordion(
        "Held-out parts, variety and length", open=False, elem_classes="tt-fold", elem_id="tt-data-held"
    ) as parts["held"]:
        parts["by"] = gr.Dropdown(BY, value="group", label="Split by", elem_id="tt-data-by")
        with gr.Row(elem_classes="tt-data-few"):
            for name, info in (("golden", "Rows; 0: none"), ("adversarial", "Rows of hard slices; 0: none")):
                parts[name] = gr.Number(
                    0, label=name.capitalize(), info=info, precision=0, minimum=0, min_width=120,
                    elem_id=f"tt-data-{name}",
                )  # fmt: skip
        for pair in (("group", "opening"), ("style", "slice")):
            with gr.Row(elem_classes="tt-data-few"):
                for name in pair:
                    parts[f"quota_{name}"] = gr.Textbox(
                        QUOTAS[name], label=f"Most of one {name}", info=QUOTAS_INFO[name], min_width=120,
                        elem_id=f"tt-data-quota-{name}",
                    )  # fmt: skip
        parts["protect"] = gr.Dropdown(
            [], value=[], multiselect=True, label="Repeat no text of",  # listed when the fold is opened
            allow_custom_value=True, visible=deps.settings.allow_paths, elem_id="tt-data-protect",
            info="Held-out rows of a version, documents of an evaluation, or the path of a file of rows",
        )  # fmt: skip
        parts["base"] = gr.Dropdown(
            [("none: tokens of the embedded model", ""), *base_choices(deps)], value="", label="For the model",
            allow_custom_value=deps.settings.allow_paths, elem_id="tt-data-base",
            info="Rows that are longer than it reads are refused, counted in its own tokens",
        )  # fmt: skip
    return parts


def build_advanced() -> Parts:
    """The spec as YAML, the command that does the same, and what Compare sent here."""
    parts: Parts = {}
    with gr.Accordion("Advanced: the spec as a file", open=False, elem_classes="tt-fold", elem_id="tt-data-advanced"):
        parts["yaml"] = gr.Code("", language="yaml", label="SPEC.yaml", lines=12, elem_id="tt-data-yaml")
        parts["written"] = gr.Textbox("", visible="hidden", label="Spec of the form", elem_id="tt-data-written")
        view(note(f"{OVERWRITES} Saved as SPEC.yaml, this command builds the same: {COMMAND}"))
    with gr.Accordion(
        "Rows sent from Compare, or mended", open=False, elem_classes="tt-fold", elem_id="tt-data-candidates"
    ) as parts["waiting"]:
        parts["waiting_said"] = view()
        parts["candidates"] = gr.CheckboxGroup(
            [], label="For evaluation, never for training; a mended row as it says", elem_id="tt-data-waiting"
        )
        parts["accept_licence"] = gr.Textbox(label="Licence of these texts", elem_id="tt-data-accept-licence")
        with gr.Row(elem_classes="tt-data-pick"):
            parts["accept"] = gr.Button("Add to the spec", size="sm", elem_id="tt-data-accept", scale=0)
            parts["forget"] = gr.Button(
                "Delete from this list", size="sm", variant="stop", elem_id="tt-data-forget", scale=0
            )
    return parts
