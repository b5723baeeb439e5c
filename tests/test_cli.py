"""`python -m training`: lines a script can read, one line on standard error for what is wrong, no torch for --help."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from training import cli
from training.engine.hub import EMBEDDED

ROOT = Path(__file__).resolve().parents[1]
POST = "# Lentil soup\n\nYou need 2 cups lentils and 1 onion.\n\nChop the onion. Simmer for 30 minutes.\n"
FIELDS = [
    "arm", "adapter", "raw", "tier", "object", "schema_errors", "scores", "finish_reason", "prompt_sha256",
    "constrained", "tokens", "seconds", "proof",
]  # fmt: skip


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cli") / "post.md"
    path.write_text(POST, "utf-8")
    return path


@pytest.fixture(scope="module")
def home(tiny_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a base, its adapter, and the recipe task with a budget of 12 tokens."""
    import shutil

    root = tmp_path_factory.mktemp("home")
    (root / "models").mkdir()
    shutil.copytree(tiny_models / "models" / "lfm2", root / "models" / "lfm2")
    shutil.copytree(tiny_models / "adapters", root / "adapters")
    pack = shutil.copytree(ROOT / "assets" / "tasks" / "recipe-jsonld", root / "tasks" / "recipe-jsonld")
    text = (pack / "task.yaml").read_text("utf-8")
    assert "max_new_tokens: 900" in text
    (pack / "task.yaml").write_text(text.replace("max_new_tokens: 900", "max_new_tokens: 12"), "utf-8")
    return root


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "training", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=280,
        env=os.environ | {"HF_HUB_OFFLINE": "1"} | environment,
    )  # fmt: skip


def test_one_json_object_a_line_for_each_arm_and_nothing_else(home: Path, post: Path) -> None:
    done = command(
        "compare", "--task", "recipe-jsonld", "--input", str(post), "--base", "lfm2", "--adapter", "lfm2-a",
        "--adapter", "lfm2-b", "--prompted", "--seed", "3", "--json", "--home", str(home),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["arm"] for line in lines] == ["base", "prompted base", "lfm2-a", "lfm2-b"]
    assert [line["adapter"] for line in lines] == [None, None, "lfm2-a", "lfm2-b"]
    assert all(list(line) == FIELDS for line in lines)
    assert all(line["proof"]["passed"] and 0 < line["tokens"] <= 12 and line["seconds"] > 0 for line in lines)
    assert lines[0]["prompt_sha256"] == lines[2]["prompt_sha256"] != lines[1]["prompt_sha256"]


def main(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    try:
        code = cli.main(arguments)
    except SystemExit as stopped:
        code = int(stopped.code or 0)
    told: Any = capsys.readouterr()
    return code, told.out, told.err


def test_an_example_is_compared_without_its_front_matter_and_scored_against_its_answer(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["compare", "--task", "recipe-jsonld", "--base", "lfm2", "--home", str(home), "--json", "--example"]
    code, out, _ = main(capsys, *asked, "01-clean-blog")
    scores = {(s["metric"], s["field"]): s["value"] for s in json.loads(out.splitlines()[0])["scores"]}
    assert code == 0
    assert scores["f1", "recipeIngredient"] == 0.0  # twelve tokens of a model that knows nothing, scored all the same
    assert json.loads(out.splitlines()[0])["constrained"], "as the task says"
    code, out, _ = main(capsys, *asked, "01-clean-blog", "--no-constrained")
    assert code == 0 and not json.loads(out.splitlines()[0])["constrained"]
    code, out, err = main(capsys, *asked, "99-none")
    assert (code, out) == (2, "")
    assert "no example '99-none'" in err
    assert "01-clean-blog" in err


def test_without_json_it_is_short_text_that_can_not_steer_a_terminal(
    home: Path, post: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [
        "compare",
        "--task",
        "recipe-jsonld",
        "--input",
        str(post),
        "--base",
        "lfm2",
        "--home",
        str(home),
        "--no-constrained",
    ]
    code, out, err = main(capsys, *asked)
    assert (code, err) == (0, "")
    assert out.startswith("== base: JSON failed, ")
    assert "ended by length" in out
    assert all(char.isprintable() or char in "\n\t" for char in out)


def test_an_arm_that_breaks_down_is_told_and_changes_the_exit_code(
    home: Path, post: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import training.engine.generate as generate

    whole = generate._forward
    monkeypatch.setattr(generate, "_forward", lambda *given: whole(*given) * float("nan"))
    asked = ["compare", "--task", "recipe-jsonld", "--input", str(post), "--base", "lfm2", "--home", str(home)]
    code, out, err = main(capsys, *asked, "--no-constrained", "--json")
    assert (code, json.loads(out)["finish_reason"]) == (1, "error")
    assert err.startswith("base broke down") and err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--task", "nothing"], "no task 'nothing'"),
        (["--input", "/no/such/file"], "can't be read"),
        (["--base", "nobody"], "no base 'nobody'"),
        (["--adapter", "nobody"], "no adapter 'nobody'"),
        (["--adapter", "llama-a"], "trained on"),
        (["--seed", "-1"], "Seed is -1"),
        (["--base", "foo/bar--baz"], "foo/bar--baz is no name that the hub allows"),
        (["--adapter", "foo/bar.git"], "foo/bar.git is no name that the hub allows"),
        (["--home", "~nobody-of-that-name/x"], "can't be a path here"),
        (["--home", "x" * 300], "File name too long"),
        (["--seed", "x"], "invalid int value"),
        (["--max-new-tokens", "0"], "Max new tokens is 0"),
        (["--max-new-tokens", "8192"], "to 3,"),
        (["--frobnicate"], "unrecognized arguments"),
    ],
)
def test_bad_input_is_one_line_on_standard_error_and_exit_2(
    home: Path, post: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    asked = ["compare", "--task", "recipe-jsonld", "--input", str(post), "--base", "lfm2", "--home", str(home)]
    code, out, err = main(capsys, *asked, *arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert err.endswith("\n")
    assert err.count("\n") == 1


def test_a_broken_task_is_told_where_it_is_asked_for_and_only_there(
    home: Path, post: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tasks" / "mine").mkdir(parents=True)
    (tmp_path / "tasks" / "mine" / "task.yaml").write_text("name: mine\ntitle: 2024-13-45\n", "utf-8")
    asked = ["compare", "--input", str(post), "--base", "nobody", "--home", str(tmp_path), "--task"]
    code, _, err = main(capsys, *asked, "mine")
    assert code == 2 and "'2024-13-45' is no timestamp" in err and err.count("\n") == 1
    assert "no base 'nobody'" in main(capsys, *asked, "recipe-jsonld")[2]


def test_what_an_adapter_says_of_itself_can_not_steer_the_terminal(
    home: Path, post: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    folder = shutil.copytree(home / "adapters" / "lfm2-a", tmp_path / "mine")
    config = json.loads((folder / "adapter_config.json").read_text("utf-8"))
    config["base_model_name_or_path"] = "some/\x1b[2J\x1b[31mbase"
    (folder / "adapter_config.json").write_text(json.dumps(config), "utf-8")
    asked = ["compare", "--task", "recipe-jsonld", "--input", str(post), "--base", "lfm2", "--home", str(home)]
    code, _, err = main(capsys, *asked, "--adapter", str(folder))
    assert code == 2 and "\x1b" not in err and "some/\ufffd[2J" in err


@pytest.mark.parametrize(("name", "content"), [("empty.md", b""), ("blank.txt", b" \n"), ("bin.md", bytes(range(256)))])
def test_files_that_hold_no_text_are_refused(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    asked = ["compare", "--task", "recipe-jsonld", "--input", str(tmp_path / name), "--base", "lfm2"]
    code, out, err = main(capsys, *asked, "--home", str(home))
    assert (code, out, err.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("task", ["recipe-jsonld", "news-metadata", "recipe-writer"])
def test_the_default_is_the_embedded_base_and_the_adapter_of_the_task(task: str) -> None:
    import argparse

    from training.cli_compare import EMBEDDED as DEFAULT
    from training.cli_compare import arms_of
    from training.engine.api import EngineSettings

    assert DEFAULT == EMBEDDED
    plain = argparse.Namespace(task=task, base=DEFAULT, adapter=[], prompted=False)
    made = f"crumb-{task}"
    assert [(arm.label, arm.adapter) for arm in arms_of(plain, EngineSettings())] == [("base", None), (made, made)]
    unknown = argparse.Namespace(task="my-own-task", base=DEFAULT, adapter=[], prompted=False)
    assert [arm.label for arm in arms_of(unknown, EngineSettings())] == ["base"], "another task's would be unfair"
    other = argparse.Namespace(task=task, base="owner/model", adapter=[], prompted=True)
    assert [arm.label for arm in arms_of(other, EngineSettings())] == ["base", "prompted base"]


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["compare", "--help"], ["train", "--help"], ["runs", "--help"], ["runs", "list", "--help"]],
)
def test_help_needs_no_torch(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "for name in ('torch', 'transformers', 'peft', 'trl', 'gradio'): sys.modules[name] = None\n"
        "from training.cli import main\n"
        f"main({arguments!r})\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: python -m training")
