"""Rows of one batch answer as each would alone, and as Transformers' own generate would; streams can be left."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from tests.engine.rows import GREEDY, answers, engine_for, events, prompt_of, quiet, row
from tests.tiny_models import ARCHITECTURES, make_adapter, make_model
from training.engine.api import Delta, Row
from training.engine.engine import Engine
from training.engine.sampling import Picker
from training.errors import AdapterError, InputError, ModelError, OutOfMemoryError
from training.task.records import Arm, ArmKind, FinishReason, Generation, Sampling

LONGER = "hello, this one is longer: " * 4


@pytest.fixture(scope="module", params=ARCHITECTURES)
def architecture(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def engine(tiny_models: Path, architecture: str) -> Engine:
    made = engine_for(tiny_models)
    made.prepare(architecture, [f"{architecture}-a", f"{architecture}-b"], quiet)
    return made


@pytest.fixture(scope="module")
def llama(tiny_models: Path) -> Engine:
    made = engine_for(tiny_models)
    made.prepare("llama", ["llama-a"], quiet)
    return made


def four(engine: Engine, architecture: str) -> list[Row]:
    return [
        row(engine),
        row(engine, LONGER),
        row(engine, adapter=f"{architecture}-a"),
        row(engine, "hi", adapter=f"{architecture}-b"),
    ]


def test_a_mixed_padded_batch_answers_as_each_row_does_alone(engine: Engine, architecture: str) -> None:
    rows = four(engine, architecture)
    together = answers(engine, rows)
    alone = [answers(engine, [one])[0] for one in rows]
    assert [g.raw for g in together] == [g.raw for g in alone]
    assert [g.finish_reason for g in together] == [g.finish_reason for g in alone]
    assert [g.batch_size for g in together] == [4] * 4
    assert len({g.raw for g in together}) > 1
    assert [g.prompt_sha256 for g in together] == [r.prompt.sha256 for r in rows]


def test_a_prompt_read_in_pieces_gives_the_same_answers(
    engine: Engine, architecture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import training.engine.generate as generate

    rows = four(engine, architecture)
    whole = [g.raw for g in answers(engine, rows)]
    monkeypatch.setattr(generate, "piece_tokens", lambda _weights, _device: 7)
    assert [g.raw for g in answers(engine, rows)] == whole


def test_greedy_is_what_transformers_generates_without_its_leftovers(
    engine: Engine, architecture: str, tiny_models: Path
) -> None:
    """Our loop against theirs, base and adapter; the model's generation_config holds a penalty that must not count."""
    tokenizer = engine.tokenizer
    prompt = prompt_of(tokenizer, LONGER)
    ids = torch.tensor([prompt.token_ids])
    ends = [tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("<|end|>")]
    base: Any = AutoModelForCausalLM.from_pretrained(tiny_models / "models" / architecture)
    wrapped = PeftModel.from_pretrained(base, str(tiny_models / "adapters" / f"{architecture}-a"))

    def theirs(model: Any) -> str:
        out = model.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=24, do_sample=False,
            repetition_penalty=1.0, eos_token_id=ends, pad_token_id=0,
        )  # fmt: skip
        return tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True)

    with_adapter = theirs(wrapped)
    with wrapped.disable_adapter():
        bare = theirs(wrapped)
    ours = answers(engine, [row(engine, LONGER), row(engine, LONGER, adapter=f"{architecture}-a")])
    assert [g.raw for g in ours] == [bare, with_adapter]


def test_the_same_seed_gives_the_same_answers_and_another_does_not(engine: Engine, architecture: str) -> None:
    rows = four(engine, architecture)
    warm = Sampling(temperature=1.0, top_p=0.95, top_k=50, max_new_tokens=24, seed=11)
    first, second = answers(engine, rows, warm), answers(engine, rows, warm)
    assert [g.raw for g in first] == [g.raw for g in second]
    assert [answers(engine, [one], warm)[0].raw for one in rows] == [g.raw for g in first]
    other = answers(engine, rows, replace(warm, seed=12))
    assert [g.raw for g in other] != [g.raw for g in first]


def test_rows_stream_together_and_only_grow(engine: Engine, architecture: str) -> None:
    seen: dict[int, list[str]] = {0: [], 1: []}
    order: list[int] = []
    final: list[Generation] = []
    for event in events(engine, [row(engine), row(engine, adapter=f"{architecture}-a")]):
        if isinstance(event, Delta):
            seen[event.index].append(event.text)
            order.append(event.index)
        else:
            final.append(event)
    assert order[:4] == [0, 1, 0, 1]
    for index, texts in seen.items():
        assert all(late.startswith(early) for early, late in pairwise(texts))
        assert final[index].raw.startswith(texts[-1].rstrip("\ufffd"))
        assert final[index].new_tokens == len(texts)


def test_generation_config_leftovers_never_count(tiny_models: Path, tmp_path: Path) -> None:
    """The tiny models ask for sampling and a penalty in generation_config.json; one without must answer the same."""
    base = make_model(tmp_path / "models" / "llama", "llama")
    (base / "generation_config.json").unlink()
    (tmp_path / "adapters").mkdir()
    plain, loud = engine_for(tmp_path), engine_for(tiny_models)
    for made in (plain, loud):
        made.prepare("llama", [], quiet)
    assert answers(plain, [row(plain)])[0].raw == answers(loud, [row(loud)])[0].raw


@pytest.fixture
def spoken(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make greedy rows say given ids, one list a row, so that endings can be tested for themselves."""

    def speak(*scripts: list[int]) -> None:
        import training.engine.generate as generate

        def pick(_logits: Any, rows: Any) -> list[int | None]:
            return [scripts[r.index][len(r.ids)] for r in rows]

        monkeypatch.setattr(generate, "_pick", pick)

    return speak


def ids_of(engine: Engine, text: str) -> list[int]:
    return engine.tokenizer.encode(text, add_special_tokens=False)


def test_every_ending_is_named(llama: Engine, spoken: Any) -> None:
    spoken(
        ids_of(llama, '{"a": 1} x'),
        ids_of(llama, '{"a": 1}<|end|>'),
        ids_of(llama, "hi<|eos|>"),
        ids_of(llama, "x" * 30),
    )
    found = answers(llama, [row(llama, str(n)) for n in range(4)], GREEDY, "json")
    spoken(ids_of(llama, "hi<|end|>more"), ids_of(llama, "x" * 16 + '{"a": 1} x'))
    found += answers(llama, [row(llama, str(n)) for n in range(2)], GREEDY, "json")
    assert [(g.finish_reason, g.raw, g.new_tokens) for g in found] == [
        (FinishReason.RAN_ON, '{"a": 1}', 8),
        (FinishReason.EOS, '{"a": 1}', 9),
        (FinishReason.EOS, "hi", 3),
        (FinishReason.LENGTH, "x" * 24, 24),
        (FinishReason.EOS, "hi", 3),
        (FinishReason.STOP, "x" * 16 + '{"a": 1}', 24),  # no room to look at what would follow
    ]


def test_braces_in_the_prompt_do_not_stop_an_answer(llama: Engine, spoken: Any) -> None:
    spoken(ids_of(llama, "no object<|end|>"))
    found = answers(llama, [row(llama, '{"a": {"b": 1}}')], GREEDY, "json")[0]
    assert (found.raw, found.finish_reason) == ("no object", FinishReason.EOS)


def test_without_a_stop_rule_an_object_does_not_end_the_answer(llama: Engine, spoken: Any) -> None:
    spoken(ids_of(llama, "{} and on<|end|>"))
    assert answers(llama, [row(llama)], GREEDY, None)[0].raw == "{} and on"


def test_characters_of_several_tokens_arrive_whole(llama: Engine, spoken: Any) -> None:
    text = "½ crème 日本 👩‍🍳"
    script = ids_of(llama, text) + ids_of(llama, "<|end|>")
    spoken(script)
    stream = events(llama, [row(llama)], replace(GREEDY, max_new_tokens=99))
    deltas = [event.text for event in stream if isinstance(event, Delta)]
    assert all(text.startswith(part) for part in deltas)
    assert deltas[-1] == text


def test_numbers_that_break_down_end_their_row_as_an_error_and_not_the_others(
    llama: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    import training.engine.generate as generate

    original, calls = generate._forward, 0

    def broken(*args: Any) -> torch.Tensor:
        nonlocal calls
        calls += 1
        logits = original(*args)
        if calls == 3:
            logits[0] = float("nan")
        return logits

    monkeypatch.setattr(generate, "_forward", broken)
    first, second = answers(llama, [row(llama), row(llama, adapter="llama-a")])
    assert (first.finish_reason, first.new_tokens) == (FinishReason.ERROR, 2)
    assert second.finish_reason is not FinishReason.ERROR


def test_cancel_ends_all_rows_with_what_they_have(llama: Engine) -> None:
    cancel = threading.Event()
    found: list[Generation] = []
    for event in llama.generate([row(llama), row(llama, adapter="llama-a")], GREEDY, None, cancel):
        if isinstance(event, Delta) and event.new_tokens == 3:
            cancel.set()
        if isinstance(event, Generation):
            found.append(event)
    assert [g.finish_reason for g in found] == [FinishReason.CANCELLED] * 2
    assert [g.new_tokens for g in found] == [3, 3]
    assert all(g.proof.passed for g in found)
    assert llama.status().state == "idle"


def test_cancelled_while_the_prompt_is_read_nothing_is_written(llama: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    import training.engine.generate as generate

    cancel, read = threading.Event(), []
    original = generate._forward

    def counted(*args: Any) -> torch.Tensor:
        read.append(args[2].shape[1])
        if len(read) == 2:
            cancel.set()
        return original(*args)

    monkeypatch.setattr(generate, "_forward", counted)
    monkeypatch.setattr(generate, "piece_tokens", lambda _weights, _device: 4)
    found = list(llama.generate([row(llama, LONGER)], GREEDY, None, cancel))
    assert read == [4, 4]
    assert [g.new_tokens for g in found] == [0]
    assert isinstance(found[0], Generation)
    assert found[0].finish_reason is FinishReason.CANCELLED


def test_pieces_are_short_for_large_models_and_whole_prompts_for_small_ones() -> None:
    from training.engine.generate import piece_tokens

    cpu, sizes = torch.device("cpu"), (6_000_000, 2 * 268_000_000, 4 * 1_720_000_000)
    assert [piece_tokens(weights, cpu) for weights in sizes] == [2048, 373, 32]
    assert piece_tokens(2 * 268_000_000, torch.device("cuda")) == 2048


def test_a_closed_stream_frees_the_model_at_once(llama: Engine) -> None:
    stream = llama.generate([row(llama)], replace(GREEDY, max_new_tokens=500), None, threading.Event())
    next(stream)
    assert llama.status().state == "generating"
    stream.close()
    assert llama.status().state == "idle"
    assert len(answers(llama, [row(llama)])) == 1


def test_a_stream_may_change_threads_and_leaves_no_mode_behind(llama: Engine) -> None:
    expected = answers(llama, [row(llama)])[0].raw
    stream: Iterator[Any] = llama.generate([row(llama)], GREEDY, None, threading.Event())
    found: list[Any] = []

    def take() -> None:
        found.append(next(stream))

    for _ in range(3):
        helper = threading.Thread(target=take)
        helper.start()
        helper.join(30)
    assert not torch.is_inference_mode_enabled()
    found += list(stream)
    assert found[-1].raw == expected


def test_the_second_request_waits_is_counted_and_may_leave(llama: Engine) -> None:
    stream = llama.generate([row(llama)], replace(GREEDY, max_new_tokens=500), None, threading.Event())
    next(stream)
    leave, left = threading.Event(), []
    waiter = threading.Thread(
        target=lambda: left.extend(llama.generate([row(llama)], GREEDY, None, leave)), daemon=True
    )
    llama.tokenizer  # noqa: B018  the other thread reads it as well
    waiter.start()
    while llama.status().waiting == 0:
        assert waiter.is_alive()
    leave.set()
    waiter.join(30)
    assert [(g.finish_reason, g.new_tokens, g.proof.passed) for g in left] == [(FinishReason.CANCELLED, 0, False)]
    stream.close()


def test_a_sweep_gives_each_arm_its_own_temperature(llama: Engine) -> None:
    arms = [row(llama, temperature=t) for t in (0.0, 0.3, 1.5)]
    found = answers(llama, arms, replace(GREEDY, temperature=1.0))
    assert [g.sampling.temperature for g in found] == [0.0, 0.3, 1.5]
    assert {g.sampling.seed for g in found} == {GREEDY.seed}
    assert found[0].raw == answers(llama, [row(llama)])[0].raw


def test_what_can_not_be_asked_is_refused_before_the_model_runs(llama: Engine) -> None:
    with pytest.raises(InputError, match="5 arms"):
        answers(llama, [row(llama)] * 5)
    with pytest.raises(InputError, match="0 arms"):
        answers(llama, [])
    with pytest.raises(InputError, match="8,192"):
        answers(llama, [row(llama, "x" * 8200)])
    with pytest.raises(AdapterError, match="no adapter"):
        answers(llama, [row(llama, adapter="nobody")])
    assert llama.status().state == "idle"
    assert len(answers(llama, [row(llama)])) == 1


def test_before_a_base_is_loaded_the_answer_is_an_error_that_says_so(tiny_models: Path) -> None:
    engine = engine_for(tiny_models)
    with pytest.raises(ModelError, match="No model"):
        _ = engine.tokenizer
    asked = Row(Arm(ArmKind.BASE, "base"), prompt_of_text("x"))
    with pytest.raises(ModelError, match="loaded base"):
        answers(engine, [asked])


def prompt_of_text(text: str) -> Any:
    from training.task.records import Prompt, sha256_text

    return Prompt((), text, (5, 6, 7), sha256_text(text))


def test_running_out_of_memory_is_told_and_the_engine_goes_on(llama: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    import training.engine.generate as generate

    def full(*_args: Any) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")

    with monkeypatch.context() as patch:
        patch.setattr(generate, "_forward", full)
        with pytest.raises(OutOfMemoryError) as caught:
            answers(llama, [row(llama)])
    assert caught.value.fix
    assert llama.status().state == "idle"
    assert len(answers(llama, [row(llama)])) == 1


def test_another_base_takes_the_place_of_the_first_and_a_prompt_brings_its_own_back(tiny_models: Path) -> None:
    engine = engine_for(tiny_models)
    engine.prepare("llama", [], quiet)
    asked = replace(row(engine), base="llama")
    expected = answers(engine, [asked])[0]
    engine.prepare("qwen3", ["qwen3-a"], quiet)
    assert engine.status().base == "qwen3"
    again = answers(engine, [asked])[0]
    assert (again.raw, again.proof.base_sha256) == (expected.raw, expected.proof.base_sha256)
    assert engine.status().base == "llama"
    engine.unload()
    assert engine.status().base is None


def test_old_adapters_make_room(tmp_path: Path) -> None:
    from training.engine.engine import MOST_ADAPTERS

    base = make_model(tmp_path / "models" / "llama", "llama")
    names = [f"a{n}" for n in range(MOST_ADAPTERS + 2)]
    for n, name in enumerate(names):
        make_adapter(tmp_path / "adapters" / name, base, seed=n + 1)
    engine = engine_for(tmp_path)
    for name in names:
        engine.prepare("llama", [name], quiet)
    assert len(engine.status().adapters) == MOST_ADAPTERS
    found = answers(engine, [row(engine, adapter=names[0]), row(engine, adapter=names[-1]), row(engine)])
    assert all(g.proof.passed for g in found)


def test_no_run_of_so_many_tokens_is_written_twice_and_short_ones_may_be() -> None:
    """Logits that want 1, 2, 3 for ever: runs of four may stand once, so the second round ends differently."""
    wants = torch.full((3, 6), -1.0)
    for before, after in ((0, 1), (1, 2), (2, 0)):
        wants[before, after] = 5.0
        wants[before, 4] = 1.0
    picker, ids = Picker(Sampling(no_repeat_ngram=4)), [0]
    for _ in range(8):
        logits = wants[ids[-1] % 3]
        largest = int(logits.argmax())
        ids.append(largest if picker.settles(largest, ids) else picker.pick(logits, ids))
    assert ids[:6] == [0, 1, 2, 0, 1, 2], "three tokens of a run that stood are allowed, the fourth is not"
    assert ids[6] == 4
    runs = [tuple(ids[at : at + 4]) for at in range(len(ids) - 3)]
    assert len(set(runs)) == len(runs)
    free = Picker(Sampling())
    assert all(free.settles(at, [1, 1, 1, 1, 1]) for at in range(6))


def test_a_grammar_that_leaves_one_way_has_the_last_word() -> None:
    picker = Picker(Sampling(no_repeat_ngram=2))
    logits = torch.full((4,), -torch.inf)
    logits[2] = 0.0
    assert not picker.settles(2, [1, 2, 1]) and picker.pick(logits, [1, 2, 1]) == 2
