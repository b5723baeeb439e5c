"""Recent comparisons, newest first, each a link that reopens it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from studio.views.markup import Html, el, html, plural
from training.task.records import to_json


def history_list(
    rows: Sequence[Any], now: datetime, *, current: str = "", kept: bool = True, total: int | None = None
) -> Html:
    """`rows` are the store's ComparisonRows, `total` how many there are, None for no more than these. `kept` False (a
    Space) says that nothing is kept here."""
    if not kept:
        return el("p", "Nothing is kept here: download what you want to keep.", cls="tt-empty")
    if not rows:
        return el("p", "No comparisons yet. They are kept on this machine and listed here.", cls="tt-empty")
    listed = el("ul", *(_row(to_json(row), now, current) for row in rows), cls="tt-history")
    if total is None or total <= len(rows):
        return listed
    words = f"The newest {len(rows):,} of {total:,}. Search above finds the others."
    return html(listed, el("p", words, cls="tt-note"))


def _row(row: dict[str, Any], now: datetime, current: str) -> Html:
    arms = ", ".join(str(label) for label in row["arms"])
    words = el("span", str(row["title"]), cls="tt-history-title", dir="auto")
    when = el("time", ago(str(row["created"]), now), datetime=row["created"], title=row["created"])
    note = el("span", when, f" · {plural(len(row['arms']), 'column')}", cls="tt-dim tt-num", title=arms)
    link = el(
        "a",
        words,
        note,
        href=f"?comparison={quote(str(row['id']), safe='', errors='replace')}",
        aria_current="page" if current and row["id"] == current else None,
    )
    return el("li", link)


def ago(created: str, now: datetime) -> str:
    """'just now', '5 min ago', '3 h ago', 'yesterday', else the date. The text itself where it is no time."""
    try:
        then = datetime.fromisoformat(created)
    except ValueError:
        return created
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    passed = (now - then).total_seconds()
    if passed < 60:
        return "just now"
    if passed < 3600:
        return f"{int(passed // 60)} min ago"
    if passed < 86400:
        return f"{int(passed // 3600)} h ago"
    return "yesterday" if passed < 2 * 86400 else f"{then:%d %b %Y}".lstrip("0")
