"""`evaluate`: arms asked, or predictions taken as they are, over a file or a dataset version; figures with intervals.

How far it is goes to standard error, what came of it to standard output: a table, or with --json one object. Ctrl-C
stops at once, and the same command goes on from the last answer. Exit code 0 done, 1 failed, 2 what a person can mend.

With --like an evaluation is done again from its own records; which figures are equal is said on standard error, and
exit code 1 is also for one that is not.
"""

import argparse
import json
import sys
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.errors import InputError
from training.evals.records import BASES, TRIVIAL, EvalStatus
from training.typed_path import typed_path

if TYPE_CHECKING:
    from training.evals.records import EvalJob

SHOWN = ("strict", "usable", "schema_valid", "hallucinated_docs", "omitted", "abstain_acc")  # beside the primary one
FLAGS = (  # those that are fields of the job as they are
    "task", "data", "predictions", "part", "limit", "samples", "seed", "base", "batch_size", "latency_rows",
    "noise_rows", "endpoint", "price_in", "price_out", "currency", "max_cost", "max_calls", "name",
    "trained_on",
)  # fmt: skip
ARMS = ", ".join((*TRIVIAL, *BASES, "adapter:NAME", "adapter+constrained:NAME", "endpoint:MODEL"))


def add(verbs: Any) -> None:
    parser = verbs.add_parser("evaluate", help="measure arms, or predictions made elsewhere, with intervals and tests")
    parser.add_argument("--task", metavar="NAME", help="task pack, such as recipe-jsonld")
    parser.add_argument("--data", metavar="DATA", help="JSONL file, or a dataset version")
    parser.add_argument("--arms", metavar="A,B,...", help=f"who answers: {ARMS}")
    parser.add_argument("--predictions", metavar="FILE", help="JSONL of id, output and perhaps arm")
    parser.add_argument("--like", metavar="DIR", help="do this evaluation again and say which figures are equal; "
                        "other flags change its job")  # fmt: skip
    parser.add_argument("--out", required=True, metavar="DIR", help="folder of the evaluation; a stopped one goes on")
    parser.add_argument("--trained-on", metavar="DATA", help="what the adapters learned from, a JSONL file or a "
                        "dataset version: are its rows near these documents?")  # fmt: skip
    parser.add_argument("--part", metavar="NAME", help="part of a dataset version (default test)")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N documents")
    parser.add_argument("--samples", type=int, metavar="K", help="answers a document (default 1; 5 of a task whose "
                        "answers are free text, above temperature 0)")  # fmt: skip
    parser.add_argument("--temperature", type=float, metavar="T", help="instead of the task's own; 0 is greedy. An arm "
                        "may have one of its own: adapter:NAME@0.7")  # fmt: skip
    parser.add_argument("--seed", type=int, metavar="N", help="of the first sample (default 7)")
    parser.add_argument("--base", metavar="ID", help="name, folder or hub id (default: the adapters' own)")
    parser.add_argument("--batch-size", type=int, metavar="N", help="documents decoded together (default 8)")
    parser.add_argument("--latency-rows", type=int, metavar="N", help="asked again alone, for their times (default 20)")
    parser.add_argument("--noise-rows", type=int, metavar="N", help="asked again in another batch size (default 16)")
    parser.add_argument("--endpoint", metavar="URL", help="OpenAI-compatible address of an endpoint arm")
    parser.add_argument("--price-in", type=float, metavar="P", help="money for a million tokens into the endpoint")
    parser.add_argument("--price-out", type=float, metavar="P", help="money for a million tokens out of it")
    parser.add_argument("--currency", metavar="C", help="of the prices (default USD)")
    parser.add_argument("--max-cost", type=float, metavar="X", help="stop before an endpoint arm costs more; needs "
                        "both prices")  # fmt: skip
    parser.add_argument("--max-calls", type=int, metavar="N", help="stop an endpoint arm after so many calls")
    parser.add_argument("--name", metavar="TEXT", help="what pages call it (default: the folder's name)")
    parser.add_argument("--json", action="store_true", help="the summary as one JSON object")
    parser.add_argument("--home", metavar="DIR", help="where your tasks, models, adapters and datasets live")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate and print. StudioError for what a person can mend."""
    from training.evals.directory import open_evaluation
    from training.evals.records import SUMMARY
    from training.evals.runner import run_evaluation
    from training.home import home_dir

    home, folder = home_dir(arguments.home), typed_path(arguments.out, "--out")
    like = open_evaluation(home, arguments.like) if arguments.like else None
    if like is not None and folder.exists() and folder.samefile(like):
        raise InputError(f"{folder} is the evaluation itself.", fix="Give another folder with --out.")
    job = job_of(arguments, home, like)
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
    return _compared(like, folder) if like is not None else 0


def _measured(folder: Path) -> list[str]:
    """What the evaluation says of itself: documents scored a second, and the batch-noise floor."""
    from training.evals.manifest import read_manifest
    from training.evals.verdict import noise_words

    facts = read_manifest(folder)
    scoring: Mapping[str, Any] = facts.get("scoring") or {}
    speed = scoring.get("documents_per_s")
    said = f"Scored {scoring.get('documents', 0):,} documents, {speed:,.1f} documents/s." if speed else ""
    return [line for line in (said, noise_words(facts.get("noise") or {})) if line]


def _compared(like: Path, folder: Path) -> int:
    """Says on standard error what is equal; 0 where everything is, 1 where not."""
    from training.evals.like import sameness

    found = sameness(like, folder)
    sys.stderr.write(_printable(f"Against {like}: " + "\n".join(found.lines())) + "\n")
    return 0 if found.same else 1


def job_of(arguments: argparse.Namespace, home: Path, like: Path | None = None) -> "EvalJob":
    """The flags as a job, over the job of another evaluation where there is one. InputError for a number out of its
    range."""
    from training.evals.records import EvalJob, usual_samples
    from training.task.pack import BUILTIN, find_packs, pack_named

    given = {name: value for name in FLAGS if (value := getattr(arguments, name)) is not None}
    if like is not None:
        from training.evals.like import like_job

        job, told = like_job(like, home)
        for line in told:
            sys.stderr.write(f"{_printable(line)}\n")
        given = {"name": job.name, **given}
    elif arguments.task is None or arguments.data is None:
        raise InputError("No task and data were named.", fix="Give --task and --data, or --like an evaluation.")
    else:
        job = EvalJob(arguments.task, arguments.data)
    pack = pack_named(given.get("task", job.task), find_packs(BUILTIN, home / "tasks"))
    if arguments.arms is not None:
        given["arms"] = tuple(name.strip() for name in arguments.arms.split(",") if name.strip())
    least = {"limit": 0, "samples": 1, "batch_size": 1, "latency_rows": 0, "noise_rows": 0, "seed": 0, "max_calls": 0}
    for name, bound in least.items():
        if given.get(name, bound) < bound:
            flag = "--" + name.replace("_", "-")
            raise InputError(f"{flag} is {given[name]}.", fix=f"Give {bound} or more.")
    if arguments.temperature is not None:
        if not 0 <= arguments.temperature <= 5:
            raise InputError(f"--temperature is {arguments.temperature}.", fix="Give 0 to 5.")
        given["sampling"] = replace(pack.sampling, temperature=arguments.temperature)
    job = replace(job, **given)
    if like is None and arguments.samples is None:
        job = replace(job, samples=usual_samples(pack, job.sampling))
    if not job.arms and not job.predictions:
        raise InputError("Nobody would answer.", fix=f"Give --predictions FILE, or some --arms of: {ARMS}.")
    return job


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
