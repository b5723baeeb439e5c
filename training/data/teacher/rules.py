"""A pattern of a task's teacher.yaml: what a text must show, never shows, or states."""

import re
from dataclasses import dataclass

from training.task.yamlfile import Reader


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern and, for people, what it stands for. `least`: how often a text must show it. `of`: the part of a recipe
    that it speaks of, ingredients or steps; a text that was asked for without that part need not show it."""

    what: str
    pattern: re.Pattern[str]
    least: int = 1
    of: str = ""


def read_rule(row: Reader) -> Rule:
    """PackError where the pattern is none."""
    try:
        pattern = re.compile(row.take("pattern", str), re.MULTILINE)
    except re.error as error:
        raise row.error("pattern", f"is no regular expression: {error}", "Correct it.") from None
    of = row.one_of("of", ("", "ingredients", "steps"), "")
    return Rule(row.take("what", str), pattern, row.take("least", int, 1), of)
