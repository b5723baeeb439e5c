"""The register of runs that ended: HOME/runs/registry.jsonl, one line a run with its lineage and its dev figures.

Promise: a line is whole or not there, whoever writes at the same time, and a run that ended twice (stopped, resumed)
counts with its last line. Lost or damaged, the file is made anew from the runs' directories; lines of runs that were
deleted since stay, as far as they can be read. Limits: figures are on dev rows, those of the test rows stand elsewhere.
"""

import json
import os
import subprocess
from dataclasses import fields
from pathlib import Path

from training.disk import disk, read_object, write_whole
from training.errors import StudioError
from training.runs.directory import read_facts, read_metrics, read_status, run_folder, run_names, runs_folder
from training.runs.executors.local import EVALUATION
from training.runs.index import transaction
from training.runs.records import RegistryEntry
from training.runs.states import OVER
from training.task.records import to_json

FILE = "registry.jsonl"
LAST_STEPS = 10  # a run's loss is the mean of so many last steps


def registry_path(home: Path) -> Path:
    return runs_folder(home) / FILE


def append(home: Path, entry: RegistryEntry) -> None:
    """Add a run's line under the lock of the runs' index. StorageError where the disk refuses; then nothing is added.

    A torn line at the end, of a machine that stopped in the middle of one, is closed first.
    """
    path = registry_path(home)
    with transaction(home), disk("register the run", path), path.open("ab") as file:
        before = file.tell()
        torn = before > 0 and not _ends_a_line(path)
        try:
            file.write((b"\n" if torn else b"") + _line(entry))
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            file.truncate(before)
            raise


def entries(home: Path) -> list[RegistryEntry]:
    """The registered runs, the last to end first. Made from the directories where the file is not there."""
    path = registry_path(home)
    if not path.exists():
        return _sorted({entry.run: entry for entry in _from_directories(home)[0]})
    return _sorted(_read(path))


def rebuild(home: Path) -> tuple[int, list[str]]:
    """Write the file anew from the directories; returns how many runs it holds, and a line for each that can't be read.

    Lines of runs that have no directory any more are kept.
    """
    path = registry_path(home)
    with transaction(home), disk("rebuild the register of runs", path):
        found, notices = _from_directories(home)
        kept = {entry.run: entry for entry in found}
        before = _read(path) if path.exists() else {}
        whole = before | kept
        write_whole(path, "".join(_line(entry).decode() for entry in reversed(_sorted(whole))))
    return len(whole), notices


def entry_from(folder: Path) -> RegistryEntry:
    """A run's entry from its directory. StudioErrors where it can't be read."""
    facts, status, steps = read_facts(folder), read_status(folder), read_metrics(folder)
    losses = [step.loss for step in steps if step.loss is not None][-LAST_STEPS:]
    dev = [step.dev_loss for step in steps if step.dev_loss is not None]
    early = facts.config.early_stopping > 0
    report = read_object(folder / EVALUATION)  # {} after a full disk: the run stands without figures
    return RegistryEntry(
        run=facts.run, name=facts.config.label, task=facts.config.task, base=facts.config.base,
        base_sha256=facts.base_sha256, dataset=facts.dataset, dataset_sha256=facts.dataset_sha256,
        config_sha256=facts.config_sha256, state=status.state, steps=status.step, seconds=status.seconds,
        loss=sum(losses) / len(losses) if losses else None,
        dev_loss=(min(dev) if early else dev[-1]) if dev else None, ended=status.ended, git=facts.git,
        versions=facts.versions, figures=report.get("adapter", {}), base_figures=report.get("base", {}),
        sweep=facts.sweep,
    )  # fmt: skip


def git_state(root: Path) -> str:
    """The commit of the checkout at `root`, with "+" where tracked files had changed.

    Empty where `root` is no checkout, without asking git: one further up is another project's. Without a git program
    the commit is read from its files, and "?" says that nobody knows about changes.
    """
    if not (root / ".git").exists():
        return ""
    commit = _git(root, "rev-parse", "HEAD")
    if commit is None:
        found = _head(root / ".git")
        return f"{found}?" if found else ""
    changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    return commit + ("?" if changed is None else "+" if changed else "")


def _git(root: Path, *words: str) -> str | None:
    """What git says in `root`, None where there is no git or it refuses."""
    try:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _head(folder: Path) -> str:
    """The commit that HEAD names, read from the repository's files; "" where it stands elsewhere (a worktree)."""
    try:
        head = (folder / "HEAD").read_text("utf-8").strip()
        if not head.startswith("ref: "):
            return head
        name = head.removeprefix("ref: ")
        if (folder / name).is_file():
            return (folder / name).read_text("utf-8").strip()
        packed = (folder / "packed-refs").read_text("utf-8").splitlines()
    except OSError:
        return ""
    return next((line.split()[0] for line in packed if line.endswith(f" {name}")), "")


def _from_directories(home: Path) -> tuple[list[RegistryEntry], list[str]]:
    found: list[RegistryEntry] = []
    notices: list[str] = []
    for run in run_names(home):
        try:
            folder = run_folder(home, run)
            if read_status(folder).state in OVER:
                found.append(entry_from(folder))
        except StudioError as err:
            notices.append(f"{run} is not in the register: {err}")
    return found, notices


def _read(path: Path) -> dict[str, RegistryEntry]:
    """The last line of each run; what is no whole line is passed over."""
    names = {field.name for field in fields(RegistryEntry)}
    found: dict[str, RegistryEntry] = {}
    with disk("read the register of runs", path):
        lines = path.read_bytes().split(b"\n")
    for line in lines:
        try:
            data = json.loads(line)
            entry = RegistryEntry(**{key: value for key, value in data.items() if key in names})
        except (ValueError, TypeError, AttributeError):
            continue
        found[entry.run] = entry
    return found


def _sorted(found: dict[str, RegistryEntry]) -> list[RegistryEntry]:
    return sorted(found.values(), key=lambda entry: (entry.ended, entry.run), reverse=True)


def _line(entry: RegistryEntry) -> bytes:
    return json.dumps(to_json(entry)).encode() + b"\n"


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
