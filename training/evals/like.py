"""An evaluation done again from its records: the same job on the same documents, and whether its figures are equal.

The documents are those of the dataset version where that very version is at hand, else the evaluation's rows.jsonl,
which holds what was evaluated. Limits: without the version nobody can say what of an answer stands in its training
rows (`copied` is then not compared), and worked examples are the task's own; both are told. Times are the machine's and
never compared.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from training.data.rows import canonical
from training.disk import disk
from training.errors import DataError, InputError
from training.evals.answers_read import answers_in
from training.evals.directory import read_job
from training.evals.manifest import read_manifest
from training.evals.metrics import SPEED
from training.evals.records import ROWS, SUMMARY, EvalJob
from training.task.records import sha256_text
from training.typed_path import typed_path

DIGITS = 1e-9  # relative: what is nearer is the same figure
TIMES = frozenset(name for name, *_ in SPEED) - {"new_tokens"}
FROM_TRAINING = frozenset({"copied", "copied_longest"})  # need the version's training rows
_FIGURE = ("value", "ci_low", "ci_high", "n_scored", "n_total")
_PAIR = ("difference", "ci_low", "ci_high", "p", "effect")
_DECIDES = (
    ("documents", "data", "sha256"), ("task pack", "task_pack", "sha256"), ("decoding", "decoding", "sha256"),
    ("batch size", "decoding", "batch_size"),
)  # fmt: skip


def like_job(folder: Path, home: Path) -> tuple[EvalJob, list[str]]:
    """(the job that an evaluation's folder records, its documents found; what to know of it in sentences).

    InputError for a folder without a job or documents; predictions that are gone make one as well.
    """
    job, data = replace(read_job(folder), trained_on=""), read_manifest(folder).get("data") or {}  # its report is there
    if not (folder / ROWS).is_file():
        raise InputError(f"{folder} has no {ROWS}: its documents are gone.", fix="Give an evaluation that has them.")
    if job.predictions and not typed_path(job.predictions, "predictions").is_file():
        raise InputError(
            f"{folder} measured predictions of {job.predictions}, which is not there.", fix="Put that file back."
        )
    name, told = str(data.get("name") or ""), []
    if data.get("kind") == "version":
        found = _version(name, str(data.get("source_sha256") or ""), home)
        if found is not None:
            return replace(job, data=str(found), part=str(data.get("part") or job.part)), told
        told.append(
            f"The dataset version {name} is not here: the documents are those of {folder / ROWS}, and nothing is "
            "compared with its training rows. Build that version first to have those figures too."
        )
    return replace(job, data=str(folder / ROWS)), told


def _version(name: str, sha256: str, home: Path) -> Path | None:
    """The folder of this very version; None where it is not here, or another one has its name."""
    from training.data.versions import open_version
    from training.engine.run_rows import find_dataset

    try:
        found = open_version(find_dataset(home, name))
    except DataError:
        return None
    return found.folder if found.sha256 == sha256 else None


@dataclass(frozen=True, slots=True)
class Sameness:
    """What two evaluations have in common. Counts are of figures that both have: an arm's metric with its interval and
    n, or a difference with its interval and p. `different` names those that are not equal to nine digits, `missing`
    those of only one side; `answers_equal` of `answers` are the same letter for letter. `records` says in what the two
    were made otherwise."""

    figures: int
    different: tuple[str, ...]
    missing: tuple[str, ...]
    answers: int
    answers_equal: int
    records: tuple[str, ...]

    @property
    def same(self) -> bool:
        return self.figures > 0 and not self.different and not self.missing and self.answers == self.answers_equal

    def lines(self, most: int = 12) -> list[str]:
        """For a person, the sum first."""
        equal = self.figures - len(self.different)
        found = [
            f"{equal:,} of {self.figures:,} figures are equal to nine digits, {self.answers_equal:,} of "
            f"{self.answers:,} answers letter for letter. Times are the machine's and not compared."
        ]
        found += [f"made otherwise: {line}" for line in self.records]
        for words, names in (("not equal", self.different), ("of one side only", self.missing)):
            found += [f"{words}: {name}" for name in names[:most]]
            if len(names) > most:
                found.append(f"{words}: {len(names) - most:,} more")
        return found


def sameness(there: Path, here: Path) -> Sameness:
    """Two finished evaluations side by side, figures of the strict tier. StudioError for one that has no summary."""
    kinds = {(read_manifest(folder).get("data") or {}).get("kind") for folder in (there, here)}
    skipped = TIMES if len(kinds) == 1 else TIMES | FROM_TRAINING
    left, right = _figures(there, skipped), _figures(here, skipped)
    both = [name for name in left if name in right]
    different = tuple(name for name in both if not _equal(left[name], right[name]))
    missing = tuple(sorted(left.keys() ^ right.keys()))
    said, mine = _answers(there), _answers(here)
    asked = said.keys() | mine.keys()
    equal = sum(said.get(key) == mine.get(key) for key in asked)
    return Sameness(len(both), different, missing, len(asked), equal, tuple(_otherwise(there, here)))


def _figures(folder: Path, skipped: frozenset[str]) -> dict[str, tuple[Any, ...]]:
    import json

    with disk("read the figures", folder / SUMMARY):
        summary: Mapping[str, Any] = json.loads((folder / SUMMARY).read_text("utf-8"))
    found = {
        f"{metric} of {arm}": tuple(figure.get(key) for key in _FIGURE)
        for arm, figures in summary["arms"].items()
        for metric, figure in figures.items()
        if metric not in skipped
    }
    return found | {
        f"{pair['metric']} of {pair['b']} against {pair['a']}": tuple(pair.get(key) for key in _PAIR)
        for pair in summary["pairs"]
        if pair["metric"] not in skipped
    }


def _equal(left: Iterable[Any], right: Iterable[Any]) -> bool:
    return all(
        a == b if a is None or b is None else math.isclose(a, b, rel_tol=DIGITS, abs_tol=1e-12)
        for a, b in zip(left, right, strict=True)
    )


def _answers(folder: Path) -> dict[tuple[str, str, int], str]:
    """By arm, document and sample the hash of the answer."""
    return {(given.arm, given.doc, given.k): sha256_text(given.raw) for given in answers_in(folder)}


def _otherwise(there: Path, here: Path) -> Iterable[str]:
    """What decides a figure and is not the same in the two manifests."""
    left, right = read_manifest(there), read_manifest(here)
    for words, part, key in _DECIDES:
        a, b = ((found.get(part) or {}).get(key) for found in (left, right))
        if a != b:
            yield words if key == "sha256" else f"{words} {a} there, {b} here"
    models, mine = left.get("arms") or {}, right.get("arms") or {}
    for arm in models:
        for key, words in (("base_sha256", "base"), ("adapter_sha256", "adapter"), ("prompts_sha256", "prompts"),
                           ("dtype", "number format")):  # fmt: skip
            if arm in mine and (models[arm].get(key) or "") != (mine[arm].get(key) or ""):
                yield f"the {words} of {arm}"
    for part in ("versions", "machine"):
        a, b = left.get(part) or {}, right.get(part) or {}
        for key in (key for key in a if key in b and key != "memory_bytes" and canonical(a[key]) != canonical(b[key])):
            yield f"{key} {a[key]} there, {b[key]} here"
