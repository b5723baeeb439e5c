"""Which library trains and why; and where unsloth is installed, that both learn the same from the same rows."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.engine.training import curve
from training.engine.train_backends import choose_backend, cuda_usable, installed, unsuited
from training.errors import InputError
from training.runs.config import RunConfig

ROOT = Path(__file__).resolve().parents[2]
TOLERANCE = 0.02 if cuda_usable() else 1e-3  # of a step's loss; on a GPU unsloth sums in another order, in its kernels


def chosen(**settings: Any) -> str:
    return str(choose_backend(RunConfig(**settings)))


def test_trl_is_taken_where_it_was_asked_for() -> None:
    assert chosen(backend="trl") == "trl: asked for"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"method": "dora"}, "method dora runs with trl alone"),
        ({"method": "full"}, "method full runs with trl alone"),
        ({"packing": True}, "packing runs with trl alone"),
    ],
)
def test_what_unsloth_can_not_do_here_is_refused_or_goes_to_trl(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        chosen(backend="unsloth", **settings)
    assert caught.value.fix == "Set backend to trl."
    assert chosen(**settings).startswith("trl: ")
    assert not unsuited(RunConfig(method="qlora"))


@pytest.mark.skipif(installed(), reason="says what happens where unsloth is not installed")
def test_without_unsloth_auto_says_so_and_asking_for_it_is_refused() -> None:
    assert chosen() == "trl: unsloth is not installed"
    with pytest.raises(InputError, match="not installed here") as caught:
        chosen(backend="unsloth")
    assert "requirements-gpu.txt" in caught.value.fix


@pytest.mark.skipif(not installed() or cuda_usable(), reason="says what happens with unsloth and without a GPU")
def test_without_a_gpu_unsloth_must_be_asked_for() -> None:
    assert chosen().startswith("trl: unsloth is installed, but there is no CUDA GPU")
    assert chosen(backend="unsloth") == "unsloth: asked for"


def test_choosing_trl_loads_no_torch() -> None:
    code = (
        "import sys; from training.engine.train import TrainJob, train; from training.runs.config import RunConfig; "
        "from training.engine.train_backends import choose_backend; choose_backend(RunConfig(backend='trl')); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def run_backend(tiny_models: Path, out: Path, backend: str, architecture: str) -> dict[str, Any]:
    """A run in a process of its own; a skip that says why where unsloth is there and refuses this machine."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.engine.train_backend", str(tiny_models), str(out), backend, architecture],
        cwd=ROOT, capture_output=True, text=True, check=False, env=os.environ | {"HF_HUB_OFFLINE": "1"},
    )  # fmt: skip
    if "installed but can't be used" in done.stderr:
        pytest.skip(f"UNSLOTH WAS NOT COMPARED WITH TRL: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.skipif(
    not installed(),
    reason="UNSLOTH WAS NOT COMPARED WITH TRL: it is not installed here (.ci/run lays it beside for this test alone)",
)
@pytest.mark.parametrize("architecture", ["llama", "gemma3"])
def test_both_libraries_learn_the_same_curve(tiny_models: Path, tmp_path: Path, architecture: str) -> None:
    """Same rows, seed, order and start: every step's loss agrees within TOLERANCE, and so do rate and tokens."""
    told = {name: run_backend(tiny_models, tmp_path / name, name, architecture) for name in ("trl", "unsloth")}
    assert told["unsloth"]["backend"] == "unsloth: asked for"
    assert "unsloth" in told["unsloth"]["versions"]
    trl, unsloth = (curve(tmp_path / name) for name in ("trl", "unsloth"))
    assert [(line[0], line[4], line[5]) for line in trl] == [(line[0], line[4], line[5]) for line in unsloth]
    assert [line[1] for line in unsloth] == pytest.approx([line[1] for line in trl], rel=TOLERANCE)
