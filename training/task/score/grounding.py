"""Is each thing an answer says in the source, and where: the ground truth for invention is the text (metrics A7).

A lexical proxy, and to be shown as one: it looks for words and numbers, not for meaning. It can't see a true sentence
said in other words (called unsupported) or a false one built from the source's words (called supported).

- ingredient: every word of its name is in the source, aliases counted as the same, and every number is
- step and longer text: at least `STEP_SHARE` of its content words stand in one stretch of three times its length, and
  every number is in the source
- company: the phrase is, its legal form aside, or an alias; summary: every sentence is, each for itself
- name, insight and other short text: every content word and number is in the source
- yield: every number and content word is, words for serving (`SERVING_WORDS`) aside; a set's entry: the phrase is
- duration: a time in the source gives those minutes, or the answer's other supported durations add up to them
- constants and ratings are not checked, and nothing is where the task makes its answers up

Where a person said what of a field the source supports, those texts decide: an item is supported if it is one of them,
or if one of them says it by the same rules (numbers may stand in the source too).

Spans are [start, end) characters of the source: the exact words where they stand together, else the shortest stretch
that holds most of them. An unsupported item may have a span too, the nearest thing there is.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import combinations
from typing import Any

from training.task.pack import FieldSpec, Pack
from training.task.records import Item, Score
from training.task.score.durations import duration_minutes
from training.task.score.lists import STEP_MARK, name_keys, sentences
from training.task.score.news import company_forms
from training.task.score.reading import SourceReading, Span, read_source
from training.task.score.text import STOP_WORDS, content_keys, fold, tokenise, words_of
from training.task.score.values import LIST_KINDS, entries, is_empty, set_members, text_of

Supported = Mapping[str, Sequence[str]]
STEP_SHARE = 0.6
WINDOW_FACTOR = 3
SHORT_TEXT = 8  # content words; above that a text is looked for like a step
YIELD_WORDS = ("serve", "serving", "yield", "make", "portion", "people", "makes")
# Word keys that say no more of a number than that it is a yield: "serves 4" gives "4 portions", never "4 steaks".
SERVING_WORDS = words_of(
    "serve serving yield make portion people person piece feed enough about approximately approx roughly around total"
)


def ground_items(
    pack: Pack, obj: dict[str, Any] | None, source_text: str, supported: Supported | None = None
) -> tuple[Item, ...]:
    """One Item a list entry, set member or scalar of the answer, in the answer's own order; () without an object.

    `index` is the place in the answer's list, 0 for scalars. Keys that the pack doesn't know are checked as text.
    `supported` gives by field the texts that a person found supported; [] says that nothing is.
    """
    if obj is None:
        return ()
    source = read_source(source_text)
    items: list[Item] = []
    for name, value in obj.items():
        spec = pack.field(name) or FieldSpec(name, "text", False, name, "scalar")
        if is_empty(value):
            continue
        found = _field_items(spec, value, source)
        items.extend(found if pack.answer.grounded else (replace(item, supported=None, spans=()) for item in found))
    summed = tuple(_with_sums(pack, obj, items))
    return tuple(_confirmed(pack, item, source, supported) for item in summed) if supported else summed


def _confirmed(pack: Pack, item: Item, source: SourceReading, supported: Supported) -> Item:
    """The item as a person's texts have it, where its field has some and it can be checked at all."""
    if item.supported is None or item.field not in supported:
        return item
    spec = pack.field(item.field) or FieldSpec(item.field, "text", False, item.field, "scalar")
    return replace(item, supported=any(_says(spec, text, item.text, source) for text in supported[item.field]))


def _says(spec: FieldSpec, text: str, said: str, source: SourceReading) -> bool:
    if fold(text) == fold(said):
        return True
    reading = replace(_reading(text), numbers=_reading(text).numbers | source.numbers)
    value: Any = [said] if spec.kind == "list" or spec.comparator == "set" else said
    value = [{"text": said}] if spec.kind == "steps" else value
    found = list(_field_items(spec, value, reading))
    return bool(found) and all(item.supported for item in found)


def grounding_scores(items: Sequence[Item]) -> list[Score]:
    """`hallucinated` over all checkable items and by field, and `hallucinated_docs`: 1 where one is unsupported.

    The denominator is the items the answer gave, so an answer without any has no value here, never 0 (metrics A7).
    """
    checked = [item for item in items if item.supported is not None]
    scores = [_rate(checked, "", "items")]
    scores += [
        _rate([item for item in checked if item.field == name], name, f"items of {name}")
        for name in dict.fromkeys(item.field for item in checked if item.field)
    ]
    n_unsupported = sum(not item.supported for item in checked)
    found = float(n_unsupported > 0) if checked else None
    why = f"{n_unsupported} items are not in the source." if n_unsupported else "No item lacks support in the source."
    return [
        *scores,
        Score("hallucinated_docs", found, n=int(bool(checked)), explanation=why),
    ]


def _rate(checked: Sequence[Item], field: str, what: str) -> Score:
    supported = sum(item.supported is True for item in checked)
    rate = (len(checked) - supported) / len(checked) if checked else None
    why = f"{supported} of {len(checked)} {what} are found in the source, by their words and numbers."
    return Score("hallucinated", rate, field, n=len(checked), explanation=why)


def _field_items(spec: FieldSpec, value: Any, source: SourceReading) -> Iterator[Item]:
    if spec.kind == "constant" or spec.comparator == "relevance":
        yield Item(spec.name, 0, text_of(value), None)
    elif spec.kind in LIST_KINDS:
        ground = GROUNDS.get(spec.comparator, _passage)
        for entry in entries(spec, value):
            yield _item(spec, entry.place, entry.text, ground(entry.text, source))
    elif spec.comparator == "set":
        for index, member in set_members(value):
            yield _item(spec, index, member, _phrase(member, source))
    elif spec.comparator == "duration":
        yield _item(spec, 0, text_of(value), _duration(spec, text_of(value), source))
    elif spec.comparator == "yield":
        yield _item(spec, 0, text_of(value), _yield(text_of(value), source))
    else:
        ground = _sentences if spec.comparator == "summary" else _text
        yield _item(spec, 0, text_of(value), ground(text_of(value), source))


def _item(spec: FieldSpec, index: int, text: str, found: tuple[bool, tuple[Span, ...]]) -> Item:
    return Item(spec.name, index, text, found[0], found[1])


def _ingredient(line: str, source: SourceReading) -> tuple[bool, tuple[Span, ...]]:
    keys = [token.key for token in tokenise(line)]
    if not keys:
        return _verbatim(line, source)
    supported = all(key in source.keys for key in name_keys(line)) and _numbers_in(line, source)
    return supported, _locate(keys, max(2 * len(keys), len(keys) + 4), source)


def _passage(text: str, source: SourceReading) -> tuple[bool, tuple[Span, ...]]:
    bare = STEP_MARK.sub("", text)
    keys, wanted = [token.key for token in tokenise(bare)], content_keys(bare)
    if not keys:
        return _verbatim(text, source)
    window = source.window(wanted, WINDOW_FACTOR * len(keys))
    share = window.matched / len(wanted) if window else 0.0
    return share >= STEP_SHARE and _numbers_in(bare, source), _locate(keys, WINDOW_FACTOR * len(keys), source)


def _text(text: str, source: SourceReading) -> tuple[bool, tuple[Span, ...]]:
    wanted = content_keys(text)
    if not wanted:
        return _verbatim(text, source)
    if len(wanted) > SHORT_TEXT:
        return _passage(text, source)
    keys = [token.key for token in tokenise(text)]
    return all(key in source.keys for key in wanted), _locate(keys, WINDOW_FACTOR * len(keys), source)


def _sentences(text: str, source: SourceReading) -> tuple[bool, tuple[Span, ...]]:
    found = [_text(sentence, source) for sentence in sentences([text])]
    return all(supported for supported, _ in found), tuple(span for _, spans in found for span in spans)


def _company(name: str, source: SourceReading) -> tuple[bool, tuple[Span, ...]]:
    for form in company_forms(name):
        if starts := source.runs(form.split()):
            return True, (source.span(starts[0], starts[0] + len(form.split())),)
    return _phrase(name, source)


def _phrase(text: str, source: SourceReading) -> tuple[bool, tuple[Span, ...]]:
    keys = [token.key for token in tokenise(text)]
    if not keys:
        return _verbatim(text, source)
    starts = source.runs(keys)
    return bool(starts), (source.span(starts[0], starts[0] + len(keys)),) if starts else ()


def _yield(text: str, source: SourceReading) -> tuple[bool, tuple[Span, ...]]:
    tokens = tokenise(text)
    numbers = [token.key for token in tokens if token.number is not None]
    keys = [token.key for token in tokens]
    if not numbers or source.runs(keys):
        return _phrase(text, source)
    places = source.positions.get(numbers[0], [])
    near = [at for word in YIELD_WORDS for at in source.positions.get(word, [])]
    spans: tuple[Span, ...] = ()
    if places:
        place = min(places, key=lambda at: min((abs(at - other) for other in near), default=0))
        spans = (source.span(place, place + 1),)
    words = {token.key for token in tokens if token.number is None} - STOP_WORDS - SERVING_WORDS
    return words <= source.keys and _numbers_in(text, source), spans


def _duration(spec: FieldSpec, text: str, source: SourceReading) -> tuple[bool, tuple[Span, ...]]:
    """Supported by a time of the same minutes; of several the one that follows the field's own word is pointed at."""
    minutes = duration_minutes(text)
    if minutes is None:
        return _text(text, source)
    fitting = [found for found in source.times if any(abs(minutes - value) < 1 / 60 for value in found.minutes)]
    if not fitting:
        return False, ()
    word = re.split(r"(?=[A-Z])|[^a-z]", spec.name)[0].lower()
    named = [found for found in fitting if word and word in source.text[max(0, found.start - 40) : found.start].lower()]
    best = (named or fitting)[0]
    return True, ((best.start, best.end),)


def _with_sums(pack: Pack, obj: dict[str, Any], items: Sequence[Item]) -> Iterator[Item]:
    """Durations that no time gives, but that other supported durations of the answer add up to, are supported."""
    durations = {spec.name for spec in pack.fields if spec.comparator == "duration"}
    found = {item.field: item for item in items if item.field in durations and item.supported}
    lengths = {name: duration_minutes(obj.get(name)) or 0.0 for name in found}
    for item in items:
        minutes = duration_minutes(obj.get(item.field)) if item.field in durations and not item.supported else None
        parts = _summing(minutes, lengths) if minutes else None
        if parts:
            spans = tuple(span for name in parts for span in found[name].spans)
            yield Item(item.field, item.index, item.text, True, spans)
        else:
            yield item


def _summing(minutes: float, lengths: dict[str, float]) -> tuple[str, ...] | None:
    for size in range(2, len(lengths) + 1):
        for names in combinations(lengths, size):
            if abs(sum(lengths[name] for name in names) - minutes) < 1 / 60:
                return names
    return None


def _numbers_in(text: str, source: SourceReading) -> bool:
    """Whether every number of a text is one of the source's; 2 thirds written 0.67 still is."""
    stated = [token.number for token in tokenise(text) if token.number is not None]
    return all(any(abs(number - known) <= 0.01 * max(1.0, number) for known in source.numbers) for number in stated)


def _locate(keys: Sequence[str], width: int, source: SourceReading) -> tuple[Span, ...]:
    """The words in one run, best on a line of their own, else the shortest stretch that holds most of them."""
    spans = [source.span(start, start + len(keys)) for start in source.runs(keys)]
    if spans:
        return (next((span for span in spans if source.stands_alone(span)), spans[0]),)
    wanted = [key for key in keys if key not in STOP_WORDS] or list(keys)
    window = source.window(wanted, width)
    worth = window is not None and 2 * window.matched >= len(wanted)
    return (source.span(window.start, window.end),) if window is not None and worth else ()


def _verbatim(text: str, source: SourceReading) -> tuple[bool, tuple[Span, ...]]:
    """Text without words, such as emoji: found as it stands or not at all."""
    start = source.text.find(text.strip())
    return start >= 0, ((start, start + len(text.strip())),) if start >= 0 else ()


@lru_cache(maxsize=512)
def _reading(text: str) -> SourceReading:
    """A confirmed text read like a source, kept apart from the sources."""
    return read_source.__wrapped__(text)


# How the items of a list are looked for; every other comparator's as passages.
GROUNDS: dict[str, Callable[[str, SourceReading], tuple[bool, tuple[Span, ...]]]] = {
    "list_ingredient": _ingredient,
    "companies": _company,
    "insights": _text,
}
