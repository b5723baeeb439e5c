"""What a person said of made-up things, and what the rule says of the same."""

import json
from pathlib import Path

import pytest

from training.evals.data import keep_rows
from training.evals.labelled import LABELLED, check_rule, in_words
from training.evals.metric_pages import page_of
from training.evals.records import ROWS, EvalRow


def test_the_shipped_labels_are_many_and_both_ways() -> None:
    told = json.loads(LABELLED.read_text("utf-8"))
    assert len(told["items"]) >= 50, "metrics.md asks for 50"
    assert {item["stated"] for item in told["items"]} == {True, False}
    assert {item["drawn_from"] for item in told["items"]} == set(told["drawn_from"])
    check = check_rule()
    assert check.called + check.passed == len(told["items"])


def test_the_page_of_the_metric_says_how_far_it_can_be_trusted() -> None:
    page = page_of("hallucinated")
    assert page is not None
    assert in_words(check_rule()) in page.body


def test_strata_count_by_their_size(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    keep_rows(iter([EvalRow("a", "Lemon cake\n2 lemons\nIt rained on Sunday.", None)]), folder / ROWS)

    def item(field: str, text: str, stated: bool, stratum: str) -> dict[str, object]:
        told = {"field": field, "text": text, "stated": stated, "drawn_from": stratum}
        return {"evaluation": "small", "doc": "a", **told}

    items = [
        item("name", "Lemon cake", True, "big"), item("description", "It rained on Sunday.", False, "big"),
        item("recipeIngredient", "3 eggs", False, "small"), item("recipeIngredient", "2 lemons", True, "small"),
        item("recipeInstructions", "Boil the rice.", True, "small"),
    ]  # fmt: skip
    file = tmp_path / "labels.json"
    file.write_text(json.dumps({"items": items, "drawn_from": {"big": 20, "small": 3}}), "utf-8")
    check = check_rule(file, tmp_path)
    assert (check.called, check.right, check.passed, check.missed) == (2, 1, 3, 1)
    assert check.recall == pytest.approx(1 / 11)  # the eggs stand for one such thing, the rain for ten
    assert check.precision is not None and check.precision[0] == 0.5
