"""The train tab's handlers on real run directories, and its components built once: every view has its component."""

import json
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from studio.actions.run_form import SHOWN, values_of
from studio.deps import Deps, Told
from studio.guard import Visit
from studio.queries import datasets, runs
from studio.tabs import compare, train, train_form
from studio.tabs.train_parts import ADVISED, FORM
from studio.tabs.train_view import SAME, Page, RunView, run_view
from tests.fakes import ADAPTER, BASE, make_deps
from tests.studio.run_samples import (
    StillLauncher,
    config,
    end,
    failed_run,
    finished_run,
    make_dataset,
    run_deps,
    running_run,
    steps,
    waiting_run,
    write_steps,
)
from training.errors import RunError
from training.runs.checks import ConfigError
from training.runs.directory import run_folder

PAGE = Visit("page", {})


@pytest.fixture(autouse=True)
def nothing_ships(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "SHIPPED", tmp_path / "shipped")
    monkeypatch.setattr(runs, "SHIPPED", tmp_path / "assets")


@pytest.fixture
def studio(tmp_path: Path) -> tuple[Deps, StillLauncher]:
    return run_deps(tmp_path / "home")


@pytest.fixture
def deps(studio: tuple[Deps, StillLauncher]) -> Deps:
    return studio[0]


@pytest.fixture
def home(deps: Deps) -> Path:
    return deps.settings.home


def form(**changes: Any) -> list[Any]:
    return values_of(config(**changes))


def look(deps: Deps, run: str, **more: Any) -> RunView:
    return run_view(deps, Page(run, **more))


def shown(view: RunView) -> set[str]:
    """The buttons that can be pressed."""
    names = ("earlier", "later", "cancel", "stop", "kill", "resume", "compare", "clone", "delete", *ADVISED)
    return {name for name in names if getattr(view, name)["visible"]}


@pytest.mark.parametrize("space", [False, True], ids=["home", "space"])
def test_the_tab_is_built_and_names_each_endpoint_once(tmp_path: Path, space: bool) -> None:
    deps = make_deps(tmp_path / "home", space=True) if space else run_deps(tmp_path / "home")[0]
    with gr.Blocks() as app, gr.Tab("Train") as tab:
        train.build(deps, app, tab)
    names = [fn.api_name for fn in app.fns.values() if fn.api_name]
    assert {"train_form", "train_tick", "load_runs", "train_reopen"} <= set(names)
    assert all((name in names) is not space for name in ("train_start", "train_delete", "train_notes", "train_kill"))
    assert all(fn.api_visibility == "private" for fn in app.fns.values() if fn.api_name)


def test_every_field_of_a_run_has_its_component_and_says_what_it_does(deps: Deps) -> None:
    with gr.Blocks() as app:
        train.build(deps, app)
    found = {block.elem_id: block for block in app.blocks.values() if getattr(block, "elem_id", None)}
    for name in SHOWN:
        component: Any = found[f"tt-train-{name.replace('_', '-')}"]
        assert component.info, name
    assert "small matrix" in str(getattr(found["tt-train-rank"], "info", ""))


def test_a_problem_is_told_at_once_and_keeps_what_was_typed(deps: Deps) -> None:
    values = form(rank=0)
    view = train_form.on_form(deps, PAGE, "", *values)
    assert "Rank" in view.problems and "is 0" in view.problems and view.command == ""
    assert view.start == gr.update(interactive=False) and values == form(rank=0)
    empty = list(form())
    empty[SHOWN.index("learning_rate")] = None
    assert "Learning rate" in train_form.on_form(deps, PAGE, "", *empty).problems
    assert "is empty" in train_form.on_form(deps, PAGE, "", *empty).problems


def test_without_a_dataset_the_form_leads_to_data(deps: Deps, tmp_path: Path) -> None:
    assert train_form.on_form(deps, PAGE, "", *form(dataset="")).lead == gr.update(visible=True)
    assert train_form.on_form(deps, PAGE, "", *form()).lead == gr.update(visible=False)
    space = make_deps(tmp_path / "home", space=True)
    assert train_form.on_form(space, PAGE, "", *form(dataset="")).lead == gr.update(visible=False)
    with gr.Blocks() as app:  # nothing ships and nothing was built
        train.build(make_deps(tmp_path / "empty"), app)
    found: Any = {block.elem_id: block for block in app.blocks.values() if getattr(block, "elem_id", None)}
    assert found["tt-train-lead"].visible and "Data" in found["tt-train-to-data"].value


def test_what_was_typed_is_there_again_after_a_refresh(deps: Deps) -> None:
    typed = dict(zip(SHOWN, form(rank=48, learning_rate=3e-4), strict=True))
    draft = json.dumps({"preset": "post-best", **typed})
    preset, when, *values = train_form.on_draft(deps, PAGE, draft)
    assert preset == "post-best" and "270M" in when
    assert values[SHOWN.index("rank")] == 48 and values[SHOWN.index("learning_rate")] == 3e-4
    assert values[SHOWN.index("dataset")]["value"] is None, "a version that is not here any more is chosen anew"
    assert train_form.on_draft(deps, PAGE, "no JSON") == train_form.on_draft(deps, PAGE, "")
    assert train_form.on_draft(deps, PAGE, "[]")[2:] == tuple([train_form.SAME] * len(SHOWN))


def test_the_command_does_the_same_and_a_preset_fills_the_form(deps: Deps) -> None:
    view = train_form.on_form(deps, PAGE, "", *form(rank=32))
    assert view.problems == "" and "python -m training train" in view.command and "rank=32" in view.command
    assert view.command.endswith(f"--home {deps.settings.home}")
    when, *values = train_form.on_preset(deps, PAGE, "post-best", *form(rank=8, max_steps=7))
    assert values[SHOWN.index("rank")] == 64 and values[SHOWN.index("grad_accumulation")] == 4
    assert values[SHOWN.index("dataset")] == "soups" and "270M" in when
    when, *values = train_form.on_preset(deps, PAGE, "", *form())
    assert all(value is SAME for value in values) and "own settings" in when


def start(deps: Deps, nonce: str, values: list[Any], kept: str = "") -> tuple[Any, ...]:
    """The last word of a start; the first one comes before anything is done."""
    first, *_, last = train_form.on_start(deps, PAGE, kept, nonce, "", *values)
    assert "Reading the rows" in first[1] and first[0] == SAME
    return last


def test_a_start_is_one_run_however_often_it_is_clicked(studio: tuple[Deps, StillLauncher], home: Path) -> None:
    deps, launcher = studio
    values = form(base="crumb", dataset=make_dataset(home), eval_steps=0, too_long="drop", evaluate_rows=0)
    first, second = start(deps, "n1", values), start(deps, "n1", values)
    assert len(launcher.submitted) == 1 and len(runs.lines(deps)[0]) == 1
    assert first[0] != second[0] and "You may close this window" in first[1]
    view = RunView(*first[5:])
    assert view.chosen == launcher.submitted[0] and "It starts" in view.head
    start(deps, first[0], values)
    assert len(runs.waiting(deps)) == 1  # a new nonce: meant anew, and waits for its turn


def test_what_can_not_work_does_not_start(deps: Deps, home: Path) -> None:
    with pytest.raises(ConfigError, match="rank"):
        start(deps, "n", form(rank=0, dataset=make_dataset(home)))
    with pytest.raises(RunError, match="is for recipe-jsonld"):
        start(deps, "n", form(task="news-metadata", dataset=runs_dataset(deps)))
    with pytest.raises(RunError, match="can't start"):
        start(deps, "n", form(base="no-such-base", dataset=runs_dataset(deps)))
    assert runs.lines(deps)[0] == []


def runs_dataset(deps: Deps) -> str:
    return datasets.versions(deps)[0][0].name


def test_an_adapter_that_compare_can_not_answer_with_is_not_offered_there(deps: Deps, home: Path) -> None:
    assert shown(look(deps, finished_run(home, method="dora"))) == {"clone", "delete"}
    assert "compare" in shown(look(deps, finished_run(home, method="rslora")))


def test_a_finished_run_shows_everything_and_a_tick_then_sends_nothing(deps: Deps, home: Path) -> None:
    run = finished_run(home)
    view = look(deps, run)
    assert "Finished: 50 steps" in view.head and view.loss["visible"] and view.memory["visible"]
    assert "Loss fell from" in view.loss_said and "dev loss was lowest at step 50" in view.loss_said
    assert "first strict answer came at step 50" in view.samples and "lists right (mean F1)" in view.scores
    assert "0.90 with the adapter, 0.10 without" in view.scores and "do not overlap" in view.scores
    assert view.scores_plot["visible"] and "trained" in view.log and "rank" not in view.failure
    assert shown(view) == {"compare", "clone", "delete"} and view.chosen == run
    assert look(deps, run, seen=view.seen) == RunView()


def test_a_tick_sends_only_what_changed(deps: Deps, home: Path) -> None:
    run = running_run(home)
    view = look(deps, run)
    assert "step 31 of 50, about 40 s left" in view.head and "step 31 of 50" in view.queue
    assert shown(view) == {"stop", "kill", "clone"}
    folder = run_folder(home, run)
    write_steps(folder, steps(32))
    after = look(deps, run, seen=view.seen)
    assert after.loss["visible"] and after.head is SAME and after.samples is SAME and after.pick is SAME
    end(folder, "running", 32)
    later = look(deps, run, seen=after.seen)
    assert "step 32 of 50" in later.head and later.loss is SAME and later.tags is SAME
    assert look(deps, run, seen=later.seen) == RunView()


def test_after_a_refresh_the_run_is_there_again(deps: Deps, home: Path) -> None:
    old, new = finished_run(home), running_run(home)
    assert train.on_load(deps, PAGE, "").chosen == new  # the one at work
    assert train.on_load(deps, PAGE, old).chosen == old
    assert train.on_load(deps, Visit("page", {"run": old}), new).chosen == old
    assert train.on_load(deps, PAGE, "../../etc").chosen == new
    assert train.on_tick(deps, PAGE, old, "what a page may send", [], "").chosen == old


def test_a_tick_that_left_before_the_run_was_there_clears_nothing(deps: Deps, home: Path) -> None:
    running_run(home)
    view = train.on_tick(deps, PAGE, "", "", [], "")
    assert view.chosen is SAME and view.head is SAME


def test_without_a_run_the_page_says_what_will_be_here(deps: Deps) -> None:
    view = train.on_load(deps, PAGE, None)
    assert "press Start" in view.none and "Nothing is training" in view.queue
    assert view.head == "" and view.pick["visible"] is False


def test_a_failed_run_is_explained_and_its_advice_fills_the_form(deps: Deps, home: Path) -> None:
    run = failed_run(home, batch_size=8)
    view = look(deps, run)
    assert "Not enough memory" in view.failure and "<img" not in view.failure and "What would help" in view.failure
    offered = shown(view)
    assert {"resume", "clone", "delete", "advised_0", "advised_1"} <= offered and "advised_7" not in offered
    assert "Batch size 8 to 4, Gradient accumulation 1 to 2" in view.advised_0["value"]
    told, nonce, preset, _, *values = train_form.on_fill(0, deps, PAGE, run)
    assert len(values) == len(FORM) and preset == "" and nonce and "Batch size 8 to 4" in told
    differing = [name for name, new, old in zip(SHOWN, values, form(batch_size=8), strict=True) if new != old]
    assert set(differing) - {"dataset", "base"} == {"batch_size", "grad_accumulation"}
    _, _, _, _, *same = train_form.on_fill(None, deps, PAGE, run)
    assert same[SHOWN.index("batch_size")] == 8


def test_a_clone_goes_through_the_form_unchanged(deps: Deps, home: Path) -> None:
    more = {"target_modules": ("q_proj", "v_proj"), "report_to": ("tensorboard",), "learning_rate": 1e-5}
    run = finished_run(home, dataset=make_dataset(home), **more)
    told, _, _, _, *values = train_form.on_fill(None, deps, PAGE, run)
    values = [value["value"] if isinstance(value, dict) else value for value in values]
    assert "not here any more" not in told
    assert train_form.filled(values) == (runs.run_of(deps, run).config, ())


def test_a_clone_says_what_is_not_here_any_more(deps: Deps, home: Path) -> None:
    told, _, _, _, *values = train_form.on_fill(None, deps, PAGE, finished_run(home))
    assert "soups is not here any more" in told and values[SHOWN.index("dataset")]["value"] is None
    assert values[SHOWN.index("base")]["value"] == BASE


def test_waiting_runs_are_moved_and_taken_out(studio: tuple[Deps, StillLauncher], home: Path) -> None:
    deps, _ = studio
    running_run(home)
    first, second = waiting_run(home, name="first"), waiting_run(home, name="second")
    assert runs.waiting(deps) == [first, second]
    assert "It is the next one" in look(deps, first).head and shown(look(deps, first)) >= {"earlier", "later", "cancel"}
    view = train.on_act("earlier", deps, PAGE, second, "")
    assert runs.waiting(deps) == [second, first] and "It is the next one" in view.head
    train.on_act("earlier", deps, PAGE, second, "")  # it is the first already
    assert runs.waiting(deps) == [second, first]
    assert "Stopped" in train.on_act("cancel", deps, PAGE, second, "").head and runs.waiting(deps) == [first]
    assert train.on_act("kill", deps, PAGE, "", "") == RunView()  # the question was answered with no


def test_a_run_is_stopped_ended_and_taken_up_again(studio: tuple[Deps, StillLauncher], home: Path) -> None:
    deps, launcher = studio
    run = running_run(home)
    train.on_act("stop", deps, PAGE, run, "")
    assert launcher.asked == [(run, False)]
    view = train.on_act("kill", deps, PAGE, run, "")
    assert "Stopped at step 31 of 50" in view.head and "Ended by hand" in view.failure and "resume" in shown(view)
    assert "It starts" in train.on_act("resume", deps, PAGE, run, "").head and launcher.submitted == [run]


def test_a_deleted_run_is_gone_and_another_one_is_shown(deps: Deps, home: Path) -> None:
    kept, run = finished_run(home), failed_run(home)
    view = train.on_delete(deps, PAGE, run, "")
    assert view.chosen == kept and not (home / "runs" / run).exists()
    assert train.on_tick(deps, PAGE, run, "", [], "").head == ""
    assert train.on_delete(deps, PAGE, "", "") == RunView()


def test_runs_are_found_by_words_tags_and_notes(deps: Deps, home: Path) -> None:
    one, two = finished_run(home, name="soup one"), finished_run(home, name="cake two")
    tags, told = train.on_write(deps, PAGE, one, "#good, first good", "The one with the right dose.")
    assert tags == "good first" and "Kept" in told
    pick, none = train.on_search(deps, PAGE, "right dose", one)
    assert [value for _, value in pick["choices"]] == [one] and "#good #first" in pick["choices"][0][0] and none == ""
    pick, none = train.on_search(deps, PAGE, "nothing like it", two)
    assert [value for _, value in pick["choices"]] == [two] and "No run fits" in none  # the chosen one stays


def test_two_runs_show_only_what_differs_and_lie_over_each_other(deps: Deps, home: Path) -> None:
    one, two = finished_run(home), finished_run(home, rank=16)
    view = train.on_other(deps, PAGE, one, two)
    assert "One setting differs" in view.both and "Rank" in view.both and "Batch size" not in view.both
    assert view.both_plot["visible"] and len(view.both_plot["value"].data) == 4
    assert train.on_other(deps, PAGE, one, None).both == ""
    loss, *_ = train.on_beside(deps, PAGE, one, [two, "no-such-run-000000"])
    assert {trace.name for trace in loss["value"].data} >= {one, two}


def test_a_second_window_reads_and_says_so(deps: Deps, home: Path) -> None:
    run = running_run(home)
    deps.read_only.words = "Runs are read only here: the studio (process 7) has the same home open."
    view = look(deps, run)
    assert "process 7" in view.why and shown(view) == {"clone"}
    assert train_form.on_form(deps, PAGE, "", *form()).start == gr.update(interactive=False)
    for act in ("stop", "kill", "resume", "earlier"):
        with pytest.raises(RunError, match="only reads"):
            train.on_act(act, deps, PAGE, run, "")
    deps.read_only.words = ""
    assert look(deps, run, seen=view.seen).why == ""


def test_a_space_reads_what_ships_and_trains_nothing(tmp_path: Path) -> None:
    space = make_deps(tmp_path / "home", space=True)
    view = train.on_load(space, PAGE, None)
    assert "Training needs your own machine" in view.why and "No run ships" in view.none
    run = finished_run(tmp_path / "assets")
    view = train.on_load(space, PAGE, None)
    assert view.chosen == run and shown(view) == set() and "lists right" in view.scores
    with pytest.raises(RunError, match="Nothing is trained on this Space"):
        start(space, "n", form())


def test_compare_opens_with_the_adapter_that_the_address_names(deps: Deps, home: Path) -> None:
    run = finished_run(home)
    view = compare.on_open(deps, Visit("page", {"adapter": run}), "recipe-writer", "", [], "")
    assert view.task == "recipe-jsonld" and view.base["value"] == BASE and view.arms["value"]
    usual = compare.on_open(deps, PAGE, view.task, BASE, view.arms["value"], view.sweep_arm["value"])
    assert usual.task == SAME, "what is right already is not set: a person may be changing it"
    assert all(part["choices"] and "value" not in part for part in usual[1:])
    assert compare.on_base(deps, Visit("p", {"adapter": ADAPTER}), BASE, "recipe-jsonld").arms["value"] == [
        "base", f"adapter:{ADAPTER}",
    ]  # fmt: skip
    again = compare.on_reopen(deps, PAGE, BASE, "recipe-jsonld")
    assert again.task == SAME and "value" not in again.arms and again.arms["choices"]


def test_nothing_of_a_page_is_more_than_an_id(deps: Deps, home: Path) -> None:
    run = finished_run(home)
    seen = json.loads(look(deps, run).seen)
    assert seen[0] == run and all(isinstance(item, str) and len(item) < 400 for item in seen)
    assert isinstance(deps.runs_told, Told)
