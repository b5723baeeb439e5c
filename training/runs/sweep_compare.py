"""Which of a sweep's runs are better, and by more than chance: from the dev documents' own scores, never from a loss.

All comparisons are paired: the same documents, bootstrapped over documents (Efron 1979, percentiles), with Holm's
correction (1979) over all comparisons made at a time. Two runs alone say nothing of what another seed would reach.

The pruning rule. A value of a field is left out of the rest of a sweep where another value of that field was better in
at least `LEAST_PAIRS` pairs of runs that differ in nothing else; in each of these pairs; by `LEAST_EFFECT` on average;
and with p < `PRUNE_ALPHA` over the pairs and at least `LEAST_DOCUMENTS` documents, both drawn anew. A value whose runs
all failed, at least `LEAST_FAILURES` of them, is left out as well, unless all of them share a value of another field
that never went well either: then nobody knows which of the two it was. On simulated grids without any effect (a seed's
noise 0.02, 50 documents), judged after every third of the first 45 runs, 7 of 150 left a value out, in shuffled order
as in that of training.runs.sweep_order. Limits: what hurt in the settings tried so far is not tried in the others, and
a search over ranges has no two runs that differ in one field alone, so that nothing is pruned there.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

RESAMPLES = 9999
PRUNE_ALPHA, TIE_ALPHA = 0.01, 0.05
LEAST_PAIRS, LEAST_DOCUMENTS, LEAST_EFFECT, LEAST_FAILURES = 3, 10, 0.03, 2


class Scored(NamedTuple):
    """A run that was evaluated: its swept values, and each document's primary score in the same order for all runs."""

    number: int
    values: Mapping[str, Any]
    scores: tuple[float, ...]

    @property
    def mean(self) -> float:
        return sum(self.scores) / len(self.scores)


class Failure(NamedTuple):
    """A run that failed, and why in a word."""

    values: Mapping[str, Any]
    why: str


@dataclass(frozen=True, slots=True)
class PrunedValue:
    """A value that is not tried any more."""

    field: str
    value: Any
    reason: str


class Difference(NamedTuple):
    """Mean of left minus right over documents, its 95 % interval, and one-sided p that left is not better."""

    value: float
    low: float
    high: float
    p: float


def paired(lefts: Sequence[Sequence[float]], rights: Sequence[Sequence[float]], seed: int = 7) -> list[Difference]:
    """Each left against its right on the same documents; all drawn with the same resamples of documents."""
    if not lefts:
        return []
    gaps = np.asarray(lefts, dtype=float) - np.asarray(rights, dtype=float)  # (comparisons, documents)
    return [over_pairs([gap], seed) for gap in gaps]


def over_pairs(gaps: Any, seed: int = 7) -> Difference:
    """The mean of gaps (pairs of runs, documents): documents are drawn anew, and pairs where there are several."""
    data = np.asarray(gaps, dtype=float)
    pairs, n = data.shape
    weights = _draws(pairs, seed + 1) if pairs > 1 else np.ones((1, 1))
    means = ((weights @ data) * _draws(n, seed)).sum(axis=1) / (pairs * n)
    low, high = np.percentile(means, [2.5, 97.5])
    p = (1 + int((means <= 1e-12).sum())) / (RESAMPLES + 1)  # rounding must not make equal runs differ
    return Difference(float(data.mean()), float(low), float(high), p)


@lru_cache(maxsize=4)
def _draws(n: int, seed: int) -> Any:
    """How often each of n is drawn when n are, with replacement; (RESAMPLES, n)."""
    return np.random.default_rng(seed).multinomial(n, [1 / n] * n, size=RESAMPLES)


def holm(values: Sequence[float]) -> list[float]:
    """p values corrected for how many there are (Holm 1979), in their order; never above 1."""
    order = sorted(range(len(values)), key=lambda at: values[at])
    found, highest = [0.0] * len(values), 0.0
    for rank, at in enumerate(order):
        highest = max(highest, min(1.0, values[at] * (len(values) - rank)))
        found[at] = highest
    return found


def best_of(trials: Sequence[Scored]) -> Scored | None:
    """The highest mean; of equal ones the first."""
    return max(trials, key=lambda trial: (trial.mean, -trial.number), default=None)


def tied_with_best(trials: Sequence[Scored]) -> tuple[int, ...]:
    """Numbers of the runs that the best is not clearly better than, the best first, then by mean.

    With fewer than two documents nothing is told apart. The best was picked for being the highest, so its own lead is
    a little flattered: take the simplest of the set.
    """
    best = best_of(trials)
    if best is None:
        return ()
    others = sorted((t for t in trials if t.number != best.number), key=lambda t: (-t.mean, t.number))
    if len(best.scores) < 2:
        return (best.number, *(trial.number for trial in others))
    gaps = paired([best.scores] * len(others), [trial.scores for trial in others])
    kept = [t.number for t, p in zip(others, holm([gap.p for gap in gaps]), strict=True) if p >= TIE_ALPHA]
    return (best.number, *kept)


def values_that_hurt(
    trials: Sequence[Scored], failures: Sequence[Failure] = (), known: Sequence[PrunedValue] = ()
) -> list[PrunedValue]:
    """What the pruning rule leaves out now, beyond what is `known` to be left out. Never the last value of a field."""
    gone = {(pruned.field, pruned.value) for pruned in known}
    found = _failing(trials, failures, gone)
    gone |= {(pruned.field, pruned.value) for pruned in found}
    if not trials or len(trials[0].scores) < LEAST_DOCUMENTS:
        return found
    duels = [duel for name in trials[0].values for duel in _duels(name, trials)]
    gaps = [over_pairs(duel.gaps) for duel in duels]
    chances = holm([min(1.0, 2 * gap.p) for gap in gaps])  # two-sided: which of two is ahead is told by the same scores
    judged = sorted(zip(duels, gaps, chances, strict=True), key=lambda item: -item[1].value)
    for duel, gap, p in judged:
        lost, won = (duel.field, duel.loser), (duel.field, duel.winner)
        sure = duel.always and p < PRUNE_ALPHA and gap.value >= LEAST_EFFECT
        if sure and lost not in gone and won not in gone:
            gone.add(lost)
            reason = (
                f"{gap.value:.3f} ({gap.low:.3f} to {gap.high:.3f}) below {duel.field} {_said(duel.winner)} in "
                f"{duel.gaps.shape[0]} pairs of runs that differ in nothing else, on {duel.gaps.shape[1]} documents; "
                f"p {p:.2g} after Holm"
            )
            found.append(PrunedValue(duel.field, duel.loser, reason))
    return found


class _Duel(NamedTuple):
    """Two values of a field that met often enough. `gaps` is winner minus loser, (pairs of runs, documents).

    `always` where the winner was ahead in each pair.
    """

    field: str
    winner: Any
    loser: Any
    gaps: Any
    always: bool


def _duels(name: str, trials: Sequence[Scored]) -> list[_Duel]:
    """Of every two values of a field those that met often enough."""
    places: dict[tuple[Any, ...], dict[Any, Scored]] = defaultdict(dict)
    for trial in trials:
        rest = tuple((key, value) for key, value in sorted(trial.values.items()) if key != name)
        places[rest][trial.values[name]] = trial
    met: dict[tuple[Any, Any], list[tuple[Scored, Scored]]] = defaultdict(list)
    for runs in places.values():
        for one, other in combinations(sorted(runs, key=str), 2):
            met[one, other].append((runs[one], runs[other]))
    found: list[_Duel] = []
    for (one, other), pairs in met.items():
        if len(pairs) < LEAST_PAIRS:
            continue
        gaps = np.asarray([np.subtract(a.scores, b.scores) for a, b in pairs])
        if gaps.mean() < 0:
            gaps, one, other = -gaps, other, one
        found.append(_Duel(name, one, other, gaps, bool((gaps.mean(axis=1) > 0).all())))
    return found


def _failing(trials: Sequence[Scored], failures: Sequence[Failure], gone: set[tuple[str, Any]]) -> list[PrunedValue]:
    """Values of which every run failed, while others of the field went well."""
    found: list[PrunedValue] = []
    for name in failures[0].values if failures else ():
        went_well = {trial.values[name] for trial in trials}
        for value in dict.fromkeys(failure.values[name] for failure in failures):
            whys = [failure.why for failure in failures if failure.values[name] == value]
            suspect = len(whys) >= LEAST_FAILURES and went_well and value not in went_well
            if suspect and (name, value) not in gone and not _another_may_be_it(name, value, trials, failures):
                told = ", ".join(dict.fromkeys(whys))
                found.append(PrunedValue(name, value, f"all of its {len(whys)} runs failed: {told}"))
    return found


def _another_may_be_it(name: str, value: Any, trials: Sequence[Scored], failures: Sequence[Failure]) -> bool:
    """Whether all failed runs of a value share a value of another field of which no run went well."""
    failed = [failure.values for failure in failures if failure.values[name] == value]
    for other in failed[0]:
        shared = {values[other] for values in failed}
        if other != name and len(shared) == 1 and shared.isdisjoint(trial.values[other] for trial in trials):
            return True
    return False


def _said(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
