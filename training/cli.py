"""The verbs and how a mistake is told: one line on standard error and exit code 2. No torch until a verb needs it."""

import argparse
import sys
from collections.abc import Callable, Sequence

from training import cli_train
from training.errors import StudioError

Verb = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code: 0 done, 1 a bug's traceback, 2 something a person can mend."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    cli_train.add(verbs)
    arguments = parser.parse_args(argv)
    verb: Verb = arguments.run
    try:
        return verb(arguments)
    except StudioError as err:
        sys.stderr.write(" ".join(f"{err} {err.fix}".split()) + "\n")
        return 2
