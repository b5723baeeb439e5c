"""Predictions: answers made elsewhere, to be measured by the same rules as answers made here.

A predictions' file is JSONL, one object a line: {"id", "output", optional "arm", "k", "finish"}. `id` is a document's;
`arm` names who answered, the file's own name where it is missing; `k` counts a document's samples from 0; `finish` is
why the answer ended (eos, stop, length or error), taken as eos where it is not said, and counted.

Promise: a line that is no prediction, and a second one of the same arm, document and sample, is a DataError with file,
line, key and fix. What the output is worth is not judged here: any text is an output.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.errors import DataError
from training.evals.data import id_of, lines_of, optional_text
from training.evals.notices import Notices

_KEYS = ("id", "output", "arm", "k", "finish")
_FINISHES = ("eos", "stop", "length", "error")


@dataclass(frozen=True, slots=True)
class Prediction:
    """One line of a predictions' file. `finish_known` False: the line did not say why its answer ended."""

    arm: str
    doc: str
    k: int
    output: str
    finish: str = "eos"
    finish_known: bool = True


def read_predictions(path: Path, notices: Notices | None = None) -> Iterator[Prediction]:
    """Answers made elsewhere, line by line. A line without `arm` belongs to the file's own name.

    DataError for a line that is no prediction, and for a second one of the same arm, document and sample.
    """
    if not path.is_file():
        raise DataError(f"There is no file {path}.", fix="Give a JSONL file with id and output a line.")
    seen: dict[tuple[str, str, int], int] = {}
    for _, number, values in lines_of(path):
        where = f"{path}, line {number}"
        if notices is not None:
            notices.look(values, _KEYS)
        found = _prediction(values, where, path.stem)
        key = (found.arm, found.doc, found.k)
        if key in seen:
            raise DataError(
                f"{where}: arm {found.arm!r} answers {found.doc!r} twice, first on line {seen[key]}.",
                fix='Keep one of them, or number samples with "k": 0, 1, ... and ask with --samples.',
            )
        seen[key] = number
        yield found
    if not seen:
        raise DataError(f"{path} holds no prediction.", fix='Give lines such as {"id": "a", "output": "..."}.')


def _prediction(values: Mapping[str, Any], where: str, stem: str) -> Prediction:
    k, finish = values.get("k", 0), values.get("finish")
    if "output" not in values:
        raise DataError(f"{where}: the key 'output' is missing.", fix="Give what the model wrote, as text.")
    if not isinstance(values["output"], str):
        raise DataError(
            f"{where}: 'output' is no text.",
            fix='Give what the model wrote, as it wrote it, in quotes; "" for an empty answer.',
        )
    if isinstance(k, bool) or not isinstance(k, int) or k < 0:
        raise DataError(f"{where}: 'k' is {k!r}.", fix="Number a document's samples 0, 1, 2, ...")
    if finish is not None and finish not in _FINISHES:
        raise DataError(f"{where}: 'finish' is {finish!r}.", fix=f"Use one of {', '.join(_FINISHES)}.")
    arm = optional_text(values, "arm", where).strip() or stem
    return Prediction(arm, id_of(values, where), k, values["output"], finish or "eos", finish is not None)
