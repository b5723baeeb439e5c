"""Holds an answer to its task's JSON Schema while it is written: at each step, which tokens may come next.

llguidance computes the sets (a parser over the bytes of the tokenizer's words); this module gives it the schema, the
tokenizer and each row's tokens. Promise: an answer that ends by itself keeps the schema, whatever the model; rows
without a schema are not touched; the answer's own keys may come in any order. Limits: keys of objects inside it come in
the schema's order; an answer that meets its token budget is cut all the same, and whatever was decoded is parsed and
checked like any other. Between two signs stand no blanks, a space, or a new line with its indent: a model that likes
blanks would write nothing else. Only fast tokenizers (tokenizer.json) can be used.
"""

import json
from dataclasses import dataclass
from typing import Any

import torch

from training.engine.constrained_order import any_order
from training.engine.constrained_schema import plain_schema
from training.engine.load import LoadedBase
from training.errors import InputError, ModelError
from training.task.pack import Pack

OFF = "Switch constrained decoding off; in an evaluation, leave the constrained arms out."
BLANKS = r" |\r?\n( {0,16}|\t{0,8})"


@dataclass(frozen=True, slots=True)
class Grammar:
    """A schema ready for one tokenizer; shared by rows. `begin` gives a row its own place in it."""

    words: Any  # the library's view of the tokenizer
    text: str

    def begin(self) -> "Held":
        from llguidance import LLMatcher

        matcher = LLMatcher(self.words, self.text, log_level=0)
        if matcher.is_error():
            raise ModelError(
                f"The schema can't be held to: {matcher.get_error()}", fix=f"Report this as a bug. Until then: {OFF}"
            )
        return Held(matcher)


class Held:
    """One row's place in the grammar."""

    def __init__(self, matcher: Any) -> None:
        self._matcher = matcher

    @torch.inference_mode()
    def mask(self, logits: torch.Tensor) -> None:
        """Set the logits (vocab,) of every token that may not come next to minus infinity, in place."""
        allowed = torch.frombuffer(bytearray(self._matcher.compute_logit_bias()), dtype=torch.uint8) > 0
        known = len(allowed)  # a model's last layer may be wider than its tokenizer, or narrower
        logits[known:] = -torch.inf
        logits[:known].masked_fill_(~allowed[: len(logits)].to(logits.device), -torch.inf)

    def take(self, token: int) -> bool:
        """Go on by the token that was chosen; True where the answer is whole and nothing may follow."""
        if not self._matcher.consume_token(token):
            raise ModelError(
                f"A token was chosen that the schema does not allow: {self._matcher.get_error()}",
                fix="Report this as a bug.",
            )
        return bool(self._matcher.is_stopped())


def grammar_of(loaded: LoadedBase, pack: Pack | None) -> Grammar:
    """The pack's schema for a loaded base, made once for each schema. Raises as `schema_grammar` does."""
    if pack is None:
        raise InputError("An answer can be held to a schema only where a task is named.", fix="Name the task.")
    key = json.dumps(pack.schema, sort_keys=True)
    if key not in loaded.grammars:
        vocab = int(loaded.model.get_output_embeddings().weight.shape[0])
        loaded.grammars[key] = schema_grammar(pack, loaded.tokenizer, vocab, loaded.end_ids)
    return loaded.grammars[key]


def schema_grammar(pack: Pack, tokenizer: Any, vocab: int, ends: frozenset[int]) -> Grammar:
    """The pack's schema for a tokenizer. `vocab` is the width of the logits, `ends` every token that ends an answer.

    InputError for a pack whose answers are text, and for a schema with words that the decoder does not know.
    """
    from llguidance import LLMatcher

    if pack.answer.kind == "text":
        raise InputError(
            f"The answers of {pack.name} are text: there is no JSON to hold them to.",
            fix=OFF,
        )
    words = _words(tokenizer, vocab, ends)
    options: Any = {"whitespace_pattern": BLANKS, "json_allow_general_unicode_escapes": True}
    free = any_order(pack.schema, options)
    if free is not None:
        text = LLMatcher.grammar_from_lark(free)
    else:
        text = LLMatcher.grammar_from_json_schema(plain_schema(pack.schema), overrides=options)
    broken, reasons = LLMatcher.validate_grammar_with_warnings(text, words)
    if broken:
        raise InputError(
            f"The schema of {pack.name} can't be held to while an answer is written: {' '.join(reasons)[:300]}",
            fix=f"Change that part of output_schema.json, or: {OFF}",
        )
    return Grammar(words, text)


def _words(tokenizer: Any, vocab: int, ends: frozenset[int]) -> Any:
    from llguidance import LLTokenizer
    from llguidance.hf import from_tokenizer

    if not getattr(tokenizer, "is_fast", False):
        raise ModelError(
            "This base's tokenizer has no tokenizer.json, which constrained decoding reads.",
            fix=f"Take another base, or: {OFF}",
        )
    try:
        return from_tokenizer(
            tokenizer, n_vocab=max(vocab, len(tokenizer)), eos_token=sorted(ends), slices=LLTokenizer.json_slices()
        )
    except (ValueError, RuntimeError) as err:
        raise ModelError(
            f"This base's tokenizer can't be used for constrained decoding: {' '.join(str(err).split())[:200]}",
            fix=f"Take another base, or: {OFF}",
        ) from err
