"""What people said, held against the judge: blind votes of the Compare tab, and ratings from a file (metrics C9).

A vote is a pair: the judge is asked both orders of the very two answers that were voted on, without their names, and
agrees where it names the same one (or a tie). Votes on answers that can't be read ask no judge and are counted apart.
Ratings are a JSONL, one line a person's score of one arm's answer: {"doc", "arm", "rater", "score" 0 to 10}.

Limits: one vote a comparison, by whoever sat there: votes say nothing of how well two people agree. Ratings by two do.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from training.errors import DataError
from training.evals.data import lines_of
from training.evals.judge.agreement import (
    Limits,
    corrected_mean,
    limits_of_agreement,
    ordinal_alpha,
    plain_kappa,
    weighted_kappa,
)  # fmt: skip
from training.evals.judge.ask import Outcome, Question
from training.evals.judge.figures import decided
from training.evals.judge.frame import OVERALL, POINTWISE
from training.evals.judge.material import Candidate, candidate_of, document_of, material_of
from training.evals.judge.verdict import OK, PairVerdict
from training.evals.records import EvalRow
from training.evals.statistics import Interval, wilson
from training.shelf import NO_VOTE, TIE, Shelf
from training.task.pack import Pack

MOST_VOTES = 10_000


@dataclass(frozen=True, slots=True)
class Vote:
    """One blind vote: the two answers as the judge would see them, and the winner's label or "tie"."""

    comparison: str
    labels: tuple[str, str]
    winner: str
    questions: tuple[Question, Question] | None  # in both orders; None where an answer can't be read


@dataclass(frozen=True, slots=True)
class VoteAgreement:
    """`n` votes with a verdict in both orders, of `n_votes`. `agreed` is their share, ties as a third answer; `kappa`
    puts it right by chance."""

    n: int
    n_votes: int
    unreadable: int
    agreed: float | None
    low: float | None
    high: float | None
    kappa: float | None


@dataclass(frozen=True, slots=True)
class RatingAgreement:
    """`documents` rated answers by `raters` people, `n` of them judged too. Alphas are ordinal, 1 is agreement."""

    documents: int
    raters: int
    n: int
    alpha_people: float | None
    alpha_judge: float | None
    kappa: float | None
    limits: Limits | None
    corrected: dict[str, Interval | None]


def votes_of(pack: Pack, shelf: Shelf, reference: bool = True) -> list[Vote]:
    """The decided blind votes on two answers of this task, oldest first."""
    found: list[Vote] = []
    for row in reversed(shelf.list_comparisons(limit=MOST_VOTES)):
        ballot = shelf.get_ballot(row.id) if row.task == pack.name else None
        if ballot is None or ballot.winner in (None, NO_VOTE) or len(ballot.shown) != 2:
            continue
        found.append(_vote(pack, shelf.get_comparison(row.id), sorted(ballot.shown), str(ballot.winner), reference))
    return found


def vote_agreement(votes: Sequence[Vote], outcomes: Mapping[tuple[str, str], Outcome]) -> VoteAgreement:
    """`outcomes` by (comparison, order)."""
    pairs: list[tuple[str, str]] = []
    for vote in votes:
        scores = [_first_wins(outcomes.get((vote.comparison, order)), order) for order in ("ab", "ba")]
        result = decided(*scores)
        if result is not None:
            pairs.append((vote.winner, TIE if result == 0.5 else vote.labels[0 if result == 1 else 1]))
    agreed = [human == judge for human, judge in pairs]
    inside = wilson(sum(agreed), len(agreed))
    kappa = plain_kappa([human for human, _ in pairs], [judge for _, judge in pairs])
    unreadable = sum(vote.questions is None for vote in votes)
    low, high = inside if inside is not None else (None, None)
    return VoteAgreement(len(pairs), len(votes), unreadable, fmean(agreed) if agreed else None, low, high, kappa)


def read_ratings(path: Path) -> dict[tuple[str, str], dict[str, float]]:
    """(arm, document) -> rater -> score. DataError names file and line of what is none."""
    found: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for _, number, line in lines_of(path):
        where = f"{path}, line {number}"
        texts = [line.get(key) for key in ("arm", "doc", "rater")]
        if not all(isinstance(text, str) and text.strip() for text in texts):
            raise DataError(f"{where}: arm, doc and rater are not all there.", fix="Give each of them a text.")
        score = line.get("score")
        if isinstance(score, bool) or not isinstance(score, (int, float)) or not 0 <= score <= 10:
            raise DataError(f"{where}: the score is {score!r}.", fix="Give a number from 0 to 10.")
        arm, doc, rater = (str(text) for text in texts)
        if rater in found[arm, doc]:
            raise DataError(f"{where}: {rater} rated {arm} on {doc} before.", fix="Keep one rating of each person.")
        found[arm, doc][rater] = float(score)
    return dict(found)


def rating_agreement(
    ratings: Mapping[tuple[str, str], Mapping[str, float]], rows: Sequence[Mapping[str, Any]]
) -> RatingAgreement:
    """People among themselves, and the judge's overall scores in the frame's rows against their means."""
    judged = {
        (row["arm"], row["doc"]): row["score"]
        for row in rows
        if row["mode"] == POINTWISE and row["field"] == OVERALL and row["status"] == OK and row["score"] is not None
    }
    both = [(key, fmean(scores.values()), judged[key]) for key, scores in ratings.items() if key in judged]
    people, judge = [mean for _, mean, _ in both], [score for _, _, score in both]
    corrected: dict[str, Interval | None] = {}
    for arm in {key[0] for key, _, _ in both}:
        everything = [score for key, score in judged.items() if key[0] == arm]
        mine = [(score, mean) for key, mean, score in both if key[0] == arm]
        corrected[arm] = corrected_mean(everything, [score for score, _ in mine], [mean for _, mean in mine])
    return RatingAgreement(
        len(ratings), len({rater for scores in ratings.values() for rater in scores}), len(both),
        ordinal_alpha([[round(s) for s in scores.values()] for scores in ratings.values()]),
        ordinal_alpha([[round(mean), round(score)] for _, mean, score in both]),
        weighted_kappa(judge, people), limits_of_agreement(judge, people), corrected,
    )  # fmt: skip


def _vote(pack: Pack, data: Mapping[str, Any], labels: list[str], winner: str, reference: bool) -> Vote:
    source = data["source"]
    row = EvalRow(data["id"], source["text"], data.get("gold"), kind=source.get("kind", "text"))
    document = document_of(pack, row, reference)
    by_label: dict[str, Candidate] = {}
    for arm in data["arms"]:
        generation = arm["generation"]
        label = generation["arm"]["label"]
        by_label[label] = candidate_of(pack, row, label, generation["raw"], generation["finish_reason"])
    pair = (labels[0], labels[1])
    first, second = by_label[pair[0]], by_label[pair[1]]
    if first.refused or second.refused:
        return Vote(row.id, pair, winner, None)
    questions = (
        Question(material_of(document, first, second), {}, "ab", 0, (row.id, "ab")),
        Question(material_of(document, second, first), {}, "ba", 0, (row.id, "ba")),
    )
    return Vote(row.id, pair, winner, questions)


def _first_wins(outcome: Outcome | None, order: str) -> float | None:
    """1 where the first label won, 0 where the second did, 0.5 for a tie."""
    if outcome is None or not isinstance(outcome.verdict, PairVerdict):
        return None
    better = outcome.verdict.better
    return 0.5 if better == "tie" else float((better == "A") == (order == "ab"))
