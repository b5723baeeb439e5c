"""What of a page is content: the context rules of a task pack, read and checked. Patterns are the task's, code is not.

Every pattern is a list of regular expressions, matched whatever the case, of which one must be found in a line.
"""

import re
from dataclasses import dataclass
from typing import Literal, cast

from training.task.yamlfile import Reader

Scope = Literal["line", "block", "rest"]


@dataclass(frozen=True, slots=True)
class DropRule:
    """Lines that are no content: `pattern` is found in a line of at most `max_words` words.

    `scope` line drops that line. block drops on to the next blank line, heading or line of content, eight lines at
    most; among the lines a heading holds it must begin a paragraph, else it drops its own line. rest drops everything
    after it, when no heading follows and either at most a quarter of all content does or every fifth line that follows
    is dropped for the same reason.
    """

    reason: str
    pattern: re.Pattern[str]
    max_words: int
    scope: Scope


@dataclass(frozen=True, slots=True)
class HeadingRule:
    """A heading and its hold on its neighbours.

    Itself and the up to `reach` lines below it, as far as the next heading, gain `weight` (half of it beyond a line
    that looks like prose); the `before` lines above it gain half of `weight`.
    """

    name: str
    pattern: re.Pattern[str]
    weight: float
    reach: int
    before: int


@dataclass(frozen=True, slots=True)
class FeatureRule:
    """A cheap sign of content (or, with a weight below 0, of none): `weight` for each find, up to `most` finds."""

    name: str
    pattern: re.Pattern[str]
    weight: float
    most: int


@dataclass(frozen=True, slots=True)
class ContextRules:
    """How source text becomes what a model is shown.

    `budget_tokens` is the default budget. Lines of more than `split_words` words are judged sentence by sentence. The
    first `lead_lines` lines gain `lead_weight`, those behind the first only with at most `lead_words` words (0: however
    many): a title can stand below a site's name, an opening sentence is none. Lines that repeat a word of the first
    line gain `echo_weight`. Where not everything fits and one of the headings stands in the text, lines worth less than
    `least_worth` are shown only next to better ones, or when these take less than a quarter of the budget. With
    `title_once` a line that joins the title to a site's name or a row of links goes where the title follows it.
    """

    budget_tokens: int
    split_words: int = 60
    lead_lines: int = 1
    lead_words: int = 0
    lead_weight: float = 5.0
    echo_weight: float = 0.0
    least_worth: float = 0.0
    title_once: bool = False
    drop: tuple[DropRule, ...] = ()
    headings: tuple[HeadingRule, ...] = ()
    features: tuple[FeatureRule, ...] = ()


def read_rules(row: Reader) -> ContextRules:
    """The `context` mapping of task.yaml. Raises PackError with file, key and fix."""
    rules = ContextRules(
        budget_tokens=row.take("budget_tokens", int),
        split_words=row.take("split_words", int, 60),
        lead_lines=row.at_least("lead_lines", 0, 1),
        lead_words=row.at_least("lead_words", 0, 0),
        lead_weight=row.take("lead_weight", float, 5.0),
        echo_weight=row.take("echo_weight", float, 0.0),
        least_worth=row.take("least_worth", float, 0.0),
        title_once=row.take("title_once", bool, False),
        drop=row.each("drop", _drop, required=False),
        headings=row.each("headings", _heading, required=False),
        features=row.each("features", _feature, required=False),
    )
    for key in ("budget_tokens", "split_words"):
        if getattr(rules, key) < 1:
            raise row.error(key, f"is {getattr(rules, key)}", "Give it a number above 0.")
    row.finish()
    return rules


def _drop(row: Reader) -> DropRule:
    scope = row.one_of("scope", ("line", "block", "rest"), "line")
    return DropRule(row.take("reason", str), _pattern(row), row.at_least("max_words", 1, 12), cast("Scope", scope))


def _heading(row: Reader) -> HeadingRule:
    return HeadingRule(
        name=row.take("name", str),
        pattern=_pattern(row),
        weight=row.take("weight", float),
        reach=row.at_least("reach", 0, 40),
        before=row.at_least("before", 0, 0),
    )


def _feature(row: Reader) -> FeatureRule:
    return FeatureRule(row.take("name", str), _pattern(row), row.take("weight", float), row.at_least("most", 1, 3))


def _pattern(row: Reader) -> re.Pattern[str]:
    """One regular expression out of a list of alternatives."""
    parts = row.strings("patterns")
    try:
        pattern = re.compile("|".join(f"(?:{part})" for part in parts), re.IGNORECASE)
    except re.error as error:
        raise row.error("patterns", f"holds no regular expression: {error}", "Correct it.") from None
    if not parts or pattern.match(""):
        raise row.error("patterns", "matches an empty line", "Write patterns that need at least one character.")
    return pattern
