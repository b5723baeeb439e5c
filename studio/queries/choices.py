"""What can be chosen in the sidebar, as (label, value) pairs."""

from collections.abc import Mapping
from typing import NamedTuple

from studio.deps import Deps
from studio.queries.runs import known, run_of
from training.engine.api import BaseInfo
from training.task.pack import Pack, Packs

ADAPTER_PREFIX = "adapter:"
Choices = list[tuple[str, str]]


def task_choices(deps: Deps) -> Choices:
    return [(pack.title, name) for name, pack in deps.packs.items()]


def broken_tasks(deps: Deps) -> str:
    """Which of the person's own tasks are left out, and where the reason stands; "" where all can be read."""
    broken = deps.packs.broken if isinstance(deps.packs, Packs) else {}
    return f"Left out, since it can't be read: {', '.join(broken)}. Why stands under Recent." if broken else ""


def base_choices(deps: Deps) -> Choices:
    """Bases with their size; the embedded one first. On a Space only those the engine offers there."""
    bases = sorted(deps.engine.bases(), key=lambda info: not info.embedded)
    return [(f"{info.label}, {words}" if (words := size_words(info)) else info.label, info.name) for info in bases]


def size_words(info: BaseInfo) -> str:
    """'17 MB' of what lies on this machine; of what would be fetched about how much, at two bytes a parameter."""
    if info.bytes is not None:
        return size(info.bytes)
    return f"about {size(2 * info.parameters)} to fetch once" if info.parameters else ""


def size(in_bytes: float) -> str:
    """10^9 and 10^6 bytes."""
    return f"{in_bytes / 1e9:.1f} GB" if in_bytes >= 1e9 else f"{max(1, round(in_bytes / 1e6)):,} MB"


def default_task(deps: Deps) -> str | None:
    return next(iter(deps.packs), None)


def default_base(deps: Deps) -> str:
    choices = base_choices(deps)
    return choices[0][1] if choices else ""


def arm_choices(deps: Deps, base: str, task: str | None) -> Choices:
    """Base, prompted base, then the adapters of this base that are for this task or do not say for which.

    An adapter that was trained for another task would be compared unfairly; it can still be named as one's own.
    """
    found = deps.engine.adapters(base) if base else []
    fitting = [info for info in found if info.task in (None, task)]
    adapters = [(info.label, ADAPTER_PREFIX + info.name) for info in fitting]
    return [("base", "base"), ("prompted base", "prompted"), *adapters]


def default_arms(choices: Choices) -> list[str]:
    """The base and the first adapter; without an adapter, the base with and without the schema."""
    adapters = [value for _, value in choices if value.startswith(ADAPTER_PREFIX)]
    return ["base", *(adapters[:1] or ["prompted"])]


class Wanted(NamedTuple):
    """What a page that was opened from a run starts with."""

    task: str
    base: str


def wanted(deps: Deps, query: Mapping[str, str]) -> Wanted | None:
    """Task and base of the run that the address names with ?adapter=RUN; None without one. A full model is a base."""
    run = query.get("adapter", "")
    if not run or not known(deps, run):
        return None
    config = run_of(deps, run).config
    return Wanted(config.task, run if config.method == "full" else config.base)


def chosen_arms(choices: Choices, query: Mapping[str, str]) -> list[str]:
    """The base and the adapter that the address names, where it is offered; else the default ones."""
    named = ADAPTER_PREFIX + query.get("adapter", "")
    return ["base", named] if any(value == named for _, value in choices) else default_arms(choices)


def example_titles(pack: Pack | None) -> list[list[str]]:
    return [[example.title] for example in pack.examples] if pack else []
