"""What the Evaluate tab reads: lists, pairs, documents of every cell, charts by their names, downloads; a large
evaluation opens without a look into its frames."""

import csv
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest

from studio.deps import Deps
from studio.queries import evaluation_board as boards
from studio.queries import evaluation_charts as charts
from studio.queries import evaluation_docs as docs
from studio.queries import evaluation_errors as errors
from studio.queries import evaluation_files as files
from studio.queries import evaluation_frames as frames
from studio.queries import evaluation_metrics as metrics
from studio.queries import evaluations as queries
from studio.queries.evaluation_quotes import quotes_in
from studio.queries.evaluations import Pair
from tests.fakes import make_deps
from tests.studio.eval_samples import TUNED, make_evaluation, pack_of, under_way
from tests.studio.run_samples import damage
from training.errors import InputError
from training.evals.directory import evals_root
from training.runs.config import RunConfig
from training.runs.directory import create_run, run_folder
from training.runs.records import Step
from training.task.records import to_json

ARMS = ("base", "prompted", TUNED, "empty")
PAIR = Pair("base", TUNED)
NEWS = ("forest plot", "JSON validity bars", "F1 by field bars", "precision/recall(/F1) bars",
        "relevance error distribution (MAE, R2)", "response length box", "response length violin", "word count box",
        "response length histogram", "heatmap of all metrics x models", "ROUGE-1/2/L bars",
        "output consistency (CV) bars", "BERTScore bars")  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("evaluations") / "home"
    make_evaluation(evals_root(home), "first", count=18, arms=ARMS)
    make_evaluation(evals_root(home), "second", count=18, arms=("base", TUNED), name="again")
    return home


@pytest.fixture
def deps(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deps:
    monkeypatch.setattr(queries, "SHIPPED", tmp_path / "shipped")
    return make_deps(home)


@pytest.fixture
def folder(deps: Deps) -> Path:
    return queries.folder_of(deps, "first")


def look(deps: Deps, metric: str = "f1:recipeIngredient", **asked: Any) -> docs.Found:
    folder = queries.folder_of(deps, "first")
    return docs.documents(folder, PAIR, metrics.metric_of(pack_of(), metric), "strict", docs.Asked(**asked))


def test_own_and_shipped_evaluations_stand_in_one_list(deps: Deps, tmp_path: Path) -> None:
    make_evaluation(tmp_path / "shipped", "demo", count=6, arms=("base", TUNED), name="demo")
    assert {value for _, value in queries.choices(deps)} == {"first", "second", "demo"}
    assert queries.ships(deps, "demo") and not queries.ships(deps, "first")
    space = make_deps(tmp_path / "elsewhere", space=True)
    assert [value for _, value in queries.choices(space)] == ["demo"]
    assert queries.status_of(space, "demo").state == "finished"


@pytest.mark.parametrize("name", ["../first", "/etc", "", "no such", "first/../first"])
def test_a_path_is_never_followed(deps: Deps, name: str) -> None:
    assert not queries.known(deps, name)
    with pytest.raises(InputError, match="no evaluation"):
        queries.folder_of(deps, name)


def test_a_page_opens_with_what_it_names_then_what_is_at_work(deps: Deps, tmp_path: Path) -> None:
    assert queries.first(deps, "second", "first") == "second"
    assert queries.first(deps, "gone", "first") == "first"
    other = make_deps(tmp_path / "other")
    assert queries.first(other) == ""
    run = under_way(tmp_path / "other")
    assert queries.first(other) == run


def test_a_pair_is_read_from_either_side(deps: Deps) -> None:
    found = queries.aggregates(deps, "first")
    assert found is not None
    there = {row["metric"]: row for row in queries.pair_figures(found, "strict", PAIR)}["strict"]
    back = {row["metric"]: row for row in queries.pair_figures(found, "strict", Pair(TUNED, "base"))}["strict"]
    assert there["difference"] > 0 and back["difference"] == -there["difference"]
    assert back["ci_low"] == -there["ci_high"] and back["wins"] == there["losses"]
    assert queries.pair_of(found, "nobody", TUNED) == PAIR  # the verdict's own where a name is none


def test_every_document_stands_in_one_cell_and_losses_come_first(deps: Deps) -> None:
    found = look(deps)
    assert sum(found.cells.values()) + found.left_out == 18
    assert found.cells["a_only"] >= 1 and found.cells["b_only"] >= 1
    lost = found.listed
    assert lost and all(doc.a >= docs.GRADED > doc.b for doc in lost) and lost[0].error_b
    every = look(deps, cell="").listed
    changes = [doc.b - doc.a for doc in every]
    assert changes == sorted(changes) and len(every) == sum(found.cells.values())


def test_the_first_look_is_at_a_cell_that_holds_documents(deps: Deps) -> None:
    assert look(deps).cell == "a_only" and look(deps, cell="").cell == ""
    won = look(deps, cell="b_only").listed[0].doc
    found = look(deps, docs=(won,))
    assert (found.cell, found.total) == ("b_only", 1)
    assert look(deps, docs=(won,), cell="a_only").total == 0, "a cell that was chosen stays, empty as it may be"


def test_slices_are_in_the_words_of_their_chart() -> None:
    figures = {arm: {"strict": {"value": 0.5, "n_total": n}} for arm, n in (("base", 20), (TUNED, 20))}
    keys = ("missing=name", "length=2", "length=1", "slice=plain")
    labels = {
        "length=1": "up to 290 characters",
        "length=2": "over 290 characters",
        "missing=name": "text without name",
    }
    table = {"rows": [{"slice": key, "label": label} for key, label in labels.items()]}
    found: Any = {"slices": dict.fromkeys(keys, figures), "tables": {"slices": table}}
    words = [row["words"] for row in queries.slice_rows(found, "strict", PAIR)]
    assert words[1:] == ["texts up to 290 characters", "texts over 290 characters", "text without name"]


def test_documents_are_filtered_by_every_condition(deps: Deps) -> None:
    every = look(deps, cell="")
    for name, kind in (("slice", "slice"), ("style", "style"), ("cluster", "cluster")):
        value, count = every.choices[kind][0]
        fitting = look(deps, cell="", **{name: value})
        assert fitting.total == count, name
    one = every.listed[0].doc
    assert [doc.doc for doc in look(deps, cell="", find=one[3:9]).listed] == [one]
    assert [doc.doc for doc in look(deps, cell="", docs=(one,)).listed] == [one]
    marked = look(deps, cell="", where={"arm": TUNED, "finish": "length"})
    assert 0 < marked.total < every.total
    assert all(doc.tier_b != "strict" for doc in marked.listed)


def test_what_counts_as_right_depends_on_the_metric() -> None:
    strict = metrics.metric_of(pack_of(), "strict")
    made_up = metrics.metric_of(pack_of(), "hallucinated_docs")
    f1 = metrics.metric_of(pack_of(), "f1:recipeIngredient")
    assert docs.is_right(strict, 1.0) and not docs.is_right(strict, 0.9)
    assert docs.is_right(made_up, 0.0) and not docs.is_right(made_up, 0.1)
    assert docs.is_right(f1, 0.8) and not docs.is_right(f1, 0.79)
    assert docs.right_words(made_up) == "none at all" and docs.right_words(f1) == "0.8 or more"


def test_of_a_size_the_less_is_right_and_the_same_is_right_twice() -> None:
    """No amount of bits a byte is none at all: a threshold would call every document wrong for both."""
    bits = metrics.metric_of(pack_of(), "bits_per_byte")
    off = metrics.metric_of(pack_of(), "duration_error_minutes:prepTime")
    assert docs.is_size(bits) and docs.is_size(off)
    assert [docs.cell_of(bits, a, b) for a, b in ((1.2, 0.8), (0.8, 1.2), (0.8, 0.8))] == ["b_only", "a_only", "both"]
    assert "the less of the two" in docs.right_words(bits)
    assert not docs.is_size(metrics.metric_of(pack_of(), "hallucinated_docs"))
    assert not docs.is_size(metrics.metric_of(pack_of(), "mae_penalised:relevance_score"))


def test_losses_of_the_leaderboard_are_of_one_step(deps: Deps) -> None:
    steps = [Step(at, loss=loss, dev_loss=dev) for at, loss, dev in
             ((1, 3.0, None), (2, 2.0, 1.5), (3, 1.5, None), (4, 1.0, 1.9), (5, 0.5, None))]  # fmt: skip
    for early, wanted in ((0, (1.0, 1.9)), (2, (2.0, 1.5))):
        facts = create_run(deps.settings.home, RunConfig(dataset="x", early_stopping=early))
        folder = run_folder(deps.settings.home, facts.run)
        (folder / "metrics.jsonl").write_text("".join(json.dumps(to_json(step)) + "\n" for step in steps))
        assert boards.losses(deps, facts.run) == wanted
        damage(deps.settings.home, facts.run)
        assert boards.losses(deps, facts.run) == (None, None), "a run that can't be read costs its line alone"
    assert boards.losses(deps, "gone") == (None, None)


def test_the_fields_view_has_the_classes_of_broken_rules(deps: Deps) -> None:
    found = queries.aggregates(deps, "first")
    assert found is not None
    names = [line.metric.name for line in metrics.lines(found, pack_of(), "strict", PAIR, ("form",))
             if metrics.of_field(line.metric)]  # fmt: skip
    assert {"schema_missing:name", "schema_pattern:prepTime", "type_error:name"} <= set(names)
    assert not {"strict", "schema_valid", "schema_extra"} & set(names)


def test_help_counts_only_at_its_tier(folder: Path) -> None:
    strict, usable = (frames.values(folder, "prompted", ("strict", ""), tier) for tier in ("strict", "usable"))
    assert set(strict) == set(usable) and not any(strict.values())
    f1 = [frames.values(folder, "prompted", ("f1", "recipeIngredient"), tier) for tier in ("strict", "usable")]
    assert sum(f1[0].values()) == 0 < sum(f1[1].values())
    own = [frames.values(folder, TUNED, ("strict", ""), tier) for tier in ("strict", "usable")]
    assert own[0] == own[1]


def test_one_document_is_what_compare_would_show(folder: Path, deps: Deps) -> None:
    lost = look(deps).listed[0]
    found = docs.one_document(folder, pack_of(), lost.doc, PAIR, "strict")
    base, tuned = found.arms
    assert base["parsed"]["tier"] == "strict" and tuned["parsed"]["tier"] != "strict"
    assert base["parsed"]["object"] == found.gold and found.title == lost.title
    assert base["items"] and any(item["spans"] for item in base["items"])
    kept = frames.values(folder, TUNED, ("f1", "recipeIngredient"), "strict")[lost.doc]
    shown = next(s for s in tuned["scores"] if (s["metric"], s["field"]) == ("f1", "recipeIngredient"))
    assert shown["value"] == pytest.approx(kept)
    with pytest.raises(InputError, match="no document"):
        docs.one_document(folder, pack_of(), "nobody", PAIR, "strict")


@pytest.mark.parametrize("text", ["", "null", "[]", "no json", '{"page": "x"}', '{"docs": 3}', '{"cell": ["a"]}'])
def test_whatever_a_page_sends_is_a_filter(text: str) -> None:
    assert isinstance(docs.asked_of(text), docs.Asked)


def test_a_filter_survives_its_way_through_the_page() -> None:
    asked = docs.Asked("strict", "", "plain", docs=("a", "b"), where={"arm": "base"}, words="two", page=3, doc="a")
    assert docs.asked_of(docs.asked_text(asked)) == asked


def test_clusters_say_who_mends_them_and_what_moved(folder: Path) -> None:
    found, total = errors.clusters(folder, PAIR, pack_of())
    assert total == 18 and sum(line.b for line in found) <= 18
    cut = next(line for line in found if line.tag == "truncated_by_budget")
    assert cut.owner and cut.recipe and cut.title and cut.examples and cut.broken >= 1


def test_every_name_of_the_news_document_leads_to_a_chart(deps: Deps) -> None:
    offered = dict(charts.search_choices())
    for name in NEWS:
        assert any(label.startswith(f"{name}:") for label in offered), name
    places = {charts.place_of(spec.id) for view in charts.PLACES.values() for spec in charts.charts_in(view)}
    assert len(charts.PLACES) == 20 and places <= set(charts.PLACES.values())


def test_a_chart_that_fails_takes_no_page_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found = charts.drawn({"tiers": 3, "arms": [{"name": "a"}, {"name": "b"}]}, "forest", Pair("a", "b"), "strict")
    assert found.figure is None and found.why_empty


def test_the_leaderboard_holds_evaluations_of_the_same_data_alone(deps: Deps, tmp_path: Path) -> None:
    board = boards.board(deps, "first", "strict")
    assert board is not None and board.evaluations == 2
    values = [entry.figure["value"] for entry in board.entries]
    assert values == sorted(values, reverse=True)
    assert [entry.arm for entry in board.entries[:2]] == [TUNED, TUNED] and all(e.tied for e in board.entries[:2])
    assert not board.entries[-1].tied and board.entries[-1].arm in ("prompted", "empty")
    alone = make_deps(tmp_path / "alone")
    for name, sha in (("one", "1" * 64), ("two", "2" * 64)):
        make_evaluation(evals_root(tmp_path / "alone"), name, count=4, arms=("base", TUNED), sha256=sha)
    board = boards.board(alone, "one", "strict")
    assert board is not None and board.evaluations == 1


def test_gates_are_of_the_second_arm(deps: Deps) -> None:
    found = {gate.name: gate for gate in files.gates(deps, "first", PAIR)}
    assert found and {gate.verdict for gate in found.values()} <= {
        "pass", "fail", "insufficient data", "not applicable"}  # fmt: skip


def test_downloads_are_whole_and_run_no_formula(deps: Deps) -> None:
    given = files.payload(deps, "first", "figures", PAIR, "strict")
    rows = list(csv.DictReader(io.StringIO(given["text"])))
    primary = next(r for r in rows if (r["tier"], r["arm"], r["metric"]) == ("strict", TUNED, "f1:recipeIngredient"))
    found = queries.aggregates(deps, "first")
    assert found is not None
    assert float(primary["value"]) == found["tiers"]["strict"][TUNED]["f1:recipeIngredient"]["value"]
    chart = files.payload(deps, "first", "chart:tiers", PAIR, "strict")
    assert chart["name"] == "first-tiers.csv" and chart["text"].count("\n") > 2
    report = files.payload(deps, "first", "report", PAIR, "strict")  # written anew where none lies there
    assert report["mime"] == "text/html" and "<!doctype html>" in report["text"][:200].lower()
    assert files._csv("x", [["=1+1", -2, None]])["text"] == "'=1+1,-2,\n"  # pyright: ignore[reportPrivateUsage]
    copies = files.frame_files(deps, "first")
    assert {Path(path).name for path in copies} >= {"gen.parquet", "scores.parquet", "items.parquet"}


def test_a_page_on_the_disk_is_served_while_it_is_the_one_that_is_wanted(deps: Deps, folder: Path) -> None:
    page = folder / "card.md"
    page.write_text("# kept", "utf-8")
    found = queries.aggregates(deps, "first")
    assert found is not None and (usual := queries.pair_of(found, "", "")) is not None
    assert files.payload(deps, "first", "card", usual, "strict")["text"] == "# kept"
    other = files.payload(deps, "first", "card", Pair("base", "prompted"), "strict")["text"]
    assert "prompted base" in other.split("\n# ", 1)[1].splitlines()[0]
    stamp = (folder / "aggregates.json").stat().st_mtime_ns - 1_000_000_000
    os.utime(page, ns=(stamp, stamp))
    assert files.payload(deps, "first", "card", usual, "strict")["text"] != "# kept", "older than its figures"
    page.unlink()


def test_no_judge_is_no_figures(deps: Deps) -> None:
    assert files.judge(deps, "first") is None


def test_a_calibration_alone_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from training.evals.judge.frame import write_note

    monkeypatch.setattr(queries, "SHIPPED", tmp_path / "shipped")
    make_evaluation(evals_root(tmp_path), "mine", count=6, arms=("base", TUNED))
    deps, folder = make_deps(tmp_path), evals_root(tmp_path) / "mine"
    before = queries.figures_stamp(folder)
    assert files.judge(deps, "mine") is None
    check = {"name": "gold", "rule": "r", "verdict": "pass", "measured": 9.9, "n": 30, "least": 20, "why": ""}
    kept = {"label": "uncalibrated judge", "may_gate": False, "checks": [check], "figures": {}}
    identity = {"model": "big", "base_url": "http://x/v1"}
    write_note(folder, {"format": 1, "identity": identity, "calibration": kept})
    found = files.judge(deps, "mine")
    assert found is not None and found.arms == () and found.about["checks"] == [check]
    assert (found.about["judge"], found.about["label"]) == ("big", "uncalibrated judge")
    assert queries.figures_stamp(folder) != before, "a page that is open is told"


def test_a_judges_quotes_are_found_by_its_own_rule() -> None:
    said = [
        {"field": "steps", "evidence": json.dumps({"wrong": [{"source_quote": "good oil – 2 cups"}] * 2})},
        {"field": "overall", "evidence": json.dumps({"faults": [{"field": "times", "source_quote": "the answer's"}]})},
        {"field": "name", "evidence": None},
    ]
    source = "Take the “good” Oil\n - 2  cups, no less."
    (first, second) = quotes_in(said, source.replace("”", "").replace("“", ""))
    assert (first["field"], first["text"], first["supported"]) == ("steps", "good oil – 2 cups", True)
    start, end = first["spans"][0]
    assert source.replace("”", "").replace("“", "")[start:end] == "good Oil\n - 2  cups"
    assert (second["field"], second["spans"], second["supported"]) == ("times", [], None)
    assert quotes_in([], source) == ()


def test_each_metric_that_a_page_explains_is_found() -> None:
    assert files.pages()
    for name in ("f1:recipeIngredient", "strict", "hallucinated", "mae_parsed:relevance_score"):
        page = files.page_named(name)
        assert page is not None and name.partition(":")[0] in page.metrics
    assert files.page_named("no such metric") is None


def test_opening_an_evaluation_looks_into_no_frame(deps: Deps, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that ten thousand documents open as fast as a hundred."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("a frame was read")

    monkeypatch.setattr(frames, "read_frame", refuse)
    found = queries.aggregates(deps, "second")
    assert found is not None
    assert queries.verdict_of(deps, found, PAIR, "strict").sentence
    for view in ("overview", "fields", "grounding", "slices", "text", "speed"):
        for spec in charts.charts_in(view):
            assert charts.drawn(found, spec.id, PAIR, "strict").title
    assert metrics.lines(found, pack_of(), "strict", PAIR)[0].primary


def test_figures_are_read_once_a_file_time(deps: Deps, folder: Path) -> None:
    before = queries.aggregates(deps, "first")
    assert queries.aggregates(deps, "first") is before
    text = (folder / "aggregates.json").read_text("utf-8")
    stamp = queries.stamps(deps, "first")
    (folder / "aggregates.json").write_text(json.dumps({**json.loads(text), "name": "anew"}), "utf-8")
    assert queries.stamps(deps, "first").figures != stamp.figures
    after = queries.aggregates(deps, "first")
    assert after is not None and after["name"] == "anew"
    (folder / "aggregates.json").write_text(text, "utf-8")
