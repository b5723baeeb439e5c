"""The ledger: what is paid for stays, whatever kills the process in whatever place."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.chat.exchange import Failure, Reply, Request, Usage
from training.chat.ledger import Ledger
from training.errors import StorageError
from training.task.records import Message


def request(text: str) -> Request:
    return Request("http://localhost/v1", "tiny", {"max_tokens": 9}, "t 1", (Message("user", text),))


A, B, C = request("a"), request("b"), request("c")
REPLY = Reply("An answer.\nWith ½ cup of 日本 \u2028 and more.", "thoughts", "stop", "tiny-1", Usage(2, 10, 5))


def test_a_good_answer_is_found_again_by_its_request_and_a_failure_is_not(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "ledger.jsonl"
    with Ledger(file, now=lambda: "2025-01-01T00:00:00+00:00") as ledger:
        ledger.record(A, REPLY)
        ledger.record(B, Failure("server", "It fell over.", usage=Usage(3)))
        ledger.record(C, Failure("cap", "The cap is reached."))
        assert ledger.find(A.key) == REPLY and ledger.find(B.key) is None
    with Ledger(file) as again:
        assert again.find(A.key) == REPLY and again.knows(A.key) and len(again) == 1
        assert not again.knows(B.key) and again.spent == Usage(5, 10, 5) and again.damaged == ()
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert [line["status"] for line in lines] == ["answered", "failed"], "what was never sent leaves no line"
    assert lines[1]["reason"] == "It fell over." and lines[0]["request"]["messages"][0]["content"] == "a"


def test_an_answer_after_a_failure_counts_and_the_failure_stays_on_record(tmp_path: Path) -> None:
    file = tmp_path / "ledger.jsonl"
    for outcome in (Failure("timeout", "Too slow.", usage=Usage(1)), REPLY):
        with Ledger(file) as ledger:
            ledger.record(A, outcome)
    with Ledger(file) as ledger:
        assert ledger.find(A.key) == REPLY and ledger.spent.calls == 3
    assert len(file.read_text("utf-8").splitlines()) == 2


@settings(deadline=None)
@given(cut=st.integers(1, 10_000))
def test_a_line_torn_anywhere_loses_itself_alone(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    """kill -9 in the middle of a write: the file ends anywhere inside its last line."""
    file = tmp_path_factory.mktemp("torn") / "ledger.jsonl"
    with Ledger(file) as ledger:
        ledger.record(A, REPLY)
        first = file.stat().st_size
        ledger.record(B, REPLY)
    whole = file.read_bytes()
    kept = whole[: first + cut % (len(whole) - first)]
    file.write_bytes(kept)
    torn = len(kept) > first
    complete = len(kept) == len(whole) - 1  # only the line's end is missing: the answer is whole
    with Ledger(file) as ledger:
        assert ledger.find(A.key) == REPLY and ledger.knows(B.key) == complete
        assert ledger.damaged == ((2,) if torn and not complete else ())
        ledger.record(C, REPLY)
    with Ledger(file) as ledger:
        assert ledger.find(A.key) == REPLY and ledger.find(C.key) == REPLY
    assert file.read_bytes().startswith(kept), "nothing that was written is ever changed"


@pytest.mark.parametrize("line", ["no json", "[]", "{}", '{"status": "answered"}', '{"status": "answered", "key": 7}'])
def test_a_strange_line_is_counted_and_passed_over(tmp_path: Path, line: str) -> None:
    file = tmp_path / "ledger.jsonl"
    file.write_text(line + "\n", "utf-8")
    with Ledger(file) as ledger:
        assert ledger.damaged == (1,) and len(ledger) == 0 and ledger.spent == Usage()


def test_a_folder_in_its_place_is_an_error_for_a_person(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="ledger"), Ledger(tmp_path):
        pass
