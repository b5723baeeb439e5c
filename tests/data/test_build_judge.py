"""A judge within a build, asked over real HTTP: its cost is known before, its rule decides, nothing is paid twice."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.data.judge.scripts import fair, shown, verdict
from tests.data.teacher.server import Say, Teacher, completion, fault, good
from training.chat.cost import Caps, Prices
from training.data.build import Progress, build
from training.data.build_cost import quotes
from training.data.build_job import read_job, run_job
from training.data.build_judge import estimate_judge, ledger_path
from training.data.judge.plan import JudgeSpec
from training.data.spec import DatasetSpec, SourceSpec, write_spec
from training.data.teacher.plan import TeacherSpec
from training.data.versions import Version, list_versions, open_version
from training.errors import DataError


@pytest.fixture
def judge() -> Iterator[Teacher]:
    with Teacher(fair).running() as running:
        yield running


def spec_of(url: str, gates: dict[str, Any] | None = None, **changes: Any) -> DatasetSpec:
    asked = JudgeSpec(url, "large", **{"retries": 0, **changes})
    sources = (SourceSpec("grammar", rows=30),)
    return DatasetSpec("recipe-jsonld", "judged", sources, gates={"quotas": None, **(gates or {})}, judge=asked)


def built(spec: DatasetSpec, home: Path) -> tuple[Version, list[Progress]]:
    steps = list(build(spec, home))
    assert steps[-1].version
    return open_version(home / "datasets" / steps[-1].version), steps


def refused(version: Version) -> list[dict[str, Any]]:
    lines = (version.folder / "refused.jsonl").read_text("utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    return [line for line in found if line.get("refusals", [{}])[0].get("gate") == "rubric"]


def test_what_is_asked_is_known_before_to_the_row_and_paid_once(judge: Teacher, tmp_path: Path) -> None:
    spec = spec_of(judge.url, prices=Prices(1.0, 2.0))
    before = estimate_judge(spec, tmp_path)
    assert before.known == 0 and before.money and before.most_money and judge.calls == []
    version, steps = built(spec, tmp_path)
    assert len(judge.calls) == before.requests == sum(version.rows.values()), "exactly what the estimate said"
    told = [step for step in steps if step.stage == "judge"]
    assert [(step.done, step.total) for step in told] == [(n, before.requests) for n in range(1, before.requests + 1)]
    last = told[-1].spending
    assert last is not None and last.calls == before.requests and last.money == pytest.approx(last.calls * 200e-6)
    assert "large" in (version.folder / "card.md").read_text("utf-8")
    after = estimate_judge(spec, tmp_path)
    assert (after.known, after.money) == (after.requests, 0.0)
    again, _ = built(replace(spec, split=replace(spec.split, preset="70/15/15")), tmp_path)
    assert len(judge.calls) == before.requests and again.rows != version.rows
    elsewhere, _ = built(spec, other_home(tmp_path, spec))
    assert elsewhere.name == version.name and len(judge.calls) == before.requests, "the same ledger, the same version"


def other_home(home: Path, spec: DatasetSpec) -> Path:
    """A home of its own with the same ledger."""
    other = home / "other"
    (other / "datasets").mkdir(parents=True)
    ledger_path(other, spec).write_bytes(ledger_path(home, spec).read_bytes())
    return other


def test_what_it_refuses_is_kept_with_its_words_and_its_proposal(judge: Teacher, tmp_path: Path) -> None:
    def strict(number: int, body: dict[str, Any]) -> Say:
        fixed = {"source": None, "gold": {"name": "As it should be"}}
        says = (
            verdict("The yield is made up.", correctness=3, realism=5, fixed_row=fixed),
            verdict("Badly laid out.", format=4, realism=5),
            verdict("Dangerous.", safety=3, realism=5),
            verdict("Dull.", realism=1, diversity=3),
            verdict("I do not want it.", "reject"),
            completion("No verdict at all."),
        )
        return says[number] if number < len(says) else verdict()

    judge.script = strict
    version, _ = built(spec_of(judge.url, concurrency=1), tmp_path)
    rows = refused(version)
    reasons = [line["refusals"][0]["reason"] for line in rows]
    assert [reason.split(": ")[1].split(",")[0] for reason in reasons[:3]] == [
        "correctness is 3",
        "format is 4",
        "safety is 3",
    ]
    assert "the total is 25 of 35" in reasons[3] and "rejects the row" in reasons[4]
    assert reasons[0].endswith("The yield is made up.") and reasons[4].endswith("I do not want it.")
    assert "not known. Its answer can't be read" in reasons[5] and rows[5]["row"]["notes"]["unscored"]
    notes = rows[0]["row"]["notes"]
    assert notes["fixed_row"]["gold"] == {"name": "As it should be"} and notes["rubric"]["correctness"] == 3
    assert (
        notes["fixed_row"]["source"] == rows[0]["row"]["source"]
        and rows[0]["row"]["gold"] != notes["fixed_row"]["gold"]
    )
    gates = version.read("gates")
    assert gates["refused"]["rubric"] == 6 and gates["n_unscored"] == 1
    assert gates["n_in"] == gates["n_kept"] + sum(gates["refused"].values())


def test_the_rule_is_the_specs_and_unscored_rows_may_stay(judge: Teacher, tmp_path: Path) -> None:
    judge.script = lambda number, body: completion("Hm.") if number == 3 else verdict(format=4)
    gates = {"rubric": {"least_format": 4, "unscored": "keep"}}
    version, _ = built(spec_of(judge.url, gates, concurrency=1), tmp_path)
    assert refused(version) == [] and version.read("gates")["n_unscored"] == 1


def test_a_cap_stops_the_build_and_a_higher_one_goes_on_from_there(judge: Teacher, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"judge stopped after 5 of .* cap of 5 calls") as caught:
        list(build(spec_of(judge.url, caps=Caps(calls=5)), tmp_path))
    assert "not paid for twice" in caught.value.fix and len(judge.calls) == 5
    assert list_versions(tmp_path / "datasets")[0] == []
    version, _ = built(spec_of(judge.url, caps=Caps(calls=100)), tmp_path)
    assert len(judge.calls) == sum(version.rows.values())


def test_rows_that_got_no_score_are_asked_about_again_and_no_others(judge: Teacher, tmp_path: Path) -> None:
    judge.script = lambda number, body: fault(429, "slow down")
    spec = replace(spec_of(judge.url, give_up_after=1000), sources=(SourceSpec("grammar", rows=12),))
    with pytest.raises(DataError, match=r"Not one of .* rubric"):
        list(build(spec, tmp_path))
    asked = len(judge.calls)
    judge.script = fair
    version, steps = built(spec, tmp_path)
    assert len(judge.calls) == 2 * asked == 2 * sum(version.rows.values())
    assert steps[-1].stage == "done"


def test_a_stopped_build_ends_cancelled_and_goes_on(judge: Teacher, tmp_path: Path) -> None:
    spec, seen = spec_of(judge.url, concurrency=2), list[Progress]()
    for step in build(spec, tmp_path, cancelled=lambda: any(s.stage == "judge" and s.done >= 4 for s in seen)):
        seen.append(step)
    assert seen[-1].stage == "cancelled" and len(judge.calls) <= 9
    version, _ = built(spec, tmp_path)
    assert len(judge.calls) == sum(version.rows.values())


def test_a_missing_key_is_told_before_the_teacher_is_paid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyring.get_password", lambda service, name: None)
    with Teacher(good).running() as teacher:
        spec = replace(
            spec_of(teacher.url, key_env="NO_SUCH_JUDGE"), teacher=TeacherSpec(teacher.url, "large", styles=("clean",))
        )
        with pytest.raises(DataError, match="judge's key was not found: NO_SUCH_JUDGE"):
            list(build(spec, tmp_path))
        assert teacher.calls == []


def test_a_teacher_and_a_judge_are_quoted_and_told_apart(tmp_path: Path) -> None:
    def both(number: int, body: dict[str, Any]) -> Say:
        return good(number, body) if "<<DATA-" in body["messages"][-1]["content"] else verdict(shown(body)[:10])

    with Teacher(both).running() as server:
        prices, teacher = (
            Prices(1.0, 2.0),
            TeacherSpec(server.url, "writer", styles=("clean",), prices=Prices(1.0, 2.0)),
        )
        spec = replace(spec_of(server.url, prices=prices), teacher=teacher)
        first, second = quotes(spec, tmp_path)
        assert (first.whose, second.whose) == ("teacher", "judge") and server.calls == []
        assert first.estimate.requests == second.estimate.requests == 30, "each row yet unwritten may reach the judge"
        assert (second.spending.calls, second.spending.money) == (0, 0.0)
        folder = tmp_path / "datasets" / ".building" / spec.hash[:16]
        folder.mkdir(parents=True)
        (folder / "job.json").write_text(
            json.dumps({"spec": write_spec(spec), "folder": str(tmp_path), "home": str(tmp_path)}), "utf-8"
        )
        status = run_job(folder)
        assert status.state == "finished" and read_job(tmp_path, folder.name) == replace(
            status, updated=read_job(tmp_path, folder.name).updated
        )
        calls = {told.whose: told.calls for told in status.spending}
        assert calls["teacher"] == 30 and calls["judge"] == len(server.calls) - 30 > 0
        after = quotes(spec, tmp_path)
        assert [quote.estimate.known for quote in after] == [30, calls["judge"]], "made from what the ledgers hold"
        assert [quote.estimate.money for quote in after] == [0.0, 0.0] and after[1].spending.calls == calls["judge"]
