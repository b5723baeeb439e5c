"""The status bar: device, memory, the model in it, what runs and who waits. Always true, never longer than a line."""

from collections.abc import Mapping
from typing import Any

from studio.views.markup import Html, el, number, plural
from training.task.records import to_json

GB = 1e9
NOT_CHOSEN = "not chosen yet"  # the engine's word before it has loaded anything


def memory_words(used_bytes: int | None, total_bytes: int | None) -> str:
    """'3.1 of 24 GB' (10^9 bytes); 'memory unknown' where the device doesn't say."""
    if used_bytes is None or not total_bytes:
        return "memory unknown"
    return f"{number(round(used_bytes / GB, 1))} of {number(round(total_bytes / GB, 1))} GB"


def status_bar(status: Any, *, doing: str = "", runs: str = "") -> Html:
    """`status` is the engine's (JSON form or record); `doing` says more of what runs ('token 120 of 512, 4 s').

    `runs` is the training queue in words ('1 running (r64: step 31 of 50, about 40 s left), 2 queued'), "" at rest.
    """
    data: Mapping[str, Any] = to_json(status)
    cores = data.get("cores")
    device = str(data["device"])
    device = "Device not chosen yet," if device == NOT_CHOSEN else device.upper()
    device += f" {plural(int(cores), 'core')}" if cores else ""
    model = (el("bdi", str(data["base"])), " loaded") if data.get("base") else ("no model loaded yet",)
    adapters = data.get("adapters") or ()
    parts = [
        el("span", device, title=f"numbers as {data['dtype']}" if data.get("dtype") else None),
        el("span", memory_words(data.get("memory_used_bytes"), data.get("memory_total_bytes"))),
        el("span", *model, f", {plural(len(adapters), 'adapter')}" if adapters else None),
        el("span", _queue(str(data["state"]), int(data.get("waiting") or 0), doing), cls=f"tt-state-{data['state']}"),
    ]
    if runs:
        parts.append(el("span", f"Train: {runs}", cls="tt-status-runs"))
    return el("div", *parts, cls="tt-status-in", role="status")


def _queue(state: str, waiting: int, doing: str) -> str:
    words = {"idle": "ready", "loading": "loading", "generating": "1 running"}.get(state, state)
    now = f"{words}: {doing}" if doing and state != "idle" else words
    return f"{now}, {number(waiting)} waiting" if waiting else now
