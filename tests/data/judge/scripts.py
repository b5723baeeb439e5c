"""Judges for the scripted server of tests/data/teacher/server.py: what they say of a row, and what they were shown."""

import json
import re
from typing import Any

from tests.data.teacher.server import Say, completion
from training.data.gates.plan import DIMENSIONS


def scores(**changes: int) -> dict[str, int]:
    return dict.fromkeys(DIMENSIONS, 4) | {"format": 5} | changes


def verdict(reason: str = "Nothing speaks against it.", decision: str = "accept", **changes: Any) -> Say:
    """A whole verdict. `fixed_row` as it is given, everything else a score."""
    fixed = changes.pop("fixed_row", None)
    said = {"reason": reason, "scores": scores(**changes), "decision": decision, "fixed_row": fixed}
    return completion(json.dumps(said))


def fair(number: int, body: dict[str, Any]) -> Say:
    """Accepts whatever it is shown."""
    return verdict()


def shown(body: dict[str, Any], name: str = "TEXT") -> str:
    """What stands between the marks of that name."""
    match = re.search(rf"<<{name}-(\w+)>>\n(.*)\n<</{name}-\1>>", body["messages"][-1]["content"], re.DOTALL)
    assert match, "the material stands between marks"
    return match[2]
