"""Is it in the source, and where (metrics A7)."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.task.score.recipes import GOLD, PACK, POST, parsed, step
from training.task.records import Item
from training.task.score.answer import score_answer
from training.task.score.grounding import ground_items, grounding_scores


def items(field: str, value: Any, source: str = POST) -> list[Item]:
    return [item for item in ground_items(PACK, {field: value}, source) if item.field == field]


def one(field: str, value: Any, source: str = POST) -> tuple[bool | None, list[str]]:
    (item,) = items(field, value, source)
    return item.supported, [source[start:end] for start, end in item.spans]


def test_the_right_answer_is_supported_throughout_and_pointed_at() -> None:
    found = ground_items(PACK, GOLD, POST)
    assert all(item.supported for item in found if not item.field.startswith("@"))
    assert all(item.supported is None for item in found if item.field.startswith("@"))
    texts = {item.text: POST[slice(*item.spans[0])] for item in found if item.spans}
    assert texts["1½ cups sugar"] == "1½ cups sugar"
    assert texts["three eggs, beaten"] == "three eggs, beaten"
    assert texts["PT1H15M"] == "1 hour 15 minutes"
    assert texts["8"] == "8"


def test_spelling_makes_no_difference() -> None:
    assert one("recipeIngredient", ["1 1/2  CUPS Sugar"]) == (True, ["1½ cups sugar"])
    assert one("recipeIngredient", ["3 egg"]) == (True, ["three eggs"])
    assert one("recipeIngredient", ["1 pinch salt"])[0]


def test_an_invented_ingredient_and_an_invented_amount() -> None:
    assert one("recipeIngredient", ["100 g butter"])[0] is False
    supported, where = one("recipeIngredient", ["5 cups sugar"])
    assert supported is False
    assert where == ["cups sugar"]


def test_of_several_places_the_line_of_its_own_is_pointed_at() -> None:
    source = "Add salt to the water.\n- salt\nServe."
    ((start, end),) = items("recipeIngredient", ["Salt"], source)[0].spans
    assert source[start - 2 : end] == "- salt"


def test_steps() -> None:
    assert one("recipeInstructions", [step("Whisk eggs and sugar until pale")])[0] is True
    assert one("recipeInstructions", [step("Preheat a grill and season the steaks")])[0] is False
    assert one("recipeInstructions", [step("Bake at 425°F until golden.")])[0] is False


def test_words_scattered_over_a_long_text_are_no_support() -> None:
    filler = "\n".join(f"line {n} of idle talk about nothing much at all" for n in range(40))
    source = f"whisk {filler} eggs {filler} sugar {filler} pale"
    assert one("recipeInstructions", [step("Whisk eggs sugar pale")], source)[0] is False


def test_durations() -> None:
    assert one("cookTime", "PT75M") == (True, ["1 hour 15 minutes"])
    assert one("cookTime", "PT30M")[0] is False
    sum_of_both = {item.field: item for item in ground_items(PACK, {**GOLD, "totalTime": "PT1H35M"}, POST)}["totalTime"]
    assert sum_of_both.supported is True
    assert [POST[a:b] for a, b in sum_of_both.spans] == ["20 minutes", "1 hour 15 minutes"]
    assert one("totalTime", "PT1H35M")[0] is False


def test_a_time_said_twice_is_pointed_at_beside_its_own_word() -> None:
    source = "Rest 20 minutes. Prep 10 min, cook 20 minutes."
    ((start, _),) = items("cookTime", "PT20M", source)[0].spans
    assert start == source.index("20 minutes", 20)


def test_sets_are_checked_one_by_one() -> None:
    found = items("keywords", "lemon cake, gluten-free")
    assert [(item.index, item.text, item.supported) for item in found] == [
        (0, "lemon cake", True),
        (1, "gluten-free", False),
    ]


def test_yields() -> None:
    assert one("recipeYield", "8 servings") == (True, ["8"])
    assert one("recipeYield", "12")[0] is False
    assert one("recipeYield", 8)[0] is True


def test_a_number_of_the_source_does_not_carry_made_up_words_along() -> None:
    post = "Rub the two steaks, rest them for one hour, grill 4 minutes. Serves four."
    for said in ("4 unicorn steaks", "one dish, prepblue ponents belong together", "feeds 4 pirates"):
        assert one("recipeYield", said, post)[0] is False, said
    for said in ("4 steaks", "4 servings", "about 4 portions", "Serves 4 people", "4 pieces", "Makes: four", "for 4"):
        assert one("recipeYield", said, post)[0] is True, said


def test_the_place_in_the_list_is_kept() -> None:
    assert [item.index for item in items("recipeIngredient", ["", "1½ cups sugar", None, "three eggs"])] == [1, 3]


def test_keys_nobody_knows_are_checked_too() -> None:
    assert one("author", "Ada Lovelace")[0] is False


def test_emoji_and_other_scripts() -> None:
    assert one("recipeIngredient", ["🥚🥚"], "I used 🥚🥚 here") == (True, ["🥚🥚"])
    assert one("recipeIngredient", ["🥕"])[0] is False
    assert one("recipeIngredient", ["鸡蛋 3"], "用料：鸡蛋 3 个")[0] is True


def test_html_is_read_through_its_tags() -> None:
    source = "<ul><li><b>2</b> cups&nbsp;<i>flour</i></li></ul>"
    assert one("recipeIngredient", ["2 cups flour"], source)[0] is True


def test_rates_have_the_items_as_their_denominator() -> None:
    answer = {"recipeIngredient": ["1½ cups sugar", "9 kg gold"], "cookTime": "PT5M"}
    scores = {(s.metric, s.field): s for s in grounding_scores(ground_items(PACK, answer, POST))}
    assert (scores["hallucinated", ""].value, scores["hallucinated", ""].n) == (2 / 3, 3)
    assert scores["hallucinated", "recipeIngredient"].value == 0.5
    assert scores["hallucinated_docs", ""].value == 1.0


def test_nothing_said_is_not_nothing_invented() -> None:
    assert ground_items(PACK, None, POST) == ()
    assert all(score.value is None for score in grounding_scores(ground_items(PACK, {}, POST)))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from([spec.name for spec in PACK.fields]) | st.text(max_size=5)


@settings(deadline=None)
@given(st.dictionaries(KEYS, JSON, max_size=6), st.text(max_size=200))
def test_whatever_the_answer_every_span_lies_in_the_source(answer: dict[str, Any], source: str) -> None:
    source += json.dumps(answer, ensure_ascii=False)
    for item in ground_items(PACK, answer, source):
        assert all(0 <= start < end <= len(source) for start, end in item.spans)


@settings(deadline=None)
@given(st.lists(st.sampled_from(GOLD["recipeIngredient"] + ["100 g butter", "5 leeks", "½ cup rye"]), max_size=6))
def test_more_source_never_takes_support_away(lines: list[str]) -> None:
    little = items("recipeIngredient", lines)
    more = items("recipeIngredient", lines, POST + "\n5 leeks")
    assert all(b.supported or not a.supported for a, b in zip(little, more, strict=True))


def test_what_a_person_found_supported_decides_for_its_field() -> None:
    """Scallions stand in the post as green tops: words can't tell, a person can."""
    post = "Chop the green tops and add 2 cups of rice."
    answer = {"name": "Rice", "recipeIngredient": ["2 scallions, chopped", "2 cups rice", "1 egg"]}

    def found(supported: dict[str, list[str]] | None) -> list[bool | None]:
        items = ground_items(PACK, answer, post, supported)
        return [item.supported for item in items if item.field == "recipeIngredient"]

    assert found(None) == [False, True, False]
    assert found({"recipeIngredient": ["scallions", "2 cups rice"]}) == [True, True, False]
    assert found({"recipeIngredient": ["2 SCALLIONS, chopped"]}) == [True, False, False]
    assert found({"recipeIngredient": []}) == [False, False, False]
    assert found({"name": ["Something else"]}) == [False, True, False], "other fields keep the rule"
    amounts = ground_items(PACK, {"recipeIngredient": ["7 scallions"]}, post, {"recipeIngredient": ["scallions"]})
    assert amounts[0].supported is False, "7 is in neither the text nor the post"


def test_supported_reaches_the_scores() -> None:
    tea = parsed({"@context": "https://schema.org", "@type": "Recipe", "name": "Tea", "totalTime": "PT5M"})
    plain = {s.metric: s.value for s in score_answer(PACK, tea, "Tea. A while.", None) if not s.field}
    told = score_answer(PACK, tea, "Tea. A while.", None, supported={"totalTime": ["five minutes"]})
    assert plain["hallucinated"] == 0.5 and {s.metric: s.value for s in told if not s.field}["hallucinated"] == 0.0
