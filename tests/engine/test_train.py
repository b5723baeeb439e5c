"""Training learns, looks at nothing but the completion, goes on where it stopped, and refuses rows that teach wrong."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.engine.rows import answers, engine_for, quiet, row
from tests.tiny_models import END
from training.engine.tokens import chat_end_token, encode, end_ids
from training.engine.train import train_lora
from training.engine.train_config import LoraRunConfig, read_config
from training.engine.train_rows import IGNORED, tokenize_rows
from training.engine.train_trainer import LengthGroups, needed_mask
from training.errors import InputError, ModelError


def chat(text: str) -> str:
    return f"<|bos|><|user|>\n{text}{END}\n<|assistant|>\n"


ROWS = [
    {"prompt": chat(f"say {word}" + " please" * (n % 4)), "completion": json.dumps({"said": word}) + END}
    for n in range(24)
    for word in ("yes", "no")
]


@pytest.fixture(scope="module")
def home(tiny_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose adapters were trained here, one an architecture."""
    root = tmp_path_factory.mktemp("trained")
    for architecture in ("lfm2", "qwen3", "gpt2"):
        train_lora(config_for(tiny_models, root / "adapters" / f"{architecture}-taught", architecture))
    return root


def config_for(tiny_models: Path, out: Path, architecture: str = "lfm2", **changes: Any) -> LoraRunConfig:
    base = LoraRunConfig(
        base=tiny_models / "models" / architecture,
        rows=ROWS,
        out=out,
        steps=150,
        rank=16,
        alpha=16,
        learning_rate=1e-2,
        batch_size=8,
        threads=1,
        task="say",
    )
    return replace(base, **changes)


@pytest.mark.parametrize("architecture", ["lfm2", "qwen3", "gpt2"])
def test_a_trained_adapter_answers_as_it_was_taught_and_its_base_does_not(
    home: Path, tiny_models: Path, architecture: str
) -> None:
    engine = engine_for(tiny_models, home=home)
    name = f"{architecture}-taught"
    engine.prepare(architecture, [name], quiet)
    rows = [row(engine, "say yes"), row(engine, "say yes", adapter=name), row(engine, "say no please", adapter=name)]
    base, yes, no = answers(engine, rows, stop="json")
    assert (yes.raw, no.raw) == ('{"said": "yes"}', '{"said": "no"}')
    assert base.raw != yes.raw
    assert answers(engine, rows)[1].finish_reason == "eos", "the end token was learned as well"
    info = next(a for a in engine.adapters(architecture) if a.name == name)
    assert (info.rank, info.task, info.base) == (16, "say", architecture)


def test_the_folder_left_behind_is_complete(home: Path) -> None:
    folder = home / "adapters" / "lfm2-taught"
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text("utf-8").splitlines()]
    assert [line["step"] for line in lines] == list(range(1, 151))
    assert lines[-1]["loss"] < 0.1 < lines[0]["loss"]
    assert lines[0]["tokens"] < lines[-1]["tokens"]
    provenance = json.loads((folder / "provenance.json").read_text("utf-8"))
    assert provenance["rows"]["used"] == len(ROWS)
    assert provenance["result"]["steps"] == 150
    assert len(provenance["base_sha256"]) == 64
    state = load_file(str(folder / "adapter_model.safetensors"))
    assert {value.dtype for value in state.values()} == {torch.float16}
    layers = {key.split(".lora_")[0].rsplit(".", 1)[-1] for key in state}
    assert layers == {"in_proj", "out_proj", "q_proj", "k_proj", "v_proj", "w1", "w2", "w3"}
    config = json.loads((folder / "adapter_config.json").read_text("utf-8"))
    assert config["inference_mode"] is True
    assert config["base_model_name_or_path"].endswith("lfm2")


def test_an_interrupted_run_ends_with_the_very_same_adapter(tiny_models: Path, tmp_path: Path) -> None:
    whole = config_for(tiny_models, tmp_path / "whole", steps=12, save_steps=4, grad_accumulation=2, batch_size=4)
    train_lora(whole)
    shutil.copytree(tmp_path / "whole", tmp_path / "cut")
    shutil.rmtree(tmp_path / "cut" / "checkpoints" / "checkpoint-12")
    (tmp_path / "cut" / "adapter_model.safetensors").unlink()
    train_lora(replace(whole, out=tmp_path / "cut", resume=True))
    one, other = (load_file(str(tmp_path / name / "adapter_model.safetensors")) for name in ("whole", "cut"))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[key], other[key]) for key in one)
    curves = [
        [(line["step"], line["loss"], line["tokens"]) for line in map(json.loads, text.splitlines())]
        for text in ((tmp_path / name / "metrics.jsonl").read_text("utf-8") for name in ("whole", "cut"))
    ]
    assert curves[0] == curves[1]


def test_only_completion_tokens_carry_loss(tiny_models: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    config = config_for(tiny_models, tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(config.base)
    found = tokenize_rows(config, tokenizer)
    for source, ids, labels in zip(ROWS, found.input_ids, found.labels, strict=True):
        learned = [i for i in labels if i != IGNORED]
        assert tokenizer.decode(learned) == source["completion"]
        assert learned[-1] == tokenizer.convert_tokens_to_ids(END)
        assert len(labels) == len(ids) == len(encode(tokenizer, source["prompt"])) + len(learned)
    assert found.lengths == [len(ids) for ids in found.input_ids]


def test_the_loss_is_the_models_own_over_the_completion(tiny_models: Path, tmp_path: Path) -> None:
    """One step at rate ~0: the logged loss must equal cross entropy computed the plain way on the same rows."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    rows = ROWS[:3]
    config = config_for(tiny_models, tmp_path, rows=rows, steps=1, learning_rate=1e-12, batch_size=3, warmup=0)
    result = train_lora(config)
    tokenizer = AutoTokenizer.from_pretrained(config.base)
    model: Any = AutoModelForCausalLM.from_pretrained(config.base)
    losses: list[torch.Tensor] = []
    for source in rows:
        prompt, completion = encode(tokenizer, source["prompt"]), encode(tokenizer, source["completion"])
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([prompt + completion])).logits[0, len(prompt) - 1 : -1]
        losses.append(torch.nn.functional.cross_entropy(logits, torch.tensor(completion), reduction="none"))
    assert result.loss == pytest.approx(float(torch.cat(losses).mean()), rel=1e-4)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "no rows"),
        ([{"prompt": "a"}], "lacks a prompt or a completion"),
        ([{"prompt": "a", "completion": ""}], "lacks"),
        ([{"prompt": "a", "completion": "no end"}], r"does not end with '<\|end\|>'"),
        ([{"prompt": "<|bos|><|bos|>a", "completion": f"b{END}"}], "second BOS"),
        ([{"prompt": "a", "completion": f"<|bos|>b{END}"}], "second BOS"),
        ([{"prompt": "a" * 400, "completion": f"b{END}"}], "takes 402 tokens"),
    ],
)
def test_rows_that_would_teach_wrong_are_refused(tiny_models: Path, tmp_path: Path, rows: Any, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        train_lora(config_for(tiny_models, tmp_path, rows=rows, max_length=300))
    assert caught.value.fix


def test_long_rows_are_dropped_only_when_asked_and_then_counted(tiny_models: Path, tmp_path: Path) -> None:
    rows = [*ROWS[:4], {"prompt": "a" * 400, "completion": f"b{END}"}]
    train_lora(config_for(tiny_models, tmp_path, rows=rows, max_length=300, too_long="drop", steps=1))
    kept = json.loads((tmp_path / "provenance.json").read_text("utf-8"))["rows"]
    assert (kept["used"], kept["dropped_too_long"]) == (4, 1)


def test_a_base_that_is_none_is_a_model_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="can't be loaded"):
        train_lora(LoraRunConfig(base=tmp_path, rows=ROWS, out=tmp_path / "out", steps=1))


def test_rows_are_all_seen_once_an_epoch_and_batches_hold_like_lengths() -> None:
    lengths = [(n * 37) % 100 for n in range(103)]
    sampler = LengthGroups(lengths, 4, 2, seed=3)
    first = list(sampler)
    assert sorted(first) == list(range(103))
    assert first == list(sampler)
    batches = [first[n : n + 4] for n in range(0, 100, 4)]
    spread = sum(max(lengths[i] for i in b) - min(lengths[i] for i in b) for b in batches) / len(batches)
    assert spread < 25, "rows at random would spread over some 60"
    sampler.set_epoch(1)
    assert list(sampler) != first


def test_short_rows_come_first_where_asked_and_each_row_still_once() -> None:
    lengths = [10 * (n % 40) + 5 for n in range(400)]
    order = list(LengthGroups(lengths, batch_size=4, accumulation=1, seed=3, short=32))
    border = sorted(lengths)[100]
    assert sorted(order) == list(range(400))
    assert all(lengths[i] <= border for i in order[:32])
    assert any(lengths[i] > border for i in order[32:64])


def test_the_mask_is_left_out_only_where_padding_is_on_the_right() -> None:
    right = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])
    assert needed_mask(right) is None
    for mask in (torch.tensor([[0, 1, 1]]), torch.tensor([[1, 0, 1]])):
        assert needed_mask(mask) is mask


def test_a_config_file_is_read_whole_or_refused(tiny_models: Path, tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    good = f"base: {tiny_models}/models/lfm2\nrows: rows.jsonl\nout: out\nsteps: 3\nlearning_rate: 3e-4\n"
    path.write_text(good, "utf-8")
    config = read_config(path)
    assert (config.learning_rate, config.rows, config.out) == (3e-4, tmp_path / "rows.jsonl", tmp_path / "out")
    for text, said in [
        ("steps: 3", "lacks base, rows, out"),
        ("base: a\nrows: b\nout: c\nsteps: 3\nlearning: 1", "unknown keys: learning"),
        ("base: a\nrows: b\nout: c\nsteps: 0", "steps is 0"),
        ("base: a\nrows: b\nout: c\nsteps: x", "wrong type"),
        ("base: a\nrows: b\nout: c\nsteps: 3\nlearning_rate: fast", "learning_rate is 'fast'"),
        ("- a", "no mapping"),
        ("a: [", "no YAML"),
    ]:
        path.write_text(text, "utf-8")
        with pytest.raises(InputError, match=said):
            read_config(path)
    with pytest.raises(InputError, match="can't be read"):
        read_config(tmp_path / "none.yaml")


def test_end_ids_are_the_models_the_tokenizers_and_the_templates(tmp_path: Path) -> None:
    from tests.tiny_models import make_tokenizer

    tokenizer = make_tokenizer(tmp_path / "chat")
    assert chat_end_token(tokenizer) == END
    assert end_ids(tokenizer, [9, 10]) == {9, 10, 2, 3}
    assert end_ids(tokenizer, 9) == {9, 2, 3}
    plain = make_tokenizer(tmp_path / "plain", chat_template=None)
    assert chat_end_token(plain) == "<|eos|>"
    assert end_ids(plain, None) == {2}
