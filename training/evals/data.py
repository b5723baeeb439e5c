"""What an evaluation is made over: documents from a file or a dataset version.

A documents' file is JSONL, one object a line: {"id", "source", "gold", optional "group", "slice", "style", "part",
"kind", "supported"}. `gold` null: nobody knows it; {}: no answer is right; for a text task it may be the answer's text.

Promise: it is read line by line, memory flat but for the ids; whatever is wrong is a DataError that names file,
line, key and the fix; nothing is mended. Keys that are not read are told. Locked parts of a version are read here: to
measure a model by them is what they are for.
"""

import array
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from training.data.rows import DataRow
from training.data.version_files import LineWriter, sha256_file
from training.disk import disk
from training.errors import DataError, InputError
from training.evals.notices import Notices
from training.evals.origin import origin_of
from training.evals.records import EvalRow
from training.task.pack import Pack
from training.task.parse import gold_object
from training.task.records import to_json
from training.task.yamlfile import deeper
from training.typed_path import typed_path

DEEPEST = 100  # levels of a gold; what writes it down and compares it goes down by calls
_ROW_KEYS = ("id", "source", "gold", "group", "slice", "style", "part", "kind", "supported")
_TEXT_KEYS = ("group", "slice", "style", "part", "kind")
_DATASET_KEYS = ("task", "origin", "place", "licence", "date", "reasoning", "notes")  # known and not needed here


@dataclass(frozen=True, slots=True)
class Data:
    """Where documents come from. `kind` file or version; `sha256` of the file, or the version's own hash; `split_by`
    is how a version's rows were parted, group or date, "" of a file. `origin` is what is known of documents that
    another evaluation wrote down: the facts of its own manifest, see training.evals.origin."""

    kind: str
    name: str
    path: Path
    sha256: str
    part: str = ""
    split_by: str = ""
    origin: Mapping[str, Any] = field(default_factory=dict[str, Any])


def find_data(text: str, pack: Pack, home: Path, part: str = "test") -> Data:
    """A file, or a dataset version by its folder, name or the beginning of its name. DataError where there is none."""
    if not text.strip():
        raise DataError("No data was named.", fix="Give a JSONL file or a dataset version.")
    path = typed_path(text, "The data")
    if path.is_file():
        sha256 = sha256_file(path)
        return Data("file", path.name, path, sha256, origin=origin_of(path, sha256))
    if path.suffix in (".jsonl", ".json", ".csv", ".txt", ".parquet"):
        raise DataError(f"There is no file {text}.", fix="Check the path: it is a JSONL file, one document a line.")
    from training.data.versions import open_version
    from training.engine.run_rows import find_dataset

    version = open_version(find_dataset(home, text))
    if version.task != pack.name:
        raise DataError(f"{version.name} is of the task {version.task}, not {pack.name}.", fix="Give that task's rows.")
    if part not in version.rows:
        known = ", ".join(version.rows)
        raise DataError(f"{version.name} has no part {part!r}.", fix=f"Ask one of its parts with --part: {known}.")
    return Data("version", version.name, version.folder, version.sha256, part, version.spec.split.by)


def documents(data: Data, pack: Pack, notices: Notices | None = None) -> Iterator[EvalRow]:
    """Every document, checked, in the order of the file or of the version. DataError for the first that is none."""
    seen: dict[str, int] = {}
    rows = _version_rows(data, pack) if data.kind == "version" else _file_rows(data.path, pack, notices)
    for number, row in enumerate(rows, start=1):
        if row.id in seen:
            raise DataError(
                f"{data.path}: the id {row.id!r} stands on documents {seen[row.id]} and {number}.",
                fix="Give each document its own id.",
            )
        seen[row.id] = number
        if notices is not None:
            notices.hold(row, pack)
        yield row
    if not seen:
        raise DataError(f"{data.path} holds no document.", fix="Give a JSONL file with one document a line.")


def read_rows(path: Path) -> Iterator[EvalRow]:
    """The documents of an evaluation's own rows.jsonl, as they were written."""
    for _, _, values in lines_of(path):
        yield _kept(values)


def keep_rows(rows: Iterator[EvalRow], path: Path, limit: int = 0) -> tuple[int, frozenset[str]]:
    """Write documents to rows.jsonl, the first `limit` where that is not 0: (how many, every id that was read).

    What is behind the limit is still checked: a prediction may name it.
    """
    ids: set[str] = set()
    kept = 0
    with LineWriter(path) as writer:
        for row in rows:
            ids.add(row.id)
            if not limit or kept < limit:
                writer.write(to_json(row))
                kept += 1
    return kept, frozenset(ids)


class RowFile:
    """The documents of a rows.jsonl, one at a time by their place: only places and ids are held."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offsets = array.array("q")
        self.ids: list[str] = []
        self.groups: set[str] = set()
        for offset, _, values in lines_of(path):
            self._offsets.append(offset)
            self.ids.append(str(values["id"]))
            self.groups.add(str(values.get("group") or values["id"]))
        self.places = {name: at for at, name in enumerate(self.ids)}
        with disk("read the documents", path):
            self._file = path.open("rb")

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[EvalRow]:
        return read_rows(self._path)

    def row(self, place: int) -> EvalRow:
        """The document at a place, 0 the first."""
        self._file.seek(self._offsets[place])
        return _kept(json.loads(self._file.readline()))

    def close(self) -> None:
        self._file.close()


def lines_of(path: Path) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """(offset, line number, object) of each line that is not blank."""
    offset = 0
    with disk("read a file", path), path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            start, offset = offset, offset + len(line)
            text = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
            if not text.strip():
                continue
            try:
                values = json.loads(text)
            except (ValueError, RecursionError) as err:
                raise DataError(f"{path}, line {number} is no JSON: {err}.", fix="Mend or remove that line.") from err
            if not isinstance(values, dict):
                raise DataError(f"{path}, line {number} holds no object.", fix='Write {"id": ..., ...} on each line.')
            yield start, number, cast("dict[str, Any]", values)


def _file_rows(path: Path, pack: Pack, notices: Notices | None) -> Iterator[EvalRow]:
    for _, number, values in lines_of(path):
        if notices is not None:
            notices.look(values, _ROW_KEYS + _DATASET_KEYS)
        yield _row(values, f"{path}, line {number}", pack)


def _row(values: Mapping[str, Any], where: str, pack: Pack) -> EvalRow:
    source = text_of(values, "source", where, "the text that a model reads")
    if "gold" not in values:
        raise DataError(
            f"{where}: the key 'gold' is missing.",
            fix="Give the right answer, {} where none is right, or null where nobody knows.",
        )
    texts = {key: optional_text(values, key, where) for key in _TEXT_KEYS}
    if texts["kind"] not in ("", "text", "html"):
        raise DataError(f"{where}: 'kind' is {texts['kind']!r}.", fix="Write text or html, or leave it out.")
    return EvalRow(
        id=id_of(values, where), source=source, gold=_gold(values["gold"], where, pack), group=texts["group"],
        slice=texts["slice"], style=texts["style"], part=texts["part"], kind=texts["kind"] or "text",
        supported=_supported(values.get("supported"), where, pack),
    )  # fmt: skip


def _gold(gold: Any, where: str, pack: Pack) -> dict[str, Any] | None:
    if gold is None:
        return None
    if deeper(gold, DEEPEST):
        raise DataError(
            f"{where}, key 'gold': lists and objects lie more than {DEEPEST} levels deep.",
            fix="Give the answer as its task's contract has it.",
        )
    try:
        return gold_object(pack, gold)
    except InputError as err:
        raise DataError(f"{where}, key 'gold': {err}", fix=err.fix) from err


def _supported(value: Any, where: str, pack: Pack) -> dict[str, tuple[str, ...]]:
    """By field the texts that a person found supported; null and a missing key say that nobody looked."""
    if value is None:
        return {}
    wrong = DataError(
        f"{where}: 'supported' is no list of texts by field.",
        fix='Write it as {"recipeIngredient": ["2 eggs", ...]}, or leave it out.',
    )
    if not isinstance(value, dict):
        raise wrong
    found: dict[str, tuple[str, ...]] = {}
    for name, texts in cast("dict[str, Any]", value).items():
        if pack.field(name) is None:
            known = ", ".join(spec.name for spec in pack.fields)
            raise DataError(f"{where}: 'supported' names {name!r}, no field of the task.", fix=f"Fields: {known}.")
        items = cast("list[Any]", texts) if isinstance(texts, list) else None
        if items is None or not all(isinstance(text, str) for text in items):
            raise wrong
        found[name] = tuple(items)
    return found


def id_of(values: Mapping[str, Any], where: str) -> str:
    """A document's id; a whole number is read as its digits, in documents and predictions alike."""
    value = values.get("id")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    name = text_of(values, "id", where, "a name of its own")
    if any("\ud800" <= char <= "\udfff" for char in name):
        raise DataError(f"{where}: 'id' holds half a character.", fix="Give a name that can be written as UTF-8.")
    return name


def text_of(values: Mapping[str, Any], key: str, where: str, what: str) -> str:
    if key not in values:
        raise DataError(f"{where}: the key {key!r} is missing.", fix=f"Give {what}.")
    value = values[key]
    if not isinstance(value, str) or not value.strip():
        shown = "is blank" if isinstance(value, str) else "is no text"
        raise DataError(f"{where}: {key!r} {shown}.", fix=f"Give {what}, in quotes.")
    return value


def optional_text(values: Mapping[str, Any], key: str, where: str) -> str:
    value = values.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise DataError(f"{where}: {key!r} is no text.", fix="Write it in quotes, or leave it out.")
    return value


def _version_rows(data: Data, pack: Pack) -> Iterator[EvalRow]:
    from training.data.versions import read_version, rows_of

    for row in rows_of(read_version(data.path), data.part):
        yield _from_dataset(row, pack, data)


def _from_dataset(row: DataRow, pack: Pack, data: Data) -> EvalRow:
    gold = _gold(row.gold, f"{data.path}, {data.part} row {row.id}", pack)
    return EvalRow(row.id, row.source, gold, row.group, row.slice, row.style, data.part)


def _kept(values: Mapping[str, Any]) -> EvalRow:
    supported = {name: tuple(texts) for name, texts in values["supported"].items()}
    return EvalRow(**{**values, "supported": supported})
