"""aggregates.json as verdict, gates, report and card read it: labels, pairs, slices and speeds of two arms. No torch.

A thin layer over the view that the charts draw from, so that a sentence and a chart can't tell the same figure in two
ways. What an evaluation did not measure is None here, never 0.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from training.errors import DataError, InputError
from training.evals.charts.view import SURE, Record, View, looks_of, number, view_of
from training.evals.charts.words import num, percent
from training.evals.gate_numbers import shown
from training.evals.metrics import confirmatory_metrics, metric_specs, primary_metric
from training.evals.records import AGGREGATES
from training.task.pack import Pack

Pair = tuple[str, str]
BASE_ROLES = ("base", "prompted")  # answers made elsewhere by an untuned model are told by their names
LATENCIES = ("latency_p50", "latency_s")  # what speed is told by, the first that both arms have
LABELS = {"strict": "answers that parse as they stand", "hallucinated_docs": "answers with something made up",
          "schema_valid": "answers that keep the contract", "omitted": "things left out",
          "exact_record": "whole records right", "abstain_acc": "absent things left out"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SliceChange:
    """The deciding metric's difference b - a on one slice, turned so that more is better; an interval or None.

    `label` is the table's own words for it, "" without a table; `sure` False where it does not hold beside the others.
    """

    key: str
    gain: float
    low: float | None
    high: float | None
    n: int
    label: str = ""
    sure: bool = True


@dataclass(frozen=True)
class Figures:
    """`aggregates` of one evaluation under one tier for one pair (None: there are no two arms to compare)."""

    aggregates: Mapping[str, Any]
    pack: Pack
    pair: Pair | None
    tier: str = "strict"

    @cached_property
    def view(self) -> View:
        return view_of(_described(self.aggregates, self.pack), self.pair, self.tier)

    @cached_property
    def primary(self) -> str:
        return str(self.aggregates.get("primary") or primary_metric(self.pack))

    @cached_property
    def deciding(self) -> str:
        """The primary metric; where it is not known of both arms, the first confirmatory one that is."""
        known = (name for name in (self.primary, *self.confirmatory) if name in self.pairs)
        return next(known, self.primary)

    @cached_property
    def confirmatory(self) -> tuple[str, ...]:
        return tuple(name for name in confirmatory_metrics(self.pack) if name != self.primary)

    @cached_property
    def pairs(self) -> Mapping[str, Record]:
        """metric -> figure of b - a."""
        return self.view.pair_figures()

    def between(self, a: str, b: str) -> Mapping[str, Record]:
        return Figures(self.aggregates, self.pack, (a, b), self.tier).pairs

    def arms(self, *kinds: str) -> list[str]:
        return [look.name for look in self.view.looks if not kinds or look.kind in kinds]

    def label(self, arm: str) -> str:
        return self.view.look(arm).label

    def measured(self, arm: str, metric: str) -> Record | None:
        return self.view.measured(arm, metric)

    def value(self, arm: str, metric: str) -> float | None:
        return number((self.measured(arm, metric) or {}).get("value"))

    def name(self, metric: str) -> str:
        """A metric in a running sentence: "Ingredients F1", "answers with something made up"."""
        return LABELS.get(metric) or self.view.label(metric).replace(": ", " ")

    def gain(self, metric: str, figure: Record) -> tuple[float, float | None, float | None]:
        """(difference, low, high) of b - a, turned so that more is better."""
        found = [number(figure.get(key)) for key in ("difference", "ci_low", "ci_high")]
        if self.view.better(metric) == "lower":
            found = [None if value is None else -value for value in (found[0], found[2], found[1])]
        return found[0] or 0.0, found[1], found[2]

    def is_rate(self, arm: str, metric: str) -> bool:
        return (self.measured(arm, metric) or {}).get("kind") == "rate"

    def said(self, arm: str, metric: str) -> str:
        """An arm's figure in words: "34 %" of a rate, "0.61" of anything else, its unit behind it."""
        value = self.value(arm, metric)
        if value is None:
            return "not measured"
        unit = str(self.view.about(metric).get("unit") or "")
        return percent(value) if self.is_rate(arm, metric) else f"{num(value)} {unit}".strip()

    def interval(self, arm: str, metric: str) -> str:
        """The interval of `said`, in its unit: "[86, 96]" of a rate; "" without one."""
        found = self.measured(arm, metric) or {}
        ends = [number(found.get(key)) for key in ("low", "high")]
        if ends[0] is None or ends[1] is None:
            return ""
        words = [f"{100 * end:.0f}" if self.is_rate(arm, metric) else num(end) for end in (ends[0], ends[1])]
        return f"[{words[0]}, {words[1]}]"

    def size(self, metric: str, figure: Record) -> str:
        """How far the arms are apart with its interval, without a sign: "0.61 [0.57, 0.65]", "31 points [25, 36]"."""
        values = [abs(number(figure.get(key)) or 0.0) for key in ("difference", "ci_low", "ci_high")]
        if number(figure.get("ci_low")) is None or number(figure.get("ci_high")) is None:
            values = values[:1]
        rate = self.pair is not None and self.is_rate(self.pair[1], metric)
        words = [f"{100 * value:.0f}" if rate else num(value) for value in (values[0], *sorted(values[1:]))]
        unit = " points" if rate else ""
        return f"{words[0]}{unit}" + (f" [{words[1]}, {words[2]}]" if len(words) > 1 else "")

    def shown(self, metric: str, figure: Record) -> bool:
        """Whether a difference is shown to be one, see `gate_numbers.shown`."""
        _, low, high = self.gain(metric, figure)
        n = int(number(figure.get("n")) or 0)
        return low is not None and high is not None and shown(low, high, number(figure.get("p")), n)

    @cached_property
    def unlooked(self) -> str:
        """Why nobody knows whether training rows are near these documents; "" where it was looked for on all of them.

        Nobody looked is never the same as nothing was found.
        """
        table = self.view.table("leakage")
        known, asked = number(table.get("n_test")), number(table.get("n_docs"))
        if asked and known is not None and known < asked:
            other = f"Of {asked:,.0f} documents the leak report knows {known:,.0f}"
            return f"{other}: nobody looked whether training rows are near the others."
        if gone := number(table.get("n_unchecked")):
            rows = number(table.get("n_train")) or 0.0
            lost = f"Of {rows + gone:,.0f} training rows {gone:,.0f} are gone"
            return f"{lost}: nobody can look whether those are near these documents. Of the others none is."
        if all(number(table.get(key)) is None for key in ("exact", "near", "groups")):
            return (
                "Nobody looked whether training rows are near these documents: evaluate a dataset version, or name "
                "with --trained-on what was learned from."
            )
        return ""

    @cached_property
    def speed(self) -> tuple[str, float, float] | None:
        """(metric, seconds of a, seconds of b) of one document alone."""
        for metric in LATENCIES if self.pair else ():
            a, b = (self.value(arm, metric) for arm in self.pair or ())
            if a and b:
                return metric, a, b
        return None

    @cached_property
    def slices(self) -> tuple[SliceChange, ...]:
        """The deciding metric slice by slice: paired where the tables have it, else from both arms' own intervals."""
        return _paired_slices(self) or _loose_slices(self)


def figures_of(aggregates: Mapping[str, Any], pack: Pack, pair: Pair | None = None, tier: str = "strict") -> Figures:
    """The pair that is given, else `default_pair`; without figures of a pair where one of its arms is not there."""
    found = Figures(aggregates, pack, pair or default_pair(aggregates), tier)
    return found if found.pair is None or found.view.pair else Figures(aggregates, pack, None, tier)


def asked_pair(aggregates: Mapping[str, Any], arm: str = "", base: str = "") -> tuple[str, Pair | None]:
    """(arm, pair): what is asked for, "" being what the verdict compares. An arm alone is compared with nothing.

    InputError for an arm that the evaluation does not have.
    """
    names = [str(found["name"]) for found in aggregates.get("arms") or ()]
    for name in filter(None, (arm, base)):
        if name not in names:
            raise InputError(f"There is no arm {name!r}.", fix=f"Use one of: {', '.join(names) or 'none'}.")
    if arm and arm == base:
        raise InputError(f"The arm {arm!r} can't be compared with itself.", fix="Give another arm to compare with.")
    usual = list(default_pair(aggregates) or ())
    arm = arm or next((name for name in [*usual[::-1], *names] if name != base), "")
    base = base or next((name for name in [*usual, *names] if name != arm), "")
    return arm, (base, arm) if arm and base else None


def default_pair(aggregates: Mapping[str, Any]) -> Pair | None:
    """(a, b): the first tuned arm and its strongest opponent, by the primary metric and the way it is better.

    Opponents are the untuned arms, else other arms with a model, else those without one. b is the first adapter, else
    the last arm with a model. None for fewer than two arms.
    """
    view = View(aggregates, "strict", looks_of(aggregates.get("arms") or ()), None)
    arms = [(str(arm.get("name")), arm.get("kind"), arm.get("colour_role")) for arm in aggregates.get("arms") or ()]
    models = [name for name, kind, _ in arms if kind != "trivial"]
    bases = [name for name, kind, role in arms if kind == "base" or (kind == "imported" and role in BASE_ROLES)]
    tuned = [name for name, kind, _ in arms if kind == "adapter"]
    others = [name for name in models if name not in bases]
    b = (tuned or others[::-1] or models[::-1] or [name for name, _, _ in arms[::-1]] or [""])[0]
    for offered in (bases, models, [name for name, _, _ in arms]):
        if rivals := [name for name in offered if name != b]:
            sign = -1 if view.better(view.primary) == "lower" else 1

            def quality(arm: str, sign: int = sign) -> float:
                value = number((view.measured(arm, view.primary) or {}).get("value"))
                return sign * value if value is not None else float("-inf")

            return max(rivals, key=quality), b
    return None


def read_aggregates(folder: Path) -> dict[str, Any]:
    """aggregates.json of an evaluation. DataError where there is none, or it can't be read."""
    found = _read(folder / AGGREGATES)
    tiers = found.get("tiers")
    by_tier: list[Any] = list(tiers.values()) if isinstance(tiers, dict) else [tiers]
    if not all(isinstance(arms, dict) and all(isinstance(arm, dict) for arm in arms.values()) for arms in by_tier):
        raise DataError(f"{folder / AGGREGATES} holds no figures by tier and arm.", fix="Score the evaluation again.")
    return found


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise DataError(f"{file.parent} has no {file.name}.", fix="Give the folder of a finished evaluation.") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{file} can't be read: {error}.", fix="Score the evaluation again.") from error
    if not isinstance(found, dict):
        raise DataError(f"{file} holds no object.", fix="Score the evaluation again.")
    return found


def _described(aggregates: Mapping[str, Any], pack: Pack) -> Mapping[str, Any]:
    """Aggregates whose metrics have their labels, of an older or a hand-made file too."""
    if aggregates.get("metrics"):
        return aggregates
    specs = {spec.name: {"label": spec.label, "better": spec.better, "unit": spec.unit} for spec in metric_specs(pack)}
    return {**aggregates, "metrics": specs}


def _paired_slices(figures: Figures) -> tuple[SliceChange, ...]:
    """The differences that the slice chart was made from; strict tier always."""
    table = figures.view.table("slices")
    labels = {row.get("slice"): str(row.get("label") or "") for row in table.get("rows") or ()}
    found: list[SliceChange] = []
    for cell in table.get("cells") or ():
        turned = (cell.get("b"), cell.get("a")) == figures.pair
        same = turned or (cell.get("a"), cell.get("b")) == figures.pair
        if not same or cell.get("metric") != figures.deciding or number(cell.get("difference")) is None:
            continue
        gain, low, high = figures.gain(figures.deciding, cell)
        if turned:
            gain, low, high = -gain, None if high is None else -high, None if low is None else -low
        p = number(cell.get("p_adjusted"))
        n, key = int(number(cell.get("n")) or 0), cell.get("slice")
        found.append(SliceChange(str(key), gain, low, high, n, labels.get(key, ""), p is None or p < SURE))
    return tuple(found)


def _loose_slices(figures: Figures) -> tuple[SliceChange, ...]:
    """Without pairing: the difference of two means, its interval from both arms' as if they were independent."""
    found: list[SliceChange] = []
    for key, arms in (figures.aggregates.get("slices") or {}).items():
        sides = [((arms.get(arm) or {}).get(figures.deciding) or {}) for arm in figures.pair or ()]
        values = [number(side.get("value")) for side in sides]
        if len(values) < 2 or values[0] is None or values[1] is None:
            continue
        sign = -1.0 if figures.view.better(figures.deciding) == "lower" else 1.0
        gain = sign * (values[1] - values[0])
        reach = _reach(sides)
        n = min(int(number(side.get("n_scored")) or 0) for side in sides)
        low, high = (None, None) if reach is None else (gain - reach, gain + reach)
        found.append(SliceChange(str(key), gain, low, high, n))
    return tuple(found)


def _reach(sides: Sequence[Mapping[str, Any]]) -> float | None:
    halves = [(number(side.get("low")), number(side.get("high"))) for side in sides]
    if any(low is None or high is None for low, high in halves):
        return None
    return sum((((high or 0.0) - (low or 0.0)) / 2) ** 2 for low, high in halves) ** 0.5
