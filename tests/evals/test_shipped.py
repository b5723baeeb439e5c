"""The evidence that ships is about the weights that ship."""

import json
from pathlib import Path

import pytest

from training.engine.adapter_files import CONFIG, WEIGHTS
from training.engine.api import ASSETS
from training.engine.hashes import hash_files
from training.evals.manifest import pack_sha256, read_manifest
from training.task.pack import BUILTIN, load_pack

SHIPPED = sorted((ASSETS / "evaluations").iterdir())


@pytest.mark.parametrize("folder", SHIPPED, ids=[folder.name for folder in SHIPPED])
def test_an_evaluation_measured_the_base_and_the_adapter_of_this_clone(folder: Path) -> None:
    manifest = read_manifest(folder)
    arms = manifest["arms"]
    bases = {arm["base_sha256"] for arm in arms.values() if arm.get("base_sha256")}
    adapters = {(arm["adapter"], arm["adapter_sha256"]) for arm in arms.values() if arm.get("adapter")}
    assert bases == {hash_files(sorted((ASSETS / "models" / "crumb").glob("*.safetensors")))}
    assert adapters
    for name, sha256 in adapters:
        place = ASSETS / "adapters" / name
        assert sha256 == hash_files([place / CONFIG, place / WEIGHTS])
    assert manifest["task_pack"]["sha256"] == pack_sha256(load_pack(BUILTIN / manifest["task"]))


@pytest.mark.parametrize("folder", SHIPPED, ids=[folder.name for folder in SHIPPED])
def test_no_interval_leaves_its_own_figure_out(folder: Path) -> None:
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    outside = [
        f"{metric} of {arm}"
        for arm, figures in summary["arms"].items()
        for metric, found in figures.items()
        if found["ci_low"] is not None and not found["ci_low"] <= found["value"] <= found["ci_high"]
    ]
    assert outside == []
