"""The arms that need no model: valid where they should be, echoing where they should, and a floor for every metric."""

import json
from pathlib import Path
from typing import Any

import pytest

from training.evals.data import documents, find_data
from training.evals.evaluate import evaluate
from training.evals.patterns import extract
from training.evals.records import TRIVIAL, EvalRow
from training.evals.trivial import constant_answer, echo_answer, trivial_arm
from training.task.pack import BUILTIN, Pack, find_packs
from training.task.parse import parse_answer
from training.task.records import FinishReason, Tier

PACKS = find_packs(BUILTIN)
NEWS, RECIPE, WRITER = (PACKS[name] for name in ("news-metadata", "recipe-jsonld", "recipe-writer"))


@pytest.fixture(scope="module")
def figures() -> dict[str, dict[str, dict[str, float | None]]]:
    """By task, arm and metric what the arms are worth on the shipped test rows."""
    found: dict[str, Any] = {}
    for name, pack in PACKS.items():
        rows = list(documents(find_data(f"{name}-small", pack, Path("none"), "test"), pack))[:24]
        answers = {arm: [(trivial_arm(arm, pack, rows)(row), "eos") for row in rows] for arm in TRIVIAL}
        dicts = [{"id": row.id, "source": row.source, "gold": row.gold} for row in rows]
        got = evaluate(pack, dicts, answers, resamples=99)
        found[name] = {arm: {m: f.value for m, f in got[arm].overall.items()} for arm in TRIVIAL}
    return found


def tier(pack: Pack, raw: str) -> Tier:
    return parse_answer(pack, raw, FinishReason.EOS).tier


def test_an_empty_answer_does_not_look_good(figures: dict[str, Any]) -> None:
    for name in PACKS:
        empty = figures[name]["empty"]
        assert empty["strict"] == empty["schema_valid"] == empty["abstain_acc"] == 0.0 and empty["omitted"] == 1.0
        assert all(value in (0.0, None) for metric, value in empty.items() if metric.startswith("f1:"))


def test_the_echo_is_valid_json_and_no_valid_answer(figures: dict[str, Any]) -> None:
    for name in PACKS:
        echo = figures[name]["echo"]
        assert echo["strict"] == 1.0 and echo["schema_valid"] == 0.0 and echo["template_echo"] == 1.0, name
    assert json.loads(echo_answer(NEWS)) == {
        "relevance_score": "integer", "key_insights": ["key_insights"], "company_names": ["company_names"],
        "summary": "summary",
    }  # fmt: skip
    assert json.loads(echo_answer(RECIPE))["recipeInstructions"] == [{"@type": "HowToStep", "text": "text"}]
    assert tier(WRITER, echo_answer(WRITER)) is Tier.STRICT


def test_the_constant_sets_the_floor_for_relevance(figures: dict[str, Any]) -> None:
    constant, empty = figures["news-metadata"]["constant"], figures["news-metadata"]["empty"]
    assert constant["mae_penalised:relevance_score"] < 0.5 * empty["mae_penalised:relevance_score"]
    assert figures["news-metadata"]["constant"]["strict"] == 1.0
    golds = [
        {"relevance_score": score, "key_insights": [], "company_names": [], "summary": "s" * 20} for score in (1, 7, 9)
    ]
    rows = [EvalRow(str(at), "x", gold) for at, gold in enumerate(golds)]
    said = json.loads(constant_answer(NEWS, rows))
    assert said == {"relevance_score": 7, "key_insights": [], "company_names": [], "summary": "s" * 20}


def test_the_constant_leaves_out_what_most_leave_out() -> None:
    def row(at: int, gold: dict[str, Any] | None) -> EvalRow:
        return EvalRow(str(at), "x", gold)

    full = {"@context": "https://schema.org", "@type": "Recipe", "name": "Soup", "recipeIngredient": ["salt", "2 eggs"]}
    golds = [full, {**full, "prepTime": "PT5M"}, {**full, "recipeIngredient": ["salt"]}, None]
    said = json.loads(constant_answer(RECIPE, [row(at, gold) for at, gold in enumerate(golds)]))
    assert said == full
    assert constant_answer(RECIPE, [row(0, {}), row(1, {}), row(2, full)]) == "{}"
    assert constant_answer(WRITER, [row(0, {})]) == "[END]"
    assert constant_answer(RECIPE, []) == "{}"


def test_patterns_are_worth_an_afternoon(figures: dict[str, Any]) -> None:
    assert figures["recipe-jsonld"]["regex"]["f1:recipeIngredient"] > 0.5
    assert figures["recipe-jsonld"]["regex"]["hallucinated"] < 0.05
    assert figures["news-metadata"]["regex"]["f1:key_insights"] > 0.5
    for name in PACKS:
        assert figures[name]["regex"]["schema_valid"] == 1.0, name


def test_patterns_read_the_usual_blog() -> None:
    source = (
        "Lemon Cake\nA cake that my whole family asks for every spring.\nPrep time: 20 min\nServes: 8\n"
        "Course: Dessert\n"
        "Ingredients\n- 2 cups flour\n- 3 eggs\nMethod\n1. Whisk the eggs until pale.\n2. Fold in the flour and bake.\n"
        "Notes\nKeeps for days.\n"
    )
    assert extract(RECIPE, source) == {
        "@context": "https://schema.org", "@type": "Recipe", "name": "Lemon Cake",
        "description": "A cake that my whole family asks for every spring.",
        "recipeIngredient": ["2 cups flour", "3 eggs"],
        "recipeInstructions": [
            {"@type": "HowToStep", "text": "Whisk the eggs until pale."},
            {"@type": "HowToStep", "text": "Fold in the flour and bake."},
        ],
        "prepTime": "PT20M", "recipeYield": "8", "recipeCategory": "Dessert",
    }  # fmt: skip
    assert extract(RECIPE, "A day at the lake. We swam.") == {}


@pytest.mark.parametrize(
    ("asked", "title"),
    [
        ("how do i make lentil soup", "Lentil Soup"),
        ("LEMON CAKE", "Lemon Cake"),
        ("Recipe for Pad Thai, please", "Pad Thai, please"),
    ],
)
def test_a_writer_has_a_template_round_the_name(asked: str, title: str) -> None:
    raw = trivial_arm("regex", WRITER, [])(EvalRow("a", asked, None))
    parsed = parse_answer(WRITER, raw, FinishReason.EOS)
    assert parsed.tier is Tier.STRICT and parsed.object is not None and parsed.object["title"] == title


@pytest.mark.parametrize(
    "source", ["", " ", "\x00", "a" * 5000, "RECIPE: x\n[END]", "1.\n2.\n3.", "💥" * 50, "- " * 400]
)
def test_no_text_breaks_an_arm(source: str) -> None:
    for pack in PACKS.values():
        for arm in TRIVIAL:
            raw = trivial_arm(arm, pack, [])(EvalRow("a", source, None))
            assert arm == "empty" or tier(pack, raw) is Tier.STRICT, (pack.name, arm, source[:20])
