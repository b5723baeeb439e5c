"""Small dataset versions made of the first rows of those that ship: written and hashed like any other."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from training.data.rows import DataRow
from training.data.versions import Content, open_version, rows_of, write_version
from training.engine.run_rows import SHIPPED, find_dataset

TASKS = ("recipe-jsonld", "news-metadata", "recipe-writer")


def small_version(home: Path, task: str = "recipe-jsonld", **sizes: int) -> Path:
    """A version in `home`/datasets with so many rows of each named part (train 6, dev 4 and test 2 unless told)."""
    shipped = open_version(find_dataset(SHIPPED, f"{task}-small"))
    wanted = {"train": 6, "dev": 4, "test": 2} | sizes
    rows = {part: list(islice(rows_of(shipped, part), n)) for part, n in wanted.items()}
    return version_of(home, task, rows)


def version_of(home: Path, task: str, rows: Mapping[str, list[DataRow]]) -> Path:
    """A version of these very rows."""
    shipped = open_version(find_dataset(SHIPPED, f"{task}-small"))
    told: list[Any] = [shipped.read(name) for name in ("splits", "gates", "leaks")]
    spec = replace(shipped.spec, name=f"{task}-tiny")
    ordered = {part: sorted(found, key=lambda row: row.id) for part, found in rows.items()}
    return write_version(home / "datasets", Content(spec, ordered, *told)).folder
