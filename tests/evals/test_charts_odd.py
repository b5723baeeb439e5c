"""No chart raises on odd aggregates, whatever is missing, and no name can write into a figure (hypothesis)."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.evals.chart_data import METRICS, aggregates, difference
from training.evals.charts.catalogue import CHARTS

HOSTILE = "<img src=x onerror=alert(1)>$\\frac{1}{2}$ %{x} <a href='javascript:1'>y</a>"
NAMES = st.sampled_from(["base", "a", "<b>bold</b>", "x" * 300, HOSTILE, "", "日本", "adapter:q"])
KINDS = st.sampled_from(["trivial", "base", "adapter", "imported", "endpoint", "strange"])
ROLES = st.sampled_from(["base", "prompted", "tuned", "second", "trivial", "", "none of these"])
VALUES = st.one_of(st.none(), st.floats(-2, 12), st.sampled_from([0.0, 1.0, float("nan"), "text"]))
ARM = st.fixed_dictionaries({"name": NAMES, "kind": KINDS, "label": NAMES, "colour_role": ROLES})
FIGURE = st.fixed_dictionaries(
    {
        "value": VALUES,
        "low": VALUES,
        "high": VALUES,
        "n_scored": st.sampled_from([0, 1, 300, None]),
        "n_total": st.just(300),
    }
)


@st.composite
def odd(draw: Any) -> dict[str, Any]:
    """Arms of any number and name, figures and differences that may be None, and tables with parts taken out."""
    arms = draw(st.lists(ARM, min_size=1, max_size=5, unique_by=lambda arm: arm["name"]))
    names = [arm["name"] for arm in arms]
    metrics = list(METRICS)
    data = aggregates()
    tier = {name: {m: draw(FIGURE) for m in draw(st.sets(st.sampled_from(metrics), max_size=4))} for name in names}
    pairs = []
    for _ in range(draw(st.integers(0, 4))):
        keys = ("difference", "ci_low", "ci_high", "p", "p_adjusted", "effect", "detectable")
        made = difference(draw(st.sampled_from(metrics)), 0.1) | {key: draw(VALUES) for key in keys}
        pairs.append(made | {"a": draw(st.sampled_from(names)), "b": draw(st.sampled_from(names))})
    known = json.dumps(data["tables"])
    if names:
        known = known.replace('"adapter:x"', json.dumps(names[-1])).replace('"prompted"', json.dumps(names[0]))
    tables = json.loads(known)
    for name in draw(st.sets(st.sampled_from(sorted(tables)), max_size=6)):
        tables[name] = draw(st.sampled_from([{}, None]))
    gone = draw(st.sets(st.sampled_from(["metrics", "fields", "primary", "slices", "confirmatory"]), max_size=3))
    made = {**data, "arms": arms, "n_docs": draw(st.integers(0, 3)), "tiers": {"strict": tier},
            "pairs": {"strict": pairs}, "tables": tables}  # fmt: skip
    return {key: value for key, value in made.items() if key not in gone}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(odd(), st.booleans())
def test_no_chart_raises_and_none_lets_markup_in(data: dict[str, Any], turned: bool) -> None:
    names = [arm["name"] for arm in data["arms"]]
    pair = None if len(names) < 2 else (names[-1], names[0]) if turned else (names[0], names[-1])
    for spec in CHARTS:
        chart = spec.draw(data, pair)
        assert chart.empty == bool(chart.why_empty), spec.id
        if chart.figure is not None:
            text = json.dumps(chart.figure, allow_nan=False)
            for mark in ("<img", "<a ", "<b>bold", "$\\\\frac", "%{x}"):
                assert mark not in text, (spec.id, mark)


def test_all_that_failed_and_one_document_are_drawn_or_said() -> None:
    data = aggregates([])
    for arm in data["tiers"]["strict"].values():
        for figure in arm.values():
            figure |= {"value": 0.0, "low": 0.0, "high": 0.0, "n_scored": 1}
    data |= {"n_docs": 1}
    data["tables"]["tiers"]["counts"] = {arm["name"]: {"failed": 1} for arm in data["arms"]}
    for spec in CHARTS:
        chart = spec.draw(data, None)
        assert chart.insight or chart.why_empty
    assert "0 of 1" in spec_insight("tiers", data)


def spec_insight(chart_id: str, data: dict[str, Any]) -> str:
    return next(spec for spec in CHARTS if spec.id == chart_id).draw(data, None).insight
