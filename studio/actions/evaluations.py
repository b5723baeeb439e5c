"""What a click on the Evaluate tab means: start, cancel, forget, a spec for targeted rows. No Gradio.

Nothing is started or written on a Space, where every such action is an InputError that says so.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from studio.actions.form import optional, whole
from studio.deps import Deps
from studio.queries.evaluations import aggregates, folder_of, pack_of
from training.errors import InputError
from training.evals.directory import read_job
from training.evals.eval_job import cancel_evaluation, forget_evaluation, start_evaluation
from training.evals.records import (
    DRAWN,
    FREE_SAMPLES,
    LATENCY_ROWS,
    MOST_HEAT,
    ROWS,
    TIMED,
    EvalJob,
    read_arm,
    usual_samples,
)
from training.evals.repair import targeted_spec
from training.task.pack import Pack, pack_named
from training.task.records import Sampling
from training.typed_path import typed_path

NOT_HERE = "Nothing is evaluated on this Space."
AT_HOME = "Run the studio on your own machine: it evaluates there, offline and without a GPU too."
OWN_FILE = ""  # the data is a file that is named below
MOST_SAMPLES, MOST_BATCH, MOST_TIMED = 20, 256, 10_000
MOST_MONEY = 1_000_000.0
SAMPLES_INFO = (
    f"Empty: 1, or {FREE_SAMPLES} where answers are free text above temperature 0, or there are several. Greedy ones "
    "are all alike and say nothing of variety"
)
HEAT_INFO = "Empty: the task's own. Several, as 0.3, 0.7: each arm with a model once at each of them"
TIMED_INFO = f"Answered one at a time, by every arm. Empty: {LATENCY_ROWS}; the release gate on speed needs {TIMED}"


@dataclass(frozen=True, slots=True)
class EvalForm:
    """Plain values as the components give them, one a field; the component of the same name is the only other place.

    `data` is a dataset version's name, "" for `file`, a path of this machine. `endpoint_model` adds the arm of a larger
    model; its prices are money for a million tokens. `limit` 0 takes every document. What may be left empty comes as
    the text of its field, "" or None for nothing: `temperature` is then the task's own, `samples` as many as its
    answers need.
    """

    task: str | None = ""
    data: str | None = ""
    part: str | None = "test"
    file: str | None = ""
    arms: Sequence[str] = ()
    adapters: Sequence[str] = ()
    constrained: bool = False
    predictions: str | None = ""
    limit: float | None = 0
    samples: float | str | None = None
    temperature: float | str | None = None
    batch_size: float | None = 8
    base: str | None = ""
    endpoint: str | None = ""
    endpoint_model: str | None = ""
    price_in: float | str | None = None
    price_out: float | str | None = None
    max_cost: float | str | None = None
    latency_rows: float | str | None = None
    name: str | None = ""

    @classmethod
    def of(cls, values: Sequence[Any]) -> "EvalForm":
        """Values in the order of the fields; a missing one fails here, not one component further."""
        return cls(**dict(zip(FIELDS, values, strict=True)))


FIELDS = tuple(f.name for f in fields(EvalForm))


def not_on_a_space(deps: Deps) -> None:
    if deps.settings.space:
        raise InputError(NOT_HERE, fix=AT_HOME)


def job_from(form: EvalForm, deps: Deps) -> EvalJob:
    """The evaluation that the form describes. A StudioError names what can't be used."""
    not_on_a_space(deps)
    pack = pack_named(form.task or "", deps.packs)
    data = (form.data or "").strip() or _path(form.file, "The data file", deps)
    if not data:
        raise InputError("No documents were chosen.", fix="Choose a dataset version, or name a JSONL file.")
    predictions = _path(form.predictions, "The predictions file", deps)
    arms = _arms(form)
    if not arms and not predictions:
        raise InputError("Nobody would answer.", fix="Tick an arm, or name a file of predictions.")
    return EvalJob(
        task=str(form.task),
        data=data,
        arms=arms,
        base=(form.base or "").strip(),
        part=form.part or "test",
        predictions=predictions,
        limit=whole(form.limit, "Documents", 0, 10_000_000),
        samples=_samples(form, pack),
        sampling=_sampling(form, pack),
        batch_size=whole(form.batch_size, "Batch size", 1, MOST_BATCH),
        endpoint=(form.endpoint or "").strip(),
        price_in=_money(form.price_in, "The price of tokens in"),
        price_out=_money(form.price_out, "The price of tokens out"),
        max_cost=_cap(form),
        latency_rows=_timed(form),
        name=(form.name or "").strip(),
    )


def _arms(form: EvalForm) -> tuple[str, ...]:
    """Arms in the order of a page: trivial ones, the base's, adapters, the larger model."""
    names = [*form.arms, *(f"adapter:{name}" for name in form.adapters)]
    if form.constrained:
        names += ["base+constrained"] if "base" in form.arms else []
        names += [f"adapter+constrained:{name}" for name in form.adapters]
    if model := (form.endpoint_model or "").strip():
        names.append(f"endpoint:{model}")
    arms = [read_arm(name) for name in names]
    heats = _temperatures(form)
    if len(heats) > 1:
        drawn = [arm for arm in arms if arm.kind in DRAWN]
        arms = [arm for arm in arms if arm not in drawn] + [
            read_arm(f"{arm.name}@{heat:g}") for arm in drawn for heat in heats
        ]
    return tuple(dict.fromkeys(arm.name for arm in arms))


def _samples(form: EvalForm, pack: Pack) -> int:
    samples = optional(form.samples, "Samples", 1, MOST_SAMPLES)
    if samples is None:
        return FREE_SAMPLES if len(_temperatures(form)) > 1 else usual_samples(pack, _sampling(form, pack))
    return whole(samples, "Samples", 1, MOST_SAMPLES)


def _timed(form: EvalForm) -> int:
    timed = optional(form.latency_rows, "Timed documents", 0, MOST_TIMED)
    return LATENCY_ROWS if timed is None else whole(timed, "Timed documents", 0, MOST_TIMED)


def _money(value: float | str | None, what: str) -> float | None:
    return optional(value, what, 0.0, MOST_MONEY)


def _cap(form: EvalForm) -> float | None:
    """The most that the larger model may cost: nobody can keep it without prices."""
    most = _money(form.max_cost, "The most it may cost")
    prices = (_money(form.price_in, "The price of tokens in"), _money(form.price_out, "The price of tokens out"))
    if most is not None and None in prices:
        raise InputError(
            f"A cap of {most:g} can't be kept: the larger model's prices are unknown.",
            fix="Give both prices, or leave the cap empty.",
        )
    return most


def _sampling(form: EvalForm, pack: Pack) -> Sampling | None:
    """The task's own decoding at another temperature; None where it is its own, or each arm has several."""
    heats = _temperatures(form)
    return replace(pack.sampling, temperature=heats[0]) if len(heats) == 1 else None


def _temperatures(form: EvalForm) -> list[float]:
    """What stands in the field, one or several with commas between."""
    given = str(form.temperature or "").split(",") if isinstance(form.temperature, str) else [form.temperature]
    found = [optional(one, "Temperature", 0.0, MOST_HEAT) for one in given]
    return sorted({heat for heat in found if heat is not None})


def _path(text: str | None, what: str, deps: Deps) -> str:
    """A file of this machine as it was named; "" for none."""
    text = (text or "").strip()
    if not text:
        return ""
    if not deps.settings.allow_paths:
        raise InputError(f"{what} can't be read from here.", fix="Paths are for the studio's own machine.")
    if not typed_path(text, what).is_file():
        raise InputError(f"{what} {text} is not there.", fix="Check the path: it is a JSONL file, one row a line.")
    return text


def command(job: EvalJob) -> str:
    """The line for a terminal that evaluates the same."""
    usual = EvalJob(job.task, job.data)
    words = ["python", "-m", "training", "evaluate", "--task", job.task, "--data", job.data]
    words += ["--arms", ",".join(job.arms)] if job.arms else []
    words += ["--predictions", job.predictions] if job.predictions else []
    for flag, name in (
        ("--part", "part"), ("--limit", "limit"), ("--samples", "samples"), ("--batch-size", "batch_size"),
        ("--base", "base"), ("--endpoint", "endpoint"), ("--price-in", "price_in"), ("--price-out", "price_out"),
        ("--max-cost", "max_cost"), ("--latency-rows", "latency_rows"),
    ):  # fmt: skip
        value = getattr(job, name)
        words += [flag, str(value)] if value != getattr(usual, name) else []
    words += ["--temperature", f"{job.sampling.temperature:g}"] if job.sampling else []
    words += ["--name", job.name] if job.name else []
    return shlex.join([*words, "--out", "evaluation"])


def start(deps: Deps, form: EvalForm) -> str:
    """Begin in the background; returns the evaluation's id."""
    return start_evaluation(job_from(form, deps), deps.settings.home)


def cancel(deps: Deps, evaluation: str) -> None:
    """What was answered stays, and a new start goes on from it."""
    not_on_a_space(deps)
    cancel_evaluation(deps.settings.home, evaluation)


def forget(deps: Deps, evaluation: str) -> None:
    """Delete an own evaluation that is over."""
    not_on_a_space(deps)
    if folder_of(deps, evaluation).parent != deps.settings.home / "evals":
        raise InputError("This evaluation ships with the studio.", fix="Only your own can be deleted.")
    forget_evaluation(deps.settings.home, evaluation)


def again(deps: Deps, evaluation: str) -> str:
    """Take an evaluation up that was stopped, failed or lost: it goes on from its answers."""
    not_on_a_space(deps)
    return start_evaluation(read_job(folder_of(deps, evaluation)), deps.settings.home)


def spec(deps: Deps, evaluation: str, cluster: str) -> str:
    """A dataset spec aimed at one error cluster, as YAML for the factory; none of its rows may repeat a document of the
    evaluation."""
    found = aggregates(deps, evaluation)
    if found is None:
        raise InputError("This evaluation has no figures yet.", fix="Wait until it is finished.")
    documents = folder_of(deps, evaluation) / ROWS
    protect = [str(documents.absolute())] if documents.is_file() else []
    return targeted_spec(pack_of(deps, found), cluster, found, protect=protect)
