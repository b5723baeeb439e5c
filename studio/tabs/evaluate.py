"""Evaluate tab: what a tuned model changed, with intervals a sceptic accepts; where it hurt, document by document.

Reads: evaluation folders, own ones and those that ship: stored figures, frames only for documents that are looked at.
Writes: a new evaluation (a process of its own, found again after a refresh), a build of targeted rows. Slow: the first
look at the documents of a large evaluation. A tick looks at file times and sends only what changed. On a Space it only
reads what ships.
"""

import json
import uuid
from functools import partial
from typing import Any

import gradio as gr

from studio.actions import evaluations as acts
from studio.deps import Deps
from studio.guard import Visit, guard
from studio.queries import evaluation_charts as charts
from studio.queries import evaluation_files as files
from studio.queries import evaluations as queries
from studio.tabs import evaluate_docs as docs
from studio.tabs import evaluate_form as form
from studio.tabs import evaluate_parts as lay
from studio.tabs.evaluate_parts import Parts
from studio.tabs.evaluate_view import OUTPUTS, Page, frames_of, is_behind, outputs, shown
from studio.tabs.events import QUIET, asking
from studio.tabs.kept import keeping, recalling

TICK_S = 2.0
STORE = "taste-test-evaluation"  # what this browser looked at last
DELETE = "Delete this evaluation with its answers from this machine?"


def on_load(deps: Deps, visit: Visit, kept: str | None) -> list[Any]:
    """The evaluation that the address names, that this browser looked at last, or the best one there is."""
    return outputs(shown(deps, Page(queries.first(deps, visit.query.get("evaluation", ""), kept or ""))))


def on_tick(deps: Deps, visit: Visit, *given: Any) -> Any:
    """A new word where the page lacks something; most ticks touch nothing but one hidden field, since every component
    that an event names is laid out again."""
    page = Page(*given)
    return uuid.uuid4().hex if page.seen and is_behind(deps, page) else gr.skip()


def on_news(deps: Deps, visit: Visit, *given: Any) -> list[Any]:
    """What changed on the disk. A first evaluation opens by itself."""
    page = Page(*given)
    return outputs(shown(deps, page if page.chosen else page._replace(chosen=queries.first(deps))))


def on_pick(deps: Deps, visit: Visit, pick: str | None, *given: Any) -> list[Any]:
    page = Page(*given)
    fresh = Page(pick or "", tier=page.tier, now=page.now)
    return outputs({"asked": "", **shown(deps, fresh)})


def on_pair(deps: Deps, visit: Visit, *given: Any) -> list[Any]:
    return outputs(shown(deps, Page(*given)))


def on_open(deps: Deps, visit: Visit, *given: Any) -> list[Any]:
    """The tab is looked at for the first time, or again."""
    page = Page(*given)
    return on_view(page.now or "overview", deps, visit, *page)


def on_view(name: str, deps: Deps, visit: Visit, *given: Any) -> list[Any]:
    """One of the views. Before the page was filled it is only remembered which one: what fills it comes next."""
    page = Page(*given)
    return outputs({**(shown(deps, page._replace(now=name)) if page.seen else {}), "now": name})


def on_find(deps: Deps, visit: Visit, found: str | None, *given: Any) -> list[Any]:
    """A chart or a metric's page by one of its names; the window then brings it into sight."""
    kind, _, name = (found or "").partition(":")
    if kind == "page":
        return docs.to_metric(deps, name, Page(*given))
    now = charts.place_of(name) if name else "overview"
    return outputs({**shown(deps, Page(*given)._replace(now=now)), "now": now, "views": gr.update(selected=now)})


def on_act(act: str, deps: Deps, visit: Visit, *given: Any) -> list[Any]:
    """Cancel or go on. A fresh look follows."""
    page = Page(*given)
    if page.chosen:
        {"cancel": acts.cancel, "again": acts.again}[act](deps, page.chosen)
    return outputs(shown(deps, page._replace(seen="")))


def on_forget(deps: Deps, visit: Visit, *given: Any) -> list[Any]:
    """Empty where the question was answered with no."""
    page = Page(*given)
    if not page.chosen:
        return outputs({})
    acts.forget(deps, page.chosen)
    return outputs({"asked": "", **shown(deps, Page(queries.first(deps), tier=page.tier, now=page.now))})


def on_save(deps: Deps, visit: Visit, what: str, *given: Any) -> str:
    page = Page(*given)
    if not page.chosen:
        return ""
    found = queries.aggregates(deps, page.chosen)
    pair = queries.pair_of(found, page.a, page.b) if found else None
    return json.dumps(files.payload(deps, page.chosen, docs.value_of(what), pair, page.tier or "strict"))


def on_frames(deps: Deps, visit: Visit, chosen: str | None) -> Any:
    return frames_of(deps, chosen) if chosen else gr.skip()


def build(deps: Deps, app: gr.Blocks, tab: gr.Tab | None = None) -> None:
    """Lay out and wire the tab inside the caller's `gr.Tab`; `app` is the page that it lives on."""
    parts: Parts = lay.build_top(deps)
    if not deps.settings.space:
        parts |= form.build_form(deps)
    parts |= lay.build_verdict(deps) | lay.build_views(deps)
    every = [parts[name] for name in OUTPUTS]  # KeyError at start, not a shifted value later
    page = [parts[name] for name in ("chosen", "a", "b", "tier", "now", "seen", "asked")]
    wire_page(deps, parts, (page, every), app, tab)
    wire_saves(deps, parts, page)
    docs.wire(deps, parts, page, every)
    if not deps.settings.space:
        wire_acts(deps, parts, page, every)
        form.wire(deps, parts, page, every)


def wire_page(deps: Deps, parts: Parts, wires: tuple[list[Any], list[Any]], app: gr.Blocks, tab: gr.Tab | None) -> None:
    """What is open, and what keeps it true."""
    page, every = wires
    filled = app.load(
        guard(partial(on_load, deps)), parts["chosen"], every, api_name="load_evaluations", js=recalling(STORE), **QUIET
    )
    parts["chosen"].change(None, parts["chosen"], None, js=keeping(STORE))
    filled.success(guard(partial(on_pair, deps)), page, every, api_name="eval_filled", **QUIET)
    gr.Timer(TICK_S).tick(
        guard(partial(on_tick, deps)), page, parts["news"], api_name="eval_tick",
        queue=False, **QUIET,
    )  # fmt: skip
    parts["news"].change(guard(partial(on_news, deps)), page, every, api_name="eval_news", **QUIET)
    picked = parts["pick"].input(
        guard(partial(on_pick, deps)), [parts["pick"], *page], every, api_name="eval_pick", **QUIET
    )
    picked.success(None, parts["chosen"], None, js="(id) => tasteTest.evaluationAddress(id)")
    gr.on(
        [parts["a"].input, parts["b"].input, parts["tier"].input], guard(partial(on_pair, deps)), page, every,
        api_name="eval_pair", trigger_mode="always_last", **QUIET,
    )  # fmt: skip
    for name in lay.VIEWS:
        parts[f"tab_{name}"].select(
            guard(partial(on_view, name, deps)), page, every, api_name=f"eval_view_{name}", **QUIET
        )
    found = parts["find"].input(
        guard(partial(on_find, deps)), [parts["find"], *page], every, api_name="eval_find", **QUIET
    )
    found.success(None, parts["find"], None, js="(found) => tasteTest.showChart(found)")
    if tab is not None:
        tab.select(guard(partial(on_open, deps)), page, every, api_name="eval_tab", **QUIET)


def wire_acts(deps: Deps, parts: Parts, page: list[Any], every: list[Any]) -> None:
    """What changes an evaluation. What can't be undone asks first."""
    for act in ("cancel", "again"):
        parts[act].click(guard(partial(on_act, act, deps)), page, every, api_name=f"eval_{act}", **QUIET)
    parts["forget"].click(
        guard(partial(on_forget, deps)), page, every, api_name="eval_forget", **asking(DELETE), **QUIET
    )


def wire_saves(deps: Deps, parts: Parts, page: list[Any]) -> None:
    """Files to take away."""
    saved = parts["ask_save"].change(
        guard(partial(on_save, deps)), [parts["ask_save"], *page], parts["payload"], api_name="eval_save", **QUIET
    )
    saved.success(None, parts["payload"], None, js="(file) => file && tasteTest.save(file)")
    for what, _ in lay.FILES:
        one = parts[f"file_{what}"].click(
            guard(partial(_save_file, what, deps)), page, parts["payload"], api_name=f"eval_file_{what}", **QUIET
        )
        one.success(None, parts["payload"], None, js="(file) => file && tasteTest.save(file)")
    parts["frames"].click(
        guard(partial(on_frames, deps)), parts["chosen"], parts["files"], api_name="eval_frames", **QUIET
    )


def _save_file(what: str, deps: Deps, visit: Visit, *given: Any) -> str:
    return on_save(deps, visit, json.dumps({"v": what}), *given)
