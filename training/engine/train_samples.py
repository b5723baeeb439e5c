"""The current weights answer a few fixed prompts, greedily, without leaving a trace in the run."""

import time
from typing import Any

import training.engine.transformers_once  # noqa: F401  (first)

import torch
from transformers import DynamicCache

from training.engine.detok import Detokenizer
from training.engine.stopping import MarkerScanner, ObjectScanner
from training.engine.tokens import encode, end_ids
from training.engine.train_job import SamplePrompt
from training.engine.train_trainer import undisturbed
from training.task.records import FinishReason


class Sampler:
    """Answers prompts with a model that is being trained; its end tokens are looked up once."""

    def __init__(self, model: Any, tokenizer: Any, device: torch.device) -> None:
        self._model, self._tokenizer, self._device = model, tokenizer, device
        self._ends = end_ids(tokenizer, model.generation_config.eos_token_id)

    def answer(self, prompt: SamplePrompt) -> tuple[str, str, float]:
        """(raw answer, why it ended, seconds)."""
        started = time.perf_counter()
        scanner = ObjectScanner() if prompt.stop_json else MarkerScanner(prompt.marker) if prompt.marker else None
        words = Detokenizer(self._tokenizer)
        with undisturbed(self._model):
            finish = self._write(encode(self._tokenizer, prompt.prompt), prompt.max_new_tokens, words, scanner)
        return words.full(), str(finish), time.perf_counter() - started

    def _write(self, ids: list[int], most: int, words: Detokenizer, scanner: Any) -> FinishReason:
        cache = DynamicCache(config=self._model.config)
        given = torch.tensor([ids], device=self._device)
        for place in range(len(ids), len(ids) + most):
            seen = self._model(
                input_ids=given,
                position_ids=torch.arange(place - given.shape[1], place, device=self._device).unsqueeze(0),
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            logits = seen.logits[0, -1].float()
            if not torch.isfinite(logits.max()):
                return FinishReason.ERROR
            token = int(logits.argmax())
            if token in self._ends:
                return FinishReason.EOS
            new = words.add(token)
            if scanner is not None and scanner.feed(new):
                return FinishReason.STOP
            given = torch.tensor([[token]], device=self._device)
        return FinishReason.LENGTH
