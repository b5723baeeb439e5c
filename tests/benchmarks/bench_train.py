"""A training run of the studio against the plain TRL script that people write, with the same settings.

    python -m tests.benchmarks.bench_train [--base FOLDER] [--steps N] [--rounds N] [--save]
    python -m tests.benchmarks.bench_train --tiny      # to see that it works, in a minute

`studio` is `training.engine.train.train`, `script` the sixty lines in `plain_script` below. Each runs in a fresh
process, in turns. Twice: on rows of like lengths, where the same work is done and the ratio of tokens a second says
what the studio's own bookkeeping costs; and on rows of mixed lengths, where the script pads each batch to its longest
row and the studio groups rows by length. Tokens are those of the rows, padding never counted; the first step, which
holds what is done once, is left out of the rates and is itself the time from start to first step, imports included.
Figures are printed, never asserted; a ratio carries over to other machines better than seconds do.
"""

import argparse
import importlib.util
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
    parser.add_argument("--dtype", choices=("fp32", "bf16"), default="fp32")
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
        max_steps=arguments.steps, save_steps=0, threads=arguments.threads, dtype=arguments.dtype, backend="trl",
        max_length=8192, warmup=0.0, **SETTINGS,
    )  # fmt: skip
    seen: list[tuple[float, int]] = []
    hooks = Hooks(step=lambda step: seen.append((time.perf_counter() - STARTED, step.tokens or 0)))
    train(TrainJob(config=config, base=arguments.base, rows=arguments.rows, out=out), hooks)
    return seen


def plain_script(arguments: argparse.Namespace, out: Path) -> list[tuple[float, int]]:
    """The same with TRL alone, as its documentation shows it: rows tokenised, masked and padded by TRL."""
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainerCallback
    from trl import SFTConfig, SFTTrainer

    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    on_cuda = torch.cuda.is_available()
    half = arguments.dtype == "bf16"
    tokenizer = AutoTokenizer.from_pretrained(str(arguments.base))
    model = AutoModelForCausalLM.from_pretrained(
        str(arguments.base), dtype=torch.bfloat16 if on_cuda and half else torch.float32
    )
    lines = arguments.rows.read_text("utf-8").splitlines()
    seen: list[tuple[float, int]] = []

    class Clock(TrainerCallback):
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if "loss" in logs:
                seen.append((time.perf_counter() - STARTED, int(state.num_input_tokens_seen)))

    class OwnLoss(SFTTrainer):
        """TRL takes its loss with Triton, so on a GPU only; elsewhere people fall back to the model's own."""

        def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
            return Trainer.compute_loss(self, *args, **kwargs)

    trainer = (SFTTrainer if importlib.util.find_spec("triton") else OwnLoss)(
        model=model,
        processing_class=tokenizer,
        train_dataset=Dataset.from_list([json.loads(line) for line in lines]),
        peft_config=LoraConfig(
            r=SETTINGS["rank"], lora_alpha=SETTINGS["alpha"], target_modules="all-linear", task_type="CAUSAL_LM"
        ),
        args=SFTConfig(
            output_dir=str(out),
            max_steps=arguments.steps,
            per_device_train_batch_size=SETTINGS["batch_size"],
            learning_rate=SETTINGS["learning_rate"],
            lr_scheduler_type="cosine",
            seed=SETTINGS["seed"],
            max_length=None,
            completion_only_loss=True,
            gradient_checkpointing=False,
            bf16=half,
            use_cpu=not on_cuda,
            logging_steps=1,
            include_num_input_tokens_seen="non_padding",
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
        ),
        callbacks=[Clock()],
    )
    trainer.train()
    trainer.save_model(str(out))
    return seen


def side_alone(arguments: argparse.Namespace) -> None:
    """The child's part: one side, its figures as the last line of standard output."""
    with tempfile.TemporaryDirectory() as folder:
        seen = (studio if arguments.side == "studio" else plain_script)(arguments, Path(folder))
    (first_s, first_tokens), (last_s, last_tokens) = seen[0], seen[-1]
    rate = (last_tokens - first_tokens) / (last_s - first_s)
    sys.stdout.write("\n" + json.dumps({"tokens_per_s": rate, "first_step_s": first_s}) + "\n")


def measure(arguments: argparse.Namespace, side: str, rows: Path) -> dict[str, float]:
    """One side in a process of its own."""
    words = ["--side", side, "--rows", str(rows), "--base", str(arguments.base), "--steps", str(arguments.steps)]
    words += ["--threads", str(arguments.threads), "--dtype", arguments.dtype]
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


def main() -> None:
    arguments = flags().parse_args()
    if arguments.side:
        side_alone(arguments)
        return
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        if arguments.tiny:
            from tests.tiny_models import make_model

            arguments.base = make_model(home / "tiny", "llama")
            arguments.steps, arguments.rounds, arguments.threads = 4, 1, 1
        record: dict[str, Any] = {
            "what": "the studio's trainer / a plain TRL script, rows of like and of mixed lengths",
            "base": arguments.base.name,
            "steps": arguments.steps,
            "rounds": arguments.rounds,
            "dtype": arguments.dtype,
        }
        for kind in LENGTHS:
            rows = home / f"{kind}.jsonl"
            count = arguments.steps * SETTINGS["batch_size"]
            made = make_rows(arguments.base, kind, count, 0.1 if arguments.tiny else 1.0)
            rows.write_text("".join(json.dumps(row) + "\n" for row in made), "utf-8")
            record[kind] = compare(arguments, rows)
    print(json.dumps(record, indent=2))
    if arguments.save:
        from tests.benchmarks.results import save

        save("train", record)


if __name__ == "__main__":
    main()
