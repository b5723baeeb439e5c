"""`gate`, `report` and `card` from the command line: what they print, write and exit with."""

import json
from pathlib import Path

import pytest

from tests.evals.made_aggregates import made, mean, pair, rate
from training.cli import main
from training.task.pack import BUILTIN, load_pack

PACK = load_pack(BUILTIN / "recipe-jsonld")
F1 = "f1:recipeIngredient"
GOOD = [pair(F1, 0.61, 0.57, 0.65, 300), pair("hallucinated_docs", -0.31, -0.36, -0.25, 300)]
MANIFEST = {
    "data": {"sha256": "d"}, "versions": {"python": "3"}, "decoding": {"sampling": {"temperature": 0.0}, "seeds": [7]},
    "arms": {"adapter:x": {"kind": "adapter", "prompts_sha256": "p", "base_sha256": "b", "adapter_sha256": "a"}},
}  # fmt: skip


def folder_of(tmp_path: Path, n: int = 300, **tuned: object) -> Path:
    (tmp_path / "aggregates.json").write_text(json.dumps(made(PACK, GOOD, tuned, n=n)))
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST))
    return tmp_path


def test_the_exit_code_is_the_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = folder_of(tmp_path)
    assert main(["gate", str(folder)]) == 1
    assert "There is no model card yet" in capsys.readouterr().out
    assert main(["card", str(folder)]) == 0
    assert capsys.readouterr().out == f"{folder / 'card.md'}\n"
    assert main(["gate", str(folder)]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0].split() == ["gate", "verdict", "n", "n", "required", "rule", "and", "finding"]
    assert "fail" not in out and "insufficient" not in out
    folder_of(tmp_path, strict=rate(1.0, 96))
    assert main(["gate", str(folder)]) == 3
    assert "insufficient data  96   125" in capsys.readouterr().out
    folder_of(tmp_path, strict=rate(0.4, 300), schema_valid=rate(1.0, 20))
    assert main(["gate", str(folder)]) == 1


def test_gates_as_json_are_one_object_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["gate", str(folder_of(tmp_path)), "--json"])
    gates = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {gate["verdict"] for gate in gates} <= {"pass", "fail", "insufficient data", "not applicable"}
    assert next(gate for gate in gates if gate["name"] == "strict")["measured"] == 1.0


def test_the_report_goes_where_it_is_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = folder_of(tmp_path, repaired=mean(0.71, 0.66, 0.76, 300))
    place = tmp_path / "sent.html"
    assert main(["report", str(folder), "--out", str(place)]) == 0
    assert "Ingredients F1 rose by 0.61" in place.read_text("utf-8") and not (folder / "report.html").exists()
    assert main(["report", str(folder), "--pair", "base", "adapter:x"]) == 0
    assert (folder / "report.html").is_file() and (folder / "card.md").is_file()
    assert capsys.readouterr().out.splitlines() == [str(place), str(folder / "report.html")]


def test_what_is_no_evaluation_is_told_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("gate", "report", "card"):
        assert main([verb, str(tmp_path)]) == 2
        assert "has no aggregates.json. Give the folder of a finished evaluation." in capsys.readouterr().err
    assert main(["gate", str(folder_of(tmp_path)), "--arm", "adapter:y"]) == 2
    assert "no arm 'adapter:y'" in capsys.readouterr().err
    (tmp_path / "aggregates.json").write_text(json.dumps({"task": "of-mine", "arms": []}))
    assert main(["gate", str(tmp_path)]) == 2
