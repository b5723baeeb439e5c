"""The rebuild of the embedded base: its tokenizer, its numbered batches, a run that stops and goes on."""

import argparse
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from training.data.corpus import Dice
from training.data.general import compact, general_sample
from training.engine.pretrain.batches import batches, encode, random_copy
from training.engine.pretrain.tokenizer import STRUCTURE, train_tokenizer
from training.engine.pretrain.train_base import train

TEXT = 'Soup\n- 2 cups (½) flour\n1. Mix it. "Well", she said…\n\n\n12) Préchauffez 🍳\t\nStep 3: go\n• 1.5 kg\n  end'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("tokenizer")
    train_tokenizer(("".join(part for part, _ in general_sample(n)) for n in range(200)), 700, 2048, out)
    return out


@pytest.fixture(scope="module")
def tokenizer(folder: Path) -> Any:
    return AutoTokenizer.from_pretrained(folder)


def test_every_text_comes_back(tokenizer: Any) -> None:
    assert tokenizer.decode(tokenizer.encode(TEXT, add_special_tokens=False)) == TEXT


def test_a_line_is_the_same_tokens_in_text_and_json(tokenizer: Any) -> None:
    line = "2 cups brown sugar, packed"
    alone = tokenizer.encode(line, add_special_tokens=False)
    for around in (f"\n- {line}\n- 1 egg", f"\n3. {line}\n4. x", compact({"a": [line, "1 egg"]})):
        ids = tokenizer.encode(around, add_special_tokens=False)
        assert any(ids[at : at + len(alone)] == alone for at in range(len(ids))), around


def test_structure_is_one_token_each(tokenizer: Any) -> None:
    assert {len(tokenizer.encode(text, add_special_tokens=False)) for text in STRUCTURE} == {1}


def test_the_template_writes_one_bos_and_opens_the_answer(tokenizer: Any) -> None:
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": "hi"}], tokenize=False, add_generation_prompt=True
    )
    assert text == "<|bos|><|user|>hi<|end|><|assistant|>"


def test_only_answers_are_learnt(tokenizer: Any) -> None:
    sample = [("<|bos|><|user|>Q<|end|><|assistant|>", False), ("A<|end|>", True)]
    ids, labels = encode(sample, tokenizer)
    learnt = tokenizer.decode([label for label in labels if label != -100])
    assert (learnt, len(ids)) == ("A<|end|>", len(labels))
    ids, labels = random_copy(Dice("copy"), tokenizer)
    span = [label for label in labels if label != -100][:-1]
    assert ids[2 : 2 + len(span)] == span


def test_batches_are_numbered(folder: Path) -> None:
    def first(start: int) -> Any:
        return next(batches(folder, stage=2, start=start, tokens=2048, longest=900))

    assert first(0) == first(0)
    assert first(0).ids != first(96).ids
    assert all(len(row) % 64 == 0 for row in first(0).ids)


def test_a_stopped_run_goes_on_and_leaves_a_plain_model(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "tokenizer").symlink_to(folder)
    settings = argparse.Namespace(
        out=tmp_path,
        minutes=0.02,
        eval_minutes=1.0,
        dev_samples=4,
        layers="ca",
        hidden=64,
        kernel=4,
        ff=64,
        vocabulary=700,
        batch_tokens=512,
        longest=256,
        muon_rate=1e-3,
        adam_rate=1e-3,
        decay=0.5,
        first_stage=0,
        threads=1,
        seed=7,
        bf16=False,
    )
    train(settings)
    stopped = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["state"]
    settings.minutes = stopped["seconds"] / 60 + 0.1
    train(settings)
    ended = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["state"]
    assert ended["step"] > stopped["step"] > 0
    assert ended["tokens"] > stopped["tokens"]
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "final")
    assert model.config.vocab_size == len(AutoTokenizer.from_pretrained(tmp_path / "final"))
