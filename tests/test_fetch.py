"""A real server on loopback, a scripted resolver, and every way round the address check we know of."""

import gzip
import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler

import pytest

from tests.serving import loopback_server, served
from training.errors import FetchError, InputError
from training.fetch import MAX_BYTES, Address, fetch_url, is_public

PAGE = b"<html><body><h1>Soup</h1><p>Boil 1 l of water.</p></body></html>"
Answer = Callable[[BaseHTTPRequestHandler], None]


class Site:
    """Serves what `answers` holds for a path and notes what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append((self.path, {key.lower(): value for key, value in self.headers.items()}))
                site.answers[self.path.partition("?")[0]](self)

            def log_message(self, format: str, *args: object) -> None:
                return

        self.server = loopback_server(Handler)
        self.port = self.server.server_address[1]

    def url(self, path: str, host: str = "blog.example") -> str:
        return f"http://{host}:{self.port}{path}"


def reply(body: bytes, kind: str = "text/html; charset=utf-8", status: int = 200, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        for key, value in headers.items():
            handler.send_header(key.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    with served(site.server):
        yield site


def loopback(host: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"]


def this_machine(address: Address, port: int) -> bool:
    return address.is_loopback


def fetch(url: str, timeout_s: float = 10.0):
    return fetch_url(url, resolve=loopback, allow=this_machine, timeout_s=timeout_s)


def test_a_page_comes_back_decoded_with_its_kind_and_origin(site: Site) -> None:
    site.answers["/soup"] = reply("<p>Crème brûlée</p>".encode("latin-1"), "text/html; charset=iso-8859-1")
    source = fetch(site.url("/soup?x=1#part"))
    assert source.text == "<p>Crème brûlée</p>"
    assert source.kind == "html"
    assert source.origin.startswith(site.url("/soup?x=1"))
    path, headers = site.asked[0]
    assert path == "/soup?x=1"
    assert headers["host"] == f"blog.example:{site.port}"
    assert "cookie" not in headers


def test_plain_text_is_text(site: Site) -> None:
    site.answers["/t"] = reply(b"Boil water.", "text/plain")
    assert fetch(site.url("/t")).kind == "text"


def test_the_connection_goes_to_the_checked_address_and_a_name_is_looked_up_once(site: Site) -> None:
    site.answers["/"] = reply(PAGE)
    looked_up: list[str] = []

    def rebinding(host: str, port: int) -> Sequence[str]:
        looked_up.append(host)
        return ["127.0.0.1"] if len(looked_up) == 1 else ["10.0.0.1"]

    assert "Soup" in fetch_url(site.url("/"), resolve=rebinding, allow=this_machine).text
    assert looked_up == ["blog.example"]


def test_a_redirect_is_followed_and_checked_again(site: Site) -> None:
    site.answers["/a"] = reply(b"", status=302, Location="/b")
    site.answers["/b"] = reply(PAGE)
    assert fetch(site.url("/a")).origin == site.url("/b")


def test_a_redirect_to_an_inner_address_is_refused_before_it_is_asked(site: Site) -> None:
    site.answers["/a"] = reply(b"", status=301, Location=site.url("/secret", "inside.example"))
    site.answers["/secret"] = reply(b"keys", "text/plain")

    def allow(address: Address, port: int) -> bool:
        return str(address) == "127.0.0.1"

    def resolve(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.2"] if host == "inside.example" else ["127.0.0.1"]

    with pytest.raises(FetchError, match=r"inside\.example .*127\.0\.0\.2"):
        fetch_url(site.url("/a"), resolve=resolve, allow=allow)
    assert [path for path, _ in site.asked] == ["/a"]


@pytest.mark.parametrize("location", ["http://[", "//[x", "http://[::1"])
def test_a_redirect_to_no_address_is_told(site: Site, location: str) -> None:
    site.answers["/broken"] = reply(b"", status=302, Location=location)
    with pytest.raises(FetchError, match="no address of a page"):
        fetch(site.url("/broken"))


def test_a_page_that_declares_no_real_encoding_is_read_all_the_same(site: Site) -> None:
    site.answers["/soup"] = reply("<p>Crème brûlée</p>".encode(), "text/html; charset=undefined")
    assert fetch(site.url("/soup")).text == "<p>Crème brûlée</p>"


def test_redirects_without_end_stop(site: Site) -> None:
    site.answers["/a"] = reply(b"", status=302, Location="/a")
    with pytest.raises(FetchError, match="more than 5 times"):
        fetch(site.url("/a"))
    assert len(site.asked) == 6


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://example.org/x", "http://u:p@blog.example/"])
def test_a_redirect_to_another_kind_of_address_is_refused(site: Site, location: str) -> None:
    site.answers["/a"] = reply(b"", status=302, Location=location)
    with pytest.raises(FetchError):
        fetch(site.url("/a"))
    assert len(site.asked) == 1


def test_one_inner_address_among_public_ones_refuses_them_all() -> None:
    with pytest.raises(FetchError, match=r"10\.1\.2\.3"):
        fetch_url("http://mixed.example/", resolve=lambda host, port: ["93.184.215.14", "10.1.2.3"])


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "100.100.100.200", "192.0.0.8", "192.0.0.9", "198.18.0.1", "203.0.113.1", "224.0.0.1",
        "239.255.255.250", "240.0.0.1", "255.255.255.255", "192.88.99.1", "::", "::1", "::ffff:127.0.0.1",
        "::ffff:8.8.8.8", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "64:ff9b::7f00:1", "64:ff9b:1::1",
        "2002:7f00:1::", "2001::1", "2001:db8::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address), 443)
    with pytest.raises(FetchError, match="not a public web address"):
        fetch_url("https://blog.example/", resolve=lambda host, port: [address])


@pytest.mark.parametrize("address", ["93.184.215.14", "8.8.8.8", "2606:4700::1111", "2a00:1450:4001:800::200e"])
def test_public_addresses_on_web_ports_only(address: str) -> None:
    assert is_public(ipaddress.ip_address(address), 80)
    assert is_public(ipaddress.ip_address(address), 443)
    assert not is_public(ipaddress.ip_address(address), 22)
    assert not is_public(ipaddress.ip_address(address), 8080)


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f.0.0.1", "017700000001", "localhost", "[::1]"])
def test_other_spellings_of_this_machine_are_refused_by_the_real_resolver(host: str) -> None:
    with pytest.raises(FetchError):
        fetch_url(f"http://{host}/")


@pytest.mark.parametrize(
    "url",
    ["", "soup", "file:///etc/passwd", "ftp://example.org", "//example.org", "http://", "http://user:pw@example.org/",
     "http://[::1", "javascript:alert(1)", "http://example.org:99999/", "data:text/html,hi", "gopher://example.org/"],
)  # fmt: skip
def test_what_is_no_web_address_is_refused_without_a_look_up(url: str) -> None:
    def never(host: str, port: int) -> Sequence[str]:
        raise AssertionError("looked up")

    with pytest.raises(FetchError) as refusal:
        fetch_url(url, resolve=never)
    assert refusal.value.fix


def test_a_name_nobody_knows_says_so() -> None:
    def unknown(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror("unknown")

    with pytest.raises(FetchError, match="was not found"):
        fetch_url("http://nowhere.example/", resolve=unknown)


def test_a_look_up_that_hangs_is_given_up() -> None:
    release = threading.Event()

    def hangs(host: str, port: int) -> Sequence[str]:
        release.wait(30)
        return ["8.8.8.8"]

    with pytest.raises(FetchError, match="looked up in time"):
        fetch_url("http://slow.example/", resolve=hangs, timeout_s=0.2)
    release.set()


def test_a_page_over_the_size_is_refused_and_not_read_to_its_end(site: Site) -> None:
    sent: list[int] = []

    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/html")
        handler.end_headers()
        try:
            for _ in range(1000):
                handler.wfile.write(b"x" * 100_000)
                sent.append(100_000)
        except OSError:
            return

    site.answers["/big"] = endless
    with pytest.raises(FetchError, match="larger than 2,000,000"):
        fetch(site.url("/big"))
    assert sum(sent) < 1000 * 100_000


def test_a_packed_page_is_unpacked_and_a_bomb_is_not(site: Site) -> None:
    site.answers["/ok"] = reply(gzip.compress(PAGE), Content_Encoding="gzip")
    site.answers["/bomb"] = reply(gzip.compress(b"x" * (5 * MAX_BYTES)), Content_Encoding="gzip")
    site.answers["/odd"] = reply(PAGE, Content_Encoding="br")
    site.answers["/broken"] = reply(b"no gzip at all", Content_Encoding="gzip")
    assert "Soup" in fetch(site.url("/ok")).text
    with pytest.raises(FetchError, match="larger than"):
        fetch(site.url("/bomb"))
    with pytest.raises(FetchError, match="packed as br"):
        fetch(site.url("/odd"))
    with pytest.raises(FetchError, match="unpacked"):
        fetch(site.url("/broken"))
    assert site.asked[0][1]["accept-encoding"] == "identity"


@pytest.mark.parametrize("drip", ["head", "body"])
def test_a_page_that_comes_in_drops_is_given_up(site: Site, drip: str) -> None:
    stop = threading.Event()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        if drip == "body":
            handler.send_response(200)
            handler.send_header("Content-Type", "text/plain")
            handler.end_headers()
        try:
            while not stop.is_set():
                handler.wfile.write(b"x")
                handler.wfile.flush()
                time.sleep(0.05)
        except OSError:
            return

    site.answers["/slow"] = slow
    with pytest.raises(FetchError, match=r"too long|in time"):
        fetch(site.url("/slow"), timeout_s=0.5)
    stop.set()


@pytest.mark.parametrize("kind", ["image/png", "application/pdf", "application/json", "text/css", "", "nonsense"])
def test_only_pages_and_plain_text_are_read(site: Site, kind: str) -> None:
    site.answers["/x"] = reply(PAGE, kind)
    with pytest.raises(FetchError):
        fetch(site.url("/x"))


@pytest.mark.parametrize("status", [204, 304, 403, 404, 500])
def test_another_status_is_named(site: Site, status: int) -> None:
    site.answers["/x"] = reply(b"", status=status)
    with pytest.raises(FetchError, match=str(status)):
        fetch(site.url("/x"))


def test_an_empty_page_and_a_binary_one_are_input_errors(site: Site) -> None:
    site.answers["/empty"] = reply(b"  ")
    site.answers["/binary"] = reply(b"\x89PNG\r\n\x1a\n" + bytes(200), "text/html")
    for path in ("/empty", "/binary"):
        with pytest.raises(InputError):
            fetch(site.url(path))


def test_a_server_that_hangs_up_or_is_not_there_is_a_fetch_error(site: Site) -> None:
    def hang_up(handler: BaseHTTPRequestHandler) -> None:
        handler.connection.shutdown(socket.SHUT_RDWR)

    site.answers["/x"] = hang_up
    with pytest.raises(FetchError):
        fetch(site.url("/x"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(FetchError, match="could not be read"):
        fetch(f"http://blog.example:{port}/")


def test_a_proxy_of_the_environment_is_not_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    site.answers["/"] = reply(PAGE)
    assert "Soup" in fetch(site.url("/")).text
