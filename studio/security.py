"""The doors of the window: who may knock, with what. ASGI middleware, no Gradio.

- `SameOrigin` refuses what a foreign page makes a browser send (uploads by form, DNS-rebound calls).
- `NoProxy` closes Gradio's own routes that fetch a URL for whoever asks.
- `BodyLimit` refuses bodies above a size before they are read into memory.
- `TextUploads` lets only text files through the upload route (Spaces).
The Host header is checked by Starlette's TrustedHostMiddleware with `Settings.hosts`.
"""

import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.settings import UPLOAD_SUFFIXES, Settings

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
FETCHING = re.compile(r"/(?:proxy=|file=(?:https?:|//|\\\\))", re.IGNORECASE)
FILENAME = re.compile(rb'filename\*?="?([^"\r\n]*)"?', re.IGNORECASE)


class SameOrigin:
    """403 for a state-changing request whose Origin or Sec-Fetch-Site says that another site sent it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or self.welcome(scope):
            await self.app(scope, receive, send)
        else:
            await refuse(403, "This request came from another site.", scope, receive, send)

    @staticmethod
    def welcome(scope: Scope) -> bool:
        if scope["type"] == "http" and scope["method"] in SAFE_METHODS:
            return True
        headers = Headers(scope=scope)
        if headers.get("sec-fetch-site") == "cross-site":
            return False
        origin = headers.get("origin")
        if origin is None:
            return True
        return urlsplit(origin).netloc.lower() == headers.get("host", "").lower() != ""


class NoProxy:
    """403 for the routes by which a visitor could make this machine fetch an address of theirs."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and FETCHING.search(scope["path"]):
            await refuse(403, "This studio fetches no addresses for others.", scope, receive, send)
        else:
            await self.app(scope, receive, send)


class BodyLimit:
    """413 for a body above `max_bytes`, by its Content-Length or, without one, as it arrives."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS:
            await self.app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length")
        body = None
        if length is None:
            body = await read_body(receive, self.max_bytes)
            too_large = body is None
        else:
            too_large = not length.isdigit() or int(length) > self.max_bytes
        if too_large:
            await refuse(413, f"More than {self.max_bytes} bytes.", scope, receive, send)
        else:
            await self.app(scope, receive if body is None else replay(body, receive), send)


class TextUploads:
    """415 on the upload route unless every file is named as text and holds no null byte."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].rstrip("/").endswith("/upload"):
            await self.app(scope, receive, send)
            return
        body = await read_body(receive, self.max_bytes)
        if body is None:
            await refuse(413, f"More than {self.max_bytes} bytes.", scope, receive, send)
        elif not is_text_upload(body):
            await refuse(415, "Only text files can be uploaded: .txt, .md or .html.", scope, receive, send)
        else:
            await self.app(scope, replay(body, receive), send)


def is_text_upload(body: bytes) -> bool:
    """True where a multipart body names at least one file, all end as text does, and no byte is null."""
    names = [name.decode("utf-8", "replace").lower() for name in FILENAME.findall(body)]
    return bool(names) and all(name.endswith(UPLOAD_SUFFIXES) for name in names) and b"\0" not in body


async def read_body(receive: Receive, max_bytes: int) -> bytes | None:
    """The whole request body, or None as soon as it passes `max_bytes`."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(parts)
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > max_bytes:
            return None
        if not message.get("more_body", False):
            return b"".join(parts)


def replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that hands out `body` once, then whatever the connection says next (a disconnect)."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def refuse(status: int, why: str, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": why})
    else:
        await PlainTextResponse(why, status_code=status)(scope, receive, send)


def middleware(settings: Settings) -> list[Middleware]:
    """The doors for these settings, outermost first."""
    doors = [
        Middleware(TrustedHostMiddleware, allowed_hosts=list(settings.hosts), www_redirect=False),
        Middleware(SameOrigin),
        Middleware(NoProxy),
        Middleware(BodyLimit, max_bytes=settings.max_body_bytes),
    ]
    return [*doors, Middleware(TextUploads, max_bytes=settings.max_upload_bytes)] if settings.space else doors
