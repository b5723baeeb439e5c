"""The decoding loop: every arm is a row of one batch, told apart by its adapter, streamed step by step.

Its own loop, because rows must end, be cancelled and leave the batch one by one, and because nothing of a model's
generation_config may leak into an answer. Prompts are padded on the left and masked; where no row needs padding no
mask is built. Torch's inference mode is entered for each step and never held across a `yield`: a stream may be
resumed by another thread.
"""

import threading
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from training.engine.api import Delta
from training.engine.detok import Detokenizer
from training.engine.load import LoadedBase, use_threads
from training.engine.roomy_cache import roomy_cache
from training.engine.sampling import Picker
from training.engine.stopping import MarkerScanner, ObjectScanner
from training.task.records import FinishReason, Sampling

if TYPE_CHECKING:
    from training.engine.constrained import Grammar, Held

_PIECE_WORK = 200_000_000_000  # multiplications; some seconds on two slow cores
_LEAST_PIECE, _MOST_PIECE = 32, 2048  # tokens


@dataclass(frozen=True, slots=True)
class Job:
    """What one row is asked. `adapter` is its name inside PEFT, or "__base__".

    `stop_json`: end at a whole object; `stop_text`: end at this marker, "" at none; `grammar` holds every token to a
    schema, None lets it write what it likes.
    """

    adapter: str
    prompt_ids: tuple[int, ...]
    sampling: Sampling
    stop_json: bool
    stop_text: str = ""
    grammar: "Grammar | None" = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One finished row. `new_tokens` counts every token the model gave, an end token included; times in seconds."""

    index: int
    text: str
    finish: FinishReason
    new_tokens: int
    ttft_s: float
    gen_s: float


@dataclass(slots=True)
class _Row:
    index: int
    job: Job
    picker: Picker
    words: Detokenizer
    scanner: ObjectScanner | MarkerScanner | None
    held: "Held | None" = None
    whole: bool = False  # a complete JSON object: the next token is looked at, and not taken
    ids: list[int] = field(default_factory=list)
    ttft_s: float = 0.0


@dataclass(slots=True)
class _Batch:
    """Tensors of the rows still running. `mask` is None where no row is padded, `positions` (rows,) the last."""

    rows: list[_Row]
    cache: Any
    mask: torch.Tensor | None
    positions: torch.Tensor


def decode(loaded: LoadedBase, jobs: Sequence[Job], cancel: threading.Event) -> Generator[Delta | Answer, None, None]:
    """Answer all jobs as one batch: a Delta for each row and step, an Answer as soon as a row ends.

    The caller holds the turn. A set `cancel` ends all rows before the next step with what they have.
    """
    started = time.perf_counter()
    rows = [_new_row(loaded, index, job) for index, job in enumerate(jobs)]
    try:
        logits, batch = _prefill(loaded, rows, cancel)
        if logits is None:
            yield from (_answer(row, FinishReason.CANCELLED, started) for row in rows)
            return
        while True:
            kept: list[int] = []
            tokens = _pick(logits, batch.rows)
            for place, (row, token) in enumerate(zip(batch.rows, tokens, strict=True)):
                ended = _take(loaded, row, token, started)
                yield Delta(row.index, row.words.text, len(row.ids), time.perf_counter() - started)
                if ended is None:
                    kept.append(place)
                else:
                    yield _answer(row, ended, started)
            if not kept:
                return
            if cancel.is_set():
                for row in [batch.rows[place] for place in kept]:
                    yield _answer(row, FinishReason.STOP if row.whole else FinishReason.CANCELLED, started)
                return
            logits = _step(loaded, batch, kept, tokens)
    finally:
        loaded.sides.set(None)


def _new_row(loaded: LoadedBase, index: int, job: Job) -> _Row:
    scanner = ObjectScanner() if job.stop_json else MarkerScanner(job.stop_text) if job.stop_text else None
    held = None if job.grammar is None else job.grammar.begin()
    return _Row(index, job, Picker(job.sampling), Detokenizer(loaded.tokenizer), scanner, held)


def _take(loaded: LoadedBase, row: _Row, token: int | None, started: float) -> FinishReason | None:
    """Give a row its next token; returns why it ends here, or None. A None token means the numbers broke down.

    A complete JSON object is the end of its answer. Whether the model would have ended there by itself is told by the
    token after it, which is looked at (no schema holds it) and is no part of the answer, unless it is an end token.
    """
    if row.whole and (token is None or token not in loaded.end_ids):
        return FinishReason.STOP if token is None else FinishReason.RAN_ON
    if token is None:
        return FinishReason.ERROR
    row.ids.append(token)
    if len(row.ids) == 1:
        row.ttft_s = time.perf_counter() - started
    if token in loaded.end_ids:
        return FinishReason.EOS
    new = row.words.add(token)
    whole = row.held is not None and row.held.take(token)
    done = whole or (row.scanner is not None and row.scanner.feed(new))
    if len(row.ids) >= row.job.sampling.max_new_tokens:
        return FinishReason.STOP if done else FinishReason.LENGTH
    row.whole = done and row.job.stop_json
    return FinishReason.STOP if done and not row.whole else None


def _answer(row: _Row, finish: FinishReason, started: float) -> Answer:
    return Answer(row.index, row.words.full(), finish, len(row.ids), row.ttft_s, time.perf_counter() - started)


@torch.inference_mode()
def _pick(logits: torch.Tensor, rows: Sequence[_Row]) -> list[int | None]:
    """The next token of every row from logits (rows, vocab); None where they hold no finite maximum.

    Rows with a grammar are masked in place first; where no row has one, nothing is touched.
    """
    for place, row in enumerate(rows):
        if row.held is not None and not row.whole:
            row.held.mask(logits[place])
    best, greedy = logits.max(-1)
    sound, choice = torch.isfinite(best).tolist(), greedy.tolist()
    tokens: list[int | None] = []
    for place, row in enumerate(rows):
        if not sound[place]:
            tokens.append(None)
        else:
            largest = choice[place]
            tokens.append(largest if row.picker.settles(largest, row.ids) else row.picker.pick(logits[place], row.ids))
    return tokens


def _prefill(loaded: LoadedBase, rows: list[_Row], cancel: threading.Event) -> tuple[torch.Tensor | None, _Batch]:
    """Read all prompts; returns logits (rows, vocab) behind each and the batch, None for logits when cancelled.

    Long prompts are read in pieces of a few seconds at most, so that leaving does not have to wait for the whole.
    """
    lengths = [len(row.job.prompt_ids) for row in rows]
    longest = max(lengths)
    pad = loaded.tokenizer.pad_token_id or 0
    ids = torch.tensor([[pad] * (longest - len(row.job.prompt_ids)) + list(row.job.prompt_ids) for row in rows])
    mask = None
    positions = torch.arange(longest).expand(len(rows), -1)
    if min(lengths) < longest:
        mask = torch.tensor([[0] * (longest - n) + [1] * n for n in lengths])
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        mask = mask.to(loaded.device)
    cache = roomy_cache(loaded.model.config)
    loaded.sides.set([row.job.adapter for row in rows])
    batch = _Batch(rows, cache, mask, torch.tensor([n - 1 for n in lengths], device=loaded.device))
    ids, positions = ids.to(loaded.device), positions.to(loaded.device)
    piece = piece_tokens(loaded.card.parameters * len(rows), loaded.device)
    logits = None
    for start in range(0, longest, piece):
        if cancel.is_set():
            return None, batch
        end = min(start + piece, longest)
        seen = None if mask is None else mask[:, :end]
        with torch.inference_mode():
            logits = _forward(loaded, batch, ids[:, start:end], positions[:, start:end], seen)
    return logits, batch


def piece_tokens(weights: int, device: torch.device) -> int:
    """Prompt tokens read at once where each token takes `weights` multiplications, over all rows."""
    work = _PIECE_WORK if device.type == "cpu" else 100 * _PIECE_WORK
    return max(_LEAST_PIECE, min(_MOST_PIECE, work // max(1, weights)))


@torch.inference_mode()
def _step(loaded: LoadedBase, batch: _Batch, kept: list[int], tokens: list[int | None]) -> torch.Tensor:
    """Drop the rows that ended, feed each other one its token; returns logits (kept rows, vocab)."""
    if len(kept) < len(batch.rows):
        places = torch.tensor(kept, device=loaded.device)
        batch.cache.reorder_cache(places)  # selects along the batch for every kind of layer, conv states as well
        batch.rows = [batch.rows[place] for place in kept]
        batch.positions = batch.positions[places]
        batch.mask = None if batch.mask is None else batch.mask[places]
        loaded.sides.set([row.job.adapter for row in batch.rows])
    batch.positions = batch.positions + 1
    if batch.mask is not None:
        batch.mask = torch.cat([batch.mask, batch.mask.new_ones(len(kept), 1)], dim=-1)
    ids = torch.tensor([[tokens[place]] for place in kept], device=loaded.device)
    return _forward(loaded, batch, ids, batch.positions.unsqueeze(-1), batch.mask)


def _forward(
    loaded: LoadedBase, batch: _Batch, ids: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor | None
) -> torch.Tensor:
    """One pass over ids (rows, n) at positions (rows, n), masked by mask (rows, everything so far) or by nothing.

    Returns logits (rows, vocab) of the last place in fp32.
    """
    use_threads(loaded.threads)
    result = loaded.model(
        input_ids=ids,
        attention_mask=mask,
        position_ids=positions,
        past_key_values=batch.cache,
        use_cache=True,
        logits_to_keep=1,
    )
    return result.logits[:, -1].float()
