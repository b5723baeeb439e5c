"""What the records of a run tell of its checkpoints: dev loss against a task metric, on a chart that ranks by neither.

The metric is the share of the run's own sample rows that were answered as asked at that step: a handful of dev rows,
the same ones every time. Limits: only runs of the same home are known, and what a run did not watch nobody can tell.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

METRIC = "answered as asked, on the run's own dev samples"


def checkpoints(folder: Path, adapters: Iterable[str]) -> dict[str, Any]:
    """{"checkpoints": [{"label", "loss", "score", "n"}], "metric", "why"} of the first adapter whose run is known.

    `loss` is the dev loss at a step (nats a token), `score` the share of `n` samples there or last before it that parse
    as they stand. `why` says in a sentence why there is none.
    """
    why = "No arm is an adapter, so no run stands behind it."
    for name in adapters:
        found = _of_run(folder.parent.parent, name)
        if not isinstance(found, str):
            return {"checkpoints": found, "metric": METRIC, "why": ""}
        why = found
    return {"checkpoints": [], "metric": METRIC, "why": why}


def _of_run(home: Path, name: str) -> list[dict[str, Any]] | str:
    """A row a checkpoint, or why there is none."""
    from training.errors import StudioError
    from training.runs.directory import read_metrics, read_samples, run_folder

    try:
        run = run_folder(home, name)
        steps, samples = read_metrics(run), read_samples(run)
    except StudioError:
        return f"No run of this home made {Path(name).name}, so nothing is known of its checkpoints."
    losses = [(step.step, step.dev_loss) for step in steps if step.dev_loss is not None]
    if not losses:
        return f"The run {name} looked at no dev rows while it learnt (eval_steps)."
    if not samples:
        return f"The run {name} answered no dev rows while it learnt (sample_steps)."
    rows: list[dict[str, Any]] = []
    for at, loss in losses:
        last = max((sample.step for sample in samples if sample.step <= at), default=None)
        if last is not None:
            fine = [sample.tier == "strict" for sample in samples if sample.step == last]
            rows.append({"label": f"step {at}", "loss": loss, "score": sum(fine) / len(fine), "n": len(fine)})
    return rows or f"The run {name} answered its first dev rows after its last dev loss."
