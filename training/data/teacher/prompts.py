"""What a teacher is asked: a task's teacher.yaml, and the requests it makes of a source row.

    version    raised with the words: it is part of a request's identity
    writes     source: the teacher writes the text a model will be given; answer: it writes the gold
    given      recipe: the sheet of a recipe; else the field of the source row that holds the text
    system, user  the prompt; user holds each of `PLACES` once (and {form} once where it writes the answer)
    voices     who writes; one is drawn for each request
    checks     what the teacher goes through before it answers
    styles     what is written: words, the instruction, what it needs and never holds (regular expressions)
    facts      of a post: the pattern by which it states a key of the gold
    supported  the keys of an answer that are looked for in the source
    slices     optional, of a teacher that writes posts of recipes: what they may lack or hold (slices.py)

The given text stands between marks that hold a number drawn from it, so that no text can close its own frame, and is
declared to be data. The seed, the row's group and its text decide style, voice and slice: the same on every machine.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

from training.chat.exchange import Request
from training.chat.marks import mark_of
from training.data.record_recipes import Unusable
from training.data.rows import SourceRow
from training.data.teacher.plan import TeacherSpec
from training.data.teacher.rules import Rule, read_rule
from training.data.teacher.sheet import Sheet, read_sheet
from training.data.teacher.slices import PLAIN, Slice, chosen_slices, drawn, read_slice
from training.errors import DataError
from training.task.pack import Pack
from training.task.prompt import schema_text
from training.task.records import Message
from training.task.yamlfile import Reader, read_yaml

FILE = "teacher.yaml"
PLACES = ("{style}", "{voice}", "{checks}", "{open}", "{given}", "{close}")
CHARS_PER_WORD = 6  # with its space; for the estimate only
LEAST_ROOM = 1.25  # a style fits a recipe whose sheet has this share of its most words to spare


@dataclass(frozen=True, slots=True)
class Style:
    """One way to write. A text has `least_words` to `most_words`; the estimate counts on `expected_words`."""

    name: str
    least_words: int
    most_words: int
    expected_words: int
    text: str
    needs: tuple[Rule, ...]
    never: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Prompts:
    """A checked teacher.yaml."""

    version: str
    writes: Literal["source", "answer"]
    given: str
    system: str
    user: str
    voices: tuple[str, ...]
    checks: tuple[str, ...]
    styles: tuple[Style, ...]
    facts: tuple[Rule, ...]  # `what` is the key
    supported: tuple[str, ...]
    slices: tuple[Slice, ...]

    def instructions(self, style: Style, slice_: Slice) -> str:
        """The words of the prompt that no answer may repeat."""
        return "\n".join((self.system, style.text, slice_.text, *self.checks))


@dataclass(frozen=True, slots=True)
class Ask:
    """A request and what its answer will be held against."""

    request: Request
    row: SourceRow
    style: Style
    voice: str
    given: str
    sheet: Sheet | None  # what the teacher is given of the recipe
    slice: Slice
    mark: str

    @property
    def gold(self) -> dict[str, Any]:
        """The answer that a post of this request supports. Only where a recipe was given."""
        return {} if self.sheet is None or self.slice.cut == "recipe" else self.sheet.gold()

    @property
    def expected_chars(self) -> int:
        return self.style.expected_words * CHARS_PER_WORD


def load_prompts(folder: Path) -> Prompts:
    """The prompts of a pack's folder. DataError where it has none, PackError naming file, key and fix where broken."""
    if not (folder / FILE).is_file():
        raise DataError(
            f"The task {folder.name} has no prompts for a teacher.", fix=f"Add {FILE} to its folder, or use no teacher."
        )
    root = read_yaml(folder / FILE)
    writes = cast("Literal['source', 'answer']", root.one_of("writes", ("source", "answer")))
    prompts = Prompts(
        version=root.take("version", str),
        writes=writes,
        given=root.take("given", str),
        system=root.take("system", str),
        user=_template(root, (*PLACES, "{form}") if writes == "answer" else PLACES),
        voices=root.strings("voices"),
        checks=root.strings("checks"),
        styles=root.each("styles", _style),
        facts=root.each("facts", read_rule, required=False),
        supported=root.strings("supported") if root.has("supported") else (),
        slices=root.each("slices", read_slice, required=False),
    )
    root.finish()
    _check_slices(root, prompts)
    for key in ("voices", "checks", "styles"):
        if not getattr(prompts, key):
            raise root.error(key, "is an empty list", "Give it at least one entry.")
    return prompts


def _template(root: Reader, places: tuple[str, ...]) -> str:
    text = root.take("user", str)
    for place in places:
        if (count := text.count(place)) != 1:
            raise root.error("user", f"holds {place} {count} times", f"Write {place} exactly once.")
    return text


def _style(row: Reader) -> Style:
    style = Style(
        name=row.take("name", str),
        least_words=row.take("least_words", int),
        most_words=row.take("most_words", int),
        expected_words=row.take("expected_words", int),
        text=row.take("text", str),
        needs=row.each("needs", read_rule, required=False),
        never=row.each("never", read_rule, required=False),
    )
    if not 0 <= style.least_words <= style.expected_words <= style.most_words:
        raise row.error("expected_words", "is not between least_words and most_words", "Correct these three.")
    return style


def _check_slices(root: Reader, prompts: Prompts) -> None:
    if prompts.slices and (prompts.writes, prompts.given) != ("source", "recipe"):
        raise root.error("slices", "are of posts that a teacher writes of recipes", "Take them out.")
    names = [slice_.name for slice_ in prompts.slices]
    for slice_ in prompts.slices:
        if names.count(slice_.name) > 1:
            raise root.error("slices", f"name {slice_.name} twice", "Rename one of the two.")


def asks(prompts: Prompts, pack: Pack, row: SourceRow, spec: TeacherSpec) -> Iterator[Ask]:
    """The requests of one row, `spec.posts_per_row` of them. Unusable says why the row can't be asked about."""
    whole = read_sheet(row) if prompts.given == "recipe" else None
    text = whole.text() if whole else _given(row.fields.get(prompts.given), prompts.given)
    chosen = check_chosen(prompts, spec)
    styles = [style for style in chosen.styles if _fits(style, whole, prompts)]
    if not styles:
        raise Unusable(f"it has {len(text.split())} words, too many for each of the styles")
    rng = random.Random(f"teacher 1|{spec.seed}|{row.group}|{text}")
    rng.shuffle(styles)
    for number in range(spec.posts_per_row):
        slice_ = PLAIN if row.fields.get("slice") else drawn(chosen.slices, f"{spec.seed}|{row.group}|{number}|{text}")
        left = slice_.left_of(whole) if whole else None
        if whole and left is None:
            slice_, left = PLAIN, whole
        style, voice, given = styles[number % len(styles)], rng.choice(prompts.voices), left.text() if left else text
        mark = mark_of(f"{spec.seed}|{number}", given)
        request = _request(prompts, pack, spec, (style, slice_, voice, given, mark))
        yield Ask(request, row, style, voice, given, left, slice_, mark)


class Chosen(NamedTuple):
    """What a spec wants of a task's prompts."""

    styles: list[Style]
    slices: list[tuple[Slice, float]]


def check_chosen(prompts: Prompts, spec: TeacherSpec) -> Chosen:
    """DataError for a style or a slice that the task's prompts don't know."""
    return Chosen(chosen_styles(prompts, spec), chosen_slices(prompts.slices, spec.slices))


def chosen_styles(prompts: Prompts, spec: TeacherSpec) -> list[Style]:
    """The styles that the spec wants. DataError for one that the task's prompts don't know."""
    known = {style.name: style for style in prompts.styles}
    if unknown := [name for name in spec.styles if name not in known]:
        raise DataError(f"The teacher knows no style {unknown[0]!r} here.", fix=f"Use some of: {', '.join(known)}.")
    return [known[name] for name in dict.fromkeys(spec.styles)] if spec.styles else list(prompts.styles)


def _given(value: Any, name: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Unusable(f"it has no text in the field {name}")
    return value.strip()


def _fits(style: Style, sheet: Sheet | None, prompts: Prompts) -> bool:
    if sheet is None or prompts.writes == "answer":
        return True
    return len(sheet.text().split()) * LEAST_ROOM <= style.most_words


def _request(prompts: Prompts, pack: Pack, spec: TeacherSpec, made: tuple[Style, Slice, str, str, str]) -> Request:
    style, slice_, voice, given, mark = made
    values = {
        "{style}": "\n".join(text for text in (style.text.strip(), slice_.text.strip()) if text),
        "{voice}": voice,
        "{checks}": "\n".join(f"- {check}" for check in prompts.checks),
        "{open}": f"<<DATA-{mark}>>",
        "{close}": f"<</DATA-{mark}>>",
        "{given}": given,
        "{form}": schema_text(pack),
    }
    # One pass, so that a {place} inside the data stays what it is.
    user = re.sub("|".join(map(re.escape, values)), lambda match: values[match[0]], prompts.user)
    messages = (Message("system", prompts.system.strip()), Message("user", user.strip()))
    return Request(spec.base_url.rstrip("/"), spec.model, spec.params(), f"{pack.name} {prompts.version}", messages)
