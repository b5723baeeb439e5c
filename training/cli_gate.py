"""`gate`, `report` and `card`: what an evaluation's folder says about shipping, as exit code, page and model card.

    python -m training gate DIR [--arm ARM] [--base ARM] [--json]     0 pass, 1 fail, 3 too few documents to tell
    python -m training report DIR [--pair BASE ARM] [--out FILE]
    python -m training card DIR [--arm ARM] [--out FILE]

All three work from the folder alone. 2 is what a person can mend, such as a folder that is no evaluation.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.cli_data import say, say_json

if TYPE_CHECKING:
    from training.evals.gates import Gate
    from training.task.pack import Pack


def add(verbs: Any) -> None:
    gate_parser = verbs.add_parser("gate", help="hold an evaluation against its task's release gates; exits 0, 1 or 3")
    _folder(gate_parser)
    gate_parser.add_argument("--arm", default="", metavar="ARM", help="who wants to ship (default: the tuned arm)")
    gate_parser.add_argument("--base", default="", metavar="ARM", help="who it has to beat (default: the best untuned)")
    gate_parser.add_argument("--json", action="store_true", help="JSON, one object a gate")
    gate_parser.set_defaults(run=gate)
    report_parser = verbs.add_parser("report", help="write an evaluation's report as one HTML file")
    _folder(report_parser)
    report_parser.add_argument("--pair", nargs=2, metavar=("BASE", "ARM"), help="who is compared (default: as judged)")
    report_parser.add_argument("--out", type=Path, metavar="FILE", help="another place than DIR/report.html")
    report_parser.set_defaults(run=report)
    card_parser = verbs.add_parser("card", help="write the model card of an evaluated adapter")
    _folder(card_parser)
    card_parser.add_argument("--arm", default="", metavar="ARM", help="whose card (default: the tuned arm's)")
    card_parser.add_argument("--out", type=Path, metavar="FILE", help="another place than DIR/card.md")
    card_parser.set_defaults(run=card)


def _folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of a finished evaluation")
    parser.add_argument("--home", metavar="DIR", help="where your own tasks live")


def gate(arguments: argparse.Namespace) -> int:
    """The table of gates; returns 0, 1 or 3. StudioError for a folder or an arm that is none."""
    from training.evals.gates import check_gates, exit_code
    from training.task.records import to_json

    gates = check_gates(arguments.folder, _pack(arguments), arguments.arm, arguments.base)
    for found in gates:
        if arguments.json:
            say_json(to_json(found))
    if not arguments.json:
        for line in table(gates):
            say(line)
    return exit_code(gates)


def table(gates: "Sequence[Gate]") -> list[str]:
    """Gate, verdict, documents, documents required, and what was found."""
    rows = [
        [gate.title, gate.verdict, f"{gate.n:,}" if gate.n else "", f"{gate.n_required:,}" if gate.n_required else "",
         f"{gate.rule}. {gate.why}"]
        for gate in gates
    ]  # fmt: skip
    rows = [["gate", "verdict", "n", "n required", "rule and finding"], *rows]
    widths = [max(len(row[at]) for row in rows) for at in range(4)]
    return ["  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]) for row in rows]


def report(arguments: argparse.Namespace) -> int:
    from training.evals.report import render_report, write_report

    pack, pair = _pack(arguments), tuple(arguments.pair) if arguments.pair else None
    return _write(arguments, lambda: render_report(arguments.folder, pack, pair),
                  lambda: write_report(arguments.folder, pack, pair))  # fmt: skip


def card(arguments: argparse.Namespace) -> int:
    from training.evals.card import render_card, write_card

    pack = _pack(arguments)
    return _write(arguments, lambda: render_card(arguments.folder, pack, arguments.arm),
                  lambda: write_card(arguments.folder, pack, arguments.arm))  # fmt: skip


def _write(arguments: argparse.Namespace, rendered: Any, written: Any) -> int:
    from training.disk import disk, write_whole

    place = arguments.out
    if place is None:
        place = written()
    else:
        with disk("write the file", place):
            write_whole(place, rendered())
    say(str(place))
    return 0


def _pack(arguments: argparse.Namespace) -> "Pack":
    """The task that the evaluation was of."""
    from training.evals.figures import read_aggregates
    from training.home import home_dir
    from training.task.pack import BUILTIN, find_packs, pack_named

    found = find_packs(BUILTIN, home_dir(arguments.home) / "tasks")
    return pack_named(str(read_aggregates(arguments.folder).get("task") or ""), found)
