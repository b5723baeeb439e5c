"""The nouns of the dataset factory: what sources hand over, what gates decide, what a version holds. No torch.

Records are frozen and serialise with `training.task.records.to_json`. A row's id is a hash of what it says, so the same
row has the same id on every machine and in every version.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from training.task.records import sha256_text

UNKNOWN_LICENCE = "unknown"
REJECTED = "rejected"  # the note that holds an answer that was judged worse than the gold
INSTRUCTION = "instruction"  # the note that holds what a source's own instruction was; a task asks in its own words
FROM_SOURCE = (REJECTED, INSTRUCTION)  # notes that hold a source's words, and so whatever stands in these


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One record as a source holds it, columns already mapped to the names that a task's recipe maker expects.

    `fields` of a recipe: title, ingredients (list of text), steps (list of text) and what else is known; of a news
    item: content, and the annotation where it has one; of a finished row: source and gold. `group` names what the
    record came from (recipe, newsletter issue): rows of one group never part at a split. `date` is ISO 8601 or None.
    """

    fields: Mapping[str, Any]
    origin: str  # the source's name: a file name, a Hub dataset, "grammar"
    place: str  # where in it: "line 17", "row 40", "number 12"
    group: str
    licence: str = UNKNOWN_LICENCE
    date: str | None = None


@dataclass(frozen=True, slots=True)
class DataRow:
    """One example of a task: the text a model is given and the answer it should give.

    `gold` is the JSON object of the answer, or a text where the task's answer is text. `supported` says which gold
    fields the source was checked to support. `reasoning` is what a teacher thought aloud, kept apart from the answer.
    """

    task: str
    source: str
    gold: Any
    group: str
    origin: str
    place: str = ""
    licence: str = UNKNOWN_LICENCE
    style: str = ""
    slice: str = "plain"
    date: str | None = None
    reasoning: str = ""
    notes: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def id(self) -> str:
        """16 hex characters over task, source and gold; independent of where the row was found."""
        return sha256_text(canonical({"task": self.task, "source": self.source, "gold": self.gold}))[:16]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a gate refused a row: the gate's name, a sentence for a person, and what it looked at."""

    gate: str
    reason: str
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that could not even be read: where it stands and why. The rest of the source continues.

    `kind` is "" for one, and for a teacher's answer that no row could be made of why: garbage, unsupported and so on.
    """

    origin: str
    place: str
    reason: str
    text: str = ""  # its beginning, as found
    kind: str = ""


def answer_text(gold: Any) -> str:
    """The answer as a model is to write it: text as it is, an object as compact JSON in its own order of keys."""
    return gold if isinstance(gold, str) else json.dumps(gold, ensure_ascii=False, separators=(",", ":"))


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: the one form that hashes are made over."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
