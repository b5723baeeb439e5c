"""What is kept and shown of a judge: the cache, figures over rows, tables, and the command line over all of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.teacher.server import Teacher, fault, in_turn
from tests.evals.judge.graders import (
    RECIPES,
    careful,
    evaluation,
    gold_json,
    lenient,
    parts,
    prose,
    recipe,
    settings_for,
    without_an_ingredient,
)  # fmt: skip
from tests.evals.made_evaluation import ARMS as MADE
from tests.evals.made_evaluation import make_evaluation
from training.chat.exchange import Usage
from training.cli import main
from training.errors import InputError, StorageError
from training.evals.directory import own_copy, write_job
from training.evals.judge.cache import Kept, VerdictCache
from training.evals.judge.figures import arm_figures, decided, pair_figures
from training.evals.judge.run import judge_evaluation
from training.evals.judge.tables import NOT_RUN, document_verdicts, judge_tables, refresh_aggregates
from training.evals.records import AGGREGATES, ANSWERS, GEN, JUDGE, REPORT, EvalJob
from training.evals.report import write_report

ARMS = {"base": prose, "adapter:x": without_an_ingredient, "imported:g": gold_json}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return evaluation(tmp_path / "evaluation", RECIPES, [recipe(n) for n in range(3)], ARMS)


def test_a_good_verdict_is_final_and_a_failure_is_not(tmp_path: Path) -> None:
    cache = VerdictCache(tmp_path / "deep" / "judge.sqlite3")
    cache.keep("k", Kept("unscored(grader_failed)", "lovely", "no JSON", Usage(2)))
    assert cache.find("k") is None and not cache.knows("k")
    good = Kept("ok", "{} \ud800".encode("utf-8", "replace").decode(), "", Usage(1, 10, 5), 0.5, "m")
    cache.keep("k", good)
    cache.keep("k", Kept("unscored(grader_failed)", "worse"))
    assert VerdictCache(cache.path).find("k") == good and cache.count() == {"ok": 1}


def test_a_cache_that_is_none_or_is_newer_is_an_error_for_a_person(tmp_path: Path) -> None:
    import sqlite3

    with pytest.raises(StorageError, match="verdicts"):
        VerdictCache(tmp_path)
    with sqlite3.connect(tmp_path / "new.sqlite3") as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StorageError, match="newer"):
        VerdictCache(tmp_path / "new.sqlite3")


def row(doc: str, score: float | None, status: str = "ok", field: str = "overall", **more: Any) -> dict[str, Any]:
    return {"arm": "a", "doc": doc, "mode": "pointwise", "other": "", "field": field, "order": "", "repeat": 0,
            "score": score, "status": status, "evidence": "{}", **more}  # fmt: skip


def test_means_say_of_how_many_and_what_is_missing() -> None:
    rows = [row("1", 8), row("2", 4), row("2", 6, repeat=1), row("3", None), row("4", None, "unscored(grader_failed)"),
            row("5", None, "unscored(failed_parse)")]  # fmt: skip
    found = arm_figures(rows, "a")
    assert (found.mean, found.n_scored, found.n_total, found.not_applicable) == (6.5, 2, 5, 1)
    assert (found.gated_mean, found.gated_n) == (pytest.approx(13 / 3), 3), "the judge's own failure is in neither"
    assert found.unscored == {"unscored(grader_failed)": 1, "unscored(failed_parse)": 1}
    assert arm_figures([], "a").mean is None and arm_figures([], "a").n_total == 0


def test_a_fields_mean_leaves_out_where_it_contradicts_itself() -> None:
    rows = [row("1", 8, field="steps"), row("1", 8), row("2", None, "unscored(na_contradicted)", "steps"), row("2", 9)]
    found = arm_figures(rows, "a", "steps")
    assert (found.mean, found.n_scored, found.unscored) == (8, 1, {"unscored(na_contradicted)": 1})


@pytest.mark.parametrize(
    ("ab", "ba", "result"), [(1, 1, 1), (0, 0, 0), (1, 0, 0.5), (1, 0.5, 0.5), (0.5, 0.5, 0.5), (None, 1, None)]
)
def test_both_orders_decide_together(ab: float | None, ba: float | None, result: float | None) -> None:
    assert decided(ab, ba) == result


HALVES = st.sampled_from([0.0, 0.5, 1.0])


@given(st.lists(st.tuples(HALVES, HALVES), max_size=20))
def test_turning_a_pair_round_turns_its_result_round(found: list[tuple[float, float]]) -> None:
    rows = [
        row(f"d{n}", score, mode="pairwise", other="b", order=order, evidence='{"chars": [5, 9]}')
        for n, pair in enumerate(found)
        for order, score in zip(("ab", "ba"), pair, strict=True)
    ]
    one, other = pair_figures(rows, "a", "b"), pair_figures(rows, "b", "a")
    assert (one.wins, one.ties, one.losses) == (other.losses, other.ties, other.wins)
    assert one.n == len(found) == one.wins + one.ties + one.losses and one.consistency == other.consistency
    assert one.first_wins == pytest.approx(other.first_wins) and one.p == other.p


def test_without_a_judge_it_is_said_and_nothing_stands_in(folder: Path) -> None:
    assert judge_tables(folder) == {"run": False, "why": NOT_RUN, "label": "rule-based", "calibrated": False}
    assert not refresh_aggregates(folder) and document_verdicts(folder, "doc-000") == []


def test_the_tables_hold_what_pages_and_charts_read(folder: Path, tmp_path: Path) -> None:
    (folder / AGGREGATES).write_text('{"format": 1}', "utf-8")
    with Teacher(careful(RECIPES)).running() as teacher:
        settings = settings_for(teacher.url, pairs=(("adapter:x", "imported:g"),))
        judge_evaluation(folder, RECIPES, settings, parts=parts(tmp_path))
    found = judge_tables(folder)
    assert found["run"] and found["label"] == "uncalibrated local judge" and not found["calibrated"]
    assert found["overall"]["adapter:x"]["value"] == 9.5 and found["overall"]["base"]["unread"] == 3
    assert found["fields"]["ingredients"]["adapter:x"]["value"] == 7.5 and found["spearman_n"] == 6
    assert found["scatter"]["imported:g"][0] == ["doc-000", 1.0, 10.0] and found["spearman"] == 1
    assert found["pairwise"][0]["losses"] == 3 and found["pairwise"][0]["consistent"] == 1
    assert found["doses"] == [] and found["checks"] == [] and found["cost"]["money"] is None
    assert refresh_aggregates(folder)
    assert json.loads((folder / AGGREGATES).read_text("utf-8"))["tables"]["judge"] == json.loads(json.dumps(found))
    (row,) = [
        row
        for row in document_verdicts(folder, "doc-000")
        if row["arm"] == "adapter:x" and row["field"] == "ingredients"
    ]
    assert row["evidence"]["missing"] == ["2 cups lentil pieces"]


def test_the_command_judges_estimates_and_calibrates(folder: Path, tmp_path: Path, capsys: Any) -> None:
    with Teacher(careful(RECIPES)).running() as teacher:
        command = ["judge", str(folder), "--endpoint", teacher.url, "--model", "m", "--home", str(tmp_path / "home")]
        assert main([*command, "--dry-run"]) == 0 and not teacher.calls
        assert "6 calls" in capsys.readouterr().out
        assert main([*command, "--pairwise", "adapter:x,imported:g"]) == 0
        said = capsys.readouterr().out
        assert "adapter:x: 9.50 of 10" in said and "base: no score, n 0 of 3" in said and "3 losses of 3" in said
        assert "cost unknown" in said and (folder / JUDGE).is_file()
        assert main([*command, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["cached"] == 6
        assert main([*command, "--calibrate", "--calibration-docs", "1", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["label"] == "uncalibrated local judge"
        assert main([*command, "--max-calls", "1", "--arms", "adapter:x", "--seed", "3"]) == 1
        assert "It ended early: The cap of 1 calls" in capsys.readouterr().out


def test_what_ships_is_judged_in_the_home_and_its_pages_no_longer_say_that_nobody_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    shipped = make_evaluation(tmp_path / "shipped" / "demo", 6)
    write_job(shipped, EvalJob(RECIPES.name, "posts.jsonl", MADE))
    write_report(shipped, RECIPES)
    assert not (shipped / ANSWERS).exists() and "No judge was asked" in (shipped / REPORT).read_text("utf-8")
    monkeypatch.setattr("training.evals.directory.SHIPPED", tmp_path / "shipped")
    before = {path.name: path.read_bytes() for path in shipped.iterdir()}
    mine = tmp_path / "home" / "evals" / "demo"
    with Teacher(careful(RECIPES)).running() as teacher:
        command = ["judge", str(shipped), "--endpoint", teacher.url, "--model", "m", "--home", str(tmp_path / "home")]
        assert main([*command, "--dry-run"]) == 0 and not mine.exists()
        assert main([*command, "--arms", "adapter:crumb-demo"]) == 0
        assert f"the verdicts stand in {mine}" in capsys.readouterr().out
        assert main(["judge", "demo", *command[2:], "--arms", "adapter:crumb-demo"]) == 0, "its own copy by its name"
    assert {path.name: path.read_bytes() for path in shipped.iterdir()} == before
    assert judge_tables(mine)["overall"].keys() == {"adapter:crumb-demo"}
    page = (mine / REPORT).read_text("utf-8")
    assert "No judge was asked" not in page and "The judge (m) is uncalibrated" in page
    (mine / GEN).write_bytes(b"others")
    with pytest.raises(InputError, match="holds other answers"):
        own_copy(tmp_path / "home", shipped)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "No judge was named"),
        (["--preset", "any"], "no model"),
        (["--endpoint", "here", "--model", "m"], "no web address"),
        (["--endpoint", "http://127.0.0.1:9/v1", "--model", "m", "--max-cost", "1"], "prices are unknown"),
        (["--endpoint", "http://127.0.0.1:9/v1", "--model", "m", "--pairwise", "a"], "two arms"),
        (
            ["--endpoint", "http://127.0.0.1:9/v1", "--model", "m", "--key-env", "NO_SUCH_KEY"],
            "judge's key was not found",
        ),
    ],
)
def test_a_command_that_cannot_work_is_one_line_and_2(
    folder: Path, tmp_path: Path, capsys: Any, flags: list[str], words: str
) -> None:
    assert main(["judge", str(folder), "--home", str(tmp_path / "home"), *flags]) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1


def test_a_command_at_an_endpoint_that_refuses_is_2_with_the_remedy(folder: Path, tmp_path: Path, capsys: Any) -> None:
    with Teacher(in_turn(fault(401, "bad key"))).running() as teacher:
        command = ["judge", str(folder), "--endpoint", teacher.url, "--model", "m", "--home", str(tmp_path / "home")]
        assert main(command) == 2
    assert "does not accept the key" in capsys.readouterr().err


def test_a_judge_that_hears_only_itself_changes_no_document(folder: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with Teacher(lenient(RECIPES)).running() as teacher:
        judge_evaluation(folder, RECIPES, settings_for(teacher.url), parts=parts(tmp_path))
    assert {name: (folder / name).read_bytes() for name in before} == before
