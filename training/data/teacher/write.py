"""Source rows in, rows of a dataset out, written by a teacher: asked within limits, paid once, checked, in order.

`estimate_posts` says what it will take before anything is sent; `write_posts` does it. Rows come out in the order of
the source, whatever the order of the answers. Every answer is in the ledger the moment it arrives, so that stopping,
a cap, a fault of the endpoint or a killed process costs at most the calls under way; the same command goes on from
there and asks only what has no good answer yet. Rows that somebody finished pass as they are: nobody is asked.

Limits: the checks are pure, so an answer that was refused once is refused again on a later run, without being asked
again. To have such rows written anew, change the seed or the prompts' version.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from training.chat.asking import Asking, Terms
from training.chat.cost import Estimate, TokenCounter, estimate
from training.chat.exchange import Reply, Request, Usage
from training.chat.keys import find_key
from training.chat.ledger import Ledger
from training.data.makers import finished_row
from training.data.record_recipes import Unusable
from training.data.rows import BadRecord, DataRow, SourceRow
from training.data.teacher.check import Checked, Judge, refused
from training.data.teacher.plan import TeacherSpec
from training.data.teacher.prompts import Ask, Prompts, asks, check_chosen, load_prompts
from training.task.pack import BUILTIN, Pack, load_pack


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
            for ask in _questions(row, prompts, pack, spec):
                if isinstance(ask, Ask):
                    yield ask.request, ask.expected_chars

    with Ledger(ledger_path) as ledger:
        return estimate(pairs(), spec, ledger.knows, count)


def known_rows(
    rows: Iterable[SourceRow | BadRecord], pack: Pack, spec: TeacherSpec, ledger_path: Path
) -> Iterator[DataRow | Ask]:
    """What `write_posts` would give as far as its answers are there already: a row for each, else its question.

    An answer that can't be used, or that waits for a person, gives nothing. A finished row is given as it is.
    """
    judge = Judge(load_prompts(pack.path), pack, spec.policy)
    with Ledger(ledger_path) as ledger:
        for row in rows:
            for found in _questions(row, judge.prompts, pack, spec):
                if isinstance(found, Ask):
                    if (reply := ledger.find(found.request.key)) is None:
                        yield found
                        continue
                    found = judge.check(found, reply)
                if isinstance(found.result, DataRow) and not found.kind:
                    yield found.result


def asked_about(rows: Iterable[SourceRow | BadRecord], pack: Pack, spec: TeacherSpec) -> Iterator[Checked | Ask]:
    """The first question about each row, to be looked at: nobody is asked. A row that needs none, or that can't be
    asked about, comes as `write_posts` would give it."""
    prompts = load_prompts(pack.path)
    for row in rows:
        yield _questions(row, prompts, pack, spec)[0]


def _questions(row: SourceRow | BadRecord, prompts: Prompts, pack: Pack, spec: TeacherSpec) -> list[Ask | Checked]:
    """What a row is asked; or the row itself, finished, or the reason why it can't be asked about."""
    if isinstance(row, BadRecord):
        return [Checked(row, "source")]
    if (made := finished_row(pack.name, row)) is not None:
        return [Checked(made, "" if isinstance(made, DataRow) else "unusable")]
    try:
        return list(asks(prompts, pack, row, spec))
    except Unusable as why:
        bad = BadRecord(row.origin, row.place, f"Teacher, unusable: {why}.", str(dict(row.fields))[:500])
        return [Checked(bad, "unusable")]


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
    check_chosen(judge.prompts, spec)
    key = find_key(spec.key_env)
    return write_with(rows, judge, Terms(spec, key, ledger_path), progress, cancel)


def write_with(
    rows: Iterable[SourceRow | BadRecord],
    judge: Judge,
    terms: Terms[TeacherSpec],
    progress: Callable[[TeacherProgress], None],
    cancel: Callable[[], bool],
) -> Iterator[DataRow | BadRecord]:
    """`write_posts` with its parts given."""
    with Asking(terms) as asking:
        yield from _Run(judge, terms.spec, asking).rows(rows, progress, cancel)


class _Run:
    """One pass over a source."""

    def __init__(self, judge: Judge, spec: TeacherSpec, asking: Asking) -> None:
        self._judge, self._spec, self._asking = judge, spec, asking
        self._counts: Counter[str] = Counter()

    def rows(
        self,
        source: Iterable[SourceRow | BadRecord],
        progress: Callable[[TeacherProgress], None],
        cancel: Callable[[], bool],
    ) -> Iterator[DataRow | BadRecord]:
        for asked, outcome in self._asking.answers(self._questions(source), cancel):
            if isinstance(asked, Checked):
                checked = asked
            elif isinstance(outcome, Reply):
                checked = self._judge.check(asked, outcome)
            else:
                assert outcome is not None
                checked = refused(asked, outcome.kind, outcome.reason.rstrip("."))
            self._count(checked)
            progress(self.state())
            yield checked.result
        progress(self.state())

    def state(self) -> TeacherProgress:
        counts, asking = self._counts, self._asking
        requests, prices = asking.n_known + asking.n_answered + asking.n_failed, self._spec.prices
        return TeacherProgress(
            counts["source_rows"], requests, asking.n_known, asking.n_answered, counts["kept"], counts["review"],
            dict(asking.refused), asking.spent, asking.spending.money, prices.currency, asking.ledger.damaged,
            asking.stopped.rstrip("."),
        )  # fmt: skip

    def _questions(self, source: Iterable[SourceRow | BadRecord]) -> Iterator[tuple[Ask | Checked, Request | None]]:
        for row in source:
            self._counts["source_rows"] += isinstance(row, SourceRow)
            for asked in _questions(row, self._judge.prompts, self._judge.pack, self._spec):
                yield asked, asked.request if isinstance(asked, Ask) else None

    def _count(self, checked: Checked) -> None:
        if checked.kind in ("", "review"):
            self._counts["review" if checked.kind else "kept"] += 1
            self._asking.use()
        else:
            self._asking.refuse(checked.kind, checked.result.reason if isinstance(checked.result, BadRecord) else "")
