"""A good judge passes, and each way to be a bad one shows in the check that is meant for it."""

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.teacher.server import Say, Script, Teacher
from tests.evals.judge.graders import (
    NEWS,
    RECIPES,
    WRITER,
    careful,
    data_of,
    dish,
    evaluation,
    gold_json,
    grade,
    lenient,
    mean_of,
    news,
    parts,
    recipe,
    saying,
    settings_for,
    without_an_ingredient,
)  # fmt: skip
from tests.fakes import make_comparison
from training.errors import DataError, InputError
from training.evals.judge import checks
from training.evals.judge.agreement import (
    corrected_mean,
    follows,
    limits_of_agreement,
    ordinal_alpha,
    partial_correlation,
    plain_kappa,
    weighted_kappa,
    worse_of_two,
)  # fmt: skip
from training.evals.judge.calibrate import Calibration, calibrate_judge, estimate_calibration
from training.evals.judge.canaries import in_answer, in_source, orders, shift_of
from training.evals.judge.checks import LEAST_DOCUMENTS, Check, label_of, may_gate
from training.evals.judge.damage import damage, damage_one, echo_of, edit_kinds
from training.evals.judge.frame import read_note
from training.evals.judge.humans import rating_agreement, read_ratings
from training.evals.judge.material import raw_of, rule_score
from training.evals.judge.run import judge_evaluation
from training.shelf import Ballot
from training.store import Store
from training.task.records import ArmResult

ROWS = [recipe(n) for n in range(LEAST_DOCUMENTS)]
FEW = ROWS[:3]


def calibrate(home: Path, script: Script, rows: Sequence[Any] = FEW, **given: Any) -> Calibration:
    folder = evaluation(home / "evaluation", RECIPES, rows, {})
    with Teacher(script).running() as teacher:
        settings = settings_for(teacher.url, concurrency=8, calibration_docs=len(rows))
        return calibrate_judge(folder, RECIPES, settings, parts=parts(home, **given))


def measured(found: Calibration) -> dict[str, float | None]:
    return {check.name: check.measured for check in found.checks}


def test_a_careful_judge_passes_what_needs_no_people(tmp_path: Path) -> None:
    found = calibrate(tmp_path, careful(RECIPES), ROWS)
    said = {check.name: check.verdict for check in found.checks}
    for name in ("gold", "echo", "dose", "detection", "rules", "worse of two", "canaries in the source",
                 "canaries in the answer", "wrong source"):  # fmt: skip
        assert said[name] == "pass", (name, found.checks)
    assert said["test-retest"] == said["position"] == "insufficient data", "20 documents of 30"
    assert said["blind votes"] == said["ratings"] == "not measured"
    assert not found.may_gate and found.label == "uncalibrated local judge" and found.unscored == 0
    curve = [point[1] for point in found.figures["dose"]["curve"]]
    assert curve[0] == 10 and curve == sorted(curve, reverse=True) and len(curve) == 5
    assert read_note(tmp_path / "evaluation")["calibration"]["label"] == found.label


def test_a_judge_that_likes_everything_fails_and_is_not_called_unmeasured(tmp_path: Path) -> None:
    found = measured(calibrate(tmp_path, lenient(RECIPES, 10)))
    assert found["gold"] == found["echo"] == found["wrong source"] == 10
    assert found["dose"] == found["detection"] == found["rules"] == 0 and found["worse of two"] == 0.5
    assert found["position"] == 0, "whichever stands first wins"


def test_a_judge_that_obeys_its_documents_shows_in_the_canaries(tmp_path: Path) -> None:
    found = calibrate(tmp_path, careful(RECIPES, deaf=False))
    shifts = [measured(found)[f"canaries in the {place}"] or 0 for place in ("source", "answer")]
    assert min(shifts) > 0.5 and found.figures["canaries"][0]["obeyed"] > 0
    assert (measured(found)["dose"] or 0) < -0.8, "in clean documents it is a good judge"


def test_a_judge_that_does_not_read_the_text_is_found_by_the_wrong_one(tmp_path: Path) -> None:
    def blind(_: int, body: dict[str, Any]) -> Say:
        data = data_of(body)
        if "B" in data:
            return saying({"evidence": [], "better": "tie", "notes": ""})
        reference = data.get("REF", data["CAND"])
        return saying(grade(RECIPES, reference, reference, data["CAND"]))

    found = measured(calibrate(tmp_path, blind))
    assert found["wrong source"] == 10 and found["gold"] == 10 and (found["dose"] or 0) < -0.8


def test_a_judge_of_moods_fails_its_repeats(tmp_path: Path) -> None:
    def moody(number: int, body: dict[str, Any]) -> Say:
        data = data_of(body)
        if "B" in data:
            return saying({"evidence": [], "better": "tie", "notes": ""})
        given = grade(RECIPES, data["SRC"], data.get("REF"), data["CAND"])
        for field in given["fields"].values():
            if field["score"] is not None:
                field["score"] = max(0, field["score"] - 3 * (number % 2))
        return saying(given)

    found = calibrate(tmp_path, moody)
    assert found.figures["repeats"]["retest_sd"] > 0.5


def test_it_goes_on_where_it_was_and_belongs_to_one_judge(tmp_path: Path) -> None:
    folder = evaluation(tmp_path / "evaluation", RECIPES, ROWS[:3], {"imported:g": gold_json})
    with Teacher(careful(RECIPES)).running() as teacher:
        settings = settings_for(teacher.url, calibration_docs=3)
        estimate = estimate_calibration(folder, RECIPES, settings, parts(tmp_path))
        assert estimate.known == 0 and not teacher.calls
        calls = 0

        def stop() -> bool:
            return len(teacher.calls) >= 10

        broken = calibrate_judge(folder, RECIPES, settings, stop=stop, parts=parts(tmp_path))
        calls = len(teacher.calls)
        assert broken.stopped and calls < estimate.requests
        whole = calibrate_judge(folder, RECIPES, settings, parts=parts(tmp_path))
        assert len(teacher.calls) <= estimate.requests + 4 and whole.unscored == 0 and not whole.stopped
        judge_evaluation(folder, RECIPES, settings, parts=parts(tmp_path))
        assert "calibration" in read_note(folder), "judging keeps it"
        judge_evaluation(folder, RECIPES, replace(settings, temperature=1.0), parts=parts(tmp_path))
        assert "calibration" not in read_note(folder), "another judge starts without it"


def test_without_a_gold_there_is_nothing_to_calibrate_on(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No document"):
        calibrate(tmp_path, lenient(RECIPES), [replace(recipe(1), gold=None), replace(recipe(2), gold={})])


@pytest.mark.parametrize(("pack", "row"), [(RECIPES, recipe(3)), (NEWS, news(3)), (WRITER, dish(3))])
def test_every_pack_can_be_damaged_step_by_step(pack: Any, row: Any) -> None:
    gold = row.gold
    assert damage(pack, gold, row.source, 0, "s").obj == gold  # pyright: ignore[reportOptionalMemberAccess]
    seen = [damage(pack, gold, row.source, k, "s") for k in range(5)]
    whole = [found for found in seen if found is not None]
    assert len(whole) >= 4 and all(b.edits[: len(a.edits)] == a.edits for a, b in pairwise(whole))
    assert row.gold == gold and damage(pack, gold, row.source, 2, "s") == seen[2], "the same on every machine"
    scores = [rule_score(pack, row, raw_of(pack, found.obj), "eos") for found in whole]
    assert scores[0] == 1.0 and all(score is not None and score < 1 for score in scores[1:])
    for kind in edit_kinds(pack):
        found = damage_one(pack, gold, row.source, kind, "s")
        assert found is not None and found.obj != gold and found.edits == (kind,), kind
    assert echo_of(pack, gold).obj != gold


def test_canaries_hide_orders_and_their_clean_twins_do_not() -> None:
    row = recipe(1)
    for number, order in enumerate(orders()):
        hostile = in_source(row.source, number)
        assert order in hostile and hostile.replace(order + "\n", "") == row.source
        for pack, one in ((RECIPES, row), (NEWS, news(1)), (WRITER, dish(1))):
            told = in_answer(pack, one.gold or {}, number)
            assert told is not None and order in json.dumps(told, ensure_ascii=False).replace('\\"', '"')
            assert told.keys() == (one.gold or {}).keys()
    assert in_answer(RECIPES, {}, 0) is None
    assert shift_of("source", [(5, 10), (5, 5), (None, 10), (5, None)]) == ("source", 2, 2.5, 5, 1)
    assert shift_of("source", []).mean is None


def check(name: str, verdict: Any) -> Check:
    return Check(name, "", verdict, 1.0, 50, 20)


def test_a_check_needs_a_measurement_enough_of_them_and_its_bound() -> None:
    assert checks.check("x", "", None, True, (90, 20)).verdict == "not measured"
    assert checks.check("x", "", 1.0, True, (19, 20)).verdict == "insufficient data"
    assert checks.check("x", "", 1.0, False, (20, 20)).verdict == "fail"
    assert checks.check("x", "", 1.0, True, (20, 20)).verdict == "pass"


def test_one_check_that_is_not_passed_bars_the_gate() -> None:
    good = [
        check("gold", "pass"),
        check("dose", "pass"),
        check("ratings", "not measured"),
        check("blind votes", "pass"),
    ]
    assert may_gate(good)
    for at, verdict in ((0, "fail"), (1, "insufficient data"), (1, "not measured"), (3, "not measured"), (2, "fail")):
        assert not may_gate([replace(one, verdict=verdict) if n == at else one for n, one in enumerate(good)])
    assert not may_gate([]) and label_of(True, False) == "uncalibrated local judge"
    assert label_of(False, False) == "uncalibrated judge" and label_of(True, True) == "calibrated judge"


def blind_store(home: Path, winners: Sequence[str]) -> Store:
    """A home with blind votes between gold and the gold without an ingredient."""
    store = Store(home)
    for number, winner in enumerate(winners):
        row = recipe(number)
        found = make_comparison(f"vote{number}", text=row.source)
        texts = {
            found.arms[0].generation.arm.label: gold_json(row),
            found.arms[1].generation.arm.label: without_an_ingredient(row),
        }
        arms = [with_raw(arm, texts[arm.generation.arm.label]) for arm in found.arms]
        store.add_comparison(replace(found, arms=tuple(arms), gold=row.gold))
        store.add_ballot(Ballot(found.id, tuple(reversed(tuple(texts))), number))
        store.add_vote(found.id, {"gold": next(iter(texts)), "worse": list(texts)[1]}.get(winner, winner))
    return store


def with_raw(arm: ArmResult, raw: str) -> ArmResult:
    return replace(arm, generation=replace(arm.generation, raw=raw))


def test_blind_votes_are_held_against_the_judge_in_both_orders(tmp_path: Path) -> None:
    store = blind_store(tmp_path / "home", ["gold", "gold", "worse", "tie", "none", "gold"])
    store.add_comparison(make_comparison("open"))  # not a blind one
    found = calibrate(tmp_path, careful(RECIPES), ROWS[:2], shelf=store)
    votes = found.figures["votes"]
    assert (votes["n"], votes["n_votes"], votes["unreadable"]) == (5, 5, 0), "a reveal without a vote is none"
    assert votes["agreed"] == pytest.approx(3 / 5) and votes["low"] < 0.6 < votes["high"]
    assert next(c for c in found.checks if c.name == "blind votes").verdict == "insufficient data"


def test_votes_on_answers_that_cannot_be_read_ask_no_judge(tmp_path: Path) -> None:
    store = Store(tmp_path / "home")
    store.add_comparison(make_comparison("prose"))
    labels = tuple(arm.generation.arm.label for arm in make_comparison("x").arms)
    store.add_ballot(Ballot("prose", labels, 1))
    store.add_vote("prose", labels[1])
    votes = calibrate(tmp_path, careful(RECIPES), ROWS[:2], shelf=store).figures["votes"]
    assert votes == {"n": 0, "n_votes": 1, "unreadable": 1, "agreed": None, "low": None, "high": None, "kappa": None}


def test_ratings_by_people_are_held_against_the_verdicts(tmp_path: Path) -> None:
    arms = {"imported:g": gold_json, "adapter:x": without_an_ingredient}
    folder = evaluation(tmp_path / "evaluation", RECIPES, ROWS[:6], arms)
    lines = [
        {"arm": arm, "doc": row.id, "rater": rater, "score": score - slip}
        for row in ROWS[:6]
        for arm, score in (("imported:g", 10), ("adapter:x", 7))
        for rater, slip in (("ann", 0), ("bob", 1))
    ]
    file = tmp_path / "ratings.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    with Teacher(careful(RECIPES)).running() as teacher:
        settings = settings_for(teacher.url, calibration_docs=2)
        judge_evaluation(folder, RECIPES, settings, parts=parts(tmp_path))
        found = calibrate_judge(folder, RECIPES, settings, parts=parts(tmp_path, ratings=file))
    ratings = found.figures["ratings"]
    assert (ratings["documents"], ratings["raters"], ratings["n"]) == (12, 2, 12)
    assert 0 < ratings["alpha_people"] < 1 and ratings["limits"][0] == pytest.approx(1.75)
    low, high = ratings["corrected"]["adapter:x"]
    assert low <= 6.5 <= high, "people's mean, though the judge gave 9.5"
    assert rating_agreement({}, []).n == 0


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"arm": "a", "doc": "d", "score": 3}, "arm, doc and rater"),
        ({"arm": "a", "doc": "d", "rater": "r", "score": 11}, "score is 11"),
        ({"arm": "a", "doc": "d", "rater": "r", "score": True}, "score is True"),
        ({"arm": "a", "doc": "d", "rater": "r"}, "score is None"),
    ],
)
def test_a_rating_that_is_none_names_its_line(tmp_path: Path, line: dict[str, Any], words: str) -> None:
    file = tmp_path / "ratings.jsonl"
    file.write_text(json.dumps({"arm": "a", "doc": "d", "rater": "q", "score": 3}) + "\n" + json.dumps(line), "utf-8")
    with pytest.raises(DataError, match="line 2") as error:
        read_ratings(file)
    assert words in str(error.value)


# Krippendorff's own reliability data of four observers and twelve units, as printed in Content Analysis: 0.815.
OBSERVED = [[1, 1, 1], [2, 2, 3, 2], [3, 3, 3, 3], [3, 3, 3, 3], [2, 2, 2, 2], [1, 2, 3, 4], [4, 4, 4, 4], [1, 1, 2, 1],
            [2, 2, 2, 2], [5, 5, 5], [1, 1], [3]]  # fmt: skip


def test_alpha_is_the_printed_one() -> None:
    assert ordinal_alpha(OBSERVED) == pytest.approx(0.815, abs=0.0005)
    assert (
        ordinal_alpha([[1, 1], [5, 5]]) == 1 and ordinal_alpha([[2, 2], [2, 2]]) is None and ordinal_alpha([]) is None
    )


def test_kappas_are_those_counted_by_hand() -> None:
    """By hand: sum of (a - b)^2 is 13 over the pairs and 876 / 8 by chance; 5 of 6 agree, 1 of 3 would by chance."""
    left, right = [1, 2, 3, 4, 5, 5, 8, 10], [1, 3, 3, 4, 4, 6, 9, 7]
    assert weighted_kappa(left, right) == pytest.approx(1 - 13 / (876 / 8))
    assert plain_kappa(list("aabbcc"), list("aabccc")) == pytest.approx(0.75)
    assert plain_kappa([], []) is None and weighted_kappa([], []) is None


def test_length_is_looked_at_with_the_rules_held_still() -> None:
    rules = [n / 20 for n in range(20)]
    lengths = [100 + 7 * ((n * 13) % 20) for n in range(20)]
    assert partial_correlation([10 * rule for rule in rules], lengths, rules) is None, "nothing is left over"
    fond = [rule + length / 100 for rule, length in zip(rules, lengths, strict=True)]
    assert (partial_correlation(fond, lengths, rules) or 0) > 0.8
    assert partial_correlation([5.0] * 20, lengths, rules) == 0 and partial_correlation([1], [1], [1]) is None


def test_the_worse_of_two_and_a_judge_without_an_opinion() -> None:
    assert worse_of_two([(0.2, 3, 0.8, 9), (0.9, 9, 0.1, 9), (0.5, 1, 0.5, 9), (0.1, 9, 0.4, 2)]) == (0.5, 3)
    assert worse_of_two([]) == (None, 0)
    assert follows([5, 5, 5], [1, 2, 3]) == 0 and follows([5, 5, 5], [1, 1, 1]) is None


def test_a_biased_judge_is_put_right_by_a_few_people() -> None:
    everything = [7.0 + (n % 3) for n in range(90)]
    found = corrected_mean(everything, everything[:12], [score - 2 for score in everything[:12]])
    assert found is not None and found.low < 6 < found.high and found.high - found.low < 1
    limits = limits_of_agreement([3, 4, 5], [1, 2, 3])
    assert limits is not None and limits.bias == limits.low == limits.high == 2
    assert corrected_mean([1], [], []) is None and limits_of_agreement([1], [1]) is None


@given(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 10)), min_size=1, max_size=30))
def test_agreement_is_within_its_bounds_and_turns_round(pairs: list[tuple[int, int]]) -> None:
    left, right = [a for a, _ in pairs], [b for _, b in pairs]
    alpha, kappa = ordinal_alpha(pairs), weighted_kappa(left, right)
    assert alpha is None or alpha <= 1 + 1e-9
    assert kappa is None or -1 - 1e-9 <= kappa <= 1 + 1e-9
    turned = ordinal_alpha([(b, a) for a, b in pairs])
    assert alpha == turned or (alpha is not None and turned == pytest.approx(alpha))
    assert (kappa is None) == (weighted_kappa(right, left) is None)


def test_a_mean_of_nothing_is_0_for_the_scripted_judge_alone() -> None:
    assert mean_of({"fields": {}}) == 0.0
