"""What a judge of rows is asked: assets/judge/rows.yaml, read strictly, and the request it makes of a row.

Text and answer are untrusted. Each stands between marks with a number drawn from both, so that neither can close its
own frame; a statement before and one after says that what is between is data. The same row is the same request on every
machine, and its answer is found in the ledger.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from training.chat.exchange import Request
from training.chat.marks import framed, mark_of
from training.data.gates.plan import DIMENSIONS
from training.data.judge.plan import JudgeSpec
from training.data.rows import DataRow, answer_text, canonical
from training.task.pack import Pack
from training.task.prompt import request_words
from training.task.records import Message
from training.task.yamlfile import Reader, read_yaml

FILE = Path(__file__).resolve().parents[3] / "assets" / "judge" / "rows.yaml"
VERDICT_CHARS = 420  # what an answer usually takes: two sentences, seven scores, seldom a row to put in its place
_PLACES = {"system": ("{request}", "{dimensions}", "{marks}"), "user": ("{row}",)}


@dataclass(frozen=True, slots=True)
class Words:
    """A checked rows.yaml. `dimensions` by name: what each means, and what it means where answers are made up."""

    version: str
    system: str
    user: str
    dimensions: Mapping[str, tuple[str, str]]


@lru_cache(maxsize=4)
def load_words(file: Path = FILE) -> Words:
    """PackError naming file, key and fix where it is broken."""
    root = read_yaml(file)
    version = root.take("version", str)
    texts: dict[str, str] = {}
    for name, places in _PLACES.items():
        texts[name] = root.take(name, str)
        for place in places:
            if (count := texts[name].count(place)) != 1:
                raise root.error(name, f"holds {place} {count} times", f"Write {place} exactly once.")
    dimensions = dict(root.each("dimensions", _dimension))
    if tuple(dimensions) != DIMENSIONS:
        raise root.error("dimensions", f"are {', '.join(dimensions)}", f"Name {', '.join(DIMENSIONS)}, in this order.")
    root.finish()
    return Words(version, texts["system"], texts["user"], dimensions)


def _dimension(row: Reader) -> tuple[str, tuple[str, str]]:
    means = row.take("means", str)
    return row.take("name", str), (means, row.take("free", str, means))


def request_for(row: DataRow, pack: Pack, spec: JudgeSpec, words: Words) -> Request:
    """The question about one row, whose answer has its keys in the order in which a version keeps them."""
    answer = answer_text(json.loads(canonical(row.gold)))
    mark = mark_of(f"row {words.version}", row.source, answer)
    blocks = (("TEXT", row.source), ("ANSWER", answer))
    marks = " and between ".join(f"<<{name}-{mark}>> and <</{name}-{mark}>>" for name, _ in blocks)
    free = not pack.answer.grounded
    values = {
        "{request}": request_words(pack),
        "{dimensions}": "\n".join(f"- {name}: {means[free]}" for name, means in words.dimensions.items()),
        "{marks}": marks,
        "{row}": "\n\n".join(framed(name, mark, text) for name, text in blocks),
    }
    messages = (Message("system", _filled(words.system, values)), Message("user", _filled(words.user, values)))
    version = f"{pack.name} rows {words.version}"
    return Request(spec.base_url.rstrip("/"), spec.model, spec.params(), version, messages)


def _filled(text: str, values: Mapping[str, str]) -> str:
    """In one pass, so that a {place} inside the data stays what it is."""
    return re.sub("|".join(map(re.escape, values)), lambda match: values[match[0]], text).strip()
