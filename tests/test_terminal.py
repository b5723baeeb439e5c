"""What is written to a terminal or a pipe."""

import io
import sys

import pytest

from training.terminal import one_line, printable, write_anything


def test_control_characters_are_shown_and_never_sent() -> None:
    assert printable("a\x1b[2Jb\tc\nd\x07\u202e") == "a\ufffd[2Jb\tc\nd\ufffd\ufffd"
    assert one_line("one\n  two\x1b[31m\r\nthree ") == "one two\ufffd[31m three"


def test_a_pipe_that_holds_fewer_characters_gets_the_others_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr(sys, "stdout", pipe)
    write_anything()
    pipe.write("crème → 鶏肉\n")
    pipe.flush()
    assert pipe.buffer.getvalue() == "crème \\u2192 \\u9d8f\\u8089\n".encode("cp1252")  # type: ignore[attr-defined]
