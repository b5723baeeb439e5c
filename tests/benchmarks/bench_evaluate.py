"""An evaluation's answers in batches against a plain generate loop, one document at a time; and how fast it scores.

    python -m tests.benchmarks.bench_evaluate [--docs 48] [--batch 8] [--scored 10000] [--rounds 3] [--save]

Both sides answer the same posts of the offline source with the embedded base and its recipe adapter, greedily, from the
very same prompts. The loop is what a script does: model and adapter loaded once with PEFT, `model.generate` for each
document with torch's own threads, ended by the end tokens and the token budget. The evaluation answers through
`ModelSession.answer`: sorted by length, a fixed batch, ended at the whole object as well. Each side runs in a process
of its own, in turn; loading, rendering and a warm-up are not counted; `same_answers` says for how many documents both
gave the same object. Scoring parses and scores that many answers, a gold with one item lost or made up every other
time, on one thread, and builds every figure of an arm from them. Figures are printed, never asserted.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.benchmarks.results import save, spread

ROOT = Path(__file__).resolve().parents[2]
FIRST_POST = 50_000_000  # far from any post that a shipped model was trained on
WARM_UP = 2


def flags() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default="crumb", help="embedded name, folder or hub id")
    parser.add_argument("--adapter", default="crumb-recipe-jsonld")
    parser.add_argument("--docs", type=int, default=48, help="documents each side answers, 0: none")
    parser.add_argument("--batch", type=int, default=8, help="rows of a batch; an evaluation's own default is 8")
    parser.add_argument("--scored", type=int, default=10_000, help="answers to score, 0: none")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--save", action="store_true", help="write the figures to results.json")
    parser.add_argument("--side", choices=("batched", "loop", "scoring"), help=argparse.SUPPRESS)
    return parser


def posts(count: int, start: int = FIRST_POST) -> list[Any]:
    """That many documents with their golds."""
    from training.data.posts import train_post
    from training.evals.records import EvalRow

    made = [train_post(start + at) for at in range(count)]
    return [EvalRow(f"d{at}", post.text, post.gold, slice=post.slice) for at, post in enumerate(made)]


def asked(maker: Any, pack: Any, count: int) -> list[Any]:
    """A prompt each for the warm-up and then for the documents, these the longest first."""
    from training.evals.records import read_arm

    arm = read_arm("adapter:any")
    prompts = [maker.prompt(pack, arm, row)[0] for row in posts(count + WARM_UP)]
    return prompts[:WARM_UP] + sorted(prompts[WARM_UP:], key=lambda prompt: -prompt.tokens)


def recipe_pack() -> Any:
    """The recipe task; without no_repeat_ngram, for `generate` has none that spares the prompt."""
    from training.task.pack import BUILTIN, load_pack

    pack = load_pack(BUILTIN / "recipe-jsonld")
    return replace(pack, sampling=replace(pack.sampling, no_repeat_ngram=0))


def run_batched(arguments: argparse.Namespace) -> dict[str, Any]:
    """All documents through an evaluation's session."""
    from training.engine.api import EngineSettings
    from training.engine.eval_arms import open_arms
    from training.evals.records import read_arm

    pack, arm = recipe_pack(), read_arm(f"adapter:{arguments.adapter}")
    with open_arms(arguments.base, [arguments.adapter], EngineSettings(), kinds={False}) as session:
        prompts = asked(session.prompts, pack, arguments.docs)

        def answer(some: list[Any]) -> dict[int, Any]:
            return dict(session.answer(arm, some, [pack.sampling] * len(some), pack, batch_size=arguments.batch))

        answer(prompts[:WARM_UP])
        started, worked = time.perf_counter(), time.process_time()
        found = answer(prompts[WARM_UP:])
        wall, work = time.perf_counter() - started, time.process_time() - worked
    answers = [found[at].text for at in range(len(found))]
    return {"wall_s": wall, "cpu_s": work, "tokens": sum(a.new_tokens for a in found.values()), "answers": answers}


def run_loop(arguments: argparse.Namespace) -> dict[str, Any]:
    """All documents one by one with Transformers' own generate."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from training.engine.api import EngineSettings
    from training.engine.base_tokenizer import context_tokens
    from training.engine.eval_prompts import PromptMaker
    from training.engine.hub import resolve_adapter, resolve_base
    from training.engine.tokens import end_ids

    settings, pack = EngineSettings(), recipe_pack()
    base = resolve_base(arguments.base, settings, lambda _text, _share: None)
    adapter = resolve_adapter(arguments.adapter, settings, base, lambda _text, _share: None)
    tokenizer: Any = AutoTokenizer.from_pretrained(str(base.folder))
    prompts = asked(PromptMaker(tokenizer, context_tokens(base.folder, tokenizer), {False}), pack, arguments.docs)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    plain: Any = AutoModelForCausalLM.from_pretrained(str(base.folder), dtype=dtype)
    model: Any = PeftModel.from_pretrained(plain.to(device), str(adapter.folder))
    model.eval()
    model.generation_config.eos_token_id = sorted(end_ids(tokenizer, model.generation_config.eos_token_id))
    answers: list[str] = []
    started, worked, tokens = 0.0, 0.0, 0
    for at, prompt in enumerate(prompts):
        if at == WARM_UP:
            started, worked, tokens = time.perf_counter(), time.process_time(), 0
        ids = torch.tensor([prompt.token_ids], device=device)
        out = model.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=False, repetition_penalty=1.0,
            max_new_tokens=pack.sampling.max_new_tokens, pad_token_id=0,
        )  # fmt: skip
        answers.append(tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True))
        tokens += out.shape[1] - ids.shape[1]
    wall, work = time.perf_counter() - started, time.process_time() - worked
    return {"wall_s": wall, "cpu_s": work, "tokens": tokens, "answers": answers[WARM_UP:]}


def run_scoring(arguments: argparse.Namespace) -> dict[str, Any]:
    """Answers parsed and scored, then every figure of the arm."""
    from training.evals.evaluate import summarise
    from training.task.parse import parse_answer
    from training.task.records import FinishReason
    from training.task.score.answer import score_answer

    pack, rows = recipe_pack(), posts(arguments.scored)
    raws = [json.dumps(altered(row.gold, at)) for at, row in enumerate(rows)]
    started, worked = time.perf_counter(), time.process_time()
    scores = [
        score_answer(pack, parse_answer(pack, raw, FinishReason.EOS), row.source, row.gold, raw=raw)
        for raw, row in zip(raws, rows, strict=True)
    ]
    scored, work = time.perf_counter(), time.process_time() - worked
    summarise(pack, scores)
    return {"score_s": scored - started, "cpu_s": work, "figures_s": time.perf_counter() - scored}


def altered(gold: dict[str, Any], at: int) -> dict[str, Any]:
    """A gold as a model might give it: every other one whole, else an item lost or one made up."""
    items = gold.get("recipeIngredient")
    if not items or at % 2 == 0:
        return gold
    return gold | {"recipeIngredient": items[1:] or items if at % 4 == 1 else [*items, "3 kg of moon dust"]}


SIDES = {"batched": run_batched, "loop": run_loop, "scoring": run_scoring}


def measure(arguments: argparse.Namespace, side: str) -> dict[str, Any]:
    """One side in a process of its own."""
    passed = [f"--{name}={getattr(arguments, name)}" for name in ("base", "adapter", "docs", "batch", "scored")]
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.bench_evaluate", "--side", side, *passed],
        cwd=ROOT, capture_output=True, text=True, env=os.environ | {"HF_HUB_OFFLINE": "1"},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def answering(arguments: argparse.Namespace) -> dict[str, Any]:
    """Both sides in turn, and what they come to."""
    import statistics

    runs: dict[str, list[dict[str, Any]]] = {"batched": [], "loop": []}
    for number in range(arguments.rounds):
        for side in sorted(runs, reverse=bool(number % 2)):
            runs[side].append(measure(arguments, side))
            print(f"round {number + 1} {side}: {arguments.docs / runs[side][-1]['wall_s']:.2f} docs/s", flush=True)
    middle = {
        side: {key: statistics.median(run[key] for run in found) for key in ("wall_s", "cpu_s", "tokens")}
        for side, found in runs.items()
    }
    pairs = list(zip(runs["batched"][0]["answers"], runs["loop"][0]["answers"], strict=True))
    return {
        "what": "answers in batches / one generate call a document",
        "base": arguments.base,
        "adapter": arguments.adapter,
        "docs": arguments.docs,
        "batch": arguments.batch,
        "rounds": arguments.rounds,
        "docs_per_s_ratio": round(middle["loop"]["wall_s"] / middle["batched"]["wall_s"], 2),
        "cpu_ratio": round(middle["loop"]["cpu_s"] / middle["batched"]["cpu_s"], 2),
        "docs_per_s": {side: round(arguments.docs / found["wall_s"], 3) for side, found in middle.items()},
        "new_tokens": {side: int(found["tokens"]) for side, found in middle.items()},
        "batched_s": spread([run["wall_s"] for run in runs["batched"]]),
        "loop_s": spread([run["wall_s"] for run in runs["loop"]]),
        "same_answers": sum(one.strip() == other.strip() for one, other in pairs),
    }


def scoring(arguments: argparse.Namespace) -> dict[str, Any]:
    """The fastest of the rounds: what else the machine does only ever slows it down."""
    found = [measure(arguments, "scoring") for _ in range(arguments.rounds)]
    best = min(found, key=lambda run: run["score_s"])
    return {
        "what": "answers parsed and scored on one thread; all figures of an arm from them",
        "docs": arguments.scored,
        "docs_per_s": round(arguments.scored / best["score_s"], 1),
        "docs_per_cpu_s": round(arguments.scored / min(run["cpu_s"] for run in found), 1),
        "score_s": spread([run["score_s"] for run in found]),
        "figures_s": spread([run["figures_s"] for run in found]),
    }


def main() -> None:
    arguments = flags().parse_args()
    if arguments.side:
        print(json.dumps(SIDES[arguments.side](arguments)))
        return
    records: dict[str, dict[str, Any]] = {}
    if arguments.scored:
        records["evaluate_scoring"] = scoring(arguments)
    if arguments.docs:
        records["evaluate_answers"] = answering(arguments)
    for name, record in records.items():
        print(name, json.dumps(record, indent=2))
        if arguments.save:
            save(name, record)


if __name__ == "__main__":
    main()
