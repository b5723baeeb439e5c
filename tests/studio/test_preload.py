"""Models load after the first page; what can't be loaded is told on the page."""

from pathlib import Path

import pytest

from studio.preload import preload
from tests.fakes import ADAPTER, BASE, FakeEngine, make_deps
from training.errors import ModelError


def test_the_default_base_and_its_adapter_are_made_ready(tmp_path: Path) -> None:
    deps = make_deps(tmp_path)
    deps.first_page.set()
    preload(deps)
    assert isinstance(deps.engine, FakeEngine)
    assert deps.engine.prepared == [(BASE, (ADAPTER,))]
    assert deps.notices == [] and deps.told.words == ""


def test_what_cannot_be_loaded_is_told(tmp_path: Path) -> None:
    deps = make_deps(tmp_path, engine=FakeEngine(broken=ModelError("weights are cut short.", fix="Clone again.")))
    deps.first_page.set()
    preload(deps)
    assert deps.notices == ["weights are cut short. Clone again."] and deps.told.words == ""


def test_a_checkout_without_models_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine()
    monkeypatch.setattr(engine, "bases", list)
    deps = make_deps(tmp_path, engine=engine)
    deps.first_page.set()
    preload(deps)
    assert "No base model was found" in deps.notices[0]
