"""What the train tab shows at each moment: the plain values of its components, made from run directories. A tick sends
only the parts whose files have changed since, so that nothing flickers and little is read."""

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import gradio as gr

from studio.actions import runs as acts
from studio.deps import Deps
from studio.queries import run_choices as offer
from studio.queries import runs as queries
from studio.queries.runs import Line, Run, Stamps
from studio.tabs.train_both import BothView, both_view, plot
from studio.tabs.train_parts import ADVISED, BUTTONS, CHARTS, SPACE
from studio.views import run_form as form_views
from studio.views import run_plots as plots
from studio.views import run_samples as sample_views
from studio.views import run_scores as scores
from studio.views import runs as views
from studio.views.markup import insight, note
from studio.views.run_plots import Curve

SAME: Any = gr.skip()  # this component stays as it is
MOST_BESIDE = 5
NO_OTHER = "Choose another run: only the settings that differ are listed, with curves and scores."
OFFERED: Mapping[str, tuple[str, ...]] = {  # state -> what can be done, where this window may
    "queued": ("earlier", "later", "cancel", "clone"),
    "starting": ("stop", "kill", "clone"),
    "running": ("stop", "kill", "clone"),
    "stopping": ("kill", "clone"),
    "stopped": ("resume", "clone", "delete"),
    "failed": ("resume", "clone", "delete"),
    "lost": ("resume", "clone", "delete"),
    "finished": ("clone", "delete"),
}
READING = ("clone", "compare")  # what changes no run
UNREAD = "?"  # after a run's name: what the page was sent is only that it can't be read


class RunView(NamedTuple):
    """Queue, list and the chosen run. Fields not given stay as they are; `seen` is what this page has of it."""

    why: Any = SAME
    queue: Any = SAME
    pick: Any = SAME
    none: Any = SAME
    search: Any = SAME
    chosen: Any = SAME
    head: Any = SAME
    failure: Any = SAME
    earlier: Any = SAME
    later: Any = SAME
    cancel: Any = SAME
    stop: Any = SAME
    kill: Any = SAME
    resume: Any = SAME
    compare: Any = SAME
    advised_0: Any = SAME
    advised_1: Any = SAME
    advised_2: Any = SAME
    advised_3: Any = SAME
    advised_4: Any = SAME
    advised_5: Any = SAME
    advised_6: Any = SAME
    advised_7: Any = SAME
    clone: Any = SAME
    delete: Any = SAME
    loss_said: Any = SAME
    loss: Any = SAME
    small_said: Any = SAME
    speed: Any = SAME
    rate: Any = SAME
    memory: Any = SAME
    beside: Any = SAME
    samples: Any = SAME
    scores: Any = SAME
    scores_plot: Any = SAME
    other: Any = SAME
    both: Any = SAME
    both_plot: Any = SAME
    tags: Any = SAME
    text: Any = SAME
    written: Any = SAME
    same: Any = SAME
    yaml: Any = SAME
    log: Any = SAME
    seen: Any = SAME


class Page(NamedTuple):
    """What a page has now: the chosen run, what it was sent of it, the runs over its curves, the words searched for,
    and the one run that it is compared with."""

    chosen: str = ""
    seen: str = ""
    beside: Sequence[str] = ()
    search: str = ""
    other: str = ""


def run_view(deps: Deps, page: Page) -> RunView:
    """Everything that changed since `page.seen`; all of it where that is of another run or empty."""
    chosen = page.chosen if page.chosen and queries.known(deps, page.chosen) else ""
    old, why = _before(page.seen, chosen)
    stamps, now = queries.stamps(deps, chosen), why_html(deps)
    seen, unread = (json.dumps([name, now, *stamps]) for name in (chosen, chosen + UNREAD))
    if page.seen in (seen, unread):
        return RunView()
    fault = queries.fault_of(deps, chosen) if chosen else ""
    fresh = old is None
    old = old or Stamps(*[" "] * len(stamps))
    parts: dict[str, Any] = {"seen": unread if fault else seen, **({} if now == why else {"why": now})}
    if stamps.queue != old.queue or fresh:
        parts |= list_parts(deps, chosen, page.search)
    if not chosen:
        return RunView(**parts, chosen="", head="", failure="")
    if fault:
        return RunView(**parts, **unread_parts(deps, chosen, fault))
    if fresh:
        parts |= {"chosen": chosen} | fixed_parts(deps, chosen, page)
    changed = [part for part in queries.FILES if getattr(stamps, part) != getattr(old, part)]
    if (stamps.queue != old.queue or now != why) and "head" not in changed:  # its place, and what may be done
        changed.append("head")
    for part in changed:
        parts |= MAKERS[part](deps, chosen, page)
    return RunView(**parts)


def list_view(deps: Deps, seen: str, search: str) -> RunView:
    """Queue and list alone, for a page that looks at no run."""
    view = run_view(deps, Page("", seen, search=search))
    return view._replace(chosen=SAME, head=SAME, failure=SAME)


def _before(seen: str, chosen: str) -> tuple[Stamps | None, str]:
    """What the page had of this run; None where it had another one. A page may send anything in its place."""
    try:
        run, why, *stamps = json.loads(seen or "[]")
        return (Stamps(*stamps) if run == chosen else None), str(why)
    except (ValueError, TypeError):
        return None, ""


def why_html(deps: Deps) -> str:
    """Why nothing can be started here, what could not be looked after, or nothing."""
    if deps.settings.space:
        return note(SPACE)
    return views.html(views.warning(deps.read_only.words), views.warning(deps.runs_fault.words))


def list_parts(deps: Deps, chosen: str, search: str) -> dict[str, Any]:
    """Queue and run list; the chosen run stays in the list whatever is searched for."""
    found, notices = queries.lines(deps, search)
    active = queries.active(deps)
    choices = [(_label(deps, line), line.status.run) for line in found]
    if chosen and all(value != chosen for _, value in choices):
        choices.append((f"{chosen} · chosen", chosen))
    empty = views.NOT_FOUND if search.strip() else views.SPACE_EMPTY if deps.settings.space else views.EMPTY_RUNS
    return {
        "queue": views.queue_html(queries.records(active) if active else None, queries.waiting(deps)),
        "pick": gr.update(choices=choices, value=chosen or None, visible=bool(choices)),
        "none": views.html(views.notices_html(notices), "" if found else note(empty)),
    }


def _label(deps: Deps, line: Line) -> str:
    status = queries.records(line.status)
    return views.run_label(status, line.notes.tags, deps.now(), readable=not line.fault)


def unread_parts(deps: Deps, run: str, fault: str) -> dict[str, Any]:
    """In place of a run that can't be read: the reason, its log, and nothing of the run before."""
    said = ("failure", "loss_said", "small_said", "samples", "scores", "both")
    blank = dict.fromkeys((*said, "tags", "text", "written", "same", "yaml"), "")
    charts = {name: plot(None) for name in (*CHARTS, "scores_plot", "both_plot")}
    hidden = {name: gr.update(visible=False) for name in (*(name for name, *_ in BUTTONS), *ADVISED)}
    lists = {"beside": gr.update(choices=[], value=[]), "other": gr.update(choices=[], value=None)}
    head = {"chosen": run, "head": views.unreadable_head(run, fault)}
    return {**blank, **charts, **hidden, **lists, **head, **log_parts(deps, run, Page(run))}


def fixed_parts(deps: Deps, run: str, page: Page) -> dict[str, Any]:
    """What does not change while a run lives: its settings; and the runs beside it, as far as they are there."""
    found = queries.run_of(deps, run)
    known = [line.status.run for line in queries.lines(deps)[0] if line.status.run != run and not line.fault]
    others = [(name, name) for name in known]
    beside = [name for name in page.beside if name in known][:MOST_BESIDE]
    other = page.other if page.other in known else None
    both = both_view(deps, run, other) if other else BothView(note(NO_OTHER), plot(None))
    return {
        "tags": " ".join(found.notes.tags),
        "text": found.notes.text,
        "written": "",
        "same": found.facts.command,
        "yaml": offer.yaml_of(found.config),
        "beside": gr.update(choices=others, value=beside),
        "other": gr.update(choices=others, value=other),
        **both._asdict(),
    }


def head_parts(deps: Deps, run: str, page: Page) -> dict[str, Any]:
    found = queries.run_of(deps, run)
    status = queries.records(found.status)
    advice = queries.records(acts.advised(deps, run))
    place = queries.place(deps, run)
    head = views.run_head(status, queries.records(found.facts), deps.now(), place)
    shown = {"head": head, "failure": views.failure_card(status, advice)} | buttons(deps, found)
    helpful = acts.changes_of(deps, run) if deps.queue is not None else ()
    shown |= advice_buttons(queries.records(found.config), queries.records(helpful))
    at_work = found.status.state in ("running", "stopping")  # its figures come with the file that holds them
    return shown if at_work else shown | score_parts(deps, run, page)


def advice_buttons(config: Mapping[str, Any], found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A button for each item of advice that changes a setting, which says so; the rest is put away."""
    labels = [form_views.change_words(config, item["changes"]) for item in found[: len(ADVISED)]]
    shown = [gr.update(value=f"Fill the form: {label}", visible=True) for label in labels]
    return dict(zip(ADVISED, [*shown, *[gr.update(visible=False)] * (len(ADVISED) - len(shown))], strict=True))


def buttons(deps: Deps, found: Run) -> dict[str, Any]:
    """Only what can be done now, and only where this window may."""
    offered = set(OFFERED[found.status.state])
    if found.status.state == "finished" and found.status.adapter and found.config.comparable:
        offered.add("compare")
    may = deps.queue is not None and not deps.read_only.words
    if not may:
        offered &= set(READING) if deps.queue is not None else set()
    return {name: gr.update(visible=name in offered) for name, *_ in BUTTONS}


def curve_parts(deps: Deps, run: str, page: Page) -> dict[str, Any]:
    names = [run, *(name for name in page.beside if name != run and queries.known(deps, name))][: MOST_BESIDE + 1]
    curves = [Curve(name, queries.records(queries.steps_of(deps, name))) for name in names]
    steps, own = queries.run_of(deps, run).status.steps, curves[0].steps
    said = insight(scores.loss_words(own)) or note("The first step draws the first point.")
    return {
        "loss_said": views.html(said, views.findings_html(queries.records(queries.findings_of(deps, run)))),
        "loss": plot(plots.loss_plot(curves, steps)),
        "small_said": insight(scores.speed_words(own)),
        "speed": plot(plots.speed_plot(curves)),
        "rate": plot(plots.rate_plot(curves)),
        "memory": plot(plots.memory_plot(curves)),
    }


def sample_parts(deps: Deps, run: str, page: Page) -> dict[str, Any]:
    return {"samples": sample_views.samples_html(queries.records(queries.samples_of(deps, run)))}


def score_parts(deps: Deps, run: str, page: Page) -> dict[str, Any]:
    found, (status, facts, _) = queries.figures_of(deps, run), queries.run_of(deps, run)
    none = scores.unscored_words(queries.records(status), scored=facts.config.evaluate_rows > 0)
    shown = scores.scores_html(found.figures, found.base, found.primary, none)
    lines = scores.score_lines(found.figures, found.base, found.primary)
    return {"scores": shown, "scores_plot": plot(plots.scores_plot(lines))}


def log_parts(deps: Deps, run: str, page: Page) -> dict[str, Any]:
    return {"log": views.log_html(queries.log_of(deps, run))}


MAKERS: Mapping[str, Any] = {
    "head": head_parts,
    "curves": curve_parts,
    "samples": sample_parts,
    "scores": score_parts,
    "log": log_parts,
}


def new_nonce() -> str:
    """What tells one filled-in form from the next: the same one started twice is one run."""
    return uuid.uuid4().hex
