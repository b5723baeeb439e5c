"""AI-news items of our own making, with the one right answer for each: the offline source of news-metadata.

Deterministic from a seed, in six styles of writing, from the word lists in `assets/news`; companies, people and events
are made up. The gold follows rules that task.md states, and is exact because the item is printed from it:

- relevance: what a lead is worth, plus 1 or minus 1 for each sentence that carries such a mark in the lists, kept
  within 1 and 10; of items run together the highest; an advert is always 1
- insights: the printed facts, word for word, in order; an advert has none
- companies: those named, in the order of their first mention, without legal form
- summary: the sentence that says what happened, then the one that says what it means where there is one

Six items make an issue, an issue comes out each day: a later seed never has an earlier date.
"""

import functools
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from training.data.corpus import CORPUS
from training.data.news_styles import STYLES, Told
from training.data.wordlists import words
from training.errors import DataError

FOLDER = CORPUS.parent / "news"
SLICES = ("plain", "advert", "merged", "no_companies", "gossip", "orders")
SHARES = (0.52, 0.09, 0.1, 0.13, 0.08, 0.08)
KINDS = {  # slice -> which lists an item of it is told from
    "plain": ("launch", "launch", "funding", "paper", "deal", "people", "incident"),
    "advert": ("advert",),
    "no_companies": ("study", "policy", "survey"),
    "gossip": ("gossip",),
}
KINDS["orders"] = KINDS["merged"] = KINDS["plain"]
ITEMS_PER_ISSUE = 6
FIRST_DAY = date(2024, 12, 2)
MOST_SEED = 999_999  # the last day would be in the year 2481
LEAST, MOST = 1, 10


@dataclass(frozen=True, slots=True)
class NewsItem:
    """An item as printed and its right answer. `issue` counts newsletters from 1, `date` is ISO 8601."""

    content: str
    relevance: int
    insights: tuple[str, ...]
    companies: tuple[str, ...]
    summary: str
    issue: int
    date: str
    slice: str
    style: str

    @property
    def gold(self) -> dict[str, Any]:
        """The answer as news-metadata asks for it."""
        return {
            "relevance_score": self.relevance,
            "key_insights": list(self.insights),
            "company_names": list(self.companies),
            "summary": self.summary,
        }

    @property
    def fields(self) -> dict[str, Any]:
        """What a source row of this item holds."""
        return {"content": self.content, **self.gold, "slice": self.slice, "style": self.style}


@dataclass(frozen=True, slots=True)
class _Line:
    """One entry of a list of kinds. `worth` is a lead's relevance, a fact's mark of -1, 0 or 1."""

    role: str
    worth: int
    text: str


@dataclass(slots=True)
class _Story:
    """What is told before it is printed."""

    told: Told
    relevance: int
    insights: tuple[str, ...]
    companies: tuple[str, ...] = field(default=())


@functools.cache
def entries(name: str) -> tuple[str, ...]:
    """The lines of `assets/news/<name>.txt`, in file order; their order is part of the seed's meaning."""
    return tuple((FOLDER / f"{name}.txt").read_text("utf-8").splitlines())


@functools.cache
def _lines(kind: str) -> tuple[_Line, ...]:
    found: list[_Line] = []
    for entry in entries(kind):
        head, _, text = entry.partition("|")
        role, _, worth = head.partition(" ")
        found.append(_Line(role, int(worth or 0), text))
    return tuple(found)


def news_item(seed: int, shares: Mapping[str, float] | None = None) -> NewsItem:
    """The item of that number, the same on every machine. DataError for a number outside 0 to `MOST_SEED`.

    `shares` are weights of slices, those that are not named have none; None and {} take `SHARES`.
    """
    if not 0 <= seed <= MOST_SEED:
        raise DataError(f"There is no news item {seed}.", fix=f"Take numbers from 0 to {MOST_SEED:,}.")
    rng = random.Random(f"news 1|{seed}")
    slice_ = rng.choices(SLICES, [shares.get(name, 0) for name in SLICES] if shares else SHARES)[0]
    style = rng.choice(tuple(STYLES))
    stories = [_story(rng.choice(KINDS[slice_]), rng)]
    if slice_ == "merged":
        stories.append(_story(rng.choice(KINDS["plain"] + KINDS["no_companies"]), rng))
    text = rng.choice(("\n\n", "\n\n", "\n", " ")).join(STYLES[style](story.told, rng) for story in stories)
    if slice_ == "orders":
        lines = text.split("\n")
        lines.insert(rng.randint(0, len(lines)), rng.choice(entries("orders")).format())
        text = "\n".join(lines)
    issue = seed // ITEMS_PER_ISSUE + 1
    return NewsItem(
        content=text,
        relevance=max(story.relevance for story in stories),
        insights=tuple(dict.fromkeys(insight for story in stories for insight in story.insights)),
        companies=_named([name for story in stories for name in story.companies], text),
        summary=" ".join(part for story in stories for part in (story.told.lead, story.told.why) if part),
        issue=issue,
        date=(FIRST_DAY + timedelta(days=issue - 1)).isoformat(),
        slice=slice_,
        style=style,
    )


def _story(kind: str, rng: random.Random) -> _Story:
    lines, slots = _lines(kind), _slots(rng)
    lead = rng.choice([line for line in lines if line.role == "lead"])
    facts = _facts(lines, rng)
    whys = [line for line in lines if line.role == "why"]
    pitches = [line for line in lines if line.role == "pitch"]
    points = tuple(line.text.format(**slots) for line in facts or rng.sample(pitches, rng.randint(2, 4)))
    told = Told(
        head=rng.choice([line for line in lines if line.role == "head"]).text.format(**slots),
        lead=lead.text.format(**slots),
        points=tuple(dict.fromkeys(points)),
        why=rng.choice(whys).text.format(**slots) if whys and rng.random() < 0.7 else "",
        place=slots["place"],
        who=slots["who"],
        company=slots["c"] if "{c}" in lead.text else "",
    )
    relevance = min(MOST, max(LEAST, lead.worth + sum(line.worth for line in facts)))
    return _Story(told, relevance, told.points if facts else (), (slots["c"], slots["c2"]))


def _facts(lines: tuple[_Line, ...], rng: random.Random) -> list[_Line]:
    """One to four facts in the order of a story; marks of one sign only, so that no two contradict each other."""
    plain = [line for line in lines if line.role == "fact" and line.worth == 0]
    if not plain:
        return []
    sign = rng.choices((0, 1, -1), (0.4, 0.38, 0.22))[0]
    marked = [line for line in lines if line.role == "fact" and sign and line.worth == sign]
    chosen = rng.sample(plain, rng.randint(1, 3))
    chosen += rng.sample(marked, min(len(marked), rng.choice((1, 1, 2)))) if marked else []
    rng.shuffle(chosen)
    return chosen


def _slots(rng: random.Random) -> dict[str, str]:
    """Names and numbers of one story; two companies, neither of which holds the other's name."""
    first = _company(rng)
    second = _company(rng)
    while first in second or second in first:
        second = _company(rng)
    uses = rng.choice(entries("uses"))
    names = rng.sample(entries("last_names"), 2)
    return {
        "c": first,
        "c2": second,
        "p": rng.choice(entries("products")) + rng.choice(("", "", " 2", " 3", " Mini", " Pro")),
        "f": rng.choice(entries("fields")),
        "u": uses,
        "place": rng.choice(entries("places")),
        "who": f"{rng.choice(words('first_names'))} {names[0]}",
        "who2": f"{rng.choice(words('first_names'))} {names[1]}",
        "month": rng.choice(words("months")),
        "n": str(rng.randint(4, 9)),
        "a": str(rng.choice((20, 30, 40, 50, 60, 80, 120, 150, 200, 300))),
        "b": str(rng.choice((1, 2, 3, 7, 8, 12, 14))),
        "pct": str(rng.choice((11, 12, 15, 18, 22, 27, 35, 41, 62, 70, 85))),
        "small": str(rng.randint(3, 49)),
        "middle": str(rng.choice((60, 75, 90, 110, 180, 250, 320, 480))),
        "big": str(rng.choice((2, 3, 5, 6, 10))),
    }


def _company(rng: random.Random) -> str:
    if rng.random() < 0.3:
        return rng.choice(entries("companies"))
    middle = rng.choice(entries("middles")) if rng.random() < 0.6 else ""
    return rng.choice(entries("heads")) + middle + rng.choice(entries("tails"))


def _named(names: list[str], text: str) -> tuple[str, ...]:
    """Those of `names` that stand in the text as words, by their first place."""
    found = {name: re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) for name in names}
    places = {name: match.start() for name, match in found.items() if match}
    return tuple(sorted(places, key=lambda name: places[name]))
