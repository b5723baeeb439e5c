"""The data tab's handlers as plain functions, and its components built once: every view has its component."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from studio.actions.dataset_form import FIELDS, DataForm
from studio.actions.datasets import spec_of_text
from studio.deps import Deps
from studio.guard import Visit
from studio.queries import dataset_jobs, dataset_rows, datasets
from studio.queries.dataset_offers import menu_rows
from studio.tabs import compare_send, data, data_mend
from studio.tabs import data_outside as outside
from studio.tabs.data_view import SAME
from tests.data.judge.scripts import fair
from tests.data.teacher.server import Teacher, good
from tests.fakes import make_comparison, make_deps
from tests.studio.dataset_samples import make_version, recipe_row
from training.chat.cost import Caps, Spending
from training.data.build_gates import protected
from training.data.build_job import JobStatus
from training.data.version_files import row_json
from training.data.versions import Version
from training.errors import DataError, StudioError

PAGE = Visit("page", {})


@pytest.fixture(autouse=True)
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(datasets, "SHIPPED", tmp_path / "shipped")
    return tmp_path / "shipped"


@pytest.fixture
def deps(tmp_path: Path) -> Deps:
    return make_deps(tmp_path / "home")


@pytest.fixture
def version(deps: Deps) -> Version:
    return make_version(deps.settings.home / "datasets")


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[JobStatus]]:
    """The builds there are, the latest first; the test puts them in."""
    found: list[JobStatus] = []
    monkeypatch.setattr(dataset_jobs, "list_jobs", lambda home: found)
    yield found


def values(**changes: Any) -> list[Any]:
    styles, slices = menu_rows("recipe-jsonld")
    form = DataForm(**{"task": "recipe-jsonld", "styles": styles, "slices": slices, "rows": 12, **changes})
    return [getattr(form, name) for name in FIELDS]


def asked(deps: Deps, **changes: Any) -> list[Any]:
    """What the form's buttons are given once the form has written its YAML."""
    text = data.on_form(deps, PAGE, "", *values(**changes))[0]
    return [text, text, *values(**changes)]


def offered(made: tuple[Any, ...]) -> outside.OfferView:
    return outside.OfferView(*made[-len(outside.OfferView._fields) :])


@pytest.mark.parametrize("space", [False, True], ids=["home", "space"])
def test_the_tab_is_built_and_names_each_endpoint_once(tmp_path: Path, space: bool) -> None:
    with gr.Blocks() as app:
        data.build(make_deps(tmp_path / "home", space=space), app)
    names = [fn.api_name for fn in app.fns.values() if fn.api_name]
    assert {"data_version", "data_rows", "data_refused", "load_datasets"} <= set(names)
    for name in ("data_build", "data_agree", "data_push", "data_take_out"):
        assert (name in names) is not space
    assert all(fn.api_visibility == "private" for fn in app.fns.values() if fn.api_name in set(names))


def test_the_form_writes_the_spec_and_says_what_is_missing(deps: Deps) -> None:
    text, written, said, *offer = data.on_form(deps, PAGE, "", *values(name="soups"))
    assert "name: soups" in text and text == written and said == "" and offer == list(outside.OfferView())
    assert set(map(str, data.on_form(deps, PAGE, written, *values(name="soups")))) == {str(SAME)}
    text, written, said, *_ = data.on_form(deps, PAGE, written, *values(kind="file"))
    assert text == written == "" and "Give the file to read." in said


def test_a_click_means_the_form_before_it_has_written_its_yaml(deps: Deps, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Any] = []
    monkeypatch.setattr("training.data.build_job.start_build", lambda spec, home: begun.append(spec) or "ab12")
    old, written, *_ = asked(deps, name="soups", rows=12)
    shown = data.FormView(*outside.on_make(deps, PAGE, old, written, *values(name="stews", rows=20))[:3])
    assert (begun[-1].name, begun[-1].sources[0].rows) == ("stews", 20)
    assert "name: stews" in shown.yaml and shown.yaml == shown.written
    assert "The first 10 rows" in data.on_look(deps, PAGE, "", "", *values()).sample
    edited = old.replace("name: soups", "name: mine")
    kept = data.FormView(*outside.on_make(deps, PAGE, edited, written, *values(name="soups"))[:3])
    assert begun[-1].name == "mine" and kept == data.FormView(), "what a person wrote is built, and stays"
    with pytest.raises(StudioError, match="path is missing"):
        outside.on_make(deps, PAGE, edited, written, *values(kind="file"))
    outside.on_make(deps, PAGE, edited, "", *values(kind="file"))
    assert [spec.name for spec in begun] == ["stews", "mine", "mine"], "a form with an old fault stands in no one's way"
    with pytest.raises(StudioError, match="path is missing"):
        outside.on_make(deps, PAGE, " ", "", *values(kind="file"))  # nothing else could be meant


def test_a_task_brings_its_own_sources_styles_and_slices(deps: Deps) -> None:
    view = data.on_task(deps, PAGE, "news-metadata")
    assert view.kind["value"] == "news" and not view.styles["visible"]
    view = data.on_task(deps, PAGE, "recipe-writer")
    assert view.kind["value"] == "grammar" and [name for name, _ in view.styles["value"]] == [
        "name",
        "request",
        "typed",
    ]


def test_held_out_rows_and_documents_of_the_task_can_be_kept_out(deps: Deps, version: Version, tmp_path: Path) -> None:
    offered = dict(data.on_held(deps, PAGE, "recipe-jsonld")["choices"])
    assert offered[f"dataset {version.name}"] == str(version.folder)
    assert data.on_task(deps, PAGE, "news-metadata").protect["value"] == []
    assert not any("soups" in label for label, _ in data.on_held(deps, PAGE, "news-metadata")["choices"])
    places = [offered[f"dataset {version.name}"], offered["evaluation Real recipes as posts"]]
    spec = spec_of_text(data.on_form(deps, PAGE, "", *values(protect=places))[0], deps)
    held = sum(version.rows[part] for part in version.rows if part != "train")
    assert len(list(protected(spec))) == held + 100, "the version's held-out rows and every document"
    shared = make_deps(tmp_path / "other", allow_paths=False)
    assert data.on_held(shared, PAGE, "recipe-jsonld")["choices"] == []


def test_a_judge_is_asked_only_after_its_cost_was_shown(deps: Deps, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    monkeypatch.setattr("training.data.build_job.start_build", lambda spec, home: begun.append(spec.name) or "ab12")
    assert outside.on_judged(deps, PAGE, True)["visible"] and not outside.on_judged(deps, PAGE, False)["visible"]
    with Teacher(fair).running() as judge:
        given = asked(deps, name="judged", judged=True, judge_url=judge.url, judge_model="critic")
        shown = offered(outside.on_make(deps, PAGE, *given))
        assert "critic at http://127.0.0.1" in shown.cost and "verdicts. Nothing is paid yet" in shown.cost
        assert shown.agree["value"] == "Ask the judge and build" and begun == [] and judge.calls == []
        outside.on_agree(deps, PAGE, shown.offer, *given)
        assert begun == ["judged"]


def test_another_source_confirms_nothing(deps: Deps, tmp_path: Path) -> None:
    view = data.on_kind(deps, PAGE, "hub")
    assert view.hub_box["visible"] and not view.file_box["visible"] and view.file is SAME
    assert view.confirmed is False and view.mapping == [] and not view.columns["visible"]
    upload = tmp_path / "a.csv"
    upload.write_text("name,ingredients,steps\nSoup,\"['lentils']\",\"['Boil.']\"\n", "utf-8")
    view = data.on_drop(deps, PAGE, str(upload))
    assert Path(view.file).is_file() and view.file_box["visible"] and view.confirmed is False
    looked = data.on_look(deps, PAGE, *asked(deps, kind="file", file=view.file))
    assert looked.columns["visible"] and ["title", "name", "text"] in looked.mapping
    assert looked.encoding["value"] == "" and looked.encoding["visible"] is False and "UTF-8" not in looked.sample


def test_the_encoding_of_a_file_that_is_not_utf_8_is_told_and_can_be_corrected(deps: Deps, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("title,ingredients,steps\nCrème,\"['lentils']\",\"['Boil.']\"\n".encode("cp1252"))
    looked = data.on_look(deps, PAGE, *asked(deps, kind="file", file=str(path)))
    assert looked.encoding == {**looked.encoding, "value": "cp1252", "visible": True}
    assert "Read as cp1252 (a guess: " in looked.sample and "Crème" in looked.sample
    again = data.on_look(deps, PAGE, *asked(deps, kind="file", file=str(path), encoding="cp437"))
    assert again.encoding["value"] == "cp437" and "as you wrote" in again.sample and "CrΦme" in again.sample
    assert data.on_kind(deps, PAGE, "file").encoding["visible"] is False


def test_a_teacher_is_asked_only_after_its_cost_was_shown(deps: Deps, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    monkeypatch.setattr("training.data.build_job.start_build", lambda spec, home: begun.append(spec.name) or "ab12")
    with Teacher(good).running() as teacher:
        given = asked(
            deps, name="taught", writer="teacher", teacher_url=teacher.url, teacher_model="large",
            teacher_styles=["clean"], teacher_price_in=1, teacher_price_out=2,
        )  # fmt: skip
        slices = [["plain", 0.0], ["no_steps", 1.0]]
        looked = data.on_look(deps, PAGE, *asked(
            deps, name="taught", writer="teacher", teacher_url=teacher.url, teacher_model="large",
            teacher_styles=["clean"], teacher_slices=slices,
        ))  # fmt: skip
        assert looked.sample.count("clean, no_steps") == 10 and "Steps:" not in looked.sample
        shown = offered(outside.on_make(deps, PAGE, *given))
        assert begun == [] and teacher.calls == []
        assert "large at http://127.0.0.1" in shown.cost and "Nothing is paid yet" in shown.cost
        assert shown.agree["value"].startswith("Pay about ") and shown.agree["interactive"]
        with pytest.raises(DataError, match="has not been shown"):
            outside.on_agree(deps, PAGE, "", *given)
        after = outside.on_agree(deps, PAGE, shown.offer, *given)
        assert begun == ["taught"] and after[len(data.JobView._fields) :] == outside.OfferView()
    silent = offered(outside.on_make(deps, PAGE, *given))
    assert "No endpoint answers" in silent.cost and not silent.agree["interactive"]


def test_who_writes_shows_its_own_settings(deps: Deps, tmp_path: Path) -> None:
    view = outside.on_writer(deps, PAGE, "teacher")
    assert view.teacher_box["visible"] and not view.shares["visible"]
    task = data.on_task(deps, PAGE, "recipe-writer")
    assert task.writer["visible"] and "value" not in task.writer and task.teacher_styles["choices"]
    shared = make_deps(tmp_path / "other", allow_paths=False)
    assert not data.on_task(shared, PAGE, "recipe-writer").writer["visible"]


def test_a_push_says_who_can_read_it(deps: Deps, version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def push(deps: Deps, name: str, repo: str, *, private: bool) -> str:
        asked.append((name, repo, private))
        return f"https://huggingface.co/datasets/{repo}"

    monkeypatch.setattr(outside.acts, "push", push)
    assert "only you" in outside.on_push(deps, PAGE, version.name, "ann/soups", True)
    said = outside.on_push(deps, PAGE, version.name, "ann/<b>", False)
    assert "held-out rows as well" in said and "<b>" not in said
    assert asked == [(version.name, "ann/soups", True), (version.name, "ann/<b>", False)]


def test_first_rows_are_shown(deps: Deps) -> None:
    view = data.on_look(deps, PAGE, *asked(deps))
    assert "The first 10 rows" in view.sample and view.columns is SAME


def test_a_version_fills_every_part(deps: Deps, version: Version) -> None:
    view = data.on_version(deps, PAGE, version.name)
    assert all(value is not SAME for value in view)
    assert "8 rows" in view.head and "train 6, test 2" in view.head
    assert view.funnel["visible"] and view.answers["visible"] and view.nearest["visible"]
    assert view.gate["choices"][0] == ("every reason (3)", "")
    assert "No leak was found" in view.leaks and view.card.lstrip().startswith("# soups")
    assert view.export_parts == gr.update(choices=["train", "test"], value=["train"])  # what is held out is not ticked


def test_without_a_version_the_page_says_what_to_do(deps: Deps, tmp_path: Path) -> None:
    assert "New dataset" in data.on_version(deps, PAGE, None).head
    space = make_deps(tmp_path / "other", space=True)
    assert "Nothing is kept on this Space" in data.on_version(space, PAGE, None).head
    assert data.on_rows(deps, PAGE, None, "train", "", 1).row is SAME


def test_a_folder_that_is_no_dataset_is_told(deps: Deps) -> None:
    (deps.settings.home / "datasets" / "torn-<b>").mkdir(parents=True)
    assert "torn-&lt;b&gt;" in data.on_version(deps, PAGE, None).head


def test_rows_are_searched_and_shown_as_tokens_only_when_chosen(deps: Deps, version: Version) -> None:
    view = data.on_rows(deps, PAGE, version.name, "train", "onion tart", 1)
    assert view.row["value"] == recipe_row(3).id and "Onion tart 3" in view.found
    assert "Choose a row first" in data.on_tokens(deps, PAGE, version.name, None)
    with pytest.raises(DataError, match="no page 9"):
        data.on_rows(deps, PAGE, version.name, "train", "", 9)


def test_refused_rows_are_listed_and_opened_to_be_mended(deps: Deps, version: Version) -> None:
    view = data.on_refused(deps, PAGE, version.name, "trivial", 1)
    assert "Its text has 2 words." in view.refused and len(view.mend_row["choices"]) == 1
    text, answer, *_ = data_mend.on_mend(deps, PAGE, version.name, view.mend_row["choices"][0][1])
    assert text.endswith("Short.") and json.loads(answer)["name"] == "Fish pie 7"
    assert data_mend.on_mend(deps, PAGE, version.name, None) == data_mend.MendView()
    assert "Choose a refused row" in data_mend.on_check(deps, PAGE, version.name, None, "", "")


def test_what_the_judge_proposed_is_offered_and_never_taken_by_itself(
    deps: Deps, version: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = recipe_row(7)
    fixed = {"source": row.source, "gold": {**row.gold, "name": "As it should be"}}
    line = {"row": row_json(replace(row, notes={"rubric": {}, "fixed_row": fixed})), "refusals": []}
    monkeypatch.setattr(dataset_rows, "refused_row", lambda deps, name, row_id: line)
    view = data_mend.on_mend(deps, PAGE, version.name, row.id)
    assert view.propose["visible"] and json.loads(view.mend_answer) == row.gold, "first the row as it is"
    text, answer, said = data_mend.on_propose(deps, PAGE, version.name, row.id)
    assert text == row.source and json.loads(answer)["name"] == "As it should be" and "check it again" in said
    line["row"] = row_json(row)
    assert not data_mend.on_mend(deps, PAGE, version.name, row.id).propose["visible"]
    assert data_mend.on_propose(deps, PAGE, version.name, None)[:2] == (SAME, SAME)


def test_a_build_that_pays_says_what_it_paid_so_far(deps: Deps, jobs: list[JobStatus]) -> None:
    told = (
        Spending("teacher", 40, 9000, 0.5, "USD", Caps(calls=100, money=5)),
        Spending("judge", 7, 3000, None, "USD", Caps(calls=100)),
    )
    jobs[:] = [JobStatus("ab12", "soups", "recipe-jsonld", "running", "judge", 7, 38, spending=told)]
    shown = data.on_tick(deps, PAGE, "", "").job
    assert "asking the judge, step 2 of 5" in shown and "7 of 38 rows" in shown
    assert "The teacher so far, in all builds of this name: 40 of at most 100 calls" in shown
    assert "0.50 of at most 5 USD" in shown and "7 of at most 100 calls, 3,000 tokens, cost unknown" in shown
    jobs[:] = [replace(jobs[0], state="failed", error="The judge stopped.", fix="Raise the cap.")]
    assert "Raise the cap." in (ended := data.on_tick(deps, PAGE, "", "").job) and "0.50 of at most 5 USD" in ended


def test_a_build_is_followed_and_its_version_opened_once(deps: Deps, version: Version, jobs: list[JobStatus]) -> None:
    assert data.on_tick(deps, PAGE, "", "") == data.JobView()  # nothing there, nothing sent
    jobs[:] = [JobStatus("ab12", "soups", "recipe-jsonld", "running", "gates", 10, 40)]
    view = data.on_tick(deps, PAGE, "", "ab12 queued")
    assert "10 of 40 rows" in view.job and view.stop["visible"] and not view.dismiss["visible"]
    assert view.version is SAME
    assert data.on_tick(deps, PAGE, view.job, view.seen) == data.JobView()
    jobs[:] = [JobStatus("ab12", "soups", "recipe-jsonld", "finished", "done", version=version.name)]
    done = data.on_tick(deps, PAGE, view.job, view.seen)
    assert done.version["value"] == version.name and done.dismiss["visible"] and not done.stop["visible"]
    assert data.on_tick(deps, PAGE, done.job, done.seen) == data.JobView()


def test_after_a_refresh_the_build_is_found_again(deps: Deps, version: Version, jobs: list[JobStatus]) -> None:
    jobs[:] = [JobStatus("ab12", "soups", "recipe-jsonld", "running", "rows", 300)]
    job, stop, _, seen, opened = data.on_load(deps, PAGE)
    assert "300 rows so far" in job and stop["visible"] and seen == "ab12 running"
    assert opened["value"] == version.name


def test_what_is_under_way_stands_before_what_ended_later(deps: Deps, jobs: list[JobStatus]) -> None:
    jobs[:] = [JobStatus("b", "other", "t", "failed", error="x"), JobStatus("a", "soups", "t", "running", "rows", 1)]
    found = dataset_jobs.latest(deps)
    assert found is not None and found.id == "a"


def test_another_version_is_compared_and_rows_go_out_into_a_new_one(deps: Deps, version: Version) -> None:
    made = data.on_take_out(deps, PAGE, version.name, [], recipe_row(2).id)
    assert len(made["choices"]) == 2 and made["value"] != version.name
    words = data.on_changes(deps, PAGE, made["value"], version.name)
    assert f"From {version.name} to {made['value']}: 7 rows stay as they are, 0 were added, 1 removed" in words
    assert "Bean stew 2" in words


def test_rows_sent_from_compare_wait_in_the_form(deps: Deps) -> None:
    assert "Nothing waits here" in data.on_waiting(deps, PAGE, "recipe-jsonld").waiting_said
    deps.shelf("page").add_comparison(make_comparison("c1"))
    assert "for evaluation" in compare_send.on_send(deps, PAGE, "c1", "tiny-recipes")
    view = data.on_waiting(deps, PAGE, "recipe-jsonld")
    assert view.waiting_said == "" and view.candidates["choices"][0][0] == "Lentil Soup"
    assert data.on_waiting(deps, PAGE, "news-metadata").candidates["choices"] == []
    with pytest.raises(DataError, match="No right answer"):
        compare_send.on_send(deps, PAGE, "c1", None)


def test_the_spec_of_a_version_is_read_and_used_again(deps: Deps, version: Version) -> None:
    assert data.on_version(deps, PAGE, version.name).spec == (version.folder / "spec.yaml").read_text("utf-8")
    text, said, views = data.on_use_spec(deps, PAGE, version.name)
    assert "name: soups" in text and version.name in said and views["selected"] == "new"


def test_rows_that_wait_are_deleted_from_the_list(deps: Deps) -> None:
    deps.shelf("page").add_comparison(make_comparison("c1"))
    compare_send.on_send(deps, PAGE, "c1", "tiny-recipes")
    chosen = [value for _, value in data.on_waiting(deps, PAGE, "recipe-jsonld").candidates["choices"]]
    view = data.on_forget(deps, PAGE, "recipe-jsonld", chosen)
    assert view.candidates["choices"] == [] and "Nothing waits here" in view.waiting_said


def test_an_export_goes_through_the_page(deps: Deps, version: Version) -> None:
    file = json.loads(data.on_export(deps, PAGE, version.name, "chat", ["train"]))
    assert file["name"].endswith("-chat.jsonl") and len(file["text"].splitlines()) == 6
    with pytest.raises(DataError, match="no dataset version"):
        data.on_export(deps, PAGE, None, "chat", ["train"])
