"""`compare`: the window's comparison on the command line, one JSON object a line for each arm, or a short text."""

import argparse
import json
import sys
import threading
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.errors import InputError
from training.task.records import Arm, ArmKind, ArmResult, FinishReason, Source, to_json
from training.terminal import one_line, printable

if TYPE_CHECKING:
    from training.engine.api import EngineSettings
    from training.task.pack import Pack

EMBEDDED = "crumb"
MOST_NEW_TOKENS = 8192  # as a task may ask for
BROKE = "broke down: its numbers are no numbers any more. Its weights are damaged, or dtype and device don't suit it."
FOUR_BIT = "hold models in 4 bits where a CUDA GPU and bitsandbytes are there (default: those that would not fit)"


def add(verbs: Any) -> None:
    parser = verbs.add_parser("compare", help="run one text through a base and its adapters")
    parser.add_argument("--task", required=True, metavar="NAME", help="task pack, such as recipe-jsonld")
    given = parser.add_mutually_exclusive_group(required=True)
    given.add_argument("--input", metavar="FILE", help=".txt, .md or .html; - reads standard input")
    given.add_argument("--example", metavar="NAME", help="one of the task's own examples; its answer is scored too")
    parser.add_argument("--base", default=EMBEDDED, metavar="ID", help=f"name, folder or hub id (default {EMBEDDED})")
    parser.add_argument(
        "--adapter",
        action="append",
        default=[],
        metavar="NAME",
        help="name, folder or hub id; may be given again (default with the default base: the one made for the task)",
    )
    parser.add_argument("--prompted", action="store_true", help="also the base with the full schema in its prompt")
    parser.add_argument("--seed", type=int, metavar="N", help="seed of every arm (default: the task's)")
    parser.add_argument(
        "--max-new-tokens", type=int, metavar="N", help="the most tokens of an answer (default: the task's)"
    )
    parser.add_argument(
        "--constrained",
        action=argparse.BooleanOptionalAction,
        help="hold every answer to the task's JSON Schema, token by token (default: as the task says)",
    )
    parser.add_argument("--four-bit", action="store_true", help=FOUR_BIT)
    parser.add_argument("--json", action="store_true", help="one JSON object a line for each arm")
    parser.add_argument("--home", metavar="DIR", help="where your tasks, models and adapters live")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare and print. 0 when every arm ran, 1 when one broke down; StudioError for what a person can mend."""
    from training.compare import Done, Request
    from training.compare import run as compare
    from training.engine.api import EngineSettings
    from training.engine.engine import Engine
    from training.home import home_dir
    from training.runs.sharing import Sharing
    from training.task.pack import BUILTIN, find_packs, pack_named

    home = Path(home_dir(arguments.home))
    pack = pack_named(arguments.task, find_packs(BUILTIN, home / "tasks"))
    sampling = pack.sampling
    if arguments.seed is not None:
        if not 0 <= arguments.seed < 2**32:
            raise InputError(f"Seed is {arguments.seed}.", fix="Give a whole number from 0 to 4294967295.")
        sampling = replace(sampling, seed=arguments.seed)
    if arguments.max_new_tokens is not None:
        if not 1 <= arguments.max_new_tokens <= MOST_NEW_TOKENS:
            raise InputError(
                f"Max new tokens is {arguments.max_new_tokens}.",
                fix=f"Give a whole number from 1 to {MOST_NEW_TOKENS}.",
            )
        sampling = replace(sampling, max_new_tokens=arguments.max_new_tokens)
    if arguments.constrained is not None:
        sampling = replace(sampling, constrained=arguments.constrained)
    if arguments.example is None:
        source, gold = _source(arguments.input), None
    else:
        source, gold = _example(pack, arguments.example)
    settings = EngineSettings(home=home, four_bit=True if arguments.four_bit else None)
    request = Request(pack, arguments.base, source, arms_of(arguments, settings), sampling, gold=gold)
    warnings.simplefilter("ignore")  # libraries' advice is not for the one who reads this output
    engine = Engine(replace(settings, claim=Sharing(home).claim))
    code = 0
    for event in compare(request, engine, threading.Event()):
        if isinstance(event, Done):
            for result in event.comparison.arms:
                sys.stdout.write((json_line(result) if arguments.json else text_of(result)) + "\n")
                if result.generation.finish_reason is FinishReason.ERROR:
                    sys.stderr.write(f"{one_line(result.generation.arm.label)} {BROKE}\n")
                    code = 1
    return code


def arms_of(arguments: argparse.Namespace, settings: "EngineSettings") -> tuple[Arm, ...]:
    """Base, prompted base where asked for, then the adapters; the task's own where none is named beside the default."""
    names = arguments.adapter or (_made_for(arguments.task, settings)[:1] if arguments.base == EMBEDDED else [])
    arms = [Arm(ArmKind.BASE, "base")]
    if arguments.prompted:
        arms.append(Arm(ArmKind.PROMPTED, "prompted base"))
    return (*arms, *(Arm(ArmKind.ADAPTER, name, name) for name in names))


def _made_for(task: str, settings: "EngineSettings") -> list[str]:
    """Adapters of the default base that were made for a task, those that ship first."""
    from training.engine.hub import list_adapters

    return [found.name for found in list_adapters(EMBEDDED, settings) if found.task == task]


def json_line(result: ArmResult) -> str:
    """One arm as a line of JSON."""
    generation, parsed = result.generation, result.parsed
    line = {
        "arm": generation.arm.label,
        "adapter": generation.arm.adapter,
        "raw": generation.raw,
        "tier": parsed.tier,
        "object": parsed.object,
        "schema_errors": to_json(result.schema_errors),
        "scores": to_json(result.scores),
        "finish_reason": generation.finish_reason,
        "prompt_sha256": generation.prompt_sha256,
        "constrained": generation.sampling.constrained,
        "tokens": generation.new_tokens,
        "seconds": round(generation.gen_s, 4),
        "proof": to_json(generation.proof),
    }
    return json.dumps(line, ensure_ascii=True)


def text_of(result: ArmResult) -> str:
    """One arm for people: a heading with what counts, then the answer."""
    generation, parsed = result.generation, result.parsed
    checked = [item for item in result.items if item.supported is not None]
    supported = sum(bool(item.supported) for item in checked)
    facts = [
        f"JSON {parsed.tier}",
        f"{len(result.schema_errors)} schema errors",
        f"{supported} of {len(checked)} items found in the text",
        f"{generation.new_tokens} tokens in {generation.gen_s:.1f} s",
        f"ended by {generation.finish_reason}",
    ]
    answer = generation.raw if parsed.object is None else json.dumps(parsed.object, ensure_ascii=False, indent=2)
    return f"== {one_line(generation.arm.label)}: {', '.join(facts)}\n{printable(answer.strip())}\n"


def _source(name: str) -> Source:
    from training.task.source import read_text

    if name == "-":
        return read_text(sys.stdin.buffer.read(), "paste")
    path = Path(name)
    try:
        return read_text(path.read_bytes(), path.name)
    except OSError as err:
        raise InputError(f"{name} can't be read: {err.strerror}.", fix="Give the path of a text file.") from err


def _example(pack: "Pack", name: str) -> tuple[Source, dict[str, Any] | None]:
    found = next((example for example in pack.examples if example.id == name), None)
    if found is None:
        known = ", ".join(example.id for example in pack.examples) or "none"
        raise InputError(f"{pack.name} has no example {name!r}.", fix=f"It has: {known}.")
    return Source(found.text, found.kind, found.id), found.gold
