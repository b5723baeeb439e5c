"""The comparison for programs: plain arguments in, the command line's JSON lines out. No Gradio."""

import uuid
from collections.abc import Sequence

from studio.actions.compare import compare
from studio.actions.form import Form, to_request
from studio.deps import Deps
from studio.queries import choices
from training.cli_compare import json_line
from training.errors import BusyError
from training.task.pack import pack_named


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

    Empty `task` and `base` are the first on offer; `adapters` None the first adapter of that base; `seed` and
    `constrained` None the task's own. Raises StudioErrors; BusyError where the run was stopped before it began.
    """
    # size: a program's call names each of these on its own
    task = task or next(iter(deps.packs), "")
    base = base or choices.default_base(deps)
    pack = pack_named(task, deps.packs)
    if adapters is None:
        values = [value for _, value in choices.arm_choices(deps, base, task)]
        offered = [value for value in values if value.startswith(choices.ADAPTER_PREFIX)]
        chosen = offered[:1]
    else:
        chosen = [choices.ADAPTER_PREFIX + name for name in adapters]
    sampling = pack.sampling
    form = Form(
        text=text,
        task=task,
        base=base,
        arms=["base", *(["prompted"] if prompted else []), *chosen],
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
