"""Scored again from its own frames, an evaluation has the figures that it had, and those that were added since."""

import json
import shutil
from pathlib import Path

import pytest

from tests.evals.made_evaluation import shared_evaluation
from training.errors import DataError
from training.evals.frames import read_frame
from training.evals.manifest import read_manifest
from training.evals.rescore import main, rescore
from training.evals.summary import summary_of
from training.task.pack import BUILTIN, load_pack

PACK = load_pack(BUILTIN / "recipe-jsonld")
KEYS = ["arm", "doc", "k", "tier", "field", "metric", "value", "n", "status"]


def test_the_same_answers_have_the_same_scores(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    folder = tmp_path / "again"
    shutil.copytree(shared_evaluation(tmp_path_factory), folder)
    before = read_frame(folder, "scores", KEYS)
    kept = json.loads((folder / "aggregates.json").read_text("utf-8"))
    gen = read_frame(folder, "gen").drop(columns="run")
    found = rescore(folder, PACK)
    order = KEYS[:6]
    again = read_frame(folder, "scores", KEYS)
    left, right = (frame.astype(object).sort_values(order, ignore_index=True) for frame in (before, again))
    assert left.fillna("none").equals(right.fillna("none"))
    assert "latency_s" in set(again["metric"]), "what only the run could tell is taken over"
    assert read_frame(folder, "gen").drop(columns="run").equals(gen)
    assert found == summary_of(kept)
    assert read_manifest(folder)["files"]["scores.parquet"]
    assert (folder / "card.md").is_file()


def test_what_is_no_evaluation_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DataError, match="rows"):
        rescore(tmp_path, PACK)
    assert main([str(tmp_path)]) == 2 and "is no evaluation" in capsys.readouterr().err
