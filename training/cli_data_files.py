"""The verbs of `data` that work on a file of rows: validate, dedupe, split, and the mapping that is proposed for one.

A file is anything the sources read, with finished rows: source and gold under those names, or in a form that
`data export` writes, and then standard error says how it was read. One with other columns is what `propose` is for.
Nothing is changed in place.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.errors import DataError

if TYPE_CHECKING:
    from training.data.file_rows import FileRows
    from training.data.spec import SplitSpec
    from training.task.pack import Pack

AddVerb = Callable[..., argparse.ArgumentParser]


def add(own: Any, verb: AddVerb) -> None:
    """The verbs, made with the maker of verbs that `data` uses for its others."""
    check = verb(own, "validate", validate, "hold the rows of a file against a task's gates", file="rows", home=True)
    clean = verb(
        own, "dedupe", dedupe, "rows of a file that repeat each other or another dataset", file="rows", home=True
    )
    clean.add_argument(
        "--against", type=Path, metavar="PLACE", help="a version's folder, a folder of JSONL files, or a file of rows"
    )
    clean.add_argument("--out", type=Path, metavar="FILE", help="where to write the rows that repeat nothing")
    part = verb(own, "split", split, "split a file into train, dev and test", file="rows", home=True)
    part.add_argument("--shares", default="80/10/10", help="train/test or train/dev/test in percent (default 80/10/10)")
    part.add_argument("--by", default="group", help="group or date (default group)")
    for name, of in (("golden", "for a golden part"), ("adversarial", "of hard slices for an adversarial part")):
        part.add_argument(f"--{name}", default="0", metavar="SHARE", help=f"rows {of}: a count, or such as 5%% of all")
    part.add_argument("--seed", type=int, default=7, metavar="N", help="another seed is another split (default 7)")
    part.add_argument("--out", type=Path, metavar="DIR", help="a new folder (default FILE-split, beside the file)")
    for parser in (check, clean, part):
        parser.add_argument(
            "--task", default="", metavar="NAME", help="task pack (default: the one that the rows name)"
        )
    verb(own, "propose", propose, "the mapping that a file's columns look like", file="rows, or a spec in YAML")


def validate(arguments: argparse.Namespace) -> int:
    """Every gate but licence and quotas, which are a dataset's and not a row's. DataError where a row is refused.

    Personal data and secrets refuse nothing here: they are told, by row and in all.
    """
    from training.cli_data import counted, say, say_json
    from training.data.build_gates import gate_rows
    from training.data.gates.report import FOUND
    from training.data.spec import DatasetSpec, SourceSpec
    from training.task.records import to_json

    given = _rows(arguments, looking=True)
    gates = {"licence_known": False, "quotas": None, "personal": "find", "secrets": "find"}
    spec = DatasetSpec(given.pack.name, "validate", (SourceSpec("file", path=arguments.file),), gates=gates)
    refused: Counter[str] = Counter()
    personal: Counter[str] = Counter()
    holding = 0
    for row, refusals in gate_rows(given.rows, spec, _home(arguments)):
        refused.update([refusals[0].gate] if refusals else [])
        found: Mapping[str, int] = row.notes.get(FOUND, {})
        personal.update(found)
        holding += bool(found)
        if arguments.json:
            say_json({"id": row.id, "place": row.place, "refusals": to_json(refusals), "found": dict(found)})
            continue
        for refusal in refusals:
            say(f"{row.origin}, {row.place}: {refusal.gate}: {refusal.reason}")
        if found:
            say(f"{row.origin}, {row.place}: holds {counted(found)}")
    _tell_bad(arguments, given.bad)
    rows, bad = len(given.rows), len(given.bad)
    if arguments.json:
        summary = {"rows": rows, "refused": dict(refused), "unreadable": bad, "holding": holding}
        say_json({"summary": {**summary, "found": dict(personal)}})
    held = f" {holding:,} of {rows:,} rows hold personal data or secrets: {counted(personal)}." if holding else ""
    if refused or bad:
        says = f"{refused.total():,} of {rows:,} rows are refused ({counted(refused)}), {bad:,} can't be read.{held}"
        raise DataError(says, fix="Correct them, or leave them out.")
    if not arguments.json:
        say(f"All {rows:,} rows pass.{held}")
    return 0


def dedupe(arguments: argparse.Namespace) -> int:
    """Each row that repeats one, with how similar it is; --out writes the others."""
    from training.cli_data import say, say_json
    from training.data.gates.duplicates import cluster
    from training.data.gates.plan import GatePlan
    from training.data.leaks import leak_report
    from training.data.version_files import row_json, write_lines
    from training.disk import disk

    given = _rows(arguments, looking=not arguments.out)
    rows = given.rows
    twins = {
        twin.at: (rows[twin.kept].place, twin.similarity)
        for twin in cluster(rows, GatePlan(given.pack, consistency=False)).twins
    }
    known: dict[str, tuple[str, float]] = {}
    if arguments.against:
        report = leak_report(_known(arguments, given.pack), rows)
        known = {found.test_id: (found.train_id, found.similarity) for found in (*report.near, *report.exact)}
    kept = [row for at, row in enumerate(rows) if at not in twins and row.id not in known]
    for at, row in enumerate(rows):
        for where, found in (("file", twins.get(at)), ("against", known.get(row.id))):
            if found and arguments.json:
                say_json({"place": row.place, "id": row.id, "in": where, "like": found[0], "similarity": found[1]})
            elif found:
                say(f"{row.place} is {found[1]:.0%} like {found[0]} ({where})")
    _tell_bad(arguments, given.bad)
    if arguments.out:
        with disk("write the rows that are left", arguments.out):
            write_lines(arguments.out, map(row_json, kept))
    if not arguments.json:
        say(f"{len(kept):,} of {len(rows):,} rows repeat nothing.")
    return 0


def split(arguments: argparse.Namespace) -> int:
    """One file a part in a folder that appears whole or not at all, with splits.json beside them."""
    import json

    from training.cli_data import counted, say, say_json
    from training.data.spec import PARTS
    from training.data.split import split_rows
    from training.data.version_files import move_into_place, row_json, scratch_folder, write_lines, write_text

    given = _rows(arguments)
    result = split_rows(given.rows, _split_spec(arguments, len(given.rows)), arguments.seed)
    source = Path(arguments.file)
    out = arguments.out or source.with_name(f"{source.name.split('.')[0]}-split")
    if out.exists():
        raise DataError(f"{out} is there already.", fix="Give a new folder with --out, or move that one away.")
    with scratch_folder(out.absolute().parent) as folder:
        for part in PARTS:
            if result.got.get(part):
                of_part = sorted((row for row in given.rows if result.parts[row.id] == part), key=lambda row: row.id)
                write_lines(folder / f"{part}.jsonl", map(row_json, of_part))
        write_text(folder / "splits.json", json.dumps(result.report(), indent=1) + "\n")
        move_into_place(folder, out)
    _tell_bad(arguments, given.bad)
    if arguments.json:
        say_json({"out": str(out), **result.report()})
    else:
        say(f"{out}: {counted(result.got)}")
    return 0


def _split_spec(arguments: argparse.Namespace, rows: int) -> "SplitSpec":
    from training.data.spec import SplitSpec
    from training.data.split import shares_of

    golden, adversarial = (_count(arguments, name, rows) for name in ("golden", "adversarial"))
    shares = shares_of(arguments.shares)
    return SplitSpec(shares=shares, by=arguments.by, golden=golden, adversarial=adversarial)


def _count(arguments: argparse.Namespace, name: str, rows: int) -> int:
    """Rows of a part from a count, or from a share of all of them such as 5%."""
    text: str = getattr(arguments, name)
    share = text.removesuffix("%")
    number = float(share) if share.replace(".", "", 1).isdecimal() and len(share) <= 12 else -1.0
    if number < 0 or (text == share and not number.is_integer()) or (text != share and number > 100):
        raise DataError(f"--{name} is {text!r}.", fix="Give a count of rows such as 30, or a share such as 5%.")
    return int(number) if text == share else round(number * rows / 100)


def propose(arguments: argparse.Namespace) -> int:
    """The lines to put into a spec, with what they do to real values; nothing is applied."""
    from training.cli_data import say, say_json
    from training.data.sources.read import proposal_lines, propose_file, propose_source
    from training.data.spec import SourceSpec, read_spec
    from training.task.records import to_json

    path = Path(arguments.file)
    if path.suffix in (".yaml", ".yml"):
        spec = read_spec(path)
        sources = [spec.resolved(source) for source in spec.sources if source.kind in ("file", "hub")]
        found = [(source, propose_source(source)) for source in sources]
    else:
        found = [(SourceSpec("file", path=str(path)), propose_file(path))]
    for source, proposal in found:
        if arguments.json:
            say_json({"origin": source.origin, **to_json(proposal)})
        else:
            say(f"# {source.origin}: {proposal.shape}\n{proposal_lines(source, proposal)}".rstrip())
    return 0


def _rows(arguments: argparse.Namespace, looking: bool = False) -> "FileRows":
    """The finished rows of the file and its bad records; `looking`: none of them becomes a training row."""
    return _read(Path(arguments.file), arguments, arguments.task, looking)


def _read(path: Path, arguments: argparse.Namespace, task: str, looking: bool) -> "FileRows":
    from training.data.file_rows import rows_of_file
    from training.data.sources.mapping import UnconfirmedMapping
    from training.task.pack import BUILTIN, find_packs

    try:
        found = rows_of_file(path, find_packs(BUILTIN, _home(arguments) / "tasks"), task, looking=looking)
    except UnconfirmedMapping as err:
        fix = "Rows here have the columns source and gold; `data propose` shows how a build would read this file."
        raise DataError(str(err), fix=fix) from err
    if found.read_as:
        sys.stderr.write(f"{path.name} was read as {found.read_as}.\n")
    return found


def _known(arguments: argparse.Namespace, pack: "Pack") -> Sequence[Any]:
    """The rows to compare with: of a version, of every JSONL file of a folder, or of one file."""
    from training.data.versions import MANIFEST, open_version, rows_of

    place: Path = arguments.against
    if not place.exists():
        raise DataError(
            f"--against {place} does not exist.",
            fix="Give a version's folder, a folder of JSONL files, or a file of rows.",
        )
    if (place / MANIFEST).is_file():
        version = open_version(place)
        return [row for part in version.rows for row in rows_of(version, part)]
    files = sorted(place.glob("*.jsonl")) if place.is_dir() else [place]
    if not files:
        raise DataError(f"{place} holds no .jsonl file.", fix="Give a folder that does, or one file of rows.")
    rows: list[Any] = []
    for file in files:
        found = _read(file, arguments, pack.name, looking=True)
        _tell_bad(arguments, found.bad)
        rows += found.rows
    return rows


def _home(arguments: argparse.Namespace) -> Path:
    from training.home import home_dir

    return home_dir(arguments.home)


def _tell_bad(arguments: argparse.Namespace, bad: Sequence[Any]) -> None:
    from training.cli_data import say, say_json
    from training.task.records import to_json

    for record in bad:
        if arguments.json:
            say_json({"bad": to_json(record)})
        else:
            say(f"{record.origin}, {record.place}: can't be read: {record.reason}")
