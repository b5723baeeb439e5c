"""`python -m training VERB`: the same verbs as the window, without one."""

import sys

from training.cli import main

if __name__ == "__main__":
    sys.exit(main())
