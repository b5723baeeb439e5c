"""Everything that a page of an evaluation shows, computed once from its frames and kept in aggregates.json.

    {"format", "task", "name", "arms": [{"name", "kind", "label", "colour_role"}], "n_docs", "samples", "primary",
     "confirmatory", "fields": [{"name", "label", "kind"}], "metrics": {metric: {"label", "better", "unit", ...}},
     "tiers": {tier: {arm: {metric: Measured}}}, "slices": {"style=clean": {arm: {metric: Measured}}},
     "pairs": {tier: [PairFigure]}, "several": {of all arms with a model at once}, "noise_floor": {as in the manifest},
     "tables": {chart id: {...}}}

Promise: it is small whatever the number of documents (tables hold counts, quantiles and chosen ids), and it needs no
text of the frames at once: they are read block by block, and of a document only its figures stay in memory.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from training.disk import disk, read_object, write_whole
from training.errors import DataError
from training.evals.cells import Cells
from training.evals.clusters import cluster_named, cluster_title
from training.evals.data import read_rows
from training.evals.hypotheses import benjamini_hochberg, holm
from training.evals.measuring import measure_all
from training.evals.metrics import MetricSpec, confirmatory_metrics, metric_specs
from training.evals.paired import Family, PairFigure, compare_arms, compare_metrics, declared_margins
from training.evals.records import AGGREGATES, DRAWN, JOB, MANIFEST, ROWS, TIERS, TRIVIAL, read_arm
from training.evals.tables import answers as gen
from training.evals.tables import beside, items, slicing
from training.evals.tables.arms import arm_records
from training.evals.tables.cells import ArmCells, read_cells
from training.evals.tables.checkpoints import checkpoints
from training.evals.tables.several import several
from training.evals.tables.spread import strip_table
from training.task.pack import Pack
from training.task.records import to_json

FORMAT = 1
DIGITS, FEWER = 6, 4  # significant digits of what is kept; of what charts alone show
FULL_PAIRS = 8  # pairs of arms with all metrics, wider tiers and slices; further ones have the headline at strict
HEADLINE = ("strict", "usable", "schema_valid", "hallucinated", "hallucinated_docs", "omitted", "abstain_acc",
            "exact_record", "template_echo", "prompt_leak", "multi_object", "truncated", "repetition")  # fmt: skip
FIELDWISE = ("f1", "ordered_f1", "slot", "mae_penalised", "within_one", "qty_acc", "rouge1", "rougeLsum")


def aggregate(folder: Path, pack: Pack) -> dict[str, Any]:
    """Compute and keep. DataError where the folder has no frames, or they hold no answer."""
    specs = metric_specs(pack)
    found = gen.read_answers(folder)
    if not found.arms:
        raise DataError(f"{folder} holds no answers.", fix="Evaluate some documents first.")
    cells = read_cells(folder, specs, list(found.docs))
    manifest, job = read_object(folder / MANIFEST), read_object(folder / JOB)
    arms = [arm for arm in arm_records(found.arms) if arm["name"] in cells[TIERS[0]]]
    names = [str(arm["name"]) for arm in arms]
    strict = {name: cells[TIERS[0]][name] for name in names}
    real = [str(arm["name"]) for arm in arms if arm["kind"] != "trivial"]
    both = _by_weight(_all_pairs(real) or _all_pairs(names), arms)[:FULL_PAIRS]
    first = next(iter(strict.values()))
    confirmatory = confirmatory_metrics(pack)
    cuts = slicing.slices_of(first, found.docs, _source_chars(folder), pack)
    few = slicing.slice_metrics(specs, confirmatory)
    kept: dict[str, Any] = {
        "format": FORMAT, "task": pack.name, "name": manifest.get("name") or job.get("name") or folder.name,
        "arms": arms, "n_docs": first.n_docs, "samples": max(one.samples for one in strict.values()),
        "primary": specs[0].name, "confirmatory": list(confirmatory),
        "fields": [{"name": spec.name, "label": spec.label, "kind": spec.kind} for spec in items.compared(pack)],
        "metrics": {spec.name: {key: getattr(spec, key) for key in ("label", "better", "unit", "group", "kind", "page")}
                    for spec in specs},
        "tiers": _tiers(cells, names, specs),
        "slices": slicing.slice_figures(cuts, {name: strict[name] for name in real or names}, few, _compact),
        "pairs": {tier: _pairs(pack, cells, names, both, tier) for tier in TIERS},
        "several": several(specs[0], {name: strict[name] for name in real}),
        "noise_floor": manifest.get("noise") or {},
    }  # fmt: skip
    kept["tables"] = _tables(folder, pack, found, cells, kept) | {
        "slices": slicing.slices_table(cuts, strict, both, few),
        "strip": strip_table(specs[0], cells, both),
        "cost": beside.cost_table(found, strict, manifest),
    }
    return write_aggregates(folder, kept)


def write_aggregates(folder: Path, kept: Mapping[str, Any]) -> dict[str, Any]:
    """Keep them, numbers cut to `DIGITS`; returns what a reader of the file gets."""
    short = {key: _short(value, FEWER if key in ("tables", "slices") else DIGITS) for key, value in kept.items()}
    for name in ("tiers", "pairs"):  # other programs read the strict tier alone
        short[name] = {tier: one if tier == TIERS[0] else _short(one, FEWER) for tier, one in short[name].items()}
    with disk("keep the figures", folder):
        write_whole(folder / AGGREGATES, json.dumps(short, separators=(",", ":"), allow_nan=False) + "\n")
    return short


def _all_pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    return [(a, b) for at, a in enumerate(names) for b in names[at + 1 :]]


def _by_weight(pairs: Sequence[tuple[str, str]], arms: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """An untuned arm against a tuned one first: that is what an evaluation is about."""
    kinds = {arm["name"]: arm["kind"] for arm in arms}
    return sorted(pairs, key=lambda pair: (kinds[pair[0]], kinds[pair[1]]) != ("base", "adapter"))


def _tiers(cells: ArmCells, names: Sequence[str], specs: Sequence[MetricSpec]) -> dict[str, Any]:
    """tier -> arm -> metric -> figure, those without any document's value too: their n is an answer."""
    found: dict[str, Any] = {}
    done: dict[int, Any] = {}
    for tier in TIERS:
        found[tier] = {}
        for name in names:
            own: Cells = cells[tier][name]
            if id(own) not in done:
                measured = measure_all(specs, own, clusters=own.clusters)
                done[id(own)] = {key: _compact(to_json(one)) for key, one in measured.items()}
            found[tier][name] = done[id(own)]
    return found


def _compact(record: dict[str, Any]) -> dict[str, Any]:
    """A figure or pair without what stands elsewhere, or is not known and need not be there."""
    optional = ("n_items", "n_clusters", "note", "margin")
    drop_none = ("p_same", "same_low", "same_high", "p_mid", "shift")
    drop = ("metric",) if "n_scored" in record else ()
    kept = {key: value for key, value in record.items() if key not in drop and (value or key not in optional)}
    return {key: value for key, value in kept.items() if value is not None or key not in drop_none}


def _pairs(
    pack: Pack, cells: ArmCells, names: Sequence[str], full: Sequence[tuple[str, str]], tier: str
) -> list[dict[str, Any]]:
    """Every pair of arms, the later in question. At strict `full` pairs have every metric, others the headline, and
    those with a trivial arm what was declared; at wider tiers `full` pairs have the headline."""
    specs, chosen = metric_specs(pack), confirmatory_metrics(pack)
    declared = [spec for at, spec in enumerate(specs) if at == 0 or spec.name in chosen]
    headline = [spec for spec in specs if spec in declared or _headline(spec.name)]
    found: list[PairFigure] = []
    for pair in _all_pairs(names):
        a, b = (cells[tier][name] for name in pair)
        if pair in full:
            kept = {spec.name for spec in (specs if tier == TIERS[0] else headline)}
            found += [one for one in compare_arms(pack, a, b, *pair, a.clusters) if one.metric in kept]
        elif tier == TIERS[0]:
            trivial = any(name in TRIVIAL for name in pair)
            found += _some(pack, declared if trivial else headline, (a, b), pair)
    return [_compact(to_json(one)) for one in found]


def _headline(metric: str) -> bool:
    return metric in HEADLINE or metric.partition(":")[0] in FIELDWISE


def _some(
    pack: Pack, specs: Sequence[MetricSpec], cells: tuple[Cells, Cells], pair: tuple[str, str]
) -> list[PairFigure]:
    """Some metrics of a pair, each corrected within its family as `compare_arms` does."""
    families: dict[str, Family] = dict.fromkeys(confirmatory_metrics(pack), "confirmatory")
    families[metric_specs(pack)[0].name] = "primary"
    figures = compare_metrics(specs, *cells, pair, cells[0].clusters, declared_margins(pack))
    figures = [replace(one, family=families.get(one.metric, "exploratory")) for one in figures]
    adjusted = {one.metric: one.p for one in figures if one.family == "primary"}
    for family, correct in (("confirmatory", holm), ("exploratory", benjamini_hochberg)):
        tested = {one.metric: one.p for one in figures if one.family == family and one.p is not None}
        adjusted |= dict(zip(tested, correct(list(tested.values())), strict=True))
    return [replace(one, p_adjusted=adjusted.get(one.metric)) for one in figures]


def _tables(folder: Path, pack: Pack, found: gen.Answers, cells: ArmCells, kept: Mapping[str, Any]) -> dict[str, Any]:
    """The tables of charts that are more than figures and pairs."""
    from training.evals.judge.tables import judge_tables

    strict, samples = cells[TIERS[0]], int(kept["samples"])
    job = read_object(folder / JOB)
    sampling = job.get("sampling") or to_json(pack.sampling)
    first = next(iter(strict.values()))
    groups = dict(zip(first.docs, first.clusters, strict=True)) if first.clusters else {}
    leaves = items.read_items(folder, pack)
    words = {arm: one.value("words") for arm, one in strict.items()}
    lengths = gen.lengths_table(found, words, sampling.get("max_new_tokens"))
    adapters = [read_arm(str(arm["name"])).adapter or "" for arm in kept["arms"] if arm["kind"] == "adapter"]
    return {
        "tiers": gen.tiers_table(found),
        "lengths": lengths | {"counts": items.counts_table(leaves, pack)},
        "clusters": gen.clusters_table(
            found, lambda tag: cluster_title(tag, pack), lambda tag: cluster_named(tag).owner
        ),
        "outcomes": items.outcomes_table(leaves, pack, groups),
        "relevance": items.relevance_table(leaves, pack),
        "consistency": items.consistency_table(
            kept["tiers"][TIERS[0]],
            pack,
            samples,
            sampling.get("temperature"),
            {name: read_arm(name) for name in (str(arm["name"]) for arm in kept["arms"] if arm["kind"] in DRAWN)},
        ),
        "leakage": beside.leakage_table(folder, found.docs),
        "sweep": beside.sweep_table(beside.find_sweep(folder, adapters), checkpoints(folder, adapters)),
        "judge": judge_tables(folder),
    }


def _source_chars(folder: Path) -> dict[str, int]:
    """How long each document is; {} where the rows are not there."""
    path = folder / ROWS
    return {row.id: len(row.source) for row in read_rows(path)} if path.is_file() else {}


def _short(value: Any, digits: int) -> Any:
    """Plain JSON with numbers of so many significant digits; what is not finite is None."""
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.{digits}g}") if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _short(item, digits) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_short(item, digits) for item in value]
    return value
