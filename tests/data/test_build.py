"""A build tells every step, can be stopped and taken up again, and leaves a whole version or none."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from training.data import stages
from training.data.build import Parts, Progress, build, building_folder
from training.data.build_gates import gate_rows
from training.data.build_job import cancel_job, forget_job, list_jobs, read_job, run_job, start_build
from training.data.gates.report import Gated, Looked
from training.data.makers import RenderSpec
from training.data.rows import BadRecord, DataRow, Refusal, SourceRow
from training.data.spec import DatasetSpec, SourceSpec, SplitSpec, write_spec
from training.data.teacher.plan import TeacherSpec
from training.data.version_changes import compare_versions
from training.data.version_files import row_json, write_lines
from training.data.versions import list_versions, open_version, rows_of
from training.errors import BusyError, DataError, StudioError
from training.processes import mark_of
from training.task.pack import BUILTIN, load_pack

SPEC = DatasetSpec(
    "recipe-jsonld", "soups", (SourceSpec("grammar", rows=40, licence="CC0-1.0"), SourceSpec("corpus", rows=10))
)


class Fake:
    """Parts that count how often they were asked; every tenth record is bad, every seventh row is refused."""

    def __init__(self, order: int = 1) -> None:
        self.order, self.asked = order, Counter[str]()

    def parts(self) -> Parts:
        return Parts(self.read, self.make, self.gate, self.leaks)

    def read(self, source: SourceSpec, seed: int) -> Iterator[SourceRow | BadRecord]:
        self.asked[f"read {source.kind}"] += 1
        for n in range(source.rows)[:: self.order]:
            if n % 10 == 9:
                yield BadRecord(source.origin, f"number {n}", "it is torn", "{")
            else:
                yield SourceRow({"title": f"{source.kind} {n}"}, source.origin, f"number {n}", f"{source.kind}{n}")

    def make(
        self, task: str, rows: Iterator[SourceRow], render: RenderSpec, seed: int
    ) -> Iterator[DataRow | BadRecord]:
        for row in rows:
            title = row.fields["title"]
            yield DataRow(task, f"{title}: a post", {"name": title}, row.group, row.origin, row.place, "CC0-1.0")

    def gate(self, rows: Iterable[DataRow], spec: DatasetSpec, home: Path, *_: Any) -> Iterator[Gated]:
        self.asked["gate"] += 1
        for row in rows:
            bad = int(row.gold["name"].split()[1]) % 7 == 3
            yield row, ((Refusal("trivial", "it says nothing"),) if bad else ())

    def leaks(self, train: Sequence[DataRow], test: Sequence[DataRow]) -> dict[str, Any]:
        self.asked["leaks"] += 1
        return {"lines": [f"0 of {len(test)} test rows are in {len(train)} training rows."]}


def run(home: Path, fake: Fake | None = None, spec: DatasetSpec = SPEC) -> list[Progress]:
    return list(build(spec, home, parts=(fake or Fake()).parts()))


def test_a_build_ends_in_a_version_whose_counts_add_up(tmp_path: Path) -> None:
    steps = run(tmp_path)
    assert [step.stage for step in steps if step.stage != "rows"][-1] == "done"
    version = open_version(tmp_path / "datasets" / steps[-1].version)
    gates = version.read("gates")
    assert gates["n_in"] == gates["n_kept"] + gates["n_refused"] == 45
    assert gates["bad_records"] == 5
    assert sum(version.rows.values()) == gates["n_kept"] == steps[-1].done
    assert [source["rows"] for source in gates["sources"]] == [36, 9]
    refused = [json.loads(line) for line in (version.folder / "refused.jsonl").read_text("utf-8").splitlines()]
    assert len([line for line in refused if "row" in line]) == gates["n_refused"]
    assert {line["row"]["id"] for line in refused if "row" in line}.isdisjoint(
        row.id for part in version.rows for row in rows_of(version, part)
    )
    assert [line["bad"]["reason"] for line in refused if "bad" in line] == ["it is torn"] * 5
    assert version.read("leaks")["lines"] == [f"0 of {version.rows['test']} test rows are in {version.rows['train']} "
                                              "training rows."]  # fmt: skip
    assert not (building_folder(tmp_path, SPEC) / "stages").exists()


def test_the_same_spec_gives_the_same_version_in_another_home_and_from_another_order(tmp_path: Path) -> None:
    first = run(tmp_path / "a")[-1].version
    assert run(tmp_path / "b", Fake(order=-1))[-1].version == first
    assert run(tmp_path / "a")[-1].version == first
    assert len(list_versions(tmp_path / "a" / "datasets")[0]) == 1
    other = run(tmp_path / "a", spec=replace(SPEC, seed=8))[-1].version
    folder = tmp_path / "a" / "datasets"
    diff = compare_versions(open_version(folder / first), open_version(folder / other))
    assert other != first and diff.moved and not (diff.added or diff.removed)


def test_progress_goes_through_the_stages_and_counts_reasons(tmp_path: Path) -> None:
    steps = run(tmp_path)
    order = list(dict.fromkeys(step.stage for step in steps))
    assert order == ["rows", "gates", "split", "leaks", "version", "done"]
    last_gate = [step for step in steps if step.stage == "gates"][-1]
    assert (last_gate.done, last_gate.total) == (45, 45)
    assert sum(last_gate.counts.values()) == 45 and last_gate.counts["trivial"] > 0


def test_a_cancelled_build_leaves_no_version_and_is_taken_up_again(tmp_path: Path) -> None:
    fake, asked = Fake(), []

    def cancelled() -> bool:
        asked.append(1)
        return fake.asked["gate"] > 0

    steps = list(build(SPEC, tmp_path, parts=fake.parts(), cancelled=cancelled))
    assert steps[-1] == Progress("cancelled")
    assert list_versions(tmp_path / "datasets") == ([], [])
    again = run(tmp_path, fake)
    assert again[-1].version
    assert fake.asked == {"read grammar": 1, "read corpus": 1, "gate": 2, "leaks": 1}
    assert again[-1].version == run(tmp_path / "other")[-1].version


def test_a_build_that_breaks_goes_on_where_it_was(tmp_path: Path) -> None:
    fake = Fake()

    def broken(train: Sequence[DataRow], test: Sequence[DataRow]) -> dict[str, Any]:
        raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        list(build(SPEC, tmp_path, parts=replace(fake.parts(), leaks=broken)))
    assert list_versions(tmp_path / "datasets") == ([], [])
    run(tmp_path, fake)
    assert fake.asked == {"read grammar": 1, "read corpus": 1, "gate": 1, "leaks": 1}


def test_a_stage_whose_file_was_cut_off_is_made_anew(tmp_path: Path) -> None:
    fake = Fake()
    steps = build(SPEC, tmp_path, parts=fake.parts())
    while next(steps).stage != "split":
        pass
    steps.close()
    kept = building_folder(tmp_path, SPEC) / "stages" / "gates-kept.jsonl"
    kept.write_bytes(kept.read_bytes()[:-40])
    run(tmp_path, fake)
    assert fake.asked["gate"] == 2 and fake.asked["read grammar"] == 1


def test_a_changed_file_is_read_anew_and_a_pinned_source_goes_where_it_was_pinned(tmp_path: Path) -> None:
    path = tmp_path / "kept.jsonl"
    path.write_text("one\n")
    spec = replace(SPEC, folder=str(tmp_path), sources=(
        SourceSpec("grammar", rows=40), SourceSpec("file", path="kept.jsonl", rows=5, part="golden"),
    ))  # fmt: skip
    fake = Fake()
    steps = build(spec, tmp_path, parts=fake.parts())
    while next(steps).stage != "split":
        pass
    steps.close()
    path.write_text("two\n")
    version = open_version(tmp_path / "datasets" / run(tmp_path, fake, spec)[-1].version)
    assert fake.asked["read file"] == 2 and fake.asked["read grammar"] == 1
    assert {row.origin for row in rows_of(version, "golden")} == {"kept.jsonl"}


def test_stages_of_another_code_or_pack_are_not_taken_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = Fake()

    def stop_at_split() -> None:
        steps = build(SPEC, tmp_path, parts=fake.parts())
        while next(steps).stage != "split":
            pass
        steps.close()

    stop_at_split()
    (tmp_path / "tasks" / SPEC.task).mkdir(parents=True)
    (tmp_path / "tasks" / SPEC.task / "task.yaml").write_text("changed")
    stop_at_split()
    assert fake.asked == {"read grammar": 2, "read corpus": 2, "gate": 2}
    monkeypatch.setattr("training.data.build.material_hash", lambda: "other words")
    stop_at_split()
    assert fake.asked == {"read grammar": 3, "read corpus": 3, "gate": 2}  # the same rows came of it
    monkeypatch.setattr(stages, "code_hash", lambda: "other")
    stop_at_split()
    assert fake.asked == {"read grammar": 4, "read corpus": 4, "gate": 3}


def test_the_words_that_rows_are_written_with_are_part_of_what_goes_in(tmp_path: Path) -> None:
    assert all(folder.is_dir() for folder in stages.MATERIAL)
    (tmp_path / "words").mkdir()
    before = stages.folder_hash(tmp_path)
    (tmp_path / "words" / "things.txt").write_text("spoon")
    assert stages.folder_hash(tmp_path) != before


def test_rows_and_gates_tell_how_far_they_are_of_how_many(tmp_path: Path) -> None:
    def gate(rows: Iterable[DataRow], *_: Any) -> Iterator[Gated | Looked]:
        held = list(rows)
        yield from (Looked(done) for done in (100, 200))
        yield from ((row, ()) for row in held)

    spec = replace(SPEC, sources=(SourceSpec("grammar", rows=300),))
    steps = list(build(spec, tmp_path, parts=replace(Fake().parts(), gate=gate)))
    rows = [(step.done, step.total) for step in steps if step.stage == "rows"]
    assert len(rows) >= 3 and rows[:-1] == sorted(rows[:-1])
    assert all(total == 300 and 100 <= done <= 300 for done, total in rows[:-1])
    gates = [(step.done, step.total) for step in steps if step.stage == "gates"]
    assert gates == [(0, 270), (100, 270), (200, 270), (270, 270)]


def test_shares_beside_a_teacher_are_refused_before_anybody_is_asked(tmp_path: Path) -> None:
    fake = Fake()
    spec = replace(SPEC, teacher=TEACHER, render=RenderSpec(slices={"orders": 1.0}))
    with pytest.raises(DataError, match="render beside a teacher") as found:
        run(tmp_path, fake, spec)
    assert "take render out" in found.value.fix and not fake.asked


def test_a_protected_row_is_refused_by_the_real_gates(tmp_path: Path) -> None:
    pack = load_pack(BUILTIN / "recipe-jsonld")
    rows = [
        DataRow(pack.name, example.text, example.gold, example.id, "examples", licence="Apache-2.0")
        for example in pack.examples
        if example.kind == "text" and example.gold
    ][:2]
    write_lines(tmp_path / "exam.jsonl", [row_json(rows[0])])
    gates = {"supported": {"policy": "off"}, "quotas": None, "personal": "off", "secrets": "off"}
    spec = replace(SPEC, gates=gates, protect=("exam.jsonl",), folder=str(tmp_path))
    refused = [{refusal.gate for refusal in refusals} for _, refusals in gate_rows(rows, spec, tmp_path)]
    assert "evaluation" in refused[0] and "evaluation" not in refused[1]


@pytest.mark.parametrize("change", [{"protect": ("gone.jsonl",)}, {"protect": ("gone",)}, {"tokenizer": "./gone"}])
def test_what_is_not_there_is_told_before_a_row_is_made(tmp_path: Path, change: dict[str, Any]) -> None:
    fake = Fake()
    with pytest.raises(StudioError, match="gone") as caught:
        run(tmp_path, fake, replace(SPEC, folder=str(tmp_path), **change))
    assert "disk space" not in caught.value.fix and not fake.asked
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no dataset version"):
        run(tmp_path, fake, replace(SPEC, folder=str(tmp_path), protect=("empty",)))


def test_a_named_base_sets_how_long_prompt_and_answer_may_be_together(tmp_path: Path) -> None:
    gates = {"supported": {"policy": "off"}, "quotas": None}
    rows = [DataRow("recipe-jsonld", "soup " * 3000, {}, "g", "file", licence="CC0-1.0")]

    def refused(**changes: Any) -> set[str]:
        [(_, refusals)] = gate_rows(rows, replace(SPEC, **{"gates": gates, **changes}), tmp_path)
        return {refusal.reason for refusal in refusals if refusal.gate == "length"}

    assert refused() == set()
    assert "the model reads 2,048 in all" in refused(tokenizer="crumb").pop()
    assert refused(tokenizer="crumb", gates={**gates, "lengths": {"context_tokens": None}}) == set()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"make": lambda *_: iter([BadRecord("a.csv", "line 2", "it is torn")])}, "a.csv, line 2: it is torn"),
        ({"read": lambda *_: iter([])}, "grammar, corpus gave none"),
        ({"gate": lambda rows, *_: ((row, (Refusal("schema", "no"),)) for row in rows)}, "Not one of 45 .* schema 45"),
    ],
)
def test_a_build_without_rows_says_why(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        list(build(SPEC, tmp_path, parts=replace(Fake().parts(), **change)))
    assert list_versions(tmp_path / "datasets") == ([], [])


def test_a_spec_is_built_by_one_process_at_a_time(tmp_path: Path) -> None:
    first = build(SPEC, tmp_path, parts=Fake().parts())
    next(first)
    with pytest.raises(BusyError, match=f"process {os.getpid()}"):
        run(tmp_path)
    first.close()
    assert run(tmp_path)[-1].version


def test_a_dead_process_holds_nothing(tmp_path: Path) -> None:
    folder = building_folder(tmp_path, SPEC)
    folder.mkdir(parents=True)
    (folder / "claim.json").write_text(json.dumps({"pid": os.getpid(), "began": 1.0}))
    assert run(tmp_path)[-1].version
    (folder / "claim.json").write_text('{"pid": ')
    assert run(tmp_path)[-1].version


TEACHER = TeacherSpec("http://localhost:9/v1", "large")


def test_a_teacher_writes_the_rows_and_what_it_doubts_is_set_aside(tmp_path: Path) -> None:
    def teach(rows: Iterator[SourceRow], spec: DatasetSpec, *_: Any) -> Iterator[DataRow | BadRecord]:
        for number, row in enumerate(Fake().make(spec.task, rows, spec.render, spec.seed)):
            yield replace(row, notes={"review": "saffron"}) if number % 9 == 0 else row

    spec = replace(SPEC, teacher=TEACHER)
    steps = list(build(spec, tmp_path, parts=replace(Fake().parts(), teach=teach)))
    version = open_version(tmp_path / "datasets" / steps[-1].version)
    gates = version.read("gates")
    assert (gates["n_in"], gates["bad_records"]) == (40, 5 + 4 + 1)
    refused = [json.loads(line) for line in (version.folder / "refused.jsonl").read_text("utf-8").splitlines()]
    assert sum(r["gate"] == "review" for line in refused for r in line.get("refusals", [])) == 5
    assert gates["bad_kinds"] == {"review": 5, "unreadable": 5} and sum(gates["bad_kinds"].values()) == 10
    assert "large" in (version.folder / "card.md").read_text("utf-8")
    assert version.spec.teacher == TEACHER


def test_half_of_what_a_teacher_was_to_write_is_no_stage(tmp_path: Path) -> None:
    def teach(rows: Iterator[SourceRow], spec: DatasetSpec, *_: Any) -> Iterator[DataRow | BadRecord]:
        yield from islice(Fake().make(spec.task, rows, spec.render, spec.seed), 3)
        raise DataError("The teacher stopped.", fix="Raise the cap.")

    spec, fake = replace(SPEC, teacher=TEACHER), Fake()
    for asked in (1, 2):
        with pytest.raises(DataError, match="stopped"):
            list(build(spec, tmp_path, parts=replace(fake.parts(), teach=teach)))
        assert fake.asked == {"read grammar": asked}
    assert list_versions(tmp_path / "datasets") == ([], [])


def job_folder(home: Path, spec: DatasetSpec = SPEC, state: str = "queued") -> Path:
    folder = building_folder(home, spec)
    folder.mkdir(parents=True)
    job = {"spec": write_spec(spec), "folder": spec.folder, "home": str(home)}
    (folder / "job.json").write_text(json.dumps(job))
    (folder / "status.json").write_text(json.dumps(
        {"id": folder.name, "name": spec.name, "task": spec.task, "state": state, "updated": "2026-01-01T00:00:00Z"}
    ))  # fmt: skip
    return folder


def test_a_job_keeps_its_status_to_the_end(tmp_path: Path) -> None:
    folder = job_folder(tmp_path)
    status = run_job(folder, Fake().parts())
    assert (status.state, status.stage) == ("finished", "done")
    assert open_version(tmp_path / "datasets" / status.version).rows
    kept = read_job(tmp_path, folder.name)
    assert replace(kept, updated="") == status and kept.updated
    forget_job(tmp_path, folder.name)
    assert list_jobs(tmp_path) == [] and len(list_versions(tmp_path / "datasets")[0]) == 1


def test_a_job_that_fails_says_why_and_how_to_mend_it(tmp_path: Path) -> None:
    folder = job_folder(tmp_path, replace(SPEC, split=SplitSpec(by="date")))
    status = run_job(folder, Fake().parts())
    assert status.state == "failed"
    assert "have no date" in status.error and "date_column" in status.fix
    assert read_job(tmp_path, folder.name).error == status.error


def test_a_fault_is_told_and_raised(tmp_path: Path) -> None:
    def broken(*_: Any) -> Iterator[SourceRow]:
        raise ZeroDivisionError("oh")

    folder = job_folder(tmp_path)
    with pytest.raises(ZeroDivisionError):
        run_job(folder, replace(Fake().parts(), read=broken))
    assert read_job(tmp_path, folder.name).state == "failed"


def test_a_job_is_cancelled_by_a_word_on_the_disk(tmp_path: Path) -> None:
    folder = job_folder(tmp_path)
    cancel_job(tmp_path, folder.name)
    status = run_job(folder, Fake().parts())
    assert (status.state, status.version) == ("cancelled", "")
    assert list_versions(tmp_path / "datasets") == ([], [])


def test_a_dead_process_is_told_as_lost(tmp_path: Path) -> None:
    folder = job_folder(tmp_path, state="running")
    assert read_job(tmp_path, folder.name).state == "lost"
    (folder / "process.json").write_text(json.dumps(mark_of(os.getpid())))
    assert read_job(tmp_path, folder.name).state == "running"
    with pytest.raises(DataError, match="under way"):
        forget_job(tmp_path, folder.name)
    (folder / "process.json").write_text(json.dumps({**mark_of(os.getpid()), "began": 1.0}))
    assert read_job(tmp_path, folder.name).state == "lost"
    assert [status.state for status in list_jobs(tmp_path)] == ["lost"]


def test_force_ends_the_process_of_the_job(tmp_path: Path) -> None:
    folder = job_folder(tmp_path, state="running")
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    (folder / "process.json").write_text(json.dumps(mark_of(child.pid)))
    cancel_job(tmp_path, folder.name, force=True)
    assert child.wait(timeout=30) != 0
    assert read_job(tmp_path, folder.name).state == "cancelled"


def test_a_second_process_of_the_same_job_leaves_the_status_alone(tmp_path: Path) -> None:
    folder = job_folder(tmp_path)
    before = (folder / "status.json").read_text()
    first = build(SPEC, tmp_path, parts=Fake().parts())
    next(first)
    assert "is being built" in run_job(folder, Fake().parts()).error
    assert (folder / "status.json").read_text() == before


@pytest.mark.parametrize("job", ["", "..", "0123", "a/b"])
def test_a_job_that_is_not_there_is_told(tmp_path: Path, job: str) -> None:
    with pytest.raises(DataError, match="no build"):
        read_job(tmp_path, job)


def test_a_job_runs_as_a_process_of_its_own_and_its_failure_is_found_later(tmp_path: Path) -> None:
    """A file that is not there: the quickest end that a real process can come to."""
    spec = DatasetSpec("recipe-jsonld", "soups", (SourceSpec("file", path="gone.csv"),), folder=str(tmp_path))
    job = start_build(spec, tmp_path)
    deadline = time.monotonic() + 60
    while read_job(tmp_path, job).state in ("queued", "running") and time.monotonic() < deadline:
        time.sleep(0.1)
    status = read_job(tmp_path, job)
    assert status.state == "failed", (building_folder(tmp_path, spec) / "log.txt").read_text()
    assert "gone.csv" in status.error and status.fix


def test_sixty_recipes_of_the_built_in_grammar_become_a_version(tmp_path: Path) -> None:
    """The real parts from end to end: grammar, posts, gates, leak report."""
    spec = DatasetSpec("recipe-jsonld", "sixty", (SourceSpec("grammar", rows=60),), RenderSpec(facts="random"))
    steps = list(build(spec, tmp_path))
    version = open_version(tmp_path / "datasets" / steps[-1].version)
    gates = version.read("gates")
    assert gates["n_in"] == 60 == gates["n_kept"] + gates["n_refused"] + gates["bad_records"]
    assert gates["n_kept"] >= 40
    assert {"train", "dev", "test"} == set(version.rows)
    groups = {part: {row.group for row in rows_of(version, part)} for part in version.rows}
    assert groups["train"].isdisjoint(groups["test"] | groups["dev"])
    leaks = version.read("leaks")
    assert leaks["n_test"] == version.rows["test"] and leaks["exact"] == [] == leaks["groups"]
    card = (version.folder / "card.md").read_text("utf-8")
    assert "grammar" in card and "unknown" not in card
    assert list(build(spec, tmp_path / "again"))[-1].version == version.name
