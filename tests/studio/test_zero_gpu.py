"""The real app on a Space with ZeroGPU hardware, under a stand-in for its `spaces` package.

The stand-in does what the package does that matters here: it lets no window open that named no function for the GPU,
hands everything over pickled, and has torch say that there is a CUDA device which the process itself can't use.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from studio.settings import build_settings
from tests.running import ROOT, free_port, wait_for_page

STAND_IN = """
import functools, pickle
import gradio, torch

decorated = []
torch.cuda.is_available = lambda: True
real_launch = gradio.Blocks.launch

def GPU(task=None, *, duration=None, size=None):
    if not callable(task):
        return functools.partial(GPU, duration=duration, size=size)

    @functools.wraps(task)
    def lent(*args, **kwargs):
        args, kwargs = pickle.loads(pickle.dumps((args, kwargs)))
        return pickle.loads(pickle.dumps(task(*args, **kwargs)))

    decorated.append(lent)
    return lent

def gradio_auto_wrap(function):
    return function

def launch(self, *args, **kwargs):
    if not decorated:
        raise RuntimeError("No @spaces.GPU function detected during startup")
    print("answered by", decorated[0]("cpu"), flush=True)
    return real_launch(self, *args, **kwargs)

gradio.Blocks.launch = launch
"""


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """(address, log) of `python app.py` as such a Space starts it."""
    folder, port = tmp_path_factory.mktemp("zero"), free_port()
    (folder / "spaces.py").write_text(STAND_IN, "utf-8")
    env = os.environ | {
        "PYTHONPATH": str(folder), "HF_HUB_OFFLINE": "1", "TASTE_TEST_HOME": str(folder / "home"), "SYSTEM": "spaces",
        "SPACE_ID": "me/taste", "SPACE_HOST": "me-taste.hf.space", "GRADIO_SERVER_PORT": str(port),
        "SPACES_ZERO_GPU": "true",
    }  # fmt: skip
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=env, stdout=output, stderr=output)
        try:
            wait_for_page(f"http://127.0.0.1:{port}/", process, log)
            yield f"http://127.0.0.1:{port}", log
        finally:
            process.kill()
            process.wait(30)


def test_it_starts_with_a_function_that_the_gpu_may_be_lent_to(space: tuple[str, Path]) -> None:
    url, log = space
    assert "Taste Test" in httpx.get(url).text
    assert "answered by " in log.read_text("utf-8"), "the function can be called with what it is given pickled"


def test_the_page_says_what_it_can_not_do_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import app

    monkeypatch.setitem(sys.modules, "spaces", SimpleNamespace(GPU=lambda **_: lambda function: function))
    flags = app.flags().parse_args([])
    deps = app.build_deps(build_settings(flags, tmp_path, {"SPACE_ID": "me/taste", "SPACES_ZERO_GPU": "true"}))
    assert deps.notices == [app.ZERO_GPU]
    assert [base.name for base in deps.engine.bases()] == ["crumb"]


def test_the_embedded_model_answers_on_the_cpu_and_larger_ones_are_refused(space: tuple[str, Path]) -> None:
    client = Client(space[0], verbose=False)
    answer = client.predict("Tea. Boil 1 cup water.", adapters=[], api_name="/compare")
    (line,) = [json.loads(line) for line in answer.splitlines()]
    assert line["proof"]["passed"] and line["tokens"] > 0
    with pytest.raises(AppError, match="not offered here"):
        client.predict("Tea. Boil 1 cup water.", base="Qwen/Qwen3-0.6B", api_name="/compare")
