"""Answers held to a schema while they are written: whatever the model, and nothing that the schema allows is lost."""

import json
import re
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.engine.rows import GREEDY, engine_for, prompt_of, quiet, row
from training.engine.api import ASSETS, EngineSettings
from training.engine.constrained import Grammar, schema_grammar
from training.engine.constrained_order import MOST_KEYS, any_order
from training.engine.constrained_schema import DIGITS, plain_pattern, plain_schema
from training.engine.generate import Answer, Job, decode
from training.engine.hub import resolve_base
from training.engine.load import LoadedBase, load_base
from training.engine.sides import BASE_ROW
from training.errors import InputError, ModelError
from training.task.pack import BUILTIN, Pack, load_pack
from training.task.records import FinishReason, Generation, Sampling

DURATION = load_pack(BUILTIN / "recipe-jsonld").schema["$defs"]["duration"]["pattern"]
SMALL: dict[str, Any] = {
    "type": "object",
    "anyOf": [{"maxProperties": 0}, {"required": ["kind", "time"]}],
    "properties": {
        "kind": {"enum": ["soup", "cake"]},
        "time": {"$ref": "#/$defs/time"},
        "score": {"type": "integer", "minimum": 1, "maximum": 10},
        "words": {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 3}, "maxItems": 2},
        "step": {
            "type": "object",
            "properties": {"a": {"const": True}, "b": {"type": "string", "maxLength": 4}},
            "required": ["a", "b"],
            "additionalProperties": False,
        },
    },
    "additionalProperties": False,
    "$defs": {"time": {"type": "string", "pattern": "^P(?!$)([1-9]D)?(T(?=[0-9])([0-9]H)?([0-9]M)?)?$(?!\\n)"}},
}


@pytest.fixture(scope="module")
def crumb() -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(ASSETS / "models" / "crumb"))


def pack_of(schema: dict[str, Any]) -> Pack:
    return replace(load_pack(BUILTIN / "recipe-jsonld"), name="small", schema=schema)


def grammar_for(pack: Pack, tokenizer: Any) -> Grammar:
    return schema_grammar(pack, tokenizer, len(tokenizer), frozenset({tokenizer.eos_token_id}))


def follow(grammar: Grammar, tokenizer: Any, text: str) -> str:
    """How much of a text the grammar lets through, token by token; "whole" where it may end there."""
    held, at = grammar.begin(), 0
    ids = tokenizer.encode(text, add_special_tokens=False)
    for at, token in enumerate(ids):
        logits = torch.zeros(len(tokenizer))
        held.mask(logits)
        if logits[token] != 0:
            return tokenizer.decode(ids[:at])
        held.take(token)
    logits = torch.zeros(len(tokenizer))
    held.mask(logits)
    return "whole" if logits[tokenizer.eos_token_id] == 0 else "more"


@given(st.text("PT12.HMSDW", max_size=9) | st.text("PT1.HMSD\n", max_size=9).map(lambda text: "P" + text))
def test_a_pattern_without_look_arounds_means_the_same(text: str) -> None:
    endless = re.search(rf"[0-9]{{{DIGITS + 1}}}", text)
    assert bool(re.fullmatch(plain_pattern(DURATION), text)) == bool(re.search(DURATION, text) and not endless)


@pytest.mark.parametrize("text", ["P1D", "PT5M", "PT1H30M", "P1DT2.5H", "PT1S"])
def test_durations_stay_durations(text: str) -> None:
    assert re.fullmatch(plain_pattern(DURATION), text)


def test_numbers_end() -> None:
    assert plain_pattern(r"^\d+x[0-9]*\\d+$") == r"^\d{1,6}x[0-9]{0,6}\\d+$", "the last is a backslash and d's"


@pytest.mark.parametrize("pattern", ["^a(?=b).*$", "(?<=a)b", "^(?!x)a?$", "^(a(?!$))+b$", "^P(?=[0-9])(x)?$"])
def test_a_pattern_that_can_not_be_said_is_refused_by_name(pattern: str) -> None:
    with pytest.raises(InputError, match=re.escape(repr(pattern))):
        plain_pattern(pattern)


@pytest.mark.parametrize("task", ["recipe-jsonld", "news-metadata"])
def test_every_right_answer_can_be_written_in_any_layout(task: str, crumb: Any) -> None:
    pack = load_pack(BUILTIN / task)
    grammar = grammar_for(pack, crumb)
    for example in pack.examples:
        if example.gold is None:
            continue
        compact = json.dumps(example.gold, separators=(",", ":"))
        for text in (compact, json.dumps(example.gold), json.dumps(example.gold, indent=2, ensure_ascii=False)):
            assert follow(grammar, crumb, text) == "whole", example.id


def test_a_tokenizer_that_begins_with_a_blank_and_falls_back_to_bytes() -> None:
    """The kind that Llama 2 and Gemma use: a blank before every text, bytes for what is in no word."""
    from tokenizers import Tokenizer, decoders, models, normalizers, trainers
    from transformers import PreTrainedTokenizerFast

    pack = load_pack(BUILTIN / "recipe-jsonld")
    golds = [example.gold for example in pack.examples if example.gold is not None]
    made = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    made.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    decoding = [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    made.decoder = decoders.Sequence(decoding)
    specials = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    made.train_from_iterator([json.dumps(golds[0])], trainers.BpeTrainer(vocab_size=600, special_tokens=specials))
    whole = json.loads(made.to_str())
    whole["added_tokens"] = whole["added_tokens"][:3]
    inner = Tokenizer.from_str(json.dumps(whole))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="<unk>", bos_token="<s>", eos_token="</s>")
    grammar = grammar_for(pack, tokenizer)
    for gold in golds[:4]:
        assert follow(grammar, tokenizer, json.dumps(gold, indent=2, ensure_ascii=False)) == "whole"


def test_keys_may_come_in_any_order_but_once(crumb: Any) -> None:
    grammar = grammar_for(pack_of(SMALL), crumb)
    for text in ("{}", " {}", '{"time":"PT5M","kind":"soup"}', '{"score": 3, "kind": "cake", "time": "P1D"}'):
        assert follow(grammar, crumb, text) == "whole", text
    for text in (
        '{"time":"PT5M"}',
        '{"kind":"soup","kind":"soup"}',
        '{"kind":"tea"',
        '{"score":11',
        '{"kind":"soup","time":"P"',
        '{"other":1',
        "  {}",
        "{}x",
        "{" + "\n" * 2 + "}",
        '{"kind":' + " " * 2 + '"soup"',
        '{"kind":"soup"' + " " * 2 + ",",
    ):
        assert follow(grammar, crumb, text) not in ("whole", "more"), text


def test_a_schema_that_is_not_plain_keeps_its_order(crumb: Any) -> None:
    nested = {"type": "object", "properties": {"a": {"const": 1}, "b": {"const": 2}}, "required": ["a"]}
    assert any_order(nested, {}) is None, "other keys are allowed"
    many = {f"k{n}": {"const": n} for n in range(MOST_KEYS + 1)}
    assert any_order({"type": "object", "properties": many, "additionalProperties": False}, {}) is None
    closed = {**nested, "anyOf": [{"maxProperties": 0}, {"properties": {"b": True}}], "additionalProperties": False}
    grammar = grammar_for(pack_of(closed), crumb)
    assert any_order(closed, {}) is None and follow(grammar, crumb, '{"a":1,"b":2}') == "whole"
    assert follow(grammar, crumb, '{"b":2,"a":1}') not in ("whole", "more")


def test_the_plain_schema_says_the_same() -> None:
    said = plain_schema(
        {"$schema": "x", "properties": {"a": {"pattern": "^a$(?!\\n)"}}, "anyOf": [{"maxProperties": 0}]}
    )
    assert said == {"properties": {"a": {"pattern": "^a$"}}, "anyOf": [{"properties": {"a": False}}]}
    assert plain_schema({"const": {"pattern": "(?=x)"}}) == {"const": {"pattern": "(?=x)"}}, "a value, no schema"


@pytest.mark.parametrize("architecture", ["llama", "qwen3", "gpt2", "lfm2"])
def test_whatever_a_model_writes_keeps_the_schema_and_its_neighbours_are_left_alone(
    architecture: str, tiny_models: Path
) -> None:
    settings = EngineSettings(models=tiny_models / "models")
    loaded = load_base(resolve_base(architecture, settings, quiet), settings, quiet)
    pack = pack_of({**SMALL, "anyOf": [{"required": ["kind", "time"]}]})
    grammar = schema_grammar(pack, loaded.tokenizer, loaded.tokenizer.vocab_size, loaded.end_ids)
    prompts = [prompt_of(loaded.tokenizer, text).token_ids for text in ("hello", "a longer one", "x")]
    plain = [Job(BASE_ROW, ids, Sampling(max_new_tokens=30), stop_json=True) for ids in prompts[:2]]
    held = [
        Job(BASE_ROW, prompts[2], Sampling(temperature=heat, max_new_tokens=400, seed=seed), True, grammar=grammar)
        for heat in (0.0, 1.5)
        for seed in range(3)
    ]
    alone = [text for job in plain for text in texts(loaded, [job])]
    together = run(loaded, [*plain, *held])
    assert [answer.text for answer in together[:2]] == alone
    kinds: set[str] = set()
    for answer in together[2:]:
        assert answer.finish in (FinishReason.STOP, FinishReason.RAN_ON, FinishReason.EOS), answer
        value = json.loads(answer.text)
        Draft202012Validator(pack.schema).validate(value)
        kinds.add(answer.text)
    assert len(kinds) > 1


def test_every_column_of_a_comparison_is_held_to_the_task_named(tiny_models: Path) -> None:
    engine = engine_for(tiny_models)
    engine.prepare("llama", ["llama-a"], quiet)
    pack = pack_of({**SMALL, "anyOf": [{"required": ["kind", "time"]}]})
    rows = [row(engine), row(engine, adapter="llama-a")]
    held = replace(GREEDY, max_new_tokens=400, constrained=True)
    for _again in range(2):
        found = [e for e in engine.generate(rows, held, "json", threading.Event(), pack) if isinstance(e, Generation)]
        assert len(found) == 2
        for answer in found:
            Draft202012Validator(pack.schema).validate(json.loads(answer.raw))
            assert answer.sampling.constrained and answer.proof.passed
    free = [e for e in engine.generate(rows, GREEDY, "json", threading.Event(), pack) if isinstance(e, Generation)]
    assert not any(answer.raw.lstrip().startswith("{") for answer in free), "held only where it was asked for"
    with pytest.raises(InputError, match="where a task is named"):
        list(engine.generate(rows, held, "json", threading.Event()))
    left = [e for e in engine.generate(rows, GREEDY, "json", threading.Event(), pack) if isinstance(e, Generation)]
    assert [answer.raw for answer in left] == [answer.raw for answer in free], "a refusal leaves nothing behind"


def run(loaded: LoadedBase, jobs: list[Job]) -> list[Answer]:
    found = [event for event in decode(loaded, jobs, threading.Event()) if isinstance(event, Answer)]
    return sorted(found, key=lambda answer: answer.index)


def texts(loaded: LoadedBase, jobs: list[Job]) -> list[str]:
    return [answer.text for answer in run(loaded, jobs)]


def test_a_budget_cuts_a_held_answer_like_any_other(tiny_models: Path) -> None:
    settings = EngineSettings(models=tiny_models / "models")
    loaded = load_base(resolve_base("llama", settings, quiet), settings, quiet)
    grammar = grammar_for(pack_of({**SMALL, "anyOf": [{"required": ["kind", "time"]}]}), loaded.tokenizer)
    ids = prompt_of(loaded.tokenizer, "hello").token_ids
    answer = run(loaded, [Job(BASE_ROW, ids, Sampling(max_new_tokens=4), True, grammar=grammar)])[0]
    assert answer.finish is FinishReason.LENGTH and answer.new_tokens == 4 and answer.text.lstrip().startswith("{")


def test_logits_wider_or_narrower_than_the_tokenizer(crumb: Any) -> None:
    for width in (len(crumb) + 64, len(crumb) - 8):
        held = grammar_for(pack_of(SMALL), crumb).begin()
        logits = torch.zeros(width)
        held.mask(logits)
        allowed = {crumb.decode([at]) for at in torch.nonzero(logits == 0).flatten().tolist()}
        assert allowed and all(text.strip()[:1] in ("{", "") for text in allowed)
    with pytest.raises(ModelError, match="does not allow"):
        grammar_for(pack_of(SMALL), crumb).begin().take(crumb.encode("x", add_special_tokens=False)[0])


def test_what_can_not_be_held_is_refused_by_name(crumb: Any) -> None:
    with pytest.raises(InputError, match="recipe-writer are text"):
        grammar_for(load_pack(BUILTIN / "recipe-writer"), crumb)
    with pytest.raises(InputError, match="small can't be held to"):
        grammar_for(pack_of({"type": "object", "properties": {"a": {"not": {"type": "string"}}}}), crumb)

    class Slow:
        is_fast = False

    with pytest.raises(ModelError, match=r"tokenizer\.json"):
        schema_grammar(pack_of(SMALL), Slow(), 10, frozenset({1}))
