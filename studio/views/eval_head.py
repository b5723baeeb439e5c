"""The top of an evaluation: what it is, how far it is, and its verdict in one sentence. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from studio.views.history import ago
from studio.views.looks import meter
from studio.views.markup import Html, each, el, html, icon, note, plural
from studio.views.runs import span_words

Record = Mapping[str, Any]
UNDER_WAY = ("queued", "running")
PHASES = {
    "": "getting ready", "reading": "reading the documents", "answering": "answering",
    "latency": "timing answers one by one", "noise": "measuring the batch-noise floor", "scoring": "scoring",
    "judging": "asking the judge", "figures": "working out figures and intervals", "report": "writing the report",
}  # fmt: skip
HELPED = {
    "yes": ("check", "It helped"),
    "no": ("same", "No difference that counts"),
    "unsure": ("warn", "Not decided"),
    "hurt": ("cross", "It got worse"),
}
COUNTED = {
    "usable": "counting answers with text around them too",
    "repaired": "counting answers that a program had to mend too",
}
EMPTY = (
    "No evaluation yet. An evaluation asks every arm the same documents and says, with intervals, whether tuning "
    "helped, by how much and where it hurt. Open New evaluation: the form holds one that works."
)
SPACE_EMPTY = "No evaluation ships with this studio. Run at home, they stand here with their verdict and charts."
SPACE = (
    "Evaluations need your own machine: on this Space nothing runs for long. The ones that ship stand here, to be read."
)


def facts_html(status: Record, found: Record | None, now: datetime, *, shipped: bool) -> Html:
    """One quiet line: what was measured, on how much, since when."""
    n, samples = int((found or {}).get("n_docs") or 0), int((found or {}).get("samples") or 1)
    arms: Sequence[Any] = (found or {}).get("arms") or ()
    when = (
        "ships with the studio" if shipped else f"begun {ago(str(status['created']), now)}" if status["created"] else ""
    )
    parts = [
        str(status["task"]),
        plural(n, "document") if n else "",
        plural(len(arms), "arm") if arms else "",
        f"{samples} samples each" if samples > 1 else "",
        when,
    ]
    return el("p", " · ".join(filter(None, parts)), cls="tt-dim tt-num")


def progress_html(status: Record | None) -> Html:
    """How far an evaluation is, or why it ended early; nothing for a finished one."""
    if status is None or status["state"] == "finished":
        return html()
    state, done, total = str(status["state"]), int(status["done"] or 0), int(status["total"] or 0)
    if state in UNDER_WAY:
        bar = el(
            "div", meter(done, total), cls="tt-run-bar", role="progressbar", aria_label="answers done",
            aria_valuemin="0", aria_valuemax=str(total), aria_valuenow=str(min(done, total)),
        ) if total else None  # fmt: skip
        spin = el("span", cls="tt-spin", aria_hidden="true")
        return el("div", el("p", spin, " ", _doing(status), cls="tt-progress", role="status"), bar, cls="tt-eval-job")
    if state == "cancelled":
        kept = f" {done:,} of {total:,} answers are kept." if total else ""
        return el(
            "p", icon("none"), f" Cancelled by you.{kept} Go on takes it up from there.", cls="tt-note tt-note-warn"
        )
    what = el(
        "p", icon("cross"), " ", el("strong", str(status["error"] or f"It is {state}.")), cls="tt-note tt-note-bad"
    )
    return html(what, el("p", str(status["fix"]), cls="tt-fix") if status["fix"] else None)


def _doing(status: Record) -> str:
    """'answering, base: 120 of 800 answers, about 4 min left'."""
    if status["state"] == "queued":
        return "It starts: its process is getting ready."
    done, total = int(status["done"] or 0), int(status["total"] or 0)
    phase = PHASES.get(str(status["phase"]), str(status["phase"]))
    what = f"{phase}, {status['arm']}" if status["arm"] else phase
    count = f": {done:,} of {total:,} answers" if total else ""
    left = f", about {span_words(float(status['eta_s']))} left" if status["eta_s"] else ""
    return f"{what[:1].upper()}{what[1:]}{count}{left}"


def verdict_html(found: Record | None, empty: str = "", tier: str = "strict") -> Html:
    """The sentence first; then where it got worse, and what stands behind it. A tier other than strict is told."""
    if found is None:
        return note(empty) if empty else html()
    help_ = el("span", icon("warn"), f" {COUNTED[tier]}", cls="tt-eval-help") if tier in COUNTED else None
    mark, word = HELPED.get(str(found["helped"]), HELPED["unsure"])
    facts = each(el("li", fact) for fact in found["facts"])
    worse: Sequence[str] = found["worse_on"]
    hurt = el("p", icon("warn"), el("span", el("strong", "Worse on "), "; ".join(worse)), cls="tt-eval-worse")
    behind = el(
        "details", el("summary", "What stands behind it"), el("ul", facts, cls="tt-eval-facts"), cls="tt-eval-why"
    )
    return el(
        "div",
        el("p", icon(mark), el("strong", word), help_, cls=f"tt-eval-word tt-eval-{found['helped']}"),
        el("p", str(found["sentence"]), cls="tt-eval-sentence"),
        hurt if worse else None,
        behind if found["facts"] else None,
        cls="tt-eval-verdict",
        role="status",
    )
