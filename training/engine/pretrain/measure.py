"""What the embedded base and adapter reach on texts they never saw: the studio's own prompt, engine and scoring.

python -m training.engine.pretrain.measure --rows build/test-posts.jsonl --adapter build/adapter --out build/figures-posts.json
"""

import argparse
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from training.engine.api import Row
from training.engine.engine import Engine
from training.task.context import build_context
from training.task.pack import Pack
from training.task.prompt import render_prompt
from training.task.records import Arm, Generation, Prompt, Source

log = logging.getLogger("measure")


def prompts_for(rows: Sequence[dict[str, Any]], pack: Pack, engine: Engine) -> list[Prompt]:
    """The prompt of each row, context step included."""
    return [
        render_prompt(pack, build_context(Source(row["source"]), pack.context, engine.count_tokens), engine.tokenizer)
        for row in rows
    ]


def generate_all(engine: Engine, arm: Arm, prompts: Sequence[Prompt], pack: Pack, batch: int) -> list[Generation]:
    """Greedy answers of one arm, batches sorted by prompt length, in the order of `prompts`."""
    order = sorted(range(len(prompts)), key=lambda i: prompts[i].tokens)
    found: dict[int, Generation] = {}
    started = time.perf_counter()
    for at in range(0, len(order), batch):
        chosen = order[at : at + batch]
        rows = [Row(replace(arm, label=f"{arm.label} {i}"), prompts[i]) for i in chosen]
        events: Iterator[Any] = engine.generate(rows, pack.sampling, "json", threading.Event())
        for event in events:
            if isinstance(event, Generation):
                found[int(event.arm.label.rsplit(" ", 1)[1])] = event
        log.info("%s: %d of %d, %.0f s", arm.label, len(found), len(prompts), time.perf_counter() - started)
    return [found[i] for i in range(len(prompts))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--base", default="crumb")
    parser.add_argument("--adapter", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--batch", type=int, default=16)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    print(args)
