"""Summaries of arms over documents: denominators, intervals, slices."""

import json
from typing import Any

import pytest

from tests.task.score.recipes import GOLD, PACK, POST
from training.errors import InputError
from training.evals.evaluate import Row, evaluate

NO_RECIPE = "A day at the lake. We swam, and nothing was cooked."
ROWS = [
    Row("a", POST, GOLD, "full"),
    Row("b", POST, GOLD, "full"),
    Row("c", POST, {k: v for k, v in GOLD.items() if k != "recipeIngredient"}, "no_ingredients"),
    Row("d", NO_RECIPE, {}, "no_recipe"),
]
RIGHT = [(json.dumps(row.gold), "eos") for row in ROWS]


def run(**arms: Any) -> Any:
    return evaluate(PACK, ROWS, arms, resamples=199)


def test_right_answers_are_perfect_with_honest_denominators() -> None:
    got = run(tuned=RIGHT)["tuned"].overall
    for metric in ("strict", "usable", "schema_valid", "f1:recipeIngredient", "f1:recipeInstructions", "abstain_acc"):
        assert got[metric].value == 1.0, metric
    assert (got["duration_exact"].value, got["duration_exact"].n_items) == (1.0, 6)
    assert (got["hallucinated"].value, got["omitted"].value) == (0.0, 0.0)
    assert (got["strict"].n_scored, got["strict"].n_total) == (4, 4)
    assert (got["f1:recipeIngredient"].n_scored, got["f1:recipeIngredient"].n_total) == (2, 4)
    assert (got["abstain:recipeIngredient"].n_scored, got["abstain_record"].n_scored) == (2, 1)
    assert got["strict"].low is not None and got["strict"].low < 0.6, "four answers prove little"


def test_failures_stay_in_as_zeros() -> None:
    got = run(base=[("I like cake.", "eos"), *RIGHT[1:]])["base"].overall
    assert (got["strict"].value, got["f1:recipeIngredient"].value) == (0.75, 0.5)
    assert got["f1:recipeIngredient"].n_scored == 2
    assert got["hallucinated"].n_scored == 2, "a failed answer and an empty one have invented and proven nothing"
    assert got["omitted"].value is not None and got["omitted"].value > 0.3


def test_answering_nothing_is_only_good_at_abstaining() -> None:
    got = run(empty=[("{}", "eos")] * 4)["empty"].overall
    assert (got["abstain_acc"].value, got["omitted"].value) == (1.0, 1.0)
    assert (got["f1:recipeIngredient"].value, got["f1:recipeInstructions"].value) == (0.0, 0.0)
    assert (got["hallucinated"].value, got["hallucinated"].n_scored) == (None, 0)
    assert got["duration_exact"].value == 0.0


def test_slices_hold_their_own_documents() -> None:
    slices = run(tuned=RIGHT)["tuned"].slices
    assert {name: found["strict"].n_total for name, found in slices.items()} == {
        "full": 2, "no_ingredients": 1, "no_recipe": 1,
    }  # fmt: skip
    assert slices["no_recipe"]["abstain_record"].value == 1.0
    assert slices["full"]["abstain_record"].n_scored == 0


def test_pooled_figures_weigh_items_and_means_weigh_documents() -> None:
    long = {"recipeIngredient": ["1½ cups sugar", "9 figs", "9 leeks", "9 plums"]}
    short = {"recipeIngredient": ["three eggs"]}
    got = evaluate(
        PACK,
        [{"id": 1, "source": POST, "gold": None}, {"id": 2, "source": POST, "gold": None, "slice": None}],
        {"x": [(json.dumps(long), "eos"), (json.dumps(short), "stop")]},
        resamples=99,
    )["x"].overall
    assert (got["hallucinated"].value, got["hallucinated"].n_items) == (3 / 5, 5)
    assert got["hallucinated_docs"].value == 0.5
    assert got["f1:recipeIngredient"].n_scored == 0


def test_a_wider_tier_counts_more() -> None:
    fenced = [(f"```json\n{raw}\n```", reason) for raw, reason in RIGHT]
    for tier, expected in (("strict", 0.0), ("usable", 1.0)):
        got = evaluate(PACK, ROWS, {"x": fenced}, tier=tier, resamples=99)["x"].overall
        assert (got["f1:recipeIngredient"].value, got["strict"].value) == (expected, 0.0)


def test_arms_that_do_not_answer_every_document_are_refused() -> None:
    with pytest.raises(InputError, match="3 answers for 4 documents") as refused:
        run(base=RIGHT[:3])
    assert "failed generation" in refused.value.fix
    with pytest.raises(InputError, match="'a' stands twice"):
        evaluate(PACK, [ROWS[0], ROWS[0]], {"x": RIGHT[:2]})
