"""A source text read once for looking things up: its words, its numbers, its times and where each stands.

`read_source` keeps the last two texts it read, so that several arms of one comparison share the work.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from training.task.score.durations import TimeExpression, time_expressions
from training.task.score.lists import aliased
from training.task.score.quantities import token_numbers
from training.task.score.text import Token, tokenise

Span = tuple[int, int]


class Window(NamedTuple):
    """A stretch of the source, `start` to `end` in tokens (end exclusive), that holds `matched` of the words sought."""

    matched: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class SourceReading:
    """`keys` are all word keys, aliases included; `positions` leads from a token's key to its places, ascending."""

    text: str
    tokens: list[Token]
    positions: dict[str, list[int]]
    keys: frozenset[str]
    numbers: set[float]
    times: list[TimeExpression]

    def runs(self, keys: Sequence[str]) -> list[int]:
        """Where exactly these words stand one after another, punctuation and whitespace aside; token places."""
        if not keys or any(key not in self.positions for key in keys):
            return []
        offset = min(range(len(keys)), key=lambda at: len(self.positions[keys[at]]))
        starts = (place - offset for place in self.positions[keys[offset]])
        return [start for start in starts if start >= 0 and self._runs_at(start, keys)]

    def window(self, keys: Iterable[str], width: int) -> Window | None:
        """The stretch of at most `width` tokens with most of these words, then the shortest, then the first."""
        need = Counter(keys)
        hits = sorted((place, key) for key in need for place in self.positions.get(key, ()))
        best: Window | None = None
        held: Counter[str] = Counter()
        matched = left = 0
        for place, key in hits:
            held[key] += 1
            matched += held[key] <= need[key]
            while place - hits[left][0] >= width or held[hits[left][1]] > need[hits[left][1]]:
                gone = hits[left][1]
                matched -= held[gone] <= need[gone]
                held[gone] -= 1
                left += 1
            found = Window(matched, hits[left][0], place + 1)
            if best is None or (found.matched, best.end - best.start) > (best.matched, found.end - found.start):
                best = found
        return best

    def span(self, start: int, end: int) -> Span:
        """Character offsets of tokens `start` to `end` (exclusive)."""
        return self.tokens[start].start, self.tokens[end - 1].end

    def stands_alone(self, span: Span) -> bool:
        """Whether a stretch is all its line holds, bullets and punctuation aside."""
        line_start = self.text.rfind("\n", 0, span[0]) + 1
        line_end = self.text.find("\n", span[1])
        around = self.text[line_start : span[0]] + self.text[span[1] : line_end if line_end >= 0 else len(self.text)]
        return not any(char.isalnum() for char in around)

    def _runs_at(self, start: int, keys: Sequence[str]) -> bool:
        return [token.key for token in self.tokens[start : start + len(keys)]] == list(keys)


@lru_cache(maxsize=2)
def read_source(text: str) -> SourceReading:
    """The reading of a text; time grows with its length, about two seconds for 2 MB."""
    tokens = tokenise(text)
    positions: dict[str, list[int]] = {}
    for at, token in enumerate(tokens):
        positions.setdefault(token.key, []).append(at)
    keys = frozenset(positions) | {token.key for token in aliased(tokens)}
    return SourceReading(text, tokens, positions, keys, token_numbers(tokens), time_expressions(text))
