"""Bases and adapters are found, and what is unsafe, broken or of another base is refused with words that help."""

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from training.engine.adapter_files import same_base
from training.engine.api import EngineSettings
from training.engine.hub import PRESETS, list_adapters, list_bases, resolve_adapter, resolve_base
from training.errors import AdapterError, ModelError


def quiet(_text: str, _fraction: float | None) -> None:
    """No progress wanted."""


def settings_for(root: Path, **changes: Any) -> EngineSettings:
    return EngineSettings(models=root / "models", adapters=root / "adapters", **changes)


def test_a_shipped_name_a_folder_and_a_home_all_lead_to_the_base(tiny_models: Path, tmp_path: Path) -> None:
    settings = settings_for(tiny_models)
    shipped = resolve_base("llama", settings, quiet)
    by_path = resolve_base(str(tiny_models / "models" / "llama"), settings, quiet)
    assert shipped.embedded
    assert not by_path.embedded
    assert shipped.sha256 == by_path.sha256
    shutil.copytree(tiny_models / "models" / "llama", tmp_path / "models" / "mine")
    assert resolve_base("mine", settings_for(tiny_models, home=tmp_path), quiet).parameters == shipped.parameters


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing-like-it", "There is no base"),
        ("", "There is no base"),
        ("..", "holds no model"),
        ("a\0b", "There is no base"),
        ("/no/such/folder", "holds no model"),
        ("someone/some-model", "not on this machine"),
        ("foo/bar--baz", "foo/bar--baz is no name that the hub allows"),
        ("foo/bar..baz", "no name that the hub allows"),
        ("foo/bar.git", "no name that the hub allows"),
        ("foo/" + "b" * 100, r"foo/b{92}… \(104 characters\) is no name"),
    ],
)
def test_a_base_that_is_not_there_says_so(tiny_models: Path, name: str, said: str) -> None:
    with pytest.raises(ModelError, match=said) as caught:
        resolve_base(name, settings_for(tiny_models), quiet)
    assert caught.value.fix


@pytest.mark.parametrize("name", ["foo/bar--baz", "foo/bar..baz", "foo/bar.git", "foo/" + "b" * 100])
def test_an_adapter_by_a_name_that_the_hub_does_not_allow_is_told(tiny_models: Path, name: str) -> None:
    settings = settings_for(tiny_models)
    with pytest.raises(AdapterError, match="no name that the hub allows"):
        resolve_adapter(name, settings, resolve_base("llama", settings, quiet), quiet)


def test_a_space_opens_no_folder_and_only_listed_models(tiny_models: Path) -> None:
    settings = settings_for(tiny_models, allow_paths=False, hub="presets")
    with pytest.raises(ModelError, match="closed"):
        resolve_base(str(tiny_models / "models" / "llama"), settings, quiet)
    with pytest.raises(ModelError, match="only listed"):
        resolve_base("someone/some-model", settings, quiet)
    with pytest.raises(ModelError, match="not on this machine"):
        resolve_base(PRESETS[0][0], settings, quiet)
    base = resolve_base("llama", settings, quiet)
    with pytest.raises(AdapterError, match="closed"):
        resolve_adapter(str(tiny_models / "adapters" / "llama-a"), settings, base, quiet)
    with pytest.raises(AdapterError, match="only listed"):
        resolve_adapter("someone/some-adapter", settings, base, quiet)
    assert resolve_adapter("llama-a", settings, base, quiet).rank == 4


def test_pickled_and_damaged_bases_are_refused(tiny_models: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_models / "models" / "llama", tmp_path / "m")
    weights = tmp_path / "m" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-9])
    with pytest.raises(ModelError, match="damaged"):
        resolve_base(str(tmp_path / "m"), settings_for(tiny_models), quiet)
    weights.rename(tmp_path / "m" / "pytorch_model.bin")
    with pytest.raises(ModelError, match="pickles"):
        resolve_base(str(tmp_path / "m"), settings_for(tiny_models), quiet)
    (tmp_path / "m" / "pytorch_model.bin").unlink()
    with pytest.raises(ModelError, match=r"no \*\.safetensors"):
        resolve_base(str(tmp_path / "m"), settings_for(tiny_models), quiet)


def test_a_base_whose_header_does_not_fit_its_weights_is_damaged(tiny_models: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_models / "models" / "llama", tmp_path / "m")
    (folder / "model.safetensors").rename(folder / "adapter_model.safetensors")
    _header(dtype="F33")(folder)
    (folder / "adapter_model.safetensors").rename(folder / "model.safetensors")
    with pytest.raises(ModelError, match=r"damaged: .* is of a type 'F33'"):
        resolve_base(str(folder), settings_for(tiny_models), quiet)


def test_lists_show_what_is_there_and_then_the_presets(tiny_models: Path) -> None:
    bases = list_bases(settings_for(tiny_models))
    assert {b.name for b in bases if b.embedded} == {"gemma3", "qwen3", "llama", "gpt2", "lfm2"}
    assert [b.name for b in bases if not b.embedded] == [preset[0] for preset in PRESETS]
    assert all(b.parameters and b.label for b in bases)
    names = [a.name for a in list_adapters("llama", settings_for(tiny_models))]
    assert names == ["llama-a", "llama-b"]


def _no_weights(folder: Path) -> None:
    (folder / "adapter_model.safetensors").unlink()


def _pickle(folder: Path) -> None:
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")


def _cut(folder: Path) -> None:
    path = folder / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def _no_config(folder: Path) -> None:
    (folder / "adapter_config.json").unlink()


def _broken_config(folder: Path) -> None:
    (folder / "adapter_config.json").write_text("{", "utf-8")


def _changed(**changes: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "adapter_config.json"
        path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), "utf-8")

    return change


def _deep_config(folder: Path) -> None:
    (folder / "adapter_config.json").write_text("[" * 200_000, "utf-8")


def _header(**changes: Any) -> Callable[[Path], None]:
    """The first tensor's line in the safetensors header, changed without a change in length."""

    def change(folder: Path) -> None:
        path = folder / "adapter_model.safetensors"
        data = path.read_bytes()
        (length,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8 : 8 + length])
        header[next(name for name in header if name != "__metadata__")] |= changes
        new = json.dumps(header, separators=(",", ":")).encode().ljust(length)
        path.write_bytes(struct.pack("<Q", len(new)) + new + data[8 + length :])

    return change


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_deep_config, "is no JSON"),
        (_header(dtype="F33"), "damaged: .* is of a type 'F33'"),
        (_header(shape=[1]), "damaged: the place its header gives"),
        (_changed(base_model_name_or_path=["llama"]), "gives list as base_model_name_or_path"),
        (_no_weights, "has no adapter_model.safetensors"),
        (_pickle, "pickle"),
        (_cut, "damaged"),
        (_no_config, "has no adapter_config.json"),
        (_broken_config, "is no JSON"),
        (_changed(peft_type="IA3"), "only LoRA"),
        (_changed(use_dora=True), "DoRA"),
        (_changed(task_type="SEQ_CLS"), "SEQ_CLS"),
        (_changed(base_model_name_or_path="google/gemma-3-270m-it"), "trained on google/gemma-3-270m-it.* is llama"),
    ],
)
def test_an_adapter_that_can_not_be_used_says_why(
    tiny_models: Path, tmp_path: Path, damage: Callable[[Path], None], said: str
) -> None:
    settings = settings_for(tiny_models, home=tmp_path)
    shutil.copytree(tiny_models / "adapters" / "llama-a", tmp_path / "adapters" / "x")
    damage(tmp_path / "adapters" / "x")
    base = resolve_base("llama", settings, quiet)
    with pytest.raises(AdapterError, match=said) as caught:
        resolve_adapter("x", settings, base, quiet)
    assert caught.value.fix


def test_a_base_of_another_name_is_taken_when_its_hash_is_the_one_trained_on(tiny_models: Path, tmp_path: Path) -> None:
    settings = settings_for(tiny_models, home=tmp_path)
    shutil.copytree(tiny_models / "adapters" / "llama-a", tmp_path / "adapters" / "x")
    _changed(base_model_name_or_path="elsewhere/renamed")(tmp_path / "adapters" / "x")
    base = resolve_base("llama", settings, quiet)
    (tmp_path / "adapters" / "x" / "provenance.json").write_text(json.dumps({"base_sha256": base.sha256}), "utf-8")
    assert resolve_adapter("x", settings, base, quiet).base == "elsewhere/renamed"


def _run(home: Path, run: str, state: str = "finished", **config: Any) -> Path:
    """A run's folder as its process leaves it, as far as the hub looks at it."""
    folder = home / "runs" / run
    folder.mkdir(parents=True)
    told = {"run": run, "created": "2026-11-21T10:00:00+00:00", "config": {"base": "llama", "task": "news"} | config}
    (folder / "run.json").write_text(json.dumps(told), "utf-8")
    (folder / "status.json").write_text(json.dumps({"run": run, "state": state}), "utf-8")
    return folder


def test_what_a_run_has_made_is_found_as_soon_as_it_has_ended(tiny_models: Path, tmp_path: Path) -> None:
    settings = settings_for(tiny_models, home=tmp_path)
    folder = _run(tmp_path, "news-r4-s2-0a1b2c", state="running", rank=4, max_steps=2)
    shutil.copytree(tiny_models / "adapters" / "llama-a", folder / "adapter")
    assert "news-r4-s2-0a1b2c" not in [a.name for a in list_adapters("llama", settings)]
    (folder / "status.json").write_text(json.dumps({"state": "finished"}), "utf-8")
    (found,) = [a for a in list_adapters("llama", settings) if a.name == "news-r4-s2-0a1b2c"]
    assert (found.label, found.task, found.rank, found.note) == ("news-r4-s2", "news", 4, "")
    assert not [a for a in list_adapters("qwen3", settings) if a.name == found.name]
    base = resolve_base("llama", settings, quiet)
    assert resolve_adapter(found.name, settings, base, quiet).folder == folder / "adapter"
    twin = _run(tmp_path, "news-r4-s2-ffffff", rank=4, max_steps=2)
    shutil.copytree(tiny_models / "adapters" / "llama-b", twin / "adapter")
    labels = {a.label for a in list_adapters("llama", settings) if a.task == "news"}
    assert labels == {"news-r4-s2 (0a1b2c)", "news-r4-s2 (ffffff)"}


def test_a_whole_model_of_a_run_is_a_base_and_adapters_of_it_are_its_own(tiny_models: Path, tmp_path: Path) -> None:
    settings = settings_for(tiny_models, home=tmp_path)
    folder = _run(tmp_path, "news-full-s2-0a1b2c", method="full", max_steps=2)
    shutil.copytree(tiny_models / "models" / "llama", folder / "model")
    (found,) = [b for b in list_bases(settings) if b.name == "news-full-s2-0a1b2c"]
    assert found.label == "news-full-s2" and not found.embedded and found.parameters
    base = resolve_base(found.name, settings, quiet)
    assert base.folder == folder / "model" and base.name == found.name
    on_it = _run(tmp_path, "on-it-123456", base=found.name)
    shutil.copytree(tiny_models / "adapters" / "llama-a", on_it / "adapter")
    _changed(base_model_name_or_path=found.name)(on_it / "adapter")
    assert [a.name for a in list_adapters(found.name, settings)] == ["on-it-123456"]
    assert resolve_adapter("on-it-123456", settings, base, quiet).base == found.name


@pytest.mark.parametrize(("held", "said"), [(False, True), (True, False)])
def test_an_adapter_of_a_base_in_4_bits_says_where_it_answers_on_another(
    tiny_models: Path, tmp_path: Path, held: bool, said: bool
) -> None:
    for run, method in (("packed-0a1b2c", "qlora"), ("whole-0a1b2c", "lora")):
        folder = _run(tmp_path, run, name=run[:6])
        shutil.copytree(tiny_models / "adapters" / "llama-a", folder / "adapter")
        provenance = {"task": "news", "config": {"method": method}}
        (folder / "adapter" / "provenance.json").write_text(json.dumps(provenance), "utf-8")
    shipped = shutil.copytree(tmp_path / "runs" / "packed-0a1b2c" / "adapter", tmp_path / "adapters" / "shipped")
    (shipped / "provenance.json").write_text(json.dumps({"run": {"config": {"method": "qlora"}}}), "utf-8")
    listed = list_adapters("llama", settings_for(tiny_models, home=tmp_path, four_bit=held))
    labels = {info.name: info.label for info in listed}
    assert labels["whole-0a1b2c"] == "whole-"
    for name in ("packed-0a1b2c", "shipped"):
        assert ("trained on a 4-bit base, answers on the whole one" in labels[name]) is said


def test_a_damaged_run_never_breaks_the_list(tiny_models: Path, tmp_path: Path) -> None:
    settings = settings_for(tiny_models, home=tmp_path)
    for name, text in (("torn-000000", "{"), ("odd-000000", "[1]"), ("strange-000000", '{"config": {"rank": []}}')):
        folder = _run(tmp_path, name)
        shutil.copytree(tiny_models / "adapters" / "llama-a", folder / "adapter")
        (folder / "run.json").write_text(text, "utf-8")
        (folder / "status.json").unlink()
    cut = _run(tmp_path, "cut-000000")
    shutil.copytree(tiny_models / "adapters" / "llama-a", cut / "adapter")
    _cut(cut / "adapter")
    (tmp_path / "runs" / "a-file").write_text("x", "utf-8")
    shutil.copytree(cut, tmp_path / "runs" / ".gone-cut-000000")
    (_run(tmp_path, "full-000000") / "model").mkdir()
    (tmp_path / "runs" / "full-000000" / "model" / "config.json").write_text("{}", "utf-8")
    found = {a.name: a.note for a in list_adapters("llama", settings) if a.name.endswith("000000")}
    assert set(found) == {"torn-000000", "odd-000000", "strange-000000", "cut-000000"}
    assert "damaged" in found["cut-000000"] and not found["torn-000000"]
    assert "full-000000" not in [b.name for b in list_bases(settings)]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("google/gemma-3-270m-it", "google/gemma-3-270m-it", True),
        ("google/gemma-3-270m-it", "Google/Gemma-3-270m-it", True),
        ("unsloth/gemma-3-270m-it-unsloth-bnb-4bit", "google/gemma-3-270m-it", True),
        ("/home/me/models/crumb", "crumb", True),
        ("someone/Qwen3-0.6B", "Qwen/Qwen3-0.6B", False),
        ("Qwen/Qwen3-0.6B", "Qwen/Qwen3-1.7B", False),
        ("crumb", "crumb-2", False),
    ],
)
def test_when_two_names_mean_one_base(one: str, other: str, same: bool) -> None:
    assert same_base(one, other) is same
