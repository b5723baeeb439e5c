"""Reading a CSV of any size with flat memory: peak memory and rows per second, small file against large.

    python -m tests.benchmarks.bench_sources [--rows N N ...] [--save]

Each size is generated and read in a fresh process of its own, through the door that a dataset build uses (mapping,
group keys, broken rows and all); every thousandth row is a broken one. Peak memory is the reading process's largest
resident size; `growth` is that of the largest file over that of the smallest, 1.00 where memory is flat. Rows per
second are of processor time, so that a busy machine does not change them much. Try 10000000 for the size the studio
promises. Figures are printed, never asserted.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.benchmarks.results import bytes_of, save
from training.data.rows import SourceRow

ROOT = Path(__file__).resolve().parents[2]
HEADER = "title,ingredients,directions,link\n"


def flags() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--save", action="store_true", help="write the figures to results.json")
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    return parser


def write_table(path: Path, rows: int) -> None:
    """Recipes in RecipeNLG's form, about 300 bytes each."""
    with path.open("w", encoding="utf-8") as file:
        file.write(HEADER)
        for number in range(rows):
            if number % 1000 == 999:
                file.write(f"Broken {number},no more\n")
                continue
            parts = ", ".join(f'""{(number * step) % 97 + 1} g crème no. {step}""' for step in range(1, 7))
            file.write(
                f'Dish {number},"[{parts}]","[""Mix, then stir."", ""Serve nº {number}.""]",example.org/{number}\n'
            )


def read_table(path: Path) -> dict[str, Any]:
    """What one process sees: rows read, broken ones, processor seconds and its peak memory in MB."""
    from training.data.sources.read import propose_file, read_source
    from training.data.spec import SourceSpec

    spec = SourceSpec(kind="file", path=str(path), mapping=propose_file(path).mapping)
    start, good, broken = time.process_time(), 0, 0
    for row in read_source(spec):
        good += isinstance(row, SourceRow)
        broken += not isinstance(row, SourceRow)
    seconds = time.process_time() - start
    peak = bytes_of(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return {"rows": good, "broken": broken, "cpu_s": round(seconds, 2), "peak_mb": round(peak / 1e6, 1)}


def measure(rows: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recipes.csv"
        write_table(path, rows)
        size = path.stat().st_size
        command = [sys.executable, "-m", "tests.benchmarks.bench_sources", "--read", str(path)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found | {"file_mb": round(size / 1e6, 1), "rows_per_cpu_s": round(rows / found["cpu_s"])}


def main() -> None:
    asked = flags().parse_args()
    if asked.read:
        print(json.dumps(read_table(asked.read)))
        return
    found = []
    for rows in sorted(asked.rows):
        found.append(measure(rows))
        print(found[-1], flush=True)
    growth = round(found[-1]["peak_mb"] / found[0]["peak_mb"], 3)
    print(f"peak memory of the largest over the smallest: {growth:.2f}")
    if asked.save:
        save("sources", {"sizes": found, "growth": growth})


if __name__ == "__main__":
    main()
