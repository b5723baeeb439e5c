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
        "Ingredients F1 rose by 0.61 [0.57, 0.65], n = 300 (0.10 to 0.71); answers that parse as they stand rose by 90 "
        "points [86, 93], n = 300 (10 % to 100 %); answers with something made up fell by 31 points [25, 36], n = 300 "
        "(34 % to 3 %)."
    )
    assert any("best of 2 untuned arms" in fact for fact in found.facts)
    assert any("regex 0.20" in fact for fact in found.facts)


def test_speed_and_slices_close_the_sentence() -> None:
    latency = {"latency_p50": mean(1.08, 1, 1.1, 20)}
    told = made(PACK, BETTER, latency)
    told["tiers"]["strict"]["prompted"]["latency_p50"] = mean(1.0, 0.9, 1.1, 20)
    lost = {"prompted": {F1: mean(0.5, 0.4, 0.6, 40)}, "adapter:x": {F1: mean(0.2, 0.1, 0.3, 40)}}
    found = verdict({**told, "slices": {"slice=no_steps": lost}}, None, PACK)
    assert found.sentence.endswith("; slower by 8 % (n = 20 timed); worse on posts without steps.")
    assert found.worse_on == ("posts without steps",)
    told["tiers"]["strict"]["adapter:x"]["latency_p50"] = mean(1.01, 1, 1.1, 20)
    assert verdict(told, None, PACK).sentence.endswith("; as fast (n = 20 timed).")
    told["tiers"]["strict"]["adapter:x"]["latency_p50"] = mean(3.0, 2, 4, 20)
    assert verdict(told, None, PACK).sentence.endswith("; 3.0 times as slow (n = 20 timed).")


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
    said = verdict(told, None, PACK).sentence
    assert "but answers that keep the contract fell by 20 points [15, 25], n = 300 (90 % to 70 %)" in said


def test_an_arm_without_a_model_that_does_as_well_is_named() -> None:
    told = made(PACK, BETTER, {F1: mean(0.2, 0.15, 0.25, 300)})
    said = verdict(told, None, PACK).sentence
    assert "but an arm without a model does as well on Ingredients F1 (regex, 0.20 against 0.20)" in said


def writer(*, sure: bool = True) -> dict[str, Any]:
    """Written recipes: bits a byte decide, which no arm without a model has; regex is ahead in what was declared."""
    pack, f1, ahead = load_pack(BUILTIN / "recipe-writer"), "f1:ingredients", (-0.09, -0.12, -0.06)
    pairs = [pair("bits_per_byte", -0.5, -0.6, -0.4, 80)]
    if sure:
        pairs.append(pair(f1, *ahead, 80, a="regex"))
    told = made(pack, pairs, {"bits_per_byte": mean(1.0, 0.9, 1.1, 80), f1: mean(0.06, 0.04, 0.08, 80)}, n=80)
    told["tiers"]["strict"]["prompted"] |= {"bits_per_byte": mean(1.5, 1.4, 1.6, 80)}
    told["tiers"]["strict"]["regex"] = {f1: mean(0.15, 0.13, 0.17, 80), "on_title": mean(0.9, 0.8, 1.0, 80)}
    return told


def test_where_the_deciding_figure_takes_a_model_the_floor_is_that_of_the_next_declared_one() -> None:
    pack = load_pack(BUILTIN / "recipe-writer")
    found = verdict(writer(), None, pack)
    assert found.helped == "yes"
    assert (
        "but an arm without a model beats the tuned one on Ingredients F1 (regex, 0.15 against 0.06)" in found.sentence
    )
    assert "Without any model, Ingredients F1 is: regex 0.15." in found.facts
    unpaired = verdict(writer(sure=False), None, pack).sentence
    assert "does as well on Ingredients F1 (regex" in unpaired, "not for certain, and said so"


def test_what_rests_on_other_documents_says_on_how_many() -> None:
    pairs = [BETTER[0], pair("hallucinated_docs", -0.5, -0.7, -0.3, 49)]
    told = made(PACK, pairs, {"hallucinated_docs": rate(0.19, 252)})
    said = verdict(told, None, PACK).sentence
    assert "made up fell by 50 points [30, 70], n = 49 (to 19 %, over its own 252)" in said


def test_speed_is_claimed_only_where_its_interval_holds() -> None:
    told = made(PACK, [*BETTER, pair("latency_p50", -0.6, -1.2, 0.1, 8)], {"latency_p50": mean(0.4, 0.3, 0.9, 8)})
    told["tiers"]["strict"]["prompted"]["latency_p50"] = mean(1.0, 0.5, 1.4, 8)
    open_ = "; no difference in speed is shown (−0.60 [−1.20, +0.10] s, n = 8 timed)."
    assert verdict(told, None, PACK).sentence.endswith(open_)
    told["pairs"]["strict"][-1] = pair("latency_p50", -0.6, -1.2, -0.1, 8)
    held = "; faster by 60 % (−0.60 [−1.20, −0.10] s, n = 8 timed)."
    assert verdict(told, None, PACK).sentence.endswith(held)


def test_the_noise_floor_the_other_tests_and_an_open_leak_stand_among_the_facts() -> None:
    noise = {"rows": 16, "batch_sizes": [8, 1], "share_different": 0.25, "metric": F1, "mean_abs_difference": 0.7}
    several = {"metric": F1, "n": 300, "p": 0.0001, "arms": [
        {"arm": "adapter:x", "rank": 1.1, "low": 1.0, "high": 1.2},
        {"arm": "base", "rank": 2.5, "low": 2.4, "high": 2.6},
    ]}  # fmt: skip
    main = {**BETTER[0], "p_mid": 0.01, "margin": 0.02, "p_same": 0.03, "shift": 0.4}
    told = made(PACK, [main], {}, noise_floor=noise, several=several)
    facts = " ".join(verdict(told, None, PACK).facts)
    assert "25 % of 16 answers come out otherwise, which moves Ingredients F1 by 0.70 on average" in facts
    assert "no larger than that" in facts
    assert "Friedman, p < 0.001, n = 300); mean ranks, 1 the best: adapter x 1.10 [1.00, 1.20], base 2.50" in facts
    assert "mid-p" in facts and "the same within 0.02, by two one-sided tests (p = 0.03)" in facts
    assert "(Hodges-Lehmann) is +0.40" in facts
    assert "Nobody looked whether training rows" not in facts
    assert "Nobody looked whether training rows" in " ".join(verdict({**told, "tables": {}}, None, PACK).facts)


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


def test_a_handful_of_documents_helps_nobody_however_equal_their_gains() -> None:
    two = pair(F1, 1.0, 1.0, 1.0, 2, p=0.5)
    assert verdict(made(PACK, [two], {}), None, PACK).helped == "unsure"
    nine = pair(F1, 0.4, 0.1, 0.7, 9, p=0.07)
    found = verdict(made(PACK, [nine], {}), None, PACK)
    assert found.helped == "unsure" and found.sentence.startswith("No difference in Ingredients F1 is shown")
    assert verdict(made(PACK, [pair(F1, 0.4, 0.1, 0.7, 9, p=0.02)], {}), None, PACK).helped == "yes"
