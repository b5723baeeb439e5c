"""ISO 8601 durations read strictly, and times as people write them found in a text (metrics A6 and A7).

PT90M, PT1H30M, P0DT1H30M and PT1.5H are one duration. Months and years have no length in minutes, so they are invalid
here, and so are signs, lower case, a bare PT, ranges and plain numbers. Limit: `time_expressions` knows how English
recipes write times, and a few spellings of other languages.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import isodate  # pyright: ignore[reportMissingTypeStubs]

from training.task.score.text import NUMBER_WORDS, tokenise

_NUMBER = r"[0-9]{1,6}(?:[.][0-9]{1,6})?"
DURATION_PATTERN = (
    rf"P(?=[0-9]|T[0-9])(?:{_NUMBER}W)?(?:{_NUMBER}D)?(?:T(?=[0-9])(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?"
)
_DURATION = re.compile(DURATION_PATTERN)


def duration_minutes(value: object) -> float | None:
    """Minutes of an ISO 8601 duration, None where it is not one. Only the last part may have decimals."""
    if not isinstance(value, str) or not _DURATION.fullmatch(value) or re.search(r"[.][0-9]+[A-Z]+[0-9]", value):
        return None
    return cast(timedelta, cast(Any, isodate).parse_duration(value)).total_seconds() / 60


def same_duration(gold: object, pred: object) -> bool:
    """Both valid and equally long, to the second."""
    left, right = duration_minutes(gold), duration_minutes(pred)
    return left is not None and right is not None and abs(left - right) < 1 / 60


@dataclass(frozen=True, slots=True)
class TimeExpression:
    """A time in a text: [start, end) offsets and its minutes, both ends of a range where it is one."""

    start: int
    end: int
    minutes: tuple[float, ...]


_WORDS = "|".join(sorted([*NUMBER_WORDS, "a", "an"], key=len, reverse=True))
_AMOUNT = (
    r"(?:\bthree[\s-]quarters?\b|\d{1,4}\s+\d/\d{1,2}|\d{1,2}/\d{1,2}|\d{0,4}\s?[¼½¾⅓⅔⅛]"
    rf"|\d{{1,4}}(?:[.,]\d{{1,2}})?|\b(?:{_WORDS})\b)"
)
_RANGE = rf"(?P<low>{_AMOUNT})(?:\s*(?:-|–|—|to|or)\s*(?P<high>{_AMOUNT}))?[\s-]*(?:(?:of\s+)?an?\s+)?"
_HOURS = r"(?:hours?(?:\s+hrs?)?|hrs?|h|heures?|horas?|stunden?|std|ore|uur)\b\.?"
_MINUTES = r"(?:minutes?(?:\s+mins?)?|mins?|m|minuten|minutos?|minuti)\b\.?"
_HALF = r"(?P<half>\s+and\s+(?:a|one)\s+(?P<part>half|quarter))"
_TIME = re.compile(
    rf"""(?P<clock>\b\d{{1,2}}\s?h\s?[0-5]\d\b(?!\s*{_MINUTES}))
    |(?P<long>{_RANGE}(?:{_HOURS}{_HALF}|(?P<before>and\s+(?:a|one)\s+half\s+){_HOURS}|{_HOURS}
        (?:(?:,|\s)*(?:and\s+|&\s*)?(?P<rest>{_AMOUNT})[\s-]*{_MINUTES})?))
    |(?P<short>(?P<low2>{_AMOUNT})(?:\s*(?:-|–|—|to|or)\s*(?P<high2>{_AMOUNT}))?[\s-]*{_MINUTES})
    |(?P<days>(?P<low3>{_AMOUNT})[\s-]*days?\b)
    |(?P<iso>\bP(?:\d+D)?T(?:\d+H)?(?:\d+M)?(?:\d+S)?\b)""",
    re.IGNORECASE | re.VERBOSE,
)


def time_expressions(text: str) -> list[TimeExpression]:
    """Every time written in a text, in order: 1 hour 15 minutes, 1h15, 20-25 min, an hour and a half, PT20M."""
    found: list[TimeExpression] = []
    for match in _TIME.finditer(text):
        minutes = _minutes(match)
        if minutes:
            end = match.start() + len(match[0].rstrip(". "))
            found.append(TimeExpression(match.start(), end, minutes))
    return found


def _minutes(match: re.Match[str]) -> tuple[float, ...]:
    got = match.groupdict()
    if got["clock"]:
        hours, rest = re.findall(r"\d+", got["clock"])
        return (int(hours) * 60.0 + int(rest),)
    if got["iso"]:
        minutes = duration_minutes(got["iso"].upper())
        return () if minutes is None else (minutes,)
    if got["short"]:
        return _ends(got["low2"], got["high2"], 1, 0)
    if got["days"]:
        return _ends(got["low3"], None, 24 * 60, 0)
    extra = _value(got["rest"]) if got["rest"] else 0.0
    if got["half"] or got["before"]:
        extra = 15.0 if got["part"] and got["part"].lower() == "quarter" else 30.0
    return _ends(got["low"], got["high"], 60, extra)


def _ends(low: str, high: str | None, scale: float, extra: float) -> tuple[float, ...]:
    ends = (_value(low), _value(high)) if high else (_value(low),)
    return tuple(end * scale + extra for end in ends if end > 0)


def _value(amount: str) -> float:
    if amount.lower() in ("a", "an"):
        return 1.0
    if re.fullmatch(r"three[\s-]quarters?", amount, re.IGNORECASE):
        return 0.75
    numbers = [token.number for token in tokenise(amount) if token.number is not None]
    return numbers[0] if numbers else 0.0
