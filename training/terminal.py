"""What is written to a terminal or a pipe: text from a model, a file or the hub must neither steer it nor break it."""

import io
import sys


def printable(text: str) -> str:
    """`text` with its control characters but line ends and tabs shown as marks: none of it can steer a terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)


def one_line(text: str) -> str:
    """`text` for a message of one line."""
    return printable(" ".join(text.split()))


def write_anything() -> None:
    """From now on a character that standard output or error can't hold (a pipe in cp1252) is written as `\\u2192`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
