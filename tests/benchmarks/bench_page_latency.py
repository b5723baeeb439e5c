"""Does the page stay quick while a model writes? The same page actions, idle and during a comparison.

    python -m tests.benchmarks.bench_page_latency [--samples 40] [--save]

One studio, two browser tabs. In the second one a person types into the source text, clicks an example and opens a kept
comparison, and each time waits for the server's answer on screen. This is measured while nothing else goes on, then
while the first tab runs one comparison after the other, then idle again. A sample counts as busy only when the run was
going on before and after it. The ratio is p95 busy to p95 idle of the
action that suffers most.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.benchmarks.results import percentile, save, spread
from tests.running import STUDIO, app, chromium

LIMIT = 2.0
WAIT_MS = 120_000  # a bound against hanging, also on a busy machine
SETTLED_MS = 1_500  # a run has begun by then
Samples = dict[str, list[float]]
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


class Studio:
    """The two tabs. `writer` runs comparisons, `hands` is where actions are timed."""

    def __init__(self, writer: Page, hands: Page) -> None:
        self.writer = writer
        self.hands = hands
        self.count = 0

    def running(self) -> bool:
        return self.writer.locator("#tt-cancel").is_enabled()

    def run(self) -> None:
        """Make sure that a comparison is going on in the first tab."""
        while not self.running():  # a click that falls into the end of the run before is not taken
            self.writer.locator("#tt-run").click()
            self.writer.wait_for_timeout(SETTLED_MS)

    def finish(self) -> None:
        self.writer.wait_for_function("() => document.querySelector('#tt-cancel').disabled", timeout=WAIT_MS)

    def sample(self, samples: int, busy: bool) -> Samples:
        """Seconds of each action, in turn, `samples` times each."""
        found: Samples = {name: [] for name in ACTIONS}
        while min(len(times) for times in found.values()) < samples:
            for name, act in ACTIONS.items():
                if busy:
                    self.run()
                self.count += 1
                began = time.perf_counter()
                act(self.hands, self.count)
                seconds = time.perf_counter() - began
                if not busy or self.running():
                    found[name].append(seconds)
        return found


def together(parts: list[Samples]) -> Samples:
    return {name: [seconds for part in parts for seconds in part[name]] for name in ACTIONS}


def p95(times: Samples) -> float:
    return percentile([seconds for found in times.values() for seconds in found], 0.95)


def measure(samples: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as home, app(STUDIO, Path(home)) as running, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        writer, hands = context.new_page(), context.new_page()
        for page in (writer, hands):
            page.goto(running.url)
            page.locator("#tt-run").wait_for(timeout=WAIT_MS)
        studio = Studio(writer, hands)
        unfold(writer)
        writer.locator("#tt-source textarea").fill(LONG)
        studio.run()
        studio.finish()
        writer.wait_for_url("**/?comparison=*", timeout=WAIT_MS)
        hands.goto(writer.url)
        for act in ACTIONS.values():  # once to warm up
            act(hands, 0)
        before = studio.sample(samples // 2, busy=False)
        busy = studio.sample(samples, busy=True)
        studio.finish()
        idle = together([before, studio.sample(samples - samples // 2, busy=False)])
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
    parser = argparse.ArgumentParser(description="Page actions while a model writes, against idle.")
    parser.add_argument("--samples", type=int, default=40, help="of each action, idle and busy (default 40)")
    parser.add_argument("--save", action="store_true", help="keep the record in results.json")
    given = parser.parse_args()
    record = measure(given.samples)
    print(json.dumps(record, indent=2))
    if given.save:
        save("page_latency", record)
    return 0 if record["ratio"] <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
