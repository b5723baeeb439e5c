"""Encodings found, and lines read one at a time from files of any size.

The promise: memory holds one line and never the file, and a line that can't be read is told with its number while the
rest goes on. Whether a file is UTF-8 is a fact; any other encoding is a guess unless a byte order mark or the person
says it, and `Encoding.guessed` says so. Limits: the guess looks at the first MiB; a line may have 8 MiB; UTF-16 and
UTF-32 files are read, but a broken character in them is told by the replacement character that stands for it.
"""

import codecs
import io
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from charset_normalizer import from_bytes

from training.errors import DataError
from training.task.source import BOMS

HEAD_BYTES = 1 << 20
LINE_BYTES = 8 << 20
GUESS_BYTES = 100_000
_WIDE = ("utf-16", "utf-32")


class Encoding(NamedTuple):
    """A codec's name, how it was found, and whether a person should confirm it."""

    name: str
    how: str
    guessed: bool = False


class Line(NamedTuple):
    """One line with its end, always "\\n" where it has one; `fault` says why `text` can't be taken, "" when it can."""

    number: int
    text: str
    fault: str = ""


def find_encoding(head: bytes, called: str, given: str = "") -> Encoding:
    """The encoding of a file from its beginning. `given` is what the spec says; `called` is what errors name.

    Most lines beyond ASCII decide: where they are UTF-8 the file is, and its other lines are broken ones.
    """
    marked = next((name for mark, name in BOMS if head.startswith(mark)), "")
    if given:
        name = _codec(given, called)
        return Encoding(marked if (name, marked) == ("utf-8", "utf-8-sig") else name, "as the spec says")
    if marked:
        return Encoding(marked, "byte order mark")
    whole = head[: head.rfind(b"\n") + 1 or None] if len(head) >= HEAD_BYTES else head  # no line cut in two
    beyond = [line for line in re.split(rb"[\r\n]", whole) if not line.isascii()]
    if len(head) >= 4 and head.count(0) > 0.2 * len(head):
        raise DataError(
            f"{called} is full of zero bytes: binary, or UTF-16 without a byte order mark.",
            fix="Save it as UTF-8, or give the source an encoding such as utf-16-le.",
        )
    good = sum(map(_is_utf8, beyond))
    if not beyond:
        return Encoding("utf-8", "plain ASCII so far")
    if 2 * good > len(beyond):
        return Encoding("utf-8", "it is UTF-8" if good == len(beyond) else "most of its lines are UTF-8")
    return _guess(b"\n".join(beyond)[:GUESS_BYTES], head, called)


def _codec(given: str, called: str) -> str:
    try:
        b"a".decode(given, "replace")
        return codecs.lookup(given).name
    except (LookupError, ValueError):
        raise DataError(
            f"{called}: there is no text encoding {given!r}.", fix="Name one such as utf-8, cp1252 or shift_jis."
        ) from None


def _guess(beyond: bytes, head: bytes, called: str) -> Encoding:
    """What charset-normalizer takes it for; Windows Western first where nearly all is ASCII, as in English texts."""
    best = from_bytes(beyond).best()
    candidates = [(best.encoding, "charset-normalizer's guess")] if best is not None else []
    if sum(byte < 128 for byte in head[:20_000]) > 0.8 * len(head[:20_000]):
        candidates.insert(0, ("cp1252", "nearly all ASCII, so taken for Windows Western"))
    for name, how in candidates:
        if _decodes(beyond, name):
            return Encoding(name, how, guessed=True)
    raise DataError(
        f"{called} is neither UTF-8 nor in an encoding that can be told.",
        fix="Save it as UTF-8, or give the source its encoding.",
    )


def _is_utf8(data: bytes) -> bool:
    return _decodes(data, "utf-8")


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def text_file(file: BinaryIO, encoding: str) -> io.TextIOWrapper:
    """The file as text to be read in pieces. Bytes that are no text come as lone surrogates or as U+FFFD."""
    errors = "replace" if encoding.startswith(_WIDE) else "surrogateescape"
    return io.TextIOWrapper(file, encoding=encoding, errors=errors)


def is_damaged(text: str, encoding: str) -> bool:
    """Whether `text_file` met bytes here that are no text."""
    return "\ufffd" in text if encoding.startswith(_WIDE) else bool(re.search("[\udc80-\udcff]", text))


def lines(file: BinaryIO, encoding: str, ends: str = "\n") -> Iterator[Line]:
    """Every line, numbered from 1, at most `LINE_BYTES` of it in memory. `ends` is what `line_ends` says."""
    if encoding.startswith(_WIDE):
        return _wide_lines(file, encoding)
    return _byte_lines(io.BufferedReader(_LineFeeds(file)) if ends == "\r" else file, encoding)


def line_ends(head: bytes) -> str:
    """How the lines of a file end that begins so: "\\n", or "\\r" as old Macs wrote it where that is all there is."""
    return "\r" if b"\r" in head and b"\n" not in head else "\n"


class _LineFeeds(io.RawIOBase):
    """A file's bytes with a line feed for each carriage return."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(len(buffer)).replace(b"\r", b"\n")
        buffer[: len(data)] = data
        return len(data)


def _byte_lines(file: BinaryIO, encoding: str) -> Iterator[Line]:
    """Encodings in which the byte 10 is always the end of a line."""
    number = 0
    while data := file.readline(LINE_BYTES + 1):
        number += 1
        if len(data) > LINE_BYTES and not data.endswith(b"\n"):
            while data and not data.endswith(b"\n"):
                data = file.readline(LINE_BYTES)
            yield Line(number, "", f"is longer than {LINE_BYTES:,} bytes")
            continue
        if number == 1 and encoding == "utf-8-sig":
            data = data.removeprefix(codecs.BOM_UTF8)
        try:
            text = data.decode("utf-8" if encoding == "utf-8-sig" else encoding)
        except UnicodeDecodeError as error:
            text = data.decode(encoding, "backslashreplace")
            yield Line(number, text, f"is not {encoding}: byte 0x{data[error.start]:02x} at place {error.start + 1}")
            continue
        yield _line(number, text)


def _wide_lines(file: BinaryIO, encoding: str) -> Iterator[Line]:
    reader, number = text_file(file, encoding), 0
    while text := reader.readline(LINE_BYTES + 1):
        number += 1
        if len(text) > LINE_BYTES and not text.endswith("\n"):
            while text and not text.endswith("\n"):
                text = reader.readline(LINE_BYTES)
            yield Line(number, "", f"is longer than {LINE_BYTES:,} characters")
        elif is_damaged(text, encoding):
            yield Line(number, text, f"is not {encoding}")
        else:
            yield _line(number, text.removeprefix("\ufeff") if number == 1 else text)


def _line(number: int, text: str) -> Line:
    if text.endswith("\r\n"):
        text = text[:-2] + "\n"
    return Line(number, text, "holds a zero byte" if "\0" in text else "")
