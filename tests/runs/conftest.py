"""What a run needs: a home with a tiny base and a small dataset version, and settings that fit them."""

from pathlib import Path

import pytest

from tests.runs.run_home import make_home
from training.runs.config import RunConfig


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def config(home: Path, tiny_models: Path) -> RunConfig:
    return make_home(home, tiny_models)
