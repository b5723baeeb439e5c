"""The arms of an evaluation: Compare's prompts, the loop's answers, every adapter beside one base, stoppable."""

import json
import math
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from jsonschema import Draft202012Validator

from tests.engine.rows import engine_for, quiet
from training.compare import Request, prepare
from training.engine import likelihood
from training.engine.api import EngineSettings
from training.engine.eval_arms import ModelSession, Stopped, Watch, open_arms, shots_in
from training.engine.eval_prompts import base_for, prompts_of
from training.engine.generate import Answer, Job, decode
from training.engine.load import LoadedBase
from training.engine.sides import BASE_ROW
from training.errors import AdapterError, InputError
from training.evals.records import EvalRow, read_arm
from training.task.pack import BUILTIN, Pack, load_pack
from training.task.records import Arm, ArmKind, FinishReason, Prompt, Sampling, Source

TOKENS = 10
TEXTS = ["Tomato soup: boil 3 tomatoes.", "A pie.", "Bake the apples with some honey for 20 minutes, then serve."]
ROWS = [EvalRow(f"d{n}", text, None) for n, text in enumerate(TEXTS)]
BASE, PROMPTED, SHOTS, HELD = (read_arm(name) for name in ("base", "prompted", "shots", "constrained"))
A, B, DORA = (read_arm(f"adapter:{name}") for name in ("llama-a", "llama-b", "llama-dora"))


@pytest.fixture(scope="module")
def pack() -> Pack:
    full = load_pack(BUILTIN / "recipe-jsonld")
    return replace(full, sampling=replace(full.sampling, max_new_tokens=TOKENS))


@pytest.fixture(scope="module")
def settings(tiny_models: Path, tmp_path_factory: pytest.TempPathFactory) -> EngineSettings:
    home = tmp_path_factory.mktemp("home")
    make_dora(home / "adapters" / "llama-dora", tiny_models / "models" / "llama")
    return EngineSettings(models=tiny_models / "models", adapters=tiny_models / "adapters", home=home)


def make_dora(folder: Path, base: Path) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(5)
    config = LoraConfig(r=4, lora_alpha=4, target_modules="all-linear", task_type="CAUSAL_LM", use_dora=True)
    wrapped: Any = get_peft_model(AutoModelForCausalLM.from_pretrained(str(base)), config)
    with torch.no_grad():
        for name, weight in wrapped.named_parameters():
            if "lora_" in name and "magnitude" not in name:
                weight.normal_(0.0, 0.3)
    wrapped.save_pretrained(str(folder))


@pytest.fixture(scope="module")
def session(settings: EngineSettings) -> Iterator[ModelSession]:
    with open_arms("llama", ["llama-a", "llama-b", "llama-dora", "llama-a"], settings) as opened:
        yield opened


def loaded_of(session: ModelSession) -> LoadedBase:
    assert session._loaded is not None
    return session._loaded


def asked(session: ModelSession, pack: Pack, arm: Any = BASE) -> list[Prompt]:
    return [session.prompt(pack, arm, row)[0] for row in ROWS]


def answers(session: ModelSession, arm: Any, prompts: list[Prompt], pack: Pack, **more: Any) -> list[Answer]:
    found = dict(session.answer(arm, prompts, [pack.sampling] * len(prompts), pack, **more))
    assert [found[at].index for at in sorted(found)] == list(range(len(prompts)))
    return [found[at] for at in range(len(prompts))]


def texts(found: list[Answer]) -> list[str]:
    return [answer.text for answer in found]


def test_prompts_are_those_of_a_comparison(session: ModelSession, pack: Pack, tiny_models: Path) -> None:
    engine = engine_for(tiny_models)
    arms = (Arm(ArmKind.BASE, "b"), Arm(ArmKind.PROMPTED, "p"), Arm(ArmKind.ADAPTER, "a", "llama-a"))
    page = "<html><body><nav>Home</nav><article><h1>Soup</h1><p>Boil 3 tomatoes in 1 l of water.</p></article></body>"
    long = "\n".join(f"{n} g of flour number {n}" for n in range(400))
    for kind, text in (("text", TEXTS[0]), ("html", page), ("text", long)):
        there = prepare(Request(pack, "llama", Source(text, kind), arms, pack.sampling), engine, quiet)
        row = EvalRow("x", text, None, kind=kind)
        here = [session.prompt(pack, arm, row) for arm in (BASE, PROMPTED, A)]
        assert [prompt for prompt, _ in here] == list(there.prompts)
        share = there.context.shown_tokens / there.context.source_tokens
        assert [shown for _, shown in here] == [pytest.approx(share)] * 3 and (share < 0.5) == (text == long)


def test_every_arm_is_shown_the_same_of_a_document_but_only_arms_that_are_there_count(
    settings: EngineSettings, pack: Pack
) -> None:
    tight = replace(pack, context=replace(pack.context, budget_tokens=8000))
    row = EvalRow("x", "\n".join(f"{n} g of flour" for n in range(2000)), None)
    both, plain = prompts_of("llama", settings), prompts_of("llama", settings, kinds={False})
    assert both.context(tight, row).budget_tokens < plain.context(tight, row).budget_tokens < 8000
    for arm in (BASE, PROMPTED):
        assert both.context(tight, row).shown in both.prompt(tight, arm, row)[0].text


def test_a_document_without_text_is_refused_by_name(session: ModelSession, pack: Pack) -> None:
    with pytest.raises(InputError, match="'empty'"):
        session.prompt(pack, BASE, EvalRow("empty", "<p></p>", None, kind="html"))


def test_examples_come_before_the_question_as_far_as_they_fit(session: ModelSession, pack: Pack) -> None:
    shots = [("2 eggs.", '{"a": 1}'), ("x", "long " * 3000), ("3 eggs.", '{"b": 2}'), ("4 eggs.", "{}")]
    plain, share = session.prompt(pack, PROMPTED, ROWS[0], shots)
    prompt, same = session.prompt(pack, SHOTS, ROWS[0], shots)
    assert (shots_in(plain), shots_in(prompt), share) == (0, 2, same), "three are asked for, one does not fit"
    assert prompt.messages[-1] == plain.messages[-1] and prompt.messages[0] == plain.messages[0]
    assert [m.role for m in prompt.messages[1:-1]] == ["user", "assistant"] * 2
    assert [m.content for m in prompt.messages if m.role == "assistant"] == ['{"a": 1}', '{"b": 2}']
    assert "2 eggs." in prompt.messages[1].content and prompt.tokens > plain.tokens
    assert session.prompt(pack, SHOTS, ROWS[0]) == session.prompt(pack, PROMPTED, ROWS[0])


def test_answers_are_those_of_the_loop_whatever_the_batch(session: ModelSession, pack: Pack) -> None:
    prompts = asked(session, pack)
    for arm, name in ((BASE, BASE_ROW), (A, session._names["llama-a"]), (B, session._names["llama-b"])):
        alone = [
            event.text
            for prompt in prompts
            for event in decode(
                loaded_of(session), [Job(name, prompt.token_ids, pack.sampling, True)], threading.Event()
            )
            if isinstance(event, Answer)
        ]
        for size in (1, 2, 8):
            assert texts(answers(session, arm, prompts, pack, batch_size=size)) == alone, (arm.name, size)
    assert len({tuple(texts(answers(session, arm, prompts, pack))) for arm in (BASE, A, B)}) == 3


def test_each_row_has_its_own_sampling(session: ModelSession, pack: Pack) -> None:
    prompt = asked(session, pack)[0]
    how = [Sampling(temperature=1.5, max_new_tokens=8, seed=seed) for seed in (7, 8, 7)]
    found = dict(session.answer(BASE, [prompt] * 3, how, pack))
    assert found[0].text == found[2].text != found[1].text


def test_who_watches_hears_of_each_answer_and_can_stop_at_any_token(session: ModelSession, pack: Pack) -> None:
    prompts = asked(session, pack)
    told: list[tuple[str, int, int]] = []
    answers(session, A, prompts, pack, watch=Watch(lambda *words: told.append(words)), batch_size=2)
    assert told == [("adapter:llama-a", n, 3) for n in (1, 2, 3)]
    whole = texts(answers(session, A, prompts, pack, batch_size=1))
    kept: dict[int, str] = {}
    with pytest.raises(Stopped):
        for at, answer in session.answer(
            A, prompts, [pack.sampling] * 3, pack, Watch(stop=lambda: len(kept) == 2), batch_size=1
        ):
            assert answer.finish is not FinishReason.CANCELLED
            kept[at] = answer.text
    assert kept == dict(enumerate(whole[:2])), "what came before the stop stays good"
    left = session.answer(A, prompts, [pack.sampling] * 3, pack, batch_size=1)
    next(left)
    assert isinstance(left, Iterator)
    del left
    assert texts(answers(session, A, prompts, pack)) == whole


def test_dora_is_merged_into_a_copy_and_the_others_stay_beside_the_base(
    session: ModelSession, settings: EngineSettings, pack: Pack, tiny_models: Path
) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    assert {name: (used.how, used.why) for name, used in session.used.items()} == {
        "llama-a": ("beside", ""),
        "llama-b": ("beside", ""),
        "llama-dora": ("merged", "DoRA"),
    }
    assert all(len(used.sha256) == 64 for used in session.used.values())
    prompts = asked(session, pack)
    before = texts(answers(session, BASE, prompts, pack))
    found = answers(session, DORA, prompts, pack)
    assert settings.home is not None
    base: Any = AutoModelForCausalLM.from_pretrained(str(tiny_models / "models" / "llama"))
    model: Any = PeftModel.from_pretrained(base, str(settings.home / "adapters" / "llama-dora"))
    model.generation_config.eos_token_id = None
    for answer, prompt in zip(found, prompts, strict=True):
        ids = torch.tensor([prompt.token_ids])
        out = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=TOKENS,
                             repetition_penalty=1.0, temperature=None)  # fmt: skip
        text = loaded_of(session).tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True)
        assert text.startswith(answer.text)
    assert texts(found) != before == texts(answers(session, BASE, prompts, pack)), "the base is what it was"
    assert session.bits_per_byte(DORA, prompts[0], "{}") != session.bits_per_byte(BASE, prompts[0], "{}")


def test_a_change_too_small_to_be_proven_is_measured_all_the_same(
    tiny_models: Path, tmp_path: Path, settings: EngineSettings, pack: Pack
) -> None:
    from tests.tiny_models import make_adapter

    make_adapter(tmp_path / "nothing", tiny_models / "models" / "llama", scale=0.0)
    arm = read_arm(f"adapter:{tmp_path / 'nothing'}")
    with open_arms("llama", [str(arm.adapter)], settings) as session:
        assert session.used[str(arm.adapter)].how == "merged" and "too small" in session.used[str(arm.adapter)].why
        prompts = asked(session, pack)
        assert texts(answers(session, arm, prompts, pack)) == texts(answers(session, BASE, prompts, pack))


def test_bits_are_those_of_one_plain_pass(session: ModelSession, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    prompt = asked(session, pack)[2]
    gold = '{"name": "Äpfel mit Honig"}'
    loaded = loaded_of(session)
    ids = loaded.tokenizer.encode(gold, add_special_tokens=False)
    whole = torch.tensor([[*prompt.token_ids, *ids]])
    for arm, name in ((BASE, BASE_ROW), (B, session._names["llama-b"])):
        loaded.sides.set([name])
        with torch.inference_mode():
            said = loaded.model(input_ids=whole).logits[0].float().log_softmax(-1)
        loaded.sides.set(None)
        first = len(prompt.token_ids)
        nats = -sum(float(said[first + at - 1, token]) for at, token in enumerate(ids))
        expected = nats / math.log(2) / len(gold.encode())
        assert session.bits_per_byte(arm, prompt, gold) == pytest.approx(expected, rel=1e-5)
        for piece, most in ((97, 10**9), (len(prompt.token_ids), 10**9), (10**6, 3 * 263), (97, 1)):
            with monkeypatch.context() as patched:
                patched.setattr(likelihood, "piece_tokens", lambda _weights, _device, piece=piece: piece)
                patched.setattr(likelihood, "_MOST_LOGITS", most)
                assert session.bits_per_byte(arm, prompt, gold) == pytest.approx(expected, rel=1e-5), (piece, most)
    assert session.bits_per_byte(BASE, prompt, "") is None
    assert session.bits_per_byte(BASE, prompt, "x" * 10_000) is None, "beyond the context"


def test_constrained_arms_keep_the_schema(settings: EngineSettings, pack: Pack) -> None:
    schema = {
        "type": "object", "required": ["a"], "additionalProperties": False,
        "properties": {"a": {"enum": [1, 2, 3]}, "b": {"type": "string", "maxLength": 4}},
    }  # fmt: skip
    small = replace(pack, schema=schema, sampling=replace(pack.sampling, max_new_tokens=150))
    with open_arms("llama", ["llama-a"], settings) as session:
        for arm in (HELD, read_arm("adapter+constrained:llama-a")):
            for answer in answers(session, arm, asked(session, small, arm), small):
                Draft202012Validator(schema).validate(json.loads(answer.text))
        with pytest.raises(InputError, match="recipe-writer are text"):
            session.answer(HELD, [], [], load_pack(BUILTIN / "recipe-writer"))


def test_what_can_not_be_answered_here_is_said_before_anything_is(session: ModelSession, pack: Pack) -> None:
    prompts, sampling = asked(session, pack), [pack.sampling] * 3
    with pytest.raises(InputError, match="'empty' is not answered by a model"):
        session.answer(read_arm("empty"), prompts, sampling, pack)
    with pytest.raises(AdapterError, match="other was not loaded"):
        session.answer(read_arm("adapter:other"), prompts, sampling, pack)
    with pytest.raises(InputError, match="reads 8,192 in all"):
        session.answer(BASE, prompts, [Sampling(max_new_tokens=8100)] * 3, pack)
    with pytest.raises(InputError, match="its sampling"):
        session.answer(BASE, prompts, sampling[:2], pack)


def test_a_missing_adapter_leaves_nothing_open_and_a_closed_session_says_so(
    settings: EngineSettings, pack: Pack
) -> None:
    with pytest.raises(AdapterError, match="no adapter 'nobody'"):
        open_arms("llama", ["nobody"], settings)
    with pytest.raises(AdapterError, match="trained on"):
        open_arms("qwen3", ["llama-a"], settings)
    with open_arms("llama", [], settings) as session:
        prompts = asked(session, pack)
    with pytest.raises(InputError, match="closed"):
        session.answer(BASE, prompts, [pack.sampling] * 3, pack)


def test_the_base_is_the_one_that_the_adapters_name(settings: EngineSettings, tiny_models: Path) -> None:
    def base(*adapters: str) -> str:
        return base_for("", adapters, settings, quiet)

    assert base_for("x", ["llama-a"], settings, quiet) == "x" and base() == "crumb"
    assert base("llama-a", "llama-b") == str(tiny_models / "models" / "llama")
    with pytest.raises(InputError, match="different bases"):
        base("llama-a", "qwen3-a")
