"""Files of every kind, whole and broken: what can be read is read, the rest is named by its line."""

import csv
import gzip
import io
import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.data.rows import BadRecord
from training.data.sources import files, jsonfiles, tables, textlines
from training.data.sources.files import first_rows, inspect_file, read_file
from training.data.sources.mapping import apply_mapping
from training.data.sources.raw import RawRow
from training.data.sources.tables import read_table
from training.data.sources.textlines import Line
from training.data.spec import FieldMapping
from training.errors import DataError


def write(folder: Path, name: str, data: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)
    return path


def read(path: Path, encoding: str = "") -> list[RawRow | BadRecord]:
    return list(read_file(inspect_file(path, encoding)))


def good(records: list[RawRow | BadRecord]) -> list[Any]:
    return [dict(row.values) for row in records if isinstance(row, RawRow)]


def bad(records: list[RawRow | BadRecord]) -> list[tuple[str, str]]:
    return [(row.place, row.reason) for row in records if isinstance(row, BadRecord)]


ROWS = [{"title": "Bánh xèo", "n": "1"}, {"title": "Soup, hot", "n": "2"}]


def test_the_same_rows_come_from_every_kind_of_file(tmp_path: Path) -> None:
    table = 'title,n\nBánh xèo,1\n"Soup, hot",2\n'
    texts = {
        "a.csv": table,
        "b.csv": table.replace("\n", "\r\n"),
        "c.csv": "\ufeff" + table,
        "d.csv": 'title;n\nBánh xèo;1\n"Soup, hot";2',
        "e.tsv": "title\tn\nBánh xèo\t1\nSoup, hot\t2\n",
        "f.json": json.dumps(ROWS),
        "g.json": json.dumps(ROWS, indent=2),
        "h.jsonl": "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS),
        "i.ndjson": "\n".join(map(json.dumps, ROWS)),
        "j.json": json.dumps({"@graph": ROWS}),
    }
    paths = [write(tmp_path, name, text) for name, text in texts.items()]
    paths += [write(tmp_path, f"{name}.gz", gzip.compress(text.encode())) for name, text in texts.items()]
    paths.append(write(tmp_path, "k.csv", table.encode("utf-16")))
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "l.parquet")
    for path in [*paths, tmp_path / "l.parquet"]:
        assert good(read(path)) == ROWS, path.name
        assert not bad(read(path)), path.name


def test_a_row_is_found_again_by_its_place(tmp_path: Path) -> None:
    table = write(tmp_path, "a.csv", 'a,b\n1,"two\nlines"\n\n3,4\n')
    assert [row.place for row in read(table)] == ["lines 2-3", "line 5"]
    listed = write(tmp_path, "a.json", '[\n {"a": 1},\n {"a": 2}\n]')
    assert [row.place for row in read(listed)] == ["record 1 (line 2)", "record 2 (line 3)"]


def test_a_broken_line_of_jsonl_costs_itself_and_nothing_else(tmp_path: Path) -> None:
    lines = ['{"a": 1}', '{"a": ', '{"a": 3}', "[1, 2]", '{"a": 5, "a": 6}', '{"a": NaN}', "", '{"a": 8}', "null"]
    records = read(write(tmp_path, "a.jsonl", "\n".join(lines)))
    assert good(records) == [{"a": 1}, {"a": 3}, {"a": 8}]
    assert [place for place, _ in bad(records)] == ["line 2", "line 4", "line 5", "line 6", "line 9"]
    reasons = " | ".join(reason for _, reason in bad(records))
    for words in ("no valid JSON", "a list where an object", "key 'a' twice", "NaN", "nothing (null)"):
        assert words in reasons


def test_a_file_that_turns_into_another_kind_half_way_keeps_its_good_half(tmp_path: Path) -> None:
    mixed = b'{"a": 1}\ntitle,ingredients\nSoup,water\n\x00\x01\x02\xff\n'
    records = read(write(tmp_path, "a.jsonl", mixed))
    assert good(records) == [{"a": 1}] and [place for place, _ in bad(records)] == ["line 2", "line 3", "line 4"]
    turned = read(write(tmp_path, "a.csv", 'a,b,c\n1,2,3\n{"a": 1}\n\x00\x00,2,3\n4,5,6\n'))
    assert good(turned) == [{"a": "1", "b": "2", "c": "3"}, {"a": "4", "b": "5", "c": "6"}]
    assert bad(turned)[0] == ("line 3", "has 1 fields where the header names 3 columns")
    assert bad(turned)[1] == ("line 4", "holds a zero byte")


def test_a_broken_element_of_a_list_costs_itself_and_nothing_else(tmp_path: Path) -> None:
    text = '[{"a": 1},\n {"a": },\n {"a": "b]}"},\n 7,\n {"a": 4} {"a": 5},\n {"a": "\\"}"}]'
    records = read(write(tmp_path, "a.json", text))
    assert good(records) == [{"a": 1}, {"a": "b]}"}, {"a": '"}'}]
    assert [place for place, _ in bad(records)] == ["record 2 (line 2)", "record 4 (line 4)", "record 5 (line 5)"]


@pytest.mark.parametrize("cut", ['[{"a": 1}, {"a": "tw', '[{"a": 1}, {"a": 2', '[{"a": 1},', '[{"a": 1}'])
def test_a_list_that_is_cut_off_says_so(tmp_path: Path, cut: str) -> None:
    records = read(write(tmp_path, "a.json", cut))
    assert len(bad(records)) == 1 and "the file ends within the list" in bad(records)[0][1]


def test_what_follows_a_list_is_told(tmp_path: Path) -> None:
    records = read(write(tmp_path, "a.json", '[{"a": 1}]\n[{"a": 2}]'))
    assert good(records) == [{"a": 1}] and bad(records) == [("line 2", "stands after the end of the list")]


def test_a_quote_that_never_closes_does_not_swallow_the_rest(tmp_path: Path) -> None:
    rows = "".join(f"{n},dish {n},water\n" for n in range(3, 4_000))
    records = read(write(tmp_path, "a.csv", f'id,title,what\n1,"Soup,water\n2,"Pie",flour\n{rows}'))
    assert bad(records)[0][0] == "line 2" and len(bad(records)) == 1
    assert len(good(records)) == 3_998 and good(records)[0] == {"id": "2", "title": "Pie", "what": "flour"}
    lone = read(write(tmp_path, "b.csv", f'id,title,what\n1,"Soup,water\n{rows}'))
    assert bad(lone) == [("line 2", "opens a quote that is never closed")] and len(good(lone)) == 3_997


def test_the_rest_of_a_broken_row_is_no_row(tmp_path: Path) -> None:
    """Its last line has the right number of fields by chance, but closes a quote that it does not open."""
    records = read(write(tmp_path, "a.csv", 'a,b\n1,"said "hi"\nand left, then"\n2,fine\n'))
    assert good(records) == [{"a": "2", "b": "fine"}] and [place for place, _ in bad(records)] == ["line 2", "line 3"]


def test_ragged_rows_are_told_with_both_counts(tmp_path: Path) -> None:
    records = read(write(tmp_path, "a.csv", "a,b\n1\n1,2\n1,2,3\n"))
    assert good(records) == [{"a": "1", "b": "2"}]
    assert bad(records) == [
        ("line 2", "has 1 fields where the header names 2 columns"),
        ("line 4", "has 3 fields where the header names 2 columns"),
    ]


def test_an_unnamed_column_gets_a_name(tmp_path: Path) -> None:
    assert good(read(write(tmp_path, "a.csv", ",title\n0,Soup\n"))) == [{"column 1": "0", "title": "Soup"}]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b" \n\n ", "white space"),
        ("a.csv", b"title,n\n", "no row below"),
        ("a.csv", b"title,n,title\n1,2,3\n", "'title' more than once"),
        ("a.csv", b'ti"tle,"n\n', "opens a quote"),
        ("a.csv", b"PAR1....", "is a Parquet file"),
        ("a.csv", gzip.compress(b"a,b\n1,2\n", mtime=0), "is a gzip file"),
        ("a.csv", b"PK\x03\x04....", "ZIP or Office"),
        ("a.csv", b'{"a": 1}\n', "holds JSON"),
        ("a.csv", b"<!DOCTYPE html><html><body>Log in</body></html>", "is a web page"),
        ("a.csv", b"a\0b\0,\0c\0\n\0" * 9, "zero bytes"),
        ("a.jsonl", b'[{"a": 1}]', "one list of objects"),
        ("a.jsonl", b'{\n "a": 1\n}', "over several lines"),
        ("a.json", b'{"a": 1}\n{"a": 2}\n', "several values"),
        ("a.json", b'{"a": }', "no valid JSON"),
        ("a.json", b"title,n\n", "is no JSON"),
        ("a.json", b"[]", ""),
        ("a.parquet", b"title,n\n1,2\n", "no Parquet"),
        ("a.parquet", b"PAR1 but not really", "damaged Parquet"),
        ("a.gz", b"", "no kind"),
        ("a.csv.gz", b"title,n\n", "no whole gzip"),
        ("a.csv.gz", gzip.compress(b"title,n\n" + b"1,2\n" * 9, mtime=0)[:-12], "no whole gzip"),
        ("a.xlsx", b"PK\x03\x04", "no kind"),
        ("a", b"title\n1\n", "no kind"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_an_error_with_a_fix(
    tmp_path: Path, name: str, data: bytes, words: str
) -> None:
    path = write(tmp_path, name, data)
    if not words:
        assert read(path) == []
        return
    with pytest.raises(DataError, match=words) as caught:
        read(path)
    assert caught.value.fix


def test_a_gzip_file_that_breaks_off_later_is_told_after_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "HEAD_BYTES", 1000)
    rows = "".join(f"{n},{n * 7919 % 10_007}\n" for n in range(20_000))
    path = write(tmp_path, "a.csv.gz", gzip.compress(f"a,b\n{rows}".encode())[:-2000])
    records: Iterator[RawRow | BadRecord] = read_file(inspect_file(path))
    assert isinstance(next(records), RawRow)
    with pytest.raises(DataError, match="damaged gzip"):
        list(records)


def test_a_disk_that_fails_half_way_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(io.BytesIO):
        def readline(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 10:
                raise OSError(5, "Input/output error")
            return super().readline(size)

    facts = inspect_file(write(tmp_path, "a.csv", "a,b\n" + "1,2\n" * 9))
    monkeypatch.setattr(files, "open_bytes", lambda path, gzipped: Failing(path.read_bytes()))
    records = read_file(facts)
    assert dict(next(records).values) == {"a": "1", "b": "2"}  # type: ignore[union-attr]
    with pytest.raises(DataError, match="could not be read to its end: Input/output error"):
        list(records)


def test_folders_and_missing_files_are_errors(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a folder"):
        inspect_file(tmp_path)
    with pytest.raises(DataError, match="no file"):
        inspect_file(tmp_path / "a.csv")


def test_an_encoding_is_a_fact_or_a_guess_that_says_so(tmp_path: Path) -> None:
    text = "title,n\nCrème brûlée,½\n"
    assert inspect_file(write(tmp_path, "a.csv", text)).encoding.name == "utf-8"
    assert inspect_file(write(tmp_path, "b.csv", text.encode("utf-8-sig"))).encoding == (
        "utf-8-sig",
        "byte order mark",
        False,
    )
    old = write(tmp_path, "c.csv", text.encode("cp1252"))
    assert inspect_file(old).encoding.guessed
    assert good(read(old, "cp1252")) == [{"title": "Crème brûlée", "n": "½"}]
    assert not inspect_file(old, "cp1252").encoding.guessed
    cyrillic = write(
        tmp_path,
        "d.jsonl",
        (json.dumps({"a": "Борщ со сметаной и хлебом"}, ensure_ascii=False) + "\n").encode("koi8_r") * 30,
    )
    assert inspect_file(cyrillic).encoding.guessed
    with pytest.raises(DataError, match="no text encoding 'utf-9'"):
        inspect_file(old, "utf-9")
    with pytest.raises(DataError, match="no text encoding 'base64'"):
        inspect_file(old, "base64")
    bom = write(tmp_path, "e.csv", text.encode("utf-8-sig"))
    assert list(good(read(bom, "UTF8"))[0]) == ["title", "n"]


def test_one_line_in_another_encoding_is_a_broken_line(tmp_path: Path) -> None:
    data = "title,n\nCrème,1\n".encode() + "Brûlée,2\n".encode("latin-1") + "Pâté,3\n".encode()
    records = read(write(tmp_path, "a.csv", data))
    assert [row["title"] for row in good(records)] == ["Crème", "Pâté"]
    assert bad(records) == [("line 3", "is not utf-8: byte 0xfb at place 3")]
    listed = write(tmp_path, "a.json", b'[{"a": "Cr\xc3\xa8me"},\n {"a": "Br\xfbl"},\n {"a": "p\xc3\xa2t\xc3\xa9"}]')
    assert bad(read(listed)) == [("record 2 (line 2)", "holds bytes that are no text")]


def test_a_line_without_end_is_passed_over_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textlines, "LINE_BYTES", 10)
    found = list(textlines.lines(io.BytesIO(b"short\n" + b"x" * 95 + b"\nlast\n"), "utf-8"))
    assert [(line.number, bool(line.fault)) for line in found] == [(1, False), (2, True), (3, False)]
    wide = list(textlines.lines(io.BytesIO(("short\n" + "x" * 95 + "\nlast\n").encode("utf-16")), "utf-16"))
    assert [(line.text, bool(line.fault)) for line in wide] == [("short\n", False), ("", True), ("last\n", False)]


def test_a_key_that_another_row_has_is_not_null_in_this_one(tmp_path: Path) -> None:
    golds = [{"name": "Soup", "cookTime": "PT5M"}, {"name": "Stew", "steps": [{"text": "Boil."}, {"at": 2}]}]
    pq.write_table(pa.Table.from_pylist([{"gold": gold, "note": None} for gold in golds]), tmp_path / "a.parquet")
    assert good(read(tmp_path / "a.parquet")) == [{"gold": gold, "note": None} for gold in golds]


def test_a_number_that_is_missing_is_nothing_and_no_word(tmp_path: Path) -> None:
    nan = float("nan")
    rows = [{"n": nan, "d": Decimal("NaN"), "s": {"a": nan, "b": 1.0}}, {"n": 4.0, "d": Decimal(1), "s": None}]
    kinds = pa.schema({"n": pa.float64(), "d": pa.float64(), "s": pa.struct({"a": pa.float64(), "b": pa.float64()})})
    pq.write_table(pa.Table.from_pylist([{**row, "d": float(row["d"])} for row in rows], kinds), tmp_path / "a.parquet")
    assert good(read(tmp_path / "a.parquet"))[0] == {"n": None, "d": None, "s": {"b": 1.0}}
    assert files.plain(Decimal("NaN")) is None
    assert good(read(write(tmp_path, "a.csv", "t,n\nnan,NaN\nNan bread,1\n")))[0] == {"t": "", "n": ""}
    named = [FieldMapping("title", "t", "text"), FieldMapping("recipe_yield", "n", "text")]
    assert apply_mapping(named, {"t": "Soup", "n": nan}) == {"title": "Soup"}
    assert apply_mapping(named, {"t": "Soup", "n": 4.0}) == {"title": "Soup", "recipe_yield": "4"}


def test_a_field_may_be_long_and_one_that_is_too_long_is_told_as_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, "a.csv", f'title,n\n"{"Soup, " * 40_000}",1\nStew,2\n')
    assert [len(row["title"]) for row in good(read(path))] == [240_000, 4]
    monkeypatch.setattr(tables, "FIELD_CHARS", 200_000)
    found = read(path)
    [(place, reason)] = bad(found)
    assert place == "line 2" and "a field of more than 200,000 characters" in reason
    assert good(found) == [{"title": "Stew", "n": "2"}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_lines_that_end_as_old_macs_wrote_them_are_read(tmp_path: Path, encoding: str) -> None:
    table = 'title,n\rBánh xèo,1\r"Soup, hot",2\r'
    assert good(read(write(tmp_path, "a.csv", table.encode(encoding)))) == ROWS
    lined = "\r".join(json.dumps(row, ensure_ascii=False) for row in ROWS)
    assert good(read(write(tmp_path, "b.jsonl", lined.encode(encoding)))) == ROWS
    assert good(read(write(tmp_path, "c.csv", 'title,n\n"a\rb",1\n'))) == [{"title": "a\rb", "n": "1"}]
    with gzip.open(tmp_path / "d.csv.gz", "wb") as out:
        out.write(table.encode(encoding))
    assert good(read(tmp_path / "d.csv.gz")) == ROWS


def test_a_date_beyond_pythons_years_costs_its_row_alone(tmp_path: Path) -> None:
    days = pa.array([0, 10**18, 86_400_000_000], pa.timestamp("us"))
    pq.write_table(pa.table({"n": [1, 2, 3], "day": days}), tmp_path / "a.parquet")
    found = read(tmp_path / "a.parquet")
    assert [row["n"] for row in good(found)] == [1, 3]
    [(place, reason)] = bad(found)
    assert place == "row 2" and "'day'" in reason


def test_dates_and_decimals_of_parquet_come_as_json_has_them(tmp_path: Path) -> None:
    rows = [{"d": date(2025, 3, 1), "n": Decimal("4.00"), "x": [Decimal("1.50")], "s": {"t": "a"}}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    assert good(read(tmp_path / "a.parquet")) == [{"d": "2025-03-01", "n": 4, "x": [1.5], "s": {"t": "a"}}]


def test_first_rows_pass_over_broken_ones(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", "x\ny\n" + '{"a": 1}\n' * 5)
    assert [row.place for row in first_rows(inspect_file(path), 2)] == ["line 3", "line 4"]


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=12)


@given(st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=8))
def test_what_the_csv_module_writes_is_read_back(rows: list[tuple[str, str, str]]) -> None:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([("a", "b", "c"), *rows])
    source = (Line(n, text) for n, text in enumerate(io.StringIO(out.getvalue(), newline="\n"), 1))
    found = list(read_table(source, ",", "t"))
    assert [tuple(row.values.values()) for row in found if isinstance(row, RawRow)] == rows


@given(st.lists(st.text(st.sampled_from('ab",;{}[]\n '), max_size=14), max_size=12))
def test_no_line_of_a_table_is_lost_or_raises(body: list[str]) -> None:
    """Whatever stands there, every line that is not blank is in a row or in a broken record."""
    lines = "".join(f"{line}\n" for line in body).splitlines(keepends=True)
    source = (Line(n, text) for n, text in enumerate(["a,b\n", *lines], 1))
    try:
        found = list(read_table(source, ",", "t"))
    except DataError:
        found = []
    told: set[int] = set()
    for row in found:
        ends = [int(part) for part in row.place.replace("lines ", "").replace("line ", "").split("-")]
        told |= set(range(ends[0], ends[-1] + 1))
    assert told >= {n for n, text in enumerate(lines, 2) if text.strip("\n")}


values = st.recursive(
    st.none() | st.integers() | st.text(max_size=6), lambda inner: st.lists(inner, max_size=3), max_leaves=5
)


@settings(max_examples=40)
@given(
    st.lists(st.dictionaries(st.text(max_size=4), values, max_size=3), max_size=6),
    st.sampled_from([None, 1]),
    st.integers(1, 9),
)
def test_a_list_is_the_same_in_whatever_pieces_it_is_read(
    rows: list[dict[str, Any]], indent: int | None, chunk: int
) -> None:
    text = json.dumps(rows, indent=indent, ensure_ascii=True)
    usual, jsonfiles._CHUNK = jsonfiles._CHUNK, chunk
    try:
        found = list(jsonfiles.read_json(textlines.text_file(io.BytesIO(text.encode()), "utf-8"), "utf-8", "t"))
    finally:
        jsonfiles._CHUNK = usual
    assert [row.values for row in found if isinstance(row, RawRow)] == rows


@given(st.text(st.sampled_from('{}[]",:a1 \n\\'), max_size=40))
def test_reading_a_broken_list_ends_and_never_raises(inside: str) -> None:
    file = textlines.text_file(io.BytesIO(f"[{inside}".encode()), "utf-8")
    for record in jsonfiles.read_json(file, "utf-8", "t"):
        assert isinstance(record, RawRow) or record.reason
