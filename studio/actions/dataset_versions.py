"""What can be done with a version: take rows out, export it, mend a refused row, keep what Compare showed. No Gradio.

A version never changes: taking rows out makes another one. A mended row is no row yet but a candidate, which goes to
evaluation first.
"""

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from studio.actions.dataset_form import not_on_a_space
from studio.deps import Deps
from studio.queries.dataset_rows import refused_row
from studio.queries.datasets import find, pack_for, ships
from training.data.build_gates import gate_settings
from training.data.candidates import EVALUATION, ROW, Candidate, add_candidate, candidate_id, candidate_of
from training.data.exports import export_version
from training.data.gates.plan import GatePlan
from training.data.gates.rows import contract, parses, schema
from training.data.rows import DataRow, Refusal
from training.data.version_changes import delete_rows
from training.data.version_files import row_from
from training.data.versions import LOCKED, open_version, rows_of
from training.engine.counting import token_counter
from training.errors import DataError
from training.task.pack import Pack

MOST_BYTES = 20_000_000  # of an export that goes through the page
KNOWN = "known answer"
AGAIN = ROW  # how a mended row that goes back is kept


def take_out(deps: Deps, name: str, sources: Sequence[str], ids: str) -> str:
    """A new version without the rows of `sources` and without those whose ids `ids` lists; returns its name."""
    not_on_a_space(deps)
    version = find(deps, name)
    if ships(version):
        raise DataError(f"{name} ships with the studio and stays as it is.", fix="Build a version of your own.")
    found = [word for word in ids.replace(",", " ").split() if word]
    return delete_rows(open_version(version.folder), sources=tuple(sources), ids=found).name


def export(deps: Deps, name: str, form: str, parts: Sequence[str]) -> dict[str, str]:
    """name, mime and text of a JSONL file of those parts. DataError where it is too large to go through a page."""
    version = find(deps, name)
    if not parts:
        raise DataError("No part was chosen.", fix="Tick at least one part.")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / f"{name}-{form}.jsonl"
        export_version(version, out, form, pack_for(deps, version.task), tuple(parts))
        if (size := out.stat().st_size) > MOST_BYTES:
            raise DataError(
                f"That file has {size / 1e6:.0f} MB, too much for this page.",
                fix=f"Take fewer parts, or the rows themselves: they lie in {version.folder.name} in your home.",
            )
        return {"name": out.name, "mime": "application/jsonl", "text": out.read_text("utf-8", "backslashreplace")}


def push(deps: Deps, name: str, repo: str, *, private: bool = True, api: Any = None) -> str:
    """Put a version into a dataset repository of the Hub, private unless said otherwise; returns its address.

    DataError where there is no token, no right or no network, and where others can reach this studio: the token is
    its owner's. `api` is the Hub's client, made when None.
    """
    from training.data.exports import push_to_hub

    not_on_a_space(deps)
    if not deps.settings.allow_paths:
        raise DataError(
            "This studio can be reached by others, and the Hub's token is its owner's.",
            fix="Push from a studio that nobody else can reach, or with `python -m training data push`.",
        )
    return push_to_hub(open_version(find(deps, name).folder), repo or "", private=private, api=api)


class Mended(NamedTuple):
    """A row as it was edited (personal data masked, where the spec says so), and what speaks against it still."""

    row: DataRow
    refusals: tuple[Refusal, ...]


def check_again(
    deps: Deps, name: str, edited: tuple[str, str, str], counter: Callable[[str], int] | None = None
) -> Mended:
    """`edited` is (id of the refused row, its text, its answer), through every gate that looks at one row.

    The version's own held-out rows are protected from it, but those of the row's own group: built again, the split puts
    it where they are. DataError for an answer that is not of the task's kind.
    """
    from training.data.gates.evaluation import protected
    from training.data.gates.run import judge_row
    from training.data.gates.settings import Tools, plan_from

    row_id, text, answer = edited
    version = find(deps, name)
    pack = pack_for(deps, version.task)
    data = refused_row(deps, name, row_id)["row"]
    row = row_from({**data, "source": text, "gold": read_answer(answer, pack)}, f"row {row_id}")
    count = counter or token_counter(version.spec.tokenizer, deps.settings.home)
    locked = (other for part in LOCKED if part in version.rows for other in rows_of(version, part))
    held = tuple(other for other in locked if other.group != row.group)
    settings = gate_settings(version.spec, deps.settings.home)
    settings = {key: value for key, value in settings.items() if key != "rubric"}
    plan = plan_from(settings, pack, Tools(count, held))
    judged, refusals = judge_row(row, plan, protected(plan))
    return Mended(judged, tuple(refusals))


def read_answer(text: str, pack: Pack) -> Any:
    """An edited answer as the task has it: text, or one JSON object."""
    if pack.answer.kind == "text":
        return text
    try:
        value = json.loads(text)
    except ValueError as err:
        raise DataError(f"The answer is no JSON: {err}.", fix="Mend it there, then check again.") from err
    if not isinstance(value, dict):
        raise DataError("The answer is JSON, but no object.", fix="Write it as { ... }.")
    return value


def keep_mended(
    deps: Deps,
    name: str,
    edited: tuple[str, str, str],
    counter: Callable[[str], int] | None = None,
    use: str = EVALUATION,
) -> Candidate:
    """Keep an edited row as a candidate, for evaluation or as a ROW again. DataError while a gate still refuses it."""
    not_on_a_space(deps)
    mended = check_again(deps, name, edited, counter)
    if mended.refusals:
        raise DataError(f"The row is still refused: {mended.refusals[0].reason}", fix="Mend that first.")
    row, version = mended.row, find(deps, name)
    candidate = Candidate(
        id=candidate_id(row.task, row.source),
        task=row.task,
        source=row.source,
        gold=row.gold,
        answer="corrected",
        comparison="",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        note=f"refused row {edited[0]} of {version.name}, mended by hand",
        use=use,
        group=row.group,
        date=row.date or "",
        slice=row.slice,
    )
    return add_candidate(deps.settings.home, candidate)


def answers_of(comparison: Mapping[str, Any]) -> list[str]:
    """Whose answer of a comparison could be kept: the known one, then the columns that could be read."""
    arms = [arm["generation"]["arm"]["label"] for arm in comparison["arms"] if arm["parsed"]["object"] is not None]
    return [*([KNOWN] if comparison.get("gold") is not None else []), *arms]


def send_comparison(deps: Deps, session: str, comparison_id: str, answer: str) -> Candidate:
    """Keep a comparison's text with `answer` (KNOWN or a column's label) as a candidate for evaluation."""
    not_on_a_space(deps)
    return add_candidate(deps.settings.home, _chosen(deps, session, comparison_id, answer))


def chosen_text(deps: Deps, session: str, comparison_id: str, answer: str) -> str:
    """The answer that was chosen, as it is edited: text, or JSON with an entry a line."""
    gold = _chosen(deps, session, comparison_id, answer).gold
    return gold if isinstance(gold, str) else json.dumps(gold, ensure_ascii=False, indent=2)


def send_corrected(deps: Deps, session: str, comparison_id: str, text: str) -> Candidate:
    """Keep a comparison's text with the answer that a person wrote. DataError where it breaks the task's contract."""
    not_on_a_space(deps)
    if not text.strip():
        raise DataError("No answer was written.", fix="Write the right answer, or send a column's.")
    data, pack = _comparison(deps, session, comparison_id)
    candidate = candidate_of(data, pack, corrected=read_answer(text, pack))
    row, plan = DataRow(candidate.task, candidate.source, candidate.gold, candidate.id, "Compare"), GatePlan(pack)
    for gate in (parses, schema, contract):
        if refusal := gate(row, plan):
            raise DataError(f"That answer can't be kept: {refusal.reason}", fix="Correct it there, then send it again.")
    return add_candidate(deps.settings.home, candidate)


def _chosen(deps: Deps, session: str, comparison_id: str, answer: str) -> Candidate:
    data, pack = _comparison(deps, session, comparison_id)
    if not answer:
        raise DataError("No right answer was chosen.", fix="Choose the known answer, or the column that is right.")
    return candidate_of(data, pack, arm="" if answer == KNOWN else answer)


def _comparison(deps: Deps, session: str, comparison_id: str) -> tuple[dict[str, Any], Pack]:
    if not comparison_id:
        raise DataError("There is no comparison to send yet.", fix="Compare first.")
    data = deps.shelf(session).get_comparison(comparison_id)
    return data, pack_for(deps, data["task"])
