"""One run with nothing made up: the embedded base, a shipped dataset, two steps, from the queue to the adapter."""

import json
import time
from pathlib import Path

from training.processes import read_mark
from training.runs.config import RunConfig
from training.runs.directory import last_step, log_tail, read_facts, read_metrics, read_samples, read_status, run_folder
from training.runs.executors.local import LocalLauncher, end_tree
from training.runs.queue import Queue
from training.runs.registry import entries

WAIT_S = 240


def test_two_steps_of_the_embedded_base_leave_an_adapter(tmp_path: Path) -> None:
    config = RunConfig(
        dataset="recipe-jsonld-small", max_steps=2, batch_size=1, rank=4, save_steps=1, evaluate_rows=0, threads=1
    )
    queue, launcher = Queue(tmp_path), LocalLauncher(tmp_path)
    run = queue.submit(config)
    folder = run_folder(tmp_path, run)
    deadline = time.monotonic() + WAIT_S
    try:
        while not read_status(folder).ended and time.monotonic() < deadline:
            queue.reconcile()
            time.sleep(0.2)
        while launcher.status(run) == "alive" and time.monotonic() < deadline:
            time.sleep(0.1)
    finally:
        end_tree(read_mark(folder / "process.json"))
    status = read_status(folder)
    assert status.state == "finished" and not status.error, log_tail(folder)
    assert (status.step, status.steps) == (2, 2)
    assert Path(status.adapter) == folder / "adapter"
    names = {path.name for path in launcher.artifacts(run)}
    assert {"adapter_config.json", "adapter_model.safetensors"} <= names
    assert [step.step for step in read_metrics(folder) if step.loss is not None] == [1, 2]
    assert last_step(folder) == 2 and read_samples(folder) == []
    facts = read_facts(folder)
    assert facts.rows > 300 and facts.trainable_parameters > 0 and facts.dataset_sha256 and facts.versions["torch"]
    assert json.loads((folder / "exit.json").read_text())["code"] == 0
    assert [(entry.run, entry.state, entry.steps) for entry in entries(tmp_path)] == [(run, "finished", 2)]
