"""The real app with a scripted model: everything but the weights is what people run. Started by conftest.py.

`TASTE_TEST_TOKEN_S` sets the seconds a token takes. With `--forks` it starts studios on request, one process each, that
begin where the imports have ended: a line of JSON {"flags", "env", "log"} in, the process's number out.
"""

import json
import os
import signal
import sys
import traceback
from dataclasses import replace
from importlib import import_module
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


def fork_on_request() -> None:
    for name in ("studio.preload", "studio.runs_watch", "studio.shell", "training.engine.engine"):
        import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who has ended is gone, and nobody waits for it
    for line in sys.stdin:
        asked = json.loads(line)
        sys.stdout.write(f"{os.fork() or be(**asked)}\n")
        sys.stdout.flush()


def be(flags: list[str], env: dict[str, str], log: str) -> None:
    """Become a studio of one's own. Does not return."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.environ.update(env)
    code = 1
    try:
        code = app.main(flags)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    app.build_deps = with_fake_engine
    if sys.argv[1:] == ["--forks"]:
        sys.exit(fork_on_request())
    sys.exit(app.main())
