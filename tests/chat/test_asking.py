"""Many questions to one endpoint: whose ledger it is."""

from pathlib import Path

import pytest

from tests.data.teacher.server import Teacher, good
from training.chat.asking import Asking, Terms
from training.chat.keys import Key
from training.data.teacher.plan import TeacherSpec
from training.errors import DataError


def test_one_process_at_a_time_asks_with_a_ledger(tmp_path: Path) -> None:
    with Teacher(good).running() as teacher:
        terms = Terms(TeacherSpec(teacher.url, "tiny"), Key(""), tmp_path / "teacher-soups.jsonl")
        other = Terms(TeacherSpec(teacher.url, "tiny"), Key(""), tmp_path / "teacher-stews.jsonl")
        with (
            Asking(terms),
            Asking(other),
            pytest.raises(DataError, match=r"teacher-soups\.jsonl") as found,
            Asking(terms),
        ):
            pass
        assert "Wait until it is done" in found.value.fix
        with Asking(terms) as asking:  # free again
            assert asking.stopped == ""
    assert not list(tmp_path.glob(".*"))
