"""Votes by side, and that names stay hidden until one is cast."""

from pathlib import Path

import pytest

from studio.actions.votes import Choice, vote
from studio.deps import Deps
from studio.queries.kept import kept
from tests.fakes import ADAPTER, make_comparison, make_deps
from training.errors import InputError
from training.shelf import Ballot


@pytest.fixture
def deps(tmp_path: Path) -> Deps:
    deps = make_deps(tmp_path)
    deps.shelf("page").add_comparison(make_comparison("v"))
    deps.shelf("page").add_ballot(Ballot("v", (ADAPTER, "base"), seed=9))
    return deps


@pytest.mark.parametrize(("choice", "winner"), [("left", ADAPTER), ("right", "base"), ("tie", "tie"), ("reveal", "")])
def test_a_vote_counts_for_the_side_as_shown(deps: Deps, choice: Choice, winner: str) -> None:
    before = kept(deps, "page", "v")
    assert before.hidden and before.winner is None and before.standing is None
    vote(deps, "page", "v", choice)
    after = kept(deps, "page", "v")
    assert (after.hidden, after.winner) == (False, winner)
    assert [arm["generation"]["arm"]["label"] for arm in after.arms] == [ADAPTER, "base"]
    assert (after.standing is None) == (choice == "reveal")


def test_names_stay_hidden_over_a_refresh(deps: Deps, tmp_path: Path) -> None:
    assert kept(make_deps(tmp_path), "a new page", "v").hidden


def test_nothing_to_vote_on_is_said(deps: Deps) -> None:
    with pytest.raises(InputError, match="no blind comparison"):
        vote(deps, "page", "", "left")
    vote(deps, "page", "v", "tie")
    with pytest.raises(InputError, match="voted on before"):
        vote(deps, "page", "v", "left")
