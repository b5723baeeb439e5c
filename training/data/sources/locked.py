"""No row that a version holds out for evaluation comes back as a row to train on, by way of its file.

Test, golden and adversarial files are known by lying beside a version's manifest; of a dataset folder, by the split.
A source that pins its rows to a held-out part may read them. Limits: a file that was copied out of its version says no
longer what it was; `protect` in the spec keeps such texts out.
"""

import os
from pathlib import Path

from training.data.spec import SourceSpec
from training.data.versions import LOCKED, MANIFEST
from training.errors import DataError
from training.typed_path import typed_path

FILES = {f"{part}.jsonl": part for part in LOCKED}


def refuse_locked(spec: SourceSpec) -> None:
    """DataError where the source reads held-out rows of a version and does not keep them for evaluation."""
    part = "" if spec.part in LOCKED else _locked_part(spec)
    if part:
        raise DataError(
            f"{spec.origin} holds the {part} rows of a dataset version, which are locked: "
            "a model that saw them could not be measured by them.",
            fix=f"Name the version's train.jsonl instead, or put `part: {part}` into the source: then its rows are "
            "kept for evaluation.",
        )


def _locked_part(spec: SourceSpec) -> str:
    """The held-out part that a source reads, "" for none."""
    if spec.kind == "file":
        given = Path(spec.path)
        places = (given, Path(os.path.realpath(given)))  # a link by another name is the same file
        return next((FILES[p.name] for p in places if p.name in FILES and os.path.isfile(p.parent / MANIFEST)), "")
    if spec.kind == "hub" and (typed_path(spec.dataset, "The dataset") / MANIFEST).is_file():
        return next((part for part in LOCKED if part in spec.split), "")
    return ""
