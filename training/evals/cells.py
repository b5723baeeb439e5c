"""One arm's scores as arrays over documents: what every figure, interval and test is computed from.

The unit is the document: where it was answered several times, its value is the mean over those samples first. NaN is
"no value": not applicable, or unscored because an instrument failed. A model's failure is a number and stays in.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.errors import InputError
from training.task.records import Score

Key = tuple[str, str]  # metric, field ("" for the whole answer)
Floats = NDArray[np.float64]
Labels = Sequence[Hashable] | Mapping[str, Hashable] | None  # of each document, or by its id; None: each for itself
WITHIN_SAMPLES = {"chars": "length_cv"}  # a metric whose spread over a document's samples is a metric too


@dataclass(frozen=True)
class Cells:
    """Arrays of length `n_docs`, in the order of `docs`.

    `values[key]` is the document's mean value; `parts[key]` and `wholes[key]` are value times n and n (both means over
    its samples), so that a pooled figure is sum(parts) / sum(wholes). `clusters` are the documents' groups, () where
    none are known. `samples` is the most answers that any document has.
    """

    docs: tuple[str, ...]
    values: Mapping[Key, Floats]
    parts: Mapping[Key, Floats]
    wholes: Mapping[Key, Floats]
    samples: int = 1
    clusters: tuple[str, ...] = field(default=())

    @property
    def n_docs(self) -> int:
        return len(self.docs)

    def value(self, metric: str, name: str = "") -> Floats:
        """The values of one key, all NaN where no document has it."""
        found = self.values.get((metric, name))
        return np.full(self.n_docs, np.nan) if found is None else found

    def pooled(self, keys: Sequence[Key]) -> tuple[Floats, Floats]:
        """(parts, wholes) summed over keys; NaN in `parts` where a document has none of them."""
        parts, wholes = np.zeros(self.n_docs), np.zeros(self.n_docs)
        known = np.zeros(self.n_docs, dtype=bool)
        for key in keys:
            if key in self.parts:
                there = ~np.isnan(self.parts[key])
                parts[there] += self.parts[key][there]
                wholes[there] += self.wholes[key][there]
                known |= there
        return np.where(known, parts, np.nan), wholes

    def take(self, rows: Sequence[int] | NDArray[Any]) -> "Cells":
        """The documents at these places (or where a mask is true), in that order: a slice, or a resample."""
        at = np.flatnonzero(rows) if np.asarray(rows).dtype == bool else np.asarray(rows, dtype=int)
        cut = [{key: array[at] for key, array in held.items()} for held in (self.values, self.parts, self.wholes)]
        clusters = tuple(self.clusters[i] for i in at) if self.clusters else ()
        return Cells(tuple(self.docs[i] for i in at), cut[0], cut[1], cut[2], self.samples, clusters)

    def aligned(self, docs: Sequence[str]) -> "Cells":
        """The same documents in the order of `docs`. InputError unless both name exactly the same ones."""
        if tuple(docs) == self.docs:
            return self
        places = {doc: at for at, doc in enumerate(self.docs)}
        if len(docs) != len(places) or set(docs) != places.keys():
            strange = sorted(set(docs).symmetric_difference(places))[:3]
            raise InputError(
                f"Two arms answered different documents, {', '.join(strange)} for one.",
                fix="Compare arms on the same documents; a missing answer is an empty one.",
            )
        return self.take([places[doc] for doc in docs])

    def groups(self, clusters: Labels) -> NDArray[np.int64] | None:
        """Each document's cluster as a number from 0; None where every document stands alone."""
        if clusters is None or not len(clusters):
            return None
        labels = [clusters[doc] for doc in self.docs] if isinstance(clusters, Mapping) else list(clusters)
        if len(labels) != self.n_docs:
            raise InputError(f"{len(labels)} clusters for {self.n_docs} documents.", fix="Give one a document.")
        seen: dict[Hashable, int] = {}
        codes = np.array([seen.setdefault(label, len(seen)) for label in labels], dtype=np.int64)
        return codes if len(seen) < self.n_docs else None

    @classmethod
    def from_scores(cls, scores: Sequence[Sequence[Score]], docs: Sequence[str] | None = None) -> "Cells":
        """One sequence of scores a document, each answered once; without `docs` they are called 0, 1, 2, ..."""
        n = len(scores)
        names = tuple(docs) if docs is not None else tuple(str(at) for at in range(n))
        values: dict[Key, Floats] = {}
        weights: dict[Key, Floats] = {}
        for at, document in enumerate(scores):
            for score in document:
                if score.value is None or score.status != "scored":
                    continue
                key = (score.metric, score.field)
                if key not in values:
                    values[key], weights[key] = np.full(n, np.nan), np.zeros(n)
                values[key][at] = score.value
                weights[key][at] = score.n or 0
        parts = {key: array * weights[key] for key, array in values.items()}
        return cls(names, values, parts, weights)

    @classmethod
    def from_frame(cls, frame: Any, tier: str = "strict") -> "Cells":
        """The rows of one arm in a scores frame (`SCORE_COLUMNS`), at a tier of help.

        Where the frame has rows of `tier` for an answer they count, elsewhere its strict ones do, because rows of wider
        tiers are kept only where they differ. InputError for a frame of several arms.
        """
        if "arm" in frame.columns and frame["arm"].nunique() > 1:
            raise InputError("These scores are of several arms.", fix="Take the rows of one arm.")
        frame = _at_tier(frame, tier)
        doc_codes, docs = _codes(frame["doc"])
        names = ["metric", "field"]
        keys = frame[names].drop_duplicates().reset_index(drop=True)
        key_codes = frame[names].merge(keys.assign(_at=range(len(keys))), on=names, how="left")["_at"].to_numpy()
        samples = int(frame["k"].max()) + 1 if len(frame) else 1
        status = frame["status"].to_numpy() == "scored"
        value = np.where(status, frame["value"].to_numpy(dtype=float, na_value=np.nan), np.nan)
        weight = frame["n"].to_numpy(dtype=float, na_value=0.0)
        there = ~np.isnan(value)
        n, m = len(docs), len(keys)
        cell = (key_codes * n + doc_codes)[there]
        counts = np.bincount(cell, minlength=n * m).reshape(m, n)
        asked = np.maximum(_answers(frame, doc_codes, n), 1)

        def total(of: Floats) -> Floats:
            sums: Floats = np.bincount(cell, weights=of[there], minlength=n * m).reshape(m, n).astype(float)
            return sums

        with np.errstate(invalid="ignore"):
            means = total(value) / np.where(counts, counts, np.nan)
        empty = counts == 0
        parts = np.where(empty, np.nan, total(value * weight) / asked)
        wholes = total(weight) / asked
        names_of = [(str(row.metric), str(row.field or "")) for row in keys.itertuples(index=False)]
        held = [dict(zip(names_of, array, strict=True)) for array in (means, parts, wholes)]
        spread = _spreads(frame, doc_codes, value, n) if samples > 1 else {}
        clusters = _clusters(frame, doc_codes, n)
        return cls(docs, held[0] | spread, held[1], held[2], samples, clusters)


def _at_tier(frame: Any, tier: str) -> Any:
    if "tier" not in frame.columns:
        return frame
    if tier == "strict":
        return frame[frame["tier"] == "strict"]
    wide = frame[frame["tier"] == tier]
    index = ["doc", "k"]
    helped = wide[index].drop_duplicates().assign(_helped=True)
    strict = frame[frame["tier"] == "strict"].merge(helped, on=index, how="left")
    import pandas as pd

    return pd.concat([strict[strict["_helped"].isna()].drop(columns="_helped"), wide], ignore_index=True)


def _codes(column: Any) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    import pandas as pd

    codes, names = pd.factorize(column.astype(str), sort=True)  # sorted, so that arms' cells stand in one order
    return np.asarray(codes, dtype=np.int64), tuple(str(name) for name in names)


def _answers(frame: Any, doc_codes: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Answers of each document. Scores over all of a document's samples stand under k = -1 and are none."""
    k = frame["k"].to_numpy(dtype=np.int64)
    pairs = np.unique(np.stack([doc_codes[k >= 0], k[k >= 0]], axis=1), axis=0)
    return np.bincount(pairs[:, 0], minlength=n)


def _clusters(frame: Any, doc_codes: NDArray[np.int64], n: int) -> tuple[str, ...]:
    if "cluster" not in frame.columns or not n:
        return ()
    labels = np.empty(n, dtype=object)
    labels[doc_codes] = frame["cluster"].astype(str).to_numpy()
    return tuple(str(label) for label in labels)


def _spreads(frame: Any, doc_codes: NDArray[np.int64], value: Floats, n: int) -> dict[Key, Floats]:
    """Standard deviation over mean of a document's samples, for the metrics of `WITHIN_SAMPLES`."""
    found: dict[Key, Floats] = {}
    metrics = frame["metric"].to_numpy()
    for metric, name in WITHIN_SAMPLES.items():
        at = (metrics == metric) & ~np.isnan(value)
        counts = np.bincount(doc_codes[at], minlength=n)
        sums = np.bincount(doc_codes[at], weights=value[at], minlength=n)
        squares = np.bincount(doc_codes[at], weights=value[at] ** 2, minlength=n)
        with np.errstate(invalid="ignore", divide="ignore"):
            variance = np.maximum(squares - sums**2 / counts, 0) / (counts - 1)
            spread = np.sqrt(variance) / (sums / counts)
        found[(name, "")] = np.where((counts > 1) & (sums > 0), spread, np.nan)
    return found
