"""A Hub that does as it is told: a real HTTP server on the loopback address that takes repositories and commits."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.serving import loopback_server, served


class Hub:
    """The running server: `repos` as they were asked for, `files` by their path, `tokens` that came with the calls.

    `status` other than 200 is the answer to everything.
    """

    def __init__(self, status: int = 200) -> None:
        self.status, self.repos, self.files = status, list[dict[str, Any]](), dict[str, bytes]()
        self.tokens: set[str] = set()
        self._server = loopback_server(self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, path: str, body: bytes) -> dict[str, Any]:
        if path.endswith("/repos/create"):
            self.repos.append(json.loads(body))
            made = self.repos[-1]
            return {"url": f"{self.url}/datasets/{made.get('organization', 'ann')}/{made['name']}"}
        if path.endswith("/preupload/main"):
            asked = json.loads(body)["files"]
            return {"files": [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in asked]}
        if path.endswith("/commit/main"):
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    self.files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            return {"commitUrl": f"{self.url}/datasets/ann/soups/commit/1", "commitOid": "1" * 40, "success": True}
        return {}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                if "chunked" in self.headers.get("Transfer-Encoding", ""):
                    body = b"".join(iter(self.chunk, b""))
                else:
                    body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                hub.tokens.add(self.headers.get("Authorization", ""))
                good = hub.status == 200
                data = json.dumps(hub.answer(self.path, body) if good else {"error": "not for you"}).encode()
                self.send_response(hub.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def chunk(self) -> bytes:
                data = self.rfile.read(int(self.rfile.readline(), 16))
                self.rfile.readline()
                return data

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        return Handler

    @contextmanager
    def running(self) -> Iterator["Hub"]:
        with served(self._server):
            yield self
