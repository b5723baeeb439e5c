"""A spec comes back from its file as it was; a mistake in one names file, key and fix."""

import textwrap
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from training.data import spec as spec_module
from training.data.sources.mapping import check_mapping
from training.data.spec import DatasetSpec, FieldMapping, SourceSpec, SplitSpec, read_spec, write_spec
from training.errors import DataError

WHOLE = """\
format: 1
task: recipe-jsonld
name: soups
sources:
  - {kind: grammar, rows: 60, licence: CC0-1.0}
  - kind: file
    path: data/recipes.csv
    licence: CC-BY-4.0
    group_column: link
    mapping:
      - {field: title, column: name}
      - {field: ingredients, column: ingredients, rule: json list}
  - {kind: hub, dataset: someone/recipes, split: train, slice: "0:500", streaming: true}
gates: {similarity: 0.9, personal: refuse, quotas: null, trivial: {source_words: 12}, lengths: {answer_tokens: 800}}
split: {shares: {train: 0.8, test: 0.2}, by: group, golden: 10, adversarial: 5}
teacher: {base_url: "http://localhost:9/v1", model: large, policy: review, caps: {calls: 100}}
judge: {base_url: "http://localhost:8/v1", model: critic, prices: {input_per_million: 1, output_per_million: 2}}
seed: 3
tokenizer: crumb
"""
JUDGE = {"base_url": "http://localhost:9/v1", "model": "large"}
SMALL = {"task": "recipe-jsonld", "name": "soups", "sources": [{"kind": "grammar", "rows": 5}]}


def written(folder: Path, data: Mapping[str, object] | str) -> Path:
    path = folder / "spec.yaml"
    path.write_text(data if isinstance(data, str) else yaml.safe_dump(data), "utf-8")
    return path


def test_every_field_is_read(tmp_path: Path) -> None:
    spec = read_spec(written(tmp_path, WHOLE))
    assert (spec.task, spec.name, spec.seed, spec.tokenizer) == ("recipe-jsonld", "soups", 3, "crumb")
    grammar, file, hub = spec.sources
    assert (grammar.kind, grammar.rows, grammar.origin) == ("grammar", 60, "grammar")
    assert file.mapping[1] == FieldMapping("ingredients", "ingredients", "json list")
    assert (file.group_column, file.origin, hub.origin) == ("link", "recipes.csv", "someone/recipes")
    assert hub.streaming and hub.slice == "0:500"
    assert spec.teacher and (spec.teacher.policy, spec.teacher.caps.calls) == ("review", 100)
    assert spec.judge and (spec.judge.model, spec.judge.temperature, spec.judge.prices.money(0, 10**6)) == (
        "critic",
        0,
        2,
    )
    assert spec.split.wanted == {"train": 0.8, "test": 0.2} and spec.split.golden == 10
    assert spec.gates == {
        "similarity": 0.9, "personal": "refuse", "quotas": None, "trivial": {"source_words": 12},
        "lengths": {"answer_tokens": 800},
    }  # fmt: skip


def test_the_example_of_the_module_is_a_spec(tmp_path: Path) -> None:
    example = "\n".join(line for line in (spec_module.__doc__ or "").splitlines() if line.startswith("    "))
    spec = read_spec(written(tmp_path, textwrap.dedent(example)))
    check_mapping(spec.sources[1].mapping, ["name", "ingredients", "directions"], "recipes.csv")
    assert (spec.render.posts_per_recipe, spec.split.golden, spec.sources[0].rows) == (2, 30, 500)


def test_a_spec_written_and_read_is_the_same_spec(tmp_path: Path) -> None:
    spec = read_spec(written(tmp_path, WHOLE))
    again = read_spec(written(tmp_path, write_spec(spec)))
    assert again == spec
    assert again.hash == spec.hash


def test_defaults_that_are_written_out_change_no_hash(tmp_path: Path) -> None:
    short = read_spec(written(tmp_path, SMALL))
    long = read_spec(written(tmp_path, {**SMALL, "seed": 7, "split": {"preset": "80/10/10"}, "tokenizer": ""}))
    assert short.hash == long.hash
    assert replace(short, seed=8).hash != short.hash


def test_the_place_of_a_file_changes_no_hash_but_its_name_does() -> None:
    def spec(path: str) -> DatasetSpec:
        return DatasetSpec("recipe-jsonld", "soups", (SourceSpec("file", path=path),))

    assert spec("/somewhere/a.csv").hash == spec("/elsewhere/a.csv").hash == spec("~/a.csv").hash
    assert spec("/somewhere/a.csv").hash != spec("/somewhere/b.csv").hash


def test_a_relative_path_starts_at_the_spec(tmp_path: Path) -> None:
    spec = read_spec(written(tmp_path, WHOLE))
    assert spec.resolved(spec.sources[1]).path == str(tmp_path / "data" / "recipes.csv")
    assert spec.resolved(spec.sources[0]) == spec.sources[0]


@pytest.mark.parametrize(
    ("change", "key", "fix"),
    [
        ({"sed": 3}, "sed", "Remove it"),
        ({"seed": "3"}, "seed", "whole number"),
        ({"seed": -1}, "seed", "whole number"),
        ({"name": "My Soups"}, "name", "a-z"),
        ({"sources": []}, "sources", "at least one"),
        ({"sources": [{"kind": "web"}]}, "sources[0].kind", "grammar"),
        ({"sources": [{"kind": "grammar"}]}, "sources[0].rows", "how many"),
        ({"sources": [{"kind": "file"}]}, "sources[0].path", "file"),
        ({"sources": [{"kind": "hub"}]}, "sources[0].dataset", "owner/name"),
        ({"sources": [{"kind": "file", "path": "a.csv", "mapping": {"title": "name"}}]}, "sources[0].mapping", "list"),
        ({"sources": [{"kind": "grammar", "rows": 5, "part": "exam"}]}, "sources[0].part", "golden"),
        ({"sources": [{"kind": "file", "path": "a.csv", "slice": f"0:{10**23}"}]}, "sources[0].slice", "12 digits"),
        ({"sources": [{"kind": "file", "path": "a\0.csv"}]}, "sources[0].path", "Take the zero character"),
        (
            {"sources": [{"kind": "file", "path": "a.csv", "encoding": "\0"}]},
            "sources[0].encoding",
            "Take the zero character",
        ),
        ({"sources": [{"kind": "hub", "dataset": "a\ud800"}]}, "sources[0].dataset", "half of one"),
        ({"protect": ["a\0"]}, "protect", "Take the zero character"),
        ({"split": {"preset": "50/50"}}, "split.preset", "80/10/10"),
        ({"split": {"shares": {"train": 0.5, "test": 0.1}}}, "split.shares", "add up to 1"),
        ({"split": {"shares": {"train": "most", "test": 0.1}}}, "split.shares.train", "number"),
        ({"split": {"by": "luck"}}, "split.by", "group or date"),
        ({"split": {"shares": {"train": 0.9, "dev": 0.1}, "adversarial": 5}}, "split.adversarial", "test a share"),
        ({"format": 2}, "format", "Update"),
        ({"gates": {"personal": "hide"}}, "gates", "mask"),
        ({"teacher": {"base_url": "http://localhost:9", "model": ""}}, "teacher", "model"),
        ({"judge": {"base_url": "localhost", "model": "large"}}, "judge", "http://localhost"),
        ({"judge": {**JUDGE, "caps": {"money": 5}}}, "judge", "prices"),
        ({"judge": {**JUDGE, "policy": "trim"}}, "judge.policy", "Remove it"),
        ({"judge": JUDGE, "gates": {"rubric": None}}, "judge", "Take one out"),
        ({"judge": JUDGE, "gates": {"rubric": {"least_total": 99}}}, "gates", "from 7 to 35"),
        ({"gates": {"rubric": {}}}, "gates", "under judge:"),
        ({"gates": {"similarity": 7}}, "gates", "from 0.1 to 1"),
        ({"gates": {"trivial": {"words": 7}}}, "gates", "source_words"),
        ({"gates": {"lengths": {"answer_tokens": "all"}}}, "gates", "whole number"),
    ],
)
def test_a_mistake_names_file_key_and_fix(tmp_path: Path, change: Mapping[str, object], key: str, fix: str) -> None:
    path = written(tmp_path, {**SMALL, **change})
    with pytest.raises(DataError) as caught:
        read_spec(path)
    assert str(path) in str(caught.value)
    assert f"'{key}'" in str(caught.value)
    assert fix in caught.value.fix


@pytest.mark.parametrize("missing", ["task", "name", "sources"])
def test_what_has_no_default_has_to_be_there(tmp_path: Path, missing: str) -> None:
    with pytest.raises(DataError, match=f"'{missing}' is missing"):
        read_spec(written(tmp_path, {key: value for key, value in SMALL.items() if key != missing}))


@pytest.mark.parametrize("text", ["", "- a\n", "task: [\n", "task: a\ntask: b\n"])
def test_a_file_that_is_no_spec_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError, match=r"spec\.yaml"):
        read_spec(written(tmp_path, text))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="missing"):
        read_spec(tmp_path / "none.yaml")


def test_a_split_of_its_own_shares_forgets_the_preset() -> None:
    assert SplitSpec(preset="95/5", shares={"train": 0.5, "test": 0.5}).wanted == {"train": 0.5, "test": 0.5}
    assert SplitSpec(preset="95/5").wanted == {"train": 0.95, "test": 0.05}
