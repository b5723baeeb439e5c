"""What a judge quoted of a document, as items that the marks of its source are made from."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from training.evals.judge.verdict import placed_words, quote_places


def quotes_in(verdicts: Sequence[Mapping[str, Any]], source: str) -> tuple[dict[str, Any], ...]:
    """Each text that a judge's verdicts quote, once: {field, index, text, spans in the source, supported}.

    Found by the rule that let the judge's complaint stand (`verdict.quoted`); without a span it was quoted from
    elsewhere, such as the answer, and `supported` is None: nothing is said against it.
    """
    found: dict[tuple[str, str], None] = {}
    for row in verdicts:
        given = json.loads(row.get("evidence") or "{}")
        told = [(str(row["field"]), one) for one in given.get("wrong") or ()]
        told += [(str(one.get("field") or row["field"]), one) for one in given.get("faults") or ()]
        found |= {(name, str(one.get("source_quote") or "")): None for name, one in told}
    words = placed_words(source) if found else []
    made: list[dict[str, Any]] = []
    for name, text in found:
        spans = quote_places(text, words)
        number = sum(item["field"] == name for item in made)
        if text.strip():
            made.append(
                {"field": name, "index": number, "text": text, "spans": spans, "supported": True if spans else None}
            )
    return tuple(made)
