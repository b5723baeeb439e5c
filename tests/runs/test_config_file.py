"""YAML, words and command: three ways to the same config, and what can't be read is told with field and fix."""

import argparse
import hashlib
import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from training import cli_train
from training.errors import InputError
from training.home import VARIABLE, home_dir
from training.runs.config import DEFAULTS, FIELDS, RunConfig
from training.runs.config_file import (
    command,
    config_from,
    config_yaml,
    differences,
    read_config,
    settings_from,
    with_settings,
)
from training.runs.presets import apply, find_presets

OTHER: dict[str, Any] = {
    "task": "news-metadata", "dataset": "1e5", "base": "owner/model", "revision": "123456", "name": "true",
    "method": "dora", "rank": 8, "alpha": 16, "dropout": 0.1, "target_modules": ("q_proj", "v_proj"), "max_steps": 0,
    "rows": 5, "epochs": 1.5, "batch_size": 2, "grad_accumulation": 3, "learning_rate": 1e-5, "schedule": "linear",
    "warmup": 10.0, "weight_decay": 0.01, "optimizer": "adamw_8bit", "adam_beta2": 0.98, "max_grad_norm": 0.0,
    "max_length": 512, "too_long": "drop", "packing": True, "answer_only": False, "short_first_steps": 5,
    "focal_gamma": 2.0, "dtype": "bf16", "gradient_checkpointing": True, "seed": 3407,
    "eval_steps": 7, "save_steps": 9, "sample_steps": 11,
    "early_stopping": 2, "evaluate_rows": 0, "backend": "trl", "report_to": ("wandb", "tensorboard"), "threads": 2,
    "save_dtype": "fp32",
}  # fmt: skip
CHANGED = RunConfig(**OTHER)


def flags() -> argparse.ArgumentParser:
    """The verb `train` as the command line has it."""
    parser = argparse.ArgumentParser()
    cli_train.add(parser.add_subparsers())
    return parser


def test_every_field_stands_in_the_example() -> None:
    assert set(OTHER) | {"version"} == set(FIELDS)
    assert all(value != DEFAULTS[name] for name, value in OTHER.items())


@pytest.mark.parametrize("config", [RunConfig(dataset="x"), CHANGED], ids=["defaults", "all fields changed"])
def test_written_and_read_it_is_the_same(config: RunConfig, tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text(config_yaml(config), "utf-8")
    assert read_config(tmp_path / "run.yaml") == config


@pytest.mark.parametrize("field", list(OTHER))
def test_each_field_comes_through_file_and_command_alone(field: str, tmp_path: Path) -> None:
    config = replace(RunConfig(dataset="x"), **{field: OTHER[field]})
    (tmp_path / "run.yaml").write_text(config_yaml(config), "utf-8")
    assert read_config(tmp_path / "run.yaml") == config
    words = shlex.split(command(config))
    assert with_settings(RunConfig(), [word for word in words if "=" in word]) == config


def test_a_config_from_before_a_field_came_is_the_same_config() -> None:
    """Runs, files and hashes of a studio that did not know the field mean what they meant."""
    later = ("gradient_checkpointing", "rows")
    old = {name: value for name, value in RunConfig(dataset="x").to_json().items() if name not in later}
    config = config_from(old)
    assert config == RunConfig(dataset="x", gradient_checkpointing=False, rows=0)
    assert config.sha256 != replace(config, rows=5).sha256, "other rows, other weights"
    hashed = {name: value for name, value in old.items() if name not in ("name", "report_to")}
    assert config.sha256 == hashlib.sha256(json.dumps(hashed, sort_keys=True).encode()).hexdigest()
    assert config.sha256 == replace(config, gradient_checkpointing=True).sha256, "the weights come out the same"


def test_what_the_yaml_says_is_what_it_is_about_and_what_differs() -> None:
    assert config_yaml(RunConfig(dataset="x", rank=8)).splitlines() == [
        "version: 1", "task: recipe-jsonld", "dataset: x", "base: crumb", "rank: 8",
    ]  # fmt: skip


@pytest.mark.parametrize("name", list(find_presets()))
def test_the_command_of_a_preset_is_short_and_does_the_same(name: str) -> None:
    preset = find_presets()[name]
    config = replace(apply(preset, RunConfig()), dataset="x", rank=12)
    words = shlex.split(command(config, name))
    assert words[:6] == ["python", "-m", "training", "train", "--preset", name]
    assert with_settings(apply(preset, RunConfig()), [word for word in words if "=" in word]) == config
    assert len(words) <= 6 + 4


def test_the_command_finds_a_home_that_is_not_the_usual_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, home = RunConfig(dataset="x"), tmp_path / "my home"
    monkeypatch.setenv(VARIABLE, str(home))  # another terminal does not have it
    words = shlex.split(command(config, home=home))
    assert words[-2:] == ["--home", str(home)]
    asked = flags().parse_args(words[3:])
    assert asked.home == str(home) and with_settings(RunConfig(), asked.set) == config
    monkeypatch.delenv(VARIABLE)
    assert "--home" not in command(config, home=home_dir()) and "--home" not in command(config)


@pytest.mark.parametrize("written", ["3e-3", "3E-3", "3.0e-3", "0.003", "3.e-3", ".3e-2", "+3e-3"])
def test_a_number_as_people_write_it_is_taken(written: str, tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text(f"dataset: x\nlearning_rate: {written}\n", "utf-8")
    assert read_config(tmp_path / "run.yaml").learning_rate == pytest.approx(0.003)


@pytest.mark.parametrize(
    ("line", "said", "fix"),
    [
        ('rank: "64"', "rank is '64'", "rank: 64 without quotes"),
        ("learning_rate: '0.003'", "learning_rate is '0.003'", "without quotes"),
        ("rank: 64.0", "rank is 64.0", "Write rank: 64."),
        ("rank: 1e2", "rank is '1e2'", "a whole number"),
        ("rank: sixty", "rank is 'sixty'", "a whole number"),
        ("rank:", "rank is None", "a whole number"),
        ("packing: 1", "packing is 1", "true or false"),
        ("packing: 'true'", "packing is 'true'", "true or false"),
        ("name: 12", "name is 12", "text"),
        ("report_to: wandb", "report_to is 'wandb'", "list"),
        ("report_to: [wandb, 1]", "names alone", "list"),
        ("learning_rate: .nan", "learning_rate is nan", "finite"),
        ("learnin_rate: 0.1", "learnin_rate is no setting", "Did you mean learning_rate?"),
        ("gpus: 2", "gpus is no setting", "Use one of: version, task"),
        ("1: 2", "1 is no setting", "Use one of"),
        ("version: 2", "version is 2", "Update the studio"),
        ("version: 0", "version is 0", "version: 1"),
        ("version: new", "version is 'new'", "a whole number"),
        ("rank: 3\nrank: 4", "stands twice", "line"),
        ("rank: [", "no valid YAML", "line"),
        ("- rank", "holds a list", "key: value"),
        ("rank: " + "9" * 5000, "can't be read", "quotes"),
        ("rank: " + "9" * 4000, "more than 15 digits", "meant"),
        ("learning_rate: " + "9" * 4000, "more than 15 digits", "meant"),
        ('rank: "' + "9" * 5000 + '"', "(5,002 characters)", "a whole number"),
        ("name: 2026-13-45", "can't be read", "quotes"),
        ("base: ~no-such-person-here/x", "can't be a path here", "name"),
        ("base: ./" + "a" * 5000, "more than any path", "name"),
        ("", "holds nothing", "key: value"),
    ],
)
def test_what_can_not_be_read_is_told_with_file_field_and_fix(line: str, said: str, fix: str, tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(line + "\n", "utf-8")
    with pytest.raises(InputError) as caught:
        read_config(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value) or "path" in said
    assert len(str(caught.value)) < 500
    assert fix in caught.value.fix


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="missing"):
        read_config(tmp_path / "none.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-8"):
        read_config(tmp_path / "bytes.yaml")


def test_a_relative_base_starts_at_the_file(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("base: ./models/mine\ndataset: ../data/v1\n", "utf-8")
    config = read_config(tmp_path / "run.yaml")
    assert config.base == str((tmp_path / "models" / "mine").resolve())
    assert config.dataset == str((tmp_path.parent / "data" / "v1").resolve())
    (tmp_path / "run.yaml").write_text("base: owner/mine\n", "utf-8")
    assert read_config(tmp_path / "run.yaml").base == "owner/mine"


@pytest.mark.parametrize(
    ("setting", "name", "value"),
    [
        ("rank=8", "rank", 8),
        (" rank = 8 ", "rank", 8),
        ("learning_rate=2e-4", "learning_rate", 2e-4),
        ("warmup=10", "warmup", 10.0),
        ("packing=true", "packing", True),
        ("answer_only=False", "answer_only", False),
        ("name=007", "name", "007"),
        ("dataset=a=b", "dataset", "a=b"),
        ("target_modules=all-linear", "target_modules", "all-linear"),
        ("target_modules=q_proj", "target_modules", ("q_proj",)),
        ("target_modules=[q_proj, v_proj]", "target_modules", ("q_proj", "v_proj")),
        ("report_to=", "report_to", ()),
        ("report_to=wandb,tensorboard", "report_to", ("wandb", "tensorboard")),
        ("revision=", "revision", ""),
    ],
)
def test_words_become_values_of_the_fields_type(setting: str, name: str, value: Any) -> None:
    assert settings_from([setting]) == {name: value}
    assert getattr(with_settings(CHANGED, [setting]), name) == value


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("rank", "has no value"),
        ("rank=x", "rank is 'x'"),
        ("rank=", "rank is ''"),
        ("rank=8.5", "rank is 8.5"),
        ("packing=yes", "packing is 'yes'"),
        ("ranks=8", "ranks is no setting"),
        ("=8", "is no setting"),
        ("rank=" + "9" * 5000, r"is '9+… \(5,002 characters\), which is not a whole number"),
        ("rank=" + "9" * 300, "more than 15 digits"),
    ],
)
def test_words_that_are_no_setting_are_told(setting: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        with_settings(RunConfig(), [setting])


def test_the_last_word_on_a_field_counts_and_differences_are_named() -> None:
    config = with_settings(RunConfig(), ["rank=8", "rank=16", "seed=1"])
    assert differences(RunConfig(), config) == {"rank": (64, 16), "seed": (7, 1)}


def test_several_faults_are_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        config_from({"rank": "x", "ranks": 3, "packing": 2}, "run.yaml")
    assert all(word in str(caught.value) for word in ("rank is 'x'", "ranks is no setting", "packing is 2"))
