"""A pack is read whole or refused with the file, the key and the fix."""

import json
import re
import shutil
import socket
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from referencing.exceptions import Unresolvable

from training.errors import DataError, InputError, PackError
from training.task.context import build_context
from training.task.pack import BUILTIN, TASK_SECTIONS, Example, find_packs, load_pack, pack_named
from training.task.pack_schema import checker
from training.task.records import Source

NAME = "recipe-jsonld"
PACK = load_pack(BUILTIN / NAME)
TASK = """
name: tiny
title: Tiny
description: A tiny task.
user: "Read: {source}"
prompted_user: "{schema} {source}"
sampling: {max_new_tokens: 20}
fields:
  - {name: word, label: Word, kind: scalar, comparator: exact, critical: true}
context: {budget_tokens: 50}
"""
SCHEMA = '{"type": "object", "properties": {"word": {"type": "string"}}, "additionalProperties": false}'


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A smallest pack of one's own, as a user would write it."""
    folder = tmp_path / "tiny"
    (folder / "examples").mkdir(parents=True)
    (folder / "task.yaml").write_text(TASK, "utf-8")
    (folder / "output_schema.json").write_text(SCHEMA, "utf-8")
    (folder / "task.md").write_text("\n".join(f"## {section}\n\nWords.\n" for section in TASK_SECTIONS), "utf-8")
    (folder / "examples" / "a.md").write_text('---\ntitle: A\ngold: {word: "hi"}\n---\nhi there\n', "utf-8")
    return folder


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def test_a_pack_of_ones_own_is_read_with_its_defaults(tiny: Path) -> None:
    pack = load_pack(tiny)
    assert (pack.name, pack.system, pack.path) == ("tiny", "", tiny)
    assert (pack.sampling.temperature, pack.sampling.max_new_tokens) == (0.0, 20)
    assert pack.context.budget_tokens == 50
    assert pack.context.drop == ()
    assert [(e.id, e.title, e.text, e.kind, e.gold, e.note) for e in pack.examples] == [
        ("a", "A", "hi there\n", "text", {"word": "hi"}, "")
    ]
    assert pack.field("word") == pack.fields[0]
    assert pack.field("other") is None


def test_packs_are_found_and_the_users_own_wins(tiny: Path, tmp_path: Path) -> None:
    mine = tmp_path / "home" / "tasks"
    shutil.copytree(BUILTIN / NAME, mine / NAME)
    change(mine / NAME / "task.yaml", "title: Recipe to JSON-LD", "title: Mine")
    (mine / ".hidden").mkdir()
    packs = find_packs(BUILTIN, mine, tiny.parent / "nowhere")
    assert packs[NAME].title == "Mine"
    assert find_packs(BUILTIN)[NAME].title == "Recipe to JSON-LD"


def test_a_broken_pack_of_ones_own_is_told_where_it_is_asked_for_and_keeps_nothing_else_shut(
    tiny: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "tasks"
    shutil.copytree(tiny, mine / "tiny")
    shutil.copytree(BUILTIN / NAME, mine / NAME)
    for stray in ("__pycache__", ".git", "notes"):
        (mine / stray).mkdir()
    change(mine / NAME / "task.yaml", "title: Recipe to JSON-LD", "titel: Mine")
    packs = find_packs(BUILTIN, mine)
    assert "tiny" in packs and "news-metadata" in packs
    assert set(packs.broken) == {NAME, "notes"} and NAME not in packs, "the built-in one is not what was asked for"
    assert pack_named("tiny", packs).title == "Tiny"
    with pytest.raises(PackError, match="'title' is missing"):
        pack_named(NAME, packs)
    with pytest.raises(DataError, match="'title' is missing"):
        pack_named(NAME, packs, DataError)
    with pytest.raises(PackError, match=r"task\.yaml: the file is missing"):
        pack_named("notes", packs)
    with pytest.raises(InputError, match="no task '__pycache__'"):
        pack_named("__pycache__", packs)
    change(mine / NAME / "task.yaml", "titel: Mine", "title: Mine")
    assert find_packs(BUILTIN, mine)[NAME].title == "Mine"


ONE_MORE = "budget_tokens: 50, "
FIELD_TWICE = "  - {name: word, label: W, kind: scalar, comparator: exact, critical: true}\ncontext:"
FEATURE = "features: [{name: x, patterns: [a], weight: 1, most: -2}]"
EDITS = [  # file, what is changed, into what, the complaint, the remedy
    ("task.yaml", "name: tiny", "name: [tiny", "no valid YAML", "line"),
    ("task.yaml", "title:", "colour: red\ntitle:", "'colour' is not known", "title"),
    ("task.yaml", "title:", "name: tiny\ntitle:", "'name' stands twice", "line"),
    ("task.yaml", "title: Tiny\n", "", "'title' is missing", "Add `title:`"),
    ("task.yaml", "title: Tiny", "title: 3", "'title' holds a whole number", "a string"),
    ("task.yaml", "max_new_tokens: 20", "max_new_tokens: true", "sampling.max_new_tokens' holds true or", "whole"),
    ("task.yaml", "max_new_tokens: 20", "max_new_tokens: 0", "sampling.max_new_tokens' is 0", "from 1"),
    ("task.yaml", "max_new_tokens: 20", "max_new_tokens: 20, constrained: 1", "constrained' holds a", "true or"),
    ("task.yaml", "title:", "profiles: {x: none.json}\ntitle:", "'profiles.x' names 'none.json'", "of this folder"),
    ("task.yaml", "title:", "profiles: {x: ../tiny/a.json}\ntitle:", "'profiles.x' names", "of this folder"),
    ("task.yaml", "title:", "profiles: {x: task.yaml}\ntitle:", "no valid JSON", ""),
    ("task.yaml", "name: tiny", "name: other", "'other' but the folder is 'tiny'", "same name"),
    ("task.yaml", "Read: {source}", "Read", "'user' holds {source} 0 times", "exactly once"),
    ("task.yaml", "Read: {source}", "{source} {source}", "'user' holds {source} 2 times", "exactly once"),
    ("task.yaml", "{schema} ", "", "'prompted_user' holds {schema} 0 times", "exactly once"),
    ("task.yaml", "exact", "fuzzy", "'fields[0].comparator' is 'fuzzy'", "exact, text"),
    ("task.yaml", "kind: scalar", "kind: blob", "'fields[0].kind' is 'blob'", "scalar, list"),
    ("task.yaml", "{name: word", "{name: verb", "'fields' names verb", "property"),
    ("task.yaml", "context:", FIELD_TWICE, "'fields' names word twice", "one row"),
    ("task.yaml", "budget_tokens: 50", "budget_tokens: 0", "'context.budget_tokens' is 0", "above 0"),
    ("task.yaml", "budget_tokens: 50", ONE_MORE + "depth: 1", "'context.depth' is not known", "budget_tokens"),
    ("task.yaml", "budget_tokens: 50", ONE_MORE + "drop: [{reason: x, patterns: ['(']}]", "no regular", "Correct"),
    ("task.yaml", "budget_tokens: 50", ONE_MORE + "drop: [{reason: x, patterns: ['a*']}]", "empty line", "one char"),
    (
        "task.yaml",
        "budget_tokens: 50",
        ONE_MORE + "drop: [{reason: x, scope: page}]",
        "scope' is 'page'",
        "line, block",
    ),
    ("task.yaml", "title: Tiny", "title: 2024-13-45", "'2024-13-45' is no timestamp", "quotes"),
    ("task.yaml", "title: Tiny", "title: !!timestamp x", "'x' is no timestamp", "quotes"),
    ("task.yaml", "title: Tiny", "title: !!bool x", "'x' is no bool", "quotes"),
    ("task.yaml", "title: Tiny", "title: " + "[" * 5000, "64 mappings and lists within each other", "flatter"),
    ("task.yaml", "title: Tiny", "title: " + "[" * 70 + "]" * 70, "64 mappings and lists within", "flatter"),
    ("task.yaml", "title: Tiny", "title: &a [*a]", "64 mappings and lists within", "flatter"),
    ("task.yaml", "comparator: exact", "comparator: set, critical: true}", "no valid YAML", "line"),
    ("task.yaml", "r: exact", "r: list_ingredient", "'list_ingredient' for a field of kind scalar", "list or steps"),
    ("task.yaml", "kind: scalar, comparator: exact", "kind: list, comparator: yield", "of kind list", "kind scalar"),
    ("task.yaml", "tokens: 20", "tokens: 20, temperature: .nan", "sampling.temperature' is nan", "finite"),
    ("task.yaml", "budget_tokens: 50", ONE_MORE + "lead_weight: .inf", "context.lead_weight' is inf", "finite"),
    ("task.yaml", "budget_tokens: 50", ONE_MORE + "lead_lines: -1", "context.lead_lines' is -1", "from 0"),
    ("task.yaml", "budget_tokens: 50", ONE_MORE + FEATURE, "context.features[0].most' is -2", "from 1"),
    ("task.yaml", "budget_tokens: 50", ONE_MORE + FEATURE.replace("1,", ".nan,"), "].weight' is nan", "finite"),
    ("output_schema.json", '"type": "string"', '"type": "string", "type": "null"', "'type' stands twice", "one of"),
    ("output_schema.json", '"type": "string"', '"minLength": NaN', "holds NaN", "number"),
    ("output_schema.json", '"type": "string"', '"minLength": ' + "9" * 5000, "no valid JSON", "Correct"),
    ("output_schema.json", SCHEMA, "[" * 100_000, "64 mappings and lists within", "flatter"),
    ("output_schema.json", '"type": "string"', '"minlength": 2', "'properties/word/minlength' is not", "minLength"),
    (
        "output_schema.json",
        '"type": "string"',
        '"patternProperties": {"(": true}',
        "broken at properties/word",
        "Correct",
    ),
    ("output_schema.json", '"type": "string"', '"x-note": 2', "'properties/word/x-note' is not", "$comment"),
    ("output_schema.json", '"type": "string"', '"pattern": "("', "at properties/word/pattern: '('", "Correct"),
    ("output_schema.json", '"type": "string"', '"$id": "here"', "'properties/word/$id' gives a part", "Remove"),
    (
        "output_schema.json",
        SCHEMA,
        SCHEMA.replace("{", '{"$schema": "http://json-schema.org/draft-07/schema#",', 1),
        "draft-07",
        "2020",
    ),
    ("output_schema.json", '"type": "string"', '"$ref": "#/$defs/none"', "'properties/word/$ref' refers", "$defs"),
    ("output_schema.json", '"type": "string"', '"$ref": "other.json"', "'other.json', which is not in", "nothing is"),
    ("output_schema.json", '"type": "string"', '"$ref": "#/type"', "refers to '#/type', which is no schema", "schema"),
    ("output_schema.json", '"type": "string"', '"$ref": "#/properties/word"', "refers to itself without", "another"),
    ("output_schema.json", '"type": "string"', '"not": {"$ref": "#/properties/word"}', "refers to itself", "another"),
    ("output_schema.json", '"type": "string"', '"type": "s"', "is broken at properties/word/type", "Correct"),
    ("output_schema.json", '"word": {', '"more": {}, "word": {', "lacks more of output_schema.json", "Add a row"),
    ("output_schema.json", '"properties"', '"keys"', "'properties' is missing", "keys"),
    ("output_schema.json", "{", "{{", "no valid JSON", "Correct"),
    ("output_schema.json", SCHEMA, "[]", "holds a list, no JSON object", "object"),
    ("task.md", "## Non-goals", "## Others", "'## Non-goals' is missing", "Non-goals"),
    ("examples/a.md", "---\ntitle", "title", "front matter is missing", "---"),
    ("examples/a.md", "title: A", "title: A\nauthor: B", "'author' is not known", "title"),
    ("examples/a.md", 'word: "hi"', "word: 3", "'gold/word' breaks the schema", "gold"),
]


@pytest.mark.parametrize(("file", "old", "new", "complaint", "remedy"), EDITS, ids=[row[3] for row in EDITS])
def test_a_fault_is_refused_with_file_key_and_fix(
    tiny: Path, file: str, old: str, new: str, complaint: str, remedy: str
) -> None:
    load_pack(tiny)
    change(tiny / file, old, new)
    with pytest.raises(PackError, match=re.escape(complaint)) as refusal:
        load_pack(tiny)
    assert str(tiny / file.partition("/")[0]) in str(refusal.value) or file.endswith(".json")
    assert file.rpartition("/")[2] in str(refusal.value)
    assert remedy in refusal.value.fix


@pytest.mark.parametrize("address", ["http://127.0.0.1:{port}/x.json", "http://127.0.0.1:{port}/x.json#/$defs/a"])
def test_a_schema_elsewhere_is_refused_and_never_fetched(tiny: Path, address: str) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.setblocking(False)
        place = address.format(port=server.getsockname()[1])
        change(tiny / "output_schema.json", '"type": "string"', f'"$ref": "{place}"')
        with pytest.raises(PackError, match="is not in this file") as refusal:
            load_pack(tiny)
        assert "nothing is fetched" in refusal.value.fix
        schema = json.loads((tiny / "output_schema.json").read_text("utf-8"))
        with pytest.raises(Unresolvable):
            checker(schema).is_valid({"word": "x"})
        with pytest.raises(BlockingIOError):
            server.accept()


def test_a_schema_that_goes_round_through_a_key_or_an_item_is_a_good_one(tiny: Path) -> None:
    tree = {"items": {"$ref": "#/$defs/tree"}, "$anchor": "t"}
    schema = {
        "$id": "https://example.org/tiny",
        "properties": {"word": {"$ref": "#/$defs/tree", "anyOf": [True, {"$ref": "#t"}]}},
        "$defs": {"tree": tree, "again": {"$ref": "#t"}},
    }
    (tiny / "output_schema.json").write_text(json.dumps(schema), "utf-8")
    assert checker(load_pack(tiny).schema).is_valid({"word": [[], [[]]]})


@pytest.mark.parametrize("file", ["task.yaml", "output_schema.json", "task.md"])
def test_a_file_that_is_missing_or_not_utf_8_is_named(tiny: Path, file: str) -> None:
    (tiny / file).write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(PackError, match="not UTF-8") as refusal:
        load_pack(tiny)
    assert str(tiny / file) in str(refusal.value)
    (tiny / file).unlink()
    with pytest.raises(PackError, match="is missing") as refusal:
        load_pack(tiny)
    assert str(tiny / file) in str(refusal.value)
    assert refusal.value.fix == f"Add {file} to {tiny}."


def test_a_folder_that_is_not_there_and_an_example_of_another_kind_are_refused(tiny: Path) -> None:
    with pytest.raises(PackError, match="no such task folder"):
        load_pack(tiny.parent / "nowhere")
    (tiny / "examples" / "b.pdf").write_text("x", "utf-8")
    with pytest.raises(PackError, match=r"b\.pdf: an example ends in \.md or \.html"):
        load_pack(tiny)


@pytest.mark.parametrize("duration", ["PT15M", "PT1H30M", "P0DT1H30M", "PT1.5H", "P1D", "PT90S", "P1DT12H"])
def test_durations_the_contract_knows(duration: str) -> None:
    assert valid({"prepTime": duration})


@pytest.mark.parametrize(
    "duration",
    ["PT", "P", "P1M", "P1Y", "-PT5M", "pt15m", "PT1H30", "15 min", "PT5-10M", "P1DT", "PT15M\n", "PT१M", "", "PT.5H"],
)  # fmt: skip
def test_durations_it_does_not(duration: object) -> None:
    assert not valid({"prepTime": duration})


def valid(more: dict[str, object]) -> bool:
    recipe = {"@context": "https://schema.org", "@type": "Recipe", "name": "Soup", **more}
    return Draft202012Validator(PACK.schema).is_valid(recipe)


def test_the_contract_of_a_recipe() -> None:
    schema = PACK.schema
    step = {"@type": "HowToStep", "text": "Boil."}
    assert Draft202012Validator(schema).is_valid({})
    assert not Draft202012Validator(schema).is_valid({"name": "Soup"})
    assert valid({"recipeIngredient": ["1 l water"], "recipeInstructions": [step], "recipeYield": "4"})
    wrong: list[dict[str, object]] = [
        {"recipeIngredient": []}, {"recipeIngredient": [""]}, {"recipeIngredient": "water"}, {"recipeYield": 4},
        {"recipeInstructions": []}, {"recipeInstructions": ["Boil."]}, {"recipeInstructions": [{"text": "Boil."}]},
        {"recipeInstructions": [{**step, "name": "x"}]}, {"keywords": ["a"]}, {"description": ""}, {"author": "me"},
        {"@context": "http://schema.org"}, {"@type": "recipe"}, {"name": ""},
    ]  # fmt: skip
    for more in wrong:
        assert not valid(more), more


def words_of(gold: dict[str, object]) -> list[tuple[str, str]]:
    """(key, string) of everything an answer copies."""
    rows: list[tuple[str, str]] = []
    for key, value in gold.items():
        if key.startswith("@") or key.endswith("Time"):
            continue
        for item in value if isinstance(value, list) else str(value).split(", ") if key == "keywords" else [value]:
            rows.append((key, item["text"] if isinstance(item, dict) else str(item)))
    return rows


EXAMPLES = PACK.examples


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.id for example in EXAMPLES])
def test_what_an_example_asks_for_stands_in_what_the_model_is_shown(example: Example) -> None:
    """At three characters a token, a little less than the embedded model's tokenizer packs into one."""
    context = build_context(Source(example.text, example.kind), PACK.context, lambda text: len(text) // 3)
    assert example.gold is not None
    assert example.note
    for key, text in words_of(example.gold):
        assert text in context.shown, (key, text)
    for marker in ("Advertisement", "says:", "Jump to Recipe", "<script", "Privacy policy"):
        assert marker not in context.shown


def test_the_examples_are_of_every_kind() -> None:
    golds = {example.id: example.gold or {} for example in EXAMPLES}
    assert len(EXAMPLES) >= 10
    assert sum(not gold for gold in golds.values()) == 1
    assert any("recipeIngredient" not in gold and gold for gold in golds.values())
    assert any(example.kind == "html" for example in EXAMPLES)
    assert any("<|im_end|>" in example.text and "HACKED" in example.text for example in EXAMPLES)
    assert any(len(example.text) > 4500 for example in EXAMPLES)
