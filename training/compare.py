"""One comparison from text to record: the flow that the window, its API and the command line share. No torch.

    check -> load -> context -> prompts -> generate -> parse -> score -> receipt -> Comparison

Promise: bad input is refused before a model is loaded; every arm is answered from the same seed and budget; what was
equal and what was not stands in the receipt; closing the iterator, at whatever point, frees the model.
"""

import platform
import secrets
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any, cast

from training.engine.api import MAX_ARMS, Delta, EndMarker, EngineLike, ModelCard, Progress, Row, Stop
from training.errors import InputError
from training.loading import Loading, watched
from training.receipt import build_receipt
from training.task.context import build_context, readable
from training.task.pack import Pack
from training.task.parse import parse_answer
from training.task.prompt import check_fits, fitting_answer, render_prompt, room_for_source
from training.task.records import (
    Arm,
    ArmKind,
    ArmResult,
    Comparison,
    Context,
    FinishReason,
    Generation,
    Prompt,
    Sampling,
    Source,
)
from training.task.score.answer import score_answer
from training.task.score.grounding import ground_items
from training.task.score.schema import schema_errors
from training.task.source import read_text

LEAST_ANSWER = 16  # tokens; a smaller budget is none for any task
VERSIONS = ("torch", "transformers", "peft", "tokenizers", "safetensors")


@dataclass(frozen=True, slots=True)
class Request:
    """What to compare. `base` and the arms' adapters are names, folders or hub ids; labels are unique.

    `budget_tokens` None takes the pack's; either is lowered to what the model's context has room for. `gold` is the
    right answer where it is known, {} where the right answer is that there is none.
    """

    task: Pack
    base: str
    source: Source
    arms: tuple[Arm, ...]
    sampling: Sampling
    context_enabled: bool = True
    budget_tokens: int | None = None
    gold: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything before the first token. `source` is what a person reads: a web page's text, anything else as given."""

    card: ModelCard
    source: Source
    context: Context
    prompts: tuple[Prompt, ...]


@dataclass(frozen=True, slots=True)
class Ready:
    context: Context
    prompts: tuple[Prompt, ...]


@dataclass(frozen=True, slots=True)
class Partial:
    """An arm's text so far; `elapsed_s` wall seconds since its batch began."""

    index: int
    text: str
    new_tokens: int
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class ArmDone:
    index: int
    result: ArmResult


@dataclass(frozen=True, slots=True)
class Done:
    comparison: Comparison


Event = Loading | Ready | Partial | ArmDone | Done


def utc_now() -> datetime:
    return datetime.now(UTC)


def new_id(created: datetime) -> str:
    """Sorts by time; the random end keeps two of one second apart and links unguessable."""
    return f"{created:%Y%m%d-%H%M%S}-{secrets.token_hex(8)}"


def run(
    request: Request,
    engine: EngineLike,
    cancel: threading.Event,
    now: Callable[[], datetime] = utc_now,
    over: Callable[[], bool] = lambda: False,
) -> Generator[Event, None, None]:
    """The whole comparison as events, `Done` last. `over` is asked at every step whether the run has had its time.

    Cancelled while loading it just ends; cancelled or over later, the arms end with what they have and `Done` still
    comes. Raises the StudioErrors of its steps; ModelError where it is over while loading.
    """
    check_request(request)
    prepared = yield from watched(lambda tell: prepare(request, engine, tell), cancel, over)
    if prepared is None:
        return
    yield Ready(prepared.context, prepared.prompts)
    rows = [Row(arm, prompt, request.base) for arm, prompt in zip(request.arms, prepared.prompts, strict=True)]
    results: list[ArmResult] = []
    answer = request.task.answer
    stop: Stop = EndMarker(answer.end) if answer.kind == "text" else "json"
    answers = cast(
        "Generator[Delta | Generation, None, None]",
        engine.generate(rows, request.sampling, stop, cancel, request.task),
    )
    late = False
    with closing(answers) as events:
        for event in events:
            if not cancel.is_set() and over():
                late = True
                cancel.set()
            if isinstance(event, Delta):
                yield Partial(event.index, event.text, event.new_tokens, event.elapsed_s)
                continue
            if late and event.finish_reason is FinishReason.CANCELLED:
                event = replace(event, finish_reason=FinishReason.TIME_LIMIT)
            results.append(judge(request, prepared, prepared.prompts[len(results)], event))
            yield ArmDone(len(results) - 1, results[-1])
    yield Done(_record(request, prepared, tuple(results), now()))


def prepare(request: Request, engine: EngineLike, progress: Progress) -> Prepared:
    """Load what is named, choose the context and render every arm's prompt. Raises StudioErrors."""
    check_request(request)
    adapters = list(dict.fromkeys(arm.adapter for arm in request.arms if arm.adapter is not None))
    card = engine.prepare(request.base, adapters, progress)
    source = _readable(request)
    context = build_context(
        source,
        request.task.context,
        engine.count_tokens,
        budget_tokens=_budget(request, engine.tokenizer, card),
        enabled=request.context_enabled,
    )
    if not context.shown.strip():
        raise InputError(
            "This page holds no text, only markup: pictures and scripts can't be read.",
            fix="Paste the article's text, or switch the context step off to compare on the markup.",
        )
    kinds = {
        prompted: render_prompt(request.task, context, engine.tokenizer, prompted=prompted)
        for prompted in {arm.kind is ArmKind.PROMPTED for arm in request.arms}
    }
    prompts = tuple(kinds[arm.kind is ArmKind.PROMPTED] for arm in request.arms)
    for prompt in prompts:
        check_fits(prompt.tokens, request.sampling.max_new_tokens, card.context_tokens)
    return Prepared(card, source, context, prompts)


def check_request(request: Request) -> None:
    """Refuse with InputError what no model could answer."""
    if not 1 <= len(request.arms) <= MAX_ARMS:
        raise InputError(f"{len(request.arms)} arms were chosen.", fix=f"Compare 1 to {MAX_ARMS}.")
    labels = [arm.label for arm in request.arms]
    if doubled := {label for label in labels if labels.count(label) > 1}:
        raise InputError(f"Two arms are called {doubled.pop()!r}.", fix="Choose each column once.")
    for arm in request.arms:
        if (arm.kind is ArmKind.ADAPTER) != (arm.adapter is not None):
            raise InputError(f"Arm {arm.label!r} does not say which weights answer.", fix="Name an adapter, or none.")
    check_constrained(request.sampling, request.task)
    read_text(request.source.text, request.source.origin)


def check_constrained(sampling: Sampling, task: Pack) -> None:
    """InputError where answers that are text are to be held to a schema."""
    if sampling.constrained and task.answer.kind == "text":
        raise InputError(
            f"The answers of {task.name} are text: there is no schema to hold them to.",
            fix="Switch constrained decoding off.",
        )


def judge(request: Request, prepared: Prepared, prompt: Prompt, generation: Generation) -> ArmResult:
    """Parse and score one answer."""
    parsed = parse_answer(request.task, generation.raw, generation.finish_reason)
    text, task = prepared.source.text, request.task
    return ArmResult(
        generation=generation,
        prompt=prompt,
        parsed=parsed,
        schema_errors=schema_errors(parsed.object, task.schema),
        scores=score_answer(task, parsed, text, request.gold, raw=generation.raw),
        items=ground_items(task, parsed.object, text),
    )


def _readable(request: Request) -> Source:
    """A web page becomes its text, so that marks of what was found can stand in it; with the step off nothing does."""
    return readable(request.source, request.task.context) if request.context_enabled else request.source


def _budget(request: Request, tokenizer: Any, card: ModelCard) -> int:
    """Tokens for the source: what was asked for, or less where the longest prompt leaves less."""
    asked = request.task.context.budget_tokens if request.budget_tokens is None else request.budget_tokens
    if not request.context_enabled:
        return asked
    kinds = {arm.kind is ArmKind.PROMPTED for arm in request.arms}
    most = request.sampling.max_new_tokens
    room = {
        prompted: room_for_source(request.task, tokenizer, card.context_tokens, most, prompted=prompted)
        for prompted in kinds
    }
    if min(room.values()) < 1:
        raise _no_room(request, tokenizer, card, room)
    return min(asked, *room.values())


def _no_room(request: Request, tokenizer: Any, card: ModelCard, room: Mapping[bool, int]) -> InputError:
    """The answer budget that would leave room for a text, where there is one."""
    most, context = request.sampling.max_new_tokens, card.context_tokens
    own = context - most - min(room.values())
    fit = min(fitting_answer(request.task, tokenizer, context, prompted=prompted) for prompted in room)
    ways = [f"lower the answer budget (max new tokens) to {fit:,} or less"] if fit >= LEAST_ANSWER else []
    ways += ["leave the prompted base out"] if room.get(False, 0) > 0 else []
    ways.append("pick a model with a longer context")
    return InputError(
        f"{request.base} reads {context:,} tokens in all: the task's own words take {own:,} and the answer up to "
        f"{most:,}, which leaves none for the text.",
        fix=f"{', or '.join(ways).capitalize()}.",
    )


def _record(request: Request, prepared: Prepared, results: tuple[ArmResult, ...], created: datetime) -> Comparison:
    versions = {"python": platform.python_version()}
    for name in VERSIONS:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return Comparison(
        id=new_id(created),
        created=created.astimezone(UTC).isoformat(timespec="seconds"),
        task=request.task.name,
        base=request.base,
        source=prepared.source,
        context=prepared.context,
        arms=results,
        receipt=build_receipt(results, versions),
        gold=request.gold,
        versions=versions,
    )
