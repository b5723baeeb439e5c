"""The named ways to take a column's value apart. A spec names one for each field; none is chosen in silence.

Each rule is a pure function from what a file holds to what a field needs. `RuleError` says why a value does not fit;
a rule never changes words, it only cuts, and leaves out white space around an item and items without any. Limits:
`sentences` knows Latin punctuation; `commas` cuts at every comma, also inside "salt, to taste".
"""

import ast
import io
import json
import re
import tokenize
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from training.task.score.durations import duration_minutes, time_expressions

LITERAL_CHARS = 1_000_000  # of a Python literal that is read
_LONE_HALF = re.compile("[\ud800-\udfff]")


class RuleError(ValueError):
    """A value that a rule can't take; the message goes on from the field's name."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`makes` is the kind of field it fills: text, texts, minutes, integer, answer or date."""

    name: str
    makes: str
    says: str
    apply: Callable[[Any], Any]


def shorten(value: Any, size: int = 60) -> str:
    """A value for one line of a message, at most `size` characters of it and its marks."""
    text = repr(value if not isinstance(value, str) or len(value) <= size else value[: size - 1] + "…")
    text = text if isinstance(value, str) or len(text) <= size else text[: size - 1] + "…"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def check_text(value: Any) -> str:
    if not isinstance(value, str):
        raise RuleError(f"holds {shorten(value)}, which is no text")
    if _LONE_HALF.search(value):
        raise RuleError("holds half of a character (a lone surrogate)")
    return value.strip()


def check_texts(value: Any) -> list[str]:
    if not isinstance(value, list | tuple):
        raise RuleError(f"holds {shorten(value)}, which is no list")
    return [text for text in map(check_text, value) if text]


def check_minutes(value: Any) -> int | None:
    """Whole minutes; 0 says nothing about a time and is left out."""
    if type(value) is not int or value < 0:
        raise RuleError(f"holds {shorten(value)}, which is no whole number of minutes")
    return value or None


def check_integer(value: Any) -> int:
    if type(value) is not int:
        raise RuleError(f"holds {shorten(value)}, which is no whole number")
    return value


def as_text(value: Any) -> str:
    """Text as it is, a number in digits: 4.0, as a column with gaps holds 4, is "4"."""
    if type(value) in (int, float):
        return str(int(value) if isinstance(value, float) and value.is_integer() else value)
    return check_text(value)


def _first(value: Any) -> str:
    items = check_texts([as_text(item) for item in value] if isinstance(value, list) else value)
    return items[0] if items else ""


def _joined(value: Any) -> str:
    return ", ".join(check_texts(value))


def _json_list(value: Any) -> list[str]:
    try:
        return check_texts(json.loads(check_text(value)))
    except (json.JSONDecodeError, RecursionError):
        raise RuleError(f"holds {shorten(value)}, which is no JSON list") from None


def _python_list(value: Any) -> list[str]:
    text = check_text(value)
    if len(text) > LITERAL_CHARS:
        raise RuleError(f"holds a list of {len(text):,} characters; {LITERAL_CHARS:,} are read")
    try:
        items = check_texts(ast.literal_eval(text))
        suspect = re.search(r"['\"]\s+\w*['\"]", text)  # tokens are slow, and seldom needed
        tokens = [t.type for t in tokenize.generate_tokens(io.StringIO(text).readline)] if suspect else []
    except (ValueError, SyntaxError, RecursionError, MemoryError, tokenize.TokenError) as error:
        if isinstance(error, RuleError):
            raise
        raise RuleError(f"holds {shorten(value)}, which is no Python list") from None
    marks = [kind for kind in tokens if kind not in (tokenize.NL, tokenize.COMMENT)]
    if any(one == other == tokenize.STRING for one, other in pairwise(marks)):
        raise RuleError("holds a list without commas, as NumPy prints it, whose items can't be told apart")
    return items


def _r_vector(value: Any) -> list[str]:
    text, item = check_text(value), r'"((?:[^"\\]|\\.)*)"'
    if text == "character(0)":
        return []
    if not re.fullmatch(rf"c\(\s*{item}(?:\s*,\s*{item})*\s*\)|{item}", text, re.DOTALL):
        raise RuleError(f"holds {shorten(value)}, which is no R vector of texts")
    return check_texts([re.sub(r"\\(.)", r"\1", found) for found in re.findall(item, text, re.DOTALL)])


def _cut(pattern: str) -> Callable[[Any], list[str]]:
    return lambda value: check_texts(re.split(pattern, check_text(value)))


def _howto(value: Any) -> list[str]:
    """schema.org instructions, depth first: a text, a HowToStep, a HowToSection or ItemList, or a list of those."""
    if isinstance(value, str):
        return check_texts(value.splitlines())
    if isinstance(value, list):
        return [text for item in value for text in _howto(item)]
    if isinstance(value, Mapping):
        if "itemListElement" in value:
            return _howto(value["itemListElement"])
        if isinstance(value.get("text"), str):
            return check_texts([value["text"]])
    raise RuleError(f"holds {shorten(value)}, which is no HowToStep")


def _minutes(value: Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,6}(\.0*)?\s*", value):
        value = int(value.partition(".")[0])
    return check_minutes(int(value) if isinstance(value, float) and value.is_integer() else value)


def _iso_duration(value: Any) -> int | None:
    minutes = duration_minutes(check_text(value))
    if minutes is None or not minutes.is_integer():
        raise RuleError(f"holds {shorten(value)}, which is no ISO 8601 time in whole minutes")
    return check_minutes(int(minutes))


def _time_text(value: Any) -> int | None:
    """One time that is all the text says: "1 hr 30 mins", "2 days 3 hours". Ranges have no one length."""
    text = check_text(value)
    found = time_expressions(text)
    left = text
    for time in reversed(found):
        left = left[: time.start] + left[time.end :]
    days_first = len(found) == 2 and "day" in text[found[0].start : found[0].end].casefold()
    fits = (len(found) == 1 or days_first) and all(len(time.minutes) == 1 for time in found)
    total = sum(time.minutes[0] for time in found)
    if not fits or left.strip(" ,.") not in ("", "and") or total != int(total):
        raise RuleError(f"holds {shorten(value)}, which is not one time")
    return check_minutes(int(total))


def _integer(value: Any) -> int:
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,18}(\.0*)?\s*", value):
        return int(value.partition(".")[0])
    return check_integer(int(value) if isinstance(value, float) and value.is_integer() else value)


def _json_answer(value: Any) -> Any:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise RuleError(f"holds {shorten(value)}, which is no JSON") from None
    if not isinstance(value, dict | list):
        raise RuleError(f"holds {shorten(value)}, which is no JSON object or list")
    return value


def _said(value: Any, role: str) -> Mapping[str, Any]:
    """The one message of `role` in a question and its answer (or one half of it), or in the JSON text of that."""
    messages = _json_answer(value)
    if not isinstance(messages, list) or not all(isinstance(m, Mapping) and "role" in m for m in messages):
        raise RuleError(f"holds {shorten(value)}, which is no list of messages with a role")
    said = [message for message in messages if message["role"] not in ("system", "developer")]
    roles = [str(message["role"]) for message in said]
    if roles not in (["user", "assistant"], [role]):
        raise RuleError(f"holds the turns {', '.join(roles) or 'none'}; one of user and one of assistant are needed")
    return said[roles.index(role)]


def _chat_user(value: Any) -> str:
    return check_text(_said(value, "user").get("content"))


def _chat_answer(value: Any) -> str:
    return check_text(_said(value, "assistant").get("content"))


def _chat_reasoning(value: Any) -> str:
    answer = _said(value, "assistant")
    return check_text(answer.get("reasoning_content") or answer.get("reasoning") or "")


def _date(form: str) -> Callable[[Any], str]:
    def apply(value: Any) -> str:
        text = check_text(value)
        try:
            when = datetime.strptime(text, form) if form else datetime.fromisoformat(text)  # noqa: DTZ007
        except ValueError:
            raise RuleError(f"holds {shorten(value)}, which is no date of this form") from None
        if form or len(text) <= 10:
            return when.date().isoformat()
        return (when.astimezone(UTC).replace(tzinfo=None) if when.tzinfo else when).isoformat()

    return apply


RULES: Mapping[str, Rule] = {
    name: Rule(name, makes, says, apply)
    for name, makes, says, apply in (
        ("text", "text", "the value as text", as_text),
        ("first", "text", "the first text of a list", _first),
        ("joined", "text", "a list joined with commas", _joined),
        ("chat_user", "text", "what the user says in a chat of one turn", _chat_user),
        ("chat_reasoning", "text", "the reasoning kept beside the assistant's answer", _chat_reasoning),
        ("list", "texts", "a list of texts", check_texts),
        ("howto", "texts", "HowToSteps, sections of them, or texts; a lone text is cut at its line ends", _howto),
        ("json_list", "texts", "a text that holds a JSON list", _json_list),
        ("python_list", "texts", "a text that holds a list as Python prints it", _python_list),
        ("r_vector", "texts", 'a text that holds a vector as R prints it: c("a", "b")', _r_vector),
        ("lines", "texts", "one text, an item a line", _cut(r"[\r\n]+")),
        ("pipes", "texts", "one text, items parted by |", _cut(r"\|+")),
        ("semicolons", "texts", "one text, items parted by ;", _cut(";")),
        ("commas", "texts", "one text, items parted by every comma", _cut(",")),
        ("sentences", "texts", "one text, cut after sentences", _cut(r"(?<=[.!?])\s+(?=[\"“(]?[A-ZÀ-Ý0-9])")),
        ("whole", "texts", "one text, kept as the only item", lambda value: check_texts([value])),
        ("minutes", "minutes", "a whole number of minutes", _minutes),
        ("iso_duration", "minutes", "an ISO 8601 time such as PT1H30M", _iso_duration),
        ("time_text", "minutes", "a time in words such as 1 hr 30 mins", _time_text),
        ("integer", "integer", "a whole number", _integer),
        ("json", "answer", "a JSON object or list, or the text of one", _json_answer),
        ("answer_text", "answer", "the value as text", as_text),
        ("chat_answer", "answer", "what the assistant says in a chat of one turn", _chat_answer),
        ("chat_answer_json", "answer", "the JSON the assistant says", lambda value: _json_answer(_chat_answer(value))),
        ("date", "date", "a date or time in ISO 8601", _date("")),
        ("date_mdy", "date", "a date as month/day/year", _date("%m/%d/%Y")),
        ("date_dmy", "date", "a date as day/month/year", _date("%d/%m/%Y")),
    )
}
