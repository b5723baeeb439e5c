"""What the preflights of many runs share, as those of a sweep: each version is opened once, each base seen once."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from training.errors import StudioError

T = TypeVar("T")


class Looks:
    """What was looked at, by what it was; what can't be used is told again without a second look."""

    def __init__(self) -> None:
        self._found: dict[Hashable, Any] = {}

    def once(self, key: Hashable, look: Callable[[], T]) -> T:
        """What `look` gives, or gave for the same key before. Its StudioError, likewise."""
        if key not in self._found:
            try:
                self._found[key] = look()
            except StudioError as err:
                self._found[key] = err
        found = self._found[key]
        if isinstance(found, StudioError):
            raise found
        return found
