"""The built-in sources: the same rows everywhere, whole, licensed, and never the held-out recipes."""

from collections import Counter
from itertools import islice

import pytest

from training.data.corpus import public_domain_split
from training.data.record_reading import Problem
from training.data.rows import SourceRow
from training.data.sources.groups import recipe_group, record_group
from training.data.sources.offline import KINDS, offline_rows
from training.data.sources.read import read_source
from training.data.sources.shapes import FIELDS
from training.data.spec import SourceSpec
from training.errors import DataError


def rows(kind: str, count: int, seed: int = 7, **more: str) -> list[SourceRow]:
    found = list(read_source(SourceSpec(kind=kind, rows=count, **more), seed))  # type: ignore[arg-type]
    assert all(isinstance(row, SourceRow) for row in found)
    return [row for row in found if isinstance(row, SourceRow)]


@pytest.mark.parametrize("kind", KINDS)
def test_rows_depend_on_the_seed_and_their_number_alone(kind: str) -> None:
    assert rows(kind, 5) == rows(kind, 9)[:5]
    assert rows(kind, 5) != rows(kind, 5, seed=8)
    assert rows(kind, 3, slice="4:") == rows(kind, 7)[4:]
    assert len({row.place for row in rows(kind, 9)}) == 9


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_whole_and_carry_a_licence(kind: str) -> None:
    for row in rows(kind, 40):
        assert set(row.fields) <= set(FIELDS)
        assert row.licence not in ("", "unknown") and row.origin == kind and row.group
        if kind == "news":
            assert row.fields["content"] and 1 <= row.fields["relevance_score"] <= 10 and row.date
        else:
            assert row.fields["title"] and row.fields["ingredients"] and row.fields["steps"]
            assert all(type(row.fields[k]) is int for k in row.fields if k.endswith("_minutes"))


def test_the_grammar_has_variety() -> None:
    found = rows("grammar", 200)
    assert len({row.group for row in found}) > 190
    assert len({len(row.fields["ingredients"]) for row in found}) > 6
    facts = ("prep_minutes", "recipe_yield", "cuisine", "keywords", "description")
    assert all(0 < sum(fact in row.fields for row in found) < 200 for fact in facts)


def test_held_out_recipes_are_never_handed_out() -> None:
    split = public_domain_split()
    barred = {recipe.title.casefold() for part in ("test", "dev") for recipe in split[part]}
    titles = {row.fields["title"].casefold() for row in offline_rows("corpus", 7)}
    assert len(titles) > 1000 and not titles & barred


def test_more_than_the_corpus_holds_is_an_error_and_not_a_smaller_set() -> None:
    with pytest.raises(DataError, match="not the 1,000,000 asked for"):
        rows("corpus", 1_000_000)


def test_shares_of_the_slices_of_news_are_set_at_the_source() -> None:
    spec = SourceSpec("news", rows=80, shares={"orders": 1, "advert": 3})
    found = Counter(row.fields["slice"] for row in read_source(spec, 7) if isinstance(row, SourceRow))
    assert set(found) == {"orders", "advert"} and found["advert"] > 2 * found["orders"] > 0
    wrong = ({"gossips": 1}, "news", "gossips"), ({"orders": 0}, "news", "are"), ({"plain": 1}, "corpus", "corpus")
    for shares, kind, why in wrong:
        with pytest.raises(Problem, match=why):
            SourceSpec(kind, rows=9, shares=shares)


def test_news_of_one_issue_is_one_group_and_days_do_not_go_back() -> None:
    found = rows("news", 60)
    days = [str(row.date) for row in found]
    assert days == sorted(days)
    by_group = {row.group: {r.date for r in found if r.group == row.group} for row in found}
    assert len(by_group) >= 10 and all(len(dates) == 1 for dates in by_group.values())


def test_an_unknown_built_in_source_is_an_error() -> None:
    with pytest.raises(DataError, match="'novels'"):
        list(islice(offline_rows("novels", 7), 1))


def test_a_group_is_the_same_for_the_same_thing_only() -> None:
    assert recipe_group("Onion Soup!", ["1 l  water"]) == recipe_group("ONION soup", ["1 L water."])
    assert recipe_group("Onion Soup", ["1 l water"]) != recipe_group("Onion Soup", ["2 l water"])
    four = ["a", "b", "c", "d"]
    assert recipe_group("Soup", four) == recipe_group("Soup", [*four[:3], "other"])
    assert recipe_group("Soup", ["a"]) != recipe_group("Soup a")
    assert record_group({"group": 12, "title": "Soup"}) == "12"
    assert record_group({"content": "Soup"}) != record_group({"title": "Soup"})
