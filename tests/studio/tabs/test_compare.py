"""What a click on Compare puts on the page, frame by frame, and what a run that breaks leaves there."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from studio.actions.form import Form
from studio.actions.sources import preview
from studio.deps import Deps
from studio.guard import Visit
from studio.shell import build_studio
from studio.tabs.compare import ENABLED, on_compare
from studio.tabs.compare_view import SAME, CompareView
from tests.fakes import BASE, form_values, make_deps
from training.errors import StorageError

PAGE = Visit("page", {})


@pytest.fixture
def deps(tmp_path: Path) -> Deps:
    return make_deps(tmp_path)


def on_page(views: list[CompareView]) -> CompareView:
    """What stands on the page after these: a field that a view leaves as it is keeps what it had."""
    shown = CompareView()
    for view in views:
        changed = {name: value for name, value in view._asdict().items() if value is not SAME}
        shown = shown._replace(**changed)
    return shown


def test_with_a_full_disk_the_answers_stay_on_the_page(deps: Deps, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    seen: list[CompareView] = []
    with pytest.raises(StorageError, match="No space left"):
        for view in on_compare(deps, PAGE, *form_values()):
            seen.append(view)
    left = on_page(seen)
    assert "Lentil Soup" in left.slot_1["value"] and "No space left" not in left.slot_0["value"]
    assert left.comparison_id and left.exports["visible"], "it can still be saved from here"
    assert not left.cancel["interactive"]


def test_the_page_itself_makes_the_button_ready_after_a_run_whatever_came_of_it(deps: Deps) -> None:
    """With the last frame it would look ready while Gradio still drops clicks; after a failure nobody else would."""
    app = build_studio(deps)
    (run,) = [fn for fn in app.fns.values() if fn.api_name == "run_comparison"]
    (after,) = [fn for fn in app.fns.values() if fn.trigger_after == run._id and not fn.trigger_only_on_failure]
    assert after.js == ENABLED and [getattr(part, "elem_id", "") for part in after.outputs] == ["tt-run"]
    views = list(on_compare(deps, PAGE, *form_values()))
    assert not on_page(views).run["interactive"] and views[-1].comparison_id


def test_whatever_decides_what_the_model_sees_shows_it_anew(deps: Deps) -> None:
    app = build_studio(deps)
    (preview,) = [fn for fn in app.fns.values() if fn.api_name == "preview"]
    asked = {(app.blocks[number].elem_id or getattr(app.blocks[number], "label", None), event)
             for number, event in preview.targets if number is not None}  # fmt: skip
    expected = {"tt-source", "tt-task", "tt-base", "tt-arms", "Max new tokens", "Token budget", "tt-sweep"}
    assert {(name, "change") for name in expected} | {("tt-loaded", "input")} <= asked


def test_the_preview_counts_with_the_prompt_of_the_columns(deps: Deps) -> None:
    deps.engine.prepare(BASE, [], lambda _text, _share: None)

    def room(**changes: Any) -> int:
        found = preview(deps, Form.of(form_values(**changes))).context
        assert found is not None
        return found.budget_tokens

    plain = room(max_new_tokens=3000)
    assert room(max_new_tokens=3500) < plain
    assert room(max_new_tokens=3000, arms=["base", "prompted"]) < plain
    assert room(max_new_tokens=3000, sweep=True, sweep_arm="prompted") == room(max_new_tokens=3000, arms=["prompted"])
