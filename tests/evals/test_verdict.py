"""The verdict's sentence: right numbers, honest where the tuned arm is worse, equal or hardly measured."""

from typing import Any

from tests.evals.made_aggregates import made, mean, pair, rate
from training.evals.verdict import default_pair, slice_words, verdict
from training.task.pack import BUILTIN, load_pack

PACK = load_pack(BUILTIN / "recipe-jsonld")
F1 = "f1:recipeIngredient"
BETTER = [pair(F1, 0.61, 0.57, 0.65, 300), pair("hallucinated_docs", -0.31, -0.36, -0.25, 300),
          pair("strict", 0.9, 0.86, 0.93, 300)]  # fmt: skip


def test_the_best_untuned_arm_stands_against_the_tuned_one() -> None:
    assert default_pair(made(PACK, [], {})) == ("prompted", "adapter:x")


def test_an_arm_alone_beside_trivial_ones_stands_against_the_best_of_them() -> None:
    arms = [{"name": name, "kind": "trivial", "label": name} for name in ("empty", "regex")]
    tiers = {"strict": {"empty": {F1: mean(0, 0, 0, 9)}, "regex": {F1: mean(0.4, 0.3, 0.5, 9)}, "mine": {}}}
    every = [*arms, {"name": "mine", "kind": "imported", "label": "mine"}]
    assert default_pair({"arms": every, "tiers": tiers, "primary": F1}) == ("regex", "mine")
    assert default_pair({"arms": every[2:], "tiers": tiers, "primary": F1}) is None


def test_a_gain_is_told_with_its_interval_and_what_went_with_it() -> None:
    found = verdict(made(PACK, BETTER, {"latency_p50": mean(1.08, 1, 1.1, 20)}), None, PACK)
    assert found.helped == "yes"
    assert found.sentence == (
        "Ingredients F1 rose by 0.61 [0.57, 0.65], n = 300 (0.10 to 0.71); answers that parse as they stand rose from "
        "10 % to 100 %; answers with something made up fell from 34 % to 3 %."
    )
    assert any("best of 2 untuned arms" in fact for fact in found.facts)
    assert any("regex 0.20" in fact for fact in found.facts)


def test_speed_and_slices_close_the_sentence() -> None:
    latency = {"latency_p50": mean(1.08, 1, 1.1, 20)}
    told = made(PACK, BETTER, latency)
    told["tiers"]["strict"]["prompted"]["latency_p50"] = mean(1.0, 0.9, 1.1, 20)
    lost = {"prompted": {F1: mean(0.5, 0.4, 0.6, 40)}, "adapter:x": {F1: mean(0.2, 0.1, 0.3, 40)}}
    found = verdict({**told, "slices": {"slice=no_steps": lost}}, None, PACK)
    assert found.sentence.endswith("; slower by 8 %; worse on posts without steps.")
    assert found.worse_on == ("posts without steps",)
    told["tiers"]["strict"]["adapter:x"]["latency_p50"] = mean(1.01, 1, 1.1, 20)
    assert verdict(told, None, PACK).sentence.endswith("; as fast.")
    told["tiers"]["strict"]["adapter:x"]["latency_p50"] = mean(3.0, 2, 4, 20)
    assert verdict(told, None, PACK).sentence.endswith("; 3.0 times as slow.")


def test_worse_is_said_to_be_worse() -> None:
    found = verdict(made(PACK, [pair(F1, -0.2, -0.25, -0.15, 300)], {}), None, PACK)
    assert found.helped == "hurt" and found.sentence.startswith("Ingredients F1 fell by 0.20 [0.15, 0.25], n = 300")


def test_a_lower_is_better_metric_that_falls_is_a_gain() -> None:
    news = load_pack(BUILTIN / "news-metadata")
    error = "mae_penalised:relevance_score"
    told = made(news, [pair(error, -2.0, -2.5, -1.5, 200)], {error: mean(1, 0.8, 1.2, 200)}, primary=error)
    told["tiers"]["strict"]["prompted"][error] = mean(3, 2.8, 3.2, 200)
    told["tiers"]["strict"]["base"][error] = mean(6, 5, 7, 200)
    found = verdict(told, None, news)
    assert found.helped == "yes" and "fell by 2.00 [1.50, 2.50]" in found.sentence


def test_nothing_shown_says_what_could_have_been_shown() -> None:
    found = verdict(made(PACK, [pair(F1, 0.04, -0.05, 0.13, 12)], {}, n=12), None, PACK)
    assert found.helped == "unsure"
    assert "No difference in Ingredients F1 is shown" in found.sentence
    assert "n = 12, which are few documents" in found.sentence
    assert "so many documents show a difference of 0.13 four times in five" in found.sentence


def test_a_certain_gain_that_is_too_small_to_matter_is_no_help() -> None:
    found = verdict(made(PACK, [pair(F1, 0.01, 0.005, 0.015, 3000)], {}), None, PACK)
    assert found.helped == "no" and "less than the 0.02 that was declared to matter" in found.sentence
    close = verdict(made(PACK, [pair(F1, 0.0, -0.01, 0.01, 3000)], {}), None, PACK)
    assert close.helped == "no" and "is the same within 0.02" in close.sentence
    wide = verdict(made(PACK, [pair(F1, 0.015, 0.001, 0.03, 3000)], {}), None, PACK)
    assert wide.helped == "unsure"


def test_equal_on_every_document_is_a_tie() -> None:
    found = verdict(made(PACK, [pair(F1, 0.0, 0.0, 0.0, 300)], {}), None, PACK)
    assert found.helped == "no" and "is the same for adapter x and prompted on every document" in found.sentence


def test_what_got_worse_beside_a_gain_is_not_left_out() -> None:
    pairs = [pair(F1, 0.61, 0.57, 0.65, 300), pair("schema_valid", -0.2, -0.25, -0.15, 300)]
    told = made(PACK, pairs, {"schema_valid": rate(0.7, 300)})
    told["tiers"]["strict"]["prompted"]["schema_valid"] = rate(0.9, 300)
    assert "but answers that keep the contract fell from 90 % to 70 %" in verdict(told, None, PACK).sentence


def test_an_arm_without_a_model_that_does_as_well_is_named() -> None:
    told = made(PACK, BETTER, {F1: mean(0.2, 0.15, 0.25, 300)})
    assert "but regex, without a model, reaches 0.20" in verdict(told, None, PACK).sentence


def test_without_two_arms_nothing_was_compared() -> None:
    told: dict[str, Any] = made(PACK, [], {})
    told["arms"] = told["arms"][-1:]
    found = verdict(told, None, PACK)
    assert found.helped == "unsure" and found.sentence.startswith("Nothing was compared: adapter x alone")
    assert verdict({"arms": [], "tiers": {}, "pairs": {}}, None, PACK).sentence.startswith("Nothing was compared")
    assert verdict({}, ("a", "b"), PACK).helped == "unsure"


def test_where_the_primary_figure_is_missing_the_next_declared_one_decides() -> None:
    found = verdict(made(PACK, [pair("strict", 0.9, 0.86, 0.93, 300)], {}), None, PACK)
    assert found.helped == "yes" and found.sentence.startswith("Answers that parse as they stand rose by 90 points")
    assert any("would decide but is not known of both" in fact for fact in found.facts)
    assert "is not known of both" in verdict(made(PACK, [], {}), None, PACK).sentence


def test_slices_have_plain_names() -> None:
    assert slice_words("slice=no_steps") == "posts without steps"
    assert slice_words("style=clean") == "the style clean"
    assert slice_words("slice=of_mine") == "the slice of mine"
