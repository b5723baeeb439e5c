"""Fetches a model or adapter from the hub: configs, tokenizer and safetensors, never a pickle or code. No torch."""

import errno
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.engine.api import Progress
from training.errors import AdapterError, ModelError, StorageError

WANTED = ["*.json", "*.safetensors", "tokenizer.model", "*.jinja", "vocab.txt", "merges.txt", "spiece.model"]
_NAME_CHARS = 96
TOKENIZER = [pattern for pattern in WANTED if pattern != "*.safetensors"]  # all that text needs to become tokens


def fetch_repo(
    repo: str,
    progress: Progress,
    error: type[ModelError] | type[AdapterError],
    revision: str | None = None,
    wanted: Sequence[str] = WANTED,
) -> Path:
    """The folder of a hub repository in the hub's own cache, downloaded if it is not whole there.

    `revision` is a commit, None the newest; `wanted` are patterns of the files that are fetched. Raises `error` when it
    is not there, closed or out of reach, and StorageError when the disk is full.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
    )

    progress(f"Fetching {repo}", None)
    try:
        folder = snapshot_download(
            repo, revision=revision, allow_patterns=list(wanted), tqdm_class=_bar(repo, progress)
        )
    except HFValidationError as err:  # `a/b--c`, `a/b..c`, `a/b.git`, more than 96 characters
        shown = repo if len(repo) <= _NAME_CHARS else f"{repo[:_NAME_CHARS]}… ({len(repo)} characters)"
        raise error(
            f"{shown} is no name that the hub allows: at most {_NAME_CHARS} characters, without -- or .., and not "
            "ending in a dot, a hyphen or .git.",
            fix="Check the spelling, or give a folder.",
        ) from err
    except GatedRepoError as err:
        raise error(f"{repo} is gated.", fix="Accept its terms on the hub and log in with `hf auth login`.") from err
    except RepositoryNotFoundError as err:
        raise error(f"The hub has no {repo}, or it is private.", fix="Check the spelling, or log in.") from err
    except (LocalEntryNotFoundError, OfflineModeIsEnabled) as err:
        raise error(
            f"{repo} is not on this machine and the hub can't be reached.",
            fix="Connect (and unset HF_HUB_OFFLINE), or use the embedded model.",
        ) from err
    except HfHubHTTPError as err:
        raise error(f"The hub refused {repo}: {str(err).splitlines()[0]}.", fix="Try again later.") from err
    except OSError as err:
        if err.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageError(f"No disk space to fetch {repo}.", fix="Free space in the hub's cache folder.") from err
        raise error(f"{repo} could not be fetched: {err}.", fix="Check the connection and try again.") from err
    return Path(folder)


def _bar(repo: str, progress: Progress) -> type[Any]:
    """A silent tqdm that tells `progress` how many of the bytes have come."""
    from tqdm.auto import tqdm

    class Bar(tqdm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs.pop("name", None)
            self._counts = str(kwargs.get("desc", "")).startswith("Reconstructing")  # bytes on disk, of all files
            kwargs["disable"] = False
            kwargs["file"] = _Nowhere()
            super().__init__(*args, **kwargs)

        def update(self, n: float | None = 1) -> bool | None:
            shown = super().update(n)
            if self._counts and self.total:
                progress(f"Fetching {repo}", min(1.0, self.n / self.total))
            return shown

    return Bar


class _Nowhere:
    def write(self, _: str) -> None: ...

    def flush(self) -> None: ...
