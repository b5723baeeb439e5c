"""A teacher within a build, asked over real HTTP: what it may cost is told, nothing is paid twice, a cap holds."""

import socket
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.data.teacher.server import Say, Teacher, completion, good
from training.chat.cost import Caps, Prices
from training.chat.endpoint import reach
from training.chat.ledger import used_in
from training.data.build import build
from training.data.build_cost import quotes
from training.data.build_teacher import estimate_teacher, ledger_path
from training.data.candidates import Candidate, accept_candidates, add_candidate
from training.data.spec import DatasetSpec, SourceSpec
from training.data.teacher.plan import TeacherSpec
from training.data.versions import list_versions, open_version, rows_of
from training.errors import DataError


@pytest.fixture
def teacher() -> Iterator[Teacher]:
    with Teacher(good).running() as running:
        yield running


def spec_of(url: str, **changes: object) -> DatasetSpec:
    asked = TeacherSpec(url, "large", styles=("clean",), retries=0, **changes)  # pyright: ignore[reportArgumentType]
    return DatasetSpec("recipe-jsonld", "taught", (SourceSpec("grammar", rows=12),), teacher=asked)


def test_what_is_paid_is_known_before_and_after_and_paid_once(teacher: Teacher, tmp_path: Path) -> None:
    spec = spec_of(teacher.url, prices=Prices(1.0, 2.0), concurrency=1)
    before = estimate_teacher(spec, tmp_path)
    assert before.requests == 12 and before.known == 0 and before.money and before.most_money
    assert teacher.calls == []
    assert used_in(ledger_path(tmp_path / "elsewhere", spec))[0].calls == 0 and not (tmp_path / "elsewhere").exists()
    steps = list(build(spec, tmp_path))
    assert steps[-1].stage == "done" and len(teacher.calls) == 12
    assert len([step for step in steps if step.stage == "rows"]) >= 12  # a word for each row that is paid for
    used, damaged = used_in(ledger_path(tmp_path, spec))
    assert damaged == 0 and used.calls == 12 and used.output_tokens == 12 * 50
    paid = [step.spending for step in steps if step.spending is not None]
    assert [told.calls for told in paid][-1] == 12 and len({told.calls for told in paid}) > 6, "told as it is spent"
    assert {told.whose for told in paid} == {"teacher"} and paid[-1].money == pytest.approx(12 * 200e-6)
    after = estimate_teacher(spec, tmp_path)
    assert (after.known, after.money) == (12, 0.0)
    list(build(replace(spec, split=replace(spec.split, preset="70/15/15")), tmp_path))
    assert len(teacher.calls) == 12


def test_slices_of_a_teacher_are_built_counted_and_answered_by_what_is_left(teacher: Teacher, tmp_path: Path) -> None:
    spec = spec_of(teacher.url, slices={"plain": 0.4, "no_ingredients": 0.3, "orders": 0.3})
    spec = replace(spec, sources=(SourceSpec("grammar", rows=40),), gates={"quotas": {"style": None, "slice": None}})
    version = open_version(tmp_path / "datasets" / list(build(spec, tmp_path))[-1].version)
    rows = [row for part in ("train", "dev", "test") for row in rows_of(version, part)]
    counts = Counter(row.slice for row in rows)
    assert set(counts) == {"plain", "no_ingredients", "orders"} and min(counts.values()) >= 5
    assert all(("recipeIngredient" in row.gold) == (row.slice != "no_ingredients") for row in rows)
    assert all((row.notes.get("added") == "orders") == (row.slice == "orders") for row in rows)
    assert "no_ingredients" in (version.folder / "card.md").read_text("utf-8")


def test_finished_rows_beside_a_teacher_pass_without_being_asked_about(teacher: Teacher, tmp_path: Path) -> None:
    text = "What a lovely day it was at the sea, with nothing to cook and nothing to wash up."
    sent = Candidate("a" * 16, "recipe-jsonld", text, {}, "corrected", "c1", "2026-03-05")
    add_candidate(tmp_path, sent)
    spec = accept_candidates(tmp_path, spec_of(teacher.url), [sent.id], licence="CC0-1.0")
    assert estimate_teacher(spec, tmp_path).requests == 12
    steps = list(build(spec, tmp_path))
    version = open_version(tmp_path / "datasets" / steps[-1].version)
    kept = [row for row in rows_of(version, "test") if row.source == sent.source]
    assert len(kept) == 1 and kept[0].gold == {} and len(teacher.calls) == 12
    assert version.read("gates")["bad_records"] == 0


def test_a_damaged_ledger_is_told_before_and_while_it_is_paid_again(teacher: Teacher, tmp_path: Path) -> None:
    spec = spec_of(teacher.url, prices=Prices(1.0, 2.0))
    list(build(spec, tmp_path))
    path = ledger_path(tmp_path, spec)
    lines = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join([lines[0][:40] + "\n", *lines[1:]]), "utf-8")
    (quote,) = quotes(spec, tmp_path)
    assert (quote.estimate.requests, quote.estimate.known) == (12, 11)
    assert "1 line of its ledger is damaged" in quote.lines()[-1]
    steps = list(build(spec, tmp_path))
    told = [step.spending for step in steps if step.spending is not None]
    assert told and told[-1].damaged == 1 and len(teacher.calls) == 13


def test_what_no_row_could_be_made_of_is_counted_by_kind(tmp_path: Path) -> None:
    def script(number: int, body: dict[str, Any]) -> Say:
        return completion("11 22 33 44 55 66 77") if number < 2 else good(number, body)

    with Teacher(script).running() as careless:
        steps = list(build(spec_of(careless.url, concurrency=1), tmp_path))
    version = open_version(tmp_path / "datasets" / steps[-1].version)
    gates = version.read("gates")
    assert gates["bad_kinds"] == {"garbage": 2} and (gates["n_in"], gates["bad_records"]) == (10, 2)
    assert "garbage 2" in (version.folder / "card.md").read_text("utf-8")


def test_a_cap_ends_the_build_and_a_higher_one_goes_on_from_there(teacher: Teacher, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cap of 5 calls") as caught:
        list(build(spec_of(teacher.url, caps=Caps(calls=5)), tmp_path))
    assert "not paid for twice" in caught.value.fix and len(teacher.calls) == 5
    assert list_versions(tmp_path / "datasets")[0] == []
    list(build(spec_of(teacher.url, caps=Caps(calls=50)), tmp_path))
    assert len(teacher.calls) == 12 and len(list_versions(tmp_path / "datasets")[0]) == 1


def test_an_endpoint_is_knocked_at_without_the_key_and_without_asking_anything(
    teacher: Teacher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUR_TEACHER", "sk-secret-of-ours")
    reach(TeacherSpec(teacher.url, "large", key_env="OUR_TEACHER"))
    assert teacher.calls == []
    monkeypatch.delenv("OUR_TEACHER")
    monkeypatch.setattr("keyring.get_password", lambda service, name: None)
    with pytest.raises(DataError, match="OUR_TEACHER is not set") as caught:
        reach(TeacherSpec(teacher.url, "large", key_env="OUR_TEACHER"))
    assert "keyring set" in caught.value.fix


def test_where_nothing_answers_is_told(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # nobody listens there
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/v1"
        with pytest.raises(DataError, match="No endpoint answers") as caught:
            reach(TeacherSpec(address, "large"))
    assert "Nothing was paid" in caught.value.fix
    assert not ledger_path(tmp_path, spec_of(address)).exists()
