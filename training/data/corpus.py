"""The outside texts that may train what ships: public-domain and Unlicense recipes, and six public-domain books.

They lie gzipped in `assets/corpus` with their licences beside them, so that a bare clone can rebuild the embedded
model. The hundred held-out recipes are chosen by hash and are never handed out for training.
"""

import functools
import gzip
import hashlib
import json
import random
import re
from dataclasses import dataclass
from pathlib import Path

UNFIT = re.compile(r"nigger|\binjun|\bsquaw|\bdarky|\bdarkies\b|\bcoon\b", re.IGNORECASE)  # books of their time
CORPUS = Path(__file__).resolve().parents[2] / "assets" / "corpus"
HELD_OUT = 100  # public-domain recipes kept whole for the test
DEV = 40  # public-domain recipes kept whole for choosing settings


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe as its cook wrote it. Times are whole minutes, None where the source is silent."""

    title: str
    ingredients: tuple[str, ...]
    steps: tuple[str, ...]
    source: str
    licence: str
    description: str | None = None
    prep_minutes: int | None = None
    cook_minutes: int | None = None
    total_minutes: int | None = None
    recipe_yield: str | None = None
    category: str | None = None
    cuisine: str | None = None
    keywords: str | None = None


def rank(text: str) -> str:
    """A stable pseudo-random order over texts, the same on every machine."""
    return hashlib.sha256(f"taste-test split 1|{text}".encode()).hexdigest()


def clean(text: str) -> str:
    """One line, single spaces, markdown emphasis and links reduced to their words."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}", "", text)
    return re.sub(r"\s+", " ", text).strip()


def _recipe(row: dict[str, object]) -> Recipe:
    ingredients = tuple(t for t in (clean(str(item)) for item in row["ingredients"]) if t)  # type: ignore[union-attr]
    steps = tuple(t for t in (clean(str(item)) for item in row["steps"]) if t)  # type: ignore[union-attr]
    return Recipe(clean(str(row["title"])), ingredients, steps, str(row["source"]), str(row["licence"]))


@functools.cache
def load_recipes(name: str) -> tuple[Recipe, ...]:
    """All recipes of one corpus file that have a title, ingredients and steps, in file order."""
    with gzip.open(CORPUS / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        recipes = [_recipe(json.loads(line)) for line in lines]
    return tuple(r for r in recipes if r.title and r.ingredients and r.steps)


@functools.cache
def public_domain_split() -> dict[str, tuple[Recipe, ...]]:
    """public-domain-recipes by whole recipe: test (held out), dev and train, ordered by the hash of the title."""
    ordered = sorted(load_recipes("public-domain-recipes"), key=lambda r: rank(r.title))
    return {
        "test": tuple(ordered[:HELD_OUT]),
        "dev": tuple(ordered[HELD_OUT : HELD_OUT + DEV]),
        "train": tuple(ordered[HELD_OUT + DEV :]),
    }


@functools.cache
def training_recipes() -> tuple[Recipe, ...]:
    """Every real recipe that may train: all corpora less the held-out and dev ones, by title too."""
    split = public_domain_split()
    barred = {r.title.lower() for r in (*split["test"], *split["dev"])}
    rest = [r for name in ("beeton", "tacofancy", "danmunz", "jpyuda") for r in load_recipes(name)]
    return tuple(r for r in (*split["train"], *rest) if r.title.lower() not in barred)


@functools.cache
def prose_sentences(held_out: bool = False) -> tuple[str, ...]:
    """Book sentences of 3 to 45 words, in order: the first nine tenths of each book, or the held-out last tenth."""
    found: list[str] = []
    for path in sorted(CORPUS.glob("*.md.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            text = "\n".join(line for line in file.read().splitlines() if not line.startswith(("#", "--")))
        pieces = (re.split(r"(?<=[.!?])\s+(?=[\"“A-Z])", clean(block)) for block in re.split(r"\n\s*\n", text))
        said = (sentence for block in pieces for sentence in block if 3 <= len(sentence.split()) <= 45)
        book = [sentence for sentence in said if not UNFIT.search(sentence)]
        border = len(book) * 9 // 10
        found += book[border:] if held_out else book[:border]
    return tuple(found)


class Dice(random.Random):
    """Random numbers, and the book sentences that may be drawn with them: `held_out` ones for dev and test texts."""

    def __new__(cls, seed: str, held_out: bool = False) -> "Dice":
        return super().__new__(cls)

    def __init__(self, seed: str, held_out: bool = False) -> None:
        super().__init__(seed)
        self.sentences = prose_sentences(held_out)
