"""Lengths are counted as the model reads them, without its weights."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from training.engine.counting import context_tokens, token_counter
from training.engine.row_tokens import tokens_of
from training.errors import ModelError
from training.task.pack import BUILTIN, load_pack


def test_the_embedded_tokenizer_counts_and_never_breaks() -> None:
    count = token_counter("", None)
    assert count("") == 0
    assert 0 < count("Boil the lentils.") <= len("Boil the lentils.")
    assert count("Boil the lentils. " * 50) > 40 * count("Boil the lentils.")
    assert count("\ud800") > 0


def test_of_a_base_on_the_hub_only_the_tokenizer_is_fetched(
    tiny_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hub that holds one tiny model: what is asked for comes, and nothing else."""
    came = tmp_path / "cache"

    def fetch(repo: str, progress: object, error: object, revision: object, wanted: Sequence[str]) -> Path:
        came.mkdir(exist_ok=True)
        for path in (tiny_models / "models" / "llama").iterdir():
            if any(path.match(pattern) for pattern in wanted):
                shutil.copy(path, came)
        return came

    monkeypatch.setattr("training.engine.hub.fetch_repo", fetch)
    assert token_counter("ann/llama", tmp_path)("Boil the lentils.") > 0
    config = json.loads((came / "config.json").read_text())
    assert context_tokens("ann/llama", tmp_path) == config["max_position_embeddings"]
    assert {path.name for path in came.iterdir()} == {"tokenizer.json", "config.json"}
    pack = load_pack(BUILTIN / "recipe-jsonld")
    assert tokens_of("ann/llama", tmp_path, pack, "Lentil soup", "{}")
    assert not list(came.glob("*.safetensors"))


def test_what_a_base_reads_at_most_is_what_its_config_says(tmp_path: Path) -> None:
    assert context_tokens("", None) == 2048
    (tmp_path / "config.json").write_text('{"text_config": {"max_position_embeddings": 512}}')
    assert context_tokens(str(tmp_path), tmp_path) == 512
    (tmp_path / "config.json").write_text("{}")
    assert context_tokens(str(tmp_path), tmp_path) is None
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ModelError, match="can't be read"):
        context_tokens(str(tmp_path), tmp_path)


def test_a_base_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        token_counter("no such base", tmp_path)
