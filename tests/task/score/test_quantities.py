"""Amounts of ingredients (metrics A6)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.task.score.quantities import Quantity, count_quantities, numbers_of, parse_quantity, same_quantity


@pytest.mark.parametrize(
    ("line", "quantity"),
    [
        ("2 cups flour", Quantity(2, 2, "cup")),
        ("1½ tbsp. oil", Quantity(1.5, 1.5, "tablespoon")),
        ("2-3 eggs", Quantity(2, 3, "")),
        ("2 to 3 cloves garlic", Quantity(2, 3, "clove")),
        ("2 garlic cloves, minced", Quantity(2, 2, "clove")),
        ("1 (14 oz) can tomatoes", Quantity(1, 1, "can")),
        ("a pinch of salt", Quantity(1, 1, "pinch")),
        ("a dozen eggs", Quantity(12, 12, "")),
        ("two dozen clams", Quantity(24, 24, "")),
        ("8 fl oz cream", Quantity(8, 8, "fluid ounce")),
        ("200g butter", Quantity(200, 200, "gram")),
        ("salt to taste", None),
        ("an onion", None),
    ],
)
def test_reading_an_amount(line: str, quantity: Quantity | None) -> None:
    assert parse_quantity(line) == quantity


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("1 cup milk", "237 ml milk", True),
        ("1 kg beef", "1000 g beef", True),
        ("4 tbsp oil", "1/4 cup oil", True),
        ("1 lb beef", "450 g beef", True),
        ("1 cup milk", "250 ml milk", False),
        ("1 cup sugar", "200 g sugar", False),
        ("2-3 eggs", "2 eggs", False),
        ("2 cloves garlic", "2 garlic cloves", True),
        ("1 cup milk", "milk", False),
    ],
)
def test_equal_amounts(one: str, other: str, same: bool) -> None:
    left, right = parse_quantity(one), parse_quantity(other)
    assert left is not None
    assert same_quantity(left, right) is same


def test_counts_over_matched_pairs() -> None:
    pairs = [("2 cups flour", "2 cups flour"), ("3 eggs", "4 eggs"), ("salt", "7 g salt"), ("1 cup milk", "milk")]
    got = count_quantities(pairs, source_numbers={2.0, 3.0, 4.0, 1.0})
    assert (got.pairs, got.quantity_ok, got.quantity_n) == (4, 1, 3)
    assert (got.unit_ok, got.unit_n) == (1, 2)
    assert (got.invented, got.with_number) == (1, 3)
    assert got.exact == 1


def test_numbers_of_a_text() -> None:
    assert numbers_of("Two eggs, ½ cup, a pinch, 3 dozen, 1 1/2") == {2.0, 0.5, 1.0, 3.0, 36.0, 1.5}


@given(st.text())
def test_any_line_can_be_read(line: str) -> None:
    found = parse_quantity(line)
    assert found is None or (found.low <= found.high and same_quantity(found, found))
