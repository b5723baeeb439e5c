"""A split keeps together what belongs together, whatever the order of the rows, and comes near to what was wanted."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.data.rows import DataRow
from training.data.spec import PRESETS, SplitSpec
from training.data.split import PIN, shares_of, split_rows
from training.data.split_report import Split
from training.errors import DataError


def row(group: str, number: int = 0, slice: str = "plain", date: str | None = None, source: str = "") -> DataRow:
    text = source or f"post {number} of {group}"
    return DataRow("recipe-jsonld", text, {"name": group}, group, "made up", f"row {number}", slice=slice, date=date)


def groups_of(sizes: Sequence[int], slices: Sequence[str] = ("plain",)) -> list[DataRow]:
    return [
        row(f"g{index}", number, slices[(index + number) % len(slices)])
        for index, size in enumerate(sizes)
        for number in range(size)
    ]


def parts_by_group(rows: Sequence[DataRow], split: Split) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for item in rows:
        found.setdefault(item.group, set()).add(split.parts[item.id])
    return found


SIZES = st.lists(st.integers(1, 6), min_size=40, max_size=80)
SLICES = st.lists(st.sampled_from(["plain", "orders", "not_recipe", "long"]), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None)
@given(SIZES, SLICES, st.sampled_from([*PRESETS]), st.integers(0, 99), st.randoms(use_true_random=False))
def test_no_group_on_two_sides_whatever_the_order(
    sizes: list[int], slices: list[str], preset: str, seed: int, chance: st.DataObject
) -> None:
    rows = groups_of(sizes, slices)
    spec = SplitSpec(preset)
    try:
        split = split_rows(rows, spec, seed)
    except DataError as err:  # one large group at the end can leave a small part without any
        assert "would be empty" in str(err)
        return
    assert all(len(parts) == 1 for parts in parts_by_group(rows, split).values())
    shuffled = list(rows)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert split_rows(shuffled, spec, seed) == split
    assert sum(split.got.values()) == len(rows) == sum(split.wanted.values())
    for part, share in spec.wanted.items():
        assert abs(split.got[part] - share * len(rows)) <= max(sizes) + 1
        assert abs(split.got[part] - split.wanted[part]) <= max(sizes)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 28), min_size=30, max_size=80), st.integers(0, 99))
def test_by_date_training_ends_before_anything_else_begins(days: list[int], seed: int) -> None:
    rows = [row(f"g{n}", n, date=f"2026-03-{day:02}") for n, day in enumerate(days)]
    try:
        split = split_rows(rows, SplitSpec("90/10", by="date"), seed)
    except DataError as err:
        assert "would be empty" in str(err)
        return
    dates = {part: [r.date or "" for r in rows if split.parts[r.id] == part] for part in ("train", "test")}
    assert max(dates["train"]) < min(dates["test"])
    assert split.days == {part: (min(found), max(found)) for part, found in dates.items()}
    biggest_day = max(Counter(days).values())
    assert abs(split.got["test"] - split.wanted["test"]) <= biggest_day


def test_another_seed_is_another_split() -> None:
    rows = groups_of([1] * 60)
    assert split_rows(rows, SplitSpec(), 1).parts != split_rows(rows, SplitSpec(), 2).parts


def test_each_part_has_its_share_of_each_slice() -> None:
    rows = [row(f"g{n}", n, "plain" if n % 5 else "not_recipe") for n in range(500)]
    split = split_rows(rows, SplitSpec("80/10/10"), 7)
    assert split.got == {"train": 400, "dev": 50, "test": 50}
    for part, count in {"train": 80, "dev": 10, "test": 10}.items():
        assert abs(split.slices[part]["not_recipe"] - count) <= 1


def test_the_same_text_in_two_groups_joins_them() -> None:
    rows = [row(f"g{n}", n) for n in range(40)] + [row(f"h{n}", n, source=f"post {n} of g{n}") for n in range(40)]
    split = split_rows(rows, SplitSpec("80/10/10"), 7)
    for n in range(40):
        assert split.parts[rows[n].id] == split.parts[rows[40 + n].id]


def test_golden_and_adversarial_rows_are_set_apart() -> None:
    slices = ["plain", "plain", "plain", "orders", "near_miss"]
    rows = [row(f"g{n}", n, slices[n % 5]) for n in range(300)]
    split = split_rows(rows, SplitSpec("80/10/10", golden=20, adversarial=12), 7)
    assert (split.got["golden"], split.got["adversarial"]) == (20, 12)
    assert set(split.slices["adversarial"]) == {"orders", "near_miss"}
    assert split.slices["golden"]["plain"] > 0  # golden is like the rest
    assert split.got["train"] == round(0.8 * (300 - 32))
    assert split.slices["test"].get("orders", 0) + split.slices["test"].get("near_miss", 0) > 0


def test_what_else_is_in_an_adversarial_group_is_tested_and_never_trained() -> None:
    rows = groups_of([4] * 50, ["plain", "plain", "plain", "orders"])
    split = split_rows(rows, SplitSpec("80/10/10", adversarial=5), 7)
    assert split.got["adversarial"] == 5
    for parts in parts_by_group(rows, split).values():
        assert parts in ({"adversarial", "test"}, {"train"}, {"dev"}, {"test"})


def test_a_pinned_source_goes_where_it_was_pinned_and_takes_its_group_along() -> None:
    rows = groups_of([1] * 40)
    rows[3] = replace(rows[3], notes={PIN: "golden"})
    rows.append(row(rows[3].group, 99))
    split = split_rows(rows, SplitSpec("80/10/10"), 7)
    assert {split.parts[rows[3].id], split.parts[rows[-1].id]} == {"golden"}
    assert (split.got["golden"], split.pinned) == (2, 2)


def test_two_dates_of_one_day_stay_together() -> None:
    rows = [row(f"a{n}", n, date="2026-03-01T08:00:00+00:00") for n in range(8)]
    rows += [row(f"b{n}", n, date="2026-03-01") for n in range(3)] + [row("c", 1, date="2026-03-02")]
    split = split_rows(rows, SplitSpec("80/10/10", shares={"train": 0.8, "test": 0.2}, by="date"), 7)
    assert split.got == {"train": 11, "test": 1}
    assert split.days == {"train": ("2026-03-01", "2026-03-01"), "test": ("2026-03-02", "2026-03-02")}


def test_a_group_that_spans_the_cut_moves_whole() -> None:
    rows = [row(f"g{n}", n, date=f"2026-03-{n + 1:02}") for n in range(20)]
    rows += [row("long", 1, date="2026-03-15"), row("long", 2, date="2026-03-19")]
    split = split_rows(rows, SplitSpec("90/10", by="date"), 7)
    assert split.parts[rows[-1].id] == split.parts[rows[-2].id]
    assert split.days is not None and split.days["train"][1] < split.days["test"][0]


@pytest.mark.parametrize(
    ("rows", "spec", "says"),
    [
        ([], SplitSpec(), "no rows"),
        (groups_of([50]), SplitSpec("80/10/10"), "in 1 groups"),
        (groups_of([1] * 5), SplitSpec("95/5"), "5 rows in 5 groups"),
        (groups_of([1] * 50), SplitSpec(adversarial=3), "no row of orders"),
        (groups_of([1] * 50), SplitSpec(by="date"), "50 of 50 rows have no date, the first is made up, row 0"),
        ([row("g", 1, date="soon")], SplitSpec(by="date"), "'soon'"),
        ([row(f"g{n}", n, date="2026-03-01") for n in range(9)], SplitSpec("90/10", by="date"), "no day"),
    ],
)
def test_what_cannot_be_split_is_told(rows: list[DataRow], spec: SplitSpec, says: str) -> None:
    with pytest.raises(DataError) as caught:
        split_rows(rows, spec, 7)
    assert says in str(caught.value)
    assert caught.value.fix


def test_a_pin_that_breaks_the_order_of_dates_is_told() -> None:
    rows = [row(f"g{n}", n, date=f"2026-03-{n + 1:02}") for n in range(28)]
    rows[0] = replace(rows[0], notes={PIN: "test"})
    with pytest.raises(DataError, match="1 rows are pinned"):
        split_rows(rows, SplitSpec("90/10", by="date"), 7)


def test_the_report_states_wanted_and_got_with_denominators() -> None:
    report = split_rows(groups_of([2] * 50), SplitSpec("80/10/10"), 7).report()
    assert report["rows"] == 100
    assert report["parts"]["train"]["wanted_rows"] == report["parts"]["train"]["got_rows"] == 80
    assert report["parts"]["dev"] | {"days": None} == {
        "wanted_rows": 10, "got_rows": 10, "got_share": 0.1, "groups": 5, "slices": {"plain": 10}, "days": None,
    }  # fmt: skip


def test_shares_as_people_write_them() -> None:
    assert shares_of("80/10/10") == {"train": 0.8, "dev": 0.1, "test": 0.1}
    assert shares_of("95/5") == {"train": 0.95, "test": 0.05}
    for wrong in ("80", "80/10", "80/10/5/5", "a/b", "-10/110", ""):
        with pytest.raises(DataError):
            shares_of(wrong)
