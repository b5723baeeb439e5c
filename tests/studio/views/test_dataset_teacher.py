"""What a teacher would cost, in words: nothing unknown is called free, nothing above the cap is promised."""

from typing import Any

from studio.views.dataset_teacher import agree_words, cost_html
from training.chat.cost import Caps, Estimate, Prices, Spending
from training.chat.exchange import Usage
from training.data.teacher.plan import TeacherSpec
from training.task.records import to_json


def quote(**changes: Any) -> dict[str, Any]:
    estimate = Estimate(30, 0, 1000, 2000, 9000, 0.25, 1.5, "USD", False)
    teacher = TeacherSpec("https://teacher.example/v1", "<b>large</b>", prices=Prices(1, 2), caps=Caps(calls=100))
    given: dict[str, Any] = {
        "whose": "teacher", "estimate": to_json(estimate), "asked": to_json(teacher),
        "spending": to_json(Spending.of("teacher", teacher, Usage())),
    }  # fmt: skip
    return {**given, **changes}


def cost(*quotes: dict[str, Any], problem: str = "") -> dict[str, Any]:
    return {"quotes": quotes or (quote(),), "problem": problem, "offer": "ab"}


def test_who_is_asked_for_how_much_and_where_it_stops() -> None:
    said = cost_html(cost(), [["30 calls; 0 answers are here already."]])
    assert "<b>" not in said and "would be asked for 30 texts" in said and "Nothing is paid yet" in said
    assert "It stops at 100 calls" in said and "0 answers are here already" in said
    assert "tt-note-bad" in cost_html(cost(problem="No endpoint answers."), [[]])


def test_the_button_never_says_more_than_the_cap_and_never_calls_the_unknown_free() -> None:
    assert agree_words(cost()) == "Pay about 0.25 USD, at most 1.50, and build"
    capped = quote()
    capped["spending"]["money"] = 0.2
    capped["asked"]["caps"]["money"] = 1.0
    assert agree_words(cost(capped)) == "Pay about 0.25 USD, at most 0.80, and build"
    unknown = quote()
    unknown["estimate"] |= {"money": None, "most_money": None}
    assert agree_words(cost(unknown)) == "Ask the teacher and build"
    known = quote()
    known["estimate"] |= {"known": 30}
    assert agree_words(cost(known)) == "Build: nothing to pay"
    assert "building costs nothing" in cost_html(cost(known), [[]])


def test_a_teacher_and_a_judge_are_added_up_and_told_apart() -> None:
    judge = quote(whose="judge")
    said = cost_html(cost(quote(), judge), [["one"], ["two"]])
    assert "asked for 30 texts" in said and "asked for 30 verdicts" in said
    assert agree_words(cost(quote(), judge)) == "Pay about 0.50 USD, at most 3.00, and build"
    judge["estimate"] |= {"money": None, "most_money": None}
    assert agree_words(cost(quote(), judge)) == "Ask the teacher and the judge and build"
    judge["estimate"] |= {"requests": 0}
    assert agree_words(cost(quote(), judge)) == "Pay about 0.25 USD, at most 1.50, and build"
    assert "No row reaches the judge" in cost_html(cost(judge), [[]])
