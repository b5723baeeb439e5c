"""The status bar's facts: what the engine says, and who stands in line."""

from typing import Any

from studio.deps import Deps
from training.task.records import to_json


def engine_status(deps: Deps) -> dict[str, Any]:
    """EngineStatus as JSON; `waiting` counts people in the studio's line as well as callers inside the engine."""
    data: dict[str, Any] = to_json(deps.engine.status())
    running, waiting = deps.line.counts()
    data["waiting"] = int(data.get("waiting") or 0) + waiting
    if running and data["state"] == "idle":
        data["state"] = "loading"  # the run has begun and has not reached the model yet
    return data
