"""A judge's answer -> a verdict that can be counted on, or the complaint that it is told (metrics C3, C5).

Read like any answer of a model: strictly, or with prose around it, which is counted. A repaired verdict counts only
where the settings say so. A quote that is not found in the text takes its complaint away, and is counted. The score
that the judge's own complaints imply is held against the one it gave; more than `FLAG_GAP` apart is flagged, not
mended. A field that the judge calls not applicable although the answer says something there has no score.
There is no "overall" from a judge: it is the mean over its fields, computed here.
"""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, NamedTuple, cast

from training.chat.objects import Unusable, read_object
from training.evals.judge.groups import Group

FLAG_GAP = 3.0
NA_CONTRADICTED = "unscored(na_contradicted)"
OK = "ok"
_WORD = re.compile(r"[^\W_]+|[^\w\s]")
_CLUSTER = re.compile(r".[\u0300-\u036f]*", re.DOTALL)
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—−"), "-")
_QUOTES = {**dict.fromkeys(map(ord, "‘’‚‛′"), "'"), **dict.fromkeys(map(ord, "“”„‟″"), '"')}


@dataclass(frozen=True, slots=True)
class Wrong:
    """Something said wrongly, with the words that prove it."""

    got: str
    should: str
    source_quote: str


@dataclass(frozen=True, slots=True)
class FieldVerdict:
    """One group. `score` 0..10, None where it does not apply or the judge contradicts itself (`status` says which).

    `dropped` complaints had a quote that is in no text; `implied` is the score nearest to the given one that the
    complaints left over fit, `flagged` that the two are far apart.
    """

    group: str
    missing: tuple[str, ...]
    unsupported: tuple[str, ...]
    wrong: tuple[Wrong, ...]
    na: bool
    score: float | None
    status: str = OK
    dropped: int = 0
    implied: float | None = None
    flagged: bool = False

    @property
    def complaints(self) -> int:
        return len(self.missing) + len(self.unsupported) + len(self.wrong)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A whole pointwise verdict. `tier` says how much help its text needed, `score_first` that a score came before its
    evidence."""

    fields: tuple[FieldVerdict, ...]
    notes: str
    tier: str
    score_first: bool = False

    @property
    def overall(self) -> float | None:
        """Mean over the groups with a score; None where there is none."""
        scores = [verdict.score for verdict in self.fields if verdict.score is not None]
        return fmean(scores) if scores else None


@dataclass(frozen=True, slots=True)
class Fault:
    """One piece of pairwise evidence: `record` A or B, as they stood in the question."""

    record: str
    field: str
    problem: str
    source_quote: str


@dataclass(frozen=True, slots=True)
class PairVerdict:
    """`better` A, B or tie, as they stood in the question."""

    evidence: tuple[Fault, ...]
    better: str
    notes: str
    tier: str
    dropped: int = 0
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])


def read_pointwise(
    text: str,
    groups: Sequence[Group],
    schema: Mapping[str, Any],
    told: tuple[Mapping[str, Any], str],
    accept_repaired: bool = False,
) -> Verdict:
    """A verdict on `told`: the answer's object and the text that quotes must stand in. Unusable says what is wrong."""
    obj, evidence = told
    given, tier = read_object(text, schema, accept_repaired)
    known = words_of(evidence)
    fields = cast("dict[str, dict[str, Any]]", given["fields"])
    for group in groups:
        one = fields[group.name]
        if one["score"] is None and not one["na"]:
            raise Unusable(f"at fields/{group.name}, the score is null although na is false.")
    first = any(_score_first(fields[group.name]) for group in groups)
    verdicts = tuple(_field(group, fields[group.name], obj, known) for group in groups)
    return Verdict(verdicts, given["notes"], tier, first)


def read_pairwise(
    text: str, schema: Mapping[str, Any], source: str, records: Mapping[str, str], accept_repaired: bool = False
) -> PairVerdict:
    """A pairwise verdict; `records` are the texts of A and B. Unusable says what is wrong."""
    given, tier = read_object(text, schema, accept_repaired)
    whole = words_of(source)
    known = {name: words_of(record) for name, record in records.items()}
    faults = [Fault(**fault) for fault in given["evidence"]]
    kept = tuple(f for f in faults if quoted(f.source_quote, whole) or quoted(f.source_quote, known[f.record]))
    return PairVerdict(kept, given["better"], given["notes"], tier, len(faults) - len(kept))


def words_of(text: str) -> str:
    """Text as quotes are looked for in it: compatibility forms, case, dashes, quotes, spaces made alike."""
    return f" {' '.join(_WORD.findall(_alike(text)))} "


def quoted(quote: str, known: str) -> bool:
    """Whether the words of a quote stand, whole and in a row, in a text that went through `words_of`."""
    bare = _bare(quote)
    return any(char.isalnum() for char in bare) and bare in known


class Placed(NamedTuple):
    """A word as `words_of` makes it, and where it stands: [start, end) of the text's characters."""

    word: str
    start: int
    end: int


def placed_words(text: str) -> list[Placed]:
    """The words of a text in their order, each with its place."""
    plain: list[str] = []
    places: list[tuple[int, int]] = []
    for match in _CLUSTER.finditer(text):  # a letter with its marks: made alike together, as in `words_of`
        made = _alike(match[0])
        plain.append(made)
        places += [match.span()] * len(made)
    found = _WORD.finditer("".join(plain))
    return [Placed(match[0], places[match.start()][0], places[match.end() - 1][1]) for match in found]


def quote_places(quote: str, words: Sequence[Placed]) -> list[tuple[int, int]]:
    """[start, end) of every place where a quote stands by the rule of `quoted`; [] where it stands nowhere."""
    wanted = _bare(quote).split()
    if not any(char.isalnum() for word in wanted for char in word):
        return []
    size = len(wanted)
    return [
        (words[at].start, words[at + size - 1].end)
        for at in range(len(words) - size + 1)
        if words[at].word == wanted[0] and [placed.word for placed in words[at : at + size]] == wanted
    ]


def _bare(quote: str) -> str:
    return words_of(quote.strip().strip("\"'“”‘’.…"))


def _alike(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().translate(_DASHES).translate(_QUOTES)


def implied_range(complaints: int, size: int) -> tuple[float, float]:
    """The scores that a number of complaints over `size` things fits on the scale.

    A single value that is complained of may be off by a letter or made up, so anything but praise fits.
    """
    if complaints == 0:
        return 10.0, 10.0
    if size <= 1:
        return 0.0, 8.0
    if complaints >= size:
        return 0.0, 2.0
    if complaints == 1:
        return 6.0, 8.0
    return (4.0, 4.0) if complaints <= size / 2 else (2.0, 2.0)


def _field(group: Group, given: Mapping[str, Any], obj: Mapping[str, Any], known: str) -> FieldVerdict:
    wrongs = [Wrong(**wrong) for wrong in given["wrong"]]
    kept = tuple(wrong for wrong in wrongs if quoted(wrong.source_quote, known))
    missing, unsupported = (tuple(t for t in given[key] if t.strip()) for key in ("missing", "unsupported"))
    verdict = FieldVerdict(group.name, missing, unsupported, kept, given["na"], None, dropped=len(wrongs) - len(kept))
    if given["na"]:
        status = NA_CONTRADICTED if group.given(obj) or missing else OK
        return FieldVerdict(group.name, missing, unsupported, kept, True, None, status, verdict.dropped)
    score = float(given["score"])
    low, high = implied_range(verdict.complaints, group.size(obj) + len(missing))
    implied = min(max(score, low), high)
    return FieldVerdict(
        group.name, missing, unsupported, kept, False, score, OK, verdict.dropped, implied,
        abs(implied - score) > FLAG_GAP,
    )  # fmt: skip


def _score_first(given: Mapping[str, Any]) -> bool:
    keys = list(given)
    return keys.index("score") < max(keys.index(key) for key in ("missing", "unsupported", "wrong"))


def evidence_json(verdict: FieldVerdict) -> str:
    """A group's evidence as one JSON line for the frame."""
    return json.dumps(
        {
            "missing": list(verdict.missing),
            "unsupported": list(verdict.unsupported),
            "wrong": [{"got": w.got, "should": w.should, "source_quote": w.source_quote} for w in verdict.wrong],
            "na": verdict.na,
            "dropped": verdict.dropped,
            "implied": verdict.implied,
            "flagged": verdict.flagged,
        },
        ensure_ascii=False,
    )
