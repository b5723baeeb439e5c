"""Rebuild the embedded model and its adapter from the corpus in this repository, stage by stage.

    python -m training.engine.pretrain --out build              # all stages, about four hours on two cores
    python -m training.engine.pretrain --out build --stages adapter,measure,ship

base: the language model from nothing. rows: posts with golds. adapter: the LoRA, by the engine every run uses.
measure: what both reach on texts never trained on. ship: weights and provenance to assets/.

Limit: `adapter` is one run of about an hour, which makes an adapter like the one that ships, in fewer steps on fewer
posts. That one came of thirteen runs, 13,108 steps in 565 minutes, each begun with the weights of the one before or a
mean of some (mean_adapter): four on posts, four on what the adapter itself got wrong (own_mistakes), three on what
reading showed it not to get right (hard_rows), one on answers that end with their lists (recipe_rows), one on names;
from the seventh on with pages of recipe plug-ins, from the eighth with pages told without headings. What ships is two
thirds of the twelfth and a third of the thirteenth. Its provenance file holds the rows, settings and results of all.
"""

import argparse
import json
import logging
import platform
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from training.engine.train import Hooks, TrainJob, train
from training.runs.config import RunConfig
from training.runs.records import Step

ASSETS = Path(__file__).resolve().parents[3] / "assets"
MODEL, ADAPTER = ASSETS / "models" / "crumb", ASSETS / "adapters" / "crumb-recipe-jsonld"
STAGES = ("base", "rows", "adapter", "measure", "ship")
BASE_MINUTES, TRAIN_POSTS, TRAIN_CARDS, TRAIN_INFORMAL, LONGEST = 150, 11_000, 2_000, 2_000, 1800
CONTEXT = 2048  # tokens the shipped model says it reads
DATA = [
    {
        "name": "public-domain-recipes",
        "licence": "Unlicense",
        "rows": "266 of 406; 100 held out for the test, 40 for choosing settings",
    },
    {"name": "tacofancy", "licence": "Unlicense", "rows": 105},
    {"name": "Mrs Beeton's Dictionary of Every-Day Cookery (1865)", "licence": "public domain", "rows": 1104},
    {"name": "danmunz and jpyuda recipes", "licence": "public domain, CC0", "rows": 23},
    {"name": "six books of Project Gutenberg", "licence": "public domain", "rows": "the first nine tenths of each"},
    {"name": "word lists, grammar and page furniture of this repository", "licence": "Apache-2.0", "rows": "generated"},
]
NOTES = ["Minutes are wall time on a machine that did other work too; a free one needs fewer."]
LIMITS = [
    "A teaching-size model: it copies and sorts what a page says, it does not reason and knows no facts.",
    "English pages only were trained; other languages are copied, seldom sorted.",
    "It reads 2,048 tokens; the context step chooses what of a longer page it is shown.",
    "Of several separate recipes it gives the first.",
]


def adapter_job(out: Path) -> TrainJob:
    """One run that makes an adapter like the shipped one, which came of several; see the module."""
    config = RunConfig(
        task="recipe-jsonld",
        base="crumb",
        max_steps=1800,
        rank=64,
        alpha=64,
        learning_rate=2e-3,
        batch_size=8,
        warmup=30,
        short_first_steps=120,
        schedule="cosine",
        adam_beta2=0.98,
        max_length=LONGEST,
        too_long="drop",
        save_steps=200,
        threads=2,
        dtype="bf16",
        backend="trl",
    )
    return TrainJob(
        config=config,
        base=out / "base" / "final",
        rows=out / "train.jsonl",
        out=out / "run",
        resume=True,
        base_name="crumb",
    )


def run(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", *arguments], check=True)


def base(out: Path) -> None:
    run("training.engine.pretrain.train_base", "--out", str(out / "base"), "--minutes", str(BASE_MINUTES))


def rows(out: Path) -> None:
    run(
        "training.engine.pretrain.recipe_rows",
        "--tokenizer",
        str(out / "base" / "final"),
        "--out",
        str(out),
        "--train",
        str(TRAIN_POSTS),
        "--cards",
        str(TRAIN_CARDS),
        "--informal",
        str(TRAIN_INFORMAL),
        "--longest",
        str(LONGEST),
    )


def adapter(out: Path) -> None:
    def tell(step: Step) -> None:
        if step.step % 20 == 0:
            logging.info("%s", step)

    logging.info("%s", train(adapter_job(out), Hooks(step=tell)))


def measure(out: Path) -> None:
    for name in ("posts", "real"):
        run(
            "training.engine.pretrain.measure",
            "--base",
            str(out / "base" / "final"),
            "--rows",
            str(out / f"test-{name}.jsonl"),
            "--adapter",
            str(out / "run" / "adapter"),
            "--out",
            str(out / f"figures-{name}.json"),
        )


def ship(out: Path) -> None:
    """Copy what the studio loads, with a provenance file beside it."""
    for folder in (MODEL, ADAPTER):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(out / "base" / "final", MODEL)
    config = json.loads((MODEL / "config.json").read_text("utf-8"))
    config["max_position_embeddings"] = CONTEXT  # what it was trained on, more or less; nobody should ask for more
    (MODEL / "config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")
    ADAPTER.mkdir(parents=True)
    for name in ("adapter/adapter_model.safetensors", "adapter/adapter_config.json", "metrics.jsonl"):
        shutil.copy(out / "run" / name, ADAPTER)
    state = json.loads((out / "base" / "metrics.jsonl").read_text("utf-8").splitlines()[-1])
    learnt = json.loads((out / "run" / "adapter" / "provenance.json").read_text("utf-8"))
    about: dict[str, Any] = {
        "made": datetime.now(UTC).date().isoformat(),
        "licence": "Apache-2.0",
        "data": DATA,
        "limits": LIMITS,
        "notes": NOTES,
        "seed": 7,
        "command": "python -m training.engine.pretrain --out build",
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads, bfloat16 autocast",
        "versions": {name: version(name) for name in ("torch", "transformers", "peft", "trl")},
    }
    write(
        MODEL,
        about
        | {
            "name": "crumb",
            "steps": state["step"],
            "tokens": state["tokens"],
            "minutes": round(state["seconds"] / 60, 1),
            "held_out_dev": json.loads((out / "base" / "dev.json").read_text("utf-8")),
        },
    )
    figures = {name: json.loads((out / f"figures-{name}.json").read_text("utf-8")) for name in ("posts", "real")}
    write(
        ADAPTER,
        about
        | {"name": "crumb-recipe-jsonld", "base": "crumb", "task": "recipe-jsonld", "run": learnt, "figures": figures},
    )


def write(folder: Path, about: dict[str, Any]) -> None:
    (folder / "provenance.json").write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("build"))
    parser.add_argument("--stages", default=",".join(STAGES), help="comma-separated, of " + ", ".join(STAGES))
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    chosen = args.stages.split(",")
    if wrong := set(chosen) - set(STAGES):
        parser.error(f"unknown stages: {', '.join(sorted(wrong))}")
    for stage in (base, rows, adapter, measure, ship):
        if stage.__name__ in chosen:
            stage(args.out.resolve())


if __name__ == "__main__":
    main()
