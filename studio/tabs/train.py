"""Train tab: fill in a run, see what would stop it, start it, and watch it learn; read, compare and take up again what
ran before.

Reads: run directories, dataset versions, presets. Writes: the queue and a run's notes; the runs themselves are written
by processes of their own, so a page may be closed at any time and finds everything again. Slow: the check, which reads
the rows and times a few real steps. A tick looks at file times first and sends only what changed. On a Space it reads
runs that ship; in the second window of one home it reads only, and says so.
"""

from functools import partial
from typing import Any

import gradio as gr

from studio.actions import runs as acts
from studio.deps import Deps
from studio.guard import Visit, guard
from studio.queries import run_choices as offer
from studio.queries import runs as queries
from studio.tabs import train_parts as lay
from studio.tabs import train_sweep
from studio.tabs import train_view as shown
from studio.tabs.events import QUIET, asking
from studio.tabs.kept import form_of, keeping, keeping_form, recalling
from studio.tabs.train_both import BothView, both_view, plot
from studio.tabs.train_form import wire_form, wire_start
from studio.tabs.train_parts import FIELD, Parts
from studio.tabs.train_view import Page, RunView
from studio.views import run_form as form_views

TICK_S = 2.0
STORE = "taste-test-run"  # what this browser looked at last
PAGE = "taste-test-run-page"  # and what stood around it
AROUND = ("chosen", "beside", "other", "search")
KILL = "End this run's processes now? What was not saved is lost; it can go on from its last checkpoint."
DELETE = "Delete this run and its adapter from this machine?"


def on_tick(deps: Deps, visit: Visit, chosen: str, seen: str, beside: list[str], search: str) -> RunView:
    if not chosen:  # a tick that left before a run was chosen must not clear it when it comes back
        return shown.list_view(deps, seen, search or "") if seen else RunView()  # before the page is filled: nothing
    return shown.run_view(deps, Page(chosen, seen or "", beside or (), search or ""))


def on_pick(deps: Deps, visit: Visit, run: str | None, search: str) -> RunView:
    return shown.run_view(deps, Page(run or "", search=search or ""))


def on_search(deps: Deps, visit: Visit, search: str, chosen: str) -> tuple[Any, Any]:
    parts = shown.list_parts(deps, chosen or "", search or "")
    return parts["pick"], parts["none"]


def on_load(deps: Deps, visit: Visit, kept: str | None, page: str | None = "") -> RunView:
    """The run that this browser looked at last, else the one at work, else the newest; with what stood beside it."""
    run = visit.query.get("run", "") or kept or ""
    if not run or not queries.known(deps, run):
        active = queries.active(deps)
        found, _ = queries.lines(deps)
        run = active.run if active else found[0].status.run if found else ""
    was = form_of(page)
    search, other = (str(was.get(name) or "") for name in ("search", "other"))
    beside = [str(name) for name in was["beside"]] if isinstance(was.get("beside"), list) else []
    if was.get("chosen") != run:
        beside, other = [], ""
    view = shown.run_view(deps, Page(run, beside=beside, search=search, other=other))
    return view._replace(search=search) if search else view


def on_act(act: str, deps: Deps, visit: Visit, run: str, search: str) -> RunView:
    """One of the buttons under a run's name; "" is a question that was answered with no."""
    if not run:
        return RunView()
    if act in ("earlier", "later"):
        acts.move(deps, run, -1 if act == "earlier" else 1)
    else:
        {"cancel": acts.stop, "stop": acts.stop, "kill": acts.kill, "resume": acts.resume}[act](deps, run)
    return shown.run_view(deps, Page(run, search=search or ""))


def on_delete(deps: Deps, visit: Visit, run: str, search: str) -> RunView:
    if not run:
        return RunView()
    acts.delete(deps, run)
    found, _ = queries.lines(deps, search or "")
    return shown.run_view(deps, Page(found[0].status.run if found else "", search=search or ""))


def on_beside(deps: Deps, visit: Visit, chosen: str, beside: list[str]) -> tuple[Any, ...]:
    if not chosen:
        return tuple(shown.SAME for _ in lay.CHARTS)
    parts = shown.curve_parts(deps, chosen, Page(chosen, beside=beside or ()))
    return tuple(parts[name] for name in lay.CHARTS)


def on_other(deps: Deps, visit: Visit, chosen: str, other: str | None) -> BothView:
    return both_view(deps, chosen, other) if chosen and other else BothView("", plot(None))


def on_write(deps: Deps, visit: Visit, chosen: str, tags: str, text: str) -> tuple[str, str]:
    notes = acts.write(deps, chosen, tags or "", text or "")
    return " ".join(notes.tags), form_views.filled_html("Kept with the run.")


def on_reopen(deps: Deps, visit: Visit, task: str) -> tuple[Any, Any]:
    """Versions and bases may have come since the page was opened."""
    return gr.update(choices=offer.dataset_choices(deps, task)), gr.update(choices=offer.base_choices(deps))


def build(deps: Deps, app: gr.Blocks, tab: gr.Tab | None = None) -> None:
    """Lay out and wire the tab inside the caller's `gr.Tab`; `app` is the page that it lives on."""
    parts: Parts = {
        "why": lay.view(shown.why_html(deps), elem_id="tt-train-why"),
        "draft": lay.hidden("draft", "Kept form"),
    }
    with gr.Row(elem_id="tt-train"):
        with gr.Column(elem_id="tt-train-form", scale=2, min_width=320):
            parts |= lay.build_form(deps)
            if not deps.settings.space:
                parts |= train_sweep.build_form()
        with gr.Column(elem_id="tt-train-runs", scale=5, min_width=320):
            parts |= lay.build_runs(deps)
            parts |= lay.build_run(deps)
            if not deps.settings.space:
                parts |= train_sweep.build_results()
    wire_form(deps, parts, app)
    wire_runs(deps, parts, app)
    wire_run(deps, parts)
    if not deps.settings.space:
        wire_start(deps, parts)
        wire_acts(deps, parts)
        train_sweep.wire(deps, parts, app)
    if tab is not None:
        task = parts[f"{FIELD}task"]
        tab.select(
            guard(partial(on_reopen, deps)), task, [parts[f"{FIELD}dataset"], parts[f"{FIELD}base"]],
            api_name="train_reopen", **QUIET,
        )  # fmt: skip


def of(parts: Parts, view: Any) -> list[Any]:
    """The components of a view's fields; KeyError at start, not a shifted value later."""
    return [parts[name] for name in view._fields]


def wire_runs(deps: Deps, parts: Parts, app: gr.Blocks) -> None:
    """Which run is looked at, and the tick that keeps it true."""
    view = of(parts, RunView)
    app.load(
        guard(partial(on_load, deps)), [parts["chosen"], parts["draft"]], view, api_name="load_runs",
        js=recalling(STORE, PAGE), **QUIET,
    )  # fmt: skip
    if not deps.settings.space:  # there nothing of what a visitor looked at is kept
        around = [parts[name] for name in AROUND]
        # on what people do alone: while a page is being filled, a list in a tab that is not open is still empty
        gr.on([part.input for part in around[1:]], None, around, None, js=keeping_form(PAGE, AROUND))
    parts["chosen"].change(None, parts["chosen"], None, js=keeping(STORE))
    gr.Timer(TICK_S).tick(
        guard(partial(on_tick, deps)), [parts["chosen"], parts["seen"], parts["beside"], parts["search"]], view,
        api_name="train_tick", queue=False, **QUIET,
    )  # fmt: skip
    parts["pick"].input(
        guard(partial(on_pick, deps)), [parts["pick"], parts["search"]], view, api_name="train_pick", **QUIET
    )
    parts["search"].input(
        guard(partial(on_search, deps)), [parts["search"], parts["chosen"]], [parts["pick"], parts["none"]],
        api_name="train_search", trigger_mode="always_last", **QUIET,
    )  # fmt: skip


def wire_run(deps: Deps, parts: Parts) -> None:
    """What can be read of the chosen run beyond what a tick sends."""
    charts = [parts[name] for name in lay.CHARTS]
    parts["beside"].input(
        guard(partial(on_beside, deps)), [parts["chosen"], parts["beside"]], charts, api_name="train_beside", **QUIET
    )
    parts["other"].input(
        guard(partial(on_other, deps)), [parts["chosen"], parts["other"]], of(parts, BothView), api_name="train_both",
        **QUIET,
    )  # fmt: skip
    parts["compare"].click(None, parts["chosen"], None, js="(run) => tasteTest.openRun(run)")


def wire_acts(deps: Deps, parts: Parts) -> None:
    """Buttons that change a run. What can't be undone asks first."""
    view, given = of(parts, RunView), [parts["chosen"], parts["search"]]
    for act in ("earlier", "later", "cancel", "stop", "resume"):
        parts[act].click(guard(partial(on_act, act, deps)), given, view, api_name=f"train_{act}", **QUIET)
    parts["kill"].click(
        guard(partial(on_act, "kill", deps)), given, view, api_name="train_kill", **asking(KILL), **QUIET
    )
    parts["delete"].click(
        guard(partial(on_delete, deps)), given, view, api_name="train_delete", **asking(DELETE), **QUIET
    )
    parts["write"].click(
        guard(partial(on_write, deps)), [parts["chosen"], parts["tags"], parts["text"]],
        [parts["tags"], parts["written"]], api_name="train_notes", **QUIET,
    )  # fmt: skip
