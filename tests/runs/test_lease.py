"""One holder at a time, in this process and in others; a dead one holds nothing."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from training.processes import mark_of
from training.runs.index import transaction
from training.runs.lease import Lease, Owner

ROOT = Path(__file__).resolve().parents[2]
HOLD = """
import sys, pathlib
from training.runs.lease import Lease, Owner
home = pathlib.Path(sys.argv[1])
got = Owner(home).take() if sys.argv[2] == "window" else Lease(home).acquire("other-run", "run")
print(got, flush=True)
sys.stdin.read()
"""


@contextmanager
def another_process(home: Path, what: str = "run") -> Iterator[subprocess.Popen[str]]:
    """A process that has taken a lease and holds it until it is ended."""
    words = [sys.executable, "-c", HOLD, str(home), what]
    process = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "True"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    run, engine = Lease(tmp_path), Lease(tmp_path)
    assert run.holder() is None
    assert run.acquire("a-run", "run")
    assert not engine.acquire("Compare", "engine")
    holder = engine.holder()
    assert holder and (holder.holder, holder.kind, holder.pid) == ("a-run", "run", os.getpid())
    assert "a-run" in holder.words
    assert run.acquire("a-run", "run")
    engine.release()
    assert run.holder() == holder
    run.release()
    assert engine.acquire("Compare", "engine")


def test_a_wish_is_told_to_the_holder_which_gives_way(tmp_path: Path) -> None:
    engine, run = Lease(tmp_path), Lease(tmp_path)
    assert engine.acquire("Compare", "engine")
    assert engine.wanted() is None
    got: list[bool] = []
    waiting = threading.Thread(target=lambda: got.append(run.acquire("a-run", "run", wait_s=60)))
    waiting.start()
    while (wish := engine.wanted()) is None:
        time.sleep(0.01)
    assert (wish.holder, wish.kind) == ("a-run", "run")
    engine.release()
    waiting.join()
    assert got == [True]
    holder = engine.holder()
    assert holder and holder.holder == "a-run"
    assert engine.wanted() is None


def test_who_gives_up_wishes_no_more(tmp_path: Path) -> None:
    engine, run = Lease(tmp_path), Lease(tmp_path)
    assert engine.acquire("Compare", "engine")
    assert not run.acquire("a-run", "run", wait_s=60, given_up=lambda: True)
    assert not run.acquire("a-run", "run", wait_s=0.01)
    assert engine.wanted() is None
    run.release()
    assert engine.holder() is not None


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    mine = Lease(tmp_path)
    with another_process(tmp_path) as other:
        assert not mine.acquire("a-run", "run")
        holder = mine.holder()
        assert holder and (holder.holder, holder.pid) == ("other-run", other.pid)
    assert mine.holder() is None
    assert mine.acquire("a-run", "run")


def test_another_process_with_the_number_of_a_dead_holder_is_not_it(tmp_path: Path) -> None:
    """The number came again, or the machine was started anew: other moments at which the process began."""
    mine = Lease(tmp_path)
    now = mark_of(os.getpid())
    for mark in ({**now, "began": now["began"] - 100}, {**now, "boot": "an earlier one"}):
        with transaction(tmp_path) as db:
            row = ["accelerator", "old-run", "run", json.dumps(mark), "2026-01-01T00:00:00Z"]
            db.execute("INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, ?)", row)
            db.execute("INSERT OR REPLACE INTO wishes VALUES (?, ?, ?, ?, ?)", row)
        assert mine.holder() is None and mine.wanted() is None
        assert mine.acquire("a-run", "run")
        mine.release()


def test_a_second_window_only_reads_and_says_whose_home_it_is(tmp_path: Path) -> None:
    second = Owner(tmp_path)
    with another_process(tmp_path, "window") as first:
        assert not second.take()
        assert f"process {first.pid}" in second.read_only
        assert second.read_only == second.read_only
    assert second.read_only == ""
    second.release()
    with another_process(tmp_path, "window"):
        assert second.read_only
