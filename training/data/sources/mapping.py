"""Which column fills which field, by which named rule: proposed from names and values, applied once confirmed.

A proposal is shown with its reasons and with real values before and after, and applies nothing. Confirming it is
writing its lines into the spec. Limits: it sees the samples it is given, so that a rule may not fit a later record,
which then is a BadRecord; a column whose name says nothing is listed as unused.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from training.data.sources.rules import (
    RULES,
    RuleError,
    check_integer,
    check_minutes,
    check_text,
    check_texts,
    shorten,
)
from training.data.sources.shapes import FIELDS, NEEDED, UNKNOWN, find_column, find_shape
from training.data.spec import FieldMapping
from training.errors import DataError

SURENESS = ("sure", "likely", "unsure")
SHOWN = 2  # values before and after of each field
# Rules tried for each kind of field in this order, with how sure a fit is: a mere separator is less than a list.
_TRIED: Mapping[str, tuple[tuple[str, int], ...]] = {
    "text": (("chat_user", 0), ("text", 0), ("joined", 1), ("first", 2)),
    "texts": (
        ("list", 0), ("howto", 0), ("json_list", 0), ("python_list", 0), ("r_vector", 0),
        ("lines", 1), ("pipes", 1), ("semicolons", 1), ("sentences", 2), ("commas", 2), ("whole", 2),
    ),
    "minutes": (("iso_duration", 0), ("minutes", 1), ("time_text", 0)),
    "integer": (("integer", 0),),
    "answer": (("chat_answer_json", 0), ("chat_answer", 0), ("json", 0), ("answer_text", 0)),
    "date": (("date", 0), ("date_mdy", 2), ("date_dmy", 2)),
}  # fmt: skip
_MARKS = {"lines": "\n", "pipes": "|", "semicolons": ";", "commas": ","}  # without it, the rule has nothing to cut at
_OWN_RULE = {
    "text": "text", "texts": "list", "minutes": "minutes", "integer": "integer", "answer": "", "date": "date",
}  # fmt: skip
_WHOLE = ({"source", "gold"}, {"title", "ingredients", "steps"}, {"content"})
_AS_IT_IS = {"text": check_text, "texts": check_texts, "minutes": check_minutes, "integer": check_integer}


@dataclass(frozen=True, slots=True)
class FieldProposal:
    """`sure` is one of SURENESS. `before` and `after` are short forms of real values, in pairs.

    `same` says that the rule left every sample that it fits as it was.
    """

    field: str
    column: str
    rule: str
    sure: str
    why: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    same: bool = False

    @property
    def mapped(self) -> FieldMapping:
        return FieldMapping(self.field, self.column, self.rule)


@dataclass(frozen=True, slots=True)
class MappingProposal:
    """What a source looks like, and which columns nothing was found for. `shape` is "no known form" where none fits."""

    shape: str
    fields: tuple[FieldProposal, ...]
    unused: tuple[str, ...]

    @property
    def mapping(self) -> tuple[FieldMapping, ...]:
        """What a spec holds once the proposal is confirmed as it is."""
        return tuple(proposal.mapped for proposal in self.fields)

    @property
    def as_they_are(self) -> tuple[FieldMapping, ...]:
        """The mapping where there is nothing to confirm, () elsewhere.

        The columns then have the fields' own names, make whole rows, and hold what the fields hold.
        """
        own = {found.field for found in self.fields if found.column == found.field and found.same}
        if not any(group <= own for group in _WHOLE) or len(own) < len(self.fields):
            return ()
        columns = own | (set(self.unused) & set(FIELDS))  # a column that is empty so far may not stay so
        return tuple(FieldMapping(name, name, _OWN_RULE[FIELDS[name]]) for name in FIELDS if name in columns)

    def lines(self, extra: Mapping[str, str] | None = None) -> str:
        """YAML to paste into the source in the spec, reasons and values in comments. `extra`: keys to go above it."""
        out = [_flow({key: value})[1:-1] for key, value in (extra or {}).items()]
        out.append("mapping:" if self.fields else "mapping: []")
        for found in self.fields:
            shown = "; ".join(f"{b} -> {a}" for b, a in zip(found.before, found.after, strict=True))
            out += [f"  # {found.sure}: {found.why}. {shown}", f"  - {_flow(_plain(found.mapped))}"]
        if not self.fields:
            out.append(f"  # no column says what it is by its name; the fields are {', '.join(FIELDS)}")
        if self.unused:
            out.append(f"  # not used: {', '.join(shorten(column) for column in self.unused)}")
        return "\n".join(out) + "\n"


class UnconfirmedMapping(DataError):
    """A source whose columns nobody has confirmed yet; `proposal` is what to show."""

    def __init__(self, message: str, *, fix: str, proposal: MappingProposal) -> None:
        super().__init__(message, fix=fix)
        self.proposal = proposal


def propose_mapping(columns: Sequence[str], samples: Sequence[Mapping[str, Any]]) -> MappingProposal:
    """A proposal from the columns' names and some records. It never applies anything."""
    shape = find_shape(columns)
    found: list[FieldProposal] = []
    for field, names in shape.columns.items():
        if hit := find_column(names, columns):
            proposal = _propose(field, hit[0], hit[1] if shape is not UNKNOWN else 1, samples)
            found += [proposal] if proposal else []
    if "instruction" in shape.columns:
        found = _instruction(found, samples)
    order = list(FIELDS)
    found.sort(key=lambda proposal: order.index(proposal.field))
    used = {proposal.column for proposal in found}
    return MappingProposal(shape.name, tuple(found), tuple(column for column in columns if column not in used))


def check_mapping(mapping: Iterable[FieldMapping], columns: Iterable[str], called: str) -> None:
    """DataError for a field, rule or column that is not there, and for a rule that makes another kind of value."""
    given = list(columns)
    for mapped in mapping:
        if mapped.field not in FIELDS:
            raise DataError(
                f"{called}: the mapping fills {mapped.field!r}, which is no field.", fix=f"Fields: {', '.join(FIELDS)}."
            )
        fitting = [rule.name for rule in RULES.values() if rule.makes == FIELDS[mapped.field]]
        if mapped.rule and mapped.rule not in fitting:
            raise DataError(
                f"{called}: the rule {mapped.rule!r} can't fill {mapped.field}.",
                fix=f"Use one of {', '.join(fitting)}; or none, which takes the value as it is.",
            )
        if mapped.column not in given:
            raise DataError(
                f"{called} has no column {mapped.column!r}, which the mapping takes for {mapped.field}.",
                fix=f"Its columns: {', '.join(shorten(column) for column in given)}.",
            )


def apply_mapping(mapping: Iterable[FieldMapping], values: Mapping[str, Any]) -> dict[str, Any]:
    """Field -> value of one record. Empty fields that are not needed are left out. Raises RuleError, field named."""
    fields: dict[str, Any] = {}
    for mapped in mapping:
        try:
            value = apply_rule(mapped, values.get(mapped.column))
        except RuleError as error:
            raise RuleError(f"{mapped.field} (from {shorten(mapped.column)}) {error}") from None
        if not _is_empty(value):
            fields[mapped.field] = value
        elif mapped.field in NEEDED:
            what = "is empty" if mapped.column in values else "is missing from the record"
            raise RuleError(f"{mapped.field} (from {shorten(mapped.column)}) {what}")
    return fields


def apply_rule(mapped: FieldMapping, value: Any) -> Any:
    """The value as the field takes it; None for an empty one."""
    if _is_empty(value):
        return None
    if mapped.rule:
        return RULES[mapped.rule].apply(value)
    return _AS_IT_IS.get(FIELDS[mapped.field], lambda given: given)(value)


def _is_empty(value: Any) -> bool:
    if isinstance(value, float):
        return value != value  # NaN: a number that is missing
    return value is None or value == [] or (isinstance(value, str) and not value.strip())


def _same(value: Any, made: Any) -> bool:
    return made == value or (isinstance(value, str | int | float) and str(value).strip() == made)


def _propose(field: str, column: str, name_rank: int, samples: Sequence[Mapping[str, Any]]) -> FieldProposal | None:
    values = [row.get(column) for row in samples if not _is_empty(row.get(column))]
    if not values:
        return None
    rule, doubt, fits = _find_rule(field, values)
    if not fits:
        return None
    doubt = max(doubt, min(name_rank, 1), 0 if fits == len(values) else 2)
    why = f"a usual column for {field}; {RULES[rule].says}; fits {fits} of {len(values)} samples"
    made = [(value, _try(FieldMapping(field, column, rule), value)) for value in values]
    shown = [(shorten(value), shorten(after, 90)) for value, after in made if after is not None][:SHOWN]
    before, after = tuple(b for b, _ in shown), tuple(a for _, a in shown)
    same = all(_same(value, after) for value, after in made if after is not None)
    return FieldProposal(field, column, rule, SURENESS[doubt], why, before, after, same)


def _find_rule(field: str, values: Sequence[Any]) -> tuple[str, int, int]:
    """The first rule that fits every sample, else the one that fits most: name, doubt, samples that fit."""
    best = ("", 2, -1)
    for name, doubt in _TRIED[FIELDS[field]]:
        if name == ("commas" if field == "steps" else "sentences"):
            continue
        if name == "howto" and all(isinstance(value, str) for value in values):
            continue
        mark = _MARKS.get(name)
        if mark and 2 * sum(isinstance(v, str) and mark in v.strip() for v in values) < len(values):
            continue
        fits = sum(_try(FieldMapping(field, "", name), value) is not None for value in values)
        if fits > best[2]:
            best = (name, doubt, fits)
    return best


def _try(mapped: FieldMapping, value: Any) -> Any:
    """The value by the rule; None where it does not fit. Only to see which rule fits: nothing is read with it."""
    try:
        made = apply_rule(mapped, value)
    except RuleError:
        return None
    return "left out" if made is None else made


def _instruction(found: list[FieldProposal], samples: Sequence[Mapping[str, Any]]) -> list[FieldProposal]:
    """Where no row has an input, the instruction is the text itself."""
    column = next((p.column for p in found if p.field == "instruction"), None)
    if column is None or any(proposal.field == "source" for proposal in found):
        return found
    source = _propose("source", column, 1, samples)
    return [p for p in found if p.field != "instruction"] + ([source] if source else [])


def _plain(mapped: FieldMapping) -> dict[str, str]:
    return {"field": mapped.field, "column": mapped.column} | ({"rule": mapped.rule} if mapped.rule else {})


def _flow(value: Mapping[str, str]) -> str:
    return yaml.safe_dump(
        dict(value), default_flow_style=True, allow_unicode=True, sort_keys=False, width=10**9
    ).strip()
