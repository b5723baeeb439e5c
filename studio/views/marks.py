"""Where each arm's items stand in the source text. Every arm has its own lane under the line, so overlaps are seen.

The text is cut once at every start and end of a span; each piece says which arms cover it. Work grows with the number
of spans (n log n), not with their overlap: 10,000 spans take well under a second.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from studio.views.looks import ArmLook, who
from studio.views.markup import Html, each, el, html, icon, plural
from studio.views.reading import PackLike, PlainField, fields_of, item_label
from training.task.records import ArmResult, to_json

LISTED_IN_TITLE = 4
WORD = re.compile(r"\w{0,40}")
MAX_LISTED = 200


class Mark(NamedTuple):
    """One span of one item: [start, end) into the source, the arm's column, what it was read as."""

    start: int
    end: int
    column: int
    label: str
    text: str


def marked_source(
    text: str,
    results: Sequence[ArmResult | Mapping[str, Any]],
    looks: Sequence[ArmLook],
    pack: PackLike | None = None,
) -> Html:
    """The source with marks, a legend and, an arm each, the items that stand nowhere in it."""
    data = [to_json(result) for result in results]
    fields = {f.name: f for f in fields_of(pack)}
    labels = {name: field.label.lower() for name, field in fields.items()}
    marks = [mark for column, result in enumerate(data) for mark in _marks(result, column, fields, len(text))]
    lanes = ";".join(f"--l{i}:var(--tt-arm-{look.tone})" for i, look in enumerate(looks))
    body = el(
        "div",
        _pieces(text, marks, looks),
        cls=f"tt-source tt-lanes-{len(looks)}",
        dir="auto",
        style=lanes,
        tabindex="0",
        role="group",
    )
    called_out = each(_unsupported(result, look, labels) for result, look in zip(data, looks, strict=True))
    return el(
        "div",
        el("div", *(_legend(result, look) for result, look in zip(data, looks, strict=True)), cls="tt-legend"),
        el("div", body, el("div", called_out, cls="tt-callouts"), cls="tt-marks-in"),
        cls="tt-marks",
    )


def _marks(result: Mapping[str, Any], column: int, fields: Mapping[str, PlainField], length: int) -> list[Mark]:
    counts: dict[str, int] = {}
    for item in result["items"]:
        counts[item["field"]] = counts.get(item["field"], 0) + 1
    found: list[Mark] = []
    for item in result["items"]:
        name = item["field"]
        label = item_label(fields.get(name, PlainField(name, name, "scalar")), int(item["index"]), counts[name])
        for start, end in item["spans"]:
            start, end = max(0, int(start)), min(length, int(end))
            if start < end:
                found.append(Mark(start, end, column, label, str(item["text"])))
    return found


def _pieces(text: str, marks: Sequence[Mark], looks: Sequence[ArmLook]) -> Html:
    """The text cut at every boundary. `active` keeps the marks that cover the current piece, in order of appearance."""
    starts: dict[int, list[int]] = {}
    ends: dict[int, list[int]] = {}
    tags: dict[int, list[Mark]] = {}
    for i, mark in enumerate(marks):
        starts.setdefault(mark.start, []).append(i)
        ends.setdefault(mark.end, []).append(i)
        tags.setdefault(_word_end(text, mark.end), []).append(mark)
    active: dict[int, None] = {}
    covering = [0] * len(looks)
    pieces: list[Html | None] = []
    previous = 0
    for place in sorted(starts.keys() | ends.keys() | tags.keys()):
        told = [marks[i] for i in islice(active, LISTED_IN_TITLE)]
        pieces.append(_piece(text[previous:place], covering, told, looks))
        pieces.append(_tag(tags.get(place, ()), looks))
        for i in ends.get(place, ()):
            del active[i]
            covering[marks[i].column] -= 1
        for i in starts.get(place, ()):
            active[i] = None
            covering[marks[i].column] += 1
        previous = place
    return html(*pieces, text[previous:])


def _word_end(text: str, place: int) -> int:
    """Where the word that `place` cuts ends (at most 40 characters on): a label never splits a word."""
    match = WORD.match(text, place) if 0 < place < len(text) and text[place - 1].isalnum() else None
    return match.end() if match else place


def _piece(text: str, covering: Sequence[int], told: Sequence[Mark], looks: Sequence[ArmLook]) -> Html | None:
    """Text between two boundaries: `covering` counts each arm's marks over it, `told` are those named in the title."""
    if not text or not told:
        return html(text)
    lanes = " ".join(f"m{column}" for column, count in enumerate(covering) if count)
    more = sum(covering) - len(told)
    title = "; ".join(f"{looks[mark.column].label}: {mark.label}" for mark in told)
    return el("mark", text, cls=lanes, title=f"{title} and {more} more" if more > 0 else title)


def _tag(ended: Sequence[Mark], looks: Sequence[ArmLook]) -> Html | None:
    """The small label behind an item: shapes of the arms that read it so, and what as. Drawn by CSS: never copied."""
    if not ended:
        return None
    shapes = "".join(looks[column].shape for column in sorted({mark.column for mark in ended}))
    labels = list(dict.fromkeys(mark.label for mark in ended))
    words = f"{shapes} {labels[0]}" + (f" +{len(labels) - 1}" if len(labels) > 1 else "")
    return el("span", cls="tt-tag", data_l=words, aria_hidden="true")


def _legend(result: Mapping[str, Any], look: ArmLook) -> Html:
    checked = [item for item in result["items"] if item["supported"] is not None]
    found = sum(1 for item in checked if item["supported"])
    words = f"{found:,} of {len(checked):,} items in the text" if checked else "no items to look for"
    return el("span", who(look), el("span", words, cls="tt-dim"), cls="tt-legend-row")


def _unsupported(result: Mapping[str, Any], look: ArmLook, labels: Mapping[str, str]) -> Html | None:
    """Items that stand nowhere in the text: that is how a made-up ingredient is seen. Equal ones are told once."""
    wrong = [(item["text"], item["field"]) for item in result["items"] if item["supported"] is False]
    if not wrong:
        return None
    counts = Counter(wrong)
    rows = [
        el(
            "li",
            el("span", text, cls="tt-unsup"),
            el("span", f" {labels.get(name, name)}", f", {n} times" if n > 1 else None, cls="tt-dim"),
        )
        for (text, name), n in islice(counts.items(), MAX_LISTED)
    ]
    rest = el("p", f"and {len(counts) - MAX_LISTED:,} more", cls="tt-dim") if len(counts) > MAX_LISTED else None
    heading = el(
        "p", who(look), el("span", icon("warn"), f"{plural(len(wrong), 'item')} not in the text"), cls="tt-subhead"
    )
    return el("section", heading, el("ul", *rows), rest, cls="tt-callout")
