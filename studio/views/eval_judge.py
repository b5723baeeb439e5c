"""What a judge said: who it is and what it took, mean scores by arm and field with and without answers it could not be
shown, pairs in both orders, what was never judged and why, how far it can be trusted. Without a judge: said plainly,
nothing filled in. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from studio.views.eval_calibration import calibration_html, money
from studio.views.looks import ArmLook, who
from studio.views.markup import Html, each, el, html, icon, note, plural

Record = Mapping[str, Any]
NOT_RUN = (
    "No judge was asked, so nothing here is a judge's opinion: every other figure of this evaluation is rule-based. "
    "A judge is a larger model behind an address; this asks one, and its scores stand here: "
)
COPIED = " What ships stays as it is: it is copied among your own evaluations and judged there."
OPINION = "A judge's scores are opinions: the rule-based figures stay primary."


def judge_html(found: Record | None, looks: Mapping[str, ArmLook], evaluation: str, *, ships: bool = False) -> Html:
    """Who judged and the tables, or how to ask a judge. `evaluation` names it in the command, `ships` says that it is
    one of the studio's own."""
    if found is None:
        command = f"python -m training judge {evaluation} --endpoint URL --model MODEL --dry-run"
        return el("p", NOT_RUN, el("code", command, cls="tt-evidence"), COPIED if ships else None, cls="tt-dim")
    about: Record = found["about"]
    tables = [_by_field(found, looks), _pairs(found["pairs"], looks)] if about.get("run") else []
    return el("div", _who(about), *tables, calibration_html(about, evaluation), cls="tt-data")


def _who(about: Record) -> Html:
    """Model, host and label of the judge, what speaks against it, what it took."""
    banners = each(
        el("p", icon("warn"), " ", str(words), cls="tt-note tt-note-warn") for words in about.get("banners") or ()
    )
    cost: Record = about.get("cost") or {}
    unscored: Record = cost.get("unscored") or {}
    facts = {
        "Model": str(about.get("judge") or "not on record"),
        "Endpoint": urlsplit(str(about.get("base_url") or "")).netloc or "not on record",
        "Trust": f"{about.get('label')}. {OPINION}",
        "Calls": f"{_count(cost, 'calls')}, {_count(cost, 'cached')} known before, {_count(cost, 'retries')} retries",
        "Tokens": f"{_count(cost, 'input_tokens')} in, {_count(cost, 'output_tokens')} out"
        + (f", of {_count(cost, 'estimated_calls')} calls estimated" if cost.get("estimated_calls") else ""),
        "Cost": money(cost),
        "Complaints dropped": f"{_count(cost, 'dropped')}: their quotes are in no text",
        "Scores flagged": f"{_count(cost, 'flagged')}: more than 3 points from what their own complaints say",
        "Verdicts read with help": f"{_count(cost, 'extracted')} with text around them, {_count(cost, 'repaired')} "
        f"repaired, {_count(cost, 'score_first')} with the score before its evidence",
        "Unscored": ", ".join(f"{count:,} {reason}" for reason, count in unscored.items()) or "none",
        "Ended early": str(about.get("stopped") or ""),
    }
    if not about.get("run"):
        facts = {name: facts[name] for name in ("Model", "Endpoint", "Trust")}
    rows = each(el("div", el("dt", name), el("dd", value)) for name, value in facts.items() if value)
    told = None if about.get("run") else note(str(about.get("why") or "No answer was judged."))
    heading = el("h4", "Who judged", cls="tt-subhead")
    return el("section", heading, banners, told, el("dl", rows, cls="tt-facts tt-facts-grid"))


def _count(cost: Record, name: str) -> str:
    value = cost.get(name)
    return "unknown" if value is None else f"{int(value):,}"


def _look(looks: Mapping[str, ArmLook], arm: str) -> ArmLook:
    return looks.get(arm) or ArmLook(arm, "blind")


def _by_field(found: Record, looks: Mapping[str, ArmLook]) -> Html | None:
    figures: Sequence[Record] = found["arms"]
    if not figures:
        return None
    arms = list(dict.fromkeys(str(figure["arm"]) for figure in figures))
    by = {(figure["arm"], figure["field"]): figure for figure in figures}
    head = el("tr", el("th", "Field, 0 to 10", scope="col"),
              *(el("th", who(_look(looks, arm)), scope="col", cls="tt-num") for arm in arms))  # fmt: skip
    rows = each(
        el("tr", el("th", str(name), scope="row"), *(_cell(by.get((arm, name))) for arm in arms), cls=cls)
        for name in found["fields"]
        for cls in ["tt-eval-primary" if name == "overall" else ""]
    )
    table = el("table", el("thead", head), el("tbody", rows), cls="tt-table tt-eval-table")
    words = el("p", "Beside each mean: with answers that can't be read counted as 0. The judge's own failures are in "
               "neither, and counted.", cls="tt-dim")  # fmt: skip
    return html(words, el("div", table, cls="tt-scroll-x", tabindex="0", role="group", aria_label="judge scores"))


def _cell(figure: Record | None) -> Html:
    if figure is None or figure["mean"] is None:
        reasons = ", ".join(f"{count} {reason}" for reason, count in (figure or {}).get("unscored", {}).items())
        return el("td", reasons or "–", cls="tt-num tt-dim")
    bounds = "" if figure["low"] is None else f"[{figure['low']:.1f}, {figure['high']:.1f}]"
    gated = "" if figure["gated_mean"] is None else f"unread as 0: {figure['gated_mean']:.1f}, n {figure['gated_n']:,}"
    missed = sum(int(count) for count in figure["unscored"].values())
    return el(
        "td", el("span", f"{figure['mean']:.1f}"), el("span", bounds, cls="tt-eval-small"),
        el("span", f"n {figure['n_scored']:,} of {figure['n_total']:,}", cls="tt-eval-small"),
        el("span", gated, cls="tt-eval-small"),
        el("span", plural(missed, "unscored answer"), cls="tt-eval-small") if missed else None, cls="tt-num",
    )  # fmt: skip


def _pairs(pairs: Sequence[Record], looks: Mapping[str, ArmLook]) -> Html | None:
    if not pairs:
        return None
    rows = each(_pair(pair, looks) for pair in pairs)
    return el("section", el("h4", "Side by side, in both orders", cls="tt-subhead"), el("ul", rows, cls="tt-list"))


def _pair(pair: Record, looks: Mapping[str, ArmLook]) -> Html:
    a, b = (who(_look(looks, str(pair[side]))) for side in ("a", "b"))
    said = f" wins {pair['wins']:,}, ties {pair['ties']:,}, loses {pair['losses']:,} of {pair['n']:,} against "
    both = (
        f"; the same winner in both orders: {100 * pair['consistency']:.0f} %"
        if pair["consistency"] is not None
        else ""
    )
    return el("li", a, said, b, f"{both} of {pair['n_both']:,}" if both else None)
