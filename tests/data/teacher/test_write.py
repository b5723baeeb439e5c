"""From source rows to rows of a dataset through a real server: in order, within caps, paid once, and told why not."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.data.teacher.server import (
    DROP,
    HANG,
    Say,
    Script,
    Teacher,
    clean_post,
    completion,
    fault,
    given,
    good,
    in_turn,
    recipe,
)
from training.chat.asking import NONE_USABLE, Terms
from training.chat.cost import Caps, Prices
from training.chat.keys import Key
from training.data.rows import BadRecord, DataRow, SourceRow
from training.data.teacher.check import Judge
from training.data.teacher.plan import TeacherSpec
from training.data.teacher.prompts import load_prompts
from training.data.teacher.write import TeacherProgress, estimate_posts, write_posts, write_with
from training.errors import DataError
from training.task.pack import BUILTIN, load_pack

ROOT = Path(__file__).resolve().parents[3]
PACK = load_pack(BUILTIN / "recipe-jsonld")
PROMPTS = load_prompts(PACK.path)
SECRET = "sk-test-7f3a9c51e2d84b60"


def recipes(count: int) -> Iterator[SourceRow | BadRecord]:
    return (recipe(number) for number in range(count))


class Desk:
    """One server and one ledger over several runs. `states` are the progress records of the last run."""

    def __init__(self, folder: Path, script: Script) -> None:
        self.teacher, self.ledger, self.states = Teacher(script), folder / "ledger.jsonl", list[TeacherProgress]()

    def spec(self, **settings: Any) -> TeacherSpec:
        defaults = {"styles": ("clean",), "retries": 1, "timeout_s": 20.0, "concurrency": 3}
        return TeacherSpec(self.teacher.url, "tiny", **{**defaults, **settings})

    def write(
        self,
        rows: Iterator[SourceRow | BadRecord],
        cancel: Callable[[], bool] = lambda: False,
        grace_s: float = 20.0,
        **settings: Any,
    ) -> Iterator[DataRow | BadRecord]:
        async def no_wait(_: float) -> None: ...

        self.states = []
        spec = self.spec(**settings)
        terms = Terms(spec, Key(SECRET), self.ledger, no_wait, grace_s)
        return write_with(rows, Judge(PROMPTS, PACK, spec.policy), terms, self.states.append, cancel)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Callable[[Script], Desk]]:
    from contextlib import ExitStack

    with ExitStack() as stack:

        def open_desk(script: Script) -> Desk:
            made = Desk(tmp_path, script)
            stack.enter_context(made.teacher.running())
            return made

        yield open_desk


Open = Callable[[Script], Desk]


def rows_of(made: list[DataRow | BadRecord]) -> list[DataRow]:
    return [row for row in made if isinstance(row, DataRow)]


def reasons(made: list[DataRow | BadRecord]) -> list[str]:
    return [row.reason for row in made if isinstance(row, BadRecord)]


def test_rows_come_in_the_order_of_the_source_and_a_second_run_pays_nothing(desk: Open) -> None:
    def uneven(number: int, body: dict[str, Any]) -> Say:
        time.sleep(0.05 * (number % 3))
        return good(number, body)

    at = desk(uneven)
    first = list(at.write(recipes(9)))
    assert [row.group for row in rows_of(first)] == [f"group-{number}" for number in range(9)]
    assert len(at.teacher.calls) == 9 and at.states[-1].kept == 9 and at.states[-1].spent.output_tokens == 450
    second = list(at.write(recipes(9)))
    assert second == first and len(at.teacher.calls) == 9
    last = at.states[-1]
    assert (last.from_ledger, last.answered, last.spent.calls, last.stopped) == (9, 0, 9, "")


def test_the_same_question_twice_is_asked_once(desk: Open) -> None:
    at = desk(good)
    made = list(at.write(iter([recipe(1), recipe(1), recipe(1)])))
    assert len(rows_of(made)) == 3 and len(at.teacher.calls) == 1 and at.states[-1].spent.calls == 1


def test_what_fails_is_told_and_asked_again_next_time(desk: Open) -> None:
    broken = {"on": True}

    def script(number: int, body: dict[str, Any]) -> Say:
        bad = {"Number 1 ": fault(500, "boom"), "Number 2 ": DROP, "Number 3 ": completion("Half", finish="length"),
               "Number 4 ": completion("")}  # fmt: skip
        found = next((say for name, say in bad.items() if name in given(body)), None)
        return found if found and broken["on"] else good(number, body)

    at = desk(script)
    made = list(at.write(recipes(6)))
    assert len(made) == 6 and len(rows_of(made)) == 2
    assert at.states[-1].refused == {"server": 1, "connection": 1, "truncated": 1, "empty": 1}
    assert ["status 500" in reasons(made)[0], "cut off after 50 tokens" in reasons(made)[2]] == [True, True]
    calls, broken["on"] = len(at.teacher.calls), False
    assert len(rows_of(list(at.write(recipes(6))))) == 6
    assert len(at.teacher.calls) == calls + 4, "only the four that failed are asked again"
    assert at.states[-1].spent.calls == len(at.teacher.calls), "the ledger counts every call, failed ones too"


def test_rows_that_cannot_be_asked_about_and_bad_records_pass_with_their_reason(desk: Open) -> None:
    at = desk(good)
    bad = BadRecord("recipes.csv", "line 7", "no closing quote")
    made = list(at.write(iter([bad, recipe(1), recipe(2, title=""), recipe(3)])))
    assert made[0] is bad and len(rows_of(made)) == 2 and "it has no title" in reasons(made)[1]
    last = at.states[-1]
    assert last.refused == {"source": 1, "unusable": 1} and last.source_rows == 3
    assert len(made) == last.kept + last.review + sum(last.refused.values()), "the counts add up"


def test_a_wrong_key_stops_everything_at_once_with_what_to_do(desk: Open) -> None:
    at = desk(in_turn(fault(401, f"Incorrect API key: {SECRET}")))
    with pytest.raises(DataError, match="does not accept the key") as error:
        list(at.write(recipes(50)))
    assert "key_env" in error.value.fix and len(at.teacher.calls) <= 6
    assert SECRET not in str(error.value) + error.value.fix + at.ledger.read_text("utf-8")


def test_a_teacher_that_dies_half_way_is_given_up_and_nothing_is_lost(desk: Open) -> None:
    dead = {"after": 5}

    def script(number: int, body: dict[str, Any]) -> Say:
        return good(number, body) if number < dead["after"] else fault(503, "gone")

    at, made = desk(script), list[DataRow | BadRecord]()
    with pytest.raises(DataError, match="failed 4 times in a row") as error:
        for row in at.write(recipes(100), concurrency=1, give_up_after=4):
            made.append(row)
    assert len(rows_of(made)) == 5 and len(reasons(made)) == 4
    assert "5 answers in the ledger are kept" in error.value.fix
    dead["after"], calls = 10**6, len(at.teacher.calls)
    assert len(rows_of(list(at.write(recipes(10))))) == 10
    assert len(at.teacher.calls) == calls + 5


def test_a_teacher_that_only_writes_nonsense_is_given_up(desk: Open) -> None:
    at = desk(in_turn(completion("blah blah")))
    with pytest.raises(
        DataError, match=f"None of the teacher's first {NONE_USABLE} answers can be used .style {NONE_USABLE}"
    ):
        list(at.write(recipes(100)))
    assert len(at.teacher.calls) <= NONE_USABLE + 6


def test_a_cap_on_calls_stops_cleanly_and_counts_what_was_paid_before(desk: Open) -> None:
    at = desk(good)
    made = list(at.write(recipes(50), caps=Caps(calls=7)))
    assert len(rows_of(made)) == 7 and len(at.teacher.calls) == 7
    assert "cap of 7 calls" in at.states[-1].stopped and any("cap of 7 calls" in reason for reason in reasons(made))
    again = list(at.write(recipes(50), caps=Caps(calls=7)))
    assert len(rows_of(again)) == 7 and len(at.teacher.calls) == 7, "what is paid for is still given out"
    more = list(at.write(recipes(50), caps=Caps(calls=9)))
    assert len(rows_of(more)) == 9 and len(at.teacher.calls) == 9


def test_a_cap_on_money_is_never_passed(desk: Open) -> None:
    at = desk(good)
    spec = {"prices": Prices(1000.0, 1000.0, "EUR"), "caps": Caps(money=5.0), "max_tokens": 100}
    made = list(at.write(recipes(50), **spec))
    last = at.states[-1]
    assert last.money is not None and 0 < last.money <= 5.0 and last.currency == "EUR"
    assert 0 < len(rows_of(made)) < 50 and "cap of 5 EUR" in last.stopped


def test_a_stop_by_hand_ends_without_an_error_and_goes_on_later(desk: Open) -> None:
    at, stop = desk(good), threading.Event()
    made = list[DataRow | BadRecord]()
    for row in at.write(recipes(40), stop.is_set):
        made.append(row)
        if len(made) == 5:
            stop.set()
    assert len(made) == 5 and at.states[-1].stopped == "Stopped by hand"
    calls = len(at.teacher.calls)
    assert calls < 40
    assert len(rows_of(list(at.write(recipes(40))))) == 40
    assert len(at.teacher.calls) == 40, "what was under way when it stopped was kept"


def test_a_stop_by_hand_does_not_wait_for_a_teacher_that_hangs(desk: Open) -> None:
    at = desk(in_turn(HANG))
    assert list(at.write(recipes(3), lambda: len(at.teacher.calls) >= 3, 0.2)) == []
    lines = [json.loads(line) for line in at.ledger.read_text("utf-8").splitlines()]
    assert [(line["kind"], line["usage"]["calls"]) for line in lines] == [("cancelled", 1)] * 3


def test_a_hanging_teacher_is_a_failure_after_its_time(desk: Open) -> None:
    def script(number: int, body: dict[str, Any]) -> Say:
        return HANG if "Number 1 " in given(body) else good(number, body)

    made = list(desk(script).write(recipes(3), timeout_s=1.0, retries=0))
    assert len(rows_of(made)) == 2 and "No whole answer within 1 s" in reasons(made)[0]


def test_review_and_trim_are_counted_apart(desk: Open) -> None:
    def script(number: int, body: dict[str, Any]) -> Say:
        post = clean_post(given(body)).replace("- 1 tsp cumin\n", "").replace(" and stir in the cumin", "")
        return completion(post, reasoning_content="No cumin for them.")

    at = desk(script)
    assert at.states == [] and reasons(list(at.write(recipes(3))))[0].count("cumin") == 1
    assert at.states[-1].refused == {"unsupported": 3}
    reviewed = rows_of(list(at.write(recipes(3), policy="review")))
    assert at.states[-1].review == 3 and all("review" in row.notes for row in reviewed)
    trimmed = rows_of(list(at.write(recipes(3), policy="trim")))
    assert at.states[-1].kept == 3 and all("1 tsp cumin" not in row.gold["recipeIngredient"] for row in trimmed)
    assert trimmed[0].reasoning == "No cumin for them." and "No cumin" not in trimmed[0].source
    assert len(at.teacher.calls) == 3, "a policy is applied to answers that are paid for"


def test_the_estimate_and_the_bill(desk: Open, tmp_path: Path) -> None:
    at = desk(good)
    spec = at.spec(prices=Prices(1.0, 2.0))
    before = estimate_posts(recipes(4), PACK, spec, at.ledger)
    assert (before.requests, before.known) == (4, 0) and before.money is not None and before.money > 0
    list(at.write(recipes(3)))
    after = estimate_posts(iter([recipe(9, title=""), *recipes(4)]), "recipe-jsonld", spec, at.ledger)
    assert (after.requests, after.known) == (4, 3) and len(at.teacher.calls) == 3


def test_a_missing_key_and_an_unknown_style_are_told_before_the_first_row(tmp_path: Path) -> None:
    url = "http://127.0.0.1:9/v1"
    with pytest.raises(DataError, match="TT_NO_SUCH_KEY is not set"):
        write_posts(recipes(1), "recipe-jsonld", TeacherSpec(url, "m", "TT_NO_SUCH_KEY"), tmp_path / "l.jsonl")
    with pytest.raises(DataError, match="'haiku'"):
        write_posts(recipes(1), "recipe-jsonld", TeacherSpec(url, "m", styles=("haiku",)), tmp_path / "l.jsonl")


CHILD = """
import sys
from pathlib import Path
from tests.data.teacher.server import recipe
from training.data.teacher.plan import TeacherSpec
from training.data.teacher.write import write_posts
spec = TeacherSpec(sys.argv[1], "tiny", "TT_KEY", concurrency=2, styles=("clean",))
for row in write_posts((recipe(number) for number in range(12)), "recipe-jsonld", spec, Path(sys.argv[2])):
    print(row.place, flush=True)
"""


def test_killed_in_the_middle_it_pays_for_nothing_twice_and_writes_no_key(desk: Open, tmp_path: Path) -> None:
    """kill -9 while calls are under way; then the same command again."""
    begun = threading.Event()

    def script(number: int, body: dict[str, Any]) -> Say:
        if number >= 6 and not begun.is_set():
            begun.set()
            return HANG
        return good(number, body)

    at = desk(script)
    place = {"cwd": ROOT, "env": {**os.environ, "TT_KEY": SECRET, "PYTHONPATH": str(ROOT)}}
    command = [sys.executable, "-c", CHILD, at.teacher.url, str(at.ledger)]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **place)
    assert begun.wait(120), "the child asks"
    deadline = time.monotonic() + 30
    while len(answered(at.ledger)) < 6 and time.monotonic() < deadline:
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    paid = answered(at.ledger)
    assert len(paid) >= 6
    with at.ledger.open("ab") as file:
        file.write(b'{"key": "torn in the mid')
    done = subprocess.run(command, capture_output=True, text=True, check=True, **place)
    assert done.stdout.splitlines() == [f"line {number}" for number in range(12)]
    assert len(answered(at.ledger)) == 12 and len(set(answered(at.ledger))) == 12
    good_calls = [json.dumps(call, sort_keys=True) for call in at.teacher.calls]
    under_way = 2
    assert len(set(good_calls)) == 12 and len(good_calls) <= 12 + under_way
    for file in tmp_path.rglob("*"):
        assert SECRET.encode() not in file.read_bytes()
    assert SECRET not in done.stdout + done.stderr


def answered(ledger: Path) -> list[str]:
    """The keys of whole lines with good answers."""
    lines = ledger.read_bytes().split(b"\n")[:-1] if ledger.exists() else []
    read = [json.loads(line) for line in lines if line.endswith(b"}")]
    return [line["key"] for line in read if line["status"] == "answered"]
