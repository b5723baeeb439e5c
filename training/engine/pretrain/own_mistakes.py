"""An adapter's own mistakes as rows to go on from: what it wrote up to a fault is given, the right way on is learnt.

Rows of right answers never show a model the states that its own faults lead to, so it repeats a key or leaves a list
open there. Here it answers training posts with some chance in each token; where an answer leaves the gold, and where it
stops being a strict answer, a row is made: the post and the answer so far as its prompt, which carries no loss, and the
rest that puts it right as its completion. (The idea is DAgger's: Ross, Gordon and Bagnell, 2011.)

    python -m training.engine.pretrain.own_mistakes --rows build/train.jsonl --take 4000 --out build/mistakes.jsonl
"""

import argparse
import json
import logging
import random
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from training.data.general import compact
from training.engine.adapters import attach
from training.engine.answers import Watch, answer_all
from training.engine.api import EngineSettings
from training.engine.hub import resolve_adapter, resolve_base
from training.engine.load import load_base
from training.engine.tokens import encode
from training.engine.train_job import Row
from training.task.pack import BUILTIN, load_pack
from training.task.records import Prompt

log = logging.getLogger("mistakes")
KEY = re.compile(r'"([^"\\]*)":')
TEMPERATURE = 0.5
_decode = json.JSONDecoder().raw_decode


def first_difference(raw: str, right: str) -> int | None:
    """Where the answer leaves the right one, in characters; None where it does not."""
    if raw == right:
        return None
    return next((at for at, (a, b) in enumerate(zip(raw, right, strict=False)) if a != b), min(len(raw), len(right)))


def first_fault(raw: str, gold: dict[str, Any]) -> tuple[str, str] | None:
    """Where an answer stops being one strict JSON object: what stands before, and how it goes on from there.

    What is left of the gold follows: of a list that broke off its items after the last one that was written, then every
    key that was not written yet. None for an answer without such a fault, and for one that is no object at all.
    """
    if not raw.startswith("{"):
        return None
    seen: dict[str, Any] = {}
    at = 1
    while found := KEY.match(raw, at):
        key = found[1]
        if key in seen:
            break
        try:
            seen[key], after = _decode(raw, found.end())
        except json.JSONDecodeError:
            return _broken_value(raw, at, found.end(), key, seen, gold)
        if raw[after : after + 1] == "}":
            return None if after + 1 == len(raw) else (raw[:after], rest(gold, seen) + "}")
        if raw[after : after + 1] != ",":
            return raw[:after], rest(gold, seen) + "}"
        at = after + 1
    if at == 1:
        return None
    return raw[: at - 1], rest(gold, seen) + "}"


def rest(gold: dict[str, Any], seen: dict[str, Any]) -> str:
    """`,"key":value` of every key of the gold that was not seen."""
    return "".join(f",{compact(key)}:{compact(value)}" for key, value in gold.items() if key not in seen)


def _broken_value(
    raw: str, at: int, start: int, key: str, seen: dict[str, Any], gold: dict[str, Any]
) -> tuple[str, str] | None:
    """A value that can't be read: a list keeps its whole items, of anything else nothing is kept."""
    right = gold.get(key)
    if raw[start : start + 1] != "[" or not isinstance(right, list):
        return (raw[: at - 1], rest(gold, seen) + "}") if at > 1 else None
    items: list[Any] = []
    end = start + 1
    while True:
        try:
            item, after = _decode(raw, end)
        except json.JSONDecodeError:
            break
        items.append(item)
        end = after
        if raw[end : end + 1] != ",":
            break
        end += 1
    if not items:
        return None
    kept = raw[: end - 1] if raw[end - 1] == "," else raw[:end]
    written = [n for n, item in enumerate(right) if item in items]
    left = right[written[-1] + 1 :] if written else right[len(items) :]
    return kept, "".join(f",{compact(item)}" for item in left) + "]" + rest(gold, {**seen, key: items}) + "}"


def split_row(row: Row, raw: str, own: str, right: str, tokenizer: Any) -> Row | None:
    """One row of it, split where the two ways of going on part as tokens; None where the border moves tokens.

    `own` begins `raw`; `right` carries on from it. `row["completion"]` ends with the end token, and so will this.
    """
    whole = encode(tokenizer, own + right + tokenizer.eos_token)
    shared = next((n for n, (a, b) in enumerate(zip(whole, encode(tokenizer, raw), strict=False)) if a != b), 0)
    prompt_ids = encode(tokenizer, row["prompt"])
    for n in range(shared, max(0, shared - 4), -1):
        before, after = tokenizer.decode(whole[:n]), tokenizer.decode(whole[n:])
        joined = encode(tokenizer, row["prompt"] + before)
        if after and joined == prompt_ids + whole[:n] and encode(tokenizer, after) == whole[n:]:
            return {"prompt": row["prompt"] + before, "completion": after}
    return None


def rows_from(row: Row, raw: str, tokenizer: Any) -> Iterator[tuple[str, Row]]:
    """("fault" or "difference", row) of one answer; nothing for a right one."""
    text = row["completion"].removesuffix(tokenizer.eos_token)
    gold = json.loads(text)
    at = first_difference(raw, text)
    if at is None:
        return
    if gold and (found := first_fault(raw, gold)):
        own, right = found
        if len(own) > at and (made := split_row(row, raw, own, right, tokenizer)):
            yield "fault", made
    if made := split_row(row, raw, text[:at], text[at:], tokenizer):
        yield "difference", made


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--base", default="crumb")
    parser.add_argument("--adapter", default="crumb-recipe-jsonld")
    parser.add_argument("--rows", type=Path, required=True, help="JSONL of prompt and completion, which it learnt from")
    parser.add_argument("--take", type=int, default=4000, help="rows to answer, chosen by the seed")
    parser.add_argument("--seed", type=int, default=8)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    lines = args.rows.read_text("utf-8").splitlines()
    dice = random.Random(args.seed)
    rows = [json.loads(line) for line in dice.sample(lines, min(args.take, len(lines)))]
    pack, settings = load_pack(BUILTIN / "recipe-jsonld"), EngineSettings()

    def tell(text: str, _share: float | None) -> None:
        log.info(text)

    files = resolve_base(args.base, settings, tell)
    loaded = load_base(files, settings, tell)
    side = attach(loaded, resolve_adapter(args.adapter, settings, files, tell))
    sampling = replace(pack.sampling, temperature=TEMPERATURE, top_p=1.0, top_k=0, seed=args.seed, constrained=False)
    counts: dict[str, int] = {}
    watch = Watch(lambda _arm, done, total: log.info("%d of %d: %s", done, total, counts))
    with args.out.open("w", encoding="utf-8") as file:
        for at in range(0, len(rows), 20 * args.batch):
            some = rows[at : at + 20 * args.batch]
            prompts = [Prompt((), row["prompt"], tuple(encode(loaded.tokenizer, row["prompt"])), "") for row in some]
            answers = answer_all(loaded, side, prompts, replace(pack, sampling=sampling), args.batch, watch)
            for row, answer in zip(some, answers, strict=True):
                for kind, made in rows_from(row, answer.text, loaded.tokenizer):
                    counts[kind] = counts.get(kind, 0) + 1
                    file.write(json.dumps({**made, "kind": kind}, ensure_ascii=False) + "\n")
            file.flush()
            log.info("%d of %d: %s", at + len(some), len(rows), counts)


if __name__ == "__main__":
    main()
