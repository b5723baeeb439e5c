"""How far a judge can be trusted, measured on an evaluation's own documents (metrics C9, C10).

Without people: right answers, damaged ones, templates, repeats, turned pairs, canaries, wrong sources. With people:
the blind votes of a home, and a file of ratings. Everything goes through the judge's own questions, cache and caps, so
a calibration that was broken off goes on where it was. The result stands in judge.json beside the verdicts; it belongs
to one endpoint, model and wording, and another one starts without it.

Limits: damage is made by rules, so it is cruder than most mistakes of a model; the gold stands beside it as the
reference in tasks that have one, as it does in every other question.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import fmean
from typing import Any

from training.chat.cost import Estimate
from training.evals.judge.agreement import follows, mean_interval, partial_correlation, repeat_spread, worse_of_two
from training.evals.judge.ask import JudgeClient, Outcome
from training.evals.judge.cache import FILE, VerdictCache
from training.evals.judge.canaries import Shift, shift_of
from training.evals.judge.checks import (
    Check,
    dose_checks,
    human_checks,
    injection_checks,
    label_of,
    may_gate,
    repeat_checks,
)
from training.evals.judge.config import JudgeSettings
from training.evals.judge.cost import estimate_questions
from training.evals.judge.frame import OVERALL, POINTWISE, read_note, read_rows, write_frame, write_note
from training.evals.judge.humans import (
    RatingAgreement,
    Vote,
    VoteAgreement,
    rating_agreement,
    read_ratings,
    vote_agreement,
    votes_of,
)
from training.evals.judge.material import read_matter
from training.evals.judge.protocol import asker_for
from training.evals.judge.run import JudgeProgress, Parts, identity_of
from training.evals.judge.trials import Sheet, Trial, make_trials, trial_documents
from training.evals.statistics import bootstrap_mean
from training.task.pack import Pack
from training.task.records import to_json

DETECTED = 1.0  # points of ten that one noticed error costs its field at least
ECHO_PART = "echo"
POINTS = 400  # of the scatter that are kept


@dataclass(frozen=True, slots=True)
class Calibration:
    """What came of it. `figures` are the tables behind the charts, `unscored` the questions without a verdict."""

    label: str
    may_gate: bool
    checks: tuple[Check, ...]
    figures: dict[str, Any]
    documents: int
    questions: int
    unscored: int
    calls: int
    cached: int
    input_tokens: int
    output_tokens: int
    money: float | None
    currency: str
    stopped: str = ""


def calibrate_judge(
    folder: Path,
    pack: Pack,
    settings: JudgeSettings,
    told: Callable[[JudgeProgress], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
    parts: Parts | None = None,
) -> Calibration:
    """Ask every trial and say what it shows. InputError for an evaluation without golds or an endpoint that is none."""
    parts = parts or Parts()
    sheet, documents = _sheet(folder, pack, settings)
    votes = votes_of(pack, parts.shelf, settings.reference) if parts.shelf is not None else []
    asked = [*sheet.questions(), *(q for vote in votes for q in vote.questions or ())]
    said: dict[tuple[str, str], Outcome] = {}
    cached = unscored = 0
    with JudgeClient(settings, sheet.asker, VerdictCache(parts.cache or folder / FILE), key=parts.key,
                     sleep=parts.sleep) as client:  # fmt: skip
        for number, outcome in enumerate(client.outcomes(asked, stop), start=1):
            if outcome.question.tag is None:
                sheet.hear(outcome)
            else:
                said[outcome.question.tag] = outcome
            cached, unscored = cached + outcome.cached, unscored + (outcome.verdict is None)
            told(JudgeProgress(number, len(asked), cached, unscored, client.spent, client.money, "calibrating"))
        spent, money, stopped = client.spent, client.money, client.halted
    figures, checks = _measured(folder, sheet, (votes, said), parts)
    gates = may_gate(checks)
    found = Calibration(
        label_of(settings.local, gates), gates, tuple(checks), figures, documents, len(asked), unscored, spent.calls,
        cached, spent.input_tokens, spent.output_tokens, money, settings.prices.currency, stopped.rstrip("."),
    )  # fmt: skip
    _keep(folder, sheet, found)
    return found


def estimate_calibration(folder: Path, pack: Pack, settings: JudgeSettings, parts: Parts | None = None) -> Estimate:
    """What `calibrate_judge` would take. Sends nothing, needs no key."""
    parts = parts or Parts()
    sheet, _ = _sheet(folder, pack, settings)
    votes = votes_of(pack, parts.shelf, settings.reference) if parts.shelf is not None else []
    asked = [*sheet.questions(), *(q for vote in votes for q in vote.questions or ())]
    return estimate_questions(asked, sheet.asker, settings, VerdictCache(parts.cache or folder / FILE))


def _sheet(folder: Path, pack: Pack, settings: JudgeSettings) -> tuple[Sheet, int]:
    seed, most = settings.sample_seed, settings.calibration_docs
    documents = trial_documents(pack, read_matter(folder, pack, (), 0, seed, settings.reference), most)
    return Sheet(asker_for(pack), settings, make_trials(pack, documents), {}), len(documents)


def _measured(
    folder: Path, sheet: Sheet, people: tuple[Sequence[Vote], Mapping[tuple[str, str], Outcome]], parts: Parts
) -> tuple[dict[str, Any], list[Check]]:
    """Every figure, and what it says against its bound."""
    rows = read_rows(folder) if read_note(folder).get("identity") == identity_of(sheet.asker, sheet.settings) else []
    doses = _dose_figures(sheet)
    repeats = _repeat_figures(sheet) | _length_figures(rows)
    shifts = [_canary_shift(sheet, place) for place in ("source", "answer")]
    wrong = [score for trial in sheet.of("counterfactual") if (score := sheet.score(trial)) is not None]
    mean_wrong = fmean(wrong) if wrong else None
    votes: VoteAgreement | None = vote_agreement(*people) if people[0] else None
    ratings: RatingAgreement | None = None
    if parts.ratings is not None:
        ratings = rating_agreement(read_ratings(parts.ratings), rows)
    figures = {
        "dose": doses, "repeats": repeats, "canaries": [shift._asdict() for shift in shifts],
        "counterfactual": {"mean": mean_wrong, "n": len(wrong)}, "votes": to_json(votes), "ratings": to_json(ratings),
    }  # fmt: skip
    checks = [
        *dose_checks(doses), *repeat_checks(repeats), *injection_checks(shifts, mean_wrong, len(wrong)),
        *human_checks(votes, ratings),
    ]  # fmt: skip
    return figures, checks


def _dose_figures(sheet: Sheet) -> dict[str, Any]:
    """Dose-response, detection by kind, and agreement with the rules."""
    scored = [(trial, score) for trial in sheet.of("dose") if (score := sheet.score(trial)) is not None]
    by_dose: dict[int, list[float]] = defaultdict(list)
    for trial, score in scored:
        by_dose[int(trial.what)].append(score)
    curve = [(dose, *mean_interval(scores, bootstrap_mean), len(scores)) for dose, scores in sorted(by_dose.items())]
    echoes = [score for trial in sheet.of(ECHO_PART) if (score := sheet.score(trial)) is not None]
    detected = _detected(sheet)
    singles = [hit for hits in detected.values() for hit in hits]
    graded = [(trial, score) for trial, score in [*scored, *_others(sheet)] if trial.rule is not None]
    auc, pairs = worse_of_two(_document_pairs(graded))
    return {
        "curve": [list(point) for point in curve],
        "gold": fmean(by_dose[0]) if by_dose.get(0) else None,
        "echo": fmean(echoes) if echoes else None,
        "echoes": len(echoes),
        "spearman": follows([score for _, score in scored], [float(trial.what) for trial, _ in scored]),
        "kinds": {kind: [fmean(hits), len(hits)] for kind, hits in sorted(detected.items())},
        "detection": fmean(singles) if singles else None,
        "least_detected": min((fmean(hits) for hits in detected.values()), default=None),
        "singles": len(singles),
        "rule_spearman": follows([score for _, score in graded], [trial.rule or 0.0 for trial, _ in graded]),
        "rule_auc": auc,
        "rule_pairs": pairs,
        "points": [[trial.doc, trial.part, trial.what, trial.rule, score] for trial, score in graded][:POINTS],
        "documents": len(by_dose.get(0, ())),
    }


def _detected(sheet: Sheet) -> dict[str, list[bool]]:
    """By kind of edit, whether the field it touched lost `DETECTED` points against the untouched answer."""
    group_of = {spec.name: group.name for group in sheet.asker.groups for spec in group.fields}
    whole = {trial.doc: scores for trial in sheet.of("dose")
             if trial.what == "0" and (scores := sheet.scores(trial)) is not None}  # fmt: skip
    found: dict[str, list[bool]] = defaultdict(list)
    for trial in sheet.of("kind"):
        scores = sheet.scores(trial)
        if scores is None or trial.doc not in whole:
            continue
        gaps = [
            (before, scores[group_of[name]])
            for name in trial.fields
            if (before := whole[trial.doc][group_of[name]]) is not None
        ]
        if gaps:
            found[trial.what].append(any(after is not None and before - after >= DETECTED for before, after in gaps))
    return found


def _others(sheet: Sheet) -> list[tuple[Trial, float]]:
    trials = [*sheet.of("kind"), *sheet.of(ECHO_PART)]
    return [(trial, score) for trial in trials if (score := sheet.score(trial)) is not None]


def _document_pairs(graded: Sequence[tuple[Trial, float]]) -> list[tuple[float, float, float, float]]:
    """Every two answers to one document with their rule and judge scores."""
    by_doc: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for trial, score in graded:
        by_doc[trial.doc].append((trial.rule or 0.0, score))
    return [(*a, *b) for found in by_doc.values() for a, b in combinations(found, 2)]


def _repeat_figures(sheet: Sheet) -> dict[str, Any]:
    """Test-retest and position consistency."""
    repeats: dict[str, list[float]] = defaultdict(list)
    for trial in sheet.of("retest"):
        if (score := sheet.score(trial)) is not None:
            repeats[trial.doc].append(score)
    spread, same, n = repeat_spread(repeats)
    orders: dict[str, dict[str, str]] = defaultdict(dict)
    for trial in sheet.of("order"):
        if (better := sheet.better(trial)) is not None:
            orders[trial.doc][trial.what] = better
    both = [found for found in orders.values() if len(found) == 2]
    turned = {"A": "B", "B": "A", "tie": "tie"}
    steady = [found["ab"] == turned[found["ba"]] for found in both]
    right = [found["ab"] == "A" for found in both]
    return {
        "retest_sd": spread, "retest_same": same, "retests": n,
        "consistency": fmean(steady) if steady else None, "positions": len(both),
        "less_damaged_wins": fmean(right) if right else None,
    }  # fmt: skip


def _length_figures(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What length does to the scores of real answers, the rules' figure held still. Damaged answers would not do: what
    is dropped or added changes both."""
    found: list[tuple[float, float, float]] = []
    for row in rows:
        if row["mode"] != POINTWISE or row["field"] != OVERALL or row["score"] is None:
            continue
        about = json.loads(row["evidence"])
        if about.get("rule") is not None:
            found.append((row["score"], float(about["chars"]), about["rule"]))
    columns: list[list[float]] = [[row[at] for row in found] for at in range(3)]
    return {"length": partial_correlation(*columns), "length_n": len(found)}


def _canary_shift(sheet: Sheet, place: str) -> Shift:
    pairs: dict[str, dict[str, float | None]] = defaultdict(dict)
    for trial in sheet.of(f"canary_{place}"):
        pairs[trial.doc][trial.what] = sheet.score(trial)
    return shift_of(place, [(found.get("clean"), found.get("canary")) for found in pairs.values()])


def _keep(folder: Path, sheet: Sheet, found: Calibration) -> None:
    """Beside the verdicts of the same judge; another judge's verdicts and calibration go."""
    identity = identity_of(sheet.asker, sheet.settings)
    note = read_note(folder)
    if note.get("identity") != identity:
        note = {"format": 1, "identity": identity}
        write_frame(folder, [], keep=False)
    write_note(folder, {**note, "calibration": to_json(found)})
