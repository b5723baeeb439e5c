"""The doors, knocked on one by one. A small app behind them tells what came through."""

from argparse import Namespace
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from studio.security import middleware
from studio.settings import build_settings

FLAGS = Namespace(host="127.0.0.1", port=None, share=False, auth=None, no_browser=True, four_bit=False)
SPACE = {"SPACE_ID": "me/taste", "SPACE_HOST": "me-taste.hf.space"}


def client(env: dict[str, str], host: str) -> TestClient:
    async def echo(request: Request) -> Response:
        return PlainTextResponse(str(len(await request.body())))

    settings = build_settings(FLAGS, Path("/tmp/nobody"), env)
    routes = [Route("/{path:path}", echo, methods=["GET", "POST", "PUT", "DELETE"])]
    return TestClient(Starlette(routes=routes, middleware=middleware(settings)), base_url=host)


@pytest.fixture
def home() -> TestClient:
    return client({}, "http://127.0.0.1:7860")


@pytest.fixture
def space() -> TestClient:
    return client(SPACE, "https://me-taste.hf.space")


def test_the_person_at_home_comes_through(home: TestClient) -> None:
    assert home.get("/").status_code == 200
    assert home.post("/queue/join", json={}, headers={"Origin": "http://127.0.0.1:7860"}).status_code == 200
    assert home.post("/queue/join", json={}).status_code == 200  # a program on this machine sends no origin


@pytest.mark.parametrize("host", ["evil.com", "127.0.0.1.evil.com", "192.168.1.2:7860", ""])
def test_a_foreign_host_name_is_refused(home: TestClient, host: str) -> None:
    assert home.get("/", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize("host", ["localhost:7860", "127.0.0.1:9999", "[::1]:7860", "LOCALHOST"])
def test_own_names_are_welcome(home: TestClient, host: str) -> None:
    assert home.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.com"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8000"},
        {"Origin": "http://localhost:7860"},
        {"Origin": "http://127.0.0.1:7860.evil.com"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:7860"},
    ],
)
@pytest.mark.parametrize("path", ["/gradio_api/upload", "/gradio_api/queue/join", "/gradio_api/run/compare"])
def test_what_another_site_makes_a_browser_send_is_refused(
    home: TestClient, headers: dict[str, str], path: str
) -> None:
    assert home.post(path, files={"files": ("a.txt", b"x")}, headers=headers).status_code == 403


def test_pages_may_be_linked_to_from_anywhere(home: TestClient) -> None:
    assert home.get("/?comparison=abc", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/gradio_api/proxy=http://10.0.0.1/", "/gradio_api/file=http://169.254.169.254/latest", "/proxy=x",
     "/gradio_api/file=HTTPS://example.com", "/gradio_api/file=%68ttp://example.com", "/gradio_api/file=//example.com"],
)  # fmt: skip
def test_nothing_is_fetched_for_whoever_asks(home: TestClient, space: TestClient, path: str) -> None:
    assert home.get(path).status_code == 403
    assert space.get(path).status_code == 403


def test_files_of_the_page_itself_are_served(home: TestClient) -> None:
    assert home.get("/gradio_api/file=/tmp/gradio/abc/image.png").status_code == 200


def test_a_body_above_the_limit_is_refused_announced_or_not(space: TestClient) -> None:
    big = b"x" * 4_000_001
    assert space.post("/gradio_api/queue/join", content=big).status_code == 413
    assert space.post("/gradio_api/queue/join", content=iter([big[:2_000_000], big[2_000_000:]])).status_code == 413
    assert space.post("/x", content=b"1", headers={"Content-Length": "-5"}).status_code == 413


def test_a_body_below_the_limit_arrives_whole(space: TestClient) -> None:
    parts = [b"x" * 1_000_000] * 3
    assert space.post("/gradio_api/queue/join", content=iter(parts)).text == "3000000"
    assert space.post("/gradio_api/queue/join", content=b"".join(parts)).text == "3000000"


def test_a_space_takes_text_files_only(space: TestClient) -> None:
    def upload(name: str, data: bytes) -> int:
        return space.post("/gradio_api/upload", files={"files": (name, data)}).status_code

    assert (
        upload("blog.txt", b"Soup") == upload("blog.MD", b"# Soup") == upload("blog.html", "<p>Süß</p>".encode()) == 200
    )
    assert upload("model.safetensors", b"weights") == upload("a.txt.exe", b"x") == upload("a.txt", b"nul\0") == 415
    assert space.post("/gradio_api/upload", content=b"no file at all").status_code == 415
    assert upload("big.txt", b"x" * 2_000_001) == 413


def test_an_upload_at_home_is_judged_by_what_reads_it(home: TestClient) -> None:
    assert home.post("/gradio_api/upload", files={"files": ("a.bin", b"\0")}).status_code == 200


def test_the_space_answers_to_its_own_name_only(space: TestClient) -> None:
    assert space.get("/").status_code == 200
    assert space.get("/", headers={"Host": "other.hf.space"}).status_code == 400
    assert space.post("/x", headers={"Origin": "https://me-taste.hf.space"}).status_code == 200
    assert space.post("/x", headers={"Origin": "https://huggingface.co"}).status_code == 403
