"""Rows from a file of any size: CSV, TSV, JSON, JSON lines and Parquet; the text kinds also gzipped.

The file's name says its kind, and what it holds has to agree. Memory holds a record (of Parquet, a batch of
`BATCH_ROWS`), never the file. A broken record comes as a BadRecord in its place and the rest goes on; a file that can't
be read as a whole is a DataError. Limits: a folder or an archive of several files is not searched; a Parquet file's
own row groups decide how much is read at once.
"""

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from math import isnan
from pathlib import Path
from typing import Any, BinaryIO, cast

from training.data.rows import BadRecord
from training.data.sources.jsonfiles import read_json, read_json_lines
from training.data.sources.raw import RawRow, broken
from training.data.sources.tables import delimiter_of, read_table
from training.data.sources.textlines import HEAD_BYTES, Encoding, find_encoding, line_ends, lines, text_file
from training.errors import DataError
from training.task.source import MAGIC, looks_like_html

TEXT_KINDS = (".csv", ".tsv", ".json", ".jsonl", ".ndjson")
KINDS = (*TEXT_KINDS, ".parquet")
BATCH_ROWS = 256
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What was found out about a file before its first row. `delimiter` is a table's, "" elsewhere; `ends` is what ends
    a line."""

    path: Path
    kind: str  # one of KINDS
    gzipped: bool
    encoding: Encoding
    delimiter: str = ""
    ends: str = "\n"


def inspect_file(path: Path, encoding: str = "") -> FileFacts:
    """Kind, encoding and delimiter, checked against what the file begins with. `encoding` is what the spec says."""
    kind, gzipped = _kind(path)
    with open_bytes(path, gzipped) as file:
        head = _guarded_read(file, path)
    if not head:
        raise DataError(f"{path.name} is empty.", fix="Choose a file that holds rows.")
    _check_magic(path, kind, head)
    if kind == ".parquet":
        return FileFacts(path, kind, gzipped, Encoding("", "Parquet says it itself"))
    found = find_encoding(head, path.name, encoding)
    beginning = head.decode(found.name, "replace").lstrip("\ufeff")
    if not beginning.strip():
        raise DataError(f"{path.name} holds nothing but white space.", fix="Choose a file that holds rows.")
    _check_text(path, kind, beginning)
    table = kind in (".csv", ".tsv")
    header = next((line for line in beginning.splitlines() if line.strip()), "")
    return FileFacts(path, kind, gzipped, found, delimiter_of(header, kind) if table else "", line_ends(head))


def read_file(facts: FileFacts, origin: str = "") -> Iterator[RawRow | BadRecord]:
    """Every record in the file's order. `origin` is what a BadRecord and errors call it; the file's name otherwise."""
    origin = origin or facts.path.name
    if facts.kind == ".parquet":
        yield from _parquet(facts.path, origin)
        return
    with open_bytes(facts.path, facts.gzipped) as file:
        try:
            yield from _records(file, facts, origin)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DataError(
                f"{facts.path.name} is a damaged gzip file: {error}.", fix="Fetch it again; it may be cut off."
            ) from error
        except OSError as error:
            raise DataError(
                f"{facts.path.name} could not be read to its end: {error.strerror}.",
                fix="Check the disk and try again.",
            ) from error


def first_rows(facts: FileFacts, count: int) -> list[RawRow]:
    """The first rows that are not broken, looking at no more than ten times as many records."""
    looked = islice(read_file(facts), count * 10)
    return list(islice((row for row in looked if isinstance(row, RawRow)), count))


def odd_letters(facts: FileFacts) -> str:
    """The first letter of a file beyond ASCII among its neighbours, decoded: by it a wrong encoding is seen."""
    with open_bytes(facts.path, facts.gzipped) as file:
        text = _guarded_read(file, facts.path).decode(facts.encoding.name or "utf-8", "replace")
    at = next((place for place, letter in enumerate(text) if not letter.isascii()), 0)
    return " ".join(text[max(0, at - 30) : at + 50].split())


def open_bytes(path: Path, gzipped: bool) -> BinaryIO:
    """The file's bytes, unpacked. DataError when it can't be opened."""
    try:
        return cast(BinaryIO, gzip.open(path, "rb")) if gzipped else path.open("rb")
    except FileNotFoundError:
        raise DataError(f"There is no file {path}.", fix="Check the path and its spelling.") from None
    except OSError as error:
        raise DataError(f"{path} can't be opened: {error.strerror}.", fix="Check its permissions.") from error


def _records(file: BinaryIO, facts: FileFacts, origin: str) -> Iterator[RawRow | BadRecord]:
    encoding = facts.encoding.name
    if facts.kind == ".json":
        yield from read_json(text_file(file, encoding), encoding, origin)
    elif facts.kind in (".jsonl", ".ndjson"):
        yield from read_json_lines(lines(file, encoding, facts.ends), origin)
    else:
        yield from read_table(lines(file, encoding, facts.ends), facts.delimiter, origin)


def _kind(path: Path) -> tuple[str, bool]:
    if path.is_dir():
        raise DataError(f"{path} is a folder.", fix="Name one file in it; give each file a source of its own.")
    suffixes = [suffix.casefold() for suffix in path.suffixes]
    gzipped = suffixes[-1:] == [".gz"]
    kind = next(iter(suffixes[-2:-1] if gzipped else suffixes[-1:]), "")
    if kind not in KINDS or (gzipped and kind == ".parquet"):
        raise DataError(
            f"{path.name} is of no kind that is read here.",
            fix=f"Use one of {', '.join(KINDS)}, or one of the text kinds with .gz after it.",
        )
    return kind, gzipped


def _guarded_read(file: BinaryIO, path: Path) -> bytes:
    try:
        return file.read(HEAD_BYTES)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"{path.name} is no whole gzip file: {error}.", fix="Fetch it again, or name it rightly."
        ) from error
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror}.", fix="Check the file and the disk.") from error


def _check_magic(path: Path, kind: str, head: bytes) -> None:
    if kind == ".parquet":
        if not head.startswith(_PARQUET):
            raise DataError(f"{path.name} is no Parquet file.", fix="Name it by what it holds, or fetch it again.")
        return
    for magic, what in ((_PARQUET, "a Parquet file"), *MAGIC):
        if head.startswith(magic) and not (magic == b"MZ" and head[:200].isascii()):
            fix = (
                f"Name it {path.name}.gz." if magic == _GZIP else f"Save it as {kind[1:].upper()}, or name it rightly."
            )
            raise DataError(f"{path.name} is {what}, not {kind[1:].upper()}.", fix=fix)


def _check_text(path: Path, kind: str, beginning: str) -> None:
    """A text kind that begins like another one. One broken first line is not enough to say so."""
    start, first = beginning.lstrip(), beginning.lstrip().split("\n", 1)[0].strip()
    if looks_like_html(beginning[:2000]):
        raise DataError(
            f"{path.name} is a web page, not {kind[1:].upper()}.",
            fix="Fetch the data itself; what was saved may be the page that asks to log in.",
        )
    if kind in (".csv", ".tsv") and start.startswith(('{"', '[{"', "[\n", "{\n")):
        raise DataError(f"{path.name} holds JSON, not a table.", fix="Name it .json (a list) or .jsonl (one a line).")
    if kind in (".jsonl", ".ndjson") and (first in ("[", "{") or first.startswith("[{")):
        what = "one list of objects" if first[0] == "[" else "an object spread over several lines"
        raise DataError(f"{path.name} holds {what}, not one object a line.", fix="Name it .json.")


def _parquet(path: Path, origin: str) -> Iterator[RawRow | BadRecord]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, pre_buffer=False) as table:
            names = table.schema_arrow.names
            if doubled := sorted({name for name in names if names.count(name) > 1}):
                raise DataError(f"{origin} has the column {doubled[0]!r} more than once.", fix="Rename one of them.")
            if table.metadata.num_rows == 0:
                raise DataError(f"{origin} holds no row.", fix="Choose the file that holds the rows.")
            number = 0
            for batch in table.iter_batches(batch_size=BATCH_ROWS):
                for values in _values(batch):
                    number += 1
                    if isinstance(values, str):
                        yield broken(origin, f"row {number}", values)
                        continue
                    yield RawRow({key: plain(value) for key, value in values.items()}, f"row {number}")
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{origin} is a damaged Parquet file: {str(error).splitlines()[0]}", fix="Fetch it again."
        ) from error


def _values(batch: Any) -> Iterator[dict[str, Any] | str]:
    """The rows of a batch; in the place of one that holds what Python can't, such as a date in the year 20000, why."""
    try:
        yield from batch.to_pylist()
        return
    except (ValueError, OverflowError):
        pass
    for at in range(batch.num_rows):
        row: dict[str, Any] = {}
        fault = ""
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            try:
                row[name] = column[at].as_py()
            except (ValueError, OverflowError) as error:
                fault = fault or f"holds a value in {name!r} that can't be read: {error}"
        yield fault or row


def plain(value: Any) -> Any:
    """A column's value as JSON has it: dates as ISO 8601, exact decimals as numbers, null for a number that is none
    (NaN); bytes stay and fit no field.

    Objects of one column all get the same keys there, null where a row had none: such a key is taken out again.
    """
    if isinstance(value, dict):
        return {str(key): made for key, item in value.items() if (made := plain(item)) is not None}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Decimal | float) and isnan(value):
        return None
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.isoformat() if isinstance(value, date | datetime) else value
