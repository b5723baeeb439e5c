"""The words a judge is asked in: assets/judge/rubric.yaml, read strictly and filled in for a pack.

`Rubric.sha256` is over everything that the judge reads beside the data, so that changed words are another question.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

from training.evals.judge.groups import Group
from training.task.pack import Comparator
from training.task.records import sha256_text
from training.task.yamlfile import Reader, read_yaml

FOLDER = Path(__file__).resolve().parents[3] / "assets" / "judge"
FILE = FOLDER / "rubric.yaml"
_PLACES = {
    "request": ("{request}",),
    "pointwise": ("{fields}", "{anchors}"),
    "pairwise": ("{fields}",),
    "data_rule": ("{marks}",),
    "answer_rule": ("{schema}",),
    "closing": ("{schema}",),
    "again": ("{complaint}",),
}


@dataclass(frozen=True, slots=True)
class Rubric:
    """A checked rubric. `texts` are the parts by name, roles as role.extraction and role.free."""

    version: str
    texts: Mapping[str, str]
    anchors: tuple[tuple[int, str], ...]
    hints: Mapping[str, str]
    free_hints: Mapping[str, str]

    def text(self, name: str, **values: str) -> str:
        """A part with its places filled, in one pass."""
        places = {f"{{{key}}}": value for key, value in values.items()}
        if not places:
            return self.texts[name]
        return re.sub("|".join(map(re.escape, places)), lambda match: places[match[0]], self.texts[name])

    def fields(self, groups: Sequence[Group], grounded: bool) -> str:
        """The groups as lines: the name, the keys it covers, what matters."""
        return "\n".join(f"- {group.name} ({_keys(group)}): {self._hint(group, grounded)}" for group in groups)

    def scale(self) -> str:
        return "\n".join(f"- {score}: {means}" for score, means in self.anchors)

    def _hint(self, group: Group, grounded: bool) -> str:
        return self.hints[group.comparator] if grounded else self.free_hints.get(group.comparator, "fits the request")

    def sha256(self, groups: Sequence[Group], request: str, grounded: bool) -> str:
        """Hex SHA-256 of the version, the words, the fields and what the program was asked."""
        words = "\n".join(f"{key}: {value}" for key, value in sorted(self.texts.items()))
        about = f"{self.fields(groups, grounded)}\n{request}\n{grounded}"
        return sha256_text(f"{self.version}\n{words}\n{self.scale()}\n{about}")


def _keys(group: Group) -> str:
    return ", ".join(spec.name for spec in group.fields)


@lru_cache(maxsize=4)
def load_rubric(file: Path = FILE) -> Rubric:
    """PackError naming file, key and fix where it is broken."""
    root = read_yaml(file)
    version = root.take("version", str)
    role = root.sub("role")
    texts = {f"role.{name}": role.take(name, str) for name in ("extraction", "free")}
    role.finish()
    for name, places in _PLACES.items():
        text = root.take(name, str)
        for place in places:
            if text.count(place) != 1:
                raise root.error(name, f"holds {place} {text.count(place)} times", f"Write {place} exactly once.")
        texts[name] = text
    anchors = root.each("anchors", _anchor)
    hints, free_hints = _strings(root, "hints"), _strings(root, "free_hints")
    if missing := [name for name in get_args(Comparator) if name != "ignore" and name not in hints]:
        raise root.error("hints", f"lacks {', '.join(missing)}", "Say what matters for each comparator.")
    root.finish()
    return Rubric(version, texts, anchors, hints, free_hints)


def _anchor(row: Reader) -> tuple[int, str]:
    return row.take("score", int), row.take("means", str)


def _strings(root: Reader, key: str) -> dict[str, Any]:
    row = root.sub(key)
    known = [name for name in get_args(Comparator) if row.has(name)]
    found = {name: row.take(name, str) for name in known}
    row.finish()
    return found
