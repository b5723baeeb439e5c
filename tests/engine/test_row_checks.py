"""Rows looked at before a run: they are the run's own rows, and a template or mask that is not right is found."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.engine.small_versions import small_version, version_of
from tests.tiny_models import CHAT_TEMPLATE, END, make_tokenizer
from training.data.rows import DataRow
from training.data.versions import open_version, rows_of
from training.engine.base_tokenizer import load_tokenizer
from training.engine.row_checks import RowsSeen, coloured, see_rows
from training.engine.run_rows import render_rows
from training.engine.tokens import encode
from training.errors import ModelError
from training.runs.config import RunConfig
from training.task.pack import BUILTIN, Pack, find_packs

PACKS = find_packs(BUILTIN)
CONFIG = RunConfig(dataset="x")


@pytest.fixture(scope="module")
def base(tiny_models: Path) -> Path:
    return tiny_models / "models" / "llama"


@pytest.fixture(scope="module")
def news(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_version(tmp_path_factory.mktemp("home"), "news-metadata", train=9)


@pytest.mark.parametrize("task", ["recipe-jsonld", "news-metadata", "recipe-writer"])
def test_what_is_looked_at_are_the_rows_of_the_run(task: str, base: Path, tmp_path: Path) -> None:
    version = small_version(tmp_path, task, train=5)
    rendered = render_rows(version, "train", PACKS[task], base, CONFIG)
    seen = see_rows(version, PACKS[task], base)
    assert list(seen.rows) == rendered.rows
    assert dict(seen.left_out) == {reason: len(ids) for reason, ids in rendered.left_out.items()}
    assert (seen.n_rows, seen.looked_at) == (5, 5)
    assert (seen.template_fault, seen.mask_fault) == ("", "")
    tokenizer = load_tokenizer(base)
    assert seen.lengths == [len(encode(tokenizer, row["prompt"] + row["completion"])) for row in rendered.rows]


def test_of_many_rows_a_spread_is_looked_at(news: Path, base: Path) -> None:
    seen = see_rows(news, PACKS["news-metadata"], base, most=4)
    whole = see_rows(news, PACKS["news-metadata"], base)
    assert (seen.n_rows, seen.looked_at) == (9, 3)
    assert list(seen.rows) == list(whole.rows)[::3]
    assert seen.usable(CONFIG.__class__(dataset="x", max_length=100_000)) == 9


def test_a_run_of_the_first_rows_takes_and_looks_at_no_others(news: Path, base: Path) -> None:
    pack, few = PACKS["news-metadata"], replace(CONFIG, rows=4)
    every = render_rows(news, "train", pack, base, CONFIG).rows
    taken = render_rows(news, "train", pack, base, few).rows
    assert taken == every[:4] and len(every) == 9
    seen = see_rows(news, pack, base, rows=few.rows)
    assert (list(seen.rows), seen.n_rows, seen.usable(replace(few, max_length=100_000))) == (taken, 4, 4)
    assert see_rows(news, pack, base, rows=100).n_rows == 9
    dev = render_rows(news, "dev", pack, base, replace(CONFIG, rows=1)).rows
    assert len(dev) == 4, "dev is what a run is measured by"


def test_lengths_say_what_fits(news: Path, base: Path) -> None:
    seen = see_rows(news, PACKS["news-metadata"], base)
    middle = sorted(seen.lengths)[4]
    assert seen.too_long(middle) == 4
    assert seen.usable(replace(CONFIG, max_length=middle)) == 5
    assert seen.longest_of(0.95) == max(seen.lengths)
    assert seen.longest_of(0.0) == min(seen.lengths)


def test_the_second_look_is_the_first_one_until_the_pack_changes(news: Path, base: Path, tmp_path: Path) -> None:
    from training.task.pack import load_pack

    folder = shutil.copytree(BUILTIN / "news-metadata", tmp_path / "news-metadata")
    first = see_rows(news, load_pack(folder), base)
    assert see_rows(news, load_pack(folder), base) is first
    text = (folder / "task.yaml").read_text("utf-8")
    (folder / "task.yaml").write_text(text.replace("{source}", "PAGE: {source}"), "utf-8")
    again = see_rows(news, load_pack(folder), base)
    assert again is not first
    assert "PAGE: " in again.rows[0]["prompt"]


def tokenizer_folder(tmp_path: Path, base: Path, template: str | None = CHAT_TEMPLATE) -> Path:
    folder = tmp_path / "tokenizer"
    make_tokenizer(folder, chat_template=template)
    shutil.copy(base / "config.json", folder / "config.json")
    return folder


def see(version: Path, pack: Pack, folder: Path) -> RowsSeen:
    return see_rows(version, pack, folder)


def test_a_tokenizer_that_changes_the_text_is_a_fault_of_the_mask(news: Path, base: Path, tmp_path: Path) -> None:
    folder = tokenizer_folder(tmp_path, base)
    data = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    data["normalizer"] = {"type": "Lowercase"}
    (folder / "tokenizer.json").write_text(json.dumps(data), "utf-8")
    found = see(news, PACKS["news-metadata"], folder)
    assert "tokens read" in found.mask_fault
    assert found.tokens is None


def test_a_base_that_knows_no_end_is_refused(news: Path, base: Path, tmp_path: Path) -> None:
    folder = tokenizer_folder(tmp_path, base, None)
    settings = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    settings.pop("eos_token", None)
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")
    with pytest.raises(ModelError, match="no end token"):
        see(news, PACKS["news-metadata"], folder)


def test_a_row_whose_answer_holds_the_end_token_is_left_out_and_counted(base: Path, tmp_path: Path) -> None:
    shipped = open_version(small_version(tmp_path / "a", "news-metadata", train=3))
    rows = list(rows_of(shipped, "train"))
    bad: DataRow = replace(rows[0], source=f"{rows[0].source}\n{END} said the page", group="bad")
    version = version_of(tmp_path / "b", "news-metadata", {"train": [*rows, bad]})
    seen = see(version, PACKS["news-metadata"], base)
    assert (len(seen.rows), sum(seen.left_out.values())) == (3, 1)


def test_coloured_tokens_are_the_row_as_it_is_learnt(news: Path, base: Path) -> None:
    seen = see(news, PACKS["news-metadata"], base)
    rows = coloured(seen, base, CONFIG.__class__(dataset="x", max_length=100_000))
    assert [len(row) for row in rows] == [min(seen.lengths), sorted(seen.lengths)[4], max(seen.lengths)]
    for row in rows:
        learnt = [token.learned for token in row]
        assert learnt == sorted(learnt)  # the prompt, then the answer
        assert any(learnt) and not learnt[0]
        assert row[-1].text == END and row[-1].learned
        at = seen.lengths.index(len(row))
        assert "".join(token.text for token in row if token.learned and token.text.isascii()).endswith(END)
        assert sum(learnt) == len(encode(load_tokenizer(base), seen.rows[at]["completion"]))
    short = coloured(seen, base, replace(CONFIG, max_length=sorted(seen.lengths)[1]), n=5)
    assert [len(row) for row in short] == sorted(seen.lengths)[:2]
    all_learnt = coloured(seen, base, replace(CONFIG, max_length=100_000, answer_only=False), n=1)
    assert all(token.learned for token in all_learnt[0])
