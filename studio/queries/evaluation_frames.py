"""The frames of an evaluation, a piece at a time: two arms' values by document, one document, a page of sources.

Parquet is read with filters on rows and columns; what a page turns over is remembered by file time. Limit: the values
of two arms on one metric are read whole, some bytes a document; nothing else here grows with the evaluation.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache, reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.disk import disk
from training.evals.frames import read_frame
from training.evals.records import GEN, JUDGE, ROWS, SCORES

if TYPE_CHECKING:
    import pandas as pd

DOC_ID = re.compile(rb'"id"\s*:\s*("(?:[^"\\]|\\.)*")')
GEN_SHOWN = ("arm", "doc", "k", "slice", "style", "tier", "error")


def frame(
    folder: Path, name: str, columns: Sequence[str] | None = None, where: Mapping[str, Any] | None = None
) -> "pd.DataFrame":
    """Rows of a frame where each column is its value, or one of its list."""
    return read_frame(folder, name, columns, where)


def stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def answers(folder: Path) -> "pd.DataFrame":
    """arm, doc, k, slice, style, tier and error of every answer."""
    return _answers(folder, stamp(folder / GEN))


@lru_cache(maxsize=4)
def _answers(folder: Path, at: int) -> "pd.DataFrame":
    return frame(folder, GEN, GEN_SHOWN)


def values(folder: Path, arm: str, key: tuple[str, str], tier: str) -> Mapping[str, float]:
    """A document's value of a metric, the mean over its samples; documents that it does not apply to are left out."""
    return _values(folder, stamp(folder / SCORES), arm, key, tier)


@lru_cache(maxsize=32)
def _values(folder: Path, at: int, arm: str, key: tuple[str, str], tier: str) -> Mapping[str, float]:
    found = _scores(folder / SCORES, arm, key, ["strict"] if tier == "strict" else ["strict", tier])
    found = found[(found["status"] == "scored") & found["value"].notna()]
    if tier != "strict":  # an answer that needed help has a row a tier, a strict one has one row
        found = found.assign(helped=found["tier"].ne("strict")).sort_values("helped", kind="stable")
        found = found.drop_duplicates(["doc", "k"], keep="last")
    means: Any = found.groupby("doc", sort=False)["value"].mean()
    return {str(doc): float(value) for doc, value in means.items()}


def _scores(path: Path, arm: str, key: tuple[str, str], tiers: Sequence[str]) -> Any:
    """One arm's rows of one metric. A block at a time: those of other arms are not read at all, and of this one's only
    what is asked for is taken apart, which is several times as fast as a filter over the whole file."""
    import pyarrow as pa
    import pyarrow.compute
    import pyarrow.parquet as pq

    pc: Any = pyarrow.compute  # its functions are made at run time
    wanted: list[Any] = []
    asked = {"arm": [arm], "metric": [key[0]], "field": [key[1]], "tier": list(tiers)}
    with disk("read the scores", path), pq.ParquetFile(path) as file:
        place = file.schema_arrow.names.index("arm")
        for group in range(file.num_row_groups):
            held: Any = file.metadata.row_group(group).column(place).statistics
            if held is not None and held.has_min_max and not held.min <= arm <= held.max:
                continue
            labels: Any = file.read_row_group(group, columns=list(asked))
            masks: list[Any] = [
                pc.is_in(labels[name].cast(pa.string()), pa.array(values)) for name, values in asked.items()
            ]
            rows: Any = file.read_row_group(group, columns=["doc", "k", "tier", "value", "status"])
            wanted.append(rows.filter(reduce(pc.and_, masks)))
    tables = [table.set_column(2, "tier", table["tier"].cast(pa.string())) for table in wanted if table.num_rows]
    if not tables:
        return frame(path.parent, SCORES, ("doc", "k", "tier", "value", "status"), {"arm": arm, "metric": ""})
    return pa.concat_tables(tables, promote_options="permissive").to_pandas()


def docs_where(folder: Path, name: str, where: Mapping[str, Any]) -> frozenset[str]:
    """The documents that have a row in a frame for which this holds."""
    return frozenset(str(doc) for doc in frame(folder, name, ("doc",), where)["doc"])


def answers_to(folder: Path, doc: str, arms: Sequence[str], k: int = 0) -> dict[str, dict[str, Any]]:
    """Everything kept of the answers of these arms to one document, by arm."""
    found: Any = frame(folder, GEN, None, {"doc": doc, "arm": list(arms), "k": k})
    rows: list[dict[str, Any]] = [
        {str(key): plain(value) for key, value in row.items()} for row in found.to_dict("records")
    ]
    return {str(row["arm"]): row for row in rows}


def verdicts_on(folder: Path, doc: str) -> list[dict[str, Any]]:
    """What a judge said of one document; [] where none was asked."""
    if not (folder / JUDGE).is_file():
        return []
    found: Any = frame(folder, JUDGE, None, {"doc": doc})
    return [{str(key): plain(value) for key, value in row.items()} for row in found.to_dict("records")]


def plain(value: Any) -> Any:
    """A cell as plain Python; what is not there is None."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and value != value else value


def sources(folder: Path, docs: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The documents of these ids as they were evaluated: id, source, gold and the rest. A missing one is left out."""
    path = folder / ROWS
    places = _places(path, stamp(path))
    found: dict[str, dict[str, Any]] = {}
    if not places:
        return found
    with path.open("rb") as file:
        for doc in docs:
            if doc in places:
                file.seek(places[doc])
                found[doc] = json.loads(file.readline())
    return found


@lru_cache(maxsize=4)
def _places(path: Path, at: int) -> Mapping[str, int]:
    """Where each document's line begins."""
    places: dict[str, int] = {}
    if not path.is_file():
        return places
    offset = 0
    with path.open("rb") as file:
        for line in file:
            match = DOC_ID.search(line, 0, 400)
            name = json.loads(match[1]) if match and line.startswith(b'{"id"') else _id_of(line)
            if name is not None:
                places.setdefault(str(name), offset)
            offset += len(line)
    return places


def _id_of(line: bytes) -> str | None:
    try:
        return str(json.loads(line)["id"])
    except (ValueError, KeyError, TypeError):
        return None
