"""The rebuild of the embedded base: its tokenizer, its numbered batches, a run that stops and goes on."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from training.data.corpus import Dice
from training.data.general import compact, general_sample, tiny_sample
from training.engine.pretrain.batches import batches, decisions, encode, make, random_copy
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


def test_decisions_are_where_a_key_begins_or_the_structure_goes_on(tokenizer: Any) -> None:
    sample = [("<|bos|><|user|>Place: x<|end|><|assistant|>", False), ('{"place":"on, off","tags":["a"]}<|end|>', True)]
    ids, _ = encode(sample, tokenizer)
    found = decisions(sample, tokenizer)
    assert len(found) == len(ids)
    told = "".join(tokenizer.decode([i]) for i, mark in zip(ids, found, strict=True) if mark)
    assert all(c in told for c in ('{"', '":"', '":["', '"]}'))
    assert "on" not in told
    assert "Place" not in told


def test_each_stage_makes_its_own_samples(tokenizer: Any) -> None:
    texts = {stage: [tokenizer.decode(make(n, stage, tokenizer)[0]) for n in range(40)] for stage in (1, 2, 3, 4)}
    sizes = {stage: sorted(len(text) for text in found)[20] for stage, found in texts.items()}
    assert sizes[2] < sizes[3] < sizes[4]
    assert sum("JSON" in text for text in texts[2]) > 20


def test_answers_follow_the_text(tokenizer: Any) -> None:
    for number in range(40):
        first = tiny_sample(Dice(f"order {number}"), compact)
        text, answer = first[1][0], json.loads(first[2][0].removesuffix("<|end|>"))
        places = [text.rindex(value) for value in answer.values() if not value.startswith("PT")]
        assert places == sorted(places)


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
        heads=2,
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
