"""The scores frame as cells, an arm and a tier at a time, read in blocks so that no text of the frame is ever whole.

A block holds some documents of one arm, all their rows (that is how frames are written), so each block becomes cells of
its own and these are put end to end. Of a key only what a figure needs is kept: its values, or its parts and wholes.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from training.evals.cells import Cells, Floats, Key
from training.evals.frames import read_frame_blocks
from training.evals.metrics import MetricSpec
from training.evals.records import SCORES, TIERS

COLUMNS = ("arm", "doc", "k", "cluster", "tier", "field", "metric", "value", "n", "status")
ArmCells = dict[str, dict[str, Cells]]


def read_cells(folder: Path, specs: Sequence[MetricSpec]) -> ArmCells:
    """tier -> arm -> cells of every document, the documents of all arms in one order.

    Where an arm's answers are all strict, its cells of the wider tiers are the very same object.
    """
    keys = _needed(specs)
    blocks: dict[str, dict[str, list[Cells]]] = {tier: {} for tier in TIERS}
    for arm, frame in _arm_blocks(folder):
        strict = _kept(Cells.from_frame(frame.drop(columns="arm")), keys)
        wider = set(frame["tier"].unique())
        for tier in TIERS:
            own = tier != TIERS[0] and tier in wider
            cells = _kept(Cells.from_frame(frame.drop(columns="arm"), tier), keys) if own else strict
            blocks[tier].setdefault(arm, []).append(cells)
    found: ArmCells = {tier: {} for tier in TIERS}
    order: tuple[str, ...] = ()
    for arm, parts in blocks[TIERS[0]].items():
        whole = _joined(parts)
        order = order or whole.docs
        found[TIERS[0]][arm] = whole.aligned(order)
        for tier in TIERS[1:]:
            same = all(a is b for a, b in zip(parts, blocks[tier][arm], strict=True))
            found[tier][arm] = found[TIERS[0]][arm] if same else _joined(blocks[tier][arm]).aligned(order)
    return found


def own_values(spec: MetricSpec, cells: Cells) -> Floats:
    """What each document has of a metric by itself: a pooled one's own ratio; NaN where it has none."""
    if spec.kind == "pooled":
        parts, wholes = cells.pooled(spec.keys)
        return np.where(wholes > 0, parts / np.where(wholes > 0, wholes, 1.0), np.nan)
    if spec.kind == "corpus" and len(spec.keys) == 2:
        return np.abs(cells.value(*spec.keys[0]) - cells.value(*spec.keys[1]))
    return cells.value(*spec.keys[0])


def _arm_blocks(folder: Path) -> Iterator[tuple[str, Any]]:
    for block in read_frame_blocks(folder, SCORES, COLUMNS):
        for arm, frame in block.groupby("arm", sort=False, observed=True):
            if len(frame):
                yield str(arm), frame


def _needed(specs: Sequence[MetricSpec]) -> tuple[frozenset[Key], frozenset[Key]]:
    """Keys whose values, and keys whose parts and wholes are asked for."""
    pooled = frozenset(key for spec in specs if spec.kind == "pooled" for key in spec.keys)
    return frozenset(key for spec in specs if spec.kind != "pooled" for key in spec.keys), pooled


def _kept(cells: Cells, keys: tuple[frozenset[Key], frozenset[Key]]) -> Cells:
    values, pooled = keys

    def cut(held: Mapping[Key, Floats], wanted: frozenset[Key]) -> dict[Key, Floats]:
        return {key: array for key, array in held.items() if key in wanted}

    return Cells(cells.docs, cut(cells.values, values), cut(cells.parts, pooled), cut(cells.wholes, pooled),
                 cells.samples, cells.clusters)  # fmt: skip


def _joined(parts: Sequence[Cells]) -> Cells:
    """Cells of different documents, end to end. Blocks that share a document are a defect of the frame."""
    docs = tuple(doc for part in parts for doc in part.docs)
    if len(set(docs)) < len(docs):
        raise ValueError("a document of one arm stands in two blocks of the scores frame")

    def join(name: str, empty: float) -> dict[Key, Floats]:
        keys = dict.fromkeys(key for part in parts for key in getattr(part, name))
        return {
            key: np.concatenate([getattr(part, name).get(key, np.full(part.n_docs, empty)) for part in parts])
            for key in keys
        }

    clusters = tuple(label for part in parts for label in part.clusters)
    clusters = clusters if len(clusters) == len(docs) else ()
    samples = max((part.samples for part in parts), default=1)
    return Cells(docs, join("values", np.nan), join("parts", np.nan), join("wholes", 0.0), samples, clusters)
