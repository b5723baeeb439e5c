"""ANLS* is the authors' number: held against their own package, on hand-made answers and on any JSON."""

import pytest
from anls_star import anls_score
from hypothesis import given
from hypothesis import strategies as st

from training.task.pack import BUILTIN, load_pack
from training.task.parse import parse_answer
from training.task.records import FinishReason
from training.task.score.anls import anls_star
from training.task.score.answer import score_answer

CAKE = {"name": "Lemon cake", "recipeIngredient": ["1 cup flour", "2 lemons"], "steps": [{"text": "Mix."}]}
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-99, 99), st.text(" ab½é", max_size=6)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3)
    ),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from(["a", "b", "c"]), VALUES, max_size=3)


@pytest.mark.parametrize(
    ("right", "answer", "value"),
    [
        (CAKE, CAKE, 1.0),
        (CAKE, {}, 0.0),
        ({}, CAKE, 0.0),
        ("rice flour", "tofu", 0.0),
        ("1 cup flour", "2 cup flour", 10 / 11),
        (["a", "b"], ["b", "a"], 1.0),
        (["2 lemons", "salt"], ["2 lemons"], 0.5),
        ({"name": "Lemon cake"}, {"name": "Lemon cake", "keywords": "cake"}, 0.5),
        ({"name": "Lemon cake"}, {"name": " LEMON  cake", "keywords": ""}, 0.5),
    ],
)
def test_known_values(right: object, answer: object, value: float) -> None:
    assert anls_star(right, answer) == pytest.approx(value)
    assert anls_score(right, answer) == pytest.approx(value)


@pytest.mark.parametrize("nothing", [{}, [], None, ""])
def test_nothing_on_both_sides_is_no_success(nothing: object) -> None:
    assert anls_star(nothing, {}) is None


@given(OBJECTS, OBJECTS)
def test_the_authors_package_says_the_same(right: object, answer: object) -> None:
    """Of objects, as answers are: of bare lists of texts it takes one side for a choice of right answers."""
    mine = anls_star(right, answer)
    assert mine is None or mine == pytest.approx(anls_score(right, answer))


@given(VALUES)
def test_the_right_answer_is_perfect(right: object) -> None:
    assert anls_star(right, right) in (None, 1.0)


def test_an_answer_that_can_not_be_read_scores_nothing_and_constants_help_nobody() -> None:
    pack = load_pack(BUILTIN / "recipe-jsonld")
    gold = {"@context": "https://schema.org", "@type": "Recipe", "name": "Lemon cake"}

    def scored(raw: str, right: dict[str, str]) -> float | None:
        parsed = parse_answer(pack, raw, FinishReason.EOS)
        found = score_answer(pack, parsed, "Lemon cake", right)
        return next(score.value for score in found if score.metric == "anls_star")

    assert scored('{"@context": "https://schema.org", "@type": "Recipe"}', gold) == 0.0
    assert scored('{"name": "Lemon cake"}', gold) == 1.0
    assert scored("no recipe", gold) == scored("no recipe", {}) == 0.0
    assert scored("{}", {}) is None
