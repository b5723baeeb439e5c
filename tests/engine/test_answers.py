"""Many rows answered by base and trained side: the same answers as one by one, stoppable, whatever was trained."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.engine.rows import quiet
from tests.engine.small_versions import small_version
from tests.tiny_models import make_model
from training.engine.answers import ADAPTER, BASE, MOST_ROWS, Arms, Stopped, Watch, answer_arms, batch_rows, cache_bytes
from training.engine.api import EngineSettings
from training.engine.hub import resolve_base
from training.engine.load import load_base
from training.engine.run_rows import asked_rows
from training.task.pack import BUILTIN, Pack, load_pack
from training.task.records import FinishReason, Prompt

TOKENS = 12


@pytest.fixture(scope="module")
def settings(tiny_models: Path) -> EngineSettings:
    return EngineSettings(models=tiny_models / "models", adapters=tiny_models / "adapters")


@pytest.fixture(scope="module")
def pack() -> Pack:
    full = load_pack(BUILTIN / "recipe-writer")
    return replace(full, sampling=replace(full.sampling, max_new_tokens=TOKENS))


@pytest.fixture(scope="module")
def prompts(tiny_models: Path, pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> list[Prompt]:
    version = small_version(tmp_path_factory.mktemp("home"), "recipe-writer", dev=5)
    return [asked.prompt for asked in asked_rows(version, "dev", pack, tiny_models / "models" / "llama")]


def arms_for(settings: EngineSettings, trained: Path | None, **more: Any) -> Arms:
    return Arms(resolve_base("llama", settings, quiet), settings, trained, **more)


def greedy(model: Any, prompt: Prompt) -> list[int]:
    """What the library's own loop gives, nothing of ours in it."""
    ids = torch.tensor([prompt.token_ids])
    plain = {"do_sample": False, "max_new_tokens": TOKENS, "repetition_penalty": 1.0, "temperature": None}
    with torch.inference_mode():
        return model.generate(ids, attention_mask=torch.ones_like(ids), **plain)[0, ids.shape[1] :].tolist()


def test_both_sides_answer_as_the_librarys_own_loop(
    settings: EngineSettings, tiny_models: Path, pack: Pack, prompts: list[Prompt]
) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    told: list[tuple[str, int, int]] = []
    folder = tiny_models / "adapters" / "llama-a"
    watch = Watch(lambda *words: told.append(words))
    found = answer_arms(arms_for(settings, folder), prompts, pack, watch)
    assert told[-1] == (ADAPTER, 5, 5) and (BASE, 5, 5) in told
    tokenizer = AutoTokenizer.from_pretrained(str(tiny_models / "models" / "llama"))
    model: Any = AutoModelForCausalLM.from_pretrained(str(tiny_models / "models" / "llama"))
    model.generation_config.eos_token_id = None
    expected = {BASE: [greedy(model, prompt) for prompt in prompts]}
    peft = PeftModel.from_pretrained(model, str(folder))
    expected[ADAPTER] = [greedy(peft, prompt) for prompt in prompts]
    ends = {tokenizer.convert_tokens_to_ids(token) for token in ("<|eos|>", "<|end|>")}
    for arm, answers in found.items():
        assert [answer.index for answer in answers] == list(range(5))
        for answer, ids in zip(answers, expected[arm], strict=True):
            whole = ids[: next((at for at, token in enumerate(ids) if token in ends), len(ids))]
            assert answer.text == tokenizer.decode(whole, skip_special_tokens=True)
            assert answer.finish is (FinishReason.LENGTH if len(whole) == TOKENS else FinishReason.EOS)
    assert [a.text for a in found[BASE]] != [a.text for a in found[ADAPTER]]


def test_a_known_base_is_not_asked_again(
    settings: EngineSettings, tiny_models: Path, pack: Pack, prompts: list[Prompt]
) -> None:
    arms = arms_for(settings, tiny_models / "adapters" / "llama-b", ask_base=False)
    assert set(answer_arms(arms, prompts[:1], pack)) == {ADAPTER}


def test_an_adapter_that_cannot_share_a_model_is_merged(
    settings: EngineSettings, tiny_models: Path, tmp_path: Path, pack: Pack, prompts: list[Prompt]
) -> None:
    """DoRA, and an adapter that changes too little to be proven."""
    from peft import LoraConfig, PeftModel, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    base = str(tiny_models / "models" / "llama")
    torch.manual_seed(5)
    config = LoraConfig(r=4, lora_alpha=4, target_modules="all-linear", task_type="CAUSAL_LM", use_dora=True)
    wrapped: Any = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
    with torch.no_grad():
        for name, weight in wrapped.named_parameters():
            if "lora_" in name and "magnitude" not in name:
                weight.normal_(0.0, 0.3)
    wrapped.save_pretrained(str(tmp_path / "dora"))
    found = answer_arms(arms_for(settings, tmp_path / "dora"), prompts[:2], pack)
    tokenizer = AutoTokenizer.from_pretrained(base)
    model: Any = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), str(tmp_path / "dora"))
    model.generation_config.eos_token_id = None
    for answer, prompt in zip(found[ADAPTER], prompts, strict=False):
        assert tokenizer.decode(greedy(model, prompt), skip_special_tokens=True).startswith(answer.text)
    assert found[ADAPTER][0].text != found[BASE][0].text
    same = tmp_path / "same"
    shutil.copytree(tiny_models / "adapters" / "llama-a", same)
    _silence(same)
    found = answer_arms(arms_for(settings, same), prompts[:2], pack)
    assert [a.text for a in found[ADAPTER]] == [a.text for a in found[BASE]]


def _silence(folder: Path) -> None:
    """An adapter of zeros."""
    from safetensors.torch import load_file, save_file

    path = folder / "adapter_model.safetensors"
    save_file({name: torch.zeros_like(weight) for name, weight in load_file(str(path)).items()}, str(path))


def test_a_whole_model_takes_the_bases_place(
    settings: EngineSettings, tiny_models: Path, tmp_path: Path, pack: Pack, prompts: list[Prompt]
) -> None:
    trained = make_model(tmp_path / "model", "llama", seed=9)
    found = answer_arms(arms_for(settings, trained), prompts[:2], pack)
    alone = answer_arms(Arms(resolve_base(str(trained), settings, quiet), settings), prompts[:2], pack)
    assert [a.text for a in found[ADAPTER]] == [a.text for a in alone[BASE]] != [a.text for a in found[BASE]]


def test_it_stops_within_a_token_when_told_to(settings: EngineSettings, pack: Pack, prompts: list[Prompt]) -> None:
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 3

    with pytest.raises(Stopped):
        answer_arms(arms_for(settings, None), prompts, pack, Watch(stop=stop))
    assert len(asked) == 4


def test_a_batch_is_as_large_as_its_share_of_memory_allows(
    settings: EngineSettings, pack: Pack, prompts: list[Prompt]
) -> None:
    loaded = load_base(resolve_base("llama", settings, quiet), settings, quiet)
    assert cache_bytes(loaded.model) == 2 * 3 * 2 * 8 * 4  # both kinds, layers, heads, width, fp32
    assert batch_rows(loaded, prompts, pack) == MOST_ROWS
    endless = replace(pack, sampling=replace(pack.sampling, max_new_tokens=10**9))
    assert batch_rows(loaded, prompts, endless) == 1
