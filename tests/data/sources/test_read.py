"""The door to sources: nothing is read before a person confirmed it, every record is a row or told as broken."""

import json
from pathlib import Path
from typing import Any

import pytest

from training.data.makers import RenderSpec, make_rows
from training.data.rows import UNKNOWN_LICENCE, BadRecord, DataRow, SourceRow
from training.data.sources.mapping import UnconfirmedMapping
from training.data.sources.read import proposal_lines, propose_file, propose_source, read_source
from training.data.spec import DatasetSpec, FieldMapping, SourceSpec, read_spec
from training.data.versions import Content, write_version
from training.errors import DataError, InputError

TABLE = """recipe_name,ingredients,directions,issue,day
Onion Soup,1 l water|salt,"Boil.
Serve.",7,2025-03-01
Broken row,salt
,salt,Stir.,8,2025-03-02
Garlic Soup,garlic,Boil.,8,March
onion  SOUP!,1 L water|Salt,Other words.,9,2025-03-05
"""
MAPPING = (
    FieldMapping("title", "recipe_name", "text"),
    FieldMapping("ingredients", "ingredients", "pipes"),
    FieldMapping("steps", "directions", "lines"),
)


def table(folder: Path, text: str | bytes = TABLE, name: str = "soups.csv") -> str:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def confirmed(folder: Path, **more: Any) -> SourceSpec:
    return SourceSpec(kind="file", path=table(folder), mapping=MAPPING, **more)


def rows(spec: SourceSpec) -> list[SourceRow]:
    return [row for row in read_source(spec) if isinstance(row, SourceRow)]


def test_a_confirmed_file_gives_rows_and_broken_records_in_its_order(tmp_path: Path) -> None:
    found = list(read_source(confirmed(tmp_path)))
    assert [type(row).__name__ for row in found] == ["SourceRow", "BadRecord", "BadRecord", "SourceRow", "SourceRow"]
    first = found[0]
    assert isinstance(first, SourceRow)
    assert first.fields == {"title": "Onion Soup", "ingredients": ["1 l water", "salt"], "steps": ["Boil.", "Serve."]}
    assert (first.origin, first.place, first.licence, first.date) == ("soups.csv", "lines 2-3", UNKNOWN_LICENCE, None)
    ragged, unnamed = found[1], found[2]
    assert isinstance(ragged, BadRecord) and isinstance(unnamed, BadRecord)
    assert ragged.place == "line 4" and "2 fields" in ragged.reason and ragged.text.startswith("Broken row")
    assert unnamed.place == "line 5" and "title (from 'recipe_name') is empty" in unnamed.reason
    assert "Stir." in unnamed.text


def test_without_a_confirmed_mapping_the_answer_is_the_proposal(tmp_path: Path) -> None:
    spec = SourceSpec(kind="file", path=table(tmp_path))
    with pytest.raises(UnconfirmedMapping, match=r"soups\.csv.*recipe table") as caught:
        read_source(spec)
    lines = caught.value.fix
    assert "- {field: title, column: recipe_name, rule: text}" in lines
    assert "- {field: ingredients, column: ingredients, rule: pipes}" in lines
    assert "'1 l water|salt' -> ['1 l water', 'salt']" in lines
    assert caught.value.proposal == propose_source(spec) == propose_file(Path(spec.path))


def test_the_proposed_lines_pasted_into_a_spec_make_it_readable(tmp_path: Path) -> None:
    source = SourceSpec(kind="file", path=table(tmp_path, TABLE.replace("Onion", "Oignon à l'œuf").encode("cp1252")))
    lines = proposal_lines(source, propose_source(source))
    assert "encoding: cp1252" in lines
    pasted = "".join(f"    {line}\n" for line in lines.splitlines())
    head = "task: recipe-jsonld\nname: soups\nsources:\n  - kind: file\n    path: soups.csv\n"
    (tmp_path / "spec.yaml").write_text(head + pasted, "utf-8")
    spec = read_spec(tmp_path / "spec.yaml")
    assert rows(spec.resolved(spec.sources[0]))[0].fields["title"] == "Oignon à l'œuf Soup"


def test_a_guessed_encoding_is_asked_for_and_not_taken(tmp_path: Path) -> None:
    path = table(tmp_path, "recipe_name,ingredients,directions\nCrème,salt,Stir.\n".encode("cp1252"))
    spec = SourceSpec(kind="file", path=path, mapping=MAPPING)
    with pytest.raises(DataError, match="not UTF-8; it may be cp1252") as caught:
        read_source(spec)
    assert "encoding: cp1252" in caught.value.fix
    assert rows(SourceSpec(kind="file", path=path, mapping=MAPPING, encoding="cp1252"))[0].fields["title"] == "Crème"


def test_a_column_that_is_not_there_is_an_error_before_any_row(tmp_path: Path) -> None:
    spec = SourceSpec(kind="file", path=table(tmp_path), mapping=(FieldMapping("title", "name", "text"),))
    with pytest.raises(DataError, match="no column 'name'") as caught:
        read_source(spec)
    assert "'recipe_name'" in caught.value.fix
    with pytest.raises(DataError, match="no column 'when'"):
        read_source(confirmed(tmp_path, date_column="when"))


def test_a_recipe_is_one_group_however_it_is_written(tmp_path: Path) -> None:
    first, garlic, again = rows(confirmed(tmp_path))
    assert first.group == again.group != garlic.group
    assert first.group.startswith("recipe-")


def test_group_and_date_columns_are_read_where_the_spec_names_them(tmp_path: Path) -> None:
    found = list(read_source(confirmed(tmp_path, group_column="issue", date_column="day", licence="CC0-1.0")))
    good = [row for row in found if isinstance(row, SourceRow)]
    assert [(row.group, row.date, row.licence) for row in good] == [
        ("7", "2025-03-01", "CC0-1.0"),
        ("9", "2025-03-05", "CC0-1.0"),
    ]
    assert "group" not in good[0].fields and "date" not in good[0].fields
    assert any(isinstance(row, BadRecord) and "no date of this form" in row.reason for row in found)


def test_two_columns_for_one_group_are_an_error(tmp_path: Path) -> None:
    mapping = (*MAPPING, FieldMapping("group", "recipe_name", "text"))
    with pytest.raises(DataError, match="two columns for group"):
        read_source(SourceSpec(kind="file", path=table(tmp_path), mapping=mapping, group_column="issue"))


def test_rows_counts_good_ones_and_slice_counts_records(tmp_path: Path) -> None:
    assert [row.fields["title"] for row in rows(confirmed(tmp_path, rows=2))] == ["Onion Soup", "Garlic Soup"]
    assert [row.fields["title"] for row in rows(confirmed(tmp_path, slice="1:4"))] == ["Garlic Soup"]
    assert [row.fields["title"] for row in rows(confirmed(tmp_path, slice="4:"))] == ["onion  SOUP!"]


def test_rows_with_the_fields_own_names_are_read_as_they_are(tmp_path: Path) -> None:
    finished = [
        {"id": "a", "source": "Post", "gold": {"name": "Soup"}, "group": "g1", "slice": "plain", "licence": "CC0-1.0"},
        {"id": "b", "source": "No recipe", "gold": {}, "group": "g2", "slice": "no_recipe", "licence": ""},
        {"id": "c", "source": "Post", "gold": None, "group": "g3", "slice": "plain"},
    ]
    path = table(tmp_path, "".join(json.dumps(row) + "\n" for row in finished), "rows.jsonl")
    found = list(read_source(SourceSpec(kind="file", path=path, licence="Apache-2.0")))
    good = [row for row in found if isinstance(row, SourceRow)]
    assert [(row.fields["gold"], row.group, row.licence) for row in good] == [
        ({"name": "Soup"}, "g1", "CC0-1.0"),
        ({}, "g2", "Apache-2.0"),
    ]
    assert isinstance(found[2], BadRecord) and "gold" in found[2].reason and found[2].place == "line 3"


def test_a_text_without_a_group_is_grouped_by_its_words(tmp_path: Path) -> None:
    lines = ['{"content": "A launches B."}', '{"content": "a  launches b"}', '{"content": "C buys D."}']
    spec = SourceSpec(kind="file", path=table(tmp_path, "\n".join(lines), "news.jsonl"))
    groups = [row.group for row in rows(spec)]
    assert groups[0] == groups[1] != groups[2] and groups[0].startswith("text-")


def test_a_file_without_one_readable_record_is_an_error(tmp_path: Path) -> None:
    spec = SourceSpec(kind="file", path=table(tmp_path, "soup\nmore soup\n", "a.jsonl"))
    with pytest.raises(DataError, match="none of its first"):
        read_source(spec)


def test_built_in_sources_take_no_mapping_and_are_not_proposed() -> None:
    with pytest.raises(DataError, match="built in"):
        read_source(SourceSpec(kind="grammar", rows=1, group_column="issue"))
    with pytest.raises(DataError, match="built in"):
        propose_source(SourceSpec(kind="corpus", rows=1))


def test_a_broken_record_can_always_be_written(tmp_path: Path) -> None:
    line = '{"source": "half \\ud83d of it", "gold": {}, "group": "g"}'
    found = list(
        read_source(
            SourceSpec(
                kind="file", path=table(tmp_path, f'{{"source":"a","gold":{{}},"group":"g"}}\n{line}', "a.jsonl")
            )
        )
    )
    assert isinstance(found[1], BadRecord) and "half of a character" in found[1].reason
    assert found[1].text.encode("utf-8")


def test_what_a_file_gives_is_what_makers_take(tmp_path: Path) -> None:
    made = list(make_rows("recipe-jsonld", read_source(confirmed(tmp_path)), RenderSpec(slices={"plain": 1.0}), 7))
    posts = [row for row in made if isinstance(row, DataRow)]
    assert [row.gold["name"] for row in posts] == ["Onion Soup", "Garlic Soup", "onion SOUP!"]
    assert posts[0].gold["recipeIngredient"] == ["1 l water", "salt"] and posts[0].group == posts[2].group
    assert [row.place for row in made if isinstance(row, BadRecord)] == ["line 4", "line 5"]


def test_the_held_out_rows_of_a_version_are_read_for_evaluation_alone(tmp_path: Path) -> None:
    rows_of_ours = [DataRow("recipe-jsonld", f"Soup {n}", {"name": f"Soup {n}"}, f"g{n}", "soups") for n in range(4)]
    parts = {"train": rows_of_ours[:1], "test": rows_of_ours[1:2], "golden": rows_of_ours[2:]}
    spec = DatasetSpec("recipe-jsonld", "soups", (SourceSpec("grammar", rows=4),))
    sides = {part: sorted(of_part, key=lambda row: row.id) for part, of_part in parts.items()}
    folder = write_version(tmp_path, Content(spec, sides, {}, {}, {})).folder
    link = tmp_path / "rows.jsonl"
    link.symlink_to(folder / "golden.jsonl")
    for path in (folder / "test.jsonl", folder / "golden.jsonl", link):
        for part in ("", "train", "dev"):
            with pytest.raises(DataError, match="are locked") as caught:
                read_source(SourceSpec("file", path=str(path), part=part))
            assert "train.jsonl" in caught.value.fix and "`part: " in caught.value.fix
        assert rows(SourceSpec("file", path=str(path), part="test"))
    assert len(rows(SourceSpec("file", path=str(folder / "train.jsonl")))) == 1
    (folder / "test.jsonl").rename(tmp_path / "test.jsonl")  # beside no manifest it is a file like any other
    assert len(rows(SourceSpec("file", path=str(tmp_path / "test.jsonl")))) == 1
    with pytest.raises(DataError, match="the test rows"):
        read_source(SourceSpec("hub", dataset=str(folder), split="train+test"))


@pytest.mark.parametrize(
    "source", [SourceSpec("file", path="~nobody-here/x.csv"), SourceSpec("hub", dataset="~nobody-here/x")]
)
def test_a_home_that_nobody_has_is_told(source: SourceSpec) -> None:
    with pytest.raises(InputError, match="~nobody-here") as caught:
        DatasetSpec("recipe-jsonld", "soups", (source,), folder="/tmp").resolved(source)
    assert "a path on this machine" in caught.value.fix
