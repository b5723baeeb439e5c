"""Evaluations as the Evaluate tab shows them: the list, how one stands, its figures. Reads only.

Own ones lie in HOME/evals, those that ship in assets/evaluations; one of a person's own hides a shipped one of the same
id. All figures come from aggregates.json, read once a file time, so that a large evaluation opens as fast as a small
one; the frames are read elsewhere, a page or a document at a time. On a Space only what ships is shown.
"""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from studio.deps import Deps
from studio.queries.stamps import stamp
from training.errors import InputError
from training.evals.directory import ID, evals_root, read_status
from training.evals.eval_job import list_evaluations, read_evaluation
from training.evals.judge.frame import NOTE
from training.evals.records import AGGREGATES, JOB, JUDGE, MANIFEST, STATUS, UNDER_WAY, EvalStatus
from training.evals.verdict import Verdict, default_pair, slice_words, verdict
from training.task.pack import Pack
from training.task.records import to_json

SHIPPED = Path(__file__).resolve().parents[2] / "assets" / "evaluations"
Aggregates = Mapping[str, Any]
Choices = list[tuple[str, str]]


def own_root(deps: Deps) -> Path:
    return evals_root(deps.settings.home)


def folder_of(deps: Deps, evaluation: str) -> Path:
    """Where an evaluation lies. InputError where there is none; a path is never followed."""
    roots = [SHIPPED] if deps.settings.space else [own_root(deps), SHIPPED]
    for root in roots if ID.fullmatch(evaluation) else ():
        if (root / evaluation / STATUS).is_file() or (root / evaluation / AGGREGATES).is_file():
            return root / evaluation
    raise InputError(f"There is no evaluation {evaluation!r}.", fix="Choose one from the list, or start a new one.")


def known(deps: Deps, evaluation: str) -> bool:
    try:
        folder_of(deps, evaluation)
    except InputError:
        return False
    return True


def ships(deps: Deps, evaluation: str) -> bool:
    """True for one of the studio's own, which nobody may change."""
    return folder_of(deps, evaluation).parent == SHIPPED


def statuses(deps: Deps) -> list[EvalStatus]:
    """Own ones, the latest first, then those that ship, by task in the packs' order."""
    own = [] if deps.settings.space else list_evaluations(deps.settings.home)
    mine = {status.id for status in own}
    order = list(deps.packs)
    shipped = [status for status in _shipped() if status.id not in mine]
    shipped.sort(key=lambda status: (order.index(status.task) if status.task in order else len(order), status.id))
    return [*sorted(own, key=lambda status: status.created, reverse=True), *shipped]


def _shipped() -> list[EvalStatus]:
    found: list[EvalStatus] = []
    for folder in sorted(SHIPPED.iterdir()) if SHIPPED.is_dir() else []:
        if (folder / AGGREGATES).is_file() and ID.fullmatch(folder.name):
            found.append(_status_of(folder))
    return found


def _status_of(folder: Path) -> EvalStatus:
    """The status of a folder that nobody works on; of one without a status file, what its figures say."""
    if (folder / STATUS).is_file():
        return read_status(folder)
    found = aggregates_at(folder) or {}
    return EvalStatus(folder.name, str(found.get("name") or folder.name), str(found.get("task") or ""), "finished")


def status_of(deps: Deps, evaluation: str) -> EvalStatus:
    folder = folder_of(deps, evaluation)
    return _status_of(folder) if folder.parent == SHIPPED else read_evaluation(deps.settings.home, evaluation)


def choices(deps: Deps) -> Choices:
    """(label, id) of every evaluation."""
    return [(_label(status, ships(deps, status.id)), status.id) for status in statuses(deps)]


def _label(status: EvalStatus, shipped: bool) -> str:
    state = "ships" if shipped else "" if status.state == "finished" else status.state
    return " · ".join(filter(None, [status.name or status.id, status.task, state]))


def first(deps: Deps, wanted: str = "", kept: str = "") -> str:
    """The evaluation that a page opens with: the one its address names, the one looked at last, one under way, the
    newest finished, one that ships; "" where there is none."""
    for evaluation in (wanted, kept):
        if evaluation and known(deps, evaluation):
            return evaluation
    found = statuses(deps)
    best = [s for s in found if s.state in UNDER_WAY] or [s for s in found if s.state == "finished"] or found
    return best[0].id if best else ""


class Stamps(NamedTuple):
    """Words that change when a part of the page has to be sent again."""

    listed: str
    status: str
    figures: str


def stamps(deps: Deps, evaluation: str) -> Stamps:
    """Cheap: sizes and times of a few files; nothing is read."""
    every = [] if deps.settings.space else sorted(own_root(deps).glob(f"*/{STATUS}"))
    if not evaluation or not known(deps, evaluation):
        return Stamps(stamp(*every), "", "")
    folder = folder_of(deps, evaluation)
    status = stamp(folder / STATUS, folder / "cancel", folder / "process.json")
    return Stamps(stamp(*every), status, figures_stamp(folder))


def figures_stamp(folder: Path) -> str:
    """Of everything that a section is made from."""
    return stamp(folder / AGGREGATES, folder / JUDGE, folder / NOTE)


def aggregates(deps: Deps, evaluation: str) -> Aggregates | None:
    """Every figure of an evaluation; None before there are any."""
    return aggregates_at(folder_of(deps, evaluation))


def aggregates_at(folder: Path) -> Aggregates | None:
    path = folder / AGGREGATES
    try:
        stamp = path.stat().st_mtime_ns
    except OSError:
        return None
    return _read(path, stamp)


@lru_cache(maxsize=16)
def _read(path: Path, stamp: int) -> Any:
    return json.loads(path.read_text("utf-8"))


def manifest(deps: Deps, evaluation: str) -> Mapping[str, Any]:
    return _optional(folder_of(deps, evaluation) / MANIFEST)


def job_of(deps: Deps, evaluation: str) -> Mapping[str, Any]:
    """What was asked, {} where an evaluation does not say."""
    found = _optional(folder_of(deps, evaluation) / JOB)
    return found.get("job") or found


def _optional(path: Path) -> Mapping[str, Any]:
    try:
        return _read(path, path.stat().st_mtime_ns)
    except (OSError, ValueError):
        return {}


def pack_of(deps: Deps, found: Aggregates) -> Pack:
    """The pack that an evaluation is read by. InputError where it is not here any more."""
    task = str(found.get("task") or "")
    if task not in deps.packs:
        raise InputError(f"The task {task} is not here any more.", fix="Put its pack back into the tasks folder.")
    return deps.packs[task]


def arms_of(found: Aggregates) -> list[dict[str, Any]]:
    """Arms in their order, those without a model last, each with name, kind, label and colour_role."""
    every = [{"label": arm["name"], "kind": "", "colour_role": "", **arm} for arm in found.get("arms") or ()]
    return sorted(every, key=lambda arm: arm["kind"] == "trivial")


def arm_choices(found: Aggregates) -> Choices:
    return [(str(arm["label"]), str(arm["name"])) for arm in arms_of(found)]


class Pair(NamedTuple):
    """The two arms that are compared: b against a."""

    a: str
    b: str


def pair_of(found: Aggregates, a: str | None, b: str | None) -> Pair | None:
    """The pair that was chosen where both are arms of this evaluation, else the one that its verdict is about."""
    names = [name for _, name in arm_choices(found)]
    if a in names and b in names and a != b:
        return Pair(str(a), str(b))
    given = default_pair(found)
    if given is not None:
        return Pair(*given)
    return Pair(names[0], names[-1]) if len(names) > 1 else None


def figure(found: Aggregates, tier: str, arm: str, metric: str) -> Mapping[str, Any] | None:
    return ((found.get("tiers") or {}).get(tier) or {}).get(arm, {}).get(metric)


def pair_figures(found: Aggregates, tier: str, pair: Pair | None) -> list[dict[str, Any]]:
    """Every paired difference b - a, whichever way round it was kept."""
    if pair is None:
        return []
    rows: Sequence[Mapping[str, Any]] = (found.get("pairs") or {}).get(tier) or ()
    same = [dict(row) for row in rows if (row["a"], row["b"]) == pair]
    return same or [turned(row) for row in rows if (row["b"], row["a"]) == pair]


def turned(row: Mapping[str, Any]) -> dict[str, Any]:
    """A paired difference seen from the other side."""

    def minus(value: float | None) -> float | None:
        return None if value is None else -value

    return {
        **row, "a": row["b"], "b": row["a"], "difference": minus(row.get("difference")),
        "ci_low": minus(row.get("ci_high")), "ci_high": minus(row.get("ci_low")), "effect": minus(row.get("effect")),
        "shift": minus(row.get("shift")), "same_low": minus(row.get("same_high")),
        "same_high": minus(row.get("same_low")),
        "wins": row.get("losses"), "losses": row.get("wins"),
    }  # fmt: skip


def verdict_of(deps: Deps, found: Aggregates, pair: Pair | None, tier: str) -> Verdict:
    """Did the second arm help over the first, in one sentence with its numbers."""
    return verdict(found, (pair.a, pair.b) if pair else None, pack_of(deps, found), tier)


def slice_rows(found: Aggregates, metric: str, pair: Pair | None) -> list[dict[str, Any]]:
    """Slices with both arms' figures of a metric: {key, kind, value, n, a, b} and `words`; `linked` where documents are
    found by it. Kind by kind, the largest first, lengths from short to long."""
    rows: list[dict[str, Any]] = []
    table: Mapping[str, Any] = (found.get("tables") or {}).get("slices") or {}
    labels = {row.get("slice"): str(row.get("label") or "") for row in table.get("rows") or ()}
    for key, arms in (found.get("slices") or {}).items() if pair else ():
        kind, _, value = str(key).partition("=")
        sides = [(arms.get(arm) or {}).get(metric) for arm in pair or ()]
        n = max((int(side["n_total"]) for side in sides if side), default=0)
        if n:
            linked, words = kind in ("slice", "style"), slice_words(str(key), labels.get(key, ""))
            rows.append(
                {
                    "key": key,
                    "kind": kind,
                    "value": value,
                    "n": n,
                    "a": sides[0],
                    "b": sides[1],
                    "linked": linked,
                    "words": words,
                }
            )
    kinds = ("slice", "style", "length", "missing")
    place = {row["key"]: kinds.index(row["kind"]) if row["kind"] in kinds else len(kinds) for row in rows}
    return sorted(rows, key=lambda row: (place[row["key"]], row["value"] if row["kind"] == "length" else "", -row["n"]))


def record(found: Any) -> Any:
    """Records as views take them: plain JSON."""
    return [to_json(item) for item in found] if isinstance(found, list | tuple) else to_json(found)
