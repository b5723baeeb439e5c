"""What the hub says of a base whose weights are not here yet: how much is to be fetched, and its tensors. No torch.

Asked are the list of files with their sizes and the headers of the weight files; no weight is read. Where the hub can't
be reached, or does not say, nothing is known, and whoever asks says so. Limits: one try, which gives up after
`TIMEOUT_S`; what of the files lies in the hub's cache already does not count.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from training.engine.download import WANTED
from training.engine.hashes import TensorInfo

TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Remote:
    """`fetched` bytes are yet to come; `tensors` by name, of all weight files."""

    fetched: int
    tensors: Mapping[str, TensorInfo]


def ask_hub(repo: str, revision: str = "") -> Remote | None:
    """None where the hub does not say."""
    import httpx
    from huggingface_hub import HfApi, try_to_load_from_cache
    from huggingface_hub.errors import HfHubHTTPError, NotASafetensorsRepoError, SafetensorsParsingError

    api = HfApi()
    try:
        info = api.model_info(repo, revision=revision or None, files_metadata=True, timeout=TIMEOUT_S)
        files = {file.rfilename: file.size or 0 for file in info.siblings or () if _is_wanted(file.rfilename)}
        missing = [name for name in files if not isinstance(try_to_load_from_cache(repo, name, revision=info.sha), str)]
        found = api.get_safetensors_metadata(repo, revision=info.sha).files_metadata.values()
    except (HfHubHTTPError, NotASafetensorsRepoError, SafetensorsParsingError, httpx.HTTPError, OSError, ValueError):
        return None
    tensors = {
        name: TensorInfo(str(tensor.dtype), tuple(tensor.shape))
        for file in found
        for name, tensor in file.tensors.items()
    }
    return Remote(sum(files[name] for name in missing), tensors)


def cache_folder() -> Path:
    """Where the hub's files are kept on this machine."""
    from huggingface_hub.constants import HF_HUB_CACHE

    return Path(HF_HUB_CACHE)


def _is_wanted(name: str) -> bool:
    return any(fnmatch(name, pattern) for pattern in WANTED)
