"""A run's directory is whole or not there, and what is read from it is what was written."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from training.engine.train_checkpoints import mark_whole
from training.errors import InputError, RunError, StorageError
from training.runs.config import RunConfig
from training.runs.directory import (
    append_sample,
    change_status,
    create_run,
    cut_samples,
    delete_run,
    last_step,
    list_runs,
    log_tail,
    read_config_of,
    read_facts,
    read_key,
    read_metrics,
    read_notes,
    read_samples,
    read_status,
    run_folder,
    run_names,
    runs_folder,
    slug,
    write_facts,
    write_notes,
    write_status,
)
from training.runs.records import RunNotes, Sample

CONFIG = RunConfig(dataset="small-0123", target_modules=("q_proj", "v_proj"), learning_rate=1e-3, max_steps=20)


def make(home: Path, config: RunConfig = CONFIG) -> Path:
    return run_folder(home, create_run(home, config).run)


def test_a_new_run_is_queued_and_complete(tmp_path: Path) -> None:
    facts = create_run(tmp_path, CONFIG, dataset_sha256="d" * 64, sweep="s1", key="click")
    folder = run_folder(tmp_path, facts.run)
    assert facts.run.startswith("recipe-jsonld-r64-s20-")
    assert read_facts(folder) == facts
    assert read_config_of(folder) == CONFIG
    assert (facts.config_sha256, facts.dataset_sha256, facts.sweep) == (CONFIG.sha256, "d" * 64, "s1")
    assert "learning_rate=0.001" in facts.command and "small-0123" in facts.command
    assert facts.command.endswith(f"--home {tmp_path}")
    assert read_key(folder) == "click"
    status = read_status(folder)
    assert (status.run, status.state, status.steps, status.created) == (facts.run, "queued", 20, facts.created)
    assert "small-0123" in (folder / "config.yaml").read_text("utf-8")
    assert {path.name for path in runs_folder(tmp_path).iterdir()} == {facts.run}


def test_a_run_that_the_disk_refuses_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file stands here")
    with pytest.raises(StorageError):
        create_run(tmp_path, CONFIG)
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


def test_the_same_settings_twice_are_two_runs(tmp_path: Path) -> None:
    assert make(tmp_path) != make(tmp_path)
    assert len(run_names(tmp_path)) == 2


@pytest.mark.parametrize("name", ["", ".", "..", "../x-012345", "a/b-012345", "gone-012345", "no hex", ".new-a-012345"])
def test_a_name_that_is_no_run_is_told(tmp_path: Path, name: str) -> None:
    make(tmp_path)
    with pytest.raises(RunError, match="no run"):
        run_folder(tmp_path, name)


@pytest.mark.parametrize(
    ("label", "start"),
    [("Crème brûlée  #2", "creme-brulee-2"), ("汤", "run"), ("../../etc", "etc"), ("a" * 200, "a" * 60)],
)
def test_any_label_makes_a_folder_name(label: str, start: str) -> None:
    assert slug(label) == start


def test_moves_go_by_the_table(tmp_path: Path) -> None:
    folder = make(tmp_path)
    with pytest.raises(RunError, match="queued and can't become finished"):
        change_status(folder, "finished")
    assert change_status(folder, "starting", attempts=1).attempts == 1
    assert change_status(folder, "running", phase="loading").phase == "loading"
    assert read_status(folder).state == "running"


def test_a_wish_to_stop_shows_at_once(tmp_path: Path) -> None:
    folder = make(tmp_path)
    (folder / "stop").touch()
    assert read_status(folder).state == "queued"
    change_status(folder, "starting")
    assert read_status(folder).state == "stopping"
    assert change_status(folder, "stopped").state == "stopped"


def test_what_is_being_written_waits_for_the_next_look(tmp_path: Path) -> None:
    folder = make(tmp_path)
    assert read_metrics(folder) == []
    lines = [{"step": 1, "loss": 2.5, "seconds": 0.1}, {"step": 2, "loss": float("nan"), "of_a_newer_studio": 1}]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "metrics.jsonl").write_text(text + '{"step": 3, "lo')
    assert [step.step for step in read_metrics(folder)] == [1, 2]
    assert [step.step for step in read_metrics(folder, after=1)] == [2]
    (folder / "metrics.jsonl").write_text('{"step": 1}\n{"step": 2, "lo\n[]\n{"step": 3}\n')
    assert [step.step for step in read_metrics(folder)] == [1, 3]


def test_samples_are_kept_and_those_of_steps_made_anew_go(tmp_path: Path) -> None:
    folder = make(tmp_path)
    samples = [
        Sample(at, "row", "a post\nof two lines", '{"a": "½ \ud800"}', "strict", "stop", 0.5) for at in (2, 4, 6)
    ]
    for sample in samples:
        append_sample(folder, sample)
    assert read_samples(folder) == samples
    cut_samples(folder, 4)
    assert read_samples(folder) == samples[:2]
    cut_samples(folder, -1)
    assert read_samples(folder) == []


def test_notes_are_a_persons_own(tmp_path: Path) -> None:
    folder = make(tmp_path)
    assert read_notes(folder) == RunNotes()
    notes = RunNotes(("keep", "café"), "Better on short posts.")
    write_notes(folder, notes)
    assert read_notes(folder) == notes


def test_the_end_of_a_log_is_shown_whatever_is_in_it(tmp_path: Path) -> None:
    folder = make(tmp_path)
    assert log_tail(folder) == []
    (folder / "log.txt").write_bytes(b"first\n" + b"x" * 500_000 + b"\n\xff half a letter\nlast\n")
    assert log_tail(folder, 2) == ["\ufffd half a letter", "last"]


def test_the_list_has_the_newest_first_and_names_what_is_no_run(tmp_path: Path) -> None:
    assert list_runs(tmp_path) == ([], [])
    folders = [make(tmp_path) for _ in range(3)]
    for day, folder in zip((2, 3, 1), folders, strict=True):
        write_status(folder, replace(read_status(folder), created=f"2026-01-0{day}T00:00:00Z"))
    (runs_folder(tmp_path) / "holiday pictures").mkdir()
    (runs_folder(tmp_path) / ".new-cut-off-012345").mkdir()
    (runs_folder(tmp_path) / "registry.jsonl").touch()
    broken = make(tmp_path)
    (broken / "status.json").write_text('{"run": ')
    found, notices = list_runs(tmp_path)
    assert [status.run for status in found] == [folders[at].name for at in (1, 0, 2)]
    assert len(notices) == 2
    assert any("holiday pictures" in line for line in notices) and any(broken.name in line for line in notices)


def test_a_run_of_a_newer_studio_can_be_listed_and_says_why_it_can_not_be_run(tmp_path: Path) -> None:
    folder = make(tmp_path)
    facts = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(facts | {"planet": "Mars"}))
    assert read_facts(folder).config == CONFIG
    facts["config"]["planet"] = "Mars"
    (folder / "run.json").write_text(json.dumps(facts))
    with pytest.raises(InputError, match="planet"):
        read_facts(folder)
    assert [status.run for status in list_runs(tmp_path)[0]] == [folder.name]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("status.json", b'{"run": "a"}', "state is missing"),
        ("status.json", b'{"run": "a", "state": "dreaming"}', "'dreaming', which is no state"),
        ("status.json", b'{"run": "a", "state": "running", "step": "many"}', "step is 'many'"),
        ("status.json", b"\xff\xfe\xff", "damaged"),
        ("status.json", b"[" * 100_000, "damaged"),
        ("run.json", b'{"run": "a"}', "config is missing"),
        ("run.json", b'{"run": "a", "config": 3}', "config is 3"),
        ("notes.json", b'{"tags": 3}', "tags is 3"),
        ("notes.json", b'{"text": 3}', "text is 3"),
    ],
)
def test_a_damaged_file_is_named_with_its_run_the_reason_and_what_to_do(
    tmp_path: Path, name: str, text: bytes, words: str
) -> None:
    folder = make(tmp_path)
    (folder / name).write_bytes(text)
    with pytest.raises(StorageError, match=words) as caught:
        {"status.json": read_status, "run.json": read_facts, "notes.json": read_notes}[name](folder)
    assert name in str(caught.value) and folder.name in str(caught.value) and "backup" in caught.value.fix


def test_lines_that_are_no_record_are_left_out(tmp_path: Path) -> None:
    folder = make(tmp_path)
    (folder / "metrics.jsonl").write_text('{"step": "one"}\n{"step": 2}\n{"step": 3, "seconds": "long"}\n')
    (folder / "samples.jsonl").write_text('{"step": 1, "row": "a", "raw": "b"}\n')
    assert [step.step for step in read_metrics(folder)] == [2] and read_samples(folder) == []


def test_facts_are_completed(tmp_path: Path) -> None:
    folder = make(tmp_path)
    facts = replace(read_facts(folder), git="abc+", versions={"torch": "2.13"}, rows=7)
    write_facts(folder, facts)
    assert read_facts(folder) == facts


def test_only_whole_checkpoints_count(tmp_path: Path) -> None:
    folder = make(tmp_path)
    assert last_step(folder) == -1
    for step in (50, 100, 150):
        (folder / "checkpoints" / f"checkpoint-{step}").mkdir(parents=True)
    mark_whole(folder / "checkpoints" / "checkpoint-50")
    mark_whole(folder / "checkpoints" / "checkpoint-100")
    assert last_step(folder) == 100


def test_a_run_is_deleted_whole_and_not_while_it_is_worked_on(tmp_path: Path) -> None:
    folder, other = make(tmp_path), make(tmp_path)
    (folder / "adapter").mkdir()
    change_status(folder, "starting")
    with pytest.raises(RunError, match="is starting"):
        delete_run(tmp_path, folder.name)
    change_status(folder, "stopped")
    delete_run(tmp_path, folder.name)
    assert run_names(tmp_path) == [other.name]
    assert os.listdir(runs_folder(tmp_path)) == [other.name]
