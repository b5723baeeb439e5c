"""What goes to a chat endpoint and what comes back: a request with its identity, a reply, a failure with its reason.

An endpoint's answer is untrusted: it is read field by field, and whatever is not a whole, finished answer becomes a
`Failure` that says what is wrong with it. Nothing is guessed or mended. What a model thought aloud is kept apart
from what it answered.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from training.data.rows import canonical
from training.task.records import Message, sha256_text, to_json

CHARS_PER_TOKEN = 4  # a rule of thumb for English; used only where nobody counted
FINISHED = ("stop", "eos", "eos_token", "end_turn", "stop_sequence")
SHOWN_CHARS = 300  # of a strange answer, in the reason a person reads
_THOUGHT = re.compile(r"\s*<(think|thinking|reasoning)>(.*?)(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE)
_APART = ("reasoning_content", "reasoning")  # where endpoints put what a model thought aloud; the first one counts
_THOUGHT_END = re.compile(r"</think(?:ing)?>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used: HTTP calls (each try is one) and tokens as the endpoint counted them.

    `estimated_calls` of the calls came without a count; their tokens are characters / `CHARS_PER_TOKEN`.
    """

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    estimated_calls: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.calls + other.calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.estimated_calls + other.estimated_calls,
        )


@dataclass(frozen=True, slots=True)
class Request:
    """One question to an endpoint. Equal requests have equal keys on every machine; the API key is no part of it."""

    base_url: str
    model: str
    params: Mapping[str, Any]
    prompt_version: str
    messages: tuple[Message, ...]

    @property
    def key(self) -> str:
        """Hex SHA-256 over the canonical form of everything above."""
        return sha256_text(canonical(to_json(self)))

    @property
    def chars(self) -> int:
        return sum(len(message.content) for message in self.messages)


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer. `text` is the answer alone, `reasoning` what was thought aloud, "" where nothing was."""

    text: str
    reasoning: str = ""
    finish: str = "stop"
    model: str = ""  # as the endpoint names what answered
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no answer. `again`: the same request may well succeed; `fatal`: no request can until it is mended.

    kind: rate_limit | server | timeout | connection | garbage | empty | truncated | declined | rejected | unauthorised
    | quota | not_found | leak | cap | cancelled. `wait_s` is what the endpoint asked to be left alone for, in seconds.
    `text` is what was said before a truncated answer was cut off.
    """

    kind: str
    reason: str
    again: bool = False
    fatal: bool = False
    wait_s: float | None = None
    usage: Usage = field(default_factory=Usage)
    text: str = ""


def read_answer(body: bytes, request: Request) -> Reply | Failure:
    """The body of a 200 answer to a chat completion. Never raises, whatever the bytes."""
    shown = repr(body[:SHOWN_CHARS].decode("utf-8", "replace"))
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return Failure("garbage", f"The endpoint answered something that is no JSON: {shown}.", again=True)
    choices = value.get("choices") if isinstance(value, dict) else None
    if not isinstance(choices, list) or not choices:
        return Failure("garbage", f"The endpoint's answer holds no choices: {shown}.", again=True)
    choice = choices[0]
    message = choice.get("message") if isinstance(choice, dict) else None
    content = _content(message.get("content")) if isinstance(message, dict) else None
    if not isinstance(message, dict) or content is None:
        return Failure("garbage", f"The endpoint's answer holds no message with text: {shown}.", again=True)
    text, inline = split_reasoning(content)
    apart = next((part for key in _APART if isinstance(part := message.get(key), str) and part), "")
    usage = _usage(value.get("usage"), request, len(content) + len(apart))
    fault = _fault(choice.get("finish_reason"), message.get("refusal"), text, usage)
    if fault:
        return fault
    name = value.get("model")
    reasoning = "\n\n".join(part for part in (apart.strip(), inline) if part)
    return Reply(text, reasoning, choice["finish_reason"], name if isinstance(name, str) else "", usage)


def split_reasoning(content: str) -> tuple[str, str]:
    """(answer, thoughts): a leading <think> block, or everything up to a </think> whose opening was left out.

    A block that is never closed is all thought: the answer is then empty.
    """
    match = _THOUGHT.match(content)
    if match:
        return content[match.end() :].strip(), match[2].strip()
    end = _THOUGHT_END.search(content)
    if end:
        return content[end.end() :].strip(), content[: end.start()].strip()
    return content.strip(), ""


def _fault(finish: Any, refusal: Any, text: str, usage: Usage) -> Failure | None:
    """What keeps a well-formed answer from being a whole one. It was paid for, so it is not asked again at once."""
    if finish == "length":
        tokens = f"{usage.output_tokens} tokens"
        return Failure("truncated", f"The answer was cut off after {tokens}: raise max_tokens.", usage=usage, text=text)
    if finish == "content_filter" or refusal:
        said = f": {str(refusal)[:SHOWN_CHARS]!r}" if refusal else " by its content filter"
        return Failure("declined", f"The model declined{said}.", usage=usage)
    if finish not in FINISHED:
        said = repr(finish)[:SHOWN_CHARS] if finish is None or isinstance(finish, str) else "something strange"
        return Failure("garbage", f"The answer ended with {said}: nothing says it is whole.", usage=usage)
    if any("\ud800" <= char <= "\udfff" for char in text):
        return Failure("garbage", "The answer holds half characters (lone surrogates).", usage=usage)
    return None if text else Failure("empty", "The answer is empty.", usage=usage)


def _content(value: Any) -> str | None:
    """The text of a message: a string, null (no text), or a list of text parts; None for anything else."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, list) and all(isinstance(part, dict) and isinstance(part.get("text"), str) for part in value):
        return "".join(part["text"] for part in value)
    return None


def _usage(value: Any, request: Request, answer_chars: int) -> Usage:
    """The endpoint's own count; where it gives none, or no sensible one, an estimate that is marked as such."""
    given = value if isinstance(value, dict) else {}
    n_in, n_out = given.get("prompt_tokens"), given.get("completion_tokens")
    if type(n_in) is int and type(n_out) is int and n_in >= 0 and n_out >= 0:
        return Usage(1, n_in, n_out)
    return Usage(1, tokens_in(request.chars), tokens_in(answer_chars), estimated_calls=1)


def tokens_in(chars: int) -> int:
    """Tokens estimated from characters, rounded up."""
    return -(-chars // CHARS_PER_TOKEN)
