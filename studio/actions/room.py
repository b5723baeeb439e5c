"""Whether a base has room for text and answer beside the task's own words, and the answer budget that would leave it.

Promise: nothing is changed unasked; an offer is made, and the person takes it. For a base in memory it is counted with
its own tokenizer, for another one reckoned from the context that is known of it. No Gradio.
"""

import json
from pathlib import Path

from studio.actions.form import Form
from studio.deps import Deps
from training.compare import LEAST_ANSWER
from training.errors import StudioError
from training.task.pack import Pack, pack_named
from training.task.prompt import fitting_answer, messages_for, room_for_source

LEAST_SOURCE = 64  # tokens; a text in less is no comparison
CHARS_PER_TOKEN = 3  # of a prompt, where no tokenizer is at hand: on the safe side
KNOWN = {"distilbert/distilgpt2": 1024}  # listed bases with less room than tasks ask for, as their configs state it


def answer_to_offer(deps: Deps, form: Form) -> int | None:
    """Tokens for an answer that would leave a text as much, None where there is room enough or can't be made."""
    asked = form.max_new_tokens
    if not isinstance(asked, int | float) or isinstance(asked, bool) or not 1 <= asked <= deps.settings.max_new_tokens:
        return None  # the form says what is wrong with it
    prompted = "prompted" in ([form.sweep_arm] if form.sweep else form.arms)
    try:
        pack = pack_named(form.task, deps.packs)
        loaded = deps.engine.status().base == form.base
        found = _counted(deps, form.base, pack, prompted) if loaded else _reckoned(deps, form.base, pack, prompted)
    except StudioError:  # told where the text is looked at
        return None
    if found is None:
        return None
    room, fit = found
    return fit if room - asked < LEAST_SOURCE and LEAST_ANSWER <= fit < asked else None


def _counted(deps: Deps, base: str, pack: Pack, prompted: bool) -> tuple[int, int]:
    """Tokens for text and answer together, and half of them."""
    card = deps.engine.prepare(base, [], lambda _text, _fraction: None)
    given = (pack, deps.engine.tokenizer, card.context_tokens)
    return room_for_source(*given, 0, prompted=prompted), fitting_answer(*given, prompted=prompted)


def _reckoned(deps: Deps, base: str, pack: Pack, prompted: bool) -> tuple[int, int] | None:
    context = known_context(deps, base)
    if context is None:
        return None
    chars = sum(len(message.content) for message in messages_for(pack, "", prompted))
    room = context - chars // CHARS_PER_TOKEN
    return room, max(0, room // 2)


def known_context(deps: Deps, base: str) -> int | None:
    """Tokens that a listed base reads in all, as the config in its folder states it; None where nothing tells."""
    if base in KNOWN:
        return KNOWN[base]
    listed = next((info for info in deps.engine.bases() if info.name == base), None)
    if listed is None:
        return None
    try:
        config = json.loads((Path(listed.path_or_id) / "config.json").read_text("utf-8"))
        stated = config.get("max_position_embeddings") or config.get("n_positions")
    except (OSError, ValueError, AttributeError, RecursionError):
        return None
    return stated if type(stated) is int and stated > 0 else None
