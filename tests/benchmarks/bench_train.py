"""A training run of the studio against the plain TRL script that people write, with the same settings.

    python -m tests.benchmarks.bench_train [--base FOLDER] [--steps N] [--rounds N] [--save]
    python -m tests.benchmarks.bench_train --tiny      # to see that it works, in a minute
    python -m tests.benchmarks.bench_train --start [--tiny] [--rounds N] [--save]    # from Start to the first step
    python -m tests.benchmarks.bench_train --shape gemma3-270m [--backend unsloth] [--save]    # on a CUDA GPU

`studio` is `training.engine.train.train`, `script` the sixty lines in `plain_script` beside this. Each runs in a fresh
process, in turns. Twice: on rows of like lengths, where the same work is done and the ratio of tokens a second says
what the studio's own bookkeeping costs; and on rows of mixed lengths, where the script pads each batch to its longest
row and the studio groups rows by length. Tokens are those of the rows, padding never counted; the first step, which
holds what is done once, is left out of the rates and is itself the time from start to first step, imports included.
`--start` measures instead what a person waits for (tests.benchmarks.train_start), `--shape` trains a random model of a
real size with the studio alone and says tokens a second, peak memory and the share of what the chip can do.
Figures are printed, never asserted; a ratio carries over to other machines better than seconds do.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.benchmarks import train_start
from tests.benchmarks.plain_script import plain_script
from tests.benchmarks.train_shapes import SHAPES, build, share_of_limit

STARTED = time.perf_counter()
ROOT = Path(__file__).resolve().parents[2]
CRUMB = ROOT / "assets" / "models" / "crumb"
WORDS = ("stir", "the", "soup", "until", "it", "thickens", "then", "add", "salt", "and", "a", "little", "cream", "hot")
LENGTHS = {"like": (240, 260), "mixed": (24, 1200)}  # words of a row, the shortest and the longest
SETTINGS: dict[str, Any] = {"rank": 64, "alpha": 64, "batch_size": 8, "learning_rate": 5e-4, "seed": 7}


def flags() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, default=CRUMB, help="a model folder; default: the embedded one")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0, help="0: torch decides")
    parser.add_argument("--dtype", choices=("fp32", "bf16", "fp16"), default="fp32", help="fp16: of --shape alone")
    parser.add_argument("--shape", choices=sorted(SHAPES), help="random weights in this shape, on a CUDA GPU")
    parser.add_argument("--backend", choices=("trl", "unsloth"), default="trl", help="with --shape: what trains")
    parser.add_argument("--start", action="store_true", help="from the command to the first step, worker and all")
    parser.add_argument("--tiny", action="store_true", help="a tiny model, short rows, few steps, one round")
    parser.add_argument("--save", action="store_true", help="write the figures to results.json")
    parser.add_argument("--side", choices=("studio", "script"), help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=Path, help=argparse.SUPPRESS)
    return parser


def make_rows(base: Path, kind: str, count: int, scale: float) -> list[dict[str, str]]:
    """Rendered rows whose lengths spread evenly over the orders of magnitude between a kind's ends."""
    from transformers import AutoTokenizer

    from training.engine.tokens import chat_end_token

    tokenizer = AutoTokenizer.from_pretrained(str(base), local_files_only=True)
    end, dice = chat_end_token(tokenizer), random.Random(kind)
    low, high = (max(4, int(words * scale)) for words in LENGTHS[kind])
    rows: list[dict[str, str]] = []
    for _ in range(count):
        words = dice.choices(WORDS, k=round(low * (high / low) ** dice.random()))
        cut = max(1, len(words) * 3 // 4)
        turns = [{"role": "user", "content": " ".join(words[:cut])}]
        prompt = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        rows.append({"prompt": prompt, "completion": " ".join(words[cut:] or ["so"]) + str(end)})
    return rows


def studio(arguments: argparse.Namespace, out: Path) -> list[tuple[float, int]]:
    """(seconds since the process began, tokens seen) after each step of the studio's own trainer."""
    from training.engine.train import Hooks, TrainJob, train
    from training.runs.config import RunConfig

    config = RunConfig(
        max_steps=arguments.steps, save_steps=0, threads=arguments.threads, dtype=arguments.dtype,
        backend=arguments.backend, max_length=8192, warmup=0.0, **SETTINGS,
    )  # fmt: skip
    seen: list[tuple[float, int]] = []
    hooks = Hooks(step=lambda step: seen.append((time.perf_counter() - STARTED, step.tokens or 0)))
    result = train(TrainJob(config=config, base=arguments.base, rows=arguments.rows, out=out), hooks)
    arguments.told = {"parameters": result.parameters, "backend": result.backend, "dtype": result.dtype}
    return seen


def side_alone(arguments: argparse.Namespace) -> None:
    """The child's part: one side, its figures as the last line of standard output."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        seen = studio(arguments, out) if arguments.side == "studio" else plain_script(arguments, SETTINGS, out, STARTED)
    (first_s, first_tokens), (last_s, last_tokens) = seen[0], seen[-1]
    rate = (last_tokens - first_tokens) / (last_s - first_s)
    found = {"tokens_per_s": rate, "first_step_s": first_s, **getattr(arguments, "told", {}), **on_card()}
    sys.stdout.write("\n" + json.dumps(found) + "\n")


def on_card() -> dict[str, Any]:
    """The GPU's name and the most of its memory that this process was given; nothing without one."""
    import torch

    if not torch.cuda.is_available():
        return {}
    return {"device": torch.cuda.get_device_name(), "peak_bytes": torch.cuda.max_memory_reserved()}


def measure(arguments: argparse.Namespace, side: str, rows: Path) -> dict[str, Any]:
    """One side in a process of its own."""
    words = ["--side", side, "--rows", str(rows), "--base", str(arguments.base), "--steps", str(arguments.steps)]
    words += ["--threads", str(arguments.threads), "--dtype", arguments.dtype, "--backend", arguments.backend]
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.bench_train", *words],
        cwd=ROOT, capture_output=True, text=True, env=os.environ | {"HF_HUB_OFFLINE": "1"}, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def compare(arguments: argparse.Namespace, rows: Path) -> dict[str, Any]:
    """Both sides in turn on one set of rows, and what they come to."""
    runs: dict[str, list[dict[str, float]]] = {"studio": [], "script": []}
    for number in range(arguments.rounds):
        for side in sorted(runs, reverse=bool(number % 2)):
            runs[side].append(measure(arguments, side, rows))
            found = runs[side][-1]
            print(f"{rows.stem}, round {number + 1}, {side}: {found['tokens_per_s']:.0f} tokens/s, "
                  f"first step after {found['first_step_s']:.1f} s", flush=True)  # fmt: skip
    middle = {
        side: {key: statistics.median(run[key] for run in found) for key in ("tokens_per_s", "first_step_s")}
        for side, found in runs.items()
    }
    return {
        "tokens_per_s_ratio": round(middle["studio"]["tokens_per_s"] / middle["script"]["tokens_per_s"], 3),
        "first_step_ratio": round(middle["studio"]["first_step_s"] / middle["script"]["first_step_s"], 3),
        "studio": {key: round(value, 2) for key, value in middle["studio"].items()},
        "script": {key: round(value, 2) for key, value in middle["script"].items()},
    }


def write_rows(arguments: argparse.Namespace, kind: str, folder: Path) -> Path:
    """So many rows as the steps take."""
    rows = folder / f"{kind}.jsonl"
    made = make_rows(arguments.base, kind, arguments.steps * SETTINGS["batch_size"], 0.1 if arguments.tiny else 1.0)
    rows.write_text("".join(json.dumps(row) + "\n" for row in made), "utf-8")
    return rows


def rates(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Studio and script on rows of like and of mixed lengths."""
    return {
        "what": "the studio's trainer / a plain TRL script, rows of like and of mixed lengths",
        **conditions_of(arguments),
        **{kind: compare(arguments, write_rows(arguments, kind, folder)) for kind in LENGTHS},
    }


def from_start(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """What a person waits for after Start, cold and warm, and the script's first step."""
    settings = {**SETTINGS, "threads": arguments.threads, "dtype": arguments.dtype}
    arguments.steps = train_start.SMALL["max_steps"]

    def script(rows: Path) -> float:
        return float(measure(arguments, "script", rows)["first_step_s"])

    return {
        "what": "from `train --detach` to the first step / a plain TRL script's first step on rows rendered before",
        **conditions_of(arguments),
        **train_start.compare(folder, arguments.base, settings, arguments.rounds, script, tiny=arguments.tiny),
    }


def on_gpu(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The studio's own rate on a model of a real size, and how much of the chip that is."""
    import torch

    arguments.base = build(folder / arguments.shape, arguments.shape)
    arguments.dtype = "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    runs = [measure(arguments, "studio", write_rows(arguments, "like", folder)) for _ in range(arguments.rounds)]
    last, rate = runs[-1], statistics.median(run["tokens_per_s"] for run in runs)
    return {
        "what": "an adapter trained on random weights of this shape, rows of like lengths",
        **conditions_of(arguments),
        **{name: last[name] for name in ("device", "backend", "dtype", "parameters")},
        "tokens_per_s": round(rate),
        "peak_bytes": max(run["peak_bytes"] for run in runs),
        "share_of_limit_6n": share_of_limit(last["parameters"], rate, last["device"]),
    }


def conditions_of(arguments: argparse.Namespace) -> dict[str, Any]:
    named = {name: getattr(arguments, name) for name in ("steps", "rounds", "dtype")}
    return {"base": arguments.base.name, **named}


def without_cuda(arguments: argparse.Namespace) -> str:
    """Why a shape can't be trained here; "" where it can."""
    import torch

    if torch.cuda.is_available():
        return ""
    return (
        f"--shape {arguments.shape} needs a CUDA GPU, and torch finds none here: a step would take minutes. "
        "Run it where there is one, or measure with --base or --tiny."
    )


def main() -> None:
    parser = flags()
    arguments = parser.parse_args()
    if arguments.side:
        side_alone(arguments)
        return
    if arguments.shape and (why := without_cuda(arguments)):
        parser.error(why)
    name, measured = "train", rates
    if arguments.shape:
        name, measured = f"train_{arguments.shape}_{arguments.backend}", on_gpu
    elif arguments.start:
        name, measured = "train_start", from_start
    with tempfile.TemporaryDirectory() as folder:
        if arguments.tiny and not arguments.shape:
            from tests.tiny_models import make_model

            arguments.base = make_model(Path(folder) / "tiny", "llama")
            arguments.steps, arguments.rounds, arguments.threads = 4, 1, 1
        record = measured(arguments, Path(folder))
    print(json.dumps(record, indent=2))
    if arguments.save:
        from tests.benchmarks.results import save

        save(name, record)


if __name__ == "__main__":
    main()
