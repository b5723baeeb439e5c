"""Answers that are text: sections under their heads, then an end marker. What a pack's `answer` says, written and read.

    RECIPE: Lemon Cake          a head with its value on the same line (form line)
    INGREDIENTS:                a head alone, then one item a line (form list)
    2 lemons
    [END]                       the end marker, on a line of its own

A text answer is read into an object with one key a section, so that schema, scores and views need not know the
difference. `{}` (there is nothing to answer) is the end marker alone. Promise: `parse_sections` returns for any string.
Limits: heads are matched as they are written, case included, and prose after the last section of an answer that lacks
its end marker cannot be told from items.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, cast

from training.errors import InputError
from training.task.records import FinishReason, Parsed, Tier
from training.task.yamlfile import Reader

# What opens a line of a list in other people's formats. It is no part of this one.
LIST_MARK = re.compile(r"(?:[-*•–▪▢]|\d{1,2}[.)]|[Ss]tep \d{1,2}[.:)])\s+")
ENDED_BY_ITSELF = frozenset({FinishReason.EOS, FinishReason.STOP})


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a text answer: the key it is read into, its head, its form and what a person writes there."""

    field: str
    head: str
    form: Literal["line", "list"]
    hint: str


@dataclass(frozen=True, slots=True)
class AnswerSpec:
    """What an answer looks like. `end` and `sections` are empty for JSON.

    `grounded` False: the answer is made up on purpose, so nothing in it is looked for in the source.
    """

    kind: Literal["json", "text"] = "json"
    end: str = ""
    sections: tuple[Section, ...] = ()
    grounded: bool = True


class _Piece(NamedTuple):
    """An answer found in a text: its object and the offsets of its first and past its last character."""

    value: dict[str, Any]
    start: int
    end: int


def read_answer(row: Reader) -> AnswerSpec:
    """The `answer` mapping of task.yaml. Raises PackError with file, key and fix."""
    grounded = row.take("grounded", bool, True)
    if row.one_of("kind", ("json", "text")) == "json":
        row.finish()
        return AnswerSpec(grounded=grounded)
    spec = AnswerSpec("text", row.take("end", str), row.each("sections", _section), grounded)
    heads = [*(section.head for section in spec.sections), spec.end]
    for head in heads:
        if not head.strip() or head != head.strip() or "\n" in head:
            raise row.error("sections", f"or the end marker holds {head!r}", "Write heads and end as one bare line.")
        if sum(other.startswith(head) for other in heads) > 1:
            raise row.error("sections", f"has {head!r} where another head begins with it", "Give each its own start.")
    if not spec.sections:
        raise row.error("sections", "is an empty list", "Name at least one section.")
    row.finish()
    return spec


def _section(row: Reader) -> Section:
    return Section(
        field=row.take("field", str),
        head=row.take("head", str),
        form=cast("Literal['line', 'list']", row.one_of("form", ("line", "list"))),
        hint=row.take("hint", str),
    )


def layout(spec: AnswerSpec) -> str:
    """The form as a person would be shown it, hints in angle brackets; what stands for {schema} in a text task."""
    lines = [
        f"{section.head} <{section.hint}>" if section.form == "line" else f"{section.head}\n<{section.hint}>"
        for section in spec.sections
    ]
    return "\n".join([*lines, spec.end])


def write_sections(spec: AnswerSpec, value: dict[str, Any]) -> str:
    """An object as the text answer that says it. Raises InputError where the form can't hold it word for word."""
    lines: list[str] = []
    for section in spec.sections if value else ():
        given = value.get(section.field)
        if section.form == "line":
            lines.append(f"{section.head} {given if isinstance(given, str) else ''}")
        else:
            items = cast("list[Any]", given) if isinstance(given, list) else []
            lines += [section.head, *(item if isinstance(item, str) else "" for item in items)]
    text = "\n".join([*lines, spec.end])
    parsed = parse_sections(spec, text, FinishReason.EOS)
    if parsed.tier is not Tier.STRICT or parsed.object != value:
        why = parsed.error or "read back, it says something else"
        raise InputError(
            f"This answer can't be written in the form of the task: {why}.",
            fix="Give each section text of one line, without list marks, heads and the end marker in it.",
        )
    return text


def parse_sections(spec: AnswerSpec, raw: str, finish_reason: FinishReason) -> Parsed:
    """What `raw` counts as. Never raises, whatever the string.

    - strict: the sections in their order, the end marker on its own line, nothing else. Blank lines don't count.
    - extracted: the sections in their order, begun by a line with the first head, with prose around them, list marks
      before items, or without the end marker where the model ended by itself.
    - failed: everything else; an answer cut short before its end marker is never taken for a whole one.
    """
    lines = [line.strip() for line in raw.split("\n") if line.strip()]
    if lines == [spec.end]:
        return Parsed(Tier.STRICT, {}, n_objects=1, form="text")
    try:
        if not lines or lines[-1] != spec.end:
            raise ValueError(f"the text does not end with {spec.end} on a line of its own")
        return Parsed(Tier.STRICT, _read(spec, lines[:-1], marks=False), n_objects=1, form="text")
    except ValueError as complaint:
        error = str(complaint)
    try:
        piece = _find(spec, raw, 0, finish_reason)
    except ValueError as complaint:
        return Parsed(Tier.FAILED, None, error=str(complaint), form="text")
    return Parsed(
        Tier.EXTRACTED,
        piece.value,
        n_objects=1 + _count_more(spec, raw, piece.end, finish_reason),
        prefix_chars=piece.start,
        suffix_chars=len(raw) - piece.end,
        error=error,
        form="text",
    )


def _find(spec: AnswerSpec, raw: str, position: int, finish_reason: FinishReason) -> _Piece:
    """The first answer from `position` on. ValueError where there is none, or where it is broken."""
    head = spec.sections[0].head
    opening = re.compile(rf"^[^\S\n]*{re.escape(head)}", re.MULTILINE).search(raw, position)
    if opening is None:
        raise ValueError(f"no line begins with {head}")
    end = raw.find(spec.end, opening.end())
    if end < 0 and finish_reason not in ENDED_BY_ITSELF:
        raise ValueError(f"the answer was cut short before {spec.end}")
    body = raw[opening.start() : end if end >= 0 else len(raw)]
    lines = [line.strip() for line in body.split("\n") if line.strip()]
    return _Piece(_read(spec, lines, marks=True), opening.start(), end + len(spec.end) if end >= 0 else len(raw))


def _count_more(spec: AnswerSpec, raw: str, position: int, finish_reason: FinishReason) -> int:
    """Further whole answers behind the first."""
    count = 0
    while position < len(raw):
        try:
            piece = _find(spec, raw, position, finish_reason)
        except ValueError:  # what is no answer is not counted as one
            return count
        count, position = count + 1, piece.end
    return count


def _read(spec: AnswerSpec, lines: Sequence[str], *, marks: bool) -> dict[str, Any]:
    """Lines without blanks as an object. List marks are taken off where `marks`, else refused.

    ValueError says what is wrong.
    """
    heads = {section.head for section in spec.sections}
    value: dict[str, Any] = {}
    at = 0
    for section in spec.sections:
        if at >= len(lines) or not lines[at].startswith(section.head):
            found = f"stands {lines[at][:60]!r}" if at < len(lines) else "the text ends"
            raise ValueError(f"where {section.head} should be, {found}")
        rest = lines[at][len(section.head) :].strip()
        at += 1
        if section.form == "line":
            if not rest:
                raise ValueError(f"{section.head} says nothing")
            value[section.field] = rest
            continue
        if rest:
            raise ValueError(f"behind {section.head} stands {rest[:60]!r} on the same line")
        items: list[str] = []
        while at < len(lines) and not any(lines[at].startswith(head) for head in heads):
            items.append(_item(spec, lines[at], marks))
            at += 1
        if not items:
            raise ValueError(f"{section.head} lists nothing")
        value[section.field] = items
    if at < len(lines):
        raise ValueError(f"behind the last section stands {lines[at][:60]!r}")
    return value


def _item(spec: AnswerSpec, line: str, marks: bool) -> str:
    if spec.end in line:
        raise ValueError(f"{spec.end} stands inside the text")
    mark = LIST_MARK.match(line)
    if mark is None:
        return line
    if not marks:
        raise ValueError(f"the line {line[:60]!r} begins with a list mark")
    return line[mark.end() :]
