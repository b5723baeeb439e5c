"""The end of a run: base and adapter on the same dev rows, figures that agree with the rows, a base asked once."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.runs.run_home import make_home, result_of
from training.data.versions import open_version, rows_of
from training.engine import answers, train_device
from training.engine.api import EngineSettings
from training.engine.run_rows import find_dataset
from training.evals.evaluate import evaluate
from training.runs.config import RunConfig
from training.runs.evaluation import ANSWERS, EVALUATION, Watching, evaluate_run, primary_metric, primary_scores
from training.task.pack import BUILTIN, load_pack
from training.task.parse import gold_object
from training.task.records import Score


@pytest.fixture(scope="module")
def home(tiny_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def config(home: Path, tiny_models: Path) -> RunConfig:
    return make_home(home, tiny_models)


def run_with(home: Path, adapter: Path, name: str) -> Path:
    folder = home / "runs" / name
    folder.mkdir(parents=True)
    shutil.copytree(adapter, folder / "adapter")
    return folder


def test_figures_scores_and_answers_of_both_sides_are_kept(home: Path, config: RunConfig, tiny_models: Path) -> None:
    folder = run_with(home, tiny_models / "adapters" / "llama-a", "one-aaaaaa")
    told: list[tuple[str, int, int]] = []
    watch = Watching(lambda *words: told.append(words))
    report = evaluate_run(folder, home, config, result_of(folder / "adapter"), watch)
    assert json.loads((folder / EVALUATION).read_text("utf-8")) == report
    assert told == [("base", 3, 3), ("adapter", 3, 3)]
    lines = [json.loads(line) for line in (folder / ANSWERS).read_text("utf-8").splitlines()]
    dev = [row.id for row in rows_of(open_version(find_dataset(home, config.dataset)), "dev")]
    assert [line["id"] for line in lines] == report["ids"] == dev[:3]
    assert lines[0]["base"]["raw"] != lines[0]["adapter"]["raw"]
    assert report["primary"] == "list_f1" and report["rows"] == 3
    for arm in ("base", "adapter"):
        figure = report[arm]["list_f1"]
        assert figure["value"] == sum(report["scores"][arm]) / 3
        assert figure["n_scored"] == figure["n_total"] == report[arm]["strict"]["n_total"] == 3
        assert {"low", "high"} <= set(report[arm]["end_marker"])
        assert all(line[arm]["new_tokens"] <= 12 for line in lines)
    other = run_with(home, tiny_models / "adapters" / "llama-b", "two-bbbbbb")
    told.clear()
    again = evaluate_run(other, home, config, result_of(other / "adapter"), watch)
    assert told == [("adapter", 3, 3)]  # the base has said this before
    assert again["base"] == report["base"] and again["scores"]["base"] == report["scores"]["base"]


def test_a_damaged_or_foreign_memory_of_the_base_is_asked_again(
    home: Path, config: RunConfig, tiny_models: Path
) -> None:
    folder = run_with(home, tiny_models / "adapters" / "llama-a", "three-cccccc")
    told: list[str] = []
    watch = Watching(lambda arm, _done, _total: told.append(arm))
    for path in (home / "runs" / ".base-figures").iterdir():
        path.write_text(path.read_text("utf-8")[:-9], "utf-8")
    evaluate_run(folder, home, config, result_of(folder / "adapter"), watch)
    assert "base" in told
    told.clear()
    evaluate_run(folder, home, replace(config, evaluate_rows=2), result_of(folder / "adapter"), watch)
    assert "base" in told


def test_none_wanted_and_stop_leave_nothing(home: Path, config: RunConfig, tiny_models: Path) -> None:
    folder = run_with(home, tiny_models / "adapters" / "llama-a", "four-dddddd")
    result = result_of(folder / "adapter")
    assert evaluate_run(folder, home, replace(config, evaluate_rows=0), result) == {}
    (folder / "stop").touch()
    assert evaluate_run(folder, home, config, result) == {}
    assert not (folder / EVALUATION).exists() and not (folder / ANSWERS).exists()


def test_a_run_of_qlora_is_answered_on_the_base_it_was_trained_on(
    home: Path, config: RunConfig, tiny_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = run_with(home, tiny_models / "adapters" / "llama-a", "five-eeeeee")
    seen: list[EngineSettings] = []

    def asked(arms: answers.Arms, *_: Any) -> Any:
        seen.append(arms.settings)
        raise answers.Stopped

    monkeypatch.setattr(answers, "answer_arms", asked)
    card = train_device.Plan(torch.device("cuda"), torch.bfloat16, torch.bfloat16, tf32=True, words="")
    monkeypatch.setattr(train_device, "plan_for", lambda *_: card)
    for method in ("qlora", "lora"):
        assert evaluate_run(folder, home, replace(config, method=method), result_of(folder / "adapter")) == {}
    packed, whole = seen
    assert (packed.four_bit, packed.dtype) == (True, "bfloat16")
    assert (whole.four_bit, whole.dtype) == (False, None)


PRIMARY = {"recipe-jsonld": "list_f1", "recipe-writer": "list_f1", "news-metadata": "field_mean"}


@pytest.mark.parametrize("task", PRIMARY)
def test_the_primary_score_is_whole_for_golds_and_nothing_for_noise(task: str, tmp_path: Path) -> None:
    pack = load_pack(BUILTIN / task)
    assert primary_metric(pack) == PRIMARY[task]
    version = open_version(find_dataset(tmp_path, f"{task}-small"))
    rows: list[dict[str, Any]] = [
        {"id": row.id, "source": row.source, "gold": gold_object(pack, row.gold), "raw": row.gold}
        for row in rows_of(version, "dev")
    ][:12]
    golds = [raw if isinstance(raw := row["raw"], str) else json.dumps(raw) for row in rows]
    half = [gold if at % 2 else "Here you are!" for at, gold in enumerate(golds)]
    answers = {"gold": golds, "noise": ["no"] * 12, "half": half}
    found = evaluate(pack, rows, {arm: [(raw, "eos") for raw in given] for arm, given in answers.items()}, resamples=99)
    scores = {arm: primary_scores(pack, summary.scores) for arm, summary in found.items()}
    assert scores["gold"] == [1.0] * 12
    assert scores["noise"] == [0.0] * 12
    assert scores["half"] == [0.0, 1.0] * 6


def test_a_list_that_should_be_empty_counts_as_left_out_or_not() -> None:
    pack = load_pack(BUILTIN / "recipe-jsonld")
    right = (Score("f1", None, "recipeIngredient"), Score("abstain", 1.0, "recipeIngredient"), Score("strict", 1.0))
    assert primary_scores(pack, [right, (Score("strict", 1.0),), ()]) == [1.0, 1.0, 0.0]
