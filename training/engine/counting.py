"""How many tokens a text has for a base: its tokenizer's own file is all that is read. No torch."""

from collections.abc import Callable
from pathlib import Path

from training.engine.api import EngineSettings
from training.engine.hub import EMBEDDED, resolve_base
from training.errors import ModelError


def token_counter(base: str, home: Path | None) -> Callable[[str], int]:
    """Counts tokens as the base reads text, nothing added. `base` is a name, a folder or a Hub id; "" is the embedded.

    Special tokens that stand in a text count as the tokens they are. ModelError where the base is not there, or has no
    tokenizer.json.
    """
    from tokenizers import Tokenizer

    folder = resolve_base(base or EMBEDDED, EngineSettings(home=home), lambda *_: None).folder
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
