"""Training learns, looks at nothing but the completion, and refuses rows that teach wrong."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.engine.rows import answers, engine_for, quiet, row
from tests.engine.training import ROWS, job_for, train_tiny
from tests.tiny_models import END
from training.engine.tokens import chat_end_token, encode, end_ids
from training.engine.train import Hooks, train
from training.engine.train_order import WIDTHS, LengthGroups, packed, padded, rows_in, tokens_in
from training.engine.train_rows import IGNORED, tokenize_rows
from training.engine.train_trainer import needed_mask
from training.errors import AdapterError, InputError, ModelError
from training.runs.records import Step


@pytest.fixture(scope="module")
def home(tiny_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose adapters were trained here, one an architecture; the runs' other files are beside them."""
    root = tmp_path_factory.mktemp("trained")
    (root / "adapters").mkdir()
    for architecture in ("lfm2", "qwen3", "gpt2"):
        result = train_tiny(tiny_models, root / "runs" / architecture, architecture)
        result.adapter.rename(root / "adapters" / f"{architecture}-taught")
    return root


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
    text = (home / "runs" / "lfm2" / "metrics.jsonl").read_text("utf-8")
    steps = [Step(**json.loads(line)) for line in text.splitlines()]
    assert [step.step for step in steps] == list(range(1, 151))
    assert steps[-1].loss is not None and steps[0].loss is not None
    assert steps[-1].loss < 0.1 < steps[0].loss
    for step in steps:
        rates = (step.learning_rate, step.grad_norm, step.tokens, step.tokens_per_s, step.samples_per_s)
        assert all(value is not None and value > 0 for value in rates[1:])
        assert step.memory_bytes and step.learning_rate is not None and step.dev_loss is None
    assert [s.tokens for s in steps] == sorted({s.tokens for s in steps if s.tokens is not None})
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


def test_a_result_says_what_was_done_and_with_what(tiny_models: Path, tmp_path: Path) -> None:
    phases: list[str] = []
    steps: list[Step] = []
    result = train_tiny(
        tiny_models, tmp_path, max_steps=3, hooks=Hooks(step=steps.append, phase=phases.append), base_name="tiny"
    )
    assert (result.state, result.steps, result.rows, result.rows_dropped) == ("finished", 3, len(ROWS), 0)
    assert result.loss == pytest.approx(sum(step.loss or 0 for step in steps) / 3)
    assert 0 < result.trainable_parameters < result.parameters
    assert (result.dev_loss, result.best_step, result.backend) == (None, None, "trl: asked for")
    assert result.seconds == steps[-1].seconds > 0
    assert {"torch", "transformers", "peft", "trl"} == set(result.versions)
    assert "fp32" in result.dtype
    assert phases == ["loading", "training", "saving"]
    config = json.loads((result.adapter / "adapter_config.json").read_text("utf-8"))
    assert config["base_model_name_or_path"] == "tiny"


def test_epochs_decide_the_steps_where_no_number_is_given(tiny_models: Path, tmp_path: Path) -> None:
    result = train_tiny(tiny_models, tmp_path, max_steps=0, epochs=0.5, rows=ROWS[:20], batch_size=3)
    assert result.steps == 4  # half of ceil(20 / 3) passes, rounded


def test_only_completion_tokens_carry_loss(tiny_models: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    job = job_for(tiny_models, tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(job.base)
    found = tokenize_rows(ROWS, tokenizer, job.config)
    for source, ids, labels in zip(ROWS, found.input_ids, found.labels, strict=True):
        learned = [i for i in labels if i != IGNORED]
        assert tokenizer.decode(learned) == source["completion"]
        assert learned[-1] == tokenizer.convert_tokens_to_ids(END)
        assert len(labels) == len(ids) == len(encode(tokenizer, source["prompt"])) + len(learned)
    assert found.lengths == [len(ids) for ids in found.input_ids]
    whole = tokenize_rows(ROWS, tokenizer, replace(job.config, answer_only=False))
    assert whole.labels == whole.input_ids == found.input_ids


@pytest.mark.parametrize("answer_only", [True, False])
def test_the_loss_is_the_models_own_over_what_is_learnt(tiny_models: Path, tmp_path: Path, answer_only: bool) -> None:
    """One step at rate ~0: the logged loss must equal cross entropy computed the plain way on the same rows.

    The dev loss on the same rows is the same number, whatever the batches are.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    rows = ROWS[:3]
    job = job_for(
        tiny_models, tmp_path, rows=rows, dev_rows=rows, max_steps=1, eval_steps=1, learning_rate=1e-12, batch_size=1,
        grad_accumulation=3, warmup=0.0, answer_only=answer_only,
    )  # fmt: skip
    result = train(job)
    tokenizer = AutoTokenizer.from_pretrained(job.base)
    model: Any = AutoModelForCausalLM.from_pretrained(job.base)
    losses: list[torch.Tensor] = []
    for source in rows:
        prompt, completion = encode(tokenizer, source["prompt"]), encode(tokenizer, source["completion"])
        whole = torch.tensor(prompt + completion)
        with torch.no_grad():
            logits = model(input_ids=whole.unsqueeze(0)).logits[0, :-1]
        nats = torch.nn.functional.cross_entropy(logits, whole[1:], reduction="none")
        losses.append(nats[len(prompt) - 1 :] if answer_only else nats)
    plain = float(torch.cat(losses).mean())
    assert result.loss == pytest.approx(plain, rel=1e-4)
    assert result.dev_loss == pytest.approx(plain, rel=1e-4)


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
        train_tiny(tiny_models, tmp_path, rows=rows, max_length=300)
    assert caught.value.fix


def test_long_rows_are_dropped_only_when_asked_and_then_counted(tiny_models: Path, tmp_path: Path) -> None:
    rows = [*ROWS[:4], {"prompt": "a" * 400, "completion": f"b{END}"}]
    result = train_tiny(tiny_models, tmp_path, rows=rows, max_length=300, too_long="drop", max_steps=1)
    assert (result.rows, result.rows_dropped) == (4, 1)
    kept = json.loads((result.adapter / "provenance.json").read_text("utf-8"))["rows"]
    assert (kept["used"], kept["dropped_too_long"]) == (4, 1)


def test_a_dev_row_that_teaches_wrong_is_named_as_one(tiny_models: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Dev row 0's completion does not end"):
        train_tiny(tiny_models, tmp_path, dev_rows=[{"prompt": "a", "completion": "b"}], eval_steps=1)


def test_a_base_that_is_none_is_a_model_error(tiny_models: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="can't be loaded"):
        train(replace(job_for(tiny_models, tmp_path / "out", max_steps=1), base=tmp_path))


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


def test_rows_are_padded_on_the_right_or_stand_behind_each_other() -> None:
    rows = [{"input_ids": [5, 6, 7], "labels": [IGNORED, 6, 7]}, {"input_ids": [8, 9], "labels": [8, 9]}]
    under = padded(rows, pad=0)
    assert {value.shape for value in under.values()} == {(2, WIDTHS)}, "few shapes: each costs a CPU its own kernels"
    assert under["input_ids"][:, :4].tolist() == [[5, 6, 7, 0], [8, 9, 0, 0]]
    assert under["labels"][:, :4].tolist() == [[IGNORED, 6, 7, IGNORED], [8, 9, IGNORED, IGNORED]]
    assert under["attention_mask"][:, :4].tolist() == [[1, 1, 1, 0], [1, 1, 0, 0]]
    behind = packed(rows)
    assert behind["input_ids"].tolist() == [[5, 6, 7, 8, 9]]
    assert behind["labels"].tolist() == [[IGNORED, 6, 7, IGNORED, 9]], "7 does not teach 8"
    assert behind["position_ids"].tolist() == [[0, 1, 2, 0, 1]]
    for batch in (under, behind):
        assert (tokens_in(batch), rows_in(batch)) == (5, 2)


def test_end_ids_are_the_models_the_tokenizers_and_the_templates(tmp_path: Path) -> None:
    from tests.tiny_models import make_tokenizer

    tokenizer = make_tokenizer(tmp_path / "chat")
    assert chat_end_token(tokenizer) == END
    assert end_ids(tokenizer, [9, 10]) == {9, 10, 2, 3}
    assert end_ids(tokenizer, 9) == {9, 2, 3}
    plain = make_tokenizer(tmp_path / "plain", chat_template=None)
    assert chat_end_token(plain) == "<|eos|>"
    assert end_ids(plain, None) == {2}


def test_a_run_begins_with_the_weights_of_an_adapter_or_says_why_it_cannot(
    home: Path, tiny_models: Path, tmp_path: Path
) -> None:
    taught = home / "adapters" / "qwen3-taught"
    result = train_tiny(tiny_models, tmp_path / "on", "qwen3", start=taught, max_steps=2, learning_rate=1e-6)
    before, after = (load_file(folder / "adapter_model.safetensors") for folder in (taught, result.adapter))
    assert all(torch.allclose(before[name], after[name], atol=1e-3) for name in before)
    assert result.loss < 0.05, "it knows what it was taught"
    with pytest.raises(AdapterError, match="other matrices"):
        train_tiny(tiny_models, tmp_path / "other", "qwen3", start=taught, rank=8)
    with pytest.raises(AdapterError, match="can't be read"):
        train_tiny(tiny_models, tmp_path / "none", "qwen3", start=tmp_path)
