"""How likely a model finds a given answer: the bits it takes to write it after a prompt, token by token.

Prompt and answer are read in pieces, so that the logits of a long answer over a large vocabulary are never in memory at
once. Limit: the bits are those of the tokenizer's own way to cut the answer, as in training; other cuts of the same
text, which a model could write as well, are not summed over.
"""

import math
from collections.abc import Sequence

import torch

from training.engine.generate import piece_tokens
from training.engine.load import LoadedBase, use_threads
from training.engine.roomy_cache import roomy_cache

_MOST_LOGITS = 16_000_000  # of one piece: rows times vocabulary


@torch.inference_mode()
def bits(loaded: LoadedBase, side: str, prompt: Sequence[int], answer: Sequence[int]) -> float:
    """Bits of `answer` after `prompt`, neither empty, by the adapter `side` (its name inside PEFT, or BASE_ROW)."""
    use_threads(loaded.threads)
    ids = torch.tensor([[*prompt, *answer]], device=loaded.device)
    first = len(prompt)
    cache = roomy_cache(loaded.model.config)
    vocab = int(loaded.model.get_output_embeddings().weight.shape[0])
    piece = piece_tokens(loaded.card.parameters, loaded.device)
    total, at, last = 0.0, 0, ids.shape[1] - 1  # the last token is only foretold
    loaded.sides.set([side])
    try:
        while at < last:
            end = min(at + piece, last)
            if end >= first:
                end = min(end, max(at + 1, first - 1) + max(1, _MOST_LOGITS // vocab))
            wanted = max(0, end - max(at, first - 1))  # places of this piece whose next token is of the answer
            logits = loaded.model(
                input_ids=ids[:, at:end], past_key_values=cache, use_cache=True, logits_to_keep=max(1, wanted)
            ).logits[0]
            if wanted:
                said = torch.log_softmax(logits[-wanted:].float(), -1)
                nexts = ids[0, end - wanted + 1 : end + 1]
                total -= float(said.gather(-1, nexts.unsqueeze(-1)).sum(dtype=torch.float64))
            at = end
    finally:
        loaded.sides.set(None)
    return total / math.log(2)
