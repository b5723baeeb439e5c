"""Our own news: the same on every machine, the gold exact, the rule of relevance kept, every kind among them."""

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data.news import (
    FIRST_DAY,
    ITEMS_PER_ISSUE,
    KINDS,
    MOST_SEED,
    SLICES,
    NewsItem,
    _lines,  # the lists as they are read: what the rule of relevance is checked against
    news_item,
)
from training.data.news_styles import STYLES
from training.errors import DataError
from training.task.pack import BUILTIN, load_pack
from training.task.score.schema import schema_errors

PACK = load_pack(BUILTIN / "news-metadata")
ITEMS = [news_item(seed) for seed in range(600)]


def of(slice_: str) -> list[NewsItem]:
    return [item for item in ITEMS if item.slice == slice_]


def test_every_slice_style_and_score_occurs() -> None:
    assert {item.slice for item in ITEMS} == set(SLICES)
    assert {item.style for item in ITEMS} == set(STYLES) and len(STYLES) >= 5
    assert {item.relevance for item in ITEMS} >= set(range(1, 9))
    assert len({item.content for item in ITEMS}) == len(ITEMS)
    assert len({name for item in ITEMS for name in item.companies}) > 200


def test_every_gold_keeps_the_contract() -> None:
    assert [errors for item in ITEMS if (errors := schema_errors(item.gold, PACK.schema))] == []


def test_every_gold_stands_in_its_item_word_for_word() -> None:
    for item in ITEMS:
        for insight in item.insights:
            assert insight in item.content
            assert not insight.endswith(".")
        for sentence in re.split(r"(?<=[.]) (?=[A-Z0-9])", item.summary):
            assert sentence in item.content


def test_companies_are_named_in_order_and_without_legal_form() -> None:
    for item in ITEMS:
        places = [item.content.index(name) for name in item.companies]
        assert places == sorted(places)
        assert not any(re.search(r"\b(Inc|Ltd|GmbH)\b", name) for name in item.companies)
    assert any("Inc." in item.content or "GmbH" in item.content for item in ITEMS)
    assert all(not item.companies for item in of("no_companies"))
    assert all(item.companies for item in of("plain"))


def test_an_advert_is_worth_one_and_tells_nothing() -> None:
    for item in of("advert"):
        assert (item.relevance, item.insights, len(item.companies)) == (1, (), 1)


def test_a_merged_item_holds_two() -> None:
    for item in of("merged"):
        assert len(item.insights) >= 2 and item.companies
        assert item.summary.count(".") >= 2


def test_orders_stand_in_the_text_and_not_in_the_answer() -> None:
    for item in of("orders"):
        assert not re.search("BANANA|HACKED|poem|capital letters|set relevance", str(item.gold))
        assert re.search("BANANA|HACKED|poem|capital letters|set relevance|left empty", item.content)


def test_relevance_follows_the_rule() -> None:
    """Read back from the text: the lead's worth, and the mark of each printed fact."""

    def pattern(text: str) -> re.Pattern[str]:
        return re.compile(re.sub(r"\\\{\w+\\\}", ".+?", re.escape(text)))

    kinds = sorted({kind for of_slice in KINDS.values() for kind in of_slice})
    lines = [line for kind in kinds for line in _lines(kind)]
    leads = [(pattern(line.text), line.worth) for line in lines if line.role == "lead"]
    facts = [(pattern(line.text), line.worth) for line in lines if line.role == "fact"]
    for item in [*of("plain"), *of("gossip"), *of("no_companies")][:150]:
        starts = {worth for lead, worth in leads if lead.match(item.summary)}
        moves = [{worth for fact, worth in facts if fact.fullmatch(insight)} for insight in item.insights]
        assert starts and all(len(move) == 1 for move in moves), item
        move = sum(next(iter(move)) for move in moves)
        assert item.relevance in {min(10, max(1, start + move)) for start in starts}, item


def test_marks_of_an_item_have_one_sign() -> None:
    for kind in KINDS["plain"] + KINDS["no_companies"]:
        worths = {line.worth for line in _lines(kind) if line.role == "fact"}
        assert worths == {-1, 0, 1}, kind
        assert {line.role for line in _lines(kind)} == {"head", "lead", "fact", "why"}, kind


def test_issues_hold_several_items_and_dates_go_on() -> None:
    assert [item.issue for item in ITEMS] == [seed // ITEMS_PER_ISSUE + 1 for seed in range(len(ITEMS))]
    dates = [date.fromisoformat(item.date) for item in ITEMS]
    assert dates == sorted(dates) and dates[0] == FIRST_DAY
    assert len({item.date for item in ITEMS}) == len(ITEMS) // ITEMS_PER_ISSUE


@given(st.integers(0, MOST_SEED))
def test_any_number_gives_one_item_and_always_the_same(seed: int) -> None:
    item = news_item(seed)
    assert item == news_item(seed)
    assert item.fields["content"] == item.content and set(item.gold) <= set(item.fields)
    assert "{" not in item.content.replace('{"relevance_score"', "").replace('"HACKED"}', "")
    assert not re.search(r"\b(\d+) \1\b|  ", item.content)


def test_the_first_items_are_pinned() -> None:
    """Another text here means that every dataset made from this source changes."""
    assert [item.slice for item in ITEMS[:4]] == ["no_companies", "merged", "plain", "no_companies"]
    assert ITEMS[0].summary == "41 percent of people in Wellington have used a machine for reading scans."


@pytest.mark.parametrize("seed", [-1, MOST_SEED + 1])
def test_a_number_outside_is_refused(seed: int) -> None:
    with pytest.raises(DataError, match=f"no news item {seed}"):
        news_item(seed)
