"""The run form's events: every change is checked at once, a preset or a run fills it, a start makes a run of it."""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import gradio as gr

from studio.actions import runs as acts
from studio.actions.run_form import SHOWN, filled, values_of
from studio.deps import Deps
from studio.guard import Visit, guard
from studio.queries import run_choices as offer
from studio.queries import runs as queries
from studio.tabs import train_view as shown
from studio.tabs.events import QUIET
from studio.tabs.kept import keeping, recalling, recalling_first
from studio.tabs.train_kept import CheckView, check_view, kept_check, on_checked, started_check
from studio.tabs.train_parts import ADVISED, FIELD, FORM, Parts
from studio.tabs.train_view import SAME, Page, RunView
from studio.views import run_form as views

AT = {name: at for at, name in enumerate(SHOWN)}
DRAFT = "taste-test-run-form"  # a form that nobody started yet, as this browser keeps it
CHECKED = "taste-test-run-check"  # what the last check found
KEEPING = f"(...values) => tasteTest.keepForm('{DRAFT}', {json.dumps(['preset', *SHOWN])}, values)"
STARTING = "Reading the rows once more before the start"
CHECKING = "Reading the rows, then timing a few real steps; half a minute with the embedded model"


class FormView(NamedTuple):
    """What the form comes to: all that is wrong, the command that does the same, whether it may start, and the way to
    the Data tab while no dataset is chosen."""

    problems: Any = SAME
    command: Any = SAME
    start: Any = SAME
    lead: Any = SAME


class StartView(NamedTuple):
    """After a start: a new nonce, so that the next start is another run."""

    nonce: Any
    filled: Any


def on_form(deps: Deps, visit: Visit, preset: str, *values: Any) -> FormView:
    """What is wrong stands there at once; what was typed stays."""
    found = filled(values)
    may = deps.queue is not None and not deps.read_only.words
    start = gr.update(interactive=may and not found.problems)
    line = offer.command_of(deps, found.config, preset) if found.config and not found.problems else ""
    lead = gr.update(visible=not values[AT["dataset"]] and not deps.settings.space)
    return FormView(views.problems_html([queries.records(p) for p in found.problems]), line, start, lead)


def on_task(deps: Deps, visit: Visit, task: str) -> Any:
    choices = offer.dataset_choices(deps, task)
    return gr.update(choices=choices, value=choices[0][1] if choices else None)


def on_preset(deps: Deps, visit: Visit, preset: str, *values: Any) -> tuple[Any, ...]:
    """The recipe's values; task, dataset and machine stay. One's own settings change nothing."""
    found, config = offer.preset_of(deps, preset or ""), filled(values).config
    when = views.preset_html({"when": found.when} if found else None)
    if found is None:
        return (when, *[SAME] * len(SHOWN))
    config = config or offer.first_config(deps, str(values[AT["task"]] or "")).config
    return (when, *values_of(offer.with_preset(deps, config, preset)))


def on_check(deps: Deps, visit: Visit, *values: Any) -> Iterator[CheckView]:
    yield CheckView(views.busy_html(CHECKING))
    try:
        found = acts.check(deps, values)
    except Exception:
        yield CheckView(views.preflight_html(None))
        raise
    config = acts.config_of(deps, values)
    yield check_view(queries.records(found), [], config.base)._replace(checked=kept_check(config, found, []))
    if found.estimate is not None:  # the rows could be read
        rows = offer.learned_rows(deps, config)
        yield check_view(queries.records(found), rows, config.base)._replace(checked=kept_check(config, found, rows))


def on_start(deps: Deps, visit: Visit, kept: str | None, nonce: str, search: str, *values: Any) -> Iterator[Any]:
    """A word at once, then the run, or what stops it; its checks either way. With the same nonce it is the same run."""
    yield (*StartView(SAME, views.busy_html(STARTING)), *CheckView(), *RunView())
    checks = CheckView()
    try:
        ready = acts.ready(deps, values)
        checks = started_check(kept, ready.config, ready.found)
        run = acts.start(deps, ready, nonce or visit.session)
    except Exception:
        yield (*StartView(SAME, ""), *checks, *RunView())
        raise
    told = views.filled_html(f"{run} is in the queue. You may close this window: it goes on.")
    yield (*StartView(shown.new_nonce(), told), *checks, *shown.run_view(deps, Page(run, search=search)))


class FillView(NamedTuple):
    """What goes with a run's settings into the form."""

    filled: Any
    nonce: Any
    preset: Any
    when: Any


def on_draft(deps: Deps, visit: Visit, draft: str | None) -> tuple[Any, ...]:
    """What was typed before the page was left. A field that the form has not now, or its lists do not, stays new."""
    try:
        values = dict(json.loads(draft or "{}"))
    except (ValueError, TypeError):
        values = {}
    if not values:
        return (SAME, SAME, *[SAME] * len(SHOWN))
    preset = str(values.get("preset") or "")
    found = offer.preset_of(deps, preset)
    lists = offer.lists_of(deps, str(values.get("task") or ""))
    shown_values = [_drafted(deps, name, values.get(name, SAME), lists) for name in SHOWN]
    return (preset if found else "", views.preset_html({"when": found.when} if found else None), *shown_values)


def _drafted(deps: Deps, name: str, value: Any, lists: Mapping[str, list[tuple[str, str]]]) -> Any:
    """A kept value as its component takes it; what a list does not offer any more has to be chosen anew."""
    if name not in lists or value is SAME:
        return value
    free = name == "base" and deps.settings.allow_paths
    known = free or any(value == offered for _, offered in lists[name])
    if name == "task":
        return value if known else SAME
    return gr.update(choices=lists[name], value=value if known else None)


def on_nonce(deps: Deps, visit: Visit) -> str:
    return shown.new_nonce()


def on_fill(item: int | None, deps: Deps, visit: Visit, run: str) -> tuple[Any, ...]:
    """A run's settings in the form, or one item of its advice as well. What is not here any more is chosen anew."""
    config = acts.settings_of(deps, run, item)
    words = f"The form holds the settings of {run}"
    if item is None:
        words += ": change what you like."
    else:
        changes = acts.changes_of(deps, run)[item].changes
        words += f" with one change: {views.change_words(queries.records(acts.settings_of(deps, run)), changes)}."
    values = dict(zip(SHOWN, values_of(config), strict=True))
    for name, choices in offer.lists_for(deps, config).items():
        kept = any(value == values[name] for _, value in choices) or (name == "base" and deps.settings.allow_paths)
        words += "" if kept else f" {values[name]} is not here any more."
        values[name] = gr.update(choices=choices, value=values[name] if kept else None)
    return (*FillView(views.filled_html(words), shown.new_nonce(), "", views.preset_html(None)), *values.values())


def wire_form(deps: Deps, parts: Parts, app: gr.Blocks) -> None:
    """Every field checks the whole form. A change made by the page itself counts as one too."""
    form = [parts[name] for name in FORM]
    checked = [parts[name] for name in FormView._fields]
    gr.on(
        [*(part.change for part in form), parts["why"].change, app.load],  # a window may become the owner of the runs
        guard(partial(on_form, deps)), [parts["preset"], *form], checked,
        api_name="train_form", trigger_mode="always_last", **QUIET,
    )  # fmt: skip
    drafted = app.load(
        guard(partial(on_draft, deps)), parts["draft"], [parts["preset"], parts["when"], *form],
        api_name="train_draft", js=recalling(DRAFT), **QUIET,
    )  # fmt: skip
    if not deps.settings.space:
        shown_check = [parts[name] for name in CheckView._fields]
        drafted.then(
            guard(partial(on_checked, deps)), [parts["draft"], *form], shown_check, api_name="train_checked",
            js=recalling_first(CHECKED), **QUIET,
        )  # fmt: skip
        parts["checked"].change(None, parts["checked"], None, js=keeping(CHECKED))
    app.load(guard(partial(on_nonce, deps)), None, parts["nonce"], api_name="train_nonce", **QUIET)
    parts["to_data"].click(None, None, None, js="() => tasteTest.openTab('tt-tab-data', 'Data')")
    parts[f"{FIELD}task"].input(
        guard(partial(on_task, deps)), parts[f"{FIELD}task"], parts[f"{FIELD}dataset"], api_name="train_task", **QUIET
    )
    filled_in = parts["preset"].input(
        guard(partial(on_preset, deps)), [parts["preset"], *form], [parts["when"], *form], api_name="train_preset",
        **QUIET,
    )  # fmt: skip
    gr.on([part.input for part in form], None, [parts["preset"], *form], None, js=KEEPING)
    filled_in.success(None, [parts["preset"], *form], None, js=KEEPING)


def wire_start(deps: Deps, parts: Parts) -> None:
    """Check and start; a run's settings into the form."""
    form = [parts[name] for name in FORM]
    checks = [parts[name] for name in CheckView._fields]
    parts["check"].click(guard(partial(on_check, deps)), form, checks, api_name="train_check", **QUIET)
    begun = [*(parts[name] for name in StartView._fields), *checks, *(parts[name] for name in RunView._fields)]
    parts["start"].click(
        guard(partial(on_start, deps)), [parts["draft"], parts["nonce"], parts["search"], *form], begun,
        api_name="train_start", trigger_mode="once", js=recalling_first(CHECKED), **QUIET,
    )  # fmt: skip
    for name, item in {"clone": None, **{name: place for place, name in enumerate(ADVISED)}}.items():
        made = parts[name].click(
            guard(partial(on_fill, item, deps)), parts["chosen"],
            [*(parts[field] for field in FillView._fields), *form], api_name=f"train_{name}_fill", **QUIET,
        )  # fmt: skip
        made.success(None, None, None, js="() => tasteTest.show('tt-train-form')")
        made.success(None, [parts["preset"], *form], None, js=KEEPING)
