"""Where a person's files live: outside the checkout, on the system's usual place, or where they say."""

import os
from pathlib import Path

from platformdirs import user_data_path

from training.errors import InputError

VARIABLE = "TASTE_TEST_HOME"
SHOWN_CHARS = 120  # of a path that is too long


def home_dir(override: str | None = None) -> Path:
    """The folder of a person's files, absolute: `override`, else the environment's `VARIABLE`, else the system's place.

    The folder need not be there yet. Raises InputError where a file stands in its way, and for what can be no folder.
    """
    given = override or os.environ.get(VARIABLE) or ""
    fix = f"Give another folder with --home or {VARIABLE}."
    try:
        home = Path(given).expanduser().absolute() if given else _usual()
        in_the_way = home.exists() and not home.is_dir()
    except RuntimeError as err:  # ~name of somebody who has no account here
        raise InputError(f"{given!r} can't be found: this machine knows no such home folder.", fix=fix) from err
    except OSError as err:  # a name too long for the disk, a folder that may not be looked into
        shown = given if len(given) <= SHOWN_CHARS else f"{given[:SHOWN_CHARS]}… ({len(given)} characters)"
        raise InputError(f"{shown} can't be used as a folder: {err.strerror}.", fix=fix) from err
    if in_the_way:
        raise InputError(f"{home} is a file, not a folder.", fix=fix)
    return home


def home_flag(home: Path) -> tuple[str, ...]:
    """What a command needs to find this home in a terminal that knows nothing of it; nothing for the system's place."""
    return () if home.absolute() == _usual() else ("--home", str(home.absolute()))


def _usual() -> Path:
    return user_data_path("taste-test", appauthor=False)
