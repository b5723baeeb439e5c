"""The prompt of a document for an arm, made as a comparison makes it: context step, budget, chat template.

Promise: every arm of an evaluation is shown the same passages of a document. The budget is the pack's, or the least
that any prompt of the evaluation has room for (`kinds`), as in a comparison with the same columns. Worked examples come
after that: each is a user and an assistant turn before the question, and one that no longer fits is left out, which
`shots_in` tells; a document is never cut for an example's sake. No torch; only the base's tokenizer is read.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from training.engine.adapter_files import read_config, same_base
from training.engine.api import EngineSettings, Progress
from training.engine.base_tokenizer import context_tokens, load_tokenizer
from training.engine.hub import EMBEDDED, adapter_folder, resolve_base
from training.engine.tokens import encode
from training.errors import InputError
from training.evals.records import EvalArm, EvalRow
from training.task.context import build_context, readable
from training.task.pack import Pack
from training.task.prompt import check_fits, messages_for, render_messages, render_prompt, room_for_source
from training.task.records import Context, Message, Prompt, Source

BOTH = frozenset({False, True})


@dataclass(frozen=True, slots=True)
class Asked:
    """One answer to be had. `k` counts the samples of a document from 0; `shown_share` is 0..1 of its tokens."""

    doc: str
    k: int
    prompt: Prompt
    shown_share: float


class PromptMaker:
    """Renders prompts for one base. `kinds`: which of the pack's two prompts the evaluation's arms use (prompted or
    not); what a document shows depends on all of them, so give the same for each arm."""

    def __init__(self, tokenizer: Any, context: int, kinds: Collection[bool] = BOTH) -> None:
        self.tokenizer = tokenizer
        self.context_tokens = context
        self._kinds = frozenset(kinds) or BOTH
        self._rooms: dict[tuple[Any, ...], int] = {}
        self._shown_shots: dict[tuple[str, int, str], str] = {}

    def prompt(
        self, pack: Pack, arm: EvalArm, row: EvalRow, shots: Sequence[tuple[str, str]] = ()
    ) -> tuple[Prompt, float]:
        """The prompt and the share of the document's tokens that it shows (0..1).

        `shots` are (source, answer) texts, used as far as they fit where the arm wants any. The answer budget is
        `pack.sampling.max_new_tokens`: give a pack whose sampling is the evaluation's. InputError for a document of
        which nothing can be shown, and for a prompt that leaves no room for an answer.
        """
        context = self.context(pack, row)
        prompt = render_prompt(pack, context, self.tokenizer, prompted=arm.prompted)
        if arm.shots and shots:
            prompt = self._with_shots(pack, prompt, shots[: arm.shots])
        check_fits(prompt.tokens, pack.sampling.max_new_tokens, self.context_tokens)
        return prompt, min(1.0, context.shown_tokens / max(1, context.source_tokens))

    def context(self, pack: Pack, row: EvalRow) -> Context:
        """What of a document every arm is shown. InputError where that is nothing."""
        source = readable(Source(row.source, row.kind), pack.context)
        context = build_context(source, pack.context, self._count, budget_tokens=self._budget(pack))
        if not context.shown.strip():
            raise InputError(
                f"Nothing of the document {row.id!r} can be shown: it holds no text of its own.",
                fix="Leave it out, or give its text.",
            )
        return context

    def _with_shots(self, pack: Pack, prompt: Prompt, shots: Sequence[tuple[str, str]]) -> Prompt:
        """The prompt after as many examples as fit, tried in order; the document's own turn stays as it is."""
        *first, question = prompt.messages
        room = self.context_tokens - pack.sampling.max_new_tokens
        turns: list[Message] = []
        for source, answer in shots:
            asked = messages_for(pack, self._shown_shot(pack, source))[-1]
            tried = [*turns, asked, Message("assistant", answer)]
            longer = render_messages((*first, *tried, question), self.tokenizer)
            if longer.tokens <= room:
                turns, prompt = tried, longer
        return prompt

    def _shown_shot(self, pack: Pack, source: str) -> str:
        key = (pack.name, self._budget(pack), source)
        if key not in self._shown_shots:
            context = build_context(Source(source), pack.context, self._count, budget_tokens=key[1])
            self._shown_shots[key] = context.shown
        return self._shown_shots[key]

    def _budget(self, pack: Pack) -> int:
        answer = pack.sampling.max_new_tokens
        key = (pack.name, pack.user, pack.prompted_user, answer)
        if key not in self._rooms:
            self._rooms[key] = min(
                room_for_source(pack, self.tokenizer, self.context_tokens, answer, prompted=prompted)
                for prompted in self._kinds
            )
        return min(pack.context.budget_tokens, self._rooms[key])

    def _count(self, text: str) -> int:
        return len(encode(self.tokenizer, text))


def prompts_of(base: str, settings: EngineSettings, kinds: Collection[bool] = BOTH) -> PromptMaker:
    """Prompts as `base` reads them, its weights left alone; for arms that answer elsewhere. "" is the embedded base."""
    folder = resolve_base(base or EMBEDDED, settings, lambda *_: None).folder
    tokenizer = load_tokenizer(folder)
    return PromptMaker(tokenizer, context_tokens(folder, tokenizer), kinds)


def shots_in(prompt: Prompt) -> int:
    """How many worked examples stand in a prompt."""
    return sum(message.role == "assistant" for message in prompt.messages)


def base_for(base: str, adapters: Sequence[str], settings: EngineSettings, progress: Progress) -> str:
    """`base`, or where it is "" the one that the adapters name, or the embedded one. InputError where they disagree."""
    if base:
        return base
    named: dict[str, str] = {}
    for adapter in adapters:
        config = read_config(adapter, adapter_folder(adapter, settings, progress))
        if found := config.get("base_model_name_or_path"):
            named[adapter] = str(found)
    chosen = next(iter(named.values()), EMBEDDED)
    for adapter, found in named.items():
        if not same_base(found, chosen):
            raise InputError(
                f"The adapters are of different bases: {found} for {adapter}, {chosen} for {next(iter(named))}.",
                fix="Evaluate each base's adapters on their own, or name the base.",
            )
    return chosen
