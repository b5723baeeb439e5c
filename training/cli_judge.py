"""`judge`: ask a larger model what an evaluation's answers are worth, or first how far that model can be trusted.

Results go to standard output, as text or with --json as JSON, one object a line. Ctrl-C keeps what was judged: the same
command goes on from there. An evaluation that ships stays as it is: it is copied into your home and judged there. Exit
codes: 0 done, 1 it ended early (a cap, an endpoint that died, Ctrl-C once), 2 what was given can't work.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from training.cli_data import say, say_json
from training.errors import InputError
from training.typed_path import typed_path

if TYPE_CHECKING:
    from training.chat.cost import Estimate
    from training.evals.judge.calibrate import Calibration
    from training.evals.judge.config import JudgeSettings
    from training.evals.judge.run import JudgeProgress, JudgeReport, Parts

T = TypeVar("T")
TOLD_EVERY_S = 2.0


def add(verbs: Any) -> None:
    parser = verbs.add_parser(
        "judge",
        help="ask a larger model about an evaluation's answers",
        description="Ask a model behind an OpenAI-compatible address what an evaluation's answers are worth.",
    )
    parser.add_argument("evaluation", metavar="DIR", help="folder or name of an evaluation")
    parser.add_argument("--preset", metavar="NAME", help="deepseek, llama-cpp, transformers-serve or any")
    parser.add_argument("--endpoint", metavar="URL", help="address, ending before /chat/completions")
    parser.add_argument("--model", metavar="M", help="the model's name as the endpoint knows it")
    parser.add_argument("--key-env", metavar="NAME", help="the variable (or keyring entry) that holds the key")
    parser.add_argument("--json-mode", choices=("none", "object", "schema"), help="what of response_format it knows")
    parser.add_argument("--arms", metavar="A,B", default="", help="judge these arms only")
    parser.add_argument("--pairwise", metavar="A,B", action="append", default=[], help="set two arms side by side")
    parser.add_argument("--limit", metavar="N", type=int, help="so many documents, by slice, the same for every arm")
    parser.add_argument("--repaired", action="store_true", help="judge repaired answers too, as arms of their own")
    parser.add_argument("--no-reference", action="store_true", help="do not show the gold")
    parser.add_argument("--gold-model", metavar="M", action="append", default=[], help="what wrote the data")
    parser.add_argument("--dry-run", action="store_true", help="say what it would take; nothing is sent")
    parser.add_argument("--max-cost", metavar="X", type=float, help="stop before it costs more; needs both prices")
    parser.add_argument("--max-calls", metavar="N", type=int, help="stop after so many calls")
    parser.add_argument("--price-in", metavar="P", type=float, help="money for a million tokens in")
    parser.add_argument("--price-out", metavar="P", type=float, help="money for a million tokens out")
    parser.add_argument("--currency", default="USD", help="of the prices (default USD)")
    parser.add_argument("--max-tokens", metavar="N", type=int, help="the longest verdict (default 2000)")
    parser.add_argument("--seed", metavar="N", type=int, help="sent with every call, where the endpoint takes one")
    parser.add_argument("--concurrency", metavar="N", type=int, help="calls at once (default 4)")
    parser.add_argument("--timeout", metavar="S", type=float, help="seconds for one call (default 120)")
    parser.add_argument("--calibrate", action="store_true", help="measure how far the judge can be trusted, instead")
    parser.add_argument("--calibration-docs", metavar="N", type=int, help="documents to do it on (default 30)")
    parser.add_argument("--ratings", type=Path, metavar="FILE", help="people's scores, JSONL: doc, arm, rater, score")
    parser.add_argument("--home", metavar="DIR", help="where your evaluations, votes and verdicts live")
    parser.add_argument("--json", action="store_true", help="JSON, one object a line")
    parser.set_defaults(run=judge)


def judge(arguments: argparse.Namespace) -> int:
    """Judge, calibrate or estimate."""
    from training.evals.directory import own_copy, read_job
    from training.evals.judge.calibrate import calibrate_judge, estimate_calibration
    from training.evals.judge.run import estimate_judging, judge_evaluation
    from training.evals.judge.tables import refresh_aggregates, refresh_pages
    from training.home import home_dir
    from training.task.pack import BUILTIN, find_packs, pack_named

    home = home_dir(arguments.home)
    folder = _folder(arguments.evaluation, home)
    pack = pack_named(read_job(folder).task, find_packs(BUILTIN, home / "tasks"))
    settings, parts = _settings(arguments), _parts(arguments, home)
    if arguments.dry_run:
        estimate = estimate_calibration if arguments.calibrate else estimate_judging
        _tell_estimate(estimate(folder, pack, settings, parts), arguments.json)
        return 0
    told, stop, given = _telling(arguments.json), _Stop(), folder
    folder = own_copy(home, given)
    if arguments.calibrate:
        found = _until_stopped(stop, lambda: calibrate_judge(folder, pack, settings, told, stop, parts))
        _tell_calibration(found, arguments.json)
    else:
        found = _until_stopped(stop, lambda: judge_evaluation(folder, pack, settings, told, stop, parts))
        _tell_report(found, arguments.json)
    if refresh_aggregates(folder):
        refresh_pages(folder, pack)
    if folder != given and not arguments.json:
        say(f"What ships stays as it is: the verdicts stand in {folder}")
    return 1 if found.stopped else 0


def _folder(text: str, home: Path) -> Path:
    """The evaluation that was named; a folder of documents and answers alone will do."""
    from training.evals.directory import open_evaluation
    from training.evals.records import ANSWERS

    given = typed_path(text, "The evaluation")
    return given if (given / ANSWERS).is_file() else open_evaluation(home, text)


class _Stop:
    """True once Ctrl-C was pressed; a second one ends the process as usual."""

    def __init__(self) -> None:
        self.pressed = False

    def __call__(self) -> bool:
        return self.pressed


def _until_stopped(stop: _Stop, work: Callable[[], T]) -> T:
    import signal
    import threading

    if threading.current_thread() is not threading.main_thread():
        return work()
    before = signal.getsignal(signal.SIGINT)

    def pressed(*_: Any) -> None:
        stop.pressed = True
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, pressed)
    try:
        return work()
    finally:
        signal.signal(signal.SIGINT, before)


def _settings(arguments: argparse.Namespace) -> "JudgeSettings":
    from training.chat.cost import Caps, Prices
    from training.evals.judge.config import settings_from

    given: dict[str, Any] = {
        "base_url": arguments.endpoint, "model": arguments.model, "key_env": arguments.key_env,
        "json_mode": arguments.json_mode, "limit": arguments.limit, "max_tokens": arguments.max_tokens,
        "seed": arguments.seed, "concurrency": arguments.concurrency, "timeout_s": arguments.timeout,
        "calibration_docs": arguments.calibration_docs,
        "prices": Prices(arguments.price_in, arguments.price_out, arguments.currency),
        "caps": Caps(calls=arguments.max_calls, money=arguments.max_cost),
        "arms": tuple(_names(arguments.arms)), "pairs": tuple(_pair(text) for text in arguments.pairwise),
        "repaired": arguments.repaired, "reference": not arguments.no_reference,
        "gold_models": tuple(arguments.gold_model),
    }  # fmt: skip
    return settings_from(arguments.preset or "", **given)


def _parts(arguments: argparse.Namespace, home: Path) -> "Parts":
    """The verdicts of all evaluations stand in one cache; blind votes are looked for only where there are any."""
    from training.evals.judge.cache import FILE
    from training.evals.judge.run import Parts
    from training.store import Store

    shelf = Store(home) if arguments.calibrate and (home / "comparisons").is_dir() else None
    return Parts(home / FILE, shelf, arguments.ratings)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _pair(text: str) -> tuple[str, str]:
    names = _names(text)
    if len(names) != 2:
        raise InputError(
            f"--pairwise {text!r} does not name two arms.", fix="Write it as --pairwise base,adapter:NAME."
        )
    return names[0], names[1]


def _telling(as_json: bool) -> "Callable[[JudgeProgress], None]":
    """A line now and then on standard error, so that standard output holds the result alone."""
    last = 0.0

    def told(now: "JudgeProgress") -> None:
        nonlocal last
        if as_json or (time.monotonic() - last < TOLD_EVERY_S and now.done < now.total):
            return
        last = time.monotonic()
        cost = "" if now.money is None else f", {now.money:.4f}"
        sys.stderr.write(
            f"{now.phase} {now.done:,}/{now.total:,} ({now.cached:,} known, {now.unscored:,} unscored{cost})\n"
        )

    return told


def _tell_estimate(found: "Estimate", as_json: bool) -> None:
    from training.task.records import to_json

    if as_json:
        say_json(to_json(found))
        return
    for line in found.lines():
        say(line)


def _tell_report(found: "JudgeReport", as_json: bool) -> None:
    from training.task.records import to_json

    if as_json:
        say_json(to_json(found))
        return
    for line in report_lines(found):
        say(line)


def report_lines(found: "JudgeReport") -> list[str]:
    """What a run came to, for people."""
    lines = list(found.banners)
    for arm in found.arms:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in arm.unscored.items())
        mean = "no score" if arm.mean is None else f"{arm.mean:.2f} of 10"
        inside = "" if arm.low is None else f" ({arm.low:.2f} to {arm.high:.2f})"
        gated = "" if arm.gated_mean is None else f"; with unread answers as 0: {arm.gated_mean:.2f}, n {arm.gated_n:,}"
        lines.append(f"{arm.arm}: {mean}{inside}, n {arm.n_scored:,} of {arm.n_total:,}{gated}"
                     + (f"; {reasons}" if reasons else ""))  # fmt: skip
    for pair in found.pairs:
        same = "" if pair.consistency is None else f"; the same winner in both orders {pair.consistency:.0%}"
        won = f"{pair.wins:,} wins, {pair.ties:,} ties, {pair.losses:,} losses of {pair.n:,}"
        lines.append(f"{pair.a} against {pair.b}: {won}{same}")
    money = "cost unknown" if found.money is None else f"cost {found.money:.4f} {found.currency}"
    lines.append(
        f"{found.calls:,} calls, {found.cached:,} known before, {found.retries:,} retries, "
        f"{found.input_tokens:,} tokens in, {found.output_tokens:,} out, {money}; "
        f"{sum(found.unscored.values()):,} unscored, {found.dropped:,} complaints whose quotes are in no text, "
        f"{found.flagged:,} scores that do not fit their complaints"
    )
    if found.rows > found.documents:
        lines.append(f"{found.documents:,} of {found.rows:,} documents were drawn.")
    return [*lines, f"It ended early: {found.stopped}."] if found.stopped else lines


def _tell_calibration(found: "Calibration", as_json: bool) -> None:
    from training.task.records import to_json

    if as_json:
        say_json(to_json(found))
        return
    width = max(len(one.name) for one in found.checks)
    for one in found.checks:
        measured = "" if one.measured is None else f" {one.measured:.3f}"
        say(f"{one.name.ljust(width)}  {one.verdict}{measured}, n {one.n:,}: {one.rule}. {one.why}".rstrip())
    decides = "its numbers may decide" if found.may_gate else "no number of it may decide anything"
    say(f"Label: {found.label}; {decides}.")
    if found.stopped:
        say(f"It ended early: {found.stopped}.")
