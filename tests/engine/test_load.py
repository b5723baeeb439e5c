"""Device, type and memory are chosen before weights are read; what Transformers can't load is told in one line."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.engine.rows import answers, engine_for, quiet, row
from training.engine import four_bit, hub, load
from training.engine.api import EngineSettings
from training.errors import BusyError, ModelError, OutOfMemoryError


def test_a_cpu_computes_in_fp32_and_a_card_in_bf16_where_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = EngineSettings()
    assert load.pick_dtype(torch.device("cpu"), settings) == torch.float32
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: True)
    assert load.pick_dtype(torch.device("cuda"), settings) == torch.bfloat16
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: False)
    assert load.pick_dtype(torch.device("cuda"), settings) == torch.float32
    assert load.pick_dtype(torch.device("cpu"), EngineSettings(dtype="bfloat16")) == torch.bfloat16
    with pytest.raises(ModelError, match="int7"):
        load.pick_dtype(torch.device("cpu"), EngineSettings(dtype="int7"))


def test_the_first_device_that_works_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert load.pick_device(EngineSettings()).type == "cuda"
    assert load.pick_device(EngineSettings(device="cpu")).type == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert load.pick_device(EngineSettings()).type == "mps"


def test_a_small_model_on_a_cpu_runs_in_one_thread_whichever_asks(tiny_models: Path) -> None:
    import threading

    assert load.pick_threads(5_000_000, torch.device("cpu"), EngineSettings()) == 1
    everything = load.pick_threads(268_000_000, torch.device("cpu"), EngineSettings())
    assert everything == load.pick_threads(5_000_000, torch.device("cuda"), EngineSettings()) >= 1
    assert load.pick_threads(5_000_000, torch.device("cpu"), EngineSettings(threads=2)) == 2
    engine = engine_for(tiny_models)
    engine.prepare("llama", [], quiet)
    asked, seen = [row(engine)], []

    def ask() -> None:
        torch.set_num_threads(2)
        answers(engine, asked)
        seen.append(torch.get_num_threads())

    helper = threading.Thread(target=ask)
    helper.start()
    helper.join(60)
    assert seen == [1]


def test_four_bit_needs_a_cuda_device_and_bitsandbytes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not four_bit.can_four_bit(torch.device("cpu"))

    def found(name: str) -> Any:
        return SimpleNamespace(name=name)

    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(four_bit.importlib, "import_module", found)
    assert four_bit.can_four_bit(torch.device("cuda"))
    monkeypatch.setattr(four_bit.importlib, "import_module", missing)
    assert not four_bit.can_four_bit(torch.device("cuda"))


@pytest.mark.parametrize(
    ("asked", "free_gb", "works", "embedded", "held"),
    [
        (None, 10, True, False, False),
        (None, 1, True, False, True),
        (None, 1, False, False, False),
        (True, 10, True, False, True),
        (True, 10, False, False, False),
        (True, 10, True, True, False),
        (False, 1, True, False, False),
    ],
)
def test_four_bits_are_taken_where_asked_for_or_where_nothing_else_fits(  # size: each of these decides
    monkeypatch: pytest.MonkeyPatch, asked: bool | None, free_gb: int, works: bool, embedded: bool, held: bool
) -> None:
    files = hub.BaseFiles("one-billion", Path("x"), (), 10**9, 2 * 10**9, embedded)
    monkeypatch.setattr(load, "can_four_bit", lambda _: works)
    monkeypatch.setattr(load.torch.cuda, "mem_get_info", lambda _: (free_gb * 10**9, 80 * 10**9))
    cuda, settings = torch.device("cuda"), EngineSettings(four_bit=asked)
    assert load.pick_four_bit(files, cuda, torch.bfloat16, settings) is held
    if asked is None and not works:
        with pytest.raises(OutOfMemoryError) as caught:
            load._check_memory(files, cuda, 2.0)
        assert "bitsandbytes" in caught.value.fix


def test_a_model_that_would_not_fit_is_refused_before_it_is_read(
    tiny_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = engine_for(tiny_models)
    with monkeypatch.context() as patch:
        patch.setattr(load.psutil, "virtual_memory", lambda: SimpleNamespace(available=1000, total=2000))
        with pytest.raises(OutOfMemoryError, match="needs about") as caught:
            engine.prepare("llama", [], quiet)
    assert caught.value.fix
    assert engine.status().base is None
    engine.prepare("llama", [], quiet)
    assert len(answers(engine, [row(engine)])) == 1


def test_the_device_is_asked_for_before_anything_is_read_onto_it(
    tiny_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def claim(device: str) -> None:
        asked.append(device)
        raise BusyError("The run soups-012345 has the GPU.", fix="Wait for it.")

    engine = engine_for(tiny_models, claim=claim)
    monkeypatch.setattr(load, "pick_device", lambda _: torch.device("cuda:0"))
    monkeypatch.setattr(load, "_read", lambda *_: pytest.fail("weights were read beside a run"))
    with pytest.raises(BusyError, match="soups-012345"):
        engine.prepare("llama", [], quiet)
    assert asked == ["cuda:0"] and engine.status().base is None and engine.status().state == "idle"


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory: you tried"),
        MemoryError(),
    ],
)
def test_every_way_of_being_full_is_one_error(error: Exception) -> None:
    with pytest.raises(OutOfMemoryError, match="ran out"), load.memory_errors("it"):
        raise error


def test_other_errors_keep_their_traceback() -> None:
    with pytest.raises(RuntimeError, match="shape"), load.memory_errors("it"):
        raise RuntimeError("shape mismatch")


def test_remote_code_and_unknown_kinds_are_model_errors(tiny_models: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_models / "models" / "llama", tmp_path / "odd")
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "run_me.py").write_text("raise SystemExit('remote code ran')", "utf-8")
    config |= {"model_type": "never-heard-of", "auto_map": {"AutoModelForCausalLM": "run_me.Model"}}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    with pytest.raises(ModelError, match="can't be loaded") as caught:
        engine_for(tiny_models).prepare(str(folder), [], quiet)
    assert "\n" not in str(caught.value)


def gap(tiny: Path, folder: Path, architecture: str, change: Callable[[dict[str, torch.Tensor]], None]) -> Path:
    """A copy of a tiny base whose tensors were changed."""
    shutil.copytree(tiny / "models" / architecture, folder)
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def test_a_base_that_lacks_a_tensor_is_refused_and_never_filled_with_random_numbers(
    tiny_models: Path, tmp_path: Path
) -> None:
    def lose(tensors: dict[str, torch.Tensor]) -> None:
        del tensors["model.layers.1.mlp.up_proj.weight"]

    folder = gap(tiny_models, tmp_path / "gap", "llama", lose)
    engine = engine_for(tiny_models)
    with pytest.raises(ModelError, match=r"lacks 1 tensor .*model\.layers\.1\.mlp\.up_proj\.weight") as caught:
        engine.prepare(str(folder), [], quiet)
    assert caught.value.fix and engine.status().base is None


def test_a_tensor_of_another_shape_names_both(tiny_models: Path, tmp_path: Path) -> None:
    def shrink(tensors: dict[str, torch.Tensor]) -> None:
        tensors["model.norm.weight"] = tensors["model.norm.weight"][:16].clone()

    folder = gap(tiny_models, tmp_path / "odd", "llama", shrink)
    with pytest.raises(ModelError, match=r"shape \[16\], its config.json asks for \[32\]"):
        engine_for(tiny_models).prepare(str(folder), [], quiet)


@pytest.mark.parametrize("architecture", ["llama", "gpt2", "gemma3"])
def test_a_tied_head_that_is_not_stored_is_not_missing(tiny_models: Path, architecture: str) -> None:
    stored = load_file(tiny_models / "models" / architecture / "model.safetensors")
    assert "lm_head.weight" not in stored
    assert engine_for(tiny_models).prepare(architecture, [], quiet).base == architecture


class Gone(Exception):
    pass


def leave(_text: str, _fraction: float | None) -> None:
    raise Gone


def test_while_a_model_is_fetched_the_other_one_answers_and_who_leaves_frees_it(
    tiny_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = engine_for(tiny_models)
    engine.prepare("llama", [], quiet)
    answered: list[int] = []

    def fetch(_repo: str, progress: Any, *_args: Any, **_options: Any) -> Path:
        answered.append(len(answers(engine, [row(engine)])))
        progress("Fetching", 0.5)
        raise AssertionError("nobody waits for this any more")

    monkeypatch.setattr(hub, "fetch_repo", fetch)
    with pytest.raises(Gone):
        engine.prepare("owner/large", [], leave)
    assert answered == [1]
    assert (engine.status().base, engine.status().state) == ("llama", "idle")


def test_who_left_before_a_base_was_read_does_not_cost_the_one_in_memory(tiny_models: Path) -> None:
    engine = engine_for(tiny_models)
    engine.prepare("llama", ["llama-a"], quiet)
    with pytest.raises(Gone):
        engine.prepare("qwen3", [], leave)
    assert (engine.status().base, engine.status().adapters) == ("llama", ("llama-a",))
    assert len(answers(engine, [row(engine)])) == 1


def test_a_card_says_what_was_loaded(tiny_models: Path) -> None:
    engine = engine_for(tiny_models)
    told: list[str] = []
    card = engine.prepare("gpt2", ["gpt2-a"], lambda text, _share: told.append(text))
    assert (card.base, card.dtype, card.device, card.context_tokens) == ("gpt2", "float32", "cpu", 8192)
    assert card.parameters > 40_000
    assert told == ["Reading gpt2", "Checking gpt2", "Attaching gpt2-a"]
    assert engine.count_tokens("½ cup") == 6
    status = engine.status()
    assert (status.base, status.adapters, status.state, status.waiting) == ("gpt2", ("gpt2-a",), "idle", 0)
    assert 0 < status.memory_used_bytes < status.memory_total_bytes


def test_an_engine_that_was_only_made_knows_its_lists_and_loads_no_torch(tiny_models: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from training.engine.api import EngineSettings\n"
        "from training.engine.engine import Engine\n"
        f"root = Path({str(tiny_models)!r})\n"
        "engine = Engine(EngineSettings(models=root / 'models', adapters=root / 'adapters'))\n"
        "assert engine.status().state == 'idle' and len(engine.bases()) > 5 and len(engine.adapters('llama')) == 2\n"
        "assert not {'torch', 'transformers', 'peft'} & set(sys.modules), 'torch was loaded'\n"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_freed_memory_goes_back_to_the_system() -> None:
    load.trim_heap()
    before = psutil.Process().memory_info().rss
    held = [bytearray(b"x") * 100_000 for _ in range(2_000)]  # below the size that malloc maps by itself
    barrier = bytearray(b"x") * 100_000  # stands behind them, so that the heap can't just be cut off at its end
    full = psutil.Process().memory_info().rss
    del held
    load.trim_heap()
    after = psutil.Process().memory_info().rss
    assert full - before > 150_000_000 and len(barrier)
    assert sys.platform != "linux" or after - before < 60_000_000
