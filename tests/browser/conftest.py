"""The real app as a process of its own with a home of its own, and a real Chromium in front of it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.running import free_port

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 180.0  # a busy machine is slow, not broken


SCRIPTED = "tests/browser/studio_under_test.py"


@cache
def forking() -> "subprocess.Popen[str]":
    """The process that studios with a scripted model are forked from: they start without their imports."""
    command = [sys.executable, SCRIPTED, "--forks"]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@dataclass
class Studio:
    """One running app. `start` again after `stop` keeps the home, as a person's next day does.

    `script` is what is run: the app with a scripted model, or the real `app.py`.
    """

    home: Path
    env: dict[str, str] = field(default_factory=dict)
    script: str = SCRIPTED
    port: int = field(default_factory=free_port)
    process: psutil.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        flags = ["--home", str(self.home), "--port", str(self.port), "--no-browser"]
        log = self.home.parent / "studio.log"
        self.process = psutil.Process(self._fork(flags, log) if self.script == SCRIPTED else self._spawn(flags, log))
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            assert self.process.is_running(), log.read_text()
            try:
                if httpx.get(self.url, timeout=5).status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.1)
        raise AssertionError(log.read_text())

    def _fork(self, flags: list[str], log: Path) -> int:
        source = forking()
        assert source.stdin is not None and source.stdout is not None
        source.stdin.write(json.dumps({"flags": flags, "env": self.env, "log": str(log)}) + "\n")
        source.stdin.flush()
        return int(source.stdout.readline())

    def _spawn(self, flags: list[str], log: Path) -> int:
        with log.open("ab") as out:
            command, env = [sys.executable, self.script, *flags], {**os.environ, **self.env}
            return subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=out).pid

    def stop(self) -> None:
        if self.process and self.process.is_running():
            self.process.terminate()
            try:
                self.process.wait(20)
            except psutil.TimeoutExpired:
                self.process.kill()
                self.process.wait(20)
        self.process = None


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A studio for all tests that neither restart it nor mind what others compared."""
    running = Studio(tmp_path_factory.mktemp("browser") / "home")
    running.start()
    yield running
    running.stop()


@pytest.fixture
def own_studio(tmp_path: Path) -> Iterator[Studio]:
    """A studio that the test may stop and start."""
    running = Studio(tmp_path / "home")
    running.start()
    yield running
    running.stop()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """`open_page(url, width, height, dark)`: a page whose console errors fail the test at its end, where `strict`.

    It is given when `ready` is seen, Compare's button unless the address leads to another tab. `first` is a script that
    runs before any of the page's own.
    """
    contexts: list[Any] = []
    said: list[str] = []
    broken_off: list[str] = []
    listened = loads = 0

    def listen(page: Any) -> None:
        nonlocal listened
        listened += 1

        def on_console(message: Any) -> None:
            # A page that is left or loaded anew breaks off what it had asked for; Gradio's client prints such errors.
            ours = message.text.startswith(("AbortError", "Unexpected error Connection errored out"))
            if message.type == "error":
                (broken_off if ours else said).append(f"{message.text} ({message.location})")

        def on_load(_: Any) -> None:
            nonlocal loads
            loads += 1

        page.on("console", on_console)
        page.on("pageerror", lambda err: said.append(str(err)))
        page.on("load", on_load)

    def open_one(  # size: one page, all its ways of being opened
        url: str,
        width: int = 1440,
        height: int = 900,
        dark: bool = False,
        strict: bool = True,
        ready: str = "#tt-run",
        first: str = "",
    ) -> Any:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            permissions=["clipboard-read", "clipboard-write"],
            reduced_motion="reduce",
        )
        contexts.append(context)
        page = context.new_page()
        page.add_init_script(first)
        page.set_default_timeout(PATIENCE_S * 1000)
        if strict:
            listen(page)
        page.goto(url)
        page.locator(ready).first.wait_for()
        return page

    yield open_one
    for context in contexts:
        context.close()
    wrong = said if loads > listened else [*said, *broken_off]
    assert not wrong, wrong
