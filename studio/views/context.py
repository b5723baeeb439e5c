"""What the model sees of a text, what it does not, and why."""

from collections.abc import Mapping, Sequence
from typing import Any

from studio.views.looks import meter
from studio.views.markup import Html, el, number, plural
from training.task.records import Context, to_json

REASONS = {
    "advert": "advert",
    "share": "share buttons",
    "comments": "comments",
    "navigation": "page navigation",
    "widget": "page furniture",
    "author": "who wrote it and when",
    "newsletter": "newsletter sign-up",
    "related": "other posts",
    "duplicate": "said twice",
    "budget": "no room: worth least to this task",
}
MAX_LISTED = 200


def reason_words(reason: str) -> str:
    """A machine word as people say it; an unknown one as it is, underscores opened."""
    return REASONS.get(reason, reason.replace("_", " "))


def context_summary(context: Context | Mapping[str, Any]) -> str:
    """'412 of 1,903 tokens': for the head of the pane. Says when the step is off."""
    data = to_json(context)
    if not data["enabled"]:
        return f"all {number(int(data['source_tokens']))} tokens (context step is off)"
    return f"{number(int(data['shown_tokens']))} of {number(int(data['source_tokens']))} tokens"


def context_html(context: Context | Mapping[str, Any]) -> Html:
    """The shown text, then what was left out, grouped by reason with counts."""
    data = to_json(context)
    budget = f"room for {number(int(data['budget_tokens']))}"
    over = int(data["shown_tokens"]) > int(data["budget_tokens"])
    head = el(
        "p",
        el("strong", context_summary(data), cls="tt-num"),
        el("span", budget, cls="tt-dim"),
        el("span", "too long for the model: the run will refuse it", cls="tt-wrong") if over else None,
        meter(int(data["shown_tokens"]), int(data["source_tokens"])),
        cls="tt-context-head",
    )
    return el(
        "div",
        head,
        el("pre", data["shown"], cls="tt-raw tt-shown", dir="auto", tabindex="0"),
        _left_out(data),
        cls="tt-context",
    )


def context_empty() -> Html:
    return el(
        "p",
        "What the model will see of the text stands here: adverts, share bars and comments are left out.",
        cls="tt-empty",
    )


def _left_out(data: Mapping[str, Any]) -> Html:
    runs: Sequence[Mapping[str, Any]] = data["left_out"]
    if not data["enabled"]:
        return el("p", "The context step is off: the model sees the text as it was given.", cls="tt-dim")
    if not runs:
        return el("p", "Nothing was left out.", cls="tt-dim")
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for run in runs:
        groups.setdefault(str(run["reason"]), []).append(run)
    ordered = sorted(groups.items(), key=lambda group: -sum(int(run["tokens"]) for run in group[1]))
    return el("section", el("p", "Left out", cls="tt-subhead"), *(_group(reason, group) for reason, group in ordered))


def _group(reason: str, runs: Sequence[Mapping[str, Any]]) -> Html:
    tokens = plural(sum(int(run["tokens"]) for run in runs), "token")
    summary = el(
        "summary",
        el("span", reason_words(reason)),
        el("span", f"{plural(len(runs), 'passage')}, {tokens}", cls="tt-dim tt-num"),
    )
    listed = [el("li", str(run["text"])[:2000], dir="auto") for run in runs[:MAX_LISTED]]
    more = el("p", f"and {len(runs) - MAX_LISTED:,} more", cls="tt-dim") if len(runs) > MAX_LISTED else None
    return el("details", summary, el("ul", *listed, cls="tt-left"), more, cls="tt-group")
