"""The register of runs: a line each, whole or not there, made anew from the directories; what git says of code."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from training.errors import StorageError
from training.runs.config import RunConfig
from training.runs.directory import change_status, create_run, run_folder
from training.runs.evaluation import EVALUATION
from training.runs.records import RegistryEntry
from training.runs.registry import append, entries, entry_from, git_state, rebuild, registry_path

ROOT = Path(__file__).resolve().parents[2]
CONFIG = RunConfig(dataset="d-000000000000", base="llama")


def entry(run: str, **changes: Any) -> RegistryEntry:
    told: dict[str, Any] = {
        "run": run, "name": "a name", "task": "recipe-jsonld", "base": "crumb", "base_sha256": "b", "dataset": "d",
        "dataset_sha256": "e", "config_sha256": "c", "state": "finished", "steps": 5, "seconds": 2.5, "loss": 0.5,
        "dev_loss": None, "ended": f"2026-11-21T10:00:{len(run):02d}+00:00",
        "figures": {"strict": {"value": 0.9, "low": 0.8, "high": 1.0, "n_scored": 3, "n_total": 3}},
    }  # fmt: skip
    return RegistryEntry(**(told | changes))


def test_what_is_appended_is_read_last_ended_first_and_the_last_word_counts(tmp_path: Path) -> None:
    first, second = entry("a"), entry("bb")
    for line in (first, second, replace(first, state="failed")):
        append(tmp_path, line)
    assert entries(tmp_path) == [second, replace(first, state="failed")]
    assert len(registry_path(tmp_path).read_text("utf-8").splitlines()) == 3


def test_a_torn_line_harms_no_other(tmp_path: Path) -> None:
    append(tmp_path, entry("a"))
    path = registry_path(tmp_path)
    path.write_bytes(path.read_bytes() + b'{"run": "torn", "na')
    append(tmp_path, entry("bb"))
    path.write_bytes(path.read_bytes() + b"[1]\nnull\n\xff\xfe\n")
    assert [found.run for found in entries(tmp_path)] == ["bb", "a"]


def test_processes_that_append_at_once_lose_nothing(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from training.runs.registry import append\n"
        "from tests.runs.test_registry import entry\n"
        "for n in range(15): append(Path(sys.argv[1]), entry(f'{sys.argv[2]}-{n}', versions={'long': 'x' * 20_000}))\n"
    )
    words = [[sys.executable, "-c", code, str(tmp_path), name] for name in ("one", "two", "three")]
    started = [subprocess.Popen(line, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}) for line in words]
    assert [process.wait(timeout=100) for process in started] == [0, 0, 0]
    assert len(entries(tmp_path)) == 45


def test_a_disk_that_refuses_leaves_the_register_as_it_was(tmp_path: Path) -> None:
    append(tmp_path, entry("a"))
    registry_path(tmp_path).rename(tmp_path / "kept")
    registry_path(tmp_path).mkdir()
    with pytest.raises(StorageError, match="register the run"):
        append(tmp_path, entry("bb"))


def ended(home: Path, **changes: Any) -> str:
    run = create_run(home, replace(CONFIG, **changes), dataset_sha256="d" * 64).run
    folder = run_folder(home, run)
    change_status(folder, "starting")
    change_status(folder, "running", step=12, seconds=3.5)
    change_status(folder, "finished", ended="2026-11-21T10:00:00+00:00")
    losses = [{"step": n, "loss": float(n), "dev_loss": 9.0 - n if n % 5 == 0 else None} for n in range(1, 13)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in losses), "utf-8")
    return run


def test_the_register_is_made_anew_from_the_directories(tmp_path: Path) -> None:
    run, broken = ended(tmp_path), ended(tmp_path, rank=8)
    report = {"adapter": {"strict": {"value": 1.0}}, "base": {"strict": {"value": 0.0}}}
    (run_folder(tmp_path, run) / EVALUATION).write_text(json.dumps(report), "utf-8")
    waiting = create_run(tmp_path, CONFIG).run
    found = {line.run: line for line in entries(tmp_path)}
    assert set(found) == {run, broken} and waiting not in found
    made = found[run]
    assert (made.steps, made.seconds, made.loss, made.dev_loss) == (12, 3.5, 7.5, -1.0)
    assert (made.figures, made.base_figures) == (report["adapter"], report["base"])
    assert made.config_sha256 == CONFIG.sha256 and made.dataset_sha256 == "d" * 64
    append(tmp_path, entry("deleted-since"))
    (run_folder(tmp_path, broken) / "run.json").write_text("{", "utf-8")
    count, notices = rebuild(tmp_path)
    assert count == 2 and len(notices) == 1 and broken in notices[0]
    assert {line.run for line in entries(tmp_path)} == {run, "deleted-since"}
    assert entry_from(run_folder(tmp_path, run)) in entries(tmp_path)


def test_an_evaluation_that_is_no_json_leaves_the_run_without_figures(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, ended(tmp_path))
    (folder / EVALUATION).write_text("{", "utf-8")
    assert entry_from(folder).figures == {}


def test_git_is_asked_in_a_checkout_alone(tmp_path: Path) -> None:
    assert git_state(tmp_path) == ""
    if shutil.which("git") is None:
        pytest.skip("needs git")

    def git(*words: str) -> None:
        who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True)

    git("init", "-q")
    assert git_state(tmp_path) == ""  # no commit yet
    (tmp_path / "a.txt").write_text("one", "utf-8")
    git("add", "a.txt")
    git("commit", "-q", "-m", "one")
    commit = git_state(tmp_path)
    assert len(commit) == 40
    (tmp_path / "new.txt").write_text("untracked", "utf-8")
    assert git_state(tmp_path) == commit
    (tmp_path / "a.txt").write_text("two", "utf-8")
    assert git_state(tmp_path) == commit + "+"
    (tmp_path / "inside").mkdir()
    assert git_state(tmp_path / "inside") == ""  # a repository further up is another project's


def test_without_a_git_program_the_commit_is_read_from_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    (tmp_path / ".git" / "refs" / "heads").mkdir(parents=True)
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n", "utf-8")
    (tmp_path / ".git" / "refs" / "heads" / "main").write_text("a" * 40 + "\n", "utf-8")
    assert git_state(tmp_path) == "a" * 40 + "?"
    (tmp_path / ".git" / "refs" / "heads" / "main").unlink()
    (tmp_path / ".git" / "packed-refs").write_text(f"# pack\n{'b' * 40} refs/heads/main\n", "utf-8")
    assert git_state(tmp_path) == "b" * 40 + "?"
    (tmp_path / ".git" / "HEAD").write_text("c" * 40 + "\n", "utf-8")
    assert git_state(tmp_path) == "c" * 40 + "?"
