"""The spec refuses what can't work, the estimate says what it is made of, the budget never lets a cap be passed."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.chat.cost import Budget, Caps, Prices, estimate
from training.chat.exchange import Request, Usage
from training.data.record_reading import read_record
from training.data.teacher.plan import TeacherSpec
from training.errors import DataError, StudioError
from training.task.records import Message
from training.task.yamlfile import parse_yaml

URL = "http://localhost:8000/v1"
PRICES = Prices(1.0, 4.0, "EUR")


def request(text: str) -> Request:
    return Request(URL, "tiny", {}, "t 1", (Message("system", "1234"), Message("user", text)))


def test_the_estimate_counts_what_is_still_to_be_asked() -> None:
    spec = TeacherSpec(URL, "tiny", prices=PRICES, max_tokens=1000)
    asks = [(request("x" * 36), 400), (request("y" * 36), 400), (request("y" * 36), 400), (request("known"), 400)]
    found = estimate(asks, spec, known=lambda key: key == asks[3][0].key)
    assert (found.requests, found.known, found.input_tokens, found.output_tokens) == (3, 1, 20, 200)
    assert found.most_output_tokens == 2000
    assert found.money == pytest.approx((20 * 1 + 200 * 4) / 1e6)
    assert found.most_money == pytest.approx((20 * 1 + 2000 * 4) / 1e6)
    said = " ".join(found.lines())
    assert "2 calls; 1 answers are here already" in said and "characters / 4" in said and "EUR" in said


def test_without_prices_the_cost_is_unknown_and_never_nothing() -> None:
    found = estimate([(request("x"), 4)], TeacherSpec(URL, "tiny"), known=lambda _: False, count=len)
    assert found.money is None and found.most_money is None and found.input_tokens == 5 and found.counted
    assert "unknown" in found.lines()[-1] and "tokenizer" in " ".join(found.lines())
    half = TeacherSpec(URL, "tiny", prices=Prices(input_per_million=1.0))
    assert estimate([(request("x"), 4)], half, known=lambda _: False).money is None


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"base_url": "localhost:8000"}, "no web address"),
        ({"base_url": "ftp://host/v1"}, "no web address"),
        ({"base_url": "http://[::1"}, "no web address"),
        ({"base_url": "https://me:secret@host.example/v1"}, "written to disk"),
        ({"base_url": "https://host.example/v1?key=1"}, "written to disk"),
        ({"base_url": "http://host.example/v1", "key_env": "K"}, "unencrypted"),
        ({"model": " "}, "no model"),
        ({"key_env": "sk-7f3a9c51e2d84b60"}, "not the name of an environment variable"),
        ({"concurrency": 0}, "concurrency is 0"),
        ({"timeout_s": 0.0}, "timeout_s"),
        ({"temperature": float("nan")}, "temperature"),
        ({"policy": "hope"}, "'hope'"),
        ({"length_parameter": "tokens"}, "length_parameter"),
        ({"caps": Caps(calls=-1)}, "caps.calls is -1"),
        ({"caps": Caps(money=1.0)}, "prices are unknown"),
        ({"prices": Prices(-1.0, 1.0)}, "prices.input_per_million"),
    ],
)
def test_a_spec_that_cannot_work_says_why(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words) as error:
        TeacherSpec(**{"base_url": URL, "model": "tiny", **settings})
    assert error.value.fix
    assert "secret" not in str(error.value) and "7f3a9c51" not in str(error.value), (
        "a secret in a wrong place stays one"
    )


@pytest.mark.parametrize(
    "url", ["http://localhost:1/v1", "http://192.168.1.9/v1", "http://gpu-box/v1", "https://a.example/v1"]
)
def test_a_key_may_travel_at_home_or_encrypted(url: str) -> None:
    assert TeacherSpec(url, "tiny", key_env="K").base_url == url


def test_a_spec_is_read_from_yaml_with_unknown_keys_named() -> None:
    text = f"base_url: {URL}\nmodel: tiny\nkey_env: K\npolicy: trim\nstyles: [clean]\ncaps: {{calls: 9}}\n"
    text += "prices: {input_per_million: 1}\n"
    spec = read_record(parse_yaml(text, Path("teacher.yaml")), TeacherSpec)
    assert spec == TeacherSpec(
        URL, "tiny", "K", policy="trim", styles=("clean",), caps=Caps(calls=9), prices=Prices(1.0)
    )
    with pytest.raises(StudioError, match="api_key"):
        read_record(parse_yaml(text + "api_key: x\n", Path("teacher.yaml")), TeacherSpec)
    with pytest.raises(StudioError, match="policy"):
        read_record(parse_yaml(text.replace("trim", "hope"), Path("teacher.yaml")), TeacherSpec)


def test_each_cap_names_itself() -> None:
    def said(spent: Usage = Usage(), **caps: Any) -> str:  # noqa: B008
        return Budget(TeacherSpec(URL, "m", prices=PRICES, caps=Caps(**caps), max_tokens=100), spent).reserve(50)

    assert "cap of 2 calls" in said(Usage(calls=2), calls=2) and said(Usage(calls=1), calls=2) == ""
    assert "cap of 149 tokens" in said(tokens=149) and said(tokens=150) == ""
    assert "cap of 0.0004 EUR" in said(money=0.0004) and said(money=0.00046) == ""
    assert said() == ""


@settings(deadline=None)
@given(
    calls=st.lists(st.tuples(st.integers(0, 50), st.integers(0, 100), st.booleans()), max_size=60),
    cap_calls=st.integers(0, 20),
    cap_tokens=st.integers(0, 2000),
)
def test_whatever_is_under_way_no_cap_is_passed(
    calls: list[tuple[int, int, bool]], cap_calls: int, cap_tokens: int
) -> None:
    budget = Budget(TeacherSpec(URL, "m", caps=Caps(cap_calls, cap_tokens), max_tokens=100), Usage())
    under_way: list[tuple[int, int]] = []
    for n_in, n_out, finish_one in calls:
        if finish_one and under_way:
            given_in, given_out = under_way.pop()
            budget.settle(given_in, Usage(1, given_in, given_out))
        elif budget.reserve(n_in) == "":
            under_way.append((n_in, n_out))
    for n_in, n_out in under_way:
        budget.settle(n_in, Usage(1, n_in, n_out))
    assert budget.spent.calls <= cap_calls and budget.spent.input_tokens + budget.spent.output_tokens <= cap_tokens
