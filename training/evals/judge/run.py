"""Judging an evaluation: its documents and arms -> questions -> verdicts in judge.parquet and judge.json.

Promise: the same documents for every arm; what can't be scored has a row with its reason; a stop, a cap or a dead
endpoint loses nothing that was paid for; the same call again goes on from the cache. The frame is written whole at the
end, also of a run that was stopped. Limits: of several samples the first is judged; one judge an evaluation.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from training.chat.client import Sleep
from training.chat.cost import Estimate
from training.chat.exchange import Usage
from training.chat.keys import Key
from training.errors import InputError
from training.evals.judge.ask import JudgeClient, Outcome, Question
from training.evals.judge.cache import FILE, VerdictCache
from training.evals.judge.config import JudgeSettings
from training.evals.judge.cost import estimate_questions
from training.evals.judge.family import banners, models_of, writers_of
from training.evals.judge.figures import JudgedFigure, PairJudged, arm_figures, pair_figures
from training.evals.judge.frame import (
    Row,
    pairwise_row,
    pointwise_rows,
    read_note,
    read_rows,
    refused_row,
    tied_row,
    write_frame,
    write_note,
)  # fmt: skip
from training.evals.judge.material import Candidate, Matter, material_of, mended, read_matter
from training.evals.judge.protocol import Asker, asker_for
from training.evals.judge.verdict import OK, PairVerdict, Verdict
from training.shelf import Shelf
from training.task.pack import Pack
from training.task.records import to_json


@dataclass(frozen=True, slots=True)
class JudgeProgress:
    """Where judging stands. Counts are of this run; `money` None where prices are unknown."""

    done: int
    total: int
    cached: int
    unscored: int
    spent: Usage
    money: float | None
    phase: str = "judging"


@dataclass(frozen=True, slots=True)
class JudgeReport:
    """What a run of the judge came to. `calls`, tokens, `retries` and `money` are of this run, figures of the frame.

    `dropped` complaints had a quote that is in no text; `flagged` scores do not fit their own complaints;
    `score_first` verdicts gave a score before its evidence; `extracted` ones had prose around them, `repaired` ones
    were read through a repair. `money` None: unknown. `stopped` says why it ended early.
    """

    judge: str
    base_url: str
    local: bool
    documents: int
    rows: int
    arms: tuple[JudgedFigure, ...]
    pairs: tuple[PairJudged, ...]
    calls: int
    cached: int
    input_tokens: int
    output_tokens: int
    estimated_calls: int
    retries: int
    unscored: dict[str, int]
    money: float | None
    currency: str
    dropped: int = 0
    flagged: int = 0
    score_first: int = 0
    extracted: int = 0
    repaired: int = 0
    banners: tuple[str, ...] = ()
    stopped: str = ""


@dataclass(frozen=True, slots=True)
class Parts:
    """What stands around a run. `cache` None is a file beside the evaluation's frames; `shelf` holds blind votes and
    `ratings` is a file of people's scores, for a calibration. `key` and `sleep` let tests run without either."""

    cache: Path | None = None
    shelf: Shelf | None = None
    ratings: Path | None = None
    key: Key | None = None
    sleep: Sleep = asyncio.sleep


@dataclass(slots=True)
class Tally:
    """Counts over outcomes, as they come."""

    cached: int = 0
    retries: int = 0
    dropped: int = 0
    flagged: int = 0
    score_first: int = 0
    tiers: dict[str, int] = field(default_factory=dict[str, int])
    unscored: dict[str, int] = field(default_factory=dict[str, int])

    def count(self, outcome: Outcome) -> None:
        self.cached += outcome.cached
        self.retries += outcome.retries
        if outcome.status != OK:
            self.unscored[outcome.status] = self.unscored.get(outcome.status, 0) + 1
        verdict = outcome.verdict
        if isinstance(verdict, Verdict):
            self.dropped += sum(one.dropped for one in verdict.fields)
            self.flagged += sum(one.flagged for one in verdict.fields)
            self.score_first += verdict.score_first
        if isinstance(verdict, PairVerdict):
            self.dropped += verdict.dropped
        if verdict is not None:
            self.tiers[verdict.tier] = self.tiers.get(verdict.tier, 0) + 1


def judge_evaluation(
    folder: Path,
    pack: Pack,
    settings: JudgeSettings,
    told: Callable[[JudgeProgress], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
    parts: Parts | None = None,
) -> JudgeReport:
    """Judge an evaluation's folder. InputError for a folder, an arm or an endpoint that can't be used."""
    parts = parts or Parts()
    asker = asker_for(pack)
    matter = _matter(folder, pack, settings)
    extra = mended(folder, pack, matter) if settings.repaired else {}
    questions = list(questions_of(matter, extra, settings))
    rows = list(refused_rows(folder.name, matter, settings))
    tally = Tally()
    cache = VerdictCache(parts.cache or folder / FILE)
    with JudgeClient(settings, asker, cache, key=parts.key, sleep=parts.sleep) as client:
        for number, outcome in enumerate(client.outcomes(questions, stop), start=1):
            tally.count(outcome)
            rows += _rows(folder.name, settings, outcome)
            unscored = sum(tally.unscored.values())
            told(JudgeProgress(number, len(questions), tally.cached, unscored, client.spent, client.money))
        spent, money, stopped = client.spent, client.money, client.halted
    identity = identity_of(asker, settings)
    note = read_note(folder)
    same = note.get("identity") == identity
    write_frame(folder, rows, keep=same)
    report = _report(folder, settings, matter, extra, tally, (spent, money, stopped))
    kept = {"calibration": note["calibration"]} if same and "calibration" in note else {}
    drawn = {"seed": settings.sample_seed, "limit": settings.limit, "documents": list(matter.documents)}
    write_note(folder, {"format": 1, "identity": identity, "drawn": drawn, "report": to_json(report), **kept})
    return report


def estimate_judging(folder: Path, pack: Pack, settings: JudgeSettings, parts: Parts | None = None) -> Estimate:
    """What `judge_evaluation` would take. Sends nothing, needs no key."""
    parts = parts or Parts()
    matter = _matter(folder, pack, settings)
    extra = mended(folder, pack, matter) if settings.repaired else {}
    cache = VerdictCache(parts.cache or folder / FILE)
    return estimate_questions(questions_of(matter, extra, settings), asker_for(pack), settings, cache)


def identity_of(asker: Asker, settings: JudgeSettings) -> dict[str, Any]:
    """What makes two runs one judge: endpoint, model, decoding, words."""
    return {
        "base_url": settings.base_url.rstrip("/"),
        "model": settings.model,
        "params": settings.params({}),
        "prompt_version": asker.rubric.version,
        "rubric_sha": asker.rubric_sha,
        "reference": settings.reference,
    }


def questions_of(matter: Matter, extra: dict[str, dict[str, Candidate]], settings: JudgeSettings) -> Iterator[Question]:
    """Document by document, so that a run that is stopped has judged every arm on the same ones."""
    for doc, document in matter.documents.items():
        for answers in [*_chosen(matter, settings), *extra.values()]:
            candidate = answers.get(doc)
            if candidate is None or candidate.refused:
                continue
            for repeat in range(settings.repeats):
                yield Question(material_of(document, candidate), candidate.obj, "", repeat, candidate)
        for a, b in settings.pairs:
            first, second = matter.arms[a][doc], matter.arms[b][doc]
            if first.refused or second.refused or first.text == second.text:
                continue
            for order, left, right in (("ab", first, second), ("ba", second, first)):
                yield Question(material_of(document, left, right), left.obj, order, 0, (first, second))


def refused_rows(run: str, matter: Matter, settings: JudgeSettings) -> Iterator[Row]:
    """The rows of what no judge is shown: answers that can't be read, and pairs with one of those or twice the same."""
    for doc in matter.documents:
        for answers in _chosen(matter, settings):
            if answers[doc].refused:
                yield refused_row(run, answers[doc])
        for a, b in settings.pairs:
            first, second = matter.arms[a][doc], matter.arms[b][doc]
            refused = first if first.refused else second
            if refused.refused:
                side = "" if first.refused and second.refused else b if first.refused else a
                row = refused_row(run, first, "pairwise", b, side)
                yield row | {"status": refused.refused}
            elif first.text == second.text:
                yield tied_row(run, first, second)


def _chosen(matter: Matter, settings: JudgeSettings) -> list[dict[str, Candidate]]:
    """The arms judged one by one: the named ones, or all where none is named."""
    return [matter.arms[arm] for arm in settings.arms or matter.arms]


def _arms(settings: JudgeSettings) -> tuple[str, ...]:
    paired = [arm for pair in settings.pairs for arm in pair]
    return tuple(dict.fromkeys((*settings.arms, *paired))) if settings.arms else ()


def _rows(run: str, settings: JudgeSettings, outcome: Outcome) -> list[Row]:
    usage = outcome.usage
    cost = settings.prices.money(usage.input_tokens, usage.output_tokens)
    tag = outcome.question.tag
    if isinstance(tag, Candidate):
        return pointwise_rows(run, tag, outcome, cost)
    return [pairwise_row(run, tag, outcome, cost)]


def _report(
    folder: Path,
    settings: JudgeSettings,
    matter: Matter,
    extra: dict[str, dict[str, Candidate]],
    tally: Tally,
    ended: tuple[Usage, float | None, str],
) -> JudgeReport:
    spent, money, stopped = ended
    frame = read_rows(folder)
    arms = [*(settings.arms or matter.arms), *extra]
    gold_models = (*settings.gold_models, *writers_of(folder))
    return JudgeReport(
        settings.model, settings.base_url, settings.local, len(matter.documents), matter.n_rows,
        tuple(arm_figures(frame, arm) for arm in arms),
        tuple(pair_figures(frame, a, b) for a, b in settings.pairs),
        spent.calls, tally.cached, spent.input_tokens, spent.output_tokens, spent.estimated_calls, tally.retries,
        tally.unscored, money, settings.prices.currency, tally.dropped, tally.flagged, tally.score_first,
        tally.tiers.get("extracted", 0), tally.tiers.get("repaired", 0),
        tuple(banners(settings.model, gold_models, models_of(folder, arms))), stopped.rstrip("."),
    )  # fmt: skip


def _matter(folder: Path, pack: Pack, settings: JudgeSettings) -> Matter:
    """What the settings draw. InputError for a pair with an arm that is not there."""
    matter = read_matter(folder, pack, _arms(settings), settings.limit, settings.sample_seed, settings.reference)
    for arm in {arm for pair in settings.pairs for arm in pair} - matter.arms.keys():
        raise InputError(f"The evaluation has no arm {arm!r}.", fix=f"Its arms: {', '.join(matter.arms)}.")
    return matter
