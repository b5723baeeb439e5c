"""Views of an evaluation: what other people wrote stays text, numbers carry unit, interval and n."""

from typing import Any

import pytest

from studio.views import eval_charts, eval_docs, eval_head, eval_judge, eval_reports, eval_tables, eval_words
from studio.views.looks import ArmLook
from tests.studio.eval_samples import NASTY
from tests.studio.queries.metric_samples import F1, STRICT, Shown, figure, paired

A, B = ArmLook("base", "base"), ArmLook(f"mine {NASTY}", "tuned")
LOOKS = {"base": A, "mine": B}


def inert(html: str) -> bool:
    """Nothing of the nasty text acts: no element, no template, no placeholder."""
    return "<img" not in html and "${" not in html and "{{" not in html


def test_figures_carry_unit_interval_and_n() -> None:
    assert eval_words.value_words(STRICT, 0.862) == "86.2 %"
    assert eval_words.bounds_words(STRICT, 0.8, 0.9) == "[80.0, 90.0]"
    assert eval_words.value_words(F1, 0.8431) == "0.843" and eval_words.change_words(F1, -0.03) == "\u22120.030"
    assert eval_words.change_words(STRICT, 0.14) == "+14.0 points"
    assert eval_words.n_words(figure(0.5, n=288, total=300)) == "n 288 of 300"
    assert eval_words.n_words(figure(0.5, n=300, total=300)) == "n 300"
    assert eval_words.value_words(F1, None) == "–"


@pytest.mark.parametrize(("p", "words"), [(None, ""), (0.0001, "p < 0.001"), (0.0321, "p = 0.032"), (0.4, "p = 0.40")])
def test_a_p_value_is_no_more_exact_than_it_can_be(p: float | None, words: str) -> None:
    assert eval_words.p_words(p) == words


def test_the_scorecard_says_what_is_better_and_what_was_never_measured() -> None:
    line = Shown(F1, {"base": figure(0.2), "mine": figure(None)}, paired(0.4, 0.3, 0.5), primary=True)
    html = eval_tables.scorecard([line], LOOKS, ("base", "mine"))
    assert "+0.400" in html and "[0.300, 0.500]" in html and "does not apply" in html and "tt-eval-primary" in html
    assert "better" in html and inert(html)
    worse = Shown(F1, {"base": figure(0.5), "mine": figure(0.2)}, paired(-0.3, -0.4, -0.2))
    assert "tt-eval-bad" in eval_tables.scorecard([worse], LOOKS, ("base", "mine"))
    unsure = Shown(F1, {"base": figure(0.5), "mine": figure(0.52)}, paired(0.02, -0.1, 0.1, detectable=0.08))
    shown = eval_tables.scorecard([unsure], LOOKS, ("base", "mine"))
    assert "could show 0.080" in shown and "tt-eval-bad" not in shown
    assert "Nothing of this kind" in eval_tables.scorecard([], LOOKS)


def test_nothing_is_called_better_that_its_test_does_not_show() -> None:
    """An interval that leaves out 0 is not enough where the corrected test does not hold: the charts say the same."""
    figures = {"base": figure(0.2), "mine": figure(0.6)}
    doubtful = Shown(F1, figures, paired(0.4, 0.1, 0.7, p_adjusted=0.19, detectable=0.3))
    shown = eval_tables.scorecard([doubtful], LOOKS, ("base", "mine"))
    assert "tt-sr" not in shown and "p = 0.19" in shown and "could show" not in shown
    assert "tt-sr" in eval_tables.scorecard([Shown(F1, figures, paired(0.4, 0.1, 0.7))], LOOKS, ("base", "mine"))


def test_an_arm_without_any_figure_has_no_column() -> None:
    looks = {**LOOKS, "empty": ArmLook(f"empty {NASTY}", "blind")}
    line = Shown(F1, {"base": figure(0.2), "mine": figure(0.4), "empty": figure(None)})
    html = eval_tables.scorecard([line], looks, ("base", "mine"))
    assert html.count('scope="col"') == 3 and "None of this applies to: empty" in html and inert(html)


def test_one_n_of_a_row_is_told_once() -> None:
    line = Shown(F1, {"base": figure(0.2), "mine": figure(0.4)})
    assert eval_tables.scorecard([line], LOOKS).count("n 20") == 1
    line = Shown(F1, {"base": figure(0.2, n=19), "mine": figure(0.4)})
    html = eval_tables.scorecard([line], LOOKS)
    assert "n 19 of 20" in html and "n 20" in html


@pytest.mark.parametrize(
    ("state", "words"),
    [("running", "Answering, base: 120 of 600 answers, about 4 min left"), ("queued", "It starts"),
     ("cancelled", "120 of 600 answers are kept"), ("failed", "Broken"), ("finished", "")],
)  # fmt: skip
def test_how_far_an_evaluation_is(state: str, words: str) -> None:
    status = {"state": state, "phase": "answering", "arm": "base", "done": 120, "total": 600, "eta_s": 260.0,
              "error": f"Broken {NASTY}" if state == "failed" else "", "fix": NASTY}  # fmt: skip
    html = eval_head.progress_html(status)
    assert words in html and inert(html) and (bool(html) or state == "finished")


@pytest.mark.parametrize("helped", ["yes", "no", "unsure", "hurt"])
def test_the_verdict_is_a_sentence_first(helped: str) -> None:
    found = {"helped": helped, "sentence": f"F1 rose {NASTY}", "facts": ["a fact"], "worse_on": ["long posts"]}
    html = eval_head.verdict_html(found)
    assert html.index("F1 rose") < html.index("long posts") < html.index("a fact") and inert(html)
    assert "mend" not in html and "mend" in eval_head.verdict_html(found, tier="repaired")


def doc(**changes: Any) -> dict[str, Any]:
    return {"doc": f"d {NASTY}", "a": 1.0, "b": 0.0, "slice": "no_steps", "style": "clean", "tier_a": "strict",
            "tier_b": "failed", "error_a": "", "error_b": "no_json", "title": NASTY, **changes}  # fmt: skip


def test_documents_and_their_buttons_are_inert() -> None:
    html = eval_docs.list_html([doc()], STRICT, (A, B), {"no_json": f"No JSON {NASTY}"}, 1)
    assert inert(html) and "no answer to read" in html and 'data-ask="doc"' in html and "no steps, clean" in html
    cells = eval_docs.cells_html({"a_only": 4, "both": 6}, "a_only", (A, B), "yes", 3)
    assert cells.count("data-ask") == 5 and 'aria-pressed="true"' in cells and "3 documents have no value" in cells
    assert "No document fits" in eval_docs.list_html([], STRICT, (A, B), {}, 0)


def test_a_judges_quotes_stand_in_the_text_or_are_said_not_to() -> None:
    said = '{"wrong": [{"got": "x", "should": "y", "source_quote": "two cups"}, {"source_quote": "never said"}]}'
    row = {"arm": "base", "field": "steps", "score": 6, "status": "ok", "mode": "pointwise", "evidence": said}
    faults = f'{{"faults": [{{"arm": "mine", "problem": "{NASTY}", "source_quote": "two cups"}}], "dropped": 2}}'
    pair = {**row, "mode": "pairwise", "other": "mine", "order": "ba", "score": 0.5, "evidence": faults}
    quotes = [{"field": "steps", "text": "two cups", "spans": [[5, 13]]}, {"text": "never said", "spans": []}]
    broken = {**row, "status": "unscored(timeout)", "score": None, "evidence": NASTY}
    html = eval_docs.judged_html([row, broken, pair], quotes)
    assert html.count("not in the text shown here") == 1 and "unscored(timeout)" in html and inert(html)
    assert "base against mine" in html and "a tie" in html and "2 complaints dropped" in html


def test_gates_say_what_is_missing() -> None:
    gate = {"name": "strict", "title": "Parses", "rule": "At least 99 %", "verdict": "insufficient data",
            "measured": 0.99, "bound": 0.94, "n": 60, "n_required": 189, "why": NASTY, "ids": [NASTY]}  # fmt: skip
    html = eval_reports.gates_html([gate, {**gate, "verdict": "fail"}], B)
    assert "not ready to ship" in html and "needs n 189" in html and "too little data" in html and inert(html)
    assert "not proven yet" in eval_reports.gates_html([gate], B)


def test_the_receipt_folds_what_is_long_and_runs_nothing() -> None:
    html = eval_reports.receipt_html({"seed": 7, "data": {"sha256": "a" * 64, NASTY: [NASTY]}, "empty": {}})
    assert inert(html) and "sha256" in html
    arms = {"base": {"adapter": None, "rows": 0}, NASTY: {"adapter": "mine", "rows": 3, "ttft_s": {"p50": NASTY}}}
    html = eval_reports.receipt_html({"arms": {**arms, "empty": {"prompted": False}}, "notices": []})
    assert html.count("<tr>") == 4 and ">adapter</th>" in html and "prompted" not in html and inert(html)
    assert "no manifest" in eval_reports.receipt_html({})


def test_an_empty_chart_says_why_and_a_drawn_one_can_be_taken_away() -> None:
    chart: dict[str, Any] = {"id": "forest", "title": "T", "insight": NASTY, "figure": None, "why_empty": "No pair.",
                             "also": ["forest plot"]}  # fmt: skip
    html = eval_charts.chart_head(chart)
    assert "No pair." in html and "data-image" not in html and "forest plot" in html
    html = eval_charts.chart_head({**chart, "figure": {}})
    assert html.count("data-image") == 2 and 'data-value="chart:forest"' in html and inert(html)


def test_without_a_judge_it_is_said_plainly() -> None:
    html = eval_judge.judge_html(None, LOOKS, "eval-1")
    assert "No judge was asked" in html and "python -m training judge" in html and "copied" not in html
    assert "copied among your own" in eval_judge.judge_html(None, LOOKS, "eval-1", ships=True)


ABOUT: dict[str, Any] = {
    "run": True, "why": "", "label": "uncalibrated judge", "calibrated": False, "judge": f"big {NASTY}",
    "base_url": "https://judges.example:8443/v1/secret-path", "stopped": "The cap of 9 calls is reached",
    "banners": [f"The judge is of the same family as what wrote the data {NASTY}."],
    "cost": {"calls": 1234, "cached": 5, "retries": 2, "input_tokens": 9000, "output_tokens": 800, "money": None,
             "dropped": 17, "flagged": 3, "score_first": 0, "extracted": 1, "repaired": 0,
             "unscored": {"unscored(grader_failed)": 4}},
}  # fmt: skip
CALIBRATED: dict[str, Any] = {
    "checks": [{"name": "gold", "rule": "A right answer scores at least 9.5", "verdict": "pass", "measured": 9.8,
                "n": 30, "least": 20, "why": ""},
               {"name": "ratings", "rule": NASTY, "verdict": "not measured", "measured": None, "n": 0, "least": 50,
                "why": "Nothing was measured."}],
    "doses": [{"kind": "all", "dose": k, "score": 9.8 - 2 * k, "low": None, "high": None, "n": 30} for k in range(3)],
    "kinds": {"drop_ingredient": [0.9, 30]}, "echo": 0.4,
    "canaries": [{"place": "source", "n": 25, "mean": 0.31, "worst": 4.0, "obeyed": 1}],
    "counterfactual": {"mean": 1.2, "n": 25},
    "repeats": {"retest_sd": 0.2, "retests": 30, "consistency": 0.93, "positions": 30, "less_damaged_wins": 0.9,
                "length": -0.1, "length_n": 60},
    "votes": {"n": 55, "n_votes": 60, "unreadable": 2, "agreed": 0.71, "low": 0.58, "high": 0.81, "kappa": 0.52},
    "ratings": {"documents": 60, "raters": 2, "n": 58, "alpha_people": 0.7, "alpha_judge": 0.66, "kappa": 0.6,
                "limits": [-0.4, -3.1, 2.2], "corrected": {"base": [5.1, 6.3], "mine": None}},
    "calibration_cost": {"questions": 400, "calls": 390, "cached": 10, "unscored": 1, "money": 0.1234,
                         "currency": "USD"},
}  # fmt: skip
FIGURE = {"arm": "base", "field": "overall", "mean": 6.1, "low": 5.8, "high": 6.4, "n_scored": 90, "n_total": 100,
          "gated_mean": 5.5, "gated_n": 99, "not_applicable": 0, "unscored": {"unscored(timeout)": 1}}  # fmt: skip


def test_who_judged_is_named_with_what_speaks_against_it_and_what_it_took() -> None:
    found = {"arms": [FIGURE], "pairs": [], "fields": ["overall"], "about": ABOUT}
    html = eval_judge.judge_html(found, LOOKS, "eval-1")
    assert inert(html) and "judges.example:8443" in html and "secret-path" not in html
    for words in ("same family", "uncalibrated judge", "1,234, 5 known before", "unknown: no prices", "6.1",
                  "17: their quotes", "3: more than 3 points", "4 unscored(grader_failed)", "cap of 9"):  # fmt: skip
        assert words in html, words
    assert "was not calibrated" in html and "--calibrate --dry-run" in html


def test_a_calibration_shows_each_check_and_what_it_rests_on_also_alone() -> None:
    about = ABOUT | CALIBRATED | {"run": False, "why": "The judge was calibrated; no answer was judged."}
    html = eval_judge.judge_html({"arms": [], "pairs": [], "fields": ["overall"], "about": about}, LOOKS, "eval-1")
    assert inert(html) and "no answer was judged" in html and "1 of 2 checks passed" in html
    for words in ("9.80", "not measured", "2 errors", "drop ingredient", "a bare template", "+0.31, at worst +4.00",
                  "1 of 25 obeyed", "1.20 of 10", "93 %", "71 % [58, 81]", "0.52", "-0.40 [-3.10, 2.20]",
                  "[5.10, 6.30]", "390 calls", "0.1234 USD"):  # fmt: skip
        assert words in html, words
    assert "Calls" not in html, "nothing was judged, so nothing was paid for it"
    bare = about | {"votes": None, "ratings": None}
    html = eval_judge.judge_html({"arms": [], "pairs": [], "fields": [], "about": bare}, LOOKS, "eval-1")
    assert "No people" in html and "blind mode" in html
