"""What a teacher is, what it may cost and what it will cost: the spec, the estimate before, the budget during.

Money is tokens times the prices a person gave; without prices it is None and shown as "unknown", never 0. Tokens are
characters / `CHARS_PER_TOKEN` where no counter is given, and every estimate says which it was.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, get_args
from urllib.parse import urlsplit

from training.data.teacher.exchange import CHARS_PER_TOKEN, Request, Usage, tokens_in
from training.errors import DataError

Policy = Literal["refuse", "review", "trim"]
TokenCounter = Callable[[str], int]
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Prices:
    """Money for a million tokens, in and out. None: unknown."""

    input_per_million: float | None = None
    output_per_million: float | None = None
    currency: str = "USD"

    def money(self, input_tokens: int, output_tokens: int) -> float | None:
        """What the tokens cost, None where a price is unknown."""
        if self.input_per_million is None or self.output_per_million is None:
            return None
        return (input_tokens * self.input_per_million + output_tokens * self.output_per_million) / MILLION


@dataclass(frozen=True, slots=True)
class Caps:
    """The most that one ledger may ever hold: HTTP calls, tokens (in and out), money. None: no cap."""

    calls: int | None = None
    tokens: int | None = None
    money: float | None = None


@dataclass(frozen=True, slots=True)
class TeacherSpec:
    """One teacher and how it is asked. Raises DataError where it can't work.

    `key_env` names the variable (and the keyring entry) that holds the key, "" where none is wanted. `length_parameter`
    is the endpoint's name for `max_tokens`, the most tokens of one answer, thoughts included. `retries` are tries after
    the first, `timeout_s` is for one call. `policy` says what becomes of a row whose gold holds what its text does not.
    `styles` () are all that the task's prompts know; `posts_per_row` of them are drawn for each source row. After
    `give_up_after` failed requests in a row nothing more is sent.
    """

    base_url: str
    model: str
    key_env: str = ""
    concurrency: int = 4
    temperature: float = 0.8
    max_tokens: int = 1500
    length_parameter: str = "max_tokens"
    retries: int = 4
    timeout_s: float = 120.0
    prices: Prices = field(default_factory=Prices)
    caps: Caps = field(default_factory=Caps)
    policy: Policy = "refuse"
    styles: tuple[str, ...] = ()
    posts_per_row: int = 1
    seed: int = 7
    give_up_after: int = 8

    def __post_init__(self) -> None:
        _check_address(self.base_url, bool(self.key_env))
        if not self.model.strip():
            raise DataError("The teacher has no model.", fix="Give `model` the name that the endpoint knows it by.")
        if self.key_env and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", self.key_env):
            # Not shown: what stands there instead of a name may well be the key.
            raise DataError(
                "key_env is not the name of an environment variable.",
                fix="Write a name there, such as TEACHER_API_KEY, and put the key into that variable.",
            )
        if self.policy not in get_args(Policy):
            raise DataError(f"The policy {self.policy!r} is unknown.", fix=f"Use one of {', '.join(get_args(Policy))}.")
        if self.length_parameter not in ("max_tokens", "max_completion_tokens"):
            raise DataError(
                f"length_parameter is {self.length_parameter!r}.", fix="Use max_tokens or max_completion_tokens."
            )
        for name, (least, most) in _LIMITS.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise DataError(f"{name} is {value}.", fix=f"Choose a number from {least} to {most}.")
        _check_caps(self)

    def params(self) -> dict[str, float | int]:
        """What is sent beside model and messages."""
        return {"temperature": self.temperature, self.length_parameter: self.max_tokens}


_LIMITS: dict[str, tuple[float, float]] = {
    "concurrency": (1, 64),
    "temperature": (0.0, 2.0),
    "max_tokens": (1, 200_000),
    "retries": (0, 20),
    "timeout_s": (0.01, 3600.0),
    "posts_per_row": (1, 100),
    "give_up_after": (1, 10_000),
}


def _check_address(base_url: str, keyed: bool) -> None:
    try:
        parts = urlsplit(base_url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        raise DataError(
            f"The teacher's address {base_url!r} is no web address.",
            fix="Give the address that ends before /chat/completions, such as http://localhost:8000/v1.",
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise DataError(
            f"The teacher's address on {host} holds a user, a password or a query, and addresses are written to disk.",
            fix="Give the bare address, and the key by key_env.",
        )
    if keyed and parts.scheme == "http" and not _at_home(host):
        raise DataError(
            f"The key would travel to {host} unencrypted, where anybody on the way can read it.",
            fix="Use the https address, or leave key_env out.",
        )


def _at_home(host: str) -> bool:
    """Loopback, a private address, or a name of the local network."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_private
    except ValueError:
        return host == "localhost" or "." not in host or host.endswith((".local", ".localhost", ".lan"))


def _check_caps(spec: TeacherSpec) -> None:
    caps, prices = spec.caps, spec.prices
    numbers = {"caps.calls": caps.calls, "caps.tokens": caps.tokens, "caps.money": caps.money,
               "prices.input_per_million": prices.input_per_million,
               "prices.output_per_million": prices.output_per_million}  # fmt: skip
    for name, number in numbers.items():
        if number is not None and not 0 <= number < float("inf"):
            raise DataError(f"{name} is {number}.", fix="Give a number that is not below 0, or leave it out.")
    if caps.money is not None and prices.money(0, 0) is None:
        raise DataError(
            f"The cap of {caps.money:g} {prices.currency} can't be kept: the teacher's prices are unknown.",
            fix="Give prices.input_per_million and prices.output_per_million, or a cap in tokens.",
        )


@dataclass(frozen=True, slots=True)
class Estimate:
    """What asking will take. `known` of the `requests` stand answered in the ledger and cost nothing.

    Tokens count what is still to be asked: `output_tokens` as the prompts expect, `most_output_tokens` when every
    answer is as long as max_tokens allows. Both money figures are None where prices are unknown. Retries come on top.
    """

    requests: int
    known: int
    input_tokens: int
    output_tokens: int
    most_output_tokens: int
    money: float | None
    most_money: float | None
    currency: str
    counted: bool  # input tokens by a tokenizer, not by characters

    def lines(self) -> tuple[str, ...]:
        """For a person, in sentences."""
        how = "counted with a tokenizer" if self.counted else f"estimated as characters / {CHARS_PER_TOKEN}"
        money = "Cost: unknown, no prices are given."
        if self.money is not None and self.most_money is not None:
            money = f"Cost: about {self.money:.2f} {self.currency}, at most {self.most_money:.2f} without retries."
        return (
            f"{self.requests - self.known:,} calls; {self.known:,} answers are here already.",
            f"{self.input_tokens:,} tokens in, {how}.",
            f"About {self.output_tokens:,} tokens out, at most {self.most_output_tokens:,}; thoughts count as well.",
            money,
        )


def estimate(
    asks: Iterable[tuple[Request, int]],
    spec: TeacherSpec,
    known: Callable[[str], bool],
    count: TokenCounter | None = None,
) -> Estimate:
    """The cost of requests with the characters expected of each answer, before anything is sent.

    `known` says whether a request's key is answered already; the same request twice is one call.
    """
    seen: set[str] = set()
    n_known = n_in = n_out = 0
    for request, expected_chars in asks:
        key = request.key
        if key in seen:
            continue
        seen.add(key)
        if known(key):
            n_known += 1
            continue
        n_in += sum(count(m.content) for m in request.messages) if count else tokens_in(request.chars)
        n_out += min(spec.max_tokens, tokens_in(expected_chars))
    most = (len(seen) - n_known) * spec.max_tokens
    money, most_money = spec.prices.money(n_in, n_out), spec.prices.money(n_in, most)
    currency = spec.prices.currency
    return Estimate(len(seen), n_known, n_in, n_out, most, money, most_money, currency, count is not None)


class Budget:
    """Holds the caps over everything a ledger has paid and what is under way now. Used from one thread only.

    A call is let go only if its worst case (the prompt, and an answer of max_tokens) still fits, so a cap is passed by
    no more than the error of the prompt's estimate, or by what an endpoint charges beyond max_tokens.
    """

    def __init__(self, spec: TeacherSpec, spent: Usage) -> None:
        self._caps, self._prices, self._most_out = spec.caps, spec.prices, spec.max_tokens
        self._spent = spent
        self._held: list[int] = []  # input tokens of each call under way

    @property
    def spent(self) -> Usage:
        return self._spent

    @property
    def money(self) -> float | None:
        return self._prices.money(self._spent.input_tokens, self._spent.output_tokens)

    def reserve(self, input_tokens: int) -> str:
        """Takes room for one call and says "", or says which cap stands in the way and takes none."""
        held = [*self._held, input_tokens]
        n_in, n_out = self._spent.input_tokens + sum(held), self._spent.output_tokens + len(held) * self._most_out
        calls, money = self._spent.calls + len(held), self._prices.money(n_in, n_out)
        caps = self._caps
        if caps.calls is not None and calls > caps.calls:
            return f"The cap of {caps.calls:,} calls is reached."
        if caps.tokens is not None and n_in + n_out > caps.tokens:
            used = self._spent.input_tokens + self._spent.output_tokens
            return f"The cap of {caps.tokens:,} tokens is reached: {used:,} are used, and another call might pass it."
        if caps.money is not None and money is not None and money > caps.money:
            paid = f"{self.money or 0.0:.4g} {self._prices.currency}"
            cap = f"{caps.money:g} {self._prices.currency}"
            return f"The cap of {cap} is reached: {paid} are paid, and another call might pass it."
        self._held.append(input_tokens)
        return ""

    def settle(self, input_tokens: int, used: Usage) -> None:
        """Gives the room of one call back and books what it used."""
        self._held.remove(input_tokens)
        self._spent += used
