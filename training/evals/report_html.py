"""Markup of the report: text that can't act, elements, the page around them. Stdlib only.

Promise: whatever a post, a model or a file name holds is inert text here. Only `Html` passes through `el` and `join`
untouched, everything else is escaped; the page runs no script but its own, which its policy names by their hashes, and
loads nothing from anywhere. Limit: a link's target is never taken from untrusted text at all.
"""

import base64
import hashlib
import html
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

ASSETS = Path(__file__).resolve().parents[2] / "assets" / "report"
VOID = frozenset({"meta", "br", "hr"})
_UNSEEN = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0xE0000, 0xE0080))


def _inert() -> dict[int, str]:
    """Control characters as their pictures, direction marks by name, halves of characters as what they are."""
    table = {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\t\n"}
    table |= {0x0D: "\n", 0x7F: "\u2421", 0x2028: "\n", 0x2029: "\n"}
    table |= {code: f"[U+{code:04X}]" for code in (*range(0x80, 0xA0), *_UNSEEN)}
    return table | dict.fromkeys(range(0xD800, 0xE000), "\ufffd")


INERT = _inert()


class Html(str):
    """Markup made here."""

    __slots__ = ()


def esc(text: object) -> Html:
    """Any value as inert text, safe between tags and in quoted attributes."""
    return Html(html.escape(str(text).replace("\r\n", "\n").translate(INERT), quote=True))


def join(*children: str | None) -> Html:
    """Children side by side: `Html` as it is, any other string escaped, None left out."""
    return Html("".join(child if isinstance(child, Html) else esc(child) for child in children if child is not None))


def each(children: Iterable[str | None]) -> Html:
    return join(*children)


def el(name: str, /, *children: str | None, cls: str = "", **attributes: str | int | bool | None) -> Html:
    """One element. In attribute names a trailing `_` goes and others become `-`; None and False are left out."""
    parts = [f' class="{esc(cls)}"'] if cls else []
    for key, value in attributes.items():
        if value is not None and value is not False:
            word = key.rstrip("_").replace("_", "-")
            parts.append(f" {word}" if value is True else f' {word}="{esc(value)}"')
    opening = f"<{name}{''.join(parts)}>"
    return Html(opening if name in VOID else f"{opening}{join(*children)}</{name}>")


def section(title: str, *children: str | None, lead: str = "", cls: str = "") -> Html:
    """A part of the page with its heading and a sentence below it."""
    return el("section", el("h2", title), el("p", lead, cls="lead") if lead else None, *children, cls=cls)


def table(head: Sequence[str | tuple[str, Html]], rows: Iterable[Sequence[str]], cls: str = "") -> Html:
    """A table; each cell repeats its column's name, which narrow screens show in front of it. A column is its name, or
    its name and what stands in its head."""
    names = [column if isinstance(column, str) else column[0] for column in head]
    shown = [column if isinstance(column, str) else column[1] for column in head]
    cells = [
        el("tr", el("th", row[0], scope="row"),
           each(el("td", cell, data_name=name) for name, cell in zip(names[1:], row[1:], strict=True)))
        for row in rows
    ]  # fmt: skip
    heads = el("tr", each(el("th", column, scope="col") for column in shown))
    return el("table", el("thead", heads), el("tbody", each(cells)), cls=cls)


def data(value: Any, ident: str) -> Html:
    """JSON for the page's own script. Nothing in it can close the element it stands in."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Html(f'<script type="application/json" id="{esc(ident)}">{text}</script>')


def page(title: str, body: Html, scripts: Sequence[str], style: str) -> str:
    """A whole document that loads nothing. `scripts` and `style` are this program's own files."""
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts)
    policy = (
        f"default-src 'none'; script-src {hashes or chr(39) + 'none' + chr(39)}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        el("meta", name="color-scheme", content="light dark"),
        el("meta", name="robots", content="noindex"),
        el("title", title),
        Html(f"<style>{style}</style>"),
    )
    code = "".join(f"<script>{script}</script>" for script in scripts)
    return f'<!doctype html>\n<html lang="en">{head}<body>{body}{code}</body></html>\n'


def asset(name: str) -> str:
    """A file of assets/report: the style and the script of the page."""
    return (ASSETS / name).read_text("utf-8")
