"""Transformers, imported by one thread alone. Whoever imports it, PEFT or TRL imports this module first.

At the end of its import transformers puts another object in its own place in `sys.modules`. A thread that asks for it
meanwhile is given the object from before, which has no names: "cannot import name 'AutoTokenizer'". A module of ours
stays what it is, so Python makes a second thread wait here until all of it is there.
"""

import transformers  # noqa: F401  (for its import alone)
