"""A page from the web, for the person at this machine only; a Space never calls this.

Promise: only http and https on ports 80 and 443, only public addresses, checked for every address a name resolves to
and again for every redirect; the connection goes to the very address that was checked (no second look-up); no proxy,
no cookie, no login; at most `MAX_BYTES` of HTML or plain text, unpacked, within `TIMEOUT_S` seconds in all.
"""

import email.message
import ipaddress
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import urljoin

import httpcore
import httpx

from training.errors import FetchError
from training.task.records import Source
from training.task.source import read_text

MAX_BYTES = 2_000_000
TIMEOUT_S = 10.0
MAX_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
PORTS = frozenset({80, 443})
TYPES = ("text/html", "text/plain")
DENIED = tuple(
    ipaddress.ip_network(net)
    for net in ("192.0.0.0/24", "192.88.99.0/24", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16")
)
PASTE_FIX = "Open the page in a browser and paste its text."

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Sequence[str]]
Allow = Callable[[Address, int], bool]


def is_public(address: Address, port: int) -> bool:
    """Whether a connection may go there: a globally routed unicast address, no tunnel into another, port 80 or 443."""
    if isinstance(address, ipaddress.IPv6Address) and (address.ipv4_mapped or address.teredo or address.scope_id):
        return False
    if address.is_multicast or address.is_reserved or any(address in net for net in DENIED):
        return False
    return port in PORTS and address.is_global


def resolve_host(host: str, port: int) -> list[str]:
    """Every address of a host. Raises OSError."""
    return list(dict.fromkeys(str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


def fetch_url(
    url: str, *, resolve: Resolve = resolve_host, allow: Allow = is_public, timeout_s: float = TIMEOUT_S
) -> Source:
    """The text behind `url`, decoded; `origin` is the address it was found at in the end.

    Raises FetchError for whatever is refused or fails, InputError where the page holds no readable text.
    """
    deadline = time.monotonic() + timeout_s
    seen = url
    for _ in range(MAX_REDIRECTS + 1):
        target = _checked_url(seen)
        address = _checked_address(target, resolve, allow, deadline)
        answer = _get(target, address, deadline)
        if isinstance(answer, Source):
            return answer
        seen = _next_url(seen, answer)
    raise FetchError(f"{url} redirects more than {MAX_REDIRECTS} times.", fix=PASTE_FIX)


def _next_url(seen: str, location: str) -> str:
    try:
        return urljoin(seen, location)
    except ValueError as error:  # `http://[`
        raise FetchError(
            f"{seen[:200]!r} redirects to {location[:200]!r}, which is no address of a page.", fix=PASTE_FIX
        ) from error


def _checked_url(url: str) -> httpx.URL:
    try:
        target = httpx.URL(url)
        host = target.host
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        raise FetchError(
            f"{url[:200]!r} is no address of a page: {error}.", fix="Write it like https://example.org."
        ) from None
    if target.scheme not in ("http", "https") or not host:
        raise FetchError(f"{url[:200]!r} is no http or https address.", fix="Write it like https://example.org/page.")
    if target.port is not None and not 0 < target.port < 65536:
        raise FetchError(f"There is no port {target.port}.", fix="Leave the port away.")
    if target.userinfo:
        raise FetchError("An address with a user name or password in it is not opened.", fix=PASTE_FIX)
    return target


def _checked_address(target: httpx.URL, resolve: Resolve, allow: Allow, deadline: float) -> str:
    """The address to connect to. One that may not be reached refuses them all: nothing is picked out."""
    port = target.port or (443 if target.scheme == "https" else 80)
    host = target.host
    addresses = _resolve_in_time(host, port, resolve, deadline)
    for text in addresses:
        if not allow(ipaddress.ip_address(text), port):
            raise FetchError(
                f"{host} at port {port} leads to {text}, which is not a public web address.", fix=PASTE_FIX
            )
    return addresses[0]


def _resolve_in_time(host: str, port: int, resolve: Resolve, deadline: float) -> list[str]:
    """Look-ups know no time limit of their own, so one runs aside and is left behind when it takes too long."""
    found: list[str] = []
    problems: list[Exception] = []

    def look_up() -> None:
        try:
            found.extend(resolve(host, port))
        except (OSError, UnicodeError) as error:
            problems.append(error)

    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(max(0.0, deadline - time.monotonic()))
    if thread.is_alive():
        raise FetchError(f"{host} could not be looked up in time.", fix="Check the connection and try again.")
    if problems or not found:
        raise FetchError(f"{host} was not found.", fix="Check the address and the connection.") from (
            problems[0] if problems else None
        )
    return found


class _TimedStream(httpcore.NetworkStream):
    """A connection whose every wait ends at the deadline, so that a page fed by drops can't hold on."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, _left(self._deadline)), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Pinned(httpcore.NetworkBackend):
    """Connects to the address that was checked, whatever name the request bears."""

    def __init__(self, address: str, deadline: float) -> None:
        self._address, self._deadline = address, deadline

    def connect_tcp(self, host: str, port: int, *_args: Any, **_options: Any) -> httpcore.NetworkStream:
        stream = httpcore.SyncBackend().connect_tcp(self._address, port, timeout=_left(self._deadline))
        return _TimedStream(stream, self._deadline)


def _get(target: httpx.URL, address: str, deadline: float) -> Source | str:
    """One request to one checked address: the page, or where it redirects to."""
    host = target.host
    headers = {
        "Host": target.netloc.decode("ascii"),
        "Accept": "text/html, text/plain",
        "Accept-Encoding": "identity",
        "User-Agent": "TasteTest",
    }
    try:
        with (
            httpcore.ConnectionPool(network_backend=_Pinned(address, deadline)) as pool,
            pool.stream("GET", str(target.copy_with(fragment=None)), headers=list(headers.items())) as response,
        ):
            return _read(response, target, deadline)
    except httpcore.TimeoutException as error:
        raise FetchError(f"{host} did not answer in time.", fix="Try again later, or paste the text.") from error
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
        raise FetchError(f"{host} could not be read: {error}.", fix=PASTE_FIX) from error


def _read(response: httpcore.Response, target: httpx.URL, deadline: float) -> Source | str:
    headers = {key.decode("latin-1").casefold(): value.decode("latin-1") for key, value in response.headers}
    if response.status in REDIRECTS and "location" in headers:
        return headers["location"]
    if response.status != 200:
        raise FetchError(f"{target.host} answered {response.status}.", fix=PASTE_FIX)
    declared = email.message.Message()
    declared["content-type"] = kind = headers.get("content-type", "")
    media = kind.partition(";")[0].strip().casefold()
    if media not in TYPES:
        raise FetchError(f"{target.host} sent {media or 'no type'}, not a page of text.", fix=PASTE_FIX)
    body = b"".join(_body(response, headers.get("content-encoding", ""), deadline))
    source = read_text(body, str(target), encoding=declared.get_content_charset())
    return Source(source.text, "html" if media == "text/html" else "text", str(target))


def _body(response: httpcore.Response, encoding: str, deadline: float) -> Iterator[bytes]:
    """The unpacked body in pieces, refused as soon as it is over `MAX_BYTES` or past the deadline."""
    packing = encoding.strip().casefold()
    if packing not in ("", "identity", "gzip", "deflate"):
        raise FetchError(f"The page is packed as {packing}, which was not asked for.", fix=PASTE_FIX)
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 32) if packing in ("gzip", "deflate") else None
    size = 0
    for raw in response.iter_stream():
        try:
            piece = unpack.decompress(raw, MAX_BYTES + 1) if unpack else raw
        except zlib.error as error:
            raise FetchError(f"The page can't be unpacked: {error}.", fix=PASTE_FIX) from error
        size += len(piece)
        if size > MAX_BYTES or (unpack and unpack.unconsumed_tail):
            raise FetchError(f"The page is larger than {MAX_BYTES:,} bytes.", fix=PASTE_FIX)
        _left(deadline)
        yield piece


def _left(deadline: float) -> float:
    """Seconds left. Raises FetchError when there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise FetchError("The page took too long.", fix="Try again later, or paste the text.")
    return left
