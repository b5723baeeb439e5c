"""What a person pasted or dropped, as text. Bytes are decoded without guessing past what can be shown to be right.

Accepted: any text of up to `MAX_SOURCE_CHARS` characters with at least one visible one, whatever its language, NUL
bytes included (the context step takes them out). The front matter of a task pack's example, which holds the right
answer, is no part of its text and is taken off; anybody else's stays. Refused with an InputError that says why: nothing
to read, too much, binary files, text in an encoding that can't be told, halves of characters.
"""

import re
import unicodedata

from charset_normalizer import from_bytes

from training.errors import InputError
from training.task.records import Source

MAX_SOURCE_CHARS = 2_000_000
MAX_SOURCE_BYTES = 4 * MAX_SOURCE_CHARS  # no encoding takes more for a character
HTML_SUFFIXES = (".html", ".htm", ".xhtml")
TEXT_SUFFIXES = (".txt", ".md", ".markdown", ".text")
MAGIC = (
    (b"%PDF-", "a PDF file"), (b"\x89PNG", "a PNG picture"), (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"), (b"RIFF", "a media file"), (b"PK\x03\x04", "a ZIP or Office file"),
    (b"\x1f\x8b", "a gzip file"), (b"\x7fELF", "a program"), (b"MZ", "a program"), (b"\x80\x04\x95", "a pickle"),
    (b"\xd0\xcf\x11\xe0", "an Office file"), (b"{\\rtf", "an RTF document"), (b"SQLite format 3", "a database"),
)  # fmt: skip
BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe\x00\x00", "utf-32"), (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"),
)  # fmt: skip
# Codecs of Python that a page may name and that no page is written in: two raise, the others make letters of codes.
NO_ENCODINGS = frozenset({"undefined", "idna", "punycode", "unicode_escape", "raw_unicode_escape"})
CONTROLS = re.compile(r"[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f\ufffd]")
FRONT_MATTER = re.compile(r"\ufeff?---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|$)", re.DOTALL)
CONTROL_SHARE = 0.05  # of all characters; more is no text
PLAIN_FIX = "Paste the text itself, or drop a .txt, .md or .html file."


def read_text(data: bytes | str, name: str = "paste", *, encoding: str | None = None) -> Source:
    """Text from what was given. `name` is paste, a file name or a URL; `encoding` is what a server declared.

    `kind` is html for .html files and for text that begins like a page or is full of tags, text otherwise.
    Raises InputError, always before any model is touched.
    """
    text = without_answer(data if isinstance(data, str) else _decode(data, name, encoding))
    _check(text, name)
    return Source(text=text, kind=_kind(text, name), origin=name)


def looks_like_html(text: str) -> bool:
    """Whether a text begins like a page, or closes three or more block tags in its first 20,000 characters."""
    head = text.lstrip("\ufeff \t\r\n")[:20_000]
    if re.match(r"<(!doctype\s+html|html|head|body)\b", head, re.IGNORECASE):
        return True
    return len(re.findall(r"</(?:p|div|li|ul|ol|h[1-6]|table|tr|td|article|section)\s*>", head, re.IGNORECASE)) >= 3


def without_answer(text: str) -> str:
    """A text without the front matter of a pack's example: `title` with `gold`, `note` or both between --- lines."""
    head = FRONT_MATTER.match(text)
    keys = set(re.findall(r"^(\w+):", head[1], re.MULTILINE)) if head else set[str]()
    if head is None or not (len(keys) > 1 and "title" in keys and keys <= {"title", "note", "gold"}):
        return text
    return text[head.end() :].lstrip("\r\n")


def _kind(text: str, name: str) -> str:
    suffix = "" if "://" in name else name[name.rfind(".") :].casefold()
    if suffix in HTML_SUFFIXES:
        return "html"
    if suffix in TEXT_SUFFIXES:
        return "text"
    return "html" if looks_like_html(text) else "text"


def _check(text: str, name: str) -> None:
    if len(text) > MAX_SOURCE_CHARS:
        raise InputError(
            f"{_called(name)} holds {len(text):,} characters, more than the {MAX_SOURCE_CHARS:,} that are read.",
            fix="Cut it down to the part with the content.",
        )
    if re.search(r"[\ud800-\udfff]", text):
        raise InputError(
            f"{_called(name)} holds half of a character (a lone surrogate), which no model can be given.",
            fix="Copy the text again from where it came from.",
        )
    strange = len(CONTROLS.findall(text))
    if strange > CONTROL_SHARE * len(text):
        raise InputError(
            f"{_called(name)} is no text: {strange:,} of {len(text):,} characters are control characters.",
            fix=PLAIN_FIX,
        )
    if not any(unicodedata.category(char)[0] not in "ZC" for char in text):
        raise InputError(f"{_called(name)} is empty.", fix="Paste a text, drop a file or choose an example.")


def _called(name: str) -> str:
    return "The text" if name == "paste" else f"{name!r}"


def _decode(data: bytes, name: str, encoding: str | None) -> str:
    if len(data) > MAX_SOURCE_BYTES:
        raise InputError(
            f"{_called(name)} takes {len(data):,} bytes, more than the {MAX_SOURCE_CHARS:,} characters that are read.",
            fix="Cut it down to the part with the content.",
        )
    for magic, what in MAGIC:
        if data.startswith(magic):
            raise InputError(f"{_called(name)} is {what}, not text.", fix=PLAIN_FIX)
    for candidate in _candidates(data, encoding):
        if candidate.casefold().replace("-", "_") in NO_ENCODINGS:
            continue
        try:
            return data.decode(candidate)
        except (LookupError, ValueError):  # UnicodeError is a ValueError
            continue
    return _guess(data, name)


def _candidates(data: bytes, declared: str | None) -> list[str]:
    """Encodings in the order of how sure they are: byte order mark, declared, UTF-16 by its zeros, UTF-8, meta tag."""
    found = [name for mark, name in BOMS if data.startswith(mark)][:1]
    found += [declared] if declared else []
    head = data[:4000]
    for first, candidate in ((1, "utf-16-le"), (0, "utf-16-be")):
        if len(head) >= 4 and head[first::2].count(0) > 0.7 * len(head[first::2]) and head.count(0) < 0.6 * len(head):
            found.append(candidate)
    found.append("utf-8")
    meta = re.search(rb"<meta[^>]{0,200}charset=[\"']?([\w-]{1,40})", head, re.IGNORECASE)
    return found + ([meta[1].decode("ascii", "ignore")] if meta else [])


def _guess(data: bytes, name: str) -> str:
    """Text in an older encoding: what charset-normalizer is sure of, Windows Western for what is plainly Latin."""
    if len(re.findall(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]", data)) > CONTROL_SHARE * len(data):
        raise InputError(f"{_called(name)} is a binary file, not text.", fix=PLAIN_FIX)
    ascii_share = sum(1 for byte in data[:20_000] if byte < 128) / len(data[:20_000])
    best = from_bytes(data[:200_000]).best()
    candidates = [best.encoding] if best is not None else []
    if ascii_share > 0.8:
        candidates.insert(0, "cp1252")
    for candidate in candidates:
        try:
            return data.decode(candidate)
        except UnicodeError:
            continue
    raise InputError(
        f"{_called(name)} is neither UTF-8 nor in an encoding that can be told.", fix="Save it as UTF-8 and try again."
    )
