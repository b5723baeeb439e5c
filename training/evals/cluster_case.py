"""One answer as the cluster rules look at it: what was read, what is right, how the two pair. Read once, when asked.

No torch. Everything here is derived from the pack's own comparators, so a cluster never says that two things differ
where a score says that they are the same.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from training.evals.records import Answered, EvalRow
from training.task.context import readable
from training.task.pack import FieldSpec, Pack
from training.task.records import Item, Parsed, SchemaError, Score, Source, Tier
from training.task.score.content import field_scores, match_field
from training.task.score.grounding import ground_items
from training.task.score.lists import ListMatch
from training.task.score.quantities import Quantity, parse_quantity, same_quantity
from training.task.score.schema import schema_errors
from training.task.score.text import fold, keys_of
from training.task.score.values import LIST_KINDS, Entry, asserts_anything, entries, is_empty, text_of

GRAM = 4  # words
LEAST_GRAMS = 24  # below that a text is too short to be called a loop
READ_CHARS = 60_000  # of an answer, for what is looked for in its words


@dataclass(frozen=True, slots=True)
class Pairing:
    """A list field's items on both sides and which belong together; of steps by whole step, not by sentence."""

    spec: FieldSpec
    gold: list[Entry]
    pred: list[Entry]
    match: ListMatch

    @property
    def pairs(self) -> list[tuple[str, str]]:
        return [(self.gold[i].text, self.pred[j].text) for i, j, _ in self.match.pairs]

    @property
    def alone_in_gold(self) -> list[Entry]:
        taken = {i for i, _, _ in self.match.pairs}
        return [entry for at, entry in enumerate(self.gold) if at not in taken]

    @property
    def alone_in_answer(self) -> list[Entry]:
        taken = {j for _, j, _ in self.match.pairs}
        return [entry for at, entry in enumerate(self.pred) if at not in taken]


@dataclass(frozen=True)
class Case:
    """`obj` is the object that content is judged on, None where none was read. Properties are computed once."""

    pack: Pack
    row: EvalRow
    answer: Answered
    parsed: Parsed
    scores: tuple[Score, ...]
    obj: dict[str, Any] | None

    @cached_property
    def flawless(self) -> bool:
        """Whether the scores alone say that nothing is wrong, steps cut as in the gold; no rule need look then."""
        wanted = {"strict": 1.0, "schema_valid": 1.0, "exact_record": 1.0, "template_echo": 0.0, "prompt_leak": 0.0,
                  "multi_object": 0.0}  # fmt: skip
        wanted |= {"hallucinated_docs": 0.0} if self.pack.answer.grounded else {}
        sure = all(self.figure(name) == value for name, value in wanted.items())
        sides = (self.row.gold or {}, self.obj or {})
        cuts = ([len(entries(spec, side.get(spec.name))) for side in sides] for spec in self.having("list_steps"))
        return sure and all(len(set(cut)) == 1 for cut in cuts)

    @cached_property
    def gold(self) -> dict[str, Any] | None:
        """The right answer, None where nobody knows it or where the task has no single one."""
        return self.row.gold if self.pack.answer.grounded else None

    @cached_property
    def source(self) -> str:
        """The text that the answer is held against: of a web page its own text, as where scores are made."""
        return self.row.source if self.row.kind != "html" else _page(self.row.source, self.pack)

    @cached_property
    def raw(self) -> str:
        return self.answer.raw[:READ_CHARS]

    @cached_property
    def specs(self) -> tuple[FieldSpec, ...]:
        """The fields that say something about the source."""
        return tuple(spec for spec in self.pack.fields if spec.comparator != "ignore")

    def having(self, *comparators: str) -> Iterator[FieldSpec]:
        return (spec for spec in self.specs if spec.comparator in comparators)

    @cached_property
    def _given(self) -> Mapping[tuple[str, str], float | None]:
        return {(score.metric, score.field): score.value for score in self.scores if score.status == "scored"}

    def figure(self, metric: str, field: str = "") -> float | None:
        """A score as it was given; None without one."""
        return self._given.get((metric, field))

    @cached_property
    def contents(self) -> Mapping[tuple[str, str], float | None]:
        """The content scores of `obj`: those given where the answer is strict, else of the object that was read."""
        if self.parsed.tier is Tier.STRICT or self.obj is None or self.gold is None:
            return self._given
        found = [field_scores(spec, self.gold.get(spec.name), self.obj, self.source).scores for spec in self.specs]
        return {(score.metric, score.field): score.value for scores in found for score in scores}

    @cached_property
    def says_something(self) -> bool:
        return self.obj is not None and asserts_anything(self.pack, self.obj)

    @cached_property
    def gold_says_something(self) -> bool:
        return self.row.gold is not None and asserts_anything(self.pack, self.row.gold)

    @cached_property
    def contract(self) -> tuple[SchemaError, ...]:
        """What the object breaks of the schema."""
        if self.obj is None or (self.parsed.tier is Tier.STRICT and self.figure("schema_valid") == 1.0):
            return ()
        return schema_errors(self.obj, self.pack.schema)

    def both(self, spec: FieldSpec) -> tuple[Any, Any]:
        """(right value, given value) of a field."""
        gold = self.gold.get(spec.name) if self.gold else None
        return gold, self.obj.get(spec.name) if self.obj else None

    @cached_property
    def comparable(self) -> bool:
        """Whether there are two objects to hold against each other, both with something in them."""
        return self.obj is not None and self.gold is not None and self.gold_says_something and self.says_something

    @cached_property
    def pairings(self) -> Mapping[str, Pairing]:
        """Every list field that both sides could fill, by name."""
        if not self.comparable:
            return {}
        found: dict[str, Pairing] = {}
        for spec in self.specs:
            if spec.kind in LIST_KINDS:
                gold, pred = self.both(spec)
                wanted, given = entries(spec, gold), entries(spec, pred)
                found[spec.name] = Pairing(spec, wanted, given, match_field(spec, wanted, given))
        return found

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """The answer's leaves and whether the source supports them; a person's word goes before the lexical rule."""
        return ground_items(self.pack, self.obj, self.source, self.row.supported)

    def unsupported(self, *comparators: str) -> list[Item]:
        """Leaves of such fields, of every field without any, that the source does not support."""
        names = {spec.name for spec in self.having(*comparators)}
        if (comparators and not names) or self._sure_of(names or {""}):
            return []
        return [item for item in self.items if (item.field in names or not comparators) and item.supported is False]

    def _sure_of(self, fields: set[str]) -> bool:
        """Whether the scores say already that nothing of these fields is made up; they saw the strict object."""
        known = self.parsed.tier is Tier.STRICT and ("hallucinated", "") in self._given
        return known and not any(self.figure("hallucinated", field) for field in fields)

    def gold_unsupported(self, fields: set[str]) -> frozenset[tuple[str, str]]:
        """(field, folded text) of what the right answer says in these fields and the source does not. Durations are
        looked at together: one may be the sum of others."""
        wanted = fields | {spec.name for spec in self.having("duration")}
        gold = {key: value for key, value in (self.gold or {}).items() if key in wanted}
        items = ground_items(self.pack, gold, self.source, self.row.supported)
        return frozenset((item.field, fold(item.text)) for item in items if item.supported is False)

    @cached_property
    def amounts(self) -> tuple[tuple[str, str, Quantity | None, Quantity | None], ...]:
        """Matched ingredients whose amounts differ: both lines and both amounts."""
        found: list[tuple[str, str, Quantity | None, Quantity | None]] = []
        for pairing in self.pairings.values():
            for gold, pred in pairing.pairs if pairing.spec.comparator == "list_ingredient" else ():
                if gold == pred:
                    continue
                left, right = parse_quantity(gold), parse_quantity(pred)
                if not (same_quantity(left, right) if left else right is None):
                    found.append((gold, pred, left, right))
        return tuple(found)

    @cached_property
    def repetition(self) -> float:
        """Share of the answer's runs of four words that came before; 0 for a short answer."""
        keys = keys_of(self.raw)
        grams = [tuple(keys[at : at + GRAM]) for at in range(len(keys) - GRAM + 1)]
        return 1 - len(set(grams)) / len(grams) if len(grams) >= LEAST_GRAMS else 0.0

    @cached_property
    def root(self) -> Any:
        """The whole answer read as one JSON value of any kind; None where it is none."""
        try:
            return json.loads(self.answer.raw)
        except (ValueError, RecursionError):
            return None

    @cached_property
    def outside(self) -> str:
        """What stands around the answer's objects, their own text taken out. "" for a text answer's inner faults."""
        raw, start = self.answer.raw, self.parsed.prefix_chars
        if self.parsed.tier is not Tier.EXTRACTED:
            return ""
        rest = raw[len(raw) - self.parsed.suffix_chars :] if self.parsed.suffix_chars else ""
        return (raw[:start] + _without_objects(rest)).strip()

    def leaves(self) -> Iterator[tuple[FieldSpec | None, str]]:
        """Every text of the object with its field (None for a key that the pack does not know), constants aside."""
        for key, value in (self.obj or {}).items():
            spec = self.pack.field(key)
            if spec is None or spec.kind != "constant":
                yield from ((spec, text) for text in _texts(value))


_pages: dict[tuple[str, str], str] = {}


def _page(source: str, pack: Pack) -> str:
    """A page's text; the last one is kept, since the arms of an evaluation answer the same document in turn."""
    if (pack.name, source) not in _pages:
        _pages.clear()
        _pages[pack.name, source] = readable(Source(source, "html"), pack.context).text
    return _pages[pack.name, source]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in cast("dict[str, Any]", value).items():
            if key != "@type":
                yield from _texts(item)
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from _texts(item)
    elif not is_empty(value):
        yield text_of(value)


def _without_objects(text: str) -> str:
    """A text without the JSON objects in it that can be read whole."""
    decoder, kept, at = json.JSONDecoder(), [], 0
    for match in re.finditer(r"\{", text):
        if match.start() < at:
            continue
        try:
            _, end = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            continue
        kept.append(text[at : match.start()])
        at = end
    return "".join([*kept, text[at:]])
