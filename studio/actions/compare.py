"""A click on Compare: wait in line, run, keep. Yields what is known so far; no Gradio, no torch.

Promise: the model is free as soon as the generator ends, however it ends, or the page's ticket is cancelled.
"""

import random
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from studio.deps import Deps
from studio.line import Ticket
from studio.queries.run_status import gpu_refusal
from training.compare import ArmDone, Done, Event, Loading, Partial, Ready, Request, run
from training.errors import StorageError
from training.shelf import Ballot
from training.task.records import Arm, ArmResult, Comparison, Context

T = TypeVar("T")
FRAME_S = 0.1  # the shortest time between two frames of a stream


@dataclass(frozen=True, slots=True)
class Progress:
    """One frame. `order` gives columns from left to right as indices into `arms`; the lists run like `arms`.

    `ahead` counts those before us in line; `loading` is what is being loaded, with its fraction 0..1 or None.
    """

    arms: tuple[Arm, ...]
    order: tuple[int, ...]
    blind: bool
    ahead: int = 0
    loading: tuple[str, float | None] | None = None
    context: Context | None = None
    partials: tuple[Partial | None, ...] = ()
    results: tuple[ArmResult | None, ...] = ()
    comparison: Comparison | None = None


def compare(deps: Deps, session: str, request: Request, *, blind: bool = False) -> Iterator[Progress]:
    """Frames of one comparison, the last one with `comparison`, which is then kept. StudioErrors as they come.

    Cancelled in line: the generator just ends. Cancelled later: the arms end with finish reason cancelled, and with
    time_limit where the run had its time.
    """
    if (refusal := gpu_refusal(deps)) is not None:  # before anything on the page gives way to an answer
        raise refusal
    arms = request.arms
    seed = secrets.randbelow(2**32)
    order = shuffled(len(arms), seed) if blind else tuple(range(len(arms)))
    first = Progress(arms, order, blind, partials=(None,) * len(arms), results=(None,) * len(arms))
    refused: StorageError | None = None
    ticket = deps.line.join(session)
    try:
        while (ahead := deps.line.ahead(ticket)) and not ticket.cancel.is_set():
            yield replace(first, ahead=ahead)
            deps.line.wait(0.5)
        if ticket.cancel.is_set():
            return
        yield first
        for frame in frames(deps, request, ticket, first):
            if frame.comparison:
                deps.line.leave(ticket)
                refused = keep(deps, session, frame.comparison, ballot_of(frame, seed))
            yield frame
        if refused:
            raise refused
    finally:
        ticket.cancel.set()
        deps.line.leave(ticket)


def frames(deps: Deps, request: Request, ticket: Ticket, frame: Progress) -> Iterator[Progress]:
    """Events folded into frames, at most one in FRAME_S while text streams; the run is stopped at its time limit."""
    started = last = deps.clock()
    most = deps.settings.max_run_s
    events = run(request, deps.engine, ticket.cancel, over=lambda: deps.clock() - started > most)
    try:
        for event in events:
            frame = fold(frame, event)
            now = deps.clock()
            if isinstance(event, Partial) and now - last < FRAME_S:
                continue
            last = now
            yield frame
    finally:
        events.close()


def fold(frame: Progress, event: Event) -> Progress:
    """The frame after one event."""
    match event:
        case Loading(text, fraction):
            return replace(frame, loading=(text, fraction))
        case Ready():
            return replace(frame, loading=None, context=event.context)
        case Partial():
            return replace(frame, loading=None, partials=put(frame.partials, event.index, event))
        case ArmDone(index, result):
            return replace(frame, loading=None, results=put(frame.results, index, result))
        case Done(comparison):
            return replace(frame, loading=None, comparison=comparison, results=comparison.arms)


def put(items: tuple[T | None, ...], index: int, item: T) -> tuple[T | None, ...]:
    return (*items[:index], item, *items[index + 1 :])


def shuffled(n: int, seed: int) -> tuple[int, ...]:
    """0..n-1 as this seed orders them."""
    return tuple(random.Random(seed).sample(range(n), n))


def ballot_of(frame: Progress, seed: int) -> Ballot | None:
    if not (frame.blind and frame.comparison):
        return None
    return Ballot(frame.comparison.id, tuple(frame.arms[i].label for i in frame.order), seed)


def keep(deps: Deps, session: str, comparison: Comparison, ballot: Ballot | None) -> StorageError | None:
    """Put the comparison on the page's shelf, and that it is blind. Returns what the disk refused: the page keeps both
    anyway."""
    shelf = deps.shelf(session)
    refused = None
    try:
        shelf.add_comparison(comparison)
    except StorageError as err:
        refused = err
    try:
        if ballot:
            shelf.add_ballot(ballot)
    except StorageError as err:
        refused = refused or err
    return refused
