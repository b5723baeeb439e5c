"""A few real steps in a process of their own: how long a step takes, and how much memory, before a run is started.

    python -m training.engine.calibrate < JOB

JOB is one JSON object: {"config": {...}, "base": folder, "base_name": text, "rows": [{"prompt", "completion"}...]}.
One JSON line comes back on standard output: the figures of `Measured`, or {"error", "fix", "kind"}; whatever libraries
print goes to standard error. The first step is left out of the times: it holds what is done once. Limits: the memory is
the peak of these steps, so a longer batch later can take more; `calibration_rows` puts the longest rows among them.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from training.errors import RunError, StudioError
from training.runs.config import RunConfig

STEPS = 3  # of which the first is not timed
TIMEOUT_S = 600
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Measured:
    """`tokens_per_s` without padding, over the timed steps; `start_s` until the first step began."""

    steps: int
    tokens_per_s: float
    start_s: float
    peak_bytes: int
    trainable_parameters: int
    parameters: int
    device: str


class NotMeasured(RunError):
    """The steps could not be run. `kind` is the failure's type, see training.runs.advice."""

    def __init__(self, message: str, *, fix: str, kind: str) -> None:
        super().__init__(message, fix=fix)
        self.kind = kind


def calibration_config(config: RunConfig) -> RunConfig:
    """The same step, `STEPS` times, and nothing beside it."""
    return replace(
        config, max_steps=STEPS, epochs=0.0, warmup=0.0, eval_steps=0, save_steps=0, sample_steps=0, early_stopping=0,
        evaluate_rows=0, report_to=(), short_first_steps=0,
    )  # fmt: skip


def calibration_rows(rows: Sequence[Any], lengths: Sequence[int], config: RunConfig) -> list[Any]:
    """Rows for exactly `STEPS` steps: one batch of the longest that fit, the rest spread over all lengths."""
    fitting = sorted((length, at) for at, length in enumerate(lengths) if length <= config.max_length)
    if not fitting:
        return []
    order = [at for _, at in fitting]
    wanted = config.batch_size * config.grad_accumulation * STEPS
    longest = [order[-1 - (n % len(order))] for n in range(min(config.batch_size, wanted))]
    others = wanted - len(longest)
    spread = [order[int((n + 0.5) * len(order) / others)] for n in range(others)] if others else []
    return [rows[at] for at in (*longest, *spread)]


def measure(config: RunConfig, base: Path, rows: Sequence[Any], base_name: str = "") -> Measured:
    """Run the steps in a process of their own. NotMeasured with the reason where they fail."""
    job = {
        "config": calibration_config(config).to_json(), "base": str(base), "base_name": base_name, "rows": list(rows),
    }  # fmt: skip
    words = [sys.executable, "-m", "training.engine.calibrate"]
    try:
        done = subprocess.run(
            words, input=json.dumps(job), cwd=ROOT, capture_output=True, text=True, encoding="utf-8",
            timeout=TIMEOUT_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as err:
        raise NotMeasured(
            f"{STEPS} steps took longer than {TIMEOUT_S // 60} minutes.",
            fix="Take a smaller base, or a GPU.",
            kind="slow",
        ) from err
    lines = done.stdout.strip().splitlines()
    if not lines:
        last = " ".join(done.stderr.strip().splitlines()[-1:])
        raise NotMeasured(
            f"The process of the measured steps ended with {done.returncode} and without a word. {last}".strip(),
            fix="Where the system ended it for want of memory: lower batch_size or max_length.",
            kind="killed" if done.returncode < 0 else "bug",
        )
    answer = json.loads(lines[-1])
    if "error" in answer:
        raise NotMeasured(answer["error"], fix=answer["fix"], kind=answer["kind"])
    return Measured(**answer)


def steps(job: dict[str, Any], out: Path) -> Measured:
    """The child's part: train, and look at its lines."""
    import time

    from training.engine.train import Hooks, TrainJob, train
    from training.runs.config_file import config_from
    from training.runs.records import Step

    began = time.perf_counter()
    seen: list[Step] = []
    first: list[float] = []

    def phase(name: str) -> None:
        if name == "training":
            first.append(time.perf_counter() - began)

    config = config_from(job["config"])
    result = train(
        TrainJob(config=config, base=Path(job["base"]), rows=job["rows"], out=out, base_name=job["base_name"] or None),
        Hooks(step=seen.append, phase=phase),
    )
    tokens = (seen[-1].tokens or 0) - (seen[0].tokens or 0)
    seconds = max(1e-9, seen[-1].seconds - seen[0].seconds)
    return Measured(
        steps=len(seen),
        tokens_per_s=tokens / seconds,
        start_s=first[0] if first else 0.0,
        peak_bytes=peak_bytes(),
        trainable_parameters=result.trainable_parameters,
        parameters=result.parameters,
        device=result.device,
    )


def peak_bytes() -> int:
    """The most memory held so far: of the GPU where one is used, else of this process."""
    import torch

    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_reserved())
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)  # macOS counts bytes, Linux kilobytes


def main() -> int:
    """Read the job, run it in a temporary folder, print one line."""
    from training.runs.advice import kind_of

    answer, sys.stdout = sys.stdout, sys.stderr
    code = 0
    with tempfile.TemporaryDirectory(prefix="taste-test-steps-") as folder:
        try:
            told: dict[str, Any] = asdict(steps(json.loads(sys.stdin.read()), Path(folder)))
        except StudioError as err:
            told, code = {"error": str(err), "fix": err.fix, "kind": kind_of(err)}, 1
    answer.write(json.dumps(told) + "\n")
    answer.flush()
    return code


if __name__ == "__main__":
    sys.exit(main())
