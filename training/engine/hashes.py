"""Hashes of weights that anyone can repeat with `sha256sum`, and what a safetensors header says. No torch.

A base's hash is that of the list `sha256sum *.safetensors` prints in its folder, an adapter's of the list
`sha256sum adapter_config.json adapter_model.safetensors` prints in its: `... | sha256sum` gives the same 64 digits.
"""

import hashlib
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from pathlib import Path

_MOST_HEADER = 100_000_000


def hash_files(files: Sequence[Path]) -> str:
    """Hex SHA-256 of `sha256sum`'s listing of the files, sorted by name."""
    lines = [f"{hash_file(path)}  {path.name}\n" for path in sorted(files, key=lambda p: p.name)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def hash_file(path: Path) -> str:
    """Hex SHA-256 of a file's bytes; read once while its path, size and time of change stay the same."""
    stat = path.stat()
    return _hash(str(path.resolve()), stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=256)
def _hash(path: str, _mtime_ns: int, _size: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor of a safetensors file. `dtype` is the format's own word, such as BF16."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def numel(self) -> int:
        return prod(self.shape)


def read_header(path: Path) -> dict[str, TensorInfo]:
    """Names, types and shapes in a safetensors file. ValueError where the file is cut short or is something else."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        if len(start) < 8:
            raise ValueError("it is shorter than a header")
        (length,) = struct.unpack("<Q", start)
        if length > min(size - 8, _MOST_HEADER):
            raise ValueError("it ends inside its header, or is no safetensors file")
        try:
            header = json.loads(file.read(length))
            entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
            ends = [entry["data_offsets"][1] for entry in entries.values()]
            tensors = {name: TensorInfo(entry["dtype"], tuple(entry["shape"])) for name, entry in entries.items()}
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as err:
            raise ValueError("its header can't be read") from err
    if 8 + length + max(ends, default=0) != size:
        raise ValueError(f"it holds {size} bytes where its header promises {8 + length + max(ends, default=0)}")
    return tensors
