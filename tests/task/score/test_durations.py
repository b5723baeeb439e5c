"""ISO durations and times in prose (metrics A6)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.task.score.durations import duration_minutes, same_duration, time_expressions


@pytest.mark.parametrize("value", ["PT90M", "PT1H30M", "P0DT1H30M", "PT1.5H", "PT5400S"])
def test_one_duration_in_many_forms(value: str) -> None:
    assert duration_minutes(value) == 90
    assert same_duration("PT90M", value)


@pytest.mark.parametrize(
    "value",
    ["PT", "P", "P1M", "P1Y", "-PT5M", "pt15m", "PT1H30", "PT5M-PT10M", "15 min", "PT15M\n", "PT1.5H30M", "", 15, None,
     ["PT5M"], "PT" + "9" * 400 + "M", "PT１M"],
)  # fmt: skip
def test_what_is_no_duration(value: object) -> None:
    assert duration_minutes(value) is None
    assert not same_duration(value, value)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("1 hour 15 minutes", [(75,)]),
        ("an hour and a half", [(90,)]),
        ("half an hour", [(30,)]),
        ("three quarters of an hour", [(45,)]),
        ("1h15", [(75,)]),
        ("1h 05m", [(65,)]),
        ("20-25 min", [(20, 25)]),
        ("20 to 25 minutes", [(20, 25)]),
        ("1½ hours", [(90,)]),
        ("1 1/2 hrs.", [(90,)]),
        ("1 hour, 20 mins", [(80,)]),
        ("twenty minutes", [(20,)]),
        ("a 45-minute bake", [(45,)]),
        ("Prep: 10 min Cook: 1 hr", [(10,), (60,)]),
        ("1 hour hr 15 minutes mins", [(75,)]),
        ("2 days", [(2880,)]),
        ("PT20M", [(20,)]),
        ("overnight, at 350 degrees, 3 eggs", []),
    ],
)
def test_times_in_prose(text: str, minutes: list[tuple[float, ...]]) -> None:
    assert [found.minutes for found in time_expressions(text)] == minutes


@given(st.text())
def test_any_text_can_be_looked_through(text: str) -> None:
    assert all(0 <= found.start < found.end <= len(text) for found in time_expressions(text))
    assert duration_minutes(text) is None or text.startswith("P")


@given(st.integers(0, 9999), st.integers(0, 59))
def test_hours_and_minutes_add_up(hours: int, minutes: int) -> None:
    assert duration_minutes(f"PT{hours}H{minutes}M") == pytest.approx(60 * hours + minutes)
