"""How many tokens a text has for a base, and how many it reads at most: two small files are read or fetched, no
weights. No torch."""

import json
from collections.abc import Callable
from pathlib import Path

from training.engine.api import EngineSettings
from training.engine.hub import EMBEDDED, base_folder
from training.errors import ModelError

FETCHED = ["tokenizer.json", "config.json"]


def token_counter(base: str, home: Path | None) -> Callable[[str], int]:
    """Counts tokens as the base reads text, nothing added. `base` is a name, a folder or a Hub id; "" is the embedded.

    Special tokens that stand in a text count as the tokens they are. ModelError where the base is not there, or has no
    tokenizer.json.
    """
    from tokenizers import Tokenizer

    folder = _folder(base, home)
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise ModelError(f"{folder} has no tokenizer.json.", fix="Name a base whose folder has one.")
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as err:  # the library raises nothing narrower
        raise ModelError(f"{path} can't be read: {err}.", fix="Fetch the model again.") from err

    def count(text: str) -> int:
        clean = text.encode("utf-8", "replace").decode("utf-8")  # lone surrogates: the tokenizer takes UTF-8 alone
        return len(tokenizer.encode(clean, add_special_tokens=False).ids)

    return count


def context_tokens(base: str, home: Path | None) -> int | None:
    """The most tokens that a base reads, prompt and answer together; None where its config says nothing of it.

    ModelError where the base is not there.
    """
    path = _folder(base, home) / "config.json"
    try:
        config = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as err:
        raise ModelError(f"{path} can't be read: {err}.", fix="Fetch the model again.") from err
    parts = [part for part in (config, config.get("text_config")) if isinstance(part, dict)]
    stated = [part[key] for part in parts for key in ("max_position_embeddings", "n_positions") if part.get(key)]
    return int(stated[0]) if stated else None


def _folder(base: str, home: Path | None) -> Path:
    return base_folder(base or EMBEDDED, EngineSettings(home=home), lambda *_: None, wanted=FETCHED)
