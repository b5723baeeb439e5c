"""The window's look after its runs: who owns them, what was lost, and memory given back to a run that asks."""

import threading
from dataclasses import dataclass, replace
from pathlib import Path

from studio.deps import Deps
from studio.runs_watch import Watch, give_way, look, watch_runs
from studio.shell import run_words
from tests.fakes import FakeEngine, make_deps
from tests.studio.run_samples import StillLauncher, run_deps, running_run, waiting_run
from training.engine.api import EngineStatus
from training.runs.directory import read_status, run_folder
from training.runs.lease import Lease, Owner


@dataclass
class GpuEngine(FakeEngine):
    """The scripted engine on a machine with a GPU."""

    state: str = "idle"

    def status(self) -> EngineStatus:
        return replace(super().status(), device="cuda:0" if self.base else "not chosen yet", state=self.state)  # pyright: ignore[reportArgumentType]


def watched(home: Path, engine: FakeEngine | None = None) -> tuple[Watch, StillLauncher]:
    deps, launcher = run_deps(home)
    return Watch(replace(deps, engine=engine or FakeEngine()), Owner(home), Lease(home)), launcher


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
    holder = watch.lease.holder()
    assert holder is not None and holder.kind == "engine"
    got: list[bool] = []
    asking = threading.Thread(target=lambda: got.append(Lease(tmp_path).acquire(run, "run", wait_s=20)))
    asking.start()
    while watch.lease.wanted() is None:
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
    assert watch.lease.holder() is None and watch.deps.engine.status().base == "tiny"
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
