"""Compare and runs never hold the accelerator at once, whoever comes first; where there is none, nobody is asked."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from training.engine.api import EngineStatus, State
from training.errors import BusyError
from training.runs import sharing
from training.runs.config import RunConfig
from training.runs.directory import create_run, read_status, run_folder, write_status
from training.runs.lease import Lease
from training.runs.sharing import ENGINE, Sharing, is_shared

ROOT = Path(__file__).resolve().parents[2]
HOLD = """
import sys, pathlib
from training.runs.lease import Lease
print(Lease(pathlib.Path(sys.argv[1])).acquire(sys.argv[2], sys.argv[3]), flush=True)
sys.stdin.read()
"""
STUDIO = """
import sys, pathlib, time
from training.runs.sharing import Sharing
from training.engine.api import EngineStatus
class Engine:
    base = "tiny"
    def status(self): return EngineStatus("cuda:0", "bfloat16", 1, 2, self.base, (), "idle", 2, 0)
    def unload(self): self.base = None
engine, sharing = Engine(), Sharing(pathlib.Path(sys.argv[1]))
sharing.claim("cuda:0")
print(True, flush=True)
while engine.base:
    sharing.give_way(engine)
    time.sleep(0.05)
print("gave way", flush=True)
sys.stdin.read()
"""


@contextmanager
def process(code: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Another program of this machine, which has said that it holds the accelerator."""
    command = [sys.executable, "-c", code, *words]
    found = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert found.stdout is not None and found.stdout.readline().strip() == "True"
        yield found
    finally:
        found.kill()
        found.communicate()


@dataclass
class Card:
    """An engine with a model on a GPU."""

    base: str | None = "tiny"
    state: State = "idle"
    device: str = "cuda:0"
    unloads: int = 0

    def status(self) -> EngineStatus:
        return EngineStatus(self.device, "bfloat16", 1, 2, self.base, (), self.state, 2, 0)

    def unload(self) -> None:
        self.unloads += 1
        self.base = None


def holder(home: Path) -> str:
    found = Lease(home).holder()
    return found.holder if found else ""


@pytest.mark.parametrize("device", ["cpu", "mps", "xpu", "not chosen yet"])
def test_only_a_device_that_runs_train_on_is_asked_for(tmp_path: Path, device: str) -> None:
    assert not is_shared(device) and is_shared("cuda") and is_shared("cuda:1")
    assert Lease(tmp_path).acquire("a-run-012345", "run")
    mine = Sharing(tmp_path)
    mine.claim(device)  # nothing is raised, and nothing taken
    assert not mine.give_way(Card(device=device)) and mine.refusal() is None and holder(tmp_path) == "a-run-012345"


def test_a_run_that_holds_it_is_named_with_its_step_and_what_to_do(tmp_path: Path) -> None:
    run = create_run(tmp_path, RunConfig(dataset="soups")).run
    folder = run_folder(tmp_path, run)
    write_status(folder, replace(read_status(folder), step=31, steps=50))
    mine = Sharing(tmp_path)
    with process(HOLD, str(tmp_path), run, "run"):
        for _ in range(2):  # at the preload, and again at the first comparison
            with pytest.raises(BusyError, match=rf"{run} has the GPU \(step 31 of 50\)") as caught:
                mine.claim("cuda:0")
            assert "stop it in Train" in caught.value.fix
        refusal = mine.refusal()
        assert refusal is not None and run in str(refusal)
        assert not Sharing(tmp_path).give_way(Card(base=None)) and holder(tmp_path) == run
    mine.claim("cuda:0")  # it is over, however it ended
    assert holder(tmp_path) == ENGINE and mine.refusal() is None


def test_a_run_that_can_not_be_read_has_it_all_the_same(tmp_path: Path) -> None:
    assert Lease(tmp_path).acquire("gone-run-012345", "run")
    with pytest.raises(BusyError, match=r"gone-run-012345 has the GPU\."):
        Sharing(tmp_path).claim("cuda")


def test_an_evaluation_that_holds_it_is_named(tmp_path: Path) -> None:
    with process(HOLD, str(tmp_path), "the evaluation soups", "engine") as other:
        mine = Sharing(tmp_path)
        with pytest.raises(BusyError, match=rf"the evaluation soups \(process {other.pid}\) has it"):
            mine.claim("cuda:0")
        assert mine.refusal() is None  # told when it is wanted again, not beforehand


def test_another_studio_s_idle_model_gives_way(tmp_path: Path) -> None:
    with process(STUDIO, str(tmp_path)) as other:
        Sharing(tmp_path).claim("cuda:0")
        assert other.stdout is not None and other.stdout.readline().strip() == "gave way"
        assert holder(tmp_path) == ENGINE


def test_another_studio_that_does_not_give_way_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "GIVING_S", 0.3)
    words = r"the comparison model \(process \d+\) has it"
    with process(HOLD, str(tmp_path), ENGINE, "engine"), pytest.raises(BusyError, match=words):
        Sharing(tmp_path).claim("cuda:0")


def test_it_is_kept_while_a_model_is_there_and_left_to_who_waits(tmp_path: Path) -> None:
    mine, card = Sharing(tmp_path), Card()
    assert not mine.give_way(card) and holder(tmp_path) == ENGINE
    got: list[bool] = []
    asking = threading.Thread(target=lambda: got.append(Lease(tmp_path).acquire("a-run-012345", "run", wait_s=60)))
    asking.start()
    while Lease(tmp_path).wanted() is None:
        pass
    card.state = "generating"
    assert not mine.give_way(card) and card.base  # the answer is finished first
    card.state = "idle"
    assert mine.give_way(card) and card.base is None
    asking.join(60)
    assert got == [True] and holder(tmp_path) == "a-run-012345"


def test_a_model_that_is_loaded_while_another_is_given_back_keeps_it(tmp_path: Path) -> None:
    """The next comparison comes while the memory is given back: what it has claimed is not taken from it."""
    mine = Sharing(tmp_path)

    class Quick(Card):
        def unload(self) -> None:
            super().unload()
            self.state = "loading"
            mine.claim("cuda:0")  # from another thread; it must not wait for the one that gives way

    card = Quick()
    mine.claim("cuda:0")
    waiting = threading.Thread(target=lambda: Lease(tmp_path).acquire("a-run-012345", "run", wait_s=2))
    waiting.start()
    while Lease(tmp_path).wanted() is None:
        pass
    assert mine.give_way(card) and holder(tmp_path) == ENGINE
    card.state = "idle"  # it was not loaded after all
    mine.give_way(card)
    waiting.join(60)
    assert holder(tmp_path) == "a-run-012345"


def test_a_model_beside_a_run_is_unloaded_however_it_came_there(tmp_path: Path) -> None:
    assert Lease(tmp_path).acquire("a-run-012345", "run")
    card = Card()
    assert Sharing(tmp_path).give_way(card) and card.unloads == 1 and holder(tmp_path) == "a-run-012345"
