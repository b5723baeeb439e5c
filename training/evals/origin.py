"""Where the documents of another evaluation came from: its rows.jsonl is a file that knows its own history.

So that an evaluation that is done again from its records has the same leak report and tells of the same dataset, where
the dataset version itself is not at hand. Only rows that are letter for letter those of the manifest are believed.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.evals.records import MANIFEST, ROWS

LEAKS = "leaks.json"
_KNOWN = ("kind", "name", "part", "split_by", "source_sha256")


def origin_of(path: Path, sha256: str) -> dict[str, Any]:
    """What the manifest beside a rows.jsonl says of its documents; {} for any other file, or where they were changed.

    `sha256` is the file's.
    """
    if path.name != ROWS:
        return {}
    try:
        data: Mapping[str, Any] = json.loads((path.parent / MANIFEST).read_text("utf-8"))["data"]
        same = data["sha256"] == sha256
    except (OSError, ValueError, TypeError, KeyError):
        return {}
    return {name: data[name] for name in _KNOWN if name in data} if same else {}
