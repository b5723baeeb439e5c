"""What is clicked inside an evaluation: a cell, a document, a cluster, a slice, a mark of a chart, a metric's name.

Buttons in views write what they ask for into a hidden field of the page (assets/studio.js), whose handlers stand here.
Whatever comes is read as untrusted: a name that is none changes nothing or is told.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import gradio as gr

from studio.actions import datasets as factory
from studio.actions import evaluations as acts
from studio.deps import Deps
from studio.guard import Visit, guard
from studio.queries import evaluation_charts as charts
from studio.queries import evaluations as queries
from studio.queries.evaluation_docs import CELLS, Asked, asked_of, asked_text
from studio.tabs.evaluate_parts import Parts
from studio.tabs.evaluate_sections import metric_page
from studio.tabs.evaluate_view import Page, outputs, shown
from studio.tabs.events import QUIET
from studio.views.markup import insight, note

FILTERS = ("metric", "slice", "style", "cluster", "find_doc", "page")


def value_of(text: str | None) -> str:
    """What a click asks for; "" for anything else."""
    found = asked_value(text)
    return found if isinstance(found, str) else ""


def asked_value(text: str | None) -> Any:
    try:
        return json.loads(text or "{}").get("v")
    except (ValueError, AttributeError):
        return None


def listed(deps: Deps, page: Page, asked: Asked, *, go: bool = False) -> list[Any]:
    """The documents as they are asked for; `go` opens their view."""
    text = asked_text(asked)
    found = shown(deps, page._replace(now="documents", asked=text))
    return outputs(
        {**found, "asked": text, "now": "documents", **({"views": gr.update(selected="documents")} if go else {})}
    )


def on_cell(deps: Deps, visit: Visit, ask: str, *given: Any) -> list[Any]:
    """A cell of the 2x2; whatever else was asked for by a click elsewhere is left."""
    page, cell = Page(*given), value_of(ask)
    asked = asked_of(page.asked or "")
    return listed(deps, page, replace(asked, cell=cell if cell in CELLS else "", docs=(), where={}, words="", page=1))


def on_filter(deps: Deps, visit: Visit, *given: Any) -> list[Any]:
    """Metric, slice, style, error, id or page was changed by hand; a change of any but the page begins anew."""
    metric, slice_, style, cluster, find, number = given[: len(FILTERS)]
    page = Page(*given[len(FILTERS) :])
    before = asked_of(page.asked or "")
    asked = replace(
        before, metric=metric or "", slice=slice_ or "", style=style or "", cluster=cluster or "", find=find or ""
    )
    same = asked == replace(before, metric=asked.metric) and (before.metric or asked.metric) == asked.metric
    return listed(deps, page, replace(asked, page=int(number or 1) if same else 1))


def on_doc(deps: Deps, visit: Visit, ask: str, *given: Any) -> list[Any]:
    """One document, whatever view it was named in."""
    page, doc = Page(*given), value_of(ask)
    asked = asked_of(page.asked or "")
    elsewhere = page.now != "documents"
    asked = (
        Asked(metric=asked.metric, cell="", doc=doc, docs=(doc,), words=f"Document {doc}")
        if elsewhere
        else replace(asked, doc=doc)
    )
    return listed(deps, page, asked, go=elsewhere)


def on_cluster(deps: Deps, visit: Visit, ask: str, *given: Any) -> list[Any]:
    return listed(deps, Page(*given), Asked(cell="", cluster=value_of(ask)), go=True)


def on_slice(deps: Deps, visit: Visit, ask: str, *given: Any) -> list[Any]:
    kind, _, name = value_of(ask).partition("=")
    asked = Asked(cell="", slice=name if kind == "slice" else "", style=name if kind == "style" else "")
    return listed(deps, Page(*given), asked, go=True)


def on_point(deps: Deps, visit: Visit, ask: str, *given: Any) -> list[Any]:
    """A mark of a chart: the documents behind it. A mark that leads nowhere changes nothing."""
    page, found = Page(*given), asked_value(ask)
    figures = queries.aggregates(deps, page.chosen) if page.chosen else None
    if figures is None or not isinstance(found, Mapping):
        return outputs({})
    pair = queries.pair_of(figures, page.a, page.b)
    try:
        mark = (int(found.get("curve", -1)), found.get("point"))
        target = charts.clicked(figures, str(found.get("chart")), pair, page.tier or "strict", mark)
    except (KeyError, TypeError, ValueError):
        target = None
    if target is None:
        return outputs({})
    asked = Asked(cell="", docs=target.docs, where=target.where, frame=target.frame, words=target.words)
    return listed(deps, page, asked, go=True)


def on_metric(deps: Deps, visit: Visit, ask: str, *given: Any) -> list[Any]:
    return to_metric(deps, value_of(ask), Page(*given))


def to_metric(deps: Deps, name: str, page: Page) -> list[Any]:
    """The page that explains a metric."""
    found = shown(deps, page._replace(now="metrics"))
    return outputs({**found, **metric_page(None, name), "now": "metrics", "views": gr.update(selected="metrics")})


def on_page(deps: Deps, visit: Visit, name: str | None) -> str:
    return metric_page(None, name or "")["page_text"]


def on_other(deps: Deps, visit: Visit, ask: str, *given: Any) -> list[Any]:
    """Another evaluation, from the leaderboard."""
    page = Page(*given)
    return outputs({"asked": "", **shown(deps, Page(value_of(ask), tier=page.tier, now=page.now))})


def on_spec(deps: Deps, visit: Visit, ask: str, chosen: str | None) -> tuple[Any, str, str, str]:
    """A spec of rows aimed at one error, as YAML."""
    tag = value_of(ask)
    text = acts.spec(deps, chosen or "", tag)
    said = f"Rows aimed at {tag}. Look it over, then save it, or build it: the Data tab shows how far it is."
    return gr.update(visible=True), insight(said), text, ""


def on_spec_save(deps: Deps, visit: Visit, text: str) -> str:
    return json.dumps({"name": "SPEC.yaml", "mime": "text/yaml", "text": text or ""})


def on_spec_build(deps: Deps, visit: Visit, text: str) -> str:
    factory.start(deps, text or "")
    return note("It is being built. The Data tab shows how far it is, and the version when it is there.")


ASKED: Mapping[str, Callable[..., list[Any]]] = {
    "cell": on_cell, "doc": on_doc, "cluster": on_cluster, "slice": on_slice, "point": on_point, "metric": on_metric,
    "open": on_other,
}  # fmt: skip
AFTER = {"doc": "tt-eval-document", "cluster": "tt-eval-views", "slice": "tt-eval-views", "point": "tt-eval-views"}


def wire(deps: Deps, parts: Parts, page: list[Any], every: list[Any]) -> None:
    """Every click and every filter."""
    for kind, handler in ASKED.items():
        asked = parts[f"ask_{kind}"].change(
            guard(partial(handler, deps)), [parts[f"ask_{kind}"], *page], every, api_name=f"eval_{kind}", **QUIET
        )
        if kind in AFTER:
            asked.success(None, None, None, js=f"() => tasteTest.show('{AFTER[kind]}')")
    filters = [parts[name] for name in FILTERS]
    gr.on(
        [part.input for part in filters], guard(partial(on_filter, deps)), [*filters, *page], every,
        api_name="eval_filter", trigger_mode="always_last", **QUIET,
    )  # fmt: skip
    parts["page_pick"].input(
        guard(partial(on_page, deps)), parts["page_pick"], parts["page_text"], api_name="eval_page", **QUIET
    )
    if not deps.settings.space:
        wire_spec(deps, parts)


def wire_spec(deps: Deps, parts: Parts) -> None:
    """From an error to rows that mend it."""
    made = parts["ask_spec"].change(
        guard(partial(on_spec, deps)), [parts["ask_spec"], parts["chosen"]],
        [parts[name] for name in ("spec_box", "spec_said", "spec", "spec_built")], api_name="eval_spec", **QUIET,
    )  # fmt: skip
    made.success(None, None, None, js="() => tasteTest.show('tt-eval-spec-box')")
    saved = parts["spec_save"].click(
        guard(partial(on_spec_save, deps)), parts["spec"], parts["payload"], api_name="eval_spec_save", **QUIET
    )
    saved.success(None, parts["payload"], None, js="(file) => tasteTest.save(file)")
    parts["spec_build"].click(
        guard(partial(on_spec_build, deps)), parts["spec"], parts["spec_built"], api_name="eval_spec_build", **QUIET
    )
