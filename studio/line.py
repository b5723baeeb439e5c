"""One model, many people: who is next, and how to stop. Plain threads, no Gradio, no torch.

A `Ticket` is taken at once or refused, so nobody waits without knowing; it carries the cancel event of its run.
"""

import threading
from dataclasses import dataclass, field

from training.errors import BusyError


@dataclass(eq=False, slots=True)
class Ticket:
    """A place in the line. `cancel` set means: give up waiting, or stop generating."""

    session: str
    cancel: threading.Event = field(default_factory=threading.Event)


class Line:
    """First come, first served. `max_waiting` counts those behind the one being served."""

    def __init__(self, max_waiting: int) -> None:
        self._max_waiting = max_waiting
        self._tickets: list[Ticket] = []
        self._moved = threading.Condition()

    def join(self, session: str) -> Ticket:
        """BusyError where the line is full, or this page is in it already."""
        with self._moved:
            if any(ticket.session == session for ticket in self._tickets):
                raise BusyError("A comparison of this page is running.", fix="Cancel it first, or wait for it.")
            if len(self._tickets) > self._max_waiting:
                raise BusyError(f"The line is full: {self._max_waiting} wait already.", fix="Try again in a minute.")
            ticket = Ticket(session)
            self._tickets.append(ticket)
            return ticket

    def leave(self, ticket: Ticket) -> None:
        """Make room for the next; leaving twice is leaving once."""
        with self._moved:
            if ticket in self._tickets:
                self._tickets.remove(ticket)
            self._moved.notify_all()

    def ahead(self, ticket: Ticket) -> int:
        """How many are before this one; 0 is one's turn."""
        with self._moved:
            return self._tickets.index(ticket)

    def wait(self, seconds: float) -> None:
        """Return when the line moves, or after `seconds`."""
        with self._moved:
            self._moved.wait(seconds)

    def cancel(self, session: str) -> bool:
        """Ask the run of this page to stop; False where it has none."""
        with self._moved:
            found = [ticket for ticket in self._tickets if ticket.session == session]
            for ticket in found:
                ticket.cancel.set()
            self._moved.notify_all()
        return bool(found)

    def counts(self) -> tuple[int, int]:
        """(running, waiting)."""
        with self._moved:
            total = len(self._tickets)
        return min(total, 1), max(total - 1, 0)
