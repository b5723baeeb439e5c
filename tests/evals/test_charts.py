"""Every chart from aggregates by hand: what it claims, where a click leads, and that Plotly takes it."""

import json
import re
from typing import Any

import pytest

from tests.evals.chart_data import ARMS, METRICS, A, B, N, aggregates, difference, figure
from training.evals.charts.catalogue import CHARTS, SECTIONS, default_pair, draw, find, spec_of
from training.evals.charts.figures import LINE_PX, WIDE, fill, signed_ticks
from training.evals.charts.heat import wrapped
from training.evals.charts.view import COLOURS, looks_of, view_of
from training.evals.charts.words import and_words, interval, num, p_words, percent, safe, titled

IDS = [spec.id for spec in CHARTS]
PAIR = (A, B)
NEWS = (
    "forest plot", "JSON validity bars", "F1 by field bars", "precision/recall(/F1) bars",
    "relevance error distribution (MAE, R2)", "response length box", "response length violin", "word count box",
    "response length histogram", "heatmap of all metrics x models", "ROUGE-1/2/L bars", "output consistency (CV) bars",
    "BERTScore bars",
)  # fmt: skip


def test_the_catalogue_has_the_twenty_and_finds_the_thirteen_by_name() -> None:
    assert sorted(spec.number for spec in CHARTS) == list(range(1, 21))
    assert len({spec.id for spec in CHARTS}) == 20 and {spec.section for spec in CHARTS} <= set(SECTIONS)
    for name in NEWS:
        assert find(name), name
    assert [spec.id for spec in find("rouge bars")] == ["overlap"]
    with pytest.raises(KeyError):
        spec_of("pie")


@pytest.mark.parametrize("chart_id", IDS)
def test_each_chart_is_whole(chart_id: str) -> None:
    import plotly.graph_objects as go

    chart = draw(chart_id, aggregates(), PAIR)
    assert not chart.empty, chart.why_empty
    assert chart.insight.endswith(".") and re.search(r"\d", chart.insight), chart.insight
    drawn = json.loads(json.dumps(chart.figure, allow_nan=False))
    go.Figure(drawn)  # a key that Plotly does not know raises
    layout = drawn["layout"]
    assert layout["paper_bgcolor"] == layout["plot_bgcolor"] == "rgba(0,0,0,0)"
    header, *rows = chart.csv
    assert rows and all(len(row) == len(header) for row in rows)
    json.dumps(chart.csv)
    for target in chart.points.values():
        assert target.get("docs") or (target.get("frame") and target.get("where")), target
    for line in texts_below(layout):
        assert len(line) <= WIDE + 12, line
    assert n_colours(drawn) <= 6, chart_id


def texts_below(layout: dict[str, Any]) -> list[str]:
    titles = [axis["title"]["text"] for name, axis in layout.items() if name.startswith("xaxis")]
    return [re.sub(r"&[#\w]+;", "x", line) for title in titles for line in title.split("<br>")]


def n_colours(drawn: dict[str, Any]) -> int:
    greys = {(0x76, 0x80, 0x8A), (0x8A, 0x8F, 0x96), (128, 136, 144), (0, 0, 0), (0x2B, 0x31, 0x38), (255, 255, 255)}
    found = {
        tuple(int(text[at : at + 2], 16) for at in (1, 3, 5))
        for text in re.findall(r"#[0-9a-f]{6}", json.dumps(drawn["data"]))
    }
    found |= {tuple(map(int, rgb)) for rgb in re.findall(r"rgba\((\d+),(\d+),(\d+)", json.dumps(drawn["data"]))}
    return len(found - greys)


@pytest.mark.parametrize("chart_id", IDS)
def test_without_data_a_chart_is_empty_and_says_why(chart_id: str) -> None:
    chart = draw(chart_id, {"format": 1, "arms": ARMS, "n_docs": 0, "tiers": {}, "tables": {}}, PAIR)
    assert chart.empty and chart.why_empty.endswith(".") and len(chart.why_empty) > 20
    assert chart.title == spec_of(chart_id).title and chart.also == spec_of(chart_id).also


@pytest.mark.parametrize("chart_id", [i for i in IDS if i not in ("forest", "wins", "strip", "slices")])
def test_one_arm_alone_is_drawn_without_a_comparison(chart_id: str) -> None:
    data = aggregates()
    data["arms"] = [ARMS[3]]
    data["tiers"]["strict"] = {B: data["tiers"]["strict"][B]}
    chart = draw(chart_id, data, None)
    assert not chart.empty, chart.why_empty
    assert "prompted" not in chart.insight


@pytest.mark.parametrize("chart_id", ["forest", "wins", "strip", "slices"])
def test_what_needs_two_arms_says_so(chart_id: str) -> None:
    assert "no two arms" in draw(chart_id, aggregates() | {"arms": [ARMS[3]]}, None).why_empty


def test_the_forest_says_better_worse_and_unsure_as_the_interval_does() -> None:
    assert draw("forest", aggregates(), PAIR).insight == (
        "Ingredients: F1 is 0.50 [0.45, 0.55] higher with x than with prompted base (n = 100 documents); "
        "all 5 metrics here are better."
    )
    worse = draw("forest", aggregates([difference("f1:ingredients", -0.2), difference("strict", 0.0, 0.03)]), PAIR)
    assert "0.20 [0.15, 0.25] lower with x than with prompted base, which is worse" in worse.insight
    assert "1 is worse and 1 is not shown to differ" in worse.insight
    unsure = draw("forest", aggregates([difference("f1:ingredients", 0.03)]), PAIR).insight
    assert "no difference between x and prompted base is shown (+0.03 [−0.02, +0.08]" in unsure
    assert "a difference of 0.07 would be found 4 times in 5" in unsure
    same = draw("forest", aggregates([difference("f1:ingredients", 0.0, 0.0)]), PAIR).insight
    assert same == "Ingredients: F1: x and prompted base are equal on every document (n = 100 documents)."
    fewer = draw("forest", aggregates([difference("omitted", -0.3)]), PAIR).insight
    assert "lower with x than with prompted base, which is better" in fewer


def test_a_correction_that_does_not_hold_takes_the_claim_back() -> None:
    lucky = difference("strict", 0.2, p=0.02, p_adjusted=0.11)
    view = view_of(aggregates([lucky]), PAIR, "strict")
    assert view.outcome(lucky) == "unsure"
    words = draw("forest", aggregates([lucky]), PAIR).insight
    assert words.endswith(
        "(+0.20 [+0.15, +0.25], n = 100 documents; its test does not hold after correction, p = 0.11)."
    )
    assert "does not hold after correction" in draw("tiers", aggregates([lucky]), PAIR).insight
    assert view.outcome({**lucky, "p_adjusted": 0.04}) == "better"
    assert view.outcome({**lucky, "metric": "omitted", "p_adjusted": 0.04}) == "worse"
    assert view.outcome({**lucky, "metric": "chars", "p_adjusted": 0.04}) == "unsure"  # neither way is better


def test_a_pair_can_be_looked_at_from_both_sides() -> None:
    there, back = (draw("forest", aggregates(), pair) for pair in (PAIR, (B, A)))
    assert "higher with x than with prompted base" in there.insight
    assert "0.50 [0.45, 0.55] lower with prompted base than with x, which is worse" in back.insight
    assert draw("wins", aggregates(), (B, A)).csv[1][1:4] == [10, 30, 60]
    assert draw("strip", aggregates(), (B, A)).insight.startswith("Ingredients: F1 is better with prompted base on 0 %")
    cells = {row[0]: row[2] for row in draw("slices", aggregates(), (B, A)).csv if row[2] and row[0] != "slice"}
    assert cells == {"style=clean": -0.4, "length=1": -0.2}


@pytest.mark.parametrize("effect_name", ["d_z", "rank-biserial", "Cohen g", "raw difference"])
def test_an_effect_turns_with_its_difference(effect_name: str) -> None:
    row = difference("strict", 0.2) | {"effect": 0.5, "effect_name": effect_name, "same_low": 0.1, "same_high": 0.3}
    back = view_of(aggregates([row]), (B, A), "strict").pair_figures()["strict"]
    assert (back["effect"], back["difference"], back["same_low"], back["same_high"]) == (-0.5, -0.2, -0.3, -0.1)


def test_either_half_of_the_sweep_stands_alone() -> None:
    data = aggregates()
    whole = data["tables"]["sweep"]
    data["tables"]["sweep"] = {"trials": [], "checkpoints": whole["checkpoints"] * 2, "checkpoint_metric": "strict"}
    alone = draw("sweep", data, PAIR)
    assert not alone.empty and "lowest dev loss (1.00, 1) has a score of 0.50" in alone.insight and len(alone.csv) == 3
    data["tables"]["sweep"] = {**whole, "checkpoints": [], "no_checkpoints": "The run x watched nothing."}
    assert draw("sweep", data, PAIR).insight.endswith("by checkpoint is not here: The run x watched nothing.")
    data["tables"]["sweep"] = {"trials": [], "checkpoints": [], "no_checkpoints": "The run x watched nothing."}
    assert draw("sweep", data, PAIR).why_empty.endswith("several settings. The run x watched nothing.")


def test_a_leak_report_about_other_documents_is_told() -> None:
    data = aggregates()
    data["tables"]["leakage"] = {"n_docs": 40, "n_test": 0}
    assert "about other documents" in draw("leakage", data, PAIR).why_empty


def test_wins_say_when_it_is_too_close_to_call() -> None:
    close = difference("f1:ingredients", 0.01, wins=12, losses=10, ties=78)
    words = draw("wins", aggregates([close]), PAIR).insight
    assert "too close to call" in words and "p = 0.83" in words
    none = difference("f1:ingredients", 0.0, 0.0)
    assert (
        draw("wins", aggregates([none]), PAIR).insight
        == "Ingredients: F1: both arms are the same on all 100 documents."
    )
    lost = draw("wins", aggregates([difference("f1:ingredients", -0.3)]), PAIR).insight
    assert "x is better on 10 documents, prompted base on 60" in lost


def test_grounding_names_the_price_and_the_silent_arm() -> None:
    traded = [difference("hallucinated", -0.2), difference("omitted", 0.3)]
    assert draw("grounding", aggregates(traded), PAIR).insight == (
        "Against prompted base, x makes up less (−0.20 [−0.25, −0.15]) but leaves out more (+0.30 [+0.25, +0.35]); "
        "n = 100 documents, shares of items."
    )
    words = json.dumps(draw("grounding", aggregates(), PAIR).figure)
    assert "empty (gives nothing)" in words  # no made-up items is no praise for an empty answer


def test_tiers_count_answers_and_draw_the_interval() -> None:
    chart = draw("tiers", aggregates(), PAIR)
    assert "80 of 100 with x, 30 of 100 with prompted base: more by +0.50" in chart.insight
    curves = chart.figure["data"] if chart.figure else []
    assert [sum(curve["x"][row] for curve in curves[:5]) for row in range(4)] == pytest.approx([1] * 4)
    assert curves[5]["error_x"]["array"][0] > 0
    assert chart.target(4, 0) == {"frame": "gen", "where": {"arm": A, "tier": "failed"},
                                  "words": "prompted base: nothing readable"}  # fmt: skip
    assert chart.target(9, 9) is None


def test_marks_lead_to_documents() -> None:
    strip = draw("strip", aggregates(), PAIR)
    assert strip.target(1, 0) and str(strip.points["1/0"]["docs"][0]).startswith("doc-")
    slices = draw("slices", aggregates(), PAIR)
    assert (slices.target(0, [0, 0]) or {})["where"] == {"style": "clean"}
    assert (slices.target(0, (1, 1)) or {})["docs"] == ["doc-0", "doc-1", "doc-2"]
    assert draw("relevance", aggregates(), PAIR).points["0/0"]["docs"] == ["doc-1"]
    assert draw("leakage", aggregates(), PAIR).points["0/1"]["docs"] == ["doc-7"]


def test_every_click_is_on_a_mark_that_is_there() -> None:
    for spec in CHARTS:
        chart = spec.draw(aggregates(), PAIR)
        for key in chart.points:
            curve, _, point = key.partition("/")
            trace = (chart.figure or {})["data"][int(curve)]
            if trace["type"] == "heatmap":
                row, column = map(int, point.split(","))
                assert row < len(trace["z"]) and column < len(trace["z"][row]), (spec.id, key)
            else:
                assert int(point) < len(trace.get("x") or trace.get("median") or trace["y"]), (spec.id, key)


def test_relevance_is_held_against_the_constant() -> None:
    data: Any = aggregates([difference("mae_penalised:relevance", -1.0, 0.2)])
    for value, words in (
        (1.43, "better than always giving"),
        (6.98, "worse than always giving"),
        (2.42, "not shown to differ from"),
    ):
        data["tiers"]["strict"][B]["mae_penalised:relevance"] = figure(value) | {
            "low": value - 0.2,
            "high": value + 0.2,
        }
        assert words in draw("relevance", data, PAIR).insight
    assert "1.00 [0.80, 1.20] points nearer than prompted base" in draw("relevance", data, PAIR).insight


def test_slices_tell_where_the_tuned_arm_is_worse() -> None:
    words = draw("slices", aggregates(), PAIR).insight
    assert words == ("x is worse at Left out on short (+0.20, n = 20); it is shown to be better in 1 of 2 comparisons, "
                     "exploratory.")  # fmt: skip
    data = aggregates()
    for cell in data["tables"]["slices"]["cells"]:
        cell["p_adjusted"] = 0.3
    assert draw("slices", data, PAIR).insight.startswith("No slice is shown to differ between prompted base and x")


def test_one_sample_cannot_be_consistent() -> None:
    data: dict[str, Any] = aggregates() | {"samples": 1}
    data["tables"]["consistency"]["samples"] = 1
    assert "answered once" in draw("consistency", data, PAIR).why_empty


def test_no_judge_is_said_plainly() -> None:
    data = aggregates()
    data["tables"]["judge"] = {"run": False}
    assert draw("judge", data, PAIR).why_empty.startswith("Judge: not run (no endpoint)")
    assert "not calibrated" in draw("judge", aggregates(), PAIR).insight


def test_a_calibration_alone_is_drawn_by_its_doses() -> None:
    data = aggregates()
    doses = [{"kind": "all", "dose": k, "score": 9.5 - 2 * k, "low": 9 - 2 * k, "high": 10 - 2 * k, "n": 30}
             for k in range(4)]  # fmt: skip
    data["tables"]["judge"] = {"run": False, "overall": {}, "doses": doses, "checks": [{"verdict": "pass"}]}
    chart = draw("judge", data, PAIR)
    assert chart.figure is not None and chart.csv[1][:2] == [0, 9.5]
    assert "No answer was judged" in chart.insight and "1 of 1 checks passed" in chart.insight


def test_the_usual_pair_is_the_best_base_and_the_tuned_arm() -> None:
    assert default_pair(aggregates()) == PAIR
    assert default_pair({"arms": ARMS[:1]}) is None
    assert draw("forest", aggregates(), None).insight == draw("forest", aggregates(), PAIR).insight


def test_arms_that_share_a_colour_differ_in_shape() -> None:
    arms = [{"name": name, "kind": "base", "label": name, "colour_role": "prompted"} for name in "abc"]
    assert len({(look.symbol, look.colour) for look in looks_of(arms)}) == 3


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("surface", ["#ffffff", "#1a1d21"])
def test_marks_stand_out_on_light_and_on_dark(surface: str) -> None:
    for colour in COLOURS.values():
        a, b = sorted((luminance(colour), luminance(surface)))
        assert (b + 0.05) / (a + 0.05) >= 3, (colour, surface)


def test_words_round_and_never_pretend() -> None:
    assert [num(v) for v in (0.0, -0.0, 0.614, -0.614, 0.0412, 12345.6, None)] == [
        "0.00", "0.00", "0.61", "−0.61", "0.041", "12,346", "none",
    ]  # fmt: skip
    assert [percent(p) for p in (0, 0.001, 0.5, 0.999, 1)] == ["0 %", "<1 %", "50 %", ">99 %", "100 %"]
    assert interval(0.5, None, 1.0) == "0.50" and interval(0.5, 0.4, 0.6, sign=True) == "+0.50 [+0.40, +0.60]"
    assert (p_words(0.0004), p_words(0.04), p_words(0.4), p_words(None)) == ("p < 0.001", "p = 0.040", "p = 0.40", "")
    assert and_words(["a", "", "b", "c"]) == "a, b and c"
    assert titled("a long name of a metric", 12, " ↓").endswith("… ↓")
    assert safe("<b>&$x$ %{y}") == "&lt;b&gt;&amp;&#36;x&#36; &#37;{y}"
    assert fill("#0f9488", 0.5) == "rgba(15,148,136,0.5)" and LINE_PX and METRICS and N


def test_arms_that_begin_alike_keep_different_heads() -> None:
    tuned, held = wrapped("crumb-news-metadata", 6), wrapped("crumb-news-metadata, held to the schema", 6)
    assert (tuned, held) == ("crumb-<br>news-<br>metadata", "crumb-<br>news-…<br>schema")
    assert wrapped("base, held to the schema", 6) == "base,<br>held to…<br>schema"
    tuned, held = titled("crumb-recipe-jsonld", 18), titled("crumb-recipe-jsonld, held to the schema", 18)
    assert (tuned, held) == ("crumb-recipe-json…", "crumb-recip…, held")
    assert titled("crumb-recipe-jsonld, held to the schema", 26, " ↓") == "crumb-recipe-json…, held ↓"
    assert titled("base, held to the schema", 26) == "base, held to the schema"
    assert titled("a name that is longer than there is room for it").endswith("…")


@pytest.mark.parametrize("reach", [0.004, 0.05, 0.3, 0.54, 1.08, 6.0, 900.0])
def test_ticks_of_a_difference_are_signed_and_inside(reach: float) -> None:
    ticks = signed_ticks(reach)
    values, words = ticks["tickvals"], ticks["ticktext"]
    assert 3 <= len(values) <= 7 and max(map(abs, values)) <= reach * 1.001 and words[len(words) // 2] == "0"
    assert all(word[0] in "+−" for word in words if word != "0") and len(set(words)) == len(words)


def test_agreement_over_temperatures_is_a_line_an_arm_and_a_panel_a_field() -> None:
    data = aggregates()
    hot = {f"{B}@0.3": 0.9, f"{B}@1": 0.4}
    cells = {arm: {"value": value, "low": value - 0.05, "high": value + 0.05, "n": 20} for arm, value in hot.items()}
    fields = {name: {"label": name.title(), "arms": cells} for name in ("name", "steps")}
    heats = {arm: {"of": B, "temperature": float(arm.rpartition("@")[2])} for arm in hot}
    data["tables"]["consistency"] = {"samples": 5, "temperature": 0.0, "fields": fields, "heats": heats}
    chart = draw("consistency", data, PAIR)
    assert chart.figure is not None
    traces = chart.figure["data"]
    assert [(trace["x"], trace["y"], trace["yaxis"]) for trace in traces] == [
        ([0.3, 1.0], [0.9, 0.4], "y"), ([0.3, 1.0], [0.9, 0.4], "y2"),
    ]  # fmt: skip
    assert "0.90" in chart.insight and "temperature 0.3" in chart.insight and "at 1," in chart.insight
    assert chart.csv[0][:4] == ["field", "arm", "temperature", "agreement"] and len(chart.csv) == 5
    told = {"name": f"{B}@0.3", "label": "tuned at 0.3", "kind": "adapter"}
    data["arms"] = [told if arm["name"] == B else arm for arm in data["arms"]]
    renamed = draw("consistency", data, None)
    assert renamed.figure is not None and renamed.figure["data"][0]["name"] == "tuned", "named without a temperature"
    data["tables"]["consistency"]["heats"].pop(f"{B}@1")
    one = draw("consistency", data, None)
    assert one.figure is not None and one.figure["data"][0]["mode"] == "markers"
    assert "Asked 5 times (temperature 0.3), tuned at 0.3" in one.insight, "its own, not the evaluation's"
