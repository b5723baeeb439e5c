"""Everything that a finished evaluation knows of itself, gathered for its manifest; see training.evals.manifest."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.data.rows import canonical
from training.data.version_files import sha256_file
from training.evals.answering import NOISE, noise_arm, noise_docs_of
from training.evals.answers_log import AnswersLog
from training.evals.arms import Plan, Shot, shown_name
from training.evals.data import Data, RowFile
from training.evals.extras import Extras
from training.evals.frames import Written
from training.evals.identity import Facts
from training.evals.manifest import (
    FORMAT,
    file_hashes,
    latency_facts,
    machine,
    noise_facts,
    pack_sha256,
    versions,
)
from training.evals.metrics import confirmatory_metrics, primary_metric, spec_named
from training.evals.records import ROWS, Answered, EvalArm
from training.evals.scoring import source_text
from training.task.parse import parse_answer
from training.task.records import FinishReason, sha256_text, to_json
from training.task.score.answer import score_answer


@dataclass(frozen=True, slots=True)
class Done:
    """An evaluation whose frames are written."""

    folder: Path
    plan: Plan
    data: Data
    rows: RowFile
    log: AnswersLog
    extras: Extras
    written: Written
    arms: Mapping[str, Facts]
    shots: Sequence[Shot]
    shots_from: str
    missing: Mapping[str, int]


def manifest_facts(done: Done) -> dict[str, Any]:
    """All but the times of the evaluation's own phases and its notices."""
    job, pack = done.plan.job, done.plan.pack
    seeds = [pack.sampling.seed + k for k in range(job.samples)]
    arms = {arm.name: _arm(done, arm) for arm in done.plan.arms}
    devices = dict.fromkeys(facts.device_name for facts in done.arms.values() if facts.device_name)
    return {
        "format": FORMAT, "run": done.folder.name, "name": job.name or done.folder.name, "task": pack.name,
        "rows": len(done.rows), "samples": job.samples, "device": "; ".join(devices), "seeds": seeds,
        "data": _data(done),
        "task_pack": {
            "sha256": pack_sha256(pack), "primary": primary_metric(pack),
            "confirmatory": list(confirmatory_metrics(pack)),
        },
        "decoding": {"sampling": to_json(pack.sampling), "seeds": seeds, "batch_size": job.batch_size,
                     "sha256": sha256_text(canonical(to_json(pack.sampling)))},
        "models": {name: kept for name, facts in done.arms.items() if (kept := _model(facts))},
        "prompts": {name: arm["prompts_sha256"] for name, arm in arms.items() if arm["prompts_sha256"]},
        "arms": arms,
        "shots": {"from": done.shots_from, "sha256": sha256_text(canonical(list(done.shots)))} if done.shots else {},
        "noise": _noise(done),
        "latency": {name: found for name in done.arms if (found := _latency(done, name))},
        "scoring": {
            "documents": done.written.documents, "seconds": round(done.written.seconds, 2),
            "documents_per_s": round(done.written.documents_per_s, 2),
        },
        "versions": versions(), "machine": machine(), "files": file_hashes(done.folder),
    }  # fmt: skip


def shot_notices(done: Done) -> list[str]:
    """A sentence for each arm whose worked examples did not all fit, or of which documents could not be shown."""
    found: list[str] = []
    for arm in done.plan.arms:
        facts = done.arms.get(arm.name, Facts())
        for used, count in sorted(Counter(facts.shots_of.values()).items()):
            if used < arm.shots:
                found.append(f"{arm.name}: {count:,} documents had room for {used} of {arm.shots} examples.")
        if facts.not_shown:
            found.append(
                f"{arm.name}: of {len(facts.not_shown):,} documents nothing could be shown; not asked, unscored."
            )
    return found


def _data(done: Done) -> dict[str, Any]:
    slices = Counter(row.slice for row in done.rows if row.slice)
    data = done.data
    return {
        "kind": data.kind, "name": data.name, "part": data.part, "split_by": data.split_by,
        "sha256": sha256_file(done.folder / ROWS),
        "source_sha256": data.sha256, "limit": done.plan.job.limit, "groups": len(done.rows.groups),
        "slices": dict(sorted(slices.items())),
    } | dict(data.origin)  # fmt: skip


def _model(facts: Facts) -> dict[str, Any]:
    return {
        key: value
        for key in ("base", "base_sha256", "adapter_sha256", "adapter_bytes", "how", "device", "dtype", "parameters")
        if (value := getattr(facts, key))
    }


def _arm(done: Done, arm: EvalArm) -> dict[str, Any]:
    """What an arm is and how its answers ended; `prompts_sha256` is over the hashes of its prompts, by document."""
    ends: Counter[str] = Counter()
    prompts = hashlib.sha256()
    asked = False
    for answer in _answers(done, arm.name):
        ends[answer.finish] += 1
        prompts.update(f"{answer.doc} {answer.k} {answer.prompt_sha256}\n".encode())
        asked = asked or bool(answer.prompt_sha256)
    facts = done.arms.get(arm.name, Facts())
    own = shown_name(arm.name)
    found: dict[str, Any] = {
        "kind": arm.kind, "adapter": arm.adapter, "prompted": arm.prompted, "shots": arm.shots,
        "constrained": arm.constrained, "temperature": arm.temperature, "answers": ends.total(),
        "missing": done.missing.get(arm.name, 0),
        "errors": ends["error"], "truncated": ends["length"],
        "prompts_sha256": prompts.hexdigest() if asked else "",
    } | _model(facts)  # fmt: skip
    if arm.shots:
        found |= {"shots_used": {str(n): count for n, count in sorted(Counter(facts.shots_of.values()).items())}}
    if facts.not_shown:
        found |= {"not_shown": facts.not_shown}
    if facts.cost:
        found |= {"cost": facts.cost}
    if facts.training:
        found |= {"training": facts.training}
    if unsaid := done.plan.imported.unknown_finish.get(own, 0):
        found |= {"finish_unknown": unsaid}
    return found


def _answers(done: Done, arm: str) -> Iterator[Answered]:
    for doc in done.rows.ids:
        for k in range(done.plan.job.samples):
            answer = done.log.get(arm, doc, k)
            if answer is not None:
                yield answer


def _latency(done: Done, arm: str) -> dict[str, Any]:
    facts = done.arms[arm]
    return latency_facts(done.extras.timed(arm), facts.peak_memory_bytes, facts.device_name)


def _noise(done: Done) -> dict[str, Any]:
    """How much the batch size alone changes: same model, same prompts, another number of rows decoded together."""
    arm, docs = noise_arm(done.plan), noise_docs_of(done.rows.ids, done.plan.job)
    if not arm or not (done.folder / NOISE).exists():
        return {}
    models = [model.name for model in done.plan.of("base", "adapter")]
    with closing(AnswersLog(done.folder / NOISE, models, docs)) as log:
        both = [(done.log.get(arm, doc), log.get(arm, doc)) for doc in docs]
    pairs = [(a, b) for a, b in both if a is not None and b is not None and "error" not in (a.finish, b.finish)]
    values = [
        (left, right)
        for a, b in pairs
        if (left := _primary(done, a)) is not None and (right := _primary(done, b)) is not None
    ]
    metric = primary_metric(done.plan.pack)
    return noise_facts(arm, pairs, metric, values, done.plan.job.batch_size)


def _primary(done: Done, answer: Answered) -> float | None:
    """The primary metric of one answer; None where it has none, or where it is one number of all documents."""
    pack, row = done.plan.pack, done.rows.row(done.rows.places[answer.doc])
    spec = spec_named(pack, primary_metric(pack))
    parsed = parse_answer(pack, answer.raw, FinishReason(answer.finish))
    scores = score_answer(pack, parsed, source_text(pack, row), row.gold, raw=answer.raw)
    found = {(score.metric, score.field): score.value for score in scores if score.status == "scored"}
    return found.get(spec.keys[0]) if spec is not None and spec.kind != "corpus" else None
