"""What a person's first run comes to: base and adapter on the dev rows after the preset that the form begins with.

    python -m tests.benchmarks.bench_preset [--preset crumb-two-minutes] [--dataset recipe-jsonld-quick]
                                            [--set FIELD=VALUE]... [--save]

One `python -m training train` in a fresh home, with every dev row answered at its end. Printed: seconds of training
(its status: loading, evaluation and checks are not in it), and by arm the share of answers that are strict JSON, keep
the contract, and the mean F1 of their lists, each with its 95 % interval. Nothing is asserted.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.results import save
from tests.running import OFFLINE, ROOT

SHOWN = ("strict", "schema_valid", "list_f1")


def train(home: Path, preset: str, settings: Sequence[str]) -> Path:
    """One run to its end; returns its folder."""
    words = ["train", "--preset", preset, "--home", str(home), "--json"]
    words += [word for setting in settings for word in ("--set", setting)]
    done = subprocess.run(
        [sys.executable, "-m", "training", *words], cwd=ROOT, env=os.environ | OFFLINE, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr)
    return next((home / "runs").glob("*/evaluation.json")).parent


def read(folder: Path) -> dict[str, Any]:
    """The figures of a finished run."""
    told = json.loads((folder / "evaluation.json").read_text("utf-8"))
    status = json.loads((folder / "status.json").read_text("utf-8"))
    figures = {
        arm: {name: {key: told[arm][name][key] for key in ("value", "low", "high")} for name in SHOWN}
        for arm in ("base", "adapter")
    }
    return {"dev_rows": told["rows"], "steps": status["step"], "training_s": status["seconds"], **figures}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="crumb-two-minutes", metavar="NAME")
    parser.add_argument("--dataset", default="recipe-jsonld-quick", metavar="VERSION")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", help="a setting over the preset's")
    parser.add_argument("--save", action="store_true", help="keep the record in results.json")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = (f"dataset={given.dataset}", "evaluate_rows=1000", *given.set)
        found = read(train(Path(folder), given.preset, settings))
    record = {"what": "strict answers on dev after the first run", "preset": given.preset, "dataset": given.dataset,
              "settings": given.set, **found}  # fmt: skip
    print(json.dumps(record, indent=2))
    if given.save:
        save("preset", record)
    return 0


if __name__ == "__main__":
    sys.exit(main())
