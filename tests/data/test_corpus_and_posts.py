"""The factory's promises: exact golds, held-out texts stay held out, the same number gives the same text."""

import re

import pytest

from training.data.cards import train_card
from training.data.corpus import Dice, load_recipes, prose_sentences, public_domain_split, training_recipes
from training.data.durations import iso_minutes, random_minutes, write_minutes
from training.data.general import general_sample
from training.data.informal import train_informal
from training.data.posts import SLICES, STYLES, Post, held_out_post, real_post, train_post
from training.task.pack import BUILTIN, load_pack
from training.task.score.schema import schema_errors

POSTS = [train_post(number) for number in range(400)]
CARDS = [train_card(number) for number in range(200)]
INFORMAL = [train_informal(number) for number in range(300)]


def squeezed(text: str) -> str:
    return " ".join(text.split())


def texts(post: Post) -> list[str]:
    steps = [step["text"] for step in post.gold.get("recipeInstructions", [])]
    scalars = [
        post.gold[key]
        for key in ("name", "description", "recipeYield", "recipeCategory", "recipeCuisine", "keywords")
        if key in post.gold
    ]
    return [*scalars, *post.gold.get("recipeIngredient", []), *steps]


def test_every_gold_text_stands_in_its_post() -> None:
    missing = [
        (post.slice, text)
        for post in (*POSTS, *CARDS, *INFORMAL)
        for text in texts(post)
        if squeezed(text) not in squeezed(post.text)
    ]
    assert missing == []


def test_golds_satisfy_the_schema_shown_to_the_model() -> None:
    schema = load_pack(BUILTIN / "recipe-jsonld").schema
    assert [errors for post in (*POSTS, *CARDS, *INFORMAL) if (errors := schema_errors(post.gold, schema))] == []


def test_styles_and_slices_all_occur() -> None:
    assert {post.style for post in POSTS} == set(STYLES)
    assert {post.slice for post in POSTS} == set(SLICES)


def test_slices_leave_out_what_they_name() -> None:
    for post in (*POSTS, *CARDS, *INFORMAL):
        none = post.slice in ("not_recipe", "near_miss")
        assert ("recipeIngredient" in post.gold) == (post.slice != "no_ingredients" and not none)
        assert ("recipeInstructions" in post.gold) == (post.slice != "no_steps" and not none)
        assert (post.gold == {}) == none


def test_informal_pages_tell_a_recipe_without_the_heads_that_posts_have() -> None:
    recipes = [post for post in INFORMAL if post.gold]
    heads = [
        post for post in recipes if re.search(r"^\W*(ingredients|instructions|directions)\W*$", post.text, re.I | re.M)
    ]
    assert len(heads) < len(recipes) / 10
    said = [post for post in recipes if len(post.gold.get("recipeIngredient", ())) > 1
            and post.gold["recipeIngredient"][0] + "\n" not in post.text]  # fmt: skip
    assert len(said) > len(recipes) / 5, "ingredients in one sentence"
    assert {post.slice for post in INFORMAL} == {"plain", "no_ingredients", "no_steps", "near_miss", "not_recipe"}


def test_a_card_names_its_dish_on_a_line_of_its_own_among_what_nobody_asks_for() -> None:
    pages = "\n".join(post.text for post in CARDS)
    for furniture in ("Equipment", "Jump to Recipe", "US Customary", "Nutrition", "says: ", "Cuisine", "Prep Time"):
        assert furniture in pages
    for post in CARDS:
        assert post.gold["name"] in post.text.split("\n")
        assert [key for key in post.gold if key.endswith("Time")] == sorted(
            (key for key in post.gold if key.endswith("Time")), key=["prepTime", "cookTime", "totalTime"].index
        )
    assert {post.slice for post in CARDS} == {"plain", "no_ingredients", "no_steps"}


def test_same_number_same_text() -> None:
    assert (train_post(17), held_out_post(17)) == (train_post(17), held_out_post(17))
    assert train_post(17) != train_post(18) and train_card(17) == train_card(17) != train_card(18)
    assert train_informal(17) == train_informal(17) != train_informal(18)
    assert general_sample(5) == general_sample(5)


def test_held_out_recipes_never_train() -> None:
    split = public_domain_split()
    assert [len(split[part]) for part in ("test", "dev", "train")] == [100, 40, 266]
    barred = {recipe.title.lower() for recipe in (*split["test"], *split["dev"])}
    assert not barred & {recipe.title.lower() for recipe in training_recipes()}
    assert len(training_recipes()) < sum(
        len(load_recipes(name)) for name in ("public-domain-recipes", "beeton", "tacofancy", "danmunz", "jpyuda")
    )


def test_held_out_prose_is_apart() -> None:
    train, held_out = prose_sentences(), prose_sentences(held_out=True)
    assert len(held_out) > 2000
    assert len(train) > 8 * len(held_out)
    long_train = {sentence for sentence in train if len(sentence) > 60}
    assert not [sentence for sentence in held_out if sentence in long_train]


def test_real_posts_quote_only_held_out_prose() -> None:
    train = {sentence for sentence in prose_sentences() if len(sentence) > 60}
    quoted = [
        s for recipe in public_domain_split()["test"][:30] for s in re.split(r"(?<=[.!?])\s+", real_post(recipe).text)
    ]
    assert not [sentence for sentence in quoted if sentence in train]


def test_general_mix_never_asks_for_a_recipe() -> None:
    text = "".join(part for number in range(800) for part, learn in general_sample(number) if learn)
    assert not re.search(r"schema\.org|HowToStep|recipeIngredient|recipeInstructions|\"Recipe\"", text)


@pytest.mark.parametrize(("minutes", "iso"), [(5, "PT5M"), (60, "PT1H"), (90, "PT1H30M"), (1440, "PT24H")])
def test_iso_minutes(minutes: int, iso: str) -> None:
    assert iso_minutes(minutes) == iso


def test_written_durations_carry_their_minutes() -> None:
    dice = Dice("durations")
    for _ in range(300):
        minutes = random_minutes(dice)
        text = write_minutes(minutes, dice)
        if (plain := re.fullmatch(r"(\d+) ?(?:minutes?|mins?\.?|m|Minutes)", text)) is not None:
            assert int(plain[1]) == minutes
