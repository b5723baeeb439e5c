"""Who answers in an evaluation, found out and checked before anybody is asked.

Promise: a job that can't be done is refused before a model is loaded: an arm named twice, an imported name that another
arm has already, a constrained arm of a task whose answers are text, predictions of unknown documents. Limits: whether a
base or an adapter is there is found out when it is loaded.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from training.data.rows import DataRow, answer_text
from training.errors import DataError, InputError
from training.evals.data import Data, RowFile
from training.evals.notices import Notices
from training.evals.predictions import read_predictions
from training.evals.records import Answered, EvalArm, EvalJob, read_arm
from training.task.pack import Pack
from training.task.records import Sampling
from training.task.score.values import asserts_anything
from training.task.sections import write_sections
from training.typed_path import typed_path

IMPORTED = "imported:"
N_SHOTS = 3
SHOT_CHARS = (200, 2_500)  # of a worked example's text: long enough to show something, short enough to fit
Shot = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Plan:
    """What an evaluation does. `pack` has the job's sampling; `arms` stand in the order of every table."""

    job: EvalJob
    pack: Pack
    arms: tuple[EvalArm, ...]
    imported: "Imported" = field(default_factory=lambda: Imported())

    def of(self, *kinds: str) -> tuple[EvalArm, ...]:
        return tuple(arm for arm in self.arms if arm.kind in kinds)

    def sampling(self, k: int, arm: EvalArm | None = None) -> Sampling:
        """Decoding of a document's sample k, at the arm's own temperature where it has one."""
        shared = self.pack.sampling
        heat = shared.temperature if arm is None or arm.temperature is None else arm.temperature
        return replace(shared, seed=shared.seed + k, temperature=heat)


@dataclass(frozen=True, slots=True)
class Imported:
    """What a predictions' file holds, by arm: how many answers, and of how many nobody said why they ended."""

    answers: dict[str, int] = field(default_factory=dict[str, int])
    unknown_finish: dict[str, int] = field(default_factory=dict[str, int])
    notices: tuple[str, ...] = ()


def plan_of(job: EvalJob, pack: Pack, known: frozenset[str]) -> Plan:
    """Arms in the job's order, then those of the predictions. InputError or DataError for what can't be done.

    `known` are the ids of all documents, those behind the limit too.
    """
    if job.samples < 1 or job.batch_size < 1 or job.limit < 0:
        raise InputError(
            f"{job.samples} samples, batches of {job.batch_size} and {job.limit} documents were asked for.",
            fix="Samples and batches are 1 or more; 0 documents takes all.",
        )
    sampling = job.sampling or pack.sampling
    # Which answers are held to the schema is said by the arms, so that both can stand side by side.
    pack = replace(pack, sampling=replace(sampling, seed=job.seed, constrained=False))
    imported = _look_at(job, known)
    arms = [read_arm(name) for name in job.arms]
    asked = {arm.name for arm in arms}
    arms += [read_arm(IMPORTED + name) for name in imported.answers if IMPORTED + name not in asked]
    if not arms:
        raise InputError("Nobody would answer.", fix="Name arms with --arms, or a file with --predictions.")
    _check(arms, pack, imported)
    return Plan(job, pack, tuple(arms), imported)


def shown_name(arm: str) -> str:
    """An arm as other programs name it: an imported one by its own name."""
    return arm.removeprefix(IMPORTED)


def imported_answers(job: EvalJob, rows: RowFile) -> Iterator[Answered]:
    """The predictions as answers, those of documents behind the limit left out."""
    for found in read_predictions(Path(job.predictions)):
        if found.doc in rows.places:
            arm = IMPORTED + found.arm
            yield Answered(arm, found.doc, found.k, found.output, found.finish, finish_known=found.finish_known)


def worked_examples(plan: Plan, data: Data, rows: RowFile) -> tuple[list[Shot], str]:
    """(source, answer) of three examples and where they are from: the version's training rows, else the pack's own.

    The same job takes the same ones. None of them is a document that is evaluated.
    """
    pack = plan.pack
    if data.kind == "version":
        from training.task.parse import gold_object

        least, most = SHOT_CHARS if pack.answer.grounded else (1, SHOT_CHARS[1])
        fitting = [
            (row.source, text)
            for row, text in training_answers(data, pack)
            if least <= len(row.source) <= most and asserts_anything(pack, gold_object(pack, row.gold))
        ]
        if fitting:
            random.Random(plan.job.seed).shuffle(fitting)
            return sorted(fitting[:N_SHOTS], key=lambda shot: len(shot[0])), f"train of {data.name}"
    evaluated = {row.source.strip() for row in rows}
    shots = [
        (example.text, answer_as_written(pack, example.gold))
        for example in pack.examples
        if example.gold and example.kind == "text" and example.text.strip() not in evaluated
    ]
    return sorted(shots, key=lambda shot: len(shot[0]))[:N_SHOTS], f"examples of {pack.name}"


def training_answers(data: Data, pack: Pack) -> Iterator[tuple[DataRow, str]]:
    """The training rows beside the documents and their answers as they were learnt; nothing for a file."""
    if data.kind != "version":
        return
    from training.data.versions import read_version, rows_for_training
    from training.engine.run_rows import answer_of

    version = read_version(data.path)
    for row in rows_for_training(version, "train") if "train" in version.rows else ():
        yield row, answer_of(pack, row)


def answer_as_written(pack: Pack, gold: dict[str, Any]) -> str:
    """A right answer as a model of this task would write it. InputError where the task's form can't hold it."""
    return write_sections(pack.answer, gold) if pack.answer.kind == "text" else answer_text(gold)


def _look_at(job: EvalJob, known: frozenset[str]) -> Imported:
    """Every line of the predictions, checked; nothing is kept of them yet."""
    if not job.predictions:
        return Imported()
    path, notices = typed_path(job.predictions, "predictions"), Notices()
    answers: dict[str, int] = {}
    unsaid: dict[str, int] = {}
    for found in read_predictions(path, notices):
        if found.doc not in known:
            raise DataError(
                f"{path}: the id {found.doc!r} of arm {found.arm!r} is no document of {job.data}.",
                fix="Give the data that these predictions were made on.",
            )
        if found.k >= job.samples:
            raise DataError(
                f"{path}: arm {found.arm!r} has sample {found.k} of {found.doc!r}, {job.samples} were asked for.",
                fix=f"Ask with --samples {found.k + 1}.",
            )
        answers[found.arm] = answers.get(found.arm, 0) + 1
        unsaid[found.arm] = unsaid.get(found.arm, 0) + (not found.finish_known)
    return Imported(answers, unsaid, tuple(notices.lines("predictions")))


def _check(arms: list[EvalArm], pack: Pack, imported: Imported) -> None:
    names = [arm.name for arm in arms]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"The arm {name!r} is named twice.", fix="Name each arm once.")
        if name.startswith(IMPORTED):
            own = shown_name(name)
            if own not in imported.answers:
                known = ", ".join(imported.answers) or "none, no predictions were given"
                raise InputError(f"The predictions hold no arm {own!r}.", fix=f"They hold: {known}.")
            if own in names:
                raise InputError(
                    f"The predictions' arm {own!r} has the name of an arm that is asked here.",
                    fix="Call it something else in the file.",
                )
    held = next((arm.name for arm in arms if arm.constrained), None)
    if held is not None and pack.answer.kind == "text":
        raise InputError(
            f"The arm {held!r} holds every token to a JSON schema, and the answers of {pack.name} are text.",
            fix="Leave it out.",
        )
