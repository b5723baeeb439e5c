"""The four frames: their columns, what a tier adds, what an item says, and memory that does not grow with documents."""

import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.task.score.recipes import GOLD, PACK, POST, step
from training.errors import DataError
from training.evals import frames
from training.evals.frames import BLOCK, Told, read_frame, read_frame_blocks, schema_of, write_frames
from training.evals.records import (
    GEN_COLUMNS,
    ITEM_COLUMNS,
    JUDGE_COLUMNS,
    SCORE_COLUMNS,
    Answered,
    EvalRow,
)
from training.task.pack import BUILTIN, load_pack
from training.task.parse import parse
from training.task.records import FinishReason, Score
from training.task.score.answer import score_answer

ROW = EvalRow("a", POST, GOLD, "cake", "full", "clean", "test")
RAW = json.dumps(GOLD)


def write(
    folder: Path, answers: list[Answered], rows: list[EvalRow] | None = None, pack: Any = PACK, **more: Any
) -> Any:
    def of(row: EvalRow) -> list[Answered]:
        return [answer for answer in answers if answer.doc == row.id]

    return write_frames(pack, rows or [ROW], of, folder, **more)


def figures(folder: Path, **where: Any) -> dict[tuple[str, str], Any]:
    frame = read_frame(folder, "scores", where=where)
    return {(row.metric, row.field): row for row in frame.itertuples()}


def items(folder: Path, field: str, arm: str = "x") -> list[tuple[Any, ...]]:
    frame = read_frame(folder, "items", where={"field": field, "arm": arm})
    return [(r.side, r.idx, r.text, r.match_idx, r.outcome, r.grounded, r.qty_ok) for r in frame.itertuples()]


def test_frames_have_exactly_their_columns(tmp_path: Path) -> None:
    write(tmp_path, [Answered("x", "a", 0, RAW, "eos")])
    for name, columns in (
        ("gen", GEN_COLUMNS),
        ("scores", SCORE_COLUMNS),
        ("items", ITEM_COLUMNS),
        ("judge", JUDGE_COLUMNS),
    ):
        assert tuple(read_frame(tmp_path, name).columns) == columns
        assert tuple(schema_of(f"{name}.parquet").names) == columns
    assert len(read_frame(tmp_path, "judge")) == 0
    assert not list(tmp_path.glob(".*.part"))


def test_a_row_of_gen_says_how_an_answer_was_read(tmp_path: Path) -> None:
    answer = Answered("x", "a", 0, f"Here:\n{RAW} ok", "length", "sha", 100, 50, 0.5, 0.1, 2.0, 8)
    write(tmp_path, [answer])
    row = read_frame(tmp_path, "gen").iloc[0]
    assert (row["run"], row["arm"], row["doc"], row["k"]) == (tmp_path.name, "x", "a", 0)
    assert (row["cluster"], row["slice"], row["style"], row["part"]) == ("cake", "full", "clean", "test")
    assert (row["tier"], row["finish"], row["chars"], row["n_objects"]) == ("extracted", "length", len(answer.raw), 1)
    assert (row["prefix_chars"], row["suffix_chars"], row["prompt_tokens"], row["batch_size"]) == (6, 3, 100, 8)
    assert row["parse_error"] and isinstance(json.loads(row["tags"]), list)


def test_scores_are_those_of_the_scorer_and_help_is_added_only_where_it_helps(tmp_path: Path) -> None:
    fenced, broken = f"```json\n{RAW}\n```", RAW[:-1] + ",}"
    answers = [
        Answered(arm, "a", 0, raw, "eos") for arm, raw in (("s", RAW), ("e", fenced), ("r", broken), ("f", "no"))
    ]
    write(tmp_path, answers)
    expected = score_answer(PACK, parse(RAW, FinishReason.EOS), POST, GOLD, raw=RAW, finish="eos")
    got = figures(tmp_path, arm="s", tier="strict")
    assert {(s.metric, s.field) for s in expected} == set(got)
    for score in expected:
        value = got[(score.metric, score.field)].value
        assert value == pytest.approx(score.value) if score.value is not None else value != value
    tiers = {arm: set(read_frame(tmp_path, "scores", ["tier"], {"arm": arm})["tier"]) for arm in "serf"}
    every = {"strict", "usable", "repaired"}
    assert tiers == {"s": {"strict"}, "e": every, "r": every, "f": every}
    f1 = {
        (arm, tier): figures(tmp_path, arm=arm, tier=tier)[("f1", "recipeIngredient")].value
        for arm in "erf"
        for tier in ("strict", "usable", "repaired")
    }
    assert f1 == {
        ("e", "strict"): 0, ("e", "usable"): 1, ("e", "repaired"): 1, ("r", "strict"): 0, ("r", "usable"): 0,
        ("r", "repaired"): 1, ("f", "strict"): 0, ("f", "usable"): 0, ("f", "repaired"): 0,
    }  # fmt: skip


def test_a_repaired_truncation_is_never_strict(tmp_path: Path) -> None:
    write(tmp_path, [Answered("x", "a", 0, RAW[: len(RAW) // 2], "length")])
    for tier in ("strict", "usable", "repaired"):
        assert figures(tmp_path, tier=tier)[("f1", "recipeIngredient")].value == 0.0
    assert figures(tmp_path, tier="strict")[("truncated", "")].value == 1.0


def test_a_failure_of_the_machinery_is_unscored(tmp_path: Path) -> None:
    told = write(tmp_path, [Answered("x", "a", 0, "", "error"), Answered("y", "a", 0, RAW, "eos")])
    frame = read_frame(tmp_path, "scores", where={"arm": "x"})
    assert set(frame["status"]) == {"error"} and frame["value"].isna().all() and len(frame) > 20
    assert told.failed == {"x": 1} and items(tmp_path, "name") == []
    assert set(read_frame(tmp_path, "scores", where={"arm": "y"})["status"]) == {"scored"}


def test_who_did_not_say_why_it_ended_is_not_counted_as_cut(tmp_path: Path) -> None:
    write(tmp_path, [Answered("x", "a", 0, RAW, "eos", finish_known=False)])
    assert ("truncated", "") not in figures(tmp_path)


def test_items_pair_both_sides_and_say_what_is_grounded(tmp_path: Path) -> None:
    said = dict(GOLD) | {
        "recipeIngredient": ["3 cups sugar", "three eggs", "100 g chocolate"], "prepTime": "PT25M", "cookTime": "",
        "keywords": "cake", "recipeInstructions": [step("Whisk the eggs and sugar until pale.")], "extra": "moon",
    }  # fmt: skip
    write(tmp_path, [Answered("x", "a", 0, json.dumps(said), "eos")])
    assert items(tmp_path, "recipeIngredient") == [
        ("gold", 0, "1½ cups sugar", 0, "COR", True, False),
        ("gold", 1, "2 cups all-purpose flour", -1, "MIS", True, None),
        ("gold", 2, "three eggs, beaten", 1, "COR", True, True),
        ("gold", 3, "a pinch of salt", -1, "MIS", True, None),
        ("pred", 0, "3 cups sugar", 0, "COR", True, False),
        ("pred", 1, "three eggs", 2, "COR", True, True),
        ("pred", 2, "100 g chocolate", -1, "SPU", False, None),
    ]
    assert [row[4] for row in items(tmp_path, "prepTime")] == ["INC", "INC"]
    assert items(tmp_path, "cookTime") == [("gold", 0, "PT1H15M", -1, "MIS", True, None)]
    assert [row[:5] for row in items(tmp_path, "keywords")] == [("pred", 0, "cake", -1, "SPU")]
    assert items(tmp_path, "totalTime") == [("gold", -1, "", -1, "NUL", None, None)]
    assert [row[4] for row in items(tmp_path, "extra")] == ["SPU"]
    assert [row[4] for row in items(tmp_path, "name")] == ["COR", "COR"]


def test_only_the_strict_answer_has_items_and_a_failure_abstains_from_nothing(tmp_path: Path) -> None:
    write(tmp_path, [Answered("x", "a", 0, f"```\n{RAW}\n```", "eos")])
    assert {row[:2] + row[4:5] for row in items(tmp_path, "recipeIngredient")} == {
        ("gold", at, "MIS") for at in range(4)
    }
    assert items(tmp_path, "totalTime") == [("pred", -1, "", -1, "SPU", None, None)]


def test_sets_say_each_entry_once(tmp_path: Path) -> None:
    pack = load_pack(BUILTIN / "news-metadata")
    gold = {
        "relevance_score": 5,
        "key_insights": [],
        "company_names": ["Velora Inc", "Bea"],
        "summary": "Velora did it.",
    }
    said = gold | {"company_names": ["Velora", "Velora", "Moon"]}
    row = EvalRow("a", "Velora did it. Bea too.", gold)
    write(tmp_path, [Answered("x", "a", 0, json.dumps(said), "eos")], [row], pack)
    assert [found[:5] for found in items(tmp_path, "company_names")] == [
        ("gold", 0, "Velora Inc", 0, "COR"), ("gold", 1, "Bea", -1, "MIS"), ("pred", 0, "Velora", 0, "COR"),
        ("pred", 2, "Moon", -1, "SPU"),
    ]  # fmt: skip


def test_what_a_person_found_supported_decides_in_scores_and_items(tmp_path: Path) -> None:
    row = EvalRow("a", POST, GOLD, supported={"recipeIngredient": ("1½ cups sugar",)})
    write(tmp_path, [Answered("x", "a", 0, RAW, "eos")], [row])
    grounded = {text: found for side, _, text, _, _, found, _ in items(tmp_path, "recipeIngredient") if side == "pred"}
    assert grounded == {
        "1½ cups sugar": True, "2 cups all-purpose flour": False, "three eggs, beaten": False, "a pinch of salt": False,
    }  # fmt: skip
    assert figures(tmp_path)[("hallucinated", "recipeIngredient")].value == pytest.approx(0.75)


def test_without_a_gold_leaves_have_no_outcome(tmp_path: Path) -> None:
    write(tmp_path, [Answered("x", "a", 0, RAW, "eos")], [EvalRow("a", POST, None)])
    frame = read_frame(tmp_path, "items")
    assert set(frame["outcome"]) == {""} and set(frame["side"]) == {"pred"}
    assert ("f1", "recipeIngredient") not in figures(tmp_path)


def test_figures_over_samples_stand_under_their_own_number(tmp_path: Path) -> None:
    write(tmp_path, [Answered("x", "a", k, RAW + " " * k, "eos") for k in range(3)])
    frame = read_frame(tmp_path, "scores", where={"k": -1})
    assert {"distinct2", "self_bleu", "agreement"} <= set(frame["metric"]) and set(frame["tier"]) == {"strict"}
    assert set(read_frame(tmp_path, "gen")["k"]) == {0, 1, 2}


def test_what_else_is_known_stands_beside_the_strict_scores(tmp_path: Path) -> None:
    write(tmp_path, [Answered("x", "a", 0, "no", "eos")], extra=lambda _a: (Score("latency_s", 2.5, n=1),))
    found = read_frame(tmp_path, "scores", where={"metric": "latency_s"})
    assert [(row.tier, row.value) for row in found.itertuples()] == [("strict", 2.5)]


def test_any_text_can_be_kept(tmp_path: Path) -> None:
    odd = "half \ud83d of a character, \x00 and 🥕"
    write(tmp_path, [Answered("x", "a", 0, odd, "eos")], [EvalRow("a", POST + odd, GOLD)])
    assert read_frame(tmp_path, "gen")["raw"][0] == "half \ufffd of a character, \x00 and 🥕"


def test_a_frame_that_is_not_there_or_damaged_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no frame 'gen'"):
        read_frame(tmp_path, "gen")
    with pytest.raises(DataError, match="has no frame 'other'"):
        read_frame(tmp_path, "other")
    (tmp_path / "gen.parquet").write_bytes(b"PAR1nonsense")
    with pytest.raises(DataError, match="is damaged"):
        read_frame(tmp_path, "gen")


def many(count: int) -> Iterator[EvalRow]:
    return (EvalRow(f"d{at}", POST + f"\n{at}", GOLD) for at in range(count))


def test_blocks_hold_an_arm_each_and_stopping_leaves_no_frame(tmp_path: Path) -> None:
    def of(row: EvalRow) -> list[Answered]:
        return [Answered(arm, row.id, 0, "no", "eos") for arm in ("x", "y")]

    done: list[int] = []
    write_frames(PACK, many(BLOCK + 3), of, tmp_path, Told(done.append))
    blocks = list(read_frame_blocks(tmp_path, "gen", ["arm", "doc"]))
    assert [(set(block["arm"]), len(block)) for block in blocks] == [
        ({"x"}, BLOCK), ({"y"}, BLOCK), ({"x"}, 3), ({"y"}, 3),
    ]  # fmt: skip
    assert done == [BLOCK, BLOCK + 3]
    other = tmp_path / "stopped"
    other.mkdir()
    assert write_frames(PACK, many(9), of, other, Told(stop=lambda: True)).stopped
    assert list(other.iterdir()) == []


def test_memory_is_flat_in_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve times as many blocks take far less than twelve times the memory: what grows are caches with an end."""
    monkeypatch.setattr(frames, "BLOCK", 10)

    def peak(count: int) -> int:
        folder = tmp_path / str(count)
        folder.mkdir()
        tracemalloc.start()
        write_frames(PACK, many(count), lambda row: [Answered("x", row.id, 0, "no", "eos")], folder)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(2)
    assert peak(120) < 3 * peak(10)
