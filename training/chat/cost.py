"""What asking an endpoint may cost and what it will cost: prices, caps, the estimate before, the budget during.

Money is tokens times the prices a person gave; without prices it is None and shown as "unknown", never 0. Tokens are
characters / `CHARS_PER_TOKEN` where no counter is given, and every estimate says which it was.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from training.chat.exchange import CHARS_PER_TOKEN, Request, Usage, tokens_in
from training.errors import DataError

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


class Priced(Protocol):
    """What a budget needs to know: prices, caps, and the most tokens of one answer, thoughts included."""

    @property
    def prices(self) -> Prices: ...
    @property
    def caps(self) -> Caps: ...
    @property
    def max_tokens(self) -> int: ...


def check_caps(spec: Priced, whose: str = "teacher") -> None:
    """DataError for a cap that is no number, or that no price lets anybody keep. `whose` stands in the message."""
    caps, prices = spec.caps, spec.prices
    numbers = {"caps.calls": caps.calls, "caps.tokens": caps.tokens, "caps.money": caps.money,
               "prices.input_per_million": prices.input_per_million,
               "prices.output_per_million": prices.output_per_million}  # fmt: skip
    for name, number in numbers.items():
        if number is not None and not 0 <= number < float("inf"):
            raise DataError(f"{name} is {number}.", fix="Give a number that is not below 0, or leave it out.")
    if caps.money is not None and prices.money(0, 0) is None:
        raise DataError(
            f"The cap of {caps.money:g} {prices.currency} can't be kept: the {whose}'s prices are unknown.",
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
    spec: Priced,
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


@dataclass(frozen=True, slots=True)
class Spending:
    """What a ledger has used so far, in all builds that share it, against the caps it is held to.

    `whose` is what the endpoint is asked as. `calls` counts each try, `tokens` in and out; `estimated` says that some
    of them came without the endpoint's count. `money` is None where prices are unknown. `damaged` lines of the ledger
    can't be read: what they cost is in none of these figures.
    """

    whose: str
    calls: int
    tokens: int
    money: float | None
    currency: str
    caps: Caps
    estimated: bool = False
    damaged: int = 0

    @classmethod
    def of(cls, whose: str, spec: Priced, used: Usage, damaged: int = 0) -> "Spending":
        """What was used, at the prices of the spec."""
        money = spec.prices.money(used.input_tokens, used.output_tokens)
        tokens, estimated = used.input_tokens + used.output_tokens, used.estimated_calls > 0
        return cls(whose, used.calls, tokens, money, spec.prices.currency, spec.caps, estimated, damaged)

    def line(self) -> str:
        """For a person, in one sentence."""
        caps, about = self.caps, "about " if self.estimated else ""
        calls = f"{self.calls:,}{_of(caps.calls)} call{'' if (caps.calls or self.calls) == 1 else 's'}"
        tokens = f"{about}{self.tokens:,}{_of(caps.tokens)} tokens"
        money = "cost unknown, since no prices are given"
        if self.money is not None:
            most = f" of at most {caps.money:g}" if caps.money is not None else ""
            money = f"{about}{small_money(self.money)}{most} {self.currency}"
        return f"The {self.whose} so far, in all builds of this name: {calls}, {tokens}, {money}.{self._missing()}"

    def _missing(self) -> str:
        if not self.damaged:
            return ""
        lines = "1 line of its ledger is" if self.damaged == 1 else f"{self.damaged:,} lines of its ledger are"
        return f" {lines} damaged: what was answered there is asked again, and what it cost is not counted."


def _of(cap: int | None) -> str:
    return f" of at most {cap:,}" if cap is not None else ""


def small_money(amount: float) -> str:
    """An amount with cents, or with as many digits as a small one needs to be more than nothing."""
    return f"{amount:.2f}" if amount >= 0.1 or not amount else f"{amount:.2g}"


class Budget:
    """Holds the caps over everything a ledger has paid and what is under way now. Used from one thread only.

    A call is let go only if its worst case (the prompt, and an answer of max_tokens) still fits, so a cap is passed by
    no more than the error of the prompt's estimate, or by what an endpoint charges beyond max_tokens.
    """

    def __init__(self, spec: Priced, spent: Usage) -> None:
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
