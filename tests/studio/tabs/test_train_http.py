"""The train tab over HTTP, as a page calls it: a choice that came with a tick is accepted, a refusal has words."""

import html
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio.actions.run_form import SHOWN, values_of
from studio.deps import Deps
from tests.fakes import FakeEngine
from tests.studio.conftest import Window
from tests.studio.run_samples import StillLauncher, config, finished_run, running_run
from tests.studio.tabs.test_compare_http import call, outcome
from training.runs.queue import Queue

NOTHING = ({"__type__": "update"}, {"props": {"__type__": "update"}, "__type__": "update"})  # a part that stays


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    from studio.shell import build_studio, launch
    from tests.fakes import make_deps

    home = tmp_path_factory.mktemp("train")
    engine = FakeEngine()
    plain = make_deps(home, engine=engine, port=None, host="127.0.0.1")
    deps: Deps = replace(plain, queue=Queue(home, StillLauncher()))
    app = build_studio(deps)
    _, url, _ = launch(app, deps)
    yield Window(deps, engine, url.rstrip("/"), app)
    app.close(verbose=False)


def home_of(window: Window) -> Path:
    return window.deps.settings.home


def values(window: Window, name: str, data: list[Any], session: str = "page") -> list[Any]:
    found = outcome(call(window, name, data, session))
    assert found["success"], found["output"]
    return found["output"]["data"]


def test_a_page_is_filled_ticks_and_opens_a_run_that_came_later(window: Window) -> None:
    home = home_of(window)
    running = running_run(home)
    loaded = values(window, "load_runs", [None, ""])
    assert any("step 31 of 50" in str(value) for value in loaded)
    later = finished_run(home)
    ticked = values(window, "train_tick", [running, "", [], ""])
    assert any(later in str(value) for value in ticked)
    opened = values(window, "train_pick", [later, ""])
    assert any("Finished: 50 steps" in str(value) for value in opened)
    seen = opened[-1]
    again = values(window, "train_tick", [later, seen, [], ""])
    assert [value for value in again if value not in NOTHING] == []


def test_the_status_bar_tells_of_the_run(window: Window) -> None:
    running_run(home_of(window))
    shown = values(window, "tick", [""])
    assert "Train: 1 running" in shown[0] and "step 31 of 50, about 40 s left" in shown[0]


def test_a_form_that_can_not_work_is_answered_in_words(window: Window) -> None:
    form = values_of(replace(config(), base="crumb", rank=0))
    names = [fn.api_name for fn in window.app.fns.values()]
    assert "train_start" in names
    problems, command, *_ = values(window, "train_form", ["", *as_sent(form)])
    assert "Rank" in problems and "is 0" in problems and command == ""


def test_a_fraction_where_whole_numbers_count_is_told_and_not_rounded(window: Window) -> None:
    form = as_sent(values_of(replace(config(), base="crumb")))
    form[SHOWN.index("rank")] = 16.7
    problems, command, *_ = values(window, "train_form", ["", *form])
    assert "Rank" in problems and "16.7" in problems and command == ""
    knobs = ["8, 16", "", "", "", "", "grid"]
    for button in ("sweep_start", "sweep_estimate"):
        found = outcome(call(window, button, ["s", *knobs, 2.5, 7, True, *form], "page"))
        assert not found["success"] and "Runs at most is 2.5" in str(found["output"])
        found = outcome(call(window, button, ["s", *knobs, 2, 7.5, True, *form], "page"))
        assert not found["success"] and "The sweep's seed is 7.5" in html.unescape(str(found["output"]))
    found = outcome(call(window, "train_start", ["what this browser keeps", "nonce", "", *form], "page"))
    assert not found["success"] and "rank is 16.7" in str(found["output"])


def as_sent(form: list[Any]) -> list[Any]:
    """Without the dataset, which no list offers here."""
    return [None if value == "soups" else value for value in form]
