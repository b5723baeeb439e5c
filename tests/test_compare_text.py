"""The one flow, for a task whose answer is text and for one that asks for news: prompt, stop, parse, score, card."""

import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from studio.views.card import card_html
from studio.views.panes import json_html
from studio.views.words import finish_words, one_line, parse_verdict, short_line
from tests.fakes import BASE, FakeEngine
from training.compare import Done, Request, run
from training.engine.api import Delta, EndMarker, Row, Stop
from training.task.pack import BUILTIN, load_pack
from training.task.records import Arm, ArmKind, Comparison, FinishReason, Generation, Sampling, Source, Tier, to_json
from training.task.sections import write_sections

WRITER, NEWS = load_pack(BUILTIN / "recipe-writer"), load_pack(BUILTIN / "news-metadata")
EXAMPLE = WRITER.examples[0]
ARM = Arm(ArmKind.BASE, "base")


@dataclass
class StoppedEngine(FakeEngine):
    """Remembers how its answers were to be stopped."""

    stop: Stop = None

    def generate(
        self, rows: Sequence[Row], sampling: Sampling, stop: Stop, cancel: threading.Event, pack: Any = None
    ) -> Iterator[Delta | Generation]:
        self.stop = stop
        return super().generate(rows, sampling, stop, cancel, pack)


def compare(task: Any, answer: str, text: str, gold: dict[str, Any] | None = None) -> tuple[Comparison, StoppedEngine]:
    engine = StoppedEngine(script={ArmKind.BASE: answer})
    asked = Request(task, BASE, Source(text), (ARM,), Sampling(max_new_tokens=400), gold=gold)
    events = list(run(asked, engine, threading.Event()))
    assert isinstance(events[-1], Done)
    return events[-1].comparison, engine


def written() -> str:
    assert EXAMPLE.gold is not None
    return write_sections(WRITER.answer, EXAMPLE.gold)


def test_a_text_answer_ends_at_its_marker_and_is_read_and_scored() -> None:
    found, engine = compare(WRITER, written(), EXAMPLE.text, EXAMPLE.gold)
    assert engine.stop == EndMarker("[END]")
    (arm,) = found.arms
    assert (arm.parsed.tier, arm.parsed.object, arm.schema_errors) == (Tier.STRICT, EXAMPLE.gold, ())
    assert next(score.value for score in arm.scores if score.metric == "exact_record") == 1.0
    data = to_json(arm)
    assert parse_verdict(data).words == "exactly in form"
    assert one_line(data) == "exactly in form, schema valid, no items to check"
    assert "Lemon Cake" in card_html(arm, WRITER) and "2 lemons, zest and juice" in card_html(arm, WRITER)


def test_the_words_of_a_text_answer_never_speak_of_json() -> None:
    answers = [written(), f"Sure!\n{written()}", written()[:60], "", "Boil some water.", "[END]"]
    for answer in answers:
        data = to_json(compare(WRITER, answer, EXAMPLE.text)[0].arms[0])
        words = [parse_verdict(data).words, one_line(data), short_line(data), card_html(data, WRITER)]
        assert not any("JSON" in text or "object" in text for text in words), answer
    data = to_json(compare(WRITER, "Boil some water.", EXAMPLE.text)[0].arms[0])
    assert "Not in form." in json_html(data)
    assert parse_verdict(data).words == "not in form: ended by the model"
    assert finish_words(data["generation"] | {"finish_reason": FinishReason.STOP}) == "complete answer"
    assert "nothing to write about" in card_html(compare(WRITER, "[END]", "Parking ticket")[0].arms[0], WRITER)


def test_a_comparison_kept_before_there_were_text_answers_still_reads_as_json() -> None:
    data = to_json(compare(NEWS, "{}", NEWS.examples[0].text)[0].arms[0])
    del data["parsed"]["form"]
    assert parse_verdict(data).words == "strict JSON, empty"


def test_a_news_answer_is_stopped_at_its_object_and_its_card_holds_all_four_parts() -> None:
    example = NEWS.examples[1]
    found, engine = compare(NEWS, json.dumps(example.gold), example.text, example.gold)
    assert engine.stop == "json"
    (arm,) = found.arms
    assert arm.parsed.tier is Tier.STRICT and arm.schema_errors == ()
    page = card_html(arm, NEWS)
    for part in ("Relevance", "Insights", "Companies", "Quiet Lantern", "Kalvane has collected 180 million dollars"):
        assert part in page
    assert one_line(to_json(arm)) == "strict JSON, schema valid, 6 of 6 items in the text"
