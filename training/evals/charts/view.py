"""aggregates.json as a chart reads it: arms with their looks, figures with their labels, differences of one pair.

Nothing raises on what is not there: a chart of odd data is empty and says why. Colours are mid tones that keep 3:1 on
white and on the dark surface; an arm is known by its symbol as much as by its colour.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

Record = Mapping[str, Any]
COLOURS = {
    "base": "#6b7f93",
    "prompted": "#b07a1e",
    "tuned": "#0f9488",
    "second": "#8b5cf6",
    "third": "#3b82d0",
    "fourth": "#d0438a",
    "trivial": "#8a8f96",
}
SYMBOLS = {
    "base": "circle",
    "prompted": "square",
    "tuned": "diamond",
    "second": "triangle-down",
    "third": "cross",
    "fourth": "hexagon",
    "trivial": "line-ns",
}
DASHES = {"base": "solid", "prompted": "dash", "tuned": "solid", "second": "dashdot", "third": "longdash",
          "fourth": "longdashdot", "trivial": "dot"}  # fmt: skip
AGAIN = ("", "-open", "-open-dot")  # of a symbol, where arms share a colour
MOST_ARMS = 6  # of one chart, that no more colours than people tell apart are on it
FALLING = ("hallucinated", "omitted", "mae_", "template_echo", "prompt_leak", "multi_object", "truncated", "repetition",
           "schema_errors", "bits_per_byte", "empty_rate", "self_bleu")  # fmt: skip
SURE = 0.05


class Look(NamedTuple):
    """How an arm is drawn."""

    name: str
    label: str
    kind: str
    colour: str
    symbol: str
    dash: str


@dataclass(frozen=True, slots=True)
class View:
    """What a chart draws from. `pair` is None where there are no two arms to compare."""

    data: Record
    tier: str
    looks: tuple[Look, ...]
    pair: tuple[str, str] | None

    @property
    def primary(self) -> str:
        return str(self.data.get("primary") or "")

    @property
    def n_docs(self) -> int:
        return int(self.data.get("n_docs") or 0)

    def look(self, arm: str) -> Look:
        found = next((look for look in self.looks if look.name == arm), None)
        return found or Look(arm, arm, "imported", COLOURS["trivial"], "circle", "solid")

    def arms(self, *, trivial: bool = True, most: int = MOST_ARMS) -> tuple[Look, ...]:
        """The arms to draw, the pair first, then in the evaluation's order; `trivial` ones last or not at all."""
        rank = {name: at for at, name in enumerate(self.pair or ())}
        kept = [look for look in self.looks if trivial or look.kind != "trivial"] or list(self.looks)
        kept.sort(key=lambda look: (rank.get(look.name, 2), look.kind == "trivial"))
        return tuple(kept[:most])

    def metrics(self, arm: str) -> Record:
        return _mapping(_mapping(_mapping(self.data.get("tiers")).get(self.tier)).get(arm))

    def measured(self, arm: str, metric: str) -> Record | None:
        """A figure that has a value, else None."""
        found = _mapping(self.metrics(arm).get(metric))
        return found if number(found.get("value")) is not None else None

    def table(self, chart_id: str) -> Record:
        return _mapping(_mapping(self.data.get("tables")).get(chart_id))

    def about(self, metric: str) -> Record:
        return _mapping(_mapping(self.data.get("metrics")).get(metric))

    def label(self, metric: str) -> str:
        name, _, part = metric.partition(":")
        told = self.about(metric).get("label")
        return str(told or f"{name.replace('_', ' ')} {part}".strip())

    def better(self, metric: str) -> str:
        """higher | lower | none."""
        told = self.about(metric).get("better")
        return str(told or ("lower" if metric.startswith(FALLING) else "higher"))

    def gain(self, metric: str, difference: float) -> float:
        """The difference turned so that more is better."""
        return -difference if self.better(metric) == "lower" else difference

    def pair_figures(self) -> dict[str, Record]:
        """metric -> difference b - a of the pair, turned round where it was stored the other way."""
        if self.pair is None:
            return {}
        a, b = self.pair
        found: dict[str, Record] = {}
        for figure in _mapping(self.data.get("pairs")).get(self.tier) or ():
            if number(figure.get("difference")) is None:
                continue
            if (figure.get("a"), figure.get("b")) == (a, b):
                found[str(figure["metric"])] = figure
            elif (figure.get("a"), figure.get("b")) == (b, a):
                found.setdefault(str(figure["metric"]), _turned(figure))
        return found

    def outcome(self, figure: Record) -> str:
        """better | worse | unsure | same: what of b its interval, and its adjusted p where it has one, supports."""
        metric = str(figure.get("metric"))
        low, high = number(figure.get("ci_low")), number(figure.get("ci_high"))
        if self.better(metric) == "none":
            return "unsure"
        if low is None or high is None:
            return "unsure"
        if low == high == 0:
            return "same"
        p = number(figure.get("p_adjusted"))
        p = number(figure.get("p")) if p is None else p
        if (low <= 0 <= high) or (p is not None and p >= SURE):
            return "unsure"
        return "better" if self.gain(metric, low + high) > 0 else "worse"


def view_of(aggregates: Record, pair: Sequence[str] | None, tier: str) -> View:
    from training.evals.charts.catalogue import default_pair

    looks = looks_of(aggregates.get("arms") or ())
    names = {look.name for look in looks}
    asked = pair if pair is not None else default_pair(aggregates)
    known = (asked[0], asked[1]) if asked and set(asked) <= names and asked[0] != asked[1] else None
    return View(aggregates, tier, looks, known)


def looks_of(arms: Sequence[Record]) -> tuple[Look, ...]:
    """One look an arm; further arms of the same colour have an open symbol and another dash."""
    seen: dict[str, int] = {}
    found: list[Look] = []
    for arm in arms:
        kind = str(arm.get("kind") or "imported")
        role = "trivial" if kind == "trivial" else str(arm.get("colour_role") or "third")
        role = role if role in COLOURS else "third"
        again = seen.get(role, 0)
        seen[role] = again + 1
        symbol = SYMBOLS[role] + (AGAIN[again % len(AGAIN)] if role != "trivial" else "")
        dash = "dot" if again else DASHES[role]
        label = str(arm.get("label") or arm.get("name") or "")
        found.append(Look(str(arm.get("name")), label, kind, COLOURS[role], symbol, dash))
    return tuple(found)


def number(value: Any) -> float | None:
    """The value as a finite number, else None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) else None


def numbers(values: Any) -> list[float]:
    """Those of a list that are finite numbers."""
    return [found for value in values or () if (found := number(value)) is not None]


def whole(value: Any) -> int:
    found = number(value)
    return round(found) if found is not None else 0


def _mapping(value: Any) -> Record:
    return value if isinstance(value, Mapping) else {}


def _turned(figure: Record) -> Record:
    def minus(key: str) -> float | None:
        value = number(figure.get(key))
        return -value if value is not None else None

    return {
        **figure,
        "a": figure.get("b"),
        "b": figure.get("a"),
        "difference": minus("difference"),
        "ci_low": minus("ci_high"),
        "ci_high": minus("ci_low"),
        "effect": minus("effect"),  # every effect of `training.evals.paired` has a sign
        "shift": minus("shift"),
        "same_low": minus("same_high"),
        "same_high": minus("same_low"),
        "wins": figure.get("losses"),
        "losses": figure.get("wins"),
    }
