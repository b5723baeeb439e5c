"""judge.parquet: a row a group of a verdict, and one "overall"; tokens and money stand on the overall row alone, as the
verdict took them when it was asked; `cached` says that the last run did not pay them again.

A verdict on the same thing replaces the one before. What a judge could not score has a row too, with its reason, so
that every mean can say of how many it is. Verdicts of two judges never stand in one frame: asking another judge, or
the same one in other words, begins a new frame (its old verdicts stay in the cache).
"""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from training.disk import disk, write_whole
from training.evals.judge.ask import Outcome
from training.evals.judge.material import Candidate
from training.evals.judge.verdict import OK, PairVerdict, Verdict, evidence_json
from training.evals.records import JUDGE, JUDGE_COLUMNS

NOTE = "judge.json"  # who judged, in which words, what it took, how far to trust it
OVERALL = "overall"
POINTWISE, PAIRWISE = "pointwise", "pairwise"
_KEYS = ("arm", "doc", "mode", "other", "field", "order", "repeat")
Row = dict[str, Any]


def pointwise_rows(run: str, candidate: Candidate, outcome: Outcome, cost: float | None) -> list[Row]:
    """The rows of one verdict, or the one row of a question that has none."""
    verdict = outcome.verdict
    base = _base(run, candidate, POINTWISE, outcome)
    about: dict[str, Any] = {"rule": candidate.rule, "chars": candidate.chars}
    if not isinstance(verdict, Verdict):
        return [base | _spent(outcome, cost) | {"evidence": _json(about | {"why": outcome.why})}]
    about |= {
        "notes": verdict.notes, "tier": verdict.tier, "score_first": verdict.score_first, "retries": outcome.retries,
        "dropped": sum(one.dropped for one in verdict.fields), "flagged": sum(one.flagged for one in verdict.fields),
    }  # fmt: skip
    rows = [
        base | {"field": one.group, "score": one.score, "status": one.status, "evidence": evidence_json(one)}
        for one in verdict.fields
    ]
    overall = {"score": verdict.overall, "status": OK, "evidence": _json(about)}
    return [*rows, base | _spent(outcome, cost) | overall]


def pairwise_row(run: str, pair: tuple[Candidate, Candidate], outcome: Outcome, cost: float | None) -> Row:
    """One order of a pair; the score is the first arm's: 1 won, 0 lost, 0.5 tie."""
    first, second = pair
    row = _base(run, first, PAIRWISE, outcome) | _spent(outcome, cost) | {"other": second.arm}
    verdict = outcome.verdict
    about: dict[str, Any] = {"rule": [first.rule, second.rule], "chars": [first.chars, second.chars]}
    if not isinstance(verdict, PairVerdict):
        return row | {"evidence": _json(about | {"why": outcome.why})}
    arms = {"A": first.arm, "B": second.arm} if outcome.question.order == "ab" else {"A": second.arm, "B": first.arm}
    better = arms.get(verdict.better)
    faults = [{"arm": arms[f.record], "field": f.field, "problem": f.problem, "source_quote": f.source_quote}
              for f in verdict.evidence]  # fmt: skip
    about |= {"faults": faults, "dropped": verdict.dropped, "notes": verdict.notes, "tier": verdict.tier}
    about["retries"] = outcome.retries
    score = 0.5 if better is None else float(better == first.arm)
    return row | {"score": score, "status": OK, "evidence": _json(about)}


def refused_row(run: str, candidate: Candidate, mode: str = POINTWISE, other: str = "", parsed: str = "") -> Row:
    """The row of an answer that no judge was shown. `parsed` of a pair: which side can be read, "" for none."""
    about: dict[str, Any] = {"rule": candidate.rule, "chars": candidate.chars}
    row = dict.fromkeys(JUDGE_COLUMNS)
    row |= {"run": run, "arm": candidate.arm, "doc": candidate.doc, "mode": mode, "other": other, "field": OVERALL}
    row |= {"order": "", "repeat": 0, "status": candidate.refused, "tokens_in": 0, "tokens_out": 0, "cached": False}
    return row | {"cost": 0.0, "evidence": _json(about | ({"parsed": parsed} if mode == PAIRWISE else {}))}


def tied_row(run: str, first: Candidate, second: Candidate) -> Row:
    """Two answers that are the same are a tie, asked of nobody."""
    row = refused_row(run, first, PAIRWISE, second.arm)
    return row | {"order": "same", "status": OK, "score": 0.5, "evidence": _json({"identical": True})}


def write_frame(folder: Path, rows: Iterable[Row], keep: bool) -> int:
    """Put rows into judge.parquet; `keep` leaves what stands there beside them. Whole or not at all.

    Returns how many rows it has.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / JUDGE
    found = {_key(row): row for row in read_rows(folder)} if keep else {}
    new = list(rows)
    again = {_whole(row) for row in new}  # a verdict is replaced with all its fields
    found = {key: row for key, row in found.items() if _whole(row) not in again}
    found |= {_key(row): row for row in new}
    columns = {name: [row.get(name) for row in found.values()] for name in JUDGE_COLUMNS}
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with disk("keep the verdicts", path):
        try:
            pq.write_table(pa.table(columns, schema=_schema()), beside)
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)
    return len(found)


def read_rows(folder: Path) -> list[Row]:
    """The rows of judge.parquet, none where there is no such file."""
    import pyarrow.parquet as pq

    path = folder / JUDGE
    if not path.is_file():
        return []
    with disk("read the verdicts", path):
        return pq.read_table(path, columns=list(JUDGE_COLUMNS)).to_pylist()


def read_note(folder: Path) -> dict[str, Any]:
    """judge.json, {} where nobody judged."""
    path = folder / NOTE
    if not path.is_file():
        return {}
    with disk("read who judged", path):
        return json.loads(path.read_text("utf-8"))


def write_note(folder: Path, note: Mapping[str, Any]) -> None:
    with disk("keep who judged", folder):
        write_whole(folder / NOTE, json.dumps(note, ensure_ascii=True, indent=1) + "\n")


def _schema() -> Any:
    import pyarrow as pa

    texts = ("run", "arm", "doc", "mode", "other", "field", "order", "status", "evidence")
    numbers = {"repeat": pa.int64(), "tokens_in": pa.int64(), "tokens_out": pa.int64(), "score": pa.float64(),
               "cost": pa.float64(), "cached": pa.bool_()}  # fmt: skip
    return pa.schema([(name, pa.string() if name in texts else numbers[name]) for name in JUDGE_COLUMNS])


def _base(run: str, candidate: Candidate, mode: str, outcome: Outcome) -> Row:
    question = outcome.question
    row: Row = {"run": run, "arm": candidate.arm, "doc": candidate.doc, "mode": mode, "other": "", "field": OVERALL}
    row |= {"order": question.order, "repeat": question.repeat, "score": None, "status": outcome.status}
    return row | {"tokens_in": 0, "tokens_out": 0, "cost": 0.0, "cached": outcome.cached, "evidence": "{}"}


def _spent(outcome: Outcome, cost: float | None) -> Row:
    return {"tokens_in": outcome.usage.input_tokens, "tokens_out": outcome.usage.output_tokens, "cost": cost}


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in _KEYS)


def _whole(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("arm", "doc", "mode", "other", "repeat"))


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)
