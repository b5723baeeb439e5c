"""Text to HTML that cannot act. Escaping is the default: only `Html` passes through `el` and `html` untouched.

Promise: whatever a model or a pasted page holds, what leaves here is inert text: no element, attribute, script,
template placeholder, terminal code or direction override of its making. Limit: a link's target is never taken from
untrusted text at all.
"""

import html as stdlib_html
from collections.abc import Iterable

VOID_TAGS = frozenset({"input", "br", "hr", "meta"})
BIDI_CONTROLS = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
TAG_CHARACTERS = range(0xE0000, 0xE0080)


def _inert() -> dict[int, str]:
    """Characters that html.escape leaves alone, but some reader downstream could act on or hide."""
    table = {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\t\n"}  # NUL as its picture, ESC too
    table[0x0D] = "\n"
    table[0x7F] = "\u2421"
    table |= {code: f"[U+{code:04X}]" for code in range(0x80, 0xA0)}
    table |= {code: f"[U+{code:04X}]" for code in (*BIDI_CONTROLS, *TAG_CHARACTERS)}
    table |= dict.fromkeys((0x2028, 0x2029), "\n")
    table |= dict.fromkeys(range(0xD800, 0xE000), "\ufffd")  # lone surrogates cannot be sent as UTF-8
    return table | {ord(char): f"&#{ord(char)};" for char in "{}$`\\"}


INERT = _inert()


class Html(str):
    """Markup made by this package. Joining one with a plain string gives a plain string, which is escaped again."""

    __slots__ = ()


def esc(text: object) -> Html:
    """Any value as inert text, safe between tags and inside quoted attributes."""
    return Html(stdlib_html.escape(str(text).replace("\r\n", "\n"), quote=True).translate(INERT))


def html(*children: str | None) -> Html:
    """Children side by side: `Html` as it is, any other string escaped, None left out."""
    return Html("".join(child if isinstance(child, Html) else esc(child) for child in children if child is not None))


def el(name: str, /, *children: str | None, cls: str = "", **attributes: str | int | bool | None) -> Html:
    """One element. In attribute names a trailing `_` goes, others become `-`; True is bare, None and False left out."""
    parts = [f' class="{esc(cls)}"'] if cls else []
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        attribute = key.rstrip("_").replace("_", "-")
        parts.append(f" {attribute}" if value is True else f' {attribute}="{esc(value)}"')
    opening = f"<{name}{''.join(parts)}>"
    return Html(opening if name in VOID_TAGS else f"{opening}{html(*children)}</{name}>")


def each(children: Iterable[str | None]) -> Html:
    return html(*children)


def icon(name: str) -> Html:
    """A drawn mark: check, cross, warn, missing, plus, minus, change, type, same, none. Never alone: words follow."""
    return el("span", cls=f"tt-i tt-i-{name}", aria_hidden="true")


def number(value: float) -> str:
    """1903 -> '1,903'; floats keep at most three significant digits, so that a column of them reads."""
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def seconds(value: float) -> str:
    """Wall seconds for people: '0.31 s', '12.4 s', '2 min 5 s'."""
    if value < 60:
        return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def plural(n: int, noun: str) -> str:
    """'1 repair', '3 repairs', '2 entries'."""
    if n == 1:
        return f"1 {noun}"
    many = f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else f"{noun}s"
    return f"{n:,} {many}"


def short_hash(digest: str | None, length: int = 10) -> Html:
    """The start of a hash, the whole of it in the title; a dash where there is none."""
    if not digest:
        return el("span", "none", cls="tt-dim")
    return el("code", digest[:length], cls="tt-hash", title=digest)


def fold(text: str, limit: int = 240) -> Html:
    """Long text behind a 'show all', short text as it is. Breaks at a space where one is near."""
    if len(text) <= limit:
        return esc(text)
    cut = max(text.rfind(" ", limit - 40, limit), limit - 40)
    return el(
        "details",
        el("summary", el("span", text[:cut], " …", cls="tt-long-short"), el("span", cls="tt-long-word")),
        el("span", text, cls="tt-long-all"),
        cls="tt-long",
    )


def note(words: str) -> Html:
    """A quiet sentence where there is nothing to show."""
    return el("p", words, cls="tt-empty")


def insight(words: str) -> Html:
    """A computed sentence above what it is about; nothing for an empty one."""
    return el("p", words, cls="tt-insight") if words else html()
