"""Source rows in, rows of a dataset out, written by a teacher: asked within limits, paid once, checked, in order.

`estimate_posts` says what it will take before anything is sent; `write_posts` does it. Rows come out in the order of
the source, whatever the order of the answers. Every answer is in the ledger the moment it arrives, so that stopping,
a cap, a fault of the endpoint or a killed process costs at most the calls under way; the same command goes on from
there and asks only what has no good answer yet.

Limits: the checks are pure, so an answer that was refused once is refused again on a later run, without being asked
again. To have such rows written anew, change the seed or the prompts' version.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from pathlib import Path

from training.chat.client import ChatClient, Sleep
from training.chat.cost import Budget, Estimate, TokenCounter, estimate
from training.chat.exchange import Failure, Reply, Request, Usage, tokens_in
from training.chat.keys import Key, find_key
from training.data.record_recipes import Unusable
from training.data.rows import BadRecord, DataRow, SourceRow
from training.data.teacher.check import Checked, Judge, refused
from training.data.teacher.ledger import Ledger
from training.data.teacher.plan import TeacherSpec
from training.data.teacher.prompts import Ask, asks, chosen_styles, load_prompts
from training.errors import DataError
from training.task.pack import BUILTIN, Pack, load_pack

POLL_S = 0.1  # how soon a cancel is noticed
GRACE_S = 5.0  # what calls under way get when a person stops: they are paid for
NONE_USABLE = 20  # answers; when that many came and not one can be used, the next will not be better
FIXES = {
    "unauthorised": "Check the key that key_env names, and that it may use this model.",
    "quota": "Top the account up or use another key.",
    "not_found": "Check base_url (it ends before /chat/completions) and the model's name.",
}


@dataclass(frozen=True, slots=True)
class TeacherProgress:
    """Where the writing stands. Counts are of this run; `spent` and `money` of the whole ledger.

    `requests` have an outcome: `from_ledger` were answered before, `answered` now, the rest failed. Of the answers,
    `kept` became rows, `review` rows to be looked at; `refused` counts everything else by kind, rows that could not be
    asked about included. `money` is None where prices are unknown. `stopped` says why it ended early, else "".
    """

    source_rows: int = 0
    requests: int = 0
    from_ledger: int = 0
    answered: int = 0
    kept: int = 0
    review: int = 0
    refused: Mapping[str, int] = field(default_factory=dict[str, int])
    spent: Usage = field(default_factory=Usage)
    money: float | None = None
    currency: str = ""
    damaged_lines: tuple[int, ...] = ()  # of the ledger
    stopped: str = ""


def estimate_posts(
    rows: Iterable[SourceRow | BadRecord],
    task: str | Pack,
    spec: TeacherSpec,
    ledger_path: Path,
    count: TokenCounter | None = None,
) -> Estimate:
    """What `write_posts` over these rows would take. Sends nothing, needs no key. `count`: the tokens of a text."""
    pack = task if isinstance(task, Pack) else load_pack(BUILTIN / task)
    prompts = load_prompts(pack.path)

    def pairs() -> Iterator[tuple[Request, int]]:
        for row in rows:
            if isinstance(row, SourceRow):
                try:
                    yield from [(ask.request, ask.expected_chars) for ask in asks(prompts, pack, row, spec)]
                except Unusable:
                    continue  # costs nothing; writing says why

    with Ledger(ledger_path) as ledger:
        return estimate(pairs(), spec, ledger.knows, count)


def write_posts(
    rows: Iterable[SourceRow | BadRecord],
    task: str | Pack,
    spec: TeacherSpec,
    ledger_path: Path,
    progress: Callable[[TeacherProgress], None] = lambda _: None,
    cancel: Callable[[], bool] = lambda: False,
) -> Iterator[DataRow | BadRecord]:
    """The rows that a teacher makes of source rows, with a record for each that could not be made.

    A row to be reviewed is a DataRow with `notes["review"]`. DataError at once for a missing key, unknown styles or a
    task without prompts; while it runs, for an endpoint that refuses everything or has died. After a cap or a cancel
    it ends without an error and the last progress says so in `stopped`.
    """
    pack = task if isinstance(task, Pack) else load_pack(BUILTIN / task)
    judge = Judge(load_prompts(pack.path), pack, spec.policy)
    chosen_styles(judge.prompts, spec)
    key = find_key(spec.key_env)
    return write_with(rows, judge, Terms(spec, key, ledger_path), progress, cancel)


@dataclass(frozen=True, slots=True)
class Terms:
    """With whom, for what and where to. `sleep` and `grace_s` let tests run without waiting."""

    spec: TeacherSpec
    key: Key
    ledger_path: Path
    sleep: Sleep = asyncio.sleep
    grace_s: float = GRACE_S


def write_with(
    rows: Iterable[SourceRow | BadRecord],
    judge: Judge,
    terms: Terms,
    progress: Callable[[TeacherProgress], None],
    cancel: Callable[[], bool],
) -> Iterator[DataRow | BadRecord]:
    """`write_posts` with its parts given."""
    with Ledger(terms.ledger_path) as ledger, ChatClient(terms.spec, terms.key, terms.sleep) as client:
        run = _Run(judge, terms, ledger, client)
        yield from run.rows(rows, progress, cancel)


@dataclass(frozen=True, slots=True)
class _Job:
    """A question and its answer, now or later; or a record that only passes through, with its kind."""

    ask: Ask | None
    answer: "Future[Reply | Failure] | Reply | None" = None
    passing: Checked | None = None


class _Run:
    """One pass over a source. Coroutines run on the client's thread, everything else on the caller's."""

    def __init__(self, judge: Judge, terms: Terms, ledger: Ledger, client: ChatClient) -> None:
        self._judge, self._terms, self._ledger, self._client = judge, terms, ledger, client
        self._budget = Budget(terms.spec, ledger.spent)
        self._pending: dict[str, Future[Reply | Failure]] = {}
        self._counts: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._window: deque[_Job] = deque()
        self._failed_in_a_row = 0
        self._stopped = ""

    def rows(
        self,
        source: Iterable[SourceRow | BadRecord],
        progress: Callable[[TeacherProgress], None],
        cancel: Callable[[], bool],
    ) -> Iterator[DataRow | BadRecord]:
        jobs, window = self._jobs(source), self._window
        while True:
            while not self._stopped and len(window) < 2 * self._terms.spec.concurrency:
                job = next(jobs, None)
                if job is None:
                    break
                window.append(job)
            if not window:
                break
            if not self._arrived(window[0], cancel):
                self._wind_down("Stopped by hand.")
                break
            checked = self._outcome(window[0])
            window.popleft()
            self._count(checked)
            progress(self.state())
            yield checked.result
            self._give_up()
        progress(self.state())

    def state(self) -> TeacherProgress:
        counts, budget = self._counts, self._budget
        return TeacherProgress(
            counts["source_rows"], counts["requests"], counts["from_ledger"], counts["answered"], counts["kept"],
            counts["review"], dict(self._refused), budget.spent, budget.money, self._terms.spec.prices.currency,
            self._ledger.damaged, self._stopped.rstrip("."),
        )  # fmt: skip

    def _jobs(self, source: Iterable[SourceRow | BadRecord]) -> Iterator[_Job]:
        for row in source:
            if isinstance(row, BadRecord):
                yield _Job(None, passing=Checked(row, "source"))
                continue
            self._counts["source_rows"] += 1
            try:
                wanted = list(asks(self._judge.prompts, self._judge.pack, row, self._terms.spec))
            except Unusable as why:
                bad = BadRecord(row.origin, row.place, f"Teacher, unusable: {why}.", str(dict(row.fields))[:500])
                yield _Job(None, passing=Checked(bad, "unusable"))
                continue
            for ask in wanted:
                yield _Job(ask, self._start(ask.request))

    def _start(self, request: Request) -> "Future[Reply | Failure] | Reply":
        key = request.key
        if (known := self._ledger.find(key)) is not None:
            return known
        if key not in self._pending:
            self._pending[key] = self._client.run(self._exchange(request))
        return self._pending[key]

    async def _exchange(self, request: Request) -> Reply | Failure:
        """One request within the budget; whatever comes of it is in the ledger before anybody sees it."""
        n_in, used = tokens_in(request.chars), Usage()

        def settle(spent: Usage) -> None:
            nonlocal used
            used += spent
            self._budget.settle(n_in, spent)

        try:
            outcome = await self._client.ask(request, lambda: self._stopped or self._budget.reserve(n_in), settle)
        except asyncio.CancelledError:
            self._ledger.record(request, Failure("cancelled", "The call was broken off.", usage=used))
            raise
        self._ledger.record(request, outcome)
        return outcome

    def _arrived(self, job: _Job, cancel: Callable[[], bool]) -> bool:
        """Waits for a job's answer; False as soon as a person stops."""
        while not cancel():
            if not isinstance(job.answer, Future) or wait([job.answer], timeout=POLL_S).done:
                return True
        return False

    def _outcome(self, job: _Job) -> Checked:
        """What became of a job whose answer is there. DataError where no request can succeed."""
        if job.passing is not None or job.ask is None:
            assert job.passing is not None
            return job.passing
        self._counts["requests"] += 1
        outcome = job.answer
        if isinstance(outcome, Future):
            self._pending.pop(job.ask.request.key, None)
            outcome = outcome.result()
            self._counts["answered"] += isinstance(outcome, Reply)
            if not isinstance(outcome, Failure):
                self._failed_in_a_row = 0
        else:
            self._counts["from_ledger"] += 1
        assert outcome is not None
        return self._judge.check(job.ask, outcome) if isinstance(outcome, Reply) else self._failed(job.ask, outcome)

    def _failed(self, ask: Ask, failure: Failure) -> Checked:
        if failure.kind == "cap":
            self._stopped = self._stopped or failure.reason
        else:
            self._failed_in_a_row += 1
        if failure.fatal:
            self._wind_down(failure.reason)
            raise DataError(f"The teacher can't be used: {failure.reason}", fix=FIXES[failure.kind] + self._kept())
        return refused(ask, failure.kind, failure.reason.rstrip("."))

    def _count(self, checked: Checked) -> None:
        if checked.kind in ("", "review"):
            self._counts["review" if checked.kind else "kept"] += 1
        else:
            self._refused[checked.kind] += 1

    def _give_up(self) -> None:
        """DataError when the endpoint has died, or when nothing that it writes can be used."""
        usable = self._counts["kept"] + self._counts["review"]
        why = ""
        if self._failed_in_a_row >= self._terms.spec.give_up_after:
            why = f"The teacher failed {self._failed_in_a_row} times in a row"
        elif not usable and self._counts["answered"] >= NONE_USABLE:
            why = f"None of the first {self._counts['answered']} answers can be used"
        if why:
            self._wind_down(why)
            kinds = ", ".join(f"{kind} {n}" for kind, n in self._refused.most_common())
            raise DataError(f"{why} ({kinds}).", fix="Read the reasons of the refused rows." + self._kept())

    def _wind_down(self, why: str) -> None:
        """Gives what is under way a moment to arrive, and so to reach the ledger. Nothing new is sent."""
        self._stopped = self._stopped or why
        wait([job.answer for job in self._window if isinstance(job.answer, Future)], timeout=self._terms.grace_s)

    def _kept(self) -> str:
        return f" The {len(self._ledger):,} answers in the ledger are kept: run again to go on from there."
