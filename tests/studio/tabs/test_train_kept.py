"""What the train tab shows again after a refresh, and what it shows of a run that can't be read."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from studio.actions import runs as acts
from studio.actions.run_form import values_of
from studio.deps import Deps
from studio.guard import Visit
from studio.queries import datasets, run_choices, runs
from studio.tabs import train, train_form, train_kept, train_sweep
from studio.tabs.train_view import SAME, Page, RunView, run_view
from tests.fakes import make_deps
from tests.studio.dataset_samples import NASTY
from tests.studio.run_samples import config, damage, end, finished_run, make_dataset, run_deps, running_run
from tests.studio.tabs.test_train_sweep import sweep
from training.engine.row_tokens import RowToken
from training.errors import RunError
from training.runs.directory import run_folder, write_facts
from training.runs.records import Check, Estimate, Preflight
from training.runs.sweep_records import write_sweep

PAGE = Visit("page", {})
FOUND = Preflight((Check("rows", "ok", "All fit."), Check("disk", "warn", NASTY, "Free some.")),
                  Estimate(400, 50, 1600.0, 80_000.0, 110.0, 900_000_000, 3, 100, 1000, "cpu"))  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_ships(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "SHIPPED", tmp_path / "shipped")
    monkeypatch.setattr(runs, "SHIPPED", tmp_path / "assets")


@pytest.fixture
def deps(tmp_path: Path) -> Deps:
    return run_deps(tmp_path / "home")[0]


@pytest.fixture
def home(deps: Deps) -> Path:
    return deps.settings.home


@pytest.fixture
def checked(deps: Deps, home: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Any], str, str, str]:
    """The values that were checked, and the last check, rows and kept text that the page was sent."""
    monkeypatch.setattr(acts, "check", lambda *_: FOUND)
    monkeypatch.setattr(run_choices, "learned_rows", lambda *_: [(RowToken(7, NASTY, False), RowToken(8, "{}", True))])
    values = values_of(config(dataset=make_dataset(home)))
    views = list(train_form.on_check(deps, PAGE, *values))
    return values, views[-1].preflight, views[-1].tokens, views[-1].checked


def test_a_check_and_its_rows_are_there_again(deps: Deps, checked: tuple[list[Any], str, str, str]) -> None:
    values, preflight, tokens, kept = checked
    assert "All fit." in preflight and "tt-learned" in tokens and "<img" not in preflight + tokens
    assert train_kept.on_checked(deps, PAGE, kept, *values) == (preflight, tokens, SAME)


def test_a_check_of_other_settings_is_not_shown(deps: Deps, checked: tuple[list[Any], str, str, str]) -> None:
    values, *_, kept = checked
    other = values_of(config(dataset=str(values[train_form.AT["dataset"]]), rank=4))
    assert train_kept.on_checked(deps, PAGE, kept, *other) == train_kept.CheckView()


def test_whatever_a_browser_sends_as_a_check_is_none(deps: Deps, checked: tuple[list[Any], str, str, str]) -> None:
    values, *_, kept = checked
    good = json.loads(kept)
    checks: list[dict[str, Any]] = [{"name": "a"}, {"name": "a", "state": "<img>", "words": "", "fix": ""}]
    bad = [{"found": {"checks": [check], "estimate": None}} for check in checks]
    bad += [{"found": 3}, {"rows": 3}, {"rows": [[[1]]]}, {"found": {"checks": [], "estimate": {"steps": "x"}}}]
    for text in ("", "no JSON", "[]", None, *(json.dumps(good | change) for change in bad)):
        assert train_kept.on_checked(deps, PAGE, text, *values) == train_kept.CheckView()


def begun(deps: Deps, values: list[Any], kept: str = "") -> tuple[train_kept.CheckView, str]:
    """What a start shows of its checks at last, and what it is refused with."""
    views, refused = [], ""
    try:
        for view in train_form.on_start(deps, PAGE, kept, "n", "", *values):
            views.append(view)
    except RunError as err:
        refused = str(err)
    return train_kept.CheckView(*views[-1][2:5]), refused


def test_a_start_without_a_check_shows_all_that_stops_it(deps: Deps, monkeypatch: pytest.MonkeyPatch) -> None:
    stops = [Check("rows", "stop", "None fits."), Check("disk", "stop", NASTY, "Free some."), FOUND.checks[1]]
    monkeypatch.setattr(acts, "preflight", lambda *_: Preflight(tuple(stops), FOUND.estimate))
    values = values_of(config(dataset=make_dataset(deps.settings.home)))
    shown, refused = begun(deps, values)
    assert "None fits." in refused and "1 more of its checks" in refused and runs.lines(deps)[0] == []
    assert "2 checks of 3 stopped it" in shown.preflight and "Free some." in shown.preflight
    assert "None fits." in shown.preflight and "Tokens" in shown.preflight and "<img" not in shown.preflight
    assert train_kept.on_checked(deps, PAGE, shown.checked, *values).preflight == shown.preflight


def test_a_start_that_is_queued_shows_its_checks_and_keeps_what_was_measured(
    deps: Deps, checked: tuple[list[Any], str, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    values, preflight, _, kept = checked
    wait = Check("time", "wait", "Not measured yet.")
    unmeasured = replace(FOUND.estimate, seconds=None, measured_steps=0) if FOUND.estimate else None
    monkeypatch.setattr(acts, "preflight", lambda *_: Preflight((*FOUND.checks, wait), unmeasured))
    shown, refused = begun(deps, values, kept)
    assert not refused and shown.preflight == preflight and shown.tokens is SAME
    assert json.loads(shown.checked) == json.loads(kept)
    other = values_of(config(dataset=str(values[train_form.AT["dataset"]]), rank=4))
    for settings, before in ((other, kept), (values, ""), (values, kept.replace('"found": {', '"found": 3, "x": {'))):
        shown, refused = begun(deps, settings, before)
        assert not refused and "All fit." in shown.preflight and "Not measured yet." in shown.preflight


def test_what_stood_around_a_run_is_there_again(deps: Deps, home: Path) -> None:
    run, one, two = (finished_run(home, name=name) for name in ("first", "second", "third"))
    page = {"chosen": run, "beside": [one, "gone-012345"], "other": two, "search": "first"}
    view = train.on_load(deps, PAGE, run, json.dumps(page))
    assert view.chosen == run and view.search == "first" and [value for _, value in view.pick["choices"]] == [run]
    assert view.beside["value"] == [one] and view.other["value"] == two
    assert {trace.name for trace in view.loss["value"].data} >= {run, one}
    assert "One setting differs" in view.both and view.both_plot["visible"]
    assert len(view.both_plot["value"].data) == 4
    again = train.on_tick(deps, PAGE, run, view.seen, [one], "first")
    assert again == RunView()


def test_what_stood_around_another_run_stays_away(deps: Deps, home: Path) -> None:
    run, one = finished_run(home), finished_run(home)
    page = {"chosen": one, "beside": [one], "other": one, "search": ""}
    view = train.on_load(deps, PAGE, run, json.dumps(page))
    assert view.beside["value"] == [] and view.other["value"] is None and view.search is SAME
    for text in ("no JSON", "[]", json.dumps({"chosen": run, "beside": 3, "other": ["x"], "search": None})):
        view = train.on_load(deps, PAGE, run, text)
        assert view.chosen == run and view.beside["value"] == [] and view.other["value"] is None


def test_the_sweep_form_and_the_chosen_sweep_are_there_again(deps: Deps, home: Path) -> None:
    typed = {name: f"{name}, 8" for name in train_sweep.GIVEN} | {"sweep_trials": 3, "sweep_search": "tpe"}
    assert train_sweep.on_draft(deps, PAGE, json.dumps(typed)) == tuple(typed.values())
    assert train_sweep.on_draft(deps, PAGE, "[]") == tuple([SAME] * len(train_sweep.GIVEN))
    assert train_sweep.on_draft(deps, PAGE, json.dumps({"sweep_name": {"a": 1}}))[0] is SAME
    assert SAME in train_sweep.on_draft(deps, PAGE, json.dumps({**typed, "sweep_search": "guess"}))
    for name in ("old-0a1b2c", "new-0a1b2c"):
        folder = home / "sweeps" / name
        folder.mkdir(parents=True)
        (folder / "spec.yaml").write_text("")
        write_sweep(folder, sweep(sweep=name))
    for name in ("old-0a1b2c", "new-0a1b2c"):
        assert train_sweep.on_tick(deps, PAGE, None, "", name).sweep["value"] == name
        assert train_sweep.on_tick(deps, PAGE, name, "", "old-0a1b2c").sweep["value"] == name
    assert train_sweep.on_tick(deps, PAGE, None, "", "gone-0a1b2c").sweep["value"] in ("old-0a1b2c", "new-0a1b2c")


def scripts(deps: Deps) -> str:
    with gr.Blocks() as app:
        train.build(deps, app)
    return " ".join(str(fn.js) for fn in app.fns.values() if fn.js)


def test_a_space_keeps_nothing_of_what_a_visitor_looked_for(deps: Deps, tmp_path: Path) -> None:
    names = (train.PAGE, train_form.CHECKED, train_sweep.CHOSEN, train_sweep.DRAFT)
    here, space = scripts(deps), scripts(make_deps(tmp_path / "space", space=True))
    kept = "tasteTest.keep"
    assert all(f"{kept}('{name}'" in here or f"{kept}Form('{name}'" in here for name in names)
    assert not any(f"{kept}('{name}'" in space or f"{kept}Form('{name}'" in space for name in names)


def test_the_start_button_follows_who_owns_the_runs(deps: Deps, home: Path) -> None:
    with gr.Blocks() as app:
        train.build(deps, app)
    why = next(key for key, block in app.blocks.items() if getattr(block, "elem_id", "") == "tt-train-why")
    listeners = [fn for fn in app.fns.values() if fn.api_name == "train_form"]
    assert any((why, "change") in fn.targets for fn in listeners)
    run = running_run(home)
    deps.read_only.words = "Runs are read only here."
    view = run_view(deps, Page(run))
    assert not view.stop["visible"]
    deps.read_only.words = ""
    after = run_view(deps, Page(run, view.seen))
    assert after.why == "" and after.stop["visible"] and after.loss is SAME


def test_a_run_that_can_not_be_read_says_why_and_the_page_goes_on(deps: Deps, home: Path) -> None:
    sound = finished_run(home)
    broken = finished_run(home)
    facts = runs.run_of(deps, broken).facts
    damage(home, broken)
    view = train.on_load(deps, PAGE, None)  # the newest, which the page opens with
    assert view.chosen == broken and "planet" in view.head and not view.loss["visible"]
    assert not any(getattr(view, name)["visible"] for name in ("stop", "resume", "delete", "advised_0"))
    labels = {value: label for label, value in view.pick["choices"]}
    assert "can't be read" in labels[broken] and "finished" in labels[sound] and broken in view.none
    assert run_view(deps, Page(broken, view.seen)) == RunView()
    other = run_view(deps, Page(sound))
    assert "Finished: 50 steps" in other.head and [value for _, value in other.beside["choices"]] == []
    write_facts(run_folder(home, broken), facts)  # it was mended
    healed = run_view(deps, Page(broken, view.seen))
    assert "Finished: 50 steps" in healed.head and healed.loss["visible"] and healed.yaml


@pytest.mark.parametrize("name", ["status.json", "notes.json"])
def test_a_damaged_file_of_the_chosen_run_hides_no_other(deps: Deps, home: Path, name: str) -> None:
    sound, broken = finished_run(home), finished_run(home)
    damage(home, broken, name)
    view = run_view(deps, Page(broken))
    assert name in view.head and "backup" in view.head and broken in view.none
    assert sound in {value for _, value in view.pick["choices"]}


def test_scores_that_never_came_are_told_when_the_run_ends(deps: Deps, home: Path) -> None:
    run = running_run(home)
    view = run_view(deps, Page(run))
    assert "When the run ends" in view.scores
    end(run_folder(home, run), "finished", 50, error="It is trained, but could not be evaluated: no room.")
    after = run_view(deps, Page(run, view.seen))
    assert "could not be evaluated" in after.scores and "When the run ends" not in after.scores
