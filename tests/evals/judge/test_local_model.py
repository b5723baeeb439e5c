"""A judge that is a real model on this machine, behind the real `transformers serve`: two models made on the spot.

One is random and writes bytes without sense: every verdict of it must come out as unscored, none as 0. The other can
say one thing, a verdict, whatever it is asked: it is scored, with the tokens that the server counted.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.evals.judge.graders import RECIPES, evaluation, field_verdict, gold_json, parts, prose, recipe, verdict
from tests.tiny_models import make_model
from training.evals.judge.config import settings_from
from training.evals.judge.frame import OVERALL, read_rows
from training.evals.judge.run import judge_evaluation
from training.evals.judge.tables import judge_tables

ARMS = {"base": prose, "imported:g": gold_json}
START_S = 240.0
SAYS = verdict(RECIPES, 7, taxonomy=field_verdict(None, na=True))


def make_one_thing_model(folder: Path) -> Path:
    """A Llama whose layers add nothing, so that the last token alone decides the next: newline, verdict, end."""
    import torch
    from transformers import AddedToken, AutoTokenizer, LlamaConfig, LlamaForCausalLM

    make_model(folder, "llama")
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens([AddedToken(json.dumps(SAYS), normalized=False)])
    tokenizer.save_pretrained(folder)
    newline = tokenizer.encode("\n", add_special_tokens=False)[-1]
    said, end = len(tokenizer) - 1, tokenizer.convert_tokens_to_ids("<|end|>")
    model: Any = LlamaForCausalLM(LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=512, intermediate_size=8, num_hidden_layers=1, num_attention_heads=4,
        num_key_value_heads=4, max_position_embeddings=16384, tie_word_embeddings=False, pad_token_id=0, bos_token_id=1,
        eos_token_id=end,
    ))  # fmt: skip
    with torch.no_grad():
        layer = model.model.layers[0]
        layer.self_attn.o_proj.weight.zero_()
        layer.mlp.down_proj.weight.zero_()
        model.model.embed_tokens.weight.copy_(torch.eye(len(tokenizer), 512))
        model.lm_head.weight.zero_()
        model.lm_head.weight[said, newline] = model.lm_head.weight[end, said] = 1.0
    model.generation_config.eos_token_id = [end]
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """`transformers serve` on a free port, which loads whatever folder a call names."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "transformers.cli.transformers", "serve", "--host", "127.0.0.1", "--port", str(port),
        "--device", "cpu", "--dtype", "float32",
    ]  # fmt: skip
    process = subprocess.Popen(command, env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"})
    try:
        until = time.monotonic() + START_S
        while not answers(port):
            assert process.poll() is None and time.monotonic() < until, "transformers serve did not start"
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(30)


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.mark.slow
def test_a_local_model_that_writes_garbage_is_unscored_and_never_0(served: str, tmp_path: Path) -> None:
    model = make_model(tmp_path / "random", "llama")
    folder = evaluation(tmp_path / "evaluation", RECIPES, [recipe(n) for n in range(2)], ARMS)
    settings = settings_from("transformers-serve", base_url=served, model=str(model), max_tokens=48)
    report = judge_evaluation(folder, RECIPES, settings, parts=parts(tmp_path))
    rows = [row for row in read_rows(folder) if row["arm"] == "imported:g"]
    assert [row["status"] for row in rows] == ["unscored(grader_failed)"] * 2
    assert all(row["score"] is None and row["tokens_out"] for row in rows) and report.local
    overall = judge_tables(folder)["overall"]["imported:g"]
    assert overall["value"] is None and overall["gated"] is None and overall["unscored"] == 2


@pytest.mark.slow
def test_a_local_model_that_writes_a_verdict_is_scored(served: str, tmp_path: Path) -> None:
    model = make_one_thing_model(tmp_path / "judge")
    folder = evaluation(tmp_path / "evaluation", RECIPES, [recipe(n) for n in range(2)], ARMS)
    settings = settings_from("transformers-serve", base_url=served, model=str(model), max_tokens=48)
    report = judge_evaluation(folder, RECIPES, replace(settings, repeats=2), parts=parts(tmp_path))
    rows = [row for row in read_rows(folder) if row["arm"] == "imported:g" and row["field"] == OVERALL]
    assert [row["score"] for row in rows] == [7.0] * 4 and report.unscored == {} and report.calls == 4
    assert report.estimated_calls == 0 and all(row["tokens_in"] > 1000 and row["tokens_out"] >= 1 for row in rows)
    assert judge_tables(folder)["label"] == "uncalibrated local judge"
