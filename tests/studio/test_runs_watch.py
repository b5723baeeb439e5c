"""The window's look after its runs: who owns them, what was lost, and memory given back to a run that asks."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from studio.deps import Deps
from studio.preload import preload
from studio.queries.run_status import gpu_refusal
from studio.runs_watch import Watch, give_way, look, watch_runs
from studio.shell import run_words
from studio.tabs.train_view import list_parts, why_html
from tests.fakes import ADAPTER, BASE, FakeEngine, make_deps
from tests.studio.run_samples import StillLauncher, damage, run_deps, running_run, waiting_run
from training.engine.api import EngineStatus, ModelCard
from training.errors import BusyError, StorageError
from training.runs.directory import read_status, run_folder
from training.runs.lease import Lease, Owner
from training.runs.sharing import Sharing


@dataclass
class GpuEngine(FakeEngine):
    """The scripted engine on a machine with a GPU: it asks for it as the real one does."""

    state: str = "idle"
    sharing: Sharing | None = None

    def status(self) -> EngineStatus:
        return replace(super().status(), device="cuda:0" if self.base else "not chosen yet", state=self.state)  # pyright: ignore[reportArgumentType]

    def prepare(self, base: str, adapters: Sequence[str], progress: Callable[[str, float | None], None]) -> ModelCard:
        self.state = "loading"
        try:
            if self.sharing is not None:
                self.sharing.claim("cuda:0")
            return super().prepare(base, adapters, progress)
        finally:
            self.state = "idle"


def watched(home: Path, engine: FakeEngine | None = None) -> tuple[Watch, StillLauncher]:
    deps, launcher = run_deps(home)
    if isinstance(engine, GpuEngine):
        engine.sharing = deps.sharing
    return Watch(replace(deps, engine=engine or FakeEngine()), Owner(home)), launcher


def test_a_lost_run_is_noticed_and_the_next_one_starts(tmp_path: Path) -> None:
    watch, launcher = watched(tmp_path)
    run, waits = running_run(tmp_path), waiting_run(tmp_path)
    look(watch)
    assert read_status(run_folder(tmp_path, run)).state == "running" and launcher.submitted == []
    launcher.gone.add(run)
    look(watch)
    assert read_status(run_folder(tmp_path, run)).state == "lost" and launcher.submitted == [waits]
    assert watch.deps.read_only.words == ""


def test_memory_is_given_back_when_a_run_asks_and_no_answer_is_being_written(tmp_path: Path) -> None:
    engine = GpuEngine(base="tiny")
    watch, _ = watched(tmp_path, engine)
    run = running_run(tmp_path)
    give_way(watch)
    lease = Lease(tmp_path)
    holder = lease.holder()
    assert holder is not None and holder.kind == "engine"
    got: list[bool] = []
    asking = threading.Thread(target=lambda: got.append(Lease(tmp_path).acquire(run, "run", wait_s=20)))
    asking.start()
    while lease.wanted() is None:
        pass
    engine.state = "generating"
    give_way(watch)
    assert engine.base == "tiny"  # the answer is finished first
    engine.state = "idle"
    give_way(watch)
    assert engine.base is None and "gave its memory back" in watch.deps.runs_told.words
    asking.join(20)
    assert got == [True]
    give_way(watch)
    assert "gave its memory back" in run_words(watch.deps)  # as long as the run goes on


def test_on_the_cpu_nothing_is_given_back_and_the_bar_says_it_is_slower(tmp_path: Path) -> None:
    watch, _ = watched(tmp_path, FakeEngine(base="tiny"))
    running_run(tmp_path)
    give_way(watch)
    assert Lease(tmp_path).holder() is None and watch.deps.engine.status().base == "tiny"
    assert "step 31 of 50, about 40 s left" in run_words(watch.deps) and "slower" in run_words(watch.deps)


def test_at_rest_the_bar_says_nothing_of_training(tmp_path: Path) -> None:
    assert run_words(run_deps(tmp_path)[0]) == ""
    assert run_words(make_deps(tmp_path, space=True)) == ""


def test_the_watch_is_a_thread_that_ends_and_a_space_has_none(tmp_path: Path) -> None:
    deps: Deps = run_deps(tmp_path)[0]
    stopped = threading.Event()
    thread = watch_runs(deps, stopped)
    assert thread is not None and thread.daemon
    stopped.set()
    thread.join(20)
    assert not thread.is_alive()
    assert watch_runs(make_deps(tmp_path, space=True)) is None


def test_what_the_preload_would_load_waits_for_a_run_that_has_the_gpu_already(tmp_path: Path) -> None:
    """The studio was started anew while a run trains: nothing of this process was unloaded for it."""
    engine = GpuEngine()
    watch, _ = watched(tmp_path, engine)
    deps, run = watch.deps, running_run(tmp_path)
    lease = Lease(tmp_path)
    assert lease.acquire(run, "run")
    deps.first_page.set()
    preload(deps)
    assert engine.base is None and engine.prepared == [] and deps.notices == []
    look(watch)
    assert "is not loaded beside the run" in run_words(deps)
    refused = gpu_refusal(deps)
    assert refused is not None and run in str(refused) and "step 31 of 50" in str(refused) and "Train" in refused.fix
    lease.release()
    preload(deps)
    assert engine.prepared == [(BASE, (ADAPTER,))] and gpu_refusal(deps) is None
    holder = lease.holder()
    assert holder is not None and holder.kind == "engine"


def test_the_first_comparison_of_a_studio_loads_nothing_beside_a_run(tmp_path: Path) -> None:
    watch, _ = watched(tmp_path, GpuEngine())
    run = running_run(tmp_path)
    assert Lease(tmp_path).acquire(run, "run")
    with pytest.raises(BusyError, match=run):
        watch.deps.engine.prepare(BASE, [], lambda *_: None)
    assert watch.deps.engine.status().base is None


def test_a_model_that_is_just_being_loaded_keeps_the_gpu(tmp_path: Path) -> None:
    engine = GpuEngine(state="loading")
    watch, _ = watched(tmp_path, engine)
    assert engine.sharing is not None
    engine.sharing.claim("cuda:0")
    give_way(watch)  # no base is there yet
    assert Lease(tmp_path).holder() is not None
    engine.state = "idle"  # the load has failed
    give_way(watch)
    assert Lease(tmp_path).holder() is None


def test_a_model_beside_a_run_that_has_the_gpu_is_unloaded(tmp_path: Path) -> None:
    """However it came there: a lease that can't be had is never passed over."""
    engine = GpuEngine(base="tiny")
    watch, _ = watched(tmp_path, engine)
    assert Lease(tmp_path).acquire(running_run(tmp_path), "run")
    give_way(watch)
    assert engine.base is None


def test_a_run_that_can_not_be_read_is_named_on_the_page_and_the_others_go_on(tmp_path: Path) -> None:
    watch, launcher = watched(tmp_path)
    broken, waits = running_run(tmp_path), waiting_run(tmp_path)
    damage(tmp_path, broken, "status.json")
    look(watch)
    assert launcher.submitted == [waits] and watch.deps.runs_fault.words == ""
    said = list_parts(watch.deps, "", "")["none"]
    assert broken in said and "status.json" in said and "damaged" in said and "backup" in said


@pytest.mark.parametrize("error", [StorageError("The disk is full.", fix="Free some."), KeyError("nobody foresaw it")])
def test_a_look_that_fails_is_told_on_the_page_until_one_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    engine = GpuEngine(base="tiny")
    watch, _ = watched(tmp_path, engine)
    looks: list[int] = []

    def fails(_: object) -> list[str]:
        looks.append(1)
        raise error

    stopped = threading.Event()
    with monkeypatch.context() as patched:
        patched.setattr("training.runs.queue.Queue.reconcile", fails)
        patched.setattr("studio.runs_watch.EVERY_S", 0.01)
        thread = watch_runs(watch.deps, stopped)
        while len(looks) < 3:
            pass
        assert thread is not None and thread.is_alive()
        words = why_html(watch.deps)
        assert ("The disk is full" in words) or ("nobody foresaw it" in words and "trace" in words)
        stopped.set()
        thread.join(20)
    assert Lease(tmp_path).holder() is None  # it was held all the same, and given back at the end
    look(watch)
    assert why_html(watch.deps) == ""
