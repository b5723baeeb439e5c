"""`data`: datasets without the window: build, show, compare, export, delete; check, clean and split a file.

Results go to standard output, as text or with --json as JSON, one object a line; what is wrong goes to standard error
in one line, with exit code 2.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from training.errors import DataError

Verb = Callable[[argparse.Namespace], int]
SHOWN = 20  # rows of a difference that are listed as text


def add(verbs: Any) -> None:
    """The verb and its own verbs."""
    from training import cli_data_files

    parser = verbs.add_parser("data", help="build, check, split, compare and export datasets")
    own = parser.add_subparsers(dest="data_verb", required=True, metavar="VERB")
    make = _verb(own, "build", build, "build a version from a spec", spec="YAML file of the dataset", home=True)
    make.add_argument("--yes", action="store_true", help="ask a teacher or a judge whose cost no cap bounds")
    _verb(
        own,
        "estimate",
        estimate,
        "what a spec's teacher and judge would cost",
        spec="YAML file of the dataset",
        home=True,
    )
    _verb(own, "list", list_, "the versions there are", home=True)
    _verb(own, "show", show, "check a version and show its card", version="name or folder", home=True)
    diff_parser = _verb(
        own, "diff", diff, "what changed from one version to another", before="name or folder", home=True
    )
    diff_parser.add_argument("after", metavar="AFTER", help="name or folder")
    refused_parser = _verb(own, "refused", refused, "the refused rows and why", version="name or folder", home=True)
    refused_parser.add_argument("--gate", metavar="NAME", help="only what this gate refused")
    export = _verb(own, "export", export_, "write rows as another tool reads them", version="name or folder", home=True)
    export.add_argument(
        "--form", default="chat", help="rows, completion, chat, instruction or preference (default chat)"
    )
    export.add_argument(
        "--part", action="append", default=[], metavar="NAME", help="may be given again (default train)"
    )
    export.add_argument("--out", type=Path, metavar="FILE", help="JSONL (default VERSION-FORM.jsonl, here)")
    delete = _verb(own, "delete", delete_, "a new version without some rows", version="name or folder", home=True)
    delete.add_argument("--source", action="append", default=[], metavar="NAME", help="every row of this origin")
    delete.add_argument("--row", action="append", default=[], metavar="ID", help="the row of this id")
    push = _verb(own, "push", push_, "put a version on the Hub", version="name or folder", home=True)
    push.add_argument("repo", metavar="REPO", help="owner/name of the dataset repository")
    push.add_argument("--public", action="store_true", help="let everyone read it, test rows included")
    cli_data_files.add(own, _verb)


def _verb(own: Any, name: str, run: Verb, text: str, home: bool = False, **positional: str) -> argparse.ArgumentParser:
    parser = own.add_parser(name, help=text)
    for key, help_text in positional.items():
        parser.add_argument(key, metavar=key.upper(), help=help_text)
    parser.add_argument("--json", action="store_true", help="JSON, one object a line")
    if home:
        parser.add_argument("--home", metavar="DIR", help="where your datasets live")
    parser.set_defaults(run=run)
    return parser


def say(line: str) -> None:
    """A line for people: what could steer a terminal is shown as marks."""
    sys.stdout.write("".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in line) + "\n")
    sys.stdout.flush()


def say_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=True) + "\n")
    sys.stdout.flush()


def counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "none"


def build(arguments: argparse.Namespace) -> int:
    """Build, with a word at each stage; what it will cost is told first, where it asks anybody.

    Stopped with Ctrl-C it goes on from its finished stages the next time.
    """
    from training.data.build import build as build_version
    from training.data.sources.mapping import UnconfirmedMapping
    from training.data.spec import read_spec
    from training.task.records import to_json

    spec = read_spec(Path(arguments.spec))
    last = ("", {})
    try:
        _tell_cost(arguments, spec)
        for step in build_version(spec, _home(arguments)):
            if arguments.json:
                say_json(to_json(step))
            elif step.counts and (step.stage, step.counts) != last:
                total = f" of {step.total:,}" if step.total is not None else ""
                paid = f" {step.spending.line()}" if step.spending is not None else ""
                say(f"{step.stage}: {step.done:,}{total} ({counted(step.counts)}){paid}")
            last = (step.stage, step.counts)
            if step.version and not arguments.json:
                say(f"{step.version}: {_datasets(arguments) / step.version}")
    except UnconfirmedMapping as err:
        fix = f"Run `python -m training data propose {arguments.spec}` and put its lines into the spec."
        raise DataError(str(err), fix=fix) from err
    return 0


def _tell_cost(arguments: argparse.Namespace, spec: Any) -> None:
    """What teacher and judge would take, before anybody is asked. DataError where nothing bounds it, without --yes."""
    from training.data.build_cost import quotes

    found = quotes(spec, _home(arguments))
    for line in _quote_lines(found):
        sys.stderr.write(line + "\n") if arguments.json else say(line)
    boundless = [q.whose for q in found if q.asked.caps == type(q.asked.caps)()]
    if boundless and not arguments.yes:
        raise DataError(
            f"Nothing bounds what the {' and the '.join(boundless)} of {spec.name} may cost.",
            fix="Put caps into the spec, such as caps: {calls: 500}, or say --yes.",
        )


def _quote_lines(found: Any) -> list[str]:
    return [line for quote in found for line in (f"The {quote.whose}, {quote.asked.model}:", *quote.lines())]


def estimate(arguments: argparse.Namespace) -> int:
    """What the teacher and the judge of a spec would be asked for; nothing is sent."""
    from training.data.build_cost import quotes
    from training.data.spec import read_spec
    from training.task.records import to_json

    spec = read_spec(Path(arguments.spec))
    found = quotes(spec, _home(arguments))
    if not found:
        fix = "Name one under teacher: or judge:, or build: it costs nothing."
        raise DataError(f"{spec.name} asks no teacher and no judge.", fix=fix)
    figures = {quote.whose: to_json(quote.estimate) for quote in found}
    _result(arguments, figures, "\n".join(_quote_lines(found)))
    return 0


def list_(arguments: argparse.Namespace) -> int:
    """A line a version: your own, newest first, then what ships; folders that are none are told on standard error."""
    from training.data.versions import list_versions
    from training.engine.run_rows import SHIPPED

    own, notices = list_versions(_datasets(arguments))
    for version in (*own, *list_versions(SHIPPED)[0]):
        ships = version.folder.parent == SHIPPED
        facts = {"name": version.name, "task": version.task, "created": version.created, "rows": version.rows}
        if arguments.json:
            say_json({**facts, "ships": ships})
        else:
            made = "ships with the studio" if ships else version.created
            say(f"{version.name}  {version.task}  {made}  {counted(version.rows)}")
    for notice in notices:
        sys.stderr.write(notice + "\n")
    return 0


def show(arguments: argparse.Namespace) -> int:
    """The card of a version whose files were all checked; with --json its manifest."""
    version = _open(arguments, arguments.version)
    if arguments.json:
        say_json(version.read("manifest"))
    else:
        say((version.folder / "card.md").read_text("utf-8").split("---\n", 2)[2].strip())
    return 0


def diff(arguments: argparse.Namespace) -> int:
    """Counts, then the rows that differ, or all of them as JSON."""
    from training.data.version_changes import compare_versions
    from training.task.records import to_json

    found = compare_versions(_open(arguments, arguments.before), _open(arguments, arguments.after))
    if arguments.json:
        say_json(to_json(found))
        return 0
    say(
        f"same {found.same:,}, added {len(found.added):,}, removed {len(found.removed):,}, "
        f"changed {len(found.changed):,}, moved {len(found.moved):,}"
    )
    for key, (old, new) in found.spec.items():
        say(f"spec {key}: {json.dumps(old, ensure_ascii=False)} -> {json.dumps(new, ensure_ascii=False)}")
    lines = [f"+ {row.id} {_first_line(row.source)}" for row in found.added]
    lines += [f"- {row.id} {_first_line(row.source)}" for row in found.removed]
    lines += [f"~ {old.id} -> {new.id} {_first_line(new.source)}" for old, new in found.changed]
    lines += [f"> {row_id} {old} -> {new}" for row_id, old, new in found.moved]
    for line in lines[:SHOWN]:
        say(line)
    if len(lines) > SHOWN:
        say(f"... and {len(lines) - SHOWN:,} more: see --json")
    return 0


def refused(arguments: argparse.Namespace) -> int:
    """Each refused row with its reasons, and each record that could not be read."""
    from training.data.version_files import read_lines

    version = _open(arguments, arguments.version)
    for line in read_lines(version.folder / "refused.jsonl"):
        gates = [refusal["gate"] for refusal in line.get("refusals", [])]
        if arguments.gate and arguments.gate not in gates:
            continue
        if arguments.json:
            say_json(line)
            continue
        what = line.get("row") or line["bad"]
        say(f"{what.get('id', 'unreadable')}  {what['origin']}, {what['place']}")
        for refusal in line.get("refusals", []):
            say(f"  {refusal['gate']}: {refusal['reason']}")
        if "bad" in line:
            say(f"  {what['reason']}")
    return 0


def export_(arguments: argparse.Namespace) -> int:
    from training.data.exports import export_version
    from training.task.pack import BUILTIN, find_packs, pack_named

    version = _open(arguments, arguments.version)
    pack = pack_named(version.task, find_packs(BUILTIN, _home(arguments) / "tasks"))
    out = arguments.out or Path(f"{version.name}-{arguments.form}.jsonl")
    count = export_version(version, out, arguments.form, pack, arguments.part or ["train"])
    _result(arguments, {"out": str(out), "lines": count}, f"{out}: {count:,} lines")
    return 0


def delete_(arguments: argparse.Namespace) -> int:
    from training.data.version_changes import delete_rows
    from training.engine.run_rows import SHIPPED

    parent = _open(arguments, arguments.version)
    if parent.folder.parent == SHIPPED:
        raise DataError(
            f"{parent.name} ships with the studio and stays as it is.",
            fix="Build a version of your own from its spec.yaml, then take rows out of that.",
        )
    version = delete_rows(parent, sources=arguments.source, ids=arguments.row)
    text = (
        f"{version.name}: {version.folder}\nWithout {version.removed['count']:,} rows. They still stand in "
        f"{parent.folder}, and in what was exported from it, until you delete those."
    )
    _result(arguments, {"version": version.name, "parent": parent.name, "removed": version.removed}, text)
    return 0


def push_(arguments: argparse.Namespace) -> int:
    from training.data.exports import push_to_hub

    address = push_to_hub(_open(arguments, arguments.version), arguments.repo, private=not arguments.public)
    _result(arguments, {"address": address}, address)
    return 0


def _result(arguments: argparse.Namespace, value: Mapping[str, Any], text: str) -> None:
    if arguments.json:
        say_json(value)
    else:
        say(text)


def _first_line(text: str) -> str:
    return next((line.strip()[:80] for line in text.splitlines() if line.strip()), "")


def _home(arguments: argparse.Namespace) -> Path:
    from training.home import home_dir

    return home_dir(arguments.home)


def _datasets(arguments: argparse.Namespace) -> Path:
    return _home(arguments) / "datasets"


def _open(arguments: argparse.Namespace, name: str) -> Any:
    """A version of the home or one that ships, by folder, name or the beginning of one, its files checked."""
    from training.data.versions import open_version
    from training.engine.run_rows import find_dataset

    return open_version(find_dataset(_home(arguments), name))
