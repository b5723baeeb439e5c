"""A dataset version to be read: what it is, what passed the gates and why the rest did not, what leaks, what a build
does. Pure: plain JSON in, HTML out. Every share names what it is a share of."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from studio.views.history import ago
from studio.views.looks import meter
from studio.views.markup import Html, each, el, html, icon, note, number, plural

GATES = {
    "parses": "not a whole row",
    "personal": "personal data or secrets",
    "schema": "breaks the schema",
    "contract": "not the exact contract",
    "leaked": "repeats instructions",
    "trivial": "says too little",
    "length": "too long",
    "supported": "answer not in the text",
    "licence": "licence unknown",
    "evaluation": "is in the evaluation",
    "consistency": "contradicts another row",
    "duplicate": "repeats another row",
    "rubric": "judged too poor",
    "diversity": "over a quota",
}
STAGES = {
    "": "starting",
    "rows": "making rows",
    "gates": "checking rows",
    "judge": "asking the judge",
    "split": "splitting",
    "leaks": "looking for leaks",
    "version": "writing the version",
    "done": "done",
}
ORDER = ("rows", "gates", "split", "leaks", "version", "done")
PART_OF = {"judge": "gates"}  # a stage that only some builds have counts as the one it is a part of
UNREAD, REVIEW = "unreadable", "review"  # as a build counts what never came to the gates; the rest is a teacher's
KINDS = {"slice": "Slices", "style": "Styles", "cuisine": "Cuisines", "origin": "Sources", "licence": "Licences"}
LEAKS = {"exact": "same words", "near": "nearly the same", "group": "same group", "answer": "same long answer"}
MOST_BARS = 12
RESUMES = "What it finished is kept until you dismiss it: build again to go on."


def gate_words(gate: str) -> str:
    """A gate's name as people say it; one of a person's own as it is."""
    return GATES.get(gate, gate.replace("_", " "))


def version_head(version: Mapping[str, Any], now: datetime, *, ships: bool) -> Html:
    """One line: what is open, how many rows in which part, since when."""
    rows: Mapping[str, int] = version["rows"]
    parts = ", ".join(f"{part} {count:,}" for part, count in rows.items())
    made = "ships with the studio" if ships else f"built {ago(str(version['created']), now)}"
    parent = f", made from {version['parent']}" if version.get("parent") else ""
    return el(
        "p",
        el("strong", plural(sum(rows.values()), "row"), cls="tt-num"),
        el("span", f" for {version['task']}: {parts}; {made}{parent}", cls="tt-dim"),
        cls="tt-lead",
    )


def funnel_words(gates: Mapping[str, Any]) -> str:
    """What the gates did, in one sentence with its denominator."""
    came, kept, refused = int(gates.get("n_in", 0)), int(gates.get("n_kept", 0)), gates.get("refused") or {}
    if not came:
        return "This version holds no counts of its gates."
    said = f"{kept:,} of {came:,} rows were kept ({kept / came:.1%})"
    if refused:
        worst = max(refused, key=lambda gate: refused[gate])
        said += f"; most refused rows were refused because: {gate_words(worst)} ({refused[worst]:,})"
    return f"{said}. {besides}" if (besides := besides_words(gates)) else f"{said}."


def besides_words(gates: Mapping[str, Any]) -> str:
    """What never came to the gates, by kind; "" for nothing. A version of an earlier studio has no kinds."""
    bad, kinds = int(gates.get("bad_records") or 0), dict(gates.get("bad_kinds") or {})
    if not bad:
        return ""
    if not kinds:
        return f"{plural(bad, 'record')} could not be read, or wait for a person to look at them."
    unread, review, told = kinds.pop(UNREAD, 0), kinds.pop(REVIEW, 0), sum(kinds.values())
    why = ", ".join(f"{kind} {count:,}" for kind, count in sorted(kinds.items(), key=lambda item: (-item[1], item[0])))
    said = (
        (unread, f"{plural(unread, 'record')} that could not be read or used"),
        (told, f"{plural(told, 'answer')} of the teacher that no row could be made of ({why})"),
        (review, f"{plural(review, 'row')} for a person to look at"),
    )
    return f"Besides: {', '.join(words for count, words in said if count)}."


def gate_notes(gates: Mapping[str, Any]) -> Html:
    """What gates changed or let through with a mark; counted over all rows, kept or not."""
    said = (
        ("n_masked", "had personal data masked"),
        ("n_found", "hold personal data that was found and left"),
        ("n_unsupported", "say something their text does not"),
        ("n_unscored", "got no score from the judge"),
    )
    found = [el("li", f"{plural(int(gates[key]), 'row')} {words}") for key, words in said if gates.get(key)]
    return el("ul", *found, cls="tt-list") if found else html()


def bars(kind: str, counts: Mapping[str, int], total: int) -> Html:
    """One distribution: a bar and a count for each value, the most frequent first."""
    if not counts or set(counts) == {"not said"}:
        return html()
    shown = list(counts.items())[:MOST_BARS]
    rest = sum(counts.values()) - sum(count for _, count in shown)
    lines = [*shown, *([("all others", rest)] if rest else [])]
    rows = each(
        el(
            "tr",
            el("th", name[:80], scope="row", dir="auto"),
            el("td", meter(count, total)),
            el("td", f"{count:,}", cls="tt-num"),
            el("td", f"{count / total:.1%}" if total else "", cls="tt-num tt-dim"),
        )
        for name, count in lines
    )
    head = el("h4", KINDS.get(kind, kind), el("span", f"n = {total:,} rows", cls="tt-n"), cls="tt-subhead")
    return el("section", head, el("table", el("tbody", rows), cls="tt-table tt-bars"), cls="tt-dist")


def distributions(counts: Mapping[str, Mapping[str, int]], total: int) -> Html:
    """All distributions of a version side by side."""
    return el("div", *(bars(kind, found, total) for kind, found in counts.items()), cls="tt-dists")


def tokens_words(lengths: Sequence[int], budget: int | None, total: int, what: str, whose: str = "") -> str:
    """The reading of a length chart: median, longest, and how many of those counted are over the budget, and whose
    budget that is."""
    if not lengths:
        return f"No {what} was counted."
    values = sorted(lengths)
    middle = (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2
    said = f"{what.capitalize()}: median {number(middle)} tokens, longest {values[-1]:,}"
    if budget is not None:
        over = sum(value > budget for value in values)
        said += f"; {over:,} of {len(values):,} are over the budget of {budget:,}" + (f", {whose}" if whose else "")
    counted = f" (counted on {len(values):,} of {total:,} rows)" if len(values) < total else f" (n = {total:,} rows)"
    return f"{said}{counted}."


def leak_words(leaks: Mapping[str, Any]) -> str:
    """The leak report in one plain sentence."""
    if not leaks:
        return "There is nothing to leak: this version holds no test, golden or adversarial rows."
    test, train = leaks.get("n_test", 0), leaks.get("n_train", 0)
    if leaks.get("clean"):
        return f"No leak was found: none of {test:,} held-out rows repeats one of {train:,} training rows."
    kinds = {"exact": "exact", "near": "near", "group": "groups", "answer": "answers"}
    found = [f"{LEAKS[kind]}: {len(leaks.get(key, ())):,}" for kind, key in kinds.items() if leaks.get(key)]
    return f"Of {test:,} held-out rows some stand in the {train:,} training rows too ({', '.join(found)})."


def leak_report(leaks: Mapping[str, Any], pairs: Sequence[Mapping[str, Any]]) -> Html:
    """The sentence, the report's own lines, and the first overlaps side by side."""
    good = bool(leaks.get("clean")) or not leaks
    cls = "tt-insight" if good else "tt-note tt-note-bad"
    head = el("p", icon("check" if good else "warn"), " ", leak_words(leaks), cls=cls)
    lines = el("ul", *(el("li", str(line)) for line in leaks.get("lines", ())), cls="tt-list") if leaks else None
    shown = [_overlap(pair) for pair in pairs]
    return el("div", head, lines, *shown, cls="tt-data")


def _overlap(pair: Mapping[str, Any]) -> Html:
    words = f"{LEAKS.get(str(pair['kind']), pair['kind'])}, similarity {float(pair['similarity']):.2f}"
    return side_by_side(words, ("held out", pair["test"]), ("training", pair["train"]))


Side = tuple[str, Mapping[str, Any] | None]


def side_by_side(words: str, left: Side, right: Side) -> Html:
    """Two rows beside each other under what is said of them."""
    return el("section", el("h4", words, cls="tt-subhead"), el("div", _half(left), _half(right), cls="tt-pair-rows"))


def _half(side: Side) -> Html:
    label, row = side
    if row is None:
        return el("div", el("p", label, cls="tt-dim"), el("p", "This row is not in the version.", cls="tt-dim"))
    where = f"{label}: {row['origin']}{', ' + row['place'] if row.get('place') else ''}"
    text = el("pre", str(row["source"])[:1500], cls="tt-raw tt-text", dir="auto", tabindex="0")
    return el("div", el("p", where, cls="tt-dim"), text)


def duplicates(pairs: Sequence[Any], total: int) -> Html:
    """Refused duplicates beside the rows that stay."""
    if not total:
        return note("No row was refused for repeating another one.")
    head = f"{plural(total, 'row')} repeated another one and went; {len(pairs):,} are shown."
    shown = [side_by_side(p.reason, ("refused", p.refused), ("kept", p.kept)) for p in pairs]
    return el("div", el("p", head, cls="tt-insight"), *shown, cls="tt-data")


def job_html(job: Mapping[str, Any] | None, spent: Sequence[str] = ()) -> Html:
    """How a build stands: stage, real counts, and what to do where it ended badly. Empty without a build.

    `spent` are sentences on what was paid, one for each endpoint that was asked.
    """
    if job is None:
        return html()
    return html(_job(job), *(el("p", line, cls="tt-dim tt-num tt-spent") for line in spent))


def _job(job: Mapping[str, Any]) -> Html:
    state, stage, name = str(job["state"]), str(job["stage"]), str(job["name"])
    if state in ("queued", "running"):
        return _running(job, name, stage)
    if state == "finished":
        words = html(icon("check"), f" {name} is built: ", el("strong", str(job["version"])), ".")
        return el("p", words, cls="tt-lead")
    if state == "cancelled":
        return el("p", f"The build of {name} was cancelled. {RESUMES}")
    what = f"The build of {name} failed. {job['error']}" if state == "failed" else f"{name}: {job['error']}"
    return el("p", icon("cross"), " ", el("strong", what), f" {job['fix']} {RESUMES}", cls="tt-note tt-note-bad")


def _running(job: Mapping[str, Any], name: str, stage: str) -> Html:
    done, total = int(job["done"]), job["total"]
    step = PART_OF.get(stage, stage)
    at = ORDER.index(step) + 1 if step in ORDER else 0
    count = f"{done:,} of {int(total):,} rows" if total else (f"{plural(done, 'row')} so far" if done else "")
    words = f"{name}: {STAGES.get(stage, stage)}" + (f", step {at} of {len(ORDER) - 1}" if at else "")
    far = meter(done, int(total)) if total else None
    spin = el("span", cls="tt-spin", aria_hidden="true")
    return el("div", spin, el("span", words), el("span", count, cls="tt-num"), far, cls="tt-progress tt-job")


def comparison(diff: Mapping[str, Any], before: str, after: str) -> Html:
    """What became of the rows between two versions."""
    kinds = ("same", "added", "removed", "changed", "moved")
    counts = {kind: diff[kind] if kind == "same" else len(diff[kind]) for kind in kinds}
    said = f"From {before} to {after}: {counts['same']:,} rows stay as they are, {counts['added']:,} were added, "
    said += (
        f"{counts['removed']:,} removed, {counts['changed']:,} changed and {counts['moved']:,} moved to another part."
    )
    spec = each(
        el("tr", el("th", key, scope="row"), el("td", str(old)[:300]), el("td", str(new)[:300]))
        for key, (old, new) in diff["spec"].items()
    )
    heads = (el("th", title, scope="col") for title in ("Setting", "Before", "After"))
    table = el("table", el("thead", el("tr", *heads)), el("tbody", spec), cls="tt-table") if diff["spec"] else None
    return el("div", el("p", said, cls="tt-insight"), table, cls="tt-data")
