"""A stage of a build on the disk: lines written beside their place, a marker that says what went in, and re-use.

A stage counts as finished when its marker names the same input, was written by the same code, and the files it names
are there in full. What a killed process left is written anew.
"""

import functools
import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from training.data.version_files import FileFacts, LineWriter, sha256_file
from training.disk import disk, write_whole
from training.task.records import to_json

MATERIAL = tuple(Path(__file__).parents[2] / "assets" / name for name in ("corpus", "news", "pages", "words"))
CODE = (Path(__file__).parent, Path(__file__).parents[1] / "task")  # what decides over rows


def folder_hash(*folders: Path, pattern: str = "*") -> str:
    """One hash over the names and bytes of all files below some folders; those that are not there count as empty."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob(pattern)) if folder.is_dir() else []:
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(
                    f"{path.relative_to(folder).as_posix()}:{sha256_file(path)}\n".encode("utf-8", "surrogatepass")
                )
    return digest.hexdigest()


@functools.cache
def material_hash() -> str:
    """What the built-in sources and the renderers write with, as this process found it."""
    return folder_hash(*MATERIAL)


class Cancelled(Exception):
    """Someone asked the build to stop."""


@functools.cache
def code_hash() -> str:
    """The code that makes and judges rows, as this process found it."""
    return folder_hash(*CODE, pattern="*.py")


class Stage:
    """`name` within `folder`; `given` is the hash of all that goes into it."""

    def __init__(self, folder: Path, name: str, given: str) -> None:
        self._folder, self._name, self._given = folder, name, f"{code_hash()}:{given}"
        self._marker = folder / f"{name}.json"
        self._files: dict[str, FileFacts] = {}
        self.notes: dict[str, Any] = {}

    def path(self, file: str) -> Path:
        return self._folder / f"{self._name}-{file}.jsonl"

    def facts(self, file: str) -> FileFacts:
        return self._files[file]

    def finished(self) -> bool:
        """True where the stage was done before from the same input; its notes and files are then as they were."""
        try:
            marker = json.loads(self._marker.read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return False
        if marker.get("given") != self._given:
            return False
        files = {name: FileFacts(**facts) for name, facts in marker["files"].items()}
        if any(not self.path(name).is_file() or sha256_file(self.path(name)) != f.sha256 for name, f in files.items()):
            return False
        self._files, self.notes = files, marker["notes"]
        return True

    @contextmanager
    def writing(self, *names: str) -> Iterator[tuple[LineWriter, ...]]:
        """Writers of the stage's files, which take their places when all is written."""
        with disk("make the build's folder", self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._marker.unlink(missing_ok=True)
        with ExitStack() as stack:
            writers = tuple(stack.enter_context(LineWriter(self.path(name))) for name in names)
            yield writers
        self._files = {name: writer.facts for name, writer in zip(names, writers, strict=True)}

    def finish(self, notes: dict[str, Any]) -> None:
        """Mark the stage as done. StorageError where the disk refuses."""
        self.notes = notes
        marker = {"given": self._given, "files": to_json(self._files), "notes": notes}
        with disk("mark a stage of the build", self._marker):
            write_whole(self._marker, json.dumps(marker))
