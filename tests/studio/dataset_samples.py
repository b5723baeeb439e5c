"""A small version on the disk, as a build leaves it: kept, refused, duplicated and unreadable rows, a leak report."""

from pathlib import Path
from typing import Any

from training.data.leaks import leak_report
from training.data.rows import DataRow
from training.data.spec import DatasetSpec, SourceSpec
from training.data.version_files import row_json
from training.data.versions import Content, Version, write_version
from training.task.records import to_json

NASTY = "<img src=x onerror=alert(1)> ${1+1} {{value}}"
DISHES = ("Lentil soup", "Plum cake", "Bean stew", "Onion tart", "Rice salad", "Pea curry", "Egg toast", "Fish pie")


def recipe_row(number: int, text: str = "", origin: str = "grammar", group: str = "") -> DataRow:
    """A row that every gate that looks at one row lets pass."""
    dish = f"{DISHES[number % len(DISHES)]} {number}"
    source = text or (
        f"{dish}\n\nMy aunt wrote this down in the year {1900 + number}, and it never failed us.\n\n"
        f"You need:\n- {number + 2} cups flour\n- {number + 1} onions\n\nChop the onions. Bake everything slowly."
    )
    gold = {
        "@context": "https://schema.org",
        "@type": "Recipe",
        "name": dish,
        "recipeIngredient": [f"{number + 2} cups flour", f"{number + 1} onions"],
        "recipeInstructions": [
            {"@type": "HowToStep", "text": "Chop the onions."},
            {"@type": "HowToStep", "text": "Bake everything slowly."},
        ],
        "recipeCuisine": "Italian" if number % 2 else "Thai",
    }
    return DataRow(
        "recipe-jsonld", source, gold, group or f"g{number}", origin, f"number {number}", "CC0-1.0",
        "clean" if number % 3 else "social", "plain",
    )  # fmt: skip


def make_version(
    datasets: Path, *, name: str = "soups", train: int = 6, leak: bool = False, sibling: str = "", **more: Any
) -> Version:
    """`train` training rows, two test rows, a trivial row, a duplicate of the first row and a bad record.

    `sibling` is the group of the first test row, "" for its own.
    """
    rows = [recipe_row(n) for n in range(train)]
    test = [recipe_row(100, group=sibling), recipe_row(101, group="g0" if leak else "")]
    first = min(rows, key=lambda row: row.id)
    short, twin = recipe_row(7, text=f"{NASTY} Short."), recipe_row(8, text=f"{first.source}!")
    refused = [
        line(short, "trivial", "Its text has 2 words.", NASTY),
        line(twin, "duplicate", "Its text is 97% that of another row (grammar, number 0).", f"row {first.id}"),
        {"bad": {"origin": "soup.csv", "place": "line 3", "reason": "it has 9 columns, not 3", "text": NASTY}},
    ]
    gates = {
        "n_in": train + 4, "n_kept": train + 2, "refused": {"trivial": 1, "duplicate": 1}, "n_masked": 1,
        "bad_records": 1, "n_refused": 2,
    }  # fmt: skip
    report = leak_report(rows, test)
    leaks = {"clean": report.clean, "lines": list(report.lines()), **to_json(report)}
    spec = DatasetSpec("recipe-jsonld", name, **{"sources": (SourceSpec("grammar", rows=train + 4),), **more})
    parts = {"train": sorted(rows, key=lambda r: r.id), "test": sorted(test, key=lambda r: r.id)}
    return write_version(datasets, Content(spec, parts, {"by": "group"}, gates, leaks, refused))


def line(row: DataRow, gate: str, reason: str, evidence: str) -> dict[str, Any]:
    return {"row": row_json(row), "refusals": [{"gate": gate, "reason": reason, "evidence": evidence}]}
