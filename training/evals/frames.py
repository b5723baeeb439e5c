"""The four tidy frames of an evaluation as Parquet: gen, scores, items, judge (metrics D). Columns: evals.records.

Promise: documents are scored one at a time and written in blocks, so memory stays flat in their number; in a block each
arm has row groups of its own, so that reading one arm reads little else. Every answer is scored once at the strict
tier; an answer that is not strict also at usable and repaired, where for all others both would be equal to strict. An
answer whose machinery failed (finish error) has status error and no values: that is no model's fault. A frame is whole
or not there.

Text that Parquet can't hold (halves of characters) is shown as U+FFFD in the frames; it is scored as it was.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from training.disk import disk
from training.errors import DataError
from training.evals.records import (
    GEN,
    GEN_COLUMNS,
    ITEM_COLUMNS,
    ITEMS,
    JUDGE,
    JUDGE_COLUMNS,
    SCORE_COLUMNS,
    SCORES,
    Answered,
    EvalRow,
)
from training.evals.scoring import Scorer
from training.task.pack import Pack
from training.task.records import FinishReason, Score

BLOCK = 128  # documents scored before they are written
_WORD = pa.dictionary(pa.int32(), pa.string())
_TYPES: Mapping[str, pa.DataType] = {
    **dict.fromkeys(("raw", "prompt_sha256", "parse_error", "tags", "text", "evidence", "doc", "cluster"), pa.string()),
    **dict.fromkeys(
        ("k", "chars", "prompt_tokens", "new_tokens", "batch_size", "n_objects", "prefix_chars", "suffix_chars",
         "repairs", "n", "idx", "match_idx", "repeat", "tokens_in", "tokens_out"), pa.int32(),
    ),
    **dict.fromkeys(("shown_share", "ttft_s", "gen_s", "repair_similarity", "value", "sim", "score", "cost"),
                    pa.float64()),
    **dict.fromkeys(("grounded", "qty_ok", "cached"), pa.bool_()),
}  # fmt: skip
COLUMNS = {GEN: GEN_COLUMNS, SCORES: SCORE_COLUMNS, ITEMS: ITEM_COLUMNS, JUDGE: JUDGE_COLUMNS}
Answers = Callable[[EvalRow], Sequence[Answered]]
Extra = Callable[[Answered], Sequence[Score]]


@dataclass(frozen=True, slots=True)
class Told:
    """Who hears of each block (documents done), and who is asked whether to stop."""

    done: Callable[[int], None] = lambda _done: None
    stop: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class Written:
    """What was written. `documents_per_s` is of scoring and writing together."""

    documents: int
    answers: int
    seconds: float
    stopped: bool = False
    failed: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def documents_per_s(self) -> float:
        return self.documents / self.seconds if self.seconds > 0 else 0.0


def write_frames(
    pack: Pack,
    rows: Iterable[EvalRow],
    answers: Answers,
    folder: Path,
    told: Told | None = None,
    extra: Extra = lambda _answer: (),
) -> Written:
    """Score every answer and write gen, scores and items; judge.parquet is written empty where there is none.

    `answers(row)` gives a document's answers, arm by arm; `extra` what else is known of one, such as its bits per byte.
    Where `told` says stop, nothing is written. StorageError where the disk refuses.
    """
    told = told or Told()
    began, n_docs, n_answers = time.monotonic(), 0, 0
    failed: dict[str, int] = {}
    with ExitStack() as stack:
        frames = [stack.enter_context(_Frame(folder, name)) for name in (GEN, SCORES, ITEMS)]
        for row in rows:
            if told.stop():
                for frame in frames:
                    frame.drop()
                return Written(n_docs, n_answers, time.monotonic() - began, True, failed)
            scorer = Scorer(pack, row, folder.name)
            for answer in answers(row):
                for frame, found in zip(frames, scorer.rows(answer, extra(answer)), strict=True):
                    frame.add(answer.arm, found)
                n_answers += 1
                if answer.finish == FinishReason.ERROR:
                    failed[answer.arm] = failed.get(answer.arm, 0) + 1
            for arm in scorer.arms:
                frames[1].add(arm, scorer.over_samples(arm))
            n_docs += 1
            if n_docs % BLOCK == 0:
                for frame in frames:
                    frame.flush()
                told.done(n_docs)
    if not (folder / JUDGE).exists():
        with _Frame(folder, JUDGE):
            pass
    told.done(n_docs)
    return Written(n_docs, n_answers, time.monotonic() - began, False, failed)


def read_frame(
    folder: Path, name: str, columns: Sequence[str] | None = None, where: Mapping[str, Any] | None = None
) -> Any:
    """A frame as a pandas DataFrame: `name` gen, scores, items or judge; `where` column -> value, or list of values.

    Only `columns` are read, and only the parts of the file that can hold what `where` asks for. DataError where there
    is no such frame.
    """
    file = name if name.endswith(".parquet") else f"{name}.parquet"
    path = folder / file
    if file not in COLUMNS or not path.is_file():
        raise DataError(f"{folder} has no frame {name!r}.", fix="Give the folder of a finished evaluation.")
    filters = [
        (column, "in", list(value)) if isinstance(value, (list, tuple, set, frozenset)) else (column, "==", value)
        for column, value in (where or {}).items()
    ]
    with disk("read a frame", path):
        try:
            table: Any = pq.read_table(path, columns=list(columns) if columns else None, filters=filters or None)
        except pa.ArrowInvalid as err:
            raise DataError(f"{path} is damaged: {err}.", fix="Score the evaluation again.") from err
    return _plain(table).to_pandas()


def read_frame_blocks(folder: Path, name: str, columns: Sequence[str] | None = None) -> Iterator[Any]:
    """A frame as DataFrames of some ten thousand rows each, one in memory at a time, in the order of the file."""
    path = folder / (name if name.endswith(".parquet") else f"{name}.parquet")
    with disk("read a frame", path), pq.ParquetFile(path) as file:
        for at in range(file.num_row_groups):
            group: Any = file.read_row_group(at, columns=list(columns) if columns else None)
            yield _plain(group).to_pandas()


def schema_of(name: str) -> pa.Schema:
    """The Arrow schema of a frame by its file name."""
    return pa.schema([(column, _TYPES.get(column, _WORD)) for column in COLUMNS[name]])


class _Frame:
    """One Parquet file, written in blocks beside its place and moved there when the block ends well."""

    def __init__(self, folder: Path, name: str) -> None:
        self._path, self._beside = folder / name, folder / f".{name}.part"
        self._schema, self._columns = schema_of(name), COLUMNS[name]
        self._rows: dict[str, list[tuple[Any, ...]]] = {}
        self._dropped = False

    def __enter__(self) -> Self:
        with disk("write a frame", self._path):
            self._beside.parent.mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(self._beside, self._schema, compression="zstd")
        return self

    def add(self, arm: str, rows: Sequence[tuple[Any, ...]]) -> None:
        self._rows.setdefault(arm, []).extend(rows)

    def flush(self) -> None:
        """Write what was added, a row group an arm."""
        for rows in self._rows.values():
            if not rows:
                continue
            columns = zip(*rows, strict=True)
            arrays = [
                _array(values, self._schema.field(name).type)
                for name, values in zip(self._columns, columns, strict=True)
            ]
            table: Any = pa.Table.from_arrays(arrays, schema=self._schema)
            with disk("write a frame", self._path):
                self._writer.write_table(table)
        self._rows = {}

    def drop(self) -> None:
        """Leave no file: what was written is not the whole."""
        self._dropped = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and not self._dropped:
                self.flush()
            with disk("write a frame", self._path):
                self._writer.close()
                if kind is None and not self._dropped:
                    self._beside.replace(self._path)
        finally:
            self._beside.unlink(missing_ok=True)


def _array(values: Sequence[Any], kind: Any) -> Any:
    try:
        return pa.array(values, kind)
    except UnicodeEncodeError:
        return pa.array([_whole(value) if isinstance(value, str) else value for value in values], kind)


def _whole(text: str) -> str:
    """Halves of characters as U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _plain(table: Any) -> Any:
    """Words as plain text: a category of pandas would keep the words that a filter took out."""
    for at, column in enumerate(table.schema):
        if pa.types.is_dictionary(column.type):
            table = table.set_column(at, column.name, table.column(at).cast(pa.string()))
    return table
