"""Dataset versions and builds as the Data tab shows them. Reads only; every figure carries its denominator.

Versions of a person's home and those that ship stand in one list, by name; on a Space there are only the latter. A
version is checked against its hashes when it is opened. Limits: token lengths are counted on at most `MEASURED` rows,
evenly spaced, and it is said on how many; a search reads the part from its beginning each time.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from studio.deps import Deps
from training.data.build_gates import gate_settings
from training.data.rows import DataRow, answer_text
from training.data.version_changes import VersionDiff, compare_versions
from training.data.version_files import row_json
from training.data.versions import Version, list_versions, open_version, rows_of
from training.engine.counting import token_counter
from training.errors import DataError, StudioError
from training.task.pack import Pack
from training.task.prompt import messages_for

SHIPPED = Path(__file__).resolve().parents[2] / "assets" / "datasets"
MEASURED = 1000  # rows of a version whose tokens are counted
KINDS = ("slice", "style", "cuisine", "origin", "licence")
Choices = list[tuple[str, str]]


def versions(deps: Deps) -> tuple[list[Version], list[str]]:
    """Own versions, newest first, then those that ship, by task; and a sentence for each folder that is none."""
    own, notices = ([], []) if deps.settings.space else list_versions(deps.settings.home / "datasets")
    shipped, more = list_versions(SHIPPED)
    known, order = {version.name for version in own}, list(deps.packs)
    shipped.sort(key=lambda version: order.index(version.task) if version.task in order else len(order))
    return [*own, *(version for version in shipped if version.name not in known)], [*notices, *more]


def ships(version: Version) -> bool:
    """True for a version of the studio's own, which nobody may change."""
    return version.folder.parent == SHIPPED


def version_choices(deps: Deps) -> Choices:
    """(label, name) of every version."""
    found, _ = versions(deps)
    return [(f"{v.name} ({sum(v.rows.values()):,} rows{', ships' if ships(v) else ''})", v.name) for v in found]


def find(deps: Deps, name: str) -> Version:
    """The version of that name, its files unchecked. DataError where there is none; a path is never followed."""
    found, _ = versions(deps)
    version = next((version for version in found if version.name == name), None)
    if version is None:
        raise DataError(f"There is no dataset version {name!r}.", fix="Choose one from the list, or build one.")
    return version


def pack_for(deps: Deps, task: str) -> Pack:
    """The pack of a version's task. DataError where it is not here any more."""
    if task not in deps.packs:
        raise DataError(f"The task {task} is not here any more.", fix="Put its pack back into the tasks folder.")
    return deps.packs[task]


@dataclass(frozen=True, slots=True)
class Measures:
    """Distributions of a version. `counts`: kind -> value -> rows of all parts; cuisines as the gold names them.

    `prompts` and `answers` hold tokens of the same `n` of `total` rows; empty where no counter is to be had, and then
    `why` says so. Budgets in tokens, None where nothing was counted: `answer_budget` is the answer's, `prompt_budget`
    the prompt's, and `prompt_limit` says whose that is.
    """

    counts: Mapping[str, Mapping[str, int]]
    total: int
    n: int = 0
    prompts: tuple[int, ...] = ()
    answers: tuple[int, ...] = ()
    answer_budget: int | None = None
    prompt_budget: int | None = None
    prompt_limit: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """A version that was checked: what its files say of it, as plain JSON, and its distributions."""

    version: Version
    ships: bool
    yaml: str
    gates: Mapping[str, Any]
    leaks: Mapping[str, Any]
    splits: Mapping[str, Any]
    card: str
    measures: Measures


def version_facts(deps: Deps, name: str, counter: Callable[[str], int] | None = None) -> VersionFacts:
    """All that a version's page shows. DataError where one of its files was changed or is gone."""
    version = find(deps, name)
    open_version(version.folder)
    splits = {key: value for key, value in version.read("splits").items() if key != "ids"}
    card = (version.folder / "card.md").read_text("utf-8")
    return VersionFacts(
        version,
        ships(version),
        (version.folder / "spec.yaml").read_text("utf-8"),
        version.read("gates"),
        version.read("leaks"),
        splits,
        card,
        measures(deps, version, counter),
    )


def measures(deps: Deps, version: Version, counter: Callable[[str], int] | None = None) -> Measures:
    """The distributions, remembered as long as the process runs: a version never changes."""
    limits, why = dict[str, Any](), ""
    if version.task not in deps.packs:
        why = f"The task {version.task} is not here, so its prompts can't be counted."
    else:
        try:
            limits = gate_settings(version.spec, deps.settings.home).get("lengths") or {}
            counter = counter or _counter(version.spec.tokenizer, deps.settings.home)
        except StudioError as err:  # a version may have been made elsewhere, or with a folder that is gone
            why = f"Tokens can't be counted as the version counts them: {err} {err.fix}"
    return _measured((str(version.folder), version.sha256, why), _Ask(deps, version, counter, limits))


@lru_cache(maxsize=4)
def _counter(base: str, home: Path) -> Callable[[str], int]:
    return token_counter(base, home)


@dataclass(frozen=True, slots=True)
class _Ask:
    """What is needed to measure; equal to any other, so that the key alone decides what is remembered."""

    deps: Deps = field(compare=False)
    version: Version = field(compare=False)
    counter: Callable[[str], int] | None = field(compare=False)
    limits: Mapping[str, Any] = field(compare=False)


@lru_cache(maxsize=8)
def _measured(key: tuple[str, str, str], ask: _Ask) -> Measures:
    version, total = ask.version, sum(ask.version.rows.values())
    counts = {kind: Counter[str]() for kind in KINDS}
    stride = max(1, -(-total // MEASURED))
    sample: list[DataRow] = []
    for at, row in enumerate(all_rows(version)):
        for kind in KINDS:
            counts[kind][_value(row, kind)] += 1
        if at % stride == 0:
            sample.append(row)
    ordered = {kind: dict(found.most_common()) for kind, found in counts.items()}
    pack, count, limits = ask.deps.packs.get(version.task), ask.counter, ask.limits
    if pack is None or count is None or key[-1]:
        return Measures(ordered, total, why=key[-1])
    budget, whose = _prompt_budget(pack, count, limits, version.spec.tokenizer)
    return Measures(
        ordered,
        total,
        len(sample),
        tuple(sum(count(turn.content) for turn in messages_for(pack, row.source)) for row in sample),
        tuple(count(answer_text(row.gold)) for row in sample),
        limits.get("answer_tokens") or pack.sampling.max_new_tokens,
        budget,
        whose,
    )


def _prompt_budget(pack: Pack, count: Callable[[str], int], limits: Mapping[str, Any], base: str) -> tuple[int, str]:
    """What a prompt is held against: the spec's own limit, the context of its base, else the task's budget for a text
    with the words that the prompt puts around it."""
    if limit := limits.get("prompt_tokens"):
        return limit, "the limit in the spec"
    if limit := limits.get("context_tokens"):
        return limit, f"the context of {base}, answer included" if base else "the context in the spec, answer included"
    around = sum(count(turn.content) for turn in messages_for(pack, ""))
    text = pack.context.budget_tokens
    return text + around, f"the task's: {text:,} for the text, {around:,} for the words around it; a text is cut to it"


def _value(row: DataRow, kind: str) -> str:
    if kind != "cuisine":
        return str(getattr(row, kind)) or "none"
    said = row.gold.get("recipeCuisine") if isinstance(row.gold, dict) else None
    return str(said) if said else "not said"


def all_rows(version: Version) -> Iterator[DataRow]:
    """Every row, part by part."""
    for part in version.rows:
        yield from rows_of(version, part)


def row_texts(row: DataRow) -> str:
    """What a search looks in, folded to one case."""
    gold = row.gold if isinstance(row.gold, str) else json.dumps(row.gold, ensure_ascii=False)
    return f"{row.id}\n{row.source}\n{gold}\n{row.group}\n{row.origin}".casefold()


def find_row(version: Version, row_id: str) -> DataRow:
    """A row of any part by its id."""
    for row in all_rows(version):
        if row.id == row_id:
            return row
    raise DataError(f"{version.name} has no row {row_id!r}.", fix="Pick one from the list of rows.")


def differences(deps: Deps, before: str, after: str) -> VersionDiff:
    """What became of the rows of `before` in `after`. DataError for two of different tasks."""
    old, new = find(deps, before), find(deps, after)
    if old.task != new.task:
        raise DataError(f"{before} is for {old.task}, {after} for {new.task}.", fix="Compare two of one task.")
    return compare_versions(old, new)


def shown_row(row: DataRow) -> dict[str, Any]:
    """A row as views take it."""
    return row_json(row)


def shown_rows(rows: Sequence[DataRow]) -> list[dict[str, Any]]:
    return [row_json(row) for row in rows]
