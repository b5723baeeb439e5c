"""The mean of adapters: weight by weight, of one shape only."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from training.engine.adapter_files import CONFIG, WEIGHTS
from training.engine.pretrain import mean_adapter
from training.engine.pretrain.mean_adapter import mean_of
from training.errors import AdapterError


def adapter(folder: Path, value: float, *, rank: int = 2, alpha: int = 4) -> Path:
    folder.mkdir()
    settings = {"peft_type": "LORA", "r": rank, "lora_alpha": alpha, "base_model_name_or_path": "crumb"}
    (folder / CONFIG).write_text(json.dumps(settings), "utf-8")
    numbers = {"a": torch.full((rank, 3), value), "b": torch.full((5, rank), -value)}
    save_file({name: tensor.half() for name, tensor in numbers.items()}, folder / WEIGHTS)
    return folder


def test_each_weight_is_the_mean_and_keeps_its_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [adapter(tmp_path / name, value) for name, value in (("one", 1.0), ("two", 2.0), ("three", 6.0))]
    out = tmp_path / "mean"
    names = ",".join(map(str, folders))
    monkeypatch.setattr("sys.argv", ["mean_adapter", "--adapters", names, "--out", str(out)])
    mean_adapter.main()
    found = load_file(out / WEIGHTS)
    assert torch.equal(found["a"], torch.full((2, 3), 3.0).half())
    assert torch.equal(found["b"], torch.full((5, 2), -3.0).half())
    assert (out / CONFIG).read_text("utf-8") == (folders[-1] / CONFIG).read_text("utf-8")


@pytest.mark.parametrize("other", [{"rank": 4}, {"alpha": 8}])
def test_adapters_of_another_shape_are_refused(tmp_path: Path, other: dict[str, int]) -> None:
    folders = [adapter(tmp_path / "one", 1.0), adapter(tmp_path / "two", 2.0, **other)]
    with pytest.raises(AdapterError, match="another shape"):
        mean_of(folders)


def test_one_adapter_has_no_mean(tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="two adapters or more"):
        mean_of([adapter(tmp_path / "one", 1.0)])


def test_weights_say_how_much_of_each(tmp_path: Path) -> None:
    folders = [adapter(tmp_path / name, value) for name, value in (("one", 0.0), ("two", 10.0))]
    assert torch.equal(mean_of(folders, [3, 7])["a"], torch.full((2, 3), 7.0).half())
    for weights in ([1.0], [1.0, 0.0], [1.0, 1.0, 1.0]):
        with pytest.raises(AdapterError, match="not one above 0"):
            mean_of(folders, weights)
