"""`python -m training evaluate`: files in, a folder and a table out, one line on standard error for what is wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.evals.eval_rows import ROWS, lines, right
from training import cli

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("evaluate")
    lines(root / "data.jsonl", ROWS)
    lines(root / "mine.jsonl", [right(row) for row in ROWS])
    return root


def arguments(files: Path, *more: str, **changed: str) -> list[str]:
    given = {
        "task": "recipe-jsonld",
        "data": str(files / "data.jsonl"),
        "out": str(files / "out"),
        "home": str(files / "h"),
    }
    flags = [word for name, value in {**given, **changed}.items() for word in (f"--{name}", value)]
    return ["evaluate", *flags, *more]


def test_predictions_alone_from_another_folder(files: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "training", *arguments(files, predictions="mine.jsonl", data="data.jsonl", out="first")],
        cwd=files, capture_output=True, text=True, timeout=280,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    head, row = done.stdout.splitlines()[:2]
    assert head.split()[:3] == ["arm", "f1:recipeIngredient", "strict"]
    assert row.startswith("mine") and "1.000" in row and "n 4/4" in row
    assert "do not say why they ended" in done.stderr and "Traceback" not in done.stderr
    assert "Scored 4 documents" in done.stderr and "documents/s" in done.stderr
    summary = json.loads((files / "first" / "summary.json").read_text("utf-8"))
    assert list(summary["arms"]) == ["mine"] and summary["pairs"] == []


def test_arms_and_predictions_as_json(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = arguments(files, "--json", "--limit", "3", arms="empty, regex", predictions=str(files / "mine.jsonl"))
    assert cli.main(flags) == 0
    told = capsys.readouterr()
    summary = json.loads(told.out)
    assert list(summary["arms"]) == ["empty", "regex", "mine"]
    assert summary["arms"]["mine"]["strict"] == {
        "value": 1.0, "ci_low": pytest.approx(0.342, abs=0.01), "ci_high": 1.0, "n_scored": 3, "n_total": 3,
    }  # fmt: skip
    primary = [pair for pair in summary["pairs"] if pair["metric"] == "f1:recipeIngredient"]
    assert {(pair["a"], pair["b"]) for pair in primary} == {("empty", "regex"), ("empty", "mine"), ("regex", "mine")}
    assert told.err.splitlines()[0] == "reading"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, "Nobody would answer"),
        ({"arms": "nobody"}, "There is no arm 'nobody'"),
        ({"arms": "empty", "task": "nope"}, "There is no task 'nope'"),
        ({"arms": "empty", "data": "none.jsonl"}, "There is no file none.jsonl"),
        ({"arms": "empty", "samples": "0"}, "--samples is 0"),
        ({"arms": "empty", "limit": "-1"}, "--limit is -1"),
        ({"arms": "empty", "temperature": "9"}, "--temperature is 9"),
        ({"predictions": "none.jsonl"}, "There is no file none.jsonl"),
        ({"arms": "empty", "limit": "many"}, "invalid int value"),
        ({"arms": "endpoint:x"}, "has no address"),
    ],
)
def test_what_is_wrong_is_one_line_and_exit_code_2(
    files: Path, changed: dict[str, Any], words: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    try:
        code: Any = cli.main(arguments(files, **{"out": str(tmp_path / "out"), **changed}))
    except SystemExit as left:
        code = left.code
    told = capsys.readouterr()
    said = [line for line in told.err.splitlines() if line != "reading"]
    assert (code, told.out, len(said)) == (2, "", 1) and words in said[0]


def test_a_bad_row_names_its_line(files: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    bad = lines(tmp_path / "bad.jsonl", [ROWS[0], {"id": "b", "source": "x"}])
    assert cli.main(arguments(files, data=str(bad), arms="empty", out=str(tmp_path / "o"))) == 2
    assert "bad.jsonl, line 2: the key 'gold' is missing." in capsys.readouterr().err


def test_help_needs_no_torch() -> None:
    code = "import sys; from training import cli\ntry: cli.main(['evaluate', '--help'])\nexcept SystemExit: pass\n"
    code += "assert not {'torch', 'pandas', 'pyarrow', 'scipy'} & set(sys.modules), sorted(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "--predictions FILE" in done.stdout
