"""A record as a file or a dataset holds it, before any column is mapped; and the broken ones beside it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from training.data.rows import BadRecord

SNIPPET = 200  # characters of a broken record that are kept to be looked at


class RawRow(NamedTuple):
    """Column -> value as found, and where: "line 17", "row 40", "record 3 (line 9)"."""

    values: Mapping[str, Any]
    place: str


def broken(origin: str, place: str, reason: str, text: str = "") -> BadRecord:
    """A BadRecord with the beginning of what was found, in characters that can be written to a file."""
    shown = text[:SNIPPET].encode("utf-8", "backslashreplace").decode("utf-8")
    return BadRecord(origin=origin, place=place, reason=reason, text=shown)
