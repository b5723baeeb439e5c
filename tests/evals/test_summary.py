"""summary.json: the numbers of aggregates.json under the names that other programs read."""

import json
from pathlib import Path
from typing import Any

from training.evals.summary import summary_of, write_summary

MEASURED: dict[str, Any] = {
    "metric": "strict",
    "kind": "rate",
    "value": 0.5,
    "low": 0.1,
    "high": 0.9,
    "n_scored": 2,
    "n_total": 3,
}
PAIR: dict[str, Any] = {
    "a": "base", "b": "imported:mine", "metric": "strict", "difference": 0.25, "ci_low": -0.1, "ci_high": 0.6,
    "test": "McNemar", "p": 0.2, "p_adjusted": 0.4, "effect": 0.1, "effect_name": "g", "detectable": 0.3, "n": 3,
    "wins": 1, "ties": 2, "losses": 0,
}  # fmt: skip
AGGREGATES: dict[str, Any] = {
    "arms": [{"name": "base"}, {"name": "imported:mine"}],
    "tiers": {
        "strict": {"imported:mine": {"strict": MEASURED}, "base": {"strict": {**MEASURED, "value": None, "low": None}}},
        "usable": {"base": {"strict": {**MEASURED, "value": 1.0}}},
    },
    "pairs": {"strict": [PAIR], "usable": [{**PAIR, "difference": 9.0}]},
}


def test_figures_are_the_strict_ones_and_imported_arms_have_their_own_names() -> None:
    found = summary_of(AGGREGATES)
    assert list(found["arms"]) == ["base", "mine"]
    assert found["arms"]["mine"] == {
        "strict": {"value": 0.5, "ci_low": 0.1, "ci_high": 0.9, "n_scored": 2, "n_total": 3}
    }
    assert found["arms"]["base"]["strict"]["value"] is None and found["arms"]["base"]["strict"]["n_total"] == 3


def test_a_pair_has_exactly_the_keys_that_were_promised() -> None:
    assert summary_of(AGGREGATES)["pairs"] == [
        {
            "a": "base", "b": "mine", "metric": "strict", "difference": 0.25, "ci_low": -0.1, "ci_high": 0.6,
            "test": "McNemar", "p": 0.2, "p_adjusted": 0.4, "effect": 0.1, "detectable": 0.3,
        }
    ]  # fmt: skip


def test_tests_beside_the_promised_ones_stand_where_they_were_made() -> None:
    several = {"metric": "strict", "n": 3, "statistic": 1.0, "p": 0.4,
               "arms": [{"arm": "imported:mine", "rank": 1.0, "low": 1.0, "high": 1.0}]}  # fmt: skip
    pair = {**PAIR, "margin": 0.02, "p_same": 0.3, "p_mid": 0.1}
    found = summary_of({**AGGREGATES, "pairs": {"strict": [pair]}, "several": several})
    assert (found["pairs"][0]["margin"], found["pairs"][0]["p_same"], found["pairs"][0]["p_mid"]) == (0.02, 0.3, 0.1)
    assert found["several"]["arms"] == [{"arm": "mine", "rank": 1.0, "low": 1.0, "high": 1.0}]
    assert "several" not in summary_of(AGGREGATES)


def test_no_number_is_without_meaning(tmp_path: Path) -> None:
    odd = {**AGGREGATES, "pairs": {"strict": [{**PAIR, "effect": float("nan"), "detectable": float("inf")}]}}
    write_summary(tmp_path, odd)
    read = json.loads((tmp_path / "summary.json").read_text("utf-8"))
    assert read["pairs"][0]["effect"] is None and read["pairs"][0]["detectable"] is None
    assert read == summary_of(odd)
