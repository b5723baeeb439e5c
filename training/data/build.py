"""From a spec to a version: sources -> rows -> gates -> split -> leak report -> version, told step by step.

`build` is a generator of `Progress`: who reads it drives it, and stops it by `cancelled`. Rows and gates, the long
stages, are kept below HOME/datasets/.building/<hash of the spec>/stages until the version is there; a build that was
stopped or killed takes them up again where what went into them is the same. Rows lie on the disk between stages; in
memory are, as far as this file decides, ids, and for the leak report the training and held-out rows.
Limits: sources are streamed, but the gates hold their rows, so memory grows with what is made of a source; of a Hub
dataset only its name is compared.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from training.chat.cost import Spending
from training.data.build_check import check_first
from training.data.build_gates import gate_build, protected_files
from training.data.build_teacher import REVIEW, teach_rows
from training.data.gates.report import Gated, Judged, Looked
from training.data.makers import MENUS, RenderSpec
from training.data.record_reading import changed
from training.data.row_index import RowIndex
from training.data.rows import BadRecord, DataRow, Refusal, SourceRow, canonical
from training.data.sources.naming import named
from training.data.spec import PARTS, DatasetSpec, SourceSpec
from training.data.split import PIN, split_rows
from training.data.stages import Cancelled, Stage, folder_hash, material_hash
from training.data.version_changes import leaks_json
from training.data.version_files import SCRATCH, read_lines, read_rows, row_json, sha256_file
from training.data.versions import LOCKED, Content, write_version
from training.errors import DataError
from training.processes import Claim
from training.task.pack import BUILTIN
from training.task.records import sha256_text, to_json

STAGES = ("rows", "gates", "judge", "split", "leaks", "version", "done", "cancelled")
EVERY = 100  # rows between two words of progress
UNREAD = "unreadable"  # the kind of a record that could not be read or used, beside a teacher's kinds and review


Taught = DataRow | BadRecord | Spending


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a build is. `done` and `total` count rows of the stage; `total` None: not known before its end.

    `counts` says more: rows and bad records by source, or rows by the gate that refused them. `version` is the name of
    the finished one, at the stage done. `spending` is what was paid so far, where the stage asks an endpoint; the stage
    judge, which only a spec with a judge has, is a part of the gates, and its rows are those that it is asked about.
    """

    stage: str
    done: int = 0
    total: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    version: str = ""
    spending: Spending | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """What a build is made of. The real parts are the default and are imported when a build begins."""

    read: Callable[[SourceSpec, int], Iterator[SourceRow | BadRecord]]
    make: Callable[[str, Iterator[SourceRow], RenderSpec, int], Iterator[DataRow | BadRecord]]
    gate: Callable[[Iterable[DataRow], DatasetSpec, Path, Callable[[], bool]], Iterator[Gated | Judged | Looked]]
    leaks: Callable[[Sequence[DataRow], Sequence[DataRow]], Mapping[str, Any]]
    teach: Callable[[Iterator[SourceRow], DatasetSpec, Path, Callable[[], bool]], Iterator[Taught]] = teach_rows


def real_parts() -> Parts:
    from training.data.makers import make_rows
    from training.data.sources.read import read_source

    return Parts(read_source, make_rows, gate_build, leaks_json)


@dataclass(frozen=True, slots=True)
class _Work:
    spec: DatasetSpec
    home: Path
    parts: Parts
    cancelled: Callable[[], bool]

    @property
    def stages(self) -> Path:
        return building_folder(self.home, self.spec) / "stages"

    def check(self) -> None:
        if self.cancelled():
            raise Cancelled


def building_folder(home: Path, spec: DatasetSpec) -> Path:
    """Where a spec's build keeps what is under way."""
    return home / "datasets" / SCRATCH / spec.hash[:16]


def build(
    spec: DatasetSpec, home: Path, *, parts: Parts | None = None, cancelled: Callable[[], bool] = lambda: False
) -> Generator[Progress, None, None]:
    """Build a version below HOME/datasets. The last word is "done" with the version's name, or "cancelled".

    StudioError for what a person can mend: a source that can't be read, no rows left, a part that would be empty.
    BusyError where the same spec is being built already. A version appears whole or not at all.
    """
    work = _Work(spec, home, parts or real_parts(), cancelled)
    with Claim(building_folder(home, spec), spec.name):
        try:
            yield from _build(work)
        except Cancelled:
            yield Progress("cancelled")


def _build(work: _Work) -> Generator[Progress, None, None]:
    check_first(work.spec, work.home)
    made: list[Stage] = []
    for number in range(len(work.spec.sources)):
        made.append((yield from _make(work, number)))
    gated = yield from _gate(work, made)
    kept = gated.path("kept")
    yield Progress("split", 0, gated.facts("kept").lines)
    split = split_rows(_checked(read_rows(kept), work), work.spec.split, work.spec.seed)
    index = RowIndex(kept, split.parts)
    yield Progress("split", len(split.parts), len(split.parts), dict(split.got))
    held = [row for part in LOCKED for row in index.rows(part)]
    yield Progress("leaks", 0, len(held))
    leaks = work.parts.leaks(list(index.rows("train")), held) if held else {}
    yield Progress("version", 0, sum(split.got.values()))
    content = Content(
        spec=work.spec,
        rows={part: _checked(index.rows(part), work) for part in PARTS if split.got.get(part)},
        split=split.report(),
        gates=gated.notes,
        leaks=leaks,
        refused=_refused(made, gated),
    )
    version = write_version(work.home / "datasets", content)
    shutil.rmtree(work.stages)
    yield Progress("done", sum(version.rows.values()), None, dict(version.rows), version.name)


def _make(work: _Work, number: int) -> Generator[Progress, None, Stage]:
    """Read one source and make its rows; returns its stage, which is taken up again where nothing about it changed."""
    spec, source = work.spec, named(work.spec.resolved(work.spec.sources[number]))
    file_hash = sha256_file(Path(source.path)) if source.kind == "file" and Path(source.path).is_file() else ""
    given = [spec.task, spec.seed, number, changed(spec.sources[number]), changed(spec.render), file_hash]
    given += [changed(spec.teacher) if spec.teacher else None, material_hash(), _pack_hash(work)]
    stage = Stage(work.stages, f"source-{number}", sha256_text(canonical(given)))
    origin, every = source.origin, 1 if spec.teacher else EVERY  # a row that is paid for takes seconds
    total, spending, kinds, told = _expected(spec, source), None, Counter[str](), 0
    if stage.finished():
        yield Progress("rows", stage.notes["rows"], None, {origin: stage.notes["rows"]})
        return stage
    with stage.writing("rows", "bad") as (rows, bad):

        def readable() -> Iterator[SourceRow]:
            for item in work.parts.read(source, spec.seed):
                work.check()
                if isinstance(item, BadRecord):
                    kinds[UNREAD] += 1
                    bad.write({"bad": to_json(item)})
                else:
                    yield item

        for item in _rows(work, readable()):
            if isinstance(item, Spending):
                spending = item
                continue
            if isinstance(item, BadRecord):
                kinds[item.kind or UNREAD] += 1
                bad.write({"bad": to_json(item)})
            elif REVIEW in item.notes:
                kinds[REVIEW] += 1
                why = Refusal(REVIEW, "A person has to look at it.", str(item.notes[REVIEW]))
                bad.write({"row": row_json(item), "refusals": [to_json(why)]})
            else:
                rows.write(row_json(_pinned(item, source.part)))
            if (seen := rows.count + bad.count) >= told + every:
                told = seen
                counts = {origin: rows.count, "bad records": bad.count}
                yield Progress("rows", seen if total else rows.count, total, counts, "", spending)
        notes = {"origin": origin, "rows": rows.count, "bad_records": bad.count, "file_sha256": file_hash}
    stage.finish({**notes, "bad_kinds": dict(sorted(kinds.items()))})
    counts = {origin: rows.count, "bad records": bad.count}
    yield Progress("rows", stage.notes["rows"], None, counts, spending=spending)
    return stage


def _expected(spec: DatasetSpec, source: SourceSpec) -> int | None:
    """How many rows a source that says how many records it takes is to give; None where it takes all there are."""
    each = spec.teacher.posts_per_row if spec.teacher else spec.render.posts_per_recipe if spec.task in MENUS else 1
    finished = {"source", "gold"} <= {mapped.field for mapped in source.mapping}
    return source.rows * (1 if finished else each) or None


def _pack_hash(work: _Work) -> str:
    """Of the task's pack, a person's own beside ours: its contract, and the prompts of its teacher."""
    return folder_hash(BUILTIN / work.spec.task, work.home / "tasks" / work.spec.task)


def _rows(work: _Work, rows: Iterator[SourceRow]) -> Iterator[Taught]:
    if work.spec.teacher is None:
        yield from work.parts.make(work.spec.task, rows, work.spec.render, work.spec.seed)
    else:
        yield from work.parts.teach(rows, work.spec, work.home, work.cancelled)
        work.check()  # a teacher that was cancelled just ends


def _pinned(row: DataRow, part: str) -> DataRow:
    return replace(row, notes={**row.notes, PIN: part}) if part else row


def _gate(work: _Work, made: Sequence[Stage]) -> Generator[Progress, None, Stage]:
    """All rows through the gates; returns the stage with the kept and the refused ones."""
    from training.data.gates.report import Tally
    from training.data.judge.prompts import FILE as ROWS_WORDS

    spec = work.spec
    protect = [sha256_file(path) for path in protected_files(spec)]
    given = [[stage.facts("rows").sha256 for stage in made], spec.gates, protect, spec.tokenizer, spec.task]
    given.append(_pack_hash(work))
    given += [changed(spec.judge), sha256_file(ROWS_WORDS)] if spec.judge else []
    stage = Stage(work.stages, "gates", sha256_text(canonical(given)))
    total = sum(stage_of.notes["rows"] for stage_of in made)
    if not total:
        raise DataError(_nothing(made), fix="Correct the source or its mapping, then build again.")
    if not stage.finished() or (spec.judge and stage.notes["n_unscored"]):  # it may score them this time
        yield Progress("gates", 0, total)
        tally, looked = Tally(), 0
        with stage.writing("kept", "refused") as (kept, refused):
            every_row = (row for stage_of in made for row in read_rows(stage_of.path("rows")))
            for step in work.parts.gate(_checked(every_row, work), spec, work.home, work.cancelled):
                work.check()
                if isinstance(step, Looked):
                    looked = step.done
                    yield Progress("gates", looked, total)
                    continue
                if isinstance(step, Judged):
                    yield Progress("judge", step.done, step.total, {"judged": step.done}, spending=step.spending)
                    continue
                row, refusals = step
                tally.add(row, refusals)
                if refusals:
                    refused.write({"row": row_json(row), "refusals": to_json(refusals)})
                else:
                    kept.write(row_json(row))
                if not looked and (kept.count + refused.count) % EVERY == 0:
                    yield Progress("gates", kept.count + refused.count, total, dict(tally.report().refused))
        report = tally.report()
        sources = [stage_of.notes for stage_of in made]
        kinds = sum((Counter(source["bad_kinds"]) for source in sources), Counter[str]())
        besides = {"bad_records": kinds.total(), "bad_kinds": dict(sorted(kinds.items())), "sources": sources}
        stage.finish({**to_json(report), "n_refused": report.n_refused, **besides})
    if not stage.notes["n_kept"]:
        reasons = ", ".join(f"{gate} {count:,}" for gate, count in stage.notes["refused"].items())
        raise DataError(
            f"Not one of {total:,} rows passed the gates: {reasons}.",
            fix="Loosen the gate that refused most, or mend what the source gives it.",
        )
    yield Progress("gates", total, total, {"kept": stage.notes["n_kept"], **stage.notes["refused"]})
    return stage


def _nothing(made: Sequence[Stage]) -> str:
    """Why no row came out of any source, with the first bad record's own words."""
    for stage in made:
        for line in read_lines(stage.path("bad")):
            bad = line.get("bad") or {**line["row"], "reason": line["refusals"][0]["reason"]}
            return f"No row was made: {bad['origin']}, {bad['place']}: {bad['reason']}"
    return f"No row was made: {', '.join(stage.notes['origin'] for stage in made)} gave none."


def _checked(rows: Iterable[DataRow], work: _Work) -> Iterator[DataRow]:
    for row in rows:
        work.check()
        yield row


def _refused(made: Sequence[Stage], gated: Stage) -> Iterator[Mapping[str, Any]]:
    yield from read_lines(gated.path("refused"))
    for stage in made:
        yield from read_lines(stage.path("bad"))
