"""Who answered is proven, and whatever makes one side answer for the other stops the comparison."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft.tuners.lora import LoraLayer

from tests.engine.rows import answers, engine_for, quiet, row
from tests.tiny_models import ARCHITECTURES, make_adapter
from training.engine.engine import Engine
from training.errors import AdapterError, OutOfMemoryError, ProofError


@pytest.fixture
def engine(tiny_models: Path) -> Engine:
    made = engine_for(tiny_models)
    made.prepare("lfm2", ["lfm2-a"], quiet)
    return made


def layers(engine: Engine) -> list[Any]:
    assert engine._loaded is not None
    return [module for module in engine._loaded.model.modules() if isinstance(module, LoraLayer)]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_base_rows_repeat_the_pristine_base_bit_for_bit_and_adapter_rows_do_not(
    tiny_models: Path, architecture: str
) -> None:
    engine = engine_for(tiny_models)
    card = engine.prepare(architecture, [f"{architecture}-a", f"{architecture}-b"], quiet)
    rows = [row(engine), row(engine, adapter=f"{architecture}-a"), row(engine, adapter=f"{architecture}-b")]
    base, one, two = [g.proof for g in answers(engine, rows)]
    assert base.probe_max_logit_diff == 0.0
    assert base.adapter_sha256 is None
    assert base.adapter_state == "off"
    assert one.adapter_state == f"on: {architecture}-a"
    assert min(one.probe_max_logit_diff, two.probe_max_logit_diff) > one.tolerance
    assert one.adapter_sha256 != two.adapter_sha256
    assert {p.base_sha256 for p in (base, one, two)} == {card.sha256}
    assert all(p.passed for p in (base, one, two))


def test_an_adapter_that_changes_nothing_is_no_comparison(tiny_models: Path, tmp_path: Path) -> None:
    make_adapter(tmp_path / "adapters" / "zero", tiny_models / "models" / "lfm2", scale=0.0)
    engine = engine_for(tiny_models, home=tmp_path)
    with pytest.raises(ProofError, match="changes nothing"):
        engine.prepare("lfm2", ["zero"], quiet)
    engine.prepare("lfm2", ["lfm2-a"], quiet)
    assert answers(engine, [row(engine), row(engine, adapter="lfm2-a")])[1].proof.passed


def _zero(engine: Engine) -> None:
    for layer in layers(engine):
        for weight in layer.lora_B.values():
            weight.weight.data.zero_()


def _nudge(engine: Engine) -> None:
    for layer in layers(engine):
        for weight in layer.lora_B.values():
            weight.weight.data.mul_(1.5)


def _break(engine: Engine) -> None:
    next(iter(layers(engine)[0].lora_A.values())).weight.data.fill_(float("nan"))


def _switch_off(engine: Engine) -> None:
    assert engine._loaded is not None
    engine._loaded.peft.base_model.disable_adapter_layers()


def _merge(engine: Engine) -> None:
    assert engine._loaded is not None
    engine._loaded.peft.merge_adapter()


def _touch_base(engine: Engine) -> None:
    assert engine._loaded is not None
    with torch.no_grad():
        engine._loaded.model.get_input_embeddings().weight.mul_(1.01)


@pytest.mark.parametrize("harm", [_zero, _nudge, _break, _switch_off, _merge, _touch_base])
def test_weights_that_are_not_what_was_loaded_stop_the_comparison(
    engine: Engine, harm: Callable[[Engine], None]
) -> None:
    rows = [row(engine), row(engine, adapter="lfm2-a")]
    expected = [g.raw for g in answers(engine, rows)]
    harm(engine)
    with pytest.raises(ProofError):
        answers(engine, rows)
    assert engine.status().base is None, "what can't be trusted must not stay in memory"
    engine.prepare("lfm2", ["lfm2-a"], quiet)
    assert [g.raw for g in answers(engine, rows)] == expected


def test_harm_done_while_an_answer_is_written_is_found_after_it(engine: Engine) -> None:
    """Text may have streamed by then, but no generation is given out."""
    import threading

    from training.engine.api import Delta

    seen: list[Any] = []
    with pytest.raises(ProofError):
        for event in engine.generate([row(engine), row(engine, adapter="lfm2-a")], _short(), None, threading.Event()):
            seen.append(event)
            if len(seen) == 4:
                _zero(engine)
    assert seen
    assert all(isinstance(event, Delta) for event in seen)


def _short() -> Any:
    from training.task.records import Sampling

    return Sampling(max_new_tokens=6)


def test_layers_refuse_to_run_without_a_side(engine: Engine) -> None:
    assert engine._loaded is not None
    with pytest.raises(ProofError, match="which adapter"):
        engine._loaded.model(input_ids=torch.tensor([[5, 6]]))


def test_an_adapter_of_another_shape_is_refused_and_leaves_the_base_clean(tiny_models: Path, tmp_path: Path) -> None:
    import json
    import shutil

    engine = engine_for(tiny_models, home=tmp_path)
    for source, name in (("llama-a", "other"), ("qwen3-a", "wrong-layers")):
        folder = shutil.copytree(tiny_models / "adapters" / source, tmp_path / "adapters" / name)
        config = json.loads((folder / "adapter_config.json").read_text("utf-8"))
        config["base_model_name_or_path"] = None
        (folder / "adapter_config.json").write_text(json.dumps(config), "utf-8")
    for base, adapter in (("gpt2", "other"), ("lfm2", "other"), ("lfm2", "wrong-layers")):
        with pytest.raises(AdapterError, match=base) as caught:
            engine.prepare(base, [adapter], quiet)
        assert caught.value.fix
        assert answers(engine, [row(engine)])[0].proof.probe_max_logit_diff == 0.0


SETTINGS = {
    "a pattern that is none": {"target_modules": "(q_proj"},
    "a list for a mapping": {"rank_pattern": ["q_proj"]},
    "a list of alphas": {"alpha_pattern": [8]},
    "a rank in words": {"r": "four"},
    "a rank of nothing": {"r": 0},
    "a rank of nothing in a later layer": {"rank_pattern": {"down_proj": 0}},
    "modules by number": {"target_modules": 7},
    "a dropout of no number": {"lora_dropout": "much"},
    "a kind of start that is none": {"init_lora_weights": "guess"},
}


@pytest.mark.parametrize("changes", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside another"])
def test_settings_that_peft_can_not_use_are_one_error_and_the_base_goes_on(
    tiny_models: Path, tmp_path: Path, changes: dict[str, Any], beside: bool
) -> None:
    import json
    import shutil

    folder = shutil.copytree(tiny_models / "adapters" / "llama-a", tmp_path / "adapters" / "odd")
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), "utf-8")
    engine = engine_for(tiny_models, home=tmp_path)
    engine.prepare("llama", ["llama-b"] if beside else [], quiet)
    with pytest.raises(AdapterError, match="odd") as caught:
        engine.prepare("llama", ["odd"], quiet)
    assert caught.value.fix and "\n" not in str(caught.value)
    engine.prepare("llama", ["llama-a"], quiet)
    assert answers(engine, [row(engine)])[0].proof.probe_max_logit_diff == 0.0


def test_an_adapter_with_tensors_missing_is_refused(tiny_models: Path, tmp_path: Path) -> None:
    import shutil

    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(tiny_models / "adapters" / "lfm2-a", tmp_path / "adapters" / "half")
    state = load_file(str(folder / "adapter_model.safetensors"))
    save_file(dict(list(state.items())[:-3]), str(folder / "adapter_model.safetensors"))
    engine = engine_for(tiny_models, home=tmp_path)
    with pytest.raises(AdapterError, match="lacks 3 of"):
        engine.prepare("lfm2", ["half"], quiet)


@pytest.mark.parametrize("full", [torch.OutOfMemoryError("CUDA out of memory."), MemoryError()], ids=["cuda", "host"])
def test_memory_that_runs_out_while_an_adapter_is_attached_is_no_fault_of_the_adapter(
    tiny_models: Path, monkeypatch: pytest.MonkeyPatch, full: Exception
) -> None:
    import training.engine.adapters as adapters

    engine = engine_for(tiny_models)
    engine.prepare("lfm2", [], quiet)

    def fill(*_args: Any) -> None:
        raise full

    with monkeypatch.context() as patch:
        patch.setattr(adapters, "_fill", fill)
        with pytest.raises(OutOfMemoryError, match="adapter lfm2-a"):
            engine.prepare("lfm2", ["lfm2-a"], quiet)
    engine.prepare("lfm2", ["lfm2-a"], quiet)
    assert answers(engine, [row(engine, adapter="lfm2-a")])[0].proof.passed


def test_a_file_changed_on_disk_is_loaded_again_and_its_hash_told(tiny_models: Path, tmp_path: Path) -> None:
    import shutil

    base = tiny_models / "models" / "lfm2"
    make_adapter(tmp_path / "adapters" / "mine", base, seed=3)
    engine = engine_for(tiny_models, home=tmp_path)
    engine.prepare("lfm2", ["mine"], quiet)
    rows = [row(engine, adapter="mine")]
    first = answers(engine, rows)[0]
    shutil.rmtree(tmp_path / "adapters" / "mine")
    make_adapter(tmp_path / "adapters" / "mine", base, seed=4)
    second = answers(engine, rows)[0]
    assert first.proof.adapter_sha256 != second.proof.adapter_sha256
    assert first.raw != second.raw
