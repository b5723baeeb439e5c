"""The verbs of `data` that work on a file of rows: validate, dedupe, split, and the mapping that is proposed for one.

A file is anything the sources read, with finished rows (source and gold) under those names; one with other columns is
what `propose` is for. Nothing is changed in place.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from training.errors import DataError

DEFAULT_TASK = "recipe-jsonld"
AddVerb = Callable[..., argparse.ArgumentParser]


def add(own: Any, verb: AddVerb) -> None:
    """The verbs, made with the maker of verbs that `data` uses for its others."""
    check = verb(own, "validate", validate, "hold the rows of a file against a task's gates", file="rows", home=True)
    check.add_argument("--task", required=True, metavar="NAME", help="task pack, such as recipe-jsonld")
    clean = verb(own, "dedupe", dedupe, "rows of a file that repeat each other or another dataset", file="rows")
    clean.add_argument("--against", metavar="DIR", help="a version's folder, or a file of rows, to compare with")
    clean.add_argument("--out", type=Path, metavar="FILE", help="where to write the rows that repeat nothing")
    part = verb(own, "split", split, "split a file into train, dev and test", file="rows")
    part.add_argument("--shares", default="80/10/10", help="train/test or train/dev/test in percent (default 80/10/10)")
    part.add_argument("--by", default="group", help="group or date (default group)")
    part.add_argument("--seed", type=int, default=7, metavar="N", help="another seed is another split (default 7)")
    part.add_argument("--out", type=Path, metavar="DIR", help="a new folder (default FILE-split, beside the file)")
    for parser in (clean, part):
        parser.add_argument(
            "--task", default=DEFAULT_TASK, metavar="NAME", help=f"of the rows (default {DEFAULT_TASK})"
        )
    verb(own, "propose", propose, "the mapping that a file's columns look like", file="rows, or a spec in YAML")


def validate(arguments: argparse.Namespace) -> int:
    """Every gate but licence and quotas, which are a dataset's and not a row's. DataError where a row is refused."""
    from training.cli_data import counted, say, say_json
    from training.data.build_gates import gate_rows
    from training.data.spec import DatasetSpec, SourceSpec
    from training.home import home_dir
    from training.task.records import to_json

    rows, bad = _rows(arguments, looking=True)
    gates = {"licence_known": False, "quotas": None, "personal": "find", "secrets": "find"}
    spec = DatasetSpec(arguments.task, "validate", (SourceSpec("file", path=arguments.file),), gates=gates)
    refused: Counter[str] = Counter()
    for row, refusals in gate_rows(rows, spec, home_dir(arguments.home)):
        refused.update([refusals[0].gate] if refusals else [])
        if arguments.json:
            say_json({"id": row.id, "place": row.place, "refusals": to_json(refusals)})
            continue
        for refusal in refusals:
            say(f"{row.origin}, {row.place}: {refusal.gate}: {refusal.reason}")
    _tell_bad(arguments, bad)
    if refused or bad:
        raise DataError(
            f"{refused.total():,} of {len(rows):,} rows are refused ({counted(refused)}), {len(bad):,} can't be read.",
            fix="Correct them, or leave them out.",
        )
    if not arguments.json:
        say(f"All {len(rows):,} rows pass.")
    return 0


def dedupe(arguments: argparse.Namespace) -> int:
    """Each row that repeats one, with how similar it is; --out writes the others."""
    from training.cli_data import say, say_json
    from training.data.gates.duplicates import cluster
    from training.data.gates.plan import GatePlan
    from training.data.leaks import leak_report
    from training.data.version_files import row_json, write_lines
    from training.disk import disk
    from training.task.pack import BUILTIN, load_pack

    rows, bad = _rows(arguments, looking=not arguments.out)
    plan = GatePlan(load_pack(BUILTIN / DEFAULT_TASK), consistency=False)  # of its pack nothing is looked at here
    twins = {twin.at: (rows[twin.kept].place, twin.similarity) for twin in cluster(rows, plan).twins}
    known: dict[str, tuple[str, float]] = {}
    if arguments.against:
        report = leak_report(_known(Path(arguments.against)), rows)
        known = {found.test_id: (found.train_id, found.similarity) for found in (*report.near, *report.exact)}
    kept = [row for at, row in enumerate(rows) if at not in twins and row.id not in known]
    for at, row in enumerate(rows):
        for where, found in (("file", twins.get(at)), ("against", known.get(row.id))):
            if found and arguments.json:
                say_json({"place": row.place, "id": row.id, "in": where, "like": found[0], "similarity": found[1]})
            elif found:
                say(f"{row.place} is {found[1]:.0%} like {found[0]} ({where})")
    _tell_bad(arguments, bad)
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
    from training.data.spec import PARTS, SplitSpec
    from training.data.split import shares_of, split_rows
    from training.data.version_files import move_into_place, row_json, scratch_folder, write_lines, write_text

    rows, bad = _rows(arguments)
    spec = SplitSpec(shares=shares_of(arguments.shares), by=arguments.by)
    result = split_rows(rows, spec, arguments.seed)
    source = Path(arguments.file)
    out = arguments.out or source.with_name(f"{source.name.split('.')[0]}-split")
    if out.exists():
        raise DataError(f"{out} is there already.", fix="Give a new folder with --out, or move that one away.")
    with scratch_folder(out.absolute().parent) as folder:
        for part in PARTS:
            if result.got.get(part):
                of_part = sorted((row for row in rows if result.parts[row.id] == part), key=lambda row: row.id)
                write_lines(folder / f"{part}.jsonl", map(row_json, of_part))
        write_text(folder / "splits.json", json.dumps(result.report(), indent=1) + "\n")
        move_into_place(folder, out)
    _tell_bad(arguments, bad)
    if arguments.json:
        say_json({"out": str(out), **result.report()})
    else:
        say(f"{out}: {counted(result.got)}")
    return 0


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


def _rows(arguments: argparse.Namespace, looking: bool = False) -> tuple[list[Any], list[Any]]:
    """The finished rows of a file and its bad records. `looking`: nothing becomes a training row, locked files too."""
    from training.data.makers import RenderSpec, make_rows
    from training.data.rows import BadRecord
    from training.data.sources.mapping import UnconfirmedMapping
    from training.data.sources.read import read_source
    from training.data.spec import SourceSpec

    source = SourceSpec("file", path=arguments.file, part="test" if looking else "")
    try:
        items = list(make_rows(arguments.task, read_source(source), RenderSpec(), 7))
    except UnconfirmedMapping as err:
        fix = "Rows here have the columns source and gold; `data propose` shows how a build would read this file."
        raise DataError(str(err), fix=fix) from err
    rows = [item for item in items if not isinstance(item, BadRecord)]
    bad = [item for item in items if isinstance(item, BadRecord)]
    if not rows:
        first = f"{bad[0].place}: {bad[0].reason}" if bad else "it is empty"
        raise DataError(f"{arguments.file} has no row that can be read ({first}).", fix="Give a file of finished rows.")
    return rows, bad


def _known(path: Path) -> Sequence[Any]:
    """The rows of a version, or of one file."""
    from training.data.version_files import read_rows
    from training.data.versions import open_version, rows_of

    if path.is_dir():
        version = open_version(path)
        return [row for part in version.rows for row in rows_of(version, part)]
    return list(read_rows(path))


def _tell_bad(arguments: argparse.Namespace, bad: Sequence[Any]) -> None:
    from training.cli_data import say, say_json
    from training.task.records import to_json

    for record in bad:
        if arguments.json:
            say_json({"bad": to_json(record)})
        else:
            say(f"{record.origin}, {record.place}: can't be read: {record.reason}")
