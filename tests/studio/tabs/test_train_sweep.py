"""Sweeps in the train tab: the small form becomes a checked spec, and what sweep.json says is told as it is."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio.actions import sweeps as acts
from studio.actions.run_form import values_of
from studio.deps import Deps
from studio.guard import Visit
from studio.queries import datasets
from studio.tabs import train_sweep
from studio.tabs.train_sweep import SweepView
from studio.views import run_sweeps as views
from tests.engine.small_versions import small_version, version_of
from tests.studio.run_samples import NASTY, config, run_deps
from training.data.versions import list_versions, open_version, rows_of
from training.errors import InputError, RunError
from training.processes import mark_of
from training.runs.config import RunConfig
from training.runs.sweep_compare import PrunedValue
from training.runs.sweep_records import Sweep, Trial, columns, sweeps_folder, write_sweep
from training.runs.sweep_spec import Range, combinations, read_spec, spec_yaml
from training.runs.sweep_time import SweepEstimate
from training.task.records import to_json

PAGE = Visit("page", {})
KNOBS = {"rank": "8, 16", "max_steps": "", "grad_accumulation": "", "learning_rate": "5e-4; 1e-5"}


@pytest.fixture
def deps(tmp_path: Path) -> Deps:
    return run_deps(tmp_path / "home")[0]


def shipped() -> str:
    """A version that ships, with dev rows."""
    return next(version.name for version in list_versions(datasets.SHIPPED)[0] if version.task == "recipe-jsonld")


def given(form: RunConfig | None = None, **changes: Any) -> list[Any]:
    """The sweep form with `changes` over the run form of `form`."""
    settings = values_of(form or config(dataset=shipped(), base="crumb"))
    knobs = {f"sweep_{knob}": text for knob, text in KNOBS.items()}
    values = {"sweep_name": "my sweep", **knobs, "sweep_more": "", "sweep_search": "grid", "sweep_trials": 0,
              "sweep_seed": 7, "sweep_prune": True, **changes}  # fmt: skip
    return [*(values[name] for name in train_sweep.GIVEN), *settings]


def trial(number: int, rank: int, score: float | None, **more: Any) -> Trial:
    state = more.pop("state", "done" if score is not None else "running")
    reach = {"low": score - 0.05, "high": score + 0.05, "n": 20, "seconds": 90.0} if score is not None else {}
    return Trial(
        number, state, {"rank": rank, "learning_rate": 5e-4}, f"my-sweep-00{number}-aaaaaa", score, **reach, **more
    )


def sweep(**changes: Any) -> Sweep:
    made = Sweep(
        "my-sweep-0a1b2c", "my sweep", "running", "recipe-jsonld", "crumb", "soups", "list_f1", "grid",
        {"rank": [8, 16], "learning_rate": [5e-4, 1e-5]}, 4,
        trials=(trial(0, 8, 0.5), trial(1, 16, 0.9), trial(2, 8, None)),
        pruned=(PrunedValue("learning_rate", 1e-5, f"0.4 below 0.0005 {NASTY}"),),
        best=1, tied=(1,), created="2026-11-21T10:00:00+00:00", left_s=200.0,
    )  # fmt: skip
    return replace(made, **changes)


def keep(deps: Deps, found: Sweep) -> Path:
    folder = sweeps_folder(deps.settings.home) / found.sweep
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "spec.yaml").write_text("name: my sweep\n", "utf-8")
    write_sweep(folder, found)
    return folder


def test_the_small_form_becomes_a_spec_over_the_forms_settings(deps: Deps) -> None:
    spec = train_sweep.spec_of(deps, given())
    assert spec.fields == {"rank": (8, 16), "learning_rate": (5e-4, 1e-5)} and spec.total == 4
    assert len(list(combinations(spec))) == 4 and spec.config.max_steps == 50 and spec.config.base == "crumb"
    file = deps.settings.home / "spec.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(spec_yaml(spec), "utf-8")
    assert read_spec(file).sweep == spec.sweep  # who drives it finds the same folder
    usual: dict[str, Any] = {f"sweep_{knob}": acts.usual(knob) for knob in acts.KNOBS}
    assert train_sweep.spec_of(deps, given(**usual)).combinations == 81


def test_any_setting_and_a_range_can_be_searched(deps: Deps) -> None:
    more = "alpha = 64, 128\n\nschedule = linear; cosine\n"
    wide = given(sweep_learning_rate="1e-5 .. 5e-4 log", sweep_more=more, sweep_search="tpe", sweep_trials=12)
    spec = train_sweep.spec_of(deps, wide)
    assert spec.fields == {
        "rank": (8, 16), "learning_rate": Range(1e-5, 5e-4, log=True), "alpha": (64, 128),
        "schedule": ("linear", "cosine"),
    }  # fmt: skip
    assert (spec.search, spec.total) == ("tpe", 12)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sweep_rank": "8, many"}, "many"),
        ({"sweep_rank": "8, 8"}, "twice"),
        ({"sweep_rank": "8, 0"}, "is 0"),
        ({"sweep_rank": "", "sweep_learning_rate": ""}, "No knob"),
        ({"sweep_trials": None}, "Runs at most"),
        ({"sweep_name": " "}, "name"),
        ({"sweep_seed": None}, "The sweep's seed"),
        ({"sweep_seed": 1.5}, "seed is 1.5"),
        ({"sweep_seed": -1}, "seed is -1"),
        ({"sweep_more": "alpha 64, 128"}, "'alpha 64, 128' is no setting with values"),
        ({"sweep_more": "alpa = 64, 128"}, "alpa"),
        ({"sweep_more": "rank = 4, 8"}, "rank has values in two places"),
        ({"sweep_more": "task = a, b"}, "has to be the same in all runs"),
        ({"sweep_learning_rate": "1e-5..5e-4 log"}, "is a range, a grid needs values"),
        ({"sweep_learning_rate": "5e-4..1e-5", "sweep_search": "tpe"}, "goes from 0.0005 to 1e-05"),
        ({"sweep_search": "tpe"}, "trials is 0"),
    ],
)
def test_what_can_not_be_tried_is_told(deps: Deps, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        train_sweep.spec_of(deps, given(**changes))


def test_a_base_that_is_typed_as_a_path_is_the_same_wherever_the_spec_is_kept(deps: Deps) -> None:
    spec = train_sweep.spec_of(deps, given(config(dataset=shipped(), base="./mine"), sweep_more="base = ./a, crumb"))
    assert spec.config.base == str(Path.cwd() / "mine") and spec.fields["base"] == (str(Path.cwd() / "a"), "crumb")


def test_seed_and_pruning_are_the_sweeps(deps: Deps) -> None:
    spec = train_sweep.spec_of(deps, given(sweep_seed=11.0, sweep_prune=False))
    assert (spec.seed, spec.prune) == (11, False)
    assert acts.runs_for_pruning(spec) is None


def test_how_many_runs_it_takes_to_leave_a_value_out_is_told(deps: Deps, monkeypatch: pytest.MonkeyPatch) -> None:
    few = acts.runs_for_pruning()
    assert few is not None and f"of the usual grid, {few} leave room" in views.trials_info(few)
    monkeypatch.setattr(acts, "estimate", lambda *_: SweepEstimate(1, None, None, None, None, 20))

    def told(**changes: Any) -> str:
        *_, last = train_sweep.on_estimate(deps, PAGE, *given(**changes))
        return last

    usual: dict[str, Any] = {f"sweep_{knob}": acts.usual(knob) for knob in acts.KNOBS}
    assert f"5 runs are too few to leave out what hurts: {few} would do" in told(sweep_trials=5, **usual)
    assert "too few" not in told(**usual) and "No value can be left out" not in told(**usual)
    assert "No value can be left out" in told() and "No value can be left out" not in told(sweep_prune=False)
    assert "left out" not in told(sweep_search="tpe", sweep_trials=3)


def test_steps_are_not_tried_over_a_form_that_goes_by_epochs(deps: Deps) -> None:
    by_epochs = config(dataset=shipped(), base="crumb", max_steps=0, epochs=3.0)
    with pytest.raises(InputError, match="goes by epochs: 3") as caught:
        train_sweep.spec_of(deps, given(by_epochs, sweep_max_steps="50, 150"))
    assert "epochs to 0" in caught.value.fix
    assert train_sweep.spec_of(deps, given(by_epochs)).config.epochs == 3.0


def test_a_sweep_is_told_as_it_stands_and_sent_once(deps: Deps) -> None:
    folder = keep(deps, sweep())
    (folder / "process.json").write_text(json.dumps(mark_of(os.getpid())), "utf-8")
    view = train_sweep.on_tick(deps, PAGE, None, "")
    assert view.sweep["value"] == "my-sweep-0a1b2c" and view.sweep_stop["visible"] and not view.sweep_on["visible"]
    assert "2 of at most 4 runs, about 3 min left" in view.sweep_shown and "with rank 16" in view.sweep_shown
    assert "no other run is tied with it" in view.sweep_shown and "Left out, and why" in view.sweep_shown
    assert "<img" not in view.sweep_shown and view.sweep_plot["visible"]
    assert train_sweep.on_tick(deps, PAGE, "my-sweep-0a1b2c", view.sweep_seen) == SweepView()
    (folder / "process.json").unlink()
    after = train_sweep.on_tick(deps, PAGE, "my-sweep-0a1b2c", view.sweep_seen)
    assert "Its process is gone" in after.sweep_shown and after.sweep_on["visible"] and not after.sweep_stop["visible"]


def test_without_a_sweep_the_place_says_what_it_is_for(deps: Deps) -> None:
    view = train_sweep.on_tick(deps, PAGE, None, "")
    assert "A sweep tries several values" in view.sweep_shown and view.sweep_plot["visible"] is False
    assert train_sweep.on_tick(deps, PAGE, None, view.sweep_seen) == SweepView()


def test_a_sweep_that_never_began_says_why(deps: Deps) -> None:
    folder = keep(deps, sweep())
    (folder / "sweep.json").unlink()
    (folder / "log.txt").write_text("There is no base 'x'.\n", "utf-8")
    view = train_sweep.on_pick(deps, PAGE, "my-sweep-0a1b2c")
    assert "could not start" in view.sweep_shown and "There is no base" in view.sweep_shown
    with pytest.raises(RunError, match="no sweep"):
        train_sweep.on_pick(deps, PAGE, "../../etc-aaaaaa")


def test_a_window_that_reads_starts_none(deps: Deps) -> None:
    keep(deps, sweep())
    deps.read_only.words = "Runs are read only here."
    view = train_sweep.on_pick(deps, PAGE, "my-sweep-0a1b2c")
    assert not view.sweep_stop["visible"] and not view.sweep_on["visible"]
    with pytest.raises(RunError, match="only reads"):
        list(train_sweep.on_start(deps, PAGE, *given()))
    with pytest.raises(RunError, match="only reads"):
        train_sweep.on_stop(deps, PAGE, "my-sweep-0a1b2c")


def test_a_sweep_starts_when_each_of_its_runs_could(deps: Deps, monkeypatch: pytest.MonkeyPatch) -> None:
    driven: list[str] = []
    monkeypatch.setattr(acts, "_drive", lambda folder, _: driven.append(folder.name))
    home = deps.settings.home
    sound = small_version(home, "recipe-jsonld")
    rows = {part: list(rows_of(open_version(sound), part)) for part in ("train", "dev")}
    leaking = version_of(home, "recipe-jsonld", {**rows, "test": rows["train"][:1]})

    def form(version: Path) -> list[Any]:
        base = values_of(config(dataset=version.name, base="crumb", too_long="drop"))
        return [*given()[: len(train_sweep.GIVEN)], *base]

    starting = train_sweep.on_start(deps, PAGE, *form(leaking))
    assert "Checking every combination" in next(starting)[0]
    with pytest.raises(InputError, match="No combination can start: Of the held-out rows"):
        list(starting)
    assert driven == [] and not sweeps_folder(home).exists()
    *_, (told, *_) = train_sweep.on_start(deps, PAGE, *form(sound))
    assert "was started" in told and len(driven) == 1
    (sweeps_folder(home) / driven[0] / "spec.yaml").write_text(
        spec_yaml(train_sweep.spec_of(deps, form(leaking))), "utf-8"
    )
    with pytest.raises(InputError, match="held-out rows"):
        acts.go_on(deps, driven[0])
    assert len(driven) == 1


def test_a_stop_is_asked_of_who_drives_it(deps: Deps) -> None:
    folder = keep(deps, sweep())
    train_sweep.on_stop(deps, PAGE, "my-sweep-0a1b2c")
    assert (folder / "stop").exists()


def test_the_chart_has_a_line_a_scored_run_and_an_axis_a_field() -> None:
    found = sweep()
    figure = views.parallel_plot(to_json(columns(found)), [False, True])
    assert len(figure.data) == 2 and list(figure.layout.xaxis.ticktext) == [
        "Rank",
        "Learning rate",
        "lists right (mean F1)",
    ]
    assert [trace.line.width for trace in figure.data] == [1.2, 3] and figure.layout.height == 340
    assert "n = 2" in figure.layout.xaxis.title.text
    assert views.parallel_plot([], []) is None and views.parallel_plot(to_json(columns(sweep(trials=()))), []) is None


def test_an_estimate_says_what_it_counts() -> None:
    told = {
        "runs": 12,
        "seconds": 1500.0,
        "shortest": 60.0,
        "longest": 400.0,
        "peak_bytes": 900_000_000,
        "rows_evaluated": 20,
    }
    words = views.estimate_html(told, 81)
    assert "12 runs of 81 combinations: about 25 min of training, 1 min to 7 min a run" in words and "900 MB" in words
    assert "could not be measured" in views.estimate_html({**told, "seconds": None}, None)
