"""README.md as data: its front matter, commands, tree and figures. Standard library only.

    python3 -m tests.readme command NAME    print the command that stands under `<!-- command: NAME -->`
    python3 -m tests.readme fill            write every figure anew from the file that its anchor names

A figure is a number behind an anchor that names a JSON file in this repository and a JSON pointer into it:
`<!-- assets/adapters/NAME/provenance.json#/figures/synthetic/tuned/strict -->98.7 %`. The file holds the truth; the
README shows it rounded, with as many decimals as are written, and times 100 where a % follows. An anchor that names a
whole figure of a summary.json, {"value", "ci_low", "ci_high", "n_scored", "n_total"}, is followed by the value and, in
small print, its interval and of how many it is. A figure that nobody has measured yet has question marks for digits,
such as `?.? %`, and the tests refuse it.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
COMMAND = re.compile(r"<!-- command: (?P<name>[\w-]+) -->\n```(?P<shell>\w+)\n(?P<line>[^\n]+)\n```")
FIGURE = re.compile(
    r"<!-- (?P<file>[\w./-]+\.json)#(?P<pointer>/[^ ]*) -->(?P<shown>-?[\d?][\d?.,]*(?: %)?(?:<br><sub>[^<]*</sub>)?)"
)


class Command(NamedTuple):
    """One line a person may paste. `shell` is the fence's language: bash, or bat for Windows."""

    name: str
    shell: str
    line: str


class Figure(NamedTuple):
    """One number in the text. `shown` as written, such as "98.7 %", with interval and n where its anchor has them."""

    file: str
    pointer: str
    shown: str


class Entry(NamedTuple):
    """One line of the tree: a path from the root, and what is said of it."""

    path: str
    words: str


def text() -> str:
    return README.read_text("utf-8")


def front_matter(source: str) -> dict[str, str]:
    """The block that a Space reads: `key: value` a line, quotes dropped. ValueError where there is none."""
    match = re.match(r"---\n(.*?)\n---\n", source, re.DOTALL)
    if match is None:
        raise ValueError("README.md does not begin with front matter between two --- lines.")
    pairs = (line.partition(":") for line in match.group(1).splitlines())
    return {key.strip(): value.strip().strip("\"'") for key, _, value in pairs}


def commands(source: str) -> dict[str, Command]:
    """Every named command by its name."""
    return {match["name"]: Command(match["name"], match["shell"], match["line"]) for match in COMMAND.finditer(source)}


def fenced(source: str) -> list[tuple[str, str]]:
    """Every fenced block as (language, body)."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", source, re.MULTILINE | re.DOTALL)


def figures(source: str) -> list[Figure]:
    return [Figure(match["file"], match["pointer"], match["shown"]) for match in FIGURE.finditer(source)]


def tree(source: str) -> list[Entry]:
    """The paths of the one ```tree block: two spaces of indent a level, the words after two or more spaces."""
    body = next(body for language, body in fenced(source) if language == "tree")
    entries: list[Entry] = []
    parents: list[str] = []
    for line in filter(str.strip, body.splitlines()):
        depth = (len(line) - len(line.lstrip(" "))) // 2
        name, _, words = line.strip().partition("  ")
        parents[depth:] = [name]
        entries.append(Entry("".join(parents), words.strip()))
    return entries


def value_at(document: Any, pointer: str) -> Any:
    """What a JSON pointer names. KeyError or IndexError where nothing stands there."""
    for part in pointer.removeprefix("/").split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        document = document[int(key)] if isinstance(document, list) else document[key]
    return document


def truth(figure: Figure) -> float:
    """The measured number. OSError or KeyError where the file or the place is missing, ValueError for no number."""
    value = value_at(json.loads((ROOT / figure.file).read_text("utf-8")), figure.pointer)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{figure.file}#{figure.pointer} holds {value!r}, which is no number.")
    return float(value)


def written(value: float, like: str) -> str:
    """`value` in the form of `like`: its decimals, thousands commas, and times 100 before a %."""
    percent = like.endswith("%")
    digits = like.rstrip("% ").partition(".")[2]
    comma = "," if "," in like else ""
    return f"{value * 100 if percent else value:{comma}.{len(digits)}f}{' %' if percent else ''}"


def as_measured(figure: Figure) -> str:
    """What has to stand in the text. OSError, KeyError or ValueError where the file does not say."""
    found = value_at(json.loads((ROOT / figure.file).read_text("utf-8")), figure.pointer)
    if not isinstance(found, dict) or "value" not in found:
        return written(truth(figure), figure.shown)
    if found["value"] is None:
        raise ValueError(f"{figure.file}#{figure.pointer} has no value.")
    like = figure.shown.partition("<")[0]
    ends = [
        written(end, like).removesuffix(" %") for key in ("ci_low", "ci_high") if (end := found.get(key)) is not None
    ]
    inside = f"[{', '.join(ends)}] " if len(ends) == 2 else ""
    return f"{written(found['value'], like)}<br><sub>{inside}{found['n_scored']:,}/{found['n_total']:,}</sub>"


def fill(source: str) -> str:
    """The README with every figure as its file has it now."""

    def refreshed(match: re.Match[str]) -> str:
        figure = Figure(match["file"], match["pointer"], match["shown"])
        return f"<!-- {figure.file}#{figure.pointer} -->{as_measured(figure)}"

    return FIGURE.sub(refreshed, source)


def main(arguments: list[str]) -> int:
    if arguments == ["fill"]:
        README.write_text(fill(text()), "utf-8")
        return 0
    if len(arguments) == 2 and arguments[0] == "command" and arguments[1] in commands(text()):
        sys.stdout.write(commands(text())[arguments[1]].line + "\n")
        return 0
    sys.stderr.write(f"usage: python3 -m tests.readme command {{{','.join(commands(text()))}}} | fill\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
