"""A comparison becomes a row to evaluate on, with its id, its answer's origin and licence; never one to train on."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from training.data.candidates import accept_candidates, add_candidate, candidate_of, delete_candidate, list_candidates
from training.data.makers import make_rows
from training.data.rows import DataRow, SourceRow
from training.data.sources.read import read_source
from training.data.spec import DatasetSpec, SourceSpec, SplitSpec
from training.data.split import PIN, split_rows
from training.errors import DataError, StorageError
from training.task.pack import BUILTIN, Pack, load_pack

SPEC = DatasetSpec("recipe-jsonld", "soups", (SourceSpec("grammar", rows=9),))
GOLD = {"@type": "Recipe", "name": "Lentil Soup"}


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(BUILTIN / "recipe-jsonld")


def comparison(text: str = "Lentil soup.\nBoil it.", **changes: Any) -> Mapping[str, Any]:
    def arm(label: str, raw: str, found: Any) -> dict[str, Any]:
        parsed = {"object": found, "error": None if found else "no JSON object"}
        return {"generation": {"arm": {"label": label}, "raw": raw}, "parsed": parsed}

    arms = [arm("base", "Oh soup", None), arm("tuned", json.dumps(GOLD), GOLD)]
    return {"id": "c1", "task": "recipe-jsonld", "source": {"text": text}, "arms": arms, "gold": None, **changes}


def test_a_corrected_answer_goes_before_a_columns_and_before_the_gold(pack: Pack) -> None:
    known = comparison(gold={"name": "known"})
    assert candidate_of(known, pack, arm="tuned", corrected={"name": "mine"}).gold == {"name": "mine"}
    chosen = candidate_of(known, pack, arm="tuned", note="better")
    assert (chosen.gold, chosen.answer, chosen.arm, chosen.note) == (GOLD, "arm", "tuned", "better")
    assert (candidate_of(known, pack).gold, candidate_of(known, pack).answer) == ({"name": "known"}, "gold")
    assert (chosen.comparison, chosen.use) == ("c1", "evaluation")
    assert candidate_of(known, pack, corrected={}).gold == {}  # "no recipe" is an answer


@pytest.mark.parametrize(
    ("changes", "words", "says"),
    [
        ({}, {}, "no right answer"),
        ({}, {"arm": "base"}, "could not be read"),
        ({}, {"arm": "third"}, "no column 'third'"),
        ({"task": "news-metadata"}, {}, "task news-metadata"),
        ({}, {"corrected": "Lentil soup"}, "a JSON object"),
    ],
)
def test_what_is_no_candidate_is_told(pack: Pack, changes: dict[str, Any], words: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        candidate_of(comparison(**changes), pack, **words)


def test_a_text_answer_is_kept_as_text() -> None:
    writer = load_pack(BUILTIN / "recipe-writer")
    assert candidate_of(comparison(task="recipe-writer"), writer, corrected="RECIPE: Soup").gold == "RECIPE: Soup"
    assert candidate_of(comparison(task="recipe-writer"), writer, arm="tuned").gold == json.dumps(GOLD)


def test_candidates_are_kept_listed_and_deleted(tmp_path: Path, pack: Pack) -> None:
    first = add_candidate(tmp_path, candidate_of(comparison("a\ud800b"), pack, arm="tuned"))
    second = add_candidate(tmp_path, candidate_of(comparison("another"), pack, arm="tuned"))
    assert list_candidates(tmp_path) == [first, second]
    assert list_candidates(tmp_path, "news-metadata") == []
    delete_candidate(tmp_path, first.id)
    assert list_candidates(tmp_path) == [second]
    with pytest.raises(DataError, match="no candidate"):
        delete_candidate(tmp_path, first.id)


def test_one_text_has_one_answer(tmp_path: Path, pack: Pack) -> None:
    first = add_candidate(tmp_path, candidate_of(comparison(), pack, arm="tuned"))
    assert add_candidate(tmp_path, candidate_of(comparison(id="c2"), pack, arm="tuned")) == first
    with pytest.raises(DataError, match="another answer"):
        add_candidate(tmp_path, candidate_of(comparison(), pack, corrected={}))
    assert list_candidates(tmp_path) == [first]


def test_a_damaged_line_is_named(tmp_path: Path, pack: Pack) -> None:
    add_candidate(tmp_path, candidate_of(comparison(), pack, arm="tuned"))
    with (tmp_path / "datasets" / "candidates.jsonl").open("a") as file:
        file.write('{"id": ')
    with pytest.raises(StorageError, match="candidate 2"):
        list_candidates(tmp_path)


def test_accepted_candidates_are_a_source_that_is_held_out(tmp_path: Path, pack: Pack) -> None:
    kept = [
        add_candidate(tmp_path, candidate_of(comparison(f"Soup {n}.\nBoil it.", id=f"c{n}"), pack, corrected=gold))
        for n, gold in enumerate([GOLD, {}])
    ]
    spec = accept_candidates(tmp_path, SPEC, [c.id for c in kept], licence="CC0-1.0", part="golden")
    assert spec.sources[0] == SPEC.sources[0]
    source = spec.sources[1]
    assert (source.kind, source.part, source.licence) == ("file", "golden", "CC0-1.0")
    rows = [row for row in read_source(spec.resolved(source)) if isinstance(row, SourceRow)]
    assert {(row.fields["source"], json.dumps(row.fields["gold"]), row.group, row.licence) for row in rows} == {
        ("Soup 0.\nBoil it.", json.dumps(GOLD), "comparison c0", "CC0-1.0"),
        ("Soup 1.\nBoil it.", "{}", "comparison c1", "CC0-1.0"),
    }
    assert accept_candidates(tmp_path, SPEC, [c.id for c in kept][::-1], licence="CC0-1.0", part="golden") == spec


def test_candidates_are_never_accepted_to_train_on(tmp_path: Path, pack: Pack) -> None:
    kept = add_candidate(tmp_path, candidate_of(comparison(), pack, arm="tuned"))
    for part in ("train", "dev"):
        with pytest.raises(DataError, match="for evaluation"):
            accept_candidates(tmp_path, SPEC, [kept.id], licence="CC0-1.0", part=part)
    for ids in ([], ["0" * 16]):
        with pytest.raises(DataError):
            accept_candidates(tmp_path, SPEC, ids, licence="CC0-1.0")


def test_a_mended_row_takes_its_recipe_along_into_test(tmp_path: Path, pack: Pack) -> None:
    mended = replace(candidate_of(comparison(), pack, corrected=GOLD), comparison="", group="g1")
    spec = accept_candidates(tmp_path, SPEC, [add_candidate(tmp_path, mended).id], licence="CC0-1.0")
    pinned = replace(finished(spec)[0], notes={PIN: "test"})
    others = [DataRow("recipe-jsonld", f"post {n}", {"name": str(n)}, f"g{n % 5}", "soup.csv") for n in range(50)]
    parts = split_rows([*others, pinned], SplitSpec(preset="90/10"), 7).parts
    assert {parts[row.id] for row in [*others, pinned] if row.group == "g1"} == {"test"}


def test_a_candidate_has_the_day_it_came_so_that_a_split_by_date_can_be_made(tmp_path: Path, pack: Pack) -> None:
    sent = replace(candidate_of(comparison(), pack, corrected=GOLD), created="2026-03-05T10:00:00+00:00")
    mended = replace(candidate_of(comparison("Pea soup."), pack, corrected={}), date="2026-03-04")
    ids = [add_candidate(tmp_path, candidate).id for candidate in (sent, mended)]
    kept = finished(accept_candidates(tmp_path, SPEC, ids, licence="CC0-1.0"))
    assert {row.date for row in kept} == {"2026-03-05", "2026-03-04"}
    old = [
        DataRow("recipe-jsonld", f"post {n}", {"name": str(n)}, f"g{n}", "soup.csv", date=f"2026-02-{n + 1:02}")
        for n in range(20)
    ]
    found = split_rows([*old, *(replace(row, notes={PIN: "test"}) for row in kept)], SplitSpec(by="date"), 7)
    assert found.pinned == 2 and {found.parts[row.id] for row in kept} == {"test"}


def test_a_candidate_of_an_earlier_studio_is_still_read(tmp_path: Path, pack: Pack) -> None:
    kept = add_candidate(tmp_path, candidate_of(comparison(), pack, arm="tuned"))
    path = tmp_path / "datasets" / "candidates.jsonl"
    line = {key: value for key, value in json.loads(path.read_text("utf-8")).items() if key not in ("group", "date")}
    path.write_text(json.dumps(line) + "\n", "utf-8")
    assert list_candidates(tmp_path) == [kept]


def finished(spec: DatasetSpec) -> list[DataRow]:
    """The rows of a spec's last source, as a build makes them."""
    rows = read_source(spec.resolved(spec.sources[-1]))
    return [row for row in make_rows(spec.task, rows, spec.render, spec.seed) if isinstance(row, DataRow)]
