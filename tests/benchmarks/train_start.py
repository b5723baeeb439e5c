"""From Start to the first step as a person has it: `python -m training train ... --detach` to the first line of
metrics.jsonl. The command's own start, the preflight, the queue, the worker and the rows are all in it.

Cold is a home that has never rendered this version, warm the next run of it; files that the system has in its memory
are no part of that. Beside it: the plain script on the same rows, rendered before.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
POLL_S, LONGEST_S = 0.02, 600.0
SMALL: dict[str, Any] = {"max_steps": 2, "save_steps": 0, "evaluate_rows": 0, "warmup": 0.0, "backend": "trl"}


def home_for(folder: Path, base: Path, settings: dict[str, Any], *, tiny: bool) -> Path:
    """A fresh home with one settings file; `tiny` trains that base on a few rows, else on the version that ships."""
    import yaml

    values = {**SMALL, **settings, "base": str(base), "too_long": "drop", "max_length": 8192}
    folder.mkdir()
    if tiny:
        from tests.engine.small_versions import small_version

        values |= {"task": "recipe-writer", "dataset": small_version(folder, "recipe-writer").name}
    else:
        values |= {"task": "recipe-jsonld", "dataset": "recipe-jsonld-small"}
    (folder / "run.yaml").write_text(yaml.safe_dump(values), "utf-8")
    return folder


def first_step_s(home: Path) -> float:
    """Seconds from the command to the first line of the run's metrics; the run has ended when this returns."""
    words = ["train", str(home / "run.yaml"), "--detach", "--json", "--home", str(home)]
    began = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "training", *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
    ) as command:  # fmt: skip
        told, wrong = command.communicate()
    if command.returncode:
        raise SystemExit(wrong)
    folder = Path(json.loads(told.splitlines()[-1])["folder"])
    metrics = folder / "metrics.jsonl"
    _until(folder, lambda: metrics.is_file() and b"\n" in metrics.read_bytes())
    taken = time.perf_counter() - began
    _until(folder, lambda: (folder / "exit.json").is_file())
    return taken


def _until(folder: Path, true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONGEST_S
    while not true():
        status = json.loads((folder / "status.json").read_text("utf-8"))
        if status["state"] in ("failed", "lost") or time.monotonic() > deadline:
            raise SystemExit(f"{folder.name}: {status['state']}: {status['error']}")
        time.sleep(POLL_S)


def rendered_rows(home: Path, target: Path) -> Path:
    """The rows of that home's run as the plain script gets them."""
    from training.engine.api import EngineSettings
    from training.engine.hub import resolve_base
    from training.engine.run_rows import find_dataset, rows_for
    from training.errors import PackError
    from training.runs.config_file import read_config
    from training.task.pack import BUILTIN, find_packs, pack_named

    config = read_config(home / "run.yaml")
    pack = pack_named(config.task, find_packs(BUILTIN, home / "tasks"), PackError)
    base = resolve_base(config.base, EngineSettings(home=home), lambda *_: None)
    rows = rows_for(find_dataset(home, config.dataset), "train", pack, base.folder, config)
    target.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return target


def compare(folder: Path, base: Path, settings: dict[str, Any], rounds: int, script: Callable[[Path], float],
            *, tiny: bool) -> dict[str, Any]:  # fmt: skip
    """Cold, warm and the script in turn, each in processes of its own; `script` gives the seconds to its first step."""
    found: dict[str, list[float]] = {"cold": [], "warm": [], "script": []}
    for number in range(rounds):
        home = home_for(folder / f"home-{number}", base, settings, tiny=tiny)
        found["cold"].append(first_step_s(home))
        found["warm"].append(first_step_s(home))
        found["script"].append(script(rendered_rows(home, folder / f"rows-{number}.jsonl")))
        told = ", ".join(f"{name} {seconds[-1]:.1f} s" for name, seconds in found.items())
        print(f"round {number + 1}: first step after {told}", flush=True)
    middle = {name: statistics.median(seconds) for name, seconds in found.items()}
    return {
        "cold_ratio": round(middle["cold"] / middle["script"], 3),
        "warm_ratio": round(middle["warm"] / middle["script"], 3),
        **{f"{name}_s": round(seconds, 2) for name, seconds in middle.items()},
    }
