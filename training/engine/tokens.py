"""What counts as an end token, and how text becomes ids: once, for training and generation alike.

A prompt is rendered by the chat template, so it already holds its special tokens: ids are always made with
`add_special_tokens=False`. Works on any Hugging Face tokenizer; imports no torch.
"""

from collections.abc import Sequence
from typing import Any

_MARK = "\u241etasted\u241e"


def encode(tokenizer: Any, text: str) -> list[int]:
    """Token ids of rendered text; nothing is added and nothing is cut."""
    return list(tokenizer(text, add_special_tokens=False, truncation=False, verbose=False)["input_ids"])


def chat_end_token(tokenizer: Any) -> str | None:
    """The special token that the chat template puts after an assistant turn; the EOS where there is no template.

    None when the tokenizer knows neither.
    """
    eos = getattr(tokenizer, "eos_token", None)
    if not getattr(tokenizer, "chat_template", None):
        return eos
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": _MARK}]
    rendered = tokenizer.apply_chat_template(turns, tokenize=False)
    after = rendered.rsplit(_MARK, 1)[-1].lstrip()
    tokens = sorted({*tokenizer.all_special_tokens, *_added_tokens(tokenizer)}, key=len, reverse=True)
    return next((token for token in tokens if token and after.startswith(token)), eos)


def _added_tokens(tokenizer: Any) -> list[str]:
    return [str(token) for token in getattr(tokenizer, "added_tokens_decoder", {}).values()]


def end_ids(tokenizer: Any, configured: int | Sequence[int] | None) -> frozenset[int]:
    """Every id that ends an answer: the generation config's (one or a list), the tokenizer's and the template's."""
    ids: set[int] = set()
    if isinstance(configured, int):
        ids.add(configured)
    elif configured is not None:
        ids.update(int(i) for i in configured)
    if tokenizer.eos_token_id is not None:
        ids.add(int(tokenizer.eos_token_id))
    if end := chat_end_token(tokenizer):
        ids.add(int(tokenizer.convert_tokens_to_ids(end)))
    return frozenset(ids)
