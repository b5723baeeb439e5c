"""`python -m training data`: every verb on real files, lines a script can read, mistakes in one line."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.data.judge.scripts import fair
from tests.data.teacher.server import Teacher
from training import cli
from training.data.versions import list_versions, open_version, rows_of
from training.engine.run_rows import SHIPPED

SOUPS = [
    ("Lentil soup", "2 cups lentils", "Boil the lentils until soft."),
    ("Bean stew", "1 can beans", "Warm the beans with the garlic."),
    ("Rice pudding", "1 cup rice", "Simmer the rice in milk."),
    ("Onion tart", "3 onions", "Bake the onions in pastry."),
    ("Plum cake", "500 g plums", "Press the plums into dough."),
]


def post(title: str, item: str, step: str, n: int) -> dict[str, Any]:
    text = f"{title} number {n}\n\nFor this dish you need {item} and {n} carrots.\n\n{step} Serve it on plate {n}."
    gold = {
        "@context": "https://schema.org", "@type": "Recipe", "name": f"{title} number {n}",
        "recipeIngredient": [item, f"{n} carrots"],
        "recipeInstructions": [{"@type": "HowToStep", "text": step}],
    }  # fmt: skip
    return {"source": text, "gold": gold, "group": f"{title} {n}"}


def file_of(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    return file_of(tmp_path / "rows.jsonl", [post(*SOUPS[n % 5], n) for n in range(2, 42)])


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one version, made by the verb itself."""
    home = tmp_path_factory.mktemp("home")
    file_of(
        home / "rows.jsonl",
        [post(*SOUPS[n % 5], n) for n in range(2, 42)] + [{"source": "x", "gold": {}, "group": "x"}],
    )
    spec = {
        "task": "recipe-jsonld", "name": "soups", "gates": {"duplicates": False, "consistency": False, "quotas": None},
        "sources": [{"kind": "file", "path": "rows.jsonl", "licence": "CC0-1.0"}], "split": {"preset": "80/10/10"},
    }  # fmt: skip
    (home / "spec.yaml").write_text(yaml.safe_dump(spec))
    assert cli.main(["data", "build", str(home / "spec.yaml"), "--home", str(home), "--json"]) == 0
    return home


def test_a_teachers_cost_is_told_before_anybody_is_asked(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = {
        "task": "recipe-jsonld", "name": "taught", "seed": 7,
        "sources": [{"kind": "grammar", "rows": 3}],
        "teacher": {"base_url": "http://localhost:9/v1", "model": "large"},
    }  # fmt: skip
    path = tmp_path / "taught.yaml"
    path.write_text(yaml.safe_dump(spec))
    assert cli.main(["data", "estimate", str(path), "--home", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert " calls; 0 answers are here already." in said and "Cost: unknown, no prices are given." in said
    assert cli.main(["data", "estimate", str(path), "--home", str(tmp_path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found) == ["teacher"] and found["teacher"]["known"] == 0 and found["teacher"]["input_tokens"] > 100
    judge = {"base_url": "http://localhost:9/v1", "model": "critic", "caps": {"calls": 500}}
    path.write_text(yaml.safe_dump({**spec, "judge": judge}))
    assert cli.main(["data", "estimate", str(path), "--home", str(tmp_path)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line for line in said if line.startswith("The ")] == ["The teacher, large:", "The judge, critic:"]
    assert len(said) == 10
    said = fails(capsys, "build", str(path), "--home", str(tmp_path))
    assert "Nothing bounds what the teacher of taught" in said and "caps: {calls: 500}" in said
    assert cli.main(["data", "estimate", str(built / "spec.yaml"), "--home", str(tmp_path)]) == 2
    assert "asks no teacher" in capsys.readouterr().err


def test_a_build_that_pays_says_what_it_paid_so_far(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Teacher(fair).running() as judge:
        spec = {
            "task": "recipe-jsonld", "name": "judged", "sources": [{"kind": "grammar", "rows": 20}],
            "judge": {"base_url": judge.url, "model": "critic", "caps": {"calls": 500}},
        }  # fmt: skip
        path = tmp_path / "judged.yaml"
        path.write_text(yaml.safe_dump(spec))
        assert cli.main(["data", "build", str(path), "--home", str(tmp_path)]) == 0
        said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("judge: ")]
        asked = len(judge.calls)
        assert len(said) == asked > 0
        assert said[-1].startswith(f"judge: {asked} of {asked} (judged {asked}) The judge so far")
        assert f"{asked} of at most 500 calls, {asked * 150:,} tokens, cost unknown" in said[-1]


def name_of(home: Path) -> str:
    versions, notices = list_versions(home / "datasets")
    assert not notices
    return next(version.name for version in versions if version.parent is None)


def lines(capsys: pytest.CaptureFixture[str]) -> list[Any]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def fails(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert cli.main(["data", *words]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_a_build_tells_its_stages_and_names_its_version(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["data", "build", str(built / "spec.yaml"), "--home", str(built)]) == 0
    out = capsys.readouterr().out
    assert "rows: 41 (rows.jsonl 41" in out
    assert "gates: 41 of 41 (kept 40, trivial 1)" in out
    assert name_of(built) in out.splitlines()[-1]
    assert cli.main(["data", "build", str(built / "spec.yaml"), "--home", str(built), "--json"]) == 0
    steps = lines(capsys)
    assert steps[-1]["stage"] == "done" and steps[-1]["version"] == name_of(built)


def test_show_list_and_refused(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = ["--home", str(built)]
    assert cli.main(["data", "show", name_of(built), *home]) == 0
    out = capsys.readouterr().out
    assert out.startswith("# soups-") and "CC0-1.0" in out
    assert cli.main(["data", "show", name_of(built), "--json", *home]) == 0
    assert sum(lines(capsys)[0]["rows"].values()) == 40
    assert cli.main(["data", "list", *home]) == 0
    assert name_of(built) in capsys.readouterr().out
    assert cli.main(["data", "refused", name_of(built), *home]) == 0
    assert "trivial: " in capsys.readouterr().out
    assert cli.main(["data", "refused", name_of(built), "--gate", "length", *home]) == 0
    assert capsys.readouterr().out == ""


def test_what_ships_is_listed_shown_and_left_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = ["--home", str(tmp_path)]
    assert cli.main(["data", "list", "--json", *home]) == 0
    listed = {line["task"]: line for line in lines(capsys)}
    assert set(listed) == {"recipe-jsonld", "recipe-writer", "news-metadata"} and all(
        x["ships"] for x in listed.values()
    )
    name = listed["recipe-jsonld"]["name"]
    assert cli.main(["data", "show", name.rpartition("-")[0], *home]) == 0
    assert capsys.readouterr().out.startswith(f"# {name}")
    before = sorted(path.name for path in SHIPPED.iterdir())
    assert "ships with the studio" in fails(capsys, "delete", name, "--source", "grammar", *home)
    assert sorted(path.name for path in SHIPPED.iterdir()) == before and not (tmp_path / "datasets").exists()


def test_export_writes_what_a_trainer_reads(built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "chat.jsonl"
    words = ["data", "export", name_of(built), "--home", str(built), "--out", str(out)]
    assert cli.main([*words, "--form", "chat"]) == 0
    assert "lines" in capsys.readouterr().out
    found = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    version = open_version(built / "datasets" / name_of(built))
    assert len(found) == version.rows["train"]
    row = next(rows_of(version, "train"))
    turns = next(line for line in found if line["id"] == row.id)["messages"]
    assert [turn["role"] for turn in turns] == ["system", "user", "assistant"]
    assert row.source in turns[1]["content"] and json.loads(turns[2]["content"]) == row.gold
    assert "preference needs" in fails(capsys, *words[1:], "--form", "preference")
    assert "no form 'song'" in fails(capsys, *words[1:], "--form", "song")
    assert len(out.read_text("utf-8").splitlines()) == len(found)  # a failed export leaves the one before


def test_delete_and_diff(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = ["--home", str(built)]
    parent = name_of(built)
    row = next(rows_of(open_version(built / "datasets" / parent), "train"))
    assert cli.main(["data", "delete", parent, "--row", row.id, "--json", *home]) == 0
    child = lines(capsys)[0]
    assert child["parent"] == parent and child["removed"]["count"] == 1
    assert cli.main(["data", "diff", parent, child["version"], *home]) == 0
    out = capsys.readouterr().out
    assert out.startswith("same 39, added 0, removed 1, changed 0, moved 0") and f"- {row.id}" in out
    assert "no row of nobody" in fails(capsys, "delete", parent, "--source", "nobody", *home)


def test_validate_names_each_refused_row_and_bad_line(rows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file_of(rows, [post(*SOUPS[0], 2), post(*SOUPS[1], 3)])
    assert cli.main(["data", "validate", str(rows), "--task", "recipe-jsonld"]) == 0
    assert "All 2 rows pass." in capsys.readouterr().out
    wrong = post(*SOUPS[0], 7) | {"gold": {"name": 7}}
    with rows.open("a") as file:
        file.write(json.dumps(wrong) + "\n{torn\n")
    assert cli.main(["data", "validate", str(rows), "--task", "recipe-jsonld"]) == 2
    said = capsys.readouterr()
    assert "line 3: schema: " in said.out and "line 4: can't be read" in said.out
    assert "1 can't be read" in said.err and said.err.count("\n") == 1
    assert "no task 'soup'" in fails(capsys, "validate", str(rows), "--task", "soup")


def test_validate_tells_personal_data_by_row_and_in_all(rows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = post(*SOUPS[0], 2)
    told["source"] += " Write to ann@soups.example or call +49 30 1234567."
    file_of(rows, [told, post(*SOUPS[1], 3)])
    assert cli.main(["data", "validate", str(rows)]) == 0
    said = capsys.readouterr().out
    assert "rows.jsonl, line 1: holds e-mail 1, phone 1" in said and "line 2" not in said and "ann@" not in said
    assert "All 2 rows pass. 1 of 2 rows hold personal data or secrets: e-mail 1, phone 1." in said
    assert cli.main(["data", "validate", str(rows), "--json"]) == 0
    first, second, last = lines(capsys)
    assert first["found"] == {"e-mail": 1, "phone": 1} and second["found"] == {}
    assert last["summary"] == {"rows": 2, "refused": {}, "unreadable": 0, "holding": 1, "found": first["found"]}
    file_of(rows, [told | {"gold": {"name": 7}}])
    assert "1 of 1 rows hold personal data" in fails(capsys, "validate", str(rows))


def test_what_an_export_wrote_is_read_as_it_is_and_said(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for form, says in {
        "rows": "", "completion": "prompt and completion: source from prompt", "instruction": "source from input",
        "chat": "source from messages (chat_user), gold from messages (chat_answer_json)",
    }.items():  # fmt: skip
        out = tmp_path / f"{form}.jsonl"
        words = ["export", name_of(built), "--form", form, "--out", str(out), "--home", str(built)]
        assert cli.main(["data", *words]) == 0
        capsys.readouterr()
        assert cli.main(["data", "validate", str(out), "--json"]) == 0
        told = capsys.readouterr()
        assert (says in told.err) if says else told.err == ""
        ids = {json.loads(line).get("id") for line in told.out.splitlines()}
        parts = open_version(built / "datasets" / name_of(built))
        assert {row.id for row in rows_of(parts, "train")} <= ids  # the same rows, without the prompt around them


def test_preferences_and_a_table_with_gold_as_json_are_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = post(*SOUPS[0], 2), post(*SOUPS[1], 3)
    turn = {"role": "assistant", "content": json.dumps(one["gold"])}
    pair = {"prompt": [{"role": "user", "content": one["source"]}], "chosen": [turn], "rejected": [turn]}
    file = file_of(tmp_path / "pairs.jsonl", [pair])
    assert cli.main(["data", "validate", str(file)]) == 0
    assert "was read as preference rows" in capsys.readouterr().err
    table = tmp_path / "rows.csv"
    with table.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["source", "gold", "group"])
        writer.writerows([row["source"], json.dumps(row["gold"]), row["group"]] for row in (one, two))
    assert cli.main(["data", "split", str(table), "--shares", "50/50"]) == 0
    assert "gold from gold (json)" in capsys.readouterr().err
    made = [json.loads(line) for line in (tmp_path / "rows-split" / "train.jsonl").read_text("utf-8").splitlines()]
    assert made[0]["gold"] in (one["gold"], two["gold"]) and made[0]["group"] in (one["group"], two["group"])


def test_the_task_is_the_one_that_the_rows_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shipped = next(folder for folder in SHIPPED.iterdir() if folder.is_dir() and "news" in folder.name)
    file = str(shipped / "train.jsonl")
    assert cli.main(["data", "validate", file]) == 0  # as recipes not one of them would pass
    capsys.readouterr()
    row = json.loads(Path(file).read_text("utf-8").splitlines()[0])
    mixed = file_of(tmp_path / "mixed.jsonl", [row, row | {"task": "recipe-jsonld"}])
    assert "several tasks: news-metadata, recipe-jsonld" in fails(capsys, "validate", str(mixed))
    for verb in ("validate", "dedupe", "split"):
        said = fails(capsys, verb, file, "--task", "nope")
        assert "no task 'nope'" in said and "recipe-writer" in said


def test_dedupe_takes_a_version_a_folder_of_parts_or_a_file(
    rows: Path, built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["data", "split", str(rows)]) == 0
    file_of(rows, [post(*SOUPS[2], 2), post(*SOUPS[1], 99)])
    version = built / "datasets" / name_of(built)
    for place in (version, rows.with_name("rows-split"), rows.with_name("rows-split") / "train.jsonl", rows):
        capsys.readouterr()
        assert cli.main(["data", "dedupe", str(rows), "--against", str(place), "--json"]) == 0
        assert {line["in"] for line in lines(capsys)} == {"against"}, place
    gone = rows.with_name("gone")
    said = fails(capsys, "dedupe", str(rows), "--against", str(gone))
    assert f"{gone} does not exist" in said and "disk space" not in said
    gone.mkdir()
    assert "no .jsonl file" in fails(capsys, "dedupe", str(rows), "--against", str(gone))


def test_dedupe_finds_repeats_in_a_file_and_in_a_version(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    version = open_version(built / "datasets" / name_of(built))
    known = next(rows_of(version, "test"))
    fresh = {
        "source": "A page about trains and nothing else at all, as long as it needs to be.",
        "gold": {},
        "group": "t",
    }
    path = file_of(
        tmp_path / "new.jsonl",
        [fresh, fresh | {"group": "u"}, {"source": known.source, "gold": known.gold, "group": "k"}],
    )
    out = tmp_path / "left.jsonl"
    words = ["data", "dedupe", str(path), "--against", str(version.folder), "--out", str(out)]
    assert cli.main(words) == 0
    assert "1 of 3 rows repeat nothing." in capsys.readouterr().out
    assert [json.loads(line)["source"] for line in out.read_text("utf-8").splitlines()] == [fresh["source"]]
    assert cli.main([*words, "--json"]) == 0
    assert {(line["in"], line["similarity"]) for line in lines(capsys)} == {("file", 1.0), ("against", 1.0)}


def test_split_writes_a_folder_of_parts(rows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["data", "split", str(rows), "--shares", "80/10/10", "--by", "group"]) == 0
    folder = rows.with_name("rows-split")
    assert "train 32, " in capsys.readouterr().out
    counts = {path.stem: len(path.read_text("utf-8").splitlines()) for path in folder.glob("*.jsonl")}
    assert counts == {"train": 32, "dev": 4, "test": 4}
    assert "there already" in fails(capsys, "split", str(rows))
    assert "add up to 90" in fails(capsys, "split", str(rows), "--shares", "80/10", "--out", str(rows.with_name("b")))
    assert "no date" in fails(capsys, "split", str(rows), "--by", "date", "--out", str(rows.with_name("b")))
    assert "by" in fails(capsys, "split", str(rows), "--by", "luck", "--out", str(rows.with_name("b")))


def test_split_makes_golden_and_adversarial_parts(rows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = [post(*SOUPS[n % 5], n) | {"slice": "orders" if n % 4 == 0 else "plain"} for n in range(2, 42)]
    file_of(rows, given)
    assert cli.main(["data", "split", str(rows), "--golden", "10%", "--adversarial", "3", "--json"]) == 0
    got = {part: found["got_rows"] for part, found in lines(capsys)[0]["parts"].items()}
    assert (got["golden"], got["adversarial"]) == (4, 3) and sum(got.values()) == 40
    hard = (rows.with_name("rows-split") / "adversarial.jsonl").read_text("utf-8").splitlines()
    assert {json.loads(line)["slice"] for line in hard} == {"orders"}
    for wrong in ("-1", "many", "0.5", "101%", "%"):
        assert "5%" in fails(capsys, "split", str(rows), f"--golden={wrong}", "--out", str(rows.with_name("b")))


def test_a_file_with_columns_of_its_own_gets_a_proposal_and_no_guess(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "r.csv"
    path.write_text('name,stuff,how\nSoup,"[""1 onion""]","[""Boil it.""]"\nStew,"[""1 bean""]","[""Warm it.""]"\n')
    assert cli.main(["data", "propose", str(path)]) == 0
    assert "mapping:" in capsys.readouterr().out
    assert "source and gold" in fails(capsys, "split", str(path))
    spec = {"task": "recipe-jsonld", "name": "s", "sources": [{"kind": "file", "path": "r.csv", "licence": "CC0-1.0"}]}
    (tmp_path / "spec.yaml").write_text(yaml.safe_dump(spec))
    said = fails(capsys, "build", str(tmp_path / "spec.yaml"), "--home", str(tmp_path))
    assert "data propose" in said
    assert cli.main(["data", "propose", str(tmp_path / "spec.yaml")]) == 0
    assert "r.csv" in capsys.readouterr().out


def test_held_out_rows_may_be_looked_at_and_not_split(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    test = str(built / "datasets" / name_of(built) / "test.jsonl")
    assert cli.main(["data", "validate", test, "--task", "recipe-jsonld"]) == 0
    assert cli.main(["data", "dedupe", test]) == 0
    capsys.readouterr()
    assert "are locked" in fails(capsys, "split", test)
    assert "are locked" in fails(capsys, "dedupe", test, "--out", str(built / "left.jsonl"))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["build", "none.yaml"], "none.yaml"),
        (["show", "soups-0"], "no dataset version 'soups-0'"),
        (["validate", "none.jsonl", "--task", "recipe-jsonld"], "none.jsonl"),
        (["split", "none.jsonl"], "none.jsonl"),
        (["propose", "none.csv"], "none.csv"),
    ],
)
def test_a_mistake_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    monkeypatch.setenv("TASTE_TEST_HOME", str(tmp_path))
    assert says in fails(capsys, *words)


def test_a_wrong_flag_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["data", "show"])
    assert caught.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
