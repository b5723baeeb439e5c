"""Two lists compared by their best pairing: precision, recall, F1, order (metrics A4 and A5).

Pairs come from an optimal assignment over similarities, not from positions and not greedily, so one inserted item
shifts nothing and an item said three times matches once. Similarity is word overlap: it knows nothing of meaning. Known
misses, kept as tests: sugar ~ brown sugar and eggs ~ egg yolks count as the same.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from rapidfuzz.distance import Levenshtein

from training.task.score.text import STOP_WORDS, Token, content_keys, fold, keys_of, overlap, tokenise, words_of

INGREDIENT_TAU = 0.6
STEP_TAU = 0.5
# Words of a line that say how much or how prepared, never what.
UNIT_WORDS = words_of(
    "tablespoon teaspoon cup pint quart gallon milliliter centiliter deciliter liter milligram gram kilogram ounce "
    "pound fluid inch centimeter package can tin jar stick clove bunch sprig pinch dash handful piece slice head knob "
    "stalk rib fl bag box bottle container drop scoop splash drizzle dozen"
)
PREPARATION_WORDS = words_of(
    "chopped diced minced sliced grated shredded peeled crushed melted softened beaten divided drained rinsed packed "
    "cubed halved quartered trimmed cut cooked sifted toasted thawed finely roughly coarsely thinly freshly lightly "
    "fresh large small medium big optional taste about approximately plus more extra additional needed serving room "
    "temperature garnish some few level heaping heaped generous each also"
)
WEAK_WORDS = words_of("boneless skinless unsalted salted dried ripe raw cold warm ground whole canned frozen")
NAME_OR_UNIT = frozenset(
    {"clove", "stick", "head", "rib", "stalk"}
)  # a unit in "2 cloves garlic", a name in "ground cloves"
ALIASES: dict[
    tuple[str, ...], str
] = {  # one name a food, by token keys; both sides of a comparison and the source are read through it
    ("green", "onion"): "scallion",
    ("spring", "onion"): "scallion",
    ("coriander", "leaf"): "cilantro",
    ("bicarbonate", "of", "soda"): "baking soda",
    ("garbanzo", "bean"): "chickpea",
    ("confectioner", "sugar"): "powdered sugar",
    ("icing", "sugar"): "powdered sugar",
    ("caster", "sugar"): "superfine sugar",
    ("aubergine",): "eggplant",
    ("courgette",): "zucchini",
    ("prawn",): "shrimp",
    ("all", "purpose", "flour"): "flour",
    ("plain", "flour"): "flour",
    ("heavy", "whipping", "cream"): "heavy cream",
    ("kosher", "salt"): "salt",
}
_ALIAS_STARTS = frozenset(phrase[0] for phrase in ALIASES)
Similarity = Callable[[str, str], float]


@dataclass(frozen=True, slots=True)
class ListMatch:
    """A pairing. `pairs` holds (gold index, predicted index, similarity) by gold index; lengths count all items.

    Every ratio is None where its denominator is 0, and all are None where both lists are empty: that is an
    abstention, judged apart.
    """

    pairs: tuple[tuple[int, int, float], ...]
    n_gold: int
    n_pred: int

    @property
    def precision(self) -> float | None:
        return len(self.pairs) / self.n_pred if self.n_pred else None

    @property
    def recall(self) -> float | None:
        return len(self.pairs) / self.n_gold if self.n_gold else None

    @property
    def f1(self) -> float | None:
        total = self.n_gold + self.n_pred
        return 2 * len(self.pairs) / total if total else None

    @property
    def jaccard(self) -> float | None:
        """Pairs / different items of both lists."""
        either = self.n_gold + self.n_pred - len(self.pairs)
        return len(self.pairs) / either if either else None

    @property
    def soft_f1(self) -> float | None:
        """F1 with each pair counting its similarity instead of 1."""
        total = self.n_gold + self.n_pred
        return 2 * sum(similarity for _, _, similarity in self.pairs) / total if total else None

    @property
    def order_lis(self) -> float | None:
        """Longest run of pairs in gold order / pairs; None for fewer than two pairs."""
        return self._in_order() / len(self.pairs) if len(self.pairs) > 1 else None

    @property
    def order_tau(self) -> float | None:
        """Kendall's tau over the pairs, -1..1 (there are no ties, so tau-b is tau-a); None for fewer than two."""
        places = [predicted for _, predicted, _ in self.pairs]
        n = len(places)
        if n < 2:
            return None
        signs = sum(1 if places[i] < places[j] else -1 for i in range(n) for j in range(i + 1, n))
        return signs / (n * (n - 1) / 2)

    @property
    def ordered_f1(self) -> float | None:
        """2 * longest run in order / all items: missing, surplus and disorder in one number (metrics A5)."""
        total = self.n_gold + self.n_pred
        return 2 * self._in_order() / total if total else None

    def _in_order(self) -> int:
        tails: list[int] = []
        for _, place, _ in self.pairs:
            at = bisect_left(tails, place)
            tails[at : at + 1] = [place]
        return len(tails)


def match_lists(gold: Sequence[str], pred: Sequence[str], similarity: Similarity, tau: float) -> ListMatch:
    """The pairing of highest total similarity among pairs of at least `tau` (metrics A4).

    Among equal totals the one with more pairs, then the one closest to the lists' own order, so that swapping the
    sides changes neither the number of pairs nor F1, and a list with repeats lies in order against itself.
    """
    if not gold or not pred:
        return ListMatch((), len(gold), len(pred))
    # Imported here: half a second that the first page need not wait for.
    from scipy.optimize import linear_sum_assignment  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

    scores = [[similarity(left, right) for right in pred] for left in gold]
    weights = [
        [
            score + 1e-6 - 1e-9 * abs(i / len(gold) - j / len(pred)) if score >= tau else 0.0
            for j, score in enumerate(row)
        ]
        for i, row in enumerate(scores)
    ]
    chosen = cast(tuple[list[int], list[int]], linear_sum_assignment(weights, maximize=True))
    pairs = [(int(i), int(j), scores[i][j]) for i, j in zip(*chosen, strict=True) if scores[i][j] >= tau]
    return ListMatch(tuple(sorted(pairs)), len(gold), len(pred))


def dice(left: Sequence[str], right: Sequence[str]) -> float:
    """2 * shared / all over two multisets of words; words of 5 letters or more may differ by one edit."""
    if not left and not right:
        return 0.0
    a, b = Counter(left), Counter(right)
    if a == b:
        return 1.0
    rest_a, rest_b = sorted((a - b).elements()), sorted((b - a).elements())
    close = sorted(
        (min(x, y), max(x, y), i, j)
        for i, x in enumerate(rest_a)
        for j, y in enumerate(rest_b)
        if min(len(x), len(y)) >= 5 and Levenshtein.distance(x, y, score_cutoff=1) <= 1
    )
    used_a: set[int] = set()
    used_b: set[int] = set()
    for _, _, i, j in close:
        if i not in used_a and j not in used_b:
            used_a.add(i)
            used_b.add(j)
    return 2 * (overlap(a, b) + len(used_a)) / (len(left) + len(right))


@lru_cache(maxsize=16_384)
def ingredient_similarity(left: str, right: str) -> float:
    """Dice over what two lines name, 0..1; equal lines are 1 whatever they hold (metrics A4)."""
    return 1.0 if fold(left) == fold(right) else dice(name_keys(left), name_keys(right))


@lru_cache(maxsize=16_384)
def step_similarity(left: str, right: str) -> float:
    """Dice over all words of two sentences, 0..1; equal sentences are 1."""
    return 1.0 if fold(left) == fold(right) else dice(_sentence_keys(left), _sentence_keys(right))


@lru_cache(maxsize=2_000)
def _sentence_keys(sentence: str) -> tuple[str, ...]:
    return tuple(keys_of(sentence))


@lru_cache(maxsize=2_000)
def name_keys(line: str) -> tuple[str, ...]:
    """The words of an ingredient line that say what it is: no parentheses, amounts, units or preparation.

    Text after a comma is preparation unless nothing is named before it ("boneless, skinless chicken"). Where nothing
    is left at all, every word of the line stands in.
    """
    bare = re.sub(r"\([^()]*\)|\[[^\[\]]*\]", " ", line)
    parts = [
        [token.key for token in aliased(tokenise(part)) if token.number is None] for part in re.split(r"[,;]", bare)
    ]
    for names in (_names, _names_or_units):
        for part in parts:
            named = tuple(key for key in part if names(key))
            if any(key not in WEAK_WORDS for key in named):
                return named
    keys = [token.key for token in aliased(tokenise(line))]
    return tuple(key for key in keys if not key.startswith("#") and _names(key)) or tuple(keys)


def aliased(tokens: Sequence[Token]) -> list[Token]:
    """Tokens with every known alias read as its one name; a phrase becomes one token a word of that name."""
    read: list[Token] = []
    at = 0
    while at < len(tokens):
        for length in (3, 2, 1) if tokens[at].key in _ALIAS_STARTS else ():
            phrase = tuple(token.key for token in tokens[at : at + length])
            if len(phrase) == length and phrase in ALIASES:
                start, end = tokens[at].start, tokens[at + length - 1].end
                read.extend(Token(key, start, end, None) for key in ALIASES[phrase].split())
                at += length
                break
        else:
            read.append(tokens[at])
            at += 1
    return read


def sentences(steps: Sequence[str]) -> list[str]:
    """Steps cut into sentences: whether two sentences make one step or two is style (metrics A4)."""
    units = [unit for step in steps for unit in _sentences(step) if keys_of(unit)]
    return units or [step for step in steps if step.strip()]


def step_content(gold: Sequence[str], pred: Sequence[str]) -> tuple[float | None, float | None]:
    """(precision, recall) of content words over all steps joined; None where that side has no words."""
    left = Counter(key for step in gold for key in content_keys(step))
    right = Counter(key for step in pred for key in content_keys(step))
    shared = overlap(left, right)
    return shared / right.total() if right else None, shared / left.total() if left else None


_ABBREVIATION = re.compile(
    r"(?:^|[\s(\d])(?:approx|oz|lbs?|tsps?|tbsps?|mins?|hrs?|secs?|pkg|deg|temp|no|vs|st|dr)\.$", re.I
)
STEP_MARK = re.compile(r"^\s*(?:step\s+)?(?:\d{1,2}\s*[.):]|[-*•–])\s+", re.I)  # "2)", "Step 2:", "-"


def _sentences(step: str) -> list[str]:
    joined: list[str] = []
    for piece in re.split(r"(?<=[.!?])\s+|(?<=[。！？])|\n+", STEP_MARK.sub("", step)):
        if joined and _ABBREVIATION.search(joined[-1]):
            joined[-1] += f" {piece}"
        else:
            joined.append(piece)
    return [piece.strip() for piece in joined]


def _names(key: str) -> bool:
    return key not in UNIT_WORDS and key not in PREPARATION_WORDS and key not in STOP_WORDS


def _names_or_units(key: str) -> bool:
    return key in NAME_OR_UNIT or _names(key)
