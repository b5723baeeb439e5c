"""What a person does at the window, for the browser tests. `page` is a Playwright page throughout."""

import re
from typing import Any

from playwright.sync_api import TimeoutError as TooLong

from tests.fakes import POST

DONE = "document.querySelectorAll('#tt-columns .tt-is-done').length == {n}"


def type_text(page: Any, text: str = POST) -> None:
    page.locator("#tt-source textarea").fill(text)


def wait_done(page: Any, columns: int = 2) -> None:
    """Until every column is final, the verdict stands over them and the page can compare again."""
    page.wait_for_function(DONE.format(n=columns))
    page.wait_for_function("document.querySelector('#tt-verdict').innerText.trim() !== ''")
    page.locator("#tt-run:not([disabled])").wait_for()


def compare(page: Any, text: str = POST, columns: int = 2) -> None:
    type_text(page, text)
    page.locator("#tt-run").click()
    wait_done(page, columns)


def names(page: Any) -> list[str]:
    return page.locator("#tt-columns .tt-col-name").all_inner_texts()


def tab(page: Any, label: str) -> None:
    """Open a tab, in a narrow window also one that found no room and stands behind the dots.

    Gradio lays tabs out anew for some time after a window or a tab's content changed its size, and what was in the row
    is then behind the dots or the other way round: what is gone by the time of a click is looked for again.
    """
    in_row = page.get_by_role("tab", name=label, exact=True)
    behind = page.locator(".overflow-menu", has=page.get_by_text(label, exact=True))
    for patience_ms in (2000, 5000, 20_000, 120_000):
        try:
            if in_row.is_visible():
                in_row.click(timeout=patience_ms)
            elif behind.is_visible():
                listed = behind.locator(".overflow-dropdown").get_by_text(label, exact=True)
                if not listed.is_visible():
                    behind.locator("> button").click(timeout=patience_ms)
                listed.click(timeout=patience_ms)
            else:
                in_row.or_(behind).first.wait_for(timeout=patience_ms)
                continue
            settle(page)
            return
        except TooLong:
            continue
    raise AssertionError(f"there is no tab {label}")


def fold_out(page: Any, label: str) -> None:
    """Open a folded part of the sidebar."""
    button = page.locator("#tt-sidebar button", has_text=re.compile(f"^{label}"))
    if button.get_attribute("aria-expanded") != "true":
        button.click()
        settle(page)


def unfold(page: Any, part: str) -> None:
    """Open or close a folded part of a tab. `part`: its selector."""
    page.locator(f"{part} button").first.click()
    settle(page)


def settle(page: Any) -> None:
    """Until what was just opened takes words.

    A frame after a fold or a tab has been opened for the first time, Gradio writes what its fields begin with, over
    anything that a script quicker than a person has filled in by then.
    """
    page.evaluate(
        """() => new Promise((done) => {
          let frames = 3;
          const next = () => (frames-- ? requestAnimationFrame(next) : done());
          next();
        })"""
    )


def answering(page: Any, *yes: bool) -> None:
    """Answer the page's next questions in their order, however late each is asked. Once a page."""
    left = list(yes)
    page.on("dialog", lambda dialog: dialog.accept() if left.pop(0) else dialog.dismiss())


def message(page: Any) -> str:
    """The words of the error that pops up."""
    toast = page.locator(".toast-body").first
    toast.wait_for()
    return toast.inner_text()
