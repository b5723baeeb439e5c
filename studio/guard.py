"""The one place where an error becomes a message, on screen or to a program.

Gradio escapes nothing on screen, so this does: a StudioError says what to do, and a fault of our own, whose words may
hold what somebody pasted, says that it is one and goes to the log whole.
"""

import html
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from training.errors import StudioError

SAID_CHARS = 500  # of a fault's own words on screen
TITLES = {
    "PackError": "The task pack can't be read",
    "InputError": "That input can't be used",
    "FetchError": "The page could not be fetched",
    "ModelError": "The model can't be used",
    "AdapterError": "The adapter can't be used",
    "OutOfMemoryError": "Not enough memory",
    "BusyError": "The model is busy",
    "ProofError": "The sides could not be proven",
    "DataError": "That data can't be used",
    "StorageError": "It could not be stored",
}


def on_screen(err: StudioError) -> gr.Error:
    """What happened and why, then what to do. Stays until the person closes it; the page keeps all it shows."""
    message = f"{html.escape(str(err))} <b>{html.escape(err.fix)}</b>"
    title = TITLES.get(type(err).__name__, "Something can't be done")
    return gr.Error(message, title=title, duration=None, print_exception=False)


def unforeseen(err: Exception) -> gr.Error:
    """A fault of the studio's own: its traceback goes to the log, and the page says so in words that can't act."""
    said = html.escape(f"{type(err).__name__}: {err}"[:SAID_CHARS].rstrip(": "))
    message = f"{said} <b>Try again. If it comes back, the lines that the studio has just logged tell why.</b>"
    return gr.Error(message, title="A fault of the studio's own", duration=None, print_exception=True)


def in_words(err: StudioError) -> gr.Error:
    """The same for a program, as plain text: it shows no markup, and marks in what was given stay as they are."""
    return gr.Error(f"{err} {err.fix}", title=TITLES.get(type(err).__name__, ""), print_exception=False)


def shown(err: Exception) -> gr.Error:
    """An error of a handler as the page shows it."""
    return on_screen(err) if isinstance(err, StudioError) else unforeseen(err)


@dataclass(frozen=True, slots=True)
class Visit:
    """Who calls: a page's `session` (one per open page, gone with it) and the query of its address."""

    session: str
    query: Mapping[str, str]


def visit_of(request: gr.Request) -> Visit:
    return Visit(request.session_hash or "no page", dict(request.query_params))


def guard(handler: Callable[..., Any]) -> Callable[..., Any]:
    """`handler(visit, *values)` as Gradio calls it, its errors translated.

    Generators stay generators.
    """
    if inspect.isgeneratorfunction(handler):

        def stream(request: gr.Request, *values: Any) -> Iterator[Any]:
            try:
                yield from handler(visit_of(request), *values)
            except Exception as err:
                raise shown(err) from err

        return stream

    def once(request: gr.Request, *values: Any) -> Any:
        try:
            return handler(visit_of(request), *values)
        except Exception as err:
            raise shown(err) from err

    return once
