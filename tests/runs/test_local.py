"""Processes of this machine: started apart from their parent, ended with all they started, and never mistaken."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from training.errors import RunError
from training.processes import alive, mark_of, read_mark
from training.runs.config import RunConfig
from training.runs.directory import create_run, run_folder
from training.runs.executors.local import LocalLauncher, detached, end_tree, tree

SLEEPER = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""
SAYS = ("-c", "import os, sys; print(sys.argv[1], os.getsid(0) == os.getpid(), os.getcwd()); print('ü', flush=True)")


def until(true: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def family() -> tuple[subprocess.Popen[str], int]:
    """A process in a session of its own that has a child; the child's number."""
    parent = subprocess.Popen(
        [sys.executable, "-c", SLEEPER], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert parent.stdout is not None
    return parent, int(parent.stdout.readline())


def make_run(home: Path) -> Path:
    return run_folder(home, create_run(home, RunConfig(dataset="small-0123")).run)


def test_a_process_of_its_own_session_writes_to_the_log(tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    launcher = LocalLauncher(tmp_path, SAYS)
    assert launcher.status(folder.name) == "none"
    launcher.submit(folder.name)
    until(lambda: launcher.status(folder.name) != "alive")
    assert launcher.status(folder.name) == "gone"
    until(lambda: len(launcher.logs(folder.name)) == 2)
    root = Path(__file__).resolve().parents[2]
    assert launcher.logs(folder.name) == [f"{folder} True {root}", "ü"]
    assert launcher.logs(folder.name, 1) == ["ü"]


def test_a_run_has_one_process_however_often_it_is_submitted(tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    launcher = LocalLauncher(tmp_path, ("-c", "import time; time.sleep(600)"))
    launcher.submit(folder.name)
    mark = read_mark(folder / "process.json")
    launcher.submit(folder.name)
    LocalLauncher(tmp_path).submit(folder.name)
    assert read_mark(folder / "process.json") == mark
    assert launcher.status(folder.name) == "alive"
    launcher.cancel(folder.name, kill=True)
    assert launcher.status(folder.name) == "gone"
    launcher.cancel(folder.name, kill=True)


def test_stopping_is_a_word_on_the_disk(tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    LocalLauncher(tmp_path).cancel(folder.name)
    assert (folder / "stop").read_bytes() == b""
    assert not (folder / "kill").exists()


def test_the_whole_tree_is_ended() -> None:
    parent, child = family()
    mark = mark_of(parent.pid)
    assert {process.pid for process in tree(mark)} == {parent.pid, child}
    assert end_tree(mark) == []
    until(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE)
    assert not alive(mark) and tree(mark) == [] and end_tree(None) == []


@pytest.mark.skipif(sys.platform == "win32", reason="sessions are POSIX")
def test_what_a_killed_process_left_behind_is_ended_too() -> None:
    parent, child = family()
    mark = mark_of(parent.pid)
    parent.kill()
    parent.wait()
    assert psutil.pid_exists(child)
    assert [process.pid for process in tree(mark)] == [child]
    assert end_tree(mark) == []
    until(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE)


def test_another_process_that_has_the_number_by_now_is_left_alone(tmp_path: Path) -> None:
    parent, _ = family()
    mark = mark_of(parent.pid)
    try:
        for other in ({**mark, "began": mark["began"] - 50}, {**mark, "boot": "an earlier one"}):
            assert not alive(other)
            assert tree(other) == [] == end_tree(other)
            folder = make_run(tmp_path)
            (folder / "process.json").write_text(json.dumps(other))
            launcher = LocalLauncher(tmp_path)
            assert launcher.status(folder.name) == "gone"
            launcher.cancel(folder.name, kill=True)
        assert parent.poll() is None
    finally:
        assert end_tree(mark) == []


def test_a_clock_that_was_set_anew_makes_no_living_process_look_dead() -> None:
    """Where the system names its boots, the moment is counted from the boot and not from 1970."""
    mark = mark_of(os.getpid())
    if sys.platform != "linux":
        pytest.skip("only Linux names its boots")
    assert mark["boot"] and mark["began"] < psutil.Process().create_time() / 2
    assert alive(mark)


@pytest.mark.parametrize(
    "mark", [None, {}, {"pid": "x", "began": 1.0}, {"pid": 2**70, "began": 1.0}, {"pid": -1, "began": 1}, [], 3]
)
def test_a_mark_that_is_none_is_dead(mark: object) -> None:
    assert not alive(mark)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("platform", "told"),
    [
        ("linux", {"start_new_session": True}),
        ("darwin", {"start_new_session": True}),
        ("win32", {"creationflags": 0x08000200}),
    ],
)
def test_each_system_has_its_way_to_leave_a_process_alone(platform: str, told: dict[str, object]) -> None:
    assert detached(platform) == told


def test_without_sessions_the_children_are_found_by_their_parent() -> None:
    """How it goes on Windows: no session to look through, the tree alone."""
    parent, child = family()
    mark = mark_of(parent.pid)
    assert {process.pid for process in tree(mark, "win32")} == {parent.pid, child}
    assert end_tree(mark, "win32") == [] and not alive(mark)


def test_artifacts_are_what_the_run_has_left(tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    launcher = LocalLauncher(tmp_path)
    assert list(launcher.artifacts(folder.name)) == []
    (folder / "adapter").mkdir()
    for name in ("adapter/adapter_model.safetensors", "adapter/adapter_config.json", "evaluation.json"):
        (folder / name).touch()
    found = [path.relative_to(folder).as_posix() for path in launcher.artifacts(folder.name)]
    assert found == ["adapter/adapter_config.json", "adapter/adapter_model.safetensors", "evaluation.json"]


def test_a_run_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no run"):
        LocalLauncher(tmp_path).submit("gone-012345")
