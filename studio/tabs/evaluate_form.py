"""The form of a new evaluation: every change writes the command that does the same, a start makes a process of it."""

from functools import partial
from typing import Any, NamedTuple

import gradio as gr

from studio.actions import evaluations as acts
from studio.actions.evaluations import FIELDS, EvalForm
from studio.deps import Deps
from studio.guard import Visit, guard
from studio.queries import evaluation_choices as offer
from studio.queries.choices import default_task, task_choices
from studio.tabs.evaluate_parts import Parts, view
from studio.tabs.evaluate_view import Page, outputs, shown
from studio.tabs.events import QUIET
from studio.views.markup import note
from training.errors import StudioError

SAME: Any = gr.skip()
FIELD = "field_"
FORM = tuple(f"{FIELD}{name}" for name in FIELDS)
FILE_INFO = 'JSONL, a row a line: {"id", "source", "gold"}, and perhaps "group", "slice", "supported"'
PREDICTIONS_INFO = (
    'JSONL, an answer a line: {"id", "output"}, and perhaps "arm"; made elsewhere, measured by the same rules'
)


class FormView(NamedTuple):
    """What the form comes to: the command that does the same, or why there is none, and whether it may start."""

    form_said: Any
    command: Any
    start: Any


def on_form(deps: Deps, visit: Visit, *values: Any) -> FormView:
    try:
        line = acts.command(acts.job_from(EvalForm.of(values), deps))
    except StudioError as err:
        return FormView(note(f"{err} {err.fix}"), "", gr.update(interactive=False))
    return FormView("", line, gr.update(interactive=True))


def on_task(deps: Deps, visit: Visit, task: str | None, base: str | None) -> tuple[Any, ...]:
    """Versions, arms and adapters of another task."""
    data = offer.data_choices(deps, task or "")
    first = data[0][1]
    adapters = offer.adapter_choices(deps, base or offer.default_base(deps), task or "")
    arms = offer.arm_choices(deps.packs.get(task or ""))
    return (
        gr.update(choices=data, value=first),
        *on_data(deps, visit, first),
        gr.update(choices=arms, value=[name for _, name in arms if name in offer.USUAL]),
        gr.update(choices=adapters, value=[name for _, name in adapters[:1]]),
        gr.update(**held(deps, task)),
    )


def held(deps: Deps, task: str | None) -> dict[str, Any]:
    """The box that asks base and adapters under the schema too: ticked where Compare does, hidden for text answers."""
    pack = deps.packs.get(task or "")
    json = pack is not None and pack.answer.kind == "json"
    return {"value": pack is not None and pack.sampling.constrained, "visible": json}


def on_data(deps: Deps, visit: Visit, data: str | None) -> tuple[Any, Any]:
    """A version's parts, or a place for a file's path."""
    parts = offer.part_choices(deps, data or "")
    part = gr.update(choices=parts, value=parts[0][1] if parts else "test", visible=bool(data))
    return part, gr.update(visible=not data)


def on_base(deps: Deps, visit: Visit, base: str | None, task: str | None) -> Any:
    adapters = offer.adapter_choices(deps, base or "", task or "")
    return gr.update(choices=adapters, value=[name for _, name in adapters[:1]])


def on_box(shows: bool, deps: Deps, visit: Visit) -> Any:
    return gr.update(visible=shows)


def on_start(deps: Deps, visit: Visit, *given: Any) -> list[Any]:
    """The evaluation begins, and stands in front."""
    size = len(FIELDS)
    page = Page(*given[size:])
    evaluation = acts.start(deps, EvalForm.of(given[:size]))
    fresh = Page(evaluation, tier=page.tier, now=page.now)
    return [gr.update(visible=False), *outputs({"asked": "", **shown(deps, fresh)})]


def build_form(deps: Deps) -> Parts:
    """What is asked, who answers, how much of it; then the command and the start."""
    parts: Parts = {}
    with gr.Column(visible=False, elem_id="tt-eval-new-box") as parts["new_box"]:
        with gr.Row(elem_id="tt-eval-form"):
            with gr.Column(min_width=280):
                parts |= build_data(deps)
            with gr.Column(min_width=280):
                parts |= build_arms(deps)
            with gr.Column(min_width=280):
                parts |= build_sizes(deps)
        parts["form_said"] = view(elem_id="tt-eval-said")
        parts["command"] = gr.Textbox(
            label="The same from a terminal", interactive=False, lines=2, max_lines=6, buttons=["copy"],
            elem_id="tt-eval-command",
        )  # fmt: skip
        with gr.Row(elem_classes="tt-data-pick"):
            parts["start"] = gr.Button("Start evaluation", variant="primary", elem_id="tt-eval-start", scale=0)
            parts["close"] = gr.Button("Close", elem_id="tt-eval-close", scale=0)
    return parts


def build_data(deps: Deps) -> Parts:
    tasks, task = task_choices(deps), default_task(deps) or ""
    data = offer.data_choices(deps, task)
    found = offer.part_choices(deps, data[0][1])
    return {
        f"{FIELD}task": gr.Dropdown(tasks, value=task, label="Task", elem_id="tt-eval-task"),
        f"{FIELD}data": gr.Dropdown(data, value=data[0][1], label="Documents", elem_id="tt-eval-data"),
        f"{FIELD}part": gr.Dropdown(found, value=found[0][1] if found else "test", label="Part",
                                    allow_custom_value=True, visible=bool(data[0][1]), elem_id="tt-eval-part"),
        f"{FIELD}file": gr.Textbox(label="File", info=FILE_INFO, visible=not data[0][1],
                                   interactive=deps.settings.allow_paths, elem_id="tt-eval-file"),
        f"{FIELD}limit": gr.Number(0, label="Documents at most", info="0: all of them", minimum=0,
                                   elem_id="tt-eval-limit"),
    }  # fmt: skip


def build_arms(deps: Deps) -> Parts:
    task, base = default_task(deps) or "", offer.default_base(deps)
    adapters, arms = offer.adapter_choices(deps, base, task), offer.arm_choices(deps.packs.get(task))
    return {
        f"{FIELD}base": gr.Dropdown(offer.base_choices(deps), value=base, label="Base model",
                                    allow_custom_value=deps.settings.allow_paths, elem_id="tt-eval-base"),
        f"{FIELD}arms": gr.CheckboxGroup(arms, value=list(offer.USUAL), label="Who answers",
                                         info="Answers without a model keep the figures honest",
                                         elem_id="tt-eval-arms"),
        f"{FIELD}adapters": gr.CheckboxGroup(adapters, value=[name for _, name in adapters[:1]], label="Adapters",
                                             elem_id="tt-eval-adapters"),
        f"{FIELD}constrained": gr.Checkbox(**held(deps, task), label="Base and adapters held to the schema as well",
                                           elem_id="tt-eval-constrained"),
    }  # fmt: skip


def build_sizes(deps: Deps) -> Parts:
    paths = deps.settings.allow_paths
    return {
        f"{FIELD}samples": gr.Textbox(label="Samples a document", info=acts.SAMPLES_INFO, elem_id="tt-eval-samples"),
        f"{FIELD}temperature": gr.Textbox(label="Temperature", info=acts.HEAT_INFO, elem_id="tt-eval-temperature"),
        f"{FIELD}batch_size": gr.Number(8, label="Batch size", minimum=1, elem_id="tt-eval-batch",
                                        info="The same for every arm"),
        f"{FIELD}predictions": gr.Textbox(label="Imported predictions", info=PREDICTIONS_INFO, interactive=paths,
                                          placeholder="path of a JSONL file", elem_id="tt-eval-predictions"),
        f"{FIELD}endpoint_model": gr.Textbox(label="A larger model", placeholder="its name at the address below",
                                             info="Asked over an OpenAI-compatible address", elem_id="tt-eval-larger"),
        f"{FIELD}endpoint": gr.Textbox(label="Its address", placeholder="https://…/v1", elem_id="tt-eval-endpoint"),
        f"{FIELD}price_in": gr.Textbox(label="Its price, tokens in", elem_id="tt-eval-price-in",
                                       info="USD a million; empty: its cost is unknown"),
        f"{FIELD}price_out": gr.Textbox(label="Its price, tokens out", elem_id="tt-eval-price-out",
                                        info="USD a million"),
        f"{FIELD}max_cost": gr.Textbox(label="It may cost at most", info="USD; needs both prices",
                                       elem_id="tt-eval-max-cost"),
        f"{FIELD}latency_rows": gr.Textbox(label="Timed documents", info=acts.TIMED_INFO, elem_id="tt-eval-timed"),
        f"{FIELD}name": gr.Textbox(label="Name", placeholder="how it is listed", elem_id="tt-eval-name"),
    }  # fmt: skip


def wire(deps: Deps, parts: Parts, page: list[Any], every: list[Any]) -> None:
    """Every field checks the whole form."""
    fields = [parts[name] for name in FORM]
    checked = [parts[name] for name in FormView._fields]
    gr.on(
        [*(part.change for part in fields), parts["new"].click], guard(partial(on_form, deps)), fields, checked,
        api_name="eval_form", trigger_mode="always_last", **QUIET,
    )  # fmt: skip
    task, base, data = (parts[f"{FIELD}{name}"] for name in ("task", "base", "data"))
    part, file = parts[f"{FIELD}part"], parts[f"{FIELD}file"]
    task.input(
        guard(partial(on_task, deps)), [task, base],
        [data, part, file, *(parts[f"{FIELD}{name}"] for name in ("arms", "adapters", "constrained"))],
        api_name="eval_task", **QUIET,
    )  # fmt: skip
    data.input(guard(partial(on_data, deps)), data, [part, file], api_name="eval_data", **QUIET)
    base.input(guard(partial(on_base, deps)), [base, task], parts[f"{FIELD}adapters"], api_name="eval_base", **QUIET)
    for name, shows in (("new", True), ("close", False)):
        parts[name].click(
            guard(partial(on_box, shows, deps)), None, parts["new_box"], api_name=f"eval_form_{name}", **QUIET
        )
    begun = parts["start"].click(
        guard(partial(on_start, deps)), [*fields, *page], [parts["new_box"], *every], api_name="eval_start",
        trigger_mode="once", **QUIET,
    )  # fmt: skip
    begun.success(None, parts["chosen"], None, js="(id) => tasteTest.evaluationAddress(id)")
