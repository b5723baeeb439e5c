"""An answer as people read it: title, facts, lists, steps. Unsupported items stand out, nothing is guessed."""

from collections.abc import Mapping
from typing import Any

from studio.views.markup import Html, el, fold, html, icon, plural
from studio.views.reading import (
    LIST_KINDS,
    PackLike,
    PlainField,
    compact,
    duration_words,
    entries,
    fields_of,
    is_duration,
    wrong_type,
)
from studio.views.words import REPAIRED_TIERS, is_text, says_nothing_here, share_words
from training.task.records import ArmResult, Tier, to_json

Support = Mapping[tuple[str, int], bool | None]
TITLE_NAMES = ("name", "title", "headline")
LEAD_NAMES = ("description", "summary")
UNSUPPORTED = "Not found in the source text"


def card_html(
    result: ArmResult | Mapping[str, Any], pack: PackLike | None = None, *, gold: Mapping[str, Any] | None = None
) -> Html:
    """The card pane of one arm. An answer that is no object shows why, and its raw text, never a card.

    With `gold`, fields that the right answer has and this one leaves out are named as missing.
    """
    data = to_json(result)
    text = is_text(data["parsed"])
    if says_nothing_here(data):
        return _nothing_to_write() if text else nothing_here()
    obj = data["parsed"]["object"]
    if obj is None:
        return no_card(str(data["generation"]["raw"]), "in the form that was asked for" if text else "a JSON object")
    support = {(item["field"], int(item["index"])): item["supported"] for item in data["items"]}
    note = repaired_note(data["parsed"]) if Tier(data["parsed"]["tier"]) in REPAIRED_TIERS else None
    return html(note, object_card(obj, pack, support, gold))


def nothing_here() -> Html:
    return el(
        "div",
        el("p", "None: the model says that this text holds nothing of the kind.", cls="tt-lead"),
        el("p", "The answer is an empty object, ", el("code", "{}"), ".", cls="tt-dim"),
        cls="tt-card tt-card-none",
    )


def _nothing_to_write() -> Html:
    return el(
        "div",
        el("p", "Nothing: the model says that this is nothing to write about.", cls="tt-lead"),
        el("p", "The answer is its end marker alone.", cls="tt-dim"),
        cls="tt-card tt-card-none",
    )


def no_card(raw: str, wanted: str = "a JSON object") -> Html:
    """Why there is no card, then the raw answer as it came. `wanted` is what the answer should have been."""
    if not raw.strip():
        return el("div", el("p", "No card: the answer is empty.", cls="tt-lead"), cls="tt-card tt-card-failed")
    return el(
        "div",
        el("p", f"No card: the answer is not {wanted}. This is what the model wrote:", cls="tt-lead"),
        el("pre", raw, cls="tt-raw", dir="auto"),
        cls="tt-card tt-card-failed",
    )


def repaired_note(parsed: Mapping[str, Any]) -> Html:
    """The amber banner over anything that shows a repaired object."""
    similarity = parsed["repair_similarity"]
    alike = None if similarity is None else f" It is {share_words(float(similarity))} like what the model wrote."
    repairs = int(parsed["repairs"])
    count = f" ({plural(repairs, 'repair')})" if repairs else ""
    return el(
        "p",
        icon("warn"),
        el("strong", "Repaired."),
        f" A program mended this answer{count}.",
        alike,
        cls="tt-note tt-note-warn",
    )


def object_card(
    obj: Mapping[str, Any],
    pack: PackLike | None = None,
    support: Support | None = None,
    gold: Mapping[str, Any] | None = None,
) -> Html:
    """One object by its field kinds. `support` maps (field, index) to True, False or None (not checkable)."""
    fields, known = fields_of(pack, obj), support or {}
    title = next((f for f in fields if f.name in TITLE_NAMES and isinstance(obj.get(f.name), str)), None)
    leads = [f for f in fields if f.name in LEAD_NAMES and isinstance(obj.get(f.name), str)]
    rest = [f for f in fields if f is not title and f not in leads and f.kind != "constant" and f.name in obj]
    facts = [f for f in rest if f.kind not in LIST_KINDS]
    parts = [
        el("h3", _item(title, 0, obj[title.name], known), cls="tt-card-title") if title else None,
        *(el("p", _item(f, 0, obj[f.name], known), cls="tt-card-lead") for f in leads),
        el("dl", *(_fact(f, obj[f.name], known) for f in facts), cls="tt-facts") if facts else None,
        *(_section(f, obj[f.name], known) for f in rest if f.kind in LIST_KINDS),
        _extras(obj, fields),
        _missing(obj, gold, fields),
    ]
    return el("article", *parts, cls="tt-card", dir="auto")


def _item(field: PlainField, index: int, text: Any, support: Support) -> Html:
    shown = fold(str(text), 600)
    if support.get((field.name, index)) is False:
        return el(
            "span", shown, icon("warn"), el("span", " not in the text", cls="tt-sr"), cls="tt-unsup", title=UNSUPPORTED
        )
    return shown


def _fact(field: PlainField, value: Any, support: Support) -> Html:
    wrong = wrong_type(field, value)
    if wrong:
        shown = html(el("code", compact(value)), _wrong(wrong))
    elif field.kind == "duration":
        shown = _duration(field, compact(value), support)
    else:
        shown = _comma([_item(field, i, text, support) for i, text in enumerate(entries(field, value))])
    return el("div", el("dt", field.label), el("dd", shown))


def _duration(field: PlainField, text: str, support: Support) -> Html:
    if not is_duration(text):
        return html(_item(field, 0, text, support), _wrong("not an ISO 8601 duration"))
    return el("span", _item(field, 0, duration_words(text), support), title=text)


def _comma(parts: list[Html]) -> Html:
    return html(*(html(part, ", " if i < len(parts) - 1 else None) for i, part in enumerate(parts)))


def _section(field: PlainField, value: Any, support: Support) -> Html:
    wrong = wrong_type(field, value)
    if wrong:
        return el("section", el("h4", field.label), el("pre", compact(value), cls="tt-raw"), _wrong(wrong))
    texts = entries(field, value)
    heading = el("h4", field.label, el("span", f"{len(texts):,}", cls="tt-n"))
    if not texts:
        return el("section", heading, el("p", "An empty list.", cls="tt-dim"))
    rows = [el("li", _item(field, i, text, support)) for i, text in enumerate(texts)]
    return el(
        "section", heading, el("ol" if field.kind == "steps" else "ul", *rows, cls=f"tt-list tt-list-{field.kind}")
    )


def _wrong(words: str) -> Html:
    return el("span", icon("type"), words, cls="tt-wrong")


def _extras(obj: Mapping[str, Any], fields: tuple[PlainField, ...]) -> Html | None:
    extra = {name: value for name, value in obj.items() if name not in {f.name for f in fields}}
    if not extra:
        return None
    rows = [el("div", el("dt", name), el("dd", fold(compact(value)))) for name, value in extra.items()]
    return el(
        "section", el("h4", "Not asked for", el("span", f"{len(extra):,}", cls="tt-n")), el("dl", *rows, cls="tt-facts")
    )


def _missing(obj: Mapping[str, Any], gold: Mapping[str, Any] | None, fields: tuple[PlainField, ...]) -> Html | None:
    left_out = [f.label for f in fields if gold and f.name in gold and f.name not in obj]
    if not left_out:
        return None
    words = f"Missing, though the known answer has {'it' if len(left_out) == 1 else 'them'}: {', '.join(left_out)}"
    return el("p", icon("missing"), words, cls="tt-missing")
