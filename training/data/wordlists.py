"""Word and line lists of our own, one entry a line, in `assets/words`. Their order is part of the seed's meaning."""

import functools

from training.data.corpus import CORPUS

FOLDER = CORPUS.parent / "words"


@functools.cache
def words(name: str) -> tuple[str, ...]:
    """The entries of `assets/words/<name>.txt`, in file order."""
    return tuple((FOLDER / f"{name}.txt").read_text("utf-8").splitlines())
