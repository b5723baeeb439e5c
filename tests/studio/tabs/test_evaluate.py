"""The evaluate tab's handlers on real evaluation folders, and its components built once: every view has its part."""

import json
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from studio.actions.evaluations import FIELDS, EvalForm
from studio.deps import Deps
from studio.guard import Visit
from studio.queries import evaluations as queries
from studio.queries.evaluation_docs import asked_of
from studio.tabs import evaluate, evaluate_docs, evaluate_form
from studio.tabs import evaluate_parts as lay
from studio.tabs.evaluate_view import OUTPUTS, SAME, Page, shown
from tests.fakes import make_deps
from tests.studio.eval_samples import DATASET, TUNED, make_evaluation, under_way
from training.errors import InputError
from training.evals.directory import evals_root
from training.evals.judge.frame import write_frame, write_note

PAGE = Visit("page", {})
ARMS = ("base", "prompted", TUNED, "empty")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("evaluate") / "home"
    make_evaluation(evals_root(home), "mine", count=18, arms=ARMS)
    return home


@pytest.fixture
def deps(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deps:
    monkeypatch.setattr(queries, "SHIPPED", tmp_path / "shipped")
    return make_deps(home)


def named(values: list[Any]) -> dict[str, Any]:
    """A handler's values by component, those that stay left out."""
    assert len(values) == len(OUTPUTS)
    return {name: value for name, value in zip(OUTPUTS, values, strict=True) if value != SAME}


def page_of(found: dict[str, Any], **more: Any) -> Page:
    """The page as it is after these values came."""
    seen = {name: found[name] for name in ("chosen", "now", "seen", "asked") if name in found}
    arms = {name: found[name]["value"] for name in ("a", "b") if name in found}
    return Page(**{**seen, **arms, **more})


def opened(deps: Deps, now: str = "overview", **more: Any) -> tuple[dict[str, Any], Page]:
    found = shown(deps, Page("mine", now=now, **more))
    return found, page_of({**found, "now": now, "chosen": "mine"}, **more)


def ask(value: Any) -> str:
    return json.dumps({"v": value, "n": 1})


@pytest.mark.parametrize("space", [False, True], ids=["home", "space"])
def test_the_tab_is_built_and_names_each_endpoint_once(tmp_path: Path, space: bool) -> None:
    deps = make_deps(tmp_path / "home", space=space)
    with gr.Blocks() as app, gr.Tab("Evaluate") as tab:
        evaluate.build(deps, app, tab)
    names = [fn.api_name for fn in app.fns.values() if fn.api_name]
    assert {"load_evaluations", "eval_tick", "eval_pick", "eval_view_documents", "eval_doc", "eval_open"} <= set(names)
    writing = ("eval_start", "eval_cancel", "eval_again", "eval_forget", "eval_spec", "eval_spec_build", "eval_form")
    assert all((name in names) is not space for name in writing)
    assert all(fn.api_visibility == "private" for fn in app.fns.values() if fn.api_name)
    assert len(set(names)) == len(names)


def test_the_page_opens_with_its_verdict_and_a_tick_then_sends_nothing(deps: Deps) -> None:
    found = named(evaluate.on_load(deps, PAGE, "mine"))
    assert found["chosen"] == "mine"
    assert "tt-eval-sentence" in found["verdict"] and "18 documents" in found["facts"]
    assert found["a"]["value"] == "base" and found["b"]["value"] == TUNED
    assert "scorecard" not in found  # no view before the tab is looked at
    assert evaluate.on_tick(deps, PAGE, *page_of(found)) == SAME
    assert evaluate.on_tick(deps, PAGE, *page_of(found, now="overview")) != SAME  # looked at, and never sent
    assert named(evaluate.on_news(deps, PAGE, *page_of(found))) == {}


def test_a_view_that_is_looked_at_before_the_page_was_filled_clears_nothing(deps: Deps) -> None:
    assert named(evaluate.on_open(deps, PAGE, *Page())) == {"now": "overview"}
    assert evaluate.on_tick(deps, PAGE, *Page(now="overview")) == SAME
    found = named(evaluate.on_load(deps, PAGE, "mine"))
    after = named(evaluate.on_pair(deps, PAGE, *page_of(found, now="overview")))
    assert "tt-eval-table" in after["scorecard"] and "verdict" not in after


def test_an_address_names_an_evaluation(deps: Deps) -> None:
    found = named(evaluate.on_load(deps, Visit("page", {"evaluation": "mine"}), "gone"))
    assert found["chosen"] == "mine"
    assert named(evaluate.on_load(deps, Visit("page", {"evaluation": "../etc"}), ""))["chosen"] == "mine"


@pytest.mark.parametrize("view", list(lay.VIEWS))
def test_every_view_is_filled_once_and_stays(deps: Deps, view: str) -> None:
    _, page = opened(deps)
    found = named(evaluate.on_view(view, deps, PAGE, *page))
    if view != "overview":
        assert set(lay.parts_of(view)) - {"document", "page_text"} <= set(found), view
    again = page_of({**found, "now": view}, chosen="mine", seen=found.get("seen", page.seen), a="base", b=TUNED)
    assert set(named(evaluate.on_view(view, deps, PAGE, *again))) <= {"now"}


def test_charts_come_as_plotly_or_say_why_not(deps: Deps) -> None:
    found, _ = opened(deps)
    forest = found["plot_forest"]
    assert forest["visible"] and json.loads(forest["value"].plot)["config"]["displayModeBar"] is False
    assert "CSV" in found["said_forest"] and "Ingredients" in found["scorecard"]
    assert "PNG" not in opened(deps, "leaderboard")[0]["said_sweep"]


def test_another_tier_and_another_pair_are_another_page(deps: Deps) -> None:
    strict, page = opened(deps)
    usable = named(evaluate.on_pair(deps, PAGE, *page._replace(tier="usable")))
    assert usable["scorecard"] != strict["scorecard"] and "text around" in usable["verdict"]
    other = named(evaluate.on_pair(deps, PAGE, *page._replace(a="prompted")))
    assert other["a"]["value"] == "prompted" and other["verdict"] != strict["verdict"]
    odd = named(evaluate.on_pair(deps, PAGE, *page._replace(a="nobody", tier="odd")))
    assert "a" not in odd and "scorecard" not in odd  # what is none changes nothing


def test_a_cell_lists_its_documents_and_one_opens(deps: Deps) -> None:
    found, page = opened(deps, "documents")
    assert "1 in all" in found["listed"] or "2 in all" in found["listed"]
    won = named(evaluate_docs.on_cell(deps, PAGE, ask("b_only"), *page))
    assert asked_of(won["asked"]).cell == "b_only" and won["listed"] != found["listed"]
    page = page_of({**won, "now": "documents"}, chosen="mine", a="base", b=TUNED)
    folder = queries.folder_of(deps, "mine")
    doc = json.loads((folder / "rows.jsonl").read_text("utf-8").splitlines()[0])["id"]
    one = named(evaluate_docs.on_doc(deps, PAGE, ask(doc), *page))
    assert one["document"].count("tt-col-head") == 2 and "tt-source" in one["document"]
    assert "<img" not in one["document"] and asked_of(one["asked"]).cell == "b_only"
    elsewhere = named(evaluate_docs.on_doc(deps, PAGE, ask(doc), *page._replace(now="errors")))
    assert elsewhere["views"]["selected"] == "documents" and "tt-col-head" in elsewhere["document"]


def test_a_judges_quotes_are_marked_in_the_source_and_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "SHIPPED", tmp_path / "shipped")
    folder = make_evaluation(evals_root(tmp_path), "mine", count=6, arms=("base", TUNED))
    row = json.loads((folder / "rows.jsonl").read_text("utf-8").splitlines()[0])
    words = row["source"].split()[4:8]
    wrong = {"got": "x", "should": "y", "source_quote": f"“{'  '.join(words).upper()}”"}  # as a judge may copy it
    base: dict[str, Any] = {"run": "mine", "arm": TUNED, "doc": row["id"], "mode": "pointwise", "other": "",
                            "order": "", "repeat": 0, "score": 6.0, "status": "ok", "tokens_in": 1, "tokens_out": 1,
                            "cost": None, "cached": False}  # fmt: skip
    said = [{"field": "steps", "evidence": json.dumps({"wrong": [wrong]})}, {"field": "overall", "evidence": "{}"}]
    write_frame(folder, [base | one for one in said], keep=False)
    write_note(folder, {"format": 1, "identity": {"model": "big-judge", "base_url": "http://127.0.0.1:9/v1"}})
    deps = make_deps(tmp_path)
    found, _ = opened(deps, "judge")
    assert "big-judge" in found["judged"] and "127.0.0.1:9" in found["judged"] and "6.0" in found["judged"]
    _, page = opened(deps, "documents")
    shown_ = named(evaluate_docs.on_doc(deps, PAGE, ask(row["id"]), *page))["document"]
    assert "tt-lanes-3" in shown_ and "1 of 1 items in the text" in shown_
    assert "quotes: steps" in shown_ and "not in the text shown here" not in shown_


def test_filters_narrow_the_list_and_begin_at_its_first_page(deps: Deps) -> None:
    _, page = opened(deps, "documents")
    every = named(evaluate_docs.on_cell(deps, PAGE, ask("every"), *page))
    page = page_of({**every, "now": "documents"}, chosen="mine", a="base", b=TUNED)
    style = every.get("style", {"choices": []})["choices"][1][1]
    given = ("f1:recipeIngredient", "", style, "", "", 3)
    narrow = named(evaluate_docs.on_filter(deps, PAGE, *given, *page))
    assert asked_of(narrow["asked"]).style == style and asked_of(narrow["asked"]).page == 1
    nothing = named(evaluate_docs.on_filter(deps, PAGE, "strict", "", "", "", "no such id", 1, *page))
    assert "No document fits" in nothing["listed"] and nothing["metric"]["value"] == "strict"


@pytest.mark.parametrize(("kind", "value"), [("cluster", "truncated_by_budget"), ("slice", "style=clean")])
def test_a_click_elsewhere_leads_to_the_documents(deps: Deps, kind: str, value: str) -> None:
    _, page = opened(deps, "errors")
    found = named(evaluate_docs.ASKED[kind](deps, PAGE, ask(value), *page))
    assert found["views"]["selected"] == "documents" and "tt-eval-docs" in found["listed"]


def test_a_mark_of_a_chart_leads_to_its_documents(deps: Deps) -> None:
    from studio.queries import evaluation_charts as charts

    _, page = opened(deps, "documents")
    figures = queries.aggregates(deps, "mine")
    assert figures is not None
    chart = charts.drawn(figures, "strip", queries.Pair("base", TUNED), "strict")
    curve, _, point = next(iter(chart.points)).partition("/")
    mark = {"chart": "strip", "curve": int(curve), "point": int(point)}
    found = named(evaluate_docs.on_point(deps, PAGE, ask(mark), *page))
    assert found["views"]["selected"] == "documents" and "tt-eval-docs" in found["listed"]


@pytest.mark.parametrize(
    "mark", [None, 3, {}, {"chart": "no", "curve": 0, "point": 0}, {"chart": "strip", "curve": "x"}]
)
def test_a_mark_that_is_none_changes_nothing(deps: Deps, mark: Any) -> None:
    _, page = opened(deps, "documents")
    assert named(evaluate_docs.on_point(deps, PAGE, ask(mark), *page)) == {}


def test_search_and_metric_names_lead_where_they_say(deps: Deps) -> None:
    _, page = opened(deps)
    found = named(evaluate.on_find(deps, PAGE, "chart:overlap", *page))
    assert found["views"]["selected"] == "text" and "said_overlap" in found
    found = named(evaluate_docs.on_metric(deps, PAGE, ask("f1:recipeIngredient"), *page))
    assert found["views"]["selected"] == "metrics" and "Worked example" in found["page_text"]
    assert "Worked example" in evaluate_docs.on_page(deps, PAGE, found["page_pick"]["value"])


def test_a_cluster_becomes_a_spec_and_files_are_taken_away(deps: Deps) -> None:
    _, page = opened(deps, "errors")
    box, said, text, _ = evaluate_docs.on_spec(deps, PAGE, ask("ingredient_omitted"), "mine")
    assert box["visible"] and "ingredient_omitted" in said and "task: recipe-jsonld" in text
    assert json.loads(evaluate_docs.on_spec_save(deps, PAGE, text))["text"] == text
    saved = json.loads(evaluate.on_save(deps, PAGE, ask("chart:forest"), *page))
    assert saved["name"] == "mine-forest.csv" and saved["text"].count("\n") > 3
    assert evaluate.on_save(deps, PAGE, ask("figures"), *Page()) == ""
    with pytest.raises(InputError):
        evaluate.on_save(deps, PAGE, ask("chart:none"), *page)


def test_nothing_yet_says_what_will_be_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "SHIPPED", tmp_path / "shipped")
    deps = make_deps(tmp_path / "none")
    found = named(evaluate.on_load(deps, PAGE, ""))
    assert "No evaluation yet" in found["verdict"] and found["pair"]["visible"] is False and found["chosen"] == ""
    page = page_of(found, now="overview")
    assert named(evaluate.on_view("overview", deps, PAGE, *page))["plot_forest"]["visible"] is False
    run = under_way(tmp_path / "none", "cancelled")
    assert evaluate.on_tick(deps, PAGE, *page) != SAME
    first = named(evaluate.on_news(deps, PAGE, *page))
    assert first["chosen"] == run and "Cancelled by you" in first["progress"] and first["again"]["visible"]


def test_an_evaluation_that_ends_shows_its_figures_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "SHIPPED", tmp_path / "shipped")
    deps = make_deps(tmp_path / "home")
    run = under_way(tmp_path / "home", "cancelled")
    found = shown(deps, Page(run, now="overview"))
    assert "finished" in found["scorecard"]
    (evals_root(tmp_path / "home") / run).rename(tmp_path / "gone")
    made = make_evaluation(tmp_path / "elsewhere", run, count=6, arms=("base", TUNED))
    made.rename(evals_root(tmp_path / "home") / run)
    assert evaluate.on_tick(deps, PAGE, *page_of(found, now="overview")) != SAME
    after = named(evaluate.on_news(deps, PAGE, *page_of(found, now="overview")))
    assert "tt-eval-sentence" in after["verdict"] and "tt-eval-table" in after["scorecard"]


def test_the_form_writes_its_command_or_what_is_wrong(deps: Deps) -> None:
    values = {name: getattr(EvalForm(), name) for name in FIELDS} | {
        "task": "recipe-jsonld", "data": DATASET.name, "arms": ["base", "empty"], "adapters": ["tiny-recipes"],
    }  # fmt: skip
    view = evaluate_form.on_form(deps, PAGE, *values.values())
    assert view.form_said == "" and view.start["interactive"]
    assert "--arms base,empty,adapter:tiny-recipes" in view.command
    wrong = evaluate_form.on_form(deps, PAGE, *(values | {"arms": [], "adapters": []}).values())
    assert "Nobody would answer" in wrong.form_said and not wrong.start["interactive"] and wrong.command == ""


def test_the_forms_lists_follow_the_task(deps: Deps) -> None:
    data, part, file, arms, adapters, held = evaluate_form.on_task(deps, PAGE, "recipe-writer", "tiny")
    assert not held["value"] and not held["visible"]
    held = evaluate_form.on_task(deps, PAGE, "news-metadata", "tiny")[-1]
    assert held["value"] and held["visible"], "an evaluation measures what Compare shows"
    assert all(value.startswith("recipe-writer") for _, value in data["choices"] if value)
    assert "constrained" not in {value for _, value in arms["choices"]}  # text answers are held to no schema
    assert part["visible"] and file["visible"] is False and adapters["choices"] == []
    part, file = evaluate_form.on_data(deps, PAGE, "")
    assert part["visible"] is False and file["visible"]


def test_a_start_opens_the_new_evaluation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.evals.eval_job.spawn", lambda *_: None)
    monkeypatch.setattr(queries, "SHIPPED", tmp_path / "shipped")
    deps = make_deps(tmp_path / "home")
    values = {name: getattr(EvalForm(), name) for name in FIELDS}
    values |= {"task": "recipe-jsonld", "data": DATASET.name, "arms": ["empty"]}
    box, *rest = evaluate_form.on_start(deps, PAGE, *values.values(), *Page(now="overview"))
    found = named(rest)
    assert box["visible"] is False and found["chosen"] and "It starts" in found["progress"]
    assert found["cancel"]["visible"] and not found["forget"]["visible"]
