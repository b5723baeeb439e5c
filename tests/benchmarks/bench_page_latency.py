"""Does the page stay quick while a model writes or learns? The same page actions, idle and during it.

    python -m tests.benchmarks.bench_page_latency [--during comparison | training] [--samples 40] [--save]

One studio, two browser tabs. In the second one a person types into the source text, clicks an example and opens a kept
comparison, and each time waits for the server's answer on screen. This is measured while nothing else goes on, then
while the first tab runs one comparison after the other, or a run trains the embedded model, then idle again. A sample
counts as busy only when that was going on before and after it. The ratio is p95 busy to p95 idle of the action that
suffers most.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, Protocol

from playwright.sync_api import Page, sync_playwright

from tests.benchmarks.results import percentile, spread, told
from tests.running import CHROMIUM_FLAGS, OFFLINE, ROOT, STUDIO, app, chromium
from training.runs.directory import read_status, run_folder

LIMIT = 2.0
WAIT_MS = 120_000  # a bound against hanging, also on a busy machine
SETTLED_MS = 1_500  # a run has begun by then
Samples = dict[str, list[float]]
NUMBERS = count(1)  # no text is typed twice
FOODS = ("flour", "butter", "sugar", "milk", "rice", "leeks", "carrots", "beans", "lentils", "barley")
LONG = "\n".join(  # an answer that takes longer to write than the slowest action takes
    ["Pantry Soup", "", "Ingredients"]
    + [f"- {n + 2} cups {FOODS[n % 10]}, number {n + 1} of the pantry" for n in range(24)]
    + ["", "Method"]
    + [f"{n + 1}. Stir the {FOODS[n % 10]} into the pot and cook for {n + 3} minutes." for n in range(16)]
)


def unfold(page: Page) -> None:
    """Show the source text, which folds away when a comparison is opened; the page may still be about to fold it."""
    page.evaluate("() => tasteTest.fold(false)")


def type_text(page: Page, number: int) -> None:
    """Write a text of its own and wait until the pane of what the model sees has it."""
    unfold(page)
    word = f"saltcellar{number:05d}"
    box = page.locator("#tt-source textarea")
    box.fill(f"{word} pancakes\n\nIngredients\n2 eggs\n1 cup flour\n\nMix and fry")
    box.press_sequentially(".")
    page.locator("#tt-context").get_by_text(word).first.wait_for(state="attached", timeout=WAIT_MS)


def click_example(page: Page, number: int) -> None:
    """Click the first example and wait until its text is in the box and in the pane."""
    unfold(page)
    page.locator("#tt-source textarea").fill("")
    page.locator("#tt-examples button, #tt-examples td").first.click()
    page.wait_for_function("() => document.querySelector('#tt-source textarea').value.length > 50", timeout=WAIT_MS)


def open_kept(page: Page, number: int) -> None:
    """Load the page at the address of a kept comparison and wait for its first column."""
    page.goto(page.url.split("#")[0])
    page.locator("#tt-columns .tt-slot").first.get_by_text("tokens").first.wait_for(timeout=WAIT_MS)


ACTIONS: dict[str, Callable[[Page, int], None]] = {
    "open": open_kept,
    "type": type_text,
    "example": click_example,
}


class Busy(Protocol):
    """What goes on meanwhile."""

    def run(self) -> None:
        """Make sure that it does."""

    def running(self) -> bool: ...
    def finish(self) -> None:
        """Wait for its end, or end it."""


class Comparing:
    """The first tab runs one comparison after the other."""

    def __init__(self, writer: Page) -> None:
        self.writer = writer

    def running(self) -> bool:
        return self.writer.locator("#tt-cancel").is_enabled()

    def run(self) -> None:
        if not self.running():
            self.writer.locator("#tt-run:not([disabled])").click()
            self.writer.wait_for_timeout(SETTLED_MS)

    def finish(self) -> None:
        self.writer.wait_for_function("() => document.querySelector('#tt-cancel').disabled", timeout=WAIT_MS)


class Training:
    """A run of the embedded model, longer than all samples take; begun in a process of its own, as the window does."""

    def __init__(self, home: Path) -> None:
        self.home, self.name = home, ""

    def command(self, *words: str) -> str:
        line = [sys.executable, "-m", "training", *words, "--home", str(self.home)]
        return subprocess.run(
            line, cwd=ROOT, env=os.environ | OFFLINE, check=True, capture_output=True, text=True
        ).stdout

    def running(self) -> bool:
        return bool(self.name) and read_status(run_folder(self.home, self.name)).step > 0

    def run(self) -> None:
        if self.running():
            return
        settings = ("dataset=recipe-jsonld-small", "max_steps=5000", "eval_steps=0", "save_steps=0", "sample_steps=0")
        self.command("train", "--preset", "crumb-two-minutes", *(w for s in settings for w in ("--set", s)), "--detach")
        (self.name,) = [path.name for path in (self.home / "runs").iterdir() if path.is_dir()]
        until = time.monotonic() + WAIT_MS / 1000
        while not self.running():
            if time.monotonic() > until:
                raise RuntimeError("The run did not begin to learn.")
            time.sleep(0.5)

    def finish(self) -> None:
        self.command("runs", "stop", self.name)
        until = time.monotonic() + WAIT_MS / 1000
        while read_status(run_folder(self.home, self.name)).state in ("running", "stopping"):
            if time.monotonic() > until:
                raise RuntimeError("The run did not stop.")
            time.sleep(0.5)


def sample(hands: Page, samples: int, busy: Busy | None = None) -> Samples:
    """Seconds of each action in the second tab, in turn, `samples` times each or more."""
    found: Samples = {name: [] for name in ACTIONS}
    while min(len(times) for times in found.values()) < samples:
        for name, act in ACTIONS.items():
            if busy:
                busy.run()
            number = next(NUMBERS)
            began = time.perf_counter()
            act(hands, number)
            seconds = time.perf_counter() - began
            if busy is None or busy.running():
                found[name].append(seconds)
    return found


def together(parts: list[Samples]) -> Samples:
    return {name: [seconds for part in parts for seconds in part[name]] for name in ACTIONS}


def p95(times: Samples) -> float:
    return percentile([seconds for found in times.values() for seconds in found], 0.95)


def measure(samples: int, during: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as home, app(STUDIO, Path(home)) as running, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=list(CHROMIUM_FLAGS))
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        writer, hands = context.new_page(), context.new_page()
        for page in (writer, hands):
            page.goto(running.url)
            page.locator("#tt-run").wait_for(timeout=WAIT_MS)
        unfold(writer)
        writer.locator("#tt-source textarea").fill(LONG)
        comparing = Comparing(writer)
        comparing.run()
        comparing.finish()
        writer.wait_for_url("**/?comparison=*", timeout=WAIT_MS)
        hands.goto(writer.url)
        for act in ACTIONS.values():  # once to warm up
            act(hands, 0)
        before = sample(hands, samples // 2)
        meanwhile: Busy = comparing if during == "comparison" else Training(Path(home))
        busy = sample(hands, samples, meanwhile)
        meanwhile.finish()
        idle = together([before, sample(hands, samples - samples // 2)])
        browser.close()
    each = {name: round(percentile(busy[name], 0.95) / percentile(idle[name], 0.95), 3) for name in ACTIONS}
    return {
        "ratio": max(each.values()),
        "ratio_together": round(p95(busy) / p95(idle), 3),
        "limit": LIMIT,
        "samples": {"idle": sum(map(len, idle.values())), "busy": sum(map(len, busy.values()))},
        "p95_s": {"idle": round(p95(idle), 3), "busy": round(p95(busy), 3)},
        "ratio_each": each,
        "idle_s": {name: spread(times) for name, times in idle.items()},
        "busy_s": {name: spread(times) for name, times in busy.items()},
    }


def main() -> int:
    """0 when the ratio is within its limit, 1 when it is not."""
    parser = argparse.ArgumentParser(description="Page actions while a model writes or learns, against idle.")
    parser.add_argument("--during", choices=("comparison", "training"), default="comparison")
    parser.add_argument("--samples", type=int, default=40, help="of each action, idle and busy (default 40)")
    parser.add_argument("--save", action="store_true", help="keep the record in results.json")
    given = parser.parse_args()
    record = measure(given.samples, given.during)
    name = "page_latency" if given.during == "comparison" else "page_latency_training"
    return told(name, record, given.save)


if __name__ == "__main__":
    sys.exit(main())
