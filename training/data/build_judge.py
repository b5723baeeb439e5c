"""The judge of rows within a build: what it would cost is known before, what was answered is kept and paid for once."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from training.chat.asking import Terms
from training.chat.cost import Estimate, estimate
from training.chat.exchange import Request
from training.chat.keys import find_key
from training.chat.ledger import Ledger
from training.data.build_teacher import ledger_path as teacher_ledger
from training.data.gates.plan import Judge, Opinion
from training.data.judge.ask import opinions
from training.data.judge.plan import JudgeSpec
from training.data.judge.prompts import VERDICT_CHARS, load_words, request_for
from training.data.rows import DataRow
from training.data.spec import DatasetSpec
from training.data.stages import Cancelled
from training.errors import DataError
from training.task.pack import BUILTIN, Pack, find_packs, pack_named


def ledger_path(home: Path, spec: DatasetSpec) -> Path:
    """Where a dataset's questions to its judge are kept: beside its versions, and longer than any build."""
    return home / "datasets" / f"judge-{spec.name}.jsonl"


def judge_of(spec: DatasetSpec, home: Path, cancelled: Callable[[], bool]) -> Judge:
    """The spec's judge as the gates ask it, which ends in Cancelled. DataError at once where its key is not there."""
    asked, pack = _judge(spec), _pack(spec, home)
    terms = Terms(asked, find_key(asked.key_env, whose=asked.whose), ledger_path(home, spec))

    def judge(rows: Sequence[DataRow]) -> Iterator[Opinion]:
        yield from opinions(rows, pack, load_words(), terms, cancelled)
        if cancelled():
            raise Cancelled

    return judge


def estimate_judge(spec: DatasetSpec, home: Path) -> Estimate:
    """What the spec's judge would be asked about, and at what cost. Asks nobody, needs no key.

    Every row that can be made without asking anybody goes through all gates, so this takes as long as a build without
    a judge. A row that a teacher has yet to write is counted as one that passes them, with the length expected of it.
    """
    from training.data.build_gates import plan_for
    from training.data.gates.run import run_gates
    from training.engine.counting import token_counter

    asked, pack, words = _judge(spec), _pack(spec, home), load_words()
    passed: list[DataRow] = []
    unwritten: list[DataRow] = []

    def note(rows: Sequence[DataRow]) -> Iterator[Opinion]:
        passed.extend(rows)
        return (Opinion(None) for _ in rows)

    for _ in run_gates(_rows(spec, home, pack, unwritten), plan_for(spec, home, note)):
        pass

    def questions() -> Iterator[tuple[Request, int]]:
        for row in chain(passed, unwritten):
            yield request_for(row, pack, asked, words), VERDICT_CHARS

    count, path = token_counter(spec.tokenizer, home) if spec.tokenizer else None, ledger_path(home, spec)
    if not path.is_file():
        return estimate(questions(), asked, lambda _: False, count)
    with Ledger(path) as ledger:
        return estimate(questions(), asked, ledger.knows, count)


def _rows(spec: DatasetSpec, home: Path, pack: Pack, unwritten: list[DataRow]) -> Iterator[DataRow]:
    """The rows that a build would make; those that a teacher has not written yet go to `unwritten`."""
    from training.data.makers import make_rows
    from training.data.sources.read import read_source
    from training.data.teacher.write import known_rows

    sources = chain.from_iterable(read_source(spec.resolved(source), spec.seed) for source in spec.sources)
    if spec.teacher is None:
        made = make_rows(spec.task, sources, spec.render, spec.seed)
        yield from (row for row in made if isinstance(row, DataRow))
        return
    for found in known_rows(sources, pack, spec.teacher, teacher_ledger(home, spec)):
        if isinstance(found, DataRow):
            yield found
        else:
            text = found.given * (1 + found.expected_chars // max(1, len(found.given)))
            expected = f"{found.request.key} {text[: found.expected_chars]}"
            source, gold = (expected, found.sheet.gold()) if found.sheet else (found.given, expected)
            unwritten.append(DataRow(spec.task, source, gold, found.row.group, found.row.origin))


def _judge(spec: DatasetSpec) -> JudgeSpec:
    if spec.judge is None:
        raise DataError(f"{spec.name} asks no judge.", fix="Name one under `judge:`, or build: it costs nothing.")
    return spec.judge


def _pack(spec: DatasetSpec, home: Path) -> Pack:
    return pack_named(spec.task, find_packs(BUILTIN, home / "tasks"), DataError)
