"""The general mix that the embedded base learns from: reading, copying and answering in JSON about documents.

Documents are of every kind but recipes: workshop notes, travel plans, club pages, repair guides, inventories. Lines
come from books, from made-up words and from single lines of training recipes shuffled across recipes, so that copying
is learnt by position and not by memory. No sample asks for a recipe or shows schema.org's Recipe type.

A sample is a list of (text, learn) segments; the loss is taken on the segments with `learn`.
"""

import json
from collections.abc import Callable, Iterable

from training.data.corpus import Dice, training_recipes
from training.data.lines import long_lines, made_up, short_lines
from training.data.noise import noise_line
from training.data.parts import (
    FACTS,
    LISTS,
    STEPS,
    TIMES,
    Fact,
    Part,
    fact,
    fact_lines,
    heading,
    list_part,
    marked,
    one_key,
    steps_part,
)
from training.data.questions import Family, Sample, ask_for, dialogue
from training.data.wordlists import words


def _prose(rng: Dice, n: int) -> str:
    start = rng.randrange(len(rng.sentences) - n)
    return " ".join(rng.sentences[start : start + n])


def bare(blocks: list[Part], rng: Dice) -> list[Part]:
    """A list and sentences without their headings, asked for by what they look like."""
    short, long = blocks
    if len(short.lines) < 2 or len(long.lines) < 2:
        return blocks
    kind = f" as {long.key.split(' as ')[1]}" if " as " in long.key else ""
    return [
        Part(["", *short.lines[1:]], rng.choice(("items", "shortLines", "listed")), short.value),
        Part(["", *long.lines[1:]], rng.choice(("sentences", "longLines", "told")) + kind, long.value),
    ]


def title_line(rng: Dice) -> str:
    return rng.choice(
        (
            f"{rng.choice(words('adjectives')).capitalize()} {rng.choice(words('occasions'))}",
            f"{made_up(rng).capitalize()} {rng.choice(words('occasions'))}",
            " ".join(made_up(rng).capitalize() for _ in range(3)),
            rng.choice(training_recipes()).title,
        )
    )


def document_sample(rng: Dice, dump: Callable[[object], str]) -> Sample:
    """A document with facts, lists, steps and noise, and one to three questions about it."""
    noise = rng.choice((0.0, 0.0, 0.05, 0.2))
    families = rng.sample((*FACTS, *TIMES, *TIMES), rng.choice((0, 1, 2, 2, 3, 4, 5)))
    blocks = [(family, list_part(*family, rng, noise)) for family in rng.sample(LISTS, rng.choice((1, 1, 1, 2)))]
    blocks += [(family, steps_part(*family, rng, noise)) for family in rng.sample(STEPS, rng.choice((0, 1, 1, 1)))]
    if len(blocks) == 2 and rng.random() < 0.15:
        bared = bare([part for _, part in blocks], rng)
        blocks = [(family, part) for (family, _), part in zip(blocks, bared, strict=True)]
    elif rng.random() < 0.2:
        rng.shuffle(blocks)
    return _written(dict.fromkeys(families), blocks, noise, rng.choice((1, 1, 1, 2)), rng, dump)


def _short_list(names: tuple[str, ...], rng: Dice) -> list[str]:
    return [heading(names, rng), *marked(short_lines(rng, rng.randint(1, 6)), rng, False)]


def facts_sample(rng: Dice, dump: Callable[[object], str]) -> Sample:
    """A short document and several questions, half of them about what it does not say.

    Finding one label among a thousand words, and noticing that it is not there, is learnt on a few dozen words first.
    """
    families = rng.sample((*FACTS, *TIMES), rng.choice((0, 1, 2, 3, 4, 5)))
    blocks: list[tuple[Family, Part]] = []
    if rng.random() < 0.5:
        family = rng.choice(LISTS)
        items = short_lines(rng, rng.randint(1, 4))
        lines = [heading(family[0], rng), *marked(items, rng, False)]
        blocks.append((family, Part(lines, one_key(family[1], rng), items)))
    return _written(
        dict.fromkeys(families), blocks, rng.choice((0.0, 0.0, 0.1)), rng.choice((1, 1, 1, 2)), rng, dump, short=True
    )


def tiny_sample(rng: Dice, dump: Callable[[object], str]) -> Sample:
    """One to three facts under a title, asked for one by one or all at once; half of what is asked is not there."""
    families = rng.sample((*FACTS, *TIMES), rng.randint(1, 3))
    there = [fact(*family, rng) for family in families]
    lacking = [family for family in (*FACTS, *TIMES) if family not in families]
    text = "\n".join((title_line(rng), *fact_lines(there, rng)))
    segments: Sample = [("<|bos|>", False)]
    for turn in range(rng.choice((1, 1, 1, 2))):
        if not turn and rng.random() < 0.8:
            asked, missing = (there, rng.randint(0, 3)) if not turn else (rng.sample(there, 1), rng.randint(0, 1))
        else:
            asked, missing = rng.choice(((rng.sample(there, 1), 0), ([], 1)))
        keys = [f.key for f in asked] + [one_key(names, rng) for _, names in rng.sample(lacking, missing)]
        rng.shuffle(keys)
        ask = ask_for(keys, rng) if turn else f"{ask_for(keys, rng)}\n\n{text}"
        answer = dump({f.key: f.value for f in asked})
        segments += [(f"<|user|>{ask}<|end|><|assistant|>", False), (f"{answer}<|end|>", True)]
    return segments


def _arranged(facts: list[Fact], blocks: list[Part], rng: Dice) -> list[tuple[list[str], list[str]]]:
    """Keys and lines of each piece in the order of the text; the facts stand together more often than apart."""
    chunks = [([part.key], part.lines) for part in blocks]
    if facts and rng.random() < 0.6:
        together = [f.key for f in facts], fact_lines(facts, rng)
        chunks.insert(rng.choice((0, 0, 0, len(chunks))), together)
    else:
        for one in facts:
            chunks.insert(rng.randint(0, len(chunks)), ([one.key], fact_lines([one], rng)))
    return chunks


def _between(chunks: list[list[str]], noise: float, short: bool, rng: Dice) -> list[str]:
    """The pieces with prose and page furniture between and behind them."""
    lines: list[str] = []
    for chunk in chunks:
        roll = rng.random()
        if roll < (0.05 if short else 0.25):
            lines += ["", _prose(rng, 1 if short else rng.randint(1, 4))]
        elif roll < 0.25 + noise:
            lines.append(noise_line(rng))
        lines += ([""] if rng.random() < 0.5 else []) + chunk
    if rng.random() < (0.1 if short else 0.4):
        lines += ["", _prose(rng, rng.randint(1, 3))]
    return lines + [noise_line(rng) for _ in range(rng.choice((0, 0, 0, 1, 3)) if noise else 0)]


def _written(  # size: the parameters are what the two kinds of document differ in
    families: Iterable[Family],
    blocks: list[tuple[Family, Part]],
    noise: float,
    turns: int,
    rng: Dice,
    dump: Callable[[object], str],
    short: bool = False,
) -> Sample:
    """The document of these facts and blocks, with `turns` questions; families that it lacks are asked for as well."""
    facts = [(family, fact(*family, rng)) for family in families]
    title, blurb = title_line(rng), rng.choice(rng.sentences) if rng.random() < 0.4 else None
    lines = [noise_line(rng) for _ in range(rng.choice((0, 1, 2, 4)) if noise else 0)]
    lines.append(rng.choice(("", "", "# ", "Title: ")) + title)
    if blurb:
        lines.append(blurb)
    chunks = _arranged([f for _, f in facts], [part for _, part in blocks], rng)
    order = [key for keys, _ in chunks for key in keys]
    lines += _between([chunk for _, chunk in chunks], noise, short, rng)
    if rng.random() < 0.08:  # another one follows: what was answered is not asked again
        more = [fact(names, keys, rng) for (names, keys), _ in facts]
        again = [line for (names, keys), _ in blocks if (names, keys) in LISTS for line in _short_list(names, rng)]
        lines += ["", title_line(rng), *(fact_lines(more, rng) if more else ()), *again]
    there = {family for family, _ in (*facts, *blocks)}
    lacking = [family for family in (*LISTS, *STEPS, *FACTS, *TIMES) if family not in there]
    values = {**{f.key: f.value for _, f in facts}, **{part.key: part.value for _, part in blocks}}
    answers = {rng.choice(("title", "title", "name", "heading")): title}
    if blurb:
        answers[rng.choice(("summary", "summary", "description"))] = blurb
    return dialogue("\n".join(lines), {**answers, **{key: values[key] for key in order}}, lacking, turns, rng, dump)


def lines_sample(rng: Dice, dump: Callable[[object], str]) -> Sample:
    """Lines to a JSON list, marks dropped."""
    items = rng.choice((short_lines, short_lines, long_lines))(rng, rng.randint(2, 14))
    text = "\n".join(marked(items, rng, rng.random() < 0.5))
    ask = rng.choice(("Write these lines as a JSON list.", "Lines to JSON:", "Make a JSON list of the lines."))
    return [(f"<|bos|><|user|>{ask}\n\n{text}<|end|><|assistant|>", False), (f"{dump(items)}<|end|>", True)]


def copy_sample(rng: Dice, _: Callable[[object], str]) -> Sample:
    """Copy a text, or the part of it after a given line."""
    lines = rng.choice((short_lines, long_lines))(rng, rng.randint(1, 8))
    if rng.random() < 0.5 and len(lines) > 2:
        at = rng.randrange(len(lines) - 1)
        ask, answer = f"Copy what follows the line: {lines[at]}", "\n".join(lines[lines.index(lines[at]) + 1 :])
    else:
        ask, answer = "Copy:", "\n".join(lines)
    body = "\n".join(lines)
    return [(f"<|bos|><|user|>{ask}\n\n{body}<|end|><|assistant|>", False), (f"{answer}<|end|>", True)]


def prose_sample(rng: Dice, _: Callable[[object], str]) -> Sample:
    """Plain text to continue."""
    return [("<|bos|>", False), (_prose(rng, rng.randint(4, 14)) + "<|end|>", True)]


MIX: tuple[tuple[float, Callable[[Dice, Callable[[object], str]], Sample]], ...] = (
    (0.72, document_sample),
    (0.1, facts_sample),
    (0.02, tiny_sample),
    (0.08, lines_sample),
    (0.05, copy_sample),
    (0.03, prose_sample),
)


def compact(value: object) -> str:
    """JSON without spaces, characters kept as they are: how every answer of the embedded model is written."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def general_sample(seed: int) -> Sample:
    """The sample of that number; the same on every machine."""
    rng = Dice(f"general 1|{seed}")
    roll, total = rng.random(), 0.0
    for share, make in MIX:
        total += share
        if roll < total:
            return make(rng, compact)
    return MIX[0][1](rng, compact)
