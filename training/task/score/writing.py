"""What can be said of a text that has no single right answer: does it end, repeat itself, hang together (metrics A9).

For tasks whose answer is text. Every value is a share of what the answer itself holds, None where it holds none of it;
word overlap stands in for sense, so `named_in_steps` misses "add the rest" and `on_title` a dish told in other words.
"""

from typing import Any

from training.task.pack import Pack
from training.task.records import Score
from training.task.score.lists import name_keys
from training.task.score.text import content_keys, keys_of, tokenise
from training.task.score.values import entries, text_of

GRAM = 4  # words


def writing_scores(pack: Pack, obj: dict[str, Any] | None, source_text: str, raw: str | None) -> list[Score]:
    """`end_marker`, `sections`, `amounts_given`, `named_in_steps` and `on_title` of a text answer.

    The first two are read off `raw` where it is known; [] for tasks whose answer is JSON.
    """
    if pack.answer.kind != "text":
        return []
    scores: list[Score] = []
    if raw is not None:
        ended = float(pack.answer.end in raw)
        words = f"The end marker {pack.answer.end} is {'there' if ended else 'missing'}."
        scores += [Score("end_marker", ended, n=1, explanation=words), _sections(pack, obj, raw)]
    if obj:
        scores += [*_ingredient_scores(pack, obj), _on_title(pack, obj, source_text)]
    return scores


def repetition_score(raw: str) -> Score:
    """1 - different runs of `GRAM` words / all of them, of any answer: near 1 where it goes round in circles."""
    keys = keys_of(raw)
    grams = [tuple(keys[at : at + GRAM]) for at in range(len(keys) - GRAM + 1)]
    share = 1 - len(set(grams)) / len(grams) if grams else None
    return Score("repetition", share, n=len(grams), explanation=f"Share of runs of {GRAM} words that came before.")


def _sections(pack: Pack, obj: dict[str, Any] | None, raw: str) -> Score:
    """Share of the form's heads that open a line, counted while they come in the form's order; None of {}, which has
    none."""
    heads = [section.head for section in pack.answer.sections]
    lines = [line.strip() for line in raw.splitlines()]
    found = 0
    for line in lines:
        if found < len(heads) and line.startswith(heads[found]):
            found += 1
    value = None if obj == {} else found / len(heads)
    words = f"{found} of {len(heads)} sections are there in their order."
    return Score("sections", value, n=len(heads), explanation=words)


def _ingredient_scores(pack: Pack, obj: dict[str, Any]) -> list[Score]:
    def texts(comparator: str) -> list[str]:
        specs = [spec for spec in pack.fields if spec.comparator == comparator]
        return [entry.text for spec in specs for entry in entries(spec, obj.get(spec.name))]

    lines, steps = texts("list_ingredient"), texts("list_steps")
    cooked = {key for step in steps for key in keys_of(step)}
    measured = sum(any(token.number is not None for token in tokenise(line)) for line in lines)
    named = sum(any(key in cooked for key in name_keys(line)) for line in lines)
    n = len(lines)
    return [
        Score("amounts_given", measured / n if n else None, n=n, explanation=f"{measured} of {n} lines say how much."),
        Score("named_in_steps", named / n if n and steps else None, n=n,
              explanation=f"{named} of {n} ingredients are named in the steps."),
    ]  # fmt: skip


def _on_title(pack: Pack, obj: dict[str, Any], source_text: str) -> Score:
    """Share of the asked words that the answer's first section, its title, repeats."""
    asked = content_keys(source_text)
    title = set(keys_of(text_of(obj.get(pack.answer.sections[0].field))))
    found = sum(key in title for key in asked)
    why = f"{found} of {len(asked)} words that were asked for stand in the title."
    return Score("on_title", found / len(asked) if asked else None, n=len(asked), explanation=why)
