"""The main job in a real browser: paste, run, watch both columns grow, cancel, vote."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.acts import compare, fold_out, message, names, tab, type_text, wait_done
from tests.browser.conftest import Studio
from tests.fakes import ADAPTER, POST, PROSE, RECIPE

pytestmark = pytest.mark.browser
Open = Callable[..., Any]


def write_slowly(studio: Studio, token_s: float) -> None:
    """Start it again with a model that takes that many seconds a token: a busy machine sees it write all the same."""
    studio.stop()
    studio.env = {"TASTE_TEST_TOKEN_S": str(token_s)}
    studio.start()


def test_both_columns_are_seen_growing_at_the_same_time(own_studio: Studio, open_page: Open) -> None:
    write_slowly(own_studio, 0.08)
    page = open_page(own_studio.url)
    type_text(page)
    watch_columns(page)
    page.locator("#tt-run").click()
    wait_done(page)
    seen: list[list[str]] = page.evaluate("window.seen")
    for column, whole in enumerate((PROSE, RECIPE)):
        texts = [texts[column].strip() for texts in seen if texts[column]]
        assert len({len(text) for text in texts}) >= 2, seen
        assert all(whole.startswith(text) for text in texts), seen
    assert any(0 < len(base) < len(PROSE) and 0 < len(tuned) < len(RECIPE) for base, tuned in seen), seen


def watch_columns(page: Any) -> None:
    """From now on `window.seen` collects what the two running columns show, whenever one changes."""
    page.evaluate(
        """() => {
          window.seen = [];
          const shown = (column) => column.matches(".tt-is-running") && column.querySelector("pre")?.innerText || "";
          const look = () => {
            const texts = [...document.querySelectorAll("#tt-columns .tt-col")].slice(0, 2).map(shown);
            if (texts.join() !== (window.seen.at(-1) ?? []).join()) window.seen.push(texts);
          };
          new MutationObserver(look).observe(document.getElementById("tt-columns"),
            { subtree: true, childList: true, characterData: true });
        }"""
    )


def test_a_result_says_which_is_which_and_how_far_each_can_be_trusted(studio: Studio, open_page: Open) -> None:
    page = open_page(studio.url)
    compare(page)
    assert names(page) == ["base", ADAPTER]
    assert "not JSON" in page.locator("#tt-verdict").inner_text()
    assert "strict JSON, 6 of 7 items in the text" in page.locator("#tt-verdict").inner_text()
    tab(page, "What differs")
    assert "Lentil Soup" in page.locator(".tt-diff").inner_text()
    tab(page, "In the text")
    assert "1 pinch saffron" in page.locator(".tt-marks").inner_text()
    tab(page, "What the model saw")
    assert "Simmer everything" in page.locator(".tt-context:visible").last.inner_text()
    tab(page, "Receipt")
    assert "seed" in page.locator(".tt-receipt").inner_text()


def test_ctrl_enter_runs_and_escape_cancels_keeping_what_was_written(own_studio: Studio, open_page: Open) -> None:
    write_slowly(own_studio, 0.3)
    page = open_page(own_studio.url)
    type_text(page)
    page.keyboard.press("Control+Enter")
    page.wait_for_function("[...document.querySelectorAll('#tt-columns pre')].some((pre) => pre.innerText.length > 3)")
    page.keyboard.press("Escape")
    wait_done(page)
    assert "cancelled" in page.locator("#tt-columns").inner_text().lower()
    tab(page, "Answers")
    page.locator("label[for=tt-pane-raw]").click()
    texts = page.locator(".tt-pane-raw:visible").all_inner_texts()
    assert RECIPE.startswith(texts[1].strip()[:5]) and len(texts[1]) < len(RECIPE)
    assert page.locator("#tt-source textarea").input_value() == POST


def test_leaving_the_page_stops_its_run(own_studio: Studio, open_page: Open) -> None:
    write_slowly(own_studio, 0.3)
    page = open_page(own_studio.url)
    type_text(page)
    page.locator("#tt-run").click()
    page.wait_for_function("document.querySelectorAll('#tt-columns pre').length == 2")
    page.close()
    other = open_page(own_studio.url)
    other.locator("#tt-status", has_text="ready").wait_for()


def test_a_blind_vote_hides_names_until_it_is_cast(studio: Studio, open_page: Open) -> None:
    page = open_page(studio.url)
    page.get_by_label("Blind").check()
    compare(page)
    assert names(page) == ["A", "B"]
    main = page.locator("#tt-tab-compare #tt-columns, #tt-tab-compare #tt-verdict").all_inner_texts()
    assert ADAPTER not in " ".join(main)
    hidden = page.evaluate(
        "[...document.querySelectorAll('#tt-columns, #tt-verdict, .tt-view')].map((e) => e.innerHTML)"
    )
    assert ADAPTER not in " ".join(hidden)
    tuned_left = "Lentil Soup" in page.locator("#tt-columns .tt-col").first.inner_text()
    page.locator("#tt-vote-left" if tuned_left else "#tt-vote-right").click()
    page.locator(".tt-reveal").wait_for()
    assert sorted(names(page)) == sorted(["base", ADAPTER])
    assert (names(page)[0] == ADAPTER) == tuned_left
    told = page.locator("#tt-verdict").inner_text()
    assert f"You preferred ◆{ADAPTER}." in " ".join(told.split()) and "95 % interval" in told
    assert page.locator("#tt-votes").is_hidden()


def test_a_sweep_puts_one_model_at_four_temperatures_side_by_side(studio: Studio, open_page: Open) -> None:
    page = open_page(studio.url)
    fold_out(page, "Temperature sweep")
    page.get_by_label("One model at several temperatures").check()
    compare(page, columns=4)
    assert names(page) == ["T 0.3", "T 0.7", "T 1", "T 1.5"]
    assert f"{ADAPTER} at temperatures 0.3, 0.7, 1, 1.5" in page.locator("#tt-verdict").inner_text()


@pytest.mark.parametrize(
    ("prepare", "expected"),
    [
        (lambda page: type_text(page, ""), "The text is empty"),
        (lambda page: type_text(page, " \n "), "The text is empty"),
        (lambda page: page.get_by_label("base", exact=True).uncheck(), ""),
        (lambda page: page.locator("#tt-seed input").fill(""), "Seed is empty"),
    ],
    ids=["empty", "blank", "one column is fine", "no seed"],
)
def test_bad_input_is_told_and_loses_nothing(
    studio: Studio, open_page: Open, prepare: Callable[[Any], None], expected: str
) -> None:
    page = open_page(studio.url)
    fold_out(page, "Sampling")
    type_text(page)
    prepare(page)
    before = page.locator("#tt-source textarea").input_value()
    page.locator("#tt-run").click()
    if expected:
        assert expected in message(page)
        assert not page.locator("#tt-input.tt-folded").count()
    else:
        wait_done(page, 1)
    assert page.locator("#tt-source textarea").input_value() == before
    assert page.locator("#tt-run").is_enabled()


def test_an_example_fills_the_box_and_shows_what_the_model_will_see(studio: Studio, open_page: Open) -> None:
    page = open_page(studio.url)
    page.locator("#tt-status", has_text="loaded").wait_for()
    page.locator("#tt-examples button").first.click()
    page.wait_for_function("document.querySelector('#tt-source textarea').value.length > 100")
    page.locator("#tt-context", has_text="tokens").wait_for()
    page.locator("#tt-run").click()
    wait_done(page)


def test_a_file_comes_in_by_button_and_by_drop(studio: Studio, open_page: Open, tmp_path: Path) -> None:
    page = open_page(studio.url)
    file = tmp_path / "plum cake.md"
    file.write_text("# Plum cake\n\nTake 12 plums.", encoding="utf-8")
    page.locator("#tt-more input[type=file]").set_input_files(str(file))
    page.wait_for_function("document.querySelector('#tt-source textarea').value.includes('12 plums')")
    page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File(["# Bean stew\\n\\n3 cups beans"], "beans.txt", { type: "text/plain" }));
          const target = document.querySelector("#tt-source textarea");
          for (const name of ["dragover", "drop"])
            target.dispatchEvent(new DragEvent(name, { dataTransfer: data, bubbles: true, cancelable: true }));
        }"""
    )
    page.wait_for_function("document.querySelector('#tt-source textarea').value.includes('3 cups beans')")


def test_a_binary_file_is_refused_and_the_text_stays(studio: Studio, open_page: Open, tmp_path: Path) -> None:
    page = open_page(studio.url)
    type_text(page)
    file = tmp_path / "picture.txt"
    file.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    page.locator("#tt-more input[type=file]").set_input_files(str(file))
    assert message(page)
    assert page.locator("#tt-source textarea").input_value() == POST


HOSTILE = """<script>window.hit = 1</script><img src=x onerror="window.hit = 2"> ${window.hit = 3} {{constructor}}
[link](javascript:window.hit=4) </textarea><svg onload=window.hit=5> \x1b[31mred 2 cups lentils
"""


def test_hostile_text_is_shown_and_never_acts(studio: Studio, open_page: Open) -> None:
    page = open_page(studio.url)
    compare(page, HOSTILE)
    for label in ("What differs", "In the text", "What the model saw", "Receipt", "Answers"):
        tab(page, label)
        page.wait_for_timeout(100)
    page.reload()
    wait_done(page)
    assert page.evaluate("window.hit") is None
    assert page.locator("#tt-source textarea").input_value().startswith("<script>")
