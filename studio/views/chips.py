"""Verdict chips: each opens to say what it means, what exactly was found, and on how many."""

from collections.abc import Mapping
from typing import Any

from studio.views.markup import Html, each, el, html, icon, number, plural, seconds, short_hash
from studio.views.words import (
    Verdict,
    finish_words,
    parse_verdict,
    proof_verdict,
    schema_verdict,
    share_words,
    support_verdict,
)

ICONS = {"ok": "check", "flag": "warn", "warn": "warn", "bad": "cross", "quiet": "none"}
PARSE_HELP = (
    "Strict means: the whole answer is one JSON object, as a program would read it. "
    "Anything that needs cutting out or mending is said to need it, and does not count in the headline."
)
SCHEMA_HELP = "The answer is checked against the schema of the task: which fields there may be and of which type."
SUPPORT_HELP = (
    "An item counts as supported when its words and numbers stand in the text you gave. "
    "It is a check of words, not of meaning: a paraphrase can be missed."
)
PROOF_HELP = (
    "Before the run, the model was asked the same probe with and without the adapter. "
    "A base column must answer exactly as the untouched base does, an adapter column must not."
)
HELD_HELP = "Constrained decoding: a token that would break the task's JSON Schema could not be chosen."
MAX_LISTED = 50


def chip(verdict: Verdict, *details: str | None) -> Html:
    """One chip. With details it opens on click or Enter."""
    face = html(icon(ICONS[verdict.level]), el("span", verdict.words))
    if not any(details):
        return el("span", face, cls=f"tt-chip tt-{verdict.level}")
    panel = el("div", *details, cls="tt-chip-panel")
    return el("details", el("summary", face), panel, cls=f"tt-chip tt-{verdict.level}", name="tt-chip")


def trust_chips(result: Mapping[str, Any]) -> Html:
    """The row that says how far the answer can be trusted: parse, schema, support; the proof where it failed."""
    chips = [
        chip(parse_verdict(result), el("p", PARSE_HELP), _parse_details(result)),
        chip(schema_verdict(result), el("p", SCHEMA_HELP), _schema_details(result)),
        chip(support_verdict(result), el("p", SUPPORT_HELP), _support_details(result)),
        _proof_chip(result) if _proven(result) is False else None,
    ]
    return el("div", *chips, cls="tt-chips")


def held(generation: Mapping[str, Any]) -> bool:
    """Whether the answer was written under the schema; False for answers kept before that could be chosen."""
    return bool((generation.get("sampling") or {}).get("constrained"))


def _proven(result: Mapping[str, Any]) -> bool | None:
    """Whether the weights were proven; None for an answer that carries no proof, such as one of an evaluation."""
    proof = result["generation"]["proof"]
    return None if proof is None else bool(proof["passed"])


def work_line(result: Mapping[str, Any]) -> Html:
    """Quiet figures: how it ended, tokens, first token, tokens/s, proof, and scores where an answer is known."""
    generation = result["generation"]
    speed = generation["new_tokens"] / generation["gen_s"] if generation["gen_s"] > 0 else None
    together, first = int(generation["batch_size"]), generation["ttft_s"]
    ended = finish_words(generation)
    figures = [
        None if ended in parse_verdict(result).words else el("span", ended),
        el("span", "held to the schema", title=HELD_HELP) if held(generation) else None,
        el("span", plural(int(generation["new_tokens"]), "token")),
        None if first is None else el("span", f"first token {seconds(float(first))}"),
        el("span", f"{speed:.1f} tokens/s", title=f"{plural(together, 'answer')} decoded together") if speed else None,
        _proof_chip(result) if _proven(result) else None,
        _scores(result),
    ]
    return el("div", *figures, cls="tt-work")


def _proof_chip(result: Mapping[str, Any]) -> Html:
    """Quiet words in the work line while it holds, a red chip where it doesn't."""
    proof = result["generation"]["proof"]
    verdict = proof_verdict(proof)
    if not proof["passed"]:
        return chip(verdict, el("p", PROOF_HELP), _proof_details(result))
    return _quiet(html(icon("check"), verdict.words), el("p", PROOF_HELP), _proof_details(result))


def _quiet(face: str, *details: str | None) -> Html:
    return el("details", el("summary", face), el("div", *details, cls="tt-chip-panel"), cls="tt-scores", name="tt-chip")


def _rows(pairs: list[tuple[str, str | Html]]) -> Html:
    return el("dl", *(el("div", el("dt", name), el("dd", value)) for name, value in pairs), cls="tt-facts")


def _parse_details(result: Mapping[str, Any]) -> Html:
    parsed = result["parsed"]
    similarity = parsed["repair_similarity"]
    pairs: list[tuple[str, str | Html]] = [
        ("tier", str(parsed["tier"]).replace("_", " ")),
        ("ended", finish_words(result["generation"])),
    ]
    if held(result["generation"]):
        pairs.append(("decoding", "held to the schema, token by token"))
    if parsed["error"]:
        pairs.append(("parser says", str(parsed["error"])))
    if parsed["n_objects"]:
        pairs.append(("whole objects", number(int(parsed["n_objects"]))))
    if similarity is not None:
        pairs.append(("like the raw answer", share_words(float(similarity))))
    return _rows(pairs)


def _schema_details(result: Mapping[str, Any]) -> Html | None:
    errors = result["schema_errors"]
    if not errors:
        return None
    rows = [
        el("li", el("code", error["path"] or "/"), " ", el("span", error["kind"], cls="tt-kind"), " ", error["message"])
        for error in errors[:MAX_LISTED]
    ]
    return html(el("ul", *rows, cls="tt-errors"), _more(len(errors)))


def _support_details(result: Mapping[str, Any]) -> Html | None:
    wrong = [item for item in result["items"] if item["supported"] is False]
    unchecked = sum(1 for item in result["items"] if item["supported"] is None)
    rows = [
        el("li", el("span", item["text"], cls="tt-unsup"), " ", el("span", item["field"], cls="tt-dim"))
        for item in wrong[:MAX_LISTED]
    ]
    note = el("p", f"{plural(unchecked, 'item')} could not be checked.", cls="tt-dim") if unchecked else None
    return html(el("ul", *rows, cls="tt-errors") if rows else None, _more(len(wrong)), note)


def _more(total: int) -> Html | None:
    return el("p", f"and {total - MAX_LISTED:,} more", cls="tt-dim") if total > MAX_LISTED else None


def _proof_details(result: Mapping[str, Any]) -> Html:
    proof = result["generation"]["proof"]
    return _rows(
        [
            ("adapter", str(proof["adapter_state"])),
            (
                "largest logit difference",
                f"{float(proof['probe_max_logit_diff']):.3g} (tolerance {float(proof['tolerance']):.3g})",
            ),
            ("base weights", short_hash(proof["base_sha256"])),
            ("adapter weights", short_hash(proof["adapter_sha256"])),
            ("prompt", short_hash(result["generation"]["prompt_sha256"])),
        ]
    )


def _scores(result: Mapping[str, Any]) -> Html | None:
    """All scores behind one word; not applicable and not scored are said, never shown as 0."""
    scores = result["scores"]
    if not scores:
        return None
    rows = each(
        el(
            "tr",
            el("th", score["metric"], scope="row"),
            el("td", score["field"]),
            el("td", score_words(score), cls="tt-num"),
            el("td", "" if score["n"] is None else f"n {score['n']:,}", cls="tt-num"),
            title=score["explanation"] or None,
        )
        for score in scores
    )
    table = el("table", el("tbody", rows), cls="tt-table")
    return _quiet(plural(len(scores), "score"), table)


def score_words(score: Mapping[str, Any]) -> str:
    if score["status"] != "scored":
        return str(score["status"])
    return "does not apply" if score["value"] is None else f"{float(score['value']):.2f}"
