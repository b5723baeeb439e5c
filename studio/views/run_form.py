"""What stands beside the run form: when to use a preset, what is wrong, the checks before the start, what it will
take. Pure: plain JSON in, HTML out."""

from collections.abc import Mapping, Sequence
from typing import Any

from studio.views.markup import Html, each, el, html, icon, note, number, plural
from studio.views.runs import span_words, written

Record = Mapping[str, Any]
STATES = {"ok": "check", "warn": "warn", "stop": "cross", "wait": "none"}
WORDS = {"ok": "fine", "warn": "note", "stop": "can't start", "wait": "not measured"}
GB, MB = 1e9, 1e6
NOT_CHECKED = "Check first tells what would stop this run, how long it takes and what the model learns from."
NO_TOKENS = "Check first shows two real rows here as the model reads them, what it learns from marked."
LABELS = {
    "base": "Base model",
    "dataset": "Dataset version",
    "max_steps": "Steps",
    "grad_accumulation": "Gradient accumulation",
    "learning_rate": "Learning rate",
    "batch_size": "Batch size",
    "max_length": "Longest row",
    "too_long": "Longer rows",
    "answer_only": "Learn from the answer alone",
    "warmup": "Warm-up",
    "adam_beta2": "Adam beta 2",
    "max_grad_norm": "Longest gradient",
    "eval_steps": "Dev loss every",
    "save_steps": "Checkpoint every",
    "sample_steps": "Sample answers every",
    "evaluate_rows": "Dev rows scored at the end",
    "report_to": "Also report to",
    "save_dtype": "Adapter's numbers",
    "target_modules": "Layers",
    "dtype": "Numbers",
    "short_first_steps": "Short rows first",
    "name": "Adapter's name",
}


def label_of(field: str) -> str:
    """A field's name as people read it."""
    return LABELS.get(field, field.replace("_", " ").capitalize())


def info_of(about: str, unit: str, off: str) -> str:
    """The line under a field: what it does, in which unit, and what switches it off."""
    more = "; ".join(filter(None, [f"in {unit}" if unit else "", _off(off)]))
    return f"{about} ({more})" if more else about


def change_words(config: Record, changes: Record) -> str:
    """'Batch size 8 to 4, Gradient accumulation 1 to 2': what each field of a config would become."""
    return ", ".join(f"{label_of(name)} {written(config[name])} to {written(new)}" for name, new in changes.items())


def _off(off: str) -> str:
    return "" if not off else off if ":" in off else f"{off} is off"


def preset_html(preset: Record | None) -> Html:
    """The sentence on when to take a preset."""
    if preset is None:
        return el("p", "Your own settings. A preset fills in a whole recipe that is known to work.", cls="tt-dim")
    return el("p", str(preset["when"]), cls="tt-dim")


def problems_html(problems: Sequence[Record]) -> Html:
    """Each thing that is wrong: the field, why, and what to do. Empty where nothing is."""
    if not problems:
        return html()
    items = (
        el("li", el("strong", label_of(str(p["field"]))), f" {p['reason']}. ", el("span", str(p["fix"])))
        for p in problems
    )
    return el("div", el("ul", *items, cls="tt-note tt-note-bad tt-problems"), role="alert")


def preflight_html(found: Record | None) -> Html:
    """The checks line by line, worst first, and what the run will take."""
    if found is None:
        return note(NOT_CHECKED)
    checks: Sequence[Record] = found["checks"]
    order = ("stop", "warn", "wait", "ok")
    listed = each(_check(check) for check in sorted(checks, key=lambda check: order.index(str(check["state"]))))
    head = _verdict(checks)
    estimate = estimate_html(found["estimate"]) if found["estimate"] else None
    return el("div", head, estimate, el("ul", listed, cls="tt-checks"), cls="tt-preflight")


def _verdict(checks: Sequence[Record]) -> Html:
    counts = {state: sum(check["state"] == state for check in checks) for state in STATES}
    if counts["stop"]:
        words = f"This run can't start: {plural(counts['stop'], 'check')} of {len(checks)} stopped it."
        return el("p", icon("cross"), " ", words, cls="tt-note tt-note-bad", role="alert")
    notes = f", {plural(counts['warn'], 'note')}" if counts["warn"] else ""
    return el("p", icon("check"), f" This run can start: {plural(len(checks), 'check')}{notes}.", cls="tt-insight")


def _check(check: Record) -> Html:
    state = str(check["state"])
    fix = el("span", f" {check['fix']}", cls="tt-fix") if check["fix"] and state != "ok" else None
    mark = html(icon(STATES[state]), el("span", f"{WORDS[state]}: ", cls="tt-sr"))
    return el(
        "li",
        mark,
        el("span", el("strong", label_of(str(check["name"]))), f" {check['words']}", fix),
        cls=f"tt-check-{state}",
    )


def estimate_html(estimate: Record) -> Html:
    """Steps, tokens, time and memory, each with what it was measured on."""
    steps = int(estimate["steps"])
    facts = [("Steps", f"{steps:,} over {plural(int(estimate['rows']), 'row')}")]
    if estimate["tokens"]:
        facts.append(
            (
                "Tokens",
                f"{number(round(estimate['tokens']))} in all, {number(round(estimate['tokens_per_step']))} a step",
            )
        )
    facts.append(("Time", _time_words(estimate)))
    facts.append(("Peak memory", _memory_words(estimate)))
    if estimate.get("trainable_parameters") and estimate.get("parameters"):
        share = estimate["trainable_parameters"] / estimate["parameters"]
        facts.append(
            (
                "Trained",
                f"{number(estimate['trainable_parameters'])} of {number(estimate['parameters'])} weights ({share:.1%})",
            )
        )
    where = f" on {estimate['device']}" if estimate.get("device") else ""
    told = (
        f"Measured on {plural(int(estimate['measured_steps']), 'real step')}{where}."
        if estimate["measured_steps"]
        else ""
    )
    listed = each(el("div", el("dt", name), el("dd", value, cls="tt-num")) for name, value in facts)
    return html(el("dl", listed, cls="tt-facts tt-facts-grid"), el("p", told, cls="tt-dim") if told else None)


def _time_words(estimate: Record) -> str:
    """What was timed, and what comes on top of it."""
    if not estimate["seconds"]:
        return "not measured"
    more = "; ".join(str(words) for words in estimate.get("on_top", ()))
    return f"about {span_words(float(estimate['seconds']))} of training" + (f", and on top {more}" if more else "")


def _memory_words(estimate: Record) -> str:
    """What measured steps held, or what is reckoned where none ran."""
    if not estimate["peak_bytes"]:
        return "not measured"
    return f"about {bytes_words(estimate['peak_bytes'])}" + ("" if estimate["measured_steps"] else ", reckoned")


def bytes_words(value: float) -> str:
    """'1.2 GB', '340 MB' (10^9, 10^6 bytes)."""
    return f"{value / GB:.1f} GB" if value >= GB else f"{max(1, round(value / MB)):,} MB"


def busy_html(words: str) -> Html:
    """Something that takes a while has begun."""
    return el("p", el("span", cls="tt-spin", aria_hidden="true"), f" {words}", cls="tt-progress", role="status")


def filled_html(words: str) -> Html:
    """The form was filled from elsewhere."""
    return el("p", icon("check"), f" {words}", cls="tt-dim") if words else html()
