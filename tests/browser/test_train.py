"""The Train tab as a person uses it: a run on the embedded model that a reload and a restart do not lose, its adapter
in Compare, every view readable in both modes and at any width. Nothing faked but where a test says so."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.browser.acts import answering, names, tab, unfold, wait_done
from tests.browser.conftest import Studio
from tests.browser.test_look import serious, sideways
from tests.engine.small_versions import version_of
from tests.studio.run_samples import failed_run, finished_run, running_run, tag
from training.data.versions import open_version, rows_of
from training.engine.run_rows import SHIPPED, find_dataset
from training.processes import read_mark
from training.runs.directory import PROCESS, read_status, run_folder

pytestmark = pytest.mark.browser
Open = Callable[..., Any]
VIEWS = ("Curves", "Samples", "Scores", "Beside another", "Settings and notes", "Log")
RUN_MS = 240_000  # a run on a busy machine, its evaluation included


@pytest.fixture
def real_studio(tmp_path: Path) -> Iterator[Studio]:
    short_version(tmp_path / "home")
    running = Studio(tmp_path / "home", script="app.py", env={"HF_HUB_OFFLINE": "1"})
    running.start()
    yield running
    running.stop()


def short_version(home: Path) -> None:
    """A version of the shortest recipes that ship, which a new form then holds: real rows, soon read and answered."""
    shipped = open_version(find_dataset(SHIPPED, "recipe-jsonld-small"))
    wanted = {"train": 8, "dev": 1, "test": 1}
    parts = {
        part: sorted((row for row in rows_of(shipped, part) if row.gold), key=lambda row: len(row.source))[:n]
        for part, n in wanted.items()
    }
    version_of(home, "recipe-jsonld", parts)


def open_train(page: Any) -> None:
    tab(page, "Train")
    page.locator("#tt-train-start").wait_for()


def fill(page: Any, name: str, value: str) -> None:
    box = page.locator(f"#tt-train-{name} input").first
    box.fill(value)
    box.blur()


def small_run(page: Any, steps: int = 3) -> None:
    """The form as it opens, made short: few steps of two rows, dev loss and a sample at the end, one dev row scored."""
    assert "recipe-jsonld-tiny" in page.locator("#tt-train-dataset input").first.input_value()
    fill(page, "max-steps", str(steps))
    unfold(page, "#tt-train-advanced")
    for name, value in (
        ("eval-steps", steps),
        ("save-steps", steps),
        ("sample-steps", steps),
        ("evaluate-rows", 1),
        ("batch-size", 2),
    ):
        fill(page, name, str(value))
    page.wait_for_function("document.querySelector('#tt-train-command textarea').value.includes('evaluate_rows=1')")
    page.wait_for_function("document.querySelector('#tt-train-problems').innerText.trim() === ''")


def until(true: Callable[[], bool], most_s: float = 300.0) -> None:
    deadline = time.monotonic() + most_s
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def chosen(page: Any) -> str:
    return page.locator("#tt-train-head .tt-run-name").inner_text().strip()


def test_a_run_survives_a_reload_and_a_restart_and_answers_in_compare(real_studio: Studio, open_page: Open) -> None:
    page = open_page(real_studio.url, strict=False)  # its server goes away in between
    open_train(page)
    small_run(page, steps=12)
    page.locator("#tt-train-start").dblclick()  # one run, however often it is clicked
    page.locator("#tt-status", has_text="Train: 1 running").wait_for()
    under_way = re.compile(r"step [1-9]\d* of 12")
    page.locator("#tt-train-head", has_text=under_way).wait_for(timeout=RUN_MS)
    run = chosen(page)
    mark = read_mark(run_folder(real_studio.home, run) / PROCESS)
    assert mark is not None
    worker = psutil.Process(mark["pid"])
    worker.suspend()  # it is under way however slow the machine is
    page.reload()
    open_train(page)
    page.locator("#tt-train-head", has_text=under_way).wait_for()  # the same run, still at work
    assert chosen(page) == run and page.locator("#tt-train-pick label").count() == 1
    real_studio.stop()
    folder = run_folder(real_studio.home, run)
    left = read_status(folder)
    assert left.state == "running"
    worker.resume()
    until(lambda: read_status(folder) != left)  # it works on while nobody looks
    real_studio.start()
    page = open_page(real_studio.url)
    open_train(page)
    page.locator("#tt-train-head", has_text=run).wait_for()
    page.locator("#tt-train-head", has_text="Finished: 12 steps").wait_for(timeout=RUN_MS)
    page.locator("#tt-train-loss .js-line, #tt-train-loss .point").first.wait_for()
    tab(page, "Samples")
    page.locator("#tt-train-samples .tt-sample").first.wait_for()
    tab(page, "Scores")
    page.locator("#tt-train-scores table").wait_for()
    page.locator("#tt-train-compare").click()
    page.locator("#tt-arms label", has_text=run.rpartition("-")[0]).locator("input:checked").wait_for()
    page.locator("#tt-examples button").first.click()
    page.wait_for_function("document.querySelector('#tt-source textarea').value.length > 100")
    page.locator("#tt-run").click()
    wait_done(page)
    assert names(page) == ["base", run]
    assert "proven: adapter on" in page.locator("#tt-columns .tt-col").nth(1).inner_text()


def test_the_checks_are_shown_before_anything_starts(real_studio: Studio, open_page: Open) -> None:
    page = open_page(real_studio.url)
    open_train(page)
    small_run(page)
    page.locator("#tt-train-check").click()
    page.locator("#tt-train-preflight .tt-progress").wait_for()
    page.locator("#tt-train-preflight", has_text="This run can start").wait_for(timeout=RUN_MS)
    assert "real step" in page.locator("#tt-train-preflight").inner_text()
    unfold(page, "#tt-train-tokens-box")
    page.locator("#tt-train-tokens .tt-learned").first.wait_for()
    page.reload()  # the same settings stand in the form: what was found of them is there again
    open_train(page)
    page.locator("#tt-train-preflight", has_text="This run can start").wait_for()
    assert "real step" in page.locator("#tt-train-preflight").inner_text()
    unfold(page, "#tt-train-tokens-box")
    page.locator("#tt-train-tokens .tt-learned").first.wait_for()


def test_a_wrong_value_is_told_and_stays_where_it_was_typed(own_studio: Studio, open_page: Open) -> None:
    page = open_page(own_studio.url)
    open_train(page)
    fill(page, "rank", "0")
    page.locator("#tt-train-problems", has_text="Rank").wait_for()
    page.locator("#tt-train-start[disabled]").wait_for()
    assert page.locator("#tt-train-rank input").first.input_value() == "0"
    fill(page, "rank", "16")
    page.locator("#tt-train-start:not([disabled])").wait_for()
    dataset = page.locator("#tt-train-dataset input").first.input_value()
    page.wait_for_function("localStorage.getItem('taste-test-run-form') !== null")
    page.reload()
    open_train(page)
    page.wait_for_function("document.querySelector('#tt-train-rank input').value === '16'")
    assert page.locator("#tt-train-dataset input").first.input_value() == dataset
    page.locator("#tt-train-start:not([disabled])").wait_for()


def home_with_runs(studio: Studio) -> dict[str, str]:
    """One run of each kind, made by hand."""
    made = {
        "finished": finished_run(studio.home),
        "other": finished_run(studio.home, rank=16),
        "failed": failed_run(studio.home),
    }
    tag(studio.home, made["finished"], "good", text="the one to show")
    return made


def pick(page: Any, run: str) -> None:
    page.locator("#tt-train-pick label", has_text=run).click()
    page.locator("#tt-train-head", has_text=run).wait_for()
    drawn(page)


def drawn(page: Any) -> None:
    """No chart's place is empty any more: until its library is there, Gradio shows one that axe does not like."""
    empty = "[...document.querySelectorAll('#tt-tab-train .empty')].every(place => place.offsetParent === null)"
    page.wait_for_function(empty)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_serious_in_any_view(own_studio: Studio, open_page: Open, dark: bool) -> None:
    page = open_page(own_studio.url, dark=dark)
    open_train(page)
    page.locator("#tt-train-none", has_text="press Start").wait_for()
    assert serious(page, dark) == []
    made = home_with_runs(own_studio)
    pick(page, made["failed"])
    page.locator("#tt-train-failure", has_text="Not enough memory").wait_for()
    assert serious(page, dark) == []
    pick(page, made["finished"])
    page.locator("#tt-train-loss .js-line").first.wait_for()
    unfold(page, "#tt-train-advanced")
    for label in VIEWS:
        tab(page, label)
        drawn(page)
        assert serious(page, dark) == [], label


def test_a_failed_run_fills_the_form_with_what_would_help(own_studio: Studio, open_page: Open) -> None:
    made = home_with_runs(own_studio)
    page = open_page(own_studio.url)
    open_train(page)
    pick(page, made["failed"])
    page.locator("#tt-train-advice button").nth(1).wait_for()
    page.locator("#tt-train-advised-0").click()
    page.locator("#tt-train-filled", has_text="with one change").wait_for()


def test_two_runs_lie_beside_each_other_and_do_so_after_a_refresh(own_studio: Studio, open_page: Open) -> None:
    made = home_with_runs(own_studio)
    page = open_page(own_studio.url)
    open_train(page)
    pick(page, made["finished"])
    tab(page, "Beside another")
    page.locator("#tt-train-other input").click()
    page.get_by_role("option", name=made["other"]).click()
    page.locator("#tt-train-both", has_text="One setting differs").wait_for()
    page.locator("#tt-train-both-plot .js-line").nth(1).wait_for()
    tab(page, "Curves")
    page.locator("#tt-train-beside input").click()
    page.get_by_role("option", name=made["other"]).click()
    page.locator("#tt-train-loss .js-line").nth(2).wait_for()
    search = page.locator("#tt-train-search input, #tt-train-search textarea").first
    search.press_sequentially("show")
    page.locator("#tt-train-pick label", has_text=made["failed"]).wait_for(state="detached")
    page.reload()
    open_train(page)
    page.locator("#tt-train-loss .js-line").nth(2).wait_for()
    page.wait_for_function("document.querySelectorAll('#tt-train-pick label').length === 1")
    assert search.input_value() == "show"
    tab(page, "Beside another")
    page.locator("#tt-train-both", has_text="One setting differs").wait_for()


def test_a_run_is_searched_noted_and_deleted_only_after_a_yes(own_studio: Studio, open_page: Open) -> None:
    made = home_with_runs(own_studio)
    page = open_page(own_studio.url)
    open_train(page)
    pick(page, made["failed"])
    page.locator("#tt-train-search input, #tt-train-search textarea").first.press_sequentially("show")
    page.locator("#tt-train-pick label", has_text=made["other"]).wait_for(state="detached", timeout=20_000)
    answering(page, False, False, True)
    page.locator("#tt-train-delete").click()
    page.wait_for_timeout(500)
    assert (own_studio.home / "runs" / made["failed"]).is_dir()
    page.locator("#tt-train-delete").click()
    page.locator("#tt-train-delete").click()  # at once: the no is still under way, the yes counts
    page.locator("#tt-train-head", has_text=made["finished"]).wait_for()
    assert not (own_studio.home / "runs" / made["failed"]).exists()


def test_a_run_whose_process_is_gone_is_lost_and_waiting_ones_stand_in_line(
    own_studio: Studio, open_page: Open
) -> None:
    run = running_run(own_studio.home)
    page = open_page(own_studio.url)
    open_train(page)
    page.locator("#tt-train-head", has_text="Lost at step 31 of 50").wait_for()
    page.locator("#tt-train-resume").wait_for()
    assert chosen(page) == run


def test_a_second_window_of_one_home_reads_only_and_says_so(own_studio: Studio, open_page: Open) -> None:
    second = Studio(own_studio.home)
    second.start()
    try:
        page = open_page(second.url, strict=False)  # its server goes away at the end
        open_train(page)
        page.locator("#tt-train-why", has_text="read only").wait_for()
        page.locator("#tt-train-start[disabled]").wait_for()
        own_studio.stop()
        page.locator("#tt-train-start:not([disabled])").wait_for()  # it is the owner now
    finally:
        second.stop()


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 800)])
def test_no_view_makes_the_page_scroll_sideways(own_studio: Studio, open_page: Open, width: int, height: int) -> None:
    made = home_with_runs(own_studio)
    page = open_page(own_studio.url, width, height)
    open_train(page)
    assert sideways(page) <= 0
    for run in (made["failed"], made["finished"]):
        pick(page, run)
        assert sideways(page) <= 0
    for label in VIEWS:
        tab(page, label)
        assert sideways(page) <= 0, label
