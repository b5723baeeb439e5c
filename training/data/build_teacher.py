"""The teacher as a maker of rows within a build: what was paid for is kept, what needs a person's eye is set aside."""

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from training.data.rows import BadRecord, DataRow, SourceRow
from training.data.spec import DatasetSpec
from training.errors import DataError

if TYPE_CHECKING:
    from training.chat.cost import Estimate
    from training.chat.exchange import Usage
    from training.data.teacher.plan import TeacherSpec

REVIEW = "review"  # the note of a row that a person has to look at
KNOCK_S = 10.0  # how long an endpoint may take to be there


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


def teacher_spent(spec: DatasetSpec, home: Path) -> "Usage":
    """What every build of that name has used so far; no file is made where there is none yet."""
    from training.chat.exchange import Usage
    from training.data.teacher.ledger import Ledger

    path = ledger_path(home, spec)
    if not path.is_file():
        return Usage()
    with Ledger(path) as ledger:
        return ledger.spent


def check_teacher(teacher: "TeacherSpec") -> None:
    """DataError where the teacher can't be asked: its key is not there, or nothing answers at its address.

    It costs nothing: no model is named and no key is sent, and whatever the endpoint says to that is an answer.
    """
    import httpx

    from training.chat.keys import find_key

    find_key(teacher.key_env)
    try:
        httpx.get(teacher.base_url, timeout=KNOCK_S, follow_redirects=False)
    except httpx.ReadTimeout:
        return  # somebody took the call
    except (httpx.HTTPError, httpx.InvalidURL) as err:
        raise DataError(
            f"No endpoint answers at {teacher.base_url}: {err or type(err).__name__}.",
            fix="Check the address and that the endpoint runs, then try again. Nothing was paid.",
        ) from err


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
