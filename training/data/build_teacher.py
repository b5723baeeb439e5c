"""The teacher as a maker of rows within a build: what was paid for is kept, what needs a person's eye is set aside."""

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from training.chat.cost import Spending
from training.data.rows import BadRecord, DataRow, SourceRow
from training.data.spec import DatasetSpec
from training.errors import DataError

if TYPE_CHECKING:
    from training.chat.cost import Estimate

REVIEW = "review"  # the note of a row that a person has to look at


def ledger_path(home: Path, spec: DatasetSpec) -> Path:
    """Where a dataset's questions and answers are kept: beside its versions, and longer than any build."""
    return home / "datasets" / f"teacher-{spec.name}.jsonl"


def estimate_teacher(spec: DatasetSpec, home: Path) -> "Estimate":
    """What the spec's teacher would be asked for, and at what cost. Reads every source, asks nobody, needs no key.

    DataError for a spec without a teacher and for a source that can't be read.
    """
    from training.data.sources.read import read_source
    from training.data.teacher.write import estimate_posts
    from training.engine.counting import token_counter
    from training.task.pack import BUILTIN, find_packs, pack_named

    if spec.teacher is None:
        raise DataError(f"{spec.name} asks no teacher.", fix="Name one under `teacher:`, or build: it costs nothing.")
    pack = pack_named(spec.task, find_packs(BUILTIN, home / "tasks"), DataError)
    rows = chain.from_iterable(read_source(spec.resolved(source), spec.seed) for source in spec.sources)
    path, count = ledger_path(home, spec), token_counter(spec.tokenizer, home) if spec.tokenizer else None
    return estimate_posts(rows, pack, spec.teacher, path, count)


def teach_rows(
    rows: Iterator[SourceRow], spec: DatasetSpec, home: Path, cancelled: Callable[[], bool]
) -> Iterator[DataRow | BadRecord | Spending]:
    """Rows that the spec's teacher writes, each after what was spent up to it.

    DataError where it ended early: half a source is no stage of a build.

    Building again asks only what has no answer yet.
    """
    from training.data.teacher.write import TeacherProgress, write_posts
    from training.task.pack import BUILTIN, find_packs, pack_named

    if spec.teacher is None:
        raise ValueError("a spec without a teacher")
    packs = find_packs(BUILTIN, home / "tasks")
    pack = pack_named(spec.task, packs, DataError)
    last = TeacherProgress()

    def keep(progress: TeacherProgress) -> None:
        nonlocal last
        last = progress

    path = ledger_path(home, spec)
    path.parent.mkdir(parents=True, exist_ok=True)
    for row in write_posts(rows, pack, spec.teacher, path, keep, cancelled):
        yield Spending.of(spec.teacher.whose, spec.teacher, last.spent, len(last.damaged_lines))
        yield row
    if last.stopped and not cancelled():
        raise DataError(
            f"The teacher stopped after {last.kept:,} rows: {last.stopped}.",
            fix="Raise the cap or wait, then build again: what was answered is kept and not paid for twice.",
        )
