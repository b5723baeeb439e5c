"""Where a person's files live: outside the checkout, on the system's usual place, or where they say."""

import os
from pathlib import Path

from platformdirs import user_data_path

from training.errors import InputError
from training.typed_path import typed_path

VARIABLE = "TASTE_TEST_HOME"


def home_dir(override: str | None = None) -> Path:
    """The folder of a person's files, absolute: `override`, else the environment's `VARIABLE`, else the system's place.

    The folder need not be there yet. Raises InputError where a file stands in its way, and for what can be no folder.
    """
    given = override or os.environ.get(VARIABLE) or ""
    home = typed_path(given, "--home" if override else VARIABLE).absolute() if given else _usual()
    if home.exists() and not home.is_dir():
        raise InputError(f"{home} is a file, not a folder.", fix=f"Give another folder with --home or {VARIABLE}.")
    return home


def home_flag(home: Path) -> tuple[str, ...]:
    """What a command needs to find this home in a terminal that knows nothing of it; nothing for the system's place."""
    return () if home.absolute() == _usual() else ("--home", str(home.absolute()))


def _usual() -> Path:
    return user_data_path("taste-test", appauthor=False)
