"""The leak report of documents against rows that somebody names as what the tuned arm has learned from.

A dataset version brings its own report. Documents of a file have none: here it is made as a version's is, by
training.data.leaks, and kept as leaks.json with the documents' own ids. Limit: what is not named is not looked at.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from training.data.rows import DataRow
from training.data.version_changes import leaks_json
from training.evals.data import documents, find_data
from training.evals.records import EvalRow
from training.task.pack import Pack


def leaks_against(trained_on: str, asked: Iterable[EvalRow], pack: Pack, home: Path) -> dict[str, Any]:
    """The report of leaks.json, the documents called by their ids. `trained_on`: a version, of which train is read, or
    a JSONL of documents. DataError where it can't be read. Both sides are held in memory."""
    held, data = list(asked), find_data(trained_on, pack, home, "train")
    known = [_data_row(row, pack) for row in documents(data, pack)]
    test = [_data_row(row, pack) for row in held]
    report = {"trained_on": {"name": data.name, "sha256": data.sha256}, **leaks_json(known, test)}
    report["nearest"] = [
        {**found, "test_id": row.id} for found, row in zip(report["nearest"], held, strict=True)
    ]  # one a document, in their order
    ids = {row.id: document.id for row, document in zip(test, held, strict=True)}
    for kind in ("exact", "near", "groups", "answers"):
        report[kind] = [{**found, "test_id": ids[found["test_id"]]} for found in report[kind]]
    return report


def _data_row(row: EvalRow, pack: Pack) -> DataRow:
    """A document as the leak report reads it. Where the answer is text it is a text here as well: a dish name alone
    says too little."""
    gold = row.gold or {}
    return DataRow(pack.name, row.source, json.dumps(gold) if pack.answer.kind == "text" else gold, row.group, "")
