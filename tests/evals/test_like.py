"""An evaluation is done again from its records alone, and the two are held against each other figure by figure."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.evals.eval_rows import ROWS as DOCUMENTS
from tests.evals.eval_rows import lines, right
from tests.studio.eval_samples import DATASET
from training import cli
from training.errors import DataError, InputError
from training.evals.like import TIMES, like_job, sameness
from training.evals.manifest import read_manifest
from training.evals.metrics import SPEED
from training.evals.origin import origin_of
from training.evals.records import ROWS, EvalJob
from training.evals.runner import run_evaluation


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two arms without a model on four documents of a version's test part."""
    root = tmp_path_factory.mktemp("like")
    job = EvalJob("recipe-jsonld", str(DATASET), ("empty", "regex"), limit=4, batch_size=3, seed=11, name="the first")
    run_evaluation(job, root / "first", root / "home")
    return root / "first"


def again(first: Path, *more: str, out: str = "second") -> int:
    place = first.parent / out
    return cli.main(["evaluate", "--like", str(first), "--out", str(place), "--home", str(first.parent / "h"), *more])


def test_the_same_job_gives_the_same_figures(first: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert again(first) == 0
    said = capsys.readouterr().err
    assert "8 of 8 answers letter for letter" in said and "not equal" not in said
    job: dict[str, Any] = json.loads((first.parent / "second" / "job.json").read_text("utf-8"))
    assert (job["limit"], job["batch_size"], job["seed"], job["name"]) == (4, 3, 11, "the first")
    found = sameness(first, first.parent / "second")
    assert found.same and found.figures > 40 and found.records == ()


def test_without_the_version_its_documents_and_leak_report_are_taken_over(
    first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.engine.run_rows.SHIPPED", tmp_path / "nothing ships")
    job, told = like_job(first, tmp_path / "home")
    assert job.data == str(first / ROWS) and "is not here" in told[0] and DATASET.name in told[0]
    run_evaluation(job, tmp_path / "again", tmp_path / "home")
    before, after = read_manifest(first)["data"], read_manifest(tmp_path / "again")["data"]
    assert after == before and after["kind"] == "version"
    assert (tmp_path / "again" / "leaks.json").read_bytes() == (first / "leaks.json").read_bytes()
    assert sameness(first, tmp_path / "again").same


def test_rows_that_were_changed_have_no_origin(first: Path, tmp_path: Path) -> None:
    assert origin_of(first / ROWS, read_manifest(first)["data"]["sha256"])["kind"] == "version"
    assert origin_of(first / ROWS, "0" * 64) == {} and origin_of(DATASET / "test.jsonl", "0") == {}
    assert origin_of(tmp_path / ROWS, "0") == {}


def test_what_is_not_equal_is_named_with_what_was_otherwise(first: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert again(first, "--limit", "3", "--arms", "regex", out="fewer") == 1
    said = capsys.readouterr().err
    assert "made otherwise: documents" in said and "of one side only: " in said and "not equal: strict of regex" in said


def test_answers_made_elsewhere_must_still_be_there(tmp_path: Path) -> None:
    lines(tmp_path / "data.jsonl", DOCUMENTS)
    mine = lines(tmp_path / "mine.jsonl", [right(row) for row in DOCUMENTS])
    job = EvalJob("recipe-jsonld", str(tmp_path / "data.jsonl"), predictions=str(mine))
    run_evaluation(job, tmp_path / "out", tmp_path / "home")
    mine.unlink()
    with pytest.raises(InputError, match=r"mine\.jsonl, which is not there"):
        like_job(tmp_path / "out", tmp_path / "home")


def test_it_does_not_write_over_itself(first: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert again(first, out="first") == 2
    assert "is the evaluation itself" in capsys.readouterr().err
    assert cli.main(["evaluate", "--out", str(first.parent / "none")]) == 2
    assert "Give --task and --data, or --like" in capsys.readouterr().err


def test_documents_of_a_file_are_held_against_what_was_learned_from(tmp_path: Path) -> None:
    """Exact, near and group overlaps are found and told by the documents' ids; done again, the report is the same."""
    asked = lines(tmp_path / "asked.jsonl", DOCUMENTS)
    copy, like, kin = ({**DOCUMENTS[at], "id": str(at)} for at in (3, 2, 0))
    like["source"] += " Serve warm."
    kin["source"] = "Nothing of the post stands in this text, which is about another cake."
    known = lines(tmp_path / "known.jsonl", [copy, like, kin])
    job = EvalJob("recipe-jsonld", str(asked), ("empty", "regex"), trained_on=str(known))
    words = [
        "evaluate",
        "--task",
        job.task,
        "--data",
        job.data,
        "--arms",
        "empty,regex",
        "--trained-on",
        job.trained_on,
    ]
    assert cli.main([*words, "--out", str(tmp_path / "first"), "--home", str(tmp_path / "home")]) == 0
    report = json.loads((tmp_path / "first" / "leaks.json").read_text("utf-8"))
    assert report["trained_on"]["name"] == "known.jsonl" and (report["n_train"], report["n_test"]) == (3, 4)
    assert [found["test_id"] for found in report["nearest"]] == [row["id"] for row in DOCUMENTS]
    kinds = {kind: [found["test_id"] for found in report[kind]] for kind in ("exact", "near", "groups")}
    assert kinds == {"exact": ["d"], "near": ["c"], "groups": ["a", "b"]}
    table = json.loads((tmp_path / "first" / "aggregates.json").read_text("utf-8"))["tables"]["leakage"]
    assert (table["exact"], table["near"], table["groups"], table["n_train"]) == (1, 1, 2, 3)
    again_, _ = like_job(tmp_path / "first", tmp_path / "home")
    assert again_.trained_on == ""
    run_evaluation(again_, tmp_path / "second", tmp_path / "home")
    assert json.loads((tmp_path / "second" / "leaks.json").read_text("utf-8")) == report
    with pytest.raises(DataError, match="no file"):
        run_evaluation(replace(job, trained_on="gone.jsonl"), tmp_path / "third", tmp_path / "home")


def test_no_figure_of_speed_is_held_against_another_machine() -> None:
    assert {name for name, *_ in SPEED} - {"new_tokens"} == TIMES and "prefill_tokens_per_s" in TIMES


def test_what_only_a_version_can_say_is_not_held_against_a_rerun_without_it(tmp_path: Path) -> None:
    figure = {"value": 0.5, "ci_low": 0.4, "ci_high": 0.6, "n_scored": 9, "n_total": 9}
    none = dict.fromkeys(figure)
    for name, kind, copied in (("there", "version", figure), ("here", "file", none), ("other", "version", none)):
        folder = tmp_path / name
        folder.mkdir()
        arms = {
            "adapter:x": {"strict": figure, "copied": copied, "prefill_tokens_per_s": {**figure, "value": len(name)}}
        }
        (folder / "summary.json").write_text(json.dumps({"arms": arms, "pairs": []}))
        (folder / "manifest.json").write_text(json.dumps({"data": {"kind": kind}}))
        (folder / "answers.jsonl").write_text("")
    found = sameness(tmp_path / "there", tmp_path / "here")
    assert (found.figures, found.different, found.missing) == (1, (), ())
    assert sameness(tmp_path / "there", tmp_path / "other").different == ("copied of adapter:x",)
