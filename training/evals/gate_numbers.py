"""What a gate concludes from a figure and its interval, and how many documents would settle it. Leaf module.

pass needs the interval's bound, fail needs the interval to lie beyond the target; a target inside the interval is
insufficient data. How many are required is told at the rate that was observed: the documents from which the interval
no longer holds the target. Limit: a forecast, not a promise; the next documents may be others.
"""

import math
from typing import Literal, NamedTuple

from training.evals.hypotheses import ALPHA
from training.evals.statistics import wilson

GateVerdict = Literal["pass", "fail", "insufficient data", "not applicable"]
PASS: GateVerdict = "pass"
FAIL: GateVerdict = "fail"
UNSURE: GateVerdict = "insufficient data"
APART: GateVerdict = "not applicable"
MOST = 10**7
LEAST_PAIRS = 6  # of fewer documents, all better by as much, a test of signs reaches no 5 %: 2 / 2**5 > 0.05


class Decided(NamedTuple):
    """`bound` is the end of the interval that decides, `n_required` how many in all would settle it."""

    verdict: GateVerdict
    bound: float | None
    n_required: int | None


def least_n(rate: float, holds: str, target: float) -> int | None:
    """Fewest trials at `rate` whose Wilson interval has its `low` at or above the target, or its `high` below it.

    None where no number of trials would do.
    """

    def enough(n: int) -> bool:
        low, high = wilson(rate * n, n) or (0.0, 1.0)
        return low >= target if holds == "low" else high < target

    if not enough(MOST):
        return None
    few, many = 0, MOST
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if enough(middle) else (middle, many)
    return many


def rate_at_least(rate: float, low: float, high: float, targets: tuple[float, float]) -> Decided:
    """A rate that has to reach `targets[0]` itself and `targets[1]` with its lower bound."""
    point, bound = targets
    if rate >= point and low >= bound:
        return Decided(PASS, low, None)
    if high < max(point, bound):
        return Decided(FAIL, high, None)
    if rate >= point:
        return Decided(UNSURE, low, least_n(rate, "low", bound))
    return Decided(UNSURE, low, least_n(rate, "high", point))


def rate_at_most(rate: float, low: float, high: float, target: float) -> Decided:
    """A rate whose upper bound has to stay at or below the target."""
    if high <= target:
        return Decided(PASS, high, None)
    if low > target:
        return Decided(FAIL, low, None)
    if rate <= target:
        return Decided(UNSURE, high, least_n(1 - rate, "low", 1 - target))
    return Decided(UNSURE, high, least_n(1 - rate, "high", 1 - target))


def gain_above(gain: float, low: float, high: float, least: float, n: int) -> Decided:
    """A difference that has to be above zero for certain and at least `least` itself."""
    if low > 0 and gain >= least:
        return Decided(PASS, low, None)
    if high <= 0 or high < least:
        return Decided(FAIL, high, None)
    if gain >= least:
        return Decided(UNSURE, low, shrunk(n, gain - low, gain))
    return Decided(UNSURE, low, shrunk(n, high - gain, least - gain))


def shown(low: float, high: float, p: float | None, n: int) -> bool:
    """Whether a paired difference is shown to be one: its interval leaves out zero and its test says so as well.

    An interval drawn from a handful of documents is too narrow, and where all are equal it has no width at all.
    """
    return n >= LEAST_PAIRS and (low > 0 or high < 0) and p is not None and p < ALPHA


def difference_at_most(difference: float, low: float, high: float, margin: float, n: int) -> Decided:
    """Non-inferiority: a difference, more is worse, whose upper bound has to stay within the margin."""
    if high <= margin:
        return Decided(PASS, high, None)
    if low > margin:
        return Decided(FAIL, low, None)
    reach = high - difference if difference <= margin else difference - low
    return Decided(UNSURE, high, shrunk(n, reach, abs(margin - difference)))


def shrunk(n: int, reach: float, room: float) -> int | None:
    """Documents at which an interval of half width `reach` over n fits into `room`: it shrinks with the root of n."""
    if n <= 0 or room <= 0 or reach > room * math.sqrt(MOST / n):
        return None
    return max(n + 1, math.ceil(n * (reach / room) ** 2))
