"""Data tab: make a dataset, see why each row was kept or refused, and read, compare and export its versions.

Reads: the home's and the shipped versions, sources a person names, builds under way. Writes: a dropped file, a build (a
process of its own, found again after a refresh), candidates, new versions, never a version that is there. Slow: opening
a large version, the first rows of a Hub dataset, the first tokens of a base. On a Space it only reads what ships.
"""

import json
from functools import partial
from typing import Any

import gradio as gr

from studio.actions import dataset_versions as acts
from studio.actions import datasets as start
from studio.actions.dataset_form import FIELDS, DataForm, form_yaml
from studio.deps import Deps
from studio.guard import Visit, guard
from studio.queries import dataset_rows as rows
from studio.queries import datasets as queries
from studio.queries.protectable import protectable
from studio.tabs import data_form_view as forms
from studio.tabs import data_mend as mend
from studio.tabs import data_outside as outside
from studio.tabs import data_parts as lay
from studio.tabs import data_view as shown
from studio.tabs.data_form import build_start
from studio.tabs.data_form_view import ColumnsView, FormView, SampleView, TaskView, WaitingView
from studio.tabs.data_parts import Parts
from studio.tabs.data_view import JobView, RefusedView, RowsView, VersionView
from studio.tabs.events import QUIET, SLOW
from studio.views import dataset_rows as row_views
from studio.views.markup import insight, note
from training.errors import StudioError

TICK_S = 2.0


def on_form(deps: Deps, visit: Visit, written: str, *values: Any) -> tuple[Any, ...]:
    """The YAML of the form; while it is half filled in, no YAML and the reason in words. No offer outlives a change."""
    try:
        text = form_yaml(DataForm.of(values), deps)
    except StudioError as err:
        return (*FormView("", "", note(f"{err} {err.fix}")), *outside.OfferView())
    if text == written:  # nothing that counts was changed: what a person wrote under Advanced stays
        return (*FormView(), *outside.OfferView(*(shown.SAME for _ in outside.OfferView._fields)))
    return (*FormView(text, text, ""), *outside.OfferView())


def on_task(deps: Deps, visit: Visit, task: str) -> TaskView:
    return forms.task_view(deps, task)


def on_kind(deps: Deps, visit: Visit, kind: str) -> ColumnsView:
    return forms.fresh_columns(kind)


def on_drop(deps: Deps, visit: Visit, path: str | None) -> ColumnsView:
    return forms.fresh_columns("file", start.keep_file(deps, path))


def on_look(deps: Deps, visit: Visit, *asked: Any) -> SampleView:
    return forms.sample_view(start.sample(deps, outside.meant(deps, asked), outside.encoding_of(asked)))


def on_tick(deps: Deps, visit: Visit, html: str, seen: str) -> JobView:
    return shown.job_view(deps, html, seen)


def on_stop(deps: Deps, visit: Visit, seen: str) -> JobView:
    start.cancel(deps, seen.partition(" ")[0])
    return shown.job_view(deps, "", seen)


def on_dismiss(deps: Deps, visit: Visit, seen: str) -> JobView:
    start.dismiss(deps, seen.partition(" ")[0])
    return shown.job_view(deps, " ", "")


def on_waiting(deps: Deps, visit: Visit, task: str) -> WaitingView:
    return forms.waiting_view(deps, task)


def on_held(deps: Deps, visit: Visit, task: str) -> Any:
    """Versions and evaluations may have come since the page was opened."""
    return gr.update(choices=protectable(deps, task))


def on_accept(deps: Deps, visit: Visit, ids: list[str], licence: str, *asked: Any) -> str:
    return start.accept(deps, outside.meant(deps, asked), ids, licence)


def on_forget(deps: Deps, visit: Visit, task: str, ids: list[str]) -> WaitingView:
    start.forget(deps, ids)
    return forms.waiting_view(deps, task)


def on_version(deps: Deps, visit: Visit, name: str | None) -> VersionView:
    return shown.version_view(deps, name) if name else shown.empty_view(deps)


def on_refused(deps: Deps, visit: Visit, name: str | None, gate: str, page: float | None) -> RefusedView:
    if not name:
        return RefusedView(lay.LATER, shown.SAME)
    return shown.refused_view(deps, name, gate, int(page or 1))


def on_rows(deps: Deps, visit: Visit, name: str | None, part: str, find: str, page: float | None) -> RowsView:
    if not name or not part:
        return RowsView(lay.LATER, shown.SAME)
    return shown.rows_view(deps, name, part, find, int(page or 1))


def on_pairs(deps: Deps, visit: Visit, name: str | None, page: float | None) -> str:
    return shown.pairs_html(deps, name, int(page or 1)) if name else lay.LATER


def on_leaks(deps: Deps, visit: Visit, name: str | None, page: float | None) -> str:
    return shown.leaks_html(deps, name, int(page or 1)) if name else lay.LATER


def on_tokens(deps: Deps, visit: Visit, name: str | None, row_id: str | None) -> str:
    if not name or not row_id:
        return note("Choose a row first.")
    base, found = rows.row_tokens(deps, name, row_id)
    return row_views.tokens_html(found, base)


def on_changes(deps: Deps, visit: Visit, name: str | None, other: str | None) -> str:
    if not name or not other:
        return lay.LATER
    return shown.changes_html(deps, other, name)


def on_export(deps: Deps, visit: Visit, name: str | None, form: str, parts: list[str]) -> str:
    return json.dumps(acts.export(deps, name or "", form, parts))


def on_take_out(deps: Deps, visit: Visit, name: str | None, sources: list[str], ids: str) -> Any:
    made = acts.take_out(deps, name or "", sources, ids)
    return gr.update(choices=queries.version_choices(deps), value=made)


def on_use_spec(deps: Deps, visit: Visit, name: str | None) -> tuple[Any, Any, Any]:
    """The spec of the open version in the box that is built, in view, with what was left out of it."""
    text, missing = start.spec_again(deps, name or "")
    return text, insight(f"This is the spec of {name}, under Advanced. {missing}".rstrip()), gr.update(selected="new")


def on_load(deps: Deps, visit: Visit) -> tuple[Any, ...]:
    """The newest version opened, and the build that goes on."""
    choices = queries.version_choices(deps)
    opened = gr.update(choices=choices, value=choices[0][1] if choices else None)
    job = shown.job_view(deps, " ", "")
    return (*job[:-1], opened)


def build(deps: Deps, app: gr.Blocks) -> None:
    """Lay out and wire the tab inside the caller's `gr.Tab`; `app` is the page that it lives on."""
    parts: Parts = lay.build_top(deps)
    with gr.Tabs(elem_id="tt-data-views", selected="passed" if deps.settings.space else "new") as parts["views"]:
        with gr.Tab("New dataset", id="new", elem_classes="tt-view", visible=not deps.settings.space):
            parts |= build_start(deps)
        with gr.Tab("What passed", id="passed", elem_classes="tt-view"):
            parts |= lay.build_passed()
        with gr.Tab("Refused", elem_classes="tt-view"):
            parts |= lay.build_refused(deps)
        with gr.Tab("Duplicates", elem_classes="tt-view"):
            parts |= lay.paged("pairs")
        with gr.Tab("Rows", elem_classes="tt-view"):
            parts |= lay.build_rows()
        with gr.Tab("Leaks", elem_classes="tt-view"):
            parts |= lay.build_leaks()
        with gr.Tab("Changes", elem_classes="tt-view"):
            parts |= lay.build_changes()
        with gr.Tab("Card and export", elem_classes="tt-view"):
            parts |= lay.build_export(deps) | outside.build_push(deps) | lay.build_card(deps)
    wire_version(deps, parts)
    wire_rows(deps, parts)
    mend.wire_mend(deps, parts)
    if not deps.settings.space:
        wire_start(deps, parts, app)
        wire_builds(deps, parts)
        outside.wire_outside(deps, parts)
    opened = [parts[name] for name in JobView._fields]
    app.load(guard(partial(on_load, deps)), None, opened, api_name="load_datasets", **QUIET)


def of(parts: Parts, view: Any) -> list[Any]:
    """The components of a view's fields; KeyError at start, not a shifted value later."""
    return [parts[name] for name in view._fields]


def wire_start(deps: Deps, parts: Parts, app: gr.Blocks) -> None:
    """The form: every change writes the YAML anew."""
    form = [parts[name] for name in FIELDS]
    fresh = of(parts, ColumnsView)
    gr.on(
        [*(part.change for part in form), app.load], guard(partial(on_form, deps)), [parts["written"], *form],
        [*of(parts, FormView), *of(parts, outside.OfferView)],
        api_name="data_form", trigger_mode="always_last", **QUIET,
    )  # fmt: skip
    parts["task"].change(
        guard(partial(on_task, deps)), parts["task"], of(parts, TaskView), api_name="data_task", **QUIET
    )
    gr.on(
        [parts["kind"].change, parts["file"].input, parts["dataset"].input], guard(partial(on_kind, deps)),
        parts["kind"], fresh, api_name="data_kind", **QUIET,
    )  # fmt: skip
    parts["drop"].upload(guard(partial(on_drop, deps)), parts["drop"], fresh, api_name="data_file", **QUIET)
    parts["look"].click(
        guard(partial(on_look, deps)), outside.asked(parts), of(parts, SampleView), api_name="data_sample", **SLOW
    )
    parts["waiting"].expand(
        guard(partial(on_waiting, deps)), parts["task"], of(parts, WaitingView), api_name="data_waiting", **QUIET
    )
    parts["held"].expand(guard(partial(on_held, deps)), parts["task"], parts["protect"], api_name="data_held", **QUIET)
    parts["forget"].click(
        guard(partial(on_forget, deps)), [parts["task"], parts["candidates"]], of(parts, WaitingView),
        api_name="data_forget", **QUIET,
    )  # fmt: skip
    waiting = [parts["candidates"], parts["accept_licence"], *outside.asked(parts)]
    parts["accept"].click(guard(partial(on_accept, deps)), waiting, parts["yaml"], api_name="data_accept", **QUIET)


def wire_builds(deps: Deps, parts: Parts) -> None:
    """A build is a process of its own: the page only asks how it stands."""
    view = of(parts, JobView)
    gr.Timer(TICK_S).tick(
        guard(partial(on_tick, deps)), [parts["job"], parts["seen"]], view, api_name="data_tick", queue=False, **QUIET
    )
    parts["stop"].click(guard(partial(on_stop, deps)), parts["seen"], view, api_name="data_stop", **QUIET)
    parts["dismiss"].click(guard(partial(on_dismiss, deps)), parts["seen"], view, api_name="data_dismiss", **QUIET)


def wire_version(deps: Deps, parts: Parts) -> None:
    """Which version is open, and what becomes of it."""
    this = parts["version"]
    this.change(
        guard(partial(on_version, deps)), this, of(parts, VersionView), api_name="data_version", show_progress_on=this,
        **SLOW,
    )  # fmt: skip
    parts["other"].input(
        guard(partial(on_changes, deps)), [this, parts["other"]], parts["changes"], api_name="data_changes", **SLOW
    )
    made = parts["export"].click(
        guard(partial(on_export, deps)), [this, parts["form"], parts["export_parts"]], parts["payload"],
        api_name="data_export", **QUIET,
    )  # fmt: skip
    made.success(None, parts["payload"], None, js="(file) => tasteTest.save(file)")
    if not deps.settings.space:
        parts["use_spec"].click(
            guard(partial(on_use_spec, deps)), this, [parts["yaml"], parts["said"], parts["views"]],
            api_name="data_use_spec", **QUIET,
        )  # fmt: skip
        parts["take_out"].click(
            guard(partial(on_take_out, deps)), [this, parts["out_sources"], parts["out_ids"]], this,
            api_name="data_take_out", **SLOW,
        )  # fmt: skip


def wire_rows(deps: Deps, parts: Parts) -> None:
    """Rows and refused rows, a page at a time, and one of them as its tokens."""
    this = parts["version"]
    gr.on(
        [parts["gate"].input, parts["refused_page"].input], guard(partial(on_refused, deps)),
        [this, parts["gate"], parts["refused_page"]], of(parts, RefusedView), api_name="data_refused",
        trigger_mode="always_last", **QUIET,
    )  # fmt: skip
    gr.on(
        [parts["part"].input, parts["find"].input, parts["page"].input], guard(partial(on_rows, deps)),
        [this, parts["part"], parts["find"], parts["page"]], of(parts, RowsView), api_name="data_rows",
        trigger_mode="always_last", **QUIET,
    )  # fmt: skip
    for part, handler in (("pairs", on_pairs), ("leaks", on_leaks)):
        parts[f"{part}_page"].input(
            guard(partial(handler, deps)), [this, parts[f"{part}_page"]], parts[part], api_name=f"data_{part}",
            trigger_mode="always_last", **QUIET,
        )  # fmt: skip
    parts["show"].click(
        guard(partial(on_tokens, deps)), [this, parts["row"]], parts["tokens"], api_name="data_tokens", **SLOW
    )
