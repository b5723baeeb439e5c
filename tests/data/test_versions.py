"""A version is whole or not there, is named by what it says, notices a changed byte, and keeps its test rows locked."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from training.data.build import build
from training.data.rows import DataRow
from training.data.spec import DatasetSpec, FieldMapping, SourceSpec, SplitSpec
from training.data.split import split_rows
from training.data.version_changes import compare_versions, delete_rows
from training.data.version_files import SCRATCH, line_of, row_from, row_json, scratch_folder
from training.data.versions import (
    MANIFEST,
    Content,
    Version,
    find_version,
    list_versions,
    open_version,
    rows_for_training,
    rows_of,
    write_version,
)
from training.errors import DataError, InputError

ANY_TEXT = st.text(st.characters(exclude_categories=()))  # lone surrogates too
SPEC = DatasetSpec("recipe-jsonld", "soups", (SourceSpec("grammar", rows=9, licence="CC0-1.0"),))


def row(number: int, text: str = "", origin: str = "grammar") -> DataRow:
    return DataRow(
        "recipe-jsonld", text or f"Soup {number}\n\nBoil it.", {"name": f"Soup {number}"}, f"g{number}", origin,
        f"number {number}", "CC0-1.0", "clean", "plain",
    )  # fmt: skip


def by_id(rows: list[DataRow]) -> list[DataRow]:
    return sorted(rows, key=lambda r: r.id)


def content(parts: Mapping[str, list[DataRow]] | None = None, **changes: Any) -> Content:
    parts = parts or {"train": [row(n) for n in range(6)], "test": [row(7), row(8)]}
    gates = {"n_in": 9, "n_kept": 8, "refused": {"trivial": 1}}
    refused = [{"row": row_json(row(9)), "refusals": [{"gate": "trivial", "reason": "too short", "evidence": ""}]}]
    whole = Content(
        SPEC, {part: by_id(rows) for part, rows in parts.items()}, {"by": "group"}, gates, {"exact": 0}, refused
    )
    return replace(whole, **changes)


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_version_comes_back_as_it_was_written(tmp_path: Path) -> None:
    version = open_version(write_version(tmp_path, content()).folder)
    assert version.folder.name == version.name == f"soups-{version.sha256[:12]}"
    assert version.rows == {"train": 6, "test": 2}
    assert list(rows_of(version, "test")) == by_id([row(7), row(8)])
    assert version.spec == replace(SPEC, folder="")
    assert version.read("splits")["ids"]["test"] == [r.id for r in by_id([row(7), row(8)])]
    assert set(version.files) == {
        "train.jsonl", "test.jsonl", "spec.yaml", "splits.json", "gates.json", "leaks.json", "refused.jsonl", "card.md",
    }  # fmt: skip


def test_the_same_content_has_the_same_name_and_other_content_another(tmp_path: Path) -> None:
    first = write_version(tmp_path / "a", content())
    assert write_version(tmp_path / "b", content()).name == first.name
    assert write_version(tmp_path / "b", content(gates={"n_in": 1})).name == first.name  # a report is no content
    others = [
        content({"train": [row(n) for n in range(5)], "test": [row(7), row(8)]}),
        content({"train": [row(n) for n in range(6)] + [row(8)], "test": [row(7)]}),
        content(spec=replace(SPEC, seed=8)),
        content(parent="soups-0", removed={"rows": ["x"]}),
    ]
    names = {write_version(tmp_path / "c", other).name for other in others}
    assert len(names) == 4 and first.name not in names


def test_writing_a_version_again_leaves_the_one_that_is_there(tmp_path: Path) -> None:
    first = write_version(tmp_path, content())
    before = files_of(first.folder)
    assert write_version(tmp_path, content()) == first
    assert files_of(first.folder) == before


def test_the_rows_hash_to_a_value_that_no_machine_changes(tmp_path: Path) -> None:
    version = write_version(tmp_path, content({"train": [row(1)], "test": [row(2)]}))
    assert version.files["train.jsonl"].sha256 == "53a7dfe15967aa94cb4473382a1651429ede2f786febed694b8118fce165b403"
    assert version.sha256 == "76bf75042d9d7775ef5920a8d353acf01e6c2a7f87aa77e9abe02a24cab6f18d"


@pytest.mark.parametrize("name", ["train.jsonl", "test.jsonl", "spec.yaml", "gates.json", "refused.jsonl", "card.md"])
def test_a_changed_file_is_named(tmp_path: Path, name: str) -> None:
    folder = write_version(tmp_path, content()).folder
    with (folder / name).open("a") as file:
        file.write("\n")
    with pytest.raises(DataError, match=f"{name} was changed"):
        open_version(folder)


def test_a_missing_file_and_a_false_manifest_are_named(tmp_path: Path) -> None:
    folder = write_version(tmp_path, content()).folder
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["sha256"] = "0" * 64
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(DataError, match=r"manifest\.json does not fit"):
        open_version(folder)
    (folder / "test.jsonl").unlink()
    with pytest.raises(DataError, match=r"test\.jsonl is gone"):
        open_version(folder)
    (folder / "manifest.json").write_text("{}")
    with pytest.raises(DataError, match="format"):
        open_version(folder)
    with pytest.raises(DataError, match="no dataset version"):
        open_version(tmp_path)


def test_a_version_that_breaks_half_way_is_never_seen(tmp_path: Path) -> None:
    def rows() -> Any:
        yield from by_id([row(1), row(2)])
        raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        write_version(tmp_path, content(rows={"train": rows()}))
    assert list_versions(tmp_path) == ([], [])
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_no_version(tmp_path: Path) -> None:
    with scratch_folder(tmp_path) as folder:
        (folder / "train.jsonl").write_text("{")
        assert list_versions(tmp_path) == ([], [])
    dead = tmp_path / SCRATCH / f"writing-{2**22 + 1}-abc"  # above what a process' id can be
    dead.mkdir(parents=True)
    (dead / "train.jsonl").write_text("{")
    write_version(tmp_path, content())
    assert len(list_versions(tmp_path)[0]) == 1 and not dead.exists()


def test_test_and_golden_rows_are_locked_for_training(tmp_path: Path) -> None:
    parts = {part: [row(n)] for n, part in enumerate(("train", "dev", "test", "golden", "adversarial"))}
    version = write_version(tmp_path, content(parts))
    assert list(rows_for_training(version, "train")) == [row(0)]
    assert list(rows_for_training(version, "dev")) == [row(1)]
    for part in ("test", "golden", "adversarial"):
        with pytest.raises(DataError, match="locked"):
            rows_for_training(version, part)
        assert len(list(rows_of(version, part))) == 1
    with pytest.raises(DataError, match="no part 'exam'"):
        rows_of(version, "exam")


def test_versions_are_listed_and_found_by_name_or_its_beginning(tmp_path: Path) -> None:
    first = write_version(tmp_path, content())
    second = write_version(tmp_path, content(spec=replace(SPEC, seed=8)))
    (tmp_path / "notes").mkdir()
    versions, notices = list_versions(tmp_path)
    assert {v.name for v in versions} == {first.name, second.name}
    assert len(notices) == 1 and "notes" in notices[0]
    assert find_version(tmp_path, first.name) == first.folder
    assert find_version(tmp_path, first.sha256[:8]) == first.folder
    assert find_version(tmp_path / "elsewhere", str(first.folder)) == first.folder
    with pytest.raises(DataError, match="2 versions begin with"):
        find_version(tmp_path, "soups")
    with pytest.raises(DataError, match="no version 'stews'"):
        find_version(tmp_path, "stews")


def test_the_card_states_counts_licences_and_limits(tmp_path: Path) -> None:
    parts = {"train": [row(1), replace(row(2), licence="unknown", origin="a|b")], "test": [row(3)]}
    text = (write_version(tmp_path, content(parts)).folder / "card.md").read_text("utf-8")
    head = yaml.safe_load(text.split("---")[1])
    assert head["configs"][0]["data_files"] == [
        {"split": "train", "path": "train.jsonl"}, {"split": "test", "path": "test.jsonl"},
    ]  # fmt: skip
    assert "3 rows for the task `recipe-jsonld`, from 3 groups" in text
    assert "| a\\|b | 1 | 0 | 1 |" in text
    assert "1 of 3 rows have no known licence" in text
    assert "Of 9 rows that were made, 8 were kept and 1 refused: trivial 1." in text
    assert "made by a program" in text
    assert "test has 1 rows" in text


@pytest.mark.parametrize(
    "change",
    [
        {"rows": [1, 2]}, {"rows": {"train": "3"}}, {"files": ["train.jsonl"]}, {"files": {"train.jsonl": 3}},
        {"sha256": 12}, {"task": None}, {"created": 2026}, {"parent": 3}, {"removed": []},
        {"files": {"train.jsonl": {"sha256": 3, "bytes": 1}}},
    ],
)  # fmt: skip
def test_a_manifest_of_other_kinds_of_values_is_damaged_and_stops_no_list(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    good, other = write_version(tmp_path, content()), write_version(tmp_path, content({"train": [row(9)]}))
    path = other.folder / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | change), "utf-8")
    found, (notice,) = list_versions(tmp_path)
    assert [version.name for version in found] == [good.name] and "is damaged" in notice


def test_a_version_in_nobodys_home_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="~nobody-here"):
        find_version(tmp_path, "~nobody-here/soups")


def test_no_path_of_a_person_stands_in_a_version(tmp_path: Path) -> None:
    spec = replace(SPEC, sources=(SourceSpec("file", path="/home/ann/secret/a.csv"),), folder="/home/ann")
    version = write_version(tmp_path, content(spec=spec))
    assert all(b"/home/ann" not in data for data in files_of(version.folder).values())
    assert open_version(version.folder).spec.sources[0].path == "a.csv"


def test_no_path_of_a_person_stands_in_a_version_of_a_dataset_in_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "ann" / "soups"
    folder.mkdir(parents=True)
    lines = [{"source": f"Soup {n}", "gold": "{}", "group": f"g{n}"} for n in range(20)]
    (folder / "train.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    mapping = (FieldMapping("source", "source"), FieldMapping("gold", "gold", "json"))
    source = SourceSpec("hub", dataset=str(folder), mapping=mapping, licence="CC0-1.0", streaming=True)
    gates = {"trivial": None, "duplicates": False, "consistency": False, "quotas": None}
    spec = DatasetSpec("recipe-jsonld", "soups", (source,), gates=gates)
    version = open_version(tmp_path / "datasets" / [step.version for step in build(spec, tmp_path)][-1])
    assert all(str(tmp_path).encode() not in data for data in files_of(version.folder).values())
    assert [told["origin"] for told in version.read("gates")["sources"]] == ["soups"]
    assert {row.origin for row in rows_of(version, "train")} == {"soups"}


def test_odd_text_comes_back_as_it_was(tmp_path: Path) -> None:
    odd = [row(1, "a\u2028b\x00c \ud800 \U0001f35c é"), row(2, 'quote " and \\ and\r\nline')]
    version = open_version(write_version(tmp_path, content({"train": odd, "test": [row(3)]})).folder)
    assert list(rows_of(version, "train")) == by_id(odd)
    assert line_of({"b": "é", "a": 1}) == '{"a":1,"b":"é"}\n'


@settings(max_examples=50, deadline=None)
@given(ANY_TEXT, st.recursive(st.none() | st.text() | st.integers(), st.lists), st.dictionaries(st.text(), st.text()))
def test_any_row_comes_back_from_its_line(source: str, gold: Any, notes: dict[str, str]) -> None:
    before = DataRow("t", source, gold, "g", "o", notes=notes)
    line = line_of(row_json(before))
    assert line.count("\n") == 1 and line.encode("utf-8")
    after = row_from(json.loads(line), "line 1")
    assert after == before and after.id == before.id


@pytest.mark.parametrize("data", [[], {"source": "x"}, {**row_json(row(1)), "group": 3}])
def test_what_is_no_row_is_told_with_its_place(data: Any) -> None:
    with pytest.raises(DataError, match=r"f\.jsonl, line 3 is no row"):
        row_from(data, "f.jsonl, line 3")


def two(tmp_path: Path) -> tuple[Version, Version]:
    before = content({"train": [row(1), row(2), row(3)], "test": [row(7), row(8)]})
    after = content({"train": [row(1), row(2, "Soup 2, told anew"), row(8)], "test": [row(7), row(9)]})
    return write_version(tmp_path, before), write_version(tmp_path, after)


def test_two_versions_compared(tmp_path: Path) -> None:
    diff = compare_versions(*two(tmp_path))
    assert (diff.same, diff.added, diff.removed) == (2, (row(9),), (row(3),))
    assert diff.changed == ((row(2), row(2, "Soup 2, told anew")),)
    assert diff.moved == ((row(8).id, "test", "train"),)
    assert diff.spec == {}


def test_a_version_compared_with_itself_has_no_difference(tmp_path: Path) -> None:
    version = write_version(tmp_path, content())
    diff = compare_versions(version, version)
    assert diff.same == 8 and not (diff.added or diff.removed or diff.changed or diff.moved)


def test_the_specs_difference_is_told(tmp_path: Path) -> None:
    diff = compare_versions(
        write_version(tmp_path, content()), write_version(tmp_path, content(spec=replace(SPEC, seed=8)))
    )
    assert diff.spec == {"seed": (7, 8)}


def no_leaks(train: Any, test: Any) -> dict[str, Any]:
    return {"n_train": len(train), "n_test": len(test)}


def test_deleting_a_source_gives_a_version_that_names_its_parent(tmp_path: Path) -> None:
    parts = {"train": [row(1), row(2, origin="ann.csv"), row(3)], "test": [row(7), row(8, origin="ann.csv")]}
    refused = [{"row": row_json(row(4, "Ann's own words", "ann.csv")), "refusals": []},
               {"bad": {"origin": "ann.csv", "place": "line 3", "reason": "torn", "text": "Ann wr"}},
               {"row": row_json(row(5)), "refusals": []}]  # fmt: skip
    parent = write_version(tmp_path, content(parts, refused=refused))
    before = files_of(parent.folder)
    version = open_version(delete_rows(parent, sources=("ann.csv",), leaks=no_leaks).folder)
    assert version.parent == parent.name
    assert version.removed == {"sources": ["ann.csv"], "rows": [], "count": 2}
    assert version.rows == {"train": 2, "test": 1}
    assert version.read("leaks") == {"n_train": 2, "n_test": 1}
    assert version.read("splits")["ids"]["test"] == [row(7).id]
    texts = files_of(version.folder)
    assert all(b"Ann" not in data and row(2, origin="ann.csv").id.encode() not in data for data in texts.values())
    assert len((version.folder / "refused.jsonl").read_text().splitlines()) == 1
    assert files_of(parent.folder) == before


def test_the_split_of_what_is_left_counts_what_is_left(tmp_path: Path) -> None:
    rows = [
        replace(row(n, origin="ann.csv" if n % 3 == 0 else "grammar"), date=f"2026-01-{n + 1:02}") for n in range(20)
    ]
    rows = [replace(r, slice="orders" if n % 4 == 0 else "plain") for n, r in enumerate(rows)]
    split = split_rows(rows, SplitSpec(), 7)
    parts = {part: [r for r in rows if split.parts[r.id] == part] for part in split.got}
    parent = write_version(tmp_path, content(parts, split=split.report()))
    after = delete_rows(parent, sources=("ann.csv",), leaks=no_leaks)
    told, ids = after.read("splits"), after.read("splits")["ids"]
    assert told["rows"] == sum(map(len, ids.values())) == 13 and (told["by"], told["seed"]) == ("group", 7)
    for part, facts in told["parts"].items():
        left = list(rows_of(after, part)) if part in after.rows else []
        assert facts["got_rows"] == len(left) == len(ids.get(part, [])) and facts["got_share"] == round(
            len(left) / 13, 4
        )
        assert facts["slices"] == dict(sorted(Counter(r.slice for r in left).items())) and facts["groups"] == len(left)
        assert facts["days"] == ([min(str(r.date) for r in left), max(str(r.date) for r in left)] if left else None)
        assert facts["wanted_rows"] == split.report()["parts"][part]["wanted_rows"]


def test_deleting_one_row_by_its_id(tmp_path: Path) -> None:
    parent = write_version(tmp_path, content())
    version = delete_rows(parent, ids=(row(3).id,), leaks=no_leaks)
    assert [r.id for r in rows_of(version, "train")] == [r.id for r in rows_of(parent, "train") if r.id != row(3).id]
    assert compare_versions(parent, version).removed == (row(3),)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"sources": ("nobody.csv",)}, "nobody.csv"),
        ({"ids": ("0123456789abcdef",)}, "0123456789abcdef"),
        ({}, "nothing"),
        ({"sources": ("grammar",)}, "every row"),
    ],
)
def test_a_deletion_that_takes_nothing_or_everything_is_refused(
    tmp_path: Path, words: dict[str, tuple[str, ...]], says: str
) -> None:
    parent = write_version(tmp_path, content())
    with pytest.raises(DataError, match=says):
        delete_rows(parent, leaks=no_leaks, **words)
    assert len(list_versions(tmp_path)[0]) == 1
