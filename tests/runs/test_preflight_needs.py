"""What a run needs that may not be here: packages to report to, and a base whose weights are yet to be fetched."""

import importlib
import shutil
import sys
from collections import namedtuple
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub.errors import OfflineModeIsEnabled
from huggingface_hub.utils import SafetensorsFileMetadata, SafetensorsRepoMetadata
from huggingface_hub.utils import TensorInfo as HubTensor

from tests.engine.training import train_tiny
from training.engine import hub_facts, run_needs
from training.engine.hashes import read_header
from training.runs import preflight_needs
from training.runs.config import MIRRORS, RunConfig
from training.runs.preflight import preflight
from training.runs.records import Check, Preflight

TRACKIO = """
from types import SimpleNamespace

__version__ = "0.1"
context_vars = SimpleNamespace(current_space_id=SimpleNamespace(get=lambda: None))
began, told, ended = [], [], []


class Config(dict):
    def update(self, more, allow_val_change=False):
        super().update(more)


config = Config()


def init(**given):
    began.append(given["name"])


def log(lines):
    told.append(lines)


def finish():
    ended.append(True)
"""


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A package called trackio that can be imported and writes down what it is told."""
    folder = tmp_path / "packages" / "trackio"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(TRACKIO, "utf-8")
    monkeypatch.syspath_prepend(str(folder.parent))
    importlib.invalidate_caches()
    yield importlib.import_module("trackio")
    sys.modules.pop("trackio", None)


def stops(found: Preflight) -> list[Check]:
    return [check for check in found.checks if check.state == "stop"]


def named(found: Preflight, name: str) -> Check:
    (check,) = (check for check in found.checks if check.name == name)
    return check


def test_a_mirror_that_is_not_installed_stops_the_run_and_says_how_to_get_it(
    home: Path, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight_needs.importlib.util, "find_spec", lambda _: None)
    for name in MIRRORS:
        (stop,) = stops(preflight(replace(config, report_to=(name,)), home))
        assert stop.name == "report_to" and f"report_to names {name}, which is not installed" in stop.words
        assert f"python -m pip install {name}`" in stop.fix
    (stop,) = stops(preflight(replace(config, report_to=MIRRORS[:2]), home))
    assert "trackio and tensorboard, which are" in stop.words and "pip install trackio tensorboard`" in stop.fix


def test_a_mirror_that_is_installed_is_told_what_a_run_does(
    home: Path, config: RunConfig, mirror: Any, tiny_models: Path, tmp_path: Path
) -> None:
    found = preflight(replace(config, report_to=("trackio",)), home)
    assert stops(found) == [] and named(found, "report_to").words == "Also told: trackio."
    train_tiny(tiny_models, tmp_path / "run", max_steps=2, report_to=("trackio",))
    assert mirror.began == ["run"] and mirror.ended == [True]
    assert [line["train/global_step"] for line in mirror.told if "train/loss" in line] == [1, 2]


@pytest.fixture
def far(home: Path, config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunConfig:
    """A run on a base of the hub of which only the small files are here."""
    folder = shutil.copytree(home / "models" / "llama", tmp_path / "snapshot")
    for path in folder.glob("*.safetensors"):
        path.unlink()
    monkeypatch.setattr(run_needs, "fetch_repo", lambda *_: folder)
    monkeypatch.setattr(hub_facts, "cache_folder", lambda: tmp_path / "cache")
    return replace(config, base="owner/far")


def hub_says(monkeypatch: pytest.MonkeyPatch, weights: Path, size: int) -> None:
    """The hub's answers for a repository with these weights, of which it says so many bytes."""
    tensors = {
        name: HubTensor("F32", list(tensor.shape), (0, 4 * tensor.numel))
        for name, tensor in read_header(weights).items()
    }
    files = [SimpleNamespace(rfilename=name, size=n) for name, n in ((weights.name, size), ("model.onnx", 10**12))]
    told = SafetensorsRepoMetadata(None, False, {}, {weights.name: SafetensorsFileMetadata({}, tensors)})
    info = SimpleNamespace(siblings=files, sha="0" * 40)
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda *_, **__: info)
    monkeypatch.setattr(huggingface_hub.HfApi, "get_safetensors_metadata", lambda *_, **__: told)


def test_of_weights_that_are_not_here_the_hub_is_asked(
    home: Path, config: RunConfig, far: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    (weights,) = (home / "models" / "llama").glob("*.safetensors")
    hub_says(monkeypatch, weights, size=weights.stat().st_size)
    here, there = preflight(config, home), preflight(far, home)
    assert stops(there) == [] and named(there, "base").state == "warn"
    assert here.estimate is not None and there.estimate is not None
    assert there.estimate.trainable_parameters == here.estimate.trainable_parameters
    assert there.estimate.parameters == here.estimate.parameters
    assert named(there, "memory") == named(here, "memory")
    assert "the weights that are fetched before" in named(there, "disk").words
    assert "fetched" in named(there, "base").words and "MB" in named(there, "base").words


def test_what_is_fetched_has_to_fit_where_the_hub_keeps_it(
    home: Path, far: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    (weights,) = (home / "models" / "llama").glob("*.safetensors")
    free = shutil.disk_usage(home).free
    hub_says(monkeypatch, weights, size=2 * free)
    (stop,) = stops(preflight(far, home))
    assert stop.name == "disk" and "fetched before" in stop.words
    monkeypatch.setattr(preflight_needs, "_same_disk", lambda *_: False)
    seen = namedtuple("seen", "files remote name")
    base = seen(None, hub_facts.Remote(2 * free, {}), "owner/far")
    found = list(preflight_needs.disk_checks(far, base, home, 1000))  # pyright: ignore[reportArgumentType]
    assert [(check.name, check.state) for check in found] == [("download", "stop"), ("disk", "ok")]
    assert "HF_HOME" in found[0].fix


def test_where_the_hub_does_not_say_that_is_said(home: Path, far: RunConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: Any, **__: Any) -> Any:
        raise OfflineModeIsEnabled("offline")

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", offline)
    found = preflight(far, home)
    assert stops(found) == []
    for name in ("memory", "disk"):
        check = named(found, name)
        assert check.state == "wait" and "known until the weights of owner/far are here" in check.words
    assert found.estimate is not None and found.estimate.peak_bytes is None


def test_answers_that_the_task_lets_nobody_write_are_counted(home: Path, config: RunConfig, tmp_path: Path) -> None:
    short = named(preflight(config, home), "answer length")  # the home's task lets a model write 12 tokens
    assert short.state == "warn" and "of 6 train rows (" in short.words and "more than 12 tokens" in short.words
    assert "max_new_tokens" in short.fix
    shutil.copytree(home / "datasets", tmp_path / "datasets")  # with the task that ships
    fine = named(preflight(replace(config, base="crumb"), tmp_path), "answer length")
    assert fine.state == "ok" and "of 600 tokens" in fine.words
