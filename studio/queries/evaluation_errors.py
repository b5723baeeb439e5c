"""Error clusters of an evaluation: how many answers of each arm, what moved between two arms, examples, who mends it.

Counted from the answers' own clusters (first samples), the primary one of each. Owners and repair recipes come from
training/evals/clusters.py.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.queries import evaluation_frames as frames
from studio.queries.evaluations import Pair
from training.evals.clusters import cluster_named, cluster_title
from training.task.pack import Pack

EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class ClusterLine:
    """One cluster. `a` and `b` are answers of each arm in it, of `n` documents; `mended` left it from a to b, `broken`
    came into it. `examples` are documents where b (else a) is in it."""

    tag: str
    title: str
    owner: str
    recipe: str
    a: int
    b: int
    mended: int
    broken: int
    examples: tuple[str, ...]


def clusters(folder: Path, pair: Pair, pack: Pack) -> tuple[list[ClusterLine], int]:
    """Clusters, the commonest of b first, and the number of documents."""
    every: Any = frames.answers(folder)
    first = every[every["k"] == 0]
    sides: list[dict[str, str]] = []
    for arm in pair:
        mine = first[first["arm"] == arm]
        errors = mine["error"].fillna("").astype(str).tolist()
        sides.append(dict(zip(mine["doc"].astype(str).tolist(), errors, strict=True)))
    a, b = sides
    counts = [Counter(tag for tag in side.values() if tag) for side in sides]
    tags = sorted(set(counts[0]) | set(counts[1]), key=lambda tag: (-counts[1][tag], -counts[0][tag], tag))
    return [_line(tag, cluster_title(tag, pack), sides, counts) for tag in tags], max(len(a), len(b))


def _line(tag: str, title: str, sides: list[dict[str, str]], counts: list[Counter[str]]) -> ClusterLine:
    named, (a, b) = cluster_named(tag), sides
    inside = [doc for doc, error in b.items() if error == tag] or [doc for doc, error in a.items() if error == tag]
    mended = sum(1 for doc, error in a.items() if error == tag and b.get(doc) == "")
    broken = sum(1 for doc, error in b.items() if error == tag and a.get(doc) == "")
    return ClusterLine(
        tag, title, named.owner, named.recipe, counts[0][tag], counts[1][tag], mended, broken,
        tuple(inside[:EXAMPLES]),
    )  # fmt: skip


def title_of(tag: str, pack: Pack) -> str:
    """A cluster's name for people, with the field it is about."""
    return cluster_title(tag, pack)
