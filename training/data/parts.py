"""Blocks of a general document: lists, steps and facts, each with what a question can ask of it."""

import random
import re
from dataclasses import dataclass

from training.data.corpus import Dice
from training.data.durations import iso_minutes, random_minutes, write_minutes
from training.data.lines import long_lines, made_up, short_lines
from training.data.noise import date, noise_line
from training.data.wordlists import words

LISTS = (  # heading variants, key variants
    (
        ("Materials", "What you need", "Supplies", "Materials needed", "You will need", "Stuff to get"),
        ("materials", "supplies", "neededItems", "materialList"),
    ),
    (("Tools", "Tool list", "Equipment", "Gear"), ("tools", "equipment", "toolList", "gear")),
    (("Participants", "Who came", "Attendees", "People"), ("participants", "attendees", "people")),
    (("Packing list", "To pack", "Bring along", "In the bag"), ("packingList", "toBring", "packItems")),
    (("Parts", "Parts list", "In the box", "Contents"), ("parts", "contents", "partList", "boxContents")),
    (("Shopping", "Shopping list", "To buy", "Buy"), ("shopping", "toBuy", "shoppingList")),
    (("Programme", "Agenda", "Topics", "On the programme"), ("agenda", "topics", "programme")),
    (("Rules", "House rules", "The rules"), ("rules", "houseRules", "ruleList")),
)
STEPS = (
    (
        ("Steps", "How to do it", "Procedure", "Step by step", "What to do", "How we did it"),
        ("steps", "procedure", "howTo", "actions"),
    ),
    (("Instructions", "Directions", "Assembly", "Method"), ("instructions", "assembly", "directions", "methodSteps")),
    (("Notes", "Remarks", "Observations", "Good to know"), ("notes", "remarks", "observations")),
    (("Minutes", "What was said", "Discussion", "Statements"), ("minutes", "statements", "discussion")),
    (("Findings", "Results", "What we learnt"), ("findings", "results", "lessons")),
    (("Safety", "Warnings", "Careful"), ("warnings", "safety", "safetyNotes")),
)
FACTS = (
    (("Place", "Location", "Where", "Venue"), ("place", "location", "venue")),
    (("Author", "Editor", "Organiser"), ("author", "editor", "creator")),
    (("Price", "Cost", "Fee"), ("price", "cost", "fee")),
    (("Category", "Section", "Type"), ("category", "kind", "section")),
    (("Tags", "Labels", "Tagged"), ("tags", "labels", "tagList")),
    (("Places", "Seats", "Group size", "For", "Capacity"), ("places", "groupSize", "capacity")),
    (("Region", "Country", "Style"), ("region", "country", "style")),
    (("Date", "When", "Day"), ("date", "day", "when")),
)
TIMES = (
    (("Duration", "Takes", "Length", "Total time", "Time needed"), ("duration", "totalDuration", "length")),
    (("Setup", "Set-up time", "Preparation"), ("setupTime", "setUp", "preparationTime")),
    (("Travel time", "Drive", "Way there"), ("travelTime", "driveTime", "wayTime")),
    (("Break", "Pause", "Waiting time"), ("breakTime", "pause", "waitTime")),
)
TYPES = (
    "Note",
    "Action",
    "Remark",
    "Entry",
    "Task",
    "Point",
    "Statement",
    "ListItem",
    "Comment",
    "CreativeWork",
    "Claim",
    "Message",
)
MARKS = ("- ", "* ", "• ", "", "", "", "+ ", "▢ ", "☐ ", "– ", "> ", "· ", "□ ", "-- ")


@dataclass(frozen=True, slots=True)
class Part:
    """A block of a document and what a question can ask of it: key -> value."""

    lines: list[str]
    key: str
    value: object


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and a text as printed, and what a question can ask of them: key -> value."""

    name: str
    text: str
    key: str
    value: str


def with_noise(lines: list[str], rng: random.Random, rate: float) -> list[str]:
    out: list[str] = []
    for line in lines:
        out.append(line)
        if rng.random() < rate:
            out.append(noise_line(rng))
    return out


def heading(names: tuple[str, ...], rng: random.Random) -> str:
    name = rng.choice(names)
    name = rng.choice((name, name, name, name.upper(), name.lower(), name.title()))
    return (
        rng.choice(("", "", "## ", "**")) + name + rng.choice((":", ":", "", "", " -"))
        if rng.random() < 0.9
        else f"{name}:"
    )


def marked(items: list[str], rng: random.Random, steps: bool) -> list[str]:
    roll = rng.random()
    if steps and roll < 0.45:
        form = rng.choice(("{}. ", "{}) ", "Step {}: ", "Step {} ", "{} ", "{}.", "STEP {}. "))
        return [form.format(i + 1) + item for i, item in enumerate(items)]
    mark = rng.choice(MARKS)
    lines = [mark + item for item in items]
    if rng.random() < 0.12:
        return [part for line in lines for part in (line, "")]
    return lines


def one_key(keys: tuple[str, ...], rng: random.Random) -> str:
    """The usual name of a key, or now and then another: what is asked for has to be read all the same."""
    return keys[0] if rng.random() < 0.6 else rng.choice(keys)


def list_part(names: tuple[str, ...], keys: tuple[str, ...], rng: Dice, noise: float) -> Part:
    n = rng.choice((1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 18, 22)) if rng.random() < 0.85 else rng.randint(8, 26)
    items = short_lines(rng, n)
    if rng.random() < 0.1 and all("," not in item and ";" not in item for item in items):
        joiner = rng.choice((", ", "; ", " / "))
        return Part([f"{rng.choice(names)}: {joiner.join(items)}"], one_key(keys, rng), items)
    lines = marked(items, rng, False)
    if n > 5 and rng.random() < 0.15:  # a sub-heading inside the list
        lines.insert(rng.randint(2, n - 2), rng.choice(("For the ", "The ", "")) + rng.choice(words("things")) + ":")
    top = [heading(names, rng)] + ([""] if rng.random() < 0.15 else [])
    return Part([*top, *with_noise(lines, rng, noise)], one_key(keys, rng), items)


def steps_part(names: tuple[str, ...], keys: tuple[str, ...], rng: Dice, noise: float) -> Part:
    items = long_lines(rng, rng.choice((1, 2, 3, 4, 5, 6, 7, 8, 10)))
    paragraph = rng.random() < 0.15
    if paragraph:  # one block of text, to be taken apart at its full stops
        items = [item.rstrip(".!?, ") + "." for item in items if not re.search(r"[.!?] ", item)] or [
            "Nothing to report."
        ]
    if rng.random() < 0.5:
        kind = rng.choice(TYPES)
        value: object = [{"@type": kind, "text": item} for item in items]
        key = f"{one_key(keys, rng)} as {kind}"
    else:
        value, key = items, one_key(keys, rng)
    lines = [" ".join(items)] if paragraph else with_noise(marked(items, rng, True), rng, noise)
    return Part([heading(names, rng), *lines], key, value)


def fact(names: tuple[str, ...], keys: tuple[str, ...], rng: Dice) -> Fact:
    if (names, keys) in TIMES:
        minutes = random_minutes(rng)
        return Fact(rng.choice(names), write_minutes(minutes, rng), one_key(keys, rng), iso_minutes(minutes))
    text = rng.choice(
        (
            " ".join(made_up(rng).capitalize() for _ in range(rng.randint(1, 2))),
            f"{rng.randint(1, 60)} {rng.choice(('people', 'places', 'pieces', 'persons', 'seats'))}",
            str(rng.randint(1, 60)),
            date(rng),
            f"{rng.choice(words('adjectives'))} {rng.choice(words('things'))}",
            ", ".join(rng.choice(words("things")) for _ in range(rng.randint(2, 5))),
        )
    )
    return Fact(rng.choice(names), text, one_key(keys, rng), text)


def pair_lines(pairs: list[tuple[str, str]], rng: random.Random) -> list[str]:
    """Names and values as pages print them: a line each, one line with bars, or name and value under each other."""
    form = rng.choice(("lines", "lines", "lines", "bar", "stack", "glued"))
    if form == "bar" and all("," not in value for _, value in pairs):
        return [rng.choice((" | ", " · ", " / ", " - ", "  ")).join(f"{name}: {value}" for name, value in pairs)]
    if form == "stack":
        return [line for pair in pairs for line in pair]
    gap = " " if form == "glued" else rng.choice((": ", ": ", " - ", ":"))
    mark = rng.choice(("", "", "", "- ", "⏲️ ", "* "))
    return [f"{mark}{name}{gap}{value}" for name, value in pairs]


def told(pairs: list[tuple[str, str]], rng: random.Random) -> str:
    """Names and values as a sentence."""
    opening = rng.choice(("So", "Well", "For the record", "By the way"))
    return f"{opening}, " + ", ".join(f"{name.lower()} is {value}" for name, value in pairs) + "."


def fact_lines(facts: list[Fact], rng: random.Random) -> list[str]:
    pairs = [(rng.choice((f.name, f.name, f.name, f.name.upper(), f.name.title())), f.text) for f in facts]
    if rng.random() < 0.12 and all("," not in text for _, text in pairs):
        return [told(pairs, rng)]
    return pair_lines(pairs, rng)
