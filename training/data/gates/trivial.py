"""Not trivial: a row has something to learn from, and is no unfilled template.

Too few words, hardly any different words, a placeholder nobody filled (in a hostile slice it belongs to the page), or a
gold value that is the contract's own example. `{}` as the answer, or a text answer's end marker alone, is
never trivial: saying that there is nothing is a thing to learn.
"""

import re
from functools import lru_cache
from typing import Any, cast

from training.data.gates.plan import GatePlan, Trivial
from training.data.gates.rows import answer_text, leaves
from training.data.gates.similar import words_in
from training.data.rows import DataRow, Refusal
from training.task.score.echo import is_echo, template_values

REPETITION_FROM = 40  # words; below that, repeated words are natural
_PLACEHOLDER = re.compile(
    r"\[(?:insert|add your|enter|placeholder|your (?:name|blog|site|company))\b[^\]\n]{0,60}\]"
    r"|<(?:insert|enter|your (?:name|text))\b[^>\n]{0,60}>"
    r"|\{\{?\s*[a-z]+(?:[_ ][a-z]+)*\s*\}?\}|\blorem ipsum\b|\bTODO:|\bFIXME\b|\bplaceholder text\b",
    re.IGNORECASE,
)


def trivial(row: DataRow, plan: GatePlan) -> Refusal | None:
    """Refused where the row is too short, repeats itself or is a template."""
    if plan.trivial is None:
        return None
    text = _short(row, plan.trivial, plan.pack.answer.end) or _repeating(row.source, plan.trivial)
    if text is not None:
        return text
    if found := _PLACEHOLDER.search(answer_text(row)):
        return Refusal("trivial", "The answer is a template that nobody filled in.", found[0])
    if row.slice not in plan.hostile_slices and (found := _PLACEHOLDER.search(row.source)):
        return Refusal("trivial", "The source is a template that nobody filled in.", found[0])
    return _echo(row, plan) if isinstance(row.gold, dict) else None


def _short(row: DataRow, limits: Trivial, end: str) -> Refusal | None:
    is_text = isinstance(row.gold, str)
    least = min(limits.source_words, 1) if is_text else limits.source_words
    if (count := len(words_in(row.source))) < least:
        return Refusal("trivial", f"The source has {count} words, the least is {least}.", row.source[:200])
    count = len(words_in(row.gold)) if is_text and row.gold.strip() != end else None
    if count is not None and count < limits.answer_words:
        return Refusal("trivial", f"The answer has {count} words, the least is {limits.answer_words}.", row.gold[:200])
    return None


def _repeating(source: str, limits: Trivial) -> Refusal | None:
    words = words_in(source)
    share = len(set(words)) / len(words) if len(words) >= REPETITION_FROM else 1.0
    if share >= limits.distinct_share:
        return None
    reason = f"Only {len(set(words))} of the source's {len(words)} words are different ({share:.0%})."
    return Refusal("trivial", reason, " ".join(words[:20]))


def _echo(row: DataRow, plan: GatePlan) -> Refusal | None:
    constants, templates = _contract_words(plan)
    for name, value in cast("dict[str, Any]", row.gold).items():
        for leaf in leaves(value) if name not in constants else ():
            if is_echo(leaf, templates, row.source):
                return Refusal("trivial", f"{name} is the contract's own example, which the source does not say.", leaf)
    return None


@lru_cache(maxsize=1)
def _contract_words(plan: GatePlan) -> tuple[frozenset[str], frozenset[str]]:
    """The names of the constant fields, and the contract's own words and examples."""
    return frozenset(spec.name for spec in plan.pack.fields if spec.kind == "constant"), template_values(plan.pack)
