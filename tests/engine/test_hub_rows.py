"""Datasets made on the spot, read from a local folder as those of the hub are."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from datasets.exceptions import DatasetNotFoundError
from huggingface_hub.errors import OfflineModeIsEnabled

from training.data.rows import SourceRow
from training.data.sources.mapping import UnconfirmedMapping
from training.data.sources.raw import RawRow
from training.data.sources.read import read_source
from training.data.spec import FieldMapping, SourceSpec
from training.engine.hub_rows import HubSource, hub_rows, told
from training.errors import DataError

TITLES = [f"Soup {number}" for number in range(10)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folders parquet/ (train and test) and saved/ (several splits); the cache is kept apart from the person's own."""
    import datasets

    root = tmp_path_factory.mktemp("hub")
    data = datasets.Dataset.from_dict({"name": TITLES, "parts": [["salt", title] for title in TITLES]})
    data.to_parquet(root / "parquet" / "train-00000-of-00001.parquet")
    data.select(range(3)).to_parquet(root / "parquet" / "test-00000-of-00001.parquet")
    datasets.DatasetDict({"train": data, "test": data.select(range(3))}).save_to_disk(root / "saved")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("datasets.config.HF_DATASETS_CACHE", root / "cache")
        datasets.disable_progress_bars()
        yield root


def read(
    folder: Path, split: str = "train", ends: tuple[int, int | None] = (0, None), streaming: bool = False
) -> list[RawRow]:
    rows = hub_rows(HubSource(str(folder), "", split, ends, streaming))
    return [row for row in rows if isinstance(row, RawRow)]


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("folder", ["parquet", "saved"])
def test_splits_and_slices_of_a_local_dataset(made: Path, folder: str, streaming: bool) -> None:
    every = read(made / folder, streaming=streaming)
    assert [row.values["name"] for row in every] == TITLES
    assert every[9] == RawRow({"name": "Soup 9", "parts": ["salt", "Soup 9"]}, "row 10")
    assert len(read(made / folder, "test", streaming=streaming)) == 3
    part = read(made / folder, ends=(4, 6), streaming=streaming)
    assert [(row.values["name"], row.place) for row in part] == [("Soup 4", "row 5"), ("Soup 5", "row 6")]
    assert len(read(made / folder, ends=(8, 99), streaming=streaming)) == 2
    with pytest.raises(DataError, match=r"no row in train\[50:\]"):
        read(made / folder, ends=(50, None), streaming=streaming)


@pytest.mark.parametrize("folder", ["parquet", "saved"])
def test_a_split_that_is_not_there_is_an_error(made: Path, folder: str) -> None:
    with pytest.raises(DataError, match="dev") as caught:
        read(made / folder, "dev")
    assert caught.value.fix


def test_a_hub_that_can_not_be_reached_is_an_error_with_a_way_on(made: Path) -> None:
    with pytest.raises(DataError, match="hub can't be reached") as caught:
        hub_rows(HubSource("nobody/no-such-dataset"))
    assert "local folder" in caught.value.fix


@pytest.mark.parametrize(
    ("raised", "words"),
    [
        (RuntimeError("Dataset scripts are no longer supported, but found soups.py"), "scripts are no longer"),
        (ValueError("BuilderConfig 'fr' not found. Available: ['en']"), "'en'"),
        (OverflowError("date value out of range"), "date value out of range"),
        (OfflineModeIsEnabled("offline"), "can't be reached"),
        (ConnectionError("no route"), "can't be reached"),
        (DatasetNotFoundError("Dataset 'a/b' doesn't exist on the Hub"), "no dataset a/b"),
    ],
)
def test_what_the_library_raises_is_told_with_a_fix(raised: Exception, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught, told(HubSource("a/b", "fr"), "soups"):
        raise raised
    assert caught.value.fix


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError), told(HubSource("a/b"), "soups"):
        raise ZeroDivisionError


def test_a_folder_without_data_is_an_error(made: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError):
        hub_rows(HubSource(str(tmp_path)))


def test_a_dataset_is_a_source_like_a_file(made: Path) -> None:
    spec = SourceSpec(kind="hub", dataset=str(made / "parquet"), name="soups", slice="2:4", streaming=True)
    with pytest.raises(UnconfirmedMapping, match="soups"):
        read_source(spec)
    mapping = (FieldMapping("title", "name", "text"), FieldMapping("ingredients", "parts", "list"))
    found = [
        row for row in read_source(replace(spec, mapping=mapping, licence="CC0-1.0")) if isinstance(row, SourceRow)
    ]
    assert [(row.fields["title"], row.place, row.origin, row.licence) for row in found] == [
        ("Soup 2", "row 3", "soups", "CC0-1.0"),
        ("Soup 3", "row 4", "soups", "CC0-1.0"),
    ]
    unnamed = next(read_source(replace(spec, mapping=mapping, name="")))
    assert isinstance(unnamed, SourceRow) and unnamed.origin == "parquet"  # not the path of someone's machine
