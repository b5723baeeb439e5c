"""`evaluate`: arms asked, or predictions taken as they are, over a file or a dataset version; figures with intervals.

How far it is goes to standard error, what came of it to standard output: a table, or with --json one object. Ctrl-C
stops at once, and the same command goes on from the last answer. Exit code 0 done, 1 failed, 2 what a person can mend.
"""

import argparse
import json
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.errors import InputError
from training.evals.records import BASES, TRIVIAL, EvalStatus

SHOWN = ("strict", "usable", "schema_valid", "hallucinated_docs", "omitted", "abstain_acc")  # beside the primary one
ARMS = ", ".join((*TRIVIAL, *BASES, "adapter:NAME", "adapter+constrained:NAME", "endpoint:MODEL"))


def add(verbs: Any) -> None:
    parser = verbs.add_parser("evaluate", help="measure arms, or predictions made elsewhere, with intervals and tests")
    parser.add_argument("--task", required=True, metavar="NAME", help="task pack, such as recipe-jsonld")
    parser.add_argument("--data", required=True, metavar="DATA", help="JSONL file, or a dataset version")
    parser.add_argument("--arms", default="", metavar="A,B,...", help=f"who answers: {ARMS}")
    parser.add_argument("--predictions", default="", metavar="FILE", help="JSONL of id, output and perhaps arm")
    parser.add_argument("--out", required=True, metavar="DIR", help="folder of the evaluation; a stopped one goes on")
    parser.add_argument("--part", default="test", metavar="NAME", help="part of a dataset version (default test)")
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="only the first N documents")
    parser.add_argument("--samples", type=int, default=1, metavar="K", help="answers a document (default 1)")
    parser.add_argument("--temperature", type=float, metavar="T", help="instead of the task's own; 0 is greedy")
    parser.add_argument("--seed", type=int, default=7, metavar="N", help="of the first sample (default 7)")
    parser.add_argument("--base", default="", metavar="ID", help="name, folder or hub id (default: the adapters' own)")
    parser.add_argument("--batch-size", type=int, default=8, metavar="N", help="documents decoded together (default 8)")
    parser.add_argument("--latency-rows", type=int, default=20, metavar="N", help="asked again alone, for their times")
    parser.add_argument("--noise-rows", type=int, default=16, metavar="N", help="asked again in another batch size")
    parser.add_argument("--endpoint", default="", metavar="URL", help="OpenAI-compatible address of an endpoint arm")
    parser.add_argument("--name", default="", metavar="TEXT", help="what pages call it (default: the folder's name)")
    parser.add_argument("--json", action="store_true", help="the summary as one JSON object")
    parser.add_argument("--home", metavar="DIR", help="where your tasks, models, adapters and datasets live")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate and print. StudioError for what a person can mend."""
    from training.evals.records import SUMMARY
    from training.evals.runner import run_evaluation
    from training.home import home_dir

    home, folder = home_dir(arguments.home), Path(arguments.out).expanduser()
    job = job_of(arguments, home)
    warnings.simplefilter("ignore")  # libraries' advice is not for the one who reads this output
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file.", fix="Give a folder with --out.")
    status = run_evaluation(job, folder, home, told=_Told())
    if status.state != "finished":
        return 1
    summary: Mapping[str, Any] = json.loads((folder / SUMMARY).read_text("utf-8"))
    for notice in [*_measured(folder), *_notices(folder)]:
        sys.stderr.write(f"{_printable(notice)}\n")
    if arguments.json:
        sys.stdout.write(json.dumps(summary, ensure_ascii=True) + "\n")
    else:
        sys.stdout.write(_printable(table(summary, job.task, home)) + f"\n\n{folder}\n")
    return 0


def _measured(folder: Path) -> list[str]:
    """What the evaluation says of itself: documents scored a second, and the batch-noise floor."""
    from training.evals.manifest import read_manifest
    from training.evals.verdict import noise_words

    facts = read_manifest(folder)
    scoring: Mapping[str, Any] = facts.get("scoring") or {}
    speed = scoring.get("documents_per_s")
    said = f"Scored {scoring.get('documents', 0):,} documents, {speed:,.1f} documents/s." if speed else ""
    return [line for line in (said, noise_words(facts.get("noise") or {})) if line]


def job_of(arguments: argparse.Namespace, home: Path) -> Any:
    """The flags as a job. InputError for a number out of its range."""
    from dataclasses import replace

    from training.evals.records import EvalJob
    from training.task.pack import BUILTIN, find_packs, pack_named

    pack = pack_named(arguments.task, find_packs(BUILTIN, home / "tasks"))
    arms = tuple(name.strip() for name in arguments.arms.split(",") if name.strip())
    if not arms and not arguments.predictions:
        raise InputError("Nobody would answer.", fix=f"Give --predictions FILE, or some --arms of: {ARMS}.")
    least = {"limit": 0, "samples": 1, "batch_size": 1, "latency_rows": 0, "noise_rows": 0, "seed": 0}
    for name, bound in least.items():
        if getattr(arguments, name) < bound:
            flag = "--" + name.replace("_", "-")
            raise InputError(f"{flag} is {getattr(arguments, name)}.", fix=f"Give {bound} or more.")
    sampling = None
    if arguments.temperature is not None:
        if not 0 <= arguments.temperature <= 5:
            raise InputError(f"--temperature is {arguments.temperature}.", fix="Give 0 to 5.")
        sampling = replace(pack.sampling, temperature=arguments.temperature)
    return EvalJob(
        task=arguments.task, data=arguments.data, arms=arms, base=arguments.base, part=arguments.part,
        predictions=arguments.predictions, limit=arguments.limit, samples=arguments.samples, sampling=sampling,
        batch_size=arguments.batch_size, latency_rows=arguments.latency_rows, noise_rows=arguments.noise_rows,
        seed=arguments.seed, endpoint=arguments.endpoint, name=arguments.name,
    )  # fmt: skip


def table(summary: Mapping[str, Any], task: str, home: Path) -> str:
    """A line an arm with the figures that count most; then what differs from the first arm on the primary metric."""
    from training.evals.metrics import primary_metric
    from training.task.pack import BUILTIN, find_packs, pack_named

    primary = primary_metric(pack_named(task, find_packs(BUILTIN, home / "tasks")))
    metrics = [primary, *(name for name in SHOWN if name != primary)]
    rows = [["arm", *metrics]]
    for arm, figures in summary["arms"].items():
        rows.append([arm, *(_figure(figures.get(name)) for name in metrics)])
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    differences = [pair for pair in summary["pairs"] if pair["metric"] == primary and pair["difference"] is not None]
    return "\n".join([*lines, *([""] if differences else []), *map(_difference, differences)])


def _figure(figure: Mapping[str, Any] | None) -> str:
    if figure is None or figure["value"] is None:
        return "-"
    low, high = figure["ci_low"], figure["ci_high"]
    bounds = f" [{low:.3f}, {high:.3f}]" if low is not None and high is not None else ""
    return f"{figure['value']:.3f}{bounds} n {figure['n_scored']}/{figure['n_total']}"


def _difference(pair: Mapping[str, Any]) -> str:
    low, high, p = pair["ci_low"], pair["ci_high"], pair["p"]
    bounds = f" [{low:+.3f}, {high:+.3f}]" if low is not None and high is not None else ""
    chance = f", p {p:.2g} ({pair['test']})" if p is not None else ""
    return f"{pair['b']} against {pair['a']}: {pair['metric']} {pair['difference']:+.3f}{bounds}{chance}"


class _Told:
    """Progress as lines on standard error: each phase once, and every tenth of the answers."""

    def __init__(self) -> None:
        self._said = ("", "")
        self._tenth = 0

    def __call__(self, status: EvalStatus) -> None:
        tenth = 10 * status.done // status.total if status.total else 0
        phase = status.phase.partition(",")[0]
        if (phase, status.arm) != self._said or tenth != self._tenth:
            self._said, self._tenth = (phase, status.arm), tenth
            if not phase or status.state != "running":
                return
            left = f", about {_duration(status.eta_s)} left" if status.eta_s else ""
            count = f" {status.done:,} of {status.total:,}" if phase == "answering" else ""
            line = " ".join(filter(None, (f"{phase}:" if status.arm else phase, status.arm))) + count + left
            sys.stderr.write(_printable(line) + "\n")
            sys.stderr.flush()


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes >= 10 else f"{minutes * 60 + rest} s"


def _notices(folder: Path) -> list[str]:
    from training.evals.manifest import read_manifest

    found: list[str] = read_manifest(folder).get("notices") or []
    return found


def _printable(text: str) -> str:
    """Names and ids must not steer the terminal: control characters but line ends and tabs are shown as marks."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)
