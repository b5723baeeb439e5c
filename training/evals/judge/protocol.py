"""The questions a judge is asked: messages, schemas and what makes two questions the same (metrics C1 to C4, C6, C10).

Document, reference and answers are untrusted. Each stands between marks with a number drawn for this one call that
stands in none of them; a statement before and one after says that what is between is data; no tools are given, and
only an object of the schema counts. No model is named and every answer is laid out alike.

Limit: marks make orders in a text recognisable, they do not make a model deaf to them. What that comes to is measured
with canaries.
"""

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from training.chat.marks import framed, sendable
from training.data.rows import canonical
from training.evals.judge.config import JudgeSettings
from training.evals.judge.groups import Group, groups_of
from training.evals.judge.rubric import Rubric, load_rubric
from training.task.pack import Pack
from training.task.prompt import request_words
from training.task.records import Message, sha256_text

MOST_COMPLAINTS = 60  # of one kind in one field; a list without end is no verdict
MOST_CHARS = 600  # of one complaint
SHOWN_AGAIN = 4000  # characters of an unusable verdict that its writer is shown again
NONCE_BYTES = 8


@dataclass(frozen=True, slots=True)
class Material:
    """What is judged. `reference` None where none is shown; `second` is answer B of a pair, None for one alone."""

    source: str
    candidate: str
    reference: str | None = None
    second: str | None = None


@dataclass(frozen=True, slots=True)
class Asker:
    """What stays the same over all questions of one pack: its groups, the rubric, what the program was asked."""

    groups: tuple[Group, ...]
    grounded: bool
    rubric: Rubric
    request: str
    whole: str = "the text"

    @property
    def rubric_sha(self) -> str:
        return self.rubric.sha256(self.groups, self.request, self.grounded)

    def schema(self, pairwise: bool) -> dict[str, Any]:
        return pairwise_schema(self.groups) if pairwise else pointwise_schema(self.groups)


def asker_for(pack: Pack) -> Asker:
    """The questions' fixed part for a pack."""
    grounded = pack.answer.grounded
    return Asker(
        groups_of(pack), grounded, load_rubric(), request_words(pack), "the text" if grounded else "the request"
    )


def question_key(asker: Asker, settings: JudgeSettings, material: Material, order: str, repeat: int) -> str:
    """Hex SHA-256 of everything that makes a verdict what it is (metrics C6); the call's own marks are no part."""
    schema = asker.schema(material.second is not None)
    parts = [material.candidate] if material.second is None else [material.candidate, material.second]
    return sha256_text(
        canonical(
            {
                "base_url": settings.base_url.rstrip("/"),
                "model": settings.model,
                "params": settings.params({}),
                "prompt_version": asker.rubric.version,
                "rubric_sha": asker.rubric_sha,
                "schema_sha": sha256_text(canonical(schema)),
                "source_sha": sha256_text(material.source),
                "candidate_sha": sha256_text(canonical(parts)),
                "ref_sha": sha256_text(material.reference) if material.reference is not None else "",
                "order": order,
                "repeat": repeat,
            }
        )
    )


def fresh_nonce(material: Material, draw: Callable[[], str] = lambda: secrets.token_hex(NONCE_BYTES)) -> str:
    """A number that stands in none of the texts: whoever wrote them can't close the frame they are in."""
    texts = [text for text in (material.source, material.candidate, material.reference, material.second) if text]
    while True:
        nonce = draw()
        if not any(nonce in text for text in texts):
            return nonce


def messages_for(asker: Asker, material: Material, nonce: str) -> tuple[Message, ...]:
    """The system turn with role, fields, scale and schema; the user turn with the data between its marks."""
    pairwise = material.second is not None
    blocks = _blocks(material)
    rubric = asker.rubric
    schema = json.dumps(asker.schema(pairwise), ensure_ascii=False, separators=(",", ":"))
    marks = " and between ".join(f"<<{name}-{nonce}>> and <</{name}-{nonce}>>" for name, _ in blocks)
    fields = rubric.fields(asker.groups, asker.grounded)
    if pairwise:
        task = rubric.text("pairwise", fields=fields)
    else:
        task = rubric.text("pointwise", fields=fields, anchors=rubric.scale(), whole=asker.whole)
    system = "\n\n".join(
        (
            rubric.text("role.extraction" if asker.grounded else "role.free"),
            rubric.text("request", request=asker.request),
            task,
            rubric.text("data_rule", marks=marks),
            rubric.text("answer_rule", schema=schema),
        )
    )
    data = "\n\n".join(framed(name, nonce, text) for name, text in blocks)
    return Message("system", system), Message("user", f"{data}\n\n{rubric.text('closing', schema=schema)}")


def asked_again(asker: Asker, messages: Sequence[Message], said: str, complaint: str) -> tuple[Message, ...]:
    """The one re-ask: what it answered, and what is wrong with it."""
    before = [Message("assistant", sendable(said[:SHOWN_AGAIN]))] if said.strip() else []
    return (*messages, *before, Message("user", asker.rubric.text("again", complaint=complaint)))


def _blocks(material: Material) -> list[tuple[str, str]]:
    blocks = [("SRC", material.source)]
    if material.reference is not None:
        blocks.append(("REF", material.reference))
    if material.second is None:
        return [*blocks, ("CAND", material.candidate)]
    return [*blocks, ("A", material.candidate), ("B", material.second)]


def pointwise_schema(groups: Sequence[Group]) -> dict[str, Any]:
    """Evidence before score, every group required, nothing else allowed (metrics C3)."""
    text = {"type": "string", "maxLength": MOST_CHARS}
    texts = {"type": "array", "items": text, "maxItems": MOST_COMPLAINTS}
    wrong = _object({"got": text, "should": text, "source_quote": text})
    field = _object(
        {
            "missing": texts,
            "unsupported": texts,
            "wrong": {"type": "array", "items": wrong, "maxItems": MOST_COMPLAINTS},
            "na": {"type": "boolean"},
            "score": {"type": ["number", "null"], "minimum": 0, "maximum": 10},
        }
    )
    fields = _object({group.name: {"$ref": "#/$defs/field"} for group in groups})
    return _object({"fields": fields, "notes": {"type": "string"}}) | {"$defs": {"field": field}}


def pairwise_schema(groups: Sequence[Group]) -> dict[str, Any]:
    """Evidence, then which of the two."""
    text = {"type": "string", "maxLength": MOST_CHARS}
    fault = _object(
        {
            "record": {"enum": ["A", "B"]},
            "field": {"enum": [group.name for group in groups]},
            "problem": text,
            "source_quote": text,
        }
    )
    evidence = {"type": "array", "items": fault, "maxItems": MOST_COMPLAINTS}
    return _object({"evidence": evidence, "better": {"enum": ["A", "B", "tie"]}, "notes": {"type": "string"}})


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }
