"""`python -m training train` and `runs`: real runs of a tiny model in real processes, followed, stopped, resumed."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.engine.small_versions import small_version
from tests.studio.run_samples import StillLauncher, end, running_run
from training import cli, cli_train
from training.runs.directory import list_runs, read_status, run_folder
from training.runs.queue import Queue
from training.runs.states import OVER

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def home(tiny_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("home")
    shutil.copytree(tiny_models / "models" / "llama", root / "models" / "llama")
    small_version(root, "news-metadata", train=8, dev=3, test=2)
    pack = shutil.copytree(ROOT / "assets" / "tasks" / "news-metadata", root / "tasks" / "news-metadata")
    text = (pack / "task.yaml").read_text("utf-8")
    (pack / "task.yaml").write_text(re.sub(r"max_new_tokens: \d+", "max_new_tokens: 8", text), "utf-8")
    return root


@pytest.fixture(scope="module")
def config(home: Path) -> Path:
    """A file as a person writes it: what differs from the defaults."""
    path = home / "run.yaml"
    settings = {
        "task": "news-metadata", "dataset": "news-metadata-tiny", "base": "llama", "rank": 4, "alpha": 4,
        "max_steps": 4, "batch_size": 2, "max_length": 8000, "threads": 1, "dtype": "fp32",
        "save_steps": 2, "evaluate_rows": 0,
    }  # fmt: skip
    path.write_text(yaml.safe_dump(settings) + "learning_rate: 1e-3\n", "utf-8")
    return path


def main(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    try:
        code = cli.main([str(word) for word in words])
    except SystemExit as stopped:
        code = int(stopped.code or 0)
    told: Any = capsys.readouterr()
    return code, told.out, told.err


def runs_of(home: Path) -> set[str]:
    return {status.run for status in list_runs(home)[0]}


def wait_until(true: Callable[[], bool], seconds: float = 200.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.2)


def test_a_run_is_followed_to_its_adapter_and_then_looked_at(
    home: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = main(
        capsys, "train", config, "--set", "name=first run", "--set", "evaluate_rows=2", "--home", home
    )
    assert (code, err) == (0, ""), out
    lines = out.splitlines()
    run = lines[-1].partition(":")[0]
    folder = run_folder(home, run)
    assert run.startswith("first-run-")
    assert [line.split()[1] for line in lines if line.startswith("step ")] == ["1/4", "2/4", "3/4", "4/4"]
    assert all("loss " in line and "tokens/s" in line for line in lines if line.startswith("step "))
    assert lines[-1].endswith(str(folder / "adapter"))
    assert any(line.startswith("strict: base ") and line.endswith(" of 2 dev rows") for line in lines)
    assert (folder / "adapter" / "adapter_model.safetensors").is_file()

    code, out, err = main(capsys, "runs", "list", "--home", home)
    assert (code, err) == (0, "")
    assert any(line.startswith(f"{run}  finished  step 4/4") for line in out.splitlines())
    code, out, _ = main(capsys, "runs", "show", run, "--home", home, "--json")
    shown = json.loads(out)
    assert (code, shown["status"]["state"], shown["facts"]["config"]["rank"]) == (0, "finished", 4)
    assert shown["last_step"]["step"] == 4
    code, out, _ = main(capsys, "runs", "show", run, "--home", home)
    assert "learning_rate: 0.001" in out and "step 4/4" in out
    assert main(capsys, "runs", "log", run, "--lines", "5", "--home", home)[0] == 0
    for verb in ("stop", "kill", "resume"):
        code, out, err = main(capsys, "runs", verb, run, "--home", home)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "finished" in err
    assert main(capsys, "runs", "delete", run, "--home", home)[0] == 0
    assert run not in runs_of(home)


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal")
def test_ctrl_c_stops_with_a_checkpoint_and_the_run_goes_on_later(
    home: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", config, "--set", "max_steps=100000", "--set", "save_steps=0", "--json", "--home", home]
    with subprocess.Popen(
        [sys.executable, "-m", "training", *map(str, words)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None and process.stderr is not None
        lines: list[dict[str, Any]] = []
        for line in process.stdout:
            lines.append(json.loads(line))
            if lines[-1].get("step") == 1 and "loss" in lines[-1]:
                process.send_signal(signal.SIGINT)
        err, code = process.stderr.read(), process.wait()
    last = lines[-1]
    assert (code, last["state"]) == (130, "stopped"), err
    assert lines[0]["ok"] is True
    assert "Stopping after this step" in err and f"runs resume {last['run']}" in err
    run, reached = last["run"], last["step"]
    assert reached >= 1
    assert list((run_folder(home, run) / "checkpoints").glob("checkpoint-*"))

    code, out, _ = main(capsys, "runs", "resume", run, "--home", home)
    assert (code, out.startswith(run)) == (0, True)
    folder = run_folder(home, run)
    wait_until(lambda: read_status(folder).step > reached)
    assert main(capsys, "runs", "kill", run, "--home", home)[0] == 0
    wait_until(lambda: read_status(folder).state in OVER)
    main(capsys, "runs", "delete", run, "--home", home)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows guesses other people's homes")
@pytest.mark.parametrize("field", ["dataset", "base"])
@pytest.mark.parametrize("value", ["~no-such-person-here/x", "a" * 5000, "a" * 400, "./" + "a/" * 2400])
def test_a_name_that_can_not_be_looked_for_ends_with_a_line(
    home: Path, config: Path, field: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = main(capsys, "train", config, "--set", f"{field}={value}", "--home", home)
    assert (code, err.count("\n")) == (2, 1) and field in err and len(err) < 500
    path = home / "sweep.yaml"
    settings = {**yaml.safe_load(config.read_text("utf-8")), "learning_rate": 1e-3, "evaluate_rows": 2, field: value}
    path.write_text(yaml.safe_dump({"name": "s", "config": settings, "fields": {"rank": [2, 4]}}), "utf-8")
    code, _, err = main(capsys, "sweep", path, "--quick", "--home", home)
    assert (code, err.count("\n")) == (2, 1) and field in err and len(err) < 800


def test_ctrl_c_on_a_run_that_has_just_ended_tells_how_it_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = running_run(tmp_path)

    def ends_as_it_is_interrupted(_: float) -> None:
        end(run_folder(tmp_path, run), "finished", 50)
        raise KeyboardInterrupt

    monkeypatch.setattr("training.cli_train.time.sleep", ends_as_it_is_interrupted)
    queue = Queue(tmp_path, StillLauncher())
    assert cli_train.Follower(queue, tmp_path, run, as_json=False).follow() == 0
    told = capsys.readouterr()
    assert (told.err, "50 steps" in told.out) == ("", True)


@pytest.mark.parametrize("verb", ["train", "runs", "sweep"])
def test_a_disk_that_refuses_is_exit_1_whatever_the_verb(
    verb: str, config: Path, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "home"
    for part in ("models", "datasets"):
        shutil.copytree(home / part, broken / part)
    (broken / "runs").write_text("where the runs' folder should be", "utf-8")
    settings = yaml.safe_load(config.read_text("utf-8")) | {"learning_rate": 0.001, "evaluate_rows": 2}
    spec = tmp_path / "spec.yaml"
    spec.write_text(yaml.safe_dump({"name": "a", "config": settings, "fields": {"rank": [2, 4]}}), "utf-8")
    words = {"train": [config], "runs": ["list"], "sweep": [spec, "--quick"]}[verb]
    code, _, err = main(capsys, verb, *words, "--home", broken)
    assert (code, err.count("\n")) == (1, 1), err
    assert "free some disk space" in err
    code, _, err = main(capsys, verb, *words, "--home", config)
    assert (code, err.count("\n")) == (2, 1), "a home that is a file was given so"


def test_a_run_that_fails_is_exit_1_with_the_reason(
    home: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = shutil.copytree(home / "models" / "llama", home / "models" / "broken")
    settings = json.loads((broken / "config.json").read_text("utf-8"))
    (broken / "config.json").write_text(json.dumps(settings | {"intermediate_size": 80}), "utf-8")
    code, out, err = main(capsys, "train", config, "--set", "base=broken", "--home", home)
    run = next(status.run for status in list_runs(home)[0] if status.state == "failed")
    assert code == 1
    assert err.startswith(f"{run} failed: ") and err.count("\n") == 1
    assert "try: " in out


def test_detached_it_returns_at_once_and_the_second_waits_until_it_is_taken_out(
    home: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["train", config, "--detach", "--home", home, "--set", "max_steps=100000"]
    code, first, err = main(capsys, *asked, "--json")
    assert (code, err) == (0, "")
    told = [json.loads(line) for line in first.splitlines()]
    assert told[0]["ok"] and told[1]["steps"] == 100000 and Path(told[1]["folder"]).is_dir()
    code, second, _ = main(capsys, *asked)
    assert code == 0
    assert "queued" in main(capsys, "runs", "list", "--home", home)[1]
    waiting = second.splitlines()[-1].partition(":")[0]
    assert read_status(run_folder(home, waiting)).state == "queued"
    code, out, _ = main(capsys, "runs", "stop", waiting, "--home", home)
    assert (code, out) == (0, f"{waiting}: stopped\n")
    code, out, _ = main(capsys, "runs", "stop", told[1]["run"], "--home", home)
    assert (code, out.strip()) == (0, f"{told[1]['run']}: stopping")
    wait_until(lambda: read_status(run_folder(home, told[1]["run"])).state in OVER)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "dataset is empty"),
        (["--preset", "nothing"], "no preset 'nothing'"),
        (["none.yaml"], "the file is missing"),
        (["--set", "rank"], "has no value"),
        (["--set", "rank=many"], "rank is 'many'"),
        (["--set", "dataset=nothing"], "no dataset version 'nothing'"),
        (["CONFIG", "--set", "base=nobody"], "no base 'nobody'"),
        (["CONFIG", "--set", "epochs=2"], "epochs is 2 while max_steps is 4"),
        (["CONFIG", "--set", "max_length=100"], "No row fits into 100 tokens"),
        (["CONFIG", "--set", "rank=0", "--set", "schedule=sine"], "schedule is 'sine'"),
        (["--frobnicate"], "unrecognized arguments"),
        (["CONFIG", "--detach", "--check"], "not allowed with"),
    ],
)
def test_what_can_not_work_is_one_line_exit_2_and_no_run(
    home: Path, config: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    before = runs_of(home)
    code, _, err = main(capsys, "train", *[config if word == "CONFIG" else word for word in words], "--home", home)
    assert (code, err.count("\n")) == (2, 1)
    assert said in err
    assert runs_of(home) == before


@pytest.mark.parametrize("words", [["show", "nobody-abc123"], ["log", "../x"], ["stop", "x"], ["delete", "y"]])
def test_a_run_that_is_not_there_is_exit_2(home: Path, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    code, out, err = main(capsys, "runs", *words, "--home", home)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "no run" in err


def test_a_check_starts_nothing_and_says_every_check(
    home: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = runs_of(home)
    code, out, err = main(capsys, "train", config, "--preset", "first-run", "--check", "--home", home)
    assert (code, err) == (0, "")
    assert all(words in out for words in ("ok: ", "byte for byte", "end token", "real steps ran"))
    assert runs_of(home) == before


def test_file_over_preset_and_words_over_both(home: Path, config: Path) -> None:
    import argparse

    asked = argparse.Namespace(config=config, preset="first-run", set=["max_steps=7", "base=./x"])
    found = cli_train.config_of(asked, home)
    assert (found.eval_steps, found.rank, found.max_steps, found.learning_rate) == (10, 4, 7, 1e-3)
    assert found.base == str(Path("x").resolve())
