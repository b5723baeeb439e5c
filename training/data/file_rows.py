"""The finished rows of one file for a person at a terminal, in any form that says by itself what its columns are.

Taken as they are: columns named source and gold (of a table the gold as JSON text), and the forms that an export
writes (chat, instruction, preference, prompt and completion), each by these very names. `read_as` says which it was.
Anything else is an `UnconfirmedMapping`, never a guess. A text that stands in the task's own prompt, as an export
writes it, is taken out of it. Limits: task and form are those of the first `SAMPLES` records.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from training.data.makers import RenderSpec, make_rows
from training.data.rows import REJECTED, BadRecord, DataRow, SourceRow
from training.data.sources.files import first_rows, inspect_file
from training.data.sources.mapping import MappingProposal, UnconfirmedMapping
from training.data.sources.read import SAMPLES, read_source
from training.data.spec import FieldMapping, SourceSpec
from training.errors import DataError
from training.task.pack import DEFAULT_TASK, Pack, pack_named

LOOKING = "test"  # the part that locked rows are read for where nothing becomes a training row
# Shape -> field -> the one column that it is in, as `exports` writes it.
FORMS: Mapping[str, Mapping[str, str]] = {
    "rows of our own": {"source": "source", "gold": "gold"},
    "preference rows": {"source": "prompt", "gold": "chosen", REJECTED: "rejected"},
    "chat rows": {"source": "messages", "gold": "messages"},
    "instruction rows": {"instruction": "instruction", "source": "input", "gold": "output"},
    "prompt and completion": {"source": "prompt", "gold": "completion"},
}
PROMPTED = ("preference rows", "chat rows")  # an export writes the whole prompt there


@dataclass(frozen=True, slots=True)
class FileRows:
    """Rows and broken records in the file's order. `read_as` is "" where the columns are just the rows' own."""

    rows: tuple[DataRow, ...]
    bad: tuple[BadRecord, ...]
    pack: Pack
    read_as: str = ""


def rows_of_file(path: Path, packs: Mapping[str, Pack], task: str = "", *, looking: bool = False) -> FileRows:
    """The rows of a file as rows of `task`, "" for the one that they name. `looking`: none of them is trained on.

    DataError for a task that is not there or that the rows do not agree on, for locked rows unless `looking`, and for
    a file without a row that can be read; UnconfirmedMapping for columns of other names.
    """
    source = SourceSpec("file", path=str(path), part=LOOKING if looking else "")
    pack = pack_named(task or _task_of(path), packs, DataError)
    try:
        records, read_as = read_source(source), ""
    except UnconfirmedMapping as err:
        mapping = _mapping(err.proposal)
        if not mapping:
            raise
        records, read_as = read_source(replace(source, mapping=mapping)), _words(err.proposal, mapping)
        records = _bare(records, pack) if err.proposal.shape in PROMPTED else records
    items = list(make_rows(pack.name, records, RenderSpec(), 7))
    bad = tuple(item for item in items if isinstance(item, BadRecord))
    rows = tuple(item for item in items if not isinstance(item, BadRecord))
    if not rows:
        first = f"{bad[0].place}: {bad[0].reason}" if bad else "it is empty"
        raise DataError(f"{path} has no row that can be read ({first}).", fix="Give a file of finished rows.")
    return FileRows(rows, bad, pack, read_as)


def _task_of(path: Path) -> str:
    """The task that the records name; the usual one where they name none."""
    named = {row.values.get("task") for row in first_rows(inspect_file(path), SAMPLES)}
    tasks = sorted(name for name in named if isinstance(name, str) and name)
    if len(tasks) > 1:
        raise DataError(
            f"The rows of {path.name} are of several tasks: {', '.join(tasks)}.",
            fix="Give one file for each task, or say with --task which one all of them are held against.",
        )
    return tasks[0] if tasks else DEFAULT_TASK


def _mapping(proposal: MappingProposal) -> tuple[FieldMapping, ...]:
    """How a form that is ours is read: its own columns, and beside them what there is no doubt about; () elsewhere."""
    wanted = FORMS.get(proposal.shape, {})
    found = {field.field: field.column for field in proposal.fields}
    if not wanted or any(found.get(field) != column for field, column in wanted.items()):
        return ()
    return tuple(field.mapped for field in proposal.fields if field.field in wanted or field.sure == "sure")


def _words(proposal: MappingProposal, mapping: tuple[FieldMapping, ...]) -> str:
    taken = ", ".join(f"{one.field} from {one.column} ({one.rule})" for one in mapping)
    used = {one.column for one in mapping}
    rest = [*proposal.unused, *(field.column for field in proposal.fields if field.column not in used)]
    return f"{proposal.shape}: {taken}" + (f"; not used: {', '.join(rest)}" if rest else "")


def _bare(records: Iterator[SourceRow | BadRecord], pack: Pack) -> Iterator[SourceRow | BadRecord]:
    """The records, each text without the words that the task's prompt puts around it."""
    before, _, after = pack.user.partition("{source}")
    for record in records:
        text = record.fields.get("source") if isinstance(record, SourceRow) else None
        if isinstance(record, BadRecord) or not isinstance(text, str):
            yield record
        elif text.startswith(before) and text.endswith(after) and len(text) > len(before) + len(after):
            bare = text[len(before) : len(text) - len(after)]
            yield replace(record, fields={**record.fields, "source": bare})
        else:
            yield record
