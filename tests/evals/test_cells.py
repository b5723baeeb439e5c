"""Scores as arrays over documents: samples, tiers, clusters and what has no value."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from training.errors import InputError
from training.evals.cells import Cells
from training.evals.records import SCORE_COLUMNS
from training.task.records import Score

ROW = {"run": "r", "arm": "x", "k": 0, "cluster": "", "slice": "", "style": "", "part": "", "tier": "strict",
       "field": "", "n": 1, "status": "scored"}  # fmt: skip


def frame(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame([ROW | {"cluster": row["doc"]} | row for row in rows], columns=list(SCORE_COLUMNS))


def test_scores_and_their_frame_are_the_same_cells() -> None:
    scores = [
        [Score("f1", 0.5, "items", n=4), Score("strict", 1.0, n=1)],
        [Score("f1", None, "items", n=0), Score("strict", 0.0, n=1), Score("judge", 0.3, status="unscored")],
    ]
    rows = [
        {"doc": doc, "metric": s.metric, "field": s.field, "value": s.value, "n": s.n, "status": s.status}
        for doc, document in zip("ab", scores, strict=True)
        for s in document
    ]
    for cells in (Cells.from_scores(scores, ["a", "b"]), Cells.from_frame(frame(*rows))):
        assert (cells.docs, cells.n_docs, cells.samples) == (("a", "b"), 2, 1)
        assert cells.value("f1", "items")[0] == 0.5 and np.isnan(cells.value("f1", "items")[1])
        assert list(cells.value("strict")) == [1.0, 0.0]
        assert np.isnan(cells.value("judge")).all() and np.isnan(cells.value("nothing")).all()
        parts, wholes = cells.pooled([("f1", "items"), ("strict", "")])
        assert list(parts) == [3.0, 0.0] and list(wholes) == [5.0, 1.0]


def test_a_document_is_the_mean_of_its_samples() -> None:
    """Two samples of 4 and 2 items, one of them failed: its share is 3 of 6, half of each a sample."""
    cells = Cells.from_frame(
        frame(
            {"doc": "a", "k": 0, "metric": "hallucinated", "value": 0.25, "n": 4},
            {"doc": "a", "k": 1, "metric": "hallucinated", "value": 1.0, "n": 2},
            {"doc": "a", "k": 0, "metric": "chars", "value": 90.0},
            {"doc": "a", "k": 1, "metric": "chars", "value": 110.0},
            {"doc": "b", "k": 0, "metric": "chars", "value": 50.0},
            {"doc": "b", "k": 1, "metric": "chars", "value": 50.0},
            {"doc": "b", "k": 1, "metric": "hallucinated", "value": 0.5, "n": 2},
            {"doc": "b", "k": -1, "metric": "self_bleu", "value": 0.7, "n": 2},
        )
    )
    assert cells.samples == 2
    assert list(cells.value("hallucinated")) == [0.625, 0.5]
    parts, wholes = cells.pooled([("hallucinated", "")])
    assert list(parts) == [1.5, 0.5] and list(wholes) == [3.0, 1.0]
    assert cells.value("self_bleu")[1] == 0.7
    assert cells.value("length_cv") == pytest.approx([np.std([90, 110], ddof=1) / 100, 0.0])


def test_wider_tiers_stand_only_where_they_differ() -> None:
    given = frame(
        {"doc": "a", "metric": "f1", "value": 0.9},
        {"doc": "b", "metric": "f1", "value": 0.0},
        {"doc": "b", "metric": "f1", "value": 0.6, "tier": "usable"},
        {"doc": "b", "metric": "f1", "value": 0.7, "tier": "repaired"},
    )
    for tier, second in (("strict", 0.0), ("usable", 0.6), ("repaired", 0.7)):
        assert list(Cells.from_frame(given, tier).value("f1")) == [0.9, second]


def test_slices_and_alignment() -> None:
    cells = Cells.from_frame(
        frame(*[{"doc": doc, "metric": "f1", "value": at / 10, "cluster": doc[0]} for at, doc in
                enumerate(["a1", "a2", "b1", "c1"])])
    )  # fmt: skip
    assert cells.clusters == ("a", "a", "b", "c")
    groups = cells.groups(cells.clusters)
    assert groups is not None and list(groups) == [0, 0, 1, 2]
    assert cells.groups(None) is None and cells.groups(dict.fromkeys(cells.docs, "x")) is not None
    assert cells.groups(list("wxyz")) is None, "every document its own cluster: none"
    cut = cells.take(np.array([False, True, True, False]))
    assert (cut.docs, list(cut.value("f1")), cut.clusters) == (("a2", "b1"), [0.1, 0.2], ("a", "b"))
    turned = cells.aligned(("c1", "b1", "a2", "a1"))
    assert list(turned.value("f1")) == pytest.approx([0.3, 0.2, 0.1, 0.0])
    for strange in (("a1",), ("a1", "a2", "b1", "zz"), ("a1", "a1", "b1", "c1")):
        with pytest.raises(InputError, match="different documents"):
            cells.aligned(strange)
    with pytest.raises(InputError, match="2 clusters for 4"):
        cells.groups(["x", "x"])


def test_frames_of_several_arms_and_of_none() -> None:
    both = frame({"doc": "a", "metric": "f1", "value": 1}, {"doc": "a", "metric": "f1", "value": 0, "arm": "y"})
    with pytest.raises(InputError, match="several arms"):
        Cells.from_frame(both)
    none = Cells.from_frame(frame({"doc": "a", "metric": "f1", "value": 1}).iloc[:0])
    assert (none.n_docs, none.clusters, len(none.value("f1"))) == (0, (), 0)


def test_an_error_of_the_machinery_is_no_value() -> None:
    cells = Cells.from_frame(
        frame(
            {"doc": "a", "metric": "f1", "value": 0.8}, {"doc": "b", "metric": "f1", "value": None, "status": "error"}
        )
    )
    assert cells.n_docs == 2 and np.isnan(cells.value("f1")[1])
