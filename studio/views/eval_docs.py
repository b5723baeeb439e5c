"""Documents of an evaluation: who was right, the list of losses, and one document with all its answers. Pure.

One document is shown by the very views that Compare uses: the card, the JSON and the raw text of each answer, the
marks in the source, the differences from the known answer.
"""

import json
from collections.abc import Container, Mapping, Sequence
from typing import Any

from studio.views.columns import arm_column, columns_row, pane_switch
from studio.views.diff import arms_diff
from studio.views.eval_words import MetricLike, ask, change_words, value_words
from studio.views.looks import ArmLook, who
from studio.views.marks import marked_source
from studio.views.markup import Html, each, el, html, icon, note, plural
from studio.views.reading import PackLike

Record = Mapping[str, Any]
JUDGE_LOOK = ArmLook("the judge's quotes", "fourth", "what its complaints point at in the text")
LATER = note("Choose a document: its source, its right answer and what each arm made of it stand here.")
NONE_FIT = "No document fits. Take a condition away, or choose another cell."
TIERS = {
    "strict": "", "extracted": "text around it", "repaired": "repaired", "repaired_truncated": "cut off",
    "failed": "no answer to read",
}  # fmt: skip


def cells_html(
    cells: Mapping[str, int], chosen: str, pair: Sequence[ArmLook], right: str, left_out: int, *, sizes: bool = False
) -> Html:  # size: a table and all that its words depend on
    """The 2x2: each cell a button, the second arm across, the first one down. What the first got right and the second
    wrong stands out. With `sizes` no amount is right by itself: cells say which arm has less, or that both are the
    same."""
    a, b = pair
    total = sum(cells.values())
    over = el("tr", el("td"), el("th", who(b), colspan=2, scope="colgroup"))
    good, bad = ("no worse", "worse") if sizes else ("right", "wrong")
    head = html(over, el("tr", el("td"), el("th", good, scope="col"), el("th", bad, scope="col")))
    rows = each(
        el(
            "tr",
            el("th", who(a), " ", el("span", word, cls="tt-cell-word"), scope="row"),
            *(_cell(name, cells, total, chosen, sizes=sizes) for name in names),
        )
        for word, names in ((good, ("both", "a_only")), (bad, ("b_only", "neither")))
    )
    every = ask("cell", "every", f"All {total:,}", aria_pressed=str(chosen == "").lower(), cls="tt-cell-every")
    out = f" {plural(left_out, 'document')} have no value of this metric for both." if left_out else ""
    words = el("p", f"Right: {right}. n = {total:,} documents.{out}", cls="tt-dim")
    return el(
        "div", el("table", el("thead", head), el("tbody", rows), cls="tt-cells"), every, words, cls="tt-eval-cells"
    )


def _cell(name: str, cells: Mapping[str, int], total: int, chosen: str, *, sizes: bool) -> Html:
    if sizes and name == "neither":
        return el("td", "never", cls="tt-dim")
    count = int(cells.get(name, 0))
    share = f"{100 * count / total:.0f} % " if total else ""
    mark = {"a_only": icon("cross"), "b_only": icon("check")}.get(name)
    both = "the same" if sizes else "both right"
    words = {"a_only": "lost", "b_only": "won", "both": both, "neither": "both wrong"}[name]
    face = (
        mark,
        el("strong", f"{count:,}"),
        el("span", share, words, cls="tt-eval-small"),
    )
    return el("td", ask("cell", name, *face, aria_pressed=str(chosen == name).lower(), cls=f"tt-cell-{name}"))


def list_html(
    docs: Sequence[Record], metric: MetricLike, pair: Sequence[ArmLook], titles: Mapping[str, str], total: int
) -> Html:
    """A page of documents, the largest loss first. `titles` are the clusters' names for people."""
    if not docs:
        return note(NONE_FIT)
    a, b = pair
    head = el(
        "tr", el("th", f"Document, {total:,} in all", scope="col"), el("th", who(a), scope="col", cls="tt-num"),
        el("th", who(b), scope="col", cls="tt-num"), el("th", "Change", scope="col", cls="tt-num"),
        el("th", "What went wrong", scope="col"),
    )  # fmt: skip
    body = each(_doc_row(doc, metric, titles) for doc in docs)
    table = el("table", el("thead", head), el("tbody", body), cls="tt-table tt-eval-docs")
    return el("div", table, cls="tt-scroll-x", tabindex="0", role="group", aria_label="documents")


def _doc_row(doc: Record, metric: MetricLike, titles: Mapping[str, str]) -> Html:
    change = float(doc["b"]) - float(doc["a"])
    worse = change * (-1 if metric.better == "lower" else 1) < 0
    facts = ", ".join(str(doc[name]).replace("_", " ") for name in ("slice", "style") if doc[name])
    name = ask("doc", str(doc["doc"]), doc["title"] or doc["doc"], title=f"Open {doc['doc']}")
    where = el("span", facts or str(doc["doc"]), cls="tt-eval-small")
    errors = [
        el("div", el("bdi", titles.get(str(doc[f"error_{side}"]), str(doc[f"error_{side}"]))),
           el("span", f" {label}", cls="tt-dim"))
        for side, label in (("b", "now"), ("a", "before")) if doc[f"error_{side}"]
    ]  # fmt: skip
    return el(
        "tr", el("th", name, where, scope="row"), *(_value(doc, side, metric) for side in ("a", "b")),
        el("td", icon("cross") if worse else None, change_words(metric, change) if change else "the same",
           cls=f"tt-num {'tt-eval-bad' if worse else ''}".strip()),
        el("td", *errors) if errors else el("td", "nothing found", cls="tt-dim"),
    )  # fmt: skip


def _value(doc: Record, side: str, metric: MetricLike) -> Html:
    tier = TIERS.get(str(doc[f"tier_{side}"]), "")
    value = float(doc[side])
    shown = ("yes" if value else "no") if metric.kind == "rate" and value in (0.0, 1.0) else value_words(metric, value)
    return el("td", shown, el("span", tier, cls="tt-eval-small") if tier else None, cls="tt-num")


def document_html(sides: Record, looks: Sequence[ArmLook], pack: PackLike | None, place: str = "") -> Html:
    """One document: the answers side by side, then where they stand in the source, then what differs."""
    arms: Sequence[Record] = sides["arms"]
    gold = sides["gold"]
    facts = [f"{name} {value}" for name, value in sides["facts"].items() if value]
    head = el(
        "div",
        el("h3", str(sides["title"]), cls="tt-run-name"),
        el("p", " · ".join([str(sides["doc"]), *facts, *([place] if place else [])]), cls="tt-dim"),
        cls="tt-eval-doc-head",
    )
    columns = [arm_column(arm, look, pack, gold=gold) for arm, look in zip(arms, looks, strict=True)]
    differs = arms_diff(arms, looks, sides["diffs"], pack, gold=gold is not None, uid="tt-eval-diff")
    quotes: Sequence[Record] = sides.get("quotes") or ()
    lanes = [*arms, {"items": quotes}] if quotes else list(arms)
    seen = [*looks, JUDGE_LOOK] if quotes else list(looks)
    return el(
        "div",
        el("div", head, pane_switch(name="tt-eval-pane"), cls="tt-bar"),
        columns_row(columns),
        _section("Where it stands in the text", marked_source(str(sides["source"]), lanes, seen, pack)),
        _section("What differs", differs),
        _section("What the judge said", judged_html(sides["verdicts"], quotes)) if sides["verdicts"] else None,
        cls="tt-eval-doc",
    )


def _section(heading: str, body: Html) -> Html:
    return el("section", el("h4", heading, cls="tt-subhead"), body)


def judged_html(verdicts: Sequence[Record], quotes: Sequence[Record] = ()) -> Html:
    """A judge's scores of one document by arm and field, and its pairs, each with its evidence. `quotes` are the texts
    that it quoted: what has a span stands in the text, where it is marked."""
    standing = {str(quote["text"]) for quote in quotes if quote["spans"]}
    rows = [_paired(row, standing) if row.get("mode") == "pairwise" else _judged(row, standing) for row in verdicts]
    head = el("tr", *(el("th", word, scope="col") for word in ("Arm", "Field", "Score", "Evidence")))
    return el("div", el("table", el("thead", head), el("tbody", *rows), cls="tt-table"), cls="tt-scroll-x")


def _judged(row: Record, standing: Container[str]) -> Html:
    scored = row.get("status") == "ok" and row.get("score") is not None
    score = f"{float(row['score']):g} of 10" if scored else str(row.get("status") or "unscored")
    return el(
        "tr", el("td", str(row["arm"])), el("td", str(row["field"])), el("td", score, cls="tt-num"),
        el("td", _evidence(row.get("evidence"), standing)),
    )  # fmt: skip


def _paired(row: Record, standing: Container[str]) -> Html:
    """One order of a pair: the first arm's result."""
    results = {1.0: "wins", 0.5: "a tie", 0.0: "loses"}
    score = results.get(row["score"], "") if row.get("status") == "ok" else str(row.get("status") or "unscored")
    first = "shown first" if row.get("order") == "ab" else "shown second"
    return el(
        "tr", el("td", f"{row['arm']} against {row.get('other')}"), el("td", first), el("td", score, cls="tt-num"),
        el("td", _evidence(row.get("evidence"), standing)),
    )  # fmt: skip


def _evidence(text: Any, standing: Container[str]) -> Html:
    try:
        found = json.loads(text or "{}")
    except (TypeError, ValueError):
        return html(str(text))
    if not isinstance(found, dict):
        return html(json.dumps(found, ensure_ascii=False))
    lines = [
        _complaint(kind, one, standing) for kind in ("missing", "unsupported", "wrong") for one in found.get(kind) or ()
    ]
    lines += [_complaint(str(one.get("arm", "")), one, standing) for one in found.get("faults") or ()]
    about = [str(found.get("why") or found.get("notes") or "")]
    if "rule" not in found:  # what the whole verdict's row only adds up
        dropped = int(found.get("dropped") or 0)
        about.append(f"{plural(dropped, 'complaint')} dropped: the quote is in no text." if dropped else "")
        about.append("The score does not fit the complaints." if found.get("flagged") else "")
    told = " ".join(part for part in about if part)
    words = el("span", told, cls="tt-dim") if told else None
    if lines:
        return html(el("ul", *lines, cls="tt-list"), words)
    return words or el("span", "no complaint", cls="tt-dim")


def _complaint(kind: str, one: Any, standing: Container[str]) -> Html:
    if not isinstance(one, dict):
        return el("li", el("span", f"{kind}: ", cls="tt-dim"), str(one))
    quote = str(one.get("source_quote") or "")
    told = str(one["problem"]) if "problem" in one else f"{one.get('got', '')} should be {one.get('should', '')}"
    shown = el("q", quote, cls="tt-evidence")
    elsewhere = None if quote in standing else el("span", " (not in the text shown here)", cls="tt-dim")
    about = html(shown, elsewhere) if quote else None
    return el("li", el("span", f"{kind}: ", cls="tt-dim"), told, " ", about)
