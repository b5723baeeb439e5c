"""A teacher that does as it is told: a real HTTP server on the loopback address that speaks chat completions.

`script` is asked for each call, in the order of arrival, with the call's number from 0 and its body.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.serving import loopback_server, served
from training.data.rows import SourceRow


@dataclass(frozen=True)
class Say:
    """One answer. `drop` closes the connection in the middle of the body, `hang` never answers."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    hang: bool = False


Script = Callable[[int, dict[str, Any]], Say]


def completion(
    text: str | None, finish: str | None = "stop", usage: tuple[int, int] | None = (100, 50), **message: Any
) -> Say:
    """A good answer; further words go into its message."""
    body: dict[str, Any] = {
        "id": "chat-1", "object": "chat.completion", "created": 1, "model": "tiny-teacher-0001",
        "choices": [{"finish_reason": finish, "message": {"role": "assistant", "content": text, **message}}],
    }  # fmt: skip
    if usage:
        body["usage"] = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
    return Say(json.dumps(body).encode())


def fault(status: int, message: str = "no", code: str = "", **headers: str) -> Say:
    body = {"error": {"message": message, "type": "test", "code": code}}
    return Say(json.dumps(body).encode(), status, {name.replace("_", "-"): value for name, value in headers.items()})


HANG = Say(b"", hang=True)
DROP = Say(b'{"choices": [{"mess', drop=True)


class Teacher:
    """The running server: `url` is its base address, `calls` the bodies, `headers` those of each call."""

    def __init__(self, script: Script) -> None:
        self.script, self.calls, self.headers = script, list[dict[str, Any]](), list[dict[str, str]]()
        self.most_at_once = 0
        self._now, self._lock, self._over = 0, threading.Lock(), threading.Event()
        self._server = loopback_server(self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        teacher = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with teacher._lock:
                    number = len(teacher.calls)
                    teacher.calls.append(body)
                    teacher.headers.append({name.lower(): value for name, value in self.headers.items()})
                    teacher._now += 1
                    teacher.most_at_once = max(teacher.most_at_once, teacher._now)
                try:
                    self.answer(teacher.script(number, body) if self.path == "/v1/chat/completions" else fault(404))
                finally:
                    with teacher._lock:
                        teacher._now -= 1

            def answer(self, say: Say) -> None:
                if say.hang:
                    teacher._over.wait(10)
                    self.close_connection = True
                    return
                self.send_response(say.status)
                for name, value in {"Content-Type": "application/json", **say.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(say.body) + (100 if say.drop else 0)))
                self.end_headers()
                self.wfile.write(say.body)
                self.close_connection = say.drop

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        return Handler

    @contextmanager
    def running(self) -> Iterator["Teacher"]:
        with served(self._server):
            try:
                yield self
            finally:
                self._over.set()


def in_turn(*says: Say) -> Script:
    """The answers one after the other, the last one for ever."""
    return lambda number, _: says[min(number, len(says) - 1)]


def given(body: dict[str, Any]) -> str:
    """What stands between the marks of a prompt."""
    match = re.search(r"<<DATA-(\w+)>>\n(.*)\n<</DATA-\1>>", body["messages"][-1]["content"], re.DOTALL)
    assert match, "the material stands between marks"
    return match[2]


def clean_post(sheet: str) -> str:
    """A tidy page with everything that a sheet says: what a good teacher would answer for the style clean."""
    head, _, rest = sheet.partition("\n\nIngredients:")
    ingredients, _, steps = rest.partition("\n\nSteps:")
    title, *facts = head.removeprefix("Title: ").split("\n")
    story = (
        "My sister asked for this one again last Sunday, so here it is with everything she always forgets to write "
        "down. It keeps well, it travels well, and nobody at our table has ever left any of it on the plate, which "
        "cannot be said of much else that comes out of my small and rather crowded kitchen."
    )
    return "\n".join(
        [title, "", story, "", *facts, "", "Ingredients", ingredients.strip(), "", "Method", steps.strip()]
    )


def good(number: int, body: dict[str, Any]) -> Say:
    return completion(clean_post(given(body)))


def recipe(number: int, **fields: Any) -> SourceRow:
    """A recipe of its own for each number."""
    named = {
        "title": f"Number {number} Lentil Soup",
        "ingredients": [f"{number + 2} cups red lentils", "1 onion, chopped", "2 tbsp olive oil", "1 tsp cumin"],
        "steps": ["Fry the onion in the olive oil until golden.", f"Add the lentils and {number + 3} cups of water.",
                  "Simmer for 25 minutes and stir in the cumin."],
        "prep_minutes": 10, "total_minutes": 35, "recipe_yield": "4 bowls",
    }  # fmt: skip
    return SourceRow({**named, **fields}, "recipes.csv", f"line {number}", f"group-{number}", "CC0-1.0", "2025-03-01")
