"""Words that two texts share: ROUGE-1, ROUGE-2, ROUGE-Lsum, and runs copied from the training rows (metrics A9).

The F-measure of ROUGE (Lin 2004) at equal weight, over the keys of `score.text`: case, accents and plural endings make
no difference, fractions are numbers (so that ½ and ¼ differ) and scripts without spaces are read character by character
(so that they count at all); the usual tokenizer drops both. Sentences are cut before ROUGE-Lsum, which without them is
ROUGE-L. A gold without words has no value; an answer without any scores 0.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from training.task.records import Score
from training.task.score.lists import sentences
from training.task.score.text import keys_of

GRAM = 13  # words: shorter runs are shared by chance


def rouge_scores(field: str, label: str, gold: str, pred: str) -> list[Score]:
    """`rouge1`, `rouge2` and `rougeLsum` of one field, each None where the gold has nothing to share."""
    left, right = keys_of(gold), keys_of(pred)
    values = {"rouge1": rouge_n(left, right, 1), "rouge2": rouge_n(left, right, 2), "rougeLsum": rouge_lsum(gold, pred)}
    what = {"rouge1": "words", "rouge2": "word pairs", "rougeLsum": "words in the order of a sentence"}
    return [
        Score(name, value, field, n=1, explanation=f"{label}: shared {what[name]}, 0 to 1.")
        for name, value in values.items()
    ]


def rouge_n(gold: Sequence[str], pred: Sequence[str], n: int) -> float | None:
    """2 * shared runs of n words / all runs on both sides; None where the gold has none."""
    left, right = (Counter(grams(keys, n)) for keys in (gold, pred))
    return 2 * (left & right).total() / (left.total() + right.total()) if left else None


def rouge_lsum(gold: str, pred: str) -> float | None:
    """Of each gold sentence the words that stand in order in any sentence of the answer, each word counted once.

    2 * such words / all words on both sides; None where the gold has no words.
    """
    wanted = [keys_of(sentence) for sentence in sentences([gold])]
    given = [keys_of(sentence) for sentence in sentences([pred])]
    left, right = (Counter(key for sentence in side for key in sentence) for side in (wanted, given))
    total = left.total() + right.total()
    if not left:
        return None
    shared = 0
    for sentence in wanted:
        places = {place for other in given for place in _in_order(sentence, other)}
        for place in sorted(places):
            key = sentence[place]
            if left[key] > 0 and right[key] > 0:
                left[key] -= 1
                right[key] -= 1
                shared += 1
    return 2 * shared / total


def grams(keys: Sequence[str], n: int) -> list[tuple[str, ...]]:
    """Every run of n words, in order."""
    return [tuple(keys[at : at + n]) for at in range(len(keys) - n + 1)]


class CopyIndex:
    """The runs of `GRAM` words of many texts, as numbers: about 60 bytes each.

    Made once of the training rows, asked for every answer. Limit: runs that meet end to end are one run here even if
    they come from two texts.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._runs = {hash(run) for text in texts for run in grams(keys_of(text), GRAM)}

    def scores(self, raw: str) -> list[Score]:
        """`copied`: share of an answer's runs that the texts have too (None for an answer shorter than one);
        `copied_longest`: words of the longest such stretch, 0 below `GRAM`."""
        known = [hash(run) in self._runs for run in grams(keys_of(raw), GRAM)]
        longest = run = 0
        for there in known:
            run = run + 1 if there else 0
            longest = max(longest, run)
        share = sum(known) / len(known) if known else None
        words = longest + GRAM - 1 if longest else 0
        why = f"{sum(known)} of {len(known)} runs of {GRAM} words stand in the training rows too."
        return [
            Score("copied", share, n=len(known), explanation=why),
            Score("copied_longest", float(words), n=1,
                  explanation=f"The longest stretch shared with the training rows has {words} words."),
        ]  # fmt: skip


def _in_order(left: Sequence[str], right: Sequence[str]) -> list[int]:
    """The places in `left` of one longest common subsequence, found from the end."""
    table = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i, key in enumerate(left, 1):
        for j, other in enumerate(right, 1):
            table[i][j] = table[i - 1][j - 1] + 1 if key == other else max(table[i - 1][j], table[i][j - 1])
    places: list[int] = []
    i, j = len(left), len(right)
    while i and j:
        if left[i - 1] == right[j - 1]:
            i, j = i - 1, j - 1
            places.append(i)
        elif table[i][j - 1] > table[i - 1][j]:
            j -= 1
        else:
            i -= 1
    return places[::-1]
