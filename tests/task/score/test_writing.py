"""A made-up recipe: judged by itself, never by what the name did not say."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evals.evaluate import Row, evaluate
from training.task.pack import BUILTIN, load_pack
from training.task.parse import parse_answer
from training.task.records import FinishReason, Score
from training.task.score.answer import headline_scores, score_answer
from training.task.score.echo import is_echo, template_values
from training.task.score.grounding import ground_items
from training.task.score.writing import writing_scores
from training.task.sections import write_sections

PACK = load_pack(BUILTIN / "recipe-writer")
CAKE: dict[str, Any] = {
    "title": "Lemon Cake",
    "ingredients": ["200 g flour", "2 eggs", "1 lemon, zest only", "salt to taste"],
    "directions": ["Beat the eggs until pale.", "Fold in flour and lemon zest.", "Bake at 180 °C for 40 minutes."],
}
WRITTEN = write_sections(PACK.answer, CAKE)


def scores(raw: str, source: str = "Lemon Cake", gold: dict[str, Any] | None = CAKE) -> dict[tuple[str, str], Score]:
    parsed = parse_answer(PACK, raw, FinishReason.EOS)
    found = score_answer(PACK, parsed, source, gold, raw=raw)
    assert len({(s.metric, s.field) for s in found}) == len(found), "one score a metric and field"
    return {(s.metric, s.field): s for s in found}


def value(raw: str, metric: str, field: str = "", **kwargs: Any) -> float | None:
    return scores(raw, **kwargs)[metric, field].value


def test_the_known_recipe_is_perfect() -> None:
    for metric, field in (("strict", ""), ("schema_valid", ""), ("exact_record", ""), ("f1", "ingredients"),
                          ("ordered_f1", "directions"), ("qty_acc", "ingredients"), ("on_title", ""),
                          ("end_marker", "")):  # fmt: skip
        assert value(WRITTEN, metric, field) == 1.0, (metric, field)
    assert value(WRITTEN, "amounts_given") == 0.75
    assert value(WRITTEN, "named_in_steps") == 0.75


def test_nothing_is_called_invented_for_not_standing_in_the_name() -> None:
    got = scores(WRITTEN)
    assert got["hallucinated", ""].value is None and got["hallucinated_docs", ""].value is None
    assert ("qty_halluc", "ingredients") not in got
    items = ground_items(PACK, CAKE, "Lemon Cake")
    assert len(items) == 8 and all(item.supported is None and item.spans == () for item in items)
    headline = headline_scores(PACK, parse_answer(PACK, WRITTEN, FinishReason.EOS), "Lemon Cake")
    assert (headline.items_checked, headline.schema_errors) == (0, 0)


def test_running_on_and_saying_it_again_show() -> None:
    looped = WRITTEN.replace("[END]", "Stir the pot again and again.\n" * 20)
    assert value(looped, "end_marker") == 0.0
    assert (value(looped, "repetition") or 0) > 0.7 > 0.1 > (value(WRITTEN, "repetition") or 0)
    assert value(looped, "strict") == 0.0


def test_steps_that_use_what_is_not_listed_show() -> None:
    strange = WRITTEN.replace("Beat the eggs until pale", "Fry the bacon until crisp")
    assert value(strange, "lint:food_not_listed") == 1.0
    assert value(strange, "named_in_steps") == 0.5
    assert value(strange, "ordered_f1", "directions") == pytest.approx(2 / 3)


def test_another_dish_than_the_one_asked_for_shows() -> None:
    assert value(WRITTEN, "on_title", source="lentil soup") == 0.0
    assert value(WRITTEN, "on_title", source="lemon cakes") == 1.0
    assert value(WRITTEN, "on_title", source="???") is None


def test_saying_nothing_is_right_only_where_nothing_is() -> None:
    assert value("[END]", "abstain", gold={}) == 1.0
    assert value(WRITTEN, "abstain", gold={}) == 0.0
    assert value("[END]", "f1", "ingredients") == 0.0
    assert ("named_in_steps", "") not in scores("[END]")


def test_the_layout_given_back_is_an_echo() -> None:
    templates = template_values(PACK)
    assert is_echo("<one step a line>", templates, "Lemon Cake")
    assert not is_echo("Lemon Cake", templates, "Lemon Cake")
    echoed = "RECIPE: <name of the dish>\nINGREDIENTS:\nflour\nDIRECTIONS:\nBake.\n[END]"
    assert value(echoed, "template_echo") == 1.0
    assert value(WRITTEN, "template_echo") == 0.0


def test_a_task_of_json_has_none_of_these() -> None:
    assert writing_scores(load_pack(BUILTIN / "recipe-jsonld"), {"name": "x"}, "x", "x") == []


def test_an_evaluation_reports_them_with_their_denominators() -> None:
    rows = [Row("a", "Lemon Cake", CAKE), Row("b", "Parking ticket", {})]
    got = evaluate(PACK, rows, {"arm": [(WRITTEN, "stop"), ("[END]", "stop")]}, resamples=199)["arm"].overall
    assert (got["strict"].value, got["end_marker"].value, got["end_marker"].n_scored) == (1.0, 1.0, 2)
    assert (got["amounts_given"].value, got["amounts_given"].n_scored) == (0.75, 1)
    assert (got["ordered_f1:directions"].value, got["abstain_record"].value) == (1.0, 1.0)
    assert got["hallucinated"].value is None


@given(st.text(max_size=60), st.text(max_size=20))
def test_any_answer_to_any_name_can_be_scored(raw: str, source: str) -> None:
    for score in scores(raw, source).values():
        assert score.explanation.endswith(".")
