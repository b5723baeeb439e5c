"""Gates that look at rows beside each other: duplicates, contradictions, quotas, the evaluation, the judge."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.gates.samples import (
    CAKE,
    SOUP,
    SOUP_GOLD,
    cake,
    gated,
    gates_of,
    item,
    loaf,
    news_pack,
    plan,
    soup,
    writer_pack,
)
from training.data.gates.consistency import contradiction
from training.data.gates.diversity import cap, diversity
from training.data.gates.plan import DIMENSIONS, Opinion, Quotas, Rubric, Supported
from training.data.gates.report import Gated, Judged, gate_report
from training.data.gates.run import gate_steps
from training.data.rows import DataRow

LONG = SOUP + "\n".join(
    f"Note {word}: season it well, taste it often, serve it hot." for word in ("one", "two", "nine")
)


def kept(results: Sequence[Gated]) -> list[DataRow]:
    return [row for row, refusals in results if not refusals]


def refused(results: Sequence[Gated], gate: str) -> list[DataRow]:
    return [row for row, refusals in results if any(refusal.gate == gate for refusal in refusals)]


# Duplicates


def test_of_the_same_text_one_row_stays_whatever_came_first() -> None:
    rows = [soup(place=f"line {at}") for at in range(4)] + [loaf()]
    results = gated(rows)
    assert len(refused(results, "duplicate")) == 3
    assert [row.place for row in kept(results)] == [row.place for row in kept(gated(rows[::-1]))][::-1]
    reason = next(refusals[0].reason for _, refusals in results if refusals)
    assert "exactly that of another row (kitchen.csv, line 0)" in reason


def test_a_row_of_known_licence_stays() -> None:
    rows = [soup(licence="unknown", place="line 1"), soup(place="line 7")]
    assert [row.place for row in kept(gated(rows, licence_known=False))] == ["line 7"]


def test_near_duplicates_name_the_row_that_stays_and_how_near_it_is() -> None:
    rows = [soup(source=LONG), soup(source=LONG.replace("for a cold evening", "for a chilly evening"))]
    results = gated(rows)
    [(_, (refusal,))] = [result for result in results if result[1]]
    assert refusal.gate == "duplicate"
    assert "% that of another row" in refusal.reason
    assert refusal.evidence == f"row {kept(results)[0].id}"
    assert gates_of(gated(rows, similarity=1.0)) == [(), ()]
    assert gates_of(gated(rows, duplicates=False)) == [(), ()]


def test_one_dish_in_two_recipes_is_no_duplicate_and_no_contradiction() -> None:
    other = CAKE.replace(
        "Grate the lemons into the flour", "Squeeze all of the lemons over the sifted flour, add sugar"
    )
    assert gates_of(gated([cake(), cake(gold=other)], pack=writer_pack())) == [(), ()]
    assert sorted(gates_of(gated([cake(), cake(place="line 10")], pack=writer_pack()))) == [(), ("duplicate",)]


def test_a_refused_row_displaces_nobody() -> None:
    rows = [soup(), soup(gold=SOUP_GOLD | {"calories": 1})]
    assert gates_of(gated(rows)) == [(), ("schema", "contract")]


WORDS = ["leek", "soup", "pot", "stock", "salt", "pan", "oven", "rye", "loaf", "egg"]
SENTENCES = st.lists(st.sampled_from(WORDS), min_size=5, max_size=14).map(" ".join)
NAMED = {"@context": "https://schema.org", "@type": "Recipe", "name": "leek soup"}
SOURCES = st.lists(SENTENCES, min_size=2, max_size=9, unique=True)


@settings(max_examples=25, deadline=None)
@given(SOURCES, st.data())
def test_what_stays_depends_on_the_rows_and_not_on_their_order(sources: list[str], data: st.DataObject) -> None:
    extra = [f"{source} {data.draw(st.sampled_from(WORDS))}" for source in sources]
    golds = data.draw(st.lists(st.sampled_from([{}, NAMED]), min_size=2 * len(sources), max_size=2 * len(sources)))
    rows = [
        soup(source=text, gold=gold, place=f"line {at}", group=f"g{at}")
        for at, (text, gold) in enumerate(zip(sources + extra, golds, strict=True))
    ]
    shuffled = data.draw(st.permutations(rows))
    quotas = Quotas(opening=0.2, least_rows=1)
    options: dict[str, Any] = {"similarity": 0.6, "trivial": None, "quotas": quotas, "supported": Supported("off")}
    one, other = gated(rows, **options), gated(shuffled, **options)
    assert {row.place: refusals for row, refusals in one} == {row.place: refusals for row, refusals in other}


@settings(max_examples=25, deadline=None)
@given(SOURCES)
def test_no_two_rows_that_stay_are_near_duplicates(sources: list[str]) -> None:
    rows = [soup(source=text, gold={}, place=str(at)) for at, text in enumerate([*sources, *sources])]
    left = kept(gated(rows, similarity=0.5, trivial=None, quotas=None))
    assert {refusals for _, refusals in gated(left, similarity=0.5, trivial=None, quotas=None)} == {()}
    assert len(left) <= len(sources)


# Consistency


def labels(one: dict[str, Any], other: dict[str, Any], text: str = SOUP) -> list[tuple[str, ...]]:
    rows = [soup(gold=one, source=text), soup(gold=other, source=text, place="line 8")]
    return gates_of(gated(rows, similarity=0.8))


def test_two_labels_for_one_text_are_both_refused() -> None:
    less = SOUP_GOLD | {"recipeIngredient": ["3 leeks", "2 potatoes"]}
    found = labels(SOUP_GOLD, less)
    assert all("consistency" in gates for gates in found)
    assert sorted(len(gates) for gates in found) == [1, 2], "one of them repeats the other besides"
    why = contradiction(soup(), soup(gold=less), plan())
    assert why == "both texts say recipeIngredient '1 litre of vegetable stock', only this answer has it"
    assert "this answer lacks it" in str(contradiction(soup(gold=less), soup(), plan()))


def test_no_recipe_against_a_recipe_is_a_contradiction() -> None:
    assert all("consistency" in gates for gates in labels(SOUP_GOLD, {}))


def test_a_difference_that_the_texts_explain_is_none() -> None:
    two = soup(source=SOUP.replace("3 leeks", "7 leeks"), gold=SOUP_GOLD | {
        "recipeIngredient": ["7 leeks", "2 potatoes", "1 litre of vegetable stock"]})  # fmt: skip
    assert contradiction(soup(), two, plan()) is None
    assert sorted(gates_of(gated([soup(), two], similarity=0.6))) == [(), ("duplicate",)]


def test_the_same_word_elsewhere_says_something_else() -> None:
    labelled = SOUP.replace("Serves 4,", "Serves 4, easy,")
    rows = soup(source=labelled, gold=SOUP_GOLD | {"keywords": "easy"}), soup(source=f"{SOUP}An easy one, that.")
    assert contradiction(*rows, plan()) is None
    assert contradiction(rows[1], rows[0], plan()) is None
    assert "keywords 'easy'" in str(contradiction(rows[0], soup(source=labelled), plan()))


def test_two_wordings_of_one_thing_are_none() -> None:
    worded = SOUP_GOLD | {"recipeIngredient": ["leeks, 3", "2 potatoes", "1 litre of stock"]}
    assert contradiction(soup(), soup(gold=worded), plan()) is None


def test_times_are_held_against_each_other() -> None:
    text = SOUP.replace("ready in 40 minutes", "20 minutes of work, ready in 40 minutes")
    rows = soup(source=text), soup(source=text, gold=SOUP_GOLD | {"totalTime": "PT20M"})
    assert "totalTime" in str(contradiction(*rows, plan()))


@pytest.mark.parametrize(
    ("change", "against"),
    [
        ({"relevance": 9}, "relevance is '7' here and '9' there"),
        ({"relevance": 8}, None),
        ({"topic": "policy"}, "topic is 'models' here and 'policy' there"),
        ({"summary": "Something new can be had from now on."}, None),
        ({"companies": ["Lumen"]}, "companies 'Tarn Labs'"),
    ],
)
def test_judgements_are_held_against_each_other(change: dict[str, Any], against: str | None) -> None:
    text = "Tarn Labs and Lumen publish a small model that anyone may use."
    gold = {"relevance": 7, "topic": "models", "companies": ["Tarn Labs", "Lumen"], "summary": "A model is released."}
    free = plan(pack=news_pack(), number_tolerance=1)
    free = replace(free, supported=replace(free.supported, free_fields=("summary",)))
    why = contradiction(item(text, gold), item(text, gold | change), free)
    assert (why is None) if against is None else (against in str(why))


def test_everyone_who_repeats_a_doubtful_row_is_in_doubt_too() -> None:
    rows = [soup(place=f"line {at}") for at in range(3)] + [soup(gold={}), loaf()]
    results = gated(rows)
    assert len(refused(results, "consistency")) == 4
    assert gates_of(results)[-1] == ()


def test_consistency_can_be_switched_off() -> None:
    assert gates_of(gated([soup(), soup(gold={})], consistency=False, duplicates=False)) == [(), ()]


# Diversity


@pytest.mark.parametrize(
    ("counts", "share", "most"),
    [
        ({"a": 90, "b": 10}, 0.6, 15),  # 15 of 25
        ({"a": 5, "b": 5, "c": 5}, 0.5, 5),
        ({"a": 50, "b": 50, "c": 1}, 0.4, 2),  # 2 of 5
        ({"a": 9}, 0.5, 0),
        ({"a": 9}, 1.0, 9),
        ({}, 0.5, 0),
    ],
)
def test_the_cap_by_hand(counts: dict[str, int], share: float, most: int) -> None:
    assert cap(counts, share) == most


@given(st.dictionaries(st.text(max_size=3), st.integers(1, 60), max_size=8), st.floats(0.01, 1))
def test_the_cap_is_the_largest_that_keeps_the_share(counts: dict[str, int], share: float) -> None:
    def holds(most: int) -> bool:
        return most <= share * sum(min(count, most) for count in counts.values()) + 1e-9

    most = cap(counts, share)
    assert holds(most)
    assert not any(holds(more) for more in range(most + 1, max(counts.values(), default=0) + 1))


def styled(*counts: tuple[str, int]) -> list[DataRow]:
    return [soup(source=f"{style} {at} {SOUP}", style=style, group=f"{style}{at}", place=f"{style} {at}")
            for style, count in counts for at in range(count)]  # fmt: skip


def test_no_style_holds_more_than_its_share_of_what_stays() -> None:
    rows = styled(("clean", 40), ("scraped", 6), ("social", 4))
    refusals = diversity(rows, Quotas(style=0.5, group=None, opening=None, least_rows=1))
    left = [row.style for at, row in enumerate(rows) if at not in refusals]
    assert (left.count("clean"), len(left)) == (10, 20)
    assert "40 of 50 rows; at a quota of 50% it keeps 10" in next(iter(refusals.values())).reason


def test_a_small_set_keeps_its_rows() -> None:
    rows = styled(("clean", 15))
    assert diversity(rows, Quotas(style=0.1, least_rows=20)) == {}
    assert len(diversity(rows, Quotas(style=0.1, least_rows=10))) == 5
    assert diversity(rows, None) == {}


def test_rows_that_all_begin_alike_are_thinned() -> None:
    alike = [soup(source=f"Welcome back friends {at} {SOUP}", group=f"a{at}") for at in range(8)]
    rows = alike + [soup(source=f"Number {at} is {SOUP}", group=f"b{at}") for at in range(8)]
    refusals = diversity(rows, Quotas(group=None, opening=0.25, least_rows=1))
    assert len(refusals) == 6  # 2 of 10
    assert set(refusals) < set(range(8))
    assert {refusal.evidence for refusal in refusals.values()} == {"welcome back friends"}


# Evaluation


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (soup(source=SOUP.upper().replace("\n", "  \n"), group="other"), "its text is in the evaluation"),
        (loaf(group="leek soup"), "its group 'leek soup' is in the evaluation"),
        (soup(source=f"{LONG} My own photos are below.", group="other", gold={}), "% one of the evaluation's"),
        (loaf(gold=SOUP_GOLD), "its answer is the answer to a row of the evaluation"),
    ],
)
def test_nothing_of_the_evaluation_gets_through(row: DataRow, what: str) -> None:
    test = (soup(), soup(source=LONG, gold={}))
    [(_, refusals)] = gated([row], eval_rows=test)
    leak = next(refusal for refusal in refusals if refusal.gate == "evaluation")
    assert what in leak.reason
    assert leak.evidence.removeprefix("evaluation row ") in {held.id for held in test}


def test_what_is_elsewhere_passes_the_evaluation() -> None:
    assert gates_of(gated([loaf()], eval_rows=(soup(),))) == [()]
    assert gates_of(gated([loaf(gold={})], eval_rows=(soup(gold={}),))) == [()], "two empty answers are no leak"


def test_a_mask_does_not_hide_a_leak() -> None:
    secret = soup(source="Write to cook@kitchen.example and ask Anna, she knows.", gold={})
    test = replace(secret, group="other")
    [(row, refusals)] = gated([secret], eval_rows=(test,))
    assert "@" not in row.source
    assert [refusal.gate for refusal in refusals] == ["evaluation"]


# The judge


def scores(**changes: int) -> dict[str, int]:
    return dict.fromkeys(DIMENSIONS, 4) | {"format": 5} | changes


def judged(given: dict[str, int] | None, reason: str = "", **said: Any) -> Rubric:
    """A judge who thinks the same of every row."""
    return Rubric(lambda rows: [Opinion(given, reason, **said) for _ in rows])


@pytest.mark.parametrize(
    ("given_scores", "words"),
    [
        (scores(), None),  # 29 of 35
        (scores(realism=1), None),  # 26 of 35
        (scores(realism=1, diversity=3), "the total is 25 of 35"),
        (scores(correctness=3, realism=5), "correctness is 3, the least is 4"),
        (scores(format=4, realism=5), "format is 4, the least is 5"),
        (scores(safety=3, realism=5), "safety is 3, the least is 4"),
    ],
)
def test_the_acceptance_rule(given_scores: dict[str, int], words: str | None) -> None:
    [(row, refusals)] = gated([soup()], rubric=judged(given_scores))
    assert row.notes["rubric"] == given_scores
    assert [refusal.gate for refusal in refusals] == ([] if words is None else ["rubric"])
    assert words is None or words in refusals[0].reason


@pytest.mark.parametrize("answer", [None, {}, scores() | {"realism": 0}, scores() | {"safety": 6}, {"realism": 5}])
def test_unscored_is_an_outcome_of_its_own(answer: dict[str, int] | None) -> None:
    results = gated([soup()], rubric=judged(answer, "It was asleep."))
    assert gates_of(results) == [("rubric",)]
    assert results[0][1][0].evidence == "unscored" and results[0][1][0].reason.endswith("not known. It was asleep.")
    assert "rubric" not in results[0][0].notes
    report = gate_report(results)
    assert (report.n_unscored, report.refused) == (1, {"rubric": 1})
    kept_anyway = gated([soup()], rubric=replace(judged(answer), unscored="keep"))
    assert gates_of(kept_anyway) == [()]
    assert gate_report(kept_anyway).n_unscored == 1


def test_a_judge_that_rejects_is_heard_and_its_proposal_kept_for_a_person() -> None:
    fixed = {"source": SOUP, "gold": {"name": "Leek soup"}}
    [(row, [refusal])] = gated([soup()], rubric=judged(scores(), "The salt is made up.", rejects=True, fixed_row=fixed))
    assert refusal.reason == "The judge rejects the row, though its scores pass. The salt is made up."
    assert row.notes["fixed_row"] == fixed and (row.source, row.gold) == (SOUP, SOUP_GOLD), (
        "nothing is mended in silence"
    )
    [(row, [refusal])] = gated([soup()], rubric=judged(scores(safety=1), "It burns."))
    assert refusal.reason == "The judge's scores do not pass: safety is 1, the least is 4. It burns."
    assert "fixed_row" not in row.notes
    [(row, refusals)] = gated([soup()], rubric=judged(scores(), "Good.", fixed_row=fixed))
    assert refusals == () and "fixed_row" not in row.notes


def test_an_opinion_too_few_is_no_row_kept() -> None:
    with pytest.raises(ValueError, match="shorter"):
        gated([soup(), loaf()], rubric=Rubric(lambda rows: [Opinion(scores())]))


def test_the_judge_is_asked_only_about_rows_that_would_be_kept() -> None:
    asked: list[str] = []
    rows = [soup(), soup(place="line 4"), loaf(licence="unknown"), loaf()]

    def judge(given: Sequence[DataRow]) -> Iterator[Opinion]:
        for row in given:
            asked.append(row.place)
            yield Opinion(scores())

    steps = list(gate_steps(rows, plan(rubric=Rubric(judge))))
    assert sorted(asked) == ["line 2", "line 3"]
    told = [step for step in steps if isinstance(step, Judged)]
    assert told == steps[:2] == [Judged(1, 2), Judged(2, 2)], "its progress is told before the first row comes out"


def test_a_broken_judge_is_not_swallowed() -> None:
    def judge(rows: Sequence[DataRow]) -> Iterator[Opinion]:
        raise ConnectionError("no judge here")

    with pytest.raises(ConnectionError):
        gated([soup()], rubric=Rubric(judge))
