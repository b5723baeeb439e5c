"""Rows of a Hugging Face dataset, by its id or from a local folder. The only module that knows `datasets`.

Streaming reads rows as they come and stores nothing; otherwise the split is fetched whole into the hub's cache and
read from disk. Pictures and sounds are not decoded. A dataset's own code is never run. Limits: a dataset that changes
on the hub changes here too; rows that the dataset itself can't read end the reading with a DataError.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, NamedTuple

from training.data.rows import BadRecord
from training.data.sources.files import plain
from training.data.sources.raw import RawRow
from training.errors import DataError, StudioError
from training.typed_path import typed_path


class HubSource(NamedTuple):
    """What to read: an id such as owner/name or a folder, and rows [start, end) of one split, counted from 0."""

    dataset: str
    subset: str = ""
    split: str = "train"
    ends: tuple[int, int | None] = (0, None)
    streaming: bool = False


def hub_rows(asked: HubSource, origin: str = "") -> Iterator[RawRow | BadRecord]:
    """Rows as plain dicts, called "row N" by their number in the split from 1. DataError says what is wrong.

    The dataset is opened at once; `origin` is what errors call it.
    """
    called = origin or asked.dataset
    start, end = asked.ends
    with told(asked, called):
        data = _open(asked)
        rows: Iterator[Any] = iter(data.skip(start) if asked.streaming else _range(data, start, end))
    wanted = None if end is None else max(0, end - start)
    return _rows(islice(rows, wanted), asked, called)


def _rows(rows: Iterator[Any], asked: HubSource, called: str) -> Iterator[RawRow | BadRecord]:
    number = asked.ends[0]
    while True:
        with told(asked, called):
            values = next(rows, None)
        if values is None:
            break
        number += 1
        yield RawRow({str(key): plain(value) for key, value in values.items()}, f"row {number}")
    if number == asked.ends[0]:
        raise DataError(
            f"{called} has no row in {asked.split}[{start_end(asked)}].", fix="Take another split or slice."
        )


def start_end(asked: HubSource) -> str:
    """The slice as it is written: "0:" for all."""
    return f"{asked.ends[0]}:{'' if asked.ends[1] is None else asked.ends[1]}"


def _range(data: Any, start: int, end: int | None) -> Any:
    last = len(data) if end is None else min(end, len(data))
    return data.select(range(start, last)) if start < last else ()


def _open(asked: HubSource) -> Any:
    import datasets

    folder = typed_path(asked.dataset, "The dataset")
    if folder.is_dir() and ((folder / "state.json").is_file() or (folder / "dataset_dict.json").is_file()):
        data = _saved(datasets.load_from_disk(str(folder)), asked)
    else:
        name = str(folder) if folder.exists() else asked.dataset
        data = datasets.load_dataset(name, asked.subset or None, split=asked.split, streaming=asked.streaming)
    media = (datasets.Image, datasets.Audio, datasets.Video, datasets.Pdf)
    for column, feature in (data.features or {}).items():
        if isinstance(feature, media):
            data = data.cast_column(column, type(feature)(decode=False))
    return data


def _saved(data: Any, asked: HubSource) -> Any:
    """A dataset that `save_to_disk` wrote: one split, or several by name."""
    import datasets

    if isinstance(data, datasets.DatasetDict):
        if asked.split not in data:
            raise DataError(
                f"{asked.dataset} has no split {asked.split!r}.", fix=f"It has: {', '.join(map(str, data))}."
            )
        data = data[asked.split]
    return data.to_iterable_dataset() if asked.streaming else data


@contextmanager
def told(asked: HubSource, called: str) -> Iterator[None]:
    """What `datasets` raises, as errors for a person."""
    import datasets.exceptions as ours
    import huggingface_hub.errors as hub
    import pyarrow

    try:
        yield
    except StudioError:
        raise
    except hub.GatedRepoError as error:
        fix = "Accept its terms on the hub and log in with `hf auth login`."
        raise DataError(f"{called} is gated.", fix=fix) from error
    except (hub.OfflineModeIsEnabled, ConnectionError) as error:
        raise DataError(
            f"{called} is not on this machine and the hub can't be reached.",
            fix="Connect (and unset HF_HUB_OFFLINE), or give a local folder or file.",
        ) from error
    except (ours.DatasetNotFoundError, hub.RepositoryNotFoundError) as error:
        fix = "Check the id, log in where it is private, or name a local folder."
        raise DataError(f"There is no dataset {asked.dataset}: {_first(error)}", fix=fix) from error
    except OverflowError as error:  # as of a date that Python has no year for
        raise DataError(
            f"{called} holds a value that can't be read: {_first(error)}.", fix="Take another slice, or mend it there."
        ) from error
    except (ours.DatasetsError, hub.HfHubHTTPError, ValueError, RuntimeError, OSError, pyarrow.ArrowException) as error:
        raise DataError(
            f"{called} can't be read as subset {asked.subset or 'default'!r}, split {asked.split!r}: {_first(error)}",
            fix="Look at its page for subsets and splits; a dataset that needs code of its own is not run.",
        ) from error


def _first(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__
