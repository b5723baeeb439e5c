"""Two threads may need transformers for the first time at once: the studio loads a model while somebody presses Check.

In fresh interpreters, because an import happens once.
"""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RACE = """
import sys, threading, time
from pathlib import Path

failed = []

class Tokenizer:
    model_max_length = 2048

def needs_it():
    try:
        {needs}
    except BaseException as err:
        failed.append(repr(err))

def loads():
    import training.engine.load

first = threading.Thread(target=loads)
first.start()
while "transformers" not in sys.modules:  # under way, and not done
    time.sleep(0.0005)
others = [threading.Thread(target=needs_it) for _ in range(3)]
for thread in others:
    thread.start()
for thread in [first, *others]:
    thread.join()
print(failed)
"""
FOLDER = "Path('assets/models/crumb')"
NEEDS = {
    "tokenizer": f"from training.engine.base_tokenizer import load_tokenizer; load_tokenizer({FOLDER})",
    "config": f"from training.engine.base_tokenizer import context_tokens; context_tokens({FOLDER}, Tokenizer)",
    "adapters": "import training.engine.adapters",
}


@pytest.mark.parametrize("needs", NEEDS.values(), ids=NEEDS)
def test_a_second_thread_waits_until_transformers_is_there(needs: str) -> None:
    words = [sys.executable, "-c", RACE.format(needs=needs)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=170, check=False)
    assert done.stdout == "[]\n", done.stdout + done.stderr
