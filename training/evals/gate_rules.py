"""The release gates, one function each: rule, figure, bound and verdict of one tuned arm (metrics E).

Thresholds come from the pack's `evaluation.gates`. A gate whose evidence is no part of this evaluation (no golden
documents, no export, no judge) does not apply and says so; one that has too few documents says how many it takes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from training.evals import gate_numbers as decide
from training.evals.charts.view import Record, number
from training.evals.charts.words import and_words, num, percent
from training.evals.figures import Figures
from training.evals.gate_numbers import APART, FAIL, PASS, UNSURE, Decided, GateVerdict
from training.evals.records import TIMED
from training.evals.verdict import slice_words


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate. `measured` is the figure, `bound` the end of its interval that decides, `n` what both rest on.

    `n_required` is set with "insufficient data" where more documents would settle it: how many in all. `ids` are
    documents to look at, such as those newly broken. `rule` says the threshold in words.
    """

    name: str
    title: str
    rule: str
    verdict: GateVerdict
    measured: float | None = None
    bound: float | None = None
    n: int | None = None
    n_required: int | None = None
    why: str = ""
    ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ask:
    """What the rules look at. `folder` None: only aggregates are known, and gates that need more do not apply."""

    figures: Figures
    folder: Path | None
    manifest: Mapping[str, Any]
    arm: str

    @property
    def base(self) -> str:
        """The arm beside it, "" where there is none."""
        return self.figures.pair[0] if self.figures.pair else ""

    def limit(self, name: str) -> float:
        return float(self.figures.pack.evaluation.gates[name])

    def interval(self, metric: str) -> tuple[float, float, float, int] | None:
        """(value, low, high, documents) of the arm's figure; None where it was not measured."""
        found = self.figures.measured(self.arm, metric) or {}
        value, low, high = (number(found.get(key)) for key in ("value", "low", "high"))
        if value is None or low is None or high is None:
            return None
        return value, low, high, int(number(found.get("n_scored")) or 0)


def _apart(name: str, title: str, rule: str, why: str) -> Gate:
    return Gate(name, title, rule, APART, why=why)


def decided_of(gate: Gate, found: Decided, n: int, measured: float) -> Gate:
    """The gate with what was concluded from a figure over n documents."""
    return replace(gate, verdict=found.verdict, measured=measured, bound=found.bound, n=n, n_required=found.n_required)


def _rate(ask: Ask, gate: Gate, metric: str, targets: tuple[float, float]) -> Gate:
    known = ask.interval(metric)
    if known is None:
        return replace(gate, verdict=UNSURE, why="This figure was not measured.")
    value, low, high, n = known
    found = decide.rate_at_least(value, low, high, targets)
    return replace(decided_of(gate, found, n, value), why=_told(value, low, high, n))


def _told(value: float, low: float, high: float, n: int) -> str:
    return f"{percent(value)} [{percent(low)}, {percent(high)}], n = {n:,}."


def strict(ask: Ask) -> Gate:
    point, low = ask.limit("strict_point"), ask.limit("strict_low")
    rule = f"At least {percent(point)}, lower bound at least {percent(low)}"
    return _rate(ask, Gate("strict", "Parses as it stands", rule, UNSURE), "strict", (point, low))


def schema(ask: Ask) -> Gate:
    point, low = ask.limit("schema_point"), ask.limit("schema_low")
    rule = f"At least {percent(point)} without repair, lower bound at least {percent(low)}"
    return _rate(ask, Gate("schema", "Keeps the contract", rule, UNSURE), "schema_valid", (point, low))


def gain_of(figures: Figures, figure: Record, least: float) -> tuple[Decided, float, int] | None:
    """(what a difference decides, the gain, documents); None where it has no interval."""
    gain, low, high = figures.gain(str(figure.get("metric")), figure)
    n = int(number(figure.get("n")) or 0)
    if low is None or high is None:
        return None
    decided = decide.gain_above(gain, low, high, least, n)
    if n < decide.LEAST_PAIRS:
        decided = Decided(UNSURE, low, decide.LEAST_PAIRS)
    elif decided.verdict is PASS and not figures.shown(str(figure.get("metric")), figure):
        decided = Decided(UNSURE, low, n + 1)
    return decided, gain, n


def primary(ask: Ask) -> Gate:
    figures, least = ask.figures, ask.figures.pack.evaluation.minimum_difference
    rule = f"Gain over the best untuned arm: lower bound above 0, itself at least {num(least)}"
    gate = Gate("primary", f"{figures.view.label(figures.deciding)} against the base", rule, UNSURE)
    figure = figures.pairs.get(figures.deciding)
    if figure is None or ask.base in figures.arms("trivial"):
        return replace(gate, why="No untuned arm was evaluated beside it: add prompted, shots or constrained.")
    if (found := gain_of(figures, figure, least)) is None:
        return replace(gate, why="The difference has no interval: too few documents.")
    decided, gain, n = found
    ends = [num(end) for end in figures.gain(figures.deciding, figure)[1:]]
    why = f"Against {figures.label(ask.base)}: better by {num(gain)} [{ends[0]}, {ends[1]}], n = {n:,}."
    return replace(decided_of(gate, decided, n, gain), why=why)


def invention(ask: Ask) -> Gate:
    high, margin = ask.limit("halluc_docs_high"), ask.limit("halluc_margin")
    rule = f"Upper bound at most {percent(high)}, and at most {100 * margin:g} points worse than the base"
    gate = Gate("invention", "Answers with something made up", rule, UNSURE)
    if not ask.figures.pack.answer.grounded:
        return replace(gate, verdict=APART, why="Answers of this task are made up on purpose.")
    known = ask.interval("hallucinated_docs")
    if known is None:
        return replace(gate, why="No answer gave anything that could be checked.")
    value, low, upper, n = known
    gate = decided_of(gate, decide.rate_at_most(value, low, upper, high), n, value)
    gate = replace(gate, why=_told(value, low, upper, n))
    figure = ask.figures.pairs.get("hallucinated_docs") or {}
    known = [number(figure.get(key)) for key in ("difference", "ci_low", "ci_high")]
    ends = [value for value in known if value is not None]
    both = int(number(figure.get("n")) or 0)
    if len(ends) < len(known) or both < ask.limit("slice_n"):
        return replace(gate, why=f"{gate.why} Only {both:,} answers of the base can be compared with, too few.")
    beside = decide.difference_at_most(ends[0], ends[1], ends[2], margin, both)
    if _rank(beside.verdict) > _rank(gate.verdict):
        points = [f"{100 * end:.0f}".replace("-0", "0") for end in ends]
        told = f"Against {ask.figures.label(ask.base)} {points[0]} points [{points[1]}, {points[2]}], n = {both:,}."
        gate = replace(gate, verdict=beside.verdict, n_required=beside.n_required, why=f"{gate.why} {told}")
    return gate


def abstention(ask: Ask) -> Gate:
    low, least = ask.limit("abstain_low"), int(ask.limit("abstain_n"))
    rule = f"Lower bound at least {percent(low)} over at least {least} cases"
    gate = Gate("abstention", "Leaves out what the text lacks", rule, UNSURE)
    found = ask.figures.measured(ask.arm, "abstain_acc")
    value, bound = (number((found or {}).get(key)) for key in ("value", "low"))
    n = int(number((found or {}).get("n_items")) or number((found or {}).get("n_scored")) or 0)
    if value is None or n == 0:
        return replace(gate, verdict=APART, why="Every right answer fills every field: nothing was to be left out.")
    high = number((found or {}).get("high"))
    ends = (value if bound is None else bound, value if high is None else high)
    decided = decide.rate_at_least(value, ends[0], ends[1], (low, low))
    gate = replace(decided_of(gate, decided, n, value), why=f"Left out: {_told(value, *ends, n)}")
    if n < least and decided.verdict is not FAIL:
        return replace(gate, verdict=UNSURE, n_required=max(least, decided.n_required or 0))
    return gate


def slices(ask: Ask) -> Gate:
    least, drop = int(ask.limit("slice_n")), ask.limit("slice_drop")
    rule = f"No slice of {least} documents or more has an interval below −{num(drop)}"
    gate = Gate("slices", "No slice got worse", rule, UNSURE)
    every = ask.figures.slices
    large = [change for change in every if change.n >= least]
    if not every:
        return replace(gate, verdict=APART, why="The documents have no slices.")
    if not large:
        most = max(change.n for change in every)
        return replace(gate, n=most, n_required=least, why=f"The largest slice has {most:,} documents.")
    fallen = [change for change in large if change.high is not None and change.high < -drop]
    worst = min(large, key=lambda change: change.gain)
    known = Decided(FAIL if fallen else PASS, worst.high, None)
    told = and_words([slice_words(change.key, change.label) for change in fallen])
    why = (
        f"Fell on {told}."
        if fallen
        else f"{len(large)} slices; the least gain is on {slice_words(worst.key, worst.label)}."
    )
    return replace(decided_of(gate, known, worst.n, worst.gain), why=why)


def stop(ask: Ask) -> Gate:
    point, low = ask.limit("eos_point"), ask.limit("strict_low")
    rule = f"At least {percent(point)} are whole, and as many end by themselves; never a second answer or instructions"
    gate = Gate("stop", "Ends where it should", rule, UNSURE)
    cut = ask.interval("truncated")
    if cut is None:
        gate = replace(gate, verdict=APART, why="How these answers ended is not known.")
    else:
        value, n = 1 - cut[0], cut[3]
        gate = decided_of(gate, decide.rate_at_least(value, 1 - cut[2], 1 - cut[1], (point, low)), n, value)
        gate = replace(gate, why=f"Not cut off: {_told(value, 1 - cut[2], 1 - cut[1], n)}")
        if ask.figures.pack.answer.kind == "json":
            gate = _worse_of(gate, _ends(ask, gate, (point, low)))
    for metric, words in (("multi_object", "gave a second answer"), ("prompt_leak", "repeated their instructions")):
        share = ask.figures.value(ask.arm, metric)
        if share:
            gate = replace(gate, verdict=FAIL, n_required=None, why=f"{gate.why} {percent(share)} {words}.")
    return gate


def _ends(ask: Ask, gate: Gate, targets: tuple[float, float]) -> Gate:
    """Whether the model stops behind its object: not what the studio does, which ends every answer there."""
    if (known := ask.interval("ends")) is None:
        why = "Each was ended at its first object; whether the model would have stopped there was not looked at."
        return replace(gate, verdict=UNSURE, measured=None, bound=None, n=None, n_required=None, why=why)
    value, low, high, n = known
    ends = decided_of(gate, decide.rate_at_least(value, low, high, targets), n, value)
    return replace(ends, why=f"Stopped by themselves behind their object: {_told(value, low, high, n)}")


def _worse_of(one: Gate, other: Gate) -> Gate:
    worse = other if _rank(other.verdict) > _rank(one.verdict) else one
    return replace(worse, why=f"{one.why} {other.why}")


def latency(ask: Ask) -> Gate:
    """Seconds of the slowest in twenty, one document at a time, and the most memory; on the device that was used.

    With fewer than `TIMED` documents nothing bounds what 95 % of all take: even the slowest of them may be below it.
    """
    most, room = ask.limit("latency_p95_s"), ask.limit("memory_gb")
    rule = f"95 % of documents within {most:g} s one at a time, upper bound too, in at most {room:g} GB"
    gate = Gate("latency", "Fast and small enough", rule, UNSURE)
    facts = (ask.manifest.get("latency") or {}).get(ask.arm) or {}
    device = f" on {facts['device']}" if facts.get("device") else ""
    known = ask.interval("latency_p95")
    if known is None:
        return replace(gate, verdict=APART, why="No document was timed by itself.")
    value, low, high, n = known
    verdict = PASS if high <= most else FAIL if low > most else UNSURE
    required = decide.shrunk(n, high - value, most - value) if verdict is UNSURE else None
    why = f"{num(value)} s [{num(low)}, {num(high)}], n = {n:,}{device}."
    if n < TIMED and verdict is not FAIL:
        verdict, required = UNSURE, max(TIMED, required or 0)
        why = f"{why} Fewer than {TIMED} timed documents bound no 95 %: evaluate with --latency-rows {TIMED}."
    gate = replace(decided_of(gate, Decided(verdict, high, required), n, value), why=why)
    memory = number(facts.get("peak_memory_bytes"))
    if memory is None:
        return replace(gate, why=f"{why} Memory was not measured.")
    used = memory / 1e9
    gate = replace(gate, why=f"{why} {num(used)} GB at most.")
    return replace(gate, verdict=FAIL, n_required=None) if used > room else gate


def _rank(verdict: GateVerdict) -> int:
    return (APART, PASS, UNSURE, FAIL).index(verdict)
