"""`python -m training sweep`: real runs of a tiny model, told one by one; what can't work ends with 2 and a reason."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.runs.run_home import make_home
from training import cli, cli_sweep
from training.runs.config import RunConfig
from training.runs.queue import Queue
from training.runs.states import ACTIVE
from training.runs.sweep_compare import PrunedValue
from training.runs.sweep_records import Sweep, Trial, list_sweeps
from training.runs.sweep_spec import SweepSpec, spec_yaml


@pytest.fixture(scope="module")
def made(tiny_models: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunConfig]:
    root = tmp_path_factory.mktemp("home")
    return root, make_home(root, tiny_models)


def spec_file(made: tuple[Path, RunConfig], **changes: Any) -> Path:
    home, config = made
    spec = SweepSpec("quick", replace(config, evaluate_rows=2), {"rank": (2, 4)})
    path = home / "spec.yaml"
    path.write_text(spec_yaml(replace(spec, **changes)), "utf-8")
    return path


def sweep(home: Path, *words: str) -> int:
    return cli.main(["sweep", *words, "--home", str(home)])


def test_a_sweep_is_estimated_trained_told_and_compared(
    made: tuple[Path, RunConfig], capsys: pytest.CaptureFixture[str]
) -> None:
    home, path = made[0], str(spec_file(made))
    assert sweep(home, path) == 0
    told = capsys.readouterr().out
    assert "up to 2 runs over rank" in told and "of training" in told and "2 dev rows a run come on top" in told
    assert "rank=2" in told and "rank=4" in told and "list_f1" in told and "2/2" in told
    assert "* 2 runs that chance may have put in this order." in told
    (kept,) = list_sweeps(home)[0]
    assert kept.state == "finished" and all(trial.state == "done" and trial.run in told for trial in kept.trials)
    assert sweep(home, path, "--quick", "--json") == 0  # all of it is done: it is only told again
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[-1]["best"] == kept.best and lines[-1]["state"] == "finished"
    assert [line["trial"]["run"] for line in lines[:-1]] == [trial.run for trial in kept.trials]


@pytest.fixture
def nothing_left(made: tuple[Path, RunConfig]) -> Iterator[None]:
    yield
    queue = Queue(made[0])
    for job in queue.jobs():
        queue.kill(job.run) if job.state in ACTIVE else queue.stop(job.run)


def test_leaving_says_what_goes_on(
    made: tuple[Path, RunConfig],
    nothing_left: None,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ctrl-C at the first look after the run was submitted."""

    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("training.runs.sweep.time.sleep", interrupted)
    path = spec_file(made, name="left", config=replace(made[1], max_steps=500, evaluate_rows=2))
    assert sweep(made[0], str(path), "--quick") == 130
    said = capsys.readouterr().err
    assert "goes on by itself" in said and "The same command goes on with the sweep left-" in said


@pytest.mark.parametrize(
    ("changes", "words", "said"),
    [
        ({"metric": "loss"}, (), "never by a loss"),
        ({"fields": {"rank": (0, 2)}}, (), "rank is 0"),
        ({}, ("--set", "rank=many"), "rank is 'many'"),
        ({}, ("--set", "dataset=gone"), "no dataset version 'gone'"),
        ({}, ("--set", "evaluate_rows=0"), "evaluate_rows is 0"),
        ({}, ("--set", "max_length=16", "--check"), "tokens"),
        ({}, ("--set", "max_length=16", "--quick"), "No combination can start"),
    ],
)
def test_what_can_not_work_is_told_in_a_line_and_starts_nothing(
    made: tuple[Path, RunConfig],
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, Any],
    words: tuple[str, ...],
    said: str,
) -> None:
    before = len(list_sweeps(made[0])[0])
    assert sweep(made[0], str(spec_file(made, **changes)), *words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert len(list_sweeps(made[0])[0]) == before
    assert sweep(made[0], str(made[0] / "none.yaml")) == 2


TRIALS = (
    Trial(0, "done", {"rank": 8, "learning_rate": 1e-3}, "a-000000", 0.5, 0.4, 0.6, 20, 95.0),
    Trial(1, "done", {"rank": 4, "learning_rate": 5e-4}, "b-000000", 0.75, None, None, 1, 30.0),
    Trial(2, "failed", {"rank": 4, "learning_rate": 1e-3}, "c-000000", reason="No room."),
    Trial(3, "pruned", {"rank": 8, "learning_rate": 5e-4}, reason="rank 8: worse"),
    Trial(4, "running", {"rank": 16, "learning_rate": 5e-4}, "d-000000"),
)
SWEEP = Sweep(
    "s-000000", "s", "finished", "t", "b", "d", "list_f1", "grid", {"rank": [4, 8, 16], "learning_rate": [1e-3, 5e-4]},
    6, TRIALS, (PrunedValue("rank", 8, "worse"),), 1, (1,), left_s=300.0,
)  # fmt: skip


def test_the_table_has_the_tied_first_and_every_line_says_what_happened() -> None:
    heads, first, second = cli_sweep.table(SWEEP)
    assert heads.split() == ["rank", "learning_rate", "list_f1", "95", "%", "interval", "seconds", "run"]
    assert first.split() == ["*", "4", "0.0005", "0.750", "30", "b-000000"]
    assert second.split() == ["8", "0.001", "0.500", "0.400", "to", "0.600", "95", "a-000000"]
    lines = [cli_sweep.trial_words(trial, SWEEP) for trial in TRIALS]
    assert lines == [
        "rank=8 learning_rate=0.001  list_f1 0.500 (0.400 to 0.600) in 2 min; about 5 min left",
        "rank=4 learning_rate=0.0005  list_f1 0.750 in 30 s; about 5 min left",
        "rank=4 learning_rate=0.001  failed: No room.",
        "rank=8 learning_rate=0.0005  left out: rank 8: worse",
        "rank=16 learning_rate=0.0005  d-000000",
    ]
    assert [cli_sweep.duration(s) for s in (5, 89, 100, 5000, 6000)] == ["5 s", "89 s", "2 min", "83 min", "1.7 h"]


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"best": None}, 1, "no run could be scored; No room."),
        ({"state": "stopped"}, 1, "s-000000 was stopped. The same command goes on with it."),
        ({}, 0, ""),
    ],
)
def test_how_it_ended_is_the_exit_code(
    capsys: pytest.CaptureFixture[str], changes: dict[str, Any], code: int, said: str
) -> None:
    assert cli_sweep.tell_end(replace(SWEEP, **changes), as_json=False) == code
    told = capsys.readouterr()
    assert said in told.err and (("The first is clearly the best." in told.out) is (code == 0))
