"""JSON and JSON lines, record by record, from files of any size.

Records are objects, read strictly: a key given twice, NaN and Infinity are refused. A broken line, or a broken element
of a list, costs itself and not the rest. Memory holds one record and never the list. Limits: a record may have
`RECORD_CHARS` characters; an element of a list whose quotes or brackets do not close can't be told from what follows,
so that it ends the reading, with a BadRecord that says so; a file that holds one object is read whole.
"""

import json
import re
from collections.abc import Iterator
from io import TextIOWrapper
from typing import Any, NoReturn

from training.data.rows import BadRecord
from training.data.sources.raw import RawRow, broken
from training.data.sources.textlines import Line, is_damaged
from training.errors import DataError

RECORD_CHARS = 16 << 20
_CHUNK = 1 << 20
_SPACE = re.compile(r"[ \t\r\n]*")
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|["{}\[\],]', re.DOTALL)
_KINDS = {str: "a text", list: "a list", bool: "true or false", int: "a number", float: "a number"}


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        raise ValueError(f"gives the key {next(k for k, _ in pairs if k in seen or seen.add(k))!r} twice")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"holds {name}, which is no JSON number")


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_no_number)


def read_json_lines(source: Iterator[Line], origin: str) -> Iterator[RawRow | BadRecord]:
    """One object a line; empty lines count but say nothing. Broken lines come as BadRecord with their number."""
    for line in source:
        place = f"line {line.number}"
        if line.fault:
            yield broken(origin, place, line.fault, line.text)
        elif text := line.text.strip():
            try:
                value = _DECODER.decode(text)
            except (ValueError, RecursionError) as error:
                yield broken(origin, place, _reason(error), text)
            else:
                yield _record(value, place, origin, text)


def read_json(file: TextIOWrapper, encoding: str, origin: str) -> Iterator[RawRow | BadRecord]:
    """The objects of a list, of a JSON-LD `@graph`, or the one object that the file is.

    `file` is opened by `textlines.text_file`. DataError where the file as a whole can't be read.
    """
    window = _Window(file, encoding, origin)
    window.skip_space()
    if window.here == "[":
        yield from _elements(window)
    elif window.here == "{":
        yield from _one_object(window)
    else:
        raise DataError(
            f"{origin} is no JSON: it begins with {window.text[:20]!r}.",
            fix="Choose another file, or name it by its kind.",
        )


class _Window:
    """The part of the file that is looked at: `text` from `at` on is still to be read, at line `line`."""

    def __init__(self, file: TextIOWrapper, encoding: str, origin: str) -> None:
        self._file, self._encoding, self.origin = file, encoding, origin
        self.text, self.at, self.line = "", 0, 1
        self.more()

    def more(self) -> bool:
        """Read on, at least as much again as is held. False at the end of the file."""
        rest = self.text[self.at :]
        chunk = self._file.read(max(_CHUNK, len(rest)))
        self.text, self.at = rest + chunk, 0
        return bool(chunk)

    def move(self, to: int) -> str:
        """What was passed."""
        passed = self.text[self.at : to]
        self.line += passed.count("\n")
        self.at = to
        return passed

    def skip_space(self) -> None:
        while True:
            self.move(_SPACE.match(self.text, self.at).end())  # type: ignore[union-attr]
            if self.at < len(self.text) or not self.more():
                return

    @property
    def here(self) -> str:
        return self.text[self.at : self.at + 1]

    def damaged(self, text: str) -> bool:
        return is_damaged(text, self._encoding)


def _elements(window: _Window) -> Iterator[RawRow | BadRecord]:
    window.move(window.at + 1)
    number = 0
    while True:
        window.skip_space()
        if window.here == "]":
            break
        number += 1
        place = f"record {number} (line {window.line})"
        end, value, reason = _element(window)
        if end is None:
            left = window.text[window.at : window.at + RECORD_CHARS]
            yield broken(window.origin, place, f"{reason}; nothing after it can be read", left)
            return
        text = window.move(end)
        if reason or window.damaged(text):
            yield broken(window.origin, place, reason or "holds bytes that are no text", text)
        else:
            yield _record(value, place, window.origin, text)
        if window.here == ",":
            window.move(window.at + 1)
    window.move(window.at + 1)
    window.skip_space()
    if window.here:
        left = window.text[window.at :]
        yield broken(window.origin, f"line {window.line}", "stands after the end of the list", left)


def _element(window: _Window) -> tuple[int | None, Any, str]:
    """Where the element at the window ends, its value, and what is wrong with it. No end: it can't be found."""
    while True:
        try:
            value, stop = _DECODER.raw_decode(window.text, window.at)
            stop = _SPACE.match(window.text, stop).end()  # type: ignore[union-attr]
            if window.text[stop : stop + 1] in (",", "]"):
                return stop, value, ""
            reason = "is not followed by a comma"
        except (ValueError, RecursionError) as error:
            reason = _reason(error)
        end = _end_of_element(window.text, window.at)
        if end is not None:
            return end, None, reason if end > window.at else "is empty: two commas follow each other"
        if len(window.text) - window.at > RECORD_CHARS:
            return None, None, f"has no end within {RECORD_CHARS:,} characters"
        if not window.more():
            return None, None, "is cut off: the file ends within the list"


def _end_of_element(text: str, start: int) -> int | None:
    """The place of the comma or bracket after the element, by brackets and quotes alone; None where it is not there."""
    depth = 0
    for token in _TOKEN.finditer(text, start):
        mark = token[0]
        if mark == '"':
            return None
        if mark in "{[":
            depth += 1
        elif depth == 0 and mark in ",]":
            return token.start()
        elif mark in "}]" and depth:
            depth -= 1
    return None


def _one_object(window: _Window) -> Iterator[RawRow | BadRecord]:
    while window.more():
        if len(window.text) > RECORD_CHARS:
            raise DataError(
                f"{window.origin} begins like one JSON object of more than {RECORD_CHARS:,} characters.",
                fix="Save the records as a list or, better, one a line (.jsonl).",
            )
    if window.damaged(window.text):
        raise DataError(f"{window.origin} holds bytes that are no text.", fix="Save it as UTF-8.")
    try:
        value = _DECODER.decode(window.text.strip())
    except json.JSONDecodeError as error:
        several = error.msg == "Extra data"
        raise DataError(
            f"{window.origin} holds several values one after the other."
            if several
            else f"{window.origin} is no valid JSON: {error.msg} at line {error.lineno}.",
            fix="Name it .jsonl: it holds one object a line." if several else "Correct it at that place.",
        ) from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{window.origin} {_reason(error)}.", fix="Correct it there.") from None
    graph = value.get("@graph") if isinstance(value, dict) else None
    for number, item in enumerate(graph if isinstance(graph, list) else [value], 1):
        yield _record(item, f"record {number}", window.origin, "")


def _record(value: Any, place: str, origin: str, text: str) -> RawRow | BadRecord:
    if isinstance(value, dict):
        return RawRow(value, place)
    what = "nothing (null)" if value is None else _KINDS[type(value)]
    return broken(origin, place, f"holds {what} where an object is needed", text or str(value))


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"is no valid JSON: {error.msg}"
    return "is nested too deeply" if isinstance(error, RecursionError) else str(error)
