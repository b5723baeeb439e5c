"""What is reached without a model: the trivial arms' figures, and where one of them is ahead of the tuned arm.

The floor is that of the deciding metric. Where no trivial arm has a value of it (bits a byte take a model), it is that
of the confirmatory metrics, in the order in which they were declared, so that no task is without one.
"""

from typing import NamedTuple

from training.evals.charts.view import SURE, number
from training.evals.charts.words import and_words, num, percent
from training.evals.figures import Figures

NAMED = 3  # metrics that a sentence names


class Ahead(NamedTuple):
    """A trivial arm that is ahead of the tuned one in a metric, or as good. `sure`: its interval leaves out 0."""

    metric: str
    arm: str
    value: float
    tuned: float
    sure: bool


def reached(figures: Figures, metric: str) -> list[tuple[str, float]]:
    """Trivial arms and their figure of a metric, the best first."""
    found = [(arm, figures.value(arm, metric)) for arm in figures.arms("trivial")]
    known = [(arm, value) for arm, value in found if value is not None]
    sign = -1 if figures.view.better(metric) == "lower" else 1
    return sorted(known, key=lambda pair: -sign * pair[1])


def floor_metrics(figures: Figures, arm: str) -> list[str]:
    """The metrics by which `arm` has to beat trivial arms: the deciding one, else the confirmatory ones that both have.

    The first of them is what a gate decides by. [] where nothing is known of both.
    """
    offered = [name for name in (figures.deciding, *figures.confirmatory) if figures.view.better(name) != "none"]
    known = [name for name in dict.fromkeys(offered) if figures.value(arm, name) is not None and reached(figures, name)]
    return known[:1] if known[:1] == [figures.deciding] else known


def ahead(figures: Figures, arm: str) -> list[Ahead]:
    """By declared metric the best trivial arm that is ahead of `arm`: for certain, or on the first floor metric as good
    as it."""
    first = floor_metrics(figures, arm)[:1]
    found: list[Ahead] = []
    for metric in dict.fromkeys((*first, figures.deciding, *figures.confirmatory)):
        mine, others = figures.value(arm, metric), reached(figures, metric)
        if mine is None or not others or figures.view.better(metric) == "none":
            continue
        other, value = others[0]
        sign = -1 if figures.view.better(metric) == "lower" else 1
        sure = _sure(figures, other, arm, metric)
        if sign * (value - mine) >= 0 and (sure or [metric] == first):
            found.append(Ahead(metric, other, value, mine, sure))
    return found


def _sure(figures: Figures, trivial: str, arm: str, metric: str) -> bool:
    """Whether the paired difference says so, its p as corrected as it is kept."""
    figure = figures.between(trivial, arm).get(metric)
    if figure is None:
        return False
    _, _, high = figures.gain(metric, figure)
    p = number(figure.get("p_adjusted"))
    return high is not None and high < 0 and (p is None or p < SURE)


def ahead_words(figures: Figures, found: list[Ahead]) -> str:
    """A clause for a sentence, what is about an answer's content before its form; "" of nothing."""
    ordered = sorted(found, key=lambda one: figures.view.about(one.metric).get("group") == "form")
    beaten, matched = ([one for one in ordered if one.sure is sure] for sure in (True, False))
    clauses: list[str] = []
    for way, some in (("beats the tuned one on", beaten), ("does as well on", matched)):
        more = [f"{len(some) - NAMED} more"] if len(some) > NAMED else []
        if some:
            clauses.append(f"{way} {and_words([*(_told(figures, one) for one in some[:NAMED]), *more])}")
    return f"but an arm without a model {and_words(clauses)}" if clauses else ""


def _told(figures: Figures, one: Ahead) -> str:
    rate = figures.is_rate(one.arm, one.metric)
    value, mine = (percent(size) if rate else num(size) for size in (one.value, one.tuned))
    return f"{figures.name(one.metric)} ({figures.label(one.arm)}, {value} against {mine})"


def floor_words(figures: Figures, arm: str) -> list[str]:
    """A sentence a floor metric, with every trivial arm's figure."""
    found: list[str] = []
    for metric in floor_metrics(figures, arm):
        said = ", ".join(f"{figures.label(name)} {num(value)}" for name, value in reached(figures, metric))
        found.append(f"Without any model, {figures.name(metric)} is: {said}.")
    return found
