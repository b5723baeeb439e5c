"""Lines that stand on pages and belong to nobody's answer: adverts, share bars, votes, comments, navigation."""

import random

from training.data.wordlists import words

PRAISE = (
    "Love this!",
    "Made it twice already.",
    "So helpful, thank you",
    "My kids were thrilled.",
    "Can't wait to try this",
    "Five stars from me",
    "Great post as always",
    "This did not work for me at all.",
    "Yum!",
    "Best one so far",
)


def date(rng: random.Random) -> str:
    month, day, year = rng.choice(words("months")), rng.randint(1, 28), rng.randint(2009, 2026)
    return rng.choice((f"{month} {day}, {year}", f"{day} {month} {year}", f"{day:02d}.{rng.randint(1, 12):02d}.{year}"))


def noise_line(rng: random.Random) -> str:
    """One line of page furniture."""
    roll = rng.random()
    if roll < 0.62:
        line = rng.choice(words("page_furniture"))
        return line.upper() if rng.random() < 0.08 else line
    name = rng.choice(words("first_names"))
    return rng.choice(
        (
            f"By {name} {rng.choice('ABCDEFGHKLMRST')}.",
            f"Posted on {date(rng)}",
            f"Updated {date(rng)} by {name}",
            f"{rng.randint(2, 940)} comments",
            f"{rng.randint(1, 40)}.{rng.randint(1, 9)}k shares",
            f"{rng.choice('345')}.{rng.randint(0, 9)} from {rng.randint(3, 800)} votes",
            f"{name} says: {rng.choice(PRAISE)}",
            f"{rng.choice(PRAISE)} - {name}",
            f"Rating: {rng.choice('345')}/5 ({rng.randint(2, 900)})",
            f"Photo: {name}",
            f"{rng.randint(2, 12)} min read",
            f"© {rng.randint(2012, 2026)} {name}'s page",
            f"Filed under: {rng.choice(words('months'))}",
            f"#{name.lower()} #{rng.choice(words('months')).lower()}",
        )
    )
