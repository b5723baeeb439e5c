"""Posts to what the embedded adapter learns from, and to what it is measured on.

A training row is the very prompt that the studio renders (context step included) with its answer. A post of which the
context step dropped part of the gold is left out: it would teach to invent. In an answer the facts come first, in the
order of the text, and then the lists, after which nothing is left but the closing brace: where facts stood behind the
lists, as some pages have them, the adapter forgot that the lists were written and began them again.

    python -m training.engine.pretrain.recipe_rows --tokenizer build/base/final --out build --train 6000 --cards 1500
"""

import argparse
import json
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from training.data.cards import train_card
from training.data.corpus import public_domain_split
from training.data.general import compact
from training.data.informal import train_informal
from training.data.posts import Post, held_out_post, real_post, train_post
from training.task.context import build_context
from training.task.pack import BUILTIN, Pack, load_pack
from training.task.prompt import render_prompt
from training.task.records import Source

log = logging.getLogger("rows")
TEST_POSTS = 320
BY_HAND = BUILTIN.parent / "pages" / "by_hand"
DEV_START = 50_000_000  # train_post numbers that no training run reaches


def needed_texts(post: Post) -> list[str]:
    """Every text that must stand in what the model is shown, or the answer could not be read off it."""
    gold = post.gold
    steps = [step["text"] for step in gold.get("recipeInstructions", [])]
    return [*([gold["name"]] if gold else []), *gold.get("recipeIngredient", []), *steps, *post.told]


def lists_last(gold: dict[str, Any]) -> dict[str, Any]:
    """The same record with its lists behind its facts; facts and lists each keep their order."""
    return dict(sorted(gold.items(), key=lambda item: isinstance(item[1], list)))


def train_rows(posts: Iterable[Post], pack: Pack, tokenizer: Any, longest: int) -> Iterator[dict[str, str]]:
    """Prompt and completion of every post whose gold survives the context step and fits `longest` tokens in all."""
    for post in posts:
        context = build_context(
            Source(post.text), pack.context, lambda text: len(tokenizer.encode(text, add_special_tokens=False))
        )
        shown = " ".join(context.shown.split())
        if not all(" ".join(text.split()) in shown for text in needed_texts(post)):
            continue
        prompt = render_prompt(pack, context, tokenizer)
        completion = compact(lists_last(post.gold)) + tokenizer.eos_token
        if prompt.tokens + len(tokenizer.encode(completion, add_special_tokens=False)) <= longest:
            yield {"prompt": prompt.text, "completion": completion, "style": post.style, "slice": post.slice}


def eval_rows(posts: Iterable[Post], prefix: str) -> Iterator[dict[str, Any]]:
    """Posts as evaluation rows: id, source, gold, slice, style."""
    for number, post in enumerate(posts):
        yield {
            "id": f"{prefix}-{number:03d}",
            "source": post.text,
            "gold": post.gold,
            "slice": post.slice,
            "style": post.style,
        }


def by_hand() -> Iterator[dict[str, Any]]:
    """The pages that we wrote by hand after what the web shows, as dev rows: no generator's habits stand in them."""
    for page in sorted(BY_HAND.glob("*.txt")):
        gold = json.loads(page.with_suffix(".json").read_text("utf-8"))
        row = {"id": page.stem, "source": page.read_text("utf-8"), "gold": gold}
        yield {**row, "slice": "by_hand" if gold else "not_recipe", "style": "by_hand"}


def write(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    log.info("%s: %d rows", path, count)
    return count


def held_out_posts(taken_titles: set[str]) -> Iterator[Post]:
    """TEST_POSTS synthetic posts whose recipe names no training row has."""
    number = given = 0
    while given < TEST_POSTS:
        post = held_out_post(number)
        number += 1
        if post.gold.get("name", "").lower() not in taken_titles:
            given += 1
            yield post


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--train", type=int, default=6000, help="posts to render; a few are left out")
    parser.add_argument("--cards", type=int, default=0, help="pages of recipe plug-ins to render beside them")
    parser.add_argument("--informal", type=int, default=0, help="pages told without headings to render beside them")
    parser.add_argument(
        "--start", type=int, default=0, help="number of the first post and page: fresh ones for a later run"
    )
    parser.add_argument("--longest", type=int, default=1408, help="tokens of prompt and answer")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    args.out.mkdir(parents=True, exist_ok=True)
    pack, tokenizer = load_pack(BUILTIN / "recipe-jsonld"), AutoTokenizer.from_pretrained(args.tokenizer)
    split = public_domain_split()
    posts = [
        make(args.start + number)
        for make, count in ((train_post, args.train), (train_card, args.cards), (train_informal, args.informal))
        for number in range(count)
    ]
    write(args.out / "train.jsonl", train_rows(posts, pack, tokenizer, args.longest))
    taken = {post.gold.get("name", "").lower() for post in posts} - {""}
    write(
        args.out / "dev.jsonl",
        eval_rows([*map(train_post, range(DEV_START, DEV_START + 60)), *map(real_post, split["dev"])], "dev"),
    )
    write(args.out / "by-hand.jsonl", by_hand())
    write(args.out / "test-posts.jsonl", eval_rows(held_out_posts(taken), "post"))
    write(args.out / "test-real.jsonl", eval_rows(map(real_post, split["test"]), "real"))


if __name__ == "__main__":
    main()
