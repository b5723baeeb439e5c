"""Five documents side by side, chosen by rule and not by hand: two wins, one loss, one tie, one failure.

    wins     the largest gain, and the middle one of all gains
    loss     the largest loss
    tie      the best of the documents where both arms are equal
    failure  the worst answer of the tuned arm that is in its commonest error cluster

By the figure that decides, document by document (the mean over samples); ids break ties, so that the same evaluation
shows the same documents. A kind that does not exist is said to be absent, nothing else takes its place.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.evals.figures import Figures
from training.evals.frames import read_frame
from training.evals.metrics import spec_named
from training.evals.records import GEN, ITEMS, ROWS, SCORES

RULE = (
    "Chosen by rule: the largest gain and the middle one, the largest loss, the best of the equal ones, and a failure "
    "of the commonest kind."
)
KINDS = {
    "win": "Better: the largest gain",
    "middle": "Better: the middle one of all gains",
    "loss": "Worse: the largest loss",
    "tie": "Equal",
    "failure": "A failure of the tuned model",
}
ABSENT = {
    "win": "No document got better.",
    "middle": "No second document got better.",
    "loss": "No document got worse.",
    "tie": "No document is equal in both.",
    "failure": "The tuned model has no further failure that any rule finds.",
}
Leaf = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Side:
    """One arm's answer to the document. `value` is the deciding figure, None where it does not apply; `leaves` are its
    rows of items.parquet, () for an answer that is not strict."""

    arm: str
    raw: str
    tier: str
    finish: str
    error: str
    value: float | None
    leaves: tuple[Leaf, ...]


@dataclass(frozen=True, slots=True)
class Example:
    kind: str
    doc: str
    source: str
    slice: str
    sides: tuple[Side, Side]


def examples(folder: Path, figures: Figures) -> list[Example | str]:
    """In the order of `KINDS`; a kind without a document is its sentence of `ABSENT`. [] without two arms or frames."""
    if figures.pair is None or not all((folder / name).is_file() for name in (GEN, SCORES, ROWS)):
        return []
    values = _values(folder, figures)
    errors = read_frame(folder, GEN, ["doc", "error"], {"arm": figures.pair[1], "k": 0}).fillna({"error": ""})
    chosen = choose(values, dict(zip(errors["doc"].astype(str), errors["error"].astype(str), strict=True)), figures)
    wanted = {doc for doc in chosen.values() if doc}
    rows = {str(row.get("id")): row for row in _lines(folder / ROWS) if str(row.get("id")) in wanted}
    answers, leaves = _by_answer(folder, GEN, figures.pair, wanted), _by_answer(folder, ITEMS, figures.pair, wanted)
    found: list[Example | str] = []
    for kind in KINDS:
        doc = chosen.get(kind) or ""
        keys = [(arm, doc) for arm in figures.pair]
        if doc not in rows or any(key not in answers for key in keys):
            found.append(ABSENT[kind])
            continue
        a, b = (_side(key, answers[key][0], values, leaves.get(key, [])) for key in keys)
        found.append(Example(kind, doc, str(rows[doc].get("source", "")), str(rows[doc].get("slice") or ""), (a, b)))
    return found


def choose(values: dict[str, dict[str, float]], errors: dict[str, str], figures: Figures) -> dict[str, str]:
    """kind -> document. `values` are each arm's deciding figure by document, `errors` the tuned arm's clusters."""
    a, b = figures.pair or ("", "")
    sign = -1 if figures.view.better(figures.deciding) == "lower" else 1
    both = sorted(values.get(a, {}).keys() & values.get(b, {}).keys())
    gains = {doc: sign * (values[b][doc] - values[a][doc]) for doc in both}
    wins = sorted((doc for doc in both if gains[doc] > 0), key=lambda doc: (-gains[doc], doc))
    losses = sorted((doc for doc in both if gains[doc] < 0), key=lambda doc: (gains[doc], doc))
    ties = sorted((doc for doc in both if gains[doc] == 0), key=lambda doc: (-sign * values[b][doc], doc))
    found = {"win": wins[0] if wins else "", "loss": losses[0] if losses else "", "tie": ties[0] if ties else ""}
    middle = wins[len(wins) // 2] if len(wins) > 1 else ""
    found["middle"] = middle if middle != found["win"] else ""
    taken = set(found.values())
    common = Counter(error for error in errors.values() if error).most_common()
    worst = float("-inf")
    for error, _ in sorted(common, key=lambda pair: (-pair[1], pair[0])):
        mine = [doc for doc, other in errors.items() if other == error and doc not in taken]
        if mine:
            found["failure"] = min(mine, key=lambda doc: (sign * values.get(b, {}).get(doc, worst), doc))
            break
    return found


def _values(folder: Path, figures: Figures) -> dict[str, dict[str, float]]:
    spec = spec_named(figures.pack, figures.deciding)
    if spec is None:
        return {}
    metric, field = spec.keys[0]
    where = {"arm": list(figures.pair or ()), "tier": "strict", "metric": metric, "field": field}
    frame = read_frame(folder, SCORES, ["arm", "doc", "value"], where).dropna(subset=["value"])
    means = frame.groupby(["arm", "doc"], observed=True)["value"].mean()
    found: dict[str, dict[str, float]] = {}
    for (arm, doc), value in means.items():
        found.setdefault(str(arm), {})[str(doc)] = float(value)
    return found


def _side(key: tuple[str, str], row: Leaf, values: dict[str, dict[str, float]], leaves: list[Leaf]) -> Side:
    arm, doc = key
    tier, error = str(row["tier"]), str(row["error"] or "")
    kept = tuple(leaves) if tier == "strict" else ()
    return Side(arm, str(row["raw"]), tier, str(row["finish"]), error, values.get(arm, {}).get(doc), kept)


def _by_answer(folder: Path, name: str, arms: tuple[str, str], docs: set[str]) -> dict[tuple[str, str], list[Leaf]]:
    """Rows of a frame for the first answers to a few documents, by arm and document."""
    if not docs or not (folder / name).is_file():
        return {}
    found: dict[tuple[str, str], list[Leaf]] = {}
    for row in read_frame(folder, name, None, {"arm": list(arms), "doc": sorted(docs), "k": 0}).to_dict("records"):
        found.setdefault((str(row["arm"]), str(row["doc"])), []).append(row)
    return found


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)
