"""The scores frame as cells, an arm and a tier at a time, read in blocks so that no text of the frame is ever whole.

A block holds some documents of one arm, all their rows (that is how frames are written): its cells are made by
themselves and laid into arrays over all documents. Of a key only what a figure needs is kept, its values or its parts
and wholes. What is the same at a wider tier as at strict is the very same array: memory is a few numbers a document.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from training.errors import DataError
from training.evals.cells import Cells, Floats, Key
from training.evals.frames import read_frame_blocks
from training.evals.metrics import MetricSpec
from training.evals.records import SCORES, TIERS

COLUMNS = ("arm", "doc", "k", "cluster", "tier", "field", "metric", "value", "n", "status")
ArmCells = dict[str, dict[str, Cells]]
STRICT = TIERS[0]
EMPTY: Mapping[str, float] = {"values": np.nan, "parts": np.nan, "wholes": 0.0}
Arrays = dict[str, dict[Key, Floats]]  # values, parts and wholes by key


def read_cells(folder: Path, specs: Sequence[MetricSpec], docs: Sequence[str]) -> ArmCells:
    """tier -> arm -> cells of `docs`, in their order; an arm that lacks one of them is refused (DataError).

    Where an arm's answers are all strict, its cells of the wider tiers are the very same object.
    """
    places = {doc: at for at, doc in enumerate(docs)}
    kept: dict[str, _Arm] = {}
    for arm, frame in _arm_blocks(folder):
        held = kept.setdefault(arm, _Arm(len(docs), _needed(specs)))
        frame = frame.drop(columns="arm")
        strict = Cells.from_frame(frame)
        at = np.array([places[doc] for doc in strict.docs])
        held.add(STRICT, at, strict)
        wider = set(frame["tier"].unique())
        for tier in TIERS[1:]:
            held.add(tier, at, Cells.from_frame(frame, tier) if tier in wider else strict)
    for arm, held in kept.items():
        if not held.seen.all():
            missing = next(doc for doc, at in places.items() if not held.seen[at])
            raise DataError(f"{folder}: {arm} has no figures of {missing}.", fix="Score the evaluation again.")
    found: ArmCells = {tier: {} for tier in TIERS}
    for arm, held in kept.items():
        whole = held.cells(STRICT, tuple(docs), None)
        for tier in TIERS:
            found[tier][arm] = whole if tier == STRICT else held.cells(tier, tuple(docs), whole)
    return found


def own_values(spec: MetricSpec, cells: Cells) -> Floats:
    """What each document has of a metric by itself: a pooled one's own ratio; NaN where it has none."""
    if spec.kind == "pooled":
        parts, wholes = cells.pooled(spec.keys)
        return np.where(wholes > 0, parts / np.where(wholes > 0, wholes, 1.0), np.nan)
    if spec.kind == "corpus" and len(spec.keys) == 2:
        return np.abs(cells.value(*spec.keys[0]) - cells.value(*spec.keys[1]))
    return cells.value(*spec.keys[0])


class _Arm:
    """One arm's arrays over all documents as they fill; of wider tiers those keys alone that differ from strict."""

    def __init__(self, n: int, needed: Mapping[str, frozenset[Key]]) -> None:
        self._needed, self._n = needed, n
        self._tiers: dict[str, Arrays] = {tier: {name: {} for name in EMPTY} for tier in TIERS}
        self._clusters = np.full(n, "", dtype=object)
        self._samples = 1
        self.seen = np.zeros(n, dtype=bool)

    def add(self, tier: str, at: Any, block: Cells) -> None:
        """Lay a block's cells at its documents' places."""
        for name, empty in EMPTY.items():
            blocks: Mapping[Key, Floats] = getattr(block, name)
            own, strict = self._tiers[tier][name], self._tiers[STRICT][name]
            for key in self._needed[name] & (blocks.keys() | own.keys()):
                values = blocks.get(key)
                values = np.full(len(at), empty) if values is None else values
                if key not in own:
                    base = strict.get(key) if tier != STRICT else None
                    if base is not None and np.array_equal(base[at], values, equal_nan=True):
                        continue
                    own[key] = np.full(self._n, empty) if base is None else base.copy()
                own[key][at] = values
        if tier == STRICT:
            self.seen[at] = True
            self._samples = max(self._samples, block.samples)
            if block.clusters:
                self._clusters[at] = block.clusters

    def cells(self, tier: str, docs: tuple[str, ...], strict: Cells | None) -> Cells:
        own = self._tiers[tier]
        if strict is not None and not any(own.values()):
            return strict
        base: Arrays = {name: dict(getattr(strict, name)) if strict is not None else {} for name in EMPTY}
        clusters = tuple(map(str, self._clusters)) if all(self._clusters) else ()
        return Cells(docs, base["values"] | own["values"], base["parts"] | own["parts"],
                     base["wholes"] | own["wholes"], self._samples, clusters)  # fmt: skip


def _arm_blocks(folder: Path) -> Iterator[tuple[str, Any]]:
    for block in read_frame_blocks(folder, SCORES, COLUMNS):
        for arm, frame in block.groupby("arm", sort=False, observed=True):
            if len(frame):
                yield str(arm), frame


def _needed(specs: Sequence[MetricSpec]) -> dict[str, frozenset[Key]]:
    """Keys whose values, and keys whose parts and wholes are asked for."""
    pooled = frozenset(key for spec in specs if spec.kind == "pooled" for key in spec.keys)
    values = frozenset(key for spec in specs if spec.kind != "pooled" for key in spec.keys)
    return {"values": values, "parts": pooled, "wholes": pooled}
