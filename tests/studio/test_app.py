"""The front door: flags, refusals in one line, and the real app started at home and as a Space."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from studio.settings import Settings
from tests.studio.test_settings import settings

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 240.0


def run(*flags: str, **env: str) -> "subprocess.CompletedProcess[str]":
    given = {**os.environ, **env}
    command = [sys.executable, "app.py", *flags]
    return subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def settings_at(home: Path) -> Settings:
    return replace(settings(), home=home)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--share"], "no login"),
        (["--host", "0.0.0.0"], "no login"),
        (["--share", "--auth", "me"], "user and a password"),
        (["--home", "app.py"], "is a file"),
        (["--home", "~nobody-of-that-name/x"], "can't be a path here"),
        (["--home", "x" * 300], "File name too long"),
        (["--port", "99999"], "--port is 99999. Give a whole number from 1 to 65535"),
        (["--port", "-5"], "--port is -5"),
        (["--host", "no-such-host.invalid", "--auth", "me:x"], "--host 'no-such-host.invalid' can't be found"),
        (["--host", "192.0.2.1", "--auth", "me:x"], "--host 192.0.2.1 is no address of this machine"),
    ],
)
def test_what_would_open_the_studio_to_others_is_refused_in_one_line(flags: list[str], words: str) -> None:
    done = run("--no-browser", *flags)
    assert done.returncode == 2 and done.stdout == ""
    assert words in done.stderr and done.stderr.count("\n") == 1


def test_help_and_refusals_load_neither_gradio_nor_torch() -> None:
    code = (
        "import sys, runpy; sys.modules.update({'gradio': None, 'torch': None}); sys.argv = ['app.py', {0!r}]; "
        "runpy.run_path('app.py', run_name='__main__')"
    )
    for flag, expected in (("--help", 0), ("--share", 2)):
        command = [sys.executable, "-c", code.replace("{0!r}", repr(flag))]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == expected, done.stderr


def test_a_broken_task_of_ones_own_keeps_nothing_shut_and_is_told_on_the_page(tmp_path: Path) -> None:
    from app import build_deps
    from studio.queries.choices import broken_tasks, task_choices

    for name in ("mine", "__pycache__"):
        (tmp_path / "tasks" / name).mkdir(parents=True)
    deps = build_deps(settings_at(tmp_path))
    assert len(task_choices(deps)) == 3
    assert broken_tasks(deps) == "Left out, since it can't be read: mine. Why stands under Recent."
    (told,) = deps.notices
    assert told.startswith("Task mine is left out: ") and "task.yaml: the file is missing. Add" in told


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(params=["home", "space"])
def real_app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str, Path]]:
    """(address, home or space, its home folder) of `python app.py`, nothing faked; a Space by its environment alone."""
    port, home = free_port(), tmp_path / "home"
    env = {**os.environ, "TASTE_TEST_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "app.py", "--no-browser"]
    if request.param == "space":
        env |= {"SPACE_ID": "me/taste", "SPACE_HOST": "me-taste.hf.space", "GRADIO_SERVER_PORT": str(port),
                "SYSTEM": "spaces"}  # fmt: skip
    else:
        command += ["--port", str(port)]
    log = (tmp_path / "log").open("wb")
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
    url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url, timeout=5).status_code == 200:
                break
        except httpx.HTTPError:
            time.sleep(0.2)
    assert process.poll() is None, (tmp_path / "log").read_text()
    yield url, str(request.param), home
    process.terminate()
    process.wait(30)


def test_the_real_app_keeps_its_borders(real_app: tuple[str, str, Path]) -> None:
    url, kind, home = real_app
    assert "Taste Test" in httpx.get(url).text
    assert httpx.get(url, headers={"Host": "evil.com"}).status_code == 400
    assert httpx.post(f"{url}/gradio_api/queue/join", headers={"Origin": "http://evil.com"}, json={}).status_code == 403
    assert httpx.get(f"{url}/gradio_api/file=http://127.0.0.1:1/x").status_code == 403
    binary = httpx.post(f"{url}/gradio_api/upload", files={"files": ("a.bin", b"\0")})
    assert binary.status_code == (415 if kind == "space" else 200)
    own_name = httpx.get(url, headers={"Host": "me-taste.hf.space"}).status_code
    assert own_name == (200 if kind == "space" else 400)
    assert (home / "studio.db").exists() == (kind == "home")
