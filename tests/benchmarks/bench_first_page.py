"""How long until the first page can be used, against a bare Gradio hello-world started the same way.

    python -m tests.benchmarks.bench_first_page [--rounds 7] [--save]

Both are started in turn as fresh processes, one round to warm the disk and then `--rounds` that count. Two clocks run
from the start of the process: until the page is served, and until its main button can be seen in Chromium. The ratio
is that of the medians of the second, which is what a person waits for.
"""

import argparse
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Browser, sync_playwright

from tests.benchmarks.results import spread, told
from tests.running import STUDIO, app, chromium

LIMIT = 1.5
HELLO = """
import gradio as gr
gr.Interface(lambda name: f"Hello {name}", "text", "text").launch(server_port=PORT, server_name="127.0.0.1")
"""


class Start(NamedTuple):
    """Seconds from the start of the process until the page was served, and until its button was seen."""

    served_s: float
    seen_s: float


def start(words: tuple[str, ...], button: re.Pattern[str], browser: Browser) -> Start:
    with tempfile.TemporaryDirectory() as home, app(words, Path(home)) as running:
        page = browser.new_page()
        try:
            page.goto(running.url)
            page.get_by_role("button", name=button).first.wait_for(state="visible")
            return Start(running.answered_s, time.perf_counter() - running.began)
        finally:
            page.close()


def measure(rounds: int) -> dict[str, Any]:
    """Interleaved rounds of both, and what they come to."""
    hello = (sys.executable, "-c", HELLO.replace("PORT", "{port}"))
    sides = {"hello": (hello, re.compile("Submit")), "studio": (STUDIO, re.compile("Compare"))}
    starts: dict[str, list[Start]] = {name: [] for name in sides}
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for number in range(rounds + 1):
            for name, (words, button) in sides.items():
                found = start(words, button, browser)
                if number:
                    starts[name].append(found)
        browser.close()
    seen = {name: [one.seen_s for one in found] for name, found in starts.items()}
    served = {name: [one.served_s for one in found] for name, found in starts.items()}
    return {
        "ratio": round(statistics.median(seen["studio"]) / statistics.median(seen["hello"]), 3),
        "limit": LIMIT,
        "rounds": rounds,
        "seen_s": {name: spread(values) for name, values in seen.items()},
        "served_s": {name: spread(values) for name, values in served.items()},
    }


def main() -> int:
    """0 when the ratio is within its limit, 1 when it is not."""
    parser = argparse.ArgumentParser(description="Time to the first page against a bare Gradio app.")
    parser.add_argument("--rounds", type=int, default=7, help="rounds that count (default 7)")
    parser.add_argument("--save", action="store_true", help="keep the record in results.json")
    given = parser.parse_args()
    record = measure(given.rounds)
    return told("first_page", record, given.save)


if __name__ == "__main__":
    sys.exit(main())
