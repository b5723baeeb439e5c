"""The small pieces that several views draw with."""

import pytest

from studio.views.looks import meter


@pytest.mark.parametrize(("part", "whole", "width"), [(0, 0, 0), (1, 8, 125), (13, 497, 26), (9, 4, 1000), (-1, 4, 0)])
def test_a_bar_is_as_long_as_its_share_and_never_longer(part: int, whole: int, width: int) -> None:
    assert f'<rect width="{width}"' in meter(part, whole)
