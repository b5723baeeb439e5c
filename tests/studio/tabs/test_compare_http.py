"""The window over HTTP, as programs and other people's pages meet it: at home, and as a Space."""

import json
import time
from typing import Any

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from studio.actions.form import FIELDS
from tests.fakes import ADAPTER, BASE, POST, PROSE, RECIPE, pieces
from tests.fakes import form_values as plain_values
from tests.studio.conftest import Window
from training.errors import ModelError

LINE_KEYS = {"arm", "adapter", "raw", "tier", "object", "schema_errors", "scores", "finish_reason", "prompt_sha256",
             "constrained", "tokens", "seconds", "proof"}  # fmt: skip


def form_values(**changes: Any) -> list[Any]:
    """As the page sends them: every choice is one that is offered."""
    return plain_values(**{"sweep_arm": "base", **changes})


def ask(window: Window, *given: Any, **named: Any) -> list[dict[str, Any]]:
    """The public endpoint's lines."""
    answer = client(window).predict(*given, **named, api_name="/compare")
    return [json.loads(line) for line in answer.splitlines()]


def client(window: Window) -> Client:
    return Client(window.url, verbose=False)


def call(window: Window, name: str, data: list[Any], session: str = "tester", **headers: str) -> httpx.Response:
    """Join the queue for an endpoint by its name, private or not, as any program could."""
    index = next(i for i, fn in window.app.fns.items() if fn.api_name == name)
    body = {"data": data, "fn_index": index, "session_hash": session}
    joined = httpx.post(f"{window.url}/gradio_api/queue/join", json=body, headers=headers, timeout=30)
    if joined.status_code != 200:
        return joined
    return httpx.get(f"{window.url}/gradio_api/queue/data", params={"session_hash": session}, timeout=60)


def outcome(response: httpx.Response) -> dict[str, Any]:
    """The last message of a stream: what the call ended with."""
    messages = [json.loads(line[6:]) for line in response.text.splitlines() if line.startswith("data: ")]
    return next(message for message in reversed(messages) if message["msg"] == "process_completed")


def test_plain_arguments_give_the_command_lines_json(home: Window) -> None:
    lines = ask(home, POST)
    assert [set(line) for line in lines] == [LINE_KEYS, LINE_KEYS]
    assert [(line["arm"], line["adapter"], line["raw"]) for line in lines] == [
        ("base", None, PROSE),
        (ADAPTER, ADAPTER, RECIPE),
    ]
    assert lines[1]["tier"] == "strict" and lines[1]["object"]["name"] == "Lentil Soup"
    assert lines[0]["prompt_sha256"] == lines[1]["prompt_sha256"]
    assert lines[1]["proof"]["adapter_state"] == f"on: {ADAPTER}"


def test_every_argument_counts(home: Window) -> None:
    found = ask(home, text=POST, task="recipe-jsonld", base=BASE, adapters=["tiny-other"], prompted=True, seed=3)
    assert [line["arm"] for line in found] == ["base", "prompted base", "tiny-other"]
    assert [line["arm"] for line in ask(home, POST, adapters=[])] == ["base"]


def test_programs_hear_what_is_wrong_and_what_to_do(home: Window) -> None:
    with pytest.raises(AppError, match="no task"):
        client(home).predict(POST, task="nope", api_name="/compare")


def test_what_programs_hear_is_plain_text(home: Window) -> None:
    with pytest.raises(AppError) as caught:
        client(home).predict(POST, task='a "b" <i>', api_name="/compare")
    assert """There is no task 'a "b" <i>'. Choose one of: recipe-jsonld""" in str(caught.value).replace("\\'", "'")
    with pytest.raises(AppError, match=r"prompted is .false.\. Give it true or false"):
        client(home).predict(POST, prompted="false", api_name="/compare")


def test_only_the_comparison_is_offered_to_programs(home: Window) -> None:
    api = httpx.get(f"{home.url}/gradio_api/info").json()
    assert list(api["named_endpoints"]) == ["/compare"] and not api["unnamed_endpoints"]


def test_every_endpoint_has_a_name_of_its_own(home: Window) -> None:
    names = [fn.api_name for fn in home.app.fns.values() if fn.fn is not None]
    assert all(names)
    by_handler = [name for name in names if isinstance(name, str) and name[-1].isdigit()]
    assert not by_handler, "Gradio numbers names that are given twice"


def test_what_was_compared_by_a_program_is_kept_at_home(home: Window) -> None:
    client(home).predict(f"Unheard-of pudding\n{POST}", api_name="/compare")
    (row,) = home.deps.shelf("some page").list_comparisons(search="unheard-of")
    assert row.title == "Unheard-of pudding"


def test_a_broken_model_is_a_message_and_the_studio_stays_usable(home: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home.engine, "broken", ModelError("The file is cut short.", fix="Copy it again."))
    ended = outcome(call(home, "run_comparison", form_values()))
    assert not ended["success"] and "The file is cut short." in ended["output"]["error"]
    monkeypatch.undo()
    assert ask(home, POST)[1]["tier"] == "strict"


def test_a_client_that_goes_away_frees_the_model(home: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home.engine, "token_s", 0.2)
    index = next(i for i, fn in home.app.fns.items() if fn.api_name == "run_comparison")
    body = {"data": form_values(), "fn_index": index, "session_hash": "leaver"}
    before = home.engine.steps
    assert httpx.post(f"{home.url}/gradio_api/queue/join", json=body, timeout=30).status_code == 200
    with httpx.stream("GET", f"{home.url}/gradio_api/queue/data", params={"session_hash": "leaver"}, timeout=30) as s:
        for line in s.iter_lines():
            if "process_generating" in line and "lovely" in line:
                break
    while home.deps.line.counts() != (0, 0):
        time.sleep(0.05)
    assert home.engine.steps - before < len(pieces(RECIPE)) / 2
    monkeypatch.undo()
    assert ask(home, POST)[1]["tier"] == "strict"


def test_a_foreign_page_can_neither_call_upload_nor_read(window: Window) -> None:
    evil = {"Origin": "http://evil.com"}
    for path in ("queue/join", "run/run_comparison", "call/compare", "upload", "cancel"):
        assert httpx.post(f"{window.url}/gradio_api/{path}", headers=evil, json={}).status_code == 403
    for path in ("/", "/config", "/gradio_api/info"):
        assert httpx.get(window.url + path, headers={"Host": "evil.com"}).status_code == 400
    read = httpx.get(f"{window.url}/config", headers=evil)
    assert read.headers.get("access-control-allow-origin") != "http://evil.com"
    assert httpx.get(f"{window.url}/gradio_api/file=http://127.0.0.1:1/").status_code == 403


def test_what_gradio_would_open_by_itself_is_shut(window: Window) -> None:
    assert httpx.get(f"{window.url}/monitoring", follow_redirects=True).status_code in (403, 404)
    assert httpx.get(f"{window.url}/docs").status_code == 404
    config = httpx.get(f"{window.url}/config").json()
    assert config["analytics_enabled"] is False
    assert not config.get("run_history")


def test_the_page_is_an_app_that_can_be_installed(home: Window) -> None:
    manifest = httpx.get(f"{home.url}/manifest.json").json()
    assert manifest["name"] == "Taste Test" and manifest["display"] == "standalone" and manifest["icons"]


@pytest.mark.parametrize("address", ["http://127.0.0.1:80/", "http://localhost/", "file:///etc/passwd", "nonsense"])
def test_at_home_addresses_of_this_machine_are_not_fetched(home: Window, address: str) -> None:
    ended = outcome(call(home, "load_url", [address, *form_values()]))
    assert not ended["success"] and ended["output"]["title"] == "The page could not be fetched"


def test_a_space_fetches_no_address_whatever_is_called(space: Window) -> None:
    ended = outcome(call(space, "load_url", ["http://169.254.169.254/", *form_values()]))
    assert not ended["success"] and "only on one" in ended["output"]["error"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"base": "/etc"}, "not in the list of choices"),
        ({"base": "someone/model"}, "not in the list of choices"),
        ({"own_adapter": "/root"}, "not offered here"),
    ],
)
def test_a_space_reads_no_path_and_no_foreign_model(space: Window, changes: dict[str, str], why: str) -> None:
    ended = outcome(call(space, "run_comparison", form_values(**changes)))
    assert not ended["success"] and why in ended["output"]["error"]
    assert not set(changes.values()) & {base for base, _ in space.engine.prepared}


def test_on_a_space_one_visitor_never_sees_anothers_text(space: Window) -> None:
    assert outcome(call(space, "run_comparison", form_values(text="My secret soup\n" + POST), "a"))["success"]
    (row,) = space.deps.shelf("a").list_comparisons()
    for session in ("b", "a2"):
        for name in ("save_json", "vote_left"):
            assert not outcome(call(space, name, [row.id], session))["success"]
        call(space, "delete_comparison", [row.id], session)
        assert "secret" not in call(space, "search", ["secret", ""], session).text
    assert space.deps.shelf("a").get_comparison(row.id)["id"] == row.id
    assert not list(space.deps.settings.home.rglob("*"))


def test_on_a_space_the_form_works_without_the_boxes_it_leaves_out(space: Window) -> None:
    assert outcome(call(space, "run_comparison", form_values(own_adapter=None), "no boxes"))["success"]


def test_a_space_takes_no_file_but_text(space: Window) -> None:
    upload = f"{space.url}/gradio_api/upload"
    assert httpx.post(upload, files={"files": ("a.bin", b"\0\1")}).status_code == 415
    assert httpx.post(upload, files={"files": ("big.txt", b"x" * 2_100_000)}).status_code == 413
    assert httpx.post(upload, files={"files": ("a.txt", b"Soup")}).status_code == 200


def test_a_private_endpoint_validates_what_it_is_sent(home: Window) -> None:
    before = list(home.engine.prepared)
    for bad in (["x"], form_values()[:-1]):
        assert not outcome(call(home, "run_comparison", bad))["success"]
    wrong = dict(zip(FIELDS, form_values(), strict=True)) | {"seed": "not a number"}
    assert not outcome(call(home, "run_comparison", list(wrong.values())))["success"]
    assert home.engine.prepared == before
