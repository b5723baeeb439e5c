"""The sweep part of the train tab: several values of the knobs, or of other settings, over the form's, and what came
of it.

Reads: HOME/sweeps. Writes: a spec there; its runs are the queue's. Slow: the estimate, which times a few real steps. A
sweep is driven by a process of its own, so the page only asks how it stands.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import gradio as gr

from studio.actions import sweeps as acts
from studio.deps import Deps
from studio.guard import Visit, guard
from studio.queries import sweeps as queries
from studio.queries.runs import records
from studio.tabs.events import QUIET
from studio.tabs.kept import form_of, keeping, keeping_form, recalling
from studio.tabs.train_both import plot as plotted
from studio.tabs.train_parts import FORM, Parts, plot, view
from studio.tabs.train_view import SAME
from studio.views import run_sweeps as views
from studio.views.markup import note
from studio.views.run_form import busy_html, filled_html, label_of

TICK_S = 2.0
TIMING = "Timing a few real steps of the heaviest combination, then checking all of them"
CHECKING = "Checking every combination before the start"
CHOSEN, DRAFT = "taste-test-sweep", "taste-test-sweep-form"  # as this browser keeps them
GIVEN = ("sweep_name", *(f"sweep_{knob}" for knob in acts.KNOBS), "sweep_more", "sweep_search", "sweep_trials",
         "sweep_seed", "sweep_prune")  # fmt: skip
HOW = [("every combination", "grid"), ("the best guess from those before (TPE)", "tpe")]
PRUNE_INFO = "On the task's dev metric, in pairs of runs that differ in nothing else; the reason is kept."
MORE_INFO = "One a line; with TPE a range as well, in any field: 1e-5..5e-4 log"


class SweepView(NamedTuple):
    """A sweep as it stands; `sweep_seen` is what this page has of it."""

    sweep: Any = SAME
    sweep_shown: Any = SAME
    sweep_plot: Any = SAME
    sweep_stop: Any = SAME
    sweep_on: Any = SAME
    sweep_seen: Any = SAME


def on_estimate(deps: Deps, visit: Visit, *values: Any) -> Iterator[str]:
    yield busy_html(TIMING)
    try:
        spec = spec_of(deps, values)
        found = records(acts.estimate(deps, spec))
        grid = spec.prune and spec.search == "grid"
        yield views.html(
            views.estimate_html(found, spec.combinations),
            views.pruning_html(acts.runs_for_pruning(spec), spec.total) if grid else None,
        )
    except Exception:
        yield ""
        raise


def on_start(deps: Deps, visit: Visit, *values: Any) -> Iterator[tuple[Any, ...]]:
    yield (busy_html(CHECKING), *SweepView())
    try:
        sweep = acts.start(deps, spec_of(deps, values))
    except Exception:
        yield ("", *SweepView())
        raise
    told = filled_html(f"{sweep} was started; its runs go through the queue. You may close this window.")
    yield (told, *sweep_view(deps, sweep))


def spec_of(deps: Deps, values: Any) -> Any:
    given = dict(zip(GIVEN, values, strict=False))
    knobs = {knob: given[f"sweep_{knob}"] for knob in acts.KNOBS}
    rest = (given[f"sweep_{name}"] for name in ("more", "search", "trials", "seed", "prune"))
    return acts.spec_of(deps, acts.SweepForm(given["sweep_name"], knobs, *rest), values[len(GIVEN) :])


def on_tick(deps: Deps, visit: Visit, sweep: str | None, seen: str, kept: str | None = "") -> SweepView:
    """Only what changed; a sweep that was started elsewhere comes into the list. A page that shows none yet gets the
    one that this browser `kept`."""
    if seen and queries.sweep_stamp(deps, sweep or "") == seen:
        return SweepView()
    known = [name for _, name in queries.sweep_choices(deps)]
    return sweep_view(deps, next((name for name in (sweep, kept, *known) if name in known), ""))


def on_draft(deps: Deps, visit: Visit, draft: str | None) -> tuple[Any, ...]:
    """What was typed before the page was left."""
    values = form_of(draft)
    if values.get("sweep_search") not in [value for _, value in HOW]:
        values.pop("sweep_search", None)
    return tuple(values[name] if isinstance(values.get(name), str | int | float) else SAME for name in GIVEN)


def on_pick(deps: Deps, visit: Visit, sweep: str | None) -> SweepView:
    return sweep_view(deps, sweep or "")


def on_stop(deps: Deps, visit: Visit, sweep: str) -> SweepView:
    acts.stop(deps, sweep)
    return sweep_view(deps, sweep)


def on_on(deps: Deps, visit: Visit, sweep: str) -> SweepView:
    acts.go_on(deps, sweep)
    return sweep_view(deps, sweep)


def sweep_view(deps: Deps, sweep: str) -> SweepView:
    choices = gr.update(choices=queries.sweep_choices(deps), value=sweep or None)
    if not sweep:
        hidden = gr.update(visible=False)
        return SweepView(choices, note(views.NONE), plotted(None), hidden, hidden, queries.sweep_stamp(deps, ""))
    found, stamp = queries.sweep_facts(deps, sweep), queries.sweep_stamp(deps, sweep)
    done = [trial for trial in found.sweep["trials"] if trial["state"] == "done"] if found.sweep else []
    tied = [trial["number"] in found.sweep["tied"] for trial in done] if found.sweep else []
    may = deps.queue is not None and not deps.read_only.words
    over = found.sweep is not None and found.sweep["state"] == "finished"
    return SweepView(
        choices,
        views.sweep_html(found.sweep, driven=found.driven, last_word=found.last_word),
        plotted(views.parallel_plot(records(found.columns), tied)),
        gr.update(visible=may and found.driven and found.sweep is not None),
        gr.update(visible=may and not found.driven and not over),
        stamp,
    )


def build_form() -> Parts:
    """Which values to try; the rest is the form's above."""
    parts: Parts = {}
    with gr.Accordion("Sweep over the knobs", open=False, elem_classes="tt-fold", elem_id="tt-train-sweep"):
        view(note("Every combination of these values is a run with the settings above. Empty: as above."))
        parts["sweep_name"] = gr.Textbox("sweep", label="Sweep's name", elem_id="tt-train-sweep-name")
        for knob in acts.KNOBS:
            parts[f"sweep_{knob}"] = gr.Textbox(
                acts.usual(knob), label=label_of(knob), info="values parted by commas",
                elem_id=f"tt-train-sweep-{knob.replace('_', '-')}",
            )  # fmt: skip
        parts["sweep_more"] = gr.Textbox(
            "", label="Other settings", lines=2, placeholder="alpha = 64, 128", info=MORE_INFO,
            elem_id="tt-train-sweep-more",
        )  # fmt: skip
        parts["sweep_search"] = gr.Radio(HOW, value="grid", label="What is tried next", elem_id="tt-train-sweep-search")
        parts["sweep_trials"] = gr.Number(
            12,
            label="Runs at most",
            info=views.trials_info(acts.runs_for_pruning()),
            minimum=0,
            elem_id="tt-train-sweep-trials",
        )
        parts["sweep_prune"] = gr.Checkbox(
            True, label="Leave out values that clearly hurt", info=PRUNE_INFO, elem_id="tt-train-sweep-prune"
        )
        parts["sweep_seed"] = gr.Number(
            acts.SEED, label="Seed", info="Of the order in which combinations are tried", elem_id="tt-train-sweep-seed"
        )
        with gr.Row(elem_classes="tt-data-pick"):
            parts["sweep_estimate"] = gr.Button("Estimate", size="sm", elem_id="tt-train-sweep-estimate", scale=0)
            parts["sweep_start"] = gr.Button("Start sweep", size="sm", elem_id="tt-train-sweep-start", scale=0)
        parts["sweep_said"] = view(elem_id="tt-train-sweep-said")
    return parts


def build_results() -> Parts:
    """What came of a sweep, below the runs."""
    parts: Parts = {"sweep_seen": gr.Textbox("", visible="hidden", label="Sweep", elem_id="tt-train-sweep-seen")}
    with gr.Accordion("Sweeps", open=False, elem_classes="tt-fold", elem_id="tt-train-sweeps"):
        with gr.Row(elem_classes="tt-data-pick"):
            parts["sweep"] = gr.Dropdown([], label="Sweep", elem_id="tt-train-sweep-pick")
            parts["sweep_stop"] = gr.Button(
                "Stop sweep", size="sm", visible=False, elem_id="tt-train-sweep-stop", scale=0
            )
            parts["sweep_on"] = gr.Button("Go on", size="sm", visible=False, elem_id="tt-train-sweep-on", scale=0)
        parts["sweep_shown"] = view(note(views.NONE), elem_id="tt-train-sweep-shown")
        parts["sweep_plot"] = plot("sweep-plot")
    return parts


def wire(deps: Deps, parts: Parts, app: gr.Blocks) -> None:
    """Estimate, start, stop, go on; the tick; and what this browser keeps of it."""
    typed = [parts[name] for name in GIVEN]
    given = [*typed, *(parts[name] for name in FORM)]
    shown = [parts[name] for name in SweepView._fields]
    parts["sweep_estimate"].click(
        guard(partial(on_estimate, deps)), given, parts["sweep_said"], api_name="sweep_estimate", **QUIET
    )
    parts["sweep_start"].click(
        guard(partial(on_start, deps)), given, [parts["sweep_said"], *shown], api_name="sweep_start",
        trigger_mode="once", **QUIET,
    )  # fmt: skip
    gr.Timer(TICK_S).tick(
        guard(partial(on_tick, deps)), [parts["sweep"], parts["sweep_seen"], parts["draft"]], shown,
        api_name="sweep_tick", queue=False, js=f"(sweep, seen) => [sweep, seen, tasteTest.recall('{CHOSEN}')]", **QUIET,
    )  # fmt: skip
    parts["sweep"].change(None, parts["sweep"], None, js=keeping(CHOSEN))
    app.load(
        guard(partial(on_draft, deps)), parts["draft"], typed, api_name="sweep_draft", js=recalling(DRAFT), **QUIET
    )
    gr.on([part.input for part in typed], None, typed, None, js=keeping_form(DRAFT, GIVEN))
    parts["sweep"].input(guard(partial(on_pick, deps)), parts["sweep"], shown, api_name="sweep_pick", **QUIET)
    parts["sweep_stop"].click(guard(partial(on_stop, deps)), parts["sweep"], shown, api_name="sweep_stop", **QUIET)
    parts["sweep_on"].click(guard(partial(on_on, deps)), parts["sweep"], shown, api_name="sweep_on", **QUIET)
