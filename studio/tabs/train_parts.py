"""The train tab's components: the form on the left, queue, runs and the chosen run on the right. Ids as in
assets/studio.css; the form's fields are RunConfig's, each made from what the config says of it."""

from typing import Any, Literal

import gradio as gr

from studio.actions.run_form import SHOWN, values_of
from studio.deps import Deps
from studio.queries import run_choices as offer
from studio.queries.choices import task_choices
from studio.views import runs as views
from studio.views.markup import note
from studio.views.run_form import NO_TOKENS, NOT_CHECKED, info_of, label_of, preset_html

Parts = dict[str, Any]  # components by name; Any, since Gradio gives them their events at run time
FIELD = "field_"  # prefix of the form's parts, so that a field's name is never another part's
FORM = tuple(f"{FIELD}{name}" for name in SHOWN)
SPACE = (
    "Training needs your own machine: on this Space nothing is kept and nothing runs for long. Run the studio at home; "
    "with the embedded model a run takes about two minutes on two processor cores, offline."
)
NO_DATA = (
    "No dataset is chosen, and a run learns from nothing else. Choose a version above, or make one in the Data tab: it "
    "then stands in this list."
)
OPEN = ("task", "dataset", "base", "max_steps", "rank", "grad_accumulation", "learning_rate", "method")
GROUPS = {
    "main": "How much at a time",
    "length": "Length of rows",
    "learning": "How it learns",
    "watching": "What is watched and saved",
    "machine": "Machine",
    "what": "Name and version",
}
BUTTONS: tuple[tuple[str, str, Literal["primary", "secondary", "stop"]], ...] = (  # name, label, look
    ("earlier", "Earlier", "secondary"),
    ("later", "Later", "secondary"),
    ("cancel", "Take out of the queue", "secondary"),
    ("stop", "Stop and save", "secondary"),
    ("kill", "End now", "stop"),
    ("resume", "Resume", "secondary"),
    ("compare", "Open in Compare", "primary"),
    ("clone", "Clone with changes", "secondary"),
    ("delete", "Delete", "stop"),
)
ADVISED = tuple(f"advised_{place}" for place in range(8))  # a button for each change that would help, none has more
CHARTS = ("loss", "speed", "rate", "memory")


def view(value: str = "", **options: Any) -> gr.HTML:
    """A gr.HTML that shows a view as it is."""
    return gr.HTML(value, apply_default_css=False, padding=False, **options)


def plot(name: str) -> gr.Plot:
    return gr.Plot(show_label=False, container=False, visible=False, elem_id=f"tt-train-{name}", elem_classes="tt-plot")


def hidden(name: str, label: str) -> gr.Textbox:
    return gr.Textbox("", visible="hidden", elem_id=f"tt-train-{name}", label=label)


def build_form(deps: Deps) -> Parts:
    """What to train: preset, the four knobs with their words, the rest under Advanced; then check and start."""
    first = offer.first_config(deps)
    values = dict(zip(SHOWN, values_of(first.config), strict=True))
    parts: Parts = {"nonce": hidden("nonce", "Form"), "checked": hidden("checked", "Kept check")}
    parts[f"{FIELD}task"] = field(deps, "task", values)
    parts[f"{FIELD}dataset"] = field(deps, "dataset", values)
    parts |= build_lead(visible=not values["dataset"] and not deps.settings.space)
    parts[f"{FIELD}base"] = field(deps, "base", values)
    parts["preset"] = gr.Dropdown(
        offer.preset_choices(deps),
        value=first.preset,
        label="Preset",
        elem_id="tt-train-preset",
        info="A whole recipe: what it does not name of how a run learns goes back to its default.",
    )
    parts["when"] = view(preset_html(_when(deps, first.preset)), elem_id="tt-train-when")
    with gr.Row(elem_id="tt-train-knobs"):
        for name in ("rank", "max_steps", "grad_accumulation", "learning_rate"):
            parts[FIELD + name] = field(deps, name, values)
    parts[f"{FIELD}method"] = field(deps, "method", values)
    with gr.Accordion("Advanced", open=False, elem_classes="tt-fold", elem_id="tt-train-advanced"):
        for group, title in GROUPS.items():
            names = [name for name in SHOWN if name not in OPEN and offer.FIELDS[name].metadata["group"] == group]
            view(f'<h4 class="tt-subhead">{title}</h4>')
            parts |= {FIELD + name: field(deps, name, values) for name in names}
    parts["problems"] = view(elem_id="tt-train-problems")
    return parts | build_go(deps)


def build_lead(*, visible: bool) -> Parts:
    """Where a dataset comes from, for as long as none is chosen."""
    parts: Parts = {}
    with gr.Column(visible=visible, elem_id="tt-train-lead") as parts["lead"]:
        view(note(NO_DATA))
        parts["to_data"] = gr.Button("Make a dataset in Data", size="sm", elem_id="tt-train-to-data", scale=0)
    return parts


def _when(deps: Deps, preset: str) -> dict[str, str] | None:
    found = offer.preset_of(deps, preset)
    return {"when": found.when} if found else None


def build_go(deps: Deps) -> Parts:
    """Check, start, and the command that does the same."""
    at_home = not deps.settings.space
    parts: Parts = {}
    with gr.Row(elem_id="tt-train-go"):
        parts["check"] = gr.Button("Check first", visible=at_home, elem_id="tt-train-check", scale=0, min_width=120)
        parts["start"] = gr.Button(
            "Start", variant="primary", visible=at_home, elem_id="tt-train-start", scale=0, min_width=140
        )
    parts["filled"] = view(elem_id="tt-train-filled")
    parts["preflight"] = view(note(NOT_CHECKED) if at_home else "", elem_id="tt-train-preflight")
    with gr.Accordion(
        "Two rows as they are learned",
        open=False,
        visible=at_home,
        elem_classes="tt-fold",
        elem_id="tt-train-tokens-box",
    ):
        parts["tokens"] = view(note(NO_TOKENS), elem_id="tt-train-tokens")
    parts["command"] = gr.Textbox(
        label="The same from a terminal", interactive=False, lines=2, max_lines=8, buttons=["copy"],
        elem_id="tt-train-command",
    )  # fmt: skip
    return parts


def field(deps: Deps, name: str, values: dict[str, Any]) -> Any:
    """One field of RunConfig as the component that fits its type."""
    facts, value = offer.FIELDS[name].metadata, values[name]
    common: dict[str, Any] = {
        "value": None if name == "dataset" and not value else value,
        "label": label_of(name),
        "info": info_of(facts["about"], facts["unit"], facts["off"]),
        "elem_id": f"tt-train-{name.replace('_', '-')}",
    }
    if name == "task":
        return gr.Dropdown(task_choices(deps), **common)
    if name == "dataset":
        return gr.Dropdown(offer.dataset_choices(deps, values["task"]), **common)
    if name == "base":
        return gr.Dropdown(offer.base_choices(deps), allow_custom_value=deps.settings.allow_paths, **common)
    if name == "report_to":
        return gr.CheckboxGroup(list(facts["choices"]), **common)
    if facts["choices"]:
        return gr.Dropdown(list(facts["choices"]), **common)
    if isinstance(value, bool):
        return gr.Checkbox(**common)
    if isinstance(value, int | float):
        return gr.Number(**common)  # no precision: it would round what was typed, where the form says what is wrong
    return gr.Textbox(**common)


def build_runs(deps: Deps) -> Parts:
    """Queue and list side by side."""
    parts: Parts = {name: hidden(name, name) for name in ("chosen", "seen")}
    with gr.Row(elem_id="tt-train-top"):
        with gr.Column(min_width=280, elem_id="tt-train-queue-box"):
            view('<h3 class="tt-subhead">Queue</h3>')
            parts["queue"] = view(note(views.EMPTY_QUEUE), elem_id="tt-train-queue")
        with gr.Column(min_width=320, scale=2, elem_id="tt-train-list-box"):
            parts["search"] = gr.Textbox(
                label="Runs", placeholder="Search names, tags, notes, settings", elem_id="tt-train-search"
            )
            parts["pick"] = gr.Radio([], label="Runs", show_label=False, container=False, elem_id="tt-train-pick")
            parts["none"] = view(note(views.EMPTY_RUNS), elem_id="tt-train-none")
    return parts


def build_run(deps: Deps) -> Parts:
    """The chosen run: how it stands, what can be done, and one view of it at a time."""
    parts: Parts = {}
    with gr.Column(elem_id="tt-train-run"):  # not seen while its head is empty, see assets/studio.css
        parts["head"] = view(elem_id="tt-train-head")
        parts["failure"] = view(elem_id="tt-train-failure")
        with gr.Row(elem_id="tt-train-advice"):
            for place, name in enumerate(ADVISED):
                parts[name] = gr.Button(size="sm", visible=False, elem_id=f"tt-train-advised-{place}", scale=0)
        with gr.Row(elem_id="tt-train-acts"):
            for name, label, look in BUTTONS:
                parts[name] = gr.Button(
                    label, size="sm", variant=look, visible=False, elem_id=f"tt-train-{name}", scale=0
                )
        with gr.Tabs(elem_id="tt-train-views"):
            with gr.Tab("Curves", elem_classes="tt-view"):
                parts |= build_curves()
            with gr.Tab("Samples", elem_classes="tt-view"):
                parts["samples"] = view(elem_id="tt-train-samples")
            with gr.Tab("Scores", elem_classes="tt-view"):
                parts["scores"] = view(elem_id="tt-train-scores")
                parts["scores_plot"] = plot("scores-plot")
            with gr.Tab("Beside another", elem_classes="tt-view"):
                parts["other"] = gr.Dropdown([], label="Another run", elem_id="tt-train-other")
                parts["both"] = view(elem_id="tt-train-both")
                parts["both_plot"] = plot("both-plot")
            with gr.Tab("Settings and notes", elem_classes="tt-view"):
                parts |= build_notes(deps)
            with gr.Tab("Log", elem_classes="tt-view"):
                parts["log"] = view(elem_id="tt-train-log")
    return parts


def build_curves() -> Parts:
    parts: Parts = {"loss_said": view(elem_id="tt-train-loss-said"), "loss": plot("loss")}
    parts["beside"] = gr.Dropdown(
        [], multiselect=True, max_choices=5, label="Earlier runs beside it", elem_id="tt-train-beside"
    )
    parts["small_said"] = view(elem_id="tt-train-small-said")
    with gr.Row(elem_id="tt-train-small"):
        for name in CHARTS[1:]:
            with gr.Column(min_width=240):
                parts[name] = plot(name)
    return parts


def build_notes(deps: Deps) -> Parts:
    writable = not deps.settings.space
    parts: Parts = {
        "tags": gr.Textbox(label="Tags", placeholder="parted by spaces", interactive=writable, elem_id="tt-train-tags"),
        "text": gr.Textbox(label="Notes", lines=3, interactive=writable, elem_id="tt-train-text"),
    }
    with gr.Row(elem_classes="tt-data-pick"):
        parts["write"] = gr.Button("Keep notes", size="sm", visible=writable, elem_id="tt-train-write", scale=0)
        parts["written"] = view(elem_id="tt-train-written")
    parts["same"] = gr.Textbox(
        label="The same from a terminal", interactive=False, lines=2, max_lines=8, buttons=["copy"],
        elem_id="tt-train-same",
    )  # fmt: skip
    parts["yaml"] = gr.Code(
        language="yaml", label="Settings as YAML", interactive=False, wrap_lines=True, elem_id="tt-train-yaml"
    )
    return parts
