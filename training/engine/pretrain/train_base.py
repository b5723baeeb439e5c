"""Train the embedded base from nothing on the general mix. CPU, bf16 autocast, Muon on the matrices.

Promise: the same corpus, seed and steps give the same batches; a stopped run goes on from its last checkpoint.
Limit: floating point on another CPU makes slightly other weights.

    python -m training.engine.pretrain.train_base --out build/base --minutes 80
"""

import argparse
import json
import logging
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, Lfm2Config, Lfm2ForCausalLM

from training.data.corpus import Dice, training_recipes
from training.data.general import compact, facts_sample, general_sample
from training.data.questions import Sample
from training.engine.pretrain.batches import Batch, Feed, decisions, encode
from training.engine.pretrain.tokenizer import SPECIAL, train_tokenizer

log = logging.getLogger("pretrain")
DEV_START = 900_000_000  # dev samples: numbers no training run reaches
TOKENIZER_START = 10_000_000
LEAVE = {0: 1.0, 1: 0.35, 2: 0.13, 3: 0.06}  # a stage ends when the smoothed loss is below
SHARE = {0: 0.15, 1: 0.15, 2: 0.25, 3: 0.15}  # or when it has had that share of all the time


def tokenizer_texts() -> Iterator[str]:
    """What the tokenizer is trained on: general samples without their control tokens, and the training recipes."""
    for number in range(12_000):
        text = "".join(part for part, _ in general_sample(TOKENIZER_START + number))
        for special in SPECIAL:
            text = text.replace(special, "\n")
        yield text
    for recipe in training_recipes():
        yield from ["\n".join((recipe.title, *recipe.ingredients, *recipe.steps))] * 3


def build_model(args: argparse.Namespace, vocabulary: int) -> Lfm2ForCausalLM:
    """A small LFM2: short convolutions alternate with attention; they make copying quick to learn."""
    torch.manual_seed(args.seed)
    layers = ["conv" if c == "c" else "full_attention" for c in args.layers]
    return Lfm2ForCausalLM(
        Lfm2Config(
            vocab_size=vocabulary,
            hidden_size=args.hidden,
            intermediate_size=args.ff,
            num_hidden_layers=len(layers),
            layer_types=layers,
            num_attention_heads=args.heads,
            num_key_value_heads=args.heads,
            block_auto_adjust_ff_dim=False,
            conv_bias=False,
            conv_L_cache=args.kernel,
            max_position_embeddings=4096,
            rope_parameters={"rope_type": "default", "rope_theta": 100_000.0},
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
            tie_word_embeddings=True,
        )
    )


class Optimizers:
    """Muon on the hidden matrices, AdamW on embeddings, convolutions and norms; one schedule over both."""

    def __init__(self, model: torch.nn.Module, muon_rate: float, adam_rate: float) -> None:
        matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
        chosen = {id(p) for p in matrices}
        rest = [p for p in model.parameters() if id(p) not in chosen]
        self.parts = [
            torch.optim.Muon(matrices, lr=muon_rate, adjust_lr_fn="match_rms_adamw", weight_decay=0.01),
            torch.optim.AdamW(rest, lr=adam_rate, betas=(0.9, 0.95), weight_decay=0.0),
        ]
        self.rates = [muon_rate, adam_rate]

    def step(self, factor: float) -> None:
        for part, rate in zip(self.parts, self.rates, strict=True):
            for group in part.param_groups:
                group["lr"] = rate * factor
            part.step()
            part.zero_grad(set_to_none=True)


def answer_logits(model: Lfm2ForCausalLM, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits [tokens, vocabulary] (float32) in front of every learnt token, their targets, and their rows.

    Filled up to a multiple of 512 tokens with targets of -100, so that the kernels made for a shape are used again.
    """
    ids, labels = torch.tensor(batch.ids), torch.tensor(batch.labels)
    hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state[:, :-1]
    targets = labels[:, 1:].reshape(-1)
    chosen = (targets != -100).nonzero().squeeze(-1)
    spare = -len(chosen) % 512
    padded = torch.cat([chosen, chosen.new_zeros(spare)])
    logits = model.lm_head(hidden.reshape(-1, hidden.shape[-1])[padded]).float()
    return logits, torch.cat([targets[chosen], targets.new_full((spare,), -100)]), padded // (ids.shape[1] - 1)


@torch.no_grad()
def dev_figures(model: Lfm2ForCausalLM, tokenizer: Any, n: int = 64) -> dict[str, float]:
    """Teacher-forced figures on n dev samples of the general mix, and as many short ones (`dev_short_...`)."""
    short = [facts_sample(Dice(f"dev facts|{i}"), compact) for i in range(n)]
    general = [general_sample(DEV_START + i) for i in range(n)]
    return {
        **{f"dev_{name}": value for name, value in _figures(model, tokenizer, general).items()},
        **{f"dev_short_{name}": value for name, value in _figures(model, tokenizer, short).items()},
    }


def _figures(model: Lfm2ForCausalLM, tokenizer: Any, samples: list[Sample]) -> dict[str, float]:
    """Loss, share of right tokens, share of right decisions, and share of samples right to the last token."""
    model.eval()
    coded = sorted(((*encode(s, tokenizer), decisions(s, tokenizer)) for s in samples), key=lambda s: len(s[0]))
    loss = right = tokens = whole = chosen = choices = 0.0
    for at in range(0, len(coded), 8):
        group = coded[at : at + 8]
        width = max(len(ids) for ids, _, _ in group)
        ids = [ids + [0] * (width - len(ids)) for ids, _, _ in group]
        labels = [labels + [-100] * (width - len(labels)) for _, labels, _ in group]
        with torch.autocast("cpu", torch.bfloat16):
            logits, target, rows = answer_logits(model, Batch(ids, labels, 0))
        logits, rows, target = logits[target != -100], rows[target != -100], target[target != -100]
        hit = logits.argmax(-1) == target
        marks = [mark for _, labels, found in group for mark, y in zip(found[1:], labels[1:], strict=True) if y != -100]
        decided = hit[torch.tensor(marks)]
        loss += torch.nn.functional.cross_entropy(logits, target, reduction="sum").item()
        right, tokens = right + hit.sum().item(), tokens + len(target)
        chosen, choices = chosen + decided.sum().item(), choices + len(decided)
        whole += sum(bool(hit[rows == row].all()) for row in range(len(group)))
    model.train()
    return {
        "loss": loss / tokens,
        "token_accuracy": right / tokens,
        "decision_accuracy": chosen / choices,
        "exact": whole / len(coded),
    }


def save(folder: Path, model: Lfm2ForCausalLM, optimizers: Optimizers, state: dict[str, Any]) -> None:
    """Checkpoint, written beside and renamed so that a kill leaves the last one whole."""
    part = folder / "checkpoint.part"
    torch.save(
        {"model": model.state_dict(), "optimizers": [o.state_dict() for o in optimizers.parts], "state": state}, part
    )
    part.replace(folder / "checkpoint.pt")


def train(args: argparse.Namespace) -> None:
    torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    tokenizer_dir = args.out / "tokenizer"
    if not tokenizer_dir.exists():
        train_tokenizer(tokenizer_texts(), args.vocabulary, 4096, tokenizer_dir)
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_dir)
    model = build_model(args, len(tokenizer))
    optimizers = Optimizers(model, args.muon_rate, args.adam_rate)
    state: dict[str, Any] = {
        "stage": args.first_stage,
        "position": 0,
        "step": 0,
        "tokens": 0,
        "seconds": 0.0,
        "smooth": None,
        "stage_began": 0.0,
        "stage_step": 0,
    }
    if (args.out / "checkpoint.pt").exists():
        kept = torch.load(args.out / "checkpoint.pt", weights_only=True)
        model.load_state_dict(kept["model"])
        for part, saved in zip(optimizers.parts, kept["optimizers"], strict=True):
            part.load_state_dict(saved)
        state = kept["state"]
    log.info("%.2fM parameters, state %s", sum(p.numel() for p in model.parameters()) / 1e6, state)
    run(args, model, tokenizer, optimizers, state)
    model.half().save_pretrained(args.out / "final")
    tokenizer.save_pretrained(args.out / "final")


def rate_factor(args: argparse.Namespace, seconds: float, step: int) -> float:
    """Warm-up over 40 steps, constant, then down to 2 % over the last `decay` share of the time."""
    left = 1 - seconds / (args.minutes * 60)
    return min(1.0, (step + 1) / 40) * max(0.02, min(1.0, left / args.decay))


def run(
    args: argparse.Namespace, model: Lfm2ForCausalLM, tokenizer: Any, optimizers: Optimizers, state: dict[str, Any]
) -> None:
    """The loop: until the minutes are spent."""
    feed = Feed(args.out / "tokenizer", state["stage"], state["position"], args.batch_tokens, args.longest)
    began, before, last_eval = time.perf_counter(), state["seconds"], state["seconds"]
    with (args.out / "metrics.jsonl").open("a", encoding="utf-8") as metrics:
        while state["seconds"] < args.minutes * 60:
            batch = feed.next()
            factor = rate_factor(args, state["seconds"], state["step"])
            with torch.autocast("cpu", torch.bfloat16, enabled=args.bf16):
                logits, target, _ = answer_logits(model, batch)
            loss = torch.nn.functional.cross_entropy(logits, target)
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0).item()
            optimizers.step(factor)
            value = loss.item()
            if not math.isfinite(value):
                raise FloatingPointError(f"loss {value} at step {state['step']}: lower --muon-rate and resume")
            smooth = value if state["smooth"] is None else 0.97 * state["smooth"] + 0.03 * value
            state |= {
                "step": state["step"] + 1,
                "stage_step": state["stage_step"] + 1,
                "position": batch.position,
                "smooth": smooth,
                "tokens": state["tokens"] + len(batch.ids) * len(batch.ids[0]),
                "seconds": before + time.perf_counter() - began,
            }
            row: dict[str, Any] = {**state, "loss": value, "grad_norm": norm, "factor": factor}
            if state["seconds"] - last_eval > args.eval_minutes * 60:
                last_eval = state["seconds"]
                row |= dev_figures(model, tokenizer)
                save(args.out, model, optimizers, state)
            if state["step"] % 20 == 0 or "dev_loss" in row:
                log.info(" ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items()))
                metrics.write(json.dumps(row) + "\n")
                metrics.flush()
            spent = (state["seconds"] - state["stage_began"]) / (args.minutes * 60)
            learnt = smooth < LEAVE.get(state["stage"], -1.0) and state["stage_step"] > 60
            if learnt or spent > SHARE.get(state["stage"], 1.0):
                feed.close()
                state |= {"stage": state["stage"] + 1, "smooth": None, "position": 0}
                state |= {"stage_began": state["seconds"], "stage_step": 0}
                feed = Feed(args.out / "tokenizer", state["stage"], 0, args.batch_tokens, args.longest)
    feed.close()
    figures = {**dev_figures(model, tokenizer, args.dev_samples), "samples": args.dev_samples}
    (args.out / "dev.json").write_text(json.dumps(figures) + "\n", "utf-8")
    log.info("final %s", figures)
    save(args.out, model, optimizers, state)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=57, help="training time in all, resumed time counted")
    parser.add_argument("--dev-samples", type=int, default=256, help="samples of the last look")
    parser.add_argument("--eval-minutes", type=float, default=4)
    parser.add_argument("--layers", default="cacaca", help="c a short convolution, a attention")
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--heads", type=int, default=8, help="many: each looks for something of its own")
    parser.add_argument("--kernel", type=int, default=4, help="tokens that a short convolution sees")
    parser.add_argument("--ff", type=int, default=704)
    parser.add_argument("--vocabulary", type=int, default=4096)
    parser.add_argument("--batch-tokens", type=int, default=8192)
    parser.add_argument("--longest", type=int, default=1536, help="longer samples are left out")
    parser.add_argument("--muon-rate", type=float, default=3e-3)
    parser.add_argument("--adam-rate", type=float, default=3e-3)
    parser.add_argument("--decay", type=float, default=0.35, help="share of the time in which the rate falls")
    parser.add_argument("--first-stage", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=True)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
