"""Models asked every document of an evaluation, from the answers that are there already to the last.

Promise: an arm's documents are rendered a window at a time, sorted by length inside it and answered in batches of one
fixed size; each answer is kept as it ends, so that an evaluation can be stopped at any document. Memory is flat in
documents. A document of which nothing can be shown is not asked: its answer has finish error and stays unscored.
When the last answer is there: a pass at batch size 1 for the times, one at another size for the noise floor, and the
bits that each right answer takes.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.disk import disk
from training.errors import InputError
from training.evals.accelerator import Accelerator
from training.evals.answers_log import AnswersLog
from training.evals.arms import Plan, Shot, answer_as_written
from training.evals.data import RowFile
from training.evals.identity import Facts, write_asked
from training.evals.progress import Progress
from training.evals.records import Answered, EvalArm, EvalJob
from training.task.records import Prompt

if TYPE_CHECKING:
    from training.engine.eval_arms import ModelSession
    from training.engine.generate import Answer

WINDOW_BATCHES = 32  # of documents that are rendered and sorted together
WARM_UP = 2  # answers before a latency pass that nobody times
LATENCY, NOISE, BITS = "latency.jsonl", "noise.jsonl", "bits.jsonl"


class Stop(Exception):
    """Asked to stop; what was answered is kept."""


@dataclass(frozen=True, slots=True)
class Work:
    """Everything that asking needs. `facts` is known before of every arm and is filled while it answers."""

    plan: Plan
    rows: RowFile
    log: AnswersLog
    folder: Path
    home: Path
    shots: Sequence[Shot]
    progress: Progress
    facts: dict[str, Facts]


def answer_models(work: Work) -> None:
    """Have every arm answered that a model on this machine answers. Stop where that is asked for.

    Raises the StudioErrors of loading and answering; what was answered until then is kept.
    """
    arms = work.plan.of("base", "adapter")
    todo = [arm for arm in arms if not answered_whole(work, arm)]
    if not todo:
        return
    accelerator = Accelerator(work.home, work.folder.name, work.progress)
    while todo:
        if not accelerator.take():
            raise Stop
        try:
            with _open(work, todo) as session:
                while todo:
                    _Asking(work, session, todo.pop(0)).all()
                    if todo and accelerator.wanted():
                        break
        finally:
            accelerator.give_back()


def answered_whole(work: Work, arm: EvalArm) -> bool:
    """Whether nothing is left to ask of an arm, in no pass: then its model need not be loaded."""
    kept = work.facts[arm.name]
    if next(work.log.missing(arm.name), None) is not None or not kept.device:
        return False
    passes = [(LATENCY, latency_docs_of(work.rows.ids, work.plan.job))]
    passes += [(NOISE, noise_docs_of(work.rows.ids, work.plan.job))] if arm.name == noise_arm(work.plan) else []
    for file, docs in passes:
        if docs and not _whole_pass(work, file, docs, arm.name):
            return False
    bits = read_bits(work.folder / BITS, arm.name)
    return all(row.id in bits or row.gold is None for row in work.rows)


def _whole_pass(work: Work, file: str, docs: Sequence[str], arm: str) -> bool:
    if not (work.folder / file).exists():
        return False
    with closing(AnswersLog(work.folder / file, _models(work.plan), docs)) as log:
        return next(log.missing(arm), None) is None


def _models(plan: Plan) -> list[str]:
    return [arm.name for arm in plan.of("base", "adapter")]


def passes_ahead(plan: Plan, ids: Sequence[str]) -> int:
    """How many answers the passes for times and noise take, of all arms that a model answers here."""
    noise = len(noise_docs_of(ids, plan.job)) if noise_arm(plan) else 0
    return noise + len(plan.of("base", "adapter")) * len(latency_docs_of(ids, plan.job))


def latency_docs_of(ids: Sequence[str], job: EvalJob) -> list[str]:
    """The documents of the latency pass, spread evenly over all."""
    return spread(ids, job.latency_rows)


def noise_docs_of(ids: Sequence[str], job: EvalJob) -> list[str]:
    return spread(ids, job.noise_rows)


def noise_arm(plan: Plan) -> str:
    """The arm that the noise floor is measured on: the first adapter, else the first that a model answers; "" none."""
    arms = [*plan.of("adapter"), *plan.of("base")]
    return arms[0].name if arms and plan.job.noise_rows else ""


def other_batch(plan: Plan) -> int:
    """The batch size that the noise floor is measured against."""
    return 1 if plan.job.batch_size > 1 else 8


class _Asking:
    """One arm and the session it answers in."""

    def __init__(self, work: Work, session: "ModelSession", arm: EvalArm) -> None:
        self._work, self._session, self._arm = work, session, arm
        self._facts = facts = work.facts[arm.name]
        from training.engine.device_facts import device_name

        card, used = session.card, session.used.get(arm.adapter or "")
        facts.device, facts.dtype, facts.parameters = card.device, card.dtype, card.parameters
        facts.device_name = device_name(card.device)
        facts.how = used.how if used else ""

    def all(self) -> None:
        """Answers, then the passes. Each goes on where it was stopped."""
        from training.engine.device_facts import MemoryWatch

        work, name = self._work, self._arm.name
        work.progress.begin(name)
        size = work.plan.job.batch_size
        for answer in self._replies(list(work.log.missing(name)), size):
            work.log.append(answer)
            work.progress.answered()
        if docs := latency_docs_of(work.rows.ids, work.plan.job):
            work.progress.tell(phase="latency")
            with MemoryWatch(self._facts.device) as memory:
                asked = self._pass(LATENCY, docs, 1, warm_up=WARM_UP)
            if asked:  # a pass that was whole before measured it then
                self._facts.peak_memory_bytes = max(memory.peak, self._facts.peak_memory_bytes or 0)
        if name == noise_arm(work.plan):
            work.progress.tell(phase="noise")
            self._pass(NOISE, noise_docs_of(work.rows.ids, work.plan.job), other_batch(work.plan))
        work.progress.tell(phase="bits per byte")
        self._bits()
        write_asked(work.folder, work.facts)

    def _pass(self, file: str, docs: Sequence[str], size: int, warm_up: int = 0) -> bool:
        """Documents answered once more in another batch size, into a log of their own; first some into none. Whether
        anything was left to ask."""
        with closing(AnswersLog(self._work.folder / file, _models(self._work.plan), docs)) as log:
            todo = list(log.missing(self._arm.name))
            for _ in self._replies([(doc, 0) for doc in docs[:warm_up]] if todo else [], size):
                pass
            for answer in self._replies(todo, size):
                log.append(answer)
                self._work.progress.passed()
            return bool(todo)

    def _replies(self, todo: Sequence[tuple[str, int]], size: int) -> Iterator[Answered]:
        """The answers to (document, sample) as they end, sorted by length within a window of batches."""
        window = WINDOW_BATCHES * size
        for at in range(0, len(todo), window):
            asked: list[_Asked] = []
            for doc, group in groupby(todo[at : at + window], key=lambda one: one[0]):
                samples = [k for _, k in group]
                prompt = self._prompt(doc, first=0 in samples)
                if prompt is None:
                    yield from (Answered(self._arm.name, doc, k, "", "error") for k in samples)
                else:
                    asked += [_Asked(doc, k, *prompt) for k in samples]
            asked.sort(key=lambda one: (-one.prompt.tokens, one.doc, one.k))
            for place, answer in self._answers(asked, size):
                together = min(size, len(asked) - place // size * size)
                yield _answered(self._arm.name, asked[place], answer, together)
            write_asked(self._work.folder, self._work.facts)

    def _prompt(self, doc: str, first: bool) -> tuple[Prompt, float] | None:
        """A document's prompt and the share that it shows; None where nothing can be shown, which is told."""
        from training.engine.eval_arms import shots_in

        row = self._work.rows.row(self._work.rows.places[doc])
        if self._work.progress.stop():
            raise Stop
        try:
            prompt, share = self._session.prompt(self._work.plan.pack, self._arm, row, self._work.shots)
        except InputError as err:
            self._facts.not_shown[doc] = str(err)
            return None
        self._facts.not_shown.pop(doc, None)
        if self._arm.shots and first:
            self._facts.shots_of[doc] = shots_in(prompt)
        return prompt, share

    def _answers(self, asked: Sequence["_Asked"], size: int) -> "Iterator[tuple[int, Answer]]":
        from training.engine.eval_arms import Stopped, Watch

        if not asked:
            return
        plan = self._work.plan
        sampling = [plan.sampling(one.k, self._arm) for one in asked]
        watch = Watch(stop=self._work.progress.stop)
        try:
            yield from self._session.answer(
                self._arm, [one.prompt for one in asked], sampling, plan.pack, watch, batch_size=size
            )
        except Stopped as err:
            raise Stop from err

    def _bits(self) -> None:
        """Bits a byte of every right answer, into bits.jsonl: a line a document that has one."""
        work, path = self._work, self._work.folder / BITS
        done = set(read_bits(path, self._arm.name))
        torn = path.exists() and not path.read_bytes().endswith(b"\n")
        with disk("keep the bits", path), path.open("a", encoding="utf-8") as file:
            file.write("\n" if torn else "")
            for row in work.rows:
                if row.id in done or row.gold is None or row.id in self._facts.not_shown:
                    continue
                if work.progress.stop():
                    raise Stop
                text = _gold_text(work.plan, row.gold)
                prompt, _ = self._session.prompt(work.plan.pack, self._arm, row, work.shots)
                value = self._session.bits_per_byte(self._arm, prompt, text) if text else None
                line = {"arm": self._arm.name, "doc": row.id, "value": value, "bytes": len(text.encode("utf-8"))}
                file.write(json.dumps(line) + "\n")
                file.flush()


@dataclass(frozen=True, slots=True)
class _Asked:
    doc: str
    k: int
    prompt: Prompt
    share: float


def read_bits(path: Path, arm: str) -> dict[str, tuple[float | None, int]]:
    """By document (bits a byte, bytes) of an arm; a line that was cut off is as if it were not there."""
    found: dict[str, tuple[float | None, int]] = {}
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        try:
            values: dict[str, Any] = json.loads(line)
        except ValueError:
            continue
        if values["arm"] == arm:
            found[values["doc"]] = (values["value"], values["bytes"])
    return found


def _open(work: Work, arms: Sequence[EvalArm]) -> "ModelSession":
    """The base in memory with every adapter of the evaluation."""
    from training.engine.api import EngineSettings
    from training.engine.eval_arms import open_arms

    work.progress.tell(phase="loading", arm="")
    adapters = list(dict.fromkeys(arm.adapter for arm in arms if arm.adapter is not None))
    kinds = frozenset(arm.prompted for arm in work.plan.of("base", "adapter", "endpoint"))
    return open_arms(work.plan.job.base, adapters, EngineSettings(home=work.home), kinds=kinds)


def _answered(arm: str, asked: _Asked, answer: "Answer", batch: int) -> Answered:
    return Answered(
        arm, asked.doc, asked.k, answer.text, answer.finish.value, asked.prompt.sha256, asked.prompt.tokens,
        answer.new_tokens, asked.share, round(answer.ttft_s, 6), round(answer.gen_s, 6), batch,
    )  # fmt: skip


def _gold_text(plan: Plan, gold: dict[str, Any]) -> str:
    try:
        return answer_as_written(plan.pack, gold)
    except InputError:  # a gold that the form can't hold word for word has no text to be expected
        return ""


def spread(ids: Sequence[str], count: int) -> list[str]:
    """`count` ids at even distances, all of them where there are no more."""
    if count >= len(ids):
        return list(ids)
    return [ids[at * len(ids) // count] for at in range(count)]
