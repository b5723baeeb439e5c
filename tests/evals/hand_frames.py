"""Frames written by hand from the columns of records.py, for tests of tables: a row is given by what is not usual."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from training.evals.frames import schema_of
from training.evals.records import GEN, ITEMS, JUDGE, SCORES

USUAL: Mapping[str, Mapping[str, Any]] = {
    GEN: {
        "run": "r", "k": 0, "cluster": "", "slice": "", "style": "", "part": "", "tier": "strict", "finish": "eos",
        "raw": "{}", "chars": 100, "prompt_sha256": "ab", "prompt_tokens": 50, "new_tokens": 25, "shown_share": 1.0,
        "ttft_s": 0.1, "gen_s": 1.0, "batch_size": 1, "n_objects": 1, "prefix_chars": 0, "suffix_chars": 0,
        "repairs": 0, "repair_similarity": None, "parse_error": "", "error": "", "tags": "[]",
    },
    SCORES: {
        "run": "r", "k": 0, "cluster": "", "slice": "", "style": "", "part": "", "tier": "strict", "field": "", "n": 1,
        "status": "scored",
    },
    ITEMS: {
        "run": "r", "k": 0, "side": "gold", "idx": 0, "text": "x", "match_idx": -1, "sim": None, "outcome": "",
        "grounded": None, "qty_ok": None,
    },
    JUDGE: {},
}  # fmt: skip
Row = Mapping[str, Any]


def write_by_hand(folder: Path, frames: Mapping[str, Sequence[Row]]) -> None:
    """Each frame with these rows; a document's cluster is itself. Frames that are not given are empty."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, usual in USUAL.items():
        rows = [{**usual, **row} for row in frames.get(name, ())]
        for row in rows:
            if "cluster" in row:
                row["cluster"] = row["cluster"] or row["doc"]
        schema = schema_of(name)
        columns = [pa.array([row.get(field.name) for row in rows], field.type) for field in schema]
        pq.write_table(pa.Table.from_arrays(columns, schema=schema), folder / name)


def score(arm: str, doc: str, metric: str, value: float | None, field: str = "", **more: Any) -> Row:
    return {"arm": arm, "doc": doc, "metric": metric, "value": value, "field": field, **more}


def item(arm: str, doc: str, field: str, outcome: str, **more: Any) -> Row:
    """A gold item; with side "pred" one of the answer."""
    return {"arm": arm, "doc": doc, "field": field, "outcome": outcome, **more}
