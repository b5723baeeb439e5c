"""A larger model behind an OpenAI-compatible address as an arm: asked several documents at once, its cost counted.

It is shown what every arm is shown of a document, in the prompt with the whole schema. What the model itself got wrong
is its answer: cut off at the token budget, empty, or refused. What failed around it (no connection, a server's error,
an answer that is none) is finish error: unscored, and asked again when the evaluation goes on. A wrong key, an unknown
model, a spent cap or `give_up_after` failures in a row end the arm with an error; what was answered is kept.

Limits: what an endpoint thinks aloud is not part of its answer, but counts in `max_tokens`, so an endpoint has its own
token budget and not the pack's; blanks around an answer are gone; top_k and whatever holds back repetition are not
asked for, since many endpoints refuse them (`unasked`); the seed is a wish.
"""

import os
import queue
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Self

from training.chat.address import check_address
from training.chat.client import ChatClient
from training.chat.cost import Budget, Caps, Prices, check_caps
from training.chat.exchange import Failure, Reply, Request, Usage, tokens_in
from training.chat.keys import Key, find_key
from training.errors import DataError, ModelError
from training.evals.records import EvalJob
from training.task.pack import Pack
from training.task.prompt import messages_for
from training.task.records import Context, FinishReason, Message, Sampling

ADDRESS, KEY = "TASTE_TEST_ENDPOINT", "TASTE_TEST_ENDPOINT_KEY"  # where the environment says so
_PROMPT = "evaluation 1"
_OWN_FAULT = {"truncated": FinishReason.LENGTH, "empty": FinishReason.EOS, "declined": FinishReason.EOS}
_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class EndpointSpec:
    """Where the model is and how it is asked. DataError where that can't work.

    `key_env` names the variable or keyring entry that holds the key, "" where none is wanted. `retries` are tries after
    the first, `timeout_s` is for one call. `max_tokens` is the most that an answer may take, thoughts included;
    `length_parameter` is the endpoint's name for it.
    """

    base_url: str
    model: str
    key_env: str = ""
    max_tokens: int = 2000
    concurrency: int = 4
    retries: int = 4
    timeout_s: float = 120.0
    length_parameter: str = "max_tokens"
    prices: Prices = field(default_factory=Prices)
    caps: Caps = field(default_factory=Caps)
    give_up_after: int = 8

    def __post_init__(self) -> None:
        check_address(self.base_url, bool(self.key_env), "endpoint")
        if not self.model.strip():
            raise DataError("The endpoint has no model.", fix="Name the arm endpoint:MODEL.")
        check_caps(self, "endpoint")


@dataclass(frozen=True, slots=True)
class EndpointAnswer:
    """One answer. `seconds` of its last try, tokens of all tries as counted by the endpoint or estimated.

    `finish` is eos, length or error; `reason` says why where it is not a whole answer. `model` as the endpoint names
    what answered.
    """

    text: str
    finish: FinishReason
    input_tokens: int
    output_tokens: int
    seconds: float
    model: str = ""
    reason: str = ""


class Stopped(Exception):
    """It was asked to stop: what was yielded before stays good."""


@dataclass(frozen=True, slots=True)
class _Call:
    """What came back of one call, when: `began` and `ended` are of its last try."""

    place: int
    outcome: Reply | Failure | BaseException
    times: list[float]


def spec_for(
    model: str,
    address: str = "",
    environ: Mapping[str, str] = os.environ,
    prices: Prices | None = None,
    caps: Caps | None = None,
) -> EndpointSpec:
    """The endpoint of an arm endpoint:MODEL: the address given, or the environment's; a key where the variable is set.

    DataError where there is no address, or a cap in money without prices.
    """
    found = address.strip() or environ.get(ADDRESS, "").strip()
    if not found:
        raise DataError(
            f"The arm endpoint:{model} has no address.", fix=f"Give --endpoint URL, or set {ADDRESS}; its key in {KEY}."
        )
    key = KEY if environ.get(KEY, "").strip() else ""
    return EndpointSpec(found.rstrip("/"), model, key, prices=prices or Prices(), caps=caps or Caps())


def arm_spec(arm: str, job: EvalJob) -> EndpointSpec:
    """The endpoint of an arm by its name, with the address, the prices and the caps of its job."""
    prices = Prices(job.price_in, job.price_out, job.currency)
    caps = Caps(calls=job.max_calls, money=job.max_cost)
    return spec_for(arm.partition(":")[2], job.endpoint, prices=prices, caps=caps)


def question(pack: Pack, context: Context) -> tuple[Message, ...]:
    """What the endpoint is asked about a document of which every arm is shown `context`."""
    return messages_for(pack, context.shown, prompted=True)


def unasked(sampling: Sampling) -> tuple[str, ...]:
    """What of the sampling can't be asked of every endpoint and is left out: for the manifest."""
    wanted = {
        "top_k": sampling.top_k != 0,
        "repetition_penalty": sampling.repetition_penalty != 1.0,
        "no_repeat_ngram": sampling.no_repeat_ngram != 0,
    }
    return tuple(name for name, asked in wanted.items() if asked)


class Endpoint:
    """A context. `usage` and `money` count what this one has paid; money is None where no price is known."""

    def __init__(self, spec: EndpointSpec, key: Key | None = None, spent: Usage | None = None) -> None:
        self.spec = spec
        self._budget = Budget(spec, spent or Usage())
        self._client = ChatClient(spec, find_key(spec.key_env, whose="endpoint") if key is None else key)

    def __enter__(self) -> Self:
        self._client.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.__exit__(kind, error, trace)

    @property
    def usage(self) -> Usage:
        return self._budget.spent

    @property
    def money(self) -> float | None:
        return self._budget.money

    def request(self, messages: Sequence[Message], sampling: Sampling) -> Request:
        """What is sent for a prompt. Its `key` is the prompt's hash in the frames: messages, model and parameters."""
        params: dict[str, float | int] = {
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            self.spec.length_parameter: self.spec.max_tokens,
        }
        if not sampling.greedy:
            params["seed"] = sampling.seed
        return Request(self.spec.base_url, self.spec.model, params, _PROMPT, tuple(messages))

    def answer(
        self, requests: Sequence[Request], stop: Callable[[], bool] = lambda: False
    ) -> Iterator[tuple[int, EndpointAnswer]]:
        """(place in `requests`, answer) as they come; `concurrency` are under way at once, twice as many are handed in.

        Leaving the iterator breaks off what is under way. Stopped where `stop` says so; ModelError where no further
        request could succeed.
        """
        done: queue.SimpleQueue[_Call] = queue.SimpleQueue()
        under_way: dict[int, Future[Reply | Failure]] = {}
        waiting = iter(enumerate(requests))
        failed = 0
        try:
            while True:
                while len(under_way) < 2 * self.spec.concurrency and (following := next(waiting, None)) is not None:
                    under_way[following[0]] = self._send(*following, done)
                if not under_way:
                    return
                call = _next(done, stop)
                del under_way[call.place]
                if isinstance(call.outcome, BaseException):
                    raise call.outcome
                answer = _answer(call.outcome, call.times)
                self._check(call.outcome)
                failed = failed + 1 if answer.finish is FinishReason.ERROR else 0
                yield call.place, answer
                if failed >= self.spec.give_up_after:
                    raise ModelError(
                        f"{failed} requests in a row failed at {self.spec.base_url}. The last: {answer.reason}",
                        fix="Look after the endpoint, then go on with the evaluation: what was answered is kept.",
                    )
        finally:
            for future in under_way.values():
                future.cancel()

    def _send(self, place: int, request: Request, done: "queue.SimpleQueue[_Call]") -> "Future[Reply | Failure]":
        n_in = tokens_in(request.chars)
        times: list[float] = []

        def permit() -> str:
            refused = self._budget.reserve(n_in)
            times[:] = [time.perf_counter()]
            return refused

        def settle(used: Usage) -> None:
            times.append(time.perf_counter())
            self._budget.settle(n_in, used)

        future = self._client.run(self._client.ask(request, permit, settle))
        future.add_done_callback(partial(_put, done, place, times))
        return future

    def _check(self, outcome: Reply | Failure) -> None:
        """ModelError for what no further request would be spared."""
        if isinstance(outcome, Failure) and (outcome.fatal or outcome.kind == "cap"):
            raise ModelError(
                outcome.reason,
                fix="Raise the cap, then go on with the evaluation." if outcome.kind == "cap" else "Mend that first.",
            )


def _put(done: "queue.SimpleQueue[_Call]", place: int, times: list[float], future: "Future[Reply | Failure]") -> None:
    if not future.cancelled():
        done.put(_Call(place, future.exception() or future.result(), times))


def _next(done: "queue.SimpleQueue[_Call]", stop: Callable[[], bool]) -> _Call:
    while True:
        if stop():
            raise Stopped
        try:
            return done.get(timeout=_POLL_S)
        except queue.Empty:
            continue


def _answer(outcome: Reply | Failure, times: Sequence[float]) -> EndpointAnswer:
    seconds = times[-1] - times[0] if len(times) > 1 else 0.0
    used = outcome.usage
    if isinstance(outcome, Reply):
        return EndpointAnswer(
            outcome.text, FinishReason.EOS, used.input_tokens, used.output_tokens, seconds, outcome.model
        )
    finish = _OWN_FAULT.get(outcome.kind, FinishReason.ERROR)
    return EndpointAnswer(
        outcome.text, finish, used.input_tokens, used.output_tokens, seconds, reason=f"{outcome.kind}: {outcome.reason}"
    )
