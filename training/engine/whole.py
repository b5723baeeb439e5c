"""Whether a model's files hold every weight of it. What is missing, Transformers fills with random numbers."""

from collections.abc import Mapping
from typing import Any

from training.errors import ModelError

# For from_pretrained, which then returns (model, info) and leaves tensors of another shape to `check_whole`.
TOLD: dict[str, Any] = {"output_loading_info": True, "ignore_mismatched_sizes": True}


def check_whole(name: str, info: Mapping[str, Any]) -> None:
    """ModelError where a tensor is missing or of another shape than the config says; `info` is of a load with `TOLD`.

    A tied weight, such as an output head that is the embedding, is not missing: it stands under its other name.
    """
    if missing := sorted(info["missing_keys"]):
        count = "1 tensor" if len(missing) == 1 else f"{len(missing):,} tensors"
        raise ModelError(
            f"{name} lacks {count} of its model, such as {missing[0]}: random numbers would stand there.",
            fix="Fetch or copy the whole model folder again.",
        )
    if mismatched := sorted(info["mismatched_keys"]):
        key, has, needs = mismatched[0]
        raise ModelError(
            f"{name} has {key} of shape {list(has)}, its config.json asks for {list(needs)}.",
            fix="Take the config.json and the weights of the same model.",
        )
