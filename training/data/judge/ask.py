"""Rows in, a judge's opinions out: asked within limits, paid once, read strictly, in the order of the rows.

A row that the judge gave no whole verdict on is unscored, which is an outcome of its own and never a low score: its
opinion says why. Every answer is in the ledger before it is read; a verdict that can't be read was paid for as well
and is not asked for again, as long as nothing about the question changes. Limit: the judge is not re-asked with what
was wrong with its answer.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from training.chat.asking import Asking, Terms
from training.chat.exchange import Failure, Reply
from training.chat.objects import Unusable, read_object
from training.data.gates.plan import DIMENSIONS, Opinion
from training.data.judge.plan import JudgeSpec
from training.data.judge.prompts import Words, request_for
from training.data.rows import DataRow
from training.errors import DataError
from training.task.pack import Pack

MOST_REASON = 600  # characters that are kept of what a judge says
GARBAGE = "garbage"
_SCORE = {"type": "integer", "minimum": 1, "maximum": 5}
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "reason": {"type": "string"},
        "scores": {
            "type": "object",
            "properties": dict.fromkeys(DIMENSIONS, _SCORE),
            "required": list(DIMENSIONS),
            "additionalProperties": False,
        },
        "decision": {"enum": ["accept", "reject"]},
        "fixed_row": {"type": ["object", "null"]},
    },
    "required": ["reason", "scores", "decision"],
    "additionalProperties": False,
}


def opinions(
    rows: Sequence[DataRow], pack: Pack, words: Words, terms: Terms[JudgeSpec], cancel: Callable[[], bool]
) -> Iterator[Opinion]:
    """One opinion for each row, in their order; fewer only where `cancel` said so.

    DataError where a cap ends it early, where the judge can't be used, has died, or says nothing that can be read.
    """
    with Asking(terms) as asking:
        questions = ((row, request_for(row, pack, terms.spec, words)) for row in rows)
        for number, (row, outcome) in enumerate(asking.answers(questions, cancel)):
            assert outcome is not None
            if isinstance(outcome, Failure) and outcome.kind == "cap":
                asking.wind_down(outcome.reason)
                raise DataError(
                    f"The judge stopped after {number:,} of {len(rows):,} rows: {outcome.reason.rstrip('.')}.",
                    fix="Raise the cap or wait, then build again: what was answered is kept and not paid for twice.",
                )
            opinion, kind = read_outcome(outcome, row, pack)
            if kind:
                asking.refuse(kind, opinion.reason)
            else:
                asking.use()
            yield replace(opinion, spending=asking.spending)


def read_outcome(outcome: Reply | Failure, row: DataRow, pack: Pack) -> tuple[Opinion, str]:
    """What the judge thinks of a row, and "" or, where it is unscored, the kind of what went wrong."""
    if isinstance(outcome, Failure):
        return Opinion(None, outcome.reason), outcome.kind
    try:
        found, _ = read_object(outcome.text, SCHEMA, alone=True)
    except Unusable as why:
        return Opinion(None, f"Its answer can't be read: {why}"), GARBAGE
    scores = {name: int(found["scores"][name]) for name in DIMENSIONS}
    reason = " ".join(found["reason"].split())[:MOST_REASON]
    return Opinion(scores, reason, found["decision"] == "reject", fixed_row(found.get("fixed_row"), row, pack)), ""


def fixed_row(given: Any, row: DataRow, pack: Pack) -> dict[str, Any] | None:
    """The row that the judge would have in its place, as {"source", "gold"}; None where it is none, or the same."""
    if not isinstance(given, dict):
        return None
    source, gold = given.get("source"), given.get("gold")
    source = row.source if source is None or source == "" else source
    if not isinstance(source, str) or not isinstance(gold, str if pack.answer.kind == "text" else dict):
        return None
    return None if (source, gold) == (row.source, row.gold) else {"source": source, "gold": gold}
