"""What happened, in the reader's words. Pure: records (JSON form) to short sentences, no markup."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from studio.views.markup import number, plural
from training.task.records import FinishReason, Tier

REPAIRED_TIERS = (Tier.REPAIRED, Tier.REPAIRED_TRUNCATED)


class Verdict(NamedTuple):
    """`level` is ok | quiet | flag | warn | bad and picks colour and icon; `words` say the same.

    bad: can't be used as it is; warn: only after help; flag: usable, with something in it to distrust.
    """

    level: str
    words: str


def open_key(raw: str) -> str:
    """The top-level key whose value was still open when `raw` ends, or "" where none was. Strings are skipped whole."""
    depth, key, last_string, index = 0, "", "", max(raw.find("{"), 0)
    expecting_key = False
    while index < len(raw):
        char = raw[index]
        if char == '"':
            end = _string_end(raw, index)
            if depth == 1 and expecting_key:
                last_string = raw[index + 1 : end]
            index = end
        elif char in "{[":
            depth += 1
            expecting_key = depth == 1
        elif char in "}]":
            depth -= 1
        elif char == ":" and depth == 1 and expecting_key:
            key, expecting_key = last_string, False
        elif char == "," and depth == 1:
            key, expecting_key = "", True
        index += 1
    return key if depth >= 1 else ""


def _string_end(raw: str, start: int) -> int:
    """Index of the quote that closes the string opened at `start`, or the end of the text."""
    index = start + 1
    while index < len(raw) and raw[index] != '"':
        index += 2 if raw[index] == "\\" else 1
    return min(index, len(raw))


def finish_words(generation: Mapping[str, Any]) -> str:
    """Why the answer ended: 'stopped at 512 tokens inside recipeIngredient', 'ended its answer itself', ..."""
    tokens = plural(int(generation["new_tokens"]), "token")
    key = open_key(str(generation["raw"]))
    inside = f" inside {key[:60]}" if key else ""
    return {
        FinishReason.EOS: f"ended by the model{inside}",
        FinishReason.STOP: "complete object" if "{" in str(generation["raw"]) else "complete answer",
        FinishReason.RAN_ON: "complete object, then ended for it",
        FinishReason.LENGTH: f"stopped at {tokens}{inside}",
        FinishReason.CANCELLED: f"cancelled by you after {tokens}{inside}",
        FinishReason.TIME_LIMIT: f"stopped at the time limit after {tokens}{inside}",
        FinishReason.ERROR: f"the run failed after {tokens}{inside}",
    }[FinishReason(generation["finish_reason"])]


def parse_verdict(result: Mapping[str, Any]) -> Verdict:
    """The first chip: how much help this answer needed to become an object (metrics A1)."""
    parsed, generation = result["parsed"], result["generation"]
    tier, finish = Tier(parsed["tier"]), FinishReason(generation["finish_reason"])
    if is_text(parsed):
        return _text_verdict(parsed, generation)
    if tier is Tier.STRICT:
        return Verdict("ok", "strict JSON" if parsed["object"] else "strict JSON, empty")
    if tier is Tier.EXTRACTED:
        around = int(parsed["prefix_chars"]) + int(parsed["suffix_chars"])
        several = f", first of {parsed['n_objects']} objects" if int(parsed["n_objects"]) > 1 else ""
        return Verdict("warn", f"JSON with {plural(around, 'character')} around it{several}")
    if tier in REPAIRED_TIERS:
        return Verdict("warn", f"not JSON, repaired: {_repair_words(parsed, generation)}")
    if not str(generation["raw"]).strip():
        return Verdict("bad", f"no answer: {finish_words(generation)}")
    if finish in (FinishReason.EOS, FinishReason.STOP, FinishReason.RAN_ON) and "{" not in generation["raw"]:
        return Verdict("bad", "not JSON: no object in the answer")
    return Verdict("bad", f"not JSON: {finish_words(generation)}")


def is_text(parsed: Mapping[str, Any]) -> bool:
    """Whether the task's answers are text in sections rather than JSON; a comparison that does not say so is JSON."""
    return parsed.get("form", "json") == "text"


def _text_verdict(parsed: Mapping[str, Any], generation: Mapping[str, Any]) -> Verdict:
    """The first chip of a text answer; nothing repairs one."""
    tier = Tier(parsed["tier"])
    if tier is Tier.STRICT:
        return Verdict("ok", "exactly in form" if parsed["object"] else "exactly in form, empty")
    if tier is Tier.EXTRACTED:
        around = int(parsed["prefix_chars"]) + int(parsed["suffix_chars"])
        return Verdict("warn", f"in form, with {plural(around, 'character')} around it" if around else "nearly in form")
    if not str(generation["raw"]).strip():
        return Verdict("bad", f"no answer: {finish_words(generation)}")
    return Verdict("bad", f"not in form: {finish_words(generation)}")


def _repair_words(parsed: Mapping[str, Any], generation: Mapping[str, Any]) -> str:
    if Tier(parsed["tier"]) is Tier.REPAIRED_TRUNCATED:
        return finish_words(generation)
    repairs = int(parsed["repairs"])
    return plural(repairs, "repair") if repairs else "this is not what the model wrote"


def schema_verdict(result: Mapping[str, Any]) -> Verdict:
    """Errors against the schema in the prompt; not checked where there is no object."""
    if result["parsed"]["object"] is None:
        return Verdict("quiet", "schema not checked")
    errors = len(result["schema_errors"])
    if errors:
        return Verdict("bad", plural(errors, "schema error"))
    mended = Tier(result["parsed"]["tier"]) in REPAIRED_TIERS
    return Verdict("quiet", "schema valid only after repair") if mended else Verdict("ok", "schema valid")


def support_verdict(result: Mapping[str, Any]) -> Verdict:
    """k of n checkable items stand in the source; items that cannot be checked are in neither."""
    checked = [item for item in result["items"] if item["supported"] is not None]
    if not checked:
        return Verdict("quiet", "no items to check")
    supported = sum(1 for item in checked if item["supported"])
    words = f"{number(supported)} of {number(len(checked))} items in the text"
    return Verdict("ok" if supported == len(checked) else "flag", words)


def proof_verdict(proof: Mapping[str, Any]) -> Verdict:
    if not proof["passed"]:
        return Verdict("bad", "weights not proven")
    return Verdict("ok", "proven: adapter off" if proof["adapter_state"] == "off" else "proven: adapter on")


def share_words(share: float) -> str:
    """A share 0..1 as percent; what is not all is never rounded up to 100 %, nor something down to 0 %."""
    percent = round(100 * share)
    if percent == 100 and share < 1:
        return "over 99 %"
    return "under 1 %" if percent == 0 and share > 0 else f"{percent} %"


def moment(created: str) -> str:
    """'20 Nov 2026, 23:15 UTC' of an ISO 8601 time; the text itself where it is none."""
    try:
        then = datetime.fromisoformat(created)
    except ValueError:
        return created
    then = (then if then.tzinfo else then.replace(tzinfo=UTC)).astimezone(UTC)
    return f"{then.day} {then:%b %Y, %H:%M} UTC"


def says_nothing_here(result: Mapping[str, Any]) -> bool:
    """True for a strict or extracted `{}`: the model says that this text holds nothing of the kind."""
    return result["parsed"]["object"] == {} and Tier(result["parsed"]["tier"]) in (Tier.STRICT, Tier.EXTRACTED)


def short_line(result: Mapping[str, Any]) -> str:
    """The same in a few words, for one line over all columns: 'not JSON', 'strict JSON, 17 of 18 items in the text'."""
    if says_nothing_here(result):
        return "says that this text holds none"
    parsed = result["parsed"]
    if is_text(parsed):
        return _text_verdict(parsed, result["generation"]).words
    tier = {
        Tier.STRICT: "strict JSON",
        Tier.EXTRACTED: "JSON inside other text",
        Tier.REPAIRED: "not JSON, repaired",
        Tier.REPAIRED_TRUNCATED: "not JSON, repaired",
    }.get(Tier(parsed["tier"]), "not JSON" if str(result["generation"]["raw"]).strip() else "no answer")
    if Tier(parsed["tier"]) not in (Tier.STRICT, Tier.EXTRACTED):
        return tier
    schema, support = schema_verdict(result), support_verdict(result)
    return ", ".join(
        [tier, *(v.words for v in (schema, support) if v.level not in ("quiet",) and v.words != "schema valid")]
    )


def one_line(result: Mapping[str, Any]) -> str:
    """An arm's whole verdict: 'strict JSON, schema valid, 14 of 14 items in the text'."""
    if says_nothing_here(result):
        return "says that this text holds none"
    verdicts = [parse_verdict(result)]
    if result["parsed"]["object"] is not None:
        verdicts += [schema_verdict(result), support_verdict(result)]
    return ", ".join(verdict.words for verdict in verdicts)
