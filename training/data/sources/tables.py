"""CSV and TSV, row by row. A broken row costs itself and not the rest.

Read strictly: quotes have to close, every row has as many fields as the header. After a broken row reading goes on at
the very next line of the file, so that a quote that never closes does not swallow what follows. Limits: a field may
have `FIELD_CHARS` characters; of a broken row that ran over several lines, a later line that
happens to have the right number of fields and closed quotes is read as a row.
"""

import csv
from collections import deque
from collections.abc import Iterator

from training.data.rows import BadRecord
from training.data.sources.raw import RawRow, broken
from training.data.sources.textlines import Line
from training.errors import DataError

FIELD_CHARS = 2_000_000  # as many as a text may have that is pasted
NOTHING = ("nan", "NaN")  # how tools that write tables of numbers put down a missing one


class _BrokenLine(Exception):
    """The line that the csv reader asked for can't be read."""

    def __init__(self, fault: str) -> None:
        super().__init__(fault)


class _Feed:
    """Lines for the csv reader. `taken` are those of the row being read; `again` gives all but its first back."""

    def __init__(self, source: Iterator[Line]) -> None:
        self._source, self._waiting = source, deque[Line]()
        self.taken: list[Line] = []

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        line = self._waiting.popleft() if self._waiting else next(self._source)
        self.taken.append(line)
        if line.fault:
            raise _BrokenLine(line.fault)
        return line.text

    def again(self) -> None:
        self._waiting.extendleft(reversed(self.taken[1:]))

    @property
    def place(self) -> str:
        first, last = self.taken[0].number, self.taken[-1].number
        return f"line {first}" if first == last else f"lines {first}-{last}"

    @property
    def text(self) -> str:
        return "".join(line.text for line in self.taken)


def delimiter_of(header: str, suffix: str) -> str:
    """Tab for .tsv; for .csv the comma, or where the header has none, a semicolon or tab that it has."""
    if suffix == ".tsv":
        return "\t"
    return next((mark for mark in (",", ";", "\t") if mark in header), ",")


def read_table(source: Iterator[Line], delimiter: str, origin: str) -> Iterator[RawRow | BadRecord]:
    """Rows as column -> text. The first row is the header; a column without a name is called "column N".

    DataError for a header that can't be read or names a column twice, and for a file without a row below it.
    """
    csv.field_size_limit(FIELD_CHARS)
    feed = _Feed(source)
    header = _header(feed, delimiter, origin)
    reader, mending, empty = csv.reader(feed, delimiter=delimiter, strict=True), False, True
    while True:
        feed.taken = []
        try:
            fields = next(reader)
        except StopIteration:
            break
        except (csv.Error, _BrokenLine) as error:
            row = broken(origin, f"line {feed.taken[0].number}", _reason(error, feed), feed.taken[0].text)
            feed.again()
            reader, mending = csv.reader(feed, delimiter=delimiter, strict=True), True
        else:
            if not fields:
                continue
            row = _row(fields, header, feed, origin, mending)
            mending = mending and isinstance(row, BadRecord)
        empty = False
        yield row
    if empty:
        raise DataError(f"{origin} has a header and no row below it.", fix="Choose the file that holds the rows.")


def _row(fields: list[str], header: list[str], feed: _Feed, origin: str, mending: bool) -> RawRow | BadRecord:
    if len(fields) != len(header):
        reason = f"has {len(fields)} fields where the header names {len(header)} columns"
    elif mending and feed.text.count('"') % 2:
        reason = "belongs to the broken row above: it closes a quote that it does not open"
    else:
        values = ("" if field in NOTHING else field for field in fields)
        return RawRow(dict(zip(header, values, strict=True)), feed.place)
    return broken(origin, feed.place, reason, feed.text)


def _reason(error: Exception, feed: _Feed) -> str:
    first, last = feed.taken[0].number, feed.taken[-1].number
    if isinstance(error, _BrokenLine):
        return str(error) if first == last else f"runs on to line {last}, which {error}"
    if "unexpected end of data" in str(error):
        return "opens a quote that is never closed"
    if "field limit" in str(error):
        return f"holds a field of more than {FIELD_CHARS:,} characters, or opens a quote that is never closed"
    return f"is no valid row: {error}"


def _header(feed: _Feed, delimiter: str, origin: str) -> list[str]:
    try:
        names = next((row for row in csv.reader(feed, delimiter=delimiter, strict=True) if row), [])
    except (csv.Error, _BrokenLine) as error:
        raise DataError(f"The header of {origin} {_reason(error, feed)}.", fix="Correct its first line.") from None
    header = [name.strip() or f"column {number}" for number, name in enumerate(names, 1)]
    if doubled := sorted({name for name in header if header.count(name) > 1}):
        raise DataError(
            f"{origin} has the column {', '.join(map(repr, doubled))} more than once.",
            fix="Rename or remove one of them in the file's first line.",
        )
    return header
