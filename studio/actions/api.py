"""The comparison for programs: plain arguments in, the command line's JSON lines out. No Gradio."""

import json
import uuid
from collections.abc import Sequence
from types import NoneType

from studio.actions.compare import compare
from studio.actions.form import Form, to_request
from studio.deps import Deps
from studio.queries import choices
from training.cli_compare import json_line
from training.errors import BusyError, InputError
from training.task.pack import pack_named

SHOWN_CHARS = 60
WANTED: dict[str, tuple[tuple[type, ...], str]] = {  # JSON's types, as they are: a word for true would switch on
    "text": ((str,), "a text"),
    "task": ((str,), "the name of a task as text"),
    "base": ((str,), "the name of a base model as text"),
    "adapters": ((list, tuple, NoneType), 'a list of names, such as ["mine"], or leave it out'),
    "prompted": ((bool,), "true or false, without quotes"),
    "seed": ((int, float, NoneType), "a whole number, or leave it out"),
    "constrained": ((bool, NoneType), "true or false, without quotes, or leave it out"),
}


def compare_for_program(
    deps: Deps,
    text: str,
    task: str,
    base: str,
    adapters: Sequence[str] | None,
    prompted: bool,
    seed: int | None,
    constrained: bool | None = None,
) -> str:
    """One JSON object a line for each arm, as `python -m training compare --json` prints them; kept like any other.

    Empty `task` and `base` are the first on offer; `adapters` None is, as on the command line, the one made for the
    task where the base is the first on offer, and none on another base; `seed` and `constrained` None the task's own.
    Raises StudioErrors, InputError for a value of another type; BusyError where the run was stopped before it began.
    """
    # size: a program's call names each of these on its own
    check_types(
        text=text, task=task, base=base, adapters=adapters, prompted=prompted, seed=seed, constrained=constrained
    )
    task = task or next(iter(deps.packs), "")
    base = base or choices.default_base(deps)
    pack = pack_named(task, deps.packs)
    chosen = made_for(deps, base, task) if adapters is None else list(adapters)
    sampling = pack.sampling
    form = Form(
        text=text,
        task=task,
        base=base,
        arms=["base", *(["prompted"] if prompted else []), *(choices.ADAPTER_PREFIX + name for name in chosen)],
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        top_k=sampling.top_k,
        repetition_penalty=sampling.repetition_penalty,
        no_repeat_ngram=sampling.no_repeat_ngram,
        constrained=sampling.constrained if constrained is None else constrained,
        max_new_tokens=min(sampling.max_new_tokens, deps.settings.max_new_tokens),
        seed=sampling.seed if seed is None else seed,
    )
    session = f"program {uuid.uuid4().hex}"
    try:
        for frame in compare(deps, session, to_request(form, deps)):
            if frame.comparison:
                return "\n".join(json_line(result) for result in frame.comparison.arms)
    finally:
        deps.sessions.drop(session)
    raise BusyError("The comparison was stopped before it began.", fix="Ask again.")


def made_for(deps: Deps, base: str, task: str) -> list[str]:
    """The adapter that runs where none was named, as the command line chooses it: see `arms_of` there."""
    if base != choices.default_base(deps):
        return []
    return [info.name for info in deps.engine.adapters(base) if info.task == task][:1]


def check_types(**given: object) -> None:
    """InputError for a value that is not of the type its name stands for; nothing is read as what it may have meant."""
    for name, value in given.items():
        kinds, words = WANTED[name]
        if type(value) not in kinds:
            raise InputError(f"{name} is {_shown(value)}.", fix=f"Give it {words}.")
        if name == "adapters" and isinstance(value, list | tuple):
            for item in value:
                if type(item) is not str or not item.strip():
                    raise InputError(f"adapters holds {_shown(item)}.", fix=f"Give it {words}.")


def _shown(value: object) -> str:
    words = json.dumps(value, ensure_ascii=False, default=repr)
    return words if len(words) <= SHOWN_CHARS else f"{words[:SHOWN_CHARS]}…"
