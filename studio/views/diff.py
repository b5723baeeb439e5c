"""What differs, field by field: a row a field or item, a column an arm, the reference (gold, else the first arm) first.

Rows come from `training.task.score.diff.field_diff(reference, other, pack)`, called by whoever calls this view, once an
arm: the view lines the pairs up and never compares values itself.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from studio.views.looks import GOLD_LOOK, ArmLook, who
from studio.views.markup import Html, each, el, fold, html, icon
from studio.views.reading import PackLike, compact, duration_words, entry_text, fields_of

MARKS = {  # kind: (icon, word)
    "same": ("same", "same"),
    "added": ("plus", "added"),
    "removed": ("minus", "left out"),
    "missing": ("missing", "left out"),
    "changed": ("change", "changed"),
    "wrong_type": ("type", "wrong type"),
}


@dataclasses.dataclass(slots=True)
class DiffLine:
    """One row: the reference's value (None where it has none) and, a column index each, (kind, value)."""

    field: str
    index: int | None
    reference: Any
    cells: dict[int, tuple[str, Any]] = dataclasses.field(default_factory=dict)

    @property
    def differs(self) -> bool:
        return any(kind != "same" for kind, _ in self.cells.values())


def arms_diff(
    arms: Sequence[Mapping[str, Any]],
    looks: Sequence[ArmLook],
    diffs: Sequence[Sequence[Any] | None],
    pack: PackLike | None,
    *,
    gold: bool,
    uid: str = "tt-diff",
) -> Html:
    """The table of arms in their JSON form: against the gold where there is one (`diffs` has an entry for each arm),
    else against the first arm (an entry for each other one)."""
    reference, others = (GOLD_LOOK, looks) if gold else (looks[0], looks[1:])
    readable = gold or arms[0]["parsed"]["object"] is not None
    return diff_table(reference, others, diffs, pack, uid=uid, readable=readable)


def diff_table(
    reference: ArmLook,
    others: Sequence[ArmLook],
    diffs: Sequence[Sequence[Any] | None],
    pack: PackLike | None = None,
    *,
    uid: str = "tt-diff",
    readable: bool = True,
) -> Html:
    """The table. `diffs[i]` is field_diff(reference object, object of others[i]), None where that arm gave no object;
    `readable` False says that the reference itself is an arm that gave none.

    FieldDiffs are read by attribute or key: field, index, kind, left (reference), right. `uid` keeps the checkbox's id
    unique where two tables share a page.
    """
    lines = diff_lines(diffs, pack)
    if not any(diff is not None for diff in diffs):
        words = f"Nothing to set side by side: only {reference.label} can be read as an object."
        return el("p", words if others else "One column alone has nothing to differ from.", cls="tt-empty")
    head = el(
        "tr", el("th", "Field", scope="col"), *(el("th", who(look), scope="col") for look in (reference, *others))
    )
    rows = (_row(line, readable, diffs, lines[i - 1].field if i else "", pack) for i, line in enumerate(lines))
    note = el("p", _sentence(lines, reference, others, diffs), cls="tt-insight")
    only = html(
        el("input", type="checkbox", id=f"{uid}-only", cls="tt-only"),
        el("label", "Show differences only", for_=f"{uid}-only"),
    )
    table = el("table", el("thead", head), el("tbody", each(rows)), cls="tt-table tt-diff-table")
    scroller = el("div", table, cls="tt-scroll-x", tabindex="0", role="group", aria_label="differences, field by field")
    return el("div", el("div", note, el("span", only, cls="tt-check"), cls="tt-bar"), scroller, cls="tt-diff")


def _sentence(
    lines: Sequence[DiffLine], reference: ArmLook, others: Sequence[ArmLook], diffs: Sequence[Sequence[Any] | None]
) -> str:
    """'Rows that differ from the known answer: base 21, recipe-r64 3 of 27.'"""
    told = [
        f"{look.label} {sum(line.cells.get(column, ('same',))[0] != 'same' for line in lines):,}"
        for column, (look, diff) in enumerate(zip(others, diffs, strict=True))
        if diff is not None
    ]
    name = f"the {reference.label}" if reference.tone == "gold" else reference.label
    return f"Rows that differ from {name}: {', '.join(told)} of {len(lines):,}."


def diff_lines(diffs: Sequence[Sequence[Any] | None], pack: PackLike | None = None) -> list[DiffLine]:
    """Pairs of several arms lined up: one line for each reference item, then items that only others have.

    An item that two arms add with equal words shares a line. Fields in the pack's order, constants last.
    """
    lines: dict[tuple[str, str, Any], DiffLine] = {}
    for column, diff in enumerate(diffs):
        for entry in diff or ():
            name, index, kind, left, right = (_get(entry, key) for key in ("field", "index", "kind", "left", "right"))
            only_right = index is not None and left is None and right is not None
            key = (name, "added", compact(right)) if only_right else (name, "item", index)
            line = lines.setdefault(key, DiffLine(name, index, left))
            line.cells[column] = (str(kind), right)
    fields = sorted(fields_of(pack), key=lambda f: f.kind == "constant")  # what never varies comes last
    order = {f.name: i for i, f in enumerate(fields)}
    rank = {name: order.get(name, len(order)) for name, _, _ in lines}
    keys = sorted(lines, key=lambda key: (rank[key[0]], key[1] == "added", lines[key].index or 0))
    by_field: dict[str, list[DiffLine]] = {}
    for key in keys:
        by_field.setdefault(key[0], []).append(lines[key])
    return [line for group in by_field.values() for line in group]


def _get(entry: Any, key: str) -> Any:
    return entry[key] if isinstance(entry, Mapping) else getattr(entry, key)


def _row(
    line: DiffLine,
    readable: bool,
    diffs: Sequence[Sequence[Any] | None],
    previous: str,
    pack: PackLike | None,
) -> Html:
    fields = {f.name: f for f in fields_of(pack)}
    label = fields[line.field].label if line.field in fields else line.field
    many = line.field in fields and fields[line.field].kind in ("list", "steps")
    own = line.index if many and line.reference is not None else None  # added items are counted by their arm
    place = None if own is None else el("span", f"{own + 1}", cls="tt-n")
    name = el("th", el("span", label, cls="tt-again" if previous == line.field else ""), place, scope="row")
    cells = [_cell(line, column, diff) for column, diff in enumerate(diffs)]
    shown = _no_object() if not readable else _absent()
    if line.reference is not None:
        shown = el("td", _value(line.reference))
    return el("tr", name, shown, *cells, cls="tt-differs" if line.differs else "tt-same")


def _absent() -> Html:
    return el("td", el("span", "–", cls="tt-dim", aria_label="nothing"))


def _no_object() -> Html:
    return el("td", el("span", "no object", cls="tt-dim"))


def _cell(line: DiffLine, column: int, diff: Sequence[Any] | None) -> Html:
    if diff is None:
        return _no_object()
    if column not in line.cells:
        return _absent()
    kind, value = line.cells[column]
    if kind == "same":
        return el("td", _value(value), cls="tt-k-same")
    mark, word = MARKS[kind]
    tag = el("span", icon(mark), word, cls="tt-kind")
    return el("td", tag, _value(value) if value is not None else None, cls=f"tt-k-{kind}")


def _value(value: Any) -> Html:
    text = "\n".join(map(entry_text, value)) if isinstance(value, list) else entry_text(value)
    words = duration_words(text)
    return html(el("span", fold(words, 160), cls="tt-val", title=text if words != text else None, dir="auto"))
