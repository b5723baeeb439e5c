"""Asks an OpenAI-compatible endpoint, politely and within limits; knows nothing of recipes, budgets or files.

- At most `concurrency` calls are under way. A call may take `timeout_s` in all, however slowly its bytes drip.
- 408, 409, 429, 5xx, dropped connections, time-outs and garbage are tried again, `retries` times, after a wait that
  doubles and is jittered, or after what Retry-After asks for. A slot is held during the wait: the endpoint gets rest.
- 401, 402, 403, 404, a spent quota and a redirect are fatal: they say what to mend and are not tried again.
- The SDK never sees the key: it is put into the header as a request leaves, and what the SDK would add from the
  environment (organisation, project, other headers) is taken out, so that nothing of it reaches another company's
  endpoint. An answer that holds the key is no answer.

Limit: whether a call that timed out or broke was charged for, only the endpoint knows.
"""

import asyncio
import random
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from dataclasses import replace
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

import httpx

from training.chat.exchange import Failure, Reply, Request, Usage, read_answer
from training.chat.keys import Key

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]
Permit = Callable[[], str]  # asked before each try: "" for go, else why not

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
LONGEST_RETRY_AFTER_S = 600.0  # an endpoint that asks for more is not waited for
MOST_BYTES = 8_000_000  # of one answer
SENT_HEADERS = frozenset(
    {"host", "accept", "accept-encoding", "connection", "content-type", "content-length", "user-agent"}
    | {"x-stainless-raw-response"}  # the SDK reads it back from the request, to hand over bytes
)
FATAL = {
    401: ("unauthorised", "does not accept the key"),
    402: ("quota", "wants to be paid first"),
    403: ("unauthorised", "does not allow this"),
    404: ("not_found", "does not know the address or the model"),
}


class Endpoint(Protocol):
    """How an endpoint is asked. `retries` are tries after the first, `timeout_s` is for one call."""

    @property
    def base_url(self) -> str: ...
    @property
    def concurrency(self) -> int: ...
    @property
    def retries(self) -> int: ...
    @property
    def timeout_s(self) -> float: ...


class ChatClient:
    """A context: a loop of its own in a thread, so that plain code can have several calls under way and stop them."""

    def __init__(self, spec: Endpoint, key: Key, sleep: Sleep = asyncio.sleep, seed: int | None = None) -> None:
        self._spec, self._key, self._sleep = spec, key, sleep
        self._jitter = random.Random(seed)

    def __enter__(self) -> Self:
        from openai import AsyncOpenAI

        self._loop = asyncio.new_event_loop()
        self._slots = asyncio.Semaphore(self._spec.concurrency)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._http = httpx.AsyncClient(
            timeout=self._spec.timeout_s, follow_redirects=False, event_hooks={"request": [self._dress]}
        )
        self._sdk = AsyncOpenAI(
            api_key="put in later", base_url=self._spec.base_url, max_retries=0, http_client=self._http
        )
        # Taken out here: the SDK loads most of itself at this point, which must not count as a call's time.
        self._create = self._sdk.chat.completions.with_streaming_response.create
        self._thread = threading.Thread(target=self._loop.run_forever, name="chat", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Breaks off what is still under way."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        """Starts `work` on the client's loop. Its result and its exception come with the future."""

        async def kept() -> T:
            task = asyncio.current_task()
            assert task is not None
            self._tasks.add(task)
            try:
                return await work
            finally:
                self._tasks.discard(task)

        return asyncio.run_coroutine_threadsafe(kept(), self._loop)

    async def ask(self, request: Request, permit: Permit, settle: Callable[[Usage], None]) -> Reply | Failure:
        """One request with its retries. `permit` is asked before each try; `settle` is told what each try used.

        The usage of what comes back covers all tries. A refused permit is a Failure of kind cap.
        """
        async with self._slots:
            used = Usage()
            for attempt in range(1, self._spec.retries + 2):
                if why := permit():
                    return Failure("cap", why, usage=used)
                outcome = await self._try(request, settle)
                used += outcome.usage
                if isinstance(outcome, Reply) or not outcome.again or attempt > self._spec.retries:
                    return _with_usage(outcome, used)
                wait = outcome.wait_s if outcome.wait_s is not None else self._backoff(attempt)
                if wait > LONGEST_RETRY_AFTER_S:
                    return _with_usage(outcome, used)
                await self._sleep(wait)
        raise AssertionError("the last try returns")

    async def _try(self, request: Request, settle: Callable[[Usage], None]) -> Reply | Failure:
        """One call. However it ends, `settle` hears of it."""
        outcome: Reply | Failure = Failure("cancelled", "The call was broken off.", usage=Usage(calls=1))
        try:
            outcome = await self._call(request)
        finally:
            settle(outcome.usage)
        return outcome

    async def _call(self, request: Request) -> Reply | Failure:
        import openai

        one = Usage(calls=1)
        try:
            async with asyncio.timeout(self._spec.timeout_s):
                body = await self._body(request)
        except (TimeoutError, openai.APITimeoutError, httpx.TimeoutException):
            return Failure("timeout", f"No whole answer within {self._spec.timeout_s:g} s.", again=True, usage=one)
        except openai.APIStatusError as error:
            return self._refused(error.response, error.body, request)
        except (openai.APIConnectionError, httpx.HTTPError) as error:
            cause = error.__cause__ if isinstance(error, openai.APIConnectionError) and error.__cause__ else error
            said = self._key.hide(f"{type(cause).__name__}: {cause}".rstrip(": "))
            return Failure("connection", f"The connection to the endpoint failed ({said}).", again=True, usage=one)
        if body is None:
            return Failure("garbage", f"The answer is longer than {MOST_BYTES:,} bytes.", usage=one)
        if self._key.stands_in(body.decode("utf-8", "replace")):
            return Failure("leak", "The endpoint's answer holds the key: it was thrown away.", usage=one)
        outcome = read_answer(body, request)
        return _with_usage(outcome, outcome.usage if outcome.usage.calls else one)

    async def _body(self, request: Request) -> bytes | None:
        """The answer's bytes, None past `MOST_BYTES`."""
        messages: Any = [{"role": message.role, "content": message.content} for message in request.messages]
        pieces: list[bytes] = []
        size = 0
        async with self._create(model=request.model, messages=messages, extra_body=dict(request.params)) as response:
            async for piece in response.iter_bytes():
                pieces.append(piece)
                size += len(piece)
                if size > MOST_BYTES:
                    return None
        return b"".join(pieces)

    def _refused(self, response: httpx.Response, body: object, request: Request) -> Failure:
        """What an error status means, in words; the endpoint's own words without the key."""
        status, usage = response.status_code, Usage(calls=1)
        detail = body if isinstance(body, dict) else {}
        said = self._key.hide(str(detail.get("message") or body or "no reason given"))[:300]
        if detail.get("code") == "insufficient_quota":
            return Failure("quota", f"The account's quota is spent: {said}", fatal=True, usage=usage)
        if status in FATAL:
            kind, what = FATAL[status]
            reason = f"{self._spec.base_url} {what} (status {status}, model {request.model}): {said}"
            return Failure(kind, reason, fatal=True, usage=usage)
        if 300 <= status < 400:
            reason = f"{self._spec.base_url} sends calls on to another address (status {status}): give that one."
            return Failure("not_found", reason, fatal=True, usage=usage)
        if status in (408, 409, 429) or status >= 500:
            kind = "rate_limit" if status == 429 else "server"
            reason = f"The endpoint answered with status {status}: {said}"
            return Failure(kind, reason, again=True, wait_s=retry_after(response.headers), usage=usage)
        return Failure("rejected", f"The endpoint rejected the request (status {status}): {said}", usage=usage)

    def _backoff(self, attempt: int) -> float:
        """Seconds before the try after `attempt` (from 1): doubling to `LONGEST_WAIT_S`, less a random part of half."""
        return min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (attempt - 1)) * self._jitter.uniform(0.5, 1.0)

    async def _dress(self, request: httpx.Request) -> None:
        """Only the headers of `SENT_HEADERS` and the key leave."""
        for name in [name for name in request.headers if name.lower() not in SENT_HEADERS]:
            del request.headers[name]
        if self._key:
            request.headers["Authorization"] = self._key.header()

    async def _stop(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._sdk.close()


def retry_after(headers: httpx.Headers, now: Callable[[], float] = time.time) -> float | None:
    """Seconds that Retry-After asks for, given as a number or a date (0 for a past one); None where it says neither."""
    given = headers.get("retry-after", "").strip()
    try:
        seconds = float(given)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(given).timestamp() - now()
        except (ValueError, TypeError, OverflowError):
            return None
    return max(0.0, seconds) if seconds < float("inf") else None


def _with_usage(outcome: Reply | Failure, usage: Usage) -> Reply | Failure:
    return replace(outcome, usage=usage)
