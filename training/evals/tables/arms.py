"""The arms of an evaluation as pages name and colour them, in the order in which they are set against one another."""

from collections.abc import Iterable
from typing import Any

from training.errors import InputError
from training.evals.arms import shown_name
from training.evals.records import EvalArm, read_arm

LABELS = {
    "empty": "empty",
    "constant": "constant",
    "echo": "template echo",
    "regex": "regular expressions",
    "base": "base",
    "base+constrained": "base, held to the schema",
    "prompted": "prompted base",
    "shots": "base, 3 examples",
    "constrained": "prompted base, held to the schema",
}
TONES = ("tuned", "second", "third", "fourth")
ORDER = ("trivial", "base", "endpoint", "imported", "adapter")  # what is set against what: the later is in question


def arm_records(names: Iterable[str]) -> list[dict[str, Any]]:
    """{"name", "kind", "label", "colour_role"} of each arm: trivial ones grey, the base's prompts slate and sand, each
    adapter a tone of its own; a constrained twin shares its tone."""
    arms = sorted((_arm(name) for name in names), key=lambda arm: ORDER.index(arm.kind))
    roles = {arm.name: _role(arm) for arm in arms}
    tones: dict[str, str] = {}
    for kind in ("adapter", "imported", "endpoint"):  # adapters first: they are what is asked about
        for arm in arms:
            if arm.kind == kind and not roles[arm.name]:
                roles[arm.name] = tones.setdefault(arm.adapter or arm.name, TONES[len(tones) % len(TONES)])
    return [{"name": arm.name, "kind": arm.kind, "label": _label(arm), "colour_role": roles[arm.name]} for arm in arms]


def _role(arm: EvalArm) -> str:
    """The colour that an arm has by itself, "" where it takes the next tone."""
    own = shown_name(arm.name)
    if arm.temperature is not None:
        return ""
    if arm.kind == "trivial":
        return "trivial"
    if arm.kind == "base":
        return "prompted" if arm.prompted else "base"
    return own if arm.kind == "imported" and own in ("base", "prompted") else ""


def _arm(name: str) -> EvalArm:
    try:
        return read_arm(name)
    except InputError:
        return EvalArm(name, "imported")


def _label(arm: EvalArm) -> str:
    if arm.temperature is not None:
        return f"{_label(_arm(arm.without_heat))} at {arm.temperature:g}"
    if arm.name in LABELS:
        return LABELS[arm.name]
    own = shown_name(arm.name)
    if arm.kind == "adapter":
        own = str(arm.adapter)
        return f"{own}, held to the schema" if arm.constrained else own
    return own.removeprefix("endpoint:")
