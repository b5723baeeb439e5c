"""Slices of a teacher's posts: what a post lacks, or holds beside its recipe, as a task's teacher.yaml names it.

    name    as rows carry it
    share   its weight where a form offers it
    cut     what the recipe loses before the teacher is given it: ingredients, steps, or recipe (all but the title,
            and {} is the answer then)
    add     what is put into the finished post: orders, temptations (JSON and keys that are not the answer) or recipe
            (a second one, of our own grammar)
    text    what the teacher is told of it
    never   what such a text never holds (regular expressions)

What is added comes from the word lists that ship and the request's hash: the same on every machine, and not paid for.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from training.data.corpus import Dice
from training.data.post_slices import second_recipe, with_temptations
from training.data.posts import STYLES, put_orders
from training.data.teacher.rules import Rule, read_rule
from training.data.teacher.sheet import Sheet
from training.errors import DataError
from training.task.yamlfile import Reader

CUTS = ("", "ingredients", "steps", "recipe")


@dataclass(frozen=True, slots=True)
class Slice:
    """One of them. The plain one cuts and adds nothing."""

    name: str
    share: float = 1.0
    cut: str = ""
    add: str = ""
    text: str = ""
    never: tuple[Rule, ...] = ()

    def asks_for(self, part: str) -> bool:
        """Whether a text of this slice holds that part of its recipe: ingredients, steps, or "", which all do."""
        return not part or self.cut not in (part, "recipe")

    def left_of(self, sheet: Sheet) -> Sheet | None:
        """What of a recipe the teacher is given; None where nothing to read off would be left."""
        if self.cut == "recipe":
            return Sheet(sheet.title, (), (), {}, {})
        if self.cut == "ingredients":
            return replace(sheet, ingredients=()) if sheet.steps else None
        if self.cut == "steps":
            return replace(sheet, steps=()) if sheet.ingredients else None
        return sheet

    def added_to(self, text: str, title: str, style: str, key: str) -> str:
        """The finished post with what this slice puts into it; `key` decides what and where."""
        return ADDS[self.add](text, title, style, Dice(f"teacher addition 1|{key}")) if self.add else text


PLAIN = Slice("plain")


def _orders(text: str, _title: str, _style: str, rng: Dice) -> str:
    lines = text.split("\n")
    put_orders(lines, rng)
    return "\n".join(lines)


def _recipe(text: str, _title: str, style: str, rng: Dice) -> str:
    return "\n".join([text, "", *second_recipe(style if style in STYLES else "clean", rng)])


ADDS: Mapping[str, Callable[[str, str, str, Dice], str]] = {
    "orders": _orders,
    "temptations": lambda text, title, _style, rng: with_temptations(text, title, rng),
    "recipe": _recipe,
}


def read_slice(row: Reader) -> Slice:
    """One entry of `slices`. PackError names file and key."""
    found = Slice(
        name=row.take("name", str),
        share=row.take("share", float, 1.0),
        cut=row.one_of("cut", CUTS, ""),
        add=row.one_of("add", ("", *ADDS), ""),
        text=row.take("text", str, ""),
        never=row.each("never", read_rule, required=False),
    )
    if found.name == PLAIN.name:
        raise row.error("name", "is plain, which is a post with all of its recipe and nothing beside", "Rename it.")
    if not (found.cut or found.add):
        raise row.error("cut", "is missing, and so is add: such a post would be a plain one", "Give one of the two.")
    if found.share < 0:
        raise row.error("share", f"is {found.share}", "A share is 0 or more.")
    return found


def chosen_slices(known: Sequence[Slice], shares: Mapping[str, float]) -> list[tuple[Slice, float]]:
    """Each slice with its weight above 0; plain alone without shares. DataError for one that is not known."""
    by_name = {slice_.name: slice_ for slice_ in (PLAIN, *known)}
    if unknown := [name for name in shares if name not in by_name]:
        raise DataError(f"The teacher knows no slice {unknown[0]!r} here.", fix=f"Use some of: {', '.join(by_name)}.")
    return [(by_name[name], share) for name, share in (shares or {PLAIN.name: 1.0}).items() if share > 0]


def drawn(chosen: Sequence[tuple[Slice, float]], key: str) -> Slice:
    """The slice of one post, decided by `key`."""
    slices, weights = zip(*chosen, strict=True)
    return random.Random(f"teacher slice 1|{key}").choices(slices, weights)[0]
