"""Every question put to an endpoint and what came of it, in one file that only grows: JSONL, one exchange a line.

The last good answer to a request is final: it is read from here and never asked for again. A failure stands here with
its reason and is asked again. A line is on the disk before its answer is used, so a process that is killed loses
what was under way and nothing else. A torn or damaged line is counted in `damaged`, kept as it is, and its request
asked again; what comes next begins on a line of its own.

Limits: one writer at a time, which is for `Asking` to see to. An answer that was under way when the process died may
have been charged for.
"""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from training.chat.exchange import Failure, Reply, Request, Usage
from training.disk import disk
from training.task.records import to_json

_USAGE = ("calls", "input_tokens", "output_tokens", "estimated_calls")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


class Ledger:
    """A context over one file, made with its folder where it is not there. StorageError where the disk refuses.

    In memory stand a request's key and where its answer is in the file, not the answer.
    """

    def __init__(self, path: Path, now: Callable[[], str] = _now) -> None:
        self._path, self._now = path, now
        self._places: dict[str, tuple[int, int]] = {}  # key -> offset and length in bytes of its good answer
        self._spent = Usage()
        self.damaged: tuple[int, ...] = ()  # line numbers from 1

    def __enter__(self) -> Self:
        with disk("open the ledger of answers", self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("a+b")
        self._read()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def spent(self) -> Usage:
        """What all exchanges of the file used, failed ones as well."""
        return self._spent

    def __len__(self) -> int:
        """Requests with a good answer."""
        return len(self._places)

    def knows(self, key: str) -> bool:
        """Whether a good answer to that request stands here."""
        return key in self._places

    def find(self, key: str) -> Reply | None:
        """The good answer to that request, None where there is none."""
        place = self._places.get(key)
        if place is None:
            return None
        offset, length = place
        with disk("read the ledger of answers", self._path), self._path.open("rb") as file:
            file.seek(offset)
            line = json.loads(file.read(length))
        return Reply(line["answer"], line["reasoning"], line["finish"], line["served_by"], _usage(line))

    def record(self, request: Request, outcome: Reply | Failure) -> None:
        """Writes one exchange through to the disk. What used no call and brought no answer leaves no line."""
        if isinstance(outcome, Failure) and not outcome.usage.calls:
            return
        line: dict[str, Any] = {"key": request.key, "at": self._now(), "request": to_json(request)}
        if isinstance(outcome, Reply):
            line |= {"status": "answered", "answer": outcome.text, "reasoning": outcome.reasoning}
            line |= {"finish": outcome.finish, "served_by": outcome.model}
        else:
            line |= {"status": "failed", "kind": outcome.kind, "reason": outcome.reason}
        line["usage"] = to_json(outcome.usage)
        data = json.dumps(line).encode("ascii") + b"\n"
        with disk("write the ledger of answers", self._path):
            offset = self._file.seek(0, os.SEEK_END)
            self._file.write(data)
            self._file.flush()
            os.fsync(self._file.fileno())
        self._book(line, offset, len(data))

    def _read(self) -> None:
        damaged: list[int] = []
        offset, data = 0, b"\n"
        with disk("read the ledger of answers", self._path):
            self._file.seek(0)
            for number, data in enumerate(self._file, 1):
                line = _parse(data)
                if line is None:
                    damaged.append(number)
                else:
                    self._book(line, offset, len(data))
                offset += len(data)
            if not data.endswith(b"\n"):
                self._file.write(b"\n")
                self._file.flush()
        self.damaged = tuple(damaged)

    def _book(self, line: dict[str, Any], offset: int, length: int) -> None:
        self._spent += _usage(line)
        if line["status"] == "answered":
            self._places[line["key"]] = (offset, length)


def used_in(path: Path) -> tuple[Usage, int]:
    """What all exchanges of a ledger used, and how many of its lines can't be read. None is made."""
    if not path.is_file():
        return Usage(), 0
    with Ledger(path) as ledger:
        return ledger.spent, len(ledger.damaged)


def _parse(data: bytes) -> dict[str, Any] | None:
    """A line that this module wrote, whole; None for anything else."""
    try:
        line = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(line, dict) or line.get("status") not in ("answered", "failed"):
        return None
    texts = ("key", "answer", "reasoning", "finish", "served_by") if line["status"] == "answered" else ("key", "reason")
    usage = line.get("usage")
    counted = isinstance(usage, dict) and all(type(usage.get(name)) is int for name in _USAGE)
    return line if counted and all(isinstance(line.get(name), str) for name in texts) else None


def _usage(line: dict[str, Any]) -> Usage:
    return Usage(*(line["usage"][name] for name in _USAGE))
