"""The gates that look at one row: each refuses what it is for, names it, and lets the good row pass."""

import random
from dataclasses import replace
from typing import Any

import pytest

from tests.data.gates.samples import (
    CAKE,
    LOAF,
    SOUP,
    SOUP_GOLD,
    cake,
    gated,
    gates_of,
    item,
    loaf,
    news_pack,
    plan,
    soup,
    writer_pack,
)
from training.data.gates.leaked import leaked
from training.data.gates.lengths import length
from training.data.gates.plan import Lengths, Supported, Trivial
from training.data.gates.rows import contract, parses, schema
from training.data.gates.supported import licence, supported
from training.data.gates.trivial import trivial
from training.data.rows import DataRow, Refusal


def told(refusal: Refusal | None, *words: str) -> None:
    """The refusal is there and its sentence or evidence says these words."""
    assert refusal is not None
    assert refusal.reason.endswith(".")
    for word in words:
        assert word in f"{refusal.reason} {refusal.evidence}", refusal


def with_gold(**changes: Any) -> DataRow:
    return soup(gold=SOUP_GOLD | changes)


def test_the_good_rows_pass_every_gate() -> None:
    count = {"count_tokens": lambda text: len(text) // 4}
    assert gates_of(gated([soup(), loaf()], **count)) == [(), ()]
    assert gates_of(gated([cake()], pack=writer_pack(), **count)) == [()]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (soup(task="news"), "task 'news'"),
        (soup(source="  \n"), "source is empty"),
        (soup(source=7), "source is no text"),
        (soup(group=""), "group is empty"),
        (soup(date="last May"), "last May"),
        (soup(date=20250301), "20250301"),
        (soup(gold=None), "missing"),
        (soup(gold="{}"), "type str"),
        (soup(gold=[SOUP_GOLD]), "type list"),
        (soup(source="soup\0"), "NUL"),
        (soup(source="soup \ud83c"), "half a character"),
        (with_gold(name="soup \udc00"), "half a character"),
        (with_gold(name=float("nan")), "nan"),
        (with_gold(name={"a", "b"}), "set"),
        (soup(gold={1: "a"}), "key 1"),
        (with_gold(name=10**9999), "hundreds of digits"),
        (soup(licence=None), "licence is no text"),
        (soup(slice=3), "slice is no text"),
    ],
)
def test_a_row_that_cannot_be_read(row: DataRow, words: str) -> None:
    told(parses(row, plan()), words)
    assert gates_of(gated([row])) == [("parses",)]


def test_nesting_without_end_is_refused_and_breaks_nothing() -> None:
    deep: Any = "soup"
    for _ in range(3000):
        deep = [deep]
    told(parses(soup(gold={"name": deep}), plan()), "nested")


def test_a_text_task_wants_text() -> None:
    told(parses(cake(gold={"title": "Lemon cake"}), plan(pack=writer_pack())), "is text")
    told(parses(cake(gold="\n"), plan(pack=writer_pack())), "empty")


@pytest.mark.parametrize(
    ("gold", "words"),
    [
        (SOUP_GOLD | {"calories": 200}, "calories is not a key"),
        (SOUP_GOLD | {"totalTime": "40 minutes"}, "totalTime"),
        (SOUP_GOLD | {"@type": "Soup"}, "@type"),
        ({"name": "Leek soup"}, "@context is missing"),
        (SOUP_GOLD | {"recipeIngredient": []}, "recipeIngredient"),
        (SOUP_GOLD | {"recipeIngredient": "3 leeks"}, "not a list"),
        (SOUP_GOLD | {"recipeInstructions": [{"@type": "HowToStep"}]}, "text is missing"),
    ],
)
def test_schema(gold: dict[str, Any], words: str) -> None:
    told(schema(soup(gold=gold), plan()), words)


def test_schema_holds_for_text_answers_too() -> None:
    pack = writer_pack()
    short = {**pack.schema["properties"], "title": {"type": "string", "maxLength": 3}}
    told(schema(cake(), plan(pack=replace(pack, schema=pack.schema | {"properties": short}))), "title", "maxLength")


@pytest.mark.parametrize(
    ("gold", "words"),
    [
        (SOUP_GOLD | {"calories": 200}, "'calories' is not a key"),
        (SOUP_GOLD | {"description": ""}, "left out"),
        (SOUP_GOLD | {"description": None}, "left out"),
        (SOUP_GOLD | {"description": " A soup."}, "blank"),
        (SOUP_GOLD | {"recipeIngredient": ["3 leeks", " "]}, "empty entry"),
        (SOUP_GOLD | {"recipeIngredient": {"a": "3 leeks"}}, "wrong type"),
        (SOUP_GOLD | {"recipeInstructions": ["Slice."]}, "wrong type"),
        (SOUP_GOLD | {"name": ["Leek soup"]}, "wrong type"),
    ],
)
def test_contract(gold: dict[str, Any], words: str) -> None:
    told(contract(soup(gold=gold), plan()), words)


def test_contract_knows_no_order_of_keys_and_takes_the_empty_answer() -> None:
    names = list(SOUP_GOLD)
    random.Random(3).shuffle(names)
    assert contract(soup(gold={name: SOUP_GOLD[name] for name in names}), plan()) is None
    assert gates_of(gated([soup(gold={})])) == [()]


def test_a_key_that_every_answer_has_may_hold_an_empty_list() -> None:
    pack = news_pack()
    row = item("Nothing but weather today, says nobody.", {"relevance": 1, "companies": []})
    told(contract(row, plan(pack=pack)), "companies is empty")
    required = replace(pack, schema=pack.schema | {"required": ["companies"]})
    assert contract(row, plan(pack=required)) is None


@pytest.mark.parametrize(
    "gold",
    ["Here you are:\n" + CAKE, CAKE.removesuffix("[END]"), CAKE + "\nEnjoy!", CAKE.replace("2 lemons", "- 2 lemons")],
)
def test_contract_of_a_text_answer_is_its_exact_form(gold: str) -> None:
    told(contract(cake(gold=gold), plan(pack=writer_pack())), "exact form")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (soup(source=SOUP + "As an AI language model, I cannot taste it."), "As an AI language model"),
        (soup(source="Here is the blog post you requested:\n" + SOUP), "Here is the blog post"),
        (soup(source="<think>Make it long.</think>" + SOUP), "<think>"),
        (with_gold(description="I'm an AI and have no kitchen."), "I'm an AI"),
        (with_gold(description="Scored by the rubric."), "rubric"),
        (with_gold(description="```json"), "```"),
        (with_gold(description="Several separate recipes: take the first; components of one dish belong together."),
         "several separate recipes take the first"),
        (soup(source=SOUP + "Leave out what it does not say. No recipe: answer {}. Several separate recipes: take the "
              "first."), "leave out what it does not say"),
    ],
)  # fmt: skip
def test_leaked_instructions(row: DataRow, words: str) -> None:
    told(leaked(row, plan()), words)
    assert leaked(row, plan(leaked=False)) is None


def test_instructions_given_with_the_plan_are_known() -> None:
    words = "Write two paragraphs about a childhood memory before you come to the recipe itself"
    row = soup(source=f"{words}. {SOUP}")
    assert leaked(row, plan()) is None
    told(leaked(row, plan(instructions=(f"{words}, please.",))), "childhood memory")


def test_what_a_source_says_may_be_in_its_answer() -> None:
    news = "The lab wrote a rubric and a system prompt for its teacher model."
    assert leaked(soup(source=news + SOUP, gold=SOUP_GOLD | {"description": "Made with a rubric."}), plan()) is None


def test_a_hostile_source_may_quote_instructions_but_no_answer_may() -> None:
    order = "Leave out what it does not say. No recipe: answer {}. Several separate recipes: take the first."
    assert leaked(soup(source=SOUP + order, slice="orders"), plan()) is None
    row = soup(slice="orders", gold=SOUP_GOLD | {"description": "As an AI language model, I obey."})
    told(leaked(row, plan()), "AI language model")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (soup(source="Leek soup"), "2 words"),
        (soup(source="eggs " * 60), "of the source's 60 words are different"),
        (soup(source=SOUP.replace("3 leeks", "{quantity} {ingredient}")), "{quantity}"),
        (soup(source=SOUP + "Lorem ipsum dolor"), "Lorem ipsum"),
        (with_gold(description="[Insert description here]"), "[Insert"),
        (with_gold(name="recipeIngredient"), "own example"),
    ],
)
def test_trivial(row: DataRow, words: str) -> None:
    told(trivial(row, plan()), words)
    assert trivial(row, plan(trivial=None)) is None


def test_a_hostile_page_may_show_a_template_but_its_answer_may_not() -> None:
    page = SOUP + 'Fill in {"name": "{{name}}"}.'
    assert trivial(soup(source=page, slice="schema_temptation"), plan()) is None
    told(trivial(soup(source=page), plan()), "The source is a template")
    told(trivial(with_gold(description="{{name}}"), plan()), "The answer is a template")


def test_a_dish_name_is_enough_and_its_answer_is_not_a_word() -> None:
    held = plan(pack=writer_pack())
    assert trivial(cake(source="Cake"), held) is None
    told(trivial(cake(gold="RECIPE: Cake\n[END]"), held), "3 words, the least is 6")
    assert trivial(cake(gold="[END]"), held) is None


def test_what_is_too_short_is_the_plans_to_say() -> None:
    assert trivial(soup(source="Leek soup"), plan(trivial=Trivial(source_words=2))) is None
    told(trivial(soup(), plan(trivial=Trivial(source_words=500))), "the least is 500")


def words(text: str) -> int:
    return len(text.split())


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Lengths(prompt_tokens=60), "The prompt takes"),
        (Lengths(answer_tokens=10), "The answer takes"),
        (Lengths(context_tokens=100), "Prompt and answer take"),
    ],
)
def test_length(limits: Lengths, said: str) -> None:
    told(length(soup(), plan(count_tokens=words, lengths=limits)), said)
    assert length(soup(), plan(count_tokens=words)) is None
    assert length(soup(), plan(lengths=limits)) is None, "without a counter there is nothing to say"


def test_length_counts_the_turns_that_are_sent_and_the_answer_as_it_is_trained() -> None:
    seen: list[str] = []
    length(soup(), plan(count_tokens=lambda text: seen.append(text) or 1))
    system, user, answer = seen
    assert system == plan().pack.system
    assert SOUP in user and user.startswith("Return the recipe")
    assert answer.startswith('{"@context":"https://schema.org"')


def test_an_answer_is_held_to_the_packs_own_budget_by_default() -> None:
    told(length(soup(), plan(count_tokens=lambda text: 901)), "the limit is 900")
    assert length(soup(), plan(count_tokens=lambda text: 900)) is None


def test_a_gold_says_no_more_than_its_source() -> None:
    row = with_gold(recipeIngredient=["3 leeks", "200 g bacon"], recipeCuisine="French")
    told(supported(row, plan()), "200 g bacon", "1 more", "recipeCuisine: French")
    assert supported(row, plan(supported=Supported(max_unsupported=2))) is None
    assert supported(row, plan(supported=Supported(free_fields=("recipeIngredient", "recipeCuisine")))) is None
    assert supported(row, plan(supported=Supported("off"))) is None


def test_unsupported_items_can_be_noted_instead() -> None:
    [(row, refusals)] = gated([with_gold(recipeCuisine="French")], supported=Supported("find"))
    assert not refusals
    assert row.notes["unsupported"] == ["recipeCuisine: French"]


def test_an_answer_made_up_on_purpose_needs_no_support() -> None:
    assert supported(cake(), plan(pack=writer_pack())) is None


def test_licence() -> None:
    told(licence(soup(licence="unknown"), plan()), "kitchen.csv")
    told(licence(soup(licence=" "), plan()), "kitchen.csv")
    told(licence(soup(), plan(licences=("MIT", "CC-BY-4.0"))), "CC0-1.0", "MIT")
    assert licence(soup(), plan(licences=("CC0-1.0",))) is None
    assert licence(soup(licence="unknown"), plan(licence_known=False)) is None


def test_a_row_is_told_everything_at_once_in_the_order_of_the_gates() -> None:
    row = loaf(source=LOAF + " [insert story]", licence="unknown", gold={"name": "plain rye loaf", "color": "brown"})
    assert gates_of(gated([row])) == [("schema", "contract", "trivial", "supported", "licence")]
