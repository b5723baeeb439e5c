"""One source of a spec as a stream of SourceRows, with the broken records in between: the only door to `sources`.

Memory holds a record at a time. A file or Hub dataset is read by the mapping that its spec confirms; without one the
answer is the proposal, never rows. The one exception holds no guess: columns that have the fields' own names and hold
what the fields hold. Likewise an encoding that had to be guessed is asked for, not taken.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from training.data.rows import UNKNOWN_LICENCE, BadRecord, SourceRow
from training.data.sources.files import FileFacts, first_rows, inspect_file, read_file
from training.data.sources.groups import record_group
from training.data.sources.locked import refuse_locked
from training.data.sources.mapping import (
    MappingProposal,
    UnconfirmedMapping,
    apply_mapping,
    check_mapping,
    propose_mapping,
)
from training.data.sources.naming import named
from training.data.sources.offline import KINDS as OFFLINE
from training.data.sources.offline import offline_rows, take
from training.data.sources.raw import RawRow, broken
from training.data.sources.rules import RuleError, as_text
from training.data.spec import FieldMapping, SourceSpec
from training.errors import DataError

SAMPLES = 200  # records that a proposal looks at, and that the mapping's columns have to occur in
SEED = 7
_ROW_FIELDS = ("group", "date", "licence")  # of the row itself, not of what it says


class GuessedEncoding(DataError):
    """A file whose encoding had to be guessed, and nobody has said yet that the guess is right."""


def read_source(spec: SourceSpec, seed: int = SEED) -> Iterator[SourceRow | BadRecord]:
    """The rows of one source in its own order; `rows` of the spec counts good ones, `slice` counts records from 0.

    `seed` decides what the built-in sources make. Raises DataError at once where the source can't be read as the spec
    says or holds what a version locked, `UnconfirmedMapping` where its columns are not confirmed, `GuessedEncoding`
    where its encoding is not, and DataError later where a file breaks off.
    """
    refuse_locked(spec)
    spec = named(spec)
    if spec.kind in OFFLINE:
        return _offline(spec, seed)
    records, samples = _open(spec)
    columns = _columns(samples)
    mapping = _confirmed(spec, columns, samples)
    return _limited(_mapped(records, mapping, spec), spec.rows)


def propose_source(spec: SourceSpec) -> MappingProposal:
    """What a file or Hub source looks like, with real values before and after; the spec's own mapping is not used."""
    if spec.kind in OFFLINE:
        raise DataError(f"The source {spec.origin} is built in.", fix="It needs no mapping.")
    _, samples = _open(named(spec))
    return propose_mapping(_columns(samples), samples)


def propose_file(path: Path, encoding: str = "") -> MappingProposal:
    """The same for a file that no spec names yet."""
    samples = _file_samples(inspect_file(path, encoding), path.name)
    return propose_mapping(_columns(samples), samples)


def proposal_lines(spec: SourceSpec, proposal: MappingProposal) -> str:
    """The YAML to paste into the source: the proposal, and the encoding where it had to be guessed."""
    facts = inspect_file(Path(spec.path), spec.encoding) if spec.kind == "file" else None
    guessed = facts is not None and facts.encoding.guessed
    return proposal.lines({"encoding": facts.encoding.name} if facts and guessed else None)


@dataclass(frozen=True, slots=True)
class _Plan:
    """The mapping split in two: what a record says, and what is the row's own."""

    said: tuple[FieldMapping, ...]
    own: tuple[FieldMapping, ...]


def _offline(spec: SourceSpec, seed: int) -> Iterator[SourceRow]:
    if spec.mapping or spec.group_column or spec.date_column or spec.encoding:
        raise DataError(
            f"The source {spec.origin} is built in: it has no columns to map and no encoding.",
            fix="Take mapping, group_column, date_column and encoding out of it.",
        )
    rows = islice(offline_rows(spec.kind, seed, spec.origin, spec.shares), *_ends(spec.slice))
    return take(rows, spec.rows, spec.origin) if spec.rows else rows


def _open(spec: SourceSpec) -> tuple[Iterator[RawRow | BadRecord], list[Mapping[str, Any]]]:
    """The records of a file or Hub source, and the first of them to look at."""
    if spec.kind == "hub":
        from training.engine.hub_rows import HubSource, hub_rows

        asked = HubSource(spec.dataset, spec.subset, spec.split, _ends(spec.slice), spec.streaming)
        records = hub_rows(asked, spec.origin)
        head = list(islice(records, SAMPLES))
        return chain(head, records), [row.values for row in head if isinstance(row, RawRow)]
    if spec.kind != "file":
        raise DataError(f"There is no kind of source {spec.kind!r}.", fix="Use grammar, corpus, news, file or hub.")
    facts = inspect_file(Path(spec.path), spec.encoding)
    samples = _file_samples(facts, spec.origin)
    return islice(read_file(facts, spec.origin), *_ends(spec.slice)), samples


def _file_samples(facts: FileFacts, called: str) -> list[Mapping[str, Any]]:
    samples = [row.values for row in first_rows(facts, SAMPLES)]
    if not samples:
        raise DataError(
            f"{called}: none of its first {10 * SAMPLES:,} records can be read.",
            fix="Open it in an editor: it may be of another kind or encoding than its name says.",
        )
    return samples


def _confirmed(spec: SourceSpec, columns: list[str], samples: list[Mapping[str, Any]]) -> _Plan:
    """The mapping the spec confirms, checked against the columns."""
    mapping = spec.mapping
    if not mapping:
        proposal = propose_mapping(columns, samples)
        mapping = proposal.as_they_are
        if not mapping:
            raise UnconfirmedMapping(
                f"Nobody has said yet what the columns of {spec.origin} are; they look like: {proposal.shape}.",
                fix=f"Check these lines and put them into the source in the spec:\n{proposal_lines(spec, proposal)}",
                proposal=proposal,
            )
    for field, column in (("group", spec.group_column), ("date", spec.date_column)):
        if not column:
            continue
        if any(mapped.field == field and mapped.column != column for mapped in mapping):
            raise DataError(
                f"{spec.origin}: the mapping and {field}_column name two columns for {field}.",
                fix=f"Keep the mapping of {field} or {field}_column.",
            )
        if not any(mapped.field == field for mapped in mapping):
            mapping = (*mapping, FieldMapping(field, column, "text" if field == "group" else "date"))
    check_mapping(mapping, columns, spec.origin)
    _check_encoding(spec)
    return _Plan(
        tuple(mapped for mapped in mapping if mapped.field not in _ROW_FIELDS),
        tuple(mapped for mapped in mapping if mapped.field in _ROW_FIELDS),
    )


def _check_encoding(spec: SourceSpec) -> None:
    if spec.kind != "file" or spec.encoding:
        return
    found = inspect_file(Path(spec.path)).encoding
    if found.guessed:
        raise GuessedEncoding(
            f"{spec.origin} is not UTF-8; it may be {found.name} ({found.how}).",
            fix=f"Look at its rows; where the letters are right, put `encoding: {found.name}` into the source.",
        )


def _mapped(records: Iterable[RawRow | BadRecord], plan: _Plan, spec: SourceSpec) -> Iterator[SourceRow | BadRecord]:
    for record in records:
        if isinstance(record, BadRecord):
            yield record
            continue
        try:
            yield _row(record, plan, spec)
        except RuleError as error:
            yield broken(spec.origin, record.place, str(error), repr(dict(record.values)))


def _row(record: RawRow, plan: _Plan, spec: SourceSpec) -> SourceRow:
    fields = apply_mapping(plan.said, record.values)
    own = apply_mapping(plan.own, record.values)
    return SourceRow(
        fields=fields,
        origin=spec.origin,
        place=record.place,
        group=record_group(fields | own),
        licence=as_text(own.get("licence") or spec.licence or UNKNOWN_LICENCE),
        date=own.get("date"),
    )


def _limited(rows: Iterator[SourceRow | BadRecord], most: int) -> Iterator[SourceRow | BadRecord]:
    """Up to `most` good rows; 0 is all."""
    good = 0
    for row in rows:
        yield row
        good += isinstance(row, SourceRow)
        if most and good == most:
            return


def _ends(slice_: str) -> tuple[int, int | None]:
    """Start and end of "a:b", counted from 0."""
    start, _, end = slice_.partition(":")
    return int(start or 0), int(end) if end else None


def _columns(samples: Iterable[Mapping[str, Any]]) -> list[str]:
    """Every column of the samples, in the order they are met."""
    return list(dict.fromkeys(column for row in samples for column in row))
