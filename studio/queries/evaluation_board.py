"""Arms of every evaluation of the same data, best first. Never ranked by loss.

The same data means: the same task and the same documents, by the hash in the manifest; where an evaluation keeps none,
it is compared with itself alone. Two arms of one evaluation are tied where their paired interval holds 0; between two
evaluations, where their intervals meet, which is the more careful of the two.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from studio.deps import Deps
from studio.queries import runs
from studio.queries.evaluation_docs import adapter_of
from studio.queries.evaluation_metrics import Metric, primary_of
from studio.queries.evaluations import (
    Aggregates,
    Pair,
    aggregates,
    arms_of,
    figure,
    job_of,
    manifest,
    pack_of,
    pair_figures,
    statuses,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """An arm of an evaluation. `tied` with the best one; losses are the run's last ones, None where none is known."""

    evaluation: str
    name: str
    arm: str
    label: str
    kind: str
    figure: Mapping[str, Any]
    tied: bool = False
    loss: float | None = None
    dev_loss: float | None = None


@dataclass(frozen=True, slots=True)
class Board:
    metric: Metric
    entries: tuple[Entry, ...]
    evaluations: int


def board(deps: Deps, evaluation: str, tier: str) -> Board | None:
    """The leaderboard of the data of `evaluation`, by its task's primary metric; None before it has figures."""
    mine = aggregates(deps, evaluation)
    if mine is None:
        return None
    metric = primary_of(mine, pack_of(deps, mine))
    others = [name for name in _same_data(deps, evaluation) if name != evaluation]
    found = {name: of for name in (evaluation, *others) if (of := aggregates(deps, name)) is not None}
    every = [entry for name, of in found.items() for entry in _entries(deps, name, of, metric, tier)]
    sign = 1.0 if metric.better == "lower" else -1.0
    every.sort(key=lambda entry: (sign * float(entry.figure["value"]), entry.evaluation != evaluation))
    best = every[0] if every else None
    marked = [_with_tie(entry, best, found, metric, tier) for entry in every] if best else []
    return Board(metric, tuple(marked), len(found))


def data_key(deps: Deps, evaluation: str) -> str:
    """What tells the documents of an evaluation from others'; "" where it does not say."""
    facts: Mapping[str, Any] = manifest(deps, evaluation)
    data = facts.get("data")
    told: Any = data.get("sha256") if isinstance(data, Mapping) else facts.get("data_sha256")
    told = told or facts.get("rows_sha256")
    if not told:
        return ""
    n = facts.get("n_docs") or facts.get("rows") or ""
    return f"{told} {n if isinstance(n, int | str) else ''}"


def _same_data(deps: Deps, evaluation: str) -> list[str]:
    key = data_key(deps, evaluation)
    finished = [status for status in statuses(deps) if status.state == "finished"]
    return [status.id for status in finished if key and data_key(deps, status.id) == key]


def _entries(deps: Deps, evaluation: str, found: Aggregates, metric: Metric, tier: str) -> list[Entry]:
    made: list[Entry] = []
    name = str(found.get("name") or job_of(deps, evaluation).get("name") or evaluation)
    for arm in arms_of(found):
        measured = figure(found, tier, str(arm["name"]), metric.name)
        if measured is None or measured.get("value") is None:
            continue
        loss, dev_loss = losses(deps, adapter_of(str(arm["name"])))
        made.append(
            Entry(evaluation, name, str(arm["name"]), str(arm["label"]), str(arm["kind"]), measured,
                  loss=loss, dev_loss=dev_loss)
        )  # fmt: skip
    return made


def _with_tie(entry: Entry, best: Entry, found: Mapping[str, Aggregates], metric: Metric, tier: str) -> Entry:
    return replace(entry, tied=entry is best or _tied(entry, best, found, metric, tier))


def _tied(entry: Entry, best: Entry, found: Mapping[str, Aggregates], metric: Metric, tier: str) -> bool:
    if entry.evaluation == best.evaluation:
        rows = pair_figures(found[entry.evaluation], tier, Pair(best.arm, entry.arm))
        row = next((row for row in rows if row["metric"] == metric.name), None)
        if row is not None and row.get("ci_low") is not None:
            return float(row["ci_low"]) <= 0 <= float(row["ci_high"])
    mine, others = (_interval(side.figure) for side in (entry, best))
    return mine is not None and others is not None and mine[0] <= others[1] and others[0] <= mine[1]


def _interval(figure: Mapping[str, Any]) -> tuple[float, float] | None:
    low, high = figure.get("low"), figure.get("high")
    return None if low is None or high is None else (float(low), float(high))


def losses(deps: Deps, adapter: str) -> tuple[float | None, float | None]:
    """(training loss, dev loss) of the weights that were kept, None where it is no run of this home that can be read.

    Both are of the same step: the last dev loss and the training loss there; where the run was to stop early, and so
    went back to its best weights, the step of the lowest dev loss.
    """
    if not adapter or not runs.known(deps, adapter) or runs.fault_of(deps, adapter):
        return None, None
    steps = runs.steps_of(deps, adapter)
    loss = [step for step in steps if step.loss is not None]
    dev = [step for step in steps if step.dev_loss is not None]
    if not dev:
        return (loss[-1].loss if loss else None), None
    early = runs.run_of(deps, adapter).config.early_stopping > 0
    kept = min(dev, key=lambda step: step.dev_loss or 0.0) if early else dev[-1]
    before = [step.loss for step in loss if step.step <= kept.step]
    return (before[-1] if before else None), kept.dev_loss
