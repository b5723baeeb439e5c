"""Every metric that a summary holds: its name, what it is computed from, which way is better, where it is explained.

A metric's name is `name` or `name:field`. kind: rate (0 or 1 a document, Wilson) | mean (over documents, BCa) | pooled
(sum over sum, over all items of all documents) | corpus (one number of all documents together, such as a kappa).
`Cells`, `Measured`, `measure` and `measure_all` stand here too, so that who reads evaluations imports one module.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from training.errors import PackError
from training.evals.cells import Cells, Key
from training.evals.measuring import Kind, Measured, measure, measure_all
from training.task.pack import FieldSpec, Pack
from training.task.score.schema import CLASSES, contract_classes
from training.task.score.values import LIST_KINDS

__all__ = [
    "Cells", "Measured", "MetricSpec", "confirmatory_metrics", "measure", "measure_all", "metric_specs",
    "primary_metric", "spec_named",
]  # fmt: skip

Better = Literal["higher", "lower", "none"]
Group = Literal["form", "content", "grounding", "relevance", "text", "speed"]


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """One metric of a pack. `keys` are the (metric, field) of the scores that it is computed from.

    `unit` is "" for shares of 1, else a word to print after the number. `page` is the slug of its page in
    assets/metrics. `ordinal`: whole steps on a scale, so that a pair of arms is compared by ranks.
    """

    name: str
    kind: Kind
    keys: tuple[Key, ...]
    label: str
    better: Better = "higher"
    unit: str = ""
    group: Group = "content"
    page: str = ""
    ordinal: bool = False


# name, kind, what people read, which way is better, unit, page
_Row = tuple[str, Kind, str, Better, str, str]
FORM: tuple[_Row, ...] = (
    ("strict", "rate", "Parses as it stands", "higher", "", "parse-tiers"),
    ("usable", "rate", "Parses, text around it ignored", "higher", "", "parse-tiers"),
    ("repaired", "rate", "Parses, repaired if need be", "higher", "", "parse-tiers"),
    ("repair_gain", "rate", "Parses only by repair", "none", "", "parse-tiers"),
    ("truncated", "rate", "Cut off by the token budget", "lower", "", "parse-tiers"),
    ("ends", "rate", "Ends by itself behind its object", "higher", "", "parse-tiers"),
    ("schema_valid", "rate", "Keeps the contract", "higher", "", "schema"),
    ("schema_errors", "mean", "Broken rules an answer", "lower", "rules", "schema"),
    ("multi_object", "rate", "More than one object", "lower", "", "parse-tiers"),
    ("template_echo", "rate", "Repeats the template", "lower", "", "echo"),
    ("prompt_leak", "rate", "Repeats its instructions", "lower", "", "echo"),
    ("repetition", "mean", "Says the same again", "lower", "", "writing"),
)
GROUNDING: tuple[_Row, ...] = (
    ("hallucinated", "pooled", "Made-up items", "lower", "", "grounding"),
    ("hallucinated_docs", "rate", "Answers with something made up", "lower", "", "grounding"),
    ("omitted", "pooled", "Left out though it was there", "lower", "", "grounding"),
)
LISTS: tuple[_Row, ...] = (
    ("f1", "mean", "F1", "higher", "", "lists"),
    ("precision", "mean", "precision", "higher", "", "lists"),
    ("recall", "mean", "recall", "higher", "", "lists"),
    ("micro_f1", "pooled", "F1 over all items", "higher", "", "lists"),
    ("soft_f1", "mean", "F1, near matches counted in part", "higher", "", "lists"),
    ("jaccard", "mean", "Jaccard", "higher", "", "lists"),
    ("empty_rate", "rate", "left empty", "none", "", "abstention"),
)
STEPS: tuple[_Row, ...] = (
    ("ordered_f1", "mean", "F1 in the right order", "higher", "", "order"),
    ("order_lis", "mean", "matched and in order", "higher", "", "order"),
    ("order_tau", "mean", "order of the matched (tau)", "higher", "", "order"),
    ("content_precision", "mean", "words shared, of those given", "higher", "", "lists"),
    ("content_recall", "mean", "words shared, of the right ones", "higher", "", "lists"),
)
AMOUNTS: tuple[_Row, ...] = (
    ("qty_acc", "pooled", "right amounts", "higher", "", "quantities"),
    ("unit_acc", "pooled", "right units", "higher", "", "quantities"),
    ("ingredient_exact", "pooled", "matched with the right amount", "higher", "", "quantities"),
)
RELEVANCE: tuple[_Row, ...] = (
    ("mae_penalised", "mean", "error, missing counts as the largest", "lower", "points", "relevance"),
    ("mae_parsed", "mean", "error of those given", "lower", "points", "relevance"),
    ("within_one", "rate", "within one point", "higher", "", "relevance"),
    ("skill", "corpus", "better than the best constant", "higher", "", "relevance"),
    ("qwk", "corpus", "agreement (weighted kappa)", "higher", "", "relevance"),
    ("spearman", "corpus", "rank correlation", "higher", "", "relevance"),
    ("r2", "corpus", "R2", "higher", "", "relevance"),
)
SUMMARY: tuple[_Row, ...] = (
    ("rouge1", "mean", "ROUGE-1", "higher", "", "text-overlap"),
    ("rouge2", "mean", "ROUGE-2", "higher", "", "text-overlap"),
    ("rougeLsum", "mean", "ROUGE-Lsum", "higher", "", "text-overlap"),
    ("rouge_l", "mean", "ROUGE-L", "higher", "", "text-overlap"),
)
WRITING: tuple[_Row, ...] = (
    ("end_marker", "rate", "Has its end marker", "higher", "", "writing"),
    ("sections", "mean", "Sections there and in order", "higher", "", "writing"),
    ("amounts_given", "mean", "Ingredients with an amount", "higher", "", "writing"),
    ("named_in_steps", "mean", "Ingredients that the steps use", "higher", "", "writing"),
    ("on_title", "mean", "Asked words in the title", "higher", "", "writing"),
    ("copied", "pooled", "Runs of 13 words from the training rows", "lower", "", "writing"),
    ("copied_longest", "mean", "Longest run from the training rows", "lower", "words", "writing"),
)
TEXT: tuple[_Row, ...] = (
    ("chars", "mean", "Length", "none", "characters", "variety"),
    ("words", "mean", "Words", "none", "words", "variety"),
    ("length_cv", "mean", "Spread of length over samples", "none", "", "variety"),
    ("distinct2", "mean", "Different word pairs over samples", "none", "", "variety"),
    ("self_bleu", "mean", "Samples alike", "none", "", "variety"),
    ("bits_per_byte", "pooled", "Bits a byte of the right answer", "lower", "bits", "bits-per-byte"),
)
LINTS: tuple[_Row, ...] = (
    ("lint:empty_critical", "rate", "Lacks what a record needs", "lower", "", "schema"),
    ("lint:total_time", "rate", "Times that do not add up", "lower", "", "schema"),
    ("lint:food_not_listed", "rate", "Steps use food that is not listed", "lower", "", "schema"),
)
RECIPES: tuple[_Row, ...] = (
    ("recipe_count", "rate", "Right number of recipes", "higher", "", "recipes"),
    ("recipe_f1", "mean", "Recipes found (F1)", "higher", "", "recipes"),
    ("recipe_item_f1", "mean", "Ingredients in their own recipe (F1)", "higher", "", "recipes"),
    ("cross_leak", "pooled", "Ingredients of another recipe", "lower", "", "recipes"),
)
SPEED: tuple[_Row, ...] = (
    ("latency_s", "mean", "One document alone", "lower", "s", "speed"),
    ("latency_p50", "corpus", "One document alone, half are faster", "lower", "s", "speed"),
    ("latency_p95", "corpus", "One document alone, 95 % are faster", "lower", "s", "speed"),
    ("ttft_s", "mean", "To the first token", "lower", "s", "speed"),
    ("prefill_tokens_per_s", "mean", "Prompt tokens a second", "higher", "tokens/s", "speed"),
    ("tokens_per_s", "mean", "Tokens a second", "higher", "tokens/s", "speed"),
    ("chars_per_s", "mean", "Characters a second", "higher", "characters/s", "speed"),
    ("new_tokens", "mean", "Tokens an answer", "none", "tokens", "speed"),
)
CORPUS_KEYS = {
    "skill": ("relevance_gold", "relevance_counted"),
    "qwk": ("relevance_gold", "relevance_counted"),
    "spearman": ("relevance_gold", "relevance_counted"),
    "r2": ("relevance_gold", "relevance_counted"),
    "latency_p50": ("latency_s",),
    "latency_p95": ("latency_s",),
}
ORDINAL = frozenset({"mae_penalised", "mae_parsed"})
SOURCES = {"micro_f1": "f1"}  # computed from another metric's scores


def metric_specs(pack: Pack) -> tuple[MetricSpec, ...]:
    """Every metric of a task, the primary one first. Names are unique."""
    found = {spec.name: spec for spec in _specs(pack)}
    first = pack.evaluation.primary or _first(pack)
    if first not in found:
        raise PackError(
            f"{pack.path}: the primary metric {first!r} is none of this task's.",
            fix=f"Choose one such as {', '.join(list(found)[:3])}.",
        )
    return (found.pop(first), *found.values())


def primary_metric(pack: Pack) -> str:
    """The one figure that says whether tuning helped: what the pack declares, else its first list's F1."""
    return metric_specs(pack)[0].name


def confirmatory_metrics(pack: Pack) -> tuple[str, ...]:
    """What is tested beside the primary metric and corrected together: what the pack declares, else a usual few."""
    names = [spec.name for spec in metric_specs(pack)]
    wanted = pack.evaluation.confirmatory or _usual(names)
    if strange := [name for name in wanted if name not in names]:
        raise PackError(
            f"{pack.path}: the confirmatory metric {strange[0]!r} is none of this task's.",
            fix=f"Choose some of: {', '.join(names)}.",
        )
    return tuple(name for name in dict.fromkeys(wanted) if name != names[0])


def spec_named(pack: Pack, name: str) -> MetricSpec | None:
    """The metric of that name, None where the task has none such."""
    return next((spec for spec in metric_specs(pack) if spec.name == name), None)


def _first(pack: Pack) -> str:
    lists = [spec for spec in pack.fields if spec.kind in LIST_KINDS]
    if lists:
        return f"f1:{lists[0].name}"
    compared = [spec for spec in pack.fields if spec.comparator != "ignore"]
    names = {"relevance": "mae_penalised", "summary": "rougeLsum"}
    return f"{names.get(compared[0].comparator, 'slot')}:{compared[0].name}" if compared else "strict"


def _usual(names: Sequence[str]) -> tuple[str, ...]:
    wanted = ("strict", "schema_valid", "hallucinated_docs", "omitted", "abstain_acc", "exact_record")
    return tuple(name for name in wanted if name in names)


def _specs(pack: Pack) -> Iterator[MetricSpec]:
    compared = [spec for spec in pack.fields if spec.comparator != "ignore"]
    text = pack.answer.kind == "text"
    yield from _plain(FORM, "form")
    yield from (_of_field("type_error", "rate", spec, "wrong type", "lower", "schema", "form") for spec in compared)
    for kind, name in contract_classes(pack.schema):
        spec = pack.field(name)
        label = f"{spec.label if spec else name or 'Answer'}: {CLASSES[kind]}"
        full = f"schema_{kind}:{name}" if name else f"schema_{kind}"
        yield MetricSpec(full, "rate", ((f"schema_{kind}", name),), label, "lower", group="form", page="schema")
    for name in pack.profiles:
        full, label = f"schema_profile:{name}", f"Keeps {name}"
        yield MetricSpec(full, "rate", (("schema_profile", name),), label, group="form", page="schema")
    for spec in compared:
        yield from _field_specs(spec, pack.answer.grounded)
    yield from _over_fields(compared)
    if pack.answer.grounded:
        yield from _plain(GROUNDING, "grounding")
    else:
        yield from _plain(GROUNDING[2:], "grounding")
    yield from _plain(LINTS, "form")
    if any(spec.comparator == "list_ingredient" for spec in pack.fields) and not text:
        yield from _plain(RECIPES, "content")
    if text:
        yield from _plain(WRITING, "text")
    yield from _plain(TEXT, "text")
    yield from _plain(SPEED, "speed")


def _over_fields(compared: Sequence[FieldSpec]) -> Iterator[MetricSpec]:
    """Figures over several fields at once, and over whole records."""
    scalars = [spec for spec in compared if spec.kind not in LIST_KINDS]
    if scalars:
        for name, label in (("slot_f1", "F1"), ("slot_precision", "precision"), ("slot_recall", "recall")):
            yield MetricSpec(name, "pooled", ((name, ""),), f"Single values: {label}", page="slots")
    if durations := [spec.name for spec in compared if spec.comparator == "duration"]:
        keys = tuple(("slot", name) for name in durations)
        yield MetricSpec("duration_exact", "pooled", keys, "Times: exact", page="durations")
    keys = tuple(("abstain", spec.name) for spec in compared)
    yield MetricSpec("abstain_acc", "pooled", keys, "Leaves out what is absent", page="abstention")
    yield MetricSpec("abstain_record", "rate", (("abstain", ""),), "Says nothing where nothing is", page="abstention")
    yield MetricSpec("exact_record", "rate", (("exact_record", ""),), "Whole record right", page="slots")
    yield MetricSpec("anls_star", "mean", (("anls_star", ""),), "ANLS*", page="anls-star")


def _field_specs(spec: FieldSpec, grounded: bool) -> Iterator[MetricSpec]:
    rows: list[_Row] = []
    if spec.kind in LIST_KINDS:
        rows += LISTS
        rows += STEPS if spec.comparator == "list_steps" else ()
        rows += AMOUNTS if spec.comparator == "list_ingredient" else ()
        if spec.comparator == "list_ingredient" and grounded:
            rows.append(("qty_halluc", "pooled", "made-up amounts", "lower", "", "quantities"))
    else:
        rows.append(("slot", "rate", "right", "higher", "", "slots"))
        rows.append(("empty_rate", "rate", "left empty", "none", "", "abstention"))
    rows += RELEVANCE if spec.comparator == "relevance" else ()
    rows += SUMMARY if spec.comparator == "summary" else ()
    if spec.comparator == "text" and spec.kind not in LIST_KINDS:
        rows.append(("text_similarity", "mean", "shared wording", "higher", "", "slots"))
    if spec.comparator == "set":
        rows.append(("set_f1", "mean", "F1 of the entries", "higher", "", "slots"))
        rows.append(("jaccard", "mean", "Jaccard", "higher", "", "lists"))
    if spec.comparator == "duration":
        rows.append(("duration_error_minutes", "mean", "off by", "lower", "minutes", "durations"))
        rows.append(("time_copied_default", "rate", "copied from the request", "lower", "", "durations"))
    if grounded and spec.comparator != "relevance":
        rows.append(("hallucinated", "pooled", "made up", "lower", "", "grounding"))
    rows.append(("abstain", "rate", "left out where absent", "higher", "", "abstention"))
    rows.append(("agreement", "mean", "agreement of samples", "none", "", "variety"))
    for name, kind, label, better, unit, page in rows:
        group: Group = "content"
        group = "grounding" if name in ("hallucinated", "qty_halluc") else group
        group = "relevance" if spec.comparator == "relevance" else group
        yield _of_field(name, kind, spec, label, better, page, group, unit)


def _of_field(  # size: a metric has as many sides as a row of the tables above
    name: str, kind: Kind, spec: FieldSpec, label: str, better: Better, page: str, group: Group, unit: str = ""
) -> MetricSpec:
    sources = CORPUS_KEYS.get(name, (SOURCES.get(name, name),))
    keys = tuple((source, spec.name) for source in sources)
    full = f"{name}:{spec.name}"
    return MetricSpec(full, kind, keys, f"{spec.label}: {label}", better, unit, group, page, name in ORDINAL)


def _plain(rows: Sequence[_Row], group: Group) -> Iterator[MetricSpec]:
    for name, kind, label, better, unit, page in rows:
        keys = tuple((source, "") for source in CORPUS_KEYS.get(name, (name,)))
        keys = ((name, "totalTime"),) if name == "lint:total_time" else keys
        yield MetricSpec(name, kind, keys, label, better, unit, group, page)
