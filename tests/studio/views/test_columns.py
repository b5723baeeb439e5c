from dataclasses import replace

from studio.views.columns import arm_column, columns_row, empty_column, error_column, pane_switch, partial_column
from studio.views.looks import arm_looks
from tests.studio.views import samples
from tests.studio.views.pages import Page
from training.task.records import Arm, ArmKind, to_json

BASE, TUNED = arm_looks([samples.BASE_ARM, samples.TUNED_ARM])


def test_a_finished_column_says_who_how_sure_and_at_what_cost() -> None:
    page = Page(arm_column(samples.GOOD, TUNED, samples.PACK))
    for words in (
        "crumb-recipe-jsonld", "base + adapter crumb-recipe-jsonld", "strict JSON", "schema valid",
        "17 of 18 items in the text", "214 tokens", "first token 0.31 s", "22.4 tokens/s", "complete object",
        "proven: adapter on", "2 scores",
    ):  # fmt: skip
        assert words in page.text
    assert len(page.with_class("tt-pane")) == 3


def test_record_and_json_form_give_the_same_column() -> None:
    assert arm_column(samples.GOOD, TUNED, samples.PACK) == arm_column(to_json(samples.GOOD), TUNED, samples.PACK)


def test_chips_open_to_what_was_found() -> None:
    page = Page(arm_column(samples.REPAIRED, BASE, samples.PACK))
    assert "/cookTime" in page.text
    assert "does not match an ISO 8601 duration" in page.text
    assert "3 schema errors" in page.text


def test_an_answer_held_to_the_schema_says_so() -> None:
    generation = samples.GOOD.generation
    held = replace(
        samples.GOOD, generation=replace(generation, sampling=replace(generation.sampling, constrained=True))
    )
    assert "held to the schema" in Page(arm_column(held, TUNED, samples.PACK)).text
    assert "held to the schema" not in Page(arm_column(samples.GOOD, TUNED, samples.PACK)).text


def test_a_score_that_does_not_apply_is_no_zero() -> None:
    page = Page(arm_column(samples.GOOD, TUNED, samples.PACK))
    assert "0.94" in page.text
    assert "does not apply" in page.text


def test_blind_columns_tell_nothing_but_the_answer() -> None:
    looks = arm_looks([samples.TUNED_ARM, samples.BASE_ARM], blind=True)
    markup = arm_column(samples.GOOD, looks[0], samples.PACK)
    assert "Sunday Lemon Loaf" in markup
    for secret in ("crumb", "adapter", "tokens", "proven", "score", "tuned"):
        assert secret not in markup
    assert [look.label for look in looks] == ["A", "B"]
    assert len({look.tone for look in looks}) == 1


def test_a_failed_proof_stands_among_the_verdicts() -> None:
    broken = replace(samples.GOOD.generation.proof, passed=False)
    result = replace(samples.GOOD, generation=replace(samples.GOOD.generation, proof=broken))
    page = Page(arm_column(result, TUNED, samples.PACK))
    assert "weights not proven" in page.text
    assert page.with_class("tt-bad")


def test_streaming_shows_the_raw_text_so_far_with_time_and_tokens() -> None:
    page = Page(partial_column(TUNED, '{"name": "Lem', 7, 1.25))
    assert '{"name": "Lem' in page.text
    assert "writing: 7 tokens, 1.2 s" in page.text
    assert page.with_class("tt-stream")
    assert not page.with_class("tt-card")


def test_before_the_first_token_the_wait_is_named() -> None:
    assert "loading crumb, 40 %" in Page(partial_column(TUNED, note="loading crumb, 40 %")).text


def test_empty_and_broken_columns_say_what_and_what_to_do() -> None:
    assert "Its answer will stand here." in Page(empty_column(BASE)).text
    broken = Page(error_column(BASE, "Too little memory.", "Choose a smaller base."))
    assert "Too little memory." in broken.text
    assert "Choose a smaller base." in broken.text


def test_the_switch_over_the_panes_is_one_named_group_with_card_chosen() -> None:
    inputs = [attrs for tag, attrs in Page(pane_switch()).elements if tag == "input"]
    assert {attrs["name"] for attrs in inputs} == {"tt-pane"}
    assert [attrs["id"] for attrs in inputs if "checked" in attrs] == ["tt-pane-card"]
    labels = {attrs["for"] for tag, attrs in Page(pane_switch()).elements if tag == "label"}
    assert labels == {attrs["id"] for attrs in inputs}


def test_a_column_holds_no_ids_so_that_several_can_stand_on_a_page() -> None:
    row = Page(columns_row([arm_column(samples.GOOD, TUNED), arm_column(samples.GOOD, TUNED)]))
    assert not [attrs for _, attrs in row.elements if "id" in attrs]
    assert len(row.with_class("tt-col")) == 2


def test_arms_keep_their_colour_and_every_colour_has_its_own_shape() -> None:
    arms = [
        Arm(ArmKind.ADAPTER, "r8 hot", "r8", 1.0),
        Arm(ArmKind.ADAPTER, "r64", "r64"),
        Arm(ArmKind.BASE, "base"),
        Arm(ArmKind.ADAPTER, "r8", "r8"),
    ]
    looks = arm_looks(arms)
    assert [look.tone for look in looks] == ["tuned", "second", "base", "tuned"]
    assert [look.shape for look in looks] == ["◆1", "▼", "●", "◆4"]
    assert looks[0].note == "temperature 1, base + adapter r8"
