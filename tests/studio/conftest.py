"""The real window over a fake engine, on free ports of this machine: one at home and one as a Space for each module."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from studio.deps import Deps
from tests.fakes import FakeEngine, make_deps


@dataclass(frozen=True)
class Window:
    deps: Deps
    engine: FakeEngine
    url: str
    app: Any


def open_window(home: Path, *, space: bool) -> Iterator[Window]:
    from studio.shell import build_studio, launch

    engine = FakeEngine()
    deps = make_deps(home, space=space, engine=engine, port=None, host="127.0.0.1")
    app = build_studio(deps)
    _, url, _ = launch(app, deps)
    yield Window(deps, engine, url.rstrip("/"), app)
    app.close(verbose=False)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    yield from open_window(tmp_path_factory.mktemp("home"), space=False)


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    yield from open_window(tmp_path_factory.mktemp("space"), space=True)


@pytest.fixture(params=["home", "space"])
def window(request: pytest.FixtureRequest) -> Window:
    """Both borders in turn."""
    return request.getfixturevalue(request.param)
