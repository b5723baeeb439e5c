"""The versions that ship: whole, small, leak-free, of known licences, and rebuilt word for word by anyone."""

from pathlib import Path

import pytest

from training.data.build import build
from training.data.rows import UNKNOWN_LICENCE
from training.data.spec import read_spec
from training.data.versions import Version, list_versions, open_version, rows_of
from training.task.pack import BUILTIN, find_packs

SHIPPED = Path(__file__).resolve().parents[2] / "assets" / "datasets"
VERSIONS, NOTICES = list_versions(SHIPPED)


def test_each_task_has_a_version_that_is_whole_and_small() -> None:
    assert NOTICES == []
    assert {version.task for version in VERSIONS} == set(find_packs(BUILTIN))
    assert sum(file.stat().st_size for file in SHIPPED.rglob("*") if file.is_file()) <= 5_000_000
    for version in VERSIONS:
        open_version(version.folder)  # every file has the hash that its manifest says


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.dataset)
def test_no_group_is_on_two_sides_and_every_licence_is_known(version: Version) -> None:
    parts = {part: list(rows_of(version, part)) for part in ("train", "dev", "test", "golden")}
    groups = {part: {row.group for row in rows} for part, rows in parts.items()}
    assert len(parts["train"]) >= 300
    assert all(len(rows) >= 15 for rows in parts.values())
    assert not groups["train"] & (groups["dev"] | groups["test"] | groups["golden"])
    assert all(row.licence not in ("", UNKNOWN_LICENCE) for rows in parts.values() for row in rows)


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.dataset)
def test_its_spec_builds_the_very_same_version(version: Version, tmp_path: Path) -> None:
    spec = read_spec(SHIPPED / f"{version.dataset}.yaml")
    assert spec.hash == version.spec.hash
    for _ in build(spec, tmp_path):
        pass
    again, notices = list_versions(tmp_path / "datasets")
    assert notices == []
    assert [found.folder.name for found in again] == [version.folder.name]
