"""HTML to lines of text: the article where one can be told from the page, all visible text where not.

Lists keep one line an item, table rows become one line with a space between cells, headings stand on their own line
between blank ones. Scripts, styles and what is hidden by markup are never content.
"""

import re
from collections.abc import Callable
from typing import Any, cast

import lxml.html  # pyright: ignore[reportMissingTypeStubs]
from lxml.etree import LxmlError  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

INVISIBLE = frozenset({"script", "style", "noscript", "template", "svg", "head", "iframe", "select", "button"})
OWN_LINE = frozenset({"li", "tr", "dt", "dd", "figcaption", "legend"})
PARAGRAPH = frozenset(
    re.findall(r"\w+", "p div h1 h2 h3 h4 h5 h6 ul ol dl table section article header footer nav aside main pre figure")
) | {"blockquote"}
MARKS = (
    (re.compile(r"^#{1,6}\s+", re.MULTILINE), ""),  # headings
    (re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1"), r"\2"),  # bold
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])"), r"\1"),  # italics
    (re.compile(r"^\|?(?:\s*:?-{3,}:?\s*\|)+\s*$", re.MULTILINE), ""),  # rules under table heads
)
MOST_TAGS = 20_000  # what an article of the web never reaches; the extraction would take minutes
KEPT_SHARE = 0.7  # an article that lost more of the page's content than this leaves is not trusted


def page_text(html: str, content_weight: Callable[[str], float]) -> str:
    """The article of a page as text. Never raises; text without markup comes back as it is.

    `content_weight` says how much of what the task looks for stands in a text. Where the article holds less than
    `KEPT_SHARE` of what the visible text holds, the extraction has cut into the content, and all visible text is
    returned instead (the drop rules then take out navigation and the like).
    """
    root = _parse(html)
    if root is None:
        return html
    visible = _visible_text(root)
    article = _article_text(html) if html.count("<") <= MOST_TAGS else ""
    if not article.strip() or content_weight(article) < KEPT_SHARE * content_weight(visible):
        return visible
    title = _title(root)
    head = article.lstrip()[: 4 * len(title) + 200]
    return article if not title or title.casefold() in head.casefold() else f"{title}\n\n{article}"


def _parse(html: str) -> Any:
    if "<" not in html:
        return None
    try:
        parse: Any = lxml.html.fromstring  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        return parse(
            re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]", " ", html).encode("utf-8"),
            parser=lxml.html.HTMLParser(encoding="utf-8", remove_comments=True, huge_tree=True),
        )
    except (LxmlError, ValueError):
        return None


def _article_text(html: str) -> str:
    """What trafilatura takes for the article, as plain lines; "" where it finds none."""
    import trafilatura  # half a second to import: only where a page is read

    found = trafilatura.extract(
        html, output_format="markdown", include_comments=False, include_tables=True, include_links=False,
        include_images=False, favor_recall=True,
    )  # fmt: skip
    text = found or ""
    for pattern, replacement in MARKS:
        text = pattern.sub(replacement, text)
    return "\n".join(_cells(line) if line.startswith("|") else line for line in text.split("\n"))


def _cells(line: str) -> str:
    return " ".join(cell.strip() for cell in line.split("|") if cell.strip())


def _title(root: Any) -> str:
    """The first headline, or the page's title up to the site's name."""
    for path in ("//h1", "//title"):
        for element in root.xpath(path):
            text = " ".join(cast("str", element.text_content()).split())
            if text:
                return text if path == "//h1" else re.split(r"\s+[|–—-]\s+", text)[0]
    return ""


def _visible_text(root: Any) -> str:
    """All text a reader would see. Breaks are first written as marks: \x01 new line, \x02 br, \x03 list item."""
    parts: list[str] = []
    for event, element in _walk(root):
        tag = element.tag
        if event in ("text", "tail"):
            text = element.text if event == "text" else element.tail
            parts.append(re.sub(r"\s+", " ", text or ""))
        elif tag in PARAGRAPH:
            parts.append("\n\n")
        elif tag in OWN_LINE:
            parts.append("\x01\x03" if tag == "li" and event == "open" else "\x01")
        elif tag in ("br", "td", "th"):
            parts.append(" " if tag != "br" else "\x02" if event == "open" else "")
    text = re.sub(r"\x03[\x01\x02\n ]+", "\x03", "".join(parts))
    text = re.sub(r" *(?:[\x01\x02\n] *)+", _break, re.sub(r"\x03+(?=\x03|$)", "", text))
    return "\n".join(" ".join(line.split()) for line in text.replace("\x03", "- ").split("\n")).strip() + "\n"


def _break(run: re.Match[str]) -> str:
    return "\n\n" if "\n\n" in run[0] or run[0].count("\x02") > 1 else "\n"


def _walk(root: Any) -> Any:
    """open, text, close and tail events in reading order without recursion: pages can nest deeper than the stack."""
    stack: list[tuple[str, Any]] = [("open", root)]
    while stack:
        event, element = stack.pop()
        hidden = _hidden(element)
        if event == "open" and not hidden:
            yield "open", element
            yield "text", element
            stack.append(("close", element))
            for child in reversed(element):
                stack.append(("tail", child))
                stack.append(("open", child))
        elif event == "tail" or (event == "close" and not hidden):
            yield event, element


def _hidden(element: Any) -> bool:
    if not isinstance(element.tag, str) or element.tag in INVISIBLE:
        return True
    style = cast("str", element.get("style") or "").replace(" ", "").casefold()
    return "hidden" in element.attrib or "display:none" in style or "visibility:hidden" in style
