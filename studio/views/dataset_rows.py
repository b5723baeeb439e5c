"""Rows of a dataset to be read: kept, refused, proposed, compared, and as coloured tokens. Pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from studio.views.datasets import gate_words, side_by_side
from studio.views.markup import Html, each, el, fold, html, icon, note, plural

EMPTY_LIST = "No row fits. Take other words or another part."
SURE = {"sure": "ok", "likely": "quiet", "unsure": "warn"}
TEXT_CHARS = 4000


def answer_text(gold: Any) -> str:
    """An answer to be read or edited: text as it is, an object as indented JSON."""
    return gold if isinstance(gold, str) else json.dumps(gold, ensure_ascii=False, indent=2)


def row_title(row: Mapping[str, Any]) -> str:
    """A row in one line: its answer's name where it has one, else its first words."""
    gold = row.get("gold")
    name = gold.get("name") or gold.get("summary") if isinstance(gold, Mapping) else None
    return " ".join(str(name or row["source"]).split())[:90]


def row_choices(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """(label, id) of the rows of a page, for a list to choose from."""
    return [(f"{row_title(row)} ({row['id'][:8]})", str(row["id"])) for row in rows]


def rows_html(page: Any, part: str) -> Html:
    """A page of rows, each to be opened."""
    if not page.rows:
        return note(EMPTY_LIST)
    head = f"{plural(page.total, 'row')} in {part}, page {page.number} of {page.pages}"
    return el("div", el("p", head, cls="tt-dim tt-num"), *(row_html(row) for row in page.rows), cls="tt-data tt-rows")


def row_html(row: Mapping[str, Any], extra: Html | None = None) -> Html:
    """One row: closed it says what it is, open it shows text and answer beside each other."""
    kinds = ", ".join(str(row[key]) for key in ("slice", "style", "origin", "licence") if row.get(key))
    face = el("summary", el("span", row_title(row), dir="auto"), el("span", kinds, cls="tt-dim"))
    return el("details", face, extra, _both(row), cls="tt-group tt-row")


def _both(row: Mapping[str, Any]) -> Html:
    source, gold = str(row["source"]), answer_text(row["gold"])
    where = ", ".join(f"{key} {row[key]}" for key in ("group", "place", "date", "id") if row.get(key))
    left = el("div", el("h4", "Text", cls="tt-subhead"), _text(source))
    right = el("div", el("h4", "Answer", cls="tt-subhead"), _text(gold))
    return html(el("div", left, right, cls="tt-pair-rows"), el("p", where, cls="tt-dim"))


def _text(text: str) -> Html:
    cut = f"\n… {len(text) - TEXT_CHARS:,} more characters" if len(text) > TEXT_CHARS else ""
    return el("pre", text[:TEXT_CHARS] + cut, cls="tt-raw tt-text", dir="auto", tabindex="0")


def refused_html(page: Any) -> Html:
    """Refused rows with every reason and what it looked at; bad records with what could be read of them."""
    if not page.rows:
        return note("Nothing was refused for this reason.")
    head = f"{plural(page.total, 'row')}, page {page.number} of {page.pages}"
    return el("div", el("p", head, cls="tt-dim tt-num"), *map(_refused, page.rows), cls="tt-data tt-rows")


def _refused(line: Mapping[str, Any]) -> Html:
    if "bad" in line:
        bad = line["bad"]
        face = el("summary", el("span", f"{bad['origin']}, {bad['place']}"), el("span", str(bad["reason"])))
        return el("details", face, _text(str(bad.get("text") or "Nothing of it could be read.")), cls="tt-group tt-row")
    return row_html(line["row"], reasons_html(line["refusals"]))


def reasons_html(refusals: Sequence[Mapping[str, Any]]) -> Html:
    """Why a row was refused, gate by gate."""
    items = (
        el(
            "li",
            el("strong", gate_words(str(refusal["gate"]))),
            f": {refusal['reason']}",
            el("code", str(refusal["evidence"])[:300], cls="tt-evidence") if refusal.get("evidence") else None,
        )
        for refusal in refusals
    )
    return el("ul", *items, cls="tt-list tt-reasons")


def verdict_html(refusals: Sequence[Mapping[str, Any]]) -> Html:
    """What the gates say of a row that was edited by hand."""
    if not refusals:
        words = " It passes every gate that looks at one row. Duplicates and quotas are judged when a version is built."
        return el("p", icon("check"), words, cls="tt-lead")
    head = el("p", icon("cross"), " It is still refused.", cls="tt-note tt-note-bad")
    return html(head, reasons_html(refusals))


def tokens_html(tokens: Sequence[Any], base: str) -> Html:
    """A row as tokens: prompt quiet, the answer that loss is taken on marked; each token tells its id."""
    learned = sum(token.learned for token in tokens)
    head = el(
        "p",
        f"{len(tokens):,} tokens as {base} reads them: ",
        el("span", f"prompt {len(tokens) - learned:,}, no loss", cls="tt-tok"),
        " ",
        el("span", f"answer {learned:,}, trained on", cls="tt-tok tt-learned"),
        cls="tt-insight",
    )
    shown = each(
        el("span", _visible(token.text), cls=f"tt-tok{' tt-learned' if token.learned else ''}", title=f"{token.id}")
        for token in tokens
    )
    ids = " ".join(str(token.id) for token in tokens)
    listed = el("details", el("summary", "Token ids"), el("pre", ids, cls="tt-raw", tabindex="0"), cls="tt-ids")
    return el("div", head, el("div", shown, cls="tt-tokens", tabindex="0", role="group", aria_label="tokens"), listed)


def _visible(text: str) -> str:
    return text.replace("\n", "⏎\n") if text else "∅"


def proposal_html(proposal: Any, guess: Mapping[str, Any] | None = None) -> Html:
    """How the columns of a source would be read, on real values, with how sure that is; and by which encoding, where
    the file is not UTF-8."""
    letters = _letters(guess) if guess else None
    if not proposal.fields:
        unused = ", ".join(proposal.unused)
        return html(letters, note(f"No column is known ({unused}). Name field, column and rule in the table below."))
    head = each(el("th", name, scope="col") for name in ("Field", "Column", "How it is read", "Before", "After"))
    body = each(_proposed(found) for found in proposal.fields)
    said = f"It looks like: {proposal.shape}. Check each line on its values, correct the table below, then confirm."
    unused = el("p", f"Not used: {', '.join(proposal.unused)}", cls="tt-dim") if proposal.unused else None
    table = el("table", el("thead", el("tr", head)), el("tbody", body), cls="tt-table")
    scrolls = el("div", table, cls="tt-scroll-x", tabindex="0")
    return el("div", letters, el("p", said, cls="tt-insight"), scrolls, unused, cls="tt-data")


def _letters(guess: Mapping[str, Any]) -> Html:
    """The encoding of a file that is not UTF-8, with letters to judge it by."""
    how = f"a guess: {guess['how']}" if guess["guessed"] else "as you wrote"
    before = f" The file is not UTF-8. Read as {guess['encoding']} ({how}), it says: "
    after = " Where a letter is wrong, correct the encoding below; confirming the columns confirms it too."
    said = el("bdi", f"\u201c{guess['letters']}\u201d")
    return el("p", icon("warn"), before, said, after, cls="tt-note tt-note-warn")


def _proposed(found: Any) -> Html:
    sure = el("span", f"{found.sure}", cls=f"tt-chip tt-{SURE[found.sure]}", title=found.why)
    before, after = (el("td", *(el("div", fold(text)) for text in side)) for side in (found.before, found.after))
    rule = el("td", found.rule, " ", sure)
    return el("tr", el("th", found.field, scope="row"), el("td", found.column), rule, before, after)


def sample_html(
    rows: Sequence[Mapping[str, Any]],
    bad: Sequence[Mapping[str, Any]],
    teacher: str = "",
    asked: Sequence[Mapping[str, Any]] = (),
) -> Html:
    """Ten rows as they would be made, before any gate has looked at them; with a teacher what it is asked about."""
    if not rows and not bad and not asked:
        return note("This source gives no row.")
    said = f"The first {plural(len(rows), 'row')} as they would be made; no gate has looked at them yet."
    given = (
        f"The first {plural(len(asked), 'record')} that {teacher} will be given, each to write a row from. What it "
        "writes is not there yet: the build asks it, and shows what that costs before anything is paid."
    )
    broken = [el("p", icon("warn"), f" {b['origin']}, {b['place']}: {b['reason']}", cls="tt-dim") for b in bad]
    return el(
        "div",
        el("p", given, cls="tt-insight") if asked else None,
        *(_asked(record) for record in asked),
        el("p", said, cls="tt-insight") if rows or not asked else None,
        *(row_html(row) for row in rows),
        *broken,
        cls="tt-data tt-rows",
    )


def _asked(record: Mapping[str, Any]) -> Html:
    """One record as a teacher reads it: closed its first words, open all of it."""
    text = str(record["text"])
    where = ", ".join(str(record[key]) for key in ("origin", "place", "style", "slice") if record.get(key))
    face = el("summary", el("span", " ".join(text.split())[:90], dir="auto"), el("span", where, cls="tt-dim"))
    return el("details", face, _text(text), cls="tt-group tt-row")


def changed_html(diff: Any, most: int = 10) -> Html:
    """The first rows that were added, removed and changed between two versions."""
    changed = [side_by_side("changed", ("before", old), ("after", new)) for old, new in diff["changed"][:most]]
    lists = [
        el("section", el("h4", f"{kind}: {len(diff[kind]):,}", cls="tt-subhead"), *map(row_html, diff[kind][:most]))
        for kind in ("added", "removed")
        if diff[kind]
    ]
    return el("div", *changed, *lists, cls="tt-data tt-rows")
