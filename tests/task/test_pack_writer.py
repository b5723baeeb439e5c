"""The pack of recipe-writer: a form that prompt, examples, schema and description agree on."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from training.errors import PackError
from training.task.context import build_context
from training.task.pack import BUILTIN, Example, load_pack
from training.task.parse import parse_answer
from training.task.prompt import messages_for, schema_text
from training.task.records import FinishReason, Source, Tier
from training.task.score.answer import score_answer
from training.task.sections import layout, write_sections

PACK = load_pack(BUILTIN / "recipe-writer")
GOLDS = [pytest.param(example, id=example.id) for example in PACK.examples if example.gold is not None]


@pytest.mark.parametrize("prompted", [False, True])
def test_the_prompt_names_the_form(prompted: bool) -> None:
    asked = messages_for(PACK, "Lemon Cake", prompted)[-1].content
    places = [asked.index(part) for part in ("RECIPE:", "INGREDIENTS:", "DIRECTIONS:", "[END]")]
    assert places == sorted(places)
    assert asked.endswith("Lemon Cake")
    assert "JSON" not in asked and "{" not in asked
    assert (layout(PACK.answer) in asked) == prompted


def test_what_stands_for_the_schema_is_the_layout() -> None:
    assert schema_text(PACK) == layout(PACK.answer)
    assert schema_text(load_pack(BUILTIN / "news-metadata")).startswith("{")


def test_the_form_in_the_description_is_the_one_that_is_read() -> None:
    block = re.search(r"```\n(.*?)\n```", PACK.task_md, re.DOTALL)
    assert block is not None
    parsed = parse_answer(PACK, block[1], FinishReason.EOS)
    assert parsed.tier is Tier.STRICT
    assert Draft202012Validator(PACK.schema).is_valid(parsed.object)


def test_the_contract_of_a_recipe_as_text() -> None:
    whole: dict[str, Any] = {"title": "Soup", "ingredients": ["1 l water"], "directions": ["Boil."]}
    validator = Draft202012Validator(PACK.schema)
    assert validator.is_valid(whole) and validator.is_valid({})
    wrong: list[dict[str, Any]] = [
        {"title": ""}, {"title": "two\nlines"}, {"ingredients": []}, {"ingredients": "water"}, {"directions": [" x"]},
        {"directions": [{"text": "Boil."}]}, {"time": "PT5M"},
    ]  # fmt: skip
    for change in wrong:
        assert not validator.is_valid(whole | change), change
    assert not validator.is_valid({"title": "Soup"})


@pytest.mark.parametrize("example", GOLDS)
def test_a_known_recipe_can_be_written_and_is_perfect(example: Example) -> None:
    assert example.gold is not None
    raw = write_sections(PACK.answer, example.gold)
    parsed = parse_answer(PACK, raw, FinishReason.STOP)
    scores = {s.metric: s.value for s in score_answer(PACK, parsed, example.text, example.gold, raw=raw) if not s.field}
    assert (scores["strict"], scores["schema_valid"], scores["end_marker"], scores["prompt_leak"]) == (1, 1, 1, 0)
    if example.gold:
        assert (scores["exact_record"], scores["named_in_steps"], scores["lint:food_not_listed"]) == (1, 1, 0)
        assert scores["on_title"] or 0 >= 0.2


def test_the_examples_are_of_every_hard_kind() -> None:
    assert len(PACK.examples) >= 8 and all(example.note for example in PACK.examples)
    assert sum(example.gold == {} for example in PACK.examples) == 1
    assert any("\n" in example.text.strip() for example in PACK.examples), "several dishes"
    assert any("[END]" in example.text for example in PACK.examples), "orders"
    assert min(len(example.text.strip()) for example in PACK.examples) <= 6, "almost nothing"


def test_a_name_is_shown_to_the_model_as_it_is() -> None:
    for example in PACK.examples:
        context = build_context(Source(example.text), PACK.context, lambda text: len(text) // 3)
        assert context.shown == example.text.strip()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(BUILTIN / "recipe-writer", tmp_path / "recipe-writer"))


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("field: title, head", "field: name, head", "'answer.sections' has the fields name"),
        ("head: \"RECIPE:\", form: line", "head: \"RECIPE:\", form: list", "has the form list for title"),
        ('"INGREDIENTS:", form: list', '"INGREDIENTS:", form: line', "has the form line for ingredients"),
        ("no_repeat_ngram: 16}", "constrained: true}", "'sampling.constrained' is true, and the answers are text"),
        ("kind: text\n", "kind: prose\n", "'answer.kind' is 'prose'"),
        ("  end: \"[END]\"\n", "", "'answer.end' is missing"),
    ],
)  # fmt: skip
def test_a_form_that_does_not_fit_the_fields_is_refused(copy: Path, old: str, new: str, complaint: str) -> None:
    file = copy / "task.yaml"
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(PackError, match=r"task\.yaml") as refusal:
        load_pack(copy)
    assert complaint in str(refusal.value)
