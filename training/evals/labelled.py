"""The grounding rule held against what a person found: how far "made up" can be trusted, and what it lets through.

assets/metrics/labelled/grounding.json holds things that answers gave, drawn from three strata, each with what a person
said of it: does the text give this as this field? Promise: the rule is asked now, of the text in the shipped
evaluation; strata count by their size, not by how many were drawn. Limits: one person's labels, one model's answers.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.evals.data import read_rows
from training.evals.records import ROWS
from training.evals.scoring import source_text
from training.evals.statistics import Interval, wilson
from training.task.pack import BUILTIN, Pack, load_pack
from training.task.score.grounding import ground_items
from training.task.score.values import LIST_KINDS

LABELLED = BUILTIN.parent / "metrics" / "labelled" / "grounding.json"
EVALUATIONS = BUILTIN.parent / "evaluations"


@dataclass(frozen=True, slots=True)
class RuleCheck:
    """`called` things the rule calls made up, of which `right` are not in the text as that field; `passed` it lets
    through, of which `missed` are not either. `recall` is the share of all such things that it catches, strata weighed
    by their sizes; None where there is none."""

    called: int
    right: int
    passed: int
    missed: int
    recall: float | None

    @property
    def precision(self) -> tuple[float, Interval] | None:
        found = wilson(self.right, self.called)
        return (self.right / self.called, found) if found else None


def check_rule(file: Path = LABELLED, evaluations: Path = EVALUATIONS, task: str = "recipe-jsonld") -> RuleCheck:
    """The rule's answers beside the person's."""
    pack, told = load_pack(BUILTIN / task), json.loads(file.read_text("utf-8"))
    texts = {name: _texts(evaluations / name, pack) for name in {item["evaluation"] for item in told["items"]}}
    drawn, caught, wrong = Counter[str](), Counter[str](), Counter[str]()
    called = right = 0
    for item in told["items"]:
        supported = _supported(pack, item, texts[item["evaluation"]][item["doc"]])
        stratum = item["drawn_from"]
        drawn[stratum] += 1
        wrong[stratum] += not item["stated"]
        caught[stratum] += not item["stated"] and not supported
        called += not supported
        right += not supported and not item["stated"]
    weight = {name: told["drawn_from"][name] / count for name, count in drawn.items()}
    all_wrong = sum(weight[name] * count for name, count in wrong.items())
    recall = sum(weight[name] * count for name, count in caught.items()) / all_wrong if all_wrong else None
    missed = sum(wrong.values()) - right
    return RuleCheck(called, right, sum(drawn.values()) - called, missed, recall)


def in_words(check: RuleCheck) -> str:
    """The check as a section of a metric's page."""
    assert check.precision is not None and check.recall is not None
    share, (low, high) = check.precision
    return (
        "### Held against a person\n\n"
        f"One of the makers read {check.called + check.passed} things that the recipe adapter gave, each beside its "
        "text, and said whether the text gives this as this field. "
        f"Of {check.called} that the rule calls made up {check.right} were not given there: precision {share:.2f} "
        f"[{low:.2f}, {high:.2f}]. Of {check.passed} that it lets through {check.missed} were not either: words of the "
        "text in a wrong place, a story's sentence as the name, a cuisine as the category. Weighed by how often each "
        f"kind comes, the rule catches {check.recall:.2f} of all that the text does not give (recall). So it finds "
        "what is invented, seldom what is misplaced: that shows in precision, single values and abstention."
    )


def _texts(folder: Path, pack: Pack) -> dict[str, str]:
    return {row.id: source_text(pack, row) for row in read_rows(folder / ROWS)}


def _supported(pack: Pack, item: Mapping[str, Any], text: str) -> bool:
    spec = pack.field(item["field"])
    assert spec is not None
    value: Any = item["text"]
    if spec.kind in LIST_KINDS:
        value = [{"@type": "HowToStep", "text": value}] if spec.kind == "steps" else [value]
    return all(found.supported for found in ground_items(pack, {spec.name: value}, text))
