"""One tiny run in a process of its own, for a backend that changes the whole process.

    python -m tests.engine.train_backend MODELS OUT BACKEND ARCHITECTURE

Its curve is left in OUT/metrics.jsonl, its result as the last line of standard output.
"""

import dataclasses
import json
import sys
from pathlib import Path

from tests.engine.training import train_tiny


def main() -> None:
    models, out, backend, architecture = sys.argv[1:]
    result = train_tiny(
        Path(models), Path(out), architecture, backend=backend, max_steps=12, learning_rate=3e-3, batch_size=4,
        grad_accumulation=2,
    )  # fmt: skip
    told = dataclasses.asdict(result) | {"adapter": str(result.adapter)}
    sys.stdout.write("\n" + json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
