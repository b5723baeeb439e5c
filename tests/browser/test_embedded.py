"""Nothing faked: `python app.py` from the checkout, the embedded model, an example clicked, both columns judged."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.acts import fold_out, names, wait_done
from tests.browser.conftest import Studio

pytestmark = pytest.mark.browser


@pytest.fixture
def real_studio(tmp_path: Path) -> Iterator[Studio]:
    running = Studio(tmp_path / "home", script="app.py", env={"HF_HUB_OFFLINE": "1"})
    running.start()
    yield running
    running.stop()


def found_of(column: str) -> float:
    """The share of a column's items that stand in the text."""
    found, of = re.search(r"(\d+) of (\d+) items in the text", column).groups()  # type: ignore[union-attr]
    return int(found) / int(of)


def test_a_clicked_example_goes_through_both_models(real_studio: Studio, open_page: Callable[..., Any]) -> None:
    page = open_page(real_studio.url)
    page.locator("#tt-examples button").first.click()
    page.wait_for_function("document.querySelector('#tt-source textarea').value.length > 100")
    page.locator("#tt-run").click()
    wait_done(page)
    assert names(page) == ["base", "crumb-recipe-jsonld"]
    base, tuned = page.locator("#tt-columns .tt-col").all_inner_texts()
    assert "proven: adapter off" in base and "proven: adapter on" in tuned
    assert "held to the schema" in base and "held to the schema" in tuned
    assert "strict JSON" in tuned and "schema valid" in tuned
    assert found_of(tuned) > found_of(base)
    fold_out(page, "Sampling")
    page.get_by_label("Hold answers to the schema").uncheck()
    page.locator("#tt-run").click()
    page.wait_for_function("!document.querySelector('#tt-columns').innerText.includes('held to the schema')")
    wait_done(page)
    base, tuned = page.locator("#tt-columns .tt-col").all_inner_texts()
    assert "strict JSON" in tuned and "strict JSON" not in base
