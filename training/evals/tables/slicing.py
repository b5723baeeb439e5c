"""Slices of the documents: by their own slice, style and part, by length, and by what their right answer lacks.

A slice has its figures by arm, and for each two arms the paired difference of a few metrics, corrected over all cells
of the pair (Benjamini-Hochberg): exploratory, at the strict tier.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.evals.cells import Cells
from training.evals.hypotheses import benjamini_hochberg
from training.evals.measuring import measure_all
from training.evals.metrics import MetricSpec
from training.evals.paired import compare_metrics
from training.task.pack import Pack
from training.task.records import to_json
from training.task.score.values import LIST_KINDS

LEAST, MOST, PER_KIND = 5, 20, 8  # documents of a slice; slices in all and of a kind
LENGTH_N = 30  # documents from which it makes sense to cut by length
EXAMPLES = 20


class Slice(NamedTuple):
    """`key` as in aggregates["slices"]; `mask` over the documents; `where` selects it in the gen frame, else `docs`."""

    key: str
    label: str
    mask: NDArray[np.bool_]
    where: dict[str, str]


def slices_of(
    cells: Cells, about: Mapping[str, tuple[str, str, str]], chars: Mapping[str, int], pack: Pack
) -> list[Slice]:
    """The slices that hold `LEAST` documents and not all. `about` is (slice, style, part) and `chars` the source's
    length by document id."""
    found: list[Slice] = []
    for at, kind in enumerate(("slice", "style", "part")):
        names = np.array([about.get(doc, ("", "", ""))[at] for doc in cells.docs], dtype=object)
        sizes = sorted(((int((names == name).sum()), str(name)) for name in set(names) if name), reverse=True)
        for _, name in sorted(sizes[:PER_KIND], key=lambda row: row[1]):
            label = name.replace("_", " ").replace("-", " ")
            found.append(Slice(f"{kind}={name}", label, names == name, {kind: name}))
    found += _by_length(cells, chars)
    found += _by_absence(cells, pack)
    return [cut for cut in found if LEAST <= int(cut.mask.sum()) < cells.n_docs][:MOST]


def _by_length(cells: Cells, chars: Mapping[str, int]) -> list[Slice]:
    sizes = np.array([chars.get(doc, -1) for doc in cells.docs])
    if (sizes < 0).any() or len(sizes) < LENGTH_N:
        return []
    low, high = np.quantile(sizes, [1 / 3, 2 / 3])
    cuts = (("1", f"up to {low:,.0f} characters", sizes <= low),
            ("2", f"to {high:,.0f} characters", (sizes > low) & (sizes <= high)),
            ("3", f"over {high:,.0f} characters", sizes > high))  # fmt: skip
    return [Slice(f"length={name}", label, mask, {}) for name, label, mask in cuts]


def _by_absence(cells: Cells, pack: Pack) -> list[Slice]:
    """Documents whose right answer has nothing in a list, or no time at all: `abstain` has a value there alone."""
    absent = {spec.name: ~np.isnan(cells.value("abstain", spec.name)) for spec in pack.fields}
    lists = [spec for spec in pack.fields if spec.kind in LIST_KINDS and spec.comparator != "ignore"]
    found = [
        Slice(f"missing={spec.name}", f"no {spec.label.lower()} in the text", absent[spec.name], {}) for spec in lists
    ]
    times = [absent[spec.name] for spec in pack.fields if spec.comparator == "duration"]
    if times:
        found.append(Slice("missing=times", "no times in the text", np.logical_and.reduce(times), {}))
    return found


def slice_metrics(specs: Sequence[MetricSpec], confirmatory: Sequence[str]) -> list[MetricSpec]:
    """What a slice is measured by: the primary metric, the confirmatory ones and what can go wrong, few in all."""
    wanted = [specs[0].name, "strict", "hallucinated_docs", "omitted", *confirmatory, "schema_valid", "abstain_acc"]
    by_name = {spec.name: spec for spec in specs}
    return [by_name[name] for name in dict.fromkeys(wanted) if name in by_name][:6]


def slice_figures(
    slices: Sequence[Slice],
    arms: Mapping[str, Cells],
    specs: Sequence[MetricSpec],
    short: Callable[[dict[str, Any]], dict[str, Any]],
) -> dict[str, dict[str, Any]]:
    """slice key -> arm -> metric -> figure, those without any value left out."""
    found: dict[str, dict[str, Any]] = {}
    for cut in slices:
        found[cut.key] = {}
        for arm, cells in arms.items():
            part = cells.take(cut.mask)
            measured = measure_all(specs, part, clusters=part.clusters)
            found[cut.key][arm] = {name: short(to_json(one)) for name, one in measured.items() if one.value is not None}
    return found


def slices_table(
    slices: Sequence[Slice],
    arms: Mapping[str, Cells],
    pairs: Sequence[tuple[str, str]],
    specs: Sequence[MetricSpec],
) -> dict[str, Any]:
    """Rows, metrics and a cell a pair, slice and metric: difference, interval, p, adjusted p and n."""
    docs = next(iter(arms.values())).docs if arms else ()
    rows = [
        {"slice": cut.key, "label": cut.label, "n": int(cut.mask.sum())}
        | ({"where": cut.where} if cut.where else {"docs": [docs[at] for at in np.flatnonzero(cut.mask)[:EXAMPLES]]})
        for cut in slices
    ]
    shown = [spec for spec in specs if spec.better != "none"][:4]
    cells: list[dict[str, Any]] = []
    for a, b in pairs:
        found = [
            (cut.key, figure)
            for cut in slices
            for figure in compare_metrics(shown, arms[a].take(cut.mask), arms[b].take(cut.mask), (a, b),
                                          [arms[a].clusters[at] for at in np.flatnonzero(cut.mask)]
                                          if arms[a].clusters else None)
        ]  # fmt: skip
        tested = [figure.p for _, figure in found if figure.p is not None]
        adjusted = iter(benjamini_hochberg(tested))
        for key, figure in found:
            cells.append({
                "a": a, "b": b, "slice": key, "metric": figure.metric, "difference": figure.difference,
                "ci_low": figure.ci_low, "ci_high": figure.ci_high, "p": figure.p,
                "p_adjusted": next(adjusted) if figure.p is not None else None, "n": figure.n,
            })  # fmt: skip
    return {"metrics": [spec.name for spec in shown], "rows": rows, "cells": cells}
