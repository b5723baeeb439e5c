"""Gates: a pass needs the bound, a target inside the interval is insufficient data and says how many it takes."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.evals.made_aggregates import made, mean, pair, rate
from training.errors import InputError
from training.evals.gate_numbers import difference_at_most, gain_above, least_n, rate_at_least, rate_at_most, shrunk
from training.evals.gates import Gate, check_gates, exit_code
from training.evals.statistics import wilson
from training.task.pack import BUILTIN, load_pack

PACK = load_pack(BUILTIN / "recipe-jsonld")
F1 = "f1:recipeIngredient"
GOOD = [pair(F1, 0.61, 0.57, 0.65, 300), pair("hallucinated_docs", -0.31, -0.36, -0.25, 300)]


def gates(pairs: list[dict[str, Any]] = GOOD, n: int = 300, **tuned: Any) -> dict[str, Gate]:
    return {gate.name: gate for gate in check_gates(made(PACK, pairs, tuned, n=n), PACK)}


def test_a_good_adapter_passes_what_was_measured() -> None:
    found = gates()
    assert exit_code(list(found.values())) == 0
    passed = {name for name, gate in found.items() if gate.verdict == "pass"}
    assert passed == {"strict", "schema", "primary", "trivial", "invention", "abstention", "stop"}
    assert all(gate.why and gate.rule and gate.title for gate in found.values())


def test_few_documents_are_insufficient_and_the_table_says_how_many() -> None:
    gate = gates(n=96, strict=rate(1.0, 96))["strict"]
    assert (gate.verdict, gate.n, gate.n_required) == ("insufficient data", 96, 125)
    assert exit_code([gate]) == 3


def test_a_failure_is_a_failure_and_goes_before_short_data() -> None:
    found = gates(strict=rate(0.5, 300), schema_valid=rate(1.0, 50))
    assert found["strict"].verdict == "fail" and found["schema"].verdict == "insufficient data"
    assert exit_code(list(found.values())) == 1


@pytest.mark.parametrize(
    ("difference", "low", "high", "verdict"),
    [
        (0.3, 0.2, 0.4, "pass"),
        (0.1, -0.1, 0.3, "insufficient data"),
        (-0.1, -0.2, -0.05, "fail"),
        (0.01, 0.005, 0.015, "fail"),
        (0.015, 0.001, 0.04, "insufficient data"),
    ],
)
def test_the_primary_metric_needs_the_bound_and_the_minimum(
    difference: float, low: float, high: float, verdict: str
) -> None:
    gate = gates([pair(F1, difference, low, high, 100)])["primary"]
    assert gate.verdict == verdict
    assert (gate.n_required is not None) == (verdict == "insufficient data")


def test_without_an_untuned_arm_the_primary_gate_is_open() -> None:
    told = made(PACK, [], {})
    told["arms"] = [arm for arm in told["arms"] if arm["kind"] != "base"]
    found = {gate.name: gate for gate in check_gates(told, PACK)}
    assert found["primary"].verdict == "insufficient data" and "prompted" in found["primary"].why


def test_an_arm_without_a_model_that_is_as_good_fails_the_gate() -> None:
    found = gates(**{F1: mean(0.2, 0.17, 0.23, 300)})
    assert found["trivial"].verdict == "insufficient data"
    assert gates(**{F1: mean(0.1, 0.08, 0.12, 300)})["trivial"].verdict == "fail"


def test_invention_must_be_rare_and_no_worse_than_before() -> None:
    assert gates(hallucinated_docs=rate(0.3, 300))["invention"].verdict == "fail"
    assert gates(hallucinated_docs=rate(0.08, 100))["invention"].verdict == "insufficient data"
    worse = [GOOD[0], pair("hallucinated_docs", 0.03, 0.025, 0.035, 300)]
    assert gates(worse)["invention"].verdict == "fail"
    writer = load_pack(BUILTIN / "recipe-writer")
    found = {gate.name: gate for gate in check_gates(made(writer, [], {}), writer)}
    assert found["invention"].verdict == "not applicable"


def test_abstention_wants_fifty_cases() -> None:
    few = {**mean(1.0, 0.99, 1.0, 300), "kind": "pooled", "n_items": 20}
    gate = gates(abstain_acc=few)["abstention"]
    assert (gate.verdict, gate.n_required) == ("insufficient data", 50)
    never = {**few, "value": None, "n_items": 0}
    assert gates(abstain_acc=never)["abstention"].verdict == "not applicable"


def test_a_slice_that_fell_is_named() -> None:
    def told(before: float, after: float, n: int) -> Gate:
        cells = {"prompted": {F1: mean(before, before - 0.03, before + 0.03, n)},
                 "adapter:x": {F1: mean(after, after - 0.03, after + 0.03, n)}}  # fmt: skip
        found = check_gates(made(PACK, GOOD, {}, slices={"slice=no_steps": cells}), PACK)
        return next(gate for gate in found if gate.name == "slices")

    assert told(0.5, 0.2, 40).verdict == "fail" and "posts without steps" in told(0.5, 0.2, 40).why
    assert told(0.5, 0.52, 40).verdict == "pass"
    assert told(0.5, 0.2, 12).n_required == 20


def test_a_second_answer_or_a_leak_fails_however_rare() -> None:
    assert gates(multi_object=rate(1 / 300, 300))["stop"].verdict == "fail"
    assert gates(prompt_leak=rate(1 / 300, 300))["stop"].verdict == "fail"
    assert gates(truncated=rate(0.2, 300))["stop"].verdict == "fail"


def test_latency_is_held_against_the_task() -> None:
    assert gates(latency_p95=mean(12, 10, 15, 20))["latency"].verdict == "pass"
    assert gates(latency_p95=mean(28, 20, 36, 20))["latency"].verdict == "insufficient data"
    assert gates(latency_p95=mean(48, 40, 56, 20))["latency"].verdict == "fail"
    assert gates()["latency"].verdict == "not applicable"


def test_an_arm_that_is_not_there_is_said() -> None:
    with pytest.raises(InputError, match="no arm 'adapter:y'"):
        check_gates(made(PACK, GOOD, {}), PACK, "adapter:y")
    with pytest.raises(InputError, match="with itself"):
        check_gates(made(PACK, GOOD, {}), PACK, "base", "base")
    assert check_gates(made(PACK, GOOD, {}), PACK, "prompted")


def test_nothing_at_all_is_no_crash() -> None:
    found = check_gates({"arms": [], "tiers": {}, "pairs": {}, "slices": {}}, PACK)
    assert exit_code(found) == 3


def test_thresholds_are_the_packs() -> None:
    from dataclasses import replace

    from training.task.evaluation import GATES, EvaluationSpec

    lax = replace(PACK, evaluation=EvaluationSpec(PACK.evaluation.primary, gates={**GATES, "strict_low": 0.9}))
    assert {gate.name: gate for gate in check_gates(made(lax, GOOD, {"strict": rate(1.0, 96)}), lax)}[
        "strict"
    ].verdict == "pass"


@pytest.mark.parametrize(("target", "n"), [(0.95, 73), (0.98, 189), (0.99, 381), (0.995, 765)])
def test_zero_failures_need_as_many_as_the_design_says(target: float, n: int) -> None:
    assert least_n(1.0, "low", target) == n


@settings(max_examples=200, deadline=None)
@given(k=st.integers(0, 400), n=st.integers(1, 400), point=st.floats(0.01, 1), low=st.floats(0.01, 1))
def test_a_rate_passes_by_its_bound_alone_and_what_is_required_would_settle_it(
    k: int, n: int, point: float, low: float
) -> None:
    value = min(k, n) / n
    interval = wilson(min(k, n), n) or (0.0, 1.0)
    found = rate_at_least(value, *interval, (point, low))
    if found.verdict == "pass":
        assert interval[0] >= low and value >= point
    if found.verdict == "fail":
        assert interval[1] < max(point, low)
    if found.n_required is not None:
        assert found.verdict == "insufficient data"
        again = wilson(value * found.n_required, found.n_required) or (0.0, 1.0)
        assert rate_at_least(value, *again, (point, low)).verdict != "insufficient data"


@settings(max_examples=200, deadline=None)
@given(value=st.floats(-1, 1), reach=st.floats(0, 1), target=st.floats(0, 0.5), n=st.integers(2, 5000))
def test_differences_agree_with_their_intervals(value: float, reach: float, target: float, n: int) -> None:
    low, high = value - reach, value + reach
    gain = gain_above(value, low, high, target, n)
    assert (gain.verdict == "pass") == (low > 0 and value >= target)
    assert gain.verdict != "fail" or high <= 0 or high < target
    kept = difference_at_most(value, low, high, target, n)
    assert (kept.verdict == "pass") == (high <= target)
    for found in (gain, kept):
        assert found.n_required is None or found.n_required > n


def test_an_upper_bound_mirrors_a_lower_one() -> None:
    assert rate_at_most(0.0, 0.0, 0.038, 0.1).verdict == "pass"
    assert rate_at_most(0.5, 0.4, 0.6, 0.1).verdict == "fail"
    unsure = rate_at_most(0.08, 0.05, 0.13, 0.1)
    assert unsure.verdict == "insufficient data" and unsure.n_required and unsure.n_required > 300
    assert shrunk(100, 0.2, 0.1) == 400 and shrunk(0, 1, 1) is None and shrunk(10, 1, 0) is None
    assert math.isclose((wilson(125, 125) or (0, 0))[0], 0.9702, abs_tol=1e-4)
