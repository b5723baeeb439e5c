"""What is told of documents that are read as they are: keys that nobody reads, golds that break their own contract."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from training.evals.records import EvalRow
from training.task.pack import Pack
from training.task.score.schema import schema_errors


@dataclass(slots=True)
class Notices:
    """What was read and left aside: each key that nobody reads, with the number of lines that have it; and golds that
    break the task's own contract, which no answer can both keep and equal."""

    unread: dict[str, int] = field(default_factory=dict[str, int])
    broken_golds: int = 0
    first_broken: str = ""

    def look(self, values: Mapping[str, Any], known: tuple[str, ...]) -> None:
        for key in values.keys() - set(known):
            self.unread[key] = self.unread.get(key, 0) + 1

    def hold(self, row: EvalRow, pack: Pack) -> None:
        """Hold a gold against the contract; {} is no answer and keeps it."""
        if row.gold and pack.answer.kind == "json" and (errors := schema_errors(row.gold, pack.schema)):
            self.broken_golds += 1
            self.first_broken = self.first_broken or f"{row.id}: {errors[0].message}"

    def lines(self, what: str) -> list[str]:
        found = [f"{count:,} {what} have a key {key!r}, which is not read." for key, count in self.unread.items()]
        if self.broken_golds:
            broken = f"Golds that break the task's contract: {self.broken_golds:,} of the {what}"
            found.append(f"{broken}. An answer equal to such a gold fails too. The first: {self.first_broken[:300]}.")
        return found
