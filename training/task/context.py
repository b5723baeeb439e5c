"""From what a person gave to what the model is shown: clean lines, no furniture, within a token budget, nothing hidden.

    clean      HTML to text, line ends unified, NUL and trailing spaces dropped, runs of blank lines made one
    classify   adverts, share bars, comments and the like out, each with its reason
    fit        when the rest is over the budget, the passages worth most to the task, in the source's order

Promise: `shown` never takes more than the budget, counted with the model's own tokenizer; shown and left out together
hold every non-blank line of the cleaned text; nothing is added but line ends. Limits: the worth of a line is a sum of
cheap signs, so content that looks like none can be left out, visibly. With the step off, the source goes through
unchanged, whatever its length.
"""

import re
from collections.abc import Callable, Sequence
from functools import partial
from math import inf

from training.errors import InputError
from training.task.passages import STRONG, Piece, content_weight, judge, split_long
from training.task.records import Context, LeftOut, Source
from training.task.rules import ContextRules
from training.task.webpage import page_text

CountTokens = Callable[[str], int]
LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
PLAINLY_OVER = 5  # times the budget, by the source's own characters a token
LONG_RUN = 50_000  # characters; a longer run that is left out is not counted but reckoned at the source's rate
FILL_TRIES = 40  # smaller passages tried for the room that is left


def build_context(
    source: Source,
    rules: ContextRules,
    count_tokens: CountTokens,
    *,
    budget_tokens: int | None = None,
    enabled: bool = True,
) -> Context:
    """What of `source` the model is shown. `count_tokens` counts a text as the model will, without special tokens.

    Tokens of left-out runs of more than `LONG_RUN` characters are reckoned; every other number is an exact count.
    Raises InputError for a budget below 1; never for any text. Nothing at all may fit: `shown` is then "".
    """
    budget = rules.budget_tokens if budget_tokens is None else budget_tokens
    if budget < 1:
        raise InputError(
            "No tokens are left for the source text.",
            fix="Lower the answer budget, raise the token budget or pick a model with a longer context.",
        )
    source_tokens = count_tokens(source.text)
    if not enabled:
        return Context(source.text, (), source_tokens, source_tokens, budget, enabled=False)
    text = clean(source, rules)
    lines = text.split("\n")
    pieces = judge(lines, rules)
    kept = [at for at, piece in enumerate(pieces) if not piece.drop]
    shown = _render(pieces, kept, lines)
    chars_per_token = max(1, len(source.text)) / max(1, source_tokens)
    plainly_over = len(shown) > PLAINLY_OVER * budget * chars_per_token  # then the exact count is not worth its time
    shown_tokens = budget + 1 if plainly_over else count_tokens(shown)
    if shown_tokens > budget:
        pieces = split_long(pieces, lines, rules, max_chars=round(0.8 * budget * chars_per_token))
        least = rules.least_worth if any(piece.held for piece in pieces) else -inf
        kept = _fit(pieces, lines, count_tokens, budget, chars_per_token, least)
        shown = _render(pieces, kept, lines)
        shown_tokens = count_tokens(shown)
    left_out = _left_out(pieces, set(kept), lines, partial(_count_run, count_tokens, chars_per_token))
    return Context(shown, left_out, source_tokens, shown_tokens, budget, enabled=True)


def readable(source: Source, rules: ContextRules) -> Source:
    """What a person reads and marks stand in: a web page's text, anything else as it is given."""
    return source if source.kind != "html" else Source(clean(source, rules), "text", source.origin)


def clean(source: Source, rules: ContextRules) -> str:
    """The source as tidy lines: HTML as text, one kind of line end, no NUL, no trailing space, single blank lines."""
    text = source.text.replace("\x00", "").removeprefix("\ufeff")
    if source.kind == "html":
        text = page_text(text, partial(content_weight, rules=rules))
    lines = (line.rstrip() for line in LINE_ENDS.sub("\n", text).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def _ranked(pieces: Sequence[Piece], least_worth: float) -> tuple[list[int], list[int]]:
    """Indices of what may be shown: by worth what has some or stands next to what has, then the filler as it comes."""
    worthy: list[int] = []
    filler: list[int] = []
    for at, piece in enumerate(pieces):
        if not piece.drop:
            beside = any(near.worth >= STRONG and not near.drop for near in pieces[max(0, at - 1) : at + 2])
            (worthy if piece.worth >= least_worth or beside else filler).append(at)
    return sorted(worthy, key=lambda at: (-pieces[at].worth, at)), filler


def _fit(
    pieces: Sequence[Piece], lines: Sequence[str], count_tokens: CountTokens, budget: int, rate: float, least: float
) -> list[int]:
    """Indices of the pieces to show, ascending: as many as fit in the order of worth, then what still does.

    `rate` is characters a token: lengths in characters choose the range, exact counts decide.
    """

    def tokens(chosen: Sequence[int]) -> int:
        return count_tokens(_render(pieces, sorted(chosen), lines))

    def length(at: int) -> int:
        return pieces[at].end - pieces[at].start

    worthy, filler = _ranked(pieces, least)
    order = worthy if sum(map(length, worthy)) > budget * rate / 4 else worthy + filler
    room, most = 2 * budget * rate, 0
    while most < len(order) and room > 0:
        room -= length(order[most])
        most += 1
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if tokens(order[:middle]) <= budget:
            low = middle
        else:
            high = middle - 1
    chosen = order[:low]
    used = tokens(chosen)
    for at in order[low : low + FILL_TRIES]:
        if length(at) / rate <= 1.5 * (budget - used) and (with_it := tokens([*chosen, at])) <= budget:
            chosen, used = [*chosen, at], with_it
    return sorted(chosen)


def _count_run(count_tokens: CountTokens, chars_per_token: float, text: str) -> int:
    return count_tokens(text) if len(text) <= LONG_RUN else round(len(text) / chars_per_token)


def _render(pieces: Sequence[Piece], kept: Sequence[int], lines: Sequence[str]) -> str:
    """The kept pieces in order. Neighbours keep what stood between them; a blank line marks missing passages."""
    parts: list[str] = []
    last = -1
    for at in kept:
        if last >= 0:
            parts.append(_between(pieces, last, at, lines))
        piece = pieces[at]
        parts.append(lines[piece.line][piece.start : piece.end])
        last = at
    return "".join(parts)


def _between(pieces: Sequence[Piece], last: int, at: int, lines: Sequence[str]) -> str:
    left, right = pieces[last], pieces[at]
    if left.line == right.line:
        return lines[left.line][left.end : right.start] if at == last + 1 else "\n"
    blank = any(not line for line in lines[left.line + 1 : right.line])
    missing = any(not pieces[between].drop for between in range(last + 1, at))
    return "\n\n" if blank or missing else "\n"


def _left_out(
    pieces: Sequence[Piece], kept: set[int], lines: Sequence[str], count_tokens: CountTokens
) -> tuple[LeftOut, ...]:
    """Runs of neighbours that are not shown for the same reason; `budget` where only the room was missing."""
    runs: list[tuple[str, list[int]]] = []
    for at, piece in enumerate(pieces):
        if at in kept:
            continue
        reason = piece.drop or "budget"
        if runs and runs[-1][0] == reason and runs[-1][1][-1] == at - 1:
            runs[-1][1].append(at)
        else:
            runs.append((reason, [at]))
    texts = [(reason, _render(pieces, run, lines)) for reason, run in runs]
    return tuple(LeftOut(text, reason, count_tokens(text)) for reason, text in texts)
