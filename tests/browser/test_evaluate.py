"""The Evaluate tab as a person uses it: the verdict first, every chart and document behind it a click away, an
evaluation that goes on without the page; readable in both modes and at any width."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.acts import answering, tab
from tests.browser.conftest import Studio
from tests.browser.test_look import serious, sideways
from tests.studio.eval_samples import make_own, under_way

pytestmark = pytest.mark.browser
Open = Callable[..., Any]
VIEWS = ("overview", "fields", "grounding", "slices", "text", "speed", "judge", "documents", "errors", "gates",
         "leaderboard", "metrics", "receipt")  # fmt: skip
DRAWN = ".tt-chart .plot-container"
DESKTOP, PHONE = (1280, 800), (390, 844)
RUN_MS = 240_000  # on a busy machine


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Studio, str]]:
    """A studio with one finished evaluation."""
    running = Studio(tmp_path_factory.mktemp("evaluate") / "home")
    running.home.mkdir(parents=True)
    made = make_own(running.home, count=27)
    running.start()
    yield running, made
    running.stop()


def opened(open_page: Open, studio: Studio, evaluation: str, *size: int, **more: Any) -> Any:
    """The page by the evaluation's own link."""
    sentence = "#tt-eval-verdict .tt-eval-sentence"
    page = open_page(f"{studio.url}/?evaluation={evaluation}", *size, ready=sentence, **more)
    page.locator("#tt-eval-scorecard table").wait_for()
    return page


def view(page: Any, name: str) -> None:
    from studio.tabs.evaluate_parts import VIEWS as LABELS

    tab(page, LABELS[name])
    page.locator(f"#tt-eval-view-{name}").wait_for()


def filled(page: Any, name: str) -> None:
    """Until what a view shows is there, charts drawn."""
    page.wait_for_function(
        """name => {
          const view = document.getElementById(`tt-eval-view-${name}`);
          const empty = [...view.querySelectorAll(".empty")].every((place) => place.offsetParent === null);
          const drawn = [...view.querySelectorAll(".tt-chart-box:has(.tt-chart-saves)")].every(
            (box) => box.querySelector(".plot-container"));  // a plot's own code comes after its words
          return empty && drawn && !view.innerText.includes("Choose an evaluation above");
        }""",
        arg=name,
    )


def test_the_verdict_comes_first_and_everything_behind_it_is_a_click_away(
    evaluated: tuple[Studio, str], open_page: Open
) -> None:
    studio, evaluation = evaluated
    page = opened(open_page, studio, evaluation)
    assert re.search(r"F1 rose by 0\.\d+ \[0\.\d+, 0\.\d+\]", page.locator(".tt-eval-sentence").inner_text())
    page.locator(f"#tt-chart-forest {DRAWN}").wait_for()
    page.get_by_label("usable").check()
    page.locator("#tt-eval-verdict", has_text="counting answers with text around them too").wait_for()
    page.get_by_label("strict").check()
    page.locator("#tt-eval-scorecard .tt-ask").first.click()  # the primary metric's name
    page.locator("#tt-eval-page-text", has_text="Worked example").wait_for()
    view(page, "errors")
    page.locator("#tt-eval-clusters .tt-ask", has_text="Targeted data").first.click()
    page.locator("#tt-eval-spec .cm-line", has_text="task: recipe-jsonld").wait_for()
    view(page, "gates")
    page.locator("#tt-eval-gates .tt-gate-fail").first.wait_for()


def test_a_lost_document_opens_beside_its_source(evaluated: tuple[Studio, str], open_page: Open) -> None:
    studio, evaluation = evaluated
    page = opened(open_page, studio, evaluation)
    view(page, "documents")
    page.locator("#tt-eval-cells .tt-cell-a_only[aria-pressed=true]").wait_for()
    page.locator("#tt-eval-listed .tt-ask").first.click()
    page.locator("#tt-eval-document .tt-col").nth(1).wait_for()
    assert page.locator("#tt-eval-document .tt-source mark").count() > 3
    assert page.locator("#tt-eval-document .tt-pane-json").first.is_hidden()
    page.locator("label[for=tt-eval-pane-json]").click()
    page.locator("#tt-eval-document .tt-pane-json").first.wait_for()
    page.locator("#tt-eval-cells .tt-cell-b_only").click()
    page.locator("#tt-eval-cells .tt-cell-b_only[aria-pressed=true]").wait_for()
    page.locator("#tt-eval-listed .tt-ask").first.wait_for()


def test_a_mark_leads_to_its_documents(evaluated: tuple[Studio, str], open_page: Open) -> None:
    studio, evaluation = evaluated
    page = opened(open_page, studio, evaluation)
    mark = page.locator("#tt-chart-tiers .barlayer .point").nth(1)
    mark.wait_for()
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)  # Plotly listens on a layer above it
    page.mouse.move(box["x"] + box["width"] / 2 + 2, box["y"] + box["height"] / 2)
    page.locator("#tt-chart-tiers .hovertext").first.wait_for()
    page.mouse.down()
    page.mouse.up()
    page.locator("#tt-eval-view-documents #tt-eval-filtered p").wait_for()
    page.locator("#tt-eval-listed .tt-ask").first.wait_for()


def test_charts_are_found_by_other_reports_names_and_taken_away(
    evaluated: tuple[Studio, str], open_page: Open, tmp_path: Path
) -> None:
    studio, evaluation = evaluated
    page = opened(open_page, studio, evaluation)
    search = page.locator("#tt-eval-find input")
    search.press_sequentially("ROUGE")
    page.get_by_role("option", name=re.compile("^ROUGE")).click()
    page.locator("#tt-eval-view-text #tt-chart-overlap").wait_for()
    view(page, "overview")
    page.locator(f"#tt-chart-forest {DRAWN}").wait_for()
    for words, start in (("CSV", b"metric"), ("SVG", b"<svg"), ("PNG", b"\x89PNG")):
        with page.expect_download() as download:
            page.locator("#tt-chart-forest .tt-ask", has_text=words).click()
        saved = tmp_path / words
        download.value.save_as(saved)
        assert start in saved.read_bytes()[:400], words
    view(page, "receipt")
    with page.expect_download() as download:
        page.locator("#tt-eval-file-figures").click()
    assert download.value.suggested_filename == f"{evaluation}-figures.csv"
    page.locator("#tt-eval-frames").click()
    page.locator('#tt-eval-files td[aria-label="scores.parquet"]').wait_for()  # stem and ending are two words there


def test_an_evaluation_goes_on_without_its_page(evaluated: tuple[Studio, str], open_page: Open) -> None:
    studio, _ = evaluated
    page = open_page(studio.url)
    tab(page, "Evaluate")
    page.locator("#tt-eval-verdict .tt-eval-sentence").wait_for()
    page.locator("#tt-eval-new").click()
    for name in ("base", "prompted base"):
        page.locator("#tt-eval-arms").get_by_label(name, exact=True).uncheck()
    for box in page.locator("#tt-eval-adapters input:checked").all():
        box.uncheck()
    page.locator("#tt-eval-limit input").fill("6")
    page.locator("#tt-eval-name textarea, #tt-eval-name input").first.fill("no model")
    page.wait_for_function(
        "(() => { const line = document.querySelector('#tt-eval-command textarea').value;"
        " return line.includes('--limit 6') && line.includes('empty,constant,echo,regex --')})()"
    )
    page.locator("#tt-eval-start").click()
    page.wait_for_url("**/?evaluation=*")
    address = page.url
    page.close()
    page = open_page(address, ready="#tt-eval-progress .tt-progress, #tt-eval-verdict .tt-eval-sentence")
    page.locator("#tt-eval-verdict .tt-eval-sentence").wait_for(timeout=RUN_MS)
    assert "no model" in page.locator("#tt-eval-pick input").input_value()
    folder = studio.home / "evals" / parse_qs(urlsplit(page.url).query)["evaluation"][0]
    assert json.loads((folder / "summary.json").read_text())["arms"].keys() >= {"empty", "regex"}


def test_one_that_broke_off_says_so_and_is_deleted_only_after_a_yes(
    evaluated: tuple[Studio, str], open_page: Open
) -> None:
    studio, _ = evaluated
    run = under_way(studio.home, "failed", error="The base is gone.", fix="Choose another.")
    page = open_page(f"{studio.url}/?evaluation={run}", ready="#tt-eval-progress .tt-note")
    page.locator("#tt-eval-progress", has_text="The base is gone.").wait_for()
    answering(page, False, True)
    page.locator("#tt-eval-forget").click()
    page.wait_for_timeout(500)
    assert (studio.home / "evals" / run).is_dir()
    page.locator("#tt-eval-forget").click()
    page.locator("#tt-eval-progress").wait_for(state="hidden")
    assert not (studio.home / "evals" / run).exists()


@pytest.mark.timeout(900)  # 13 views in two modes: axe reads the whole page each time
def test_no_view_has_a_serious_fault_or_scrolls_sideways(evaluated: tuple[Studio, str], open_page: Open) -> None:
    """axe in both modes, and nothing wider than its place, on a desktop and on a phone."""
    studio, evaluation = evaluated
    page = opened(open_page, studio, evaluation, *DESKTOP)
    page.locator("#tt-eval-new").click()
    page.locator("#tt-eval-command").wait_for()
    assert in_both_modes(page) == []
    page.locator("#tt-eval-close").click()
    for name in VIEWS:
        view(page, name)
        filled(page, name)
        if name == "documents":
            page.locator("#tt-eval-listed .tt-ask").first.click()
            page.locator("#tt-eval-document .tt-col").first.wait_for()
        assert in_both_modes(page, f"#tt-eval-view-{name}") == [], name
        assert sideways(page) <= 0, name
        inside = page.locator("#tt-tabs > #tt-tab-evaluate")  # scrolls by itself here; on a phone the page does
        assert inside.evaluate("tab => tab.scrollWidth - tab.clientWidth") <= 0, name
        for width, height in (PHONE, DESKTOP):
            page.set_viewport_size({"width": width, "height": height})
            assert sideways(page) <= 0, (name, width)


def in_both_modes(page: Any, within: str | None = None) -> list[str]:
    """axe's findings in the mode that the page is in, then those on colours in the other one, which it is left in."""
    found = serious(page, within=within)
    before = page.locator("#tt-theme").get_attribute("aria-pressed")
    page.locator("#tt-theme").click()
    assert page.locator("#tt-theme").get_attribute("aria-pressed") != before
    return [*found, *serious(page, dark=True, within=within)]


def test_a_phone_opens_the_last_view_behind_the_dots(evaluated: tuple[Studio, str], open_page: Open) -> None:
    studio, evaluation = evaluated
    page = opened(open_page, studio, evaluation, *PHONE)
    assert sideways(page) <= 0
    view(page, VIEWS[-1])
    filled(page, VIEWS[-1])
    assert sideways(page) <= 0
