"""The leak report: every overlap found, every test row's nearest training row, and dates that prove what they claim."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.gates.samples import SOUP, SOUP_GOLD, cake, loaf, soup
from training.data.gates.similar import jaccard, shingles
from training.data.leaks import leak_report, share
from training.data.rows import DataRow
from training.errors import DataError
from training.task.records import to_json

LONG = SOUP + "Season it well, taste it often and serve it while it is hot, with bread and butter on the side."


def test_two_sides_with_nothing_in_common() -> None:
    report = leak_report([loaf()], [soup()])
    assert report.clean
    assert (report.n_train, report.n_test) == (1, 1)
    assert [(near.test_id, near.train_id, near.similarity) for near in report.nearest] == [(soup().id, None, 0.0)]
    assert report.lines()[0] == "0 of 1 (0.0%) test rows have the same words as a training row."
    assert to_json(report)["nearest"][0]["similarity"] == 0


def test_each_overlap_is_of_its_kind() -> None:
    train = [
        soup(source=SOUP.upper(), group="a", gold={}),
        loaf(group="rye"),
        soup(source=LONG, group="b", gold={}),
        soup(source="Nothing else alike in here at all.", group="c"),
    ]
    test = [
        soup(group="x", gold={}),  # the words of the first
        soup(source="Bread without any words of the other one.", group="rye", gold={}),
        soup(source=LONG.replace("butter", "cheese"), group="y", gold={}),
        soup(source="Quite another page with its own story.", group="z"),  # the answer of the last
    ]
    report = leak_report(train, test)
    exact, near, group, answer = report.exact, report.near, report.groups, report.answers
    assert [(leak.test_id, leak.train_id, leak.similarity) for leak in exact] == [(test[0].id, train[0].id, 1.0)]
    assert [(leak.test_id, leak.train_id) for leak in group] == [(test[1].id, train[1].id)]
    assert [(leak.test_id, leak.train_id) for leak in near] == [(test[2].id, train[2].id)]
    assert [(leak.test_id, leak.train_id) for leak in answer] == [(test[3].id, train[3].id)]
    assert 0.8 <= near[0].similarity < 1
    assert not report.clean
    assert "1 of 4 (25.0%) test rows share a group with a training row." in report.lines()


def test_a_higher_threshold_calls_less_near() -> None:
    train, test = [soup(source=LONG)], [soup(source=LONG.replace("butter", "cheese"), group="x")]
    assert leak_report(train, test, 0.99).near == ()
    assert leak_report(train, test, 0.99).nearest == leak_report(train, test).nearest
    for wrong in (0, 1.5, float("nan")):
        with pytest.raises(DataError, match="no threshold"):
            leak_report(train, test, wrong)


def test_empty_sides() -> None:
    assert leak_report([], [soup()]).nearest[0].train_id is None
    report = leak_report([soup()], [])
    assert report.clean and report.nearest == ()
    assert report.lines()[0].startswith("0 of 0 test rows")
    assert leak_report([soup(source=" ")], [soup(source=" ", group="x", gold={})]).nearest[0].similarity == 0


def test_a_dish_name_on_both_sides_is_exact_and_two_recipes_of_it_are_less_near() -> None:
    report = leak_report([cake()], [cake(gold="RECIPE: Something else\n[END]", group="other")])
    assert len(report.exact) == 1
    assert report.exact[0].similarity < 0.5
    assert report.near == ()


def scrambled(rng: random.Random, words: list[str], changes: int) -> str:
    words = list(words)
    for _ in range(changes):
        words[rng.randrange(len(words))] = f"new{rng.randrange(9999)}"
    return " ".join(words)


def test_the_nearest_row_is_the_one_that_comparing_all_with_all_finds() -> None:
    rng = random.Random(11)
    bases = [[f"w{rng.randrange(3000)}" for _ in range(90)] for _ in range(40)]
    train = [soup(source=" ".join(words), group=f"t{at}", gold={}) for at, words in enumerate(bases)]
    test = [soup(source=scrambled(rng, bases[at], at // 4), group=f"e{at}", gold={}) for at in range(40)]
    held = [shingles(row.source) for row in train]
    for row, near in zip(test, leak_report(train, test).nearest, strict=True):
        best = max(jaccard(shingles(row.source), other) for other in held)
        assert near.test_id == row.id
        assert near.similarity == pytest.approx(best)


def test_a_crowd_of_like_rows_hides_no_copy() -> None:
    rng = random.Random(2)
    words = [f"w{at}" for at in range(60)]
    train = [soup(source=f"{' '.join(words)} tail{at}", group=f"t{at}", gold={}) for at in range(300)]
    copy = rng.choice(train)
    [near] = leak_report(train, [replace(copy, group="x")]).nearest
    assert (near.train_id, near.similarity) == (copy.id, 1.0)


ROWS = st.lists(
    st.tuples(st.lists(st.sampled_from("abcdefg"), min_size=3, max_size=8).map(" ".join), st.sampled_from("xyz")),
    max_size=6,
)


@settings(max_examples=40, deadline=None)
@given(ROWS, ROWS, st.randoms(use_true_random=False))
def test_the_report_does_not_depend_on_the_order_of_the_training_rows(
    train: list[tuple[str, str]], test: list[tuple[str, str]], rng: random.Random
) -> None:
    known = [soup(source=text, group=group, gold={}, place=str(at)) for at, (text, group) in enumerate(train)]
    asked = [soup(source=text, group=group, gold={}, place=str(at)) for at, (text, group) in enumerate(test)]
    report = leak_report(known, asked)
    rng.shuffle(known)
    assert leak_report(known, asked) == report
    assert len(report.nearest) == len(asked)
    groups = {row.group for row in known}
    assert len(report.groups) == sum(row.group in groups for row in asked)
    texts = {row.source for row in known}
    assert len(report.exact) == sum(row.source in texts for row in asked)
    for near, row in zip(report.nearest, asked, strict=True):
        best = max((jaccard(shingles(row.source), shingles(other.source)) for other in known), default=0.0)
        assert near.similarity == best
        assert (near.train_id is None) == (best == 0)


def dated(*dates: str | None) -> list[DataRow]:
    return [soup(date=date, source=f"{SOUP} {at} {date}", group=f"{at}{date}") for at, date in enumerate(dates)]


@pytest.mark.parametrize(
    ("train", "test", "holds", "words"),
    [
        (["2025-01-01", "2025-03-31"], ["2025-04-01"], True, "All training rows are proven earlier"),
        (["2025-01-01", "2025-04-01"], ["2025-04-01"], False, "NOT all"),
        (["2025-03-31T23:00:00+00:00"], ["2025-04-01T00:30:00+02:00"], False, "NOT all"),
        (["2025-01-01", None], ["2025-04-01"], False, "1 of 2 training rows and 1 of 1 test rows have a date"),
        ([None], ["2025-04-01"], None, "Nothing can be said about time"),
        (["2025-01-01"], [None], None, "0 of 1 test rows have a date"),
        ([], [], None, "Nothing"),
    ],
)
def test_dates(train: list[str | None], test: list[str | None], holds: bool | None, words: str) -> None:
    report = leak_report(dated(*train), dated(*test))
    assert report.dates.holds is holds
    assert words in report.lines()[-1]


def test_a_date_that_cannot_be_read_is_told() -> None:
    with pytest.raises(DataError, match="last May"):
        leak_report(dated("last May"), dated("2025-01-01"))


def test_a_share_says_of_how_many() -> None:
    assert share(3, 120) == "3 of 120 (2.5%)"
    assert share(0, 0) == "0 of 0"


def test_a_shared_empty_answer_is_no_leak() -> None:
    assert leak_report([loaf(gold={})], [soup(gold={})]).answers == ()
    assert len(leak_report([loaf(gold=SOUP_GOLD)], [soup()]).answers) == 1
