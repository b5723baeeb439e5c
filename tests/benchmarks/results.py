"""Where benchmark figures are kept: `results.json` beside this file, one record a benchmark, with its conditions.

A ratio compares two things within one run on one machine, so it carries over to other machines better than seconds do.
"""

import importlib.metadata
import json
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results.json")
PACKAGES = ("gradio", "torch", "transformers", "peft")


def conditions() -> dict[str, Any]:
    """What a figure depends on: when, cores this process may use, processor, Python and package versions."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": cores,
        "load_average": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "machine": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": versions,
    }


def save(name: str, record: dict[str, Any]) -> None:
    """Put one benchmark's record in place of its last one."""
    kept: dict[str, Any] = json.loads(RESULTS.read_text("utf-8")) if RESULTS.is_file() else {}
    kept[name] = record | {"conditions": conditions()}
    RESULTS.write_text(json.dumps(dict(sorted(kept.items())), indent=2) + "\n", "utf-8")


def told(name: str, record: dict[str, Any], keep: bool) -> int:
    """Print a record and keep it where that is asked for; 0 when its ratio is within its limit, 1 when it is not."""
    print(json.dumps(record, indent=2))
    if keep:
        save(name, record)
    return 0 if record["ratio"] <= record["limit"] else 1


def bytes_of(maxrss: int) -> int:
    """The peak memory that `getrusage` tells, in bytes: macOS counts those, every other system kibibytes."""
    return maxrss * (1 if sys.platform == "darwin" else 1024)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0..1) of `values` do not exceed, interpolated between neighbours. At least one value."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, smallest and largest, in seconds to the millisecond."""
    return {
        "median": round(statistics.median(values), 3),
        "min": round(min(values), 3),
        "max": round(max(values), 3),
    }
