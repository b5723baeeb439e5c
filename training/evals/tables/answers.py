"""What the gen frame says of each arm, in one pass over its blocks: tiers, error clusters, lengths, times.

Nothing of an answer's text is read. What is kept of a document is a handful of numbers; tables hold counts, quantiles
and at most `EXAMPLES` ids a cluster.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evals.frames import read_frame_blocks
from training.evals.records import GEN

COLUMNS = ("arm", "doc", "k", "cluster", "slice", "style", "part", "tier", "finish", "chars", "new_tokens", "gen_s",
           "batch_size", "error")  # fmt: skip
EXAMPLES = 8
STEPS = 21  # quantiles of a length: 0, 5, ..., 100 %


@dataclass(slots=True)
class ArmAnswers:
    """One arm. `clusters` counts primary errors over answers, `docs` examples of each, `of_doc` a document's errors."""

    n: int = 0
    tiers: Counter[str] = field(default_factory=Counter[str])
    finish: Counter[str] = field(default_factory=Counter[str])
    clusters: Counter[str] = field(default_factory=Counter[str])
    docs: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    of_doc: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    tokens: list[NDArray[Any]] = field(default_factory=list)
    chars: list[NDArray[Any]] = field(default_factory=list)
    seconds: list[NDArray[Any]] = field(default_factory=list)
    batch_size: int = 0


@dataclass(slots=True)
class Answers:
    """All arms in the order in which they come, and what the documents are: id -> (slice, style, part)."""

    arms: dict[str, ArmAnswers]
    docs: dict[str, tuple[str, str, str]]


def read_answers(folder: Path) -> Answers:
    """One pass over the gen frame."""
    found = Answers({}, {})
    places: dict[str, int] = {}
    for block in read_frame_blocks(folder, GEN, COLUMNS):
        for arm, frame in block.groupby("arm", sort=False, observed=True):
            if not len(frame):
                continue
            _add(found.arms.setdefault(str(arm), ArmAnswers()), frame, places)
            rows = frame[["doc", "slice", "style", "part"]].drop_duplicates("doc")
            for doc, *what in rows.itertuples(index=False):
                found.docs.setdefault(str(doc), (_text(what[0]), _text(what[1]), _text(what[2])))
    return found


def _add(arm: ArmAnswers, frame: Any, places: dict[str, int]) -> None:
    arm.n += len(frame)
    arm.tiers.update(frame["tier"].astype(str))
    arm.finish.update(frame["finish"].astype(str))
    arm.batch_size = max(arm.batch_size, int(frame["batch_size"].max()))
    decoded = frame["new_tokens"].to_numpy(dtype=float, na_value=0.0)
    chars = frame["chars"].to_numpy(dtype=float, na_value=0.0)
    seconds = frame["gen_s"].to_numpy(dtype=float, na_value=np.nan)
    if decoded.any():
        arm.tokens.append(decoded.astype(np.int32))
    arm.chars.append(chars.astype(np.int32))
    arm.seconds.append(seconds[~np.isnan(seconds)])
    for doc, error in zip(frame["doc"].astype(str), frame["error"], strict=True):
        place = places.setdefault(doc, len(places))
        if name := _text(error):
            arm.clusters[name] += 1
            arm.of_doc[place].add(name)
            if len(arm.docs[name]) < EXAMPLES and doc not in arm.docs[name]:
                arm.docs[name].append(doc)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def tiers_table(answers: Answers) -> dict[str, Any]:
    """Answers by parse tier, for chart "tiers"."""
    return {"counts": {arm: dict(found.tiers) for arm, found in answers.arms.items()}}


def clusters_table(answers: Answers, title: Callable[[str], str], owner: Callable[[str], str]) -> dict[str, Any]:
    """Primary errors with examples, and for each two arms on how many documents an error went and came."""
    names = sorted({name for found in answers.arms.values() for name in found.clusters})
    arms = {
        arm: {
            "n": found.n,
            "clusters": {name: {"n": count, "docs": found.docs[name]} for name, count in found.clusters.most_common()},
        }
        for arm, found in answers.arms.items()
    }
    order = list(answers.arms)
    moved = {
        f"{a}|{b}": got
        for at, a in enumerate(order)
        for b in order[at + 1 :]
        if (got := _moved(answers.arms[a], answers.arms[b]))
    }
    return {
        "arms": arms,
        "titles": {name: title(name) for name in names},
        "owners": {name: owner(name) for name in names},
        "moved": moved,
    }


def _moved(a: ArmAnswers, b: ArmAnswers) -> dict[str, list[int]]:
    """error -> [documents that had it in a and not in b, the other way round]."""
    counts: dict[str, list[int]] = {}
    for place in a.of_doc.keys() | b.of_doc.keys():
        before, after = a.of_doc.get(place, set()), b.of_doc.get(place, set())
        for name in before - after:
            counts.setdefault(name, [0, 0])[0] += 1
        for name in after - before:
            counts.setdefault(name, [0, 0])[1] += 1
    return counts


def lengths_table(answers: Answers, words: Mapping[str, NDArray[Any]], budget: int | None) -> dict[str, Any]:
    """Quantiles of tokens, characters and words; `words` are each arm's means by document, NaN where unknown."""
    arms: dict[str, Any] = {}
    for arm, found in answers.arms.items():
        known = words.get(arm, np.array([]))
        arms[arm] = {
            "n": found.n,
            "cut": found.finish["length"],
            "tokens": quantiles(np.concatenate(found.tokens)) if found.tokens else [],
            "chars": quantiles(np.concatenate(found.chars)) if found.chars else [],
            "words": quantiles(known[~np.isnan(known)]),
        }
    return {"max_new_tokens": budget, "arms": arms, "counts": {}}


def quantiles(values: NDArray[Any], steps: int = STEPS) -> list[float]:
    """Evenly spaced quantiles, the least and the greatest included; [] of nothing."""
    if not len(values):
        return []
    return [round(float(value), 4) for value in np.quantile(values, np.linspace(0, 1, steps))]
