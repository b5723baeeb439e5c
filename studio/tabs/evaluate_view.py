"""What the evaluate tab shows at each moment: the plain values of its components, made from an evaluation's figures.

A page tells what it has (`seen`), and is sent only what changed since: the top when files changed, a view when it is
looked at and its figures, arms or tier are others than before.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import gradio as gr

from studio.deps import Deps
from studio.queries import evaluation_files as files
from studio.queries import evaluations as queries
from studio.queries.evaluations import Aggregates, Pair
from studio.tabs import evaluate_parts as lay
from studio.tabs.evaluate_sections import MAKERS, Look
from studio.views import eval_head as views
from studio.views.eval_words import looks_of
from studio.views.markup import note

SAME: Any = gr.skip()  # this component stays as it is
WAITING = note("The figures stand here when the evaluation is finished.")
TIERS = ("strict", "usable", "repaired")


class Page(NamedTuple):
    """What a page has now, in the order of its inputs. `now` is the view that is looked at, "" before the tab was
    opened; `asked` is what documents are filtered by (JSON)."""

    chosen: str | None = ""
    a: str | None = ""
    b: str | None = ""
    tier: str | None = "strict"
    now: str | None = ""
    seen: str | None = ""
    asked: str | None = ""


class TopView(NamedTuple):
    """Everything above the views, and what the page is remembered by. Fields not given stay as they are."""

    pick: Any = SAME
    chosen: Any = SAME
    facts: Any = SAME
    progress: Any = SAME
    cancel: Any = SAME
    again: Any = SAME
    forget: Any = SAME
    verdict: Any = SAME
    pair: Any = SAME
    a: Any = SAME
    b: Any = SAME
    now: Any = SAME
    seen: Any = SAME
    asked: Any = SAME
    views: Any = SAME


OUTPUTS = (*TopView._fields, *lay.EVERY)


def outputs(found: Mapping[str, Any]) -> list[Any]:
    """Values in the order of `OUTPUTS`; KeyError for one that no component has."""
    if strange := set(found) - set(OUTPUTS):
        raise KeyError(f"no component for {sorted(strange)}")
    return [found.get(name, SAME) for name in OUTPUTS]


def shown(deps: Deps, page: Page) -> dict[str, Any]:
    """What changed for this page: nothing, the top, the view that is looked at, or both."""
    chosen = page.chosen if page.chosen and queries.known(deps, page.chosen) else ""
    page = page._replace(chosen=chosen, tier=page.tier if page.tier in TIERS else "strict")
    had, stamps = seen_of(page.seen), queries.stamps(deps, chosen)
    found = queries.aggregates(deps, chosen) if chosen else None
    pair = queries.pair_of(found, page.a, page.b) if found else None
    top = [chosen, *stamps]
    made: dict[str, Any] = {}
    if had.top != top:
        made |= top_parts(deps, chosen, found)
    about = [chosen, stamps.figures, *(pair or ("", "")), page.tier]
    if had.verdict != about:
        made |= verdict_parts(deps, page, found, pair)
    views, now = dict(had.views), page.now or ""
    wanted = [*about, page.asked if now == "documents" else ""]
    if now in lay.VIEWS and views.get(now) != wanted:
        made |= view_parts(deps, page, found, pair)
        views[now] = wanted
    seen = json.dumps([top, about, views])
    return {**made, **({"seen": seen} if seen != page.seen else {})}


def is_behind(deps: Deps, page: Page) -> bool:
    """Whether files changed since a page was sent what it has, or the view that it looks at was never sent."""
    chosen = page.chosen if page.chosen and queries.known(deps, page.chosen) else ""
    had = seen_of(page.seen)
    return had.top != [chosen, *queries.stamps(deps, chosen)] or (page.now in lay.VIEWS and page.now not in had.views)


class Seen(NamedTuple):
    top: list[Any]
    verdict: list[Any]
    views: Mapping[str, list[Any]]


def seen_of(text: str | None) -> Seen:
    """What a page was sent. A page may send anything in its place."""
    try:
        top, verdict, views = json.loads(text or "[]")
        return Seen(list(top), list(verdict), dict(views))
    except (ValueError, TypeError):
        return Seen([], [], {})


def top_parts(deps: Deps, chosen: str, found: Aggregates | None) -> dict[str, Any]:
    """The list, what is open and how it stands."""
    choices = queries.choices(deps)
    made: dict[str, Any] = {
        "pick": gr.update(choices=choices, value=chosen or None), "chosen": chosen,
    }  # fmt: skip
    if not chosen:
        off = gr.update(visible=False)
        return {**made, "facts": "", "progress": "", "cancel": off, "again": off, "forget": off}
    status, shipped = queries.record(queries.status_of(deps, chosen)), queries.ships(deps, chosen)
    under_way, own = status["state"] in views.UNDER_WAY, not shipped and not deps.settings.space
    return {
        **made,
        "facts": views.facts_html(status, found, deps.now(), shipped=shipped),
        "progress": views.progress_html(status),
        "cancel": gr.update(visible=own and under_way),
        "again": gr.update(visible=own and status["state"] in ("cancelled", "failed", "lost")),
        "forget": gr.update(visible=own and not under_way),
    }


def verdict_parts(deps: Deps, page: Page, found: Aggregates | None, pair: Pair | None) -> dict[str, Any]:
    """The sentence, and the two arms that it is about."""
    if found is None:
        empty = "" if page.chosen else views.SPACE_EMPTY if deps.settings.space else views.EMPTY
        return {"verdict": views.verdict_html(None, empty), "pair": gr.update(visible=False)}
    arms = queries.arm_choices(found)
    told = queries.record(queries.verdict_of(deps, found, pair, page.tier or "strict"))
    return {
        "verdict": views.verdict_html(told, tier=page.tier or "strict"),
        "pair": gr.update(visible=True),
        "a": gr.update(choices=arms, value=pair.a if pair else None),
        "b": gr.update(choices=arms, value=pair.b if pair else None),
    }


def view_parts(deps: Deps, page: Page, found: Aggregates | None, pair: Pair | None) -> dict[str, Any]:
    """The view that is looked at."""
    now = page.now or ""
    if found is None:
        if now == "metrics":
            return MAKERS[now](None)
        return blank(now, WAITING if page.chosen else lay.LATER)
    chosen = page.chosen or ""
    folder, pack = queries.folder_of(deps, chosen), queries.pack_of(deps, found)
    looks = looks_of(queries.arms_of(found))
    look = Look(deps, chosen, folder, found, pack, pair, page.tier or "strict", looks, page.asked or "")
    return MAKERS[now](look)


def blank(now: str, words: str) -> dict[str, Any]:
    """A view of an evaluation that has no figures."""
    made: dict[str, Any] = dict.fromkeys(lay.TABLES[now], words)
    for name in lay.chart_parts(now):
        made[name] = gr.update(value=None, visible=False) if name.startswith("plot_") else ""
    if now == "documents":
        made |= {"listed": words, "cells": "", "document": "", "filtered": ""}
    return made


def frames_of(deps: Deps, chosen: str) -> Any:
    return gr.update(value=files.frame_files(deps, chosen), visible=True)
