"""What a dataset's page says: true sentences with their denominators, inert text, charts that hold the counts."""

from typing import Any, NamedTuple

import pytest

from studio.views import dataset_plots as plots
from studio.views import dataset_rows as rows
from studio.views import datasets as views
from tests.studio.dataset_samples import NASTY

GATES = {"n_in": 45, "n_kept": 38, "refused": {"trivial": 6, "duplicate": 1}, "n_masked": 2, "bad_records": 5}
JOB: dict[str, Any] = {
    "id": "ab12", "name": "soups", "task": "recipe-jsonld", "state": "running", "stage": "gates", "done": 1200,
    "total": 4000, "counts": {}, "version": "", "error": "", "fix": "",
}  # fmt: skip


class Token(NamedTuple):
    id: int
    text: str
    learned: bool


class Page(NamedTuple):
    rows: list[Any]
    total: int = 1
    number: int = 1
    pages: int = 1


def row(source: str = "Soup. Boil it.", gold: Any = None) -> dict[str, Any]:
    gold = gold if gold is not None else {"name": "Soup"}
    keys = {"group": "g1", "origin": "grammar", "place": "number 3", "licence": "CC0-1.0", "style": "clean"}
    return {"id": "0123456789abcdef", "source": source, "gold": gold, "slice": "plain", "date": None, **keys}


def test_the_funnel_is_read_in_one_sentence_with_its_denominator() -> None:
    words = views.funnel_words(GATES)
    assert words.startswith("38 of 45 rows were kept (84.4%)")
    assert "says too little (6)" in words and "5 records could not be read, or wait for a person" in words
    kinds = {"unreadable": 1, "garbage": 2, "style": 3, "review": 4}
    words = views.funnel_words({"n_in": 9, "n_kept": 9, "bad_records": 10, "bad_kinds": kinds})
    assert words.endswith(
        "Besides: 1 record that could not be read or used, 5 answers of the teacher that no row could be made of "
        "(style 3, garbage 2), 4 rows for a person to look at."
    )
    assert views.funnel_words({}) == "This version holds no counts of its gates."


def test_the_funnel_chart_holds_every_count_in_order() -> None:
    figure = plots.funnel_plot(GATES)
    whole, gone = figure.data
    assert dict(zip(whole.y, whole.x, strict=True)) == {"rows in": 45, "kept": 38}
    assert dict(zip(gone.y, gone.x, strict=True)) == {"says too little": 6, "repeats another row": 1}
    assert sum(gone.x) + 38 == 45
    assert list(figure.layout.yaxis.categoryarray)[-1] == "rows in"
    assert plots.funnel_plot({}) is None


def test_a_length_chart_says_how_many_are_over_the_budget_and_on_how_many_it_was_counted() -> None:
    words = views.tokens_words([10, 20, 30, 900], 100, 4000, "answers")
    assert (
        words
        == "Answers: median 25 tokens, longest 900; 1 of 4 are over the budget of 100 (counted on 4 of 4,000 rows)."
    )
    assert "(n = 4 rows)" in views.tokens_words([1, 1, 1, 1], None, 4, "prompts")
    assert "budget of 4, the task's (n = 1 row" in views.tokens_words([5], 4, 1, "prompts", "the task's")
    assert views.tokens_words([], 100, 0, "prompts") == "No prompts was counted."
    figure = plots.tokens_plot([10, 20, 30, 900], 1000)
    assert list(figure.data[0].x) == [10, 20, 30, 900] and figure.layout.shapes[0].x0 == 1000
    assert plots.tokens_plot([], 1) is None


def test_a_budget_far_away_does_not_squeeze_the_chart() -> None:
    assert not plots.tokens_plot([10, 20], 4096).layout.shapes


def test_the_leak_sentence_says_none_some_or_nothing_to_leak() -> None:
    clean = {"clean": True, "n_test": 20, "n_train": 300}
    assert views.leak_words(clean) == "No leak was found: none of 20 held-out rows repeats one of 300 training rows."
    leak = {"clean": False, "n_test": 20, "n_train": 300, "exact": [1], "groups": [1, 2]}
    assert "same words: 1, same group: 2" in views.leak_words(leak)
    assert "nothing to leak" in views.leak_words({})
    assert "tt-note-bad" in views.leak_report({**leak, "lines": ["x"]}, ()) and "tt-note-bad" not in views.leak_report(
        clean, ()
    )


def test_the_nearest_chart_counts_every_held_out_row() -> None:
    leaks = {"nearest": [{"similarity": 0.1}, {"similarity": 1.0}, {"similarity": 0.0}], "threshold": 0.8}
    figure = plots.nearest_plot(leaks)
    assert list(figure.data[0].x) == [0.1, 1.0, 0.0] and figure.layout.shapes[0].x0 == 0.8
    assert figure.data[0].xbins.end > 1  # a similarity of 1 is in the last bar
    assert plots.nearest_plot({}) is None


def test_shares_add_up_and_the_rest_is_told() -> None:
    counts = {f"slice {n}": 1 for n in range(20)}
    shown = views.bars("slice", counts, 20)
    assert shown.count("<tr>") == views.MOST_BARS + 1 and "all others" in shown and "n = 20 rows" in shown
    assert views.bars("cuisine", {"not said": 20}, 20) == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "checking rows, step 2 of 5"),
        ({}, "1,200 of 4,000 rows"),
        ({"state": "queued", "stage": "", "done": 0, "total": None}, "soups: starting"),
        ({"stage": "rows", "total": None}, "1,200 rows so far"),
        ({"state": "finished", "version": "soups-1"}, "<strong>soups-1</strong>"),
        ({"state": "cancelled"}, "build again to go on"),
        ({"state": "failed", "error": "No row was made.", "fix": "Correct the source."}, "No row was made."),
        ({"state": "lost", "error": "The process is gone.", "fix": "Build again."}, "Build again."),
    ],
)
def test_a_build_says_how_it_stands(changes: dict[str, Any], words: str) -> None:
    shown = views.job_html({**JOB, **changes})
    assert words in shown
    ended_badly = (JOB | changes)["state"] in ("cancelled", "failed", "lost")
    assert ("is kept until you dismiss it" in shown) == ended_badly
    assert ("tt-spin" in shown) == (JOB | changes)["state"].startswith(("queued", "running"))


def test_no_build_shows_nothing() -> None:
    assert views.job_html(None) == ""


def test_a_refused_row_tells_every_reason_with_its_evidence() -> None:
    refusals = [
        {"gate": "trivial", "reason": "Its text has 2 words.", "evidence": "two words"},
        {"gate": "my_own", "reason": "I do not like it.", "evidence": ""},
    ]
    shown = rows.refused_html(Page([{"row": row(), "refusals": refusals}]))
    assert "says too little" in shown and "two words" in shown and "my own" in shown and "I do not like it." in shown


def test_a_record_that_could_not_be_read_is_listed_with_its_place() -> None:
    bad = {"origin": "soup.csv", "place": "line 3", "reason": "it has 9 columns", "text": "a,b"}
    shown = rows.refused_html(Page([{"bad": bad}]))
    assert "soup.csv, line 3" in shown and "it has 9 columns" in shown


def test_tokens_tell_what_is_trained_on_and_their_ids() -> None:
    shown = rows.tokens_html([Token(5, "Read", False), Token(6, "\n", False), Token(7, "{}", True)], "crumb")
    assert "3 tokens as crumb reads them" in shown and "prompt 2, no loss" in shown and "answer 1, trained on" in shown
    assert 'title="7">&#123;&#125;' in shown and "5 6 7" in shown and "⏎" in shown
    assert shown.count('tt-learned"') == 2  # the legend and the one token


def test_whatever_a_row_holds_stays_text() -> None:
    nasty = row(NASTY, {"name": NASTY})
    refusal = [{"gate": "trivial", "reason": NASTY, "evidence": NASTY}]
    job = {**JOB, "state": "failed", "error": NASTY, "name": NASTY}
    shown = "".join(
        [
            rows.rows_html(Page([nasty]), NASTY),
            rows.refused_html(Page([{"row": nasty, "refusals": refusal}])),
            rows.tokens_html([Token(1, NASTY, True)], NASTY),
            rows.sample_html([nasty], [{"origin": NASTY, "place": NASTY, "reason": NASTY}]),
            rows.sample_html([], [], NASTY, [dict.fromkeys(("text", "origin", "place", "style", "slice"), NASTY)]),
            views.side_by_side(NASTY, (NASTY, nasty), (NASTY, None)),
            views.bars("slice", {NASTY: 1}, 1),
            views.job_html(job),
        ]
    )
    for part in ("<img", "${", "{{"):
        assert part not in shown


def test_a_preview_with_a_teacher_shows_what_it_is_given_and_says_so() -> None:
    asked = {"text": "An item.\nMore.", "origin": "a.csv", "place": "line 2", "style": "clean", "slice": "no_steps"}
    shown = rows.sample_html([], [], "large", [asked])
    assert "a.csv, line 2, clean, no_steps" in shown
    assert "The first 1 record that large will be given" in shown and "is not there yet" in shown
    assert "An item. More." in shown and "a.csv, line 2" in shown and "as they would be made" not in shown


def test_a_row_is_called_by_its_answer_or_its_first_words() -> None:
    assert rows.row_title(row()) == "Soup"
    assert rows.row_title(row("First words\nof it", "text answer")) == "First words of it"
    assert rows.row_title(row("Not a recipe", {})) == "Not a recipe"


def test_empty_lists_say_what_to_do() -> None:
    assert "Take other words" in rows.rows_html(Page([]), "train")
    assert "Nothing was refused" in rows.refused_html(Page([]))
    assert "No row was refused" in views.duplicates([], 0)


def test_a_comparison_counts_each_kind_of_change() -> None:
    diff = {"same": 5, "added": [1], "removed": [1, 2], "changed": [], "moved": [], "spec": {"seed": (7, 8)}}
    shown = views.comparison(diff, "a", "b")
    assert "5 rows stay as they are, 1 were added, 2 removed, 0 changed and 0 moved" in shown
    assert "<td>7</td><td>8</td>" in shown
