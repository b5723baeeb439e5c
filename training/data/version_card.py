"""The card of a dataset version: what is in it, where that came from, what it may be used for, what was not checked.

Every figure comes from the rows and reports of the version itself; nothing is promised that no check stands behind.
The head between --- lines is what the Hub reads.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from training.data.rows import UNKNOWN_LICENCE, DataRow
from training.data.spec import PARTS, DatasetSpec

OFFLINE = ("grammar", "corpus", "news")
_KINDS = ("origin", "licence", "style", "slice")


@dataclass(slots=True)
class Counts:
    """Rows by part, and by part and origin, licence, style and slice; grows with `add`."""

    rows: dict[str, int] = field(default_factory=dict[str, int])
    by: dict[str, dict[str, Counter[str]]] = field(default_factory=dict[str, dict[str, Counter[str]]])
    groups: set[str] = field(default_factory=set[str])

    def add(self, part: str, row: DataRow) -> None:
        self.rows[part] = self.rows.get(part, 0) + 1
        self.groups.add(row.group)
        for kind in _KINDS:
            values = self.by.setdefault(kind, {})
            values.setdefault(str(getattr(row, kind)) or "none", Counter())[part] += 1

    @property
    def total(self) -> int:
        return sum(self.rows.values())


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What a card is written from. `gates`, `leaks` and `split` are the version's own reports."""

    name: str
    spec: DatasetSpec
    counts: Counts
    gates: Mapping[str, Any]
    leaks: Mapping[str, Any]
    split: Mapping[str, Any]


def card(facts: CardFacts, parent: str | None, removed: Mapping[str, Any]) -> str:
    """The card as Markdown."""
    spec, counts = facts.spec, facts.counts
    parts = [part for part in PARTS if counts.rows.get(part)]
    sections = [
        _head(facts, parts),
        f"# {facts.name}\n\n{counts.total:,} rows for the task `{spec.task}`, from {len(counts.groups):,} groups "
        f"(recipes, newsletters, pages). Split by {spec.split.by}, seed {spec.seed}: "
        + ", ".join(f"{part} {counts.rows[part]:,}" for part in parts)
        + ".",
        _origin(parent, removed),
        "## Sources and licences\n\n" + _table("source", counts.by.get("origin", {}), parts) + "\n\n"
        + _table("licence", counts.by.get("licence", {}), parts),
        "## What is in it\n\n" + _table("slice", counts.by.get("slice", {}), parts) + "\n\n"
        + _table("style", counts.by.get("style", {}), parts),
        "## What was refused\n\n" + _refused(facts.gates),
        "## Leakage between train and test\n\n" + _leaks(facts.leaks),
        "## Limits\n\n" + "\n".join(f"- {limit}" for limit in limits(facts)),
    ]  # fmt: skip
    return "\n\n".join(section for section in sections if section) + "\n"


def limits(facts: CardFacts) -> list[str]:
    """What a reader should not take this dataset for, as far as its rows and reports show it."""
    spec, counts, found = facts.spec, facts.counts, []
    made = [source.origin for source in spec.sources if source.kind in OFFLINE]
    if made:
        found.append(
            f"The rows of {', '.join(made)} are made by a program: figures on them say less about pages people wrote."
        )
    if spec.teacher is not None:
        found.append(
            f"The rows are written by a model ({spec.teacher.model}): its terms of use apply, and its mistakes."
        )
    if spec.judge is not None:
        found.append(
            f"Rows that a model ({spec.judge.model}) scored low were left out: what stayed has its taste and faults."
        )
    unknown = counts.by.get("licence", {}).get(UNKNOWN_LICENCE)
    if unknown:
        found.append(f"{unknown.total():,} of {counts.total:,} rows have no known licence: do not pass them on.")
    if not any(counts.rows.get(part) for part in ("test", "golden")):
        found.append("There is no test part: nothing in here can show that training helped.")
    for part in ("dev", "test", "golden", "adversarial"):
        if 0 < counts.rows.get(part, 0) < 100:
            found.append(
                f"{part} has {counts.rows[part]:,} rows: differences of some percent can't be told apart on it."
            )
    if "off" in (spec.gates.get("personal"), spec.gates.get("secrets")):
        found.append("Personal data or secrets were not looked for.")
    else:
        found.append("Personal data is found by patterns (addresses, numbers, keys); names of people are not.")
    if spec.split.by == "group":
        found.append("The split is by group, not by time: it does not show how a model does on what comes later.")
    found.append("That training changed nothing it should not is for an evaluation to show, not for this card.")
    return found


def _head(facts: CardFacts, parts: Sequence[str]) -> str:
    licences = sorted(facts.counts.by.get("licence", {}))
    lines = ["---", f"pretty_name: {facts.name}", "license: other", "tags: [taste-test]", "configs:"]
    lines += ["- config_name: default", "  data_files:"]
    lines += [line for part in parts for line in (f"  - split: {part}", f"    path: {part}.jsonl")]
    return "\n".join([*lines, f"license_name: {_yaml_text(' and '.join(licences) or UNKNOWN_LICENCE)}", "---"])


def _yaml_text(text: str) -> str:
    return "'" + " ".join(text.split()).replace("'", "''") + "'"


def _origin(parent: str | None, removed: Mapping[str, Any]) -> str:
    if parent is None:
        return ""
    sources, rows = removed.get("sources", []), removed.get("rows", [])
    what = [f"the source {name}" for name in sources] + ([f"{len(rows):,} rows by id"] if rows else [])
    return (
        f"Made from {parent} by taking out {' and '.join(what)}: {removed.get('count', 0):,} rows. Everything else is "
        "as it was there, the gates' counts included."
    )


def _table(name: str, values: Mapping[str, Counter[str]], parts: Sequence[str]) -> str:
    rows = [f"| {name} | {' | '.join(parts)} | all |", "|---|" + "---:|" * (len(parts) + 1)]
    for value, count in sorted(values.items(), key=lambda item: (-item[1].total(), item[0])):
        cells = " | ".join(f"{count[part]:,}" for part in parts)
        rows.append(f"| {_cell(value)} | {cells} | {count.total():,} |")
    return "\n".join(rows)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")[:120]


def _refused(gates: Mapping[str, Any]) -> str:
    refused = gates.get("refused", {})
    kept, all_rows = gates.get("n_kept", 0), gates.get("n_in", 0)
    text = f"Of {all_rows:,} rows that were made, {kept:,} were kept and {sum(refused.values()):,} refused"
    text += "." if not refused else ": " + ", ".join(f"{gate} {count:,}" for gate, count in refused.items()) + "."
    if masked := gates.get("n_masked"):
        text += f" Personal data was masked in {masked:,}."
    if bad := gates.get("bad_records"):
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in (gates.get("bad_kinds") or {}).items())
        told = f" ({kinds})" if kinds else ""
        text += f" {bad:,} records gave no row, or wait for a person to look at them{told}."
    return text + " Each refused row stands in refused.jsonl with its reasons."


def _leaks(leaks: Mapping[str, Any]) -> str:
    """The leak report's own sentences, each with its denominator."""
    lines = leaks.get("lines", [])
    return "\n".join(f"- {line}" for line in lines) or "Not measured: there is no test part."
