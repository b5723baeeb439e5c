"""All gates together: the counts add up, rows come out as they came in, a plan that makes no sense is told at once."""

from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.gates.samples import SOUP, SOUP_GOLD, cake, gated, gates_of, loaf, plan, recipe_pack, soup, writer_pack
from training.data.gates.plan import GatePlan, Lengths, Quotas, Rubric, Supported, Trivial
from training.data.gates.report import GATES, Looked, gate_report
from training.data.gates.run import gate_steps, run_gates
from training.data.gates.settings import Tools, plan_from
from training.errors import DataError
from training.task.records import to_json

BAD = [
    soup(gold=None),
    soup(gold=SOUP_GOLD | {"calories": 1}, group="a"),
    soup(source="As an AI language model I like soup.", gold={}, group="b"),
    soup(source="Soup.", gold={}, group="c"),
    loaf(licence="unknown"),
    soup(source=f"{SOUP} anna@kitchen.example", gold={}, group="d"),
    soup(gold=SOUP_GOLD | {"recipeCuisine": "Welsh"}),
    soup(),
    loaf(),
    soup(gold={}),
]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(BAD), max_size=12))
def test_the_counts_always_add_up(rows: list[Any]) -> None:
    results = gated(rows, eval_rows=(loaf(source="An evaluation of rye loaves, nothing else", group="rye"),))
    report = gate_report(results)
    assert report.n_in == len(rows) == report.n_kept + sum(report.refused.values())
    assert report.n_refused == sum(report.refused.values())
    assert report.n_kept == sum(not refusals for _, refusals in results)
    assert sum(report.reasons.values()) == sum(len(refusals) for _, refusals in results)
    assert all(report.reasons[gate] >= count for gate, count in report.refused.items())
    for (row, refusals), given_row in zip(results, rows, strict=True):
        assert row.place == given_row.place and row.group == given_row.group
        order = [GATES.index(refusal.gate) for refusal in refusals]
        assert order == sorted(set(order)), "each gate once, in their order"
        assert all(refusal.reason.endswith(".") for refusal in refusals)


def test_nothing_in_nothing_out() -> None:
    report = gate_report(gated([]))
    assert (report.n_in, report.n_kept, report.refused) == (0, 0, {})


def test_rows_may_come_as_a_stream() -> None:
    assert [row.place for row, _ in run_gates((row for row in (soup(), loaf())), plan())] == ["line 2", "line 3"]


def test_how_many_were_looked_at_is_told_before_the_first_row_comes_out() -> None:
    rows = (soup(source=f"{SOUP} {number}") for number in range(250))
    steps = list(islice(gate_steps(rows, plan()), 4))
    assert steps[:2] == [Looked(100), Looked(200)] and all(isinstance(step, tuple) for step in steps[2:])


def test_every_kept_row_passes_again() -> None:
    once = [row for row, refusals in gated(BAD) if not refusals]
    assert once
    assert set(gates_of(gated(once))) == {()}


def test_a_report_can_be_written_down() -> None:
    report = to_json(gate_report(gated(BAD)))
    assert report["n_in"] == len(BAD)
    assert report["refused"]["parses"] == 1


def test_a_text_answer_meets_every_gate() -> None:
    rows = [cake(), cake(place="line 10"), cake(source="plum cake", group="x", gold="A cake."), cake(licence="unknown")]
    found = gates_of(gated(rows, pack=writer_pack(), count_tokens=len, lengths=Lengths(answer_tokens=500)))
    assert sorted(found) == [(), ("contract", "trivial"), ("duplicate",), ("licence",)]
    far = gated([cake()], pack=writer_pack(), eval_rows=(cake(gold="RECIPE: x", group="y"),))
    assert gates_of(far) == [("evaluation",)]


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"similarity": 0}, "similarity"),
        ({"similarity": 1.2}, "similarity"),
        ({"eval_similarity": float("nan")}, "eval_similarity"),
        ({"personal": "hide"}, "personal"),
        ({"supported": Supported("mask")}, "supported.policy"),  # pyright: ignore[reportArgumentType]
        ({"trivial": Trivial(source_words=-1)}, "trivial.source_words"),
        ({"lengths": Lengths(context_tokens=0)}, "lengths.context_tokens"),
        ({"quotas": Quotas(style=40)}, "quotas.style"),
        ({"quotas": Quotas(least_rows=0)}, "quotas.least_rows"),
        ({"number_tolerance": -1}, "number_tolerance"),
    ],
)
def test_a_threshold_out_of_range_is_told_when_the_plan_is_made(settings: dict[str, Any], name: str) -> None:
    with pytest.raises(DataError) as caught:
        plan(**settings)
    assert f"gates' {name} is" in str(caught.value)
    assert caught.value.fix


def test_a_plan_from_settings() -> None:
    made = plan_from(
        {
            "personal": "refuse",
            "similarity": 1,
            "trivial": {"source_words": 12},
            "quotas": {"style": 0.4, "group": None},
            "licences": ["MIT"],
            "lengths": {"context_tokens": 2048},
        },
        recipe_pack(),
        Tools(count_tokens=len, eval_rows=(soup(),)),
    )
    assert (made.personal, made.similarity, made.licences) == ("refuse", 1.0, ("MIT",))
    assert made.trivial == Trivial(source_words=12)
    assert made.quotas == Quotas(style=0.4, group=None)
    assert made.lengths.context_tokens == 2048
    assert made.count_tokens is len and made.eval_rows == (soup(),)


def test_settings_that_are_not_given_keep_their_defaults() -> None:
    made, bare = plan_from({}, recipe_pack()), GatePlan(recipe_pack())
    assert all(getattr(made, name) == getattr(bare, name) for name in GatePlan.__dataclass_fields__)
    assert plan_from({"trivial": None, "quotas": None}, recipe_pack()).trivial is None


def test_a_rubric_from_settings() -> None:
    def judge(rows: object) -> tuple[()]:
        return ()

    made = plan_from({"rubric": {"least_total": 30}}, recipe_pack(), Tools(judge=judge))
    assert made.rubric == Rubric(judge, least_total=30)
    assert plan_from({}, recipe_pack(), Tools(judge=judge)).rubric is None, "a judge costs: only where asked for"
    with pytest.raises(DataError, match="no judge"):
        plan_from({"rubric": {}}, recipe_pack())


@pytest.mark.parametrize(
    ("settings", "name", "fix"),
    [
        ({"min_words": 3}, "'min_words'", "similarity"),
        ({"pack": "x"}, "'pack'", "similarity"),
        ({"trivial": {"words": 3}}, "'trivial.words'", "source_words"),
        ({"trivial": 3}, "trivial is 3", "mapping"),
        ({"supported": None}, "supported is None", "mapping"),
        ({"similarity": "0.8"}, "similarity is '0.8'", "a number"),
        ({"duplicates": 1}, "duplicates is 1", "true or false"),
        ({"trivial": {"source_words": True}}, "trivial.source_words is True", "whole number"),
        ({"personal": "hide"}, "personal is 'hide'", "mask"),
        ({"licences": "MIT"}, "licences is 'MIT'", "list of texts"),
        ({"similarity": 7}, "similarity is 7", "0.1 to 1"),
        ({"rubric": {"judge": 1}}, "'rubric.judge'", "least_total"),
        ({"rubric": {"least_total": 36}}, "rubric.least_total is 36", "7 to 35"),
        ({"rubric": {"least_safety": 0}}, "rubric.least_safety is 0", "1 to 5"),
        ({"rubric": {"unscored": "hope"}}, "rubric.unscored is 'hope'", "keep"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, Any], name: str, fix: str) -> None:
    with pytest.raises(DataError) as caught:
        plan_from(settings, recipe_pack(), Tools(judge=lambda rows: ()))
    assert name in str(caught.value)
    assert fix in caught.value.fix
