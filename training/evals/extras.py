"""What of an answer is known beside its text: its times one at a time, its tokens, the bits of the right answer, and
what of a made-up answer stands in the training rows word for word.

These figures come from passes of their own and stand in the scores frame beside the rest, at the strict tier, so that
tables and charts know one place to look. Times, tokens and bits are of answers that a model gave here.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from training.evals.answering import BITS, LATENCY, latency_docs_of, read_bits
from training.evals.answers_log import AnswersLog
from training.evals.arms import Plan
from training.evals.data import RowFile
from training.evals.records import Answered
from training.task.records import Score
from training.task.score.overlap import CopyIndex
from training.task.score.speed import bits_score, latency_scores, token_score


class Extras:
    """Looked up by answer. `trained_on` are the answers of training rows, for tasks whose answers are made up."""

    def __init__(self, folder: Path, plan: Plan, rows: RowFile, trained_on: Iterable[str] | None = None) -> None:
        self._copies = CopyIndex(trained_on) if trained_on is not None else None
        models = [arm.name for arm in plan.of("base", "adapter")]
        self._bits = {name: read_bits(folder / BITS, name) for name in models}
        self._timed = latency_docs_of(rows.ids, plan.job)
        there = (folder / LATENCY).exists()
        self._log = AnswersLog(folder / LATENCY, models, self._timed) if there else None
        self._known = frozenset(self._timed)
        self._models = frozenset(models)

    def of(self, answer: Answered) -> Sequence[Score]:
        found = [] if self._copies is None or not answer.raw.strip() else self._copies.scores(answer.raw)
        if answer.arm not in self._models:
            return found
        found.append(token_score(answer.new_tokens))
        if answer.k:
            return found
        value, size = self._bits[answer.arm].get(answer.doc, (None, 0))
        if value is not None:
            found.append(bits_score(value, size))
        alone = self.alone(answer.arm, answer.doc)
        if alone is not None and alone.gen_s and alone.finish != "error":
            found += latency_scores(alone.gen_s, alone.ttft_s, alone.new_tokens, len(alone.raw), alone.prompt_tokens)
        return found

    def alone(self, arm: str, doc: str) -> Answered | None:
        """The answer of the latency pass to a document."""
        if self._log is None or doc not in self._known:
            return None
        return self._log.get(arm, doc)

    def timed(self, arm: str) -> list[Answered]:
        """Every answer of the latency pass."""
        return [found for doc in self._timed if (found := self.alone(arm, doc)) is not None]

    def close(self) -> None:
        if self._log is not None:
            self._log.close()
