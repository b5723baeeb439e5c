"""Error clusters, gates, the leaderboard, the receipt: an evaluation's tables that end in something to do. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from studio.views.eval_words import MetricLike, ask, bounds_words, n_words, value_words
from studio.views.looks import ArmLook, who
from studio.views.markup import Html, each, el, fold, html, icon, note, number, plural
from studio.views.reading import json_line

Record = Mapping[str, Any]
NO_ERRORS = "No answer of these two arms falls into an error cluster."
NO_GATES = "Gates are checked for a tuned arm: choose one as the second arm."
VERDICTS = {
    "pass": ("check", "passes"), "fail": ("cross", "fails"), "insufficient data": ("warn", "has too little data"),
    "not applicable": ("none", "does not apply"),
}  # fmt: skip
TIED = "tied with the best"
MANY = {"pass": "pass", "fail": "fail", "insufficient data": "have too little data", "not applicable": "do not apply"}
OWNERS = {
    "data": "the training data", "prompt": "the prompt", "decoding": "decoding", "training": "training",
    "export": "the export", "label": "the labels",
}  # fmt: skip


def clusters_html(lines: Sequence[Record], total: int, pair: Sequence[ArmLook], *, writable: bool) -> Html:
    """Clusters with counts, who can mend them and how; each leads to its documents and to a spec for more rows."""
    if not lines:
        return note(NO_ERRORS)
    a, b = pair
    head = el(
        "tr", el("th", "Error", scope="col"), el("th", who(a), scope="col", cls="tt-num"),
        el("th", who(b), scope="col", cls="tt-num"), el("th", "Mended, broken", scope="col", cls="tt-num"),
        el("th", "Who can mend it, and how", scope="col"), el("th", "Next", scope="col"),
    )  # fmt: skip
    body = each(_cluster(line, writable) for line in lines)
    table = el("table", el("thead", head), el("tbody", body), cls="tt-table tt-eval-clusters")
    words = (
        f"The first error of each answer, of {plural(total, 'document')} an arm. Mended: gone without another error."
    )
    return html(
        el("p", words, cls="tt-dim"),
        el("div", table, cls="tt-scroll-x", tabindex="0", role="group", aria_label="error clusters"),
    )


def _cluster(line: Record, writable: bool) -> Html:
    tag = str(line["tag"])
    examples = each(
        ask("doc", doc, f"example {i}", title=f"Open {doc}") for i, doc in enumerate(line["examples"], start=1)
    )
    spec = ask("spec", tag, "Targeted data", title="A spec of rows aimed at this error") if writable else None
    return el(
        "tr",
        el("th", ask("cluster", tag, str(line["title"]), title="List its documents"),
           el("span", tag, cls="tt-eval-small"), scope="row"),
        el("td", f"{line['a']:,}", cls="tt-num"), el("td", f"{line['b']:,}", cls="tt-num"),
        el("td", f"{line['mended']:,}, {line['broken']:,}", cls="tt-num"),
        el("td", el("strong", OWNERS.get(str(line["owner"]), str(line["owner"]))), ": ", str(line["recipe"])),
        el("td", el("span", examples, spec, cls="tt-eval-next")),
    )  # fmt: skip


def gates_html(gates: Sequence[Record], arm: ArmLook | None) -> Html:
    """Every gate: its rule, what was measured, and how many documents would decide it."""
    if not gates or arm is None:
        return note(NO_GATES)
    counts = {name: sum(gate["verdict"] == name for gate in gates) for name in VERDICTS}
    said = ", ".join(
        f"{count} {MANY[name] if count > 1 else VERDICTS[name][1]}" for name, count in counts.items() if count
    )
    worst = "cross" if counts["fail"] else "warn" if counts["insufficient data"] else "check"
    ready = {"cross": "not ready to ship", "warn": "not proven yet", "check": "ready to ship"}[worst]
    lead = el(
        "p", icon(worst), " ", who(arm), f" is {ready}: of {plural(len(gates), 'gate')} {said}.", cls="tt-insight"
    )
    head = el("tr", *(el("th", word, scope="col") for word in ("Gate", "Verdict", "Rule", "Measured", "Why")))
    order = list(VERDICTS)
    rows = each(_gate(gate) for gate in sorted(gates, key=lambda gate: (1, 0, 2, 3)[order.index(str(gate["verdict"]))]))
    table = el("table", el("thead", head), el("tbody", rows), cls="tt-table tt-eval-gates")
    return html(lead, el("div", table, cls="tt-scroll-x", tabindex="0", role="group", aria_label="gates"))


def _gate(gate: Record) -> Html:
    mark, words = VERDICTS.get(str(gate["verdict"]), ("none", str(gate["verdict"])))
    measured = [] if gate["measured"] is None else [number(float(gate["measured"]))]
    measured += [] if gate["bound"] is None else [f"bound {number(float(gate['bound']))}"]
    measured += [] if gate["n"] is None else [f"n {int(gate['n']):,}"]
    measured += [] if gate["n_required"] is None else [f"needs n {int(gate['n_required']):,}"]
    examples = each(ask("doc", doc, doc) for doc in list(gate.get("ids") or ())[:3])
    state = str(gate["verdict"]).split()[0]
    return el(
        "tr", el("th", str(gate.get("title") or gate["name"]), scope="row"),
        el("td", el("span", icon(mark), " ", words.removeprefix("has "), cls=f"tt-gate tt-gate-{state}")),
        el("td", str(gate["rule"])), el("td", ", ".join(measured) or "–", cls="tt-eval-said"),
        el("td", str(gate["why"]), el("span", examples, cls="tt-eval-next") if gate.get("ids") else None),
    )  # fmt: skip


def board_html(board: Record | None, metric: MetricLike | None, here: str) -> Html:
    """Arms of every evaluation of these documents. A tie is said; losses stand last and rank nothing."""
    if board is None or metric is None or not board["entries"]:
        return note("No arm has a value of the primary metric.")
    entries: Sequence[Record] = board["entries"]
    tied = sum(bool(entry["tied"]) for entry in entries)
    said = f"{tied} of {len(entries)} arms are tied with the best" if tied > 1 else "One arm is ahead of every other"
    lead = f"{said}, by {metric.label}, over {plural(int(board['evaluations']), 'evaluation')} of the same documents."
    losses = any(entry["loss"] is not None or entry["dev_loss"] is not None for entry in entries)
    names = ["Arm", "Evaluation", metric.label, "Documents"]
    aside = el("th", "Training loss, dev loss", el("span", "never ranks", cls="tt-eval-small"), scope="col")
    head = el(
        "tr",
        *(el("th", word, scope="col", cls="tt-num" if at > 1 else "") for at, word in enumerate(names)),
        aside if losses else None,
    )
    word = TIED if tied > 1 else "the best"
    rows = each(_entry(entry, metric, here, word, losses=losses) for entry in entries)
    table = el("table", el("thead", head), el("tbody", rows), cls="tt-table tt-eval-board")
    return html(
        el("p", lead, cls="tt-insight"),
        el("div", table, cls="tt-scroll-x", tabindex="0", role="group", aria_label="leaderboard"),
    )


def _entry(entry: Record, metric: MetricLike, here: str, tied: str, *, losses: bool) -> Html:
    figure: Record = entry["figure"]
    name = str(entry["name"])
    of = name if entry["evaluation"] == here else ask("open", str(entry["evaluation"]), name)
    tie = el("span", icon("same" if tied == TIED else "check"), f" {tied}", cls="tt-tied") if entry["tied"] else None
    told = [f"{float(entry[key]):.3f}" if entry[key] is not None else "–" for key in ("loss", "dev_loss")]
    return el(
        "tr", el("th", el("bdi", str(entry["label"])), tie, scope="row"), el("td", of),
        el("td", el("strong", value_words(metric, float(figure["value"]))),
           el("span", bounds_words(metric, figure.get("low"), figure.get("high")), cls="tt-eval-small"), cls="tt-num"),
        el("td", n_words(figure), cls="tt-num"),
        el("td", ", ".join(told), cls="tt-num tt-dim") if losses else None,
    )  # fmt: skip


def receipt_html(manifest: Record) -> Html:
    """Everything that decided these figures: hashes, versions, seeds, the noise floor."""
    if not manifest:
        return note("This evaluation keeps no manifest.")
    return el("div", _facts(manifest), cls="tt-receipt")


def _facts(data: Record) -> Html:
    """Plain values first, then each part under its name; long lists are folded."""
    plain = [(name, value) for name, value in data.items() if not isinstance(value, dict)]
    parts = [(name, value) for name, value in data.items() if isinstance(value, dict) and value]
    rows = each(el("div", el("dt", name.replace("_", " ")), el("dd", _value(value))) for name, value in plain)
    nested = each(
        el("section", el("h4", name.replace("_", " "), cls="tt-subhead"), _alike(name, value) or _facts(value))
        for name, value in parts
    )
    return html(el("dl", rows, cls="tt-facts tt-facts-grid") if plain else None, nested)


def _alike(name: str, data: Record) -> Html | None:
    """Several things of one kind, as the arms are, side by side: a row each, a column for each fact that some of them
    has. None where they are something else."""
    if len(data) < 2 or not all(isinstance(value, dict) for value in data.values()):
        return None
    facts = dict.fromkeys(fact for of in data.values() for fact, value in of.items() if not _nothing(value))
    words = ("", *(fact.replace("_", " ") for fact in facts))
    head = el("tr", *(el("th", word, scope="col") if word else el("td") for word in words))
    body = each(
        el("tr", el("th", el("bdi", str(key)), scope="row"), *(el("td", _value(of.get(fact))) for fact in facts))
        for key, of in data.items()
    )
    table = el("table", el("thead", head), el("tbody", body), cls="tt-table tt-eval-alike")
    return el("div", table, cls="tt-scroll-x", tabindex="0", role="group", aria_label=name.replace("_", " "))


def _nothing(value: Any) -> bool:
    """Whether there is nothing to say; a 0 is a count."""
    return value is None or value is False or value in ("", [], {})


def _value(value: Any) -> Html:
    if _nothing(value) or value is True:
        return html("yes" if value is True else "no" if value is False else "–")
    if isinstance(value, dict):
        return each(el("div", f"{name.replace('_', ' ')} ", _value(of)) for name, of in value.items())
    if isinstance(value, list) and all(isinstance(one, str | int) for one in value):
        return fold(", ".join(map(str, value)), 160)
    if isinstance(value, str):
        return (
            fold(value, 64) if " " in value else el("code", value[:16], title=value) if len(value) > 40 else html(value)
        )
    return fold(json_line(value), 160)
