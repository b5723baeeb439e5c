"""From one row of logits to the next token, from explicit settings alone.

Nothing is read from a model's generation_config. The repetition penalty looks at new tokens only: punishing the
prompt's words would punish copying from it. A sampled token is the inverse of the cumulative distribution at one
uniform number per step from the row's own seeded CPU generator: rows with the same seed use the same numbers, so
two arms differ by their distributions and not by luck.
"""

from collections.abc import Sequence

import torch

from training.task.records import Sampling


class Picker:
    """Picks tokens for one row; holds its random generator."""

    def __init__(self, sampling: Sampling) -> None:
        self._sampling = sampling
        self._generator = torch.Generator(device="cpu").manual_seed(sampling.seed)

    @property
    def plain_greedy(self) -> bool:
        """True when the largest logit decides and nothing else needs a look."""
        return self._sampling.greedy and self._sampling.repetition_penalty == 1.0

    def pick(self, logits: torch.Tensor, new_ids: Sequence[int]) -> int:
        """The next token for `logits` (vocab,) after the row's `new_ids`."""
        scores = logits.detach().to("cpu", torch.float64)
        if self._sampling.repetition_penalty != 1.0 and new_ids:
            seen = torch.tensor(sorted(set(new_ids)))
            held = scores[seen]
            penalty = self._sampling.repetition_penalty
            scores[seen] = torch.where(held > 0, held / penalty, held * penalty)
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
