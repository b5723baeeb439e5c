"""The teacher as a maker of rows within a build: what was paid for is kept, what needs a person's eye is set aside."""

from collections.abc import Callable, Iterator
from pathlib import Path

from training.data.rows import BadRecord, DataRow, SourceRow
from training.data.spec import DatasetSpec
from training.errors import DataError

REVIEW = "review"  # the note of a row that a person has to look at


def ledger_path(home: Path, spec: DatasetSpec) -> Path:
    """Where a dataset's questions and answers are kept: beside its versions, and longer than any build."""
    return home / "datasets" / f"teacher-{spec.name}.jsonl"


def teach_rows(
    rows: Iterator[SourceRow], spec: DatasetSpec, home: Path, cancelled: Callable[[], bool]
) -> Iterator[DataRow | BadRecord]:
    """Rows that the spec's teacher writes. DataError where it ended early: half a source is no stage of a build.

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
    yield from write_posts(rows, pack, spec.teacher, path, keep, cancelled)
    if last.stopped and not cancelled():
        raise DataError(
            f"The teacher stopped after {last.kept:,} rows: {last.stopped}.",
            fix="Raise the cap or wait, then build again: what was answered is kept and not paid for twice.",
        )
