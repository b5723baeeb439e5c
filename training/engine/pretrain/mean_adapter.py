"""The mean of adapters that came from one another, weight by weight: what they agree on stays, what each lost is less.

    python -m training.engine.pretrain.mean_adapter --adapters build/fifth,build/sixth --out build/adapter

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


def mean_of(folders: Sequence[Path]) -> dict[str, torch.Tensor]:
    """Each tensor's mean over the adapters. AdapterError where they are not of one shape, or of fewer than two."""
    if len(folders) < 2:
        raise AdapterError("A mean needs two adapters or more.", fix="Name their folders, parted by commas.")
    first = load_file(folders[0] / WEIGHTS)
    sums = {name: tensor.float() for name, tensor in first.items()}
    settings = _settings(folders[0])
    for folder in folders[1:]:
        other = load_file(folder / WEIGHTS)
        shapes = {name: tensor.shape for name, tensor in other.items()}
        if shapes != {name: tensor.shape for name, tensor in first.items()} or _settings(folder) != settings:
            raise AdapterError(
                f"{folder} is of another shape than {folders[0]}.", fix="Take adapters that came from one another."
            )
        for name, tensor in other.items():
            sums[name] += tensor.float()
    return {name: (total / len(folders)).to(first[name].dtype) for name, total in sums.items()}


def _settings(folder: Path) -> dict[str, object]:
    config = json.loads((folder / CONFIG).read_text("utf-8"))
    return {key: config.get(key) for key in SHAPE}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--adapters", required=True, help="their folders, parted by commas")
    parser.add_argument("--out", type=Path, required=True, help="a new folder")
    args = parser.parse_args()
    folders = [Path(name) for name in args.adapters.split(",") if name]
    tensors = mean_of(folders)
    args.out.mkdir(parents=True)
    shutil.copy(folders[-1] / CONFIG, args.out / CONFIG)
    save_file(tensors, args.out / WEIGHTS, metadata={"format": "pt"})


if __name__ == "__main__":
    main()
