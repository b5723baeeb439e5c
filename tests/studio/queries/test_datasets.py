"""What the Data tab reads of versions: pages, searches, pairs and counts, own versions and shipped ones."""

from pathlib import Path
from typing import Any

import pytest

from studio.deps import Deps
from studio.queries import dataset_jobs, datasets
from studio.queries import dataset_rows as rows
from tests.fakes import make_deps
from tests.studio.dataset_samples import make_version, recipe_row
from training.data.versions import Version
from training.errors import DataError
from training.task.prompt import messages_for


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(datasets, "SHIPPED", tmp_path / "shipped")
    return tmp_path / "shipped"


@pytest.fixture
def deps(tmp_path: Path, shipped: Path) -> Deps:
    return make_deps(tmp_path / "home")


@pytest.fixture
def version(deps: Deps) -> Version:
    return make_version(deps.settings.home / "datasets")


def words(text: str) -> int:
    return len(text.split())


def test_own_versions_stand_before_those_that_ship_and_say_so(deps: Deps, version: Version, shipped: Path) -> None:
    other = make_version(shipped, name="starter")
    choices = datasets.version_choices(deps)
    assert [name for _, name in choices] == [version.name, other.name]
    assert choices[0][0] == f"{version.name} (8 rows)" and "ships" in choices[1][0]


def test_a_space_shows_what_ships_alone(tmp_path: Path, shipped: Path) -> None:
    deps = make_deps(tmp_path / "home", space=True)
    make_version(deps.settings.home / "datasets")
    own = make_version(shipped, name="starter")
    assert [name for _, name in datasets.version_choices(deps)] == [own.name]
    assert dataset_jobs.latest(deps) is None and dataset_jobs.candidates(deps, "recipe-jsonld") == []


@pytest.mark.parametrize("name", ["", "nothing", "../home", "/etc", "soups"])
def test_only_a_listed_name_opens_a_version(deps: Deps, version: Version, name: str) -> None:
    with pytest.raises(DataError, match="no dataset version"):
        datasets.find(deps, name)


def test_a_version_counted_in_a_base_that_is_not_here_is_opened_all_the_same(deps: Deps) -> None:
    away = make_version(deps.settings.home / "datasets", name="away", tokenizer="qwen")
    found = datasets.version_facts(deps, away.name).measures
    assert "There is no base 'qwen'" in found.why and found.prompts == () and found.n == 0
    assert sum(found.counts["slice"].values()) == found.total == 8


def test_measures_count_every_row_and_say_on_how_many_tokens_were_counted(deps: Deps, version: Version) -> None:
    found = datasets.version_facts(deps, version.name, words).measures
    assert found.total == found.n == len(found.prompts) == len(found.answers) == 8
    assert found.counts["cuisine"] == {"Thai": 4, "Italian": 4} and found.counts["slice"] == {"plain": 8}
    assert sum(found.counts["style"].values()) == 8
    assert found.answer_budget == deps.packs["recipe-jsonld"].sampling.max_new_tokens
    assert min(found.prompts) > words(recipe_row(0).source)


def test_prompts_are_held_against_the_base_that_is_named_or_the_tasks_own_budget(deps: Deps) -> None:
    def of(name: str, **more: Any) -> tuple[int | None, str]:
        version = make_version(deps.settings.home / "datasets", name=name, **more)
        found = datasets.version_facts(deps, version.name, words).measures
        return found.prompt_budget, found.prompt_limit

    pack = deps.packs["recipe-jsonld"]
    around = sum(words(turn.content) for turn in messages_for(pack, ""))
    budget, whose = of("plain")
    assert budget == pack.context.budget_tokens + around and "the task's: 900 for the text" in whose
    assert of("based", tokenizer="crumb") == (2048, "the context of crumb, answer included")
    assert of("strict", gates={"lengths": {"prompt_tokens": 700}}) == (700, "the limit in the spec")


def test_many_rows_are_counted_on_an_even_sample(deps: Deps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "MEASURED", 3)
    version = make_version(deps.settings.home / "datasets", name="many", train=9)
    found = datasets.measures(deps, version, words)
    assert found.total == 11 and found.n == len(found.prompts) == 3
    assert sum(found.counts["origin"].values()) == 11


def test_a_changed_file_is_told_when_the_version_is_opened(deps: Deps, version: Version) -> None:
    with (version.folder / "train.jsonl").open("a") as file:
        file.write("\n")
    with pytest.raises(DataError, match="was changed after"):
        datasets.version_facts(deps, version.name, words)


def test_rows_come_a_page_at_a_time_and_every_row_once(deps: Deps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "PAGE", 4)
    version = make_version(deps.settings.home / "datasets", name="pages", train=9)
    pages = [rows.rows_page(deps, version.name, "train", "", number) for number in (1, 2, 3)]
    assert [len(page.rows) for page in pages] == [4, 4, 1] and {page.pages for page in pages} == {3}
    assert len({row["id"] for page in pages for row in page.rows}) == 9
    with pytest.raises(DataError, match="no page 4"):
        rows.rows_page(deps, version.name, "train", "", 4)


def test_a_search_looks_in_text_answer_group_and_id_in_any_case(deps: Deps, version: Version) -> None:
    target = recipe_row(3)
    for words_ in ("ONION TART", "year 1903", "g3", target.id):
        page = rows.rows_page(deps, version.name, "train", words_)
        assert [row["id"] for row in page.rows] == [target.id], words_
    assert rows.rows_page(deps, version.name, "train", "no such thing").total == 0


def test_refused_rows_are_counted_and_listed_by_their_first_reason(deps: Deps, version: Version) -> None:
    counts = rows.refused_counts(deps, version.name)
    assert counts == {"trivial": 1, "duplicate": 1, rows.BAD: 1} and list(counts)[-1] == rows.BAD
    assert rows.refused_page(deps, version.name, "").total == 3
    only = rows.refused_page(deps, version.name, "trivial")
    assert only.total == 1 and only.rows[0]["refusals"][0]["gate"] == "trivial"
    assert rows.refused_row(deps, version.name, only.rows[0]["row"]["id"]) == only.rows[0]
    with pytest.raises(DataError, match="no refused row"):
        rows.refused_row(deps, version.name, "nothing")


def test_a_duplicate_stands_beside_the_row_that_stayed(deps: Deps, version: Version) -> None:
    pairs, total = rows.duplicate_pairs(deps, version.name)
    assert total == len(pairs) == 1
    kept = pairs[0].kept
    assert kept is not None and pairs[0].refused["source"] == f"{kept['source']}!"


def test_pairs_come_a_page_at_a_time(deps: Deps, version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    leaks = {"near": [{"kind": "near", "similarity": 0.9, "test_id": "a", "train_id": str(n)} for n in range(5)]}
    monkeypatch.setattr(rows, "PAGE", 2)
    assert [len(rows.leak_pairs(deps, version.name, leaks, page)) for page in (1, 2, 3)] == [2, 2, 1]
    for read in (
        lambda: rows.leak_pairs(deps, version.name, leaks, 4),
        lambda: rows.duplicate_pairs(deps, version.name, 2),
    ):
        with pytest.raises(DataError, match="There is no page"):
            read()


def test_leaks_come_with_both_texts(deps: Deps) -> None:
    version = make_version(deps.settings.home / "datasets", name="leaky", leak=True)
    facts = datasets.version_facts(deps, version.name, words)
    pairs = rows.leak_pairs(deps, version.name, facts.leaks)
    assert not facts.leaks["clean"] and [pair["kind"] for pair in pairs] == ["group"]
    assert pairs[0]["test"]["group"] == pairs[0]["train"]["group"] == "g0"


def test_two_versions_are_compared_only_for_one_task(deps: Deps, version: Version) -> None:
    fewer = make_version(deps.settings.home / "datasets", name="fewer", train=4)
    diff = datasets.differences(deps, version.name, fewer.name)
    assert diff.same == 6 and len(diff.removed) == 2 and not diff.added
