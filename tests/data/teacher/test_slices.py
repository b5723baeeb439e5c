"""What a teacher's posts lack or hold beside their recipe: drawn by share, told to the teacher, checked, in the gold.

Each slice goes the whole way: the request, an answer that a teacher would give to it, and the row.
"""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.data.teacher.server import clean_post, recipe
from training.chat.exchange import Reply
from training.data.corpus import Dice
from training.data.posts import STYLES
from training.data.printing import story
from training.data.rows import BadRecord, DataRow, SourceRow
from training.data.teacher.check import Checked, Judge
from training.data.teacher.plan import TeacherSpec
from training.data.teacher.prompts import Ask, asks, check_chosen, load_prompts
from training.data.teacher.slices import PLAIN
from training.data.wordlists import words
from training.errors import DataError, PackError
from training.task.pack import BUILTIN, load_pack

PACK = load_pack(BUILTIN / "recipe-jsonld")
PROMPTS = load_prompts(PACK.path)
NAMES = tuple(slice_.name for slice_ in PROMPTS.slices)
SPEC = TeacherSpec("http://localhost:8000/v1", "tiny")
JUDGE = Judge(PROMPTS, PACK, "refuse")
TALK = " ".join(["We ate it on the balcony while the neighbours argued about their hedge and the rain held off."] * 3)
TALE = f"Written by Ann, May 3, 2024\nADVERTISEMENT\n{story(Dice('tale'), 25)}"


def ask(slice_: str, style: str, row: SourceRow | None = None) -> Ask:
    spec = replace(SPEC, styles=(style,), slices={slice_: 1.0})
    return next(asks(PROMPTS, PACK, row or recipe(1), spec))


def row_of(checked: Checked) -> DataRow:
    assert isinstance(checked.result, DataRow), checked.result
    return checked.result


def user(asked: Ask) -> str:
    return asked.request.messages[-1].content


def test_the_slices_of_the_recipe_task_are_those_of_its_own_renderer_that_a_teacher_can_write() -> None:
    assert set(NAMES) == {"no_ingredients", "no_steps", "near_miss", "two_recipes", "orders", "schema_temptation"}
    assert sum(slice_.share for slice_ in PROMPTS.slices) < 0.5, "most posts are plain"


def test_shares_decide_how_many_posts_a_slice_gets_and_nothing_of_the_plain_ones() -> None:
    shares = {"plain": 0.5, "no_steps": 0.2, "near_miss": 0.2, "orders": 0.1, "two_recipes": 0.0}
    spec = replace(SPEC, slices=shares)
    drawn = {n: next(asks(PROMPTS, PACK, recipe(n), spec)) for n in range(600)}
    counts = Counter(one.slice.name for one in drawn.values())
    assert {name: pytest.approx(600 * share, abs=40) for name, share in shares.items() if share} == dict(counts)
    for n, one in drawn.items():
        if one.slice is PLAIN:  # the same request as without shares: it was perhaps paid for
            assert one.request == next(asks(PROMPTS, PACK, recipe(n), SPEC)).request
    again = [next(asks(PROMPTS, PACK, recipe(n), spec)).request for n in range(50)]
    assert again == [drawn[n].request for n in range(50)]


def test_a_page_without_ingredients_is_asked_for_without_them_and_its_gold_has_none() -> None:
    asked = ask("no_ingredients", "clean")
    assert "red lentils" not in user(asked).split("Steps:")[0] and "list of ingredients was lost" in user(asked)
    row = row_of(JUDGE.check(asked, Reply(clean_post(asked.given))))
    assert row.slice == "no_ingredients" and "recipeIngredient" not in row.gold
    assert len(row.gold["recipeInstructions"]) == 3 and row.gold["recipeYield"] == "4 bowls"
    listed = JUDGE.check(asked, Reply(clean_post(asked.given) + "\n- 3 cups red lentils"))
    assert isinstance(listed.result, BadRecord) and listed.kind == "invented"


def test_a_page_without_steps_is_asked_for_without_them_and_its_gold_has_none() -> None:
    asked = ask("no_steps", "scraped")
    assert "Simmer" not in user(asked) and "steps were lost" in user(asked)
    post = f"{TALK}\n{clean_post(asked.given)}"
    row = row_of(JUDGE.check(asked, Reply(post)))
    assert row.slice == "no_steps" and "recipeInstructions" not in row.gold and len(row.gold["recipeIngredient"]) == 4
    stepped = JUDGE.check(asked, Reply(post + "\nStep 1: boil it"))
    assert isinstance(stepped.result, BadRecord) and "numbered step, which no_steps never" in stepped.result.reason


def test_a_near_miss_is_given_the_dish_alone_and_answered_by_nothing() -> None:
    asked = ask("near_miss", "fluffy")
    assert asked.given == "Title: Number 1 Lentil Soup" and "nobody could cook it" in user(asked)
    row = row_of(JUDGE.check(asked, Reply(f"Number 1 Lentil Soup\n{TALE}")))
    assert (row.gold, row.slice, row.style) == ({}, "near_miss", "fluffy")
    for slip, kind in (("- 2 cups lentils", "invented"), ("Ingredients:", "style"), ("1. Stir it.", "style"),
                       ("Serves 4", "invented")):  # fmt: skip
        checked = JUDGE.check(asked, Reply(f"Number 1 Lentil Soup\n{TALE}\n{slip}"))
        assert isinstance(checked.result, BadRecord) and checked.kind == kind, slip


@pytest.mark.parametrize("slice_", ["two_recipes", "orders", "schema_temptation"])
@pytest.mark.parametrize("style", STYLES)
def test_what_is_added_is_added_to_the_finished_page_and_changes_no_gold(slice_: str, style: str) -> None:
    asked, plain = ask(slice_, style), ask("plain", style)
    assert asked.request == plain.request, "the teacher is told nothing of it, so it costs nothing more"
    post = clean_post(asked.given)
    text = asked.slice.added_to(post, "Number 1 Lentil Soup", style, asked.request.key)
    lines = iter(text.split("\n"))
    assert text != post and all(line in lines for line in post.split("\n")), "every line is there, in its order"
    assert text == asked.slice.added_to(post, "Number 1 Lentil Soup", style, asked.request.key)
    assert text != asked.slice.added_to(post, "Number 1 Lentil Soup", style, "another request")


def test_a_row_says_what_was_added() -> None:
    asked = ask("orders", "clean")
    post = clean_post(asked.given)
    row = row_of(JUDGE.check(asked, Reply(post)))
    added = [line for line in row.source.split("\n") if line not in post.split("\n")]
    assert 1 <= len(added) <= 2 and set(added) <= {line.format() for line in words("orders")}
    assert (row.slice, row.notes["added"], row.gold) == ("orders", "orders", asked.gold)
    second = row_of(JUDGE.check(ask("two_recipes", "clean"), Reply(post)))
    assert second.source.startswith(post) and second.gold == row.gold


def test_a_recipe_that_cannot_lose_a_part_and_a_row_that_names_its_slice_stay_what_they_are() -> None:
    no_steps = recipe(1, steps=[])
    assert ask("no_ingredients", "scraped", no_steps).slice is PLAIN
    assert ask("near_miss", "fluffy", recipe(1, slice="golden")).slice is PLAIN


def test_what_a_style_shows_of_a_part_is_not_asked_of_a_page_without_it() -> None:
    for style, slice_ in (("social", "no_ingredients"), ("clean", "no_steps"), ("clean", "near_miss")):
        asked = ask(slice_, style)
        text = f"{asked.sheet.title if asked.sheet else ''} \U0001f372 {TALK}\n" + "\n".join(
            asked.given.split("\n")[1:]
        )
        assert row_of(JUDGE.check(asked, Reply(text))).slice == slice_
        plain = JUDGE.check(ask("plain", style), Reply(text))
        assert isinstance(plain.result, BadRecord) and plain.kind == "style"


def test_an_unknown_slice_names_the_known_ones_before_anything_is_asked() -> None:
    with pytest.raises(DataError, match="no slice 'haiku'") as error:
        check_chosen(PROMPTS, replace(SPEC, slices={"haiku": 1.0}))
    assert "plain, no_ingredients" in error.value.fix


@pytest.mark.parametrize(
    ("old", "new", "words_"),
    [
        ("cut: steps", "cut: salt", "'salt'"),
        ("add: orders", "add: music", "'music'"),
        ("{name: orders, share: 0.05, add: orders}", "{name: orders, share: 0.05}", "so is add"),
        ("{name: orders,", "{name: plain,", "is plain"),
        ("{name: orders,", "{name: two_recipes,", "two_recipes twice"),
        ("of: steps", "of: soup", "'soup'"),
        ("share: 0.05", "share: -1", "share"),
        ("writes: source", "writes: answer", "form"),
    ],
)
def test_a_broken_slice_names_the_key(tmp_path: Path, old: str, new: str, words_: str) -> None:
    text = (PACK.path / "teacher.yaml").read_text("utf-8")
    assert old in text
    (tmp_path / "teacher.yaml").write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(PackError, match=words_):
        load_prompts(tmp_path)


def test_slices_are_of_posts_alone(tmp_path: Path) -> None:
    text = (BUILTIN / "recipe-writer" / "teacher.yaml").read_text("utf-8")
    (tmp_path / "teacher.yaml").write_text(text + "\nslices:\n  - {name: orders, add: orders}\n", "utf-8")
    with pytest.raises(PackError, match="posts that a teacher writes"):
        load_prompts(tmp_path)
