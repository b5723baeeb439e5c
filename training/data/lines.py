"""Lines of every kind that the general mix is made of: things with quantities, sentences, made-up words, near twins."""

import random

from training.data.corpus import Dice, training_recipes
from training.data.wordlists import words

FRACTIONS = (
    "½",
    "¼",
    "¾",
    "⅓",
    "⅔",
    "1/2",
    "1/4",
    "3/4",
    "1/3",
    "1 1/2",
    "2 1/2",
    "1½",
    "2-3",
    "4 to 5",
    "about 6",
    "0.5",
    "1.5",
)


def made_up(rng: random.Random) -> str:
    return "".join(rng.choice(words("syllables")) for _ in range(rng.choice((1, 2, 2, 3, 3, 4))))


def quantity(rng: random.Random) -> str:
    return (
        rng.choice(FRACTIONS)
        if rng.random() < 0.3
        else str(rng.choice((1, 1, 2, 2, 3, 4, 5, 6, 8, 10, 12, 20, 50, 100, 150, 200, 250, 500, rng.randint(1, 999))))
    )


def _recipe_line(rng: random.Random) -> str:
    return rng.choice(rng.choice(training_recipes()).ingredients)


def _recipe_sentence(rng: random.Random) -> str:
    return rng.choice(rng.choice(training_recipes()).steps)


def thing_line(rng: random.Random) -> str:
    thing = rng.choice(
        (
            rng.choice(words("things")),
            rng.choice(words("things")),
            made_up(rng),
            f"{made_up(rng)} {rng.choice(words('things'))}",
        )
    )
    parts = [quantity(rng)] if rng.random() < 0.85 else []
    if rng.random() < 0.6:
        parts.append(rng.choice((*words("measures"), "of " + made_up(rng))) if parts else "some")
    if rng.random() < 0.6:
        parts.append(rng.choice(words("adjectives")))
    parts.append(thing)
    if rng.random() < 0.25:
        parts.append(
            rng.choice(
                (
                    f", {rng.choice(words('adjectives'))} and {rng.choice(words('adjectives'))}",
                    f"({rng.choice(('optional', 'see below', quantity(rng) + ' ' + rng.choice(words('measures'))))})",
                    f", {rng.choice(words('adjectives'))}",
                )
            )
        )
    return " ".join(parts).replace(" ,", ",")


def twins(rng: random.Random, n: int) -> list[str]:
    """Lines that begin or end alike, or differ in one word: where a copy loses its place."""
    fixed, mode = f"{quantity(rng)} {rng.choice(words('measures'))} {rng.choice(words('adjectives'))}", rng.random()
    if mode < 0.4:
        return [f"{fixed} {rng.choice((rng.choice(words('things')), made_up(rng)))}" for _ in range(n)]
    if mode < 0.65:
        tail = f"{rng.choice(words('adjectives'))} {rng.choice(words('things'))}"
        return [f"{quantity(rng)} {rng.choice(words('measures'))} {tail}" for _ in range(n)]
    if mode < 0.85:
        coined = [made_up(rng) for _ in range(3)]
        return [f"{rng.choice(coined)} {rng.choice(coined)} {rng.choice(coined)} {quantity(rng)}" for _ in range(n)]
    base = thing_line(rng).split()
    lines = []
    for _ in range(n):
        line = list(base)
        line[rng.randrange(len(line))] = rng.choice((made_up(rng), rng.choice(words("things")), quantity(rng)))
        lines.append(" ".join(line))
    return lines


def short_lines(rng: Dice, n: int) -> list[str]:
    roll = rng.random()
    if roll < 0.22:
        lines = twins(rng, n)
    elif roll < 0.5:
        lines = [_recipe_line(rng) for _ in range(n)]
    elif roll < 0.7:
        lines = [thing_line(rng) for _ in range(n)]
    elif roll < 0.8:
        lines = [" ".join(made_up(rng) for _ in range(rng.randint(1, 5))) for _ in range(n)]
    elif roll < 0.9:
        lines = [" ".join(rng.choice(rng.sentences).split()[: rng.randint(2, 8)]) for _ in range(n)]
    else:
        lines = [rng.choice((thing_line, _recipe_line))(rng) for _ in range(n)]
        if n > 3:
            lines[rng.randrange(n)] = lines[rng.randrange(n)]
    return [line.strip(" -*•+") or "x" for line in lines]


def long_lines(rng: Dice, n: int) -> list[str]:
    """Sentences, sometimes two or three in a line."""

    def one() -> str:
        roll = rng.random()
        if roll < 0.5:
            return _recipe_sentence(rng)
        if roll < 0.8:
            return rng.choice(rng.sentences)
        spoken = [
            rng.choice(
                (made_up(rng), rng.choice(words("things")), rng.choice(words("adjectives")), "the", "and", "to", "with")
            )
            for _ in range(rng.randint(4, 14))
        ]
        return " ".join(spoken).capitalize() + rng.choice((".", ".", "!", ""))

    lines = [one() for _ in range(n)]
    return [line if rng.random() < 0.85 or len(line) > 200 else f"{line} {one()}" for line in lines]
