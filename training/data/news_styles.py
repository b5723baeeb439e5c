"""How a news item is printed: six styles of writing for the same facts. Lead, points and meaning stay word for word.

What a style adds (openings, quotes, page furniture) says nothing that belongs into an answer.
"""

import functools
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from training.data.corpus import CORPUS
from training.data.noise import date
from training.data.wordlists import words


@dataclass(frozen=True, slots=True)
class Told:
    """The parts of an item. `points` are sentences without their full stop; `why` and `company` may be empty."""

    head: str
    lead: str
    points: tuple[str, ...]
    why: str
    place: str
    who: str
    company: str


@functools.cache
def _entries(name: str) -> tuple[str, ...]:
    return tuple((CORPUS.parent / "news" / f"{name}.txt").read_text("utf-8").splitlines())


def _sentences(told: Told) -> list[str]:
    return [f"{point}." for point in told.points]


def _brief(told: Told, rng: random.Random) -> str:
    """A newsletter's paragraph under a bold head."""
    head = rng.choice(("**{}**", "{}", "{} —", "◆ {}", "### {}")).format(told.head)
    body = " ".join(filter(None, (told.lead, *_sentences(told), told.why)))
    return f"{head}\n{body}" + rng.choice(("", "", f"\n({rng.randint(2, 6)} minute read)"))


def _bulletin(told: Told, rng: random.Random) -> str:
    """A head, a lead and bullets."""
    mark = rng.choice(("- ", "• ", "* ", "– "))
    points = [mark + point + rng.choice(("", "", ".")) for point in told.points]
    label = rng.choice(("Why it matters: ", "So what? ", "The point: ", ""))
    return "\n".join(filter(None, (told.head, told.lead, *points, label + told.why if told.why else "")))


def _release(told: Told, rng: random.Random) -> str:
    """A press release with a dateline, a quote and a paragraph about the sender."""
    month, day = rng.choice(words("months")), rng.randint(1, 28)
    quote = f"“{rng.choice(_entries('quotes'))},” said {told.who}."
    about = ""
    if told.company:
        form = rng.choice((" Inc.", " Ltd.", " GmbH", "", ""))
        about = f"About {told.company}{form}: a company like no other, with a contact for the press on every page."
    first = f"{told.place.upper()}, {month} {day} – {told.lead}"
    points = " ".join(_sentences(told))
    return "\n\n".join(filter(None, (told.head, first, points, quote, told.why, about)))


def _thread(told: Told, rng: random.Random) -> str:
    """Numbered posts."""
    posts = [told.lead, *_sentences(told), told.why]
    posts = [post for post in posts if post]
    opener = rng.choice((f"{told.head} 🧵", f"Big one today: {told.head}", told.head))
    count = len(posts)
    form = rng.choice(("{}/{} {}", "({}/{}) {}"))
    return "\n".join([opener, *(form.format(at, count, post) for at, post in enumerate(posts, 1))])


def _scraped(told: Told, rng: random.Random) -> str:
    """A web page with everything around the article, and a lead that may stand there in its own line."""
    furniture = _entries("furniture")
    lines = [
        *rng.sample(furniture, rng.randint(1, 4)),
        told.head,
        f"By {rng.choice(words('first_names'))} | {date(rng)}",
    ]
    for part in (told.lead, *_sentences(told), told.why):
        if part:
            lines.append(part)
            if rng.random() < 0.3:
                lines.append(rng.choice(furniture))
    return "\n".join([*lines, *rng.sample(furniture, rng.randint(1, 4))])


def _column(told: Told, rng: random.Random) -> str:
    """A writer who likes to be heard."""
    parts = [f"{rng.choice(_entries('openings'))} {told.lead}"]
    for sentence in _sentences(told):
        parts.append(f"{sentence} {rng.choice(_entries('asides'))}" if rng.random() < 0.6 else sentence)
    if told.why:
        parts.append(told.why)
    return rng.choice((" ", "\n\n")).join(parts)


STYLES: Mapping[str, Callable[[Told, random.Random], str]] = MappingProxyType(
    {
        "brief": _brief,
        "bulletin": _bulletin,
        "release": _release,
        "thread": _thread,
        "scraped": _scraped,
        "column": _column,
    }
)
