"""Rendered rows are kept for the next process, found by what they were rendered from, never trusted blindly."""

import json
import logging
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.engine.small_versions import small_version
from training.engine import row_cache, run_rows
from training.engine.row_cache import Rendered, RowCache, key_of
from training.engine.row_checks import see_rows
from training.engine.run_rows import render_rows
from training.runs.config import RunConfig
from training.task.pack import BUILTIN, Pack, load_pack

CONFIG = RunConfig(dataset="x")
TASK = "news-metadata"
ROW = Rendered("r1", "", "ask \u2028 é", "answer", (1, 2, 3), 30, 4)


@pytest.fixture(scope="module")
def base(tiny_models: Path) -> Path:
    return tiny_models / "models" / "llama"


@pytest.fixture
def version(tmp_path: Path) -> Path:
    return small_version(tmp_path, TASK, train=3, dev=2)


@pytest.fixture
def pack() -> Pack:
    return load_pack(BUILTIN / TASK)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the rows that are rendered from here on."""
    seen: list[str] = []
    real = run_rows._render

    def render(pack: Pack, asked: Any, *rest: Any) -> Rendered:
        seen.append(asked.row.id)
        return real(pack, asked, *rest)

    monkeypatch.setattr(run_rows, "_render", render)
    return seen


def kept(home: Path) -> list[Path]:
    return sorted((home / "cache" / "rows").glob("*.jsonl"))


def test_what_the_checks_rendered_the_worker_does_not_render_again(
    version: Path, pack: Pack, base: Path, tmp_path: Path, counted: list[str]
) -> None:
    plain = render_rows(version, "train", pack, base, CONFIG)
    assert len(counted) == 3 and not kept(tmp_path), "without a home nothing is kept"
    seen = see_rows(version, pack, base, home=tmp_path)
    assert len(counted) == 6
    assert render_rows(version, "train", pack, base, CONFIG, tmp_path) == plain
    assert list(seen.rows) == plain.rows
    assert len(counted) == 6
    render_rows(version, "dev", pack, base, CONFIG, tmp_path)
    assert len(counted) == 8 and len(kept(tmp_path)) == 2


def test_of_rows_that_were_looked_at_in_part_only_the_others_are_rendered(
    version: Path, pack: Pack, base: Path, tmp_path: Path, counted: list[str]
) -> None:
    see_rows(version, pack, base, most=2, home=tmp_path)
    assert len(counted) == 2
    assert len(render_rows(version, "train", pack, base, CONFIG, tmp_path).rows) == 3
    assert len(counted) == len(set(counted)) == 3


def test_another_pack_tokenizer_version_part_or_code_is_another_key(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, words = (shutil.copytree(place, tmp_path / place.name) for place in (BUILTIN / TASK, base))
    keys = [key_of("v1", "train", folder, words)]
    assert keys == [key_of("v1", "train", BUILTIN / TASK, base)], "where they lie does not matter"
    keys += [key_of("v2", "train", folder, words), key_of("v1", "dev", folder, words)]
    for name in ("task.yaml", "output_schema.json"):
        (folder / name).write_text((folder / name).read_text("utf-8") + "\n", "utf-8")
        keys.append(key_of("v1", "train", folder, words))
    for name in ("tokenizer.json", "tokenizer_config.json", "config.json"):
        (words / name).write_text((words / name).read_text("utf-8") + "\n", "utf-8")
        keys.append(key_of("v1", "train", folder, words))
    (words / "chat_template.jinja").write_text("{{ messages }}", "utf-8")
    keys.append(key_of("v1", "train", folder, words))
    monkeypatch.setattr(row_cache, "_code", lambda: "of another studio")
    keys.append(key_of("v1", "train", folder, words))
    assert len(set(keys)) == len(keys) == 10


def test_a_changed_pack_and_a_changed_template_are_rendered_anew(
    version: Path, base: Path, tmp_path: Path, counted: list[str]
) -> None:
    folder = shutil.copytree(BUILTIN / TASK, tmp_path / TASK)
    render_rows(version, "train", load_pack(folder), base, CONFIG, tmp_path)
    text = (folder / "task.yaml").read_text("utf-8")
    (folder / "task.yaml").write_text(text.replace("{source}", "PAGE: {source}"), "utf-8")
    rows = render_rows(version, "train", load_pack(folder), base, CONFIG, tmp_path).rows
    assert len(counted) == 6 and all("PAGE: " in row["prompt"] for row in rows)
    other = shutil.copytree(base, tmp_path / "other")
    template = other / "chat_template.jinja"
    template.write_text("Dear model. " + template.read_text("utf-8"), "utf-8")
    rows = render_rows(version, "train", load_pack(folder), other, CONFIG, tmp_path).rows
    assert len(counted) == 9 and all(row["prompt"].startswith("Dear model. ") for row in rows)


def test_no_other_setting_changes_a_row(version: Path, pack: Pack, base: Path) -> None:
    other = replace(CONFIG, max_length=64, too_long="drop", packing=True, answer_only=False, seed=1, batch_size=9)
    assert render_rows(version, "train", pack, base, other) == render_rows(version, "train", pack, base, CONFIG)


def torn(text: str) -> str:
    return text[: len(text) // 2]


def changed(text: str) -> str:
    return text.replace("answer", "ANSWER")


def of_another_format(text: str) -> str:
    head, _, body = text.partition("\n")
    return json.dumps(json.loads(head) | {"format": 0}) + "\n" + body


@pytest.mark.parametrize("damage", [torn, changed, of_another_format, lambda _: "", lambda _: "[]\n"])
def test_a_damaged_file_is_told_and_rendered_anew(tmp_path: Path, caplog: Any, damage: Any) -> None:
    cache = RowCache(tmp_path, "k")
    cache.write({0: ROW, 7: ROW})
    assert cache.read() == {0: ROW, 7: ROW}
    cache.path.write_text(damage(cache.path.read_text("utf-8")), "utf-8")
    with caplog.at_level(logging.WARNING):
        assert cache.read() == {}
    assert "rendered anew" in caplog.text and "k.jsonl" in caplog.text
    cache.write({0: ROW})
    assert cache.read() == {0: ROW}


def test_bytes_that_are_no_text_are_damage_too(tmp_path: Path) -> None:
    cache = RowCache(tmp_path, "k")
    cache.write({0: ROW})
    cache.path.write_bytes(b"\xff\xfe\x00")
    assert cache.read() == {}


def test_what_was_used_longest_ago_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caches = [RowCache(tmp_path, name) for name in "abc"]
    for at, cache in enumerate(caches):
        cache.write({0: ROW})
        os.utime(cache.path, (at, at))
    size = caches[0].path.stat().st_size
    left = caches[0].path.with_name(".d.jsonl.1.1")
    left.write_text("half")
    os.utime(left, (0, 0))
    caches[0].read()
    monkeypatch.setattr(row_cache, "MOST_BYTES", 3 * size)
    RowCache(tmp_path, "d").write({0: ROW})
    assert [path.stem for path in kept(tmp_path)] == ["a", "c", "d"], "a was read since, b was not"
    assert not left.exists()
    monkeypatch.setattr(row_cache, "MOST_BYTES", 10)
    RowCache(tmp_path, "e").write({0: ROW})
    assert not RowCache(tmp_path, "e").path.exists(), "one that is too large for all the room is not kept"


def test_a_disk_that_refuses_costs_only_time(
    version: Path, pack: Pack, base: Path, tmp_path: Path, caplog: Any
) -> None:
    (tmp_path / "cache").write_text("a file stands here")
    with caplog.at_level(logging.WARNING):
        assert len(render_rows(version, "train", pack, base, CONFIG, tmp_path).rows) == 3
    assert "could not be kept" in caplog.text
