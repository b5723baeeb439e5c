"""Answers kept as they come: an evaluation goes on from any line, and from half of one."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.errors import DataError
from training.evals.answers_log import AnswersLog, line_of
from training.evals.records import Answered

ARMS, DOCS = ["base", "adapter:x"], ["a", "b", "c"]


def answer(arm: str = "base", doc: str = "a", k: int = 0, raw: str = "x", finish: str = "eos") -> Answered:
    return Answered(arm, doc, k, raw, finish, "sha", 10, 3, 0.5, 0.1, 0.2, 8)


def test_what_was_kept_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    log = AnswersLog(path, ARMS, DOCS, samples=2)
    odd = answer(doc="b", k=1, raw='half \ud800, "quotes"\n\x00 and \u2028')
    for one in (answer(), odd, answer("adapter:x", "c")):
        log.append(one)
    log.close()
    log = AnswersLog(path, ARMS, DOCS, samples=2)
    assert log.get("base", "b", 1) == odd and log.torn == ""
    assert (log.count("base"), log.count("adapter:x")) == (2, 1)
    assert list(log.missing("base")) == [("a", 1), ("b", 0), ("c", 0), ("c", 1)]
    assert [(found.arm, found.k) for found in log.of("c")] == [("adapter:x", 0)]
    assert not log.has("base", "c") and log.get("base", "c") is None
    log.close()


@given(cut=st.integers(1, 400))
def test_a_torn_last_line_is_told_and_asked_again(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("log") / "answers.jsonl"
    written = [line_of(answer(doc=doc)) for doc in DOCS]
    whole = "".join(written).encode()
    path.write_bytes(whole[: -min(cut, len(whole) - 1)])
    log = AnswersLog(path, ARMS, DOCS)
    left = path.read_bytes()
    assert whole.startswith(left) and (not left or left.endswith(b"\n"))
    assert log.count("base") == left.count(b"\n")
    assert bool(log.torn) == (len(whole) - min(cut, len(whole) - 1) != len(left))
    for doc, _ in list(log.missing("base")):
        log.append(answer(doc=doc))
    log.close()
    assert sorted(path.read_text("ascii").splitlines(keepends=True)) == sorted(written)


def test_a_broken_line_in_the_middle_is_an_error_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text(line_of(answer()) + '{"arm": "base"}\n' + line_of(answer(doc="b")), "ascii")
    with pytest.raises(DataError, match="line 2 is no answer"):
        AnswersLog(path, ARMS, DOCS)


def test_an_error_is_asked_again_and_the_later_line_counts(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text(line_of(answer(finish="error", raw="")), "ascii")
    log = AnswersLog(path, ARMS, DOCS)
    assert not log.has("base", "a")
    log.append(answer(raw="now"))
    log.close()
    log = AnswersLog(path, ARMS, DOCS)
    found = log.get("base", "a")
    assert found is not None and found.raw == "now"
    log.close()


def test_answers_that_count_no_more_are_taken_out(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    kept = answer(doc="b")
    path.write_text("".join(map(line_of, (answer("gone"), kept, answer(doc="z"), answer("adapter:x")))), "ascii")
    log = AnswersLog(path, ARMS, DOCS, keep=lambda one: one.arm == "base")
    assert log.get("base", "b") == kept and log.count("adapter:x") == 0
    assert path.read_text("ascii") == line_of(kept)
    log.append(answer(doc="c", raw="y"))
    assert log.get("base", "c") == answer(doc="c", raw="y")
    log.close()
