"""How good the lexical proxy is: right answers against their own post, and against somebody else's."""

from collections import Counter

import pytest

from tests.task.score.recipes import PACK
from training.data.posts import held_out_post
from training.task.score.grounding import ground_items

POSTS = [post for post in map(held_out_post, range(30)) if post.gold]


@pytest.fixture(scope="module")
def shares() -> dict[str, tuple[float, float]]:
    """Field -> share of items supported by (their own post, the post after it)."""
    total, own, other = Counter[str](), Counter[str](), Counter[str]()
    for post, stranger in zip(POSTS, [*POSTS[1:], POSTS[0]], strict=True):
        for item in ground_items(PACK, post.gold, post.text):
            total[item.field] += item.supported is not None
            own[item.field] += item.supported is True
        other.update(item.field for item in ground_items(PACK, post.gold, stranger.text) if item.supported)
    return {field: (own[field] / n, other[field] / n) for field, n in total.items() if n}


def test_what_a_post_says_is_found_in_it(shares: dict[str, tuple[float, float]]) -> None:
    assert {field: own for field, (own, _) in shares.items() if own < 0.98} == {}


def test_what_another_post_says_is_not(shares: dict[str, tuple[float, float]]) -> None:
    limits = {"name": 0.05, "recipeIngredient": 0.2, "recipeInstructions": 0.1, "description": 0.05}
    assert {field: shares[field] for field, limit in limits.items() if shares[field][1] > limit} == {}


def test_every_supported_item_is_pointed_at() -> None:
    for post in POSTS[:8]:
        items = ground_items(PACK, post.gold, post.text)
        assert all(item.spans for item in items if item.supported)
