"""The engine: one base in memory, adapters beside it, one answer at a time, every answer proven.

Nothing heavy is imported before a model is first wanted, so the window can hold an Engine from its first second.
Everything that touches the model happens inside the process's one turn; a stream that is closed, cancelled or broken
gives the turn back at once.
"""

import os
import threading
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import psutil

from training.engine import hub
from training.engine.api import (
    MAX_ARMS,
    AdapterInfo,
    BaseInfo,
    Delta,
    EndMarker,
    EngineSettings,
    EngineStatus,
    ModelCard,
    Progress,
    Row,
    State,
    Stop,
)
from training.engine.generations import generation, never_began
from training.engine.turn import PROCESS_TURN, Turnstile
from training.errors import InputError, ModelError, ProofError
from training.task.pack import Pack
from training.task.prompt import check_fits
from training.task.records import Generation, Proof, Sampling

if TYPE_CHECKING:
    from training.engine.adapter_files import AdapterFiles
    from training.engine.load import LoadedBase

MOST_ADAPTERS = 8


@dataclass(frozen=True, slots=True)
class _Side:
    """One row as it will be answered: its settings, and the adapter's name inside PEFT and hash, or base and None."""

    row: Row
    sampling: Sampling
    name: str
    adapter_sha256: str | None


@dataclass(frozen=True, slots=True)
class _Found:
    """Checked folders of a base and, by the names they were asked for, of adapters."""

    base: hub.BaseFiles
    adapters: "dict[str, AdapterFiles]"


class Engine:
    """See the module. Safe to call from several threads."""

    def __init__(self, settings: EngineSettings, turn: Turnstile = PROCESS_TURN) -> None:
        self._settings = settings
        self._turn = turn
        self._loaded: LoadedBase | None = None
        self._names: dict[str, str] = {}  # adapter as asked for -> name inside PEFT, for the loaded base
        self._state: State = "idle"
        self._seen = threading.local()  # the base that this thread prepared last

    def status(self) -> EngineStatus:
        """What the status bar shows; cheap, never waits, loads nothing."""
        loaded = self._loaded
        used, total = psutil.Process().memory_info().rss, psutil.virtual_memory().total
        if loaded is not None and loaded.device.type == "cuda":
            import torch

            free, total = torch.cuda.mem_get_info(loaded.device)
            used = total - free
        return EngineStatus(
            device=loaded.card.device if loaded else (self._settings.device or "not chosen yet"),
            dtype=loaded.card.dtype if loaded else (self._settings.dtype or "not chosen yet"),
            memory_used_bytes=used,
            memory_total_bytes=total,
            base=loaded.card.base if loaded else None,
            adapters=tuple(self._names),
            state=self._state,
            cores=os.cpu_count() or 1,
            waiting=self._turn.waiting,
        )

    def bases(self) -> list[BaseInfo]:
        return hub.list_bases(self._settings)

    def adapters(self, base: str) -> list[AdapterInfo]:
        return hub.list_adapters(base, self._settings)

    def prepare(self, base: str, adapters: Sequence[str], progress: Progress) -> ModelCard:
        """Have a base and its adapters in memory, proven. Returns at once where they are.

        What has to be fetched is fetched before the model's turn is taken, so that nobody waits for a download. What
        `progress` raises ends the work and leaves the model free. Raises ModelError, AdapterError, ProofError,
        OutOfMemoryError, StorageError or BusyError.
        """
        loaded = self._loaded
        ready = loaded is not None and loaded.card.base == base and set(adapters) <= set(self._names)
        if not ready:
            found = self._find(base, adapters, progress)
            self._turn.enter(max_wait_s=self._settings.max_wait_s)
            try:
                self._state = "loading"
                loaded = self._ensure(found, progress)
            finally:
                self._state = "idle"
                self._turn.leave()
        assert loaded is not None
        self._seen.loaded = (loaded.card, loaded.tokenizer)
        return loaded.card

    @property
    def tokenizer(self) -> Any:
        """The tokenizer of the base that this thread prepared last. ModelError before that."""
        seen = getattr(self._seen, "loaded", None)
        if seen is None and self._loaded is not None:
            return self._loaded.tokenizer
        if seen is None:
            raise ModelError("No model is loaded yet.", fix="Prepare a base first.")
        return seen[1]

    def count_tokens(self, text: str) -> int:
        """Tokens of a piece of text, special tokens neither added nor read in it."""
        return len(self.tokenizer.encode(text, add_special_tokens=False))

    def generate(
        self, rows: Sequence[Row], sampling: Sampling, stop: Stop, cancel: threading.Event, pack: Pack | None = None
    ) -> Generator[Delta | Generation, None, None]:
        """Answer 1 to 4 rows as one batch: Deltas while they are written, then one proven Generation for each row.

        Closing the iterator, or setting `cancel`, frees the model at once. Every row starts from the same seed. Where
        the sampling is constrained, every row is held to the schema of `pack`.
        """
        if not 1 <= len(rows) <= MAX_ARMS:
            raise InputError(f"{len(rows)} arms were asked for.", fix=f"Compare 1 to {MAX_ARMS}.")
        base = rows[0].base or (self._loaded.card.base if self._loaded else None)
        if base is None or any(row.base not in (None, base) for row in rows):
            raise ModelError("The arms of one comparison need one loaded base.", fix="Prepare it first.")
        if not self._turn.enter(cancel, self._settings.max_wait_s):
            yield from never_began(rows, sampling, self.status())
            return
        try:
            yield from self._answer(rows, sampling, stop, cancel, base, pack)
        except ProofError:
            self._drop()  # whatever is in memory is not what it says
            raise
        finally:
            self._state = "idle"
            self._turn.leave()

    def unload(self) -> None:
        """Give the model's memory back; the next prepare loads it again."""
        self._turn.enter(max_wait_s=self._settings.max_wait_s)
        try:
            self._drop()
        finally:
            self._turn.leave()

    def _answer(
        self, rows: Sequence[Row], sampling: Sampling, stop: Stop, cancel: threading.Event, base: str, pack: Pack | None
    ) -> Iterator[Delta | Generation]:
        from training.engine.constrained import grammar_of
        from training.engine.generate import Answer, Job, decode
        from training.engine.load import memory_errors

        self._state = "loading"
        wanted = [row.arm.adapter for row in rows if row.arm.adapter is not None]
        loaded = self._ensure(self._find(base, wanted, _unheard), _unheard)
        self._state = "generating"
        sides = [self._side(loaded, row, sampling) for row in rows]
        self._prove(loaded, sides)
        marker = stop.text if isinstance(stop, EndMarker) else ""
        grammar = grammar_of(loaded, pack) if sampling.constrained else None
        jobs = [
            Job(side.name, side.row.prompt.token_ids, side.sampling, stop == "json", marker, grammar) for side in sides
        ]
        answers: list[Answer] = []
        with memory_errors("this comparison"):
            for event in decode(loaded, jobs, cancel):
                if isinstance(event, Answer):
                    answers.append(event)
                else:
                    yield event
        proofs = self._prove(loaded, sides)
        for answer in sorted(answers, key=lambda found: found.index):
            side, proof = sides[answer.index], proofs[answer.index]
            yield generation(loaded.card, side.row, side.sampling, proof, answer, len(rows))

    def _side(self, loaded: "LoadedBase", row: Row, sampling: Sampling) -> _Side:
        from training.engine.sides import BASE_ROW

        own = sampling if row.arm.temperature is None else replace(sampling, temperature=row.arm.temperature)
        check_fits(row.prompt.tokens, own.max_new_tokens, loaded.card.context_tokens)
        if row.prompt.tokens == 0:
            raise InputError("The prompt is empty.", fix="Give some text.")
        if row.arm.adapter is None:
            return _Side(row, own, BASE_ROW, None)
        name = self._names[row.arm.adapter]
        sha256 = next(digest for digest, known in loaded.adapters.items() if known == name)
        return _Side(row, own, name, sha256)

    def _prove(self, loaded: "LoadedBase", sides: Sequence[_Side]) -> list[Proof]:
        """Probe the very rows of this batch, before and after it is answered. Raises ProofError."""
        from training.engine.adapters import check_state, probe_rows
        from training.engine.probe import make_proof, prove

        check_state(loaded)
        names = [side.name for side in sides]
        differences = prove(loaded.pristine, names, lambda: probe_rows(loaded, names), loaded.references)
        adapters = [
            None if side.adapter_sha256 is None else (str(side.row.arm.adapter), side.adapter_sha256) for side in sides
        ]
        digest = loaded.card.sha256
        return [make_proof(loaded.pristine, digest, a, d) for a, d in zip(adapters, differences, strict=True)]

    def _find(self, base: str, adapters: Sequence[str], progress: Progress) -> "_Found":
        """Where a base and its adapters lie, fetched if need be. Needs no turn."""
        loaded = self._loaded
        files = loaded.files if loaded and loaded.card.base == base else None
        if files is None or not files.folder.is_dir():
            files = hub.resolve_base(base, self._settings, progress)
        return _Found(files, {name: hub.resolve_adapter(name, self._settings, files, progress) for name in adapters})

    def _ensure(self, found: "_Found", progress: Progress) -> "LoadedBase":
        """Inside the turn: load what is missing. Files that changed on disk since are loaded again."""
        loaded, files = self._loaded, found.base
        if loaded is None or loaded.card.base != files.name or loaded.card.sha256 != files.sha256:
            progress(f"Reading {files.name}", None)  # whoever left ends it here, before the base in memory makes room
            self._drop()
            from training.engine.load import load_base

            files = hub.check_base(files.name, files.folder, embedded=files.embedded)
            loaded = self._loaded = load_base(files, self._settings, progress)
        self._make_room(loaded, list(found.adapters))
        for name, adapter in found.adapters.items():
            self._names[name] = self._attach(loaded, adapter, progress)
        return loaded

    def _attach(self, loaded: "LoadedBase", files: "AdapterFiles", progress: Progress) -> str:
        from training.engine.adapters import attach
        from training.engine.load import memory_errors

        progress(f"Attaching {files.name}", None)
        with memory_errors(f"adapter {files.name}"):
            return attach(loaded, files)

    def _make_room(self, loaded: "LoadedBase", wanted: Sequence[str]) -> None:
        """Detach adapters that this request does not name once more are attached than are worth keeping."""
        from training.engine.adapters import detach

        spare = [name for name in self._names if name not in wanted]
        while spare and len(loaded.adapters) + len(wanted) > MOST_ADAPTERS:
            detach(loaded, self._names.pop(spare.pop(0)))

    def _drop(self) -> None:
        if self._loaded is None:
            return
        from training.engine.load import release_memory

        self._loaded = None
        self._names = {}
        release_memory()


def _unheard(_text: str, _fraction: float | None) -> None:
    """Nobody asks how far it is."""
