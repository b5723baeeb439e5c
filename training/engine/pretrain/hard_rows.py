"""Rows that an adapter does not get right, found by reading instead of writing.

With the right answer given, one pass over a row shows at every token whether the adapter would have written it. That
costs a tenth of letting it write, so many rows can be tried and only those kept that have something to teach. Tried are
plain rows, and states that no right answer holds: an answer that went astray and is to be led on from there. A fact
stands behind the lists, or one that the page does not state; a text runs on or is other words of the page; a list
lacks an item, repeats one or ran on into lines that are none. (Own mistakes, in `own_mistakes`, are such states as the
adapter itself gets into; these are what its kinds of mistakes have in common, as many as wanted.)

    python -m training.engine.pretrain.hard_rows --rows build/train.jsonl --astray 9000 --out build/hard.jsonl
"""

import argparse
import json
import logging
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from training.data.general import compact
from training.engine.answers import merge
from training.engine.api import EngineSettings
from training.engine.hub import resolve_adapter, resolve_base
from training.engine.load import load_base
from training.engine.pretrain.own_mistakes import rest, split_row
from training.engine.tokens import encode
from training.engine.train_job import Row

log = logging.getLogger("hard_rows")
LOOK_AHEAD = 8  # tokens behind a state that tell whether the adapter finds its way
TOKENS_AT_ONCE = 20_000
MARK = re.compile(r"^\s*(?:[^\w\s(]+|\d+[.)])\s+")  # whatever signs a page has before an item, a step or a heading
Gold = dict[str, Any]
State = tuple[str, str]  # what stands written already, and how it goes on


def _written(gold: Gold, keys: Sequence[str], values: Gold) -> str:
    marks = [key for key in gold if key.startswith("@")]
    return "{" + ",".join(f"{compact(key)}:{compact(values[key])}" for key in (*marks, *keys))


def _left(gold: Gold, keys: Sequence[str]) -> str:
    """What follows those keys (and the marks, which stand first) up to the end."""
    marks = [key for key in gold if key.startswith("@")]
    return rest(gold, dict.fromkeys((*marks, *keys))) + "}"


def _content(gold: Gold) -> list[str]:
    return [key for key in gold if not key.startswith("@")]


def _span(page: Sequence[str], dice: random.Random) -> str:
    """Some words of some line of the page."""
    words = dice.choice(page).split()
    start = dice.randrange(len(words))
    return " ".join(words[start : start + dice.choice((1, 1, 2, 3, 5, 8, 13))])


def _run_on(page: Sequence[str], text: str, dice: random.Random) -> str:
    """A text with some of the words behind it in its line, or with the space alone: a token can end in it.

    Other words of the page where it stands in no line.
    """
    behind = next((line.split(text, 1)[1].split() for line in page if text in line), [])
    return f"{text} {' '.join(behind[: dice.choice((0, 0, 1, 1, 2, 3, 5))])}" if behind else _span(page, dice)


def _short_lists(values: Gold, dice: random.Random) -> Gold:
    """The same values, of which a list may have lost its last items."""
    return {
        key: value[: dice.randint(1, len(value))] if isinstance(value, list) and dice.random() < 0.3 else value
        for key, value in values.items()
    }


def late_facts(gold: Gold, other: Gold, page: Sequence[str], dice: random.Random) -> State | None:
    """Facts stand behind everything else: the page's own, or what another page or other words of this one say."""
    facts = [key for key in _content(gold) if isinstance(gold[key], str) and key != "name"]
    made_up = [key for key in other if key not in gold and isinstance(other[key], str)]
    late = dice.sample(facts, min(len(facts), dice.choice((0, 1, 1, 2))))
    wrong = dice.sample(made_up, min(len(made_up), dice.choice((0, 1, 1))))
    tail = dice.sample(late + wrong, len(late + wrong))[: dice.randint(1, 4)]
    if not tail:
        return None
    values = {**_short_lists(gold, dice), **{key: other[key] for key in wrong}}
    for key in late:
        if key in other and dice.random() < 0.4:
            values[key] = other[key]
        elif not key.endswith("Time") and dice.random() < 0.3:
            values[key] = _span(page, dice)
    if dice.random() < 0.2:
        values["name"] = _span(page, dice)
    keys = [key for key in _content(gold) if key not in late] + tail
    return _written(gold, keys, values), _left(gold, keys)


def other_words(gold: Gold, _other: Gold, page: Sequence[str], dice: random.Random) -> State | None:
    """A text runs on or is some other words of the page; its closing quote is not written yet."""
    keys = _content(gold)
    texts = [key for key in keys if isinstance(gold[key], str) and not key.endswith("Time")]
    if not texts:
        return None
    at = keys.index(dice.choice(texts))
    before = _written(gold, keys[:at], gold)
    text = _run_on(page, gold[keys[at]], dice) if dice.random() < 0.4 else _span(page, dice)
    own = f"{before},{compact(keys[at])}:{compact(text)[:-1]}"
    return own, '"' + _left(gold, keys[: at + 1])


def list_astray(gold: Gold, _other: Gold, page: Sequence[str], dice: random.Random) -> State | None:
    """A list lacks an item, repeats one, breaks one off or took in lines that are none; its right items follow."""
    keys = _content(gold)
    lists = [key for key in keys if isinstance(gold[key], list)]
    if not lists:
        return None
    key = dice.choice(lists)
    right = gold[key]
    upto = len(right) if dice.random() < 0.5 else dice.randint(1, len(right))
    items = list(right[:upto])
    at = dice.randrange(len(items))
    match dice.choice(("lacks", "repeats", "repeats", "broken off", "took in", "ran on", "ran on")):
        case "lacks" if len(items) > 1:
            items.pop(at)
        case "repeats" if dice.random() < 0.4:
            items.insert(at, items[at])
        case "repeats":
            items += dice.choice((1, 1, 2, 3)) * items[-1:]
        case "broken off":
            words = _text(items[at]).split()
            items[at] = _like(items[at], " ".join(words[: dice.randint(1, len(words))]))
        case "ran on":
            upto = len(right)
            follow = _after(page, right[-1] if dice.random() < 0.7 else dice.choice(page), dice)
            took = [item for line in follow if (item := _like(right[-1], line)) not in right]
            items = [*right, *(took or [_like(right[-1], _span(page, dice))])]
        case _:
            items.insert(len(items) if dice.random() < 0.6 else at, _like(items[at], _span(page, dice)))
    before = keys[: keys.index(key)]
    own = f"{_written(gold, before, gold)},{compact(key)}:{compact(items)[:-1]}"
    left = "".join(f",{compact(item)}" for item in right[upto:])
    return own, left + "]" + _left(gold, (*before, key))


def _after(page: Sequence[str], item: Any, dice: random.Random) -> Sequence[str]:
    """Up to four lines of the page behind the one that holds an item, without their marks."""
    at = next((at for at, line in enumerate(page, 1) if _text(item) in line), len(page))
    return [MARK.sub("", line) for line in page[at : at + dice.choice((1, 1, 1, 2, 3, 4))]]


def _text(item: Any) -> str:
    return item["text"] if isinstance(item, dict) else item


def _like(item: Any, text: str) -> Any:
    return {**item, "text": text} if isinstance(item, dict) else text


def out_of_order(gold: Gold, other: Gold, _page: Sequence[str], dice: random.Random) -> State | None:
    """The first keys stand out of order, with one left out or with facts of another page between them."""
    keys = _content(gold)
    wrong = [key for key in other if key not in gold]
    if len(keys) < 2:
        return None
    values = {**other, **gold}
    written = keys[: len(keys) if dice.random() < 0.3 else dice.randint(2, len(keys))]
    moved = written.pop(dice.randrange(len(written)))
    if dice.random() < 0.7:  # else it is left out for now
        written.insert(dice.randint(0, len(written)), moved)
    for key in dice.sample(wrong, min(len(wrong), dice.choice((0, 1, 1, 2)))):
        written.insert(dice.randint(1, len(written)), key)
    return _written(gold, written, values), _left(gold, written)


KINDS = {
    "late facts": (late_facts, 4),
    "other words": (other_words, 2),
    "list astray": (list_astray, 2),
    "out of order": (out_of_order, 2),
}


def astray(rows: Sequence[Row], count: int, dice: random.Random, tokenizer: Any) -> Iterator[tuple[str, Row]]:
    """Up to `count` (kind, row) that go on from an answer which went astray; rows whose answer is {} have none."""
    names, weights = list(KINDS), [weight for _, weight in KINDS.values()]
    for _ in range(count):
        row, another = dice.sample(rows, 2)
        gold, other = (json.loads(one["completion"].removesuffix(tokenizer.eos_token)) for one in (row, another))
        kind = dice.choices(names, weights)[0]
        page = [line for line in row["prompt"].splitlines()[3:-1] if line.strip()]
        found = KINDS[kind][0](gold, other, page, dice) if gold and page else None
        if found is None:
            continue
        own, right = found
        astray_on = own + ("," if right[0] in "}]" else "}")  # parts from `right` at its first token
        if made := split_row(row, astray_on, own, right, tokenizer):
            yield kind, made


@torch.no_grad()
def surprise(model: Any, tokenizer: Any, rows: Sequence[Row], look_ahead: int = 0) -> list[tuple[float, int]]:
    """Of each row (nats that its answer costs, tokens of it that are not the likeliest), of its first tokens or all."""
    lengths = []
    for number, row in enumerate(rows):
        prompt, answer = encode(tokenizer, row["prompt"]), encode(tokenizer, row["completion"])
        lengths.append((len(prompt) + len(answer), number, list(prompt), list(answer)))
    found = [(0.0, 0)] * len(rows)
    batch: list[tuple[int, int, list[int], list[int]]] = []
    for entry in sorted(lengths):
        if batch and entry[0] * (len(batch) + 1) > TOKENS_AT_ONCE:
            _read(model, batch, look_ahead, found)
            batch = []
        batch.append(entry)
    if batch:
        _read(model, batch, look_ahead, found)
    return found


def _read(
    model: Any,
    batch: Sequence[tuple[int, int, list[int], list[int]]],
    look_ahead: int,
    found: list[tuple[float, int]],
) -> None:
    longest = max(length for length, *_ in batch)
    ids = torch.zeros(len(batch), longest, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for at, (length, _, prompt, answer) in enumerate(batch):
        ids[at, :length] = torch.tensor(prompt + answer)
        mask[at, :length] = 1
    with torch.autocast("cpu", torch.bfloat16):
        hidden = model.model(input_ids=ids, attention_mask=mask).last_hidden_state
    head = model.get_output_embeddings().weight
    for at, (_, number, prompt, answer) in enumerate(batch):
        looked = answer[: look_ahead or len(answer)]
        start = len(prompt) - 1
        likely = (hidden[at, start : start + len(looked)].float() @ head.float().T).log_softmax(-1)
        right = torch.tensor(looked)
        nats = -likely.gather(1, right[:, None]).sum()
        found[number] = (float(nats), int((likely.argmax(-1) != right).sum()))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--base", default="crumb")
    parser.add_argument("--adapter", default="crumb-recipe-jsonld")
    parser.add_argument("--rows", type=Path, required=True, help="JSONL of prompt and completion")
    parser.add_argument("--plain", type=int, default=0, help="rows to read as they are")
    parser.add_argument("--astray", type=int, default=0, help="states to read")
    parser.add_argument("--nats", type=float, default=1.0, help="a plain row is kept that costs at least as much")
    parser.add_argument("--seed", type=int, default=9)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    dice = random.Random(args.seed)
    rows = [json.loads(line) for line in args.rows.read_text("utf-8").splitlines()]
    settings = EngineSettings()

    def tell(text: str, _share: float | None) -> None:
        log.info(text)

    files = resolve_base(args.base, settings, tell)
    loaded = load_base(files, settings, tell)
    adapter = resolve_adapter(args.adapter, settings, files, tell)
    model, tokenizer = merge(loaded, adapter.folder).model, loaded.tokenizer
    tried, kept = Counter[str](), Counter[str]()
    with args.out.open("w", encoding="utf-8") as file:

        def keep(kind: str, row: Row, hard: bool) -> None:
            tried[kind] += 1
            if hard:
                kept[kind] += 1
                file.write(json.dumps({**row, "kind": kind}, ensure_ascii=False) + "\n")

        plain = dice.sample(rows, min(args.plain, len(rows)))
        for row, (nats, missed) in zip(plain, surprise(model, tokenizer, plain), strict=True):
            keep("plain", row, missed > 0 and nats >= args.nats)
        log.info("plain: %s of %s kept", dict(kept), dict(tried))
        states = list(astray(rows, args.astray, dice, tokenizer))
        read = surprise(model, tokenizer, [row for _, row in states], LOOK_AHEAD)
        for (kind, row), (_, missed) in zip(states, read, strict=True):
            keep(kind, row, missed > 0)
    log.info("kept %s of %s", dict(kept), dict(tried))


if __name__ == "__main__":
    main()
