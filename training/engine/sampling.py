"""From one row of logits to the next token, from explicit settings alone.

Nothing is read from a model's generation_config. The repetition penalty looks at new tokens only: punishing the
prompt's words would punish copying from it. So does `no_repeat_ngram`: a list that repeats its last line for ever is
broken off, a line that stands in the page twice is not. A sampled token is the inverse of the cumulative distribution
at one uniform number per step from the row's own seeded CPU generator: rows with the same seed use the same numbers,
so two arms differ by their distributions and not by luck.
"""

from collections.abc import Sequence

import torch

from training.task.records import Sampling


class Picker:
    """Picks tokens for one row; holds its random generator."""

    def __init__(self, sampling: Sampling) -> None:
        self._sampling = sampling
        self._generator = torch.Generator(device="cpu").manual_seed(sampling.seed)
        self._runs = _Runs(sampling.no_repeat_ngram)

    def settles(self, largest: int, new_ids: Sequence[int]) -> bool:
        """True when the largest logit decides, which is the token `largest`, and nothing else needs a look."""
        plain = self._sampling.greedy and self._sampling.repetition_penalty == 1.0
        return plain and largest not in self._runs.barred(new_ids)

    def pick(self, logits: torch.Tensor, new_ids: Sequence[int]) -> int:
        """The next token for `logits` (vocab,) after the row's `new_ids`."""
        scores = logits.detach().to("cpu", torch.float64)
        if self._sampling.repetition_penalty != 1.0 and new_ids:
            seen = torch.tensor(sorted(set(new_ids)))
            held = scores[seen]
            penalty = self._sampling.repetition_penalty
            scores[seen] = torch.where(held > 0, held / penalty, held * penalty)
        if barred := self._runs.barred(new_ids):
            left = scores.clone()
            left[sorted(barred)] = -torch.inf
            scores = left if torch.isfinite(left).any() else scores  # a grammar that leaves one way has the last word
        if self._sampling.greedy:
            return int(scores.argmax())
        return self._sample(scores / self._sampling.temperature)

    def _sample(self, scores: torch.Tensor) -> int:
        ordered, tokens = scores.sort(descending=True, stable=True)
        probabilities = ordered.softmax(0)
        if 0 < self._sampling.top_k < len(probabilities):
            probabilities = probabilities[: self._sampling.top_k]
        if self._sampling.top_p < 1.0:
            before = probabilities.cumsum(0) - probabilities  # mass of all that is likelier
            probabilities = probabilities[before < self._sampling.top_p * probabilities.sum()]
        cumulative = probabilities.cumsum(0)
        uniform = torch.rand(1, generator=self._generator, dtype=torch.float64) * cumulative[-1]
        place = int(torch.searchsorted(cumulative, uniform, right=True))
        return int(tokens[min(place, len(probabilities) - 1)])


class _Runs:
    """The runs of `size` tokens that a row has written, so that it writes none of them twice; 0 bars nothing."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._after: dict[tuple[int, ...], set[int]] = {}  # size - 1 tokens -> what came after them
        self._read = 0

    def barred(self, new_ids: Sequence[int]) -> set[int]:
        """The tokens that would end a run which stands in `new_ids` already. `new_ids` only ever grows."""
        before = self._size - 1
        if before < 0 or len(new_ids) < before:
            return set()
        for at in range(max(self._read, before), len(new_ids)):
            self._after.setdefault(tuple(new_ids[at - before : at]), set()).add(new_ids[at])
        self._read = len(new_ids)
        return self._after.get(tuple(new_ids[len(new_ids) - before :]), set())
