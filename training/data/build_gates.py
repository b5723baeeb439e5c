"""The gates within a build: the plan of a spec with the task's pack, the tokenizer's count, the rows to protect and,
where the spec names one, its judge."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from training.data.gates.plan import GatePlan, Judge
from training.data.gates.report import Gated, Judged, Looked
from training.data.rows import DataRow
from training.data.spec import DatasetSpec
from training.data.version_files import read_lines, row_from
from training.data.versions import LOCKED, MANIFEST, open_version, read_version, rows_of
from training.errors import DataError
from training.task.pack import BUILTIN, find_packs, pack_named


def gate_build(
    rows: Iterable[DataRow], spec: DatasetSpec, home: Path, cancelled: Callable[[], bool]
) -> Iterator[Gated | Judged | Looked]:
    """Every row through the gates of the spec, with words on how far they and its judge are."""
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
    settings = gate_settings(spec, home)
    return plan_from(settings if judge is None else {"rubric": {}, **settings}, pack, tools)


def gate_settings(spec: DatasetSpec, home: Path) -> Mapping[str, Any]:
    """The gates' settings as they hold: of a base that the spec names, its context is the limit of prompt and answer
    together, where the spec says nothing else (context_tokens: null is no limit)."""
    from training.engine.counting import context_tokens

    lengths: Mapping[str, Any] = spec.gates.get("lengths", {})
    if not spec.tokenizer or "context_tokens" in lengths:
        return spec.gates
    return {**spec.gates, "lengths": {**lengths, "context_tokens": context_tokens(spec.tokenizer, home)}}


def protected(spec: DatasetSpec) -> Iterator[DataRow]:
    """The rows that no row of this dataset may repeat. DataError for a path that is not there."""
    check_protected(spec)
    for path in map(spec.place, spec.protect):
        if path.is_dir():
            version = open_version(path)
            for part in LOCKED:
                if part in version.rows:
                    yield from rows_of(version, part)
        else:
            yield from _rows_in(path, spec.task)


def check_protected(spec: DatasetSpec) -> None:
    """DataError where a path of `protect` does not exist, or is a folder and no version."""
    for path in map(spec.place, spec.protect):
        if path.is_dir():
            read_version(path)
        elif not path.is_file():
            raise DataError(
                f"The spec of {spec.name} protects {path}, which does not exist.",
                fix="Name a version's folder or a file of rows there, or take it out of protect.",
            )


def _rows_in(path: Path, task: str) -> Iterator[DataRow]:
    """A file's rows as a version writes them, or the documents of an evaluation's rows.jsonl, which name no task."""
    for number, value in enumerate(read_lines(path), start=1):
        if isinstance(value, Mapping) and {"id", "source", "gold"} <= value.keys() and "task" not in value:
            group = value.get("group") or value["id"]
            value = {"task": task, "origin": path.parent.name, **value, "gold": value["gold"] or {}, "group": group}
        yield row_from(value, f"{path}, line {number}")


def protected_files(spec: DatasetSpec) -> list[Path]:
    """The files that decide which rows are protected."""
    return [path / MANIFEST if path.is_dir() else path for path in map(spec.place, spec.protect)]
