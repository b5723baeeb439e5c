"""One row as a base reads it in training: the prompt as the studio renders it, then the answer that loss is taken on.

Only the base's tokenizer is read and fetched, never its weights. The context step runs as it does for a comparison, so
what it leaves out of a long page is left out here too. Limit: a token that is part of a character reads as a
replacement mark.
"""

from pathlib import Path
from typing import Any, NamedTuple

from training.engine.api import EngineSettings
from training.engine.base_tokenizer import load_tokenizer
from training.engine.download import TOKENIZER
from training.engine.hub import EMBEDDED, base_folder
from training.engine.tokens import chat_end_token, encode
from training.task.context import build_context
from training.task.pack import Pack
from training.task.prompt import render_prompt
from training.task.records import Source


class RowToken(NamedTuple):
    """`learned` is True on the answer, its end token included, and False on the prompt."""

    id: int
    text: str
    learned: bool


def tokens_of(base: str, home: Path | None, pack: Pack, source: str, answer: str) -> tuple[RowToken, ...]:
    """The tokens of a row. `base` is a name, a folder or a Hub id; "" is the embedded one. `home` None: a Space.

    ModelError where the base is not there or its tokenizer can't be read.
    """
    settings = EngineSettings(home=home, allow_paths=home is not None, hub="any" if home else "none")
    folder = base_folder(base or EMBEDDED, settings, lambda *_: None, wanted=TOKENIZER)
    return split_tokens(load_tokenizer(folder), pack, source, answer)


def split_tokens(tokenizer: Any, pack: Pack, source: str, answer: str) -> tuple[RowToken, ...]:
    """The same with a tokenizer at hand."""
    context = build_context(Source(source), pack.context, lambda text: len(encode(tokenizer, text)))
    prompt = render_prompt(pack, context, tokenizer).token_ids
    learned = encode(tokenizer, answer + (chat_end_token(tokenizer) or ""))
    marked = [*((at, False) for at in prompt), *((at, True) for at in learned)]
    return tuple(RowToken(at, tokenizer.decode([at], skip_special_tokens=False), flag) for at, flag in marked)
