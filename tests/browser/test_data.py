"""The Data tab as a person uses it: first rows, a build that a refresh does not lose, a version to read, any width."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.acts import compare, tab
from tests.browser.conftest import Studio
from tests.browser.test_look import serious, sideways
from tests.studio.dataset_samples import make_version

pytestmark = pytest.mark.browser
Open = Callable[..., Any]
VIEWS = ("What passed", "Refused", "Duplicates", "Rows", "Leaks", "Changes", "Card and export")
CHARTS = {"What passed": ("funnel", "prompts", "answers"), "Leaks": ("nearest",)}


def open_data(page: Any) -> None:
    tab(page, "Data")
    page.locator("#tt-data-version").wait_for()


def test_a_dataset_is_previewed_built_found_again_and_read(own_studio: Studio, open_page: Open) -> None:
    page = open_page(own_studio.url)
    open_data(page)
    page.locator("#tt-data-head", has_text="ships with the studio").wait_for()  # there is something to read at once
    page.locator("#tt-data-name input, #tt-data-name textarea").first.fill("soups")
    page.locator("#tt-data-rows input").fill("60")
    page.wait_for_function("document.querySelector('#tt-data-said').innerText.trim() === ''")
    page.locator("#tt-data-look").click()
    page.locator("#tt-data-rows10 details").nth(9).wait_for()
    page.locator("#tt-data-make").click()
    page.locator("#tt-data-progress .tt-progress").wait_for()
    page.reload()  # the build is a process of its own
    open_data(page)
    page.locator("#tt-data-progress", has_text="is built").wait_for()
    page.locator("#tt-data-head", has_text="built").wait_for()
    tab(page, "What passed")
    page.locator("#tt-data-funnel .barlayer .point").first.wait_for()
    tab(page, "Rows")
    page.locator("#tt-data-found details summary").first.click()
    page.locator("#tt-data-found details[open] .tt-text").first.wait_for()
    page.locator("#tt-data-dismiss").click()
    page.wait_for_function("document.querySelector('#tt-data-progress').innerText.trim() === ''")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_serious_in_any_view(own_studio: Studio, open_page: Open, dark: bool) -> None:
    make_version(own_studio.home / "datasets", leak=True)
    page = open_page(own_studio.url, dark=dark)
    open_data(page)
    page.locator("#tt-data-head", has_text="train 6").wait_for()
    page.wait_for_function("!document.querySelector('#tt-tab-data .pending, #tt-tab-data .generating')")
    for part in ("shares", "advanced", "candidates"):
        page.locator(f"#tt-data-{part} button").first.click()
    page.locator("#tt-data-yaml .cm-line").first.wait_for()
    assert serious(page) == []
    for label in VIEWS:
        tab(page, label)
        for chart in CHARTS.get(label, ()):
            page.locator(f"#tt-data-{chart} .point").first.wait_for()
        assert serious(page) == [], label


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 800)])
def test_no_view_makes_the_page_scroll_sideways(own_studio: Studio, open_page: Open, width: int, height: int) -> None:
    make_version(own_studio.home / "datasets", leak=True)
    page = open_page(own_studio.url, width, height)
    open_data(page)
    page.locator("#tt-data-head", has_text="train 6").wait_for()
    assert sideways(page) <= 0
    for label in VIEWS:
        button = page.get_by_role("tab", name=label, exact=True)
        if button.is_visible():  # on a phone the last ones stand behind the tabs' own menu
            button.click()
        assert sideways(page) <= 0, label


def test_what_compare_showed_waits_for_evaluation(own_studio: Studio, open_page: Open) -> None:
    page = open_page(own_studio.url)
    compare(page)
    tab(page, "Receipt")
    page.locator("#tt-send").click()
    page.locator("#tt-sent", has_text="for evaluation, never for training").wait_for()
    assert (own_studio.home / "datasets" / "candidates.jsonl").is_file()
