"""Runs read from their directories: cheap where nothing changed, whole where something did, empty on a Space."""

from dataclasses import replace
from pathlib import Path

import pytest

from studio.deps import Deps
from studio.queries import datasets, run_choices, runs
from studio.queries.run_status import gpu_refusal, queue_facts
from tests.fakes import FakeEngine, make_deps
from tests.studio.run_samples import damage, end, finished_run, make_dataset, run_deps, running_run, tag, waiting_run
from training.errors import RunError
from training.runs.directory import run_folder


@pytest.fixture
def deps(tmp_path: Path) -> Deps:
    return run_deps(tmp_path / "home")[0]


def test_stamps_change_with_their_files_alone(deps: Deps) -> None:
    home = deps.settings.home
    run, other = running_run(home), finished_run(home)
    before = runs.stamps(deps, run)
    assert runs.stamps(deps, run) == before and before.samples == before.scores == "" and before.curves
    tag(home, run, "good")
    assert runs.stamps(deps, run)._replace(head=before.head) == before != runs.stamps(deps, run)
    end(run_folder(home, other), "finished", 49)
    after = runs.stamps(deps, run)
    assert after.queue != before.queue and after.curves == before.curves
    (run_folder(home, run) / "stop").touch()  # a wish is seen at once
    assert runs.stamps(deps, run).head != after.head
    assert runs.stamps(deps, "").head == ""


def test_the_list_is_searched_in_settings_too(deps: Deps) -> None:
    home = deps.settings.home
    one, two = finished_run(home, method="dora"), finished_run(home)
    tag(home, two, "keep", text="for Friday")
    assert [line.status.run for line in runs.lines(deps, "DORA")[0]] == [one]
    assert [line.status.run for line in runs.lines(deps, "keep friday")[0]] == [two]
    assert len(runs.lines(deps)[0]) == 2 and runs.lines(deps, "dora friday")[0] == []


def test_a_folder_that_is_no_run_is_told_and_hides_nothing(deps: Deps) -> None:
    home = deps.settings.home
    run = finished_run(home)
    (home / "runs" / "holiday pictures").mkdir()
    found, notices = runs.lines(deps)
    assert [line.status.run for line in found] == [run] and "holiday pictures" in notices[0]


@pytest.mark.parametrize("name", ["../..", "no-such-run-000000", "", "."])
def test_no_path_is_followed(deps: Deps, name: str) -> None:
    assert not runs.known(deps, name)
    with pytest.raises(RunError):
        runs.folder_of(deps, name)


def test_who_runs_and_who_waits(deps: Deps) -> None:
    home = deps.settings.home
    assert runs.active(deps) is None and runs.waiting(deps) == [] and queue_facts(deps).waiting == 0
    run = running_run(home)
    first, second = waiting_run(home), waiting_run(home)
    active = runs.active(deps)
    assert active is not None and active.run == run
    assert set(runs.waiting(deps)) == {first, second} and runs.place(deps, runs.waiting(deps)[1]) == 2
    assert runs.place(deps, run) is None


def test_comparisons_share_the_processor_but_not_a_gpu(deps: Deps) -> None:
    running_run(deps.settings.home)
    assert not queue_facts(deps).shared and gpu_refusal(deps) is None
    engine = FakeEngine(base="tiny")
    loaded = replace(deps, engine=engine)
    assert queue_facts(loaded).shared and gpu_refusal(loaded) is None


@pytest.mark.parametrize("name", ["run.json", "notes.json"])
def test_a_run_that_can_not_be_read_is_listed_with_the_reason_and_hides_nothing(deps: Deps, name: str) -> None:
    home = deps.settings.home
    sound, broken = finished_run(home, method="dora"), finished_run(home)
    damage(home, broken, name)
    found, notices = runs.lines(deps)
    assert {line.status.run: bool(line.fault) for line in found} == {sound: False, broken: True}
    assert len(notices) == 1 and broken in notices[0] and ("planet" in notices[0] or "damaged" in notices[0])
    assert [line.status.run for line in runs.lines(deps, "dora")[0]] == [sound]
    assert [line.status.run for line in runs.lines(deps, broken)[0]] == [broken]
    assert runs.fault_of(deps, sound) == "" != runs.fault_of(deps, broken)


@pytest.mark.parametrize("text", ["{", "[]", '"words"', '{"adapter": 3, "base": {"f1": "high"}}', "\x00"])
def test_figures_that_can_not_be_read_are_none(deps: Deps, text: str) -> None:
    run = finished_run(deps.settings.home)
    (run_folder(deps.settings.home, run) / "evaluation.json").write_text(text)
    assert runs.figures_of(deps, run) == ({}, {}, "")


def test_figures_are_empty_before_the_end_and_read_after(deps: Deps) -> None:
    home = deps.settings.home
    assert runs.figures_of(deps, running_run(home)).figures == {}
    found = runs.figures_of(deps, finished_run(home))
    assert found.primary == "list_f1" and found.figures["list_f1"]["value"] == 0.9 and found.base


def test_the_form_offers_only_versions_that_can_be_learnt_from(deps: Deps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "SHIPPED", deps.settings.home / "none")
    assert (
        run_choices.dataset_choices(deps, "recipe-jsonld") == [] and run_choices.first_config(deps).config.dataset == ""
    )
    name = make_dataset(deps.settings.home)
    assert run_choices.dataset_choices(deps, "recipe-jsonld") == [(f"{name} (12 to train on)", name)]
    assert run_choices.dataset_choices(deps, "news-metadata") == []
    first = run_choices.first_config(deps)
    assert first.config.dataset == name and first.config.base == "tiny" and first.preset == "crumb-two-minutes"


def test_a_space_has_no_queue(tmp_path: Path) -> None:
    space = make_deps(tmp_path, space=True)
    assert runs.waiting(space) == [] and runs.active(space) is None and queue_facts(space).running is None
    assert runs.home_of(space) != tmp_path
