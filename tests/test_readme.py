"""What README.md says is so: its commands run, its tree is the tree, its figures are those that were measured."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests import readme
from tests.running import FLAGS, app

ROOT = readme.ROOT
SOURCE = readme.text()
COMMANDS = readme.commands(SOURCE)


def last_step(name: str) -> list[str]:
    """The words after the last && of a README command, with this interpreter in place of the one in .venv."""
    words = shlex.split(COMMANDS[name].line.split("&&")[-1])
    assert words[0] == ".venv/bin/python", words
    return [sys.executable, *words[1:]]


def first_page(url: str) -> str:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return str(answer.read().decode("utf-8"))


def test_every_command_block_is_named_and_has_a_test() -> None:
    shells = [language for language, _ in readme.fenced(SOURCE) if language != "tree"]
    assert len(shells) == len(COMMANDS), "a fenced block without `<!-- command: NAME -->` above it, or of two lines"
    assert set(COMMANDS) == {
        "start", "start-windows", "test", "compare", "data", "train", "evaluate", "evaluate-again", "gate", "space",
        "gpu",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["start", "test"])
def test_both_one_liners_make_their_own_environment(name: str) -> None:
    make, install, _ = COMMANDS[name].line.split(" && ")
    assert make == "python3 -m venv .venv"
    words = shlex.split(install)
    assert words[:3] == [".venv/bin/pip", "install", "-r"]
    assert (ROOT / words[3]).is_file()


def test_windows_line_is_the_same_line() -> None:
    unix = COMMANDS["start"].line.replace("python3 -m", "py -m").replace(".venv/bin/", ".venv\\Scripts\\")
    assert COMMANDS["start-windows"].line == unix


def test_start_command_brings_up_the_first_page(tmp_path: Path) -> None:
    with app([*last_step("start"), *FLAGS], tmp_path / "home") as running:
        assert "Taste Test" in first_page(running.url)


def test_test_command_finds_the_tests() -> None:
    words = [*last_step("test"), "--collect-only", "-q", "tests/test_import_direction.py"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "test_import_direction.py" in done.stdout


def test_compare_command_prints_one_object_an_arm(tmp_path: Path) -> None:
    environment = os.environ | {"TASTE_TEST_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    line = COMMANDS["compare"].line.replace(".venv/bin/python", shlex.quote(sys.executable))
    done = subprocess.run(line, shell=True, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    arms = [json.loads(line) for line in done.stdout.splitlines()]
    assert [arm["adapter"] for arm in arms] == [None, "crumb-recipe-jsonld"]
    wanted = "arm adapter raw tier object schema_errors scores finish_reason prompt_sha256 tokens seconds proof"
    for arm in arms:
        assert not (missing := set(wanted.split()) - set(arm)), missing
    assert arms[0]["prompt_sha256"] == arms[1]["prompt_sha256"]


def test_data_command_builds_the_version_that_ships(tmp_path: Path) -> None:
    words = [*last_step("data"), "--home", str(tmp_path)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    built = [folder.name for folder in (tmp_path / "datasets").iterdir() if not folder.name.startswith(".")]
    assert built == [folder.name for folder in (ROOT / "assets" / "datasets").glob("news-metadata-small-*")]


def test_train_command_leaves_an_adapter(tmp_path: Path) -> None:
    """The line itself, with two short steps in place of its own."""
    short = ["max_steps=2", "batch_size=1", "eval_steps=0", "sample_steps=0", "evaluate_rows=0"]
    words = [*last_step("train"), *(word for setting in short for word in ("--set", setting)), "--home", str(tmp_path)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.glob("runs/*/adapter/adapter_model.safetensors"))) == 1


def test_evaluate_command_leaves_figures_and_gate_reads_them(tmp_path: Path) -> None:
    """The line as it stands, on two documents and without the passes that only take time."""
    out = tmp_path / "evaluation"
    words = last_step("evaluate")
    words[words.index("--out") + 1] = str(out)
    few = ["--limit", "2", "--latency-rows", "0", "--noise-rows", "0", "--home", str(tmp_path / "home")]
    done = subprocess.run([*words, *few], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    arms = json.loads((out / "summary.json").read_text("utf-8"))["arms"]
    assert arms["adapter:crumb-news-metadata"]["strict"]["n_total"] == 2
    gate = subprocess.run(last_step("gate"), cwd=ROOT, capture_output=True, text=True, check=False)
    assert gate.returncode in (0, 1, 3) and "Parses as it stands" in gate.stdout, gate.stderr


def test_evaluate_again_does_the_shipped_job_and_says_what_is_equal(tmp_path: Path) -> None:
    """The line as it stands, with the arms that need no model and without their times."""
    words = last_step("evaluate-again")
    words[words.index("--out") + 1] = str(tmp_path / "again")
    few = ["--arms", "regex", "--latency-rows", "0", "--noise-rows", "0", "--home", str(tmp_path / "home")]
    done = subprocess.run([*words, *few], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr  # the other arms were left out, and that is said
    shipped = ROOT / words[words.index("--like") + 1]
    both = [json.loads((folder / "summary.json").read_text("utf-8")) for folder in (shipped, tmp_path / "again")]
    regex = [{name: figure["value"] for name, figure in found["arms"]["regex"].items()} for found in both]
    assert regex[0]["strict"] == regex[1]["strict"] and "figures are equal to nine digits" in done.stderr
    assert "of one side only: strict of base" in done.stderr or "more" in done.stderr
    kept = [
        json.loads((folder / "manifest.json").read_text("utf-8"))["data"] for folder in (shipped, tmp_path / "again")
    ]
    assert kept[0]["sha256"] == kept[1]["sha256"] and kept[0]["kind"] == kept[1]["kind"]


def test_space_command_uses_options_that_exist() -> None:
    words = shlex.split(COMMANDS["space"].line)
    tool = shutil.which("hf", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    assert words[0] == ".venv/bin/hf" and tool
    shown = subprocess.run([tool, "upload", "--help"], capture_output=True, text=True, check=True).stdout
    assert all(option in shown for option in words if option.startswith("--"))


def test_gpu_command_installs_a_file_that_exists() -> None:
    words = shlex.split(COMMANDS["gpu"].line)
    assert words[:3] == [".venv/bin/pip", "install", "-r"]
    assert (ROOT / words[3]).is_file()


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.timeout(1800)
def test_start_command_from_a_bare_clone(tmp_path: Path) -> None:
    """The line itself, in a clone of what is committed: environment, installation, first page."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    make, install, start = COMMANDS["start"].line.split(" && ")
    subprocess.run(f"{make} && {install}", shell=True, cwd=clone, check=True)
    with app([*shlex.split(start), *FLAGS], tmp_path / "home", clone) as running:
        assert "Taste Test" in first_page(running.url)


def test_front_matter_makes_a_space() -> None:
    matter = readme.front_matter(SOURCE)
    pins = (ROOT / "requirements.txt").read_text("utf-8")
    gradio = re.search(r"^gradio\[.*?\]==(\S+)", pins, re.MULTILINE)
    assert gradio is not None
    assert matter["sdk"] == "gradio"
    assert matter["sdk_version"] == gradio.group(1)
    assert matter["python_version"] == "3.12"
    assert matter["license"] == "apache-2.0"
    assert (ROOT / matter["app_file"]).is_file()
    assert len(matter["short_description"]) <= 60, "the Hub refuses a longer one"


def test_the_tree_is_the_tree() -> None:
    entries = readme.tree(SOURCE)
    shown = {entry.path.rstrip("/") for entry in entries}
    assert not (gone := {path for path in shown if not (ROOT / path).exists()}), f"in the README only: {sorted(gone)}"
    files = [Path(line) for line in tracked()]
    real = {file.parts[0] for file in files if not file.name.startswith(".") and not file.parts[0].startswith(".")}
    for package in ("studio", "training"):
        inside = {"/".join(file.parts[:2]) for file in files if file.parts[0] == package and len(file.parts) > 1}
        real |= {path for path in inside if not path.endswith("__init__.py")}
    assert not (unsaid := real - shown), f"missing in the README: {sorted(unsaid)}"


def tracked() -> list[str]:
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("needs the git checkout")
    return listed.stdout.splitlines()


def test_every_local_link_and_picture_is_there() -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)]+)\)", SOURCE)
    assert "assets/screenshot.png" in targets
    assert not (gone := [target for target in targets if not (ROOT / target).is_file()]), gone


FIGURES = readme.figures(SOURCE)
TABLES = "\n".join(re.findall(r"^\|.*\|$", SOURCE, re.MULTILINE))


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: f"{Path(figure.file).parent.name}{figure.pointer}")
def test_a_figure_is_the_one_that_was_measured(figure: readme.Figure) -> None:
    assert figure.shown == readme.as_measured(figure), "run: python3 -m tests.readme fill"


def test_no_figure_stands_in_a_table_without_its_source() -> None:
    for row in re.findall(r"^\|.*\|$", SOURCE, re.MULTILINE):
        for cell in row.strip("|").split("|"):
            stated = readme.FIGURE.sub("", cell)
            assert not re.search(r"\d+(?:\.\d+)? ?%|\b\d\.\d+", stated), f"a figure without an anchor: {cell.strip()}"


def test_figures_are_read_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "p.json").write_text(json.dumps({"a": {"strict": 0.98765, "n": 1234}, "b/c": [0.5]}), "utf-8")
    monkeypatch.setattr(readme, "ROOT", tmp_path)
    before = "| <!-- p.json#/a/strict -->?.? % | <!-- p.json#/a/n -->?,??? | <!-- p.json#/b~1c/0 -->9.99 |"
    after = "| <!-- p.json#/a/strict -->98.8 % | <!-- p.json#/a/n -->1,234 | <!-- p.json#/b~1c/0 -->0.50 |"
    assert readme.fill(before) == after
    assert readme.fill(after) == after
    with pytest.raises(KeyError):
        readme.fill("<!-- p.json#/a/none -->1.0 %")
    with pytest.raises(ValueError, match="no number"):
        readme.fill("<!-- p.json#/a -->1.0 %")


def test_a_figure_of_an_evaluation_comes_with_interval_and_n(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_up = {"value": 0.364, "ci_low": 0.1, "ci_high": 0.6789, "n_scored": 11, "n_total": 1320}
    (tmp_path / "s.json").write_text(json.dumps({"a": made_up, "b": made_up | {"ci_low": None}}), "utf-8")
    monkeypatch.setattr(readme, "ROOT", tmp_path)
    filled = readme.fill("<!-- s.json#/a -->?.? % | <!-- s.json#/b -->?.??")
    assert filled == (
        "<!-- s.json#/a -->36.4 %<br><sub>[10.0, 67.9] 11/1,320</sub> | <!-- s.json#/b -->0.36<br><sub>11/1,320</sub>"
    )
    assert readme.fill(filled) == filled
    (tmp_path / "s.json").write_text(json.dumps({"a": made_up | {"value": None}}), "utf-8")
    with pytest.raises(ValueError, match="no value"):
        readme.fill("<!-- s.json#/a -->?.? %")


def test_every_quality_figure_says_of_how_many_it_is() -> None:
    """What an evaluation measured is quoted whole: with n scored of n in all, and its interval where it has one."""
    bare = [f for f in FIGURES if f.file.startswith("assets/evaluations/") and f.pointer.rsplit("/", 1)[1] == "value"]
    assert not [figure.pointer for figure in bare if f"<!-- {figure.file}#{figure.pointer} -->" in TABLES]


def test_a_command_is_printed_for_scripts() -> None:
    words = [sys.executable, "-m", "tests.readme", "command"]
    done = subprocess.run([*words, "test"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == COMMANDS["test"].line + "\n"
    assert subprocess.run([*words, "none"], cwd=ROOT, capture_output=True, check=False).returncode == 2


def test_contributing_names_what_exists() -> None:
    """Every path in code marks in CONTRIBUTING.md that is not a placeholder stands in the tree."""
    contributing = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    named = set(re.findall(r"`((?:training|studio|tests|assets|app\.py|\.ci)[\w./-]*)`", contributing))
    assert "training/task/score/answer.py" in named
    assert not (gone := sorted(path for path in named if "NAME" not in path and not (ROOT / path).exists())), gone


def test_rebuild_command_is_there() -> None:
    """The module and its flags exist, read from its source: it imports torch, and what it does takes hours."""
    contributing = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    (line,) = [body.strip() for language, body in readme.fenced(contributing) if language == "bash"]
    python, _, module, *rest = shlex.split(line)
    assert python == ".venv/bin/python"
    source = ROOT.joinpath(*module.split("."), "__main__.py").read_text("utf-8")
    assert all(f'"{word}"' in source for word in rest if word.startswith("--"))
