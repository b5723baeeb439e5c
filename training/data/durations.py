"""Durations as people write them, with their ISO 8601 form."""

import random

NUMBER_WORDS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
]


def iso_minutes(minutes: int) -> str:
    """Whole minutes (> 0) as ISO 8601, hours carried: 90 -> PT1H30M."""
    hours, rest = divmod(minutes, 60)
    return "PT" + (f"{hours}H" if hours else "") + (f"{rest}M" if rest else "")


def write_minutes(minutes: int, rng: random.Random) -> str:
    """One of the usual ways to write a duration of whole minutes."""
    hours, rest = divmod(minutes, 60)
    if not hours:
        if minutes <= 12 and rng.random() < 0.1:
            return f"{NUMBER_WORDS[minutes]} minute{'s' if minutes != 1 else ''}"
        return f"{minutes}{rng.choice((' minutes', ' min', ' mins', ' minutes', ' Minutes', 'min', ' m', ' min.'))}"
    if not rest:
        if minutes <= 720 and rng.random() < 0.1:
            return f"{NUMBER_WORDS[hours]} hour{'s' if hours != 1 else ''}"
        unit = rng.choice((" hours", " hrs", " h", " hours", "h")) if hours != 1 else rng.choice((" hour", " hr", " h"))
        return f"{hours}{unit}"
    if rest == 30 and rng.random() < 0.15:
        return f"{hours} 1/2 hours" if rng.random() < 0.5 else f"{hours}.5 hours"
    if hours <= 3 and rng.random() < 0.12:
        return f"{minutes} {rng.choice(('minutes', 'min', 'mins'))}"
    first = f"{hours} {'hour' if hours == 1 else 'hours'}"
    return rng.choice(
        (
            f"{first} {rest} minutes",
            f"{first} and {rest} minutes",
            f"{hours} hr {rest} min",
            f"{hours}h {rest}m",
            f"{hours} h {rest} min",
            f"{hours}h{rest:02d}",
            f"{first}, {rest} mins",
            f"{hours} hrs {rest} mins",
        )
    )


def random_minutes(rng: random.Random) -> int:
    """Minutes as they occur in print: round numbers mostly, 1 minute to 24 hours."""
    roll = rng.random()
    if roll < 0.7:
        return rng.choice((5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55))
    if roll < 0.92:
        return 60 * rng.randint(1, 6) + rng.choice((0, 0, 5, 10, 15, 20, 30, 40, 45))
    return rng.choice((rng.randint(1, 59), rng.randint(61, 300), 60 * rng.randint(2, 24)))
