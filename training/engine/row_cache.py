"""Rendered rows, kept in HOME/cache/rows, so that the checks of a run, its examples and its worker render each once.

Promise: a kept row is what rendering it would give now. A file is named by a hash of all that rendering reads: the
dataset version, the part, the pack, the tokenizer with its template and the base's config, this code and the libraries
under it. Of a run's settings nothing else changes a row: task, dataset, base and revision are in there as what they
name. A file that is torn or was changed is told in the log and its rows are rendered anew; a disk that refuses is told
as well, and costs only time. All files together stay below MOST_BYTES; those that were used longest ago go first.
Limits: two processes that render the same rows at once both do it, and the later file stays.
"""

import hashlib
import json
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from training.disk import write_whole
from training.engine.hashes import hash_file

FORMAT = 1
MOST_BYTES = 200_000_000
STALE_S = 3600  # what a writer that was killed has left is older than this
TOKENIZER_FILES = ("*.json", "*.jinja", "*.model", "*.txt")
PACK_FILES = ("task.yaml", "output_schema.json")
LIBRARIES = ("transformers", "tokenizers", "jinja2")
TRAINING = Path(__file__).resolve().parents[1]
CODE = ("task/**/*.py", "data/exports.py", "data/rows.py", "engine/run_rows.py", "engine/row_cache.py",
        "engine/tokens.py")  # fmt: skip
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rendered:
    """One row as a base is asked it and as it answers. `reason` says why it can't be learnt from, "" where it can.

    `prompt_ids` are the tokens that Compare would send. Of the source's `source_tokens`, `cut_tokens` found no room.
    """

    id: str
    reason: str
    prompt: str
    completion: str
    prompt_ids: tuple[int, ...]
    source_tokens: int
    cut_tokens: int


def key_of(version_sha256: str, part: str, pack: Path, tokenizer: Path) -> str:
    """Hex name of the rows of a part as a pack asks a base for them; `pack` and `tokenizer` are folders."""
    read = [path for name in PACK_FILES if (path := pack / name).is_file()]
    read += sorted({path for pattern in TOKENIZER_FILES for path in tokenizer.glob(pattern)})
    told = [FORMAT, version_sha256, part, _code(), [[path.name, hash_file(path)] for path in read]]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:40]


@lru_cache(maxsize=1)
def _code() -> str:
    """Hash of the code that renders, and the versions of what it calls: a studio that was updated renders anew."""
    digest = hashlib.sha256(" ".join(version(name) for name in LIBRARIES).encode())
    for path in sorted(path for pattern in CODE for path in TRAINING.glob(pattern)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


class RowCache:
    """The rendered rows of one key, by their place in the version's part."""

    def __init__(self, home: Path, key: str) -> None:
        self.path = home / "cache" / "rows" / f"{key}.jsonl"

    def read(self) -> dict[int, Rendered]:
        """What is kept; {} where nothing is, or where the file can't be trusted."""
        try:
            head, _, body = self.path.read_text("utf-8").partition("\n")
            facts = json.loads(head)
            if facts != _facts(body):
                raise ValueError("it is not as it was written")
            found = dict(_row(json.loads(line)) for line in body.splitlines())
            os.utime(self.path)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError) as err:
            log.warning("Kept rows in %s can't be used (%s): they are rendered anew.", self.path, err)
            return {}
        return found

    def write(self, rows: Mapping[int, Rendered]) -> None:
        """Keep the rows, whole or not at all, and make room for them."""
        body = "".join(json.dumps([at, *astuple(row)], ensure_ascii=True) + "\n" for at, row in sorted(rows.items()))
        if len(body) > MOST_BYTES:
            log.warning("%d rendered rows are not kept: they take more than %d bytes.", len(rows), MOST_BYTES)
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.path, json.dumps(_facts(body)) + "\n" + body)
            self._make_room()
        except OSError as err:
            log.warning("Rendered rows could not be kept (%s): the next look renders them anew.", err)

    def _make_room(self) -> None:
        every = [(path, path.stat()) for path in self.path.parent.iterdir()]
        for path, stat in every:
            if path.name.startswith(".") and time.time() - stat.st_mtime > STALE_S:
                path.unlink(missing_ok=True)
        kept = sorted((item for item in every if item[0].suffix == ".jsonl"), key=lambda item: item[1].st_mtime_ns)
        total = sum(stat.st_size for _, stat in kept)
        for path, stat in kept:
            if total > MOST_BYTES and path != self.path:
                path.unlink(missing_ok=True)
                total -= stat.st_size


def _facts(body: str) -> dict[str, Any]:
    return {"format": FORMAT, "rows": body.count("\n"), "sha256": hashlib.sha256(body.encode()).hexdigest()}


def _row(line: list[Any]) -> tuple[int, Rendered]:
    at, row, reason, prompt, completion, ids, source, cut = line
    return int(at), Rendered(row, reason, prompt, completion, tuple(ids), source, cut)
