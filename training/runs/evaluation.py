"""What a run is worth on dev rows: its adapter and its base answer the same rows, scored as everywhere in the studio.

Written into the run's directory: evaluation.json (figures with their intervals, each row's primary score) and
evaluation.answers.jsonl (every answer). What the base says to the same prompts is kept in HOME/runs/.base-figures, so
that the next run on it need not ask again. Rows are the first `evaluate_rows` of dev in the version's order, which is
one of hashes; a row of which the context step leaves nothing to show is not asked, as in Compare.

The primary metric of a pack, by which a sweep chooses and never by loss, is a mean over fields, all under strict
parsing: of every list its F1 (where the right answer has none, whether the model left it out too), of a relevance
whether it is within one, of a summary its ROUGE-L; where a pack has none of these, the slots of its fields. A failed
answer is 0. So it is the mean list F1 of a recipe, read or written, and the mean of all four fields of a news item.
"""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from training.disk import disk, write_whole
from training.engine.train_job import TrainResult
from training.errors import RunError
from training.evals.evaluate import ArmSummary, Measured, evaluate
from training.evals.statistics import bootstrap_mean
from training.runs.config import RunConfig
from training.runs.executors.local import EVALUATION
from training.task.pack import BUILTIN, FieldSpec, Pack, find_packs, pack_named
from training.task.records import Prompt, Score, to_json
from training.task.score.values import LIST_KINDS

ANSWERS = "evaluation.answers.jsonl"
BASE_FIGURES = ".base-figures"
BASE, ADAPTER = "base", "adapter"


@dataclass(frozen=True, slots=True)
class Watching:
    """Who is told how far it is (arm, rows answered, rows in all), and who is asked whether to stop."""

    told: Callable[[str, int, int], None] = lambda _arm, _done, _total: None
    stop: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer as it is kept."""

    raw: str
    finish: str
    new_tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Asked:
    """Dev rows with their prompts, in the same order. `n_blank` rows were left out, for nothing of them is shown."""

    rows: list[dict[str, Any]]
    prompts: list[Prompt]
    n_blank: int


def evaluate_run(
    folder: Path, home: Path, config: RunConfig, result: TrainResult, watch: Watching | None = None
) -> dict[str, Any]:
    """Answer, score and keep; returns what evaluation.json holds. {} where the config wants none, or `watch` said stop.

    Without a watch the run's own `stop` file is looked at. Raises the StudioErrors of loading and of the disk.
    """
    if not config.evaluate_rows:
        return {}
    from training.engine.answers import Stopped

    watch = watch or Watching(stop=(folder / "stop").exists)
    pack = pack_named(config.task, find_packs(BUILTIN, home / "tasks"), RunError)
    began = time.monotonic()
    try:
        asked, arms = answer_dev(home, config, pack, result.adapter, watch)
    except Stopped:
        return {}
    report = {"run": folder.name, **score_arms(pack, asked, arms), "seconds": round(time.monotonic() - began, 1)}
    with disk("keep the evaluation", folder):
        write_whole(folder / ANSWERS, "".join(_lines(asked, arms)))
        write_whole(folder / EVALUATION, json.dumps(report, indent=1) + "\n")
    return report


def answer_dev(
    home: Path, config: RunConfig, pack: Pack, trained: Path, watch: Watching
) -> tuple[Asked, dict[str, list[Reply]]]:
    """Dev rows, and what base and trained weights say to them; the base's answers are kept for later runs."""
    from training.engine.answers import Arms, Watch, answer_arms
    from training.engine.api import EngineSettings
    from training.engine.hub import resolve_base
    from training.engine.train_device import held_as

    base = resolve_base(config.base, EngineSettings(home=home), lambda *_: None, config.revision)
    settings = EngineSettings(
        home=home, dtype=held_as(config, base.folder), four_bit=config.four_bit, threads=config.threads or None
    )
    asked = dev_prompts(home, config, pack, base.folder)
    held = f"nf4 twice packed, {settings.dtype}" if settings.four_bit else False  # False: whole, as ever
    known_at = home / "runs" / BASE_FIGURES / f"{_base_key(held, pack, base.sha256, asked)}.jsonl"
    known = _read_replies(known_at, len(asked.rows))
    arms = Arms(base, settings, trained, ask_base=known is None)
    given = answer_arms(arms, asked.prompts, pack, Watch(watch.told, watch.stop))
    replies = {
        arm: [Reply(a.text, str(a.finish), a.new_tokens, round(a.gen_s, 3)) for a in found]
        for arm, found in given.items()
    }
    if known is None:
        with disk("keep the base's answers", known_at):
            known_at.parent.mkdir(parents=True, exist_ok=True)
            write_whole(known_at, "".join(json.dumps(asdict(reply)) + "\n" for reply in replies[BASE]))
        known = replies[BASE]
    return asked, {BASE: known, ADAPTER: replies[ADAPTER]}


def dev_prompts(home: Path, config: RunConfig, pack: Pack, base: Path) -> Asked:
    """The first `evaluate_rows` dev rows with a prompt that shows something, as Compare would ask them."""
    from training.engine.run_rows import asked_rows, find_dataset

    rows: list[dict[str, Any]] = []
    prompts: list[Prompt] = []
    n_blank = 0
    for asked in asked_rows(find_dataset(home, config.dataset), "dev", pack, base):
        if len(rows) == config.evaluate_rows:
            break
        if not asked.context.shown.strip():
            n_blank += 1
            continue
        row = asked.row
        rows.append({"id": row.id, "source": row.source, "gold": asked.gold, "slice": row.slice})
        prompts.append(asked.prompt)
    if not rows:
        raise RunError(f"{config.dataset} has no dev row to evaluate on.", fix="Set evaluate_rows to 0.")
    return Asked(rows, prompts, n_blank)


def score_arms(pack: Pack, asked: Asked, arms: Mapping[str, Sequence[Reply]]) -> dict[str, Any]:
    """Figures by arm under its name, the primary metric among them, and each row's primary score."""
    pairs = {arm: [(reply.raw, reply.finish) for reply in replies] for arm, replies in arms.items()}
    found = evaluate(pack, asked.rows, pairs)
    name = primary_metric(pack)
    report: dict[str, Any] = {"primary": name, "rows": len(asked.rows), "rows_blank": asked.n_blank}
    for arm, summary in found.items():
        report[arm] = _figures(summary.overall, name, primary_scores(pack, summary.scores))
    report["slices"] = {arm: _slices(summary) for arm, summary in found.items()}
    report["ids"] = [row["id"] for row in asked.rows]
    report["scores"] = {arm: primary_scores(pack, summary.scores) for arm, summary in found.items()}
    return report


def primary_metric(pack: Pack) -> str:
    """The name under which the primary metric stands among a run's figures."""
    chosen = _chosen(pack)
    if not chosen:
        return "slot_mean"
    return "list_f1" if all(spec.kind in LIST_KINDS for spec in chosen) else "field_mean"


def primary_scores(pack: Pack, scores: Sequence[Sequence[Score]]) -> list[float]:
    """Each document's primary score, 0..1, in the order of `scores`, which are those of `ArmSummary.scores`.

    A document for which no field has a value (nothing to find, nothing asked) has the share of its strict parse.
    """
    specs = _chosen(pack) or [spec for spec in pack.fields if spec.comparator != "ignore"]
    return [_primary(specs, document) for document in scores]


def _chosen(pack: Pack) -> list[FieldSpec]:
    return [spec for spec in pack.fields if spec.kind in LIST_KINDS or spec.comparator in ("relevance", "summary")]


def _primary(specs: Sequence[FieldSpec], document: Sequence[Score]) -> float:
    cells = {(s.metric, s.field): s.value for s in document if s.status == "scored" and s.value is not None}
    values: list[float] = []
    for spec in specs:
        names = {"relevance": "within_one", "summary": "rouge_l"}.get(spec.comparator, "slot")
        name = "f1" if spec.kind in LIST_KINDS else names
        found = cells.get((name, spec.name), cells.get(("abstain", spec.name)))
        if found is not None:
            values.append(float(found))
    return sum(values) / len(values) if values else float(cells.get(("strict", ""), 0.0) or 0.0)


def _figures(overall: Mapping[str, Measured], name: str, scores: Sequence[float]) -> dict[str, Any]:
    """Metric -> figure, the primary one first."""
    interval = bootstrap_mean(scores)
    low, high = interval if interval is not None else (None, None)
    first = Measured(name, "mean", sum(scores) / len(scores), low, high, len(scores), len(scores))
    return {name: asdict(first)} | {metric: asdict(measured) for metric, measured in overall.items()}


def _slices(summary: ArmSummary) -> dict[str, Any]:
    return {name: to_json(found) for name, found in summary.slices.items()}


def _lines(asked: Asked, arms: Mapping[str, Sequence[Reply]]) -> list[str]:
    lines: list[str] = []
    for at, (row, prompt) in enumerate(zip(asked.rows, asked.prompts, strict=True)):
        said = {arm: asdict(replies[at]) for arm, replies in arms.items()}
        line = {"id": row["id"], "slice": row["slice"], "prompt_sha256": prompt.sha256, **said}
        lines.append(json.dumps(line, ensure_ascii=True) + "\n")
    return lines


def _base_key(held: str | bool, pack: Pack, base_sha256: str, asked: Asked) -> str:
    """What the base's answers depend on: its weights, how they are held, the prompts and the sampling."""
    how = [base_sha256, held, to_json(pack.sampling), to_json(pack.answer)]
    prompts = [prompt.sha256 for prompt in asked.prompts]
    return hashlib.sha256(json.dumps([how, prompts]).encode()).hexdigest()[:32]


def _read_replies(path: Path, n: int) -> list[Reply] | None:
    """Kept answers, None where there are none or the file is not whole: then they are asked for again."""
    try:
        lines = path.read_text("utf-8").splitlines()
        found = [Reply(**json.loads(line)) for line in lines]
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return found if len(found) == n else None
