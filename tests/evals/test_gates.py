"""Gates: a pass needs the bound, a target inside the interval is insufficient data and says how many it takes."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.evals.made_aggregates import made, mean, pair, rate
from tests.evals.made_evaluation import shared_evaluation
from training.errors import InputError
from training.evals.figures import read_aggregates
from training.evals.frames import write_frames
from training.evals.gate_numbers import difference_at_most, gain_above, least_n, rate_at_least, rate_at_most, shrunk
from training.evals.gates import Gate, check_gates, exit_code
from training.evals.records import Answered, EvalRow
from training.evals.statistics import wilson
from training.task.pack import BUILTIN, load_pack

PACK = load_pack(BUILTIN / "recipe-jsonld")
F1 = "f1:recipeIngredient"
GOOD = [pair(F1, 0.61, 0.57, 0.65, 300), pair("hallucinated_docs", -0.31, -0.36, -0.25, 300)]


def gates(pairs: list[dict[str, Any]] = GOOD, n: int = 300, **tuned: Any) -> dict[str, Gate]:
    return of(tuned, pairs, n)


def of(tuned: dict[str, Any], pairs: list[dict[str, Any]] = GOOD, n: int = 300) -> dict[str, Gate]:
    return {gate.name: gate for gate in check_gates(made(PACK, pairs, tuned, n=n), PACK)}


def test_a_good_adapter_passes_what_was_measured() -> None:
    found = gates()
    assert exit_code(list(found.values())) == 0
    passed = {name for name, gate in found.items() if gate.verdict == "pass"}
    assert passed == {"data", "strict", "schema", "primary", "trivial", "invention", "abstention", "stop"}
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
    found = of({F1: mean(0.2, 0.17, 0.23, 300)})
    assert found["trivial"].verdict == "insufficient data"
    assert of({F1: mean(0.1, 0.08, 0.12, 300)})["trivial"].verdict == "fail"


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


def test_answers_of_unknown_ends_are_only_looked_through() -> None:
    unknown = {**rate(0.0, 0), "value": None}
    assert gates(truncated=unknown)["stop"].verdict == "not applicable"
    assert gates(truncated=unknown, multi_object=rate(0.1, 300))["stop"].verdict == "fail"


def test_a_base_that_hardly_answers_is_no_measure_of_invention() -> None:
    few = [GOOD[0], pair("hallucinated_docs", 0.0, -0.17, 0.17, 12)]
    gate = gates(few)["invention"]
    assert gate.verdict == "pass" and "Only 12 answers of the base" in gate.why


def test_gates_that_read_the_records(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = shared_evaluation(tmp_path_factory)
    found = {gate.name: gate for gate in check_gates(folder, PACK)}
    assert found["golden"].verdict == "not applicable" and "No golden document" in found["golden"].why
    assert found["data"].verdict == "insufficient data", "prompts are fair, leaks were not looked for"
    leaks = {"exact": 1, "near": 0, "groups": 2}
    told = {**read_aggregates(folder), "tables": {"leakage": leaks}}
    data = next(gate for gate in check_gates(told, PACK) if gate.name == "data")
    assert data.verdict == "fail" and "1 have the same words as a training row" in data.why
    clean = {**told, "tables": {"leakage": dict.fromkeys(leaks, 0)}}
    assert next(gate for gate in check_gates(clean, PACK) if gate.name == "data").verdict == "pass"


def test_what_worked_on_golden_documents_must_work_on(tmp_path: Path) -> None:
    right = {
        "name": "Cake",
        "recipeIngredient": ["2 eggs"],
        "recipeInstructions": [{"@type": "HowToStep", "text": "Stir."}],
    }
    gold: dict[str, Any] = {"@context": "https://schema.org", "@type": "Recipe", **right}
    rows = [EvalRow(f"g{at}", "Cake\n2 eggs\nStir.", gold, part="golden") for at in range(3)]
    whole, broken = json.dumps(gold), json.dumps({**gold, "recipeIngredient": ["1 lemon"]})

    def answers(row: EvalRow) -> list[Answered]:
        hashes = ("a", "b") if row.id == "g2" else ("a", "a")
        tuned = broken if row.id == "g1" else whole
        return [Answered(arm, row.id, 0, raw, "eos", sha) for arm, raw, sha in
                (("base", whole, hashes[0]), ("adapter:x", tuned, hashes[1]))]  # fmt: skip

    write_frames(PACK, rows, answers, tmp_path)
    told = made(PACK, [{**GOOD[0], "a": "base"}], {})
    told["arms"] = [arm for arm in told["arms"] if arm["name"] in ("base", "adapter:x")]
    (tmp_path / "aggregates.json").write_text(json.dumps(told))
    found = {gate.name: gate for gate in check_gates(tmp_path, PACK)}
    assert (found["golden"].verdict, found["golden"].ids, found["golden"].n) == ("fail", ("g1",), 3)
    assert found["data"].verdict == "fail" and "1 document had other prompts" in found["data"].why
    assert found["reproducibility"].verdict == "fail" and "no manifest" in found["reproducibility"].why
    (tmp_path / "manifest.json").write_text(
        json.dumps({"data": {"sha256": "x"}, "arms": {"adapter:x": {"kind": "adapter"}}})
    )
    told_again = next(gate for gate in check_gates(tmp_path, PACK) if gate.name == "reproducibility")
    assert "versions, decoding, seeds, the prompts' hash" in told_again.why


def test_only_a_calibrated_judge_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "aggregates.json").write_text(json.dumps(made(PACK, GOOD, {})))
    (tmp_path / "judge.json").write_text("{}")
    told: dict[str, Any] = {"calibrated": False, "label": "uncalibrated local judge", "overall": {}}
    monkeypatch.setattr("training.evals.judge.tables.judge_tables", lambda _folder: told)

    def judged() -> Gate:
        return next(gate for gate in check_gates(tmp_path, PACK) if gate.name == "judge")

    assert judged().verdict == "not applicable" and "uncalibrated local judge" in judged().why
    told |= {"calibrated": True, "overall": {"prompted": {"value": 4, "low": 3, "high": 5},
                                             "adapter:x": {"value": 7, "low": 6, "high": 8}}}  # fmt: skip
    assert judged().verdict == "pass"
    told["overall"]["adapter:x"] = {"value": 5.5, "low": 4.5, "high": 6.5}
    assert judged().verdict == "insufficient data"


def test_latency_is_held_against_the_task() -> None:
    assert gates(latency_p95=mean(12, 10, 15, 60))["latency"].verdict == "pass"
    assert gates(latency_p95=mean(28, 20, 36, 60))["latency"].verdict == "insufficient data"
    assert gates(latency_p95=mean(48, 40, 56, 20))["latency"].verdict == "fail"
    assert gates()["latency"].verdict == "not applicable"


def test_few_timed_documents_bound_no_95_per_cent() -> None:
    """The slowest of 8 is no bound: 0.95 ** 8 = 66 % of such samples hold nothing slower."""
    gate = gates(latency_p95=mean(3.95, 2.29, 3.95, 8))["latency"]
    assert (gate.verdict, gate.n_required) == ("insufficient data", 59) and "--latency-rows 59" in gate.why
    assert gates(latency_p95=mean(3.95, 2.29, 3.95, 58))["latency"].verdict == "insufficient data"
    assert gates(latency_p95=mean(3.95, 2.29, 3.95, 59))["latency"].verdict == "pass"
    assert 0.95**59 < 0.05 < 0.95**58


def test_a_metric_that_takes_a_model_leaves_the_floor_to_the_next_declared_one() -> None:
    pack, f1 = load_pack(BUILTIN / "recipe-writer"), "f1:ingredients"
    pairs = [pair("bits_per_byte", -0.5, -0.6, -0.4, 80), pair(f1, -0.09, -0.12, -0.06, 80, a="regex"),
             pair("on_title", -0.3, -0.4, -0.2, 80, a="regex")]  # fmt: skip
    tuned = {
        "bits_per_byte": mean(1, 0.9, 1.1, 80),
        f1: mean(0.06, 0.04, 0.08, 80),
        "on_title": mean(0.6, 0.5, 0.7, 80),
    }
    told = made(pack, pairs, tuned, n=80)
    told["tiers"]["strict"]["prompted"]["bits_per_byte"] = mean(1.5, 1.4, 1.6, 80)
    told["tiers"]["strict"]["regex"] = {f1: mean(0.15, 0.13, 0.17, 80), "on_title": mean(0.9, 0.8, 1.0, 80)}
    gate = {gate.name: gate for gate in check_gates(told, pack)}["trivial"]
    assert gate.verdict == "fail" and "worse by 0.09 in Ingredients F1" in gate.why
    assert "takes a model" in gate.why and "(0.90 against 0.60)" in gate.why
    told["tiers"]["strict"]["regex"] = {}
    gate = {gate.name: gate for gate in check_gates(told, pack)}["trivial"]
    assert gate.verdict == "insufficient data", "an arm that nothing is known of is no floor that was passed"


def test_what_nobody_looked_for_passes_no_gate() -> None:
    def data(**table: Any) -> Gate:
        return {gate.name: gate for gate in check_gates(made(PACK, GOOD, {}, tables={"leakage": table}), PACK)}["data"]

    clean = {"exact": 0, "near": 0, "groups": 0}
    assert data().verdict == "insufficient data" and "Nobody looked" in data().why
    assert data(n_docs=300, n_test=0).verdict == "insufficient data", "a report about other documents"
    assert data(n_docs=300, n_test=200, **clean).verdict == "insufficient data"
    assert data(n_docs=300, n_test=300, **clean).verdict == "pass"
    assert data(n_docs=300, n_test=200, **{**clean, "near": 2}).verdict == "fail"
    dated = {"n_docs": 300, "n_test": 300, **clean, "dates": "training until 2025-01-02, test from 2025-01-01: NOT"}
    assert data(**dated, dates_hold=False).verdict == "pass", "rows that were parted by group promise no dates"
    assert data(**dated, dates_hold=False, split_by="date").verdict == "fail"
    assert data(**dated, dates_hold=True, split_by="date").verdict == "pass"
    assert data(**dated, split_by="date").verdict == "insufficient data"


def exported(name: str, low: float, high: float, *, changed: int = 0, folder: Path | None = None) -> Gate:
    same = pair(F1, (low + high) / 2, low, high, 300, a="adapter:x", b=name, same_low=low, same_high=high)
    strict = pair("strict", 0.0, 0.0, 0.0, 300, a="adapter:x", b=name, wins=0, ties=300 - changed, losses=changed)
    told = made(PACK, [*GOOD, same, strict], {})
    told["arms"] = [*told["arms"], {"name": name, "kind": "imported", "label": name}]
    told["tiers"]["strict"][name] = told["tiers"]["strict"]["adapter:x"]
    if folder is not None:
        (folder / "aggregates.json").write_text(json.dumps(told))
    return {gate.name: gate for gate in check_gates(folder or told, PACK, "adapter:x")}["parity"]


def test_an_export_is_held_against_its_adapter() -> None:
    assert gates()["parity"].verdict == "not applicable"
    assert exported("imported:somebody", -0.01, 0.01).verdict == "not applicable"
    assert exported("imported:xyz", -0.01, 0.01).verdict == "not applicable", "another name that begins alike"
    for name in ("imported:x.gguf", "imported:x merged", "imported:x@q8"):
        assert exported(name, -0.01, 0.01).verdict == "pass", name
    gate = exported("imported:x.gguf", -0.015, 0.03)
    assert gate.verdict == "insufficient data" and gate.n_required and gate.n_required > 300
    assert exported("imported:x.gguf", -0.09, -0.03).verdict == "fail"
    gate = exported("imported:x.gguf", -0.01, 0.01, changed=1)
    assert gate.verdict == "fail" and "strict differs on 1 of 300 documents" in gate.why


def test_an_export_may_differ_only_where_no_document_is_golden(tmp_path: Path) -> None:
    name, text = "imported:x.gguf", json.dumps({"@context": "https://schema.org", "@type": "Recipe", "name": "Cake"})
    rows = [EvalRow("g", "Cake", {}, part="golden"), EvalRow("d", "Cake", {}, part="test")]

    def write(broken: str) -> None:
        def answers(row: EvalRow) -> list[Answered]:
            export = text[:-1] if row.id == broken else text
            return [Answered(arm, row.id, 0, raw, "eos") for arm, raw in (("adapter:x", text), (name, export))]

        write_frames(PACK, rows, answers, tmp_path)

    write("d")
    gate = exported(name, -0.01, 0.01, folder=tmp_path)
    assert gate.verdict == "pass" and "strict differs on 0 of 1 golden document" in gate.why
    write("g")
    assert exported(name, -0.01, 0.01, folder=tmp_path).verdict == "fail"


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


@pytest.mark.parametrize(("n", "p", "required"), [(2, 0.5, 6), (5, 0.0001, 6), (9, 0.07, 10)])
def test_a_gain_that_its_own_test_does_not_show_passes_no_gate(n: int, p: float, required: int) -> None:
    gate = gates([pair(F1, 1.0, 0.9, 1.0, n, p=p), GOOD[1]])["primary"]
    assert (gate.verdict, gate.n_required) == ("insufficient data", required)


def test_an_answer_that_the_studio_ended_has_not_ended_by_itself() -> None:
    unknown = {**rate(0.0, 0), "value": None}
    found = gates(ends=unknown)["stop"]
    assert (
        found.verdict == "insufficient data" and "was not looked at" in found.why and "Not cut off: 100 %" in found.why
    )
    assert gates(ends=rate(0.5, 300))["stop"].verdict == "fail"
    assert gates(truncated=rate(0.2, 300), ends=unknown)["stop"].verdict == "fail"


def test_training_rows_that_are_gone_leave_leaks_unknown() -> None:
    table = {"n_train": 900, "n_unchecked": 100, "n_test": 300, "n_docs": 300, "exact": 0, "near": 0, "groups": 0}
    found = next(
        gate for gate in check_gates(made(PACK, GOOD, {}, tables={"leakage": table}), PACK) if gate.name == "data"
    )
    assert found.verdict == "insufficient data" and "Of 1,000 training rows 100 are gone" in found.why
