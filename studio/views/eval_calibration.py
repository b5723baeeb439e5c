"""How far a judge can be trusted: the checks of its calibration with their bounds, then what they rest on. Pure.

Scores are points of ten. A check that was not measured is no pass, and a judge decides nothing before all are passed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from studio.views.markup import Html, each, el, html, icon, note, plural

Record = Mapping[str, Any]
MARKS = {"pass": "check", "fail": "cross", "insufficient data": "warn", "not measured": "none"}
NONE_YET = (
    "This judge was not calibrated: nobody knows yet what its scores are worth. This measures it with right answers, "
    "known errors, repeats, turned pairs, hidden orders and wrong texts, and holds it against your blind votes: "
)
MAY = "Every check is passed: its numbers may decide a gate."
MAY_NOT = "No number of it may decide anything: every check has to be passed first, one of the two with people."


def calibration_html(about: Record, evaluation: str) -> Html:
    """The calibration's page, or how to make one. `about` is as `judge_tables` gives it."""
    heading = el("h4", "How far to trust it: the calibration", cls="tt-subhead")
    checks: Sequence[Record] = about.get("checks") or ()
    if not checks:
        command = f"python -m training judge {evaluation} --endpoint URL --model MODEL --calibrate --dry-run"
        return el("section", heading, el("p", NONE_YET, el("code", command, cls="tt-evidence"), cls="tt-dim"))
    passed = sum(check["verdict"] == "pass" for check in checks)
    said = (
        f"{about.get('label')}: {passed} of {len(checks)} checks passed. {MAY if about.get('calibrated') else MAY_NOT}"
    )
    parts = (_doses(about), _canaries(about), _repeats(about), _people(about), _took(about))
    return el("section", heading, el("p", said), _checks(checks), *parts, id="tt-eval-calibration")


def money(cost: Record) -> str:
    """What calls cost; unknown is never 0."""
    value = cost.get("money")
    return "unknown: no prices are given" if value is None else f"{value:.4f} {cost.get('currency') or ''}".strip()


def _table(head: Sequence[str], rows: Sequence[Sequence[str | None]], words: str) -> Html:
    """A small table; its columns after the first are numbers."""
    columns = (el("th", name, scope="col", cls="tt-num" if at else "") for at, name in enumerate(head))
    body = each(
        el("tr", el("th", row[0], scope="row"), *(el("td", cell, cls="tt-num") for cell in row[1:])) for row in rows
    )
    table = el("table", el("thead", el("tr", *columns)), el("tbody", body), cls="tt-table tt-eval-table")
    return el("div", table, cls="tt-scroll-x", tabindex="0", role="group", aria_label=words)


def _checks(checks: Sequence[Record]) -> Html:
    head = el("tr", *(el("th", word, scope="col") for word in ("Check", "Verdict", "Measured", "On", "Why")))
    rows = each(
        el(
            "tr",
            el("th", str(check["rule"]), el("span", str(check["name"]), cls="tt-eval-small"), scope="row"),
            el("td", icon(MARKS.get(str(check["verdict"]), "none")), " ", str(check["verdict"])),
            el("td", _value(check.get("measured")), cls="tt-num"),
            el("td", f"n {int(check['n']):,}, {int(check['least']):,} needed", cls="tt-num"),
            el("td", str(check.get("why") or ""), cls="tt-dim"),
        )
        for check in checks
    )
    table = el("table", el("thead", head), el("tbody", rows), cls="tt-table tt-eval-table")
    return el("div", table, cls="tt-scroll-x", tabindex="0", role="group", aria_label="checks of the calibration")


def _value(value: float | None, digits: int = 2) -> str:
    return "\u2013" if value is None else f"{value:.{digits}f}"


def _inside(low: float | None, high: float | None, digits: int = 2) -> str:
    return "" if low is None or high is None else f" [{low:.{digits}f}, {high:.{digits}f}]"


def _doses(about: Record) -> Html | None:
    """Scores by the number of known errors, and which errors are noticed."""
    doses: Sequence[Record] = about.get("doses") or ()
    if not doses:
        return None
    rows = [
        (plural(int(row["dose"]), "error"), f"{_value(row['score'])}{_inside(row['low'], row['high'])}",
         f"{int(row['n']):,}")
        for row in doses
    ]  # fmt: skip
    if about.get("echo") is not None:
        rows.append(("a bare template", _value(about["echo"]), ""))
    kinds: Mapping[str, Sequence[float]] = about.get("kinds") or {}
    found = [(kind.replace("_", " "), f"{100 * share:.0f} %", f"{int(n):,}") for kind, (share, n) in kinds.items()]
    head = el("h5", "Known errors put into right answers", cls="tt-subhead")
    curve = _table(("Right answer with", "Judge, 0 to 10", "n"), rows, "dose response")
    return html(head, curve, _table(("A single error", "noticed", "n"), found, "detection by kind") if found else None)


def _canaries(about: Record) -> Html | None:
    """Hidden orders beside their clean twins, and right answers to another text."""
    shifts: Sequence[Record] = about.get("canaries") or ()
    wrong: Record = about.get("counterfactual") or {}
    rows = [
        (f"an order in the {shift['place']}", f"{_signed(shift['mean'])}, at worst {_signed(shift['worst'])}",
         f"{int(shift['obeyed']):,} of {int(shift['n']):,} obeyed")
        for shift in shifts
    ]  # fmt: skip
    if wrong:
        rows.append(
            ("a right answer to another text", f"{_value(wrong.get('mean'))} of 10", f"n {wrong.get('n') or 0:,}")
        )
    if not rows:
        return None
    head = el("h5", "Hidden orders and wrong texts", cls="tt-subhead")
    return html(head, _table(("Shown", "Score moves by, or is", "On"), rows, "canaries"))


def _signed(value: float | None) -> str:
    return "\u2013" if value is None else f"{value:+.2f}"


def _repeats(about: Record) -> Html | None:
    found: Record = about.get("repeats") or {}
    if not found:
        return None
    rows = [
        ("the same question three times: standard deviation", _value(found.get("retest_sd")), _n(found, "retests")),
        ("the same winner in both orders", _share(found.get("consistency")), _n(found, "positions")),
        ("the less damaged answer wins", _share(found.get("less_damaged_wins")), _n(found, "positions")),
        ("length against score, rules held still: correlation", _value(found.get("length")), _n(found, "length_n")),
    ]
    return html(el("h5", "With itself", cls="tt-subhead"), _table(("What", "Measured", "n"), rows, "repeats"))


def _n(found: Record, name: str) -> str:
    return f"{int(found.get(name) or 0):,}"


def _share(value: float | None) -> str:
    return "\u2013" if value is None else f"{100 * value:.0f} %"


def _people(about: Record) -> Html:
    """Blind votes of Compare, and raters' scores."""
    head = el("h5", "With people", cls="tt-subhead")
    votes, ratings = about.get("votes"), about.get("ratings")
    rows: list[tuple[str, str, str]] = []
    if votes:
        agreed = "\u2013" if votes["agreed"] is None else f"{_share(votes['agreed'])}{_percents(votes)}"
        rows.append(("agrees with blind votes", agreed, f"{votes['n']:,} of {votes['n_votes']:,} votes"))
        rows.append(("beyond chance: kappa", _value(votes["kappa"]), f"{votes['unreadable']:,} can't be read"))
    if ratings:
        limits = ratings.get("limits")
        rows.append(("raters with each other: alpha", _value(ratings["alpha_people"]),
                     f"{ratings['documents']:,} answers, {plural(int(ratings['raters']), 'rater')}"))  # fmt: skip
        rows.append(("judge with raters: alpha", _value(ratings["alpha_judge"]), f"{ratings['n']:,}"))
        rows.append(("judge with raters: weighted kappa", _value(ratings["kappa"]), f"{ratings['n']:,}"))
        if limits:
            bias, low, high = limits
            rows.append(("judge less raters, points", f"{_signed(bias)}{_inside(low, high)}", f"{ratings['n']:,}"))
        for arm, inside in (ratings.get("corrected") or {}).items():
            if inside:
                low, high = inside
                rows.append((f"{arm}: mean put right by the raters", _inside(low, high).strip(), f"{ratings['n']:,}"))
    if not rows:
        return html(head, note("No people's votes or ratings were at hand: vote in Compare's blind mode, or give "
                               "--ratings FILE."))  # fmt: skip
    return html(head, _table(("What", "Measured", "On"), rows, "agreement with people"))


def _percents(votes: Record) -> str:
    low, high = votes.get("low"), votes.get("high")
    return "" if low is None or high is None else f" [{100 * low:.0f}, {100 * high:.0f}]"


def _took(about: Record) -> Html:
    cost: Record = about.get("calibration_cost") or {}
    words = ", ".join(f"{int(cost.get(name) or 0):,} {name}" for name in ("questions", "calls", "cached", "unscored"))
    return el("p", f"The calibration took {words}; cost {money(cost)}.", cls="tt-dim")
