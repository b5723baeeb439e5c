"""Context, receipt, status, votes, sweep, history, header: small views, each with what it has to say."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from studio.views.blind import reveal, tally_line
from studio.views.context import context_html, context_summary
from studio.views.history import ago, history_list
from studio.views.looks import arm_looks
from studio.views.receipt import receipt_html, receipt_words
from studio.views.status import memory_words, status_bar
from studio.views.sweep import sweep_heading, sweep_label, sweep_words
from studio.views.verdict import verdict_line
from tests.studio.views import samples
from tests.studio.views.pages import Page
from training.task.records import LeftOut, Receipt

BASE, TUNED = arm_looks([samples.BASE_ARM, samples.TUNED_ARM])
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def test_context_says_how_much_was_shown_and_why_the_rest_was_not() -> None:
    page = Page(context_html(samples.CONTEXT))
    assert "412 of 1,903 tokens" in page.text
    assert "room for 700" in page.text
    assert "advert" in page.text
    assert "1 passage, 1,461 tokens" in page.text
    assert "2 cups plain flour" in page.text


def test_left_out_passages_of_one_reason_are_counted_together() -> None:
    twice = replace(samples.CONTEXT, left_out=(LeftOut("a", "share_bar", 2), LeftOut("b", "share_bar", 3)))
    page = Page(context_html(twice))
    assert "share bar2 passages, 5 tokens" in page.text


def test_context_that_is_off_or_left_nothing_out_says_so() -> None:
    off = replace(samples.CONTEXT, enabled=False, left_out=())
    assert context_summary(off) == "all 1,903 tokens (context step is off)"
    assert "is off" in Page(context_html(off)).text
    assert "Nothing was left out." in Page(context_html(replace(samples.CONTEXT, left_out=()))).text


def test_more_than_fits_is_flagged() -> None:
    page = Page(context_html(replace(samples.CONTEXT, shown_tokens=701)))
    assert "too long for the model" in page.text


def test_receipt_tells_equal_from_different_and_shortens_hashes() -> None:
    page = Page(receipt_html(samples.RECEIPT, [BASE, TUNED]))
    assert "Equal in 9 settings, differs in adapter, prompt." in page.text
    full = samples.RECEIPT.equal["base_sha256"]
    assert [attrs for attrs in page.with_class("tt-hash") if attrs["title"] == full]
    assert full in page.text  # whole in the JSON to copy


def test_a_receipt_without_differences_says_none() -> None:
    assert receipt_words(Receipt({"seed": 7}, {})) == "equal in 1 setting, differs in none"


def test_status_is_one_true_line() -> None:
    state = {
        "device": "cpu", "dtype": "float32", "cores": 2, "memory_used_bytes": 3.1e9, "memory_total_bytes": 24e9,
        "base": "crumb", "adapters": ["a", "b"], "state": "generating", "waiting": 2,
    }  # fmt: skip
    page = Page(status_bar(state, doing="token 31 of 512, 4 s"))
    for words in (
        "CPU 2 cores",
        "3.1 of 24 GB",
        "crumb loaded, 2 adapters",
        "1 running: token 31 of 512, 4 s, 2 waiting",
    ):
        assert words in page.text
    idle = Page(status_bar(state | {"state": "idle", "base": None, "adapters": [], "waiting": 0}))
    assert "no model loaded yet" in idle.text
    assert "ready" in idle.text
    fresh = Page(status_bar(state | {"state": "idle", "device": "not chosen yet", "base": None, "adapters": []}))
    assert "Device not chosen yet, 2 cores" in fresh.text
    assert memory_words(None, None) == "memory unknown"


def test_reveal_names_both_and_the_winner() -> None:
    page = Page(reveal([TUNED, BASE], "base"))
    assert "You preferred ●base." in page.text
    assert "A was ◆crumb-recipe-jsonldB was ●base" in page.text
    assert "You saw no difference." in Page(reveal([TUNED, BASE], "tie")).text


@pytest.mark.parametrize(
    ("rate", "low", "high", "words"),
    [
        (0.75, 0.41, 0.93, "too few votes to tell them apart"),
        (0.9, 0.7, 0.97, "better than even for base"),
        (0.1, 0.03, 0.3, "better than even for crumb-recipe-jsonld"),
    ],
)
def test_tally_gives_rate_interval_and_n(rate: float, low: float, high: float, words: str) -> None:
    tally = {"left_wins": 6, "right_wins": 2, "ties": 1}
    page = Page(tally_line(tally, BASE, TUNED, rate=rate, low=low, high=high))
    assert words in page.text
    assert f"{low:.0%} to {high:.0%}" in page.text
    assert "6 to 2, 1 tie, n 9" in page.text
    assert "of 8 decided votes" in page.text


def test_tally_of_ties_alone_claims_nothing() -> None:
    tally = {"left_wins": 0, "right_wins": 0, "ties": 2}
    assert "no vote has decided yet" in Page(tally_line(tally, BASE, TUNED, rate=None, low=0, high=1)).text


def test_sweep_columns_are_named_by_temperature() -> None:
    assert [sweep_label(t) for t in (0.3, 0.7, 1, 1.5)] == ["T 0.3", "T 0.7", "T 1", "T 1.5"]
    assert sweep_words(0) == "greedy: always the likeliest token"
    assert "0.3, 1" in Page(sweep_heading("r64", (0.3, 1.0), 7)).text


def test_history_links_reopen_and_the_open_one_is_marked() -> None:
    rows = [
        {"id": "a/b&c", "created": "2026-11-20T11:55:00+00:00", "title": "Lemon loaf", "arms": ["base", "r64"]},
        {"id": "d", "created": "2026-11-02T11:55:00Z", "title": "Soup", "arms": ["base"]},
    ]
    page = Page(history_list(rows, NOW, current="d"))
    links = [attrs for tag, attrs in page.elements if tag == "a"]
    assert [link["href"] for link in links] == ["?comparison=a%2Fb%26c", "?comparison=d"]
    assert [link.get("aria-current") for link in links] == [None, "page"]
    assert "5 min ago · 2 columns" in page.text
    assert "2 Nov 2026 · 1 column" in page.text


def test_history_that_is_empty_or_not_kept_says_which() -> None:
    assert "No comparisons yet" in history_list([], NOW)
    assert "Nothing is kept here" in history_list([], NOW, kept=False)


def test_times_are_told_as_people_tell_them() -> None:
    cases = {"2026-11-20T11:59:30Z": "just now", "2026-11-20T09:00:00": "3 h ago", "2026-11-19T11:00:00Z": "yesterday"}
    assert {given: ago(given, NOW) for given in cases} == cases
    assert ago("not a time", NOW) == "not a time"


def test_the_line_over_all_columns_names_each_arm_and_its_verdict() -> None:
    page = Page(verdict_line([samples.FAILED, samples.GOOD], [BASE, TUNED]))
    assert "basenot JSON, repaired" in page.text
    assert "strict JSON, 17 of 18 items in the text" in page.text
