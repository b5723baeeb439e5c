"""How alike two texts are, and finding like texts without comparing each with each.

The measure is Jaccard similarity of word shingles: shared runs of `SHINGLE_WORDS` words over all different runs of
both, 0..1, case and accents aside. MinHash (datasketch) only proposes candidates; what is reported is always counted
on the shingles themselves. Promise: everything here is the same on any machine and in any order of calls. Limits:
shingles are 64-bit hashes of their words, so two different runs count as one about once in 10^19 pairs; a pair exactly
at the threshold is not proposed once in a thousand (`MISS`), a pair above it less often. Time grows with the number of
texts as long as few of them are alike without being duplicates: a set in which every text shares half its words with
every other one is compared pair by pair.
"""

import hashlib
import re
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from datasketch import MinHash

from training.task.score.text import fold

SHINGLE_WORDS = 4
POSITIONS = 128  # hash values a signature holds
MISS = 1e-3
Shingles = Any  # numpy array of uint64, sorted, each value once
Signature = Any  # numpy array of POSITIONS uint32

_CJK = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_CJK}]|[^\W{_CJK}]+")
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_SHARED: Any = MinHash(num_perm=POSITIONS, seed=1, scheme="affine32").permutations


class Near(NamedTuple):
    """One text found near another: exact Jaccard similarity 0..1 and the key it was added under."""

    similarity: float
    key: int


@lru_cache(maxsize=8)  # each gate asks for the same few texts of one row
def words_in(text: str) -> tuple[str, ...]:
    """The words and numbers of a text, folded; scripts written without spaces character by character."""
    return tuple(_WORD.findall(text.lower() if text.isascii() else fold(text)))


def shingles(text: str, size: int = SHINGLE_WORDS) -> Shingles:
    """Every run of `size` words as a hash, sorted, each once. A shorter text is one run; a text without words is its
    characters as one run; a blank text has none."""
    words = words_in(text) or tuple(text.split())
    hashes = np.fromiter((_word_hash(word) for word in words), dtype=np.uint64, count=len(words))
    if not len(hashes):
        return hashes
    size = min(size, len(hashes))
    runs = np.zeros(len(hashes) - size + 1, dtype=np.uint64)
    for at in range(size):
        runs = _mixed(runs * _FACTOR + hashes[at : at + len(runs)])
    return np.unique(runs)


def jaccard(left: Shingles, right: Shingles) -> float:
    """Shared shingles over all different shingles of both; 0 where either has none."""
    if not len(left) or not len(right):
        return 0.0
    shared = len(np.intersect1d(left, right, assume_unique=True))
    return shared / (len(left) + len(right) - shared)


def signature(found: Shingles) -> Signature:
    """The MinHash of a set of shingles: two sets agree in about as many of the `POSITIONS` as they are similar."""
    made = MinHash(POSITIONS, hashfunc=int, permutations=_SHARED, scheme="affine32")
    made.update_batch((found >> np.uint64(32)).astype(np.uint32).tolist())
    return made.hashvalues


def bands(threshold: float) -> tuple[int, int]:
    """Bands and rows per band: the narrowest sieve that misses a pair at the threshold at most `MISS` of the time."""
    fitting = (1, POSITIONS)
    for rows in range(1, POSITIONS // 2 + 1):
        count = POSITIONS // rows
        if (1 - threshold**rows) ** count <= MISS:
            fitting = (rows, count)
    return fitting[1], fitting[0]


class NearIndex:
    """Texts by key, asked for those at least `threshold` similar to another. Holds the shingles of what was added.

    Locality-sensitive hashing: signatures that agree in a whole band meet in that band's table. The tables are plain
    dicts of hashes, a tenth of what datasketch's own index takes; two bands of one hash only cost a comparison.
    """

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        count, rows = bands(threshold)
        self._cuts = [slice(at * rows, (at + 1) * rows) for at in range(count)]
        self._tables: list[dict[int, int | list[int]]] = [{} for _ in self._cuts]
        self._held: dict[int, Shingles] = {}
        self._last: tuple[Shingles, list[int]] | None = None  # a text is mostly asked about and then added

    def add(self, key: int, found: Shingles) -> None:
        """Put a text in, under a key of its own. One without shingles is never near anything and is left out."""
        if not len(found):
            return
        self._held[key] = found
        for table, place in zip(self._tables, self._places(found), strict=True):
            there = table.get(place)
            if there is None:
                table[place] = key
            elif isinstance(there, list):
                there.append(key)
            else:
                table[place] = [there, key]

    def near(self, found: Shingles) -> list[Near]:
        """What is at least `threshold` similar, most similar first, then by key."""
        if not len(found):
            return []
        hits = [Near(self._similarity(found, self._held[key]), key) for key in self._candidates(found)]
        return sorted((hit for hit in hits if hit.similarity >= self.threshold), key=lambda hit: (-hit[0], hit[1]))

    def _candidates(self, found: Shingles) -> set[int]:
        keys: set[int] = set()
        for table, place in zip(self._tables, self._places(found), strict=True):
            there = table.get(place)
            if there is not None:
                keys.update(there if isinstance(there, list) else (there,))
        return keys

    def _places(self, found: Shingles) -> list[int]:
        """Where a text stands in each table."""
        if self._last is None or self._last[0] is not found:
            values = signature(found)
            self._last = found, [hash(values[cut].tobytes()) for cut in self._cuts]
        return self._last[1]

    def _similarity(self, left: Shingles, right: Shingles) -> float:
        """0 without counting where the sizes alone rule the threshold out."""
        if min(len(left), len(right)) < self.threshold * max(len(left), len(right)):
            return 0.0
        return jaccard(left, right)


@lru_cache(maxsize=100_000)
def _word_hash(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _mixed(values: Any) -> Any:
    """Each bit of a value spread over all of its bits, without loss, modulo 2^64."""
    values = values ^ (values >> np.uint64(29))
    values = values * np.uint64(0xBF58476D1CE4E5B9)
    return values ^ (values >> np.uint64(32))
