"""Rows of a version page by page: kept ones with a search, refused ones by reason, duplicates in pairs, and one row
as the tokens it is trained on. Reads only."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from studio.deps import Deps
from studio.queries.datasets import find, find_row, pack_for, row_texts
from training.data.rows import answer_text
from training.data.version_files import read_lines, row_json
from training.data.versions import rows_of
from training.errors import DataError

PAGE = 20
BAD = "could not be read"  # the reason under which bad records are listed


class Page(NamedTuple):
    """`number` counts from 1; `total` is of all that fit, before paging."""

    rows: Sequence[Mapping[str, Any]]
    total: int
    number: int
    pages: int


class Pair(NamedTuple):
    """A refused duplicate and the row that stays in its place; `kept` None where that one was refused later."""

    refused: Mapping[str, Any]
    kept: Mapping[str, Any] | None
    reason: str


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its id, its text, and whether the loss is taken on it (the answer) or not (the prompt)."""

    id: int
    text: str
    learned: bool


def _page(fitting: list[Any], number: int) -> tuple[list[Any], int, int]:
    pages = max(1, -(-len(fitting) // PAGE))
    if not 1 <= number <= pages:
        raise DataError(f"There is no page {number}.", fix=f"Give a number from 1 to {pages}.")
    return fitting[(number - 1) * PAGE : number * PAGE], number, pages


def rows_page(deps: Deps, name: str, part: str, search: str = "", number: int = 1) -> Page:
    """Rows of a part whose id, text, answer, group or source holds the words searched for, as they are written."""
    version, wanted = find(deps, name), search.strip().casefold()
    rows = rows_of(version, part)
    fitting = [at for at, row in enumerate(rows) if not wanted or wanted in row_texts(row)]
    shown, number, pages = _page(fitting, number)
    chosen = set(shown)
    last = max(chosen, default=-1) + 1
    found = [row_json(row) for at, row in enumerate(islice(rows_of(version, part), last)) if at in chosen]
    return Page(found, len(fitting), number, pages)


def refused_counts(deps: Deps, name: str) -> dict[str, int]:
    """Refused rows by the first reason, bad records last; most first."""
    counts = Counter(_reason(line) for line in read_lines(find(deps, name).folder / "refused.jsonl"))
    return dict(sorted(counts.items(), key=lambda item: (item[0] == BAD, -item[1], item[0])))


def refused_page(deps: Deps, name: str, reason: str, number: int = 1) -> Page:
    """Refused rows whose first reason it is; "" is any. Each as {"row" or "bad", "refusals"}."""
    lines = read_lines(find(deps, name).folder / "refused.jsonl")
    fitting = [line for line in lines if not reason or _reason(line) == reason]
    shown, number, pages = _page(fitting, number)
    return Page(shown, len(fitting), number, pages)


def refused_row(deps: Deps, name: str, row_id: str) -> Mapping[str, Any]:
    """One refused row with its reasons, by its id."""
    for line in read_lines(find(deps, name).folder / "refused.jsonl"):
        if "row" in line and line["row"]["id"] == row_id:
            return line
    raise DataError(f"{name} has no refused row {row_id!r}.", fix="Pick one from the list of refused rows.")


def _reason(line: Mapping[str, Any]) -> str:
    return str(line["refusals"][0]["gate"]) if line.get("refusals") else BAD


def duplicate_pairs(deps: Deps, name: str, number: int = 1) -> tuple[list[Pair], int]:
    """A page of refused duplicates with the rows they repeat, and how many there are in all."""
    version = find(deps, name)
    every: list[tuple[Mapping[str, Any], str, str]] = []
    for line in read_lines(version.folder / "refused.jsonl"):
        refusal = next((r for r in line.get("refusals", ()) if r["gate"] == "duplicate"), None)
        if refusal is not None:
            every.append((line["row"], str(refusal["evidence"]).removeprefix("row "), str(refusal["reason"])))
    found, total = _page(every, number)[0], len(every)
    wanted = {kept for _, kept, _ in found}
    kept = {row.id: row_json(row) for part in version.rows for row in rows_of(version, part) if row.id in wanted}
    return [Pair(row, kept.get(other), why) for row, other, why in found], total


def row_tokens(deps: Deps, name: str, row_id: str, base: str = "") -> tuple[str, tuple[Token, ...]]:
    """The base that was asked and a row as its tokens; "" is the one the version counts in. Slow the first time."""
    from training.engine.row_tokens import tokens_of

    version = find(deps, name)
    row, pack = find_row(version, row_id), pack_for(deps, version.task)
    base = base or version.spec.tokenizer
    found = tokens_of(
        base, None if deps.settings.space else deps.settings.home, pack, row.source, answer_text(row.gold)
    )
    return base or "the embedded base", tuple(Token(*token) for token in found)


def leak_pairs(deps: Deps, name: str, leaks: Mapping[str, Any], number: int = 1) -> list[dict[str, Any]]:
    """A page of a leak report's overlaps with both texts: {"kind", "similarity", "test", "train"}."""
    version = find(deps, name)
    every = [found for kind in ("exact", "near", "groups", "answers") for found in leaks.get(kind, ())]
    overlaps = _page(every, number)[0]
    wanted = {found[key] for found in overlaps for key in ("test_id", "train_id")}
    rows = {row.id: row_json(row) for part in version.rows for row in rows_of(version, part) if row.id in wanted}
    return [
        {
            "kind": found["kind"],
            "similarity": found["similarity"],
            "test": rows.get(found["test_id"]),
            "train": rows.get(found["train_id"]),
        }
        for found in overlaps
    ]
