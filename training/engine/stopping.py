"""Knows when an answer is complete: a top-level JSON object, or the end marker of a text. Pure; fed as text streams.

The object scanner follows brackets and strings, so a brace inside a string, an escaped quote or a nested object never
ends an answer early. Prose before the first `{` is passed over; an answer that opens with `[` is one array and ends
with it. Brackets that do not match mean this is no JSON: then nothing stops it but the end token or the budget.
"""

_CLOSES = {"}": "{", "]": "["}


class ObjectScanner:
    """Feed it text; `done` turns True at the character that completes the first top-level object."""

    def __init__(self) -> None:
        self.done = False
        self._open: list[str] = []
        self._in_string = False
        self._escaped = False
        self._begun = False
        self._broken = False

    def feed(self, text: str) -> bool:
        """Read more text; returns `done`. Text after completion is ignored."""
        for char in text:
            if self.done or self._broken:
                break
            self._step(char)
        return self.done

    def _step(self, char: str) -> None:
        if self._in_string:
            self._step_in_string(char)
        elif not self._open:
            if char == "{" or (char == "[" and not self._begun):
                self._open.append(char)
            self._begun = self._begun or not char.isspace()
        elif char == '"':
            self._in_string = True
        elif char in "{[":
            self._open.append(char)
        elif char in "}]":
            self._close(char)

    def _step_in_string(self, char: str) -> None:
        if self._escaped:
            self._escaped = False
        elif char == "\\":
            self._escaped = True
        elif char == '"':
            self._in_string = False

    def _close(self, char: str) -> None:
        if self._open.pop() != _CLOSES[char]:
            self._broken = True
        elif not self._open:
            self.done = True


class MarkerScanner:
    """Feed it text; `done` turns True at the character that completes the marker, however the pieces are cut."""

    def __init__(self, marker: str) -> None:
        if not marker:
            raise ValueError("an empty end marker would end every answer at once")
        self.done = False
        self._marker = marker
        self._seen = ""

    def feed(self, text: str) -> bool:
        """Read more text; returns `done`. Text after completion is ignored."""
        if not self.done:
            read = self._seen + text
            self.done = self._marker in read
            self._seen = read[max(0, len(read) - len(self._marker) + 1) :]
        return self.done
