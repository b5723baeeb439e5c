"""The brand in the window's corner."""

from studio.views.markup import Html, el


def header_html(version: str = "") -> Html:
    """Mark and name. The tab bar, theme and help stand beside it in the same strip."""
    mark = el("span", cls="tt-mark", aria_hidden="true")
    return el(
        "div", mark, el("h1", "Taste Test"), el("span", version, cls="tt-dim") if version else None, cls="tt-header"
    )
