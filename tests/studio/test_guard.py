"""One place turns an error into a message: a StudioError into a way out, a fault of our own into what it is."""

import inspect
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from studio.guard import Visit, guard
from training.errors import AdapterError

REQUEST: Any = SimpleNamespace(session_hash="page", query_params={"comparison": "c1"})


def test_a_handler_gets_the_visit_and_plain_values() -> None:
    def handler(visit: Visit, a: int, b: int) -> tuple[Visit, int]:
        return visit, a + b

    assert guard(handler)(REQUEST, 1, 2) == (Visit("page", {"comparison": "c1"}), 3)


def test_a_studio_error_becomes_words_and_a_way_out_that_cannot_act() -> None:
    def handler(visit: Visit) -> None:
        raise AdapterError("No adapter <script>alert(1)</script>.", fix="Pick <b>another</b>.")

    with pytest.raises(gr.Error) as caught:
        guard(handler)(REQUEST)
    assert caught.value.title == "The adapter can't be used"
    assert "<script>" not in caught.value.message and "&lt;script&gt;" in caught.value.message
    assert "Pick &lt;b&gt;another" in caught.value.message
    assert caught.value.duration is None


def test_a_fault_of_our_own_is_told_as_one_logged_whole_and_cannot_act() -> None:
    fault = KeyError("<img src=x onerror=alert(1)>" + "x" * 2000)

    def handler(visit: Visit) -> None:
        raise fault

    def stream(visit: Visit) -> Iterator[int]:
        yield 1
        raise fault

    for call in (lambda: guard(handler)(REQUEST), lambda: list(guard(stream)(REQUEST))):
        with pytest.raises(gr.Error) as caught:
            call()
        assert caught.value.__cause__ is fault and caught.value.print_exception, "its traceback is logged"
        assert caught.value.title == "A fault of the studio's own" and caught.value.duration is None
        assert "<img" not in caught.value.message and "KeyError: " in caught.value.message
        assert "Try again" in caught.value.message and len(caught.value.message) < 900

    def wordless(visit: Visit) -> None:
        raise ZeroDivisionError

    with pytest.raises(gr.Error) as caught:
        guard(wordless)(REQUEST)
    assert caught.value.message.startswith("ZeroDivisionError <b>Try again")


def test_streams_stay_streams_and_closing_reaches_the_handler() -> None:
    closed: list[bool] = []

    def handler(visit: Visit, n: int) -> Iterator[int]:
        try:
            yield from range(n)
            raise AdapterError("gone", fix="mend")
        finally:
            closed.append(True)

    guarded = guard(handler)
    assert inspect.isgeneratorfunction(guarded)
    stream = guarded(REQUEST, 3)
    assert next(stream) == 0
    stream.close()
    assert closed == [True]
    with pytest.raises(gr.Error, match="gone"):
        list(guarded(REQUEST, 1))


def test_gradio_finds_the_request_among_the_values() -> None:
    from gradio.helpers import special_args

    def handler(visit: Visit, a: int) -> int:
        return a

    values, *_ = special_args(guard(handler), [5], request=REQUEST)
    assert values == [REQUEST, 5]
