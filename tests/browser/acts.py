"""What a person does at the window, for the browser tests. `page` is a Playwright page throughout."""

import re
from typing import Any

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
    page.get_by_role("tab", name=label, exact=True).click()


def fold_out(page: Any, label: str) -> None:
    """Open a folded part of the sidebar."""
    button = page.locator("#tt-sidebar button", has_text=re.compile(f"^{label}"))
    if button.get_attribute("aria-expanded") != "true":
        button.click()


def message(page: Any) -> str:
    """The words of the error that pops up."""
    toast = page.locator(".toast-body").first
    toast.wait_for()
    return toast.inner_text()
