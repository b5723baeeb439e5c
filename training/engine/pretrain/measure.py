"""What the embedded base and its adapter reach on texts they never saw: the studio's own prompt, decoding and scoring.

    python -m training.engine.pretrain.measure --base build/base/final --adapter build/adapter \
        --rows build/test-posts.jsonl --out build/figures-posts.json
"""

import argparse
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from training.engine.adapters import attach
from training.engine.answers import Watch, answer_all
from training.engine.api import EngineSettings
from training.engine.hub import resolve_adapter, resolve_base
from training.engine.load import load_base
from training.engine.probe import BASE_ROW
from training.evals.evaluate import ArmSummary, evaluate
from training.task.context import build_context
from training.task.pack import BUILTIN, Pack, load_pack
from training.task.prompt import render_prompt
from training.task.records import Prompt, Source

log = logging.getLogger("measure")


def prompts_for(rows: Sequence[dict[str, Any]], pack: Pack, tokenizer: Any) -> list[Prompt]:
    """The prompt of each row, context step included."""

    def count(text: str) -> int:
        return len(tokenizer.encode(text, add_special_tokens=False))

    contexts = [build_context(Source(row["source"]), pack.context, count) for row in rows]
    return [render_prompt(pack, context, tokenizer) for context in contexts]


def figures(summary: ArmSummary) -> dict[str, Any]:
    """A summary as JSON: every metric, over all rows and by slice."""
    return {
        "overall": {name: asdict(measured) for name, measured in summary.overall.items()},
        "slices": {
            slice_: {name: asdict(measured) for name, measured in found.items()}
            for slice_, found in summary.slices.items()
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--base", default="crumb")
    parser.add_argument("--adapter", default="crumb-recipe-jsonld")
    parser.add_argument("--rows", type=Path, required=True, help="JSONL of id, source, gold, slice")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--arms", default="base,adapter")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    rows = [json.loads(line) for line in args.rows.read_text("utf-8").splitlines()]
    rows = rows[: args.limit or len(rows)]
    pack, settings = load_pack(BUILTIN / "recipe-jsonld"), EngineSettings()

    def tell(text: str, _share: float | None) -> None:
        log.info(text)

    files = resolve_base(str(args.base), settings, tell)
    loaded = load_base(files, settings, tell)
    sides = {"base": BASE_ROW, "adapter": attach(loaded, resolve_adapter(str(args.adapter), settings, files, tell))}
    prompts = prompts_for(rows, pack, loaded.tokenizer)
    watch = Watch(lambda arm, done, total: log.info("%s: %d of %d", arm, done, total))
    answers = {arm: answer_all(loaded, sides[arm], prompts, pack, args.batch, watch) for arm in args.arms.split(",")}
    found = evaluate(pack, rows, {arm: [(a.text, a.finish) for a in given] for arm, given in answers.items()})
    report = {"rows": len(rows), "arms": {arm: figures(summary) for arm, summary in found.items()}}
    args.out.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    with args.out.with_suffix(".answers.jsonl").open("w", encoding="utf-8") as file:
        for at, row in enumerate(rows):
            raws = {arm: {"raw": given[at].text, "finish": given[at].finish} for arm, given in answers.items()}
            file.write(json.dumps({"id": row["id"], "slice": row["slice"], **raws}, ensure_ascii=False) + "\n")
    for arm, summary in found.items():
        for name, measured in summary.overall.items():
            log.info("%s %s %s [%s, %s]", arm, name, measured.value, measured.low, measured.high)


if __name__ == "__main__":
    main()
