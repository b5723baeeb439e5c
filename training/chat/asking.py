"""Many questions to one endpoint, each paid once: known answers come from the ledger, the rest is asked within caps.

Answers come back in the order of the questions, whatever the order in which they arrive. Every answer is in the ledger
the moment it is there, so that stopping, a cap, a fault of the endpoint or a killed process costs at most the calls
under way; the same questions go on from there and only those without a good answer are asked again. One process at a
time asks with a ledger: two would each spend what the cap allows, and pay twice for one question.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar

from training.chat.client import ChatClient, Sleep
from training.chat.cost import Budget, Spending
from training.chat.endpoint import EndpointSpec
from training.chat.exchange import Failure, Reply, Request, Usage, tokens_in
from training.chat.keys import Key
from training.chat.ledger import Ledger
from training.errors import BusyError, DataError
from training.processes import Claim

T = TypeVar("T")
S = TypeVar("S", bound=EndpointSpec)
POLL_S = 0.1  # how soon a cancel is noticed
GRACE_S = 5.0  # what calls under way get when a person stops: they are paid for
NONE_USABLE = 20  # answers; when that many came and not one can be used, the next will not be better
BY_HAND = "Stopped by hand."
SHOWN_CHARS = 300  # of the last reason, where the asking is given up
FIXES = {
    "unauthorised": "Check the key that key_env names, and that it may use this model.",
    "quota": "Top the account up or use another key.",
    "not_found": "Check base_url (it ends before /chat/completions) and the model's name.",
}


Answer = Future[Reply | Failure] | Reply | None  # later, known, or to a tag that asks nothing


@dataclass(frozen=True, slots=True)
class Terms(Generic[S]):
    """With whom, for what and where to. `sleep` and `grace_s` let tests run without waiting."""

    spec: S
    key: Key
    ledger_path: Path
    sleep: Sleep = asyncio.sleep
    grace_s: float = GRACE_S


@contextmanager
def _claimed(ledger: Path) -> Iterator[None]:
    """The ledger as this process' own. DataError while another one asks with it."""
    with ExitStack() as stack:
        try:
            stack.enter_context(Claim(ledger.parent, f"What {ledger.name} pays for", f".{ledger.name}.claim"))
        except BusyError as err:
            raise DataError(str(err), fix=f"{err.fix} What it was answered is then not asked again.") from err
        yield


class Asking:
    """A context around one endpoint and its ledger. Coroutines run on the client's thread, the rest on the caller's.

    `n_known` questions were answered from the ledger, `n_answered` now, `n_failed` not at all; `refused` counts by kind
    what the caller could not use. `stopped` says why nothing more is sent, "" while it is.
    """

    def __init__(self, terms: Terms[S]) -> None:
        self._terms, self._spec = terms, terms.spec
        self._pending: dict[str, Future[Reply | Failure]] = {}
        self._window: deque[tuple[str, Answer]] = deque()  # a request's key and its answer, in the questions' order
        self._failed_in_a_row, self._usable, self._last = 0, 0, ""
        self.n_known = self.n_answered = self.n_failed = 0
        self.refused: Counter[str] = Counter()
        self.stopped = ""

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(_claimed(self._terms.ledger_path))
            self.ledger = stack.enter_context(Ledger(self._terms.ledger_path))
            self._client = stack.enter_context(ChatClient(self._spec, self._terms.key, self._terms.sleep))
            self._budget = Budget(self._spec, self.ledger.spent)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    @property
    def spent(self) -> Usage:
        """What the whole ledger used."""
        return self._budget.spent

    @property
    def spending(self) -> Spending:
        return Spending.of(self._spec.whose, self._spec, self._budget.spent, len(self.ledger.damaged))

    def answers(
        self, questions: Iterable[tuple[T, Request | None]], cancel: Callable[[], bool]
    ) -> Iterator[tuple[T, Reply | Failure | None]]:
        """Each question's tag with its answer, in order; a tag without a request passes through with None.

        Between two answers the caller says by `use` or `refuse` what became of the last one. Ends early after a cancel,
        and after a cap once what is under way is told. DataError where no request can succeed, where the endpoint has
        died, or where nothing that it answers can be used.
        """
        source, tags = iter(questions), deque[T]()
        while True:
            while not self.stopped and len(tags) < 2 * self._spec.concurrency:
                if (question := next(source, None)) is None:
                    break
                tag, request = question
                tags.append(tag)
                self._window.append(("", None) if request is None else (request.key, self._start(request)))
            if not tags:
                return
            if not self._arrived(self._window[0][1], cancel):
                self.wind_down(BY_HAND)
                return
            outcome = self._outcome(*self._window[0])
            self._window.popleft()
            yield tags.popleft(), outcome
            self._give_up()

    def use(self) -> None:
        """The last answer was of use."""
        self._usable += 1

    def refuse(self, kind: str, reason: str = "") -> None:
        """The last answer, or what stood in its place, was of no use."""
        self.refused[kind] += 1
        self._last = reason[:SHOWN_CHARS]

    def wind_down(self, why: str) -> None:
        """Gives what is under way a moment to arrive, and so to reach the ledger. Nothing new is sent."""
        self.stopped = self.stopped or why
        wait([answer for _, answer in self._window if isinstance(answer, Future)], timeout=self._terms.grace_s)

    def _start(self, request: Request) -> "Future[Reply | Failure] | Reply":
        key = request.key
        if (known := self.ledger.find(key)) is not None:
            return known
        if key not in self._pending:
            self._pending[key] = self._client.run(self._exchange(key, request))
        return self._pending[key]

    async def _exchange(self, key: str, request: Request) -> Reply | Failure:
        """One request within the budget; whatever comes of it is in the ledger before anybody sees it."""
        n_in, used = tokens_in(request.chars), Usage()

        def settle(spent: Usage) -> None:
            nonlocal used
            used += spent
            self._budget.settle(n_in, spent)

        try:
            outcome = await self._client.ask(request, lambda: self.stopped or self._budget.reserve(n_in), settle)
        except asyncio.CancelledError:
            self.ledger.record(request, Failure("cancelled", "The call was broken off.", usage=used))
            raise
        self.ledger.record(request, outcome)
        return outcome

    def _arrived(self, answer: Answer, cancel: Callable[[], bool]) -> bool:
        """Waits for an answer; False as soon as a person stops."""
        while not cancel():
            if not isinstance(answer, Future) or wait([answer], timeout=POLL_S).done:
                return True
        return False

    def _outcome(self, key: str, answer: Answer) -> Reply | Failure | None:
        """What came of a question whose answer is there. DataError where no request can succeed."""
        if not isinstance(answer, Future):
            self.n_known += answer is not None
            return answer
        self._pending.pop(key, None)
        outcome = answer.result()
        if isinstance(outcome, Reply):
            self.n_answered += 1
            self._failed_in_a_row = 0
            return outcome
        self.n_failed += 1
        if outcome.kind == "cap":
            self.stopped = self.stopped or outcome.reason
        else:
            self._failed_in_a_row += 1
        if outcome.fatal:
            self.wind_down(outcome.reason)
            raise DataError(
                f"The {self._spec.whose} can't be used: {outcome.reason}", fix=FIXES[outcome.kind] + self._kept()
            )
        return outcome

    def _give_up(self) -> None:
        """DataError when the endpoint has died, or when nothing that it answers can be used."""
        why = ""
        if self._failed_in_a_row >= self._spec.give_up_after:
            why = f"The {self._spec.whose} failed {self._failed_in_a_row} times in a row"
        elif not self._usable and self.n_answered >= NONE_USABLE:
            why = f"None of the {self._spec.whose}'s first {self.n_answered} answers can be used"
        if why:
            self.wind_down(why)
            kinds = ", ".join(f"{kind} {n}" for kind, n in self.refused.most_common())
            last = f" The last one: {self._last}" if self._last else ""
            raise DataError(f"{why} ({kinds}).{last}", fix="Check the endpoint and the model." + self._kept())

    def _kept(self) -> str:
        return f" The {len(self.ledger):,} answers in the ledger are kept: run again to go on from there."
