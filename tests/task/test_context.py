"""What the model is shown: in order, within the budget, every line accounted for, content before furniture."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.errors import InputError
from training.task.context import build_context, clean
from training.task.pack import BUILTIN, load_pack
from training.task.records import Context, Source
from training.task.rules import ContextRules

RULES = load_pack(BUILTIN / "recipe-jsonld").context
STORY = (
    "We had walked all day along the river and nobody had said a word about the boat, which was just as well, because "
    "it was gone. My uncle blamed the weather. My aunt blamed my uncle. The dog sat down and would not get up again."
)
INGREDIENTS = ("200 g flour", "2 eggs", "a pinch of salt", "1/2 l milk", "butter", "parmesan")
STEPS = (
    "Whisk flour, eggs, salt and milk.",
    "Let it rest for 20 minutes.",
    "Fry thin pancakes in butter over medium heat.",
    "Serve with parmesan.",
)
LONG = "\n\n".join(
    [
        "Thin Pancakes",
        *[STORY] * 8,
        "Serves 4",
        "Ingredients\n" + "\n".join(f"- {item}" for item in INGREDIENTS),
        *[STORY] * 3,
        "Method\n" + "\n".join(f"{n}. {step}" for n, step in enumerate(STEPS, 1)),
        *[STORY] * 6,
        "3 comments\n\nRolf says:\nI used 3 cups of flour and baked it for 20 minutes.",
    ]
)


def words(text: str) -> int:
    """Words and marks, as a tokenizer splits them."""
    return len(re.findall(r"\w+|[^\w\s]", text))


def shown(text: str, budget: int | None = None, rules: ContextRules = RULES) -> Context:
    return build_context(Source(text), rules, words, budget_tokens=budget)


def accounted(source: Source, context: Context, rules: ContextRules = RULES) -> None:
    """Shown and left out together are the cleaned text, word for word, and both keep its order."""
    cleaned = "".join(clean(source, rules).split())
    parts = ["".join(context.shown.split()), *("".join(run.text.split()) for run in context.left_out)]
    assert sorted("".join(parts)) == sorted(cleaned)
    for part in ["".join(context.shown.split()), "".join("".join(run.text.split()) for run in context.left_out)]:
        at = 0
        for char in part:
            at = cleaned.index(char, at) + 1


def test_a_long_post_is_cut_down_to_its_recipe() -> None:
    context = shown(LONG, 120)
    assert context.shown_tokens <= 120 < context.source_tokens
    assert context.shown_tokens == words(context.shown)
    for line in ("Thin Pancakes", "Serves 4", "Ingredients", "Method", *INGREDIENTS, *STEPS):
        assert line in context.shown
    assert "Rolf" not in context.shown
    assert {run.reason for run in context.left_out} == {"budget", "comments"}
    assert all(run.tokens == words(run.text) for run in context.left_out)
    accounted(Source(LONG), context)


def test_what_fits_is_shown_whole_but_for_its_furniture() -> None:
    text = (
        "Home | About | Recipes\n\n\n\nSoup  \r\n\r\nAdvertisement\nBoil 1 l of water.\x00\nPin it for later!\n"
        "Sign up for our newsletter\n"
    )
    context = shown(text, 500)
    assert context.shown == "Soup\n\nBoil 1 l of water."
    assert [(run.reason, run.text) for run in context.left_out] == [
        ("navigation", "Home | About | Recipes"),
        ("advert", "Advertisement"),
        ("share", "Pin it for later!"),
        ("newsletter", "Sign up for our newsletter"),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("ADVERTISEMENT", "advert"), ("- Advertisement -", "advert"), ("Use code SPOON20 for 20% off", "advert"),
        ("This post may contain affiliate links.", "advert"), ("Share on Facebook", "share"), ("Tweet", "share"),
        ("1.2k shares", "share"), ("Jump to Recipe", "share"), ("#soup #dinner", "share"), ("Menu", "navigation"),
        ("Home > Blog > Archive", "navigation"), ("Accept all cookies", "navigation"), ("© 2024 Someone", "navigation"),
        ("Enter your email address", "newsletter"), ("By Anna, March 3", "author"), ("Posted on March 3", "author"),
        ("You may also like", "related"), ("Related posts", "related"), ("Rolf says:", "comments"),
        ("Reply", "comments"), ("4.8 from 212 votes", "widget"), ("1x 2x 3x", "widget"), ("Photo: Anna", "widget"),
        ("Print Recipe   Jump to Recipe   Leave a review", "share"), ("Add to collection", "share"),
        ("Save | Leave a review | Pin", "share"), ("All recipes", "navigation"), ("Search · About", "navigation"),
        ("Home  Desserts  All recipes  Menu  Subscribe  About  My saved recipes", "navigation"),
        ("Dinner  Videos  Log in", "navigation"), ("r/slowcooking", "navigation"),
        ("By Anna · Updated 9.1.2015", "author"), ("Leave a review  Rate  Print Recipe  Pin Recipe", "share"),
        ("By Anna Lee · Updated March 3, 2024 · This post may contain affiliate links", "author"),
        ("Submitted by Anna | Tested by The Spoon", "author"), ("Anna | 19 October 2021", "author"),
        ("4.6 (1,589)  297 Reviews", "widget"), ("4.9 (284)   Jump to Recipe   Print", "widget"),
        ("412 points · 38 comments · share", "widget"), ("1x 2x 3x · Units: US | Metric", "widget"),
    ],
)  # fmt: skip
def test_furniture_is_known_by_its_line(line: str, reason: str) -> None:
    context = shown(f"Soup\n\nBoil 1 l of water and add 2 onions.\n\n{line}\n\nStir in 1 tsp of salt.", 500)
    assert [(run.reason, run.text) for run in context.left_out] == [(reason, line)]


@pytest.mark.parametrize(
    "line",
    [
        "1 share of butter", "Save the pasta water", "Print paper, 1 sheet", "Share among 4 bowls", "By hand",
        "Reply slowly, add 2 eggs", "2 x 400 g tins tomatoes", "1 jar (250 g)", "Follow with the cream", "Like butter",
        "Top with cheese and more recipes of your own", "Home made stock, 1 l", "For the sauce:", "Notes",
        "Desserts", "Breakfast, Lunch", "Dinner / Salads", "1.5 (14 oz) cans tomatoes", "Add to the rest",
        "Leave a lid on",
        "Anna's salt, 3 May 2021", "Dal | The Home Kitchen", "Submit to the oven by 2 pm", "4.5 (good) cups of stock",
    ],
)  # fmt: skip
def test_content_that_looks_a_little_like_furniture_stays(line: str) -> None:
    assert line in shown(f"Soup\n\nIngredients\n- 1 l water\n{line}\n- 2 onions", 500).shown


def test_a_list_is_not_taken_for_the_block_that_an_advert_opens_in_it() -> None:
    text = "Soup\n\nIngredients\nonions\nYou may also like\nBean sprouts\nCaraway\n\nMethod\nBoil all."
    context = shown(text, 500)
    assert "Bean sprouts\nCaraway" in context.shown
    assert [run.text for run in context.left_out] == ["You may also like"]


def test_a_block_ends_at_the_next_content() -> None:
    text = "Soup\n\nBoil water.\n\nYou may also like\nPickled Radishes\nSeed Crackers\n200 g flour\n\nEnjoy"
    context = shown(text, 500)
    assert [run.text for run in context.left_out] == ["You may also like\nPickled Radishes\nSeed Crackers"]
    assert "200 g flour" in context.shown


@pytest.mark.parametrize(
    "above",
    [
        "By Pia F.", "Posted on 4 September 2015", "Posted by u/Ben · 5 hours ago", "Updated May 3, 2024",
        "Filed under: soups", "You may also like", "About me",
    ],
)  # fmt: skip
def test_a_byline_above_the_title_does_not_take_the_title_along(above: str) -> None:
    title = "Summer Leek Soup\nA green soup that is ready in no time.\n"
    context = shown(f"{above}\n{title}\nIngredients\n2 leeks\n1 l water", 500)
    assert context.shown.startswith(title)
    assert [run.text for run in context.left_out] == [above]


def test_a_byline_below_the_title_takes_no_description_along() -> None:
    for line in ("by Anna | 01.10.2016", "Posted by Anna"):
        context = shown(f"Leek Soup\n{line}\nThe soup my aunt makes.\n\nIngredients\n2 leeks\n1 l water", 500)
        assert context.shown.startswith("Leek Soup\nThe soup my aunt makes.")


def test_a_comment_count_above_the_recipe_does_not_take_the_recipe_away() -> None:
    context = shown("Soup\n\n12 comments\n\n" + LONG, 2000)
    assert "200 g flour" in context.shown
    assert context.left_out[0].text == "12 comments"


def test_an_invitation_to_comment_amid_the_steps_takes_none_of_them_away() -> None:
    steps = "\n".join(f"{n}. Stir in {n} cups of water and simmer for {n} minutes." for n in range(1, 7))
    text = "Soup\n\nMethod\n" + steps.replace("\n3.", "\nLeave a comment\n3.")
    context = shown(text, 500)
    assert [run.text for run in context.left_out] == ["Leave a comment"]


def test_a_comment_section_goes_whole_however_much_it_talks_of_cooking() -> None:
    said = "\n".join(
        f"Anna says:\nI added {n} cups of flour and baked it for {n} hours in the oven.\nReply" for n in range(30)
    )
    context = shown(f"Soup\n\nMethod\nBoil 1 l of water.\n\nLeave a Comment\n{said}", 2000)
    assert context.shown == "Soup\n\nMethod\nBoil 1 l of water."
    assert [run.reason for run in context.left_out] == ["comments"]


def test_a_text_of_nothing_but_furniture_is_shown_as_it_is() -> None:
    assert shown("Advertisement\nShare\nMenu").shown == "Advertisement\nShare\nMenu"


def test_an_over_long_line_is_split_at_sentences_and_nowhere_else() -> None:
    line = " ".join(
        [STORY, "Whisk 200 g flour with 2 eggs and 1 cup milk.", STORY, "Fry for 2 minutes in a pan.", STORY]
    )
    context = shown(line, 70)
    assert "Whisk 200 g flour with 2 eggs and 1 cup milk." in context.shown
    assert "Fry for 2 minutes in a pan." in context.shown
    sentences = re.split(r"(?<=\.)\s+", line)
    assert all(part in sentences for part in re.split(r"(?<=\.)\s+", context.shown))


def test_several_recipes_keep_their_order_and_a_gap_is_a_blank_line() -> None:
    text = "One\n\nIngredients\n- 1 egg\n\n" + "\n\n".join([STORY] * 6) + "\n\nTwo\n\nIngredients\n- 2 eggs"
    context = shown(text, 60)
    assert context.shown.index("1 egg") < context.shown.index("2 eggs")
    assert "\n\n\n" not in context.shown
    accounted(Source(text), context)


def test_a_long_text_without_any_content_still_shows_how_it_begins() -> None:
    text = "\n\n".join(f"{n} nothing whatever happened on that day" for n in range(300))
    context = shown(text, 100, replace(RULES, lead_weight=0.0))
    assert 50 < context.shown_tokens <= 100
    accounted(Source(text), context)


def test_the_step_switched_off_shows_the_source_unchanged_whatever_its_length() -> None:
    text = "\x00 <p>Menu</p>\r\n\n\n\n" + LONG
    context = build_context(Source(text, "html"), RULES, words, budget_tokens=10, enabled=False)
    assert context.shown == text
    assert context.left_out == ()
    assert context.shown_tokens == context.source_tokens == words(text) > context.budget_tokens
    assert not context.enabled


def test_a_title_below_the_name_of_a_site_is_among_the_first_lines_and_an_opening_sentence_is_not() -> None:
    page = f"Spoon and Fork\n\nThin Pancakes\n\n{STORY}\n\n" + LONG.split("\n\n", 1)[1]
    one, three = (replace(RULES, lead_lines=n, lead_words=12, echo_weight=0) for n in (1, 3))
    assert "Thin Pancakes" not in shown(page, 60, one).shown
    assert shown(page, 75, three).shown.startswith("Spoon and Fork\n\nThin Pancakes")
    assert STORY not in shown(page, 75, three).shown


@pytest.mark.parametrize(
    "above", ["Thin Pancakes | Spoon and Fork", "Home » All recipes » thin pancakes", "# Thin Pancakes - Spoon"]
)
def test_a_title_with_the_name_of_the_site_or_a_row_of_links_goes_where_the_title_follows(above: str) -> None:
    rest = "Thin Pancakes\n\nSo thin.\n\nIngredients\n2 eggs\nsalt - pepper\nsalt\n200 g flour"
    context = shown(f"{above}\n\nSpoon and Fork\n\n{rest}", 500)
    assert context.shown == f"Spoon and Fork\n\n{rest}"
    assert [(run.reason, run.text) for run in context.left_out] == [("duplicate", above)]
    alone = "Thin Pancakes | Spoon and Fork\n\nSo thin, pancakes.\n\nIngredients\n2 eggs"
    assert shown(alone, 500).shown == alone
    assert shown(f"{above}\n\n{rest}", 500, replace(RULES, title_once=False)).shown.startswith(above)


@pytest.mark.parametrize("budget", [0, -5])
def test_no_room_at_all_is_an_input_error(budget: int) -> None:
    with pytest.raises(InputError, match="No tokens are left"):
        shown("Soup", budget)


def test_nothing_may_fit_and_then_nothing_is_shown() -> None:
    context = build_context(Source("Soup"), RULES, lambda text: 10 * len(text), budget_tokens=3)
    assert (context.shown, context.shown_tokens) == ("", 0)
    assert [run.reason for run in context.left_out] == ["budget"]


def test_rules_of_another_task_choose_other_lines() -> None:
    text = "200 g flour\n" * 3 + "The court ruled on 3 May.\n" + "Whisk two eggs.\n" * 3
    rules = load_rules("features: [{name: law, weight: 5, patterns: ['\\bcourt\\b']}]")
    assert "The court ruled on 3 May." in shown(text, 12, rules).shown


def load_rules(more: str) -> ContextRules:
    from pathlib import Path

    from training.task.rules import read_rules
    from training.task.yamlfile import parse_yaml

    return read_rules(parse_yaml(f"budget_tokens: 100\nlead_weight: 0\n{more}", Path("task.yaml")))


@pytest.mark.parametrize(
    "unit", ["🍕", "a", "1 ", "| ", "ab\n", "将鸡肉切成小块，加入盐。", "\n", "<p>x</p>", "a. ", "\u2028"]
)
@pytest.mark.parametrize("kind", ["text", "html"])
def test_twenty_thousand_times_the_same_is_an_honest_result(unit: str, kind: str) -> None:
    source = Source(unit * 20_000, kind)
    context = build_context(source, RULES, len, budget_tokens=400)
    assert context.shown_tokens == len(context.shown) <= 400
    assert bool(context.shown) == bool(clean(source, RULES))


LINES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "",
                "",
                "Ingredients",
                "Method",
                "Advertisement",
                "You may also like",
                "3 comments",
                "- 200 g flour",
                "1. Mix and bake for 20 minutes.",
                "For the sauce:",
                "Sign up for our newsletter",
                "Reply",
                STORY,
            ]
        ),
        st.text(max_size=60),
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(LINES, st.integers(1, 200))
def test_any_text_is_shown_in_order_within_budget_and_accounted_for(lines: list[str], budget: int) -> None:
    source = Source("\n".join(lines))
    context = build_context(source, RULES, words, budget_tokens=budget)
    assert words(context.shown) == context.shown_tokens <= budget
    assert all(run.text.strip() and run.reason for run in context.left_out)
    accounted(source, context)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=500), st.integers(1, 60), st.sampled_from(["text", "html"]))
def test_no_string_is_too_odd(text: str, budget: int, kind: str) -> None:
    context = build_context(Source(text, kind), RULES, len, budget_tokens=budget)
    assert len(context.shown) <= budget
    accounted(Source(text, kind), context)
    assert build_context(Source(text, kind), RULES, len, enabled=False).shown == text
