"""How long an answer is, and how several answers to one document differ from each other (metrics A9).

The unit is the document: each figure over samples is one number of all its K answers, kept once under sample -1.
Limits: a word is what stands between spaces, so scripts without spaces have few; likeness is of words, not of sense.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from training.task.pack import Pack
from training.task.records import Score
from training.task.score.content import match_field
from training.task.score.overlap import grams
from training.task.score.slots import equal_values
from training.task.score.text import keys_of
from training.task.score.values import LIST_KINDS, entries, is_empty

OVER_SAMPLES = -1  # the sample number under which figures over all samples of a document are kept
BLEU_GRAMS = 4


def length_scores(raw: str) -> list[Score]:
    """`chars` and `words` of an answer as it was given."""
    words = len(raw.split())
    return [
        Score("chars", float(len(raw)), n=1, explanation=f"The answer has {len(raw)} characters."),
        Score("words", float(words), n=1, explanation=f"The answer has {words} words."),
    ]


def sample_scores(pack: Pack, raws: Sequence[str], objects: Sequence[Mapping[str, Any] | None]) -> list[Score]:
    """Figures over a document's K answers: `distinct2`, `self_bleu`, and `agreement` by field; () for one answer.

    `objects` are the answers' objects where they count, in the same order. How lengths spread (`length_cv`) is worked
    out from `chars` by `evals.cells`.
    """
    if len(raws) < 2:
        return []
    texts = [keys_of(raw) for raw in raws]
    n = len(raws)
    pairs = [pair for keys in texts for pair in grams(keys, 2)]
    share = len(set(pairs)) / len(pairs) if pairs else None
    return [
        Score("distinct2", share, n=len(pairs), explanation=f"Share of different word pairs over {n} answers."),
        Score("self_bleu", self_bleu(texts), n=n, explanation=f"How much each of {n} answers repeats the others."),
        *(_agreement(pack, spec.name, objects) for spec in pack.fields if spec.comparator != "ignore"),
    ]


def self_bleu(texts: Sequence[Sequence[str]]) -> float | None:
    """Mean BLEU of each text against all others (Zhu et al. 2018), 1 where all are equal; None for fewer than two."""
    if len(texts) < 2:
        return None
    return sum(bleu(text, [*texts[:at], *texts[at + 1 :]]) for at, text in enumerate(texts)) / len(texts)


def bleu(text: Sequence[str], others: Sequence[Sequence[str]]) -> float:
    """BLEU up to runs of 4 words, 0..1 (Papineni et al. 2002); above single words one is added to both counts (Lin and
    Och 2004), so that a short text without a shared run of 4 is not 0. Equal texts are 1; a text without words is 0."""
    if not text:
        return 0.0
    logs: list[float] = []
    for n in range(1, BLEU_GRAMS + 1):
        own = Counter(grams(text, n))
        most: Counter[tuple[str, ...]] = Counter()
        for other in others:
            most |= Counter(grams(other, n))
        shared, total = (own & most).total(), own.total()
        if n > 1:
            shared, total = shared + 1, total + 1
        if not shared:
            return 0.0
        logs.append(math.log(shared / total))
    nearest = min((abs(len(other) - len(text)), len(other)) for other in others)[1]
    brevity = min(0.0, 1 - nearest / len(text))
    return math.exp(brevity + sum(logs) / BLEU_GRAMS)


def _agreement(pack: Pack, name: str, objects: Sequence[Mapping[str, Any] | None]) -> Score:
    """Share of pairs of answers that say the same in a field. An answer without an object agrees with none; where
    every answer has one and leaves the field empty there is nothing to agree on: None."""
    spec = pack.field(name)
    assert spec is not None
    if all(obj is not None and is_empty(obj.get(name)) for obj in objects):
        return Score("agreement", None, name, n=0, explanation=f"{spec.label}: no answer to this document gives it.")

    def same(left: Mapping[str, Any] | None, right: Mapping[str, Any] | None) -> float:
        if left is None or right is None:
            return 0.0
        a, b = left.get(name), right.get(name)
        if is_empty(a) or is_empty(b):
            return float(is_empty(a) and is_empty(b))
        if spec.kind in LIST_KINDS:
            return float(match_field(spec, entries(spec, a), entries(spec, b)).f1 or 0.0)
        return float(equal_values(spec, a, b))

    pairs = list(combinations(objects, 2))
    value = sum(same(left, right) for left, right in pairs) / len(pairs)
    why = f"{spec.label}: how far {len(objects)} answers to one document agree, pair by pair."
    return Score("agreement", value, name, n=len(pairs), explanation=why)
