"""Evaluation leakage: no row may be, repeat or belong to what the model will be measured on.

Five kinds, the surest first: the same text, the same group (recipe, newsletter), the same long answer, a text nearly
the same (exact Jaccard of word runs, see `similar`), and nearly the same prompt with answer where the answer is text.
Limits: a paraphrase in other words is not seen, unless its answer or its group gives it away.
"""

from collections.abc import Iterable
from typing import NamedTuple

from training.data.gates.plan import GatePlan
from training.data.gates.rows import answer_text
from training.data.gates.similar import NearIndex, Shingles, shingles, words_in
from training.data.rows import DataRow, Refusal

LONG_ANSWER = 12  # words from which two rows do not have the same answer by chance


class Reading(NamedTuple):
    """What rows are compared by: `text` and `answer` folded word by word, `answer` empty where it is too short."""

    text: str
    answer: str
    group: str
    shingles: Shingles


def read_row(row: DataRow) -> Reading:
    """A row's reading; its shingles are those of its `compared` text."""
    answer = words_in(answer_text(row))
    long = " ".join(answer) if len(answer) >= LONG_ANSWER else ""
    return Reading(same_text(row.source), long, row.group, shingles(compared(row)))


def compared(row: DataRow) -> str:
    """The text that rows are held against each other by: the source, with the answer where it is text, since a dish
    name alone says too little."""
    return f"{row.source}\n{row.gold}" if isinstance(row.gold, str) else row.source


def same_text(text: str) -> str:
    """What two texts have in common that count as the same: their words; a text without words is as it stands."""
    return " ".join(words_in(text)) or " ".join(text.split())


class Protected:
    """The rows of an evaluation, ready to be compared with."""

    def __init__(self, rows: Iterable[DataRow], similarity: float) -> None:
        self._rows = tuple(rows)
        self._texts: dict[str, int] = {}
        self._groups: dict[str, int] = {}
        self._answers: dict[str, int] = {}
        self._near = NearIndex(similarity)
        for at, row in enumerate(self._rows):
            reading = read_row(row)
            self._texts.setdefault(reading.text, at)
            if reading.group.strip():
                self._groups.setdefault(reading.group, at)
            if reading.answer:
                self._answers.setdefault(reading.answer, at)
            self._near.add(at, reading.shingles)

    def evaluation(self, row: DataRow) -> Refusal | None:
        """Refused where the row leaks one of the evaluation's."""
        if not self._rows:
            return None
        reading = read_row(row)
        if (at := self._texts.get(reading.text)) is not None:
            return self._refusal(at, "its text is in the evaluation")
        if (at := self._groups.get(reading.group)) is not None:
            return self._refusal(at, f"its group {row.group[:80]!r} is in the evaluation")
        if reading.answer and (at := self._answers.get(reading.answer)) is not None:
            return self._refusal(at, "its answer is the answer to a row of the evaluation")
        if near := self._near.near(reading.shingles):
            return self._refusal(near[0].key, f"its text is {near[0].similarity:.0%} one of the evaluation's")
        return None

    def _refusal(self, at: int, what: str) -> Refusal:
        return Refusal("evaluation", f"Never train on the test: {what}.", f"evaluation row {self._rows[at].id}")


def protected(plan: GatePlan) -> Protected:
    """The plan's evaluation rows, read once for a run."""
    return Protected(plan.eval_rows, plan.eval_similarity)
