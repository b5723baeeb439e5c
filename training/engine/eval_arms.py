"""The arms of an evaluation that a model on this machine answers: one base in memory, every adapter beside it.

Promise: all arms are answered by the loop of a comparison (training.engine.generate), in batches of a fixed size padded
on the left, from prompts made as Compare makes them; which weights answered is proven before and after each call, where
it can be. An adapter that can't share the base's layers (DoRA: it rescales whole columns of a weight; or a change too
small for the proof to see) is merged into a copy of the base, which is in memory only while that arm answers; `used`
says so. Limits: one caller at a time; the accelerator's lease is the caller's matter.
"""

import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Literal, Self

from training.engine.adapter_files import AdapterFiles, check_adapter, read_config
from training.engine.adapters import attach, check_state, probe_rows
from training.engine.answers import Stopped, Watch, merge
from training.engine.api import EngineSettings, ModelCard, Progress
from training.engine.constrained import grammar_of
from training.engine.eval_prompts import BOTH, Asked, PromptMaker, base_for, shots_in
from training.engine.generate import Answer, Job, decode
from training.engine.hub import BaseFiles, adapter_folder, resolve_base
from training.engine.likelihood import bits
from training.engine.load import LoadedBase, load_base, memory_errors, release_memory
from training.engine.probe import prove
from training.engine.sides import BASE_ROW
from training.engine.tokens import encode
from training.errors import AdapterError, InputError, ProofError
from training.evals.records import EvalArm, EvalRow
from training.task.pack import Pack
from training.task.prompt import check_fits
from training.task.records import FinishReason, Prompt, Sampling

__all__ = ["BATCH", "Asked", "ModelSession", "Stopped", "Used", "Watch", "open_arms", "shots_in"]
BATCH = 8


@dataclass(frozen=True, slots=True)
class Used:
    """An adapter as it answers. `how`: beside the base, or merged into a copy of it for the reason in `why`."""

    name: str
    sha256: str
    how: Literal["beside", "merged"]
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Side:
    """The model that an arm is answered by, and the adapter's name inside PEFT."""

    loaded: LoadedBase
    name: str


def open_arms(
    base: str,
    adapters: Sequence[str],
    settings: EngineSettings,
    progress: Progress = lambda _text, _share: None,
    kinds: Collection[bool] = BOTH,
) -> "ModelSession":
    """Load the base ("": the one that the adapters name, else the embedded one) and prove every adapter.

    `adapters` are what `EvalArm.adapter` holds: a name, a run's id, a folder or a hub id. `kinds` says which of the
    pack's two prompts (prompted or not) the evaluation's arms use. A context manager; leaving it frees the memory.
    Raises ModelError, AdapterError, ProofError, OutOfMemoryError, InputError.
    """
    files = resolve_base(base_for(base, adapters, settings, progress), settings, progress)
    session = ModelSession(load_base(files, settings, progress), files, settings, kinds)
    try:
        for adapter in dict.fromkeys(adapters):
            session.add(adapter, progress)
    except BaseException:
        session.close()
        raise
    return session


class ModelSession:
    """See the module and `open_arms`. `card` is the base's, `used` says by adapter how it answers."""

    def __init__(
        self, loaded: LoadedBase, files: BaseFiles, settings: EngineSettings, kinds: Collection[bool] = BOTH
    ) -> None:
        self.card: ModelCard = loaded.card
        self.used: dict[str, Used] = {}
        self.prompts = PromptMaker(loaded.tokenizer, loaded.card.context_tokens, kinds)
        self._loaded: LoadedBase | None = loaded
        self._files, self._settings = files, settings
        self._names: dict[str, str] = {}  # adapter -> its name inside PEFT
        self._apart: dict[str, AdapterFiles] = {}  # adapters that are merged
        self._copy: tuple[str, LoadedBase] | None = None  # the merged adapter that is in memory

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the memory back. The session can't be used after it."""
        self._loaded = self._copy = None
        release_memory()

    def add(self, adapter: str, progress: Progress) -> None:
        """Find, check and attach one adapter; one that can't share the base's layers is kept for its own copy."""
        loaded, card = self._base(), self.card
        folder = adapter_folder(adapter, self._settings, progress)
        dora = bool(read_config(adapter, folder).get("use_dora"))
        files = check_adapter(adapter, folder, card.base, card.sha256, beside=not dora)
        progress(f"Attaching {adapter}", None)
        why = "DoRA" if dora else ""
        if not dora:
            try:
                with memory_errors(f"adapter {adapter}"):
                    self._names[adapter] = attach(loaded, files)
            except ProofError:  # no reason to leave it unmeasured
                why = "its change is too small for the proof of sides"
        if why:
            self._apart[adapter] = files
        self.used[adapter] = Used(adapter, files.sha256, "merged" if why else "beside", why)

    def prompt(
        self, pack: Pack, arm: EvalArm, row: EvalRow, shots: Sequence[tuple[str, str]] = ()
    ) -> tuple[Prompt, float]:
        """The prompt and the share of the document's tokens that it shows; see `PromptMaker.prompt`.

        `shots_in(prompt)` says how many of the (source, answer) examples had room. InputError for a document of which
        nothing can be shown.
        """
        return self.prompts.prompt(pack, arm, row, shots)

    def answer(
        self,
        arm: EvalArm,
        prompts: Sequence[Prompt],
        sampling: Sequence[Sampling],
        pack: Pack,
        watch: Watch | None = None,
        *,
        batch_size: int = BATCH,
    ) -> Iterator[tuple[int, Answer]]:
        """(place in `prompts`, answer) as rows end; `batch_size` prompts at a time in the order given: sort by length.

        The latency pass calls it with batch_size 1, the noise floor with another size. `watch.told` hears of each
        answer, `watch.stop` is asked at each step: Stopped is raised, and what was yielded before stays good. A
        constrained arm of a text pack is an InputError.
        """
        if len(prompts) != len(sampling) or batch_size < 1:
            raise InputError("Each prompt needs its sampling, and a batch a row.", fix="Report this as a bug.")
        side = self._side(arm)
        jobs = self._jobs(arm, side, prompts, sampling, pack)
        return self._answers(arm, side, jobs, watch or Watch(), batch_size)

    def bits_per_byte(self, arm: EvalArm, prompt: Prompt, gold_text: str) -> float | None:
        """Bits that the arm needs for a byte (UTF-8) of the right answer after the prompt; lower is better.

        None for an empty text, or where prompt and text exceed the context. What a grammar forbids is not left out.
        """
        answer = encode(self.prompts.tokenizer, gold_text)
        if not answer or prompt.tokens + len(answer) > self.card.context_tokens:
            return None
        side = self._side(arm)
        with memory_errors("the likelihood of an answer"):
            return bits(side.loaded, side.name, prompt.token_ids, answer) / len(gold_text.encode())

    def _base(self) -> LoadedBase:
        if self._loaded is None:
            raise InputError("The arms were closed.", fix="Open them again.")
        return self._loaded

    def _side(self, arm: EvalArm) -> _Side:
        """The model of an arm; a merged one is made when its arm is asked and dropped when another is."""
        loaded = self._base()
        if arm.kind not in ("base", "adapter"):
            raise InputError(f"The arm {arm.name!r} is not answered by a model here.", fix="Report this as a bug.")
        if arm.adapter is None:
            return _Side(loaded, BASE_ROW)
        if arm.adapter in self._names:
            return _Side(loaded, self._names[arm.adapter])
        if arm.adapter not in self._apart:
            raise AdapterError(f"Adapter {arm.adapter} was not loaded.", fix="Name it when the arms are opened.")
        if self._copy is None or self._copy[0] != arm.adapter:
            self._copy = None
            release_memory()
            copy = load_base(self._files, self._settings, lambda _text, _share: None)
            self._copy = arm.adapter, merge(copy, self._apart[arm.adapter].folder)
        return _Side(self._copy[1], BASE_ROW)

    def _jobs(
        self, arm: EvalArm, side: _Side, prompts: Sequence[Prompt], sampling: Sequence[Sampling], pack: Pack
    ) -> list[Job]:
        marker = pack.answer.end if pack.answer.kind == "text" else ""
        grammar = grammar_of(self._base(), pack) if arm.constrained else None
        for prompt, how in zip(prompts, sampling, strict=True):
            check_fits(prompt.tokens, how.max_new_tokens, self.card.context_tokens)
        return [
            Job(side.name, prompt.token_ids, how, stop_json=not marker, stop_text=marker, grammar=grammar)
            for prompt, how in zip(prompts, sampling, strict=True)
        ]

    def _answers(
        self, arm: EvalArm, side: _Side, jobs: Sequence[Job], watch: Watch, batch_size: int
    ) -> Iterator[tuple[int, Answer]]:
        self._prove(side)
        done = 0
        for at in range(0, len(jobs), batch_size):
            for answer in self._batch(side, jobs[at : at + batch_size], watch):
                done += 1
                watch.told(arm.name, done, len(jobs))
                yield at + answer.index, replace(answer, index=at + answer.index)
        self._prove(side)

    def _batch(self, side: _Side, jobs: Sequence[Job], watch: Watch) -> Iterator[Answer]:
        """The answers of one batch as its rows end. Stopped where the watch says so; a cut row is never an answer."""
        cancel = threading.Event()
        with memory_errors("the evaluation"), closing(decode(side.loaded, jobs, cancel)) as events:
            for event in events:
                if isinstance(event, Answer) and event.finish is FinishReason.CANCELLED:
                    raise Stopped
                if isinstance(event, Answer):
                    yield event
                if not cancel.is_set() and watch.stop():
                    cancel.set()
        if cancel.is_set():
            raise Stopped

    def _prove(self, side: _Side) -> None:
        """The base's rows and the arm's are what they were; a merged copy has no base beside it to be held against."""
        if side.loaded is self._loaded:
            names = list(dict.fromkeys((BASE_ROW, side.name)))
            check_state(side.loaded)
            prove(side.loaded.pristine, names, lambda: probe_rows(side.loaded, names), side.loaded.references)
