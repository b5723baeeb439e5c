"""Hashes of weights that anyone can repeat with `sha256sum`, and what a safetensors header says. No torch.

A base's hash is that of the list `sha256sum *.safetensors` prints in its folder, an adapter's of the list
`sha256sum adapter_config.json adapter_model.safetensors` prints in its: `... | sha256sum` gives the same 64 digits.
"""

import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any

_MOST_HEADER = 100_000_000
_BITS = {  # of a number, by the format's own words (safetensors 0.8)
    "BOOL": 8, "U8": 8, "I8": 8, "U16": 16, "I16": 16, "U32": 32, "I32": 32, "U64": 64, "I64": 64,
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8, "F16": 16, "BF16": 16, "F32": 32, "F64": 64, "C64": 64,
}  # fmt: skip


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
    """Names, types and shapes in a safetensors file. ValueError where the file is cut short or is something else, and
    where a tensor has a type or a place that the library would refuse to read."""
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
            places = {name: _place(entry["data_offsets"]) for name, entry in entries.items()}
            tensors = {name: TensorInfo(str(e["dtype"]), _counts(e["shape"])) for name, e in entries.items()}
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as err:
            raise ValueError("its header can't be read") from err
    end = max((end for _, end in places.values()), default=0)
    if 8 + length + end != size:
        raise ValueError(f"it holds {size} bytes where its header promises {8 + length + end}")
    _check_places(tensors, places)
    return tensors


def _place(offsets: Any) -> tuple[int, int]:
    start, end = offsets
    if type(start) is not int or type(end) is not int or not 0 <= start <= end:
        raise ValueError(offsets)
    return start, end


def _counts(shape: Any) -> tuple[int, ...]:
    if not isinstance(shape, list) or not all(type(length) is int and length >= 0 for length in shape):
        raise ValueError(shape)
    return tuple(shape)


def _check_places(tensors: Mapping[str, TensorInfo], places: Mapping[str, tuple[int, int]]) -> None:
    """Each tensor takes the bytes that its type and shape need, one behind the other without a hole."""
    at = 0
    for name, (start, end) in sorted(places.items(), key=lambda item: item[1]):
        tensor = tensors[name]
        if tensor.dtype not in _BITS:
            raise ValueError(f"{name[:200]} is of a type {tensor.dtype[:40]!r} that safetensors does not know")
        if start != at or 8 * (end - start) != tensor.numel * _BITS[tensor.dtype]:
            raise ValueError(f"the place its header gives {name[:200]} does not fit its type and shape")
        at = end
