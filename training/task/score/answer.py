"""All scores of one answer: does it parse, does it keep the contract, is it right, is it grounded.

`tier` names the help that counts: strict, usable (strict and extracted) or repaired (those and repaired, never a repair
of an answer that was cut short). An answer outside it scores 0 wherever a model's failure is worth 0; where a value has
no meaning without an answer it is None. Nothing here is ever 1 because nothing was there (metrics A0).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from training.task.pack import FieldSpec, Pack
from training.task.records import FinishReason, Parsed, Score, Tier
from training.task.score.anls import anls_star
from training.task.score.content import field_scores
from training.task.score.echo import echo_scores, is_echo, is_template, template_values
from training.task.score.grounding import Supported, ground_items, grounding_scores
from training.task.score.lints import lint_scores
from training.task.score.multi import multi_scores
from training.task.score.schema import CLASSES, SchemaClass, schema_classes, schema_errors
from training.task.score.slots import Outcome, count_outcomes
from training.task.score.values import LIST_KINDS, Entry, asserts_anything, entries, is_empty, right_type, text_of
from training.task.score.variety import length_scores
from training.task.score.writing import repetition_score, writing_scores

COUNTED = {
    "strict": frozenset({Tier.STRICT}),
    "usable": frozenset({Tier.STRICT, Tier.EXTRACTED}),
    "repaired": frozenset({Tier.STRICT, Tier.EXTRACTED, Tier.REPAIRED}),
}


def counted_object(parsed: Parsed, tier: str = "strict") -> dict[str, Any] | None:
    """The answer's object where its tier counts, else None. Raises KeyError for a tier that is none of `COUNTED`."""
    return parsed.object if parsed.tier in COUNTED[tier] else None


def score_answer(
    pack: Pack,
    parsed: Parsed,
    source_text: str,
    gold: dict[str, Any] | None,
    *,
    tier: str = "strict",
    raw: str | None = None,
    supported: Supported | None = None,
    finish: FinishReason | str | None = None,
) -> tuple[Score, ...]:  # size: one answer and all that may be known of it
    """Every metric of one answer. Without a gold (None) only form and grounding are scored; gold {} means "no answer
    is right", and then {} or an object that asserts nothing is the right one.

    `raw` is the answer's text, looked through for leaked instructions and measured; without it the object's own texts
    are looked through. `supported` gives by field what a person found supported by the source, and decides there;
    `finish` says why the generation ended, None where nobody knows.
    """
    obj = counted_object(parsed, tier)
    scores = [*_parse_scores(parsed), *_finish_scores(finish), *_end_scores(parsed, finish)]
    scores += _schema_scores(pack, obj, source_text)
    scores += _field_form_scores(pack, obj, source_text)
    if obj is not None:
        scores += grounding_scores(ground_items(pack, obj, source_text, supported))
        scores += lint_scores(pack, obj)
    scores += echo_scores(pack, parsed.object, source_text, raw)
    scores += writing_scores(pack, obj, source_text, raw)
    if raw is not None:
        scores += [*length_scores(raw), repetition_score(raw)]
    if gold is not None:
        scores += [*_gold_scores(pack, obj, gold, source_text), *multi_scores(pack, obj, gold)]
    return tuple(scores)


@dataclass(frozen=True, slots=True)
class Headline:
    """The few figures of a column: `schema_errors` (None without an object), `items_supported` of `items_checked`."""

    tier: Tier
    schema_errors: int | None
    items_supported: int
    items_checked: int


def headline_scores(pack: Pack, parsed: Parsed, source_text: str) -> Headline:
    """Parse tier, schema errors and supported items of whatever object the answer gave, at any tier."""
    if parsed.object is None:
        return Headline(parsed.tier, None, 0, 0)
    checked = [item for item in ground_items(pack, parsed.object, source_text) if item.supported is not None]
    n_errors = len(schema_errors(parsed.object, pack.schema))
    return Headline(parsed.tier, n_errors, sum(item.supported is True for item in checked), len(checked))


def _parse_scores(parsed: Parsed) -> list[Score]:
    how = {
        Tier.STRICT: "The whole answer is one JSON object, nothing around it.",
        Tier.EXTRACTED: "A correct JSON object stands in the answer, with other text around it.",
        Tier.REPAIRED: "The answer is broken JSON; a repair tool could make an object of it.",
        Tier.REPAIRED_TRUNCATED: "The answer was cut off; a repair tool closed what was open.",
        Tier.FAILED: "No JSON object can be read from the answer.",
    }[parsed.tier]
    if parsed.form == "text":
        how = {
            Tier.STRICT: "The whole answer is in the form that was asked for, end marker included.",
            Tier.EXTRACTED: "The form stands in the answer, with other text around it or without its end marker.",
        }.get(parsed.tier, "The answer is not in the form that was asked for.")
    scores = [Score(name, float(parsed.tier in tiers), n=1, explanation=how) for name, tiers in COUNTED.items()]
    gained = parsed.tier is Tier.REPAIRED
    scores.append(Score("repair_gain", float(gained), n=1, explanation=how))
    several = parsed.n_objects > 1
    words = f"The answer holds {parsed.n_objects} objects one after another." if several else "One object at most."
    return [*scores, Score("multi_object", float(several), n=1, explanation=words)]


def _finish_scores(finish: FinishReason | str | None) -> list[Score]:
    """`truncated`: whether the token budget ended the answer. Where something else did, that is not known."""
    if finish is None or finish in (FinishReason.ERROR, FinishReason.CANCELLED, FinishReason.TIME_LIMIT):
        return []
    cut = finish == FinishReason.LENGTH
    words = "The token budget cut the answer off." if cut else "The answer ended by itself."
    return [Score("truncated", float(cut), n=1, explanation=words)]


def _end_scores(parsed: Parsed, finish: FinishReason | str | None) -> list[Score]:
    """`ends`: whether the model ended by itself behind its JSON object. Known where it was let go on or looked at: of
    answers that hold a whole object and did not end because of it (`FinishReason.STOP`)."""
    whole = parsed.form != "text" and parsed.tier in (Tier.STRICT, Tier.EXTRACTED)
    if not whole or finish not in (FinishReason.EOS, FinishReason.RAN_ON, FinishReason.LENGTH):
        return []
    words = "It ended by itself." if finish == FinishReason.EOS else "It would have written on behind its object."
    return [Score("ends", float(finish == FinishReason.EOS), n=1, explanation=words)]


def _field_form_scores(pack: Pack, obj: dict[str, Any] | None, source_text: str) -> list[Score]:
    """By field `empty_rate` (an answer that can't be read leaves everything empty), and of what is given whether its
    type is wrong (`type_error`) and whether a time is the request's own example (`time_copied_default`)."""
    scores: list[Score] = []
    for spec in pack.fields:
        if spec.comparator == "ignore":
            continue
        value = None if obj is None else obj.get(spec.name)
        empty = is_empty(value)
        said = "Nothing is given." if empty else "Something is given."
        scores.append(Score("empty_rate", float(empty), spec.name, n=1, explanation=f"{spec.label}: {said}"))
        if empty:
            continue
        wrong = not right_type(spec, value) or not all(entry.fits for entry in _listed(spec, value))
        words = f"{spec.label}: {'not ' if wrong else ''}of the type that was asked for."
        scores.append(Score("type_error", float(wrong), spec.name, n=1, explanation=words))
        if spec.comparator == "duration":
            copied = is_echo(text_of(value), template_values(pack), source_text)
            words = f"{spec.label}: {'the request' if copied else 'not the request'}'s own example."
            scores.append(Score("time_copied_default", float(copied), spec.name, n=1, explanation=words))
    return scores


def _listed(spec: FieldSpec, value: Any) -> list[Entry]:
    return entries(spec, value) if spec.kind in LIST_KINDS else []


def _schema_scores(pack: Pack, obj: dict[str, Any] | None, source_text: str) -> list[Score]:
    """`schema_valid`, `schema_errors`, and by field the class of what is broken, `schema_KIND`: of every object whether
    a field is missing, of those that give it whether it breaks its rules. The template sent back keeps no contract,
    whatever its types."""
    if obj is None:
        why = "There is no object to hold against the contract, which counts as not keeping it."
        none = [Score("schema_valid", 0.0, n=1, explanation=why), Score("schema_errors", None, explanation=why)]
        return [*none, *(_profile_score(schema, name, None) for name, schema in pack.profiles.items())]
    errors = schema_errors(obj, pack.schema)
    why = (
        f"{len(errors)} of the contract's rules broken, first: {errors[0].message}."
        if errors
        else "Keeps the contract."
    )
    echoed = not errors and is_template(pack, obj, source_text)
    why = "The values are the contract's own words: the template, not an answer." if echoed else why
    return [
        Score("schema_valid", float(not errors and not echoed), n=1, explanation=why),
        Score("schema_errors", float(len(errors)), n=1, explanation=why),
        *(_profile_score(schema, name, obj, echoed) for name, schema in pack.profiles.items()),
        *(_class_score(pack, found) for found in schema_classes(obj, pack.schema, errors)),
    ]


def _profile_score(schema: dict[str, Any], name: str, obj: dict[str, Any] | None, echoed: bool = False) -> Score:
    """`schema_profile`, by the profile's name: whether the object keeps another schema. 0 without an object."""
    errors = schema_errors(obj, schema)
    kept = obj is not None and not errors and not echoed
    words = f"Keeps {name}." if kept else f"Does not keep {name}{f': {errors[0].message}' if errors else ''}."
    return Score("schema_profile", float(kept), name, n=1, explanation=words)


def _class_score(pack: Pack, found: SchemaClass) -> Score:
    spec = pack.field(found.field)
    what = spec.label if spec else f"The key {found.field}" if found.field else "The answer"
    words = f"{what}: {CLASSES[found.kind]}." if found.broken else f"{what}: this rule of the contract is kept."
    return Score(f"schema_{found.kind}", float(found.broken), found.field, n=1, explanation=words)


def _gold_scores(pack: Pack, obj: dict[str, Any] | None, gold: dict[str, Any], source_text: str) -> list[Score]:
    specs = [spec for spec in pack.fields if spec.comparator != "ignore"]
    scores: list[Score] = []
    outcomes: list[Outcome] = []
    for spec in specs:
        scored = field_scores(spec, gold.get(spec.name), obj, source_text)
        scores += [score for score in scored.scores if pack.answer.grounded or score.metric != "qty_halluc"]
        outcomes.append(scored.outcome)
    scores += [_omission(specs, gold, scores), _anls(specs, gold, obj)]
    scores += _slot_scores([(spec, outcome) for spec, outcome in zip(specs, outcomes, strict=True)], obj is None)
    if asserts_anything(pack, gold):
        exact = obj is not None and all(outcome in (Outcome.CORRECT, Outcome.NULL_OK) for outcome in outcomes)
        words = "Every part of the record is right." if exact else "At least one part of the record is not right."
        scores.append(Score("exact_record", float(exact), n=1, explanation=words))
        return scores
    abstained = obj is not None and not asserts_anything(pack, obj)
    words = "The text holds no answer, and the model " + ("said so." if abstained else "did not say so.")
    return [*scores, Score("abstain", float(abstained), n=1, explanation=words)]


def _slot_scores(outcomes: Sequence[tuple[FieldSpec, Outcome]], failed: bool) -> list[Score]:
    """`slot_f1`, `slot_precision`, `slot_recall` over the single values of one answer (metrics A3).

    A failed answer misses what the gold has and asserts nothing, so it is not spurious where the gold is empty.
    """
    found = [outcome for spec, outcome in outcomes if spec.kind not in LIST_KINDS]
    if not found:
        return []
    counts = count_outcomes(outcome for outcome in found if not (failed and outcome is Outcome.SPURIOUS))
    filled = counts.correct + counts.incorrect
    given, wanted = filled + counts.spurious, filled + counts.missing
    words = f"{counts.correct} of {wanted} single values are right, among {given} given."
    return [
        Score("slot_f1", counts.f1, n=given + wanted, explanation=words),
        Score("slot_precision", counts.precision, n=given, explanation=words),
        Score("slot_recall", counts.recall, n=wanted, explanation=words),
    ]


def _anls(specs: Sequence[FieldSpec], gold: dict[str, Any], obj: dict[str, Any] | None) -> Score:
    """ANLS* over all fields that are compared; 0 without an answer, None where neither side says anything."""
    names = [spec.name for spec in specs]
    right, given = ({name: one[name] for name in names if name in one} for one in (gold, obj or {}))
    value = anls_star(right, given) if obj is not None else 0.0
    return Score("anls_star", value, n=1, explanation="How alike the two answers' texts are, leaf by leaf (ANLS*).")


def _omission(specs: Sequence[FieldSpec], gold: dict[str, Any], scores: Sequence[Score]) -> Score:
    """Missing items and values over all the gold's; None where the gold has none."""
    total = sum(
        len(entries(spec, gold.get(spec.name))) if spec.kind in LIST_KINDS else int(not is_empty(gold.get(spec.name)))
        for spec in specs
    )
    missing = sum(score.value or 0.0 for score in scores if score.metric == "missing")
    words = f"{missing:.0f} of the {total} things in the right answer are missing here."
    return Score("omitted", missing / total if total else None, n=total, explanation=words)
