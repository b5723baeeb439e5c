"""What pages and charts show of a judge: small tables from judge.parquet and judge.json, nothing imputed (metrics C11).

Without a judge the tables say so and are otherwise empty; whatever stands beside them is rule-based. A judge that has
not passed its calibration is called uncalibrated wherever a figure of it stands.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.disk import disk, write_whole
from training.evals.judge.agreement import spearman
from training.evals.judge.checks import label_of
from training.evals.judge.figures import JudgedFigure, arm_figures, pair_figures
from training.evals.judge.frame import OVERALL, PAIRWISE, POINTWISE, Row, read_note, read_rows
from training.evals.judge.material import FAILED, REPAIRED
from training.evals.judge.verdict import OK
from training.evals.records import AGGREGATES, CARD, REPORT
from training.task.pack import Pack
from training.task.records import to_json

NOT_RUN = "Judge: not run (no endpoint)"
POINTS = 300  # of the scatter, an arm


def judge_tables(folder: Path) -> dict[str, Any]:
    """Everything of a judge that is shown.

    run, why, label, calibrated, judge, base_url, banners, stopped; `overall` and `fields` by arm: value, low, high, n,
    n_total, unscored (the judge's own failures), unread (answers no judge was shown), gated, gated_n; `scatter` by arm:
    [document, rule 0..1, judge 0..10]; `spearman` over it; `doses`, `kinds`, `checks`, `canaries`, `counterfactual`,
    `votes`, `ratings` of the calibration; `pairwise` with wins of a; `cost`.
    """
    rows, note = read_rows(folder), read_note(folder)
    calibration: Mapping[str, Any] = note.get("calibration") or {}
    report: Mapping[str, Any] = note.get("report") or {}
    if not rows and not calibration:
        return {"run": False, "why": NOT_RUN, "label": "rule-based", "calibrated": False}
    single = [row for row in rows if row["mode"] == POINTWISE]
    arms = list(dict.fromkeys(str(row["arm"]) for row in single))
    names = [name for name in dict.fromkeys(str(row["field"]) for row in single) if name != OVERALL]
    scatter = {arm: points for arm in arms if (points := _points(single, arm))}
    flat = [point for points in scatter.values() for point in points]
    gates = bool(calibration.get("may_gate"))
    identity: Mapping[str, Any] = note.get("identity") or {}
    return {
        "run": bool(rows),
        "why": "" if rows else "The judge was calibrated; no answer was judged.",
        "label": calibration.get("label") or label_of(bool(report.get("local", True)), gates=False),
        "calibrated": gates,
        "judge": identity.get("model", ""),
        "base_url": identity.get("base_url", ""),
        "banners": list(report.get("banners", ())),
        "stopped": report.get("stopped", ""),
        "overall": {arm: _figure(arm_figures(single, arm)) for arm in arms},
        "fields": {name: {arm: _figure(arm_figures(single, arm, name)) for arm in arms} for name in names},
        "scatter": {arm: points[:POINTS] for arm, points in scatter.items()},
        "spearman": spearman([point[1] for point in flat], [point[2] for point in flat]),
        "spearman_n": len(flat),
        "pairwise": _pairs(rows),
        "cost": {key: report.get(key) for key in _COST},
        **_calibrated(calibration),
    }


_COST = (
    "calls", "cached", "input_tokens", "output_tokens", "estimated_calls", "retries", "unscored", "money", "currency",
    "dropped", "flagged", "score_first", "extracted", "repaired",
)  # fmt: skip
_CALIBRATION_COST = ("questions", "calls", "cached", "unscored", "money", "currency", "documents", "stopped")


def document_verdicts(folder: Path, doc: str) -> list[Row]:
    """The rows of one document, with each evidence read: every arm, field and order."""
    return [row | {"evidence": json.loads(row["evidence"])} for row in read_rows(folder) if row["doc"] == doc]


def refresh_aggregates(folder: Path) -> bool:
    """Puts the tables into an evaluation's aggregates.json, so that its charts show them; False where there is none."""
    path = folder / AGGREGATES
    if not path.is_file():
        return False
    with disk("keep the judge's tables", path):
        aggregates = json.loads(path.read_text("utf-8"))
        aggregates.setdefault("tables", {})["judge"] = judge_tables(folder)
        write_whole(path, json.dumps(aggregates, ensure_ascii=True))
    return True


def refresh_pages(folder: Path, pack: Pack) -> list[Path]:
    """Writes an evaluation's card and report anew where it has them, so that neither says that nobody judged."""
    from training.evals.card import write_card
    from training.evals.report import write_report

    writers = {CARD: write_card, REPORT: write_report}  # the card first: the report holds it
    return [write(folder, pack) for name, write in writers.items() if (folder / name).is_file()]


def _figure(found: JudgedFigure) -> dict[str, Any]:
    unread = sum(count for reason, count in found.unscored.items() if reason in (FAILED, REPAIRED))
    return {
        "value": found.mean, "low": found.low, "high": found.high, "n": found.n_scored, "n_total": found.n_total,
        "unscored": sum(found.unscored.values()) - unread, "unread": unread, "reasons": found.unscored,
        "not_applicable": found.not_applicable, "gated": found.gated_mean, "gated_n": found.gated_n,
    }  # fmt: skip


def _points(rows: Sequence[Row], arm: str) -> list[list[Any]]:
    """[document, rule, judge] where both are known, by document; of repeats the first."""
    found: dict[str, list[Any]] = {}
    for row in rows:
        if row["arm"] != arm or row["field"] != OVERALL or row["status"] != OK or row["score"] is None:
            continue
        rule = json.loads(row["evidence"]).get("rule")
        if rule is not None:
            found.setdefault(row["doc"], [row["doc"], rule, row["score"]])
    return [found[doc] for doc in sorted(found)]


def _pairs(rows: Sequence[Row]) -> list[dict[str, Any]]:
    pairs = dict.fromkeys((row["arm"], row["other"]) for row in rows if row["mode"] == PAIRWISE)
    found = [to_json(pair_figures(rows, a, b)) for a, b in pairs]
    return [figures | {"consistent": figures["consistency"]} for figures in found]


def _calibrated(calibration: Mapping[str, Any]) -> dict[str, Any]:
    """The calibration's own tables, empty where there was none."""
    figures: Mapping[str, Any] = calibration.get("figures") or {}
    dose: Mapping[str, Any] = figures.get("dose") or {}
    doses = [
        {"kind": "all", "dose": k, "score": mean, "low": low, "high": high, "n": n}
        for k, mean, low, high, n in dose.get("curve", ())
    ]
    return {
        "doses": doses,
        "kinds": dose.get("kinds") or {},
        "echo": dose.get("echo"),
        "dose_points": dose.get("points") or [],
        "repeats": figures.get("repeats") or {},
        "canaries": figures.get("canaries") or [],
        "counterfactual": figures.get("counterfactual") or {},
        "votes": figures.get("votes"),
        "ratings": figures.get("ratings"),
        "checks": list(calibration.get("checks", ())),
        "calibration_cost": {key: calibration.get(key) for key in _CALIBRATION_COST} if calibration else {},
    }
