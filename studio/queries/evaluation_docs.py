"""Which documents two arms got right and wrong, worst losses first, and one of them as Compare would show it.

"Right" is a threshold on one metric, said in words beside the table: 1 for a share of all or nothing, at least 0.8 of a
graded one, at most 1 off for a rating, none at all for what should not be. Of a size that no answer is without, such as
bits a byte or minutes off, no threshold means anything: there the arm that is better on the document counts as right,
both where they are the same. Documents that the metric does not apply to stand in none of the four cells and are
counted.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from studio.queries import evaluation_frames as frames
from studio.queries.evaluation_metrics import Metric
from studio.queries.evaluation_quotes import quotes_in
from studio.queries.evaluations import Pair
from training.errors import InputError
from training.evals.records import EvalArm, read_arm
from training.task.context import readable
from training.task.pack import Pack
from training.task.parse import gold_object, parse_answer
from training.task.records import FinishReason, Source, to_json
from training.task.score.answer import score_answer
from training.task.score.diff import field_diff
from training.task.score.grounding import ground_items
from training.task.score.schema import schema_errors

PAGE = 25
GRADED = 0.8  # a graded value from here on is right
SIZES = ("bits_per_byte", "repetition", "copied", "copied_longest", "duration_error_minutes")
EVEN = 1e-9  # values nearer than this are the same
CELLS = ("a_only", "b_only", "both", "neither")
FIRST = "first"


@dataclass(frozen=True, slots=True)
class Asked:
    """Which documents are listed, and which one is open. "" and () leave a condition out; `cell` FIRST is the first of
    CELLS that holds documents, until a person chooses one; `cluster` is an error of either arm, `metric` "" the
    primary one. `where` is a filter of the rows of a `frame` that a chart's mark stands for, `words` what it says of
    itself."""

    metric: str = ""
    cell: str = FIRST
    slice: str = ""
    style: str = ""
    cluster: str = ""
    find: str = ""
    docs: tuple[str, ...] = ()
    where: Mapping[str, Any] = field(default_factory=dict[str, Any])
    frame: str = "gen"
    words: str = ""
    page: int = 1
    doc: str = ""


def asked_of(text: str) -> Asked:
    """What a page asks for; a page may send anything in its place."""
    try:
        found = dict(json.loads(text or "{}"))
        known = {name: type(value)(found[name]) for name, value in to_json(Asked()).items() if name in found}
        return Asked(**{**known, "docs": tuple(map(str, known.get("docs") or ()))})
    except (ValueError, TypeError):
        return Asked()


def asked_text(asked: Asked) -> str:
    return json.dumps(to_json(asked))


class Doc(NamedTuple):
    """One line of the list: values of both arms, what each answer is worth, the error of each."""

    doc: str
    a: float
    b: float
    slice: str
    style: str
    tier_a: str
    tier_b: str
    error_a: str
    error_b: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """`cells` counts documents by cell over all of them; `listed` is a page of `total` that fit the filter, which is of
    `cell` where that is not "".

    `left_out` documents have no value of this metric for both arms. `choices` are what can be filtered by.
    """

    cells: Mapping[str, int]
    listed: tuple[Doc, ...]
    total: int
    pages: int
    left_out: int
    cell: str
    choices: Mapping[str, Sequence[tuple[str, int]]]


def is_size(metric: Metric) -> bool:
    """Whether less is better and no amount of it is right by itself, so that arms are held against each other."""
    return metric.better == "lower" and metric.name.partition(":")[0] in SIZES


def is_right(metric: Metric, value: float) -> bool:
    if metric.better == "lower":
        return value <= (1.0 if metric.unit in ("points", "rating") or metric.name.startswith("mae") else 0.0)
    return value >= (1.0 if metric.kind == "rate" else GRADED)


def right_words(metric: Metric) -> str:
    """What counts as right."""
    if is_size(metric):
        return "the less of the two, both where they are the same"
    if metric.better == "lower":
        return "1 point off at most" if metric.name.startswith("mae") else "none at all"
    return "yes" if metric.kind == "rate" else f"{GRADED:g} or more"


def cell_of(metric: Metric, a: float, b: float) -> str:
    if is_size(metric):
        return "both" if abs(a - b) <= EVEN else "a_only" if a < b else "b_only"
    right = is_right(metric, a), is_right(metric, b)
    return {(True, False): "a_only", (False, True): "b_only", (True, True): "both"}.get(right, "neither")


def documents(folder: Path, pair: Pair, metric: Metric, tier: str, asked: Asked) -> Found:
    """The documents of two arms, the largest loss of b first."""
    found, left_out = _joined(folder, pair, metric, tier)
    sign = -1.0 if metric.better == "lower" else 1.0
    cells = Counter(cell_of(metric, doc.a, doc.b) for doc in found)
    marked = frames.docs_where(folder, asked.frame, asked.where) if asked.where else None
    fitting = [doc for doc in found if _fits(doc, asked) and (marked is None or doc.doc in marked)]
    cell = asked.cell
    if cell == FIRST:
        held = {cell_of(metric, doc.a, doc.b) for doc in fitting}
        cell = next((name for name in CELLS if name in held), CELLS[0])
    fitting = [doc for doc in fitting if not cell or cell_of(metric, doc.a, doc.b) == cell]
    fitting.sort(key=lambda doc: (sign * (doc.b - doc.a), doc.doc))
    pages = max(1, -(-len(fitting) // PAGE))
    page = min(max(1, asked.page), pages)
    listed = fitting[PAGE * (page - 1) : PAGE * page]
    titles = {doc: title_of(row) for doc, row in frames.sources(folder, [doc.doc for doc in listed]).items()}
    shown = tuple(doc._replace(title=titles.get(doc.doc, "")) for doc in listed)
    return Found({name: cells[name] for name in CELLS}, shown, len(fitting), pages, left_out, cell, _choices(found))


def _joined(folder: Path, pair: Pair, metric: Metric, tier: str) -> tuple[list[Doc], int]:
    if metric.key is None:
        raise InputError(f"{metric.label} has no value of a single document.", fix="Choose another metric.")
    a, b = (frames.values(folder, arm, metric.key, tier) for arm in pair)
    facts = _facts(folder, pair)
    docs = [doc for doc in facts if doc in a and doc in b]
    return [Doc(doc, a[doc], b[doc], *facts[doc]) for doc in docs], len(facts) - len(docs)


def _facts(folder: Path, pair: Pair) -> dict[str, tuple[str, str, str, str, str, str]]:
    """slice, style, tiers and errors by document, of the first sample."""
    every: Any = frames.answers(folder)
    sides: list[dict[str, tuple[Any, ...]]] = []
    for arm in pair:
        mine = every[(every["arm"] == arm) & (every["k"] == 0)]
        columns = [mine[name].fillna("").astype(str).tolist() for name in ("doc", "slice", "style", "tier", "error")]
        sides.append({row[0]: row[1:] for row in zip(*columns, strict=True)})
    none = ("", "", "", "")
    return {
        doc: (*row[:2], row[2], sides[1].get(doc, none)[2], row[3], sides[1].get(doc, none)[3])
        for doc, row in sides[0].items()
    }


def _fits(doc: Doc, asked: Asked) -> bool:
    """Whether a document meets every condition but the cell."""
    return (
        (not asked.slice or doc.slice == asked.slice)
        and (not asked.style or doc.style == asked.style)
        and (not asked.cluster or asked.cluster in (doc.error_a, doc.error_b))
        and (not asked.docs or doc.doc in asked.docs)
        and (not asked.find or asked.find.casefold() in doc.doc.casefold())
    )


def _choices(found: Sequence[Doc]) -> dict[str, list[tuple[str, int]]]:
    errors = Counter(error for doc in found for error in {doc.error_a, doc.error_b} if error)
    return {
        "slice": Counter(doc.slice for doc in found if doc.slice).most_common(),
        "style": Counter(doc.style for doc in found if doc.style).most_common(),
        "cluster": errors.most_common(),
    }


def title_of(row: Mapping[str, Any]) -> str:
    """The first line of a source that says something."""
    lines = (" ".join(line.split()).lstrip("# ") for line in str(row.get("source") or "")[:4000].splitlines())
    first = next((line for line in lines if any(char.isalnum() for char in line)), "untitled")
    return first if len(first) <= 90 else first[:89].rstrip() + "…"


@dataclass(frozen=True, slots=True)
class Sides:
    """One document: its source, its right answer, and the answers as Compare's views take them, left to right.

    `diffs` are as in `arms_diff`: against the gold where it is known. `verdicts` is what a judge said, `quotes` the
    texts that it quoted, as items of a column: each with its field and where in the source it stands.
    """

    doc: str
    title: str
    source: str
    gold: dict[str, Any] | None
    arms: tuple[dict[str, Any], ...]
    diffs: tuple[Any, ...]
    verdicts: tuple[dict[str, Any], ...]
    facts: Mapping[str, str]
    quotes: tuple[dict[str, Any], ...] = ()


def one_document(folder: Path, pack: Pack, doc: str, arms: Sequence[str], tier: str) -> Sides:
    """A document and what these arms answered. InputError where it is not there."""
    row = frames.sources(folder, [doc]).get(doc)
    given = frames.answers_to(folder, doc, arms)
    if row is None or not given:
        raise InputError(f"This evaluation has no document {doc!r}.", fix="Choose one from the list.")
    gold = None if row.get("gold") is None else gold_object(pack, row["gold"])
    source = readable(Source(str(row["source"]), str(row.get("kind") or "text")), pack.context).text
    known = _Known(source, gold, row.get("supported") or None)
    sides = tuple(_side(pack, known, given[arm], tier) for arm in arms if arm in given)
    objects = [side["parsed"]["object"] for side in sides]
    left, others = (gold, objects) if gold is not None else (objects[0], objects[1:])
    diffs = tuple(None if right is None else field_diff(left, right, pack) for right in others)
    facts = {name: str(row.get(name) or "") for name in ("slice", "style", "part", "group")}
    said = tuple(frames.verdicts_on(folder, doc))
    return Sides(doc, title_of(row), source, gold, sides, diffs, said, facts, quotes_in(said, source))


class _Known(NamedTuple):
    """What is known of a document: its text, its right answer, what a person found supported by field."""

    source: str
    gold: dict[str, Any] | None
    supported: Mapping[str, Sequence[str]] | None


def _side(pack: Pack, known: _Known, answer: Mapping[str, Any], tier: str) -> dict[str, Any]:
    """One answer, parsed and scored again by the code that scored it, in the form of a comparison's column."""
    raw, finish = str(answer["raw"] or ""), FinishReason(answer["finish"])
    parsed = parse_answer(pack, raw, finish)
    source, gold, supported = known
    scores = score_answer(pack, parsed, source, gold, tier=tier, raw=raw, finish=finish, supported=supported)
    return {
        "generation": {
            "arm": {"label": answer["arm"]}, "raw": raw, "finish_reason": str(finish), "proof": None,
            "new_tokens": answer["new_tokens"] or 0, "gen_s": answer["gen_s"] or 0.0, "ttft_s": answer["ttft_s"],
            "batch_size": answer["batch_size"] or 0, "prompt_sha256": answer["prompt_sha256"],
        },
        "parsed": to_json(parsed),
        "schema_errors": to_json(schema_errors(parsed.object, pack.schema)),
        "scores": to_json(scores),
        "items": to_json(ground_items(pack, parsed.object, source, supported)),
    }  # fmt: skip


def adapter_of(arm: str) -> str:
    """The adapter of an arm by its name, "" for one without."""
    try:
        found: EvalArm = read_arm(arm)
    except InputError:
        return ""
    return found.adapter or ""
