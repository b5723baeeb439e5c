"""Answers are read from the log, else from the frame, which holds the same ones."""

from pathlib import Path

import pytest

from tests.evals.eval_rows import lines
from tests.studio.eval_samples import make_evaluation, sample_answers, sample_rows
from training.errors import InputError
from training.evals.answers_read import Given, answers_in
from training.evals.records import ANSWERS, GEN
from training.task.records import to_json


def test_the_frame_holds_what_the_log_held(tmp_path: Path) -> None:
    arms = ("base", "empty")
    folder = make_evaluation(tmp_path, count=6, arms=arms)
    assert (folder / GEN).is_file() and not (folder / ANSWERS).exists()
    given = {(one.arm, one.doc, one.k): (one.raw, one.finish) for one in answers_in(folder)}
    answers = [one for found in sample_answers(sample_rows(6), arms).values() for one in found]
    assert given == {(one.arm, one.doc, one.k): (one.raw, one.finish) for one in answers}
    lines(folder / ANSWERS, [to_json(one) for one in answers])
    assert {(one.arm, one.doc, one.k): (one.raw, one.finish) for one in answers_in(folder)} == given


def test_the_log_decides_and_its_later_line_comes_later(tmp_path: Path) -> None:
    line = {"arm": "a", "doc": "1", "k": 0, "raw": "first", "finish": "error"}
    lines(tmp_path / ANSWERS, [line, line | {"raw": "second", "finish": "eos"}])
    assert list(answers_in(tmp_path))[-1] == Given("a", "1", 0, "second", "eos")


def test_a_folder_without_either_is_no_evaluation(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"neither answers\.jsonl nor gen\.parquet"):
        list(answers_in(tmp_path))
