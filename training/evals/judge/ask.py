"""Questions to a judge and what came of each: from the cache, or asked within limits (metrics C5 to C7).

Transport is tried again by `training.chat.client`. An answer that can't be read is asked for once more, with what is
wrong with it; then the question is unscored. Nothing here ever turns a failure into a score. What a fault of the
endpoint breaks off, a later run takes up: every usable verdict is in the cache the moment it is there.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from training.chat.client import ChatClient, Sleep
from training.chat.cost import Budget
from training.chat.exchange import Failure, Reply, Request, Usage, tokens_in
from training.chat.keys import Key, find_key
from training.errors import InputError
from training.evals.judge.cache import Kept, VerdictCache
from training.evals.judge.config import JudgeSettings
from training.evals.judge.protocol import Asker, Material, asked_again, fresh_nonce, messages_for, question_key
from training.evals.judge.verdict import OK, PairVerdict, Unusable, Verdict, read_pairwise, read_pointwise
from training.task.records import Message

POLL_S = 0.1  # how soon a stop is noticed
GRACE_S = 5.0  # what calls under way get when a person stops: they are paid for
BY_HAND = "Stopped by hand."
GRADER_FAILED, CAPPED, STOPPED = "unscored(grader_failed)", "unscored(cap)", "unscored(stopped)"
FIXES = {
    "unauthorised": "Check the key in the variable that --key-env names, and that it may use this model.",
    "quota": "Top the account up or use another key.",
    "not_found": "Check --endpoint (it ends before /chat/completions) and the model's name.",
}
# Failures that another call with what is wrong told may cure; a cut answer would only be cut again.
_FORMAT = ("empty",)


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to judge. `told` is the answer's object (of a pair: unused), `tag` whatever the asker wants back."""

    material: Material
    told: dict[str, Any]
    order: str = ""
    repeat: int = 0
    tag: Any = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a question. `status` ok or unscored(reason), `why` in words. `retries` counts calls beyond the first
    and re-asks; `usage` is what the verdict took, whenever it was asked: `cached` says that it was not now."""

    question: Question
    verdict: Verdict | PairVerdict | None
    status: str
    why: str = ""
    usage: Usage = field(default_factory=Usage)
    cached: bool = False
    retries: int = 0
    failure: str = ""  # the kind of the transport's failure, "format" for an answer that can't be read


class JudgeClient:
    """A context around one endpoint. `nonce`, `sleep` and `key` let tests run without chance, waiting and keys."""

    def __init__(
        self,
        settings: JudgeSettings,
        asker: Asker,
        cache: VerdictCache,
        *,
        key: Key | None = None,
        sleep: Sleep = asyncio.sleep,
        nonce: Callable[[Material], str] = fresh_nonce,
    ) -> None:
        self.settings, self.asker, self.cache = settings, asker, cache
        self._nonce = nonce
        self._client = ChatClient(settings, key or find_key(settings.key_env, whose="judge"), sleep)
        self._budget = Budget(settings, Usage())
        self._halted, self._capped = "", False
        self._failed_in_a_row = 0
        self._answers: Counter[bool] = Counter()  # verdicts that came now, by whether they could be read

    def __enter__(self) -> Self:
        self._client.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.__exit__(kind, error, trace)

    @property
    def spent(self) -> Usage:
        return self._budget.spent

    @property
    def money(self) -> float | None:
        return self._budget.money

    @property
    def halted(self) -> str:
        """Why nothing more is sent, "" while it is."""
        return self._halted

    def outcomes(self, questions: Iterable[Question], stop: Callable[[], bool] = lambda: False) -> Iterator[Outcome]:
        """What came of each question, in their order. InputError where the endpoint can't be used at all.

        After a stop, a cap or an endpoint that has died the rest comes out unscored, unasked.
        """
        source = iter(questions)
        window: deque[tuple[Question, Future[Outcome]]] = deque()
        while True:
            while len(window) < 2 * self.settings.concurrency and (question := next(source, None)) is not None:
                window.append((question, self._client.run(self._exchange(question))))
            if not window:
                return
            question, future = window[0]
            while not wait([future], timeout=POLL_S).done:
                if stop():
                    self._wind_down([other for _, other in window])
                    break
            window.popleft()
            yield self._settled(question, future)
            if stop():
                self._wind_down([other for _, other in window])

    def _wind_down(self, under_way: "list[Future[Outcome]]") -> None:
        """Nothing new is sent; what is under way gets a moment, then it is broken off."""
        self._halted = self._halted or BY_HAND
        for future in wait(under_way, timeout=GRACE_S).not_done:
            future.cancel()

    def _settled(self, question: Question, future: "Future[Outcome]") -> Outcome:
        if future.cancelled() or not future.done():
            return Outcome(question, None, STOPPED, BY_HAND)
        outcome = future.result()
        if outcome.failure in FIXES:
            self._halted = outcome.why
            raise InputError(
                f"The judge can't be used: {outcome.why}",
                fix=f"{FIXES[outcome.failure]} What was judged before is kept in the cache.",
            )
        self._give_up(outcome)
        return outcome

    def _give_up(self, outcome: Outcome) -> None:
        """Halts when the endpoint has died, or when nothing that it says can be read."""
        if outcome.cached or outcome.status in (CAPPED, STOPPED):
            return
        self._failed_in_a_row = self._failed_in_a_row + 1 if outcome.failure not in ("", "format") else 0
        if outcome.failure in ("", "format"):
            self._answers[outcome.status == OK] += 1
        if self._failed_in_a_row >= self.settings.give_up_after:
            self._halted = self._halted or f"The judge failed {self._failed_in_a_row} times in a row."
        elif not self._answers[True] and self._answers[False] >= self.settings.none_usable:
            self._halted = self._halted or f"None of the first {self._answers[False]} verdicts could be read."

    async def _exchange(self, question: Question) -> Outcome:
        """A question from the cache, or asked, with one re-ask where its answer can't be read."""
        key = question_key(self.asker, self.settings, question.material, question.order, question.repeat)
        kept = self.cache.find(key)
        if kept is not None:
            try:
                return Outcome(question, self._read(question, kept.raw), OK, "", kept.usage, cached=True)
            except Unusable:
                pass  # read by other rules when it was kept: asked anew
        began = time.monotonic()
        messages = messages_for(self.asker, question.material, self._nonce(question.material))
        used, raw, why = Usage(), "", ""
        outcome = Outcome(question, None, GRADER_FAILED)
        for attempt in range(2):
            asked = asked_again(self.asker, messages, raw, why) if attempt else messages
            said = await self._ask(asked, question.material.second is not None)
            used += said.usage
            if isinstance(said, Failure) and said.kind not in _FORMAT:
                outcome = self._failed(question, said, used)
                break
            try:
                raw = said.text if isinstance(said, Reply) else ""
                if isinstance(said, Failure):
                    raise Unusable("it is empty.")
                verdict = self._read(question, raw)
            except Unusable as error:
                why = str(error)
                outcome = Outcome(
                    question, None, GRADER_FAILED, f"Unreadable, asked twice: {why}", used, False, used.calls - 1,
                    "format",
                )  # fmt: skip
                continue
            outcome = Outcome(question, verdict, OK, "", used, False, used.calls - 1)
            break
        if used.calls:
            self.cache.keep(
                key,
                Kept(outcome.status, raw, outcome.why, used, time.monotonic() - began, self.settings.model),
            )
        return outcome

    async def _ask(self, messages: tuple[Message, ...], pairwise: bool) -> Reply | Failure:
        settings = self.settings
        params = settings.params(self.asker.schema(pairwise))
        request = Request(settings.base_url.rstrip("/"), settings.model, params, "judge", messages)
        n_in = tokens_in(request.chars)

        def permit() -> str:
            return self._halted or self._budget.reserve(n_in)

        outcome = await self._client.ask(request, permit, lambda used: self._budget.settle(n_in, used))
        if isinstance(outcome, Failure) and outcome.kind == "cap" and not self._halted:
            self._halted, self._capped = outcome.reason, True
        return outcome

    def _failed(self, question: Question, failure: Failure, used: Usage) -> Outcome:
        calls = max(0, used.calls - 1)
        if failure.kind == "cap":
            status = CAPPED if self._capped else STOPPED
            return Outcome(question, None, status, failure.reason, used, False, calls)
        return Outcome(question, None, GRADER_FAILED, failure.reason, used, False, calls, failure.kind)

    def _read(self, question: Question, raw: str) -> Verdict | PairVerdict:
        material, accept = question.material, self.settings.accept_repaired
        if material.second is not None:
            records = {"A": material.candidate, "B": material.second}
            return read_pairwise(raw, self.asker.schema(True), material.source, records, accept)
        evidence = material.source if self.asker.grounded else f"{material.source}\n{material.candidate}"
        return read_pointwise(raw, self.asker.groups, self.asker.schema(False), (question.told, evidence), accept)
