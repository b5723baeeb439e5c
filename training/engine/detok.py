"""Token ids to text while they come, at a cost that does not grow with the answer.

Only the last few ids are decoded at each step. Text that ends in the replacement character may be half a character:
it is held back until its other bytes have come, or until so many ids followed that they never will.
"""

from collections.abc import Sequence
from typing import Any

_HALF = "\ufffd"
_MOST_PENDING = 8  # no tokenizer spreads one character over more byte tokens


class Detokenizer:
    """`text` is all that is certain so far; `full()` decodes everything and is what a record keeps."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._ids: list[int] = []
        self._from = 0  # the window that is decoded each time starts here: one step back for leading-space rules
        self._read = 0  # ids before this one are in `text`
        self.text = ""

    def add(self, token: int) -> str:
        """Take one more id; returns the text it made certain, often of several ids, sometimes none."""
        self._ids.append(token)
        known = self._decode(self._ids[self._from : self._read])
        window = self._decode(self._ids[self._from :])
        pending = window.endswith(_HALF) and len(self._ids) - self._read < _MOST_PENDING
        if pending or len(window) <= len(known):
            return ""
        new = window[len(known) :]
        self._from, self._read = self._read, len(self._ids)
        self.text += new
        return new

    def full(self) -> str:
        """The whole answer decoded at once, special tokens dropped."""
        return self._decode(self._ids)

    def _decode(self, ids: Sequence[int]) -> str:
        return self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
