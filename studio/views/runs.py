"""A training run in words: how it stands, how long it will take, what waits, why it failed. Pure: plain JSON in, HTML
out. Names, errors and logs are other people's text and leave here inert."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from studio.views.history import ago
from studio.views.looks import meter
from studio.views.markup import Html, each, el, html, icon, note, plural, seconds

Record = Mapping[str, Any]
ACTIVE = ("starting", "running", "stopping")
OVER = ("stopped", "finished", "failed", "lost")
MARKS = {"finished": "check", "failed": "cross", "lost": "warn", "stopped": "none"}
EMPTY_RUNS = (
    "No run yet. The form holds one that works: press Start, and it stands here with its curves, its samples and its "
    "scores. You may close the window meanwhile."
)
EMPTY_QUEUE = "Nothing is training and nothing waits."
SPACE_EMPTY = "No run ships with this studio. Trained at home, runs stand here with their curves, samples and scores."
NOT_FOUND = "No run fits these words."
KINDS = {
    "out_of_memory": "Not enough memory",
    "data": "The data can't be used",
    "download": "A download failed",
    "not_a_number": "The loss is no number any more",
    "killed": "The process was ended from outside",
    "disk": "The disk refused",
    "config": "The settings can't work",
    "busy": "The machine was busy",
    "bug": "A fault of the studio",
}


def warning(words: str) -> Html:
    return el("p", icon("warn"), f" {words}", cls="tt-note tt-note-warn") if words else html()


def span_words(value: float) -> str:
    """'40 s', '2 min', '1 h 20 min': what remains or was estimated, no more exact than it can be."""
    if value < 55:
        return f"{max(1, round(value / 5) * 5 if value > 10 else round(value))} s"
    minutes = round(value / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest and hours < 10 else f"{hours} h"


def seconds_left(status: Record) -> float | None:
    """Training seconds to go at the pace so far; None before the first step, or where nothing is left."""
    step, steps, took = int(status["step"]), int(status["steps"]), float(status["seconds"])
    return took / step * (steps - step) if 0 < step < steps and took > 0 else None


def step_words(status: Record) -> str:
    """'step 31 of 50', or nothing before the steps are known."""
    return f"step {int(status['step']):,} of {int(status['steps']):,}" if status["steps"] else ""


def short_state(status: Record) -> str:
    """For one line: 'running, step 31 of 50, about 40 s left'."""
    state, phase = str(status["state"]), str(status["phase"])
    if state == "running":
        left = seconds_left(status)
        rest = f"about {span_words(left)} left" if left is not None else ""
        doing = phase if phase not in ("", "training") else ""
        return ", ".join(filter(None, ["running", step_words(status), doing or rest]))
    if state in ("stopped", "failed", "lost") and status["step"]:
        return f"{state} at {step_words(status)}"
    return state


def state_words(status: Record, place: int | None = None) -> str:
    """How a run stands, as a sentence. `place` is a waiting run's place in the queue, 1 the next."""
    state, at = str(status["state"]), step_words(status)
    if state == "queued":
        return "It is the next one." if place == 1 else f"It waits, {place} in the queue." if place else "It waits."
    if state == "starting":
        return f"It starts: {status['phase'] or 'its process is getting ready'}."
    if state == "stopping":
        return "It stops: the step is finished and saved first."
    if state == "finished":
        return f"Finished: {plural(int(status['step']), 'step')} in {seconds(float(status['seconds']))}."
    where = f" at {at}" if at and status["step"] else ""
    if state == "lost":
        return f"Lost{where}: its process is gone without a word. Resume goes on from its last checkpoint."
    if state == "stopped":
        return f"Stopped{where}. Resume goes on from its last checkpoint, or begins where there is none."
    return f"Failed{where}." if state == "failed" else f"{short_state(status).capitalize()}."


def progress_bar(status: Record) -> Html | None:
    """Steps done of all, with the words of the reader beside it."""
    step, steps = int(status["step"]), int(status["steps"])
    if not steps:
        return None
    return el(
        "div", meter(step, steps), cls="tt-run-bar", role="progressbar", aria_label="steps done",
        aria_valuemin="0", aria_valuemax=str(steps), aria_valuenow=str(min(step, steps)),
    )  # fmt: skip


def run_head(status: Record, facts: Record | None, now: datetime, place: int | None = None) -> Html:
    """Name, state in words, progress, and what the run works on."""
    state = str(status["state"])
    mark = icon(MARKS[state]) if state in MARKS else None
    spin = el("span", cls="tt-spin", aria_hidden="true") if state in ACTIVE else None
    name = el("h3", el("bdi", str(status["run"])), cls="tt-run-name")
    words = el("p", spin, mark, " ", state_words(status, place), cls=f"tt-lead tt-run-{state}")
    return el("div", name, words, progress_bar(status), _facts_line(status, facts, now), cls="tt-run-head")


def _facts_line(status: Record, facts: Record | None, now: datetime) -> Html | None:
    if facts is None:
        return None
    config: Record = facts["config"]
    rows = f" ({plural(int(facts['rows']), 'row')})" if facts["rows"] else ""
    parts = [f"{config['method']} of {config['base']}", f"on {facts['dataset'] or config['dataset']}{rows}"]
    if facts["trainable_parameters"] and facts["parameters"]:
        share = facts["trainable_parameters"] / facts["parameters"]
        parts.append(f"{facts['trainable_parameters']:,} of {facts['parameters']:,} parameters trained ({share:.1%})")
    if facts["device"]:
        parts.append(f"{facts['device']}" + (f", {facts['backend']}" if facts["backend"] else ""))
    created = str(status["created"] or facts["created"])
    return el("p", "; ".join(parts), f"; begun {ago(created, now)}" if created else None, cls="tt-dim")


def failure_card(status: Record, advice: Sequence[Record]) -> Html:
    """Why it failed, was lost or ended by hand, and what to change. Empty for a run without such words."""
    if not status["error"]:
        return html()
    state = status["state"]
    title = {"finished": "Look at this", "stopped": "Ended by hand"}.get(
        str(state), KINDS.get(str(status["kind"]), "It ended early")
    )
    items = [_advice(found) for found in advice]
    todo = el("div", el("h4", "What would help", cls="tt-subhead"), el("ul", *items, cls="tt-list")) if items else None
    by_hand = state in ("stopped", "finished")
    cls = "tt-note tt-note-warn" if by_hand else "tt-note tt-note-bad"
    head = el("p", icon("none" if by_hand else "cross"), " ", el("strong", f"{title}: "), str(status["error"]), cls=cls)
    return el("div", head, el("p", str(status["fix"])) if status["fix"] else None, todo, cls="tt-failure")


def findings_html(found: Sequence[Record]) -> Html:
    """What the curves show, with its figures, and what to change then. Nothing where they show nothing amiss."""
    return each(
        el(
            "div", warning(str(one["words"])), el("ul", *(_advice(item) for item in one["advice"]), cls="tt-list"),
            cls="tt-failure",
        )
        for one in found
    )  # fmt: skip


def _advice(found: Record) -> Html:
    changes = (el("code", f"{name} {written(value)}", cls="tt-evidence") for name, value in found["changes"].items())
    return el("li", str(found["words"]), " ", each(changes))


def written(value: Any) -> str:
    """As a settings file has it; "nothing" for an empty text."""
    return str(value).lower() if isinstance(value, bool) else str(value) or "nothing"


def queue_html(running: Record | None, waiting: Sequence[str]) -> Html:
    """What runs and what waits, in the order in which it will run."""
    if running is None and not waiting:
        return note(EMPTY_QUEUE)
    first = (
        el("li", el("strong", el("bdi", str(running["run"]))), f": {short_state(running)}", progress_bar(running))
        if running
        else None
    )
    rest = each(el("li", el("bdi", run), el("span", " waits", cls="tt-dim")) for run in waiting)
    return el("ol", first, rest, cls="tt-list tt-queue")


def queue_words(running: Record | None, waiting: int) -> str:
    """For the status bar: '1 running (recipe-jsonld-r64-s50: step 31 of 50, about 40 s left), 2 queued'."""
    if running is None:
        return f"{waiting:,} queued" if waiting else ""
    inside = short_state(running).removeprefix("running, ")
    now = f"1 running ({name_of(running)}: {inside})"
    return f"{now}, {waiting:,} queued" if waiting else now


def name_of(status: Record) -> str:
    """A run's id without the letters that only tell it from others."""
    head, _, tail = str(status["run"]).rpartition("-")
    return head if head and len(tail) == 6 else str(status["run"])


def run_label(status: Record, tags: Sequence[str], now: datetime, *, readable: bool = True) -> str:
    """One line of the run list; plain text, the list escapes it."""
    when = ago(str(status["created"]), now) if status["created"] else ""
    marks = " ".join(f"#{tag}" for tag in tags)
    state = short_state(status) if readable else "can't be read"
    return " · ".join(filter(None, [str(status["run"]), state, when, marks]))


def unreadable_head(run: str, reason: str) -> Html:
    """In place of a run that can't be read: its name and the reason."""
    name = el("h3", el("bdi", run), cls="tt-run-name")
    return el("div", name, el("p", icon("warn"), f" This run can't be read: {reason}"), cls="tt-run-head")


def log_html(lines: Sequence[str]) -> Html:
    if not lines:
        return note("The log is empty: the process has said nothing yet.")
    return el("pre", "\n".join(lines), cls="tt-raw tt-log", tabindex="0", role="group", aria_label="log")


def notices_html(notices: Sequence[str]) -> Html:
    """Folders that can't be read as runs."""
    return each(warning(words) for words in notices)
