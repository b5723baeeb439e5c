"""Base and adapter side by side: one streamed batch against two models loaded and run one after the other.

    python -m tests.benchmarks.bench_compare [--shape gemma3-270m] [--tokens N] [--rounds N] [--save]

`studio`: this process's engine, both arms as rows of one batch. `script`: what people usually write, in plain
Transformers and PEFT: load the base and generate, load base and adapter as a second model and generate; both models
stay in memory to be compared. Each runs in a fresh process of its own, so that the peak of one is not the other's, and
they take turns. Time is what a person waits in a process whose libraries are warm: loading and answering both. Peak
memory is the process's largest resident size (GPU: torch's largest allocation), less what it was once its libraries
had run a toy model. Both write exactly N tokens an arm, so that neither wins by stopping early. `--shape` builds a
model of a well-known size with random weights, since what is measured does not depend on what the weights say. Figures
are printed, never asserted.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from tests.benchmarks.results import bytes_of, save, spread

SHAPES: dict[str, dict[str, Any]] = {
    "gemma3-270m": {
        "hidden_size": 640, "intermediate_size": 2048, "num_hidden_layers": 18, "num_attention_heads": 4,
        "num_key_value_heads": 1, "head_dim": 256, "sliding_window": 512, "vocab_size": 262_144,
    },
    "toy": {
        "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 6, "num_attention_heads": 2,
        "num_key_value_heads": 1, "head_dim": 16, "sliding_window": 64, "vocab_size": 8192,
    },
}  # fmt: skip
ROOT = Path(__file__).resolve().parents[2]
POST = ROOT / "assets" / "tasks" / "recipe-jsonld" / "examples"


def flags() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default="crumb", help="embedded name, folder or hub id")
    parser.add_argument("--adapter", default="crumb-recipe-jsonld")
    parser.add_argument("--input", type=Path, default=None, help="text file; default: the task's first example")
    parser.add_argument("--tokens", type=int, default=256, help="new tokens each arm writes")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--home", default=None)
    parser.add_argument("--save", action="store_true", help="write the figures to results.json")
    parser.add_argument("--shape", choices=sorted(SHAPES), help="random weights in this shape instead of --base")
    parser.add_argument("--side", choices=("studio", "script"), help=argparse.SUPPRESS)
    return parser


def peak_bytes() -> int:
    """Largest memory so far: of the GPU where one is used, else of this process."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    return bytes_of(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def build(folder: Path, shape: str) -> tuple[str, str]:
    """A Gemma 3 of that shape with random bf16 weights, the embedded tokenizer and a rank-16 adapter, in `folder`."""
    import shutil

    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig

    from training.engine.api import ASSETS

    torch.manual_seed(0)
    base, adapter = folder / "models" / shape, folder / "adapters" / f"{shape}-lora"
    config = Gemma3TextConfig(**SHAPES[shape], pad_token_id=0, bos_token_id=1, eos_token_id=2, tie_word_embeddings=True)
    made: Any = Gemma3ForCausalLM(config)
    model = made.to(torch.bfloat16)
    model.save_pretrained(base)
    for path in (ASSETS / "models" / "crumb").glob("*token*"):
        shutil.copy(path, base)
    shutil.copy(ASSETS / "models" / "crumb" / "chat_template.jinja", base)
    lora = LoraConfig(r=16, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False)
    model.config._name_or_path = shape
    get_peft_model(model, lora).save_pretrained(str(adapter))
    settings = json.loads((adapter / "adapter_config.json").read_text("utf-8"))
    (adapter / "adapter_config.json").write_text(json.dumps(settings | {"base_model_name_or_path": shape}), "utf-8")
    return shape, f"{shape}-lora"


def warm_up() -> None:
    """Run a toy through everything, so that what libraries take for themselves is not taken for the model's."""
    import torch

    threads = torch.get_num_threads()
    with tempfile.TemporaryDirectory() as folder:
        base, adapter = build(Path(folder), "toy")
        toy = argparse.Namespace(base=base, adapter=adapter, tokens=8, home=folder, input=None)
        run_studio(toy)
        run_script(toy)
    torch.set_num_threads(threads)


def prompt_for(arguments: argparse.Namespace) -> tuple[Any, Any, Any]:
    """The recipe prompt of the text, the base's files and the adapter's."""
    from transformers import AutoTokenizer

    from training.engine.api import EngineSettings
    from training.engine.hub import resolve_adapter, resolve_base
    from training.task.context import build_context
    from training.task.pack import BUILTIN, load_pack
    from training.task.prompt import render_prompt
    from training.task.source import read_text

    settings = EngineSettings(home=Path(arguments.home) if arguments.home else None)
    base = resolve_base(arguments.base, settings, lambda _text, _share: None)
    adapter = resolve_adapter(arguments.adapter, settings, base, lambda _text, _share: None)
    pack = load_pack(BUILTIN / "recipe-jsonld")
    text = pack.examples[0].text if arguments.input is None else arguments.input.read_text("utf-8")
    tokenizer = AutoTokenizer.from_pretrained(str(base.folder))
    context = build_context(read_text(text, "paste"), pack.context, lambda t: len(tokenizer.encode(t)))
    return render_prompt(pack, context, tokenizer), base, adapter


def run_studio(arguments: argparse.Namespace) -> dict[str, Any]:
    """Both arms through the engine; its end tokens are taken away so that each arm writes all its tokens."""
    from training.engine.api import Delta, EngineSettings, Row
    from training.engine.engine import Engine
    from training.task.records import Arm, ArmKind, Sampling

    prompt, base, adapter = prompt_for(arguments)
    engine = Engine(EngineSettings(home=Path(arguments.home) if arguments.home else None))
    before, started = peak_bytes(), time.perf_counter()
    engine.prepare(base.name, [adapter.name], lambda _text, _share: None)
    loaded = time.perf_counter()
    assert engine._loaded is not None
    engine._loaded.end_ids = frozenset()
    rows = [Row(Arm(ArmKind.BASE, "base"), prompt), Row(Arm(ArmKind.ADAPTER, "tuned", adapter.name), prompt)]
    firsts: dict[int, float] = {}
    answers: list[str] = []
    for event in engine.generate(rows, Sampling(max_new_tokens=arguments.tokens), None, threading.Event()):
        if isinstance(event, Delta):
            firsts.setdefault(event.index, event.elapsed_s)
        else:
            answers.append(event.raw)
    return _figures(started, loaded, before) | {"first_token_s": max(firsts.values()), "answers": answers}


def run_script(arguments: argparse.Namespace) -> dict[str, Any]:
    """Two models, one after the other, with Transformers' own generate."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    prompt, base, adapter = prompt_for(arguments)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    tokenizer = AutoTokenizer.from_pretrained(str(base.folder))
    ids = torch.tensor([prompt.token_ids], device=device)
    before, started = peak_bytes(), time.perf_counter()
    loading, kept, answers = 0.0, [], []
    for side in ("base", "tuned"):
        begun = time.perf_counter()
        loaded: Any = AutoModelForCausalLM.from_pretrained(str(base.folder), dtype=dtype)
        model = loaded.to(device)
        if side == "tuned":
            model = PeftModel.from_pretrained(model, str(adapter.folder))
        model.eval()
        model.generation_config.eos_token_id = None  # so that each arm writes all its tokens
        kept.append(model)
        loading += time.perf_counter() - begun
        out = model.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=False, repetition_penalty=1.0,
            max_new_tokens=arguments.tokens, pad_token_id=0,
        )  # fmt: skip
        answers.append(tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True))
    return _figures(started, started + loading, before) | {"answers": answers}


def _figures(started: float, loaded: float, before: int) -> dict[str, Any]:
    return {"total_s": time.perf_counter() - started, "load_s": loaded - started, "peak_bytes": peak_bytes() - before}


def measure(arguments: argparse.Namespace, side: str) -> dict[str, Any]:
    """One side in a process of its own."""
    passed = ["--base", arguments.base, "--adapter", arguments.adapter, "--tokens", str(arguments.tokens)]
    passed += ["--home", arguments.home] if arguments.home else []
    passed += ["--input", str(arguments.input)] if arguments.input else []
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.bench_compare", "--side", side, *passed],
        cwd=ROOT, capture_output=True, text=True, env=os.environ | {"HF_HUB_OFFLINE": "1"},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    arguments = flags().parse_args()
    if arguments.side:
        warm_up()
        found = {"studio": run_studio, "script": run_script}[arguments.side](arguments)
        print(json.dumps(found))
        return
    with contextlib.ExitStack() as stack:
        if arguments.shape:
            arguments.home = stack.enter_context(tempfile.TemporaryDirectory())
            # in a process of its own: a child's peak begins at what its parent had reached
            making = multiprocessing.get_context("spawn").Process(
                target=build, args=(Path(arguments.home), arguments.shape)
            )
            making.start()
            making.join()
            arguments.base, arguments.adapter = arguments.shape, f"{arguments.shape}-lora"
        record = compare(arguments)
    print(json.dumps(record, indent=2))
    if arguments.save:
        save("side_by_side" if arguments.base == "crumb" else f"side_by_side_{arguments.base}", record)


def compare(arguments: argparse.Namespace) -> dict[str, Any]:
    """Both sides in turn, and what they come to."""
    runs: dict[str, list[dict[str, Any]]] = {"studio": [], "script": []}
    for number in range(arguments.rounds):
        for side in sorted(runs, reverse=bool(number % 2)):
            runs[side].append(measure(arguments, side))
            print(f"round {number + 1} {side}: {runs[side][-1]['total_s']:.2f} s", flush=True)
    medians = {
        side: {key: statistics.median(run[key] for run in found) for key in ("total_s", "load_s", "peak_bytes")}
        for side, found in runs.items()
    }
    return {
        "what": "both arms in one streamed batch / two models one after the other",
        "base": arguments.base,
        "tokens_each": arguments.tokens,
        "rounds": arguments.rounds,
        "time_ratio": round(medians["studio"]["total_s"] / medians["script"]["total_s"], 3),
        "answer_time_ratio": round(
            (medians["studio"]["total_s"] - medians["studio"]["load_s"])
            / (medians["script"]["total_s"] - medians["script"]["load_s"]),
            3,
        ),
        "peak_memory_ratio": round(medians["studio"]["peak_bytes"] / medians["script"]["peak_bytes"], 3),
        "studio_s": spread([run["total_s"] for run in runs["studio"]]),
        "script_s": spread([run["total_s"] for run in runs["script"]]),
        "studio_peak_mb": round(medians["studio"]["peak_bytes"] / 1e6, 1),
        "script_peak_mb": round(medians["script"]["peak_bytes"] / 1e6, 1),
        "same_answers": runs["studio"][0]["answers"] == runs["script"][0]["answers"],
    }


if __name__ == "__main__":
    main()
