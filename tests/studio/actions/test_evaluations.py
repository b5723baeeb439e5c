"""The form of an evaluation becomes its job and its command; on a Space nothing is started."""

from pathlib import Path
from typing import Any

import pytest

from studio.actions import evaluations as acts
from studio.actions.evaluations import EvalForm
from studio.deps import Deps
from studio.queries import evaluations as queries
from tests.fakes import make_deps
from tests.studio.eval_samples import DATASET, TUNED, make_evaluation, under_way
from training.data.spec import spec_from
from training.errors import InputError, StudioError
from training.evals.directory import evals_root, read_job


@pytest.fixture
def deps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deps:
    monkeypatch.setattr(queries, "SHIPPED", tmp_path / "shipped")
    return make_deps(tmp_path / "home")


def form(**changes: Any) -> EvalForm:
    given: dict[str, Any] = {"task": "recipe-jsonld", "data": DATASET.name, "arms": ["base", "empty"], **changes}
    return EvalForm(**given)


def test_the_form_is_one_job_and_one_command(deps: Deps) -> None:
    asked = form(
        adapters=["crumb-recipe-jsonld"], constrained=True, limit=50, samples=3, endpoint_model="big", name="x"
    )
    job = acts.job_from(asked, deps)
    held = ("base+constrained", "adapter+constrained:crumb-recipe-jsonld")
    assert job.arms == ("base", "empty", TUNED, *held, "endpoint:big")
    assert (job.data, job.limit, job.samples, job.batch_size) == (DATASET.name, 50, 3, 8)
    line = acts.command(job)
    assert line.startswith(f"python -m training evaluate --task recipe-jsonld --data {DATASET.name} --arms base,empty,")
    assert (
        "--limit 50 --samples 3" in line and "--batch-size" not in line and line.endswith("--name x --out evaluation")
    )


def test_a_larger_model_has_prices_and_a_cap(deps: Deps) -> None:
    priced = form(endpoint_model="big", price_in=0.27, price_out=1.1, max_cost=2)
    job = acts.job_from(priced, deps)
    assert (job.price_in, job.price_out, job.max_cost) == (0.27, 1.1, 2.0)
    assert "--price-in 0.27 --price-out 1.1 --max-cost 2.0" in acts.command(job)
    with pytest.raises(InputError, match="prices are unknown"):
        acts.job_from(form(endpoint_model="big", max_cost=2), deps)


def test_several_temperatures_ask_each_arm_with_a_model_at_each(deps: Deps) -> None:
    job = acts.job_from(form(arms=["empty", "base"], adapters=["mine"], temperature="0.7, 0.3,0.7"), deps)
    assert job.arms == ("empty", "base@0.3", "base@0.7", "adapter:mine@0.3", "adapter:mine@0.7")
    assert job.sampling is None and job.samples == 5, "or there is nothing to see of how answers vary"
    assert "adapter:mine@0.3" in acts.command(job)


def test_free_text_above_temperature_0_has_several_samples_where_nobody_says(deps: Deps) -> None:
    writer = {"task": "recipe-writer", "data": "recipe-writer-small", "arms": ["base"]}
    assert acts.job_from(form(**writer), deps).samples == 1
    assert acts.job_from(form(**writer, temperature=0.8), deps).samples == 5
    assert acts.job_from(form(**writer, temperature=0.8, samples=2), deps).samples == 2
    assert acts.job_from(form(temperature=0.8), deps).samples == 1


def test_the_command_is_one_that_the_command_line_takes(deps: Deps, tmp_path: Path) -> None:
    import argparse
    import shlex

    from training import cli_evaluate

    answers = tmp_path / "my answers.jsonl"
    answers.write_text("", "utf-8")
    job = acts.job_from(form(predictions=str(answers), samples=2, temperature=0.7, batch_size=4, part="dev"), deps)
    words = shlex.split(acts.command(job))
    assert words[:4] == ["python", "-m", "training", "evaluate"]
    parser = argparse.ArgumentParser()
    cli_evaluate.add(parser.add_subparsers())
    given = parser.parse_args(words[3:])
    assert Path(given.predictions) == answers and (given.samples, given.batch_size, given.part) == (2, 4, "dev")
    assert given.arms == "base,empty" and given.temperature == 0.7


def test_a_field_left_empty_is_no_zero(deps: Deps) -> None:
    names = ("samples", "temperature", "price_in", "price_out", "max_cost")
    emptied = form(task="recipe-writer", **dict.fromkeys(names, " "))
    assert acts.job_from(emptied, deps) == acts.job_from(form(task="recipe-writer"), deps)
    assert acts.job_from(form(temperature="0.8", samples="2"), deps).samples == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data": "", "file": ""}, "No documents"),
        ({"data": "", "file": "nowhere.jsonl"}, "is not there"),
        ({"arms": []}, "Nobody would answer"),
        ({"arms": ["nobody"]}, "no arm"),
        ({"limit": -1}, "Documents"),
        ({"samples": 0}, "Samples"),
        ({"samples": "2.5"}, "Samples"),
        ({"temperature": "warm"}, "Temperature is 'warm'"),
        ({"temperature": "0.3, warm"}, "Temperature is 'warm'"),
        ({"temperature": "0.3, 7"}, "Temperature"),
        ({"endpoint_model": "big", "price_in": "nan"}, "price of tokens in"),
        ({"batch_size": 2.5}, "Batch size"),
        ({"task": "none"}, "no task"),
        ({"predictions": "nowhere.jsonl"}, "predictions"),
    ],
)
def test_what_can_not_be_used_is_told(deps: Deps, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(StudioError, match=words):
        acts.job_from(form(**changes), deps)


def test_paths_are_for_this_machine_alone(tmp_path: Path) -> None:
    deps = make_deps(tmp_path / "home", allow_paths=False)
    with pytest.raises(InputError, match="can't be read from here"):
        acts.job_from(form(data="", file=__file__), deps)


def test_a_start_is_a_folder_at_once(deps: Deps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.evals.eval_job.spawn", lambda *_: None)
    evaluation = acts.start(deps, form(name="mine"))
    assert queries.status_of(deps, evaluation).name == "mine"
    assert read_job(queries.folder_of(deps, evaluation)).arms == ("base", "empty")
    acts.cancel(deps, evaluation)
    assert (queries.folder_of(deps, evaluation) / "cancel").exists()


def test_only_own_evaluations_that_are_over_are_deleted(deps: Deps, tmp_path: Path) -> None:
    make_evaluation(tmp_path / "shipped", "demo", count=4, arms=("base", TUNED))
    with pytest.raises(InputError, match="ships"):
        acts.forget(deps, "demo")
    run = under_way(deps.settings.home, "cancelled")
    acts.forget(deps, run)
    assert not queries.known(deps, run)


def test_on_a_space_nothing_is_written(tmp_path: Path) -> None:
    deps = make_deps(tmp_path / "home", space=True)
    for act in (
        lambda: acts.start(deps, form()),
        lambda: acts.cancel(deps, "x"),
        lambda: acts.forget(deps, "x"),
        lambda: acts.again(deps, "x"),
    ):
        with pytest.raises(InputError, match="on this Space"):
            act()
    assert not (tmp_path / "home" / "evals").exists()


def test_a_cluster_becomes_a_spec_that_the_factory_reads(deps: Deps, tmp_path: Path) -> None:
    make_evaluation(evals_root(deps.settings.home), "mine", count=6, arms=("base", TUNED))
    text = acts.spec(deps, "mine", "ingredient_omitted")
    spec = spec_from(text, tmp_path / "SPEC.yaml")
    assert spec.task == "recipe-jsonld" and spec.sources
    assert [Path(path) for path in spec.protect] == [evals_root(deps.settings.home) / "mine" / "rows.jsonl"]
