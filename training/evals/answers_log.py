"""The answers of an evaluation as they come: answers.jsonl, one line an answer, from which a stopped one goes on.

Promise: an answer whose line is whole is never asked for again; a last line that was cut off while it was written is
told, taken away and asked for again; a broken line elsewhere is an error with its number, for then the file is not
what was written here. An answer that ended in an error is asked for again the next time, and the later line counts.
Memory holds eight bytes an answer; the answers themselves are read from the file when they are wanted.
"""

import array
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

from training.disk import disk
from training.errors import DataError
from training.evals.records import Answered
from training.task.records import to_json

_FIELDS = frozenset(field.name for field in fields(Answered))
_NONE = -1


def line_of(answer: Answered) -> str:
    """An answer as its line, line end included; any text survives as JSON escapes."""
    return json.dumps(to_json(answer), ensure_ascii=True, separators=(",", ":")) + "\n"


class AnswersLog:
    """Answers by arm, document and sample. `torn` says in words what was taken away when it was opened, "" for nothing.

    `keep` chooses which of the answers that stand there still count; the file is written anew without the others.
    """

    def __init__(
        self,
        path: Path,
        arms: Sequence[str],
        docs: Sequence[str],
        samples: int = 1,
        keep: Callable[[Answered], bool] = lambda _answer: True,
    ) -> None:
        self._path, self._samples = path, samples
        self._arms = {arm: at for at, arm in enumerate(arms)}
        self._docs = docs
        self._places = {doc: at for at, doc in enumerate(docs)}
        self._offsets = [array.array("q", [_NONE]) * (len(docs) * samples) for _ in arms]
        self.torn = ""
        with disk("open the answers", path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._cut_torn()
            if path.exists():
                self._read(keep)
            self._file = path.open("ab")
            self._reader = path.open("rb")

    def append(self, answer: Answered) -> None:
        """Keep an answer; it is on its way to the disk when this returns. StorageError where the disk refuses."""
        with disk("keep an answer", self._path):
            offset = self._file.tell()
            self._file.write(line_of(answer).encode("ascii"))
            self._file.flush()
        self._offsets[self._arms[answer.arm]][self._slot(answer.doc, answer.k)] = offset

    def has(self, arm: str, doc: str, k: int = 0) -> bool:
        return self._offsets[self._arms[arm]][self._slot(doc, k)] != _NONE

    def get(self, arm: str, doc: str, k: int = 0) -> Answered | None:
        """The answer, None where there is none yet."""
        offset = self._offsets[self._arms[arm]][self._slot(doc, k)]
        if offset == _NONE:
            return None
        self._reader.seek(offset)
        return _answer(json.loads(self._reader.readline()))

    def count(self, arm: str) -> int:
        """How many answers of an arm are there."""
        return sum(offset != _NONE for offset in self._offsets[self._arms[arm]])

    def missing(self, arm: str) -> Iterator[tuple[str, int]]:
        """(document, sample) of each answer that is not there, in the documents' order."""
        for slot, offset in enumerate(self._offsets[self._arms[arm]]):
            if offset == _NONE:
                yield self._docs[slot // self._samples], slot % self._samples

    def of(self, doc: str) -> list[Answered]:
        """Every answer to a document, arm by arm. KeyError for a document that is none."""
        found = (self.get(arm, doc, k) for arm in self._arms for k in range(self._samples))
        return [answer for answer in found if answer is not None]

    def close(self) -> None:
        """What was appended is on the disk afterwards."""
        with disk("keep the answers", self._path):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._reader.close()

    def _slot(self, doc: str, k: int) -> int:
        return self._places[doc] * self._samples + k

    def _cut_torn(self) -> None:
        """Take away a last line without an end: its process was ended, or the power, while it was written."""
        if not self._path.exists() or not (size := self._path.stat().st_size):
            return
        with self._path.open("rb+") as file:
            at = size
            while at > 0:
                start = max(0, at - 65536)
                file.seek(start)
                found = file.read(at - start).rfind(b"\n")
                if found >= 0:
                    at = start + found + 1
                    break
                at = start
            if at < size:
                file.truncate(at)
                self.torn = f"The last answer was cut off while it was written ({size - at:,} bytes): asked again."

    def _read(self, keep: Callable[[Answered], bool]) -> None:
        """Take in what stands there. Answers that don't count any more are left out of a new file first."""
        kept = True
        for offset, answer in self._stored():
            if self._counts(answer) and keep(answer):
                done = answer.finish != "error"
                self._offsets[self._arms[answer.arm]][self._slot(answer.doc, answer.k)] = offset if done else _NONE
            else:
                kept = False
        if not kept:
            self._write_anew()

    def _counts(self, answer: Answered) -> bool:
        return answer.arm in self._arms and answer.doc in self._places and 0 <= answer.k < self._samples

    def _write_anew(self) -> None:
        beside = self._path.with_name(f".{self._path.name}.part")
        with self._path.open("rb") as old, beside.open("wb") as new:
            for offsets in self._offsets:
                for slot, offset in enumerate(offsets):
                    if offset != _NONE:
                        old.seek(offset)
                        offsets[slot] = new.tell()
                        new.write(old.readline())
            new.flush()
            os.fsync(new.fileno())
        os.replace(beside, self._path)

    def _stored(self) -> Iterator[tuple[int, Answered]]:
        offset = 0
        with self._path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                try:
                    answer = _answer(json.loads(line))
                except (ValueError, TypeError, KeyError) as err:
                    raise DataError(
                        f"{self._path}, line {number} is no answer: {err}.",
                        fix="Remove that line, or the whole file to ask everything again.",
                    ) from err
                yield offset, answer
                offset += len(line)


def _answer(values: Any) -> Answered:
    given = cast("dict[str, Any]", values)
    if not isinstance(values, dict) or not {"arm", "doc", "k", "raw", "finish"} <= given.keys() <= _FIELDS:
        raise ValueError("it lacks a key, or has one too many")
    return Answered(**given)
