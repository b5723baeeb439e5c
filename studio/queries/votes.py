"""The running win rate of blind votes, with its interval."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from training.shelf import VoteTally

Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Standing:
    """How two arms stand over all blind votes on one task and base. `tally` holds their labels as left and right.

    `rate` is the left arm's share of the votes that decided (ties left out), 0..1; None where none did. [low, high] is
    its 95 % Wilson score interval (Wilson 1927), 0..1.
    """

    tally: VoteTally
    rate: float | None
    low: float
    high: float


def wilson(successes: int, n: int) -> tuple[float, float]:
    """95 % Wilson score interval of a rate; (0, 1) for n = 0, where nothing is known."""
    if n == 0:
        return 0.0, 1.0
    p = successes / n
    middle = (p + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    half = Z95 / (1 + Z95**2 / n) * math.sqrt(p * (1 - p) / n + Z95**2 / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def standing(
    tallies: Sequence[VoteTally], task: str, base: str, labels: Sequence[str], sides: Sequence[str]
) -> Standing | None:
    """The tally of this pair under the labels it goes by here, None before its first vote. `sides` says who stands
    behind each label, as `training.shelf.side_of` tells it.

    Ties are told beside the rate and not split into it: half a win each would narrow the interval without evidence.
    """
    if len(labels) != 2:
        return None
    (left, label), (right, other) = sorted(zip(sides, labels, strict=True))
    tally = next((t for t in tallies if (t.task, t.base, t.left, t.right) == (task, base, left, right)), None)
    if tally is None:
        return None
    n = tally.left_wins + tally.right_wins
    named = replace(tally, left=label, right=other)
    return Standing(named, tally.left_wins / n if n else None, *wilson(tally.left_wins, n))
