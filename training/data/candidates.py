"""What a person compared or corrected in Compare, on its way to become rows: to evaluate on first, never in silence.

HOME/datasets/candidates.jsonl has one candidate a line. A candidate names its comparison, says where its answer came
from and is marked for evaluation. Accepting some writes them into a file of finished rows beside it and adds that file
to a spec as a source whose rows all go to one held-out part. Nothing becomes training data by being compared; only a
refused row that a person mended may be a row again, and then goes where the split puts what it came from.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from training.data.rows import DataRow, canonical
from training.data.spec import DatasetSpec, SourceSpec
from training.data.version_files import line_of, read_lines, row_json, write_lines
from training.data.versions import LOCKED
from training.disk import disk, write_whole
from training.errors import DataError, StorageError
from training.task.pack import Pack
from training.task.records import sha256_text, to_json

FILE = "candidates.jsonl"
EVALUATION = "evaluation"
ROW = "row"  # the use of a mended row that goes back to where it came from
SLICE = "from_compare"
Answer = Literal["corrected", "gold", "arm"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A text with an answer that someone looked at. `id` is 16 hex characters over task and source text.

    `answer` says where `gold` came from: a person's correction, the known right answer, or a column (`arm`) as it was
    answered, which nobody may have checked. `created` is ISO 8601 UTC; `use` is what the row is for, EVALUATION or ROW.
    `group`, `date` and `slice` are those of the row that was mended, "" where the text came from no row.
    """

    id: str
    task: str
    source: str
    gold: Any
    answer: Answer
    comparison: str
    created: str
    arm: str = ""
    note: str = ""
    use: str = EVALUATION
    group: str = ""
    date: str = ""
    slice: str = ""


def candidate_of(
    comparison: Mapping[str, Any], pack: Pack, *, arm: str = "", corrected: Any = None, note: str = ""
) -> Candidate:
    """A candidate from a kept comparison's JSON form: the corrected answer, else the column's, else its gold.

    `corrected` is an object, or a text where the task's answer is one. DataError where the comparison is of another
    task, has no such column, or that column's answer could not be read.
    """
    if comparison["task"] != pack.name:
        raise DataError(
            f"That comparison is of the task {comparison['task']}.", fix=f"Open it there, not in {pack.name}."
        )
    answer: Answer = "corrected" if corrected is not None else "arm" if arm else "gold"
    gold = corrected
    if answer == "arm":
        gold = _arm_answer(comparison, pack, arm)
    elif answer == "gold":
        gold = comparison.get("gold")
    wanted = str if pack.answer.kind == "text" else dict
    if gold is None:
        raise DataError(
            "There is no right answer to keep.", fix="Correct an answer, or choose the column that is right."
        )
    if not isinstance(gold, wanted):
        kind = "text" if wanted is str else "a JSON object"
        raise DataError(f"An answer of {pack.name} is {kind}.", fix="Correct it in that form.")
    source = str(comparison["source"]["text"])
    return Candidate(
        id=candidate_id(pack.name, source),
        task=pack.name,
        source=source,
        gold=gold,
        answer=answer,
        comparison=str(comparison["id"]),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        arm=arm,
        note=note,
    )


def candidate_id(task: str, source: str) -> str:
    """16 hex characters over task and text: one text has one right answer."""
    return sha256_text(line_of({"task": task, "source": source}))[:16]


def add_candidate(home: Path, candidate: Candidate) -> Candidate:
    """Keep a candidate; the same one is kept once. DataError where the text has another answer already."""
    for known in list_candidates(home):
        if known.id != candidate.id:
            continue
        if canonical(known.gold) == canonical(candidate.gold):
            return known
        raise DataError(
            f"This text is a candidate already, with another answer (comparison {known.comparison}).",
            fix="Delete that one first (Data, New dataset, Rows sent from Compare): one text has one right answer.",
        )
    path = _file(home)
    with disk("keep the candidate", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(line_of(to_json(candidate)))
    return candidate


def list_candidates(home: Path, task: str = "") -> list[Candidate]:
    """Candidates in the order they came, of one task or of all. StorageError names a line that can't be read."""
    path = _file(home)
    if not path.is_file():
        return []
    found: list[Candidate] = []
    try:
        for line in read_lines(path):
            found.append(Candidate(**line))
    except (TypeError, DataError) as err:
        raise StorageError(
            f"{path}, candidate {len(found) + 1} is damaged: {err}", fix="Mend or remove that line of the file."
        ) from err
    return [candidate for candidate in found if task in ("", candidate.task)]


def delete_candidate(home: Path, candidate_id: str) -> None:
    """Take a candidate off the list. What it was accepted into before keeps it. DataError if there is none."""
    candidates = list_candidates(home)
    left = [candidate for candidate in candidates if candidate.id != candidate_id]
    if len(left) == len(candidates):
        raise DataError(f"There is no candidate {candidate_id}.", fix="Pick one from the list.")
    with disk("delete the candidate", _file(home)):
        write_whole(_file(home), "".join(json.dumps(to_json(candidate)) + "\n" for candidate in left))


def accept_candidates(
    home: Path, spec: DatasetSpec, ids: Sequence[str], *, licence: str, part: str = "test"
) -> DatasetSpec:
    """The spec with the candidates as one more source, whose rows, and what shares a text with them, go to `part`.

    Mended rows that are to be rows again make a source of their own, which the split decides about. Written to
    HOME/datasets/.accepted/<hash>.jsonl; the candidates stay listed. `licence` says what the texts may be used for.
    DataError for an id that is not listed, one of another task, and a part that is trained on.
    """
    if part not in LOCKED:
        raise DataError(f"Candidates are for evaluation, {part} is not.", fix=f"Choose one of: {', '.join(LOCKED)}.")
    listed = {candidate.id: candidate for candidate in list_candidates(home, spec.task)}
    if missing := [wanted for wanted in ids if wanted not in listed]:
        raise DataError(f"{', '.join(missing)}: no candidate of {spec.task}.", fix="Pick from the list of that task.")
    if not ids:
        raise DataError("No candidate was chosen.", fix="Choose at least one.")
    chosen = [listed[wanted] for wanted in sorted(set(ids))]
    for use, where in ((EVALUATION, part), (ROW, "")):
        if rows := [row_json(_row(candidate, licence)) for candidate in chosen if candidate.use == use]:
            spec = replace(spec, sources=(*spec.sources, _source(home, rows, licence, where)))
    return spec


def _source(home: Path, rows: Sequence[Mapping[str, Any]], licence: str, part: str) -> SourceSpec:
    name = sha256_text("".join(map(line_of, rows)))[:12]
    path = home.absolute() / "datasets" / ".accepted" / f"{name}.jsonl"
    with disk("keep the accepted rows", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        columns = ("id", "source", "gold", "group", "slice", "date")
        write_lines(path, ({key: row[key] for key in columns} for row in rows))
    return SourceSpec("file", name=f"candidates-{name}", path=str(path), licence=licence, part=part)


def _row(candidate: Candidate, licence: str) -> DataRow:
    """A mended row stays in its group, so that nothing of it is trained on; a text of no date has the day it came."""
    return DataRow(
        task=candidate.task,
        source=candidate.source,
        gold=candidate.gold,
        group=candidate.group or f"comparison {candidate.comparison or candidate.id}",
        origin="candidates",
        licence=licence,
        slice=candidate.slice if candidate.use == ROW else SLICE,
        date=candidate.date or candidate.created[:10],
    )


def _arm_answer(comparison: Mapping[str, Any], pack: Pack, arm: str) -> Any:
    arms = {result["generation"]["arm"]["label"]: result for result in comparison["arms"]}
    if arm not in arms:
        raise DataError(f"That comparison has no column {arm!r}.", fix=f"Choose one of: {', '.join(arms)}.")
    parsed = arms[arm]["parsed"]
    if parsed["object"] is None:
        raise DataError(f"The answer of {arm} could not be read ({parsed['error']}).", fix="Correct it first.")
    return arms[arm]["generation"]["raw"] if pack.answer.kind == "text" else parsed["object"]


def _file(home: Path) -> Path:
    return home / "datasets" / FILE
