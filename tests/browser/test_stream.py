"""No event of a page goes unanswered, also where the news that the server closed its stream of answers comes late."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.acts import type_text, wait_done
from tests.browser.conftest import Studio

pytestmark = pytest.mark.browser
Open = Callable[..., Any]
# A page that is busy hears late of what the server sent: here every part of the stream does, once `late` is set.
LATE = """
const fetchAtOnce = window.fetch;
window.fetch = async (input, init) => {
  const answer = await fetchAtOnce(input, init);
  const address = input instanceof Request ? input.url : String(input);
  if (!address.includes("/queue/data")) return answer;
  const wait = () => new Promise((go) => setTimeout(go, window.late ? 1500 : 0));
  const late = new TransformStream({ async transform(part, to) { await wait(); to.enqueue(part); } });
  return new Response(answer.body.pipeThrough(late), { headers: answer.headers });
};
"""


def test_a_click_after_the_stream_was_closed_and_before_the_page_heard_of_it_is_answered(
    studio: Studio, open_page: Open
) -> None:
    page = open_page(studio.url, first=LATE)
    page.wait_for_timeout(1000)  # what a page asks for at first is answered by then
    page.evaluate("window.late = true")
    type_text(page)  # asks what the model will see: answered and closed within milliseconds
    page.wait_for_timeout(1000)
    with page.expect_response("**/queue/join*"):
        page.locator("#tt-run").click()
    page.evaluate("window.late = false")
    wait_done(page)
