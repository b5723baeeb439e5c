"""One document's answers read, scored and taken apart: the rows that the frames hold of it.

Promise: parse and score are the ones that Compare uses; an answer is scored once at the strict tier, and where it is
not strict once more at each tier that would count another object. Nothing is scored where the machinery failed: every
metric then stands there with status error and no value.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from training.evals.items import Grounds, leaves
from training.evals.records import TIERS, Answered, EvalRow
from training.task.context import readable
from training.task.pack import Pack
from training.task.parse import parse_answer
from training.task.records import FinishReason, Parsed, Score, Source, Tier
from training.task.score.answer import counted_object, score_answer
from training.task.score.variety import OVER_SAMPLES, sample_scores

Rows = list[tuple[Any, ...]]


def source_text(pack: Pack, row: EvalRow) -> str:
    """The text that an answer is held against: a page's own text, anything else as it is, as in Compare."""
    return readable(Source(row.source, row.kind), pack.context).text


class Scorer:
    """Scores answers to one document. What is known of the document alone is worked out once."""

    def __init__(self, pack: Pack, row: EvalRow, run: str) -> None:
        self._pack, self._row, self._run = pack, row, run
        self._source = source_text(pack, row)
        self._samples: dict[str, list[tuple[str, dict[str, Any] | None]]] = {}
        self._gold_grounds = Grounds(pack, row, row.gold, self._source)

    def rows(self, answer: Answered, extra: Sequence[Score] = ()) -> tuple[Rows, Rows, Rows]:
        """Rows of gen, scores and items, in the columns' order. `extra` stands beside the strict scores."""
        parsed = parse_answer(self._pack, answer.raw, FinishReason(answer.finish))
        strict = self._score(parsed, answer, "strict")
        primary, tags = self._cluster(answer, parsed, strict)
        if answer.finish == FinishReason.ERROR:
            why = "The machinery failed; the model was not heard."
            failed = [replace(score, value=None, status="error", explanation=why) for score in strict]
            return [self._gen(answer, parsed, primary, tags)], self._scores(answer, "strict", failed), []
        scores = self._scores(answer, "strict", [*strict, *extra])
        self._samples.setdefault(answer.arm, []).append((answer.raw, counted_object(parsed)))
        for tier, found in self._helped(parsed, answer, strict):
            scores += self._scores(answer, tier, found)
        return [self._gen(answer, parsed, primary, tags)], scores, self._items(answer, parsed)

    @property
    def arms(self) -> tuple[str, ...]:
        """Those that were scored so far."""
        return tuple(self._samples)

    def over_samples(self, arm: str) -> Rows:
        """Rows of scores over all answers that an arm gave to this document, kept as sample `OVER_SAMPLES`."""
        said = self._samples.get(arm, [])
        found = sample_scores(self._pack, [raw for raw, _ in said], [obj for _, obj in said])
        return self._scores(Answered(arm, self._row.id, OVER_SAMPLES, "", "eos"), "strict", found)

    def _score(self, parsed: Parsed, answer: Answered, tier: str) -> tuple[Score, ...]:
        row = self._row
        return score_answer(
            self._pack, parsed, self._source, row.gold, tier=tier, raw=answer.raw,
            supported=row.supported or None, finish=answer.finish if answer.finish_known else None,
        )  # fmt: skip

    def _helped(
        self, parsed: Parsed, answer: Answered, strict: tuple[Score, ...]
    ) -> list[tuple[str, tuple[Score, ...]]]:
        """Scores at the tiers with help of an answer that is not strict; equal objects are scored once."""
        if parsed.tier is Tier.STRICT:
            return []
        found: list[tuple[str, tuple[Score, ...]]] = []
        with_object: tuple[Score, ...] | None = None
        for tier in TIERS[1:]:
            if counted_object(parsed, tier) is None:
                found.append((tier, strict))
                continue
            with_object = with_object or self._score(parsed, answer, tier)
            found.append((tier, with_object))
        return found

    def _cluster(self, answer: Answered, parsed: Parsed, scores: Sequence[Score]) -> tuple[str, tuple[str, ...]]:
        from training.evals.clusters import error_clusters

        return error_clusters(self._pack, self._row, answer, parsed, scores, parsed.object)

    def _shared(self, answer: Answered) -> tuple[Any, ...]:
        row = self._row
        return (self._run, answer.arm, answer.doc, answer.k, row.group or row.id, row.slice, row.style, row.part)

    def _gen(self, answer: Answered, parsed: Parsed, primary: str, tags: Sequence[str]) -> tuple[Any, ...]:
        row = self._row
        return (
            self._run, answer.arm, answer.doc, answer.k, row.group or row.id, row.slice, row.style, row.part,
            parsed.tier.value, answer.finish, answer.raw, len(answer.raw), answer.prompt_sha256, answer.prompt_tokens,
            answer.new_tokens, answer.shown_share, answer.ttft_s, answer.gen_s, answer.batch_size, parsed.n_objects,
            parsed.prefix_chars, parsed.suffix_chars, parsed.repairs, parsed.repair_similarity, parsed.error or "",
            primary, json.dumps(list(tags), ensure_ascii=True),
        )  # fmt: skip

    def _scores(self, answer: Answered, tier: str, scores: Sequence[Score]) -> Rows:
        shared = self._shared(answer)
        return [
            (*shared, tier, score.field, score.metric, None if score.value is None else float(score.value), score.n,
             score.status)
            for score in scores
        ]  # fmt: skip

    def _items(self, answer: Answered, parsed: Parsed) -> Rows:
        obj = counted_object(parsed)
        grounds = (self._gold_grounds, Grounds(self._pack, self._row, obj, self._source))
        run = self._run
        return [
            (run, answer.arm, answer.doc, answer.k, *leaf) for leaf in leaves(self._pack, self._row.gold, obj, grounds)
        ]
