"""A run that was stopped, or died, goes on as if nothing had been: the same curve, the same bytes."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.engine.training import ROWS, curve, job_for, train_tiny
from training.engine.hashes import hash_files
from training.engine.train import Hooks
from training.engine.train_checkpoints import last_whole, step_of
from training.engine.train_watch import read_steps
from training.errors import InputError, ModelError, StorageError

# dropout draws random numbers each step; 12 steps of 8 rows over 48 rows cross the border of an epoch twice
LIVELY: dict[str, Any] = {
    "max_steps": 14, "save_steps": 4, "grad_accumulation": 2, "batch_size": 4, "dropout": 0.1, "dev_rows": ROWS[:5],
    "eval_steps": 3, "max_grad_norm": 0.5,
}  # fmt: skip


def stop_at(step: int) -> Hooks:
    """Hooks that ask to stop once `step` steps were taken."""
    asked = iter([False] * (step - 1) + [True] * 100)
    return Hooks(stop=lambda: next(asked))


def weights(folder: Path) -> str:
    return hash_files(sorted(folder.glob("*.safetensors")))


@pytest.mark.parametrize("method", ["lora", "full"])
def test_stopped_and_resumed_it_ends_with_the_very_same_bytes(tiny_models: Path, tmp_path: Path, method: str) -> None:
    lively = LIVELY | {"method": method, "learning_rate": 1e-2 if method == "lora" else 1e-3}
    whole = train_tiny(tiny_models, tmp_path / "whole", "llama", **lively)
    stopped = train_tiny(tiny_models, tmp_path / "cut", "llama", hooks=stop_at(7), **lively)
    assert (stopped.state, stopped.steps) == ("stopped", 7)
    assert not stopped.adapter.exists(), "a run that is not finished offers no adapter"
    found = last_whole(tmp_path / "cut" / "checkpoints")
    assert found is not None and step_of(found) == 7, "the step was finished and saved"
    resumed = train_tiny(tiny_models, tmp_path / "cut", "llama", resume=True, **lively)
    assert (resumed.state, resumed.steps, resumed.loss) == ("finished", 14, whole.loss)
    assert curve(tmp_path / "whole") == curve(tmp_path / "cut")
    assert weights(whole.adapter) == weights(resumed.adapter)
    assert resumed.seconds > stopped.seconds


def test_a_killed_run_goes_on_from_its_last_whole_checkpoint(tiny_models: Path, tmp_path: Path) -> None:
    whole = train_tiny(tiny_models, tmp_path / "whole", "gpt2", **LIVELY)
    cut = tmp_path / "cut"
    shutil.copytree(tmp_path / "whole", cut)
    shutil.rmtree(cut / "adapter")
    (cut / "checkpoints" / "checkpoint-14" / "whole").unlink()  # killed while it was written
    with (cut / "metrics.jsonl").open("a") as file:
        file.write('{"step": 15, "lo')
    resumed = train_tiny(tiny_models, cut, "gpt2", resume=True, **LIVELY)
    assert curve(tmp_path / "whole") == curve(cut)
    assert weights(whole.adapter) == weights(resumed.adapter)


def test_a_run_killed_after_its_last_step_only_writes_its_adapter(tiny_models: Path, tmp_path: Path) -> None:
    whole = train_tiny(tiny_models, tmp_path, **LIVELY)
    before, lines = weights(whole.adapter), curve(tmp_path)
    shutil.rmtree(whole.adapter)
    again = train_tiny(tiny_models, tmp_path, resume=True, **LIVELY)
    assert (again.steps, again.loss, weights(again.adapter)) == (14, whole.loss, before)
    assert curve(tmp_path) == lines


def test_without_resume_it_begins_anew_and_old_checkpoints_go(tiny_models: Path, tmp_path: Path) -> None:
    train_tiny(tiny_models, tmp_path, max_steps=4, save_steps=2)
    train_tiny(tiny_models, tmp_path, max_steps=3, save_steps=3)
    assert [path.name for path in (tmp_path / "checkpoints").glob("checkpoint-*")] == ["checkpoint-3"]
    assert [step.step for step in read_steps(tmp_path / "metrics.jsonl")] == [1, 2, 3]


def test_resume_without_a_checkpoint_begins_anew(tiny_models: Path, tmp_path: Path) -> None:
    assert train_tiny(tiny_models, tmp_path, max_steps=2, resume=True).steps == 2


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_checkpoint(tiny_models: Path, tmp_path: Path) -> None:
    wild: dict[str, Any] = {
        "max_steps": 40,
        "save_steps": 1,
        "learning_rate": 1e18,
        "max_grad_norm": 0.0,
        "warmup": 3.0,
    }
    with pytest.raises(ModelError, match="is not a number any more at step") as caught:
        train_tiny(tiny_models, tmp_path, "llama", **wild)
    assert "ower learning_rate from 1e+18" in caught.value.fix
    assert "max_grad_norm to 1" in caught.value.fix
    kept = last_whole(tmp_path / "checkpoints")
    assert kept is not None
    assert f"checkpoint of step {step_of(kept)} is kept" in caught.value.fix
    steps = read_steps(tmp_path / "metrics.jsonl")
    assert steps[-1].step == step_of(kept), "the broken step is neither a line nor a checkpoint"
    assert not (tmp_path / "adapter").exists()


def test_a_disk_that_refuses_says_so_and_the_checkpoint_stays(tiny_models: Path, tmp_path: Path) -> None:
    """A real refusal: past the size that the process may write, as a full disk would, EFBIG instead of ENOSPC."""
    resource = pytest.importorskip("resource")
    import signal

    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    def fill(step: Any) -> None:
        if step.step == 3:
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limit[1]))

    try:
        with pytest.raises(StorageError, match="refused") as caught:
            train_tiny(tiny_models, tmp_path, max_steps=6, save_steps=2, hooks=Hooks(step=fill))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, ignored)
    assert "resume" in caught.value.fix
    assert [path.name for path in (tmp_path / "checkpoints").glob("checkpoint-*")] == ["checkpoint-2"]
    assert train_tiny(tiny_models, tmp_path, max_steps=6, save_steps=2, resume=True).steps == 6


def test_a_folder_that_can_not_be_made_is_a_storage_error(tiny_models: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", "utf-8")
    with pytest.raises(StorageError):
        train_tiny(tiny_models, tmp_path / "file" / "out", max_steps=1)


def test_rows_that_changed_are_not_resumed_in_silence(tiny_models: Path, tmp_path: Path) -> None:
    train_tiny(tiny_models, tmp_path, max_steps=4, save_steps=2, hooks=stop_at(2))
    with pytest.raises(InputError, match="other rows or settings"):
        train_tiny(tiny_models, tmp_path, max_steps=4, save_steps=2, rows=ROWS[:20], resume=True)
    with pytest.raises(InputError, match="learning_rate"):
        train_tiny(tiny_models, tmp_path, max_steps=4, save_steps=2, learning_rate=1e-3, resume=True)
    assert job_for(tiny_models, tmp_path).checkpoints.is_dir()
