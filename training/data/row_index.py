"""Rows of a file by part and in the order of their ids, without holding their texts: ids and places are kept."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from training.data.rows import DataRow
from training.data.version_files import row_from
from training.disk import disk


class RowIndex:
    """`parts` is row id -> part, for every row of the file; the file's lines hold their ids."""

    def __init__(self, path: Path, parts: Mapping[str, str]) -> None:
        self._path = path
        self._places: dict[str, list[tuple[str, int]]] = {}
        offset = 0
        with disk("read rows", path), path.open("rb") as file:
            for line in file:
                row_id = str(json.loads(line)["id"])
                self._places.setdefault(parts[row_id], []).append((row_id, offset))
                offset += len(line)
        for places in self._places.values():
            places.sort()

    def rows(self, part: str) -> Iterator[DataRow]:
        """The rows of a part by id; none where the part has none."""
        with disk("read rows", self._path), self._path.open("rb") as file:
            for row_id, offset in self._places.get(part, []):
                file.seek(offset)
                yield row_from(json.loads(file.readline()), f"{self._path}, row {row_id}")
