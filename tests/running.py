"""The real app in a process of its own, on a free port and in a home of its own, for as long as a block lasts."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
WAIT_S = 300.0
POLL_S = 0.02
OFFLINE = {"HF_HUB_OFFLINE": "1", "GRADIO_ANALYTICS_ENABLED": "False"}


class Running(NamedTuple):
    """An app that answers: its process was started at `began` (`perf_counter`), its page served `answered_s` later."""

    url: str
    began: float
    answered_s: float
    process: subprocess.Popen[bytes]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def chromium() -> str:
    """The system's Chromium. RuntimeError where there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    raise RuntimeError("No Chromium on this machine: install it, what a person sees is looked at in it.")


# What a test machine's Chromium is started with: no sandbox (it may run as root), no word to its maker.
CHROMIUM_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


def wait_for_page(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until the first page is served whole. RuntimeError with the app's last words when it ends or takes too long."""
    until = time.perf_counter() + WAIT_S
    while time.perf_counter() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=WAIT_S) as answer:
                answer.read()
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(POLL_S)
    raise RuntimeError(f"No page at {url}. The app's last words:\n{log.read_text('utf-8')[-2000:]}")


@contextmanager
def app(words: Sequence[str], home: Path, folder: Path = ROOT) -> Iterator[Running]:
    """Run `words` (`{port}` is filled in) in `folder` until the block ends; what it prints goes to `home/app.log`."""
    home.mkdir(parents=True, exist_ok=True)
    port = free_port()
    environment = os.environ | {
        "TASTE_TEST_HOME": str(home),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_HUB_OFFLINE": "1",
    }
    log = home / "app.log"
    with log.open("wb") as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            [word.replace("{port}", str(port)) for word in words],
            cwd=folder, env=environment, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
        try:
            url = f"http://127.0.0.1:{port}/"
            wait_for_page(url, process, log)
            yield Running(url, began, time.perf_counter() - began, process)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


FLAGS = ("--no-browser", "--port", "{port}")
STUDIO = (sys.executable, "app.py", *FLAGS)
