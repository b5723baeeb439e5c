"""No leaked generation instructions: nothing in a row may show how it was made.

Three signs. A teacher's own voice ("as an AI language model", "here is the post you requested"), in source or answer.
A sign of the workshop (rubric, system prompt, code fence, chat markers) in an answer whose source does not have it. A
run of `FRAGMENT_WORDS` words of the pack's prompts or of the plan's further instructions, in an answer whose source
does not have it, or in a source. In the plan's hostile slices a source may quote what it likes; an answer never may.
Limits: the phrases are English; a paraphrased instruction passes.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from training.data.gates.plan import GatePlan
from training.data.gates.rows import answer_text
from training.data.gates.similar import Shingles, shingles, words_in
from training.data.rows import DataRow, Refusal

FRAGMENT_WORDS = 9
_VOICE = re.compile(
    r"""\bas\ an?\ (?:AI|artificial\ intelligence|large\ language|language)\ (?:language\ )?(?:model|assistant)\b
    |\bI(?:'m|\u2019m|\ am)\ (?:just\ |only\ )?an?\ AI\b
    |\bI(?:'m|\u2019m|\ am)?\ (?:cannot|can't|can\u2019t|unable\ to|not\ able\ to)
        \ (?:help|assist|comply|fulfil)\w*\ with\ (?:that|this)
    |\b(?:here(?:'s|\u2019s|\ is)|below\ is)\ (?:the|your|an?)\ (?:\w+\ ){0,2}
        (?:JSON|blog\ post|annotation)\ (?:you\ (?:requested|asked)
        |as\ requested|in\ the\ style|based\ on\ the\ (?:given|provided))
    |\bin\ the\ (?:requested|specified)\ (?:style|format)\b
    |</?think(?:ing)?>""",
    re.IGNORECASE | re.VERBOSE,
)
_WORKSHOP = re.compile(
    r"""\b(?:rubric|system\ prompt|teacher\ model|few-shot|output\ format|training\ example|JSON\ schema|word\ limit)\b
    |\b(?:the|my|these)\ instructions\ (?:say|said|ask|require)
    |```|<\|[a-z_]{2,30}\|>|\[/?INST\]|<(?:start|end)_of_turn>|\#\#\#\ (?:instruction|response|input)s?:""",
    re.IGNORECASE | re.VERBOSE,
)


def leaked(row: DataRow, plan: GatePlan) -> Refusal | None:
    """Refused where source or answer says how it was made."""
    if not plan.leaked:
        return None
    answer = answer_text(row)
    hostile = row.slice in plan.hostile_slices
    return next(_signs(row.source, answer, _runs(plan), hostile), None)


def _signs(source: str, answer: str, known: Shingles, hostile: bool) -> Iterator[Refusal]:
    if found := _VOICE.search(answer):
        yield _refusal("The answer speaks as the model that wrote it.", found[0])
    if (found := _WORKSHOP.search(answer)) and found[0].casefold() not in source.casefold():
        yield _refusal("The answer names something of its making, and the source does not.", found[0])
    if fragment := _fragment(answer, known, source):
        yield _refusal("The answer repeats its instructions.", fragment)
    if not hostile:
        if found := _VOICE.search(source):
            yield _refusal("The source speaks as the model that wrote it.", found[0])
        if fragment := _fragment(source, known, ""):
            yield _refusal("The source repeats instructions it was made by.", fragment)


def _refusal(reason: str, evidence: str) -> Refusal:
    return Refusal("leaked", reason, " ".join(evidence.split()))


@lru_cache(maxsize=1)
def _runs(plan: GatePlan) -> Shingles:
    """Every run of words of the prompts; a prompt of fewer words is too short to be told from chance."""
    prompts = (plan.pack.system, plan.pack.user, plan.pack.prompted_user, *plan.instructions)
    given = [part for prompt in prompts for part in re.split(r"\{source\}|\{schema\}", prompt)]
    parts = [shingles(part, FRAGMENT_WORDS) for part in given if len(words_in(part)) >= FRAGMENT_WORDS]
    return np.unique(np.concatenate(parts)) if parts else np.empty(0, dtype=np.uint64)


def _fragment(text: str, known: Shingles, excuse: str) -> str:
    """The first run of instruction words in `text` that `excuse` does not hold; "" where there is none."""
    words = words_in(text)
    if len(words) < FRAGMENT_WORDS:
        return ""
    found = np.intersect1d(shingles(text, FRAGMENT_WORDS), known, assume_unique=True)
    if not len(found) or not len(found := np.setdiff1d(found, shingles(excuse, FRAGMENT_WORDS), assume_unique=True)):
        return ""
    runs = (" ".join(words[at : at + FRAGMENT_WORDS]) for at in range(len(words) - FRAGMENT_WORDS + 1))
    return next(run for run in runs if shingles(run, FRAGMENT_WORDS)[0] in found)
