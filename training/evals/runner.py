"""An evaluation from what was asked to its report: the flow that the command line and the background job share.

    documents -> rows.jsonl -> everybody answers -> answers.jsonl -> frames -> aggregates -> summary, report, card

Promise: everything that can be seen to be wrong is refused before a model is loaded; a stopped evaluation goes on from
its last whole answer when it is run again in its folder, and its answers are only taken over where documents, prompts,
models and decoding are still what they were. The folder is complete on its own. Limits: one process works in it.
"""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from training.background import now
from training.data.version_files import sha256_file
from training.disk import disk, write_whole
from training.errors import InputError
from training.evals.answering import BITS, LATENCY, NOISE, Stop, Work, answer_models, passes_ahead
from training.evals.answers_log import AnswersLog
from training.evals.arms import Plan, imported_answers, plan_of, shown_name, training_answers, worked_examples
from training.evals.asking_endpoint import answer_endpoints
from training.evals.data import Data, RowFile, documents, find_data, keep_rows, read_rows
from training.evals.directory import read_job, write_job
from training.evals.extras import Extras
from training.evals.frames import Told as FrameTold
from training.evals.frames import Written, write_frames
from training.evals.identity import Facts, identify, read_asked, write_asked
from training.evals.manifest import write_manifest
from training.evals.manifest_facts import Done, manifest_facts, shot_notices
from training.evals.notices import Notices
from training.evals.origin import LEAKS
from training.evals.progress import Progress, Told
from training.evals.records import ANSWERS, FREE_SAMPLES, JOB, ROWS, Answered, EvalJob, EvalStatus
from training.evals.summary import write_summary
from training.evals.trained_on import leaks_against
from training.evals.trivial import trivial_arm
from training.processes import Claim
from training.task.pack import BUILTIN, Pack, find_packs, pack_named


@dataclass(slots=True)
class Run:
    """What is known of an evaluation while it runs."""

    job: EvalJob
    folder: Path
    home: Path
    progress: Progress
    began: str
    notices: list[str] = field(default_factory=list[str])
    seconds: dict[str, float] = field(default_factory=dict[str, float])


def run_evaluation(
    job: EvalJob,
    folder: Path,
    home: Path,
    told: Told = lambda _status: None,
    stop: Callable[[], bool] = lambda: False,
) -> EvalStatus:
    """Do the evaluation in this process, in `folder`; returns the last status: finished, or cancelled.

    `told` hears of every step, `stop` is asked between answers. Raises the StudioErrors of its steps; the answers that
    were given until then stay.
    """
    _same_job(folder, job)
    with disk("make the evaluation's folder", folder):
        folder.mkdir(parents=True, exist_ok=True)
    status = EvalStatus(folder.name, job.name or folder.name, job.task, "running", "reading", created=now())
    with Claim(folder, "This evaluation"):
        write_job(folder, job)
        run = Run(job, folder, home, Progress(folder, status, told, stop), status.created)
        run.progress.tell()
        try:
            _work(run)
        except Stop:
            run.progress.tell(state="cancelled", phase="", arm="", eta_s=None)
            return run.progress.status
        except KeyboardInterrupt:
            run.progress.tell(state="cancelled", phase="", arm="", eta_s=None)
            raise
        except BaseException as err:
            fix = getattr(err, "fix", "See log.txt beside it.")
            run.progress.tell(state="failed", phase="", arm="", eta_s=None, error=str(err), fix=str(fix))
            raise
        run.progress.tell(state="finished", phase="", arm="", eta_s=None)
        return run.progress.status


def _work(run: Run) -> None:
    pack = pack_named(run.job.task, find_packs(BUILTIN, run.home / "tasks"))
    with ExitStack() as stack:
        with _timed(run, "reading"):
            data, known = _rows(run, pack)
            rows = stack.enter_context(closing(RowFile(run.folder / ROWS)))
            plan = plan_of(run.job, pack, known)
            shots, shots_from = worked_examples(plan, data, rows) if any(arm.shots for arm in plan.arms) else ([], "")
            arms = identify(plan, run.home, sha256_file(run.folder / ROWS), shots)
        run.notices += [*plan.imported.notices, *_warnings(plan)]
        log = stack.enter_context(closing(_log(run, plan, rows, arms)))
        total = len(rows) * run.job.samples * len(plan.arms)
        run.progress.tell(phase="answering", total=total, done=sum(log.count(arm.name) for arm in plan.arms))
        missing = _without_models(run, plan, rows, log)
        run.progress.expect(total - run.progress.status.done + passes_ahead(plan, rows.ids))
        with _timed(run, "answering"):
            work = Work(plan, rows, log, run.folder, run.home, shots, run.progress, arms)
            answer_models(work)
            answer_endpoints(work)
        learnt = None if pack.answer.grounded else (text for _, text in training_answers(data, pack))
        extras = stack.enter_context(closing(Extras(run.folder, plan, rows, learnt)))
        with _timed(run, "scoring"):
            written = _frames(run, plan, rows, log, extras)
        done = Done(run.folder, plan, data, rows, log, extras, written, arms, shots, shots_from, missing)
        run.notices += shot_notices(done)
        facts = manifest_facts(done) | {"created": run.began, "notices": run.notices}
        write_manifest(run.folder, facts)
    with _timed(run, "writing"):
        _tables(run, plan.pack)
        facts["finished"] = now()  # before the report and the card, which say when the evaluation was made
        write_manifest(run.folder, facts)
        _pages(run, plan.pack)
    write_manifest(run.folder, {**facts, "seconds": run.seconds})


def _rows(run: Run, pack: Pack) -> tuple[Data, frozenset[str]]:
    """The documents into rows.jsonl: (where from, every id there is)."""
    notices = Notices()
    data = find_data(run.job.data, pack, run.home, run.job.part)
    _, known = keep_rows(documents(data, pack, notices), run.folder / ROWS, run.job.limit)
    leaks = (data.path if data.kind == "version" else data.path.parent) / LEAKS
    if run.job.trained_on:
        found = leaks_against(run.job.trained_on, read_rows(run.folder / ROWS), pack, run.home)
        with disk("keep the leak report", run.folder):
            write_whole(run.folder / LEAKS, json.dumps(found, ensure_ascii=False))
    elif (data.kind == "version" or data.origin) and leaks.is_file():
        with disk("keep the version's leak report", run.folder):
            shutil.copyfile(leaks, run.folder / LEAKS)
    run.notices += notices.lines("documents")
    return data, known


def _warnings(plan: Plan) -> list[str]:
    """What is as it was asked, and perhaps not as it was meant."""
    found: list[str] = []
    greedy = [arm.name for arm in plan.of("base", "adapter", "endpoint") if plan.sampling(0, arm).greedy]
    if plan.job.samples > 1 and greedy:
        whose = "" if len(greedy) == len(plan.of("base", "adapter", "endpoint")) else f" of {', '.join(greedy)}"
        found.append(f"The temperature{whose} is 0, so all {plan.job.samples} samples of a document are alike.")
    if plan.job.samples == 1 and plan.pack.answer.kind == "text" and plan.of("base", "adapter", "endpoint"):
        found.append(
            "One answer a document says nothing of how answers vary: agreement, distinct-2 and self-BLEU have no "
            f"value. For them ask again above temperature 0, with {FREE_SAMPLES} samples."
        )
    for name, count in plan.imported.unknown_finish.items():
        if count:
            found.append(f"{count:,} answers of {name} do not say why they ended: taken as ended by themselves.")
    return found


def _log(run: Run, plan: Plan, rows: RowFile, arms: dict[str, Facts]) -> AnswersLog:
    """The answers there are. What needs no model is answered anew; a model's stay where its key is the same."""
    before = read_asked(run.folder)
    stale = {name for name, facts in arms.items() if name in before and before[name].key != facts.key}
    for name in sorted(stale):
        run.notices.append(f"What {name} depends on has changed since it answered: it is asked again.")
    if stale:
        for file in (LATENCY, NOISE, BITS):
            (run.folder / file).unlink(missing_ok=True)
    kept = {name for name in arms if name in before and name not in stale}
    for name in kept:
        arms[name] = replace(before[name], training=arms[name].training)
    log = AnswersLog(
        run.folder / ANSWERS, [arm.name for arm in plan.arms], rows.ids, run.job.samples,
        keep=lambda answer: answer.arm in kept,
    )  # fmt: skip
    if log.torn:
        run.notices.append(log.torn)
    write_asked(run.folder, arms)
    return log


def _without_models(run: Run, plan: Plan, rows: RowFile, log: AnswersLog) -> dict[str, int]:
    """Imported and trivial answers into the log; returns by arm how many predictions are missing.

    A document that a predictions' file says nothing of has an empty answer, which scores 0 and is told.
    """
    missing: dict[str, int] = {}
    if run.job.predictions:
        for answer in imported_answers(run.job, rows):
            _keep(run, log, answer)
    for arm in plan.of("imported"):
        for doc, k in list(log.missing(arm.name)):
            missing[arm.name] = missing.get(arm.name, 0) + 1
            _keep(run, log, Answered(arm.name, doc, k, "", "eos", finish_known=False))
        if arm.name in missing:
            count, own = missing[arm.name], shown_name(arm.name)
            run.notices.append(f"{count:,} predictions of {own} are missing: each counts as an empty answer.")
    for arm in plan.of("trivial"):
        answer_to = trivial_arm(arm.name, plan.pack, iter(rows))
        for row in rows:
            said = answer_to(row)
            for k in range(run.job.samples):
                _keep(run, log, Answered(arm.name, row.id, k, said, "eos"))
    return missing


def _keep(run: Run, log: AnswersLog, answer: Answered) -> None:
    if run.progress.stop():
        raise Stop
    log.append(answer)
    run.progress.given()


def _frames(run: Run, plan: Plan, rows: RowFile, log: AnswersLog, extras: Extras) -> Written:
    run.progress.tell(phase="scoring", arm="", eta_s=None)

    def done(documents: int) -> None:
        run.progress.tell(phase=f"scoring, {documents:,} of {len(rows):,} documents")

    told = FrameTold(done, run.progress.stop)
    written = write_frames(plan.pack, rows, lambda row: log.of(row.id), run.folder, told, extras.of)
    if written.stopped:
        raise Stop
    for arm, count in written.failed.items():
        run.notices.append(
            f"{count:,} answers of {shown_name(arm)} failed on the machine: unscored, not counted as wrong."
        )
    return written


def _tables(run: Run, pack: Pack) -> None:
    """What is made of the frames: figures, charts' tables and the summary."""
    from training.evals.aggregate import aggregate

    run.progress.tell(phase="figures")
    write_summary(run.folder, aggregate(run.folder, pack))


def _pages(run: Run, pack: Pack) -> None:
    """What is made for people of figures and manifest: the card, then the report, which holds the card."""
    from training.evals.card import write_card
    from training.evals.report import write_report

    run.progress.tell(phase="report")
    write_card(run.folder, pack)
    write_report(run.folder, pack)


def _same_job(folder: Path, job: EvalJob) -> None:
    """Refuse a folder that holds another evaluation: its documents' answers would be lost."""
    if not (folder / JOB).is_file():
        if folder.is_dir() and any(not path.name.startswith(".") for path in folder.iterdir()):
            raise InputError(f"{folder} is not empty and holds no evaluation.", fix="Give an empty or new folder.")
        return
    before = read_job(folder)
    for name in ("task", "part", "limit", "samples", "seed"):
        if getattr(before, name) != getattr(job, name):
            raise InputError(
                f"{folder} holds another evaluation: its {name} is {getattr(before, name)!r}.",
                fix="Give another folder, or ask the same as before.",
            )
    if Path(before.data).name != Path(job.data).name:
        raise InputError(f"{folder} holds an evaluation on {before.data}.", fix="Give another folder.")


@contextmanager
def _timed(run: Run, phase: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    run.seconds[phase] = round(time.monotonic() - began, 2)
