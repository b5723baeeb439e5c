"""`train-lora`: one run from one YAML file."""

import argparse
import sys
from pathlib import Path
from typing import Any


def add(verbs: Any) -> None:
    parser = verbs.add_parser("train-lora", help="train a LoRA adapter from a config file")
    parser.add_argument("--config", type=Path, required=True, help="YAML with the fields of LoraRunConfig")
    parser.add_argument("--resume", action="store_true", help="go on from the run's last checkpoint")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train, with a line every tenth step, and say where the adapter is."""
    from dataclasses import replace

    from training.engine.train_config import read_config

    config = read_config(arguments.config)
    if arguments.resume:
        config = replace(config, resume=True)
    from training.engine.train import train_lora

    def show(row: dict[str, Any]) -> None:
        if row["step"] % 10 == 0 or row["step"] == config.steps:
            _say(f"step {row['step']}/{config.steps}  loss {row['loss']:.4f}  {row['seconds']:.0f} s")

    result = train_lora(config, show)
    _say(f"{result.adapter}: {result.steps} steps, loss {result.loss:.4f}, {result.seconds:.0f} s")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
