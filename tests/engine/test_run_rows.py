"""Rows of a run are what Compare sends, id for id; a row that would teach to invent is left out and counted."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.engine.rows import quiet
from tests.engine.small_versions import TASKS, small_version, version_of
from tests.tiny_models import ARCHITECTURES, END
from training.compare import Request, prepare
from training.data.rows import DataRow
from training.data.versions import open_version, rows_of
from training.engine.api import ASSETS, EngineSettings
from training.engine.base_tokenizer import context_tokens, load_tokenizer
from training.engine.engine import Engine
from training.engine.run_rows import (
    DROPPED,
    MARKER,
    NOTHING,
    answer_of,
    asked_rows,
    find_dataset,
    render_rows,
    rows_for,
    sample_prompts,
)
from training.engine.tokens import chat_end_token, encode
from training.engine.train_rows import IGNORED, tokenize_rows
from training.engine.turn import Turnstile
from training.errors import DataError, InputError
from training.runs.config import RunConfig
from training.task.pack import BUILTIN, Pack, load_pack
from training.task.records import Arm, ArmKind, Source

CONFIG = RunConfig(max_length=8192)
CRUMB = ASSETS / "models" / "crumb"
BASE_ARM = Arm(ArmKind.BASE, "base")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("home")
    for task in TASKS:
        small_version(root, task)
    return root


@pytest.fixture(scope="module")
def packs() -> dict[str, Pack]:
    return {task: load_pack(BUILTIN / task) for task in TASKS}


def folder_of(tiny_models: Path, base: str) -> Path:
    return CRUMB if base == "crumb" else tiny_models / "models" / base


@pytest.mark.parametrize("base", [*ARCHITECTURES, "crumb"])
def test_every_row_is_what_compare_sends_id_for_id(
    tiny_models: Path, home: Path, packs: dict[str, Pack], base: str
) -> None:
    models = ASSETS if base == "crumb" else tiny_models
    engine = Engine(EngineSettings(models=models / "models", adapters=models / "adapters"), Turnstile())
    folder = folder_of(tiny_models, base)
    for task, pack in packs.items():
        version = find_dataset(home, f"{task}-tiny")
        rows = {row["prompt"]: row["completion"] for row in rows_for(version, "dev", pack, folder, CONFIG)}
        tokenizer, learnt = load_tokenizer(folder), 0
        for asked in asked_rows(version, "dev", pack, folder):
            source = Source(asked.row.source)
            sent = prepare(Request(pack, base, source, (BASE_ARM,), pack.sampling), engine, quiet).prompts[0]
            assert (asked.prompt.text, asked.prompt.token_ids) == (sent.text, sent.token_ids)
            if sent.text in rows:
                learnt += 1
                assert tuple(encode(tokenizer, sent.text)) == sent.token_ids
                assert rows[sent.text] == answer_of(pack, asked.row) + str(chat_end_token(tokenizer))
        assert learnt == len(rows) > 0
        assert context_tokens(folder, tokenizer) == engine.prepare(base, (), quiet).context_tokens


@pytest.mark.parametrize("task", TASKS)
def test_the_trainer_takes_loss_on_the_answer_and_its_end_alone(
    tiny_models: Path, home: Path, packs: dict[str, Pack], task: str
) -> None:
    folder = tiny_models / "models" / "qwen3"
    rows = rows_for(find_dataset(home, f"{task}-tiny"), "train", packs[task], folder, CONFIG)
    tokenizer = load_tokenizer(folder)
    tokens = tokenize_rows(rows, tokenizer, CONFIG)
    assert len(tokens.input_ids) == len(rows)
    for row, ids, labels in zip(rows, tokens.input_ids, tokens.labels, strict=True):
        learnt = [label for label in labels if label != IGNORED]
        assert tokenizer.decode(learnt) == row["completion"]
        assert tokenizer.decode(ids) == row["prompt"] + row["completion"]


def test_answers_end_as_the_task_and_the_chat_end(tiny_models: Path, home: Path, packs: dict[str, Pack]) -> None:
    folder = tiny_models / "models" / "llama"
    for task, end in (("recipe-jsonld", "}" + END), ("news-metadata", "}" + END), ("recipe-writer", "[END]" + END)):
        rows = rows_for(find_dataset(home, f"{task}-tiny"), "train", packs[task], folder, CONFIG)
        assert all(row["completion"].endswith(end) for row in rows)
        assert rows == rows_for(find_dataset(home, f"{task}-tiny"), "train", packs[task], folder, CONFIG)


def post(text: str, gold: dict[str, Any], number: int = 0) -> DataRow:
    return DataRow("recipe-jsonld", text, gold, f"group-{number}", "test", licence="CC0", style="blog")


def recipe(*ingredients: str, **more: Any) -> dict[str, Any]:
    steps = [{"@type": "HowToStep", "text": "Boil the lentils."}]
    head = {"@context": "https://schema.org", "@type": "Recipe", "name": "Lentil soup"}
    return {**head, "recipeIngredient": list(ingredients), "recipeInstructions": steps, **more}


SOUP = "Lentil soup\n\n2 cups lentils\n1 onion\n\nBoil the lentils.\n"


def left_out(tmp_path: Path, tiny_models: Path, pack: Pack, odd: DataRow) -> dict[str, tuple[str, ...]]:
    plain = post(SOUP, recipe("2 cups lentils", "1 onion"))
    version = version_of(tmp_path, "recipe-jsonld", {"train": [plain, odd]})
    found = render_rows(version, "train", pack, tiny_models / "models" / "llama", CONFIG)
    assert len(found.rows) + found.n_left_out == 2
    assert found.share_left_out == found.n_left_out / 2
    return dict(found.left_out)


def test_a_row_that_lost_what_its_answer_says_is_left_out(
    tmp_path: Path, tiny_models: Path, packs: dict[str, Pack]
) -> None:
    told = "Lentil soup\n\n2 cups lentils\n1 onion\n\nAdvertisement\n\nBoil the lentils.\nShare on Facebook\n"
    pack = packs["recipe-jsonld"]
    filler = "\n".join(f"Paragraph {n} is about our holiday in the hills and the long walk." for n in range(40))
    long = (
        f"Lentil soup\n\n2 cups lentils\n\nBoil the lentils.\n\n{filler}\n\nWe like it with the wild sorrel of May.\n"
    )
    odd = post(long, recipe("2 cups lentils", description="We like it with the wild sorrel of May."), 1)
    assert left_out(tmp_path, tiny_models, pack, odd) == {DROPPED: (odd.id,)}
    kept = post(told, recipe("2 cups lentils", "1 onion"), 2)
    assert left_out(tmp_path, tiny_models, pack, kept) == {}


def test_what_the_source_never_said_is_the_gates_matter(
    tmp_path: Path, tiny_models: Path, packs: dict[str, Pack]
) -> None:
    odd = post(SOUP + "\nShare on Facebook\n", recipe("2 cups lentils", keywords="comfort food"), 1)
    assert left_out(tmp_path, tiny_models, packs["recipe-jsonld"], odd) == {}


def test_a_time_that_is_shown_no_more_is_missed_although_it_is_written_otherwise(
    tmp_path: Path, tiny_models: Path, packs: dict[str, Pack]
) -> None:
    filler = "\n".join(f"Paragraph {n} is about our holiday in the hills and the long walk." for n in range(40))
    long = (
        f"Lentil soup\n\n2 cups lentils\n\nBoil the lentils.\n\n{filler}\n\nMy aunt says it was 45 minutes to town.\n"
    )
    odd = post(long, recipe("2 cups lentils", cookTime="PT45M"), 1)
    assert left_out(tmp_path, tiny_models, packs["recipe-jsonld"], odd) == {DROPPED: (odd.id,)}


@pytest.mark.parametrize("where", ["source", "answer"])
def test_a_control_marker_in_plain_text_is_never_trained_on(
    tmp_path: Path, tiny_models: Path, packs: dict[str, Pack], where: str
) -> None:
    marked = f"1 onion {END}"
    source = SOUP.replace("1 onion", marked) if where == "source" else SOUP
    odd = post(source, recipe("2 cups lentils", marked if where == "answer" else "1 onion"), 1)
    assert left_out(tmp_path, tiny_models, packs["recipe-jsonld"], odd) == {MARKER: (odd.id,)}


def test_a_row_of_blank_lines_shows_nothing(tmp_path: Path, tiny_models: Path, packs: dict[str, Pack]) -> None:
    odd = post("  \n\n \n", {}, 1)
    assert left_out(tmp_path, tiny_models, packs["recipe-jsonld"], odd) == {NOTHING: (odd.id,)}
    version = version_of(tmp_path / "other", "recipe-jsonld", {"train": [odd]})
    with pytest.raises(InputError, match="No row of train") as caught:
        rows_for(version, "train", packs["recipe-jsonld"], tiny_models / "models" / "llama", CONFIG)
    assert NOTHING in str(caught.value)


def test_locked_parts_and_changed_versions_are_refused(
    tmp_path: Path, tiny_models: Path, packs: dict[str, Pack]
) -> None:
    version = small_version(tmp_path, "recipe-writer", train=2, dev=1, test=1)
    folder = tiny_models / "models" / "llama"
    with pytest.raises(DataError, match="locked"):
        rows_for(version, "test", packs["recipe-writer"], folder, CONFIG)
    with pytest.raises(DataError, match="is of the task recipe-writer"):
        rows_for(version, "train", packs["news-metadata"], folder, CONFIG)
    rows = version / "train.jsonl"
    rows.write_text(rows.read_text("utf-8").replace("RECIPE", "recipe"), "utf-8")
    with pytest.raises(DataError, match="was changed"):
        rows_for(version, "train", packs["recipe-writer"], folder, CONFIG)


def test_samples_are_the_same_dev_rows_each_time(tiny_models: Path, home: Path, packs: dict[str, Pack]) -> None:
    folder = tiny_models / "models" / "gemma3"
    for task, pack in packs.items():
        version = find_dataset(home, f"{task}-tiny")
        samples = sample_prompts(version, pack, folder)
        assert samples == sample_prompts(version, pack, folder)
        dev = {row.id: row.source for row in rows_of(open_version(version), "dev")}
        assert len(samples) == 2 and all(dev[sample.row] == sample.source for sample in samples)
        for sample in samples:
            assert sample.max_new_tokens == pack.sampling.max_new_tokens
            assert sample.stop_json is (task != "recipe-writer") and bool(sample.marker) is (task == "recipe-writer")


def test_a_dataset_is_found_by_name_beginning_path_and_hash_home_first(tmp_path: Path) -> None:
    shipped = find_dataset(tmp_path, "recipe-jsonld-small")
    assert shipped.parent == ASSETS / "datasets"
    assert find_dataset(tmp_path, shipped.name) == shipped == find_dataset(tmp_path, str(shipped))
    own = small_version(tmp_path, train=1, dev=1, test=1)
    assert find_dataset(tmp_path, "recipe-jsonld") == own
    digest = json.loads((own / "manifest.json").read_text("utf-8"))["sha256"]
    assert find_dataset(tmp_path, digest[:10]) == own
    for name in ("", "nothing-like-it", "../../etc"):
        with pytest.raises(DataError) as caught:
            find_dataset(tmp_path, name)
        assert caught.value.fix
