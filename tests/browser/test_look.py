"""For every eye, hand and width: accessibility rules, keyboard, phone, dark."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.acts import compare, fold_out, tab, type_text
from tests.browser.conftest import Studio

pytestmark = pytest.mark.browser
Open = Callable[..., Any]


def serious(page: Any, dark: bool = False, within: str | None = None) -> list[str]:
    """axe-core's findings of impact serious or critical, with where they are; `within` a part of the page or all of it.

    `dark`: the page is in dark mode and was looked at in light, so the rules on colours are all that can differ.
    """
    from axe_playwright_python.base import AXE_SCRIPT

    if page.evaluate("typeof axe === 'undefined'"):
        page.evaluate(AXE_SCRIPT)
    options = {"resultTypes": ["violations"]}
    if dark:
        options["runOnly"] = ["color-contrast", "link-in-text-block"]
    run = "([within, options]) => axe.run(within ?? document, options).then((found) => found.violations)"
    found = page.evaluate(run, [within, options])
    return [
        f"{rule['id']}: {node['target']} {node['html'][:160]}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_serious_before_during_and_after_a_run(studio: Studio, open_page: Open, dark: bool) -> None:
    page = open_page(studio.url, dark=dark)
    assert serious(page, dark) == []
    for part in ("Sampling", "Temperature sweep", "Context", "Recent"):
        fold_out(page, part)
    assert serious(page, dark) == []
    compare(page)
    for label in ("Answers", "What differs", "In the text", "What the model saw", "Receipt"):
        tab(page, label)
        assert serious(page, dark) == []


def test_axe_finds_nothing_serious_in_a_vote_or_an_error(studio: Studio, open_page: Open) -> None:
    page = open_page(studio.url)
    page.get_by_label("Blind").check()
    compare(page)
    assert serious(page) == []
    type_text(page, "")
    page.locator("#tt-run").click()
    page.locator(".toast-body").first.wait_for()
    assert [line for line in serious(page) if "toast" not in line] == []


@pytest.mark.parametrize("sizes", [((390, 844), (320, 640)), ((768, 1024),), ((1280, 800),)], ids=str)
def test_nothing_makes_the_page_scroll_sideways(
    studio: Studio, open_page: Open, sizes: tuple[tuple[int, int], ...]
) -> None:
    page = open_page(studio.url, *sizes[0])
    assert sideways(page) <= 0
    compare(page)
    for width, height in sizes:
        page.set_viewport_size({"width": width, "height": height})
        for label in ("What differs", "In the text", "Receipt", "Answers"):
            tab(page, label)
            assert sideways(page) <= 0, (width, label)


def sideways(page: Any) -> int:
    """Pixels that the page is wider than its window."""
    return page.evaluate("document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth")


def test_on_a_desktop_the_columns_scroll_and_the_window_does_not(studio: Studio, open_page: Open) -> None:
    page = open_page(studio.url, 1280, 800)
    compare(page)
    over = "document.scrollingElement.scrollHeight - document.scrollingElement.clientHeight"
    assert page.evaluate(over) <= 0


def test_the_keyboard_reaches_everything_and_focus_is_seen(studio: Studio, open_page: Open) -> None:
    page = open_page(studio.url)
    page.locator("#tt-source textarea").focus()
    seen: set[str] = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        found = page.evaluate(
            """() => {
              const e = document.activeElement, s = getComputedStyle(e), id = e.closest("[id]")?.id ?? "";
              const box = e.type === "radio" || e.type === "file" ? getComputedStyle(e.nextElementSibling ?? e) : s;
              const ring = [s, box].some((c) => c.outlineStyle !== "none" && parseFloat(c.outlineWidth) > 0
                || c.boxShadow !== "none" || c.borderColor !== "rgb(0, 0, 0)");
              return [e.id || id, ring, e.tagName];
            }"""
        )
        assert found[1], f"no focus ring on {found}"
        seen.add(found[0])
    assert {"tt-run", "tt-fold", "tt-theme"} <= seen, seen


def test_the_theme_is_switched_and_remembered(studio: Studio, open_page: Open) -> None:
    page = open_page(studio.url)
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator("#tt-theme").click()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert dark != light
    page.wait_for_function("tasteTest.ticks > 3")  # what the page asked for when it was opened has come
    page.reload()
    page.locator("#tt-run").wait_for()
    page.wait_for_function("document.body.classList.contains('dark')")


def test_the_status_bar_says_when_it_is_no_longer_true(own_studio: Studio, open_page: Open) -> None:
    page = open_page(own_studio.url, strict=False)  # a page without its server has every reason to complain
    own_studio.stop()
    page.locator("#tt-status.tt-stale").wait_for()
