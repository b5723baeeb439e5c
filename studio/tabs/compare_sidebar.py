"""The compare tab's left side: task, models, columns, sampling, sweep, context, recent comparisons; and what there is
to choose from when a page opens."""

from typing import Any, NamedTuple

import gradio as gr

from studio.actions.form import SWEEP
from studio.deps import Deps
from studio.guard import Visit
from studio.queries import choices
from studio.tabs.compare_view import SAME
from studio.views.history import history_list
from training.task.records import Sampling

SEED_HELP = "The same number gives the same answers on the same machine."


def build_sidebar(deps: Deps) -> dict[str, Any]:
    """Components by the name of the form field or event they serve."""
    tasks = choices.task_choices(deps)
    pack = next(iter(deps.packs.values()), None)
    base = choices.default_base(deps)
    arms = choices.arm_choices(deps, base, pack.name if pack else None)
    parts: dict[str, Any] = {
        "task": gr.Dropdown(
            tasks,
            value=pack.name if pack else None,
            label="Task",
            info=choices.broken_tasks(deps) or None,
            elem_id="tt-task",
        ),
        "base": gr.Dropdown(
            choices.base_choices(deps),
            value=base or None,
            label="Base model",
            info="Or a Hub id, or a folder on this machine" if deps.settings.allow_paths else None,
            allow_custom_value=deps.settings.allow_paths,
            elem_id="tt-base",
        ),
        "arms": gr.CheckboxGroup(arms, value=choices.default_arms(arms), label="Columns", elem_id="tt-arms"),
        "own_adapter": gr.Textbox(
            label="Own adapter",
            placeholder="Folder or Hub id",
            visible=deps.settings.allow_paths,
            elem_id="tt-own-adapter",
        ),
    }
    parts |= sampling_parts(pack.sampling if pack else Sampling(), deps.settings.max_new_tokens)
    parts |= sweep_parts(arms)
    with gr.Accordion("Context", open=False, elem_classes="tt-fold"):
        parts["context_enabled"] = gr.Checkbox(True, label="Leave out adverts and comments, fit to the model")
        parts["budget_tokens"] = gr.Number(
            0, label="Token budget", info="0: as much as fits the model", precision=0, minimum=0
        )
    with gr.Accordion("Recent", open=False, elem_classes="tt-fold", elem_id="tt-recent"):
        parts["search"] = gr.Textbox(
            label="Search", placeholder="Words in text, task or model", visible=deps.settings.keep_history
        )
        parts["recent"] = gr.HTML(history_list([], deps.now(), kept=deps.settings.keep_history), elem_id="tt-history")
    return parts


def sampling_parts(default: Sampling, most: int) -> dict[str, Any]:
    with gr.Accordion("Sampling", open=False, elem_classes="tt-fold"):
        return {
            "temperature": gr.Slider(
                0, 2, value=default.temperature, step=0.05, label="Temperature", info="0: always the likeliest token"
            ),
            "top_p": gr.Slider(
                0.05, 1, value=default.top_p, step=0.05, label="Top p", info="1: off. Below: unlikely tokens are cut"
            ),
            "top_k": gr.Number(default.top_k, label="Top k", info="0: off", precision=0, minimum=0),
            "repetition_penalty": gr.Number(
                default.repetition_penalty,
                label="Repetition penalty",
                info="1: off. Above: fewer words twice",
                step=0.05,
            ),
            "no_repeat_ngram": gr.Number(
                default.no_repeat_ngram,
                label="No repeats of",
                info="tokens in a row that no answer may write twice; 0: off. Breaks off lists without end",
                precision=0,
                minimum=0,
            ),
            "constrained": gr.Checkbox(
                default.constrained,
                label="Hold answers to the schema",
                info="Constrained decoding, in every column: no token may break the task's JSON Schema",
                elem_id="tt-constrained",
            ),
            "max_new_tokens": gr.Number(
                min(default.max_new_tokens, most), label="Max new tokens", info=f"1 to {most:,}", precision=0, minimum=1
            ),
            "seed": gr.Number(default.seed, label="Seed", info=SEED_HELP, precision=0, elem_id="tt-seed"),
        }


def sweep_parts(arms: choices.Choices) -> dict[str, Any]:
    with gr.Accordion("Temperature sweep", open=False, elem_classes="tt-fold"):
        return {
            "sweep": gr.Checkbox(False, label="One model at several temperatures", elem_id="tt-sweep"),
            "temperatures": gr.Textbox(SWEEP, label="Temperatures", info="Up to 4, a column each"),
            "sweep_arm": gr.Dropdown(arms, value=choices.default_arms(arms)[-1], label="Model to sweep"),
        }


class OfferView(NamedTuple):
    """What the sidebar offers when a page opens."""

    task: Any
    base: Any
    arms: Any
    sweep_arm: Any


def on_open(deps: Deps, visit: Visit, *given: Any) -> OfferView:
    """What there is to choose from now, and what the address asks for.

    `given`: what the page shows, by the fields of an OfferView. What is right already is not set: a person may have
    changed it since.
    """
    deps.first_page.set()
    now = OfferView(*given)
    wanted = choices.wanted(deps, visit.query)
    task = wanted.task if wanted else choices.default_task(deps)
    base = wanted.base if wanted else choices.default_base(deps)
    offered = choices.arm_choices(deps, base, task)
    chosen = choices.chosen_arms(offered, visit.query)
    return OfferView(
        SAME if now.task == task else task,
        _offer(choices.base_choices(deps), base, now.base),
        _offer(offered, chosen, now.arms),
        _offer(offered, chosen[-1], now.sweep_arm),
    )


def on_reopen(deps: Deps, visit: Visit, base: str, task: str) -> OfferView:
    """Models may have been trained since the page was opened; what is chosen stays."""
    offered = choices.arm_choices(deps, base, task)
    arms = gr.update(choices=offered)
    return OfferView(SAME, gr.update(choices=choices.base_choices(deps)), arms, arms)


def _offer(offered: choices.Choices, value: Any, now: Any) -> Any:
    return gr.update(choices=offered) if now == value else gr.update(choices=offered, value=value)
