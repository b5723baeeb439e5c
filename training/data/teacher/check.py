"""A teacher's answer before it becomes a row: is it what was asked for, and does the text say what the gold says?

Each refusal has a kind for counting and a sentence for a person. The gold of a post comes from the recipe, so here the
post is on trial: an item it does not support is refused, sent to review, or cut from the gold, as the policy says. An
answer that is itself the gold is held against the text it was made from. Nothing is mended without a note in the row.

What a post adds is looked for where it can be: facts that the recipe lacks, and list lines with an amount and a unit.

Limits: support is lexical (training.task.score.grounding), so a rewording may be refused and a false sentence made of
the right words may pass; what a post adds in running text is not seen.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from training.chat.exchange import Reply
from training.data.rows import BadRecord, DataRow
from training.data.teacher.prompts import Ask, Prompts
from training.data.teacher.sheet import Sheet
from training.data.teacher.support import Support, find_support, unsaid
from training.errors import InputError
from training.task.pack import Pack
from training.task.parse import parse_answer
from training.task.records import FinishReason, Tier
from training.task.score.lists import name_keys
from training.task.score.schema import schema_errors
from training.task.score.text import keys_of, tokenise
from training.task.sections import write_sections

SHARED_RUN = 9  # words in a row that an answer may not share with the instructions
TEXT_CHARS = 2000  # of a refused answer that its record keeps
LEAKS = (
    (r"(?i)\bas an? (ai|artificial|large language|language) ", "speaks of itself as a model"),
    (r"(?i)\A\W*((sure|certainly|of course|okay|absolutely)\b[^\n]{0,20})?(here|below)( is|’s|'s) (the|your|a|my) "
     r"[^\n]{0,60}\b(page|post|text|version|answer|object|json|form)\b", "begins with a remark on the answer"),
    (r"(?i)\b(as you (requested|asked)|self-?check|word (count|limit)|the (given|provided) recipe|recipe you (gave|"
     r"provided)|recipe (was |is )?provided|go through this list|let me know if you)", "speaks of the request"),
    (r"(?i)</?DATA\b|DATA-[0-9a-f]{8}|\bDATA marks\b", "holds the marks of the prompt"),
    (r"\A\s*```|```\s*\Z", "stands in a frame of backticks"),
)  # fmt: skip
# A line of a list that begins with an amount and a unit: an ingredient, whoever wrote it.
LISTED = re.compile(
    r"(?im)^\s*[•\-*+–▪▢✅👉🔸]\s*(?P<line>(?:[\d¼½¾⅓⅔⅛]|an? )[\d\s/.,¼½¾⅓⅔⅛-]*"
    r"(?:cups?|tbsps?|tablespoons?|tsps?|teaspoons?|g|grams?|kg|ml|cl|dl|l|litres?|liters?|oz|ounces?|lbs?|pounds?|"
    r"cloves?|pinch|cans?|tins?|slices?|sprigs?|sticks?)\b.*)$"
)
DECLINED = re.compile(
    r"(?i)\A\W*(i(’|')?m (very |so )?sorry|i am sorry|sorry|unfortunately|i can(’|')?t|i cannot|i won(’|')t|"
    r"i(’|')m unable|i am unable)\b[^\n]{0,120}"
    r"\b(help|assist|write|comply|provide|fulfil|create|do that|complete|generate|request)"
)


class Checked(NamedTuple):
    """What an answer became. `kind` is "" for a row that stands, review for one to be looked at, else why not."""

    result: DataRow | BadRecord
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Judge:
    """Checks answers of one task. `policy` is the spec's: refuse, review or trim."""

    prompts: Prompts
    pack: Pack
    policy: str

    def check(self, ask: Ask, reply: Reply) -> Checked:
        """The row that an answer makes, or why it makes none. Pure: the same answer gets the same verdict."""
        if fault := text_fault(reply.text, ask, self.prompts):
            return refused(ask, *fault, reply.text)
        notes: dict[str, Any] = {
            "teacher": {"model": ask.request.model, "served_by": reply.model, "key": ask.request.key[:16]}
        }
        notes["teacher"] |= {"prompt": ask.request.prompt_version, "voice": ask.voice}
        judge = self._post if self.prompts.writes == "source" else self._answer
        return judge(ask, reply, notes)

    def _post(self, ask: Ask, reply: Reply, notes: dict[str, Any]) -> Checked:
        assert ask.sheet is not None
        gold = ask.gold
        if invented := invented_facts(reply.text, gold, ask.sheet, self.prompts):
            return refused(ask, "invented", f"the text states {invented}, which the recipe does not give", reply.text)
        if added := added_lines(reply.text, ask.sheet):
            return refused(
                ask, "invented", f"the text lists what the recipe does not hold: {_listed(added)}", reply.text
            )
        found = find_support(self.pack, gold, reply.text)
        text = ask.slice.added_to(reply.text, ask.sheet.title, ask.style.name, ask.request.key)
        if ask.slice.add:
            notes["added"] = ask.slice.add
        return self._decide(ask, reply, found, _row(ask, self.pack, text, gold, reply.reasoning, notes))

    def _answer(self, ask: Ask, reply: Reply, notes: dict[str, Any]) -> Checked:
        parsed = parse_answer(self.pack, reply.text, FinishReason.EOS)
        if parsed.object is None or parsed.tier not in (Tier.STRICT, Tier.EXTRACTED) or parsed.n_objects != 1:
            why = parsed.error or f"{parsed.n_objects} answers in one"
            return refused(ask, "garbage", f"the answer has not the form of the task: {why}", reply.text)
        if wrong := schema_fault(self.pack, parsed.object):
            return refused(ask, "schema", f"the answer breaks the contract: {wrong}", reply.text)
        if parsed.tier is Tier.EXTRACTED:
            notes["extracted"] = parsed.error or "something stood around the answer"
        if ask.sheet and (left := unsaid(self.pack, _expected(ask.sheet), reply.text)):
            return refused(ask, "incomplete", f"the answer leaves out {_listed(left)}", reply.text)
        source = ask.sheet.title if ask.sheet else ask.given
        checked = {key: value for key, value in parsed.object.items() if key in self.prompts.supported}
        notes["unchecked"] = [key for key in parsed.object if key not in checked]
        found = find_support(self.pack, checked, ask.given)
        return self._decide(ask, reply, found, _row(ask, self.pack, source, parsed.object, reply.reasoning, notes))

    def _decide(self, ask: Ask, reply: Reply, found: Support, row: DataRow) -> Checked:
        """What becomes of a row by its unsupported items. `row.gold` is still the object, whole."""
        row = replace(row, notes={**row.notes, "supported": list(found.fields)})
        if not found.missing:
            return self._finished(ask, reply, row)
        what = f"{len(found.missing)} of {found.n} items of the gold are not in the text: {_listed(found.missing)}"
        gone = [list(item) for item in found.missing]
        if self.policy == "refuse":
            return refused(ask, "unsupported", what, reply.text)
        if self.policy == "review":
            reviewed = replace(row, notes={**row.notes, "review": what, "not_in_text": gone})
            return self._finished(ask, reply, reviewed, "review")
        trimmed = found.trimmed(self.pack, row.gold)
        if trimmed is None or (wrong := schema_fault(self.pack, trimmed)):
            why = f"; without them the answer is of no use: {wrong}" if trimmed is not None else "; too many to cut"
            return refused(ask, "unsupported", what + why, reply.text)
        return self._finished(ask, reply, replace(row, gold=trimmed, notes={**row.notes, "trimmed": gone}))

    def _finished(self, ask: Ask, reply: Reply, row: DataRow, kind: str = "") -> Checked:
        """The row with its gold in the task's form: the object, or the text that says it."""
        if self.pack.answer.kind != "text":
            return Checked(row, kind)
        try:
            return Checked(replace(row, gold=write_sections(self.pack.answer, row.gold)), kind)
        except InputError as problem:
            return refused(ask, "garbage", str(problem).rstrip("."), reply.text)


def text_fault(text: str, ask: Ask, prompts: Prompts) -> tuple[str, str] | None:
    """(kind, reason) of the first thing that keeps a text from being what was asked for, None where nothing does."""
    if DECLINED.search(text):
        return "declined", f"the teacher declined: {text[:120]!r}"
    if fault := garbage(text):
        return "garbage", fault
    for pattern, what in LEAKS:
        if (match := re.search(pattern, text)) and match[0] not in ask.given:
            return "leaked", f"the text {what}: {match[0].strip()[:80]!r}"
    if ask.mark in text:
        return "leaked", "the text holds the marks of the prompt"
    if run := shared_run(text, prompts.instructions(ask.style, ask.slice), ask.given):
        return "leaked", f"the text repeats its instructions: {run!r}"
    return style_fault(text, ask)


def style_fault(text: str, ask: Ask) -> tuple[str, str] | None:
    """Limits and marks of the style that was asked for."""
    style, n = ask.style, len(text.split())
    if not style.least_words <= n <= style.most_words:
        return "style", f"the text has {n} words; {style.name} is {style.least_words} to {style.most_words}"
    for rule in (rule for rule in style.needs if ask.slice.asks_for(rule.of)):
        if (shown := len(rule.pattern.findall(text))) < rule.least:
            return "style", f"the text lacks {rule.what} ({shown} of {rule.least}), which {style.name} needs"
    for whose in (style, ask.slice):
        for rule in whose.never:
            if match := rule.pattern.search(text):
                return "style", f"the text holds {rule.what}, which {whose.name} never does: {match[0].strip()[:60]!r}"
    return None


def garbage(text: str) -> str:
    """Why a text is none: hardly a letter in it, or the same words over and over; "" for a text."""
    letters = sum(char.isalpha() for char in text)
    if letters < 0.4 * len("".join(text.split())):
        return f"the answer is hardly text: {letters} letters in {len(text)} characters"
    words = text.casefold().split()
    fours = {" ".join(words[at : at + 4]) for at in range(len(words) - 3)}
    if len(words) >= 60 and len(fours) < 0.5 * (len(words) - 3):
        return f"the answer repeats itself: {len(fours)} different runs of four words in {len(words)} words"
    return ""


def shared_run(text: str, instructions: str, given: str) -> str:
    """The first run of `SHARED_RUN` words that the text has from the instructions and not from the given material."""
    from_prompt, from_data = _runs(keys_of(instructions)), _runs(keys_of(given))
    shared = (_runs(keys_of(text)) & from_prompt) - from_data
    return min(shared) if shared else ""


def _runs(keys: Sequence[str]) -> set[str]:
    return {" ".join(keys[at : at + SHARED_RUN]) for at in range(len(keys) - SHARED_RUN + 1)}


def invented_facts(text: str, gold: Mapping[str, Any], sheet: Sheet, prompts: Prompts) -> str:
    """Keys that the text states, the gold lacks, and the recipe's own lines do not speak of; "" for none."""
    known = sheet.text()
    rules = [rule for rule in prompts.facts if rule.what not in gold]
    return ", ".join(rule.what for rule in rules if rule.pattern.search(text) and not rule.pattern.search(known))


def added_lines(text: str, sheet: Sheet) -> list[tuple[str, str]]:
    """("ingredient", line) of each list line with an amount and a unit that is no ingredient of the sheet.

    It is one where it shares a word of its name with an ingredient of just the same numbers.
    """
    known = [(frozenset(name_keys(item)), _numbers(item)) for item in sheet.ingredients]
    lines = [match["line"].strip() for match in LISTED.finditer(text)]
    return [
        ("ingredient", line)
        for line in lines
        if not any(names & set(name_keys(line)) and numbers == _numbers(line) for names, numbers in known)
    ]


def _numbers(text: str) -> frozenset[str]:
    return frozenset(token.key for token in tokenise(text) if token.number is not None)


def schema_fault(pack: Pack, value: Any) -> str:
    """The first complaint of the task's contract, "" for none."""
    wrong = schema_errors(value, pack.schema)
    return f"{wrong[0].path or 'the root'}: {wrong[0].message[:200]}" if wrong else ""


def refused(ask: Ask, kind: str, reason: str, text: str = "") -> Checked:
    """A record that names the row, the style and the request, and keeps the beginning of what was answered."""
    where = f"{ask.row.place}, {ask.style.name}"
    why = f"Teacher, {kind}: {reason} (request {ask.request.key[:16]})."
    return Checked(BadRecord(ask.row.origin, where, why, text[:TEXT_CHARS], kind), kind)


def _expected(sheet: Sheet) -> dict[str, Any]:
    return {"title": sheet.title, "ingredients": list(sheet.ingredients)}


def _listed(items: Sequence[tuple[str, str]]) -> str:
    shown = "; ".join(f"{field} {text[:60]!r}" for field, text in items[:5])
    return shown + (f" and {len(items) - 5} more" if len(items) > 5 else "")


def _row(
    ask: Ask, pack: Pack, source: str, gold: Any, reasoning: str, notes: Mapping[str, Any]
) -> DataRow:  # size: a row has that many parts
    row, own = ask.row, ask.row.fields.get("slice")
    return DataRow(
        pack.name, source, gold, row.group, row.origin, row.place, row.licence, ask.style.name,
        own if isinstance(own, str) and own else ask.slice.name, row.date, reasoning, notes,
    )  # fmt: skip
