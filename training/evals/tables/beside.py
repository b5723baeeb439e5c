"""Tables from what lies beside the frames: times and memory, the leak report of the dataset, the sweep of an adapter.

Whatever of it is not there makes an empty table, never an error: an evaluation is whole without it.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.disk import read_object
from training.errors import StudioError
from training.evals.cells import Cells
from training.evals.measuring import measure_all
from training.evals.metrics import MetricSpec
from training.evals.records import JOB, MANIFEST
from training.evals.tables.answers import Answers

LEAKS, SWEEP = "leaks.json", "sweep.json"
BINS = 20
EXAMPLES = 5
ALONE = MetricSpec("latency_s", "mean", (("latency_s", ""),), "One document alone", "lower", "s", "speed")


def cost_table(answers: Answers, cells: Mapping[str, Cells], manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Seconds a document: alone where that was measured, else in its batch; memory and an adapter's size on the disk
    where the manifest has them."""
    latency = manifest.get("latency") or {}
    arms: dict[str, Any] = {}
    for arm, found in answers.arms.items():
        alone = measure_all([ALONE], cells[arm])[ALONE.name] if arm in cells else None
        memory = (latency.get(arm) or {}).get("peak_memory_bytes")
        size = ((manifest.get("arms") or {}).get(arm) or {}).get("adapter_bytes")
        if alone is not None and alone.value is not None:
            arms[arm] = {"seconds": alone.value, "low": alone.low, "high": alone.high, "n": alone.n_scored,
                         "how": "alone", "batch_size": 1, "memory_bytes": memory,
                         "adapter_bytes": size}  # fmt: skip
        elif found.batch_size and (seconds := _whole(found.seconds)) is not None:
            arms[arm] = _batched(seconds, found.batch_size) | {"memory_bytes": memory, "adapter_bytes": size}
    return {"arms": arms}


def _whole(parts: Sequence[NDArray[Any]]) -> NDArray[Any] | None:
    joined = np.concatenate(parts) if parts else np.array([])
    return joined if len(joined) and joined.any() else None


def _batched(seconds: NDArray[Any], size: int) -> dict[str, Any]:
    """Wall time of a row in its batch over the rows that shared it: a throughput, no latency."""
    each = seconds / max(1, size)
    reach = 1.96 * float(each.std(ddof=1)) / len(each) ** 0.5 if len(each) > 1 else None
    mean = float(each.mean())
    low, high = (None, None) if reach is None else (max(0.0, mean - reach), mean + reach)
    return {"seconds": mean, "low": low, "high": high, "n": len(each), "how": "batch", "batch_size": size}


def leakage_table(folder: Path, docs: Iterable[str]) -> dict[str, Any]:
    """Of the evaluated documents, how near the nearest training row comes; {} where no leak report is known.

    A report is about the parts that are tested (a version's test, golden and adversarial): of documents it does not
    know, nothing is said but how many they are (`n_docs` - `n_test`). `n_unchecked` training rows could not be looked
    at: a report says so (`unchecked`) where rows that were learned from are gone.
    """
    report = _leaks(folder)
    asked = set(docs)
    nearest = [row for row in report.get("nearest") or () if isinstance(row.get("similarity"), (int, float))]
    nearest = [row for row in nearest if str(row.get("test_id")) in asked]
    if not nearest:
        return {"n_docs": len(asked), "n_test": 0} if report else {}
    values = np.array([float(row["similarity"]) for row in nearest])
    edges = np.linspace(0, 1, BINS + 1)
    places = np.clip(np.digitize(values, edges[1:-1]), 0, BINS - 1)
    examples: dict[str, list[str]] = {}
    for at, row in zip(places, nearest, strict=True):
        kept = examples.setdefault(str(at), [])
        if len(kept) < EXAMPLES:
            kept.append(str(row.get("test_id")))
    kept_ids = {str(row.get("test_id")) for row in nearest}
    counts = {key: len({row.get("test_id") for row in report.get(key) or ()} & kept_ids)
              for key in ("exact", "near", "groups", "answers")}  # fmt: skip
    return {
        "n_train": report.get("n_train"), "n_unchecked": report.get("unchecked"), "n_test": len(nearest),
        "n_docs": len(asked), "threshold": report.get("threshold"),
        "edges": [round(float(edge), 4) for edge in edges], "counts": np.bincount(places, minlength=BINS).tolist(),
        "examples": examples, "highest": round(float(values.max()), 4), "dates": _dates(report.get("dates") or {}),
        "dates_hold": (report.get("dates") or {}).get("holds"),
        "split_by": (read_object(folder / MANIFEST).get("data") or {}).get("split_by") or "", **counts,
    }  # fmt: skip


def _dates(dates: Mapping[str, Any]) -> str:
    last, first = dates.get("last_train"), dates.get("first_test")
    if not last or not first:
        return "dates: not known on both sides"
    holds = dates.get("holds")
    words = "open" if holds is None else "all training is earlier" if holds else "NOT all training is earlier"
    return f"training until {last}, test from {first}: {words}"


def _leaks(folder: Path) -> dict[str, Any]:
    """The leak report that lies in the folder, else the one of the dataset version that was evaluated."""
    if found := read_object(folder / LEAKS):
        return found
    if (read_object(folder / MANIFEST).get("data") or {}).get("kind") == "file":
        return {}
    data = str(read_object(folder / JOB).get("data") or "")
    if not data:
        return {}
    from training.engine.run_rows import find_dataset

    try:
        return read_object(find_dataset(folder.parent.parent, data) / LEAKS)
    except (StudioError, OSError):
        return {}


def sweep_table(sweep: Mapping[str, Any], checkpoints: Mapping[str, Any]) -> dict[str, Any]:
    """A sweep's record (sweep.json) as chart "sweep" takes it, and the checkpoints of `tables.checkpoints`."""
    tied = {sweep.get("best"), *(sweep.get("tied") or ())}
    trials = [
        {
            "label": ", ".join(f"{name} {value}" for name, value in (trial.get("values") or {}).items()),
            "score": trial.get("score"), "low": trial.get("low"), "high": trial.get("high"), "n": trial.get("n"),
            "run": trial.get("run"), "tied": trial.get("number") in tied,
        }
        for trial in sweep.get("trials") or ()
        if trial.get("score") is not None
    ]  # fmt: skip
    told = {"checkpoints": checkpoints.get("checkpoints") or [], "checkpoint_metric": checkpoints.get("metric"),
            "no_checkpoints": checkpoints.get("why") or ""}  # fmt: skip
    return {"metric": sweep.get("metric"), "trials": trials, **told}


def find_sweep(folder: Path, adapters: Iterable[str]) -> dict[str, Any]:
    """The sweep in the folder, else the first of the same home that made one of these adapters; {} for none."""
    if found := read_object(folder / SWEEP):
        return found
    names = {Path(adapter).name for adapter in adapters if adapter}
    for file in sorted((folder.parent.parent / "sweeps").glob(f"*/{SWEEP}")):
        found = read_object(file)
        if names & {str(trial.get("run")) for trial in found.get("trials") or () if isinstance(trial, dict)}:
            return found
    return {}
