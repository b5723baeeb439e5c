"""Source records become rows of a task: the text a model is given, and the one answer that text supports.

- recipe-jsonld: a recipe is printed as posts in the styles and slices of the spec; the gold repeats what was printed
- recipe-writer: the dish's name, asked for in several ways, and the recipe as text
- news-metadata: the item as it is, and its annotation
- finished rows (source and gold) pass through, in every task

Deterministic: what is drawn for a record depends on the seed, its group and what it says, not on its place in the file
or its neighbours. Every row of a recipe carries the recipe's group. Promise: each source row yields rows or one
BadRecord, nothing vanishes. Limit: stories and second recipes in posts come from the books and word lists that ship,
not from the source.
"""

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from training.data.corpus import Dice, Recipe
from training.data.post_slices import DEFAULT_SHARES, page_lines, render_post
from training.data.post_slices import SLICES as POST_SLICES
from training.data.posts import STYLES as POST_STYLES
from training.data.recipes import grammar_recipe, with_facts
from training.data.record_reading import Problem, check_shares
from training.data.record_recipes import MINUTES, TEXTS, Unusable, bad_record, recipe_of
from training.data.rows import INSTRUCTION, REJECTED, BadRecord, DataRow, SourceRow, canonical
from training.data.wordlists import words
from training.errors import DataError, InputError
from training.task.pack import BUILTIN, load_pack
from training.task.parse import parse
from training.task.records import FinishReason, Tier, sha256_text
from training.task.sections import AnswerSpec, write_sections

MOST_POSTS = 50
FACTS = ("given", "random")


@dataclass(frozen=True, slots=True)
class Menu:
    """What a task's renderer offers: styles (drawn evenly by default) and slices with their default shares."""

    styles: tuple[str, ...]
    slices: Mapping[str, float]


MENUS: Mapping[str, Menu] = {
    "recipe-jsonld": Menu(POST_STYLES, DEFAULT_SHARES),
    "recipe-writer": Menu(
        ("name", "request", "typed"), {"plain": 0.8, "several": 0.08, "not_dish": 0.07, "orders": 0.05}
    ),
}
assert set(DEFAULT_SHARES) == set(POST_SLICES)


@dataclass(frozen=True, slots=True)
class RenderSpec:
    """How recipes are printed. Shares are weights: they need not add up to 1, and a name without one is not drawn.

    Empty `styles` and `slices` take the task's own (`MENUS`). `posts_per_recipe` rows are made of each recipe, in
    different styles as far as there are some. `facts` random draws the times, yields and labels that the source lacks,
    for synthetic posts; given prints what the source says and nothing else.
    """

    styles: Mapping[str, float] = field(default_factory=dict[str, float])
    slices: Mapping[str, float] = field(default_factory=dict[str, float])
    posts_per_recipe: int = 1
    facts: str = "given"

    def __post_init__(self) -> None:
        if not 1 <= self.posts_per_recipe <= MOST_POSTS:
            raise Problem(
                "posts_per_recipe", f"is {self.posts_per_recipe}", fix=f"Use a number from 1 to {MOST_POSTS}."
            )
        if self.facts not in FACTS:
            raise Problem("facts", f"is {self.facts!r}", fix=f"Use one of: {', '.join(FACTS)}.")
        for key in ("styles", "slices"):
            check_shares(key, getattr(self, key))


def make_rows(
    task: str, rows: Iterable[SourceRow | BadRecord], render: RenderSpec, seed: int
) -> Iterator[DataRow | BadRecord]:
    """Rows of `task` in the order of their sources; bad records of the source pass through.

    Raises DataError at once where `render` names styles or slices that the task does not have.
    """
    menu = MENUS.get(task)
    styles = _shares("styles", render.styles, dict.fromkeys(menu.styles, 1.0) if menu else {}, task)
    slices = _shares("slices", render.slices, menu.slices if menu else {}, task)
    return _make(task, rows, replace(render, styles=styles, slices=slices), seed)


def _shares(key: str, given: Mapping[str, float], own: Mapping[str, float], task: str) -> Mapping[str, float]:
    if unknown := [name for name in given if name not in own]:
        as_they_are = "Leave them out: this task's rows are taken as they are; the source news takes shares of its own."
        known = f"Use some of: {', '.join(own)}." if own else as_they_are
        raise DataError(f"The {key} of render name {', '.join(unknown)}, which {task} does not have.", fix=known)
    return dict(given or own)


def _make(
    task: str, rows: Iterable[SourceRow | BadRecord], render: RenderSpec, seed: int
) -> Iterator[DataRow | BadRecord]:
    for row in rows:
        if isinstance(row, BadRecord):
            yield row
            continue
        try:
            made = _rows_of(task, row, render, seed)
        except (Unusable, InputError) as problem:
            yield bad_record(row, str(problem).rstrip("."))
        else:
            yield from made


def finished_row(task: str, row: SourceRow) -> DataRow | BadRecord | None:
    """A row that somebody finished (source and gold), as it passes in every task; None where it has yet to be made."""
    if not is_finished(row):
        return None
    try:
        return _finished(task, row)
    except (Unusable, InputError) as problem:
        return bad_record(row, str(problem).rstrip("."))


def is_finished(row: SourceRow) -> bool:
    return "source" in row.fields and "gold" in row.fields


def _rows_of(task: str, row: SourceRow, render: RenderSpec, seed: int) -> Sequence[DataRow]:
    if is_finished(row):
        return [_finished(task, row)]
    if task == "news-metadata":
        return [_news(task, row)]
    if task not in MENUS:
        raise Unusable(f"the task {task} has no maker of rows, and this one is not finished (source and gold)")
    recipe = recipe_of(row)
    said = canonical([recipe.title, recipe.ingredients, recipe.steps])
    made: list[DataRow] = []
    styles: list[str] = []
    for number in range(render.posts_per_recipe):
        rng = Dice(sha256_text(f"rows 1|{seed}|{task}|{row.group}|{said}|{number}"))
        style = _next_style(render.styles, styles, rng)
        styles.append(style)
        slice_ = rng.choices(tuple(render.slices), tuple(render.slices.values()))[0]
        drawn = _with_random_facts(recipe, rng) if render.facts == "random" else recipe
        made.append(MAKERS[task](row, drawn, (style, slice_), rng))
    return made


def _next_style(shares: Mapping[str, float], used: Sequence[str], rng: Dice) -> str:
    """One of the styles by share, of those used least so far."""
    offered = [name for name, share in shares.items() if share > 0]
    fewest = min(used.count(name) for name in offered)
    left = [name for name in offered if used.count(name) == fewest]
    return rng.choices(left, [shares[name] for name in left])[0]


def _with_random_facts(recipe: Recipe, rng: Dice) -> Recipe:
    """Facts drawn where the source has none; what it says stays."""
    said = {name: getattr(recipe, name) for name in (*MINUTES, *TEXTS, "keywords")}
    return replace(with_facts(recipe, rng), **{name: value for name, value in said.items() if value is not None})


def _post(row: SourceRow, recipe: Recipe, kind: tuple[str, str], rng: Dice) -> DataRow:
    post = render_post(recipe, *kind, rng)
    return _row("recipe-jsonld", row, post.text, post.gold, (post.style, post.slice))


def _dish(row: SourceRow, recipe: Recipe, kind: tuple[str, str], rng: Dice) -> DataRow:
    """A name and the recipe as text. The title of the answer is the recipe's own, however it was asked for."""
    style, slice_ = kind
    if not recipe.ingredients or not recipe.steps:
        raise Unusable(f"it has no {'steps' if recipe.ingredients else 'ingredients'}")
    value = {"title": recipe.title, "ingredients": list(recipe.ingredients), "directions": list(recipe.steps)}
    answer = write_sections(_writer_answer(), value)  # refused whatever is drawn below
    asked = recipe.title
    if style == "request":
        asked = rng.choice(page_lines("asks")).replace("{t}", rng.choice((recipe.title, recipe.title.lower())))
    elif style == "typed":
        asked = rng.choice((recipe.title.lower(), recipe.title.upper(), f"{recipe.title.lower()}?"))
    if slice_ == "several":
        asked = asked + rng.choice(("\n", "\nand then ", "\n\n")) + grammar_recipe(rng).title
    elif slice_ == "orders":
        asked = asked + rng.choice((". ", "\n", "\n\n")) + rng.choice(page_lines("dish_orders"))
    elif slice_ == "not_dish":
        return _row("recipe-writer", row, _no_dish(rng), write_sections(_writer_answer(), {}), ("name", slice_))
    return _row("recipe-writer", row, asked, answer, kind)


def _no_dish(rng: Dice) -> str:
    """Something that can't be cooked, in enough forms that few rows are the same."""
    thing = rng.choice(page_lines("no_dishes"))
    return thing + rng.choice(
        ("", f" for {rng.choice(words('first_names'))}", f" in {rng.choice(words('months'))}", f" {rng.randint(2, 99)}")
    )


MAKERS = {"recipe-jsonld": _post, "recipe-writer": _dish}


@functools.cache
def _writer_answer() -> AnswerSpec:
    return load_pack(BUILTIN / "recipe-writer").answer


def _news(task: str, row: SourceRow) -> DataRow:
    """An annotated item. A list that is absent is empty, as sources leave empty cells out; the rest must be there.

    Values are taken as they are: whether a score or a list keeps the contract is for the gates to say.
    """
    given = row.fields
    for name in ("content", "relevance_score", "summary"):
        if given.get(name) is None:
            raise Unusable(f"it has no {name}")
    gold: dict[str, Any] = {"relevance_score": given["relevance_score"]}
    for name in ("key_insights", "company_names"):
        value = given.get(name)
        gold[name] = [] if value is None else list(value) if isinstance(value, tuple) else value
    gold["summary"] = given["summary"]
    return _row(task, row, given["content"], gold, (_word(row, "style"), _word(row, "slice") or "plain"))


def _finished(task: str, row: SourceRow) -> DataRow:
    """A row that somebody finished. A gold that is one JSON object in text becomes the object; gates judge the rest.

    A worse answer and the source's own instruction go into the notes: neither is what the model is taught.
    """
    gold, kind = _answer(task, row.fields["gold"]), (_word(row, "style"), _word(row, "slice") or "plain")
    made = _row(task, row, row.fields["source"], gold, kind)
    notes: dict[str, Any] = {}
    if (worse := row.fields.get(REJECTED)) is not None:
        notes[REJECTED] = _answer(task, worse)
    if asked := _word(row, INSTRUCTION):
        notes[INSTRUCTION] = asked
    return replace(made, reasoning=_word(row, "reasoning"), notes=notes)


def _answer(task: str, value: Any) -> Any:
    """A finished answer in the task's form, as far as it can be had; what is left over is for the gates to say."""
    if task == "recipe-writer":
        return write_sections(_writer_answer(), dict(value)) if isinstance(value, Mapping) else value
    parsed = parse(value, FinishReason.EOS) if isinstance(value, str) else None
    return parsed.object if parsed is not None and parsed.tier is Tier.STRICT else value


def _word(row: SourceRow, name: str) -> str:
    """A field that says something about the row; absent it is empty."""
    value = row.fields.get(name)
    if value is not None and not isinstance(value, str):
        raise Unusable(f"its {name} is no text")
    return value or ""


def _row(task: str, row: SourceRow, source: Any, gold: Any, kind: tuple[str, str]) -> DataRow:
    if not isinstance(source, str) or not source.strip():
        raise Unusable("its text is empty" if isinstance(source, str) else "its text is no text")
    return DataRow(
        task=task,
        source=source,
        gold=gold,
        group=row.group,
        origin=row.origin,
        place=row.place,
        licence=row.licence,
        style=kind[0],
        slice=kind[1],
        date=row.date,
    )
