"""The compare tab's main side: source, bar, answers and details. Components only; ids as in assets/studio.css."""

from typing import Any

import gradio as gr

from studio.deps import Deps
from studio.queries.choices import example_titles
from studio.settings import UPLOAD_SUFFIXES
from studio.tabs.compare_send import build_correct
from studio.tabs.compare_stage import empty_stage
from studio.tabs.compare_view import NOTHING
from studio.views.columns import pane_switch
from studio.views.context import context_empty
from studio.views.markup import note

Parts = dict[str, Any]  # components by name; Any, since Gradio gives them their events at run time


def view(value: str = "", **options: Any) -> gr.HTML:
    """A gr.HTML that shows a view as it is."""
    return gr.HTML(value, apply_default_css=False, padding=False, **options)


def build_source(deps: Deps) -> Parts:
    """Text box, file, address and examples on the left; what the model will see of it on the right."""
    parts: Parts = {}
    pack = next(iter(deps.packs.values()), None)
    with gr.Row(elem_id="tt-input"):
        with gr.Column(elem_id="tt-source-box", scale=3, min_width=300):
            parts["text"] = gr.Textbox(
                label="Source text",
                placeholder="Paste a text here, or drop a .txt, .md or .html file on it.",
                lines=8,
                max_lines=8,
                autofocus=True,
                elem_id="tt-source",
            )
            parts["examples"] = gr.Dataset(
                components=[gr.Textbox(visible=False)],
                samples=example_titles(pack),
                type="index",
                label="Or click an example",
                samples_per_page=20,
                elem_id="tt-examples",
            )
            with gr.Row(elem_id="tt-more"):
                parts["file"] = gr.UploadButton(
                    "Open a file", file_types=list(UPLOAD_SUFFIXES), size="sm", elem_id="tt-file", scale=0
                )
                allow = deps.settings.allow_url
                parts["url"] = gr.Textbox(
                    label="Address of a page", show_label=False, placeholder="https://", visible=allow,
                    elem_id="tt-url", scale=3, container=False,
                )  # fmt: skip
                parts["fetch"] = gr.Button("Fetch page", size="sm", visible=allow, elem_id="tt-fetch", scale=0)
            parts["origin"] = gr.Textbox("paste", visible="hidden", elem_id="tt-origin", label="Origin")
            parts["loaded"] = gr.Textbox("", visible="hidden", elem_id="tt-loaded", label="Base in memory")
        parts["preview"] = view(context_empty(), elem_id="tt-context")
    return parts


def build_bar() -> Parts:
    """The one primary action, its opposite, blind mode, and how fair the comparison is."""
    parts: Parts = {}
    with gr.Row(elem_id="tt-bar"):
        parts["run"] = gr.Button("Compare", variant="primary", elem_id="tt-run", scale=0, min_width=160)
        parts["cancel"] = gr.Button(
            "Cancel", variant="stop", interactive=False, elem_id="tt-cancel", scale=0, min_width=110
        )
        parts["blind"] = gr.Checkbox(False, label="Blind", elem_id="tt-blind", container=False, scale=0, min_width=80)
        parts["fit"] = gr.Button("", size="sm", visible=False, elem_id="tt-fit", scale=0)
        parts["fairness"] = view(elem_id="tt-fairness", elem_classes="tt-grow")
        parts["save_page"] = gr.Button("Save as page", size="sm", visible=False, elem_id="tt-save-page", scale=0)
        parts["fold"] = gr.Button("Hide text", size="sm", elem_id="tt-fold", scale=0)
    return parts


def offer_update(offer: int | None) -> Any:
    """The button that lowers the answer budget, on the page only where the chosen base has no room for a text."""
    if offer is None:
        return gr.update(visible=False)
    return gr.update(value=f"No room for a text: answer in at most {offer:,} tokens", visible=True)


def build_answers(deps: Deps) -> Parts:
    """Verdict, then one view at a time: the answers side by side, or what is to be known about them."""
    parts: Parts = {"verdict": view(elem_id="tt-verdict")}
    parts["comparison_id"] = gr.Textbox("", visible="hidden", elem_id="tt-id", label="Comparison")
    parts["payload"] = gr.Textbox("", visible="hidden", elem_id="tt-payload", label="Download")
    empty = empty_stage()
    with gr.Tabs(elem_id="tt-views"):
        with gr.Tab("Answers", elem_id="tt-view-answers"):
            view(pane_switch(), elem_id="tt-panes")
            with gr.Row(elem_id="tt-columns"):
                for i in range(4):
                    shown = i < len(empty)
                    parts[f"slot_{i}"] = view(empty[i] if shown else "", visible=shown, elem_classes="tt-slot")
        for name, label in (("differences", "What differs"), ("marks", "In the text"), ("seen", "What the model saw")):
            with gr.Tab(label, elem_classes="tt-view"):
                parts[name] = view(NOTHING.get(name) or note("After a run: the part of your text that was shown."))
        with gr.Tab("Receipt", elem_classes="tt-view"):
            parts["receipt"] = view(NOTHING["receipt"])
            parts |= build_exports(deps)
    with gr.Row(visible=False, elem_id="tt-votes") as parts["votes"]:
        for choice, label in (("left", "Left is better"), ("tie", "Tie"), ("right", "Right is better")):
            parts[f"vote_{choice}"] = gr.Button(label, elem_id=f"tt-vote-{choice}")
        parts["vote_reveal"] = gr.Button("Reveal without voting", elem_id="tt-vote-reveal")
    return parts


def build_exports(deps: Deps) -> Parts:
    """What can be done with a finished comparison; what is kept needs a home, so a Space offers none of it."""
    parts: Parts = {}
    at_home = not deps.settings.space
    with gr.Row(visible=False, elem_id="tt-exports") as parts["exports"]:
        parts["copy_receipt"] = gr.Button("Copy receipt", size="sm", elem_id="tt-copy-receipt", scale=0)
        parts["save_receipt"] = gr.Button("Save receipt", size="sm", elem_id="tt-save-receipt", scale=0)
        parts["save_json"] = gr.Button("Save as JSON", size="sm", elem_id="tt-save-json", scale=0)
        parts["answer"] = gr.Dropdown(
            [], label="Right answer", show_label=False, container=False, visible=at_home, elem_id="tt-answer", scale=0,
            min_width=180,
        )  # fmt: skip
        parts["send"] = gr.Button("Send to a dataset", size="sm", visible=at_home, elem_id="tt-send", scale=0)
        parts["delete"] = gr.Button("Delete", size="sm", variant="stop", elem_id="tt-delete", scale=0)
    return parts | build_correct() | {"sent": view(elem_id="tt-sent")}
