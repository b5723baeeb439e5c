"""Compare tab: paste a text, see what base and fine-tuned models make of it side by side, and how far to trust each.

Reads: the form, kept comparisons, the engine's models. Writes: one comparison a run, votes. Slow: the run itself,
which streams; everything else answers at once, also while a run goes on.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, get_args

import gradio as gr

from studio.actions import sources
from studio.actions.compare import compare
from studio.actions.form import FIELDS, Form, to_request
from studio.actions.room import answer_to_offer
from studio.actions.votes import Choice, vote
from studio.deps import Deps
from studio.guard import Visit, guard
from studio.queries import choices
from studio.tabs.compare_export import export
from studio.tabs.compare_parts import Parts, build_answers, build_bar, build_source, offer_update
from studio.tabs.compare_send import wire_send
from studio.tabs.compare_sidebar import OfferView, build_sidebar, on_open, on_reopen
from studio.tabs.compare_view import (
    SAME,
    CompareView,
    comparison_view,
    empty_view,
    failed_view,
    frame_view,
    recent_html,
)
from studio.tabs.events import QUIET, asking
from studio.views.context import context_empty, context_html
from studio.views.markup import note
from training.task.pack import pack_named

# What the model sees depends on these; `loaded` is filled in by the page when another base has been loaded.
COUNTED = (
    "text", "context_enabled", "budget_tokens", "task", "base", "arms", "max_new_tokens", "sweep", "sweep_arm",
)  # fmt: skip
DELETE = "Delete this comparison from this machine?"
ENABLED = "() => ({ __type__: 'update', interactive: true })"  # gr.update(interactive=True), without the way there


class SourceView(NamedTuple):
    """A text from a file, an address or an example, and what the model will see of it."""

    text: Any
    origin: Any
    preview: Any


class PreviewView(NamedTuple):
    """What the model will see, and an answer budget where the one chosen leaves no room for a text."""

    preview: Any
    fit: Any


class FitView(NamedTuple):
    """The answer budget, taken."""

    max_new_tokens: Any
    fit: Any


class ModelView(NamedTuple):
    """What can run on the chosen base."""

    arms: Any
    sweep_arm: Any


class TaskView(NamedTuple):
    """What belongs to the chosen task: its examples, the adapters trained for it, its sampling."""

    examples: Any
    arms: Any
    sweep_arm: Any
    temperature: Any
    top_p: Any
    top_k: Any
    repetition_penalty: Any
    no_repeat_ngram: Any
    constrained: Any
    max_new_tokens: Any
    seed: Any


def on_compare(deps: Deps, visit: Visit, *values: Any) -> Iterator[CompareView]:
    """Frames of a run. Its button stays as it is at the end: the page enables it when it takes clicks again."""
    form, frame, answered = Form.of(values), None, False
    request = to_request(form, deps)
    try:
        for frame in compare(deps, visit.session, request, blind=form.blind):
            view, last = frame_view(deps, visit, frame, request.task), frame.comparison is not None
            yield view._replace(run=SAME) if last else view
            answered = last
    except Exception as err:
        yield failed_view(None if answered else frame, err)._replace(run=SAME)
        raise
    if not answered:
        yield empty_view(deps, visit)._replace(run=SAME)


def on_cancel(deps: Deps, visit: Visit) -> None:
    deps.line.cancel(visit.session)


def on_preview(deps: Deps, visit: Visit, *values: Any) -> PreviewView:
    found = sources.preview(deps, Form.of(values))
    return PreviewView(found_html(found), offer_update(found.offer))


def on_fit(deps: Deps, visit: Visit, *values: Any) -> FitView:
    """Take the answer budget that is offered, as it is by now."""
    offer = answer_to_offer(deps, Form.of(values))
    return FitView(SAME if offer is None else offer, offer_update(None))


def preview_html(deps: Deps, form: Form) -> str:
    return found_html(sources.preview(deps, form))


def found_html(found: sources.Preview) -> str:
    if found.context:
        return context_html(found.context)
    return note(found.words) if found.words else context_empty()


def on_file(deps: Deps, visit: Visit, path: str | None, *values: Any) -> SourceView:
    return source_view(deps, values, sources.from_file(path))


def on_url(deps: Deps, visit: Visit, url: str, *values: Any) -> SourceView:
    return source_view(deps, values, sources.from_url(deps.settings, url))


def on_example(deps: Deps, visit: Visit, index: int, *values: Any) -> SourceView:
    return source_view(deps, values, sources.from_example(pack_named(Form.of(values).task, deps.packs), index))


def source_view(deps: Deps, values: Sequence[Any], found: tuple[str, str]) -> SourceView:
    text, origin = found
    return SourceView(text, origin, preview_html(deps, replace(Form.of(values), text=text, origin=origin)))


def on_task(deps: Deps, visit: Visit, task: str, base: str) -> TaskView:
    pack = pack_named(task, deps.packs)
    sampling = pack.sampling
    return TaskView(
        gr.update(samples=choices.example_titles(pack)),
        *on_base(deps, visit, base, task),
        sampling.temperature,
        sampling.top_p,
        sampling.top_k,
        sampling.repetition_penalty,
        sampling.no_repeat_ngram,
        gr.update(value=sampling.constrained, visible=pack.answer.kind == "json"),
        min(sampling.max_new_tokens, deps.settings.max_new_tokens),
        sampling.seed,
    )


def on_base(deps: Deps, visit: Visit, base: str, task: str) -> ModelView:
    offered = choices.arm_choices(deps, base, task)
    chosen = choices.chosen_arms(offered, visit.query)
    return ModelView(gr.update(choices=offered, value=chosen), gr.update(choices=offered, value=chosen[-1]))


def on_vote(choice: Choice, deps: Deps, visit: Visit, comparison_id: str) -> CompareView:
    vote(deps, visit.session, comparison_id, choice)
    return comparison_view(deps, visit, comparison_id)


def on_search(deps: Deps, visit: Visit, search: str, comparison_id: str) -> str:
    return recent_html(deps, visit, search, comparison_id)


def on_delete(deps: Deps, visit: Visit, comparison_id: str) -> CompareView:
    if not comparison_id:  # the person thought better of it
        return CompareView()
    deps.shelf(visit.session).delete_comparison(comparison_id)
    return empty_view(deps, visit)


def on_export(kind: str, deps: Deps, visit: Visit, comparison_id: str) -> str:
    return json.dumps(export(deps, visit.session, comparison_id, kind))


def on_load(deps: Deps, visit: Visit) -> tuple[Any, ...]:
    """The comparison that the address names, its text first; or nothing yet."""
    wanted = visit.query.get("comparison", "")
    if not wanted:
        return (SAME, *empty_view(deps, visit))
    return (deps.shelf(visit.session).get_comparison(wanted)["source"]["text"], *comparison_view(deps, visit, wanted))


def build(deps: Deps, app: gr.Blocks, tab: gr.Tab | None = None) -> None:
    """Lay out and wire the tab inside the caller's `gr.Tab`; `app` is the page that it lives on."""
    parts: Parts = {}
    with gr.Sidebar(width=280, elem_id="tt-sidebar"):
        parts |= build_sidebar(deps)
    parts |= build_source(deps)
    parts |= build_bar()
    parts |= build_answers(deps)
    form = [parts[name] for name in FIELDS]  # KeyError at start, not a shifted value later
    shown = [parts[name] for name in CompareView._fields]
    wire_run(deps, parts, form, shown)
    wire_source(deps, parts, form)
    wire_kept(deps, parts, shown)
    app.load(guard(partial(on_load, deps)), None, [parts["text"], *shown], api_name="load_comparison", **QUIET).then(
        None, parts["comparison_id"], None, js="(id) => { if (id) tasteTest.fold(true); }"
    )
    opened = [parts[name] for name in OfferView._fields]
    app.load(guard(partial(on_open, deps)), opened, opened, api_name="load_choices", **QUIET)
    if tab is not None:
        given = [parts["base"], parts["task"]]
        tab.select(guard(partial(on_reopen, deps)), given, opened, api_name="reload_choices", **QUIET)


def wire_run(deps: Deps, parts: Parts, form: list[Any], shown: list[Any]) -> None:
    """Compare, Cancel and the vote. Gradio lets several pages run at once: the line decides whose turn it is."""
    most = deps.settings.max_waiting + 2
    run = parts["run"].click(
        guard(partial(on_compare, deps)), form, shown, api_name="run_comparison", concurrency_id="model",
        concurrency_limit=most, js="(...values) => { tasteTest.fold(true); return values; }", **QUIET,
    )  # fmt: skip
    run.failure(None, None, None, js="() => tasteTest.fold(false)")
    # Not with the last frame: until Gradio has closed the run it drops a click, though the button looks ready.
    run.then(None, None, parts["run"], js=ENABLED)
    parts["cancel"].click(guard(partial(on_cancel, deps)), None, None, api_name="cancel_comparison", **QUIET)
    for choice in get_args(Choice):
        parts[f"vote_{choice}"].click(
            guard(partial(on_vote, choice, deps)), parts["comparison_id"], shown, api_name=f"vote_{choice}", **QUIET
        )


def wire_source(deps: Deps, parts: Parts, form: list[Any]) -> None:
    """Everything that changes the text or what the model will see of it."""
    filled = [parts[name] for name in SourceView._fields]
    index = {"api_name": "load_example", **QUIET}
    parts["examples"].click(guard(partial(on_example, deps)), [parts["examples"], *form], filled, **index)
    parts["file"].upload(guard(partial(on_file, deps)), [parts["file"], *form], filled, api_name="load_file", **QUIET)
    gr.on(
        [parts["fetch"].click, parts["url"].submit], guard(partial(on_url, deps)), [parts["url"], *form], filled,
        api_name="load_url", **QUIET,
    )  # fmt: skip
    parts["text"].input(None, None, parts["origin"], js="() => 'paste'")
    counted = [parts[name].change for name in COUNTED]
    gr.on(
        [*counted, parts["loaded"].input],
        guard(partial(on_preview, deps)), form, [parts[name] for name in PreviewView._fields], api_name="preview",
        trigger_mode="always_last", **QUIET,
    )  # fmt: skip
    taken = [parts[name] for name in FitView._fields]
    parts["fit"].click(guard(partial(on_fit, deps)), form, taken, api_name="fit_answer", **QUIET)
    chosen = [parts["task"], parts["base"]]
    of_task, models = ([parts[name] for name in view._fields] for view in (TaskView, ModelView))
    parts["task"].change(guard(partial(on_task, deps)), chosen, of_task, api_name="task", **QUIET)
    parts["base"].change(guard(partial(on_base, deps)), chosen[::-1], models, api_name="models", **QUIET)


def wire_kept(deps: Deps, parts: Parts, shown: list[Any]) -> None:
    """Recent comparisons, the address of the one shown, and what can be done with it."""
    this = parts["comparison_id"]
    if deps.settings.keep_history:
        this.change(None, this, None, js="(id) => tasteTest.address(id)")
    parts["search"].change(
        guard(partial(on_search, deps)), [parts["search"], this], parts["recent"], api_name="search", **QUIET
    )
    parts["delete"].click(
        guard(partial(on_delete, deps)), this, shown, api_name="delete_comparison", **asking(DELETE), **QUIET
    )
    if not deps.settings.space:
        wire_send(deps, parts)
    parts["fold"].click(None, None, None, js="() => tasteTest.fold()")
    for button, kind, act in (
        ("save_page", "page", "save"),
        ("save_json", "json", "save"),
        ("save_receipt", "receipt", "save"),
        ("copy_receipt", "receipt", "copy"),
    ):
        made = parts[button].click(
            guard(partial(on_export, kind, deps)), this, parts["payload"], api_name=button, **QUIET
        )
        made.success(None, parts["payload"], None, js=f"(file) => tasteTest.{act}(file)")
