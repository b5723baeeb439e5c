"""The order of a grid's combinations: those that a value can be judged by come early. No torch, no disk.

The pruning rule (training.runs.sweep_compare) compares two values over pairs of runs that differ in nothing else, and
wants `LEAST_PAIRS` of them. In shuffled order such pairs come late, or never where only a few combinations are tried.

Promise: the same spec gives the same order; the combinations that a cut to `trials` leaves are those of a plain shuffle
by the seed, and only the order among them is changed; the others follow in the order of the shuffle. The pairs of two
values are taken from settings that differ from each other as much as there are, for what hurts beside one setting may
help beside another. Limits: nothing of this is for ranges, which a search tries.
"""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations as two_of
from typing import Any, NamedTuple

from training.runs.sweep_compare import LEAST_PAIRS
from training.runs.sweep_spec import Range, SweepSpec, combinations

MOST = 32  # values of a field; of more than that no pairs are sought
Combination = Mapping[str, Any]


class _Pair(NamedTuple):
    """Two places in the shuffle that differ in one field alone; `beside` is what they share."""

    one: int
    other: int
    beside: tuple[Any, ...]


def in_order(spec: SweepSpec) -> list[dict[str, Any]]:
    """Every combination of a grid, in the order in which they are tried."""
    dice = random.Random(spec.seed)
    found = _shuffled(spec, dice)
    chosen, rest = found[: spec.total], found[spec.total :]
    duels = _duels(chosen, _judged(spec))
    dice.shuffle(duels)
    order: dict[int, None] = {}
    for pairs in duels:
        _take(pairs, order)
    order |= dict.fromkeys(range(len(chosen)))
    return [chosen[at] for at in order] + rest


def runs_needed(spec: SweepSpec) -> int | None:
    """How many runs at most a grid has to have, so that a value can be left out on the way; None where no two values of
    a field meet often enough in the whole of it."""
    met: dict[tuple[Any, ...], int] = defaultdict(int)
    places: dict[tuple[str, tuple[Any, ...]], list[Any]] = defaultdict(list)
    for count, values in enumerate(_shuffled(spec, random.Random(spec.seed)), 1):
        for name in _judged(spec):
            there = places[name, _beside(values, name)]
            for other in there:
                duel = (name, *sorted((str(values[name]), str(other))))
                met[duel] += 1
                if met[duel] == LEAST_PAIRS:
                    return count
            there.append(values[name])
    return None


def _shuffled(spec: SweepSpec, dice: random.Random) -> list[dict[str, Any]]:
    found = list(combinations(spec))
    dice.shuffle(found)
    return found


def _judged(spec: SweepSpec) -> list[str]:
    """The fields that have few enough values for pairs of each two of them."""
    return [name for name, values in spec.fields.items() if not isinstance(values, Range) and len(values) <= MOST]


def _beside(values: Combination, name: str) -> tuple[Any, ...]:
    """What a combination has besides a field."""
    return tuple(value for key, value in values.items() if key != name)


def _duels(chosen: Sequence[Combination], fields: Sequence[str]) -> list[list[_Pair]]:
    """Of every two values of a field that meet often enough, their pairs."""
    found: list[list[_Pair]] = []
    for name in fields:
        places: dict[tuple[Any, ...], dict[Any, int]] = defaultdict(dict)
        for at, values in enumerate(chosen):
            places[_beside(values, name)][values[name]] = at
        met: dict[tuple[Any, Any], list[_Pair]] = defaultdict(list)
        for beside, runs in places.items():
            for one, other in two_of(sorted(runs, key=str), 2):
                met[one, other].append(_Pair(runs[one], runs[other], beside))
        found += [pairs for pairs in met.values() if len(pairs) >= LEAST_PAIRS]
    return found


def _take(pairs: Sequence[_Pair], order: dict[int, None]) -> None:
    """Put into the order what two values need to be judged: where one of a pair is in it, the other; else both."""
    had = [pair for pair in pairs if pair.one in order and pair.other in order]
    while len(had) < LEAST_PAIRS:
        pair = min((pair for pair in pairs if pair not in had), key=lambda pair: _cost(pair, had, order))
        order |= dict.fromkeys((pair.one, pair.other))
        had.append(pair)


def _cost(pair: _Pair, had: Sequence[_Pair], order: Mapping[int, None]) -> tuple[int, int, int]:
    """Runs that it takes; then how like it is to the pairs there are; then its place in the shuffle."""
    runs = (pair.one not in order) + (pair.other not in order)
    alike = sum(a == b for known in had for a, b in zip(pair.beside, known.beside, strict=True))
    return runs, alike, min(pair.one, pair.other)
