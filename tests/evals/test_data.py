"""Documents and predictions read: what they may be, and one line with file, line, key and fix for what they may not."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.evals.eval_rows import ROWS, lines, right
from tests.task.score.recipes import GOLD, PACK
from training.errors import DataError
from training.evals.data import RowFile, documents, find_data, keep_rows, read_rows
from training.evals.notices import Notices
from training.evals.predictions import read_predictions
from training.evals.records import EvalRow
from training.task.pack import BUILTIN, load_pack

WRITER = load_pack(BUILTIN / "recipe-writer")


def read(tmp_path: Path, *values: Any, pack: Any = PACK) -> list[EvalRow]:
    path = lines(tmp_path / "rows.jsonl", values)
    return list(documents(find_data(str(path), pack, tmp_path), pack))


def refused(tmp_path: Path, *values: Any, pack: Any = PACK) -> tuple[str, str]:
    with pytest.raises(DataError) as err:
        read(tmp_path, *values, pack=pack)
    assert "\n" not in str(err.value) + err.value.fix
    return str(err.value), err.value.fix


def test_every_key_of_a_row_is_read(tmp_path: Path) -> None:
    full = {
        **ROWS[0], "style": "clean", "part": "golden", "kind": "html", "supported": {"recipeIngredient": ["salt"]},
        "origin": "corpus", "notes": {},
    }  # fmt: skip
    got = read(tmp_path, full, "", {"id": 7, "source": "x", "gold": None})
    assert got[0] == EvalRow(
        "a", ROWS[0]["source"], GOLD, "cake", "full", "clean", "golden", "html", {"recipeIngredient": ("salt",)}
    )
    assert (got[1].id, got[1].gold, got[1].supported) == ("7", None, {})


def test_a_text_task_takes_the_answers_text_as_gold(tmp_path: Path) -> None:
    text = "RECIPE: Tea\nINGREDIENTS:\n1 bag\nDIRECTIONS:\nPour.\n[END]"
    got = read(
        tmp_path,
        {"id": "t", "source": "Tea", "gold": text},
        {"id": "n", "source": "Shoe", "gold": "[END]"},
        pack=WRITER,
    )
    assert [row.gold for row in got] == [{"title": "Tea", "ingredients": ["1 bag"], "directions": ["Pour."]}, {}]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"source": "x", "gold": {}}, "line 2: the key 'id' is missing"),
        ({"id": "b", "gold": {}}, "line 2: the key 'source' is missing"),
        ({"id": "b", "source": "x"}, "line 2: the key 'gold' is missing"),
        ({"id": "b", "source": " ", "gold": {}}, "line 2: 'source' is blank"),
        ({"id": "b", "source": ["x"], "gold": {}}, "line 2: 'source' is no text"),
        ({"id": True, "source": "x", "gold": {}}, "line 2: 'id' is no text"),
        ({"id": "b", "source": "x", "gold": "text"}, "line 2, key 'gold'"),
        ({"id": "b", "source": "x", "gold": [1]}, "line 2, key 'gold'"),
        ({"id": "b", "source": "x", "gold": {}, "slice": 3}, "line 2: 'slice' is no text"),
        ({"id": "b", "source": "x", "gold": {}, "kind": "pdf"}, "line 2: 'kind' is 'pdf'"),
        ({"id": "b", "source": "x", "gold": {}, "supported": ["a"]}, "line 2: 'supported' is no list of texts"),
        ({"id": "b", "source": "x", "gold": {}, "supported": {"nope": []}}, "names 'nope', no field of the task"),
        ({"id": "b", "source": "x", "gold": {}, "supported": {"name": "a"}}, "'supported' is no list of texts"),
        ("{not json", "line 2 is no JSON"),
        ("[1]", "line 2 holds no object"),
        ({"id": "a", "source": "x", "gold": {}}, "the id 'a' stands on documents 1 and 2"),
    ],
)
def test_what_is_wrong_is_told_with_file_line_and_key(tmp_path: Path, row: Any, words: str) -> None:
    said, fix = refused(tmp_path, ROWS[0], row)
    assert words in said and "rows.jsonl" in said and fix


def test_data_that_is_not_there_is_told(tmp_path: Path) -> None:
    for given, words in (("", "No data"), ("no.jsonl", "There is no file"), ("no-such-version", "no dataset version")):
        with pytest.raises(DataError, match=words):
            find_data(given, PACK, tmp_path)
    assert "holds no document" in refused(tmp_path, "")[0]


def test_a_locked_part_of_a_version_is_read_here(tmp_path: Path) -> None:
    data = find_data("recipe-jsonld-small", PACK, tmp_path, "test")
    rows = list(documents(data, PACK))
    assert data.split_by == "group"
    assert (data.kind, len(rows), rows[0].part) == ("version", 47, "test") and all(row.group for row in rows)
    with pytest.raises(DataError, match="has no part 'tset'"):
        find_data("recipe-jsonld-small", PACK, tmp_path, "tset")
    with pytest.raises(DataError, match="is of the task recipe-jsonld"):
        find_data("recipe-jsonld-small", WRITER, tmp_path)


def test_keys_that_nobody_reads_are_told(tmp_path: Path) -> None:
    path, notices = lines(tmp_path / "r.jsonl", [{**ROWS[0], "suported": {}}]), Notices()
    list(documents(find_data(str(path), PACK, tmp_path), PACK, notices))
    assert notices.lines("documents") == ["1 documents have a key 'suported', which is not read."]


def test_kept_rows_come_back_one_by_one_as_they_were(tmp_path: Path) -> None:
    path = lines(tmp_path / "r.jsonl", [*ROWS, {"id": "e", "source": "half \ud800 of a character", "gold": {}}])
    rows = list(documents(find_data(str(path), PACK, tmp_path), PACK))
    kept, known = keep_rows(iter(rows), tmp_path / "kept.jsonl", limit=3)
    assert (kept, known) == (3, {"a", "b", "c", "d", "e"})
    keep_rows(iter(rows), tmp_path / "kept.jsonl")
    file = RowFile(tmp_path / "kept.jsonl")
    assert list(file) == rows == list(read_rows(tmp_path / "kept.jsonl"))
    assert [file.row(at) for at in (4, 0, 2)] == [rows[4], rows[0], rows[2]]
    assert (len(file), file.places["d"], file.groups) == (5, 3, {"cake", "c", "d", "e"})
    file.close()


def predictions(tmp_path: Path, *values: Any) -> Any:
    return read_predictions(lines(tmp_path / "mine.jsonl", values))


def test_predictions_name_their_arm_or_have_the_files(tmp_path: Path) -> None:
    got = list(
        predictions(tmp_path, right(ROWS[0]), right(ROWS[0], arm="x", k=1, finish="length"), {"id": 3, "output": ""})
    )
    assert [(p.arm, p.doc, p.k, p.finish, p.finish_known) for p in got] == [
        ("mine", "a", 0, "eos", False), ("x", "a", 1, "length", True), ("mine", "3", 0, "eos", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"id": "a"}, "line 2: the key 'output' is missing"),
        ({"output": ""}, "line 2: the key 'id' is missing"),
        ({"id": "b", "output": {"name": "x"}}, "line 2: 'output' is no text"),
        ({"id": "b", "output": "", "k": -1}, "line 2: 'k' is -1"),
        ({"id": "b", "output": "", "finish": "done"}, "line 2: 'finish' is 'done'"),
        ({"id": "b", "output": "", "finish": []}, "line 2: 'finish' is []"),
        ({"id": "b", "output": "", "arm": 3}, "line 2: 'arm' is no text"),
        (right(ROWS[0]), "answers 'a' twice, first on line 1"),
    ],
)
def test_what_is_no_prediction_is_told(tmp_path: Path, line: Any, words: str) -> None:
    with pytest.raises(DataError) as err:
        list(predictions(tmp_path, right(ROWS[0]), line))
    assert words in str(err.value) and "mine.jsonl" in str(err.value) and err.value.fix


def test_a_file_without_predictions_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no prediction"):
        list(predictions(tmp_path))
    with pytest.raises(DataError, match="There is no file"):
        list(read_predictions(tmp_path / "none.jsonl"))


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "bom.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(right(ROWS[0])).encode())
    assert [p.doc for p in read_predictions(path)] == ["a"]


def test_golds_that_break_the_contract_are_told_with_the_first(tmp_path: Path) -> None:
    broken = {**GOLD, "recipeInstructions": ["Mix."]}
    rows = [{"id": name, "source": "x", "gold": gold} for name, gold in (("a", GOLD), ("b", {}), ("c", broken))]
    path = lines(tmp_path / "rows.jsonl", rows)
    notices = Notices()
    assert len(list(documents(find_data(str(path), PACK, tmp_path), PACK, notices))) == 3
    (told,) = notices.lines("documents")
    assert told.startswith("Golds that break the task's contract: 1 of the documents.")
    assert "The first: c: recipeInstructions 1 is text" in told


def test_what_nobody_can_write_down_is_refused(tmp_path: Path) -> None:
    assert "half a character" in refused(tmp_path, {"id": "a\ud800", "source": "x", "gold": {}})[0]
    deep: Any = "x"
    for _ in range(900):
        deep = {"name": deep}
    assert "levels deep" in refused(tmp_path, {"id": "a", "source": "x", "gold": deep})[0]
