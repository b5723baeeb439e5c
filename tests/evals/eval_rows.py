"""Documents and predictions of a few lines, as files, for the tests of evaluations."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.task.score.recipes import GOLD, POST

NO_RECIPE = "A day at the lake. We swam, and nothing was cooked."
ROWS: tuple[dict[str, Any], ...] = (
    {"id": "a", "source": POST, "gold": GOLD, "group": "cake", "slice": "full"},
    {"id": "b", "source": POST + "\nEnjoy!", "gold": GOLD, "group": "cake", "slice": "full"},
    {
        "id": "c",
        "source": POST.split("Ingredients")[0],
        "gold": {key: value for key, value in GOLD.items() if key not in ("recipeIngredient", "recipeInstructions")},
        "slice": "no_ingredients",
    },
    {"id": "d", "source": NO_RECIPE, "gold": {}, "slice": "no_recipe"},
)


def lines(path: Path, values: Iterable[Mapping[str, Any] | str]) -> Path:
    """Values as lines of JSON, text as it is."""
    path.write_text("".join((v if isinstance(v, str) else json.dumps(v)) + "\n" for v in values), "utf-8")
    return path


def right(row: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A prediction that is the row's gold."""
    return {"id": row["id"], "output": json.dumps(row["gold"]), **more}
