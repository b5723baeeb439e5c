"""Personal data and secrets in a row: found, masked or refused as the plan says, one policy for each of the two.

Personal: e-mail addresses and phone numbers. Secrets: access keys and tokens by their known forms, private keys,
passwords and keys that are named as such, card numbers with a correct check digit. A mask is the same in source, gold,
reasoning and the notes that hold a source's words, so that what a gold copies from its source it still copies. Promise:
after masking nothing that is looked for is left in any of these. Limits: names, postal addresses, account numbers and
anything written out in words are not looked for; phone numbers need a form that quantities, times and dates do not
have. A refusal and a note say kinds and counts, never the thing itself; a row that is refused still holds it.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple, cast

from training.data.gates.plan import GatePlan
from training.data.gates.report import FOUND, MASKED
from training.data.rows import FROM_SOURCE, DataRow, Refusal

PERSONAL_KINDS = ("e-mail", "phone")
SECRET_KINDS = ("key", "card")
_EMAIL = re.compile(
    r"(?<![\w.+-])[\w][\w.+%-]{0,63}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})\.){1,4}[A-Za-z]{2,24}(?![\w-])"
)
_PHONE = re.compile(
    r"""(?<![\w.,/+-])(?:
        \+\d{1,3}[ .\-]?(?:\(0?\d{1,4}\)[ .\-]?)?\d{1,4}(?:[ .\-]?\d{2,4}){2,4}   # +49 30 1234567
        |(?:1[ .\-])?\(\d{3}\)[ ]?\d{3}[ .\-]\d{4}                                # (555) 123-4567
        |(?:1-)?\d{3}-\d{3}-\d{4}|\d{3}\.\d{3}\.\d{4}                             # 555-123-4567
        |0\d{2,4}[ ]\d{3,4}[ ]\d{3,4}|0\d{4}[ ]\d{6}                              # 020 7946 0958
    )(?![\w/]|[.,-]\d)""",
    re.VERBOSE,
)
_NAMED_PHONE = re.compile(
    r"\b(?:phone|tel|telephone|mobile|cell|fax|whatsapp|hotline|call(?: us| me)?(?: at| on)?)\b\.?\s*:?\s*"
    r"(?P<secret>\+?\(?\d[\d ().\-]{5,18}\d)(?!\w)",
    re.IGNORECASE,
)
_KEY = re.compile(
    r"""(?<![A-Za-z0-9_-])(?:
        sk-[A-Za-z0-9_-]{16,200}|(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,200}|hf_[A-Za-z0-9]{20,60}
        |gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9_]{30,255}|glpat-[A-Za-z0-9_-]{20,60}
        |(?:AKIA|ASIA)[0-9A-Z]{16}|AIza[A-Za-z0-9_-]{30,45}|xox[abprs]-[A-Za-z0-9-]{10,200}
        |eyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,2000}\.[A-Za-z0-9_-]{10,2000}
    )(?![A-Za-z0-9_])
    |-----BEGIN[ ][A-Z ]{0,20}PRIVATE[ ]KEY-----.{0,8000}?(?:-----END[ ][A-Z ]{0,20}PRIVATE[ ]KEY-----|\Z)""",
    re.VERBOSE | re.DOTALL,
)
_NAMED_KEY = re.compile(
    r"\b(?:api[ _-]?key|access[ _-]?token|auth[ _-]?token|client[ _-]?secret|secret[ _-]?key|password|passwd|bearer)\b"
    r"[\"']?\s*(?:[:=]|is\b)?\s*[\"']?(?P<secret>(?=[^\s\"'\[\]{}]{0,200}\d)[^\s\"'\[\]{},;]{8,200})",
    re.IGNORECASE,
)
_CARD = re.compile(
    r"(?<![\d.,-])(?:[2-6]\d{3}([ -]?)\d{4}\1\d{4}\1\d{4}(?:\1\d{1,3})?|3[47]\d{2}([ -]?)\d{6}\2\d{5})(?![\d-])"
)


class Found(NamedTuple):
    """A piece of personal data or a secret, as it stands in a text."""

    kind: str
    text: str


def find(text: str, kinds: tuple[str, ...] = PERSONAL_KINDS + SECRET_KINDS) -> list[Found]:
    """Everything of these kinds in a text, in the order in which it stands there; of two that overlap the first."""
    found: list[Found] = []
    taken = 0
    for kind, start, end in sorted(_hits(text, kinds), key=lambda hit: (hit[1], -hit[2])):
        if start >= taken:
            taken = end
            found.append(Found(kind, text[start:end]))
    return found


def guard(row: DataRow, plan: GatePlan) -> tuple[DataRow, Refusal | None]:
    """The row as the policies leave it, masked or noted, and the refusal where one of them refuses."""
    policies = ((PERSONAL_KINDS, plan.personal, "personal data"), (SECRET_KINDS, plan.secrets, "a secret"))
    for kinds, policy, what in policies:
        if policy == "refuse" and (counts := _counts(row, kinds)):
            said = ", ".join(f"{kind} × {count}" for kind, count in counts.items())
            return row, Refusal("personal", f"The row holds {what}.", said)
    for kinds, policy, _ in policies:
        if policy == "find" and (counts := _counts(row, kinds)):
            row = _noted(row, FOUND, counts)
    masked = tuple(kind for kinds, policy, _ in policies if policy == "mask" for kind in kinds)
    changed, counts = mask(row, masked)
    return (_noted(changed, MASKED, counts) if counts else row), None


def mask(row: DataRow, kinds: tuple[str, ...] = PERSONAL_KINDS + SECRET_KINDS) -> tuple[DataRow, Counter[str]]:
    """The row with each found thing replaced by its kind and number, such as "[phone 1]", and how many of each kind.

    The same thing has the same mask wherever it stands in source, gold (keys too), reasoning and the notes that hold a
    source's words (`rows.FROM_SOURCE`); other notes are untouched.
    """
    names: dict[str, str] = {}
    counts: Counter[str] = Counter()
    while found := _found_in(row, kinds):  # a mask may bare what stood beside it; every round leaves less to find
        fresh: dict[str, str] = {}
        for kind, text in found:
            known = f"{kind} {text.casefold()}"
            if known not in names:
                counts[kind] += 1
                names[known] = f"[{kind} {counts[kind]}]"
            fresh[text] = names[known]
        row = _mapped(row, lambda text, masks=fresh: _replaced(text, masks))
    return row, counts


def _counts(row: DataRow, kinds: tuple[str, ...]) -> Counter[str]:
    """Different things of each kind."""
    return Counter(kind for kind, _ in dict.fromkeys(_found_in(row, kinds)))


def _noted(row: DataRow, key: str, counts: Counter[str]) -> DataRow:
    before: Counter[str] = Counter(cast("dict[str, int]", row.notes.get(key, {})))
    return replace(row, notes={**row.notes, key: dict(sorted((before + counts).items()))})


def _found_in(row: DataRow, kinds: tuple[str, ...]) -> list[Found]:
    texts = (row.source, *_texts(row.gold), row.reasoning, *_texts([*_from_source(row).values()]))
    return [found for text in texts for found in find(text, kinds)]


def _from_source(row: DataRow) -> dict[str, Any]:
    return {name: row.notes[name] for name in FROM_SOURCE if name in row.notes}


def _hits(text: str, kinds: tuple[str, ...]) -> Iterator[tuple[str, int, int]]:
    if "e-mail" in kinds and "@" in text:
        yield from (("e-mail", *match.span()) for match in _EMAIL.finditer(text))
    if "phone" in kinds:
        yield from (("phone", *match.span()) for match in _PHONE.finditer(text) if _digits(match[0]) >= 7)
        named = (match for match in _NAMED_PHONE.finditer(text) if _digits(match["secret"]) >= 7)
        yield from (("phone", *match.span("secret")) for match in named)
    if "key" in kinds:
        yield from (("key", *match.span()) for match in _KEY.finditer(text))
        yield from (("key", *match.span("secret")) for match in _NAMED_KEY.finditer(text))
    if "card" in kinds:
        yield from (("card", *match.span()) for match in _CARD.finditer(text) if luhn(match[0]))


def luhn(text: str) -> bool:
    """Whether the digits of a text end in their correct check digit (ISO/IEC 7812-1, annex B)."""
    digits = [int(char) for char in text if char.isascii() and char.isdigit()]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return len(digits) > 1 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _digits(text: str) -> int:
    return sum(char.isdigit() for char in text)


def _texts(value: Any) -> Iterator[str]:
    """Every text of a JSON value, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in cast("dict[str, Any]", value).items():
            yield key
            yield from _texts(item)
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from _texts(item)


def _mapped(row: DataRow, change: Callable[[str], str]) -> DataRow:
    notes = {**row.notes, **{name: _changed(value, change) for name, value in _from_source(row).items()}}
    source, gold, reasoning = change(row.source), _changed(row.gold, change), change(row.reasoning)
    return replace(row, source=source, gold=gold, reasoning=reasoning, notes=notes)


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value).items()
        return {change(key): _changed(item, change) for key, item in pairs}
    if isinstance(value, list):
        return [_changed(item, change) for item in cast("list[Any]", value)]
    return value


def _replaced(text: str, masks: dict[str, str]) -> str:
    for secret in sorted(masks, key=len, reverse=True):
        text = text.replace(secret, masks[secret])
    return text
