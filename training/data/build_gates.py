"""The gates within a build: the plan of a spec with the task's pack, the tokenizer's count, the rows to protect and,
where the spec names one, its judge."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from training.data.gates.plan import GatePlan, Judge
from training.data.gates.report import Gated, Judged
from training.data.rows import DataRow
from training.data.spec import DatasetSpec
from training.data.version_files import read_rows
from training.data.versions import LOCKED, MANIFEST, open_version, rows_of
from training.errors import DataError
from training.task.pack import BUILTIN, find_packs, pack_named


def gate_build(
    rows: Iterable[DataRow], spec: DatasetSpec, home: Path, cancelled: Callable[[], bool]
) -> Iterator[Gated | Judged]:
    """Every row through the gates of the spec, with a word after each row that its judge was asked about."""
    from training.data.build_judge import judge_of
    from training.data.gates.run import gate_steps

    return gate_steps(rows, plan_for(spec, home, judge_of(spec, home, cancelled) if spec.judge else None))


def gate_rows(rows: Iterable[DataRow], spec: DatasetSpec, home: Path) -> Iterator[Gated]:
    """The same for a spec without a judge."""
    from training.data.gates.run import run_gates

    return run_gates(rows, plan_for(spec, home, None))


def plan_for(spec: DatasetSpec, home: Path, judge: Judge | None) -> GatePlan:
    """The gates that the spec describes; with a judge its acceptance rule as well, as it is set or by default."""
    from training.data.gates.settings import Tools, plan_from
    from training.engine.counting import token_counter

    pack = pack_named(spec.task, find_packs(BUILTIN, home / "tasks"), DataError)
    tools = Tools(token_counter(spec.tokenizer, home), tuple(protected(spec)), judge)
    settings = spec.gates if judge is None else {"rubric": {}, **spec.gates}
    return plan_from(settings, pack, tools)


def protected(spec: DatasetSpec) -> Iterator[DataRow]:
    """The rows that no row of this dataset may repeat."""
    for path in map(spec.place, spec.protect):
        if path.is_dir():
            version = open_version(path)
            for part in LOCKED:
                if part in version.rows:
                    yield from rows_of(version, part)
        else:
            yield from read_rows(path)


def protected_files(spec: DatasetSpec) -> list[Path]:
    """The files that decide which rows are protected."""
    return [path / MANIFEST if path.is_dir() else path for path in map(spec.place, spec.protect)]
