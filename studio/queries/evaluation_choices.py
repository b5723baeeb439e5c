"""What the form of a new evaluation offers: dataset versions of a task, their parts, arms, adapters of a base."""

from studio.deps import Deps
from studio.queries import datasets
from studio.queries.choices import Choices, base_choices, default_base
from training.errors import DataError
from training.evals.records import BASES, TRIVIAL
from training.task.pack import Pack

__all__ = ["arm_choices", "base_choices", "default_base"]

ARMS = {
    "base": "base", "base+constrained": "base, held to the schema",
    "prompted": "prompted base", "shots": "prompted base + 3 examples",
    "constrained": "prompted base, held to the schema", "empty": "empty answer", "constant": "constant answer",
    "echo": "template echo", "regex": "plain patterns",
}  # fmt: skip
USUAL = ("base", "prompted", *TRIVIAL)
PREFERRED = ("test", "dev", "golden")


def arm_choices(pack: Pack | None) -> Choices:
    """(label, name) of the arms without an adapter; nothing holds a text answer to a schema."""
    names = [name for name in BASES if not name.endswith("constrained") or pack is None or pack.answer.kind != "text"]
    return [(ARMS[name], name) for name in (*names, *TRIVIAL)]


def data_choices(deps: Deps, task: str) -> Choices:
    """(label, name) of a task's dataset versions with rows to evaluate on; the last one is a file of one's own."""
    found, _ = datasets.versions(deps)
    fitting = [version for version in found if version.task == task]
    offered = [(f"{v.name}{' (ships)' if datasets.ships(v) else ''}", v.name) for v in fitting]
    return [*offered, ("a file of your own", "")]


def part_choices(deps: Deps, data: str) -> Choices:
    """(label, name) of a version's parts, the ones to evaluate on first."""
    try:
        rows = datasets.find(deps, data).rows if data else {}
    except DataError:
        rows = {}
    order = [*(part for part in PREFERRED if part in rows), *(part for part in rows if part not in PREFERRED)]
    return [(f"{part} ({rows[part]:,})", part) for part in order]


def adapter_choices(deps: Deps, base: str, task: str) -> Choices:
    """(label, name) of the adapters of a base that are for this task or do not say for which."""
    found = deps.engine.adapters(base) if base else []
    return [(info.label, info.name) for info in found if info.task in (None, task)]
