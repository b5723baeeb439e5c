"""The verbs of `python -m training`. A mistake is told in one line on standard error, with exit code 2.

0 is done, 1 what failed though nothing was wrong with what was given (a run, the memory, the disk, a proof), with the
reason on standard error, and 130 what was interrupted.

No verb loads torch before it needs a model; `--help` never does.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from training import cli_compare, cli_data, cli_evaluate, cli_gate, cli_judge, cli_sweep, cli_train
from training.errors import BusyError, OutOfMemoryError, ProofError, StorageError, StudioError
from training.terminal import one_line, write_anything

Verb = Callable[[argparse.Namespace], int]
FAILED = (OutOfMemoryError, BusyError, ProofError, StorageError)


class Parser(argparse.ArgumentParser):
    """Tells a wrong flag in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {one_line(message)}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code: 0 done, 1 failed, 2 something a person can mend, 130 interrupted."""
    write_anything()
    parser = Parser(prog="python -m training", description="Compare and train without the window.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    cli_compare.add(verbs)
    cli_train.add(verbs)
    cli_sweep.add(verbs)
    cli_data.add(verbs)
    cli_evaluate.add(verbs)
    cli_judge.add(verbs)
    cli_gate.add(verbs)
    arguments = parser.parse_args(argv)
    verb: Verb = arguments.run
    try:
        return verb(arguments)
    except StudioError as err:
        sys.stderr.write(one_line(f"{err} {err.fix}") + "\n")
        return 1 if isinstance(err, FAILED) else 2
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        return 130
