"""What was compared is still there: after a refresh, after a restart, in the list, and as a file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.acts import answering, compare, fold_out, names, tab, wait_done
from tests.browser.conftest import Studio
from tests.fakes import ADAPTER, POST

pytestmark = pytest.mark.browser
Open = Callable[..., Any]


def test_a_comparison_is_reopened_by_its_link_after_a_restart(own_studio: Studio, open_page: Open) -> None:
    page = open_page(own_studio.url)
    compare(page)
    page.wait_for_url("**/?comparison=*")
    link = page.url
    answers = page.locator("#tt-columns").inner_text()
    page.reload()
    wait_done(page)
    assert page.locator("#tt-columns").inner_text() == answers
    page.close()
    own_studio.stop()
    own_studio.start()
    again = open_page(link)
    wait_done(again)
    assert again.locator("#tt-columns").inner_text() == answers
    assert again.locator("#tt-source textarea").input_value() == POST


def test_recent_is_searched_opened_and_deleted_from(own_studio: Studio, open_page: Open) -> None:
    page = open_page(own_studio.url)
    for dish in ("Bean stew", "Plum cake"):
        compare(page, f"{dish}\n\n{POST}")
    fold_out(page, "Recent")
    page.wait_for_function("document.querySelectorAll('#tt-history li').length == 2")
    assert page.locator("#tt-history .tt-history-title").all_inner_texts() == ["Plum cake", "Bean stew"]
    page.get_by_label("Search").fill("stew")
    page.wait_for_function("document.querySelectorAll('#tt-history li').length == 1")
    page.locator("#tt-history a").click()
    page.wait_for_load_state()
    wait_done(page)
    assert page.locator("#tt-source textarea").input_value().startswith("Bean stew")
    tab(page, "Receipt")
    answering(page, True)
    page.locator("#tt-delete").click()
    page.wait_for_function("!window.location.search.includes('comparison')")
    fold_out(page, "Recent")
    page.wait_for_function("document.querySelectorAll('#tt-history li').length == 1")
    assert "Plum cake" in page.locator("#tt-history").inner_text()


def test_a_link_to_nothing_says_so_and_the_studio_works(studio: Studio, open_page: Open) -> None:
    page = open_page(f"{studio.url}/?comparison=nothing")
    page.locator(".toast-body", has_text="There is no comparison nothing").first.wait_for()
    compare(page)


def download(page: Any, button: str) -> Path:
    with page.expect_download() as waiting:
        page.locator(button).click()
    return Path(waiting.value.path())


def test_everything_can_be_taken_along(studio: Studio, open_page: Open, browser: Any) -> None:
    page = open_page(studio.url)
    compare(page)
    tab(page, "Receipt")
    data = json.loads(download(page, "#tt-save-json").read_text("utf-8"))
    assert data["source"]["text"] == POST and len(data["arms"]) == 2
    receipt = json.loads(download(page, "#tt-save-receipt").read_text("utf-8"))
    assert receipt["proofs"][ADAPTER]["adapter_state"] == f"on: {ADAPTER}"
    page.locator("#tt-copy-receipt").click()
    page.locator("#tt-copy-receipt", has_text="Copied").wait_for()
    assert json.loads(page.evaluate("navigator.clipboard.readText()")) == receipt
    saved = download(page, "#tt-save-page")
    context = browser.new_context(offline=True)
    asked: list[str] = []
    offline = context.new_page()
    offline.on("request", lambda request: asked.append(request.url))
    copy = saved.with_suffix(".html")
    copy.write_bytes(saved.read_bytes())
    offline.goto(copy.as_uri())
    assert names_on_page(offline) == ["base", ADAPTER]
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    context.close()


def names_on_page(page: Any) -> list[str]:
    return page.locator(".tt-col-name").all_inner_texts()


def test_an_open_vote_survives_a_refresh_without_telling(own_studio: Studio, open_page: Open) -> None:
    page = open_page(own_studio.url)
    page.get_by_label("Blind").check()
    compare(page)
    page.wait_for_url("**/?comparison=*")
    page.reload()
    wait_done(page)
    assert names(page) == ["A", "B"]
    page.locator("#tt-vote-reveal").click()
    page.wait_for_function("document.querySelector('#tt-columns .tt-col-name').innerText.length > 1")
    assert sorted(names(page)) == ["base", ADAPTER]
    assert "without a vote" in page.locator("#tt-verdict").inner_text()
