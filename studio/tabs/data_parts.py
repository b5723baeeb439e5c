"""The data tab's components: version and build on top, then one view at a time. Ids as in assets/studio.css."""

from typing import Any

import gradio as gr

from studio.actions.dataset_form import NOT_HERE
from studio.deps import Deps
from studio.views.markup import note

Parts = dict[str, Any]  # components by name; Any, since Gradio gives them their events at run time
FORMS = [("chat messages", "chat"), ("prompt and completion", "completion"), ("instruction", "instruction"),
         ("rows as they are", "rows")]  # fmt: skip
NO_VERSION = note("There is no dataset version yet. Make one under New dataset: a preview first, then one click.")
SPACE = note(f"{NOT_HERE} The datasets that ship with the studio stand here, to be read.")
LATER = note("Choose a version above.")


def view(value: str = "", **options: Any) -> gr.HTML:
    """A gr.HTML that shows a view as it is."""
    return gr.HTML(value, apply_default_css=False, padding=False, **options)


def plot(name: str) -> gr.Plot:
    return gr.Plot(show_label=False, container=False, visible=False, elem_id=f"tt-data-{name}", elem_classes="tt-plot")


def build_shares(name: str, one: str, rows: list[list[Any]], label: str = "") -> gr.Dataframe:
    """A table of names and their shares, out of sight where there are none."""
    return gr.Dataframe(
        rows, headers=[one, "share"], type="array", datatype=["str", "number"], column_count=2,
        interactive=True, label=label or name.capitalize(), elem_id=f"tt-data-{name}", visible=bool(rows),
    )  # fmt: skip


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
            parts["propose"] = gr.Button(
                "Take the judge's proposal", size="sm", visible=False, elem_id="tt-data-propose", scale=0
            )
            parts["check"] = gr.Button("Check again", size="sm", elem_id="tt-data-check", scale=0)
            parts["keep"] = gr.Button(
                "Keep for evaluation", size="sm", visible=not deps.settings.space, elem_id="tt-data-keep", scale=0
            )
            parts["give_back"] = gr.Button(
                "Keep as a row", size="sm", visible=not deps.settings.space, elem_id="tt-data-give-back", scale=0
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
    return paged("leaks") | {"nearest": plot("nearest")}


def paged(name: str) -> Parts:
    """A view that is read a page at a time."""
    with gr.Row(elem_classes="tt-data-pick"):
        page = gr.Number(1, label="Page", precision=0, minimum=1, elem_id=f"tt-data-{name}-page", scale=0)
    return {f"{name}_page": page, name: view(LATER, elem_id=f"tt-data-{name}")}


def build_changes() -> Parts:
    """Another version beside this one."""
    parts: Parts = {}
    with gr.Row(elem_classes="tt-data-pick"):
        parts["other"] = gr.Dropdown([], label="Compare with", elem_id="tt-data-other")
    older = note("Choose an older version: what was added, removed and changed since.")
    parts["changes"] = view(older, elem_id="tt-data-changes")
    return parts


def build_export(deps: Deps) -> Parts:
    """A file of rows; rows taken out into a new version."""
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
    return parts


def build_card(deps: Deps) -> Parts:
    """The spec of the version, to be read or built again with changes, and its card."""
    parts: Parts = {}
    with gr.Accordion("The spec it was built from", open=False, elem_classes="tt-fold", elem_id="tt-data-spec-box"):
        parts["spec"] = gr.Code("", language="yaml", label="spec.yaml", interactive=False, elem_id="tt-data-spec")
        parts["use_spec"] = gr.Button(
            "Use this spec for a new dataset", size="sm", visible=not deps.settings.space, elem_id="tt-data-use-spec",
            scale=0,
        )  # fmt: skip
    return parts | {"card": gr.Markdown("", elem_id="tt-data-card", sanitize_html=True)}
