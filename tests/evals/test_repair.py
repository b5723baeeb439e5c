"""A cluster becomes a spec that the factory builds, small and aimed."""

from collections import Counter
from pathlib import Path

import pytest

from tests.evals.eval_rows import lines
from training.data.build import build
from training.data.rows import DataRow
from training.data.spec import spec_from
from training.data.versions import list_versions, rows_of
from training.evals.clusters import CLUSTERS
from training.evals.repair import targeted_spec
from training.task.pack import BUILTIN, Pack, find_packs

PACKS = find_packs(BUILTIN)


@pytest.mark.parametrize("pack", PACKS.values(), ids=lambda pack: pack.name)
def test_every_cluster_of_every_task_has_a_spec_that_reads_back(pack: Pack, tmp_path: Path) -> None:
    seeds = set()
    for name in CLUSTERS:
        text = targeted_spec(pack, name, {"name": "of\nmine"})
        spec = spec_from(text, tmp_path / "spec.yaml")
        assert spec.task == pack.name and 20 <= sum(source.rows for source in spec.sources) <= 100
        assert spec.split.wanted == {"train": 1.0}
        assert text.startswith("# Made for one error cluster of of mine: ")
        seeds.add(spec.seed)
    assert len(seeds) == len(CLUSTERS)


def test_rows_are_those_of_the_recipe_or_those_asked_for(tmp_path: Path) -> None:
    def rows(cluster: str, count: int = 0) -> int:
        text = targeted_spec(PACKS["recipe-jsonld"], cluster, {}, count)
        return spec_from(text, tmp_path / "spec.yaml").sources[0].rows

    assert rows("quantity_wrong") == 60 and rows("unit_wrong") == 40
    assert rows("missing_required:name") == 20
    assert rows("unit_wrong", 5) == 20 and rows("unit_wrong", 5000) == 100


def test_the_factory_builds_it_and_most_rows_are_of_the_aimed_slice(tmp_path: Path) -> None:
    spec = spec_from(targeted_spec(PACKS["recipe-jsonld"], "multi_recipe_merged", {}), tmp_path / "spec.yaml")
    for _ in build(spec, tmp_path):
        pass
    versions, notices = list_versions(tmp_path / "datasets")
    assert notices == [] and len(versions) == 1
    slices = Counter(row.slice for row in rows_of(versions[0], "train"))
    assert slices["two_recipes"] > slices["plain"] > 0
    assert 20 <= slices.total() <= 100


def test_no_row_repeats_a_document_that_was_evaluated(tmp_path: Path) -> None:
    """The first rows of a spec, made documents of an evaluation, are refused when it is built again."""
    first = build_rows(targeted_spec(PACKS["recipe-jsonld"], "unit_wrong", {}), tmp_path / "first")
    taken = [{"id": row.id, "source": row.source, "gold": row.gold, "group": ""} for row in first[:3]]
    lines(tmp_path / "rows.jsonl", taken)
    text = targeted_spec(PACKS["recipe-jsonld"], "unit_wrong", {}, protect=[str(tmp_path / "rows.jsonl")])
    assert "no row here repeats one of them" in text
    again = build_rows(text, tmp_path / "second")
    assert again and not {row.source for row in again} & {row["source"] for row in taken}


def build_rows(text: str, home: Path) -> list[DataRow]:
    for _ in build(spec_from(text, home / "spec.yaml"), home):
        pass
    return list(rows_of(list_versions(home / "datasets")[0][0], "train"))
