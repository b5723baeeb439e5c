"""Targeted data: one error cluster becomes a small dataset spec for the factory, 20 to 100 rows aimed at it.

Aimed rows, not more rows (metrics E): the slices and styles in which the error lives, a third of plain ones beside them
so that the model does not learn the exception as the rule. Rows come from the grammar or the news maker under a seed of
the cluster's own, never from the books: those hold the recipes that test documents are made of. Limits: the news source
draws its own slices, so there the spec only adds rows; a task without a maker gets a spec that names a file to fill.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from training.data.makers import MENUS
from training.data.spec import spec_from, write_spec
from training.evals.clusters import LEAST_TARGETED, MOST_TARGETED, cluster_named, cluster_title
from training.task.pack import Pack
from training.task.records import sha256_text

USUAL_ROWS = 40
PLAIN_SHARE = 0.5  # of plain rows for each part of aimed ones
# Where an error lives, by the menus' slices; those a task does not have are left out.
AIMED: Mapping[str, tuple[str, ...]] = {
    "truncated_by_budget": ("long",),
    "never_stops": ("short", "not_dish"),
    "multi_object": ("two_recipes", "several"),
    "wrong_root": ("two_recipes", "several"),
    "template_echo": ("schema_temptation",),
    "extra_keys": ("schema_temptation",),
    "default_value_copied": ("schema_temptation",),
    "wrong_refusal": ("long", "components"),
    "ingredient_omitted": ("components", "long"),
    "ingredient_hallucinated": ("short", "no_ingredients"),
    "steps_merged": ("components", "no_ingredients"),
    "steps_split": ("components", "no_ingredients"),
    "steps_out_of_order": ("components",),
    "multi_recipe_merged": ("two_recipes",),
    "cross_leak": ("two_recipes", "schema_temptation"),
    "abstention_failure": ("no_ingredients", "no_steps", "not_recipe", "near_miss", "not_dish"),
    "injection_followed": ("orders",),
    "source_cut": ("long",),
}
STYLES: Mapping[str, tuple[str, ...]] = {
    "empty_list_on_nonempty_gold": ("rambling", "social"),
    "missing_required": ("rambling", "scraped"),
    "wrong_refusal": ("rambling", "scraped"),
    "cross_leak": ("scraped", "fluffy"),
}
FACTS = frozenset({"bad_duration", "time_wrong", "value_missing", "value_wrong", "type_error", "missing_required"})


def targeted_spec(
    pack: Pack, cluster: str, aggregates: Mapping[str, Any], rows: int = 0, protect: Sequence[str] = ()
) -> str:
    """A dataset spec as YAML, its comments saying what it is for. `cluster` is a tag, with or without its field.

    `rows` 0 takes what the cluster's recipe says; anything else is brought into 20 to 100. `protect` are the files of
    the documents that were evaluated: no row will repeat one of them.
    """
    found = cluster_named(cluster)
    count = min(MOST_TARGETED, max(LEAST_TARGETED, rows or _rows_of(found.recipe)))
    data: dict[str, Any] = {"format": 1, "task": pack.name, "name": _name(found.name), "sources": _sources(pack, count)}
    if render := _render(pack, found.name):
        data["render"] = render
    if protect:
        data["protect"] = list(protect)
    data["split"] = {"shares": {"train": 1.0}}
    data["seed"] = int(sha256_text(f"targeted|{pack.name}|{cluster}")[:7], 16)
    return "\n".join(
        [
            *_comments(pack, cluster, found.recipe, aggregates, bool(protect)),
            write_spec(spec_from(_yaml(data), pack.path)),
        ]
    )


def _rows_of(recipe: str) -> int:
    """The number of rows that a recipe names."""
    named = re.search(r"\b(\d{2,3}) (?:\w+ )?rows\b|\b(\d{2,3}) rows\b", recipe)
    return int(named[1] or named[2]) if named else USUAL_ROWS


def _name(cluster: str) -> str:
    return f"targeted-{cluster.lower().replace('_', '-')}"[:48]


def _sources(pack: Pack, count: int) -> list[dict[str, Any]]:
    if pack.name in MENUS:
        return [{"kind": "grammar", "rows": count}]
    if pack.name == "news-metadata":
        return [{"kind": "news", "rows": count}]
    return [{"kind": "file", "path": f"{pack.name}-targeted.jsonl", "rows": count}]


def _render(pack: Pack, cluster: str) -> dict[str, Any]:
    menu = MENUS.get(pack.name)
    if menu is None:
        return {}
    found: dict[str, Any] = {}
    if aimed := [name for name in AIMED.get(cluster, ()) if name in menu.slices]:
        found["slices"] = {**dict.fromkeys(aimed, 1.0), "plain": PLAIN_SHARE * len(aimed)}
    if styles := [name for name in STYLES.get(cluster, ()) if name in menu.styles]:
        found["styles"] = dict.fromkeys(styles, 1.0)
    if cluster in FACTS and pack.name == "recipe-jsonld":
        found["facts"] = "random"
    return found


def _comments(pack: Pack, cluster: str, recipe: str, aggregates: Mapping[str, Any], protects: bool) -> list[str]:
    name = str(aggregates.get("name") or "an evaluation")
    lines = [
        f"Made for one error cluster of {name}: {cluster_title(cluster, pack)}.",
        recipe or "Look at the documents of this cluster first.",
        "Under `protect` stand the documents that were evaluated: no row here repeats one of them."
        if protects
        else "Name the documents that were evaluated under `protect`, so that no row here repeats one of them.",
    ]
    if pack.name not in MENUS:
        lines.append("This task's source draws its own slices: look through the rows and keep those that fit.")
    return [f"# {' '.join(line.split())}" for line in lines]


def _yaml(data: Mapping[str, Any]) -> str:
    return json.dumps(data)
