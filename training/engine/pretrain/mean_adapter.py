"""The mean of adapters that came from one another, weight by weight: what they agree on stays, what each lost is less.

    python -m training.engine.pretrain.mean_adapter --adapters build/fifth,build/sixth --weights 3,7 --out build/adapter

Promise: the matrices A and B are each averaged in fp32 and kept in the type they had; settings are those of the last
adapter. Limit: it is of use only for adapters begun with each other's weights, on one base: two that were begun anew
have their numbers in different places. (The idea is model soups': Wortsman and others, 2022.)
"""

import argparse
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from training.engine.adapter_files import CONFIG, WEIGHTS
from training.errors import AdapterError

SHAPE = ("peft_type", "r", "lora_alpha", "use_rslora", "use_dora", "base_model_name_or_path")


def mean_of(folders: Sequence[Path], weights: Sequence[float] = ()) -> dict[str, torch.Tensor]:
    """Each tensor's mean over the adapters, by `weights`, all alike without. AdapterError where they are not of one
    shape, or fewer than two, or where the weights are not one above 0 for each."""
    if len(folders) < 2:
        raise AdapterError("A mean needs two adapters or more.", fix="Name their folders, parted by commas.")
    weights = weights or [1.0] * len(folders)
    if len(weights) != len(folders) or min(weights) <= 0:
        raise AdapterError(f"The weights {[*weights]} are not one above 0 an adapter.", fix="Give one for each.")
    first = load_file(folders[0] / WEIGHTS)
    sums = {name: weights[0] * tensor.float() for name, tensor in first.items()}
    settings = _settings(folders[0])
    for folder, weight in zip(folders[1:], weights[1:], strict=True):
        other = load_file(folder / WEIGHTS)
        shapes = {name: tensor.shape for name, tensor in other.items()}
        if shapes != {name: tensor.shape for name, tensor in first.items()} or _settings(folder) != settings:
            raise AdapterError(
                f"{folder} is of another shape than {folders[0]}.", fix="Take adapters that came from one another."
            )
        for name, tensor in other.items():
            sums[name] += weight * tensor.float()
    return {name: (total / sum(weights)).to(first[name].dtype) for name, total in sums.items()}


def _settings(folder: Path) -> dict[str, object]:
    config = json.loads((folder / CONFIG).read_text("utf-8"))
    return {key: config.get(key) for key in SHAPE}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--adapters", required=True, help="their folders, parted by commas")
    parser.add_argument("--weights", default="", help="one number for each, parted by commas; without, all alike")
    parser.add_argument("--out", type=Path, required=True, help="a new folder")
    args = parser.parse_args()
    folders = [Path(name) for name in args.adapters.split(",") if name]
    tensors = mean_of(folders, [float(one) for one in args.weights.split(",") if one])
    args.out.mkdir(parents=True)
    shutil.copy(folders[-1] / CONFIG, args.out / CONFIG)
    save_file(tensors, args.out / WEIGHTS, metadata={"format": "pt"})


if __name__ == "__main__":
    main()
