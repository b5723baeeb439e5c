"""All gates, MinHash and the leak report on generated posts: rows per second, peak memory, how time and memory grow.

    python -m tests.benchmarks.bench_gates [--rows 10000 100000] [--save]

Each size runs in a fresh process of its own, so that the peak of one is not the other's. Rows are posts of the offline
source with their golds, five to a recipe's group, of which one in twenty is an exact copy and one in twenty a near copy
of another; making them is not counted. Time is processor time of the one thread that works. Lengths are counted as
words. Memory is the process's largest resident size, less what it was once the rows were made. The exponent e of
growth is log(t2/t1) / log(n2/n1) between the smallest and the largest size: n log n allows 1 + log(ln n2 / ln n1) /
log(n2/n1), which is 1.10 from 10,000 to 100,000 rows. Figures are printed, never asserted.
"""

import argparse
import json
import math
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.benchmarks.results import bytes_of, save

ROOT = Path(__file__).resolve().parents[2]
MEASURED = {"gates": "all gates", "minhash": "of which duplicates and consistency", "leaks": "leak report, 9 to 1"}


def flags() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000], help="sizes, smallest first")
    parser.add_argument("--save", action="store_true", help="write the figures to results.json")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    return parser


def peak_mb() -> float:
    """Largest resident size of this process so far, in megabytes."""
    return bytes_of(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 1e6


def made_rows(count: int) -> list[Any]:
    """That many rows; every tenth repeats the one before it, word for word or nearly."""
    from training.data.posts import train_post
    from training.data.rows import DataRow

    rows: list[DataRow] = []
    for at in range(count):
        if at % 10 == 9:
            twin = rows[-1]
            source = twin.source if at % 20 == 9 else f"{twin.source}\nPosted again with nothing new."
            rows.append(replace(twin, source=source, place=f"number {at}"))
            continue
        post = train_post(at)
        rows.append(
            DataRow(
                "recipe-jsonld", post.text, post.gold, f"group {at // 5}", "grammar", f"number {at}",
                licence="CC0-1.0", style=post.style, slice=post.slice,
            )
        )  # fmt: skip
    return rows


def words(text: str) -> int:
    return len(text.split())


def measure(count: int) -> dict[str, Any]:
    """Seconds of each part and the memory all of them took, for one size in this process."""
    from training.data.gates.duplicates import cluster
    from training.data.gates.plan import GatePlan, Lengths
    from training.data.gates.report import gate_report
    from training.data.gates.run import run_gates
    from training.data.leaks import leak_report
    from training.task.pack import BUILTIN, load_pack

    rows = made_rows(count)
    plan = GatePlan(load_pack(BUILTIN / "recipe-jsonld"), words, Lengths(answer_tokens=2000, context_tokens=4000))
    before = peak_mb()
    start = time.process_time()
    results = list(run_gates(rows, plan))
    gates_s = time.process_time() - start
    gates_mb = peak_mb() - before
    report = gate_report(results)
    start = time.process_time()
    cluster([row for row, _ in results], plan)
    minhash_s = time.process_time() - start
    kept = [row for row, refusals in results if not refusals]
    start = time.process_time()
    leak_report([row for at, row in enumerate(kept) if at % 10], kept[::10])
    leaks_s = time.process_time() - start
    return {
        "rows": count,
        "kept": report.n_kept,
        "refused": dict(report.refused),
        "seconds": {"gates": round(gates_s, 2), "minhash": round(minhash_s, 2), "leaks": round(leaks_s, 2)},
        "rows_a_second": round(count / gates_s, 1),
        "gates_mb": round(gates_mb, 1),
        "rows_mb": round(before, 1),
    }


def growth(first: float, last: float, sizes: Sequence[int]) -> float | None:
    """The exponent between the smallest and the largest size; None where nothing was measured."""
    if len(sizes) < 2 or min(first, last) <= 0 or sizes[0] == sizes[-1]:
        return None
    return round(math.log(last / first) / math.log(sizes[-1] / sizes[0]), 2)


def main() -> None:
    options = flags().parse_args()
    if options.one:
        print(json.dumps(measure(options.one)))
        return
    runs: list[dict[str, Any]] = []
    for count in sorted(options.rows):
        command = [sys.executable, "-m", "tests.benchmarks.bench_gates", "--one", str(count)]
        done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
        runs.append(run := json.loads(done.stdout))
        print(
            f"{run['rows']:,} rows: {run['rows_a_second']:,} rows/s, {run['gates_mb']:,} MB over {run['rows_mb']:,} MB"
        )
        for part, what in MEASURED.items():
            print(f"  {what}: {run['seconds'][part]:,} s")
        print(f"  kept {run['kept']:,}, refused {run['refused']}")
    sizes, first, last = [run["rows"] for run in runs], runs[0], runs[-1]
    exponents = {part: growth(first["seconds"][part], last["seconds"][part], sizes) for part in MEASURED}
    exponents["memory"] = growth(first["gates_mb"], last["gates_mb"], sizes)
    if len(sizes) > 1:
        allowed = 1 + math.log(math.log(sizes[-1]) / math.log(sizes[0])) / math.log(sizes[-1] / sizes[0])
        print(f"growth exponents {exponents}; n log n allows {allowed:.2f}")
    if options.save:
        save("gates", {"runs": runs, "exponents": exponents})


if __name__ == "__main__":
    main()
