"""The compare form, checked once: what a person chose becomes a `Request` or one InputError. No Gradio."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from studio.deps import Deps
from studio.queries.choices import ADAPTER_PREFIX
from training.compare import Request
from training.errors import InputError
from training.task.pack import Pack, pack_named
from training.task.records import Arm, ArmKind, Sampling, Source
from training.task.source import read_text

SWEEP = "0.3, 0.7, 1.0, 1.5"


@dataclass(frozen=True, slots=True)
class Form:
    """Plain values as the components give them, one a field; the component of the same name is the only other place.

    `arms` holds "base", "prompted" and "adapter:NAME". `budget_tokens` 0 or None is the model's own room.
    `temperatures` and `sweep_arm` count only with `sweep`.
    """

    text: str = ""
    origin: str = "paste"
    task: str = ""
    base: str = ""
    arms: Sequence[str] = ()
    own_adapter: str | None = ""
    temperature: float | None = 0.0
    top_p: float | None = 1.0
    top_k: float | None = 0
    repetition_penalty: float | None = 1.0
    no_repeat_ngram: float | None = 0
    constrained: bool | None = False
    max_new_tokens: float | None = 512
    seed: float | None = 7
    sweep: bool = False
    temperatures: str = SWEEP
    sweep_arm: str | None = ""
    context_enabled: bool = True
    budget_tokens: float | None = None
    blind: bool = False

    @classmethod
    def of(cls, values: Sequence[Any]) -> "Form":
        """Values in the order of the fields; a missing one fails here, not one column further."""
        return cls(**dict(zip(FIELDS, values, strict=True)))


FIELDS = tuple(f.name for f in fields(Form))


def to_request(form: Form, deps: Deps, arms: tuple[Arm, ...] | None = None) -> Request:
    """The checked request, for `arms` other than the chosen ones where given. InputError names the field."""
    pack = pack_named(form.task, deps.packs)
    check_base(form.base, deps)
    sampling = sampling_of(form, deps.settings.max_new_tokens)
    source = read_source(form)
    if arms is None:
        arms = sweep_arms(form, deps) if form.sweep else chosen_arms(form, deps)
    if not 1 <= len(arms) <= deps.settings.max_arms:
        raise InputError(f"{len(arms)} columns were chosen.", fix=f"Choose 1 to {deps.settings.max_arms} of them.")
    if form.blind and len(arms) != 2:
        raise InputError(
            f"Blind mode puts two answers to a vote, and {len(arms)} columns were chosen.",
            fix="Choose two columns, or switch Blind off.",
        )
    budget = whole(form.budget_tokens, "Token budget", 16, 1_000_000) if form.budget_tokens else None
    gold = gold_for(form.text, pack)
    return Request(pack, form.base, source, arms, sampling, form.context_enabled, budget, gold)


def read_source(form: Form) -> Source:
    """What was pasted or loaded into the box, under the name it came with."""
    return read_text(form.text or "", form.origin or "paste")


def gold_for(text: str, pack: Pack) -> dict[str, Any] | None:
    """The known right answer where the text is one of the task's own examples, unchanged."""
    return next((example.gold for example in pack.examples if example.text.strip() == text.strip()), None)


def check_base(base: str, deps: Deps) -> None:
    """InputError where a Space is asked for a model that it does not offer."""
    if not base:
        raise InputError("No base model was chosen.", fix="Choose one in the sidebar.")
    if not deps.settings.allow_paths and base not in {info.name for info in deps.engine.bases()}:
        raise InputError(f"{base!r} is not offered here.", fix="Choose a base from the list; at home any model works.")


def chosen_arms(form: Form, deps: Deps) -> tuple[Arm, ...]:
    """The ticked columns in a fixed order: base, prompted base, adapters; then the person's own adapter.

    Adapters whose folders are called alike, or like another column, go by their whole name.
    """
    own = (form.own_adapter or "").strip()  # a box that is not on the page gives None
    names = [*form.arms, *([ADAPTER_PREFIX + own] if own else [])]
    order = {"base": 0, "prompted": 1}
    arms = [arm_of(name, deps, form.base) for name in sorted(dict.fromkeys(names), key=lambda n: order.get(n, 2))]
    times = Counter(arm.label for arm in arms)
    return tuple(replace(arm, label=whole_name(arm)) if times[arm.label] > 1 else arm for arm in arms)


def whole_name(arm: Arm) -> str:
    """An adapter's name or folder in full, told from the base's columns; any other arm's label as it is."""
    if arm.adapter is None:
        return arm.label
    return arm.adapter if arm.adapter != arm.label else f"{arm.label} (adapter)"


def arm_of(name: str, deps: Deps, base: str) -> Arm:
    if name == "base":
        return Arm(ArmKind.BASE, "base")
    if name == "prompted":
        return Arm(ArmKind.PROMPTED, "prompted base")
    adapter = name.removeprefix(ADAPTER_PREFIX)
    offered = {info.name: info.label for info in deps.engine.adapters(base)}
    if adapter not in offered and not deps.settings.allow_paths:
        raise InputError(f"The adapter {adapter!r} is not offered here.", fix="Choose one from the list.")
    return Arm(ArmKind.ADAPTER, adapter.rstrip("/\\").replace("\\", "/").rpartition("/")[2] or adapter, adapter)


def sweep_arms(form: Form, deps: Deps) -> tuple[Arm, ...]:
    """One arm at several temperatures, a column each."""
    if not form.sweep_arm:
        raise InputError("No column was chosen for the sweep.", fix="Choose which one to run at several temperatures.")
    arm = arm_of(form.sweep_arm, deps, form.base)
    return tuple(Arm(arm.kind, f"T {t:g}", arm.adapter, t) for t in parse_temperatures(form.temperatures))


def parse_temperatures(text: str) -> tuple[float, ...]:
    """`0.3, 0.7` as numbers from 0 to 2, each once. InputError quotes the part that is none."""
    values: list[float] = []
    for part in text.replace(";", ",").split(","):
        try:
            value = float(part)
        except ValueError:
            raise InputError(f"{part.strip()!r} is no temperature.", fix=f"Write numbers like {SWEEP}.") from None
        if not 0 <= value <= 2:
            raise InputError(f"Temperature {value:g} is out of range.", fix="Choose numbers from 0 to 2.")
        if value in values:
            raise InputError(f"Temperature {value:g} is there twice.", fix="Write each temperature once.")
        values.append(value)
    return tuple(values)


def sampling_of(form: Form, max_new_tokens: int) -> Sampling:
    return Sampling(
        temperature=number(form.temperature, "Temperature", 0, 2),
        top_p=number(form.top_p, "Top p", 0.01, 1),
        top_k=whole(form.top_k, "Top k", 0, 1000),
        repetition_penalty=number(form.repetition_penalty, "Repetition penalty", 0.5, 2),
        no_repeat_ngram=whole(form.no_repeat_ngram, "No repeats of", 0, 512),
        constrained=bool(form.constrained),
        max_new_tokens=whole(form.max_new_tokens, "Max new tokens", 1, max_new_tokens),
        seed=whole(form.seed, "Seed", 0, 2**32 - 1),
    )


def number(value: float | None, name: str, low: float, high: float) -> float:
    """The value, never another one: a wrong one is refused, since it would falsify the comparison."""
    if value is None or isinstance(value, (str, bool)) or not low <= value <= high:
        given = "is empty" if value is None else f"is {value!r}"
        raise InputError(f"{name} {given}.", fix=f"Enter a number from {low:,} to {high:,}.")
    return float(value)


def optional(value: float | str | None, name: str, low: float, high: float) -> float | None:
    """What stands in a field that may be left empty, None for nothing.

    Such a field holds text: an empty number field of Gradio gives 0.
    """
    if isinstance(value, str):
        try:
            value = float(value) if value.strip() else None
        except ValueError:
            raise InputError(f"{name} is {value.strip()!r}.", fix="Enter a number, or leave it empty.") from None
    return None if value is None else number(value, name, low, high)


def whole(value: float | None, name: str, low: int, high: int) -> int:
    checked = number(value, name, low, high)
    if checked != int(checked):
        raise InputError(f"{name} is {value!r}.", fix=f"Enter a whole number from {low:,} to {high:,}.")
    return int(checked)
