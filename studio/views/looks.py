"""Who is who: one colour and one shape an arm, the same in columns, marks, tables and reports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from studio.views.markup import Html, el, html, number
from training.task.records import Arm, ArmKind, to_json

ADAPTER_TONES = ("tuned", "second", "third", "fourth")
SHAPES = {
    "base": "●",
    "prompted": "■",
    "tuned": "◆",
    "second": "▼",
    "third": "✚",
    "fourth": "⬢",
    "gold": "★",
    "blind": "○",
}
BLIND_LABELS = "ABCD"


@dataclass(frozen=True, slots=True)
class ArmLook:
    """How a column is dressed. `tone` names the colour --tt-arm-TONE; `blind` hides what tells who it is."""

    label: str
    tone: str
    note: str = ""
    blind: bool = False
    number: int = 0

    @property
    def shape(self) -> str:
        """Says the same as the colour, without colour; numbered where columns share one (a sweep)."""
        return SHAPES[self.tone] + (str(self.number) if self.number else "")


GOLD_LOOK = ArmLook("known answer", "gold", "the right answer that came with this text")


def arm_looks(arms: Sequence[Arm | Mapping[str, Any]], *, blind: bool = False) -> tuple[ArmLook, ...]:
    """Looks of the columns, left to right. Adapters get teal, violet, blue, rose in order of first appearance.

    With `blind` the labels are A to D in the order given (the caller shuffles) and the tone is neutral.
    """
    if blind:
        return tuple(ArmLook(label, "blind", "hidden until you vote", True) for label in BLIND_LABELS[: len(arms)])
    tones: dict[str, str] = {}
    looks: list[ArmLook] = []
    for arm in arms:
        data: dict[str, Any] = to_json(arm)
        kind, adapter = data["kind"], data.get("adapter") or ""
        if kind == ArmKind.ADAPTER and adapter not in tones:
            tones[adapter] = ADAPTER_TONES[len(tones) % len(ADAPTER_TONES)]
        tone = tones[adapter] if kind == ArmKind.ADAPTER else str(kind)
        looks.append(ArmLook(str(data["label"]), tone, _note(str(kind), adapter, data.get("temperature"))))
    shared = {look.tone for look in looks if sum(other.tone == look.tone for other in looks) > 1}
    return tuple(replace(look, number=i if look.tone in shared else 0) for i, look in enumerate(looks, start=1))


def _note(kind: str, adapter: str, temperature: float | None) -> str:
    note = {
        ArmKind.BASE: "the base model, plain prompt",
        ArmKind.PROMPTED: "the base model, schema in its prompt",
    }.get(ArmKind(kind), f"base + adapter {adapter}".rstrip())
    return note if temperature is None else f"temperature {number(float(temperature))}, {note}"


def who(look: ArmLook) -> Html:
    """Shape and label in the arm's colour, for legends and table heads."""
    return el(
        "span",
        el("span", look.shape, cls="tt-shape", aria_hidden="true"),
        el("bdi", look.label),
        cls=f"tt-who tt-tone-{look.tone}",
        title=look.note or None,
    )


def legend(looks: Sequence[ArmLook]) -> Html:
    return el("div", html(*(who(look) for look in looks)), cls="tt-legend")


def meter(part: int, whole: int) -> Html:
    """A bar of part / whole, cut to 0..1. An SVG's own numbers, since inline styles never come from data."""
    permille = min(1000, max(0, round(1000 * part / whole))) if whole else 0
    bar = el("rect", width=permille, height=10)
    return el("svg", bar, cls="tt-meter", viewBox="0 0 1000 10", preserveAspectRatio="none", aria_hidden="true")
