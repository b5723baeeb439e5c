"""A model behind an address as an arm, against a real server that misbehaves."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.data.teacher.server import DROP, HANG, Say, Script, Teacher, completion, fault, in_turn
from training.chat.cost import Caps, Prices
from training.chat.exchange import Request, Usage
from training.chat.keys import Key
from training.engine.api import EngineSettings
from training.engine.eval_prompts import prompts_of
from training.errors import DataError, ModelError
from training.evals.endpoint import (
    ADDRESS,
    KEY,
    Endpoint,
    EndpointAnswer,
    EndpointSpec,
    Stopped,
    arm_spec,
    question,
    spec_for,
    unasked,
)
from training.evals.records import EvalJob, EvalRow, read_arm
from training.task.pack import BUILTIN, load_pack
from training.task.records import FinishReason, Message, Sampling

SECRET = "sk-test-0d5b7c1e93a24f68"
Run = Callable[..., tuple[dict[int, EndpointAnswer], Endpoint]]


def requests_to(endpoint: Endpoint, count: int, **sampling: Any) -> list[Request]:
    how = Sampling(**sampling)
    return [endpoint.request((Message("user", f"document {n}"),), how) for n in range(count)]


@pytest.fixture
def run() -> Iterator[Run]:
    """Asks a server that follows the script for `count` documents; gives the answers by place, and the endpoint."""

    def ask(script: Script, count: int = 1, **settings: Any) -> tuple[dict[int, EndpointAnswer], Endpoint]:
        with Teacher(script).running() as server:
            usual = {"retries": 0, "timeout_s": 2.0, "concurrency": 2}
            spec = EndpointSpec(server.url, "tiny", **usual | settings)
            with Endpoint(spec, Key(SECRET)) as endpoint:
                return dict(endpoint.answer(requests_to(endpoint, count))), endpoint

    yield ask


def by_document(say: Callable[[int], Say]) -> Script:
    """Answers by the number in the question, whatever the order of arrival."""
    return lambda _number, body: say(int(body["messages"][-1]["content"].split()[-1]))


def test_every_document_gets_its_own_answer_and_the_cost_is_counted(run: Run) -> None:
    found, endpoint = run(by_document(lambda n: completion(f"answer {n}")), 7, prices=Prices(1.0, 2.0))
    assert {place: answer.text for place, answer in found.items()} == {n: f"answer {n}" for n in range(7)}
    assert all(a.finish is FinishReason.EOS and (a.input_tokens, a.output_tokens) == (100, 50) for a in found.values())
    assert all(0 < a.seconds < 2 and a.model == "tiny-teacher-0001" and not a.reason for a in found.values())
    assert endpoint.usage == Usage(7, 700, 350) and endpoint.money == pytest.approx(7 * 200 / 1e6)


def test_no_more_than_its_share_is_under_way(run: Run) -> None:
    with Teacher(by_document(lambda n: completion(str(n)))).running() as server:
        with Endpoint(EndpointSpec(server.url, "tiny", concurrency=3), Key("")) as endpoint:
            assert len(list(endpoint.answer(requests_to(endpoint, 20)))) == 20
        assert server.most_at_once <= 3 and "authorization" not in server.headers[0]


def test_what_the_model_did_wrong_is_its_answer_and_what_failed_around_it_is_not(run: Run) -> None:
    says = [
        completion('{"name": "cut', finish="length"),
        completion(""),
        completion(None, refusal="I won't."),
        fault(500, "boom"),
        DROP,
        HANG,
        Say(b"<html>"),
        completion("fine"),
    ]
    # HANG is waited for as long as that
    found, endpoint = run(by_document(says.__getitem__), len(says), timeout_s=5, concurrency=8)
    ends = [(found[n].text, found[n].finish.value) for n in range(len(says))]
    assert ends == [('{"name": "cut', "length"), ("", "eos"), ("", "eos"), *[("", "error")] * 4, ("fine", "eos")]
    assert found[3].reason.startswith("server: ") and "boom" in found[3].reason
    assert found[5].reason.startswith("timeout: ")
    assert endpoint.money is None, "no prices, no money"


def test_a_server_that_says_wait_is_asked_again(run: Run) -> None:
    found, endpoint = run(in_turn(fault(429, "slow down", Retry_After="0"), completion("fine")), retries=2)
    assert found[0].text == "fine" and endpoint.usage.calls == 2


@pytest.mark.parametrize(
    ("script", "settings", "said"),
    [
        (in_turn(fault(401, "who are you")), {}, "does not accept the key"),
        (in_turn(fault(404, "what")), {}, "does not know"),
        (in_turn(completion("a")), {"caps": Caps(calls=2)}, "cap of 2 calls"),
        (in_turn(fault(500, "boom")), {"give_up_after": 3}, "3 requests in a row failed"),
    ],
)
def test_what_can_not_get_better_ends_the_arm(run: Run, script: Script, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelError, match=said) as caught:
        run(script, 30, **settings)
    assert SECRET not in str(caught.value) and caught.value.fix


def test_it_can_be_stopped_and_left_at_any_answer() -> None:
    stop = threading.Event()
    with Teacher(by_document(lambda n: completion(str(n)) if n < 2 else HANG)).running() as server:
        with Endpoint(EndpointSpec(server.url, "tiny", concurrency=2, timeout_s=30), Key("")) as endpoint:
            found: list[int] = []
            with pytest.raises(Stopped):
                for place, _answer in endpoint.answer(requests_to(endpoint, 6), stop.is_set):
                    found.append(place)
                    if len(found) == 2:
                        stop.set()
        with Endpoint(EndpointSpec(server.url, "tiny", timeout_s=30), Key("")) as endpoint:
            assert next(iter(endpoint.answer(requests_to(endpoint, 6))))[0] in (0, 1)
    assert sorted(found) == [0, 1]


def test_what_is_sent_is_the_prompted_question_with_what_is_shown_of_the_document(tiny_models: Path) -> None:
    pack = load_pack(BUILTIN / "news-metadata")
    maker = prompts_of("llama", EngineSettings(models=tiny_models / "models"))
    row = EvalRow("a", "Acme Robotics raised 5 million dollars on Monday.", None)
    messages = question(pack, maker.context(pack, row))
    assert messages == maker.prompt(pack, read_arm("prompted"), row)[0].messages
    with Endpoint(EndpointSpec("http://localhost:1/v1", "m"), Key("")) as endpoint:
        greedy = endpoint.request(messages, Sampling())
        warm = endpoint.request(messages, Sampling(temperature=0.7, top_p=0.9, seed=8))
    assert greedy.params == {"temperature": 0.0, "top_p": 1.0, "max_tokens": 2000}
    assert warm.params["seed"] == 8 and warm.params["top_p"] == 0.9 and warm.key != greedy.key
    odd = Sampling(top_k=5, repetition_penalty=1.1, no_repeat_ngram=9)
    assert unasked(odd) == ("top_k", "repetition_penalty", "no_repeat_ngram")
    assert unasked(Sampling()) == ()


def test_the_address_is_the_jobs_or_the_environments() -> None:
    env = {ADDRESS: "https://api.example.com/v1/", KEY: SECRET}
    assert spec_for("big", environ=env) == EndpointSpec("https://api.example.com/v1", "big", KEY)
    assert spec_for("big", "http://localhost:8000/v1", {}) == EndpointSpec("http://localhost:8000/v1", "big")
    with pytest.raises(DataError, match="no address") as caught:
        spec_for("big", environ={})
    assert ADDRESS in caught.value.fix
    with pytest.raises(DataError, match="unencrypted"):
        spec_for("big", "http://api.example.com/v1", env)
    with pytest.raises(DataError, match="no model"):
        EndpointSpec("http://localhost:8000/v1", " ")


def test_the_jobs_prices_and_caps_are_the_endpoints() -> None:
    job = EvalJob("recipe-jsonld", "x", endpoint="http://localhost:8000/v1", price_in=1.0, price_out=4.0, max_cost=0.5,
                  max_calls=9, currency="EUR")  # fmt: skip
    spec = arm_spec("endpoint:big", job)
    assert spec.prices == Prices(1.0, 4.0, "EUR") and spec.caps == Caps(calls=9, money=0.5)
    assert spec.prices.money(1_000_000, 500_000) == 3.0
    with pytest.raises(DataError, match="endpoint's prices are unknown"):
        arm_spec("endpoint:big", replace(job, price_out=None))
