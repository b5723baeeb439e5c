"""One model, one generation at a time, in the whole process. No torch.

PEFT's adapter state is shared by every thread: two generations at once corrupt each other, so whoever wants the model
takes a turn. The turn may be given back by another thread than the one that took it (a closed stream does that).
"""

import threading
import time

from training.errors import BusyError

_POLL_S = 0.05


class Turnstile:
    """A lock that counts who waits and lets a waiter leave."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = threading.Lock()
        self._waiting = 0

    @property
    def waiting(self) -> int:
        """How many wait right now."""
        return self._waiting

    @property
    def busy(self) -> bool:
        return self._lock.locked()

    def enter(self, cancel: threading.Event | None = None, max_wait_s: float = 600.0) -> bool:
        """Take the turn. False when `cancel` was set while waiting; BusyError after `max_wait_s`."""
        if self._lock.acquire(blocking=False):
            return True
        self._add(1)
        try:
            deadline = time.monotonic() + max_wait_s
            while time.monotonic() < deadline:
                if cancel is not None and cancel.is_set():
                    return False
                if self._lock.acquire(timeout=_POLL_S):
                    return True
        finally:
            self._add(-1)
        raise BusyError(
            f"The model has been busy for {max_wait_s:.0f} s with other requests.", fix="Try again in a moment."
        )

    def leave(self) -> None:
        self._lock.release()

    def _add(self, change: int) -> None:
        with self._count:
            self._waiting += change


PROCESS_TURN = Turnstile()
