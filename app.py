"""Taste Test: base and fine-tuned models side by side, on this machine.

Flags -> settings -> Deps -> window. The only place that picks real parts. `--help` and a refused flag need neither
Gradio nor torch; models load after the first page.
"""

import argparse
import gc
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from studio.door import check_door
from studio.settings import Settings, build_settings
from training.cli_compare import FOUR_BIT
from training.errors import StudioError
from training.home import home_dir
from training.terminal import one_line, write_anything

if TYPE_CHECKING:
    from studio.deps import Deps


ZERO_GPU = (
    "This Space runs on ZeroGPU, which lends its GPU to single calls only: the embedded model answers, on the CPU. "
    "Larger ones need the studio at home, or a Space with CPU or GPU hardware of its own."
)


def flags() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Open Taste Test: base and fine-tuned models side by side.")
    parser.add_argument(
        "--home", metavar="DIR", help="where your comparisons and models live (TASTE_TEST_HOME does too)"
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on; another than this machine needs --auth"
    )
    parser.add_argument("--port", type=int, metavar="N", help="port to listen on; without it, the first free from 7860")
    parser.add_argument("--share", action="store_true", help="make a public link through gradio.live; needs --auth")
    parser.add_argument(
        "--auth", metavar="USER:PASS", help="ask everyone for this login; MCP, which can't give it, is off then"
    )
    parser.add_argument("--four-bit", action="store_true", help=FOUR_BIT)
    parser.add_argument("--no-browser", action="store_true", help="open no browser window")
    return parser


def register_gpu_call() -> None:
    """ZeroGPU starts no Space that does not name, before the window opens, a function that it may lend its GPU to.

    A model that is proven once and stays in memory can't go from one lent GPU to the next, so no answer is made there:
    the function is the one that names the device, and what it is given and gives back is text.
    """
    lend = import_module("spaces").GPU  # before torch: it shows the rest of the process a GPU that is not there
    from training.engine.device_facts import device_name

    lend(duration=5)(device_name)


def build_deps(settings: Settings) -> "Deps":
    """The real parts. StudioError where the home or a task pack can't be read."""
    from studio.deps import Deps
    from studio.line import Line
    from studio.sessions import Sessions
    from training.engine.api import EngineSettings
    from training.engine.engine import Engine
    from training.runs.queue import Queue
    from training.runs.sharing import Sharing
    from training.store import Store
    from training.task.pack import BUILTIN, find_packs

    if settings.zero_gpu:
        register_gpu_call()
    store = Store(settings.home) if settings.keep_history else None
    sharing = None if settings.space else Sharing(settings.home)
    engine = Engine(
        EngineSettings(
            home=None if settings.space else settings.home,
            allow_paths=settings.allow_paths,
            hub="none" if settings.zero_gpu else "presets" if settings.space else "any",
            device="cpu" if settings.zero_gpu else None,
            four_bit=settings.four_bit,
            claim=sharing.claim if sharing else None,
        )
    )
    packs = find_packs(BUILTIN) if settings.space else find_packs(BUILTIN, settings.home / "tasks")
    notices = list(store.notices) if store else [ZERO_GPU] if settings.zero_gpu else []
    notices += [f"Task {name} is left out: {err} {err.fix}" for name, err in packs.broken.items()]
    queue = None if settings.space else Queue(settings.home)
    line = Line(settings.max_waiting)
    return Deps(settings, engine, packs, Sessions(store), line, notices=notices, queue=queue, sharing=sharing)


def main(argv: list[str] | None = None) -> int:
    """Run until stopped. 2 for a flag or folder that can't be used, said in one line."""
    write_anything()
    given = flags().parse_args(argv)
    gc.disable()  # until the window opens all that is loaded stays: looking through it took a fifth of the start
    try:
        settings = build_settings(given, Path(home_dir(given.home)))
        check_door(settings)
        deps = build_deps(settings)
    except StudioError as err:
        sys.stderr.write(one_line(f"{err} {err.fix}") + "\n")
        return 2
    from studio.preload import preload_later
    from studio.runs_watch import watch_runs
    from studio.shell import build_studio, launch

    app = build_studio(deps)
    watch_runs(deps)
    try:
        _, local, shared = launch(app, deps)
    except OSError as err:
        sys.stderr.write(f"Could not listen on {settings.host}: {err} Choose another --port.\n")
        return 2
    gc.freeze()
    gc.enable()
    sys.stdout.write(f"Taste Test is open at {shared or local} (Ctrl+C ends it)\n")
    sys.stdout.flush()
    preload_later(deps)
    app.block_thread()
    return 0


if __name__ == "__main__":
    sys.exit(main())
