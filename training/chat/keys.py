"""Where an endpoint's key comes from: an environment variable that a spec names, else the system's keyring.

The spec holds the variable's name, never the key. A key is held in memory only, is shown as [key] wherever it would
stand in a message, and its repr is empty of it.
"""

import os
from collections.abc import Callable, Mapping

from training.errors import DataError

SERVICE = "taste-test"  # the keyring's entries: service SERVICE, user name the variable's name
LEAST_SECRET_CHARS = 8  # shorter ones, such as "none", are what local servers are given, and no secrets


class Key:
    """A secret that does not print itself. An empty one stands for an endpoint that wants none."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "Key([key])" if self._text else "Key()"

    def __bool__(self) -> bool:
        return bool(self._text)

    def header(self) -> str:
        """The value of the Authorization header: the only place a key goes."""
        return f"Bearer {self._text}"

    def hide(self, text: str) -> str:
        """`text` with [key] in the place of the key."""
        return text.replace(self._text, "[key]") if self._text else text

    def stands_in(self, text: str) -> bool:
        """Whether a real secret stands in `text`."""
        return len(self._text) >= LEAST_SECRET_CHARS and self._text in text


def find_key(
    name: str,
    environ: Mapping[str, str] = os.environ,
    lookup: Callable[[str, str], str | None] | None = None,
    whose: str = "teacher",
) -> Key:
    """The key of that name; an empty name means that the endpoint wants none. Raises DataError where there is none.

    `whose` says in messages what the endpoint is asked as: teacher, judge.
    """
    if not name:
        return Key("")
    found = environ.get(name, "").strip()
    note = ""
    if not found:
        found, note = _from_keyring(name, lookup)
    if not found:
        raise DataError(
            f"The {whose}'s key was not found: {name} is not set in the environment{note}.",
            fix=f"Set {name}, or run `keyring set {SERVICE} {name}`. Leave key_env out where no key is wanted.",
        )
    if any(not 32 < ord(char) < 127 for char in found):
        raise DataError(
            f"The key in {name} holds a space, a line break or another character that no header may hold.",
            fix=f"Copy the key into {name} again, without what stands around it.",
        )
    return Key(found)


def _from_keyring(name: str, lookup: Callable[[str, str], str | None] | None) -> tuple[str, str]:
    """The key, or "" and what to say about the keyring: many machines have none, which is no error."""
    import keyring
    from keyring.errors import KeyringError

    try:
        found = (lookup or keyring.get_password)(SERVICE, name)
    except KeyringError as error:
        return "", f", and this machine's keyring can't be read ({type(error).__name__})"
    return (found or "").strip(), f", and the keyring has no entry {SERVICE} / {name}"
