"""Does an evaluation of many documents open as quickly as one of few, and is it made in the same memory?

    python -m tests.benchmarks.bench_open_evaluation [--docs 100 10000] [--samples 12] [--save]

Each evaluation is made by `python -m training evaluate` from predictions of two arms (golds of the offline source, more
or less damaged), in a process whose peak memory is read from the system. Then one studio, one browser: the page is
loaded at the address of the one and of the other evaluation in turn, until sentence, score card and first chart stand
there; the Evaluate tab's documents are opened too, which reads the frames. The first look at each is not counted.
Ratios are of medians, the most documents to the fewest.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.benchmarks.bench_evaluate import altered, posts
from tests.benchmarks.results import bytes_of, spread, told
from tests.running import CHROMIUM_FLAGS, OFFLINE, ROOT, STUDIO, app, chromium

LIMIT = 1.5
WAIT_MS = 120_000  # a bound against hanging
DAMAGED, BROKEN = 3, 7  # of the first arm every third answer is damaged, of the second every one, every seventh broken


def write_documents(folder: Path, count: int) -> None:
    """rows.jsonl and predictions.jsonl."""
    with (
        (folder / "rows.jsonl").open("w", encoding="utf-8") as rows,
        (folder / "predictions.jsonl").open("w", encoding="utf-8") as predictions,
    ):
        for at, row in enumerate(posts(count)):
            rows.write(json.dumps({"id": row.id, "source": row.source, "gold": row.gold, "slice": row.slice}) + "\n")
            good = row.gold if at % DAMAGED else altered(row.gold, 1)
            poor = json.dumps(altered(row.gold, at + at % 2 + 1))
            for arm, output in (("good", json.dumps(good)), ("poor", poor if at % BROKEN else poor[:-1])):
                predictions.write(json.dumps({"id": row.id, "arm": arm, "output": output, "finish": "eos"}) + "\n")


def make(home: Path, count: int) -> dict[str, Any]:
    """One evaluation in a process of its own: its seconds and its peak memory."""
    work = home / f"work-{count}"
    work.mkdir(parents=True)
    write_documents(work, count)
    line = [sys.executable, "-m", "training", "evaluate", "--task", "recipe-jsonld", "--home", str(home),
            "--data", str(work / "rows.jsonl"), "--predictions", str(work / "predictions.jsonl"),
            "--out", str(home / "evaluations" / name_of(count))]  # fmt: skip
    with (work / "log").open("wb") as log:
        began = time.perf_counter()
        process = subprocess.Popen(line, cwd=ROOT, env=os.environ | OFFLINE, stdout=log, stderr=log)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
    if status:
        raise SystemExit((work / "log").read_text("utf-8"))
    return {"seconds": round(seconds, 1), "peak_mb": round(bytes_of(used.ru_maxrss) / 1e6, 1)}


def name_of(count: int) -> str:
    return f"of-{count}"


def open_page(page: Page, url: str, count: int) -> None:
    """Load the page at the evaluation's address, until the verdict and its first chart are there."""
    page.goto(f"{url}?evaluation={name_of(count)}")
    page.locator("#tt-eval-verdict .tt-eval-sentence").wait_for(timeout=WAIT_MS)
    page.locator("#tt-eval-scorecard table").wait_for(timeout=WAIT_MS)
    page.locator("#tt-chart-forest .plot-container").wait_for(timeout=WAIT_MS)


def open_documents(page: Page, url: str, count: int) -> None:
    """From there the list of documents, and the first of them beside its source."""
    page.get_by_role("tab", name="Documents").click()
    page.locator("#tt-eval-listed .tt-ask").first.click(timeout=WAIT_MS)
    page.locator("#tt-eval-document .tt-col").nth(1).wait_for(timeout=WAIT_MS)


STEPS: dict[str, Callable[[Page, str, int], None]] = {"open": open_page, "documents": open_documents}


def look(home: Path, counts: Sequence[int], samples: int) -> dict[str, dict[int, list[float]]]:
    """Seconds of each step for each evaluation, in turn."""
    found: dict[str, dict[int, list[float]]] = {step: {count: [] for count in counts} for step in STEPS}
    with app(STUDIO, home) as running, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=list(CHROMIUM_FLAGS))
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        for number in range(samples + 1):
            for count in counts:
                for step, act in STEPS.items():
                    began = time.perf_counter()
                    act(page, running.url, count)
                    if number:  # the first look fills caches
                        found[step][count].append(time.perf_counter() - began)
        browser.close()
    return found


def measure(counts: Sequence[int], samples: int) -> dict[str, Any]:
    few, many = min(counts), max(counts)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        made = {count: make(home, count) for count in counts}
        print(json.dumps(made), flush=True)
        found = look(home, counts, samples)
    middle = {step: {count: statistics.median(times) for count, times in by.items()} for step, by in found.items()}
    return {
        "what": f"the Evaluate tab at an evaluation of {many:,} documents / of {few:,}",
        "ratio": round(middle["open"][many] / middle["open"][few], 3),
        "limit": LIMIT,
        "ratio_documents": round(middle["documents"][many] / middle["documents"][few], 3),
        "samples": samples,
        "peak_memory_ratio": round(made[many]["peak_mb"] / made[few]["peak_mb"], 2),
        "made": {str(count): facts for count, facts in made.items()},
        "docs_per_s": round((many - few) / (made[many]["seconds"] - made[few]["seconds"]), 1),
        "seen_s": {step: {str(count): spread(times) for count, times in by.items()} for step, by in found.items()},
    }


def main() -> int:
    """0 when the ratio is within its limit, 1 when it is not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--docs", type=int, nargs=2, default=(100, 10_000), metavar="N", help="documents of the two")
    parser.add_argument("--samples", type=int, default=12, help="looks at each (default 12)")
    parser.add_argument("--save", action="store_true", help="keep the record in results.json")
    given = parser.parse_args()
    record = measure(given.docs, given.samples)
    return told("open_evaluation", record, given.save)


if __name__ == "__main__":
    sys.exit(main())
