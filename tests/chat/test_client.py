"""The client against a real server that misbehaves in every way we know; nothing here waits for real."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.teacher.server import DROP, HANG, Say, Script, Teacher, completion, fault, in_turn
from training.chat.client import ChatClient, retry_after
from training.chat.exchange import Failure, Reply, Request, Usage, read_answer, split_reasoning
from training.chat.keys import Key, find_key
from training.data.teacher.plan import TeacherSpec
from training.errors import DataError
from training.task.records import Message

SECRET = "sk-test-7f3a9c51e2d84b60"
Ask = Callable[..., tuple[Reply | Failure, list[float], Teacher]]


def request_to(url: str, text: str = "Write a post.") -> Request:
    return Request(url, "tiny", {"temperature": 0.5, "max_tokens": 64}, "t 1", (Message("user", text),))


@pytest.fixture
def ask() -> Iterator[Ask]:
    """Asks a server that follows the script once; gives the outcome, the waits that were wished for and the server."""

    def run(script: Script, key: str = SECRET, **settings: Any) -> tuple[Reply | Failure, list[float], Teacher]:
        waits: list[float] = []

        async def sleep(seconds: float) -> None:
            waits.append(seconds)

        with Teacher(script).running() as teacher:
            spec = TeacherSpec(teacher.url, "tiny", **{"retries": 3, "timeout_s": 5.0, **settings})
            with ChatClient(spec, Key(key), sleep, seed=1) as client:
                work = client.ask(request_to(teacher.url), lambda: "", lambda _: None)
                outcome = client.run(work).result(timeout=20)
        return outcome, waits, teacher

    yield run


def test_a_good_answer_comes_with_its_usage_and_the_question_was_sent_as_given(ask: Ask) -> None:
    outcome, waits, teacher = ask(in_turn(completion("A post.")))
    assert outcome == Reply("A post.", "", "stop", "tiny-teacher-0001", Usage(1, 100, 50)) and not waits
    assert teacher.calls == [
        {
            "model": "tiny",
            "temperature": 0.5,
            "max_tokens": 64,
            "messages": [{"role": "user", "content": "Write a post."}],
        }
    ]
    assert teacher.headers[0]["authorization"] == f"Bearer {SECRET}"


def test_429_waits_for_as_long_as_it_is_told_and_tries_again(ask: Ask) -> None:
    outcome, waits, teacher = ask(in_turn(fault(429, "slow down", Retry_After="7"), completion("A post.")))
    assert isinstance(outcome, Reply) and waits == [7.0] and len(teacher.calls) == 2
    assert outcome.usage == Usage(2, 100, 50), "both calls count"


def test_a_fault_of_the_server_is_tried_again_with_growing_waits_and_then_told(ask: Ask) -> None:
    outcome, waits, teacher = ask(in_turn(fault(500, "boom")))
    assert isinstance(outcome, Failure) and outcome.kind == "server" and "boom" in outcome.reason
    assert len(teacher.calls) == 4 and outcome.usage == Usage(4)
    assert 0.5 <= waits[0] <= 1 <= waits[1] <= 2 <= waits[2] <= 4, "doubled, less up to half"


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (HANG, "timeout"),
        (DROP, "connection"),
        (Say(b"<html>Bad gateway</html>", headers={"Content-Type": "text/html"}), "garbage"),
        (Say(b'{"choices": [{"message"'), "garbage"),
        (Say(b'{"choices": []}'), "garbage"),
        (Say(b"[1, 2]"), "garbage"),
        (Say(b'{"choices": [{"message": {"content": 7}}]}'), "garbage"),
    ],
)
def test_what_may_pass_is_tried_again(ask: Ask, bad: Say, kind: str) -> None:
    outcome, waits, _ = ask(in_turn(bad, completion("A post.")), timeout_s=1.0 if bad.hang else 5.0)
    assert isinstance(outcome, Reply) and len(waits) == 1
    failed, _, teacher = ask(in_turn(bad), retries=1, timeout_s=0.3 if bad.hang else 5.0)
    assert isinstance(failed, Failure) and failed.kind == kind and failed.again and len(teacher.calls) == 2


def test_nobody_listening_is_a_failed_connection() -> None:
    async def no_wait(_: float) -> None: ...

    with Teacher(in_turn(DROP)).running() as teacher:
        url = teacher.url
    with ChatClient(TeacherSpec(url, "tiny", retries=1), Key(""), no_wait) as client:
        outcome = client.run(client.ask(request_to(url), lambda: "", lambda _: None)).result(timeout=10)
    assert isinstance(outcome, Failure) and outcome.kind == "connection" and outcome.usage.calls == 2


@pytest.mark.parametrize(
    ("say", "kind", "words"),
    [
        (fault(401, f"Incorrect key {SECRET}"), "unauthorised", "does not accept the key"),
        (fault(403, "no"), "unauthorised", "does not allow"),
        (fault(404, "no such model"), "not_found", "no such model"),
        (fault(402, "pay"), "quota", "paid"),
        (fault(429, "spent", code="insufficient_quota"), "quota", "quota is spent"),
        (Say(b"", 307, {"Location": "http://127.0.0.1:9/v1/chat/completions"}), "not_found", "another address"),
    ],
)
def test_what_no_retry_can_mend_is_fatal_at_once(ask: Ask, say: Say, kind: str, words: str) -> None:
    outcome, waits, teacher = ask(in_turn(say))
    assert isinstance(outcome, Failure) and outcome.fatal and outcome.kind == kind and words in outcome.reason
    assert len(teacher.calls) == 1 and not waits
    assert SECRET not in repr(outcome)


def test_a_rejected_request_fails_alone(ask: Ask) -> None:
    outcome, _, teacher = ask(in_turn(fault(400, "context too long")))
    assert isinstance(outcome, Failure) and outcome.kind == "rejected" and not outcome.fatal and len(teacher.calls) == 1


@pytest.mark.parametrize(
    ("say", "kind"),
    [
        (completion("Half a po", finish="length"), "truncated"),
        (completion(""), "empty"),
        (completion(None), "empty"),
        (completion("<think>and then I"), "empty"),
        (completion("No.", finish="content_filter"), "declined"),
        (completion(None, refusal="I won't"), "declined"),
        (completion("A post.", finish=None), "garbage"),
        (completion("A \ud800 post."), "garbage"),
    ],
)
def test_a_paid_answer_that_is_not_whole_has_its_reason_and_its_cost(ask: Ask, say: Say, kind: str) -> None:
    outcome, waits, teacher = ask(in_turn(say))
    assert isinstance(outcome, Failure) and outcome.kind == kind and outcome.usage == Usage(1, 100, 50)
    assert len(teacher.calls) == 1 and not waits, "asking the same again at once would only be paid twice"


@pytest.mark.parametrize(
    "say",
    [
        completion("A post.", reasoning_content="First the onions."),
        completion("A post.", reasoning="First the onions."),
        completion("<think>First the onions.</think>\n\nA post."),
        completion("First the onions.</think>A post."),
    ],
)
def test_thoughts_are_kept_apart_from_the_answer(ask: Ask, say: Say) -> None:
    outcome, _, _ = ask(in_turn(say))
    assert isinstance(outcome, Reply) and (outcome.text, outcome.reasoning) == ("A post.", "First the onions.")


def test_only_a_block_at_the_start_is_a_thought() -> None:
    assert split_reasoning("Use <think> tags.") == ("Use <think> tags.", "")


def test_without_a_count_the_usage_is_an_estimate_and_says_so(ask: Ask) -> None:
    outcome, _, _ = ask(in_turn(completion("A post. " * 10, usage=None)))
    assert isinstance(outcome, Reply) and outcome.usage == Usage(1, 4, 20, estimated_calls=1)


def test_no_more_calls_at_once_than_allowed() -> None:
    with (
        Teacher(in_turn(completion("A post."))).running() as teacher,
        ChatClient(TeacherSpec(teacher.url, "tiny", concurrency=2), Key("")) as client,
    ):
        work = [client.run(client.ask(request_to(teacher.url, f"{n}"), lambda: "", lambda _: None)) for n in range(9)]
        assert all(isinstance(future.result(timeout=20), Reply) for future in work)
    assert len(teacher.calls) == 9 and teacher.most_at_once <= 2


def test_leaving_breaks_off_what_hangs() -> None:
    with (
        Teacher(in_turn(HANG)).running() as teacher,
        ChatClient(TeacherSpec(teacher.url, "tiny"), Key("")) as client,
    ):
        future = client.run(client.ask(request_to(teacher.url), lambda: "", lambda _: None))
    assert future.cancelled() or isinstance(future.exception(), asyncio.CancelledError)


def test_nothing_of_the_environment_travels_to_the_endpoint(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY"):
        monkeypatch.setenv(name, "sk-another-companys-secret")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Secret: sk-another-companys-secret\nAuthorization: Bearer other")
    _, _, teacher = ask(in_turn(completion("A post.")))
    assert "another-companys" not in repr(teacher.headers) and teacher.headers[0]["authorization"] == f"Bearer {SECRET}"
    _, _, teacher = ask(in_turn(completion("A post.")), key="")
    assert "authorization" not in teacher.headers[0]


def test_the_key_is_in_no_log_and_in_no_answer(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for say in (completion("A post."), fault(401, f"key {SECRET}"), fault(500, SECRET), DROP):
        outcome, _, _ = ask(in_turn(say), retries=0)
        assert SECRET not in repr(outcome)
    assert SECRET not in caplog.text
    outcome, _, _ = ask(in_turn(completion(f"Your key is {SECRET}")))
    assert isinstance(outcome, Failure) and outcome.kind == "leak" and SECRET not in outcome.reason
    assert SECRET not in repr(Key(SECRET))


def test_a_key_comes_from_the_environment_then_from_the_keyring() -> None:
    assert find_key("K", {"K": SECRET}, lambda *_: "other").header() == f"Bearer {SECRET}"
    kept = {("taste-test", "K"): SECRET}
    assert find_key("K", {}, lambda *where: kept.get(where)).header() == f"Bearer {SECRET}"
    assert not find_key("", {"": "x"})
    with pytest.raises(DataError, match="K is not set in the environment, and the keyring has no entry") as error:
        find_key("K", {}, lambda *_: None)
    assert "keyring set taste-test K" in error.value.fix
    with pytest.raises(DataError, match="no header") as error:
        find_key("K", {"K": f"{SECRET} {SECRET}"})
    assert SECRET not in str(error.value) + error.value.fix


def test_a_machine_without_a_keyring_says_so() -> None:
    from keyring.errors import NoKeyringError

    def none(*_: str) -> str:
        raise NoKeyringError

    with pytest.raises(DataError, match="keyring can't be read"):
        find_key("K", {}, none)


def test_retry_after_in_both_of_its_forms() -> None:
    at = 1_700_000_000.0
    date = {"Retry-After": "Tue, 14 Nov 2023 22:13:30 GMT"}
    assert retry_after(httpx.Headers(date), lambda: at) == 10.0
    assert retry_after(httpx.Headers(date), lambda: at + 99) == 0.0
    assert retry_after(httpx.Headers({"Retry-After": "3.5"})) == 3.5
    for nothing in ("", "soon", "nan", "inf"):
        assert retry_after(httpx.Headers({"Retry-After": nothing})) is None


def test_an_endpoint_that_wants_to_be_left_alone_for_long_is_not_waited_for(ask: Ask) -> None:
    outcome, waits, _ = ask(in_turn(fault(429, "tomorrow", Retry_After="86400")))
    assert isinstance(outcome, Failure) and outcome.kind == "rate_limit" and not waits


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"null", b"[" * 100_000, json.dumps({"choices": {}}).encode()])
def test_any_bytes_are_read_to_a_reason(body: bytes) -> None:
    outcome = read_answer(body, request_to("http://localhost/v1"))
    assert isinstance(outcome, Failure) and outcome.kind == "garbage" and outcome.reason


PLAIN = st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.just("stop") | st.just("<think>")
KEYS = st.sampled_from(["choices", "message", "content", "finish_reason", "usage", "prompt_tokens", "refusal", "text"])


@settings(deadline=None)
@given(st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=5)))
def test_any_json_is_read_to_an_answer_or_a_reason(value: Any) -> None:
    outcome = read_answer(json.dumps(value).encode(), request_to("http://localhost/v1"))
    assert outcome.text if isinstance(outcome, Reply) else outcome.reason


@settings(deadline=None)
@given(finish=PLAIN, content=PLAIN | st.lists(st.fixed_dictionaries({"text": PLAIN})), refusal=PLAIN, usage=PLAIN)
def test_whatever_stands_in_a_completion_is_read(finish: Any, content: Any, refusal: Any, usage: Any) -> None:
    message = {"content": content, "refusal": refusal, "reasoning": usage}
    value = {"choices": [{"finish_reason": finish, "message": message}], "usage": {"prompt_tokens": usage}}
    outcome = read_answer(json.dumps(value).encode(), request_to("http://localhost/v1"))
    assert outcome.text.strip() if isinstance(outcome, Reply) else outcome.reason


def test_equal_requests_have_equal_keys_and_others_do_not() -> None:
    one = request_to("http://localhost/v1")
    assert one.key == request_to("http://localhost/v1").key
    others = [
        replace(one, model="big"), replace(one, params={}), replace(one, prompt_version="t 2"),
        request_to("http://localhost/v1", "Other."), request_to("http://localhost/v2"),
    ]  # fmt: skip
    assert len({request.key for request in (one, *others)}) == 6
