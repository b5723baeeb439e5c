"""Right answers damaged on purpose, one edit at a time: what a judge must notice (metrics C9).

An edit belongs to a comparator, so any pack with such a field can be damaged: an item dropped, an amount changed, an
item added that the text does not support, steps swapped, a time dropped, a value taken away or altered, and the echo
of a template in place of everything. Edits are drawn by a seed; what an edit can't be made on is left out.
"""

import copy
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from training.task.pack import FieldSpec, Pack
from training.task.score.values import is_empty

MOST_EDITS = 4
ECHO = "template_echo"
# What no recipe, news item or dish of ours holds; a text that holds one of these is given another.
STRANGE = {
    "list_ingredient": ("3 cups crushed pearls", "2 lb smoked walrus", "1 tbsp motor oil", "4 dried seahorses"),
    "list_steps": ("Bury the dish in sand for a week.", "Paint the bowl with blue varnish.", "Freeze it in a river."),
    "insights": ("The moon will be leased from spring on.", "Nine whales signed the contract."),
    "companies": ("Quibblefax Holdings", "Zantorva Mills", "Oddlepeck"),
}
_LISTS = tuple(STRANGE)
_NUMBER = re.compile(r"\d+")
Edit = Callable[[dict[str, Any], random.Random, str], bool]


@dataclass(frozen=True, slots=True)
class Damaged:
    """An answer with `edits` made on it, in order; () is the gold itself. `groups` are the fields they touched."""

    obj: dict[str, Any]
    edits: tuple[str, ...]
    fields: tuple[str, ...] = ()


def edit_kinds(pack: Pack) -> dict[str, list[tuple[FieldSpec, Edit]]]:
    """The edits that can be made on a pack's answers, by kind; the echo is none of them."""
    found: dict[str, list[tuple[FieldSpec, Edit]]] = {}
    for spec in pack.fields:
        for kind, edit in _edits_for(spec):
            found.setdefault(kind, []).append((spec, edit))
    return found


def damage(pack: Pack, gold: Mapping[str, Any], source: str, k: int, seed: str) -> Damaged | None:
    """The gold with `k` edits of different kinds or on different fields; None where so many can't be made.

    More edits hold the fewer ones: dose k + 1 is dose k with one more.
    """
    rng = random.Random(f"damage|{seed}")
    options = [(kind, spec, edit) for kind, edits in edit_kinds(pack).items() for spec, edit in edits]
    rng.shuffle(options)
    obj = copy.deepcopy(dict(gold))
    made: list[tuple[str, str]] = []
    for kind, spec, edit in options:
        if len(made) == k:
            break
        if edit(obj, rng, source):
            made.append((kind, spec.name))
    if len(made) < k:
        return None
    return Damaged(obj, tuple(kind for kind, _ in made), tuple(name for _, name in made))


def damage_one(pack: Pack, gold: Mapping[str, Any], source: str, kind: str, seed: str) -> Damaged | None:
    """The gold with one edit of a kind; None where that can't be made on it."""
    rng = random.Random(f"one|{seed}|{kind}")
    options = list(edit_kinds(pack).get(kind, []))
    rng.shuffle(options)
    for spec, edit in options:
        obj = copy.deepcopy(dict(gold))
        if edit(obj, rng, source):
            return Damaged(obj, (kind,), (spec.name,))
    return None


def echo_of(pack: Pack, gold: Mapping[str, Any]) -> Damaged:
    """The form of an answer with placeholders in every field: keeps the form, says nothing."""
    obj: dict[str, Any] = {}
    for spec in pack.fields:
        if spec.kind == "constant":
            obj |= {spec.name: gold[spec.name]} if spec.name in gold else {}
        elif spec.kind == "steps":
            obj[spec.name] = [{"@type": "HowToStep", "text": f"{spec.label} text {n}"} for n in (1, 2)]
        elif spec.kind == "list":
            obj[spec.name] = [f"{spec.label} {n}" for n in (1, 2)]
        elif spec.comparator == "duration":
            obj[spec.name] = "PT0M"
        elif spec.comparator == "relevance":
            obj[spec.name] = 1
        else:
            obj[spec.name] = f"{spec.label} as text"
    return Damaged(obj, (ECHO,), tuple(obj))


def _edits_for(spec: FieldSpec) -> Sequence[tuple[str, Edit]]:
    name = spec.name
    edits: list[tuple[str, Edit]] = []
    if spec.comparator in _LISTS:
        edits += [("drop_item", _drop(name)), ("add_unsupported", _add(spec))]
    if spec.comparator == "list_ingredient":
        edits.append(("change_quantity", _change_amount(name)))
    if spec.comparator == "list_steps":
        edits.append(("swap_steps", _swap(name)))
    if spec.comparator == "duration":
        edits.append(("drop_time", _leave_out(name)))
    if spec.comparator in ("yield", "relevance"):
        edits.append(("change_quantity", _change_number(name)))
    if spec.comparator in ("text", "summary", "exact") and spec.kind == "scalar":
        edits.append(("wrong_text", _wrong_text(name)))
    return edits


def _drop(name: str) -> Edit:
    def edit(obj: dict[str, Any], rng: random.Random, _: str) -> bool:
        items = obj.get(name)
        if not isinstance(items, list) or len(items) < 2:
            return False
        del items[rng.randrange(len(items))]
        return True

    return edit


def _add(spec: FieldSpec) -> Edit:
    def edit(obj: dict[str, Any], rng: random.Random, source: str) -> bool:
        items = obj.get(spec.name)
        texts = [text for text in STRANGE[spec.comparator] if text.casefold() not in source.casefold()]
        if not isinstance(items, list) or not texts:
            return False
        text = rng.choice(texts)
        items.insert(
            rng.randrange(len(items) + 1), {"@type": "HowToStep", "text": text} if spec.kind == "steps" else text
        )
        return True

    return edit


def _change_amount(name: str) -> Edit:
    def edit(obj: dict[str, Any], rng: random.Random, source: str) -> bool:
        items = obj.get(name)
        lines = [at for at, line in enumerate(items or []) if isinstance(line, str) and _NUMBER.search(line)]
        if not isinstance(items, list) or not lines:
            return False
        at = rng.choice(lines)
        items[at] = _NUMBER.sub(lambda match: str(int(match[0]) * 3 + 1), items[at], count=1)
        return True

    return edit


def _change_number(name: str) -> Edit:
    def edit(obj: dict[str, Any], rng: random.Random, source: str) -> bool:
        value = obj.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            obj[name] = value - 4 if value > 5 else value + 4
            return True
        if isinstance(value, str) and _NUMBER.search(value):
            obj[name] = _NUMBER.sub(lambda match: str(int(match[0]) * 3 + 1), value, count=1)
            return True
        return False

    return edit


def _swap(name: str) -> Edit:
    def edit(obj: dict[str, Any], rng: random.Random, _: str) -> bool:
        items = obj.get(name)
        if not isinstance(items, list) or len(items) < 2 or items[0] == items[-1]:
            return False
        items[0], items[-1] = items[-1], items[0]
        return True

    return edit


def _leave_out(name: str) -> Edit:
    def edit(obj: dict[str, Any], rng: random.Random, _: str) -> bool:
        return not is_empty(obj.pop(name, None))

    return edit


def _wrong_text(name: str) -> Edit:
    def edit(obj: dict[str, Any], rng: random.Random, source: str) -> bool:
        if is_empty(obj.get(name)):
            return False
        options = ("Grilled seahorse with varnish", "A leased moon over nine whales")
        texts = [text for text in options if text.casefold() not in source.casefold()]
        obj[name] = texts[0] if texts else "Something else entirely"
        return True

    return edit
