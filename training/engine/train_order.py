"""In which order rows are seen, and how a few of them become one batch."""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch.utils.data import Sampler

from training.engine.train_rows import IGNORED

_WINDOW = 8  # micro-batches that are sorted by length together
WIDTHS = 32  # tokens


class LengthGroups(Sampler[int]):
    """Shuffled rows, sorted by length inside windows of a few micro-batches, micro-batches shuffled again.

    The first `short` rows given out are of the shortest quarter. Deterministic in (seed, epoch), so a resumed run
    skips exactly the rows it has seen.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, accumulation: int, seed: int, short: int = 0) -> None:
        self._lengths = lengths
        self._short = short
        self._batch = batch_size
        self._window = batch_size * max(accumulation, _WINDOW)
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        rng = random.Random(f"{self._seed}/{self._epoch}")
        order = list(range(len(self._lengths)))
        rng.shuffle(order)
        if self._short and not self._epoch:
            border = sorted(self._lengths)[len(self._lengths) // 4]
            first = [i for i in order if self._lengths[i] <= border][: self._short]
            taken = set(first)
            order = first + [i for i in order if i not in taken]
        full: list[list[int]] = []
        rest: list[int] = []  # a short batch must stay last, or every later one would straddle two
        for start in range(0, len(order), self._window):
            window = sorted(order[start : start + self._window], key=lambda i: self._lengths[i])
            batches = [window[i : i + self._batch] for i in range(0, len(window), self._batch)]
            rest = batches.pop() if len(batches[-1]) < self._batch else rest
            rng.shuffle(batches)
            full += batches
        return iter([index for batch in full for index in batch] + rest)


def padded(rows: Sequence[Mapping[str, Any]], pad: int) -> dict[str, torch.Tensor]:
    """Rows under each other (rows, width), padded on the right with `pad`; nothing is learnt from padding.

    The width is a multiple of WIDTHS: a CPU compiles and keeps its kernels for each shape that it meets.
    """
    longest = round_up(max(len(row["input_ids"]) for row in rows), WIDTHS)

    def column(name: str, filler: int) -> torch.Tensor:
        return torch.tensor([list(row[name]) + [filler] * (longest - len(row[name])) for row in rows])

    mask = torch.tensor([[1] * (n := len(row["input_ids"])) + [0] * (longest - n) for row in rows])
    return {"input_ids": column("input_ids", pad), "labels": column("labels", IGNORED), "attention_mask": mask}


def round_up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


def packed(rows: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
    """Rows behind each other in one line (1, all tokens), positions counted anew in each.

    A row's first token is nobody's next one, so nothing is learnt at a border. That no row sees another is for the
    model to keep, from the positions: see training.engine.train_packing.
    """
    ids = [i for row in rows for i in row["input_ids"]]
    labels = [i for row in rows for i in (IGNORED, *row["labels"][1:])]
    places = [i for row in rows for i in range(len(row["input_ids"]))]
    return {
        "input_ids": torch.tensor([ids]),
        "labels": torch.tensor([labels]),
        "position_ids": torch.tensor([places]),
    }


def tokens_in(batch: Mapping[str, torch.Tensor]) -> int:
    """Tokens of a batch, padding left out."""
    return int(batch["attention_mask"].sum()) if "attention_mask" in batch else batch["input_ids"].numel()


def rows_in(batch: Mapping[str, torch.Tensor]) -> int:
    if "attention_mask" in batch:
        return len(batch["input_ids"])
    return int((batch["position_ids"] == 0).sum())
