"""Samples to padded batches, made in a second process while the model learns.

Batches are numbered by their seeds: the same stage and start give the same batches on every machine.
"""

import multiprocessing as mp
import random
import re
from collections.abc import Iterator
from pathlib import Path
from queue import Full
from typing import Any, NamedTuple

from training.data.corpus import Dice
from training.data.general import compact, copy_sample, facts_sample, general_sample, lines_sample, tiny_sample
from training.data.questions import Sample

POOL = 96  # samples sorted by length together
WIDTH = 64  # padded lengths are multiples of it: few shapes, so that the kernels made for them are used again


class Batch(NamedTuple):
    """Token ids [rows][tokens] right-padded with 0, and the labels of the next token, -100 where nothing is learnt."""

    ids: list[list[int]]
    labels: list[list[int]]
    position: int  # the first sample number that is not used yet


def random_copy(rng: random.Random, tokenizer: Any) -> tuple[list[int], list[int]]:
    """4 to 24 random tokens to be written again: what builds the copying circuit."""
    vocabulary = len(tokenizer)
    span = [rng.randrange(6, vocabulary) for _ in range(rng.randint(4, 24))]
    user, answer, end, bos = (
        tokenizer.convert_tokens_to_ids(t) for t in ("<|user|>", "<|assistant|>", "<|end|>", "<|bos|>")
    )
    ids = [bos, user, *span, end, answer, *span, end]
    return ids, [-100] * (len(span) + 4) + [*span, end]


def encode(sample: Sample, tokenizer: Any) -> tuple[list[int], list[int]]:
    """Ids and labels of one sample, segment by segment (segments begin or end with a special token)."""
    ids: list[int] = []
    labels: list[int] = []
    for text, learn in sample:
        piece = tokenizer.encode(text, add_special_tokens=False)
        ids += piece
        labels += piece if learn else [-100] * len(piece)
    return ids, labels


def decisions(sample: Sample, tokenizer: Any) -> list[bool]:
    """Per token of `encode`: does a choice begin here, which key comes next or whether a list or object goes on?

    These are the tokens that no copying helps with, and few: a mean over all tokens hides them.
    """
    found: list[bool] = []
    for text, learn in sample:
        piece = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
        keys = {m.start(1) for m in re.finditer(r'[{,]"([^"\\]+)":', text)} if learn else set()
        found += [learn and (any(at in keys for at in range(a, b)) or not text[a:b].strip('"[]{}:,')) for a, b in piece]
    return found


def make(number: int, stage: int, tokenizer: Any) -> tuple[list[int], list[int]]:
    """The sample of that number.

    Stage 0 copies random tokens, 1 copies lines, 2 asks about one to three facts, 3 about short texts, 4 is the
    general mix. Each stage is soon learnt after the one before and hardly at all without it.
    """
    rng = Dice(f"stage {stage}|{number}")
    if stage == 0:
        return random_copy(rng, tokenizer)
    roll = rng.random()
    if (stage == 1 and roll < 0.8) or (stage in (2, 3) and roll < 0.1):
        return encode(rng.choice((lines_sample, copy_sample))(rng, compact), tokenizer)
    if stage == 2 or (stage == 3 and roll < 0.25):
        return encode(tiny_sample(rng, compact), tokenizer)
    if stage == 3 and roll < 0.85:
        return encode(facts_sample(rng, compact), tokenizer)
    return encode(general_sample(number), tokenizer)


def batches(tokenizer_dir: Path, stage: int, start: int, tokens: int, longest: int) -> Iterator[Batch]:
    """Endless batches of at most `tokens` padded tokens from sample number `start` on."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tokenizer_dir)
    while True:
        pool = [s for s in (make(start + i, stage, tokenizer) for i in range(POOL)) if len(s[0]) <= longest]
        start += POOL
        pool.sort(key=lambda s: len(s[0]))
        groups: list[list[tuple[list[int], list[int]]]] = [[]]
        for sample in pool:
            if groups[-1] and len(sample[0]) * (len(groups[-1]) + 1) > tokens:
                groups.append([])
            groups[-1].append(sample)
        random.Random(start).shuffle(groups)
        for group in groups:
            width = -(-max(len(ids) for ids, _ in group) // WIDTH) * WIDTH
            yield Batch(
                [ids + [0] * (width - len(ids)) for ids, _ in group],
                [labels + [-100] * (width - len(labels)) for _, labels in group],
                start,
            )


def _fill(queue: Any, stop: Any, settings: tuple[Path, int, int, int, int]) -> None:
    parent = mp.parent_process()

    def left() -> bool:
        """Nobody reads any more: told so, or the training process is gone."""
        return stop.is_set() or parent is None or not parent.is_alive()

    for batch in batches(*settings):
        while not left():
            try:
                queue.put(batch, timeout=1)
                break
            except Full:
                continue
        if left():
            return


class Feed:
    """Batches from a second process."""

    def __init__(self, tokenizer_dir: Path, stage: int, start: int, tokens: int, longest: int) -> None:
        context = mp.get_context("spawn")
        self._queue, self._stop = context.Queue(12), context.Event()
        self._worker = context.Process(
            target=_fill, args=(self._queue, self._stop, (tokenizer_dir, stage, start, tokens, longest)), daemon=True
        )
        self._worker.start()

    def next(self) -> Batch:
        return self._queue.get()

    def close(self) -> None:
        self._stop.set()
        self._worker.terminate()
