"""Nothing faked: `python app.py` from the checkout, the embedded model, an example clicked, both columns judged."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.acts import names, wait_done
from tests.browser.conftest import Studio

pytestmark = pytest.mark.browser


@pytest.fixture
def real_studio(tmp_path: Path) -> Iterator[Studio]:
    running = Studio(tmp_path / "home", script="app.py", env={"HF_HUB_OFFLINE": "1"})
    running.start()
    yield running
    running.stop()


def test_a_clicked_example_goes_through_both_models(real_studio: Studio, open_page: Callable[..., Any]) -> None:
    page = open_page(real_studio.url)
    page.locator("#tt-examples button").first.click()
    page.wait_for_function("document.querySelector('#tt-source textarea').value.length > 100")
    page.locator("#tt-run").click()
    wait_done(page)
    assert names(page) == ["base", "crumb-recipe-jsonld"]
    base, tuned = page.locator("#tt-columns .tt-col").all_inner_texts()
    assert "proven: adapter off" in base and "proven: adapter on" in tuned
    assert "strict JSON" in tuned and "schema valid" in tuned
    assert "strict JSON" not in base
