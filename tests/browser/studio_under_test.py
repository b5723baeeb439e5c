"""The real app with a scripted model: everything but the weights is what people run. Started by conftest.py.

`TASTE_TEST_TOKEN_S` sets the seconds a token takes.
"""

import os
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import app
from studio.deps import Deps
from studio.settings import Settings
from tests.fakes import FakeEngine

real = app.build_deps


def with_fake_engine(settings: Settings) -> Deps:
    deps = real(settings)
    engine = FakeEngine(token_s=float(os.environ.get("TASTE_TEST_TOKEN_S", "0.02")))
    return replace(deps, engine=engine)


if __name__ == "__main__":
    app.build_deps = with_fake_engine
    sys.exit(app.main())
