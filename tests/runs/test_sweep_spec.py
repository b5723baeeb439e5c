"""A sweep's spec: what is read is what was written, what can't work is told, and the same spec is the same sweep."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.engine.small_versions import small_version
from training.errors import DataError, InputError
from training.runs.config import RunConfig
from training.runs.presets import find_presets
from training.runs.sweep_spec import (
    DEFAULT_FIELDS,
    Range,
    SweepSpec,
    check_spec,
    combinations,
    read_spec,
    settled,
    spec_yaml,
)

SHIPPED = Path(__file__).resolve().parents[2] / "assets" / "sweeps"
CONFIG = RunConfig(dataset="d", base="llama")


def written(folder: Path, text: str) -> Path:
    path = folder / "spec.yaml"
    path.write_text(text, "utf-8")
    return path


def test_what_is_left_out_is_the_grid_of_the_sources(tmp_path: Path) -> None:
    spec = read_spec(written(tmp_path, "name: a\nconfig: {dataset: d}\n"))
    assert spec.fields == DEFAULT_FIELDS and spec.total == spec.combinations == 81
    assert (spec.search, spec.prune, spec.metric) == ("grid", True, "primary")
    assert len(list(combinations(spec))) == 81


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_specs_can_start_at_any_home(path: Path, tmp_path: Path) -> None:
    spec, digest = settled(read_spec(path), tmp_path)
    assert len(digest) == 64 and spec.config.dataset.startswith("recipe-jsonld-small-")
    assert read_spec(written(tmp_path, spec_yaml(spec))) == spec


def test_the_same_spec_is_the_same_sweep(tmp_path: Path) -> None:
    text = "name: My sweep\nconfig: {dataset: d, name: x}\nfields: {target_modules: [all-linear, [q_proj, k_proj]]}\n"
    spec = read_spec(written(tmp_path, text))
    assert spec.fields["target_modules"] == ("all-linear", ("q_proj", "k_proj"))
    again = read_spec(written(tmp_path, spec_yaml(spec)))
    assert again.sweep == spec.sweep and spec.sweep.startswith("my-sweep-")
    assert replace(spec, config=replace(spec.config, rank=8)).sweep != spec.sweep
    assert replace(spec, config=replace(spec.config, name="other")).sweep == spec.sweep
    assert spec.config_of({"rank": 8}, 4).name == "My sweep 005"


def test_a_preset_and_a_range(tmp_path: Path) -> None:
    preset = next(iter(find_presets()))
    text = f"name: a\npreset: {preset}\nconfig: {{dataset: d}}\nsearch: tpe\ntrials: 5\n"
    spec = read_spec(written(tmp_path, text + "fields: {rank: {low: 4, high: 64, log: true}}\n"))
    assert spec.fields == {"rank": Range(4, 64, True)} and spec.total == 5 and spec.combinations is None
    assert [values["rank"] for values in combinations(spec)] == [4, 64]
    assert read_spec(written(tmp_path, spec_yaml(spec))).sweep == spec.sweep


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"fields": {}}, "fields is empty"),
        ({"fields": {"ranks": (1, 2)}}, "ranks is no setting"),
        ({"fields": {"dataset": ("a", "b")}}, "dataset has to be the same"),
        ({"fields": {"rank": Range(4, 64)}}, "a grid needs values"),
        ({"fields": {"rank": Range(4, 64)}, "search": "tpe"}, "trials is 0"),
        ({"fields": {"rank": (0, 8)}}, "rank is 0"),
        ({"fields": {"learning_rate": (0.1, 7.0)}}, "learning_rate is 7"),
        ({"fields": {"method": ("lora", "magic")}}, "method is 'magic'"),
        ({"metric": "dev_loss"}, "never by a loss"),
        ({"trials": -1}, "trials is -1"),
        ({"name": " "}, "name is ' '"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 2**32}, "seed is 4294967296"),
        ({"config": replace(CONFIG, method="full")}, "method is full, which reads no rank"),
        ({"fields": {"method": ("full",), "alpha": (8, 16)}}, "method is full, which reads no alpha"),
        ({"config": replace(CONFIG, evaluate_rows=0)}, "evaluate_rows is 0"),
        ({"config": replace(CONFIG, dataset="")}, "dataset is empty"),
        ({"fields": {"rank": tuple(range(1, 200)), "seed": tuple(range(200))}}, "39,800 combinations"),
    ],
)
def test_a_spec_that_can_not_work_says_why(changes: dict[str, Any], said: str) -> None:
    spec = replace(SweepSpec("a", CONFIG, {"rank": (8, 16)}), **changes)
    with pytest.raises(InputError, match=said) as caught:
        check_spec(spec)
    assert caught.value.fix


def test_relative_bases_start_at_the_file_as_the_configs_does(tmp_path: Path) -> None:
    text = "name: a\nconfig: {dataset: ../data/v1, base: ./x}\nfields: {base: [./m, ../n, owner/model, crumb]}\n"
    spec = read_spec(written(tmp_path, text))
    here = tmp_path.resolve()
    assert spec.fields["base"] == (str(here / "m"), str(here.parent / "n"), "owner/model", "crumb")
    assert (spec.config.base, spec.config.dataset) == (str(here / "x"), str(here.parent / "data" / "v1"))
    (tmp_path / "kept").mkdir()
    assert read_spec(written(tmp_path / "kept", spec_yaml(spec))).sweep == spec.sweep, "wherever it is kept"


def test_a_rank_may_be_swept_where_some_runs_have_an_adapter() -> None:
    check_spec(SweepSpec("a", replace(CONFIG, method="full"), {"rank": (8, 16), "method": ("full", "lora")}))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("config: {dataset: d}\n", "'name' is missing"),
        ("name: a\n", "'config' is missing"),
        ("name: a\nconfig: {dataset: d}\nsearch: random\n", "is 'random'"),
        ("name: a\nconfig: {dataset: d}\nmore: 1\n", "'more' is not known"),
        ("name: a\nconfig: {datasets: d}\n", "datasets is no setting"),
        ("name: a\nconfig: {dataset: d}\nfields: {rank: 8}\n", "fields.rank is 8"),
        ("name: a\nconfig: {dataset: d}\nfields: {rank: [8, 8]}\n", "has a value twice"),
        ("name: a\nconfig: {dataset: d}\nfields: {rank: [eight]}\n", "rank is 'eight'"),
        ("name: a\nconfig: {dataset: d}\nfields: {rank: {low: 8, high: 4}}\n", "goes from 8 to 4"),
        ("name: a\nconfig: {dataset: d}\nfields: {method: {low: 1, high: 2}}\n", "fields.method is"),
        ("name: a\nconfig: {dataset: d}\npreset: none-like-it\n", "no preset"),
    ],
)
def test_a_file_that_is_no_spec_says_where(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_spec(written(tmp_path, text))
    with pytest.raises(InputError, match="missing"):
        read_spec(tmp_path / "none.yaml")


def test_a_dataset_is_settled_before_anything_starts(tmp_path: Path) -> None:
    version = small_version(tmp_path, "recipe-writer", train=2, dev=1, test=1)
    spec = SweepSpec("a", RunConfig(task="recipe-writer", dataset="recipe-writer-tiny"), {"rank": (8, 16)})
    assert settled(spec, tmp_path)[0].config.dataset == version.name
    elsewhere = settled(replace(spec, config=replace(spec.config, dataset=str(version))), tmp_path / "other")[0]
    assert elsewhere.config.dataset == str(version)
    with pytest.raises(InputError, match="is of the task recipe-writer"):
        settled(replace(spec, config=replace(spec.config, task="recipe-jsonld")), tmp_path)
    with pytest.raises(DataError, match="no dataset version"):
        settled(replace(spec, config=replace(spec.config, dataset="gone")), tmp_path)
