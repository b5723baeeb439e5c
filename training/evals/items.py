"""The leaves of one answer and of its gold as rows of items.parquet: pair, outcome, grounding, amount.

Outcomes are MUC's: COR paired and right, INC paired or filled and wrong, MIS in the gold alone, SPU in the answer
alone, NUL nothing on either side (idx -1). Lists are paired item by item as `match_field` pairs them; a paired
ingredient is COR whatever its amount, which `qty_ok` tells. What a side of a set says twice stands once.

Only the headline counts here: the answer's side is its object at the strict tier. An answer that is not strict has its
gold as MIS, and where the gold has nothing an empty SPU with idx -1, for a failure abstains from nothing (metrics A0).
Its own leaves are not listed; `gen.parquet` has its text and tier.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from training.evals.records import EvalRow
from training.task.pack import FieldSpec, Pack
from training.task.score.content import match_field
from training.task.score.grounding import ground_items
from training.task.score.news import rouge_l
from training.task.score.quantities import parse_quantity, same_quantity
from training.task.score.slots import Outcome, slot_outcome, text_similarity
from training.task.score.text import fold
from training.task.score.values import LIST_KINDS, Entry, entries, is_empty, set_members, text_of

_WORDS = {
    Outcome.CORRECT: "COR", Outcome.INCORRECT: "INC", Outcome.MISSING: "MIS", Outcome.SPURIOUS: "SPU",
    Outcome.NULL_OK: "NUL",
}  # fmt: skip


class Leaf(NamedTuple):
    """A row of the frame without what all rows of an answer share."""

    field: str
    side: str
    idx: int
    text: str
    match_idx: int = -1
    sim: float | None = None
    outcome: str = ""
    grounded: bool | None = None
    qty_ok: bool | None = None


class Grounds:
    """Which leaves of one side the source says, by field and place; what a person found supported decides."""

    def __init__(self, pack: Pack, row: EvalRow, obj: Mapping[str, Any] | None, source_text: str) -> None:
        found = ground_items(pack, dict(obj), source_text, row.supported or None) if obj else ()
        self._found = {(item.field, item.index): item.supported for item in found}

    def of(self, field: str, place: int) -> bool | None:
        return self._found.get((field, place))


def leaves(
    pack: Pack, gold: Mapping[str, Any] | None, obj: Mapping[str, Any] | None, grounds: tuple[Grounds, Grounds]
) -> Iterator[Leaf]:
    """Every leaf of a gold and of the object that counts; `grounds` of the gold and of the answer.

    Without a gold (None: nobody knows it) the answer's leaves have no outcome.
    """
    for spec in pack.fields:
        if spec.comparator == "ignore":
            continue
        right = None if gold is None else gold.get(spec.name)
        given = None if obj is None else obj.get(spec.name)
        rows = _form(spec)(spec, right, given, grounds)
        if gold is None:
            yield from (row._replace(outcome="") for row in rows if row.idx >= 0)
        elif obj is None and is_empty(right):
            yield Leaf(spec.name, "pred", -1, "", outcome="SPU")
        else:
            yield from rows
    for name, value in (obj or {}).items():
        if pack.field(name) is None and not is_empty(value):
            text, outcome = text_of(value), "" if gold is None else "SPU"
            yield Leaf(name, "pred", 0, text, outcome=outcome, grounded=grounds[1].of(name, 0))


def _form(spec: FieldSpec) -> Callable[[FieldSpec, Any, Any, tuple[Grounds, Grounds]], Iterator[Leaf]]:
    if spec.kind in LIST_KINDS:
        return _list
    return _set if spec.comparator == "set" else _scalar


def _scalar(spec: FieldSpec, gold: Any, pred: Any, grounds: tuple[Grounds, Grounds]) -> Iterator[Leaf]:
    outcome = _WORDS[slot_outcome(spec, gold, pred)]
    if outcome == "NUL":
        yield Leaf(spec.name, "gold", -1, "", outcome=outcome)
        return
    paired = 0 if outcome in ("COR", "INC") else -1
    sim = None if paired < 0 else _likeness(spec, gold, pred, outcome)
    for side, value, grounded in (("gold", gold, grounds[0]), ("pred", pred, grounds[1])):
        if not is_empty(value):
            text = text_of(value)
            yield Leaf(spec.name, side, 0, text, paired, sim, outcome, grounded.of(spec.name, 0))


def _likeness(spec: FieldSpec, gold: Any, pred: Any, outcome: str) -> float:
    if spec.comparator == "summary":
        return rouge_l(text_of(gold), text_of(pred))
    return text_similarity(gold, pred) if spec.comparator == "text" else float(outcome == "COR")


def _set(spec: FieldSpec, gold: Any, pred: Any, grounds: tuple[Grounds, Grounds]) -> Iterator[Leaf]:
    """A leaf a member, each once; members are the same where their folded texts are."""
    sides = [{fold(text): (at, text) for at, text in reversed(set_members(value))} for value in (gold, pred)]
    if not any(sides):
        yield Leaf(spec.name, "gold", -1, "", outcome="NUL")
    for at, side in enumerate(("gold", "pred")):
        for key, (place, text) in sorted(sides[at].items(), key=lambda item: item[1][0]):
            found = grounds[at].of(spec.name, place)
            if key in sides[1 - at]:
                yield Leaf(spec.name, side, place, text, sides[1 - at][key][0], 1.0, "COR", found)
            else:
                yield Leaf(spec.name, side, place, text, outcome="SPU" if at else "MIS", grounded=found)


def _list(spec: FieldSpec, gold: Any, pred: Any, grounds: tuple[Grounds, Grounds]) -> Iterator[Leaf]:
    right, given = entries(spec, gold), entries(spec, pred)
    if not right and not given:
        yield Leaf(spec.name, "gold", -1, "", outcome="NUL")
        return
    match = match_field(spec, right, given)
    right_of = {j: (i, sim) for i, j, sim in match.pairs}
    given_of = {i: (j, sim) for i, j, sim in match.pairs}
    shown = (_shown(spec, right, match.n_gold, given_of), _shown(spec, given, match.n_pred, right_of))
    for side, own, other, pairs, places, grounded in (
        ("gold", right, given, given_of, shown[0], grounds[0]),
        ("pred", given, right, right_of, shown[1], grounds[1]),
    ):
        for at in places:
            entry = own[at]
            text, found = entry.text, grounded.of(spec.name, entry.place)
            if at not in pairs:
                outcome = "MIS" if side == "gold" else "SPU"
                yield Leaf(spec.name, side, entry.place, text, outcome=outcome, grounded=found)
                continue
            partner, sim = pairs[at]
            amount = _amount(spec, right[at if side == "gold" else partner], given[partner if side == "gold" else at])
            yield Leaf(spec.name, side, entry.place, text, other[partner].place, sim, "COR", found, amount)


def _shown(spec: FieldSpec, own: Sequence[Entry], count: int, paired: Mapping[int, Any]) -> list[int]:
    """Places to list: all, or where a set counts what is said twice once, the first of each and every paired one."""
    if count >= len(own):
        return list(range(len(own)))
    unfit = [at for at, entry in enumerate(own) if not entry.fits]
    fitting = [entry if entry.fits else entry._replace(text="") for entry in own]
    alone = match_field(spec, fitting, [entry for entry in fitting if entry.text])
    kept = {i for i, _, _ in alone.pairs} | set(paired) | set(unfit)
    return sorted(kept)


def _amount(spec: FieldSpec, gold: Entry, pred: Entry) -> bool | None:
    """Whether a paired ingredient's amount is right; None where the gold states none."""
    wanted = parse_quantity(gold.text) if spec.comparator == "list_ingredient" else None
    return None if wanted is None else same_quantity(wanted, parse_quantity(pred.text))
