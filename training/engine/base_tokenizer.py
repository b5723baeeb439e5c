"""A base's tokenizer and how much it reads, from its folder alone: no weights, and no torch at import."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from training.errors import ModelError


def context_tokens(folder: Path, tokenizer: Any) -> int:
    """Tokens that a base reads in all, as its config states it."""
    import training.engine.transformers_once  # noqa: F401  (first)

    from transformers import AutoConfig

    try:
        config: Any = AutoConfig.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError, KeyError) as err:
        raise ModelError(f"The config of {folder.name} can't be read: {err}.", fix="Name another base.") from err
    stated = getattr(config.get_text_config(), "max_position_embeddings", None) or 2048
    return min(int(stated), int(min(tokenizer.model_max_length, 10**9)))


@lru_cache(maxsize=2)
def load_tokenizer(folder: Path) -> Any:
    """The tokenizer of a base's folder. ModelError where it can't be read."""
    import training.engine.transformers_once  # noqa: F401  (first)

    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError, KeyError, ImportError) as err:
        raise ModelError(f"The tokenizer of {folder.name} can't be read: {err}.", fix="Name another base.") from err
