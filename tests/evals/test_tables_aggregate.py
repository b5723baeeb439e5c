"""From frames to aggregates.json to charts: real scoring on a handful of documents, all figures of one origin."""

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.errors import DataError
from training.evals.aggregate import aggregate
from training.evals.charts.catalogue import CHARTS, default_pair, draw
from training.evals.data import keep_rows
from training.evals.frames import read_frame, write_frames
from training.evals.records import AGGREGATES, TIERS, Answered, EvalRow
from training.task.pack import BUILTIN, load_pack

PACK = load_pack(BUILTIN / "news-metadata")
ARMS = ("empty", "prompted", "adapter:x")
GOLD = {
    "summary": "Acme opens a plant in Ohio.", "relevance_score": 7, "key_insights": ["A plant opens", "In Ohio"],
    "company_names": ["Acme"],
}  # fmt: skip


def row(at: int) -> EvalRow:
    gold = {**GOLD, "relevance_score": 1 + at % 10}
    text = "Acme opens a plant in Ohio. A plant opens. It is in Ohio. " + "More news. " * at
    return EvalRow(f"d{at}", text, gold, slice="plain" if at % 2 else "advert", style="brief", part="test")


def answers(row: EvalRow) -> list[Answered]:
    """The tuned arm is right but for a third; the base wraps its answer, or leaves half out; the empty one is empty."""
    gold, at = dict(row.gold or {}), int(row.id[1:])
    worse: dict[str, Any] = copy.deepcopy(gold) | {"company_names": ["Nobody"], "relevance_score": 10}
    texts = {
        "empty": "",
        "prompted": json.dumps(worse) if at % 2 else f"Here: {json.dumps(gold)}",
        "adapter:x": json.dumps(worse if at % 3 == 0 else gold),
    }
    return [
        Answered(arm, row.id, 0, text, "eos", "ab", 40, len(text) // 4, 1.0, 0.1, 2.0, 4 if text else 0)
        for arm, text in texts.items()
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluation")
    rows = [row(at) for at in range(36)]
    keep_rows(iter(rows), folder / "rows.jsonl")
    write_frames(PACK, rows, answers, folder)
    aggregate(folder, PACK)
    return folder


@pytest.fixture(scope="module")
def found(folder: Path) -> dict[str, Any]:
    return json.loads((folder / AGGREGATES).read_text())


def test_the_file_has_what_pages_read(found: dict[str, Any]) -> None:
    assert [arm["name"] for arm in found["arms"]] == list(ARMS)
    assert (found["n_docs"], found["samples"], found["primary"]) == (36, 1, "f1:key_insights")
    assert set(found["tiers"]) == set(TIERS) and set(found["tiers"]["strict"]) == set(ARMS)
    assert found["metrics"]["hallucinated"]["better"] == "lower"
    assert {"style=brief", "part=test"} & set(found["slices"]) == set()  # all documents are no slice
    assert {"slice=plain", "slice=advert", "length=1"} <= set(found["slices"])
    assert default_pair(found) == ("prompted", "adapter:x")


def test_figures_are_those_of_the_frames(found: dict[str, Any], folder: Path) -> None:
    frame = read_frame(folder, "scores", where={"arm": "adapter:x", "metric": "f1", "field": "company_names"})
    stored = found["tiers"]["strict"]["adapter:x"]["f1:company_names"]
    assert stored["value"] == pytest.approx(float(frame["value"].mean()), abs=1e-5) == pytest.approx(2 / 3, abs=1e-5)
    assert stored["low"] < stored["value"] < stored["high"] and stored["n_scored"] == 36
    pair = next(p for p in found["pairs"]["strict"] if p["metric"] == "strict" and p["a"] == "prompted")
    assert pair["difference"] == pytest.approx(0.5) and (pair["wins"], pair["ties"], pair["losses"]) == (18, 18, 0)
    usable = found["tiers"]["usable"]["prompted"]["f1:company_names"]["value"]
    assert usable == pytest.approx(0.5) and found["tiers"]["strict"]["prompted"]["f1:company_names"]["value"] == 0
    assert found["tables"]["tiers"]["counts"]["prompted"] == {"strict": 18, "extracted": 18}
    golds = np.array([1 + at % 10 for at in range(36)])
    assert found["tables"]["relevance"]["mae_constant"] == pytest.approx(
        float(np.abs(golds - np.median(golds)).mean()), rel=1e-3
    )


def test_a_trivial_arm_is_compared_by_what_was_declared(found: dict[str, Any]) -> None:
    metrics = {p["metric"] for p in found["pairs"]["strict"] if p["a"] == "empty"}
    assert metrics == {m for m in (found["primary"], *found["confirmatory"]) if m in metrics} and metrics
    assert not [p for p in found["pairs"]["usable"] if p["a"] == "empty"]


def test_every_chart_draws_or_says_why(found: dict[str, Any]) -> None:
    empty = {}
    for spec in CHARTS:
        for tier in TIERS:
            chart = spec.draw(found, None, tier)
            assert chart.insight or chart.why_empty
            if chart.empty:
                empty[spec.id] = chart.why_empty
    assert set(empty) == {"consistency", "judge", "sweep", "leakage"}, empty
    assert "company" in draw("dumbbell", found).insight.lower() or "fields" in draw("dumbbell", found).insight


def test_it_is_small_and_plain(folder: Path, found: dict[str, Any]) -> None:
    text = (folder / AGGREGATES).read_text()
    assert len(text) < 300_000 and "NaN" not in text and "Infinity" not in text
    assert aggregate(folder, PACK) == found  # the same frames make the same figures


def test_a_folder_without_answers_is_refused(tmp_path: Path) -> None:
    write_frames(PACK, [], answers, tmp_path)
    with pytest.raises(DataError, match="no answers"):
        aggregate(tmp_path, PACK)


def test_declared_pairs_say_whether_arms_are_the_same_and_the_noise_floor_is_kept(
    folder: Path, found: dict[str, Any]
) -> None:
    pairs = {(row["a"], row["b"], row["metric"]): row for row in found["pairs"]["strict"]}
    primary = pairs[("prompted", "adapter:x", found["primary"])]
    assert primary["margin"] == PACK.evaluation.minimum_difference and primary["same_low"] <= primary["same_high"]
    assert "margin" in pairs[("empty", "adapter:x", found["primary"])], "of a trivial arm too"
    assert 0 <= pairs[("prompted", "adapter:x", "strict")]["p_mid"] <= 1
    assert "margin" not in pairs[("prompted", "adapter:x", "usable")], "nothing was declared of it"
    assert found["several"] == {}, "two arms with a model are a pair, not several"
    assert found["noise_floor"] == {}
    try:
        (folder / "manifest.json").write_text(json.dumps({"noise": {"rows": 16, "share_different": 0.25}}))
        assert aggregate(folder, PACK)["noise_floor"] == {"rows": 16, "share_different": 0.25}
    finally:
        (folder / "manifest.json").unlink()
        aggregate(folder, PACK)
