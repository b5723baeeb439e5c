"""What a record came from, as a stable key: rows of one group never part at a split.

A key is the same on every machine and in every source. Limits: a recipe retold under another title, or with other
first ingredients, is another group; finding those is the work of the near-duplicate gate.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from training.task.records import sha256_text

FIRST_INGREDIENTS = 3


def recipe_group(title: str, ingredients: Sequence[str] = ()) -> str:
    """Of a recipe: its title and first ingredients as bare words, whatever their case, accents' form and marks."""
    return _key("recipe", [title, *ingredients[:FIRST_INGREDIENTS]])


def text_group(text: str) -> str:
    """Of a text that says nothing about where it came from: its words."""
    return _key("text", [text])


def record_group(fields: Mapping[str, Any]) -> str:
    """Of any record: the group it names, else its recipe's key, else that of its text."""
    if "group" in fields:
        return str(fields["group"])
    if "title" in fields:
        return recipe_group(fields["title"], fields.get("ingredients", ()))
    return text_group(str(fields.get("content") or fields.get("source") or ""))


def _key(kind: str, parts: Sequence[str]) -> str:
    words = "|".join(" ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", part).casefold())) for part in parts)
    return f"{kind}-{sha256_text(words)[:16]}"
