"""The answers of an evaluation's folder, one at a time, whether it still has its log or only its frames.

An evaluation that ships, or that somebody passed on, has no answers.jsonl; gen.parquet holds every answer whole. Read
block by block: memory does not grow with the documents.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from training.disk import disk
from training.errors import InputError
from training.evals.data import lines_of
from training.evals.records import ANSWERS, GEN

_COLUMNS = ("arm", "doc", "k", "raw", "finish")


class Given(NamedTuple):
    """One answer: who gave it, to which document, as which sample, its text, and why it ended."""

    arm: str
    doc: str
    k: int
    raw: str
    finish: str


def answers_in(folder: Path) -> Iterator[Given]:
    """Every answer in the order of the file; of one that was asked again the log also holds the line before.

    InputError for a folder that has neither the log nor the frame.
    """
    if (folder / ANSWERS).is_file():
        for _, _, line in lines_of(folder / ANSWERS):
            arm, doc, raw, finish = (str(line[name]) for name in ("arm", "doc", "raw", "finish"))
            yield Given(arm, doc, int(line.get("k", 0)), raw, finish)
        return
    if not (folder / GEN).is_file():
        raise InputError(
            f"{folder} is no evaluation: neither {ANSWERS} nor {GEN} is there.",
            fix="Give the folder that `evaluate --out` wrote.",
        )
    import pyarrow.parquet as pq

    with disk("read the answers", folder / GEN), pq.ParquetFile(folder / GEN) as file:
        for block in file.iter_batches(columns=list(_COLUMNS)):
            for row in block.to_pylist():
                yield Given(row["arm"], row["doc"], int(row["k"]), row["raw"] or "", row["finish"])
