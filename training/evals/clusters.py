"""Error clusters: what went wrong with one answer, in the order in which it is best mended (metrics E).

`error_clusters` looks through the whole list. The first that fits is the answer's primary cluster, all that fit are its
tags, so that a Pareto chart counts each answer once and a filter still finds everything. Each cluster says in plain
words what it is, who most likely has to act (data, prompt, decoding, training, export or label) and what to do.
Promise: it returns for any answer. Limits: rules over words and numbers, so a paraphrase may pass for an omission with
an invention; the owner is the likely one, not a proof.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from training.evals import cluster_content as content
from training.evals import cluster_rules as rules
from training.evals.cluster_case import Case
from training.evals.records import Answered, EvalRow
from training.task.pack import Pack
from training.task.records import Parsed, Score

Owner = Literal["data", "prompt", "decoding", "training", "export", "label"]
MOST_TARGETED, LEAST_TARGETED = 100, 20  # rows that mend a cluster: aimed ones, not many


@dataclass(frozen=True, slots=True)
class Cluster:
    """`name` is a tag without its field. `kind` form: the answer can't be read or breaks the contract; content: it says
    something wrong; label: the right answer is in doubt. `extra` marks those that metrics E does not list."""

    name: str
    title: str
    owner: Owner
    recipe: str
    kind: Literal["form", "content", "label"]
    rule: rules.Rule
    extra: bool = False


def _form(name: str, title: str, owner: Owner, recipe: str, rule: rules.Rule) -> Cluster:
    return Cluster(name, title, owner, recipe, "form", rule)


def _content(name: str, title: str, owner: Owner, recipe: str, rule: rules.Rule) -> Cluster:
    return Cluster(name, title, owner, recipe, "content", rule)


def _extra(name: str, title: str, owner: Owner, recipe: str, rule: rules.Rule) -> Cluster:
    return Cluster(name, title, owner, recipe, "content", rule, extra=True)


# The order decides which of an answer's clusters is the primary one.
_LIST = (
    _form("no_json", "No answer in the form that was asked for", "training",
          "Check that training and answering render the same prompt and that the loss lies on the answer alone; then "
          "add 40 short rows of the plain slice.", rules.no_json),
    _form("prose_wrapped", "Other text around the answer", "training",
          "Look for golds with text around them, then train a little longer; the constrained arm shows what the form "
          "alone costs.", rules.prose_wrapped),
    _form("truncated_by_budget", "Cut off by the token budget", "decoding",
          "Raise max_new_tokens above the longest gold of the test part; where it is, add 30 long rows with a whole "
          "answer.", rules.truncated),
    _form("never_stops", "Goes on without end, or in a loop", "training",
          "Check that the end token is inside the loss and in the end ids of generation, and that the repetition "
          "penalty is 1; then 20 rows whose answers end early.", rules.never_stops),
    _form("multi_object", "Several answers one after another", "training",
          "Check the end token as for loops; then 20 rows with two items in one text and one answer.",
          rules.multi_object),
    _form("duplicate_keys", "The same key given twice", "training",
          "Look for such golds; then 20 rows with many fields. Constrained decoding forbids it.", rules.duplicate_keys),
    _form("template_echo", "Repeats the words of the template", "prompt",
          "Take filled-in examples out of the prompt or the schema; add 30 rows whose page shows a template that is "
          "not the answer.", rules.template_echo),
    _form("prompt_leak", "Repeats its instructions", "training",
          "Check that the prompt is masked out of the loss; then 20 plain rows.", rules.prompt_leak),
    _form("wrong_root", "JSON, but no object", "training",
          "Look for golds that are lists; then 20 rows with several items and one object as the answer.",
          rules.wrong_root),
    Cluster("broken_json", "The form is broken; only a repair can read it", "training",
            "See where it breaks: quotes and line breaks inside copied text want 40 rows that hold them; constrained "
            "decoding shows the rest.", "form", rules.broken_form, extra=True),
    _form("missing_required", "A required field is missing", "data",
          "20 rows with this field in unusual places of the text; check that the prompt names the key.",
          rules.missing_required),
    _form("type_error", "A field has the wrong type or form", "data",
          "Check the golds against the schema, then 20 rows for this field.", rules.type_errors),
    _form("extra_keys", "Keys that the contract does not have", "data",
          "Check that the prompt names all keys; 20 rows whose page shows other keys.", rules.extra_keys),
    _form("bad_duration", "A time that is no ISO 8601 duration", "data",
          "40 rows with times written in many ways: ranges, hours and a half, words.", rules.bad_duration),
    Cluster("wrong_refusal", "Gave nothing though the text has an answer", "data",
            "Fewer rows without an answer in training, or 40 rows whose answer stands deep in other talk.", "content",
            rules.wrong_refusal, extra=True),
    _content("empty_list_on_nonempty_gold", "A list left empty that the text fills", "data",
             "40 rows where this list stands in running text, not below a heading.", content.empty_list),
    _content("ingredient_omitted", "An ingredient is missing", "data",
             "60 rows with long or grouped ingredient lists; check how much of the text the model was shown.",
             content.ingredient_omitted),
    _content("ingredient_hallucinated", "An ingredient that the text does not name", "data",
             "60 rows with short lists and rows without any; check the golds for items that the text lacks.",
             content.ingredient_hallucinated),
    _content("quantity_wrong", "A wrong amount", "data",
             "60 rows with fractions, ranges and two amounts in a line.", content.quantity_wrong),
    _content("unit_wrong", "A wrong unit", "data",
             "40 rows with both systems of units, copied as they stand.", content.unit_wrong),
    _content("range_collapsed", "A range told as one number", "data",
             "30 rows with ranges (2-3, two or three), copied whole.", content.range_collapsed),
    _content("name_merged", "Two ingredients told as one", "data",
             "40 rows with near names side by side, each on its line.", content.name_merged),
    _content("name_split", "One ingredient told as two", "data",
             "30 rows with 'and', commas and brackets inside a line.", content.name_split),
    _content("steps_merged", "Several steps told as one", "data",
             "Decide how golds cut steps, mend those that differ, then 30 rows in that cut.", content.steps_merged),
    _content("steps_split", "One step told as several", "data",
             "Decide how golds cut steps, mend those that differ, then 30 rows in that cut.", content.steps_split),
    _content("steps_out_of_order", "Steps in another order", "data",
             "40 rows with numbered and unnumbered steps, and with components.", content.steps_out_of_order),
    _content("time_invented", "A time that the text does not give", "data",
             "60 rows without times; check the golds for times that nobody printed.", content.time_invented),
    _content("time_wrong", "A time that differs from the text", "data",
             "40 rows with several times in one text.", content.time_wrong),
    _content("default_value_copied", "A value copied from the prompt's example", "prompt",
             "Take the example out of the prompt or name several; 30 rows without that value.",
             rules.default_value_copied),
    _content("multi_recipe_merged", "Two recipes told as one", "data",
             "60 rows with a second recipe behind the first.", content.multi_recipe_merged),
    _content("cross_leak", "Something from elsewhere in the text", "data",
             "40 rows with a second recipe, comments or adverts that name food.", content.cross_leak),
    _content("abstention_failure", "Gave something where there is nothing", "data",
             "60 rows without this section, and pages that hold no answer at all.", content.abstention_failure),
    _content("encoding_damage", "Characters or fractions damaged on the way", "export",
             "Check the tokenizer and the export with ½, é and “; then 20 rows that hold them.",
             content.encoding_damage),
    _content("injection_followed", "Followed an order that stands in the text", "data",
             "40 rows with such orders and the right answer beside them.", content.injection_followed),
    _content("relevance_off_by_3", "Relevance off by three or more", "data",
             "60 rows of the kinds that were missed, scored by the rule of the task.", content.relevance_off),
    _content("company_not_in_source", "A company that the text does not name", "data",
             "40 rows that name no company, or products and people only.", content.company_not_in_source),
    _extra("off_title", "Another dish than the one asked for", "data",
           "40 rows with rare dishes.", content.off_title),
    _extra("amounts_missing", "Ingredients without amounts", "data",
           "Leave rows without amounts out of training; 30 rows with every amount.", content.amounts_missing),
    _extra("unused_ingredients", "Ingredients that no step uses", "data",
           "Leave rows with loose ends out of training; 40 rows whose steps use all.", content.unused_ingredients),
    _extra("value_missing", "Something left out", "data", "40 rows that state this field in many ways.",
           content.value_missing),
    _extra("value_wrong", "A value that differs from the right one", "data",
           "40 rows for this field; look first whether the right answers agree with each other.", content.value_wrong),
    _extra("value_invented", "A value that the text does not support", "data",
           "40 rows without this field; check the golds for what the text lacks.", content.value_invented),
    _extra("source_cut", "The model was not shown the whole text", "prompt",
           "Raise the context budget, or look at what the context step leaves out.", content.source_cut),
    Cluster("gold_suspect", "The right answer may be wrong", "label",
            "Read these golds against their texts and correct them before training on more.", "label",
            content.gold_suspect),
)  # fmt: skip
CLUSTERS: Mapping[str, Cluster] = {cluster.name: cluster for cluster in _LIST}
OWNERS: Mapping[str, str] = {cluster.name: cluster.owner for cluster in _LIST}
RECIPES: Mapping[str, str] = {cluster.name: cluster.recipe for cluster in _LIST}


def cluster_named(tag: str) -> Cluster:
    """The cluster of a tag; `missing_required:name` is of `missing_required`. A tag of another version of the studio
    stands for itself, without a recipe."""
    name = tag.partition(":")[0]
    return CLUSTERS[name] if name in CLUSTERS else Cluster(name, tag, "data", "", "content", lambda _: ())


def cluster_title(tag: str, pack: Pack) -> str:
    """What a tag means, its field by the pack's label: 'A required field is missing: Name'. Unknown tags stand bare."""
    name, _, field = tag.partition(":")
    title = CLUSTERS[name].title if name in CLUSTERS else name
    spec = pack.field(field) if field else None
    return f"{title}: {spec.label if spec else field}" if field else title


def error_clusters(
    pack: Pack,
    row: EvalRow,
    answer: Answered,
    parsed: Parsed,
    scores: Sequence[Score],
    obj: dict[str, Any] | None,
) -> tuple[str, tuple[str, ...]]:
    """(primary, every tag in the order of the list); ("", ()) where no rule fits.

    `scores` are the strict tier's. `obj` is what the content is judged on; None takes whatever object was read, so that
    an answer with prose around it is still told what its content lacks. Tags of one field each end in `:field`.
    """
    case = Case(pack, row, answer, parsed, tuple(scores), obj if obj is not None else parsed.object)
    if case.flawless:
        return "", ()
    tags: dict[str, None] = {}
    for cluster in _LIST:
        for field in cluster.rule(case):
            tags[f"{cluster.name}:{field}" if field else cluster.name] = None
    return next(iter(tags), ""), tuple(tags)
