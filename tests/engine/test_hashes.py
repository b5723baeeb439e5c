"""Hashes that sha256sum repeats; headers that are read without trusting them."""

import hashlib
import json
import os
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest

from training.engine.hashes import hash_file, hash_files, read_header


def test_the_hash_of_a_folder_is_what_sha256sum_says_twice(tmp_path: Path) -> None:
    if shutil.which("sha256sum") is None:
        pytest.skip("no sha256sum on this machine")
    (tmp_path / "b.safetensors").write_bytes(b"two")
    (tmp_path / "a.safetensors").write_bytes(b"one")
    listing = subprocess.run(
        ["sha256sum", "a.safetensors", "b.safetensors"], cwd=tmp_path, capture_output=True, check=True
    ).stdout
    assert hash_files(list(tmp_path.glob("*.safetensors"))) == hashlib.sha256(listing).hexdigest()


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"one")
    before = hash_file(path)
    path.write_bytes(b"two")
    os.utime(path, ns=(1, 1))
    assert hash_file(path) == hashlib.sha256(b"two").hexdigest() != before


def test_a_header_names_what_is_inside(tiny_models: Path) -> None:
    header = read_header(tiny_models / "adapters" / "llama-a" / "adapter_model.safetensors")
    name = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"
    assert (header[name].dtype, header[name].shape, header[name].numel) == ("F32", (4, 32), 128)


@pytest.mark.parametrize(
    ("keep", "said"), [(4, "shorter than a header"), (60, "inside its header"), (-1, "promises"), (0, "shorter")]
)
def test_a_file_cut_short_is_told(tiny_models: Path, tmp_path: Path, keep: int, said: str) -> None:
    whole = (tiny_models / "adapters" / "llama-a" / "adapter_model.safetensors").read_bytes()
    (tmp_path / "cut").write_bytes(whole[:keep])
    with pytest.raises(ValueError, match=said):
        read_header(tmp_path / "cut")


def test_another_kind_of_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"PK\x03\x04" + b"\0" * 100)
    with pytest.raises(ValueError, match="header"):
        read_header(tmp_path / "x")


def written(path: Path, header: bytes, data: bytes = b"") -> Path:
    path.write_bytes(struct.pack("<Q", len(header)) + header + data)
    return path


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"a": {"dtype": "F33", "shape": [2], "data_offsets": [0, 8]}}, "a is of a type 'F33'"),
        ({"a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 8]}}, "the place its header gives a"),
        ({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}, "the place its header gives a"),
        (
            {
                "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
                "b": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]},
            },
            "the place its header gives b",
        ),
        ({"a": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}}, "can't be read"),
        ({"a": {"dtype": "F32", "shape": ["2"], "data_offsets": [0, 8]}}, "can't be read"),
        ({"a": {"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}}, "can't be read"),
    ],
)
def test_a_tensor_of_no_known_type_or_in_the_wrong_place_is_told(
    tmp_path: Path, entries: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        read_header(written(tmp_path / "x", json.dumps(entries).encode(), b"\0" * 8))


def test_a_header_without_an_end_of_brackets_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="can't be read"):
        read_header(written(tmp_path / "x", b"[" * 200_000))


def test_the_types_known_here_are_those_of_safetensors(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    made = [torch.bool, torch.uint8, torch.int16, torch.int64, torch.float16, torch.bfloat16, torch.float64]
    eights = [torch.float8_e4m3fn, torch.float8_e5m2, torch.complex64]
    save_file({str(kind): torch.zeros(3, 2).to(kind) for kind in (*made, *eights)}, tmp_path / "x")
    assert all(tensor.numel == 6 for tensor in read_header(tmp_path / "x").values())
