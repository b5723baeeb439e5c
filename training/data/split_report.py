"""What a split decided, as a record and as the report that a version keeps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from training.data.spec import PARTS


@dataclass(frozen=True, slots=True)
class Split:
    """Where each row went. `parts` maps row id -> part; `wanted` and `got` count rows, `groups` blocks, by part.

    `slices` counts rows by part and slice. `days` gives the first and the last day of each part where rows have dates,
    None by group where some have none. `pinned` counts rows that were pinned.
    """

    parts: Mapping[str, str]
    by: str
    seed: int
    wanted: Mapping[str, int]
    got: Mapping[str, int]
    groups: Mapping[str, int]
    slices: Mapping[str, Mapping[str, int]]
    days: Mapping[str, tuple[str, str]] | None = None
    pinned: int = 0

    def report(self) -> dict[str, Any]:
        """What `splits.json` says beside the ids: sizes wanted and got, in rows and as shares of all rows."""
        total = sum(self.got.values())
        return {
            "by": self.by,
            "seed": self.seed,
            "rows": total,
            "pinned_rows": self.pinned,
            "parts": {
                part: {
                    "wanted_rows": self.wanted.get(part, 0),
                    "got_rows": self.got.get(part, 0),
                    "got_share": round(self.got.get(part, 0) / total, 4) if total else None,
                    "groups": self.groups.get(part, 0),
                    "slices": dict(sorted(self.slices.get(part, {}).items())),
                    "days": list(self.days[part]) if self.days and part in self.days else None,
                }
                for part in PARTS
                if self.wanted.get(part) or self.got.get(part)
            },
        }
