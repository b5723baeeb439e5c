"""The questions of a calibration: what a judge is asked whose right answer is known beforehand (metrics C9, C10).

From the evaluation's own documents with a gold: the gold itself, the gold with 1 to 4 edits, with one edit of each
kind, its template; the same question three times; pairs of little and much damage in both orders; canaries with their
clean twins; right answers with another document's text. A question that two parts share is asked once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from training.errors import InputError
from training.evals.judge.ask import Outcome, Question
from training.evals.judge.canaries import in_answer, in_source
from training.evals.judge.config import JudgeSettings
from training.evals.judge.damage import MOST_EDITS, Damaged, damage, damage_one, echo_of, edit_kinds
from training.evals.judge.groups import canonical_text
from training.evals.judge.material import Document, Matter, raw_of, rule_score
from training.evals.judge.protocol import Asker, Material, question_key
from training.evals.judge.verdict import PairVerdict, Verdict
from training.task.pack import Pack
from training.task.score.values import asserts_anything

RETESTS = 3
RETEST_EDITS = 2  # a middling answer: there is room both ways
LITTLE, MUCH = 1, 3


@dataclass(frozen=True, slots=True)
class Trial:
    """One question of a part: dose | kind | echo | retest | order | canary_source | canary_answer | counterfactual.

    `what` is the dose, the edit's kind, the repeat or the order; `rule` the rule-based score of what is judged, 0..1;
    `fields` are what the edits touched.
    """

    part: str
    doc: str
    what: str
    question: Question
    rule: float | None = None
    fields: tuple[str, ...] = ()


@dataclass(slots=True)
class Sheet:
    """The trials and, as they come, what was said to each question."""

    asker: Asker
    settings: JudgeSettings
    trials: tuple[Trial, ...]
    said: dict[str, Outcome]

    def key(self, question: Question) -> str:
        return question_key(self.asker, self.settings, question.material, question.order, question.repeat)

    def questions(self) -> list[Question]:
        """Each different question once, in the trials' order."""
        return list({self.key(trial.question): trial.question for trial in self.trials}.values())

    def hear(self, outcome: Outcome) -> None:
        self.said[self.key(outcome.question)] = outcome

    def score(self, trial: Trial) -> float | None:
        """The overall score, None where the judge gave none."""
        found = self.said.get(self.key(trial.question))
        return found.verdict.overall if found is not None and isinstance(found.verdict, Verdict) else None

    def scores(self, trial: Trial) -> dict[str, float | None] | None:
        """The score of each group, None where the judge gave no verdict."""
        found = self.said.get(self.key(trial.question))
        if found is None or not isinstance(found.verdict, Verdict):
            return None
        return {one.group: one.score for one in found.verdict.fields}

    def better(self, trial: Trial) -> str | None:
        """A, B or tie as the pair stood; None where the judge gave no verdict."""
        found = self.said.get(self.key(trial.question))
        return found.verdict.better if found is not None and isinstance(found.verdict, PairVerdict) else None

    def of(self, part: str) -> list[Trial]:
        return [trial for trial in self.trials if trial.part == part]


def trial_documents(pack: Pack, matter: Matter, most: int) -> list[Document]:
    """The documents with a gold that says something, at most so many. InputError where there is none."""
    found = [document for document in matter.documents.values() if _usable(pack, document)]
    if not found:
        raise InputError(
            "No document of the evaluation has a gold: a judge can't be calibrated on these.",
            fix="Calibrate on an evaluation whose rows have golds.",
        )
    return found[:most]


def make_trials(pack: Pack, documents: Sequence[Document]) -> tuple[Trial, ...]:
    """Every trial, document by document."""
    found: list[Trial] = []
    for number, document in enumerate(documents):
        other = documents[(number + 1) % len(documents)]
        found += _doses(pack, document)
        found += _pairs(pack, document)
        found += _canaries(pack, document, number)
        if other is not document:
            found.append(_counterfactual(pack, document, other))
    return tuple(found)


def _usable(pack: Pack, document: Document) -> bool:
    return document.row.gold is not None and asserts_anything(pack, document.row.gold)


def _doses(pack: Pack, document: Document) -> Iterator[Trial]:
    gold, name = document.row.gold or {}, document.row.id
    for k in range(MOST_EDITS + 1):
        damaged = damage(pack, gold, document.source, k, name)
        if damaged is None:
            continue
        yield _trial(pack, "dose", document, str(k), damaged)
        if k == RETEST_EDITS:
            for repeat in range(RETESTS):
                yield _trial(pack, "retest", document, str(repeat), damaged, repeat)
    for kind in edit_kinds(pack):
        damaged = damage_one(pack, gold, document.source, kind, name)
        if damaged is not None:
            yield _trial(pack, "kind", document, kind, damaged)
    yield _trial(pack, "echo", document, "echo", echo_of(pack, gold))


def _pairs(pack: Pack, document: Document) -> Iterator[Trial]:
    gold, name = document.row.gold or {}, document.row.id
    little, much = (damage(pack, gold, document.source, k, name) for k in (LITTLE, MUCH))
    if little is None or much is None:
        return
    texts = (canonical_text(pack, little.obj), canonical_text(pack, much.obj))
    for order, (left, right) in (("ab", texts), ("ba", (texts[1], texts[0]))):
        material = Material(document.source, left, document.reference, right)
        yield Trial("order", name, order, Question(material, {}, order))


def _canaries(pack: Pack, document: Document, number: int) -> Iterator[Trial]:
    gold, name = document.row.gold or {}, document.row.id
    damaged = damage(pack, gold, document.source, RETEST_EDITS, name) or damage(pack, gold, document.source, 1, name)
    if damaged is None:
        return
    clean = Material(document.source, canonical_text(pack, damaged.obj), document.reference)
    hostile = Material(in_source(document.source, number), clean.candidate, document.reference)
    yield Trial("canary_source", name, "clean", Question(clean, damaged.obj))
    yield Trial("canary_source", name, "canary", Question(hostile, damaged.obj))
    ordered = in_answer(pack, damaged.obj, number)
    if ordered is not None:
        told = Material(document.source, canonical_text(pack, ordered), document.reference)
        yield Trial("canary_answer", name, "clean", Question(clean, damaged.obj))
        yield Trial("canary_answer", name, "canary", Question(told, ordered))


def _counterfactual(pack: Pack, document: Document, other: Document) -> Trial:
    """This document's right answer with the other one's text; no reference, which would give it away."""
    gold = document.row.gold or {}
    material = Material(other.source, canonical_text(pack, gold))
    return Trial("counterfactual", document.row.id, other.row.id, Question(material, gold))


def _trial(pack: Pack, part: str, document: Document, what: str, damaged: Damaged, repeat: int = 0) -> Trial:
    material = Material(document.source, canonical_text(pack, damaged.obj), document.reference)
    question = Question(material, damaged.obj, "", repeat)
    return Trial(part, document.row.id, what, question, _rule(pack, document, damaged), damaged.fields)


def _rule(pack: Pack, document: Document, damaged: Damaged) -> float | None:
    try:
        raw = raw_of(pack, damaged.obj)
    except InputError:  # a text task whose form can't hold this: the rules have nothing to say
        return None
    return rule_score(pack, document.row, raw, "eos")
