"""What runs have made, read from their directories alone: HOME/runs/<id>/adapter, or model/ of a full fine-tune.

Promise: a run's folder that is half written or damaged never hides the others; whatever of it can't be read is left
empty. Runs that are still worked on are not looked at. No torch, no index, and nothing is kept: a run that ended a
moment ago is there. Limits: names and tasks are what run.json says, the weights are not opened here.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from training.disk import read_object
from training.runs.config import FIELDS, RunConfig
from training.runs.states import ACTIVE, QUEUED

ADAPTER, MODEL = "adapter", "model"
_SIGN = {ADAPTER: "adapter_config.json", MODEL: "config.json"}
_OPEN = ACTIVE | {QUEUED}


@dataclass(frozen=True, slots=True)
class RunOutput:
    """`run` is the id it is called by; `label` is the config's, with the id's end where two runs share one."""

    run: str
    label: str
    task: str | None
    base: str | None
    folder: Path


def run_outputs(home: Path | None, kind: str) -> list[RunOutput]:
    """All of a kind (ADAPTER or MODEL), the newest run first."""
    if home is None or not (home / "runs").is_dir():
        return []
    found = sorted(_outputs(home, kind), key=lambda pair: (pair[0], pair[1].run), reverse=True)
    counts = Counter(output.label for _, output in found)
    return [
        replace(output, label=f"{output.label} ({output.run[-6:]})") if counts[output.label] > 1 else output
        for _, output in found
    ]


def run_output(home: Path | None, run: str, kind: str) -> Path | None:
    """The folder that a run left, None where there is none of that kind."""
    if home is None:
        return None
    folder = home / "runs" / run
    return folder / kind if _is_there(folder, kind) else None


def _outputs(home: Path, kind: str) -> Iterator[tuple[str, RunOutput]]:
    for folder in (home / "runs").iterdir():
        if _is_there(folder, kind):
            facts = read_object(folder / "run.json")
            config = facts.get("config")
            config = config if isinstance(config, dict) else {}
            label = _label(config) or folder.name
            made = RunOutput(folder.name, label, _text(config, "task"), _text(config, "base"), folder / kind)
            yield str(facts.get("created", "")), made


def _is_there(folder: Path, kind: str) -> bool:
    if folder.name.startswith(".") or not (folder / kind / _SIGN[kind]).is_file():
        return False
    return read_object(folder / "status.json").get("state") not in _OPEN


def _label(config: dict[str, Any]) -> str:
    """RunConfig.label, from plain values; "" where they are of another studio."""
    try:
        return str(RunConfig(**{key: value for key, value in config.items() if key in FIELDS}).label)
    except (TypeError, ValueError):
        return ""


def _text(config: dict[str, Any], name: str) -> str | None:
    value = config.get(name)
    return value if isinstance(value, str) and value else None
