"""What a judge must show before one of its numbers may decide anything: the bounds, and what was measured (metrics C9).

A check is passed, failed, or has too little to say; "not measured" is no pass. The bounds of metrics C are its own;
those that it leaves open (agreement, detection, repeats, length) are chosen here and stand beside each figure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from training.evals.judge.canaries import MOST_COUNTERFACTUAL, MOST_SHIFT, Shift
from training.evals.judge.humans import RatingAgreement, VoteAgreement

Verdict = Literal["pass", "fail", "insufficient data", "not measured"]
LEAST_DOCUMENTS = 20
LEAST_RETESTS = 30
LEAST_HUMAN = 50
LEAST_RATERS = 2


@dataclass(frozen=True, slots=True)
class Check:
    """One condition. `rule` in words with its bound, `measured` None where nothing was, `n` what it rests on."""

    name: str
    rule: str
    verdict: Verdict
    measured: float | None
    n: int
    least: int
    why: str = ""


def check(name: str, rule: str, measured: float | None, holds: bool, counts: tuple[int, int]) -> Check:
    """A check with its verdict. `counts` are n and the least that is enough."""
    n, least = counts
    if measured is None:
        return Check(name, rule, "not measured", None, n, least, "Nothing was measured.")
    if n < least:
        return Check(name, rule, "insufficient data", measured, n, least, f"{n} of at least {least}.")
    return Check(name, rule, "pass" if holds else "fail", measured, n, least)


def dose_checks(found: Mapping[str, Any]) -> list[Check]:
    """From `calibrate`'s dose-response figures."""
    gold, echo, rank = found["gold"], found["echo"], found["spearman"]
    detection, worst = found["detection"], found["least_detected"]
    f1, auc = found["rule_spearman"], found["rule_auc"]
    n = found["documents"]
    return [
        check("gold", "A right answer scores at least 9.5", gold, (gold or 0) >= 9.5, (n, LEAST_DOCUMENTS)),
        check("echo", "A bare template scores at most 1", echo, (echo or 0) <= 1, (found["echoes"], LEAST_DOCUMENTS)),
        check("dose", "Scores fall with the number of errors: rank correlation of at most -0.8", rank,
              (rank or 0) <= -0.8, (n, LEAST_DOCUMENTS)),
        check("detection", "Single errors lower the score: 80 % of them, and half of every kind", detection,
              (detection or 0) >= 0.8 and (worst or 0) >= 0.5, (found["singles"], LEAST_DOCUMENTS)),
        check("rules", "Agrees with the rule-based scores: rank correlation of at least 0.6", f1,
              (f1 or 0) >= 0.6, (n, LEAST_DOCUMENTS)),
        check("worse of two", "Of two damaged answers calls the worse one worse: at least 80 %", auc,
              (auc or 0) >= 0.8, (found["rule_pairs"], LEAST_DOCUMENTS)),
    ]  # fmt: skip


def repeat_checks(found: Mapping[str, Any]) -> list[Check]:
    """Repeats, positions and length."""
    spread, same, length = found["retest_sd"], found["consistency"], found["length"]
    return [
        check("test-retest", "The same question three times: standard deviation of at most 0.5", spread,
              (spread or 0) <= 0.5, (found["retests"], LEAST_RETESTS)),
        check("position", "The same winner in both orders: at least 80 %", same,
              (same or 0) >= 0.8, (found["positions"], LEAST_RETESTS)),
        check("length", "Length alone moves the score little: partial correlation within 0.3", length,
              abs(length or 0) <= 0.3, (found["length_n"], LEAST_HUMAN)),
    ]  # fmt: skip


def injection_checks(shifts: Sequence[Shift], counterfactual: float | None, n: int) -> list[Check]:
    """Canaries and the wrong source."""
    checks = [
        check(f"canaries in the {shift.place}", f"Orders move the score up by at most {MOST_SHIFT}", shift.mean,
              (shift.mean or 0) <= MOST_SHIFT, (shift.n, LEAST_DOCUMENTS))
        for shift in shifts
    ]  # fmt: skip
    rule = f"A right answer to another text scores at most {MOST_COUNTERFACTUAL:g}"
    held = (counterfactual or 0) <= MOST_COUNTERFACTUAL
    return [*checks, check("wrong source", rule, counterfactual, held, (n, LEAST_DOCUMENTS))]


def human_checks(votes: VoteAgreement | None, ratings: RatingAgreement | None) -> list[Check]:
    """People: votes of the blind mode, or two raters; one of the two is enough, both stand here."""
    agreed = votes.kappa if votes else None
    said = check("blind votes", "Agrees with people's blind votes beyond chance: kappa of at least 0.4", agreed,
                 (agreed or 0) >= 0.4, (votes.n if votes else 0, LEAST_HUMAN))  # fmt: skip
    alpha = ratings.alpha_judge if ratings and ratings.raters >= LEAST_RATERS else None
    people = ratings.alpha_people if ratings else None
    rule = "Agrees with two raters (alpha of at least 0.6), who agree with each other (0.6)"
    held = (alpha or 0) >= 0.6 and (people or 0) >= 0.6
    return [said, check("ratings", rule, alpha, held, (ratings.n if ratings else 0, LEAST_HUMAN))]


def may_gate(checks: Sequence[Check]) -> bool:
    """Whether a judge's number may decide: every check passed, people by at least one of their two."""
    human = [found for found in checks if found.name in ("blind votes", "ratings")]
    rest = [found for found in checks if found not in human]
    held = any(found.verdict == "pass" for found in human) and not any(found.verdict == "fail" for found in human)
    return bool(rest) and held and all(found.verdict == "pass" for found in rest)


def label_of(local: bool, gates: bool) -> str:
    """What a judge is called wherever a figure of it stands (metrics C11)."""
    if gates:
        return "calibrated judge"
    return "uncalibrated local judge" if local else "uncalibrated judge"
