"""A whole evaluation folder without a model: posts of the grammar, answers made of their golds by a seed.

Frames, aggregates and manifest come from the real code. The base writes prose or echoes, the prompted base gets half of
it, the adapter most of it; one post is hostile, markup and all.
"""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from training.data.corpus import Dice
from training.data.post_slices import SLICES, render_post
from training.data.posts import STYLES
from training.data.recipes import grammar_recipe
from training.evals.frames import write_frames
from training.evals.manifest import file_hashes, machine, versions, write_manifest
from training.evals.records import AGGREGATES, ROWS, Answered, EvalRow
from training.evals.trivial import trivial_arm
from training.task.pack import BUILTIN, load_pack
from training.task.records import Score, sha256_text, to_json

PACK = load_pack(BUILTIN / "recipe-jsonld")
ARMS = ("empty", "regex", "base", "prompted", "adapter:crumb-demo")
HOSTILE = (
    '</script><script>window.hacked=1</script><img src=x onerror="window.hacked=1"> \u202eevil\u202c {{7*7}} '
    '<iframe srcdoc="<script>parent.hacked=1</script>"></iframe> javascript:alert(1)\n'
)
DOCS, LOST = 30, "post-009"
SECONDS = {"base": 1.31, "prompted": 1.44, "adapter:crumb-demo": 1.55}


def make_evaluation(folder: Path, n: int = 60, *, seed: int = 7) -> Path:
    """The folder, finished but for report and card. Needs no model and no network."""
    from training.evals.aggregate import aggregate

    folder.mkdir(parents=True, exist_ok=True)
    rows = list(_rows(n, seed))
    (folder / ROWS).write_text("".join(json.dumps(to_json(row)) + "\n" for row in rows), "utf-8")
    trivial = {arm: trivial_arm(arm, PACK, iter(rows)) for arm in ARMS[:2]}
    rng = random.Random(seed)

    def answers(row: EvalRow) -> list[Answered]:
        made = [Answered(arm, row.id, 0, trivial[arm](row), "eos") for arm in ARMS[:2]]
        for arm in ARMS[2:]:
            raw, finish = _answer(arm, row, rng)
            prompt = "a" if arm != "prompted" else "b"
            made.append(
                Answered(
                    arm, row.id, 0, raw, finish, sha256_text(prompt + row.id), 420, len(raw) // 4, 0.98, 0.2, 2.0, 8
                )
            )
        return made

    def timed(answer: Answered) -> list[Score]:
        seconds = SECONDS.get(answer.arm)
        if seconds is None or not answer.doc.endswith(("0", "5")):
            return []
        return [Score("latency_s", seconds * (0.8 + 0.4 * rng.random()), n=1)]

    write_frames(PACK, rows, answers, folder, None, timed)
    write_manifest(folder, _manifest(folder, rows))
    aggregate(folder, PACK)
    return folder


def _rows(n: int, seed: int) -> Iterator[EvalRow]:
    for number in range(n):
        rng = Dice(f"made {seed} {number}")
        recipe = grammar_recipe(rng)
        style, slice_ = STYLES[number % len(STYLES)], SLICES[number % len(SLICES)]
        post = render_post(recipe, style, slice_, rng)
        text, gold = post.text, post.gold
        if number == 3:
            text, gold = HOSTILE + text, {**gold, "description": HOSTILE.strip()}
        yield EvalRow(f"post-{number:03}", text, gold, f"recipe-{number // 2}", slice_, style, "test")


def _answer(arm: str, row: EvalRow, rng: random.Random) -> tuple[str, str]:
    gold: dict[str, Any] = dict(row.gold or {})
    roll = rng.random()
    if row.id == LOST and arm != "base":  # one document on which the adapter is worse, whatever the seed
        text = json.dumps(gold, ensure_ascii=False)
        return (text, "eos") if arm == "prompted" else (text[: len(text) // 2], "length")
    if arm == "base":
        if roll < 0.7:
            return f"This is a lovely recipe! {row.source[:200]} Let me know how it went.", "length"
        return json.dumps(
            {"@context": "https://schema.org", "@type": "Recipe", "name": "name", "cookTime": "PT25M"}
        ), "eos"
    if arm == "prompted":
        obj = _spoilt(gold, rng, drop=0.5, invent=0.6)
        text = json.dumps(obj, ensure_ascii=False)
        return (
            (f"```json\n{text}\n```", "eos")
            if roll < 0.3
            else (text[: len(text) // 2], "length")
            if roll < 0.45
            else (text, "eos")
        )
    obj = _spoilt(gold, rng, drop=0.08, invent=0.06)
    text = json.dumps(obj, ensure_ascii=False)
    return (text[: len(text) * 2 // 3], "length") if roll < 0.04 else (text, "eos")


def _spoilt(gold: dict[str, Any], rng: random.Random, drop: float, invent: float) -> dict[str, Any]:
    """The right answer with things left out and made up."""
    if not gold:
        return {} if rng.random() > invent else {"@context": "https://schema.org", "@type": "Recipe", "name": "Soup"}
    kept = dict(gold)
    for key in ("recipeIngredient", "recipeInstructions"):
        if key in kept:
            kept[key] = [item for item in kept[key] if rng.random() > drop] or kept[key][:1]
    if rng.random() < invent:
        kept["recipeIngredient"] = [*kept.get("recipeIngredient", []), "2 cups dragon fruit", "1 pinch stardust"]
    if rng.random() < invent:
        kept["totalTime"] = "PT25M"
    return kept


def _manifest(folder: Path, rows: list[EvalRow]) -> dict[str, Any]:
    models = {"base": "crumb", "base_sha256": sha256_text("crumb"), "device": "cpu", "dtype": "float32"}
    arms: dict[str, Any] = {arm: {"kind": "trivial"} for arm in ARMS[:2]}
    arms |= {arm: {"kind": "base", **models, "prompts_sha256": sha256_text(arm)} for arm in ARMS[2:4]}
    tuned = {"kind": "adapter", "adapter": "crumb-demo", "adapter_sha256": sha256_text("adapter")}
    arms[ARMS[4]] = {**tuned, **models, "prompts_sha256": sha256_text("base")}
    return {
        "format": 1, "run": folder.name, "name": "Crumb on sixty posts", "task": PACK.name, "rows": len(rows),
        "samples": 1, "created": "2025-11-21T15:00:00Z", "finished": "2025-11-21T15:12:00Z", "device": "CPU, 2 cores",
        "data": {"kind": "file", "name": "posts.jsonl", "part": "test", "sha256": sha256_text("rows"),
                 "groups": len({row.group for row in rows})},
        "task_pack": {"sha256": sha256_text("pack")}, "arms": arms, "versions": versions(), "machine": machine(),
        "decoding": {"sampling": to_json(PACK.sampling), "seeds": [7], "batch_size": 8},
        "noise": {"arm": "adapter:crumb-demo", "rows": 16, "batch_sizes": [8, 1], "share_different": 0.0625,
                  "mean_abs_difference": 0.004},
        "latency": {ARMS[4]: {"device": "CPU, 2 cores", "peak_memory_bytes": 240_000_000}},
        "files": file_hashes(folder),
    }  # fmt: skip


def shared_evaluation(factory: pytest.TempPathFactory) -> Path:
    """One small evaluation for all tests that only read it, or write its report and card."""
    folder = factory.getbasetemp() / "made-evaluation"
    return folder if (folder / AGGREGATES).is_file() else make_evaluation(folder, DOCS)
