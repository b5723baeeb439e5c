"""What of an evaluation's folder a judge is shown: documents, golds, each arm's answer, and which documents are drawn.

Read from rows.jsonl and the answers, streaming: only the drawn documents are held. Of several samples the first is
judged. A failed parse never goes to a judge; a repaired answer does only as an arm of its own (metrics C2).
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from training.chat.marks import sendable
from training.errors import InputError
from training.evals.answers_read import answers_in
from training.evals.data import read_rows
from training.evals.judge.groups import canonical_text
from training.evals.judge.protocol import Material
from training.evals.records import ROWS, EvalRow
from training.task.context import clean
from training.task.pack import Pack
from training.task.parse import parse_answer
from training.task.records import FinishReason, Source, Tier
from training.task.score.content import field_scores
from training.task.score.values import LIST_KINDS, asserts_anything

FAILED, REPAIRED, MACHINE = "unscored(failed_parse)", "unscored(repaired_answer)", "unscored(no_answer)"
REPAIRED_ARM = " (repaired)"
_JUDGED = frozenset({Tier.STRICT, Tier.EXTRACTED})
_MENDED = frozenset({Tier.REPAIRED, Tier.REPAIRED_TRUNCATED})


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it is judged. `source` is its text (of a page the words), `reference` the gold's text or None."""

    row: EvalRow
    source: str
    reference: str | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One arm's answer. `text` is laid out alike for all arms.

    `refused` says why no judge may see it, "" where one may. `rule` is what the rule-based scores come to, 0..1 (None
    without a gold), `chars` the length of `text`.
    """

    arm: str
    doc: str
    text: str
    obj: dict[str, Any]
    refused: str = ""
    rule: float | None = None

    @property
    def chars(self) -> int:
        return len(self.text)


@dataclass(frozen=True, slots=True)
class Matter:
    """The drawn documents, and by arm each one's answer; the arms in the order of the folder."""

    documents: dict[str, Document]
    arms: dict[str, dict[str, Candidate]]
    n_rows: int


def document_of(pack: Pack, row: EvalRow, reference: bool = True) -> Document:
    """A document as judges see it."""
    source = sendable(clean(Source(row.source, row.kind), pack.context))
    shown = reference and pack.answer.grounded and row.gold is not None
    return Document(row, source, canonical_text(pack, row.gold or {}) if shown else None)


def candidate_of(pack: Pack, row: EvalRow, arm: str, raw: str, finish: str, repaired: bool = False) -> Candidate:
    """An answer's text as a candidate. `repaired` judges repaired answers and no others."""
    if finish == FinishReason.ERROR:
        return Candidate(arm, row.id, "", {}, MACHINE)
    parsed = parse_answer(pack, raw, FinishReason(finish))
    wanted = _MENDED if repaired else _JUDGED
    rule = rule_score(pack, row, raw, finish)
    if parsed.object is None or parsed.tier not in _JUDGED | _MENDED:
        return Candidate(arm, row.id, "", {}, FAILED, rule)
    if parsed.tier not in wanted:
        return Candidate(arm, row.id, "", {}, "" if repaired else REPAIRED, rule)
    return Candidate(arm, row.id, canonical_text(pack, parsed.object), parsed.object, "", rule)


def read_matter(
    folder: Path, pack: Pack, arms: Sequence[str] = (), limit: int = 0, seed: int = 7, reference: bool = True
) -> Matter:
    """The documents drawn and the answers of `arms`, () for all of them. InputError for what is not there."""
    if not (folder / ROWS).is_file():
        raise InputError(
            f"{folder} is no evaluation: {ROWS} is missing.", fix="Give the folder that `evaluate --out` wrote."
        )
    slices = {row.id: row.slice for row in read_rows(folder / ROWS)}
    drawn = frozenset(draw(slices, limit, seed))
    rows = {row.id: row for row in read_rows(folder / ROWS) if row.id in drawn}
    documents = {name: document_of(pack, row, reference) for name, row in rows.items()}
    found: dict[str, dict[str, Candidate]] = defaultdict(dict)
    for given in answers_in(folder):
        if arms and given.arm not in arms:
            continue
        mine = found[given.arm]
        if given.k == 0 and given.doc in rows:
            mine[given.doc] = candidate_of(pack, rows[given.doc], given.arm, given.raw, given.finish)
    if unknown := [arm for arm in arms if arm not in found]:
        known = ", ".join(_arms_in(folder)) or "none"
        raise InputError(f"The evaluation has no arm {unknown[0]!r}.", fix=f"Its arms: {known}.")
    for arm, answers in found.items():
        for doc in rows.keys() - answers.keys():
            answers[doc] = Candidate(arm, doc, "", {}, FAILED, 0.0 if rows[doc].gold is not None else None)
    order = arms or tuple(found)
    return Matter(documents, {arm: found[arm] for arm in order}, len(slices))


def mended(folder: Path, pack: Pack, matter: Matter) -> dict[str, dict[str, Candidate]]:
    """By `ARM (repaired)` the answers that only a repair made readable, for arms that have any."""
    found: dict[str, dict[str, Candidate]] = defaultdict(dict)
    for given in answers_in(folder):
        arm, doc = given.arm, given.doc
        if given.k or arm not in matter.arms or matter.arms[arm].get(doc) is None:
            continue
        if matter.arms[arm][doc].refused == REPAIRED:
            name, row = arm + REPAIRED_ARM, matter.documents[doc].row
            found[name][doc] = candidate_of(pack, row, name, given.raw, given.finish, repaired=True)
    return dict(found)


def draw(slices: Mapping[str, str], limit: int, seed: int) -> list[str]:
    """`limit` documents, each slice by its share (largest remainders), in the documents' order; 0 takes all.

    Which ones is decided by a hash of seed and id: the same for all arms, on every machine, and a larger draw holds
    almost all of a smaller one.
    """
    if not limit or limit >= len(slices):
        return list(slices)
    by_slice: dict[str, list[str]] = defaultdict(list)
    for doc, name in slices.items():
        by_slice[name].append(doc)
    shares = {name: len(docs) * limit / len(slices) for name, docs in by_slice.items()}
    counts = {name: int(share) for name, share in shares.items()}
    for name in sorted(shares, key=lambda name: (counts[name] - shares[name], name))[: limit - sum(counts.values())]:
        counts[name] += 1
    chosen: set[str] = set()
    for name, docs in by_slice.items():
        ranked = sorted(docs, key=lambda doc: hashlib.sha256(f"{seed}|{doc}".encode("utf-8", "replace")).digest())
        chosen.update(ranked[: counts[name]])
    return [doc for doc in slices if doc in chosen]


def material_of(document: Document, candidate: Candidate, second: Candidate | None = None) -> Material:
    """What a judge is shown of a document and one answer, or two."""
    other = second.text if second is not None else None
    return Material(document.source, candidate.text, document.reference, other)


def rule_score(pack: Pack, row: EvalRow, raw: str, finish: str) -> float | None:
    """The deterministic scores of an answer as one figure, 0..1: the mean over its fields of F1 (in order for steps,
    with right amounts for ingredients) or of the slot; None without a gold, or where nothing applies."""
    if row.gold is None or not asserts_anything(pack, row.gold):
        return None
    parsed = parse_answer(pack, raw, FinishReason(finish))
    obj = parsed.object if parsed.tier in _JUDGED else None
    values: list[float] = []
    for spec in pack.fields:
        if spec.comparator != "ignore":
            scores = field_scores(spec, row.gold.get(spec.name), obj, row.source).scores
            found = {score.metric: score.value for score in scores}
            value = _field_rule(found, spec.kind in LIST_KINDS)
            values += [] if value is None else [value]
    return fmean(values) if values else None


def _field_rule(found: Mapping[str, float | None], is_list: bool) -> float | None:
    """One field's figure from its scores by metric."""
    if not is_list:
        return found.get("slot")
    f1, exact = found.get("f1"), found.get("ingredient_exact")
    if found.get("ordered_f1") is not None:
        return found["ordered_f1"]
    return f1 * exact if f1 is not None and exact is not None else f1


def raw_of(pack: Pack, obj: Mapping[str, Any]) -> str:
    """An object as the answer that says it, whatever the task's form; text tasks by their sections."""
    if pack.answer.kind == "json":
        return json.dumps(obj, ensure_ascii=False)
    from training.task.sections import write_sections

    return write_sections(pack.answer, dict(obj))


def _arms_in(folder: Path) -> list[str]:
    return list(dict.fromkeys(given.arm for given in answers_in(folder)))
