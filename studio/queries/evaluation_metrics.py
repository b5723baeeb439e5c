"""The figures of an evaluation as rows of a table: which metric, what it says, which way is better, each arm's value.

What a metric is called and measures comes from training/evals/metrics.py; one that an older evaluation holds and the
code does not know any more is shown under its own name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from studio.queries.evaluations import Aggregates, Choices, Pair, pair_figures
from training.evals.metrics import MetricSpec, confirmatory_metrics, metric_specs, primary_metric
from training.task.pack import Pack

GROUPS = ("form", "content", "grounding", "relevance", "text", "speed")
HEADLINE = ("strict", "usable", "schema_valid", "hallucinated", "hallucinated_docs", "omitted", "exact_record",
            "latency_p50")  # fmt: skip
LISTED = ("form", "content", "grounding", "relevance", "text")  # groups whose metrics have a value a document


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `key` is (metric, field) in the frames where a document has a value of its own, else None."""

    name: str
    label: str
    kind: str
    better: str
    unit: str
    group: str
    page: str
    key: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Line:
    """A metric with each arm's figure, and the paired difference of the two arms that are compared."""

    metric: Metric
    figures: Mapping[str, Mapping[str, Any]]
    pair: Mapping[str, Any] | None = None
    primary: bool = False


@dataclass(frozen=True, slots=True)
class _Named:
    """A pack by its name alone, so that its metrics are made once."""

    name: str
    pack: Pack = field(compare=False)


def metrics_of(pack: Pack) -> Mapping[str, Metric]:
    """Every metric of a task by name, the primary one first."""
    return _metrics(_Named(f"{pack.name} {pack.path}", pack))


@lru_cache(maxsize=16)
def _metrics(named: _Named) -> Mapping[str, Metric]:
    return {spec.name: _metric(spec) for spec in metric_specs(named.pack)}


def _metric(spec: MetricSpec) -> Metric:
    key = spec.keys[0] if len(spec.keys) == 1 and spec.kind in ("rate", "mean", "pooled") else None
    return Metric(spec.name, spec.label, spec.kind, spec.better, spec.unit, spec.group, spec.page, key)


def metric_of(pack: Pack, name: str) -> Metric:
    """A metric by its name; one that the code does not know is taken as a share of which more is better."""
    known = metrics_of(pack).get(name)
    metric, _, field_name = name.partition(":")
    return known or Metric(name, name.replace("_", " "), "mean", "higher", "", "content", "", (metric, field_name))


def lines(found: Aggregates, pack: Pack, tier: str, pair: Pair | None = None, groups: Sequence[str] = ()) -> list[Line]:
    """Every metric that some arm was measured on, in the order of the pack's metrics. `groups` () takes all."""
    arms: Mapping[str, Mapping[str, Any]] = (found.get("tiers") or {}).get(tier) or {}
    names = list(dict.fromkeys([*metrics_of(pack), *(name for figures in arms.values() for name in figures)]))
    paired = {row["metric"]: row for row in pair_figures(found, tier, pair)}
    primary = str(found.get("primary") or primary_metric(pack))
    made: list[Line] = []
    for name in names:
        metric = metric_of(pack, name)
        figures = {arm: of[name] for arm, of in arms.items() if name in of}
        if any(figure.get("value") is not None for figure in figures.values()) and (
            not groups or metric.group in groups
        ):
            made.append(Line(metric, figures, paired.get(name), name == primary))
    return sorted(made, key=lambda line: not line.primary)


def of_field(metric: Metric) -> bool:
    """Whether a metric is about one field's form: a class of broken rules, or a wrong type."""
    name, _, field_name = metric.name.partition(":")
    return bool(field_name) and (name == "type_error" or name.startswith("schema_"))


def choices(found: Aggregates, pack: Pack) -> Choices:
    """(label, name) of what documents can be listed by, the primary metric first."""
    offered = [line.metric for line in lines(found, pack, "strict", groups=LISTED)]
    return [(metric.label, metric.name) for metric in offered if metric.key is not None and metric.better != "none"]


def headline(pack: Pack) -> frozenset[str]:
    """Metrics that the overview shows: those that decide, and those that everybody asks for."""
    return frozenset((primary_metric(pack), *confirmatory_metrics(pack), *HEADLINE))


def primary_of(found: Aggregates, pack: Pack) -> Metric:
    return metric_of(pack, str(found.get("primary") or primary_metric(pack)))
