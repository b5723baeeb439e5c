"""Lines of a text: which are no content and why, and how much the others are worth to the task.

All knowledge of the task stands in its `ContextRules`. One pass over the lines, each pattern once a line; a line is
judged by its first `JUDGED_CHARS` characters, so that one endless line costs no more than a long one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from training.task.rules import ContextRules, DropRule

JUDGED_CHARS = 600
BLOCK_LINES = 8  # the most that a block rule takes out below its line
STRONG = 3.0  # a line worth this much is content whatever box it stands in
COMPANY_CHARS = 80  # longer lines are judged on their own
TITLE_WORDS = 12
PROSE_WORDS = 45  # a longer line under a heading is no list item and no step
MAX_PIECE_CHARS = 400
TOP_LINES, NEAR_LINES = 12, 4  # where a page's title is said twice: so far down, and so far apart
JOINT = re.compile(r"\s+[|»›>•·/–—-]\s+")
SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+(?=[^\sa-z])|(?<=[。！？])")


@dataclass(slots=True)
class Piece:
    """A slice of one line, the unit of choosing. `worth` is a sum of rule weights, `drop` a reason or "".

    `held`: it stands under, in or right above a heading of the task.
    """

    line: int
    start: int
    end: int
    worth: float = 0.0
    drop: str = ""
    held: bool = False


def judge(lines: Sequence[str], rules: ContextRules) -> list[Piece]:
    """Every non-blank line as one piece, with its worth and, for what is no content, the reason to drop it."""
    distinct = set(lines) - {""}  # long texts repeat themselves: each line is judged once
    worth_of = {line: _features(line[:JUDGED_CHARS], rules) for line in distinct}
    head_of = {line: _heading(line, rules) for line in distinct}
    worths = [worth_of.get(line, 0.0) for line in lines]
    heads = [head_of.get(line) for line in lines]
    drops = _drops(lines, worths, heads, rules)
    if all(reason or not line for reason, line in zip(drops, lines, strict=True)):
        drops = [""] * len(lines)  # a text that is furniture throughout is shown as it is
    boosts = _hold(lines, heads, drops, rules)
    title = ""
    pieces: list[Piece] = []
    for at, line in enumerate(lines):
        if not line:
            continue
        worth = worths[at] + boosts[at] + _company(lines, worths, at)
        if not drops[at]:
            led = sum(1 for piece in pieces if not piece.drop) if len(pieces) < 200 else rules.lead_lines
            title_like = not led or not rules.lead_words or line.count(" ") < rules.lead_words
            if led < rules.lead_lines and title_like:
                worth += rules.lead_weight
            title = title or line[:JUDGED_CHARS]
        pieces.append(Piece(at, 0, len(line), worth, drops[at], held=boosts[at] > 0))
    _echo(pieces, lines, title, rules)
    return pieces


def split_long(
    pieces: Sequence[Piece], lines: Sequence[str], rules: ContextRules, *, max_chars: int = MAX_PIECE_CHARS
) -> list[Piece]:
    """Pieces of more than `split_words` words cut at sentence ends, sentences of more than `max_chars` at spaces.

    A part keeps what its line gained from its place and is judged for its own words.
    """
    parts: list[Piece] = []
    worth_of: dict[str, float] = {}
    most = max(1, min(MAX_PIECE_CHARS, max_chars))
    for piece in pieces:
        line = lines[piece.line]
        if piece.drop or (len(line) <= most and line.count(" ") < rules.split_words):
            parts.append(piece)
            continue
        place = piece.worth - _features(line[:JUDGED_CHARS], rules)
        for start, end in _sentences(line, most):
            text = line[start:end]
            if text not in worth_of:
                worth_of[text] = _features(text, rules)
            parts.append(Piece(piece.line, start, end, place + worth_of[text], held=piece.held))
    return parts


def content_weight(text: str, rules: ContextRules) -> float:
    """The sum of what the lines of a text are worth above 0."""
    return sum(max(0.0, _features(line[:JUDGED_CHARS], rules)) for line in text.split("\n") if line.strip())


def _features(text: str, rules: ContextRules) -> float:
    total = 0.0
    for rule in rules.features:
        found = 0
        for _ in rule.pattern.finditer(text):
            found += 1
            if found == rule.most:
                break
        total += rule.weight * found
    return total


def _heading(line: str, rules: ContextRules) -> int | None:
    """Index of the heading rule a short line meets, None for any other line."""
    if len(line) > 80:
        return None
    return next((at for at, rule in enumerate(rules.headings) if rule.pattern.search(line)), None)


def _hold(lines: Sequence[str], heads: Sequence[int | None], drops: Sequence[str], rules: ContextRules) -> list[float]:
    """What each line gains from the headings around it."""
    boosts = [0.0] * len(lines)
    held, left = 0.0, 0
    for at, line in enumerate(lines):
        head = heads[at]
        if head is not None and not drops[at]:
            rule = rules.headings[head]
            held, left = rule.weight, rule.reach
            boosts[at] += rule.weight
            for above in range(max(0, at - 2 * rule.before), at):
                if lines[above] and sum(1 for text in lines[above:at] if text) <= rule.before:
                    boosts[above] += rule.weight / 2
        elif line and left > 0:
            if line.count(" ") >= PROSE_WORDS:
                held /= 2
            boosts[at] += held
            left -= 1
    return boosts


def _company(lines: Sequence[str], worths: Sequence[float], at: int) -> float:
    """Half of what the poorer of its two direct neighbours is worth: a bare "parmesan" amid a list is of the list."""
    if not 0 < at < len(lines) - 1 or len(lines[at]) > COMPANY_CHARS or not lines[at - 1] or not lines[at + 1]:
        return 0.0
    return max(0.0, min(worths[at - 1], worths[at + 1])) / 2


def _drops(
    lines: Sequence[str], worths: Sequence[float], heads: Sequence[int | None], rules: ContextRules
) -> list[str]:
    """The reason to drop each line, "" for content.

    A block begins only below content: above all of it the title is yet to come, and a block would take it along.
    """
    rule_of = {line: _drop_rule(line, rules) for line in set(lines) - {""}}
    found = [None if head is not None else rule_of.get(line) for line, head in zip(lines, heads, strict=True)]
    rest = _rest(lines, worths, heads, found, rules)
    reasons = [""] * len(lines)
    twice = _said_twice(lines, heads) if rules.title_once else set[int]()
    block, left, held, content = "", 0, 0, False
    for at, (line, head, rule) in enumerate(zip(lines[:rest], heads, found, strict=False)):
        held = rules.headings[head].reach if head is not None else held - bool(line)
        if not line or head is not None or worths[at] >= STRONG:
            left = 0
        if rule is not None:
            reasons[at] = rule.reason
            if rule.scope == "block" and content and (held <= 0 or not lines[at - 1]):
                block, left = rule.reason, BLOCK_LINES
        elif left > 0:
            reasons[at] = block
            left -= 1
        elif at in twice:
            reasons[at] = "duplicate"
        elif line:
            content = True
    end = found[rest] if rest < len(lines) else None
    return reasons[:rest] + [end.reason if end and line else "" for line in lines[rest:]]


def _said_twice(lines: Sequence[str], heads: Sequence[int | None]) -> set[int]:
    """Lines at the top that join the title, which follows them, to something else: a site's name, a row of links."""
    twice: set[int] = set()
    top = list(islice((at for at, line in enumerate(lines) if line), TOP_LINES + NEAR_LINES))
    texts = [lines[at][:JUDGED_CHARS].strip("#* ").casefold() for at in top]
    for place, at in enumerate(top[:TOP_LINES]):
        if heads[at] is not None:
            break
        parts = JOINT.split(texts[place])
        if len(parts) > 1 and {parts[0], parts[-1]} & set(texts[place + 1 : place + 1 + NEAR_LINES]):
            twice.add(at)
    return twice


def _rest(
    lines: Sequence[str],
    worths: Sequence[float],
    heads: Sequence[int | None],
    found: Sequence[DropRule | None],
    rules: ContextRules,
) -> int:
    """Index of the first line with a rest rule whose time has come, the number of lines where there is none.

    Its time has come below the last heading of the task, when at most a quarter of all worth follows, or when a fifth
    of the lines that follow are dropped for the same reason. Read from the end, so that each line is looked at once.
    """
    whole = sum(worth for worth in worths if worth > 0)
    begins, after, following = len(lines), 0.0, 0
    alike: dict[str, int] = {}
    for at in range(len(lines) - 1, -1, -1):
        head, rule = heads[at], found[at]
        if head is not None and rules.headings[head].weight > 0:
            break
        if rule is not None:
            same = alike.get(rule.reason, 0)
            little = 4 * after <= whole if whole else 2 * at > len(lines)
            if rule.scope == "rest" and (little or (same >= 3 and 5 * same >= following)):
                begins = at
            alike[rule.reason] = same + 1
        after += max(0.0, worths[at])
        following += bool(lines[at])
    return begins


def _drop_rule(line: str, rules: ContextRules) -> DropRule | None:
    words = line.count(" ") + 1 if len(line) < 2000 else len(line)
    return next((rule for rule in rules.drop if words <= rule.max_words and rule.pattern.search(line)), None)


def _echo(pieces: Sequence[Piece], lines: Sequence[str], title: str, rules: ContextRules) -> None:
    """Lines that repeat a longer word of the title gain `echo_weight`; a word of every fifth line tells nothing."""
    if not rules.echo_weight:
        return
    texts = [lines[piece.line][:JUDGED_CHARS].casefold() for piece in pieces]
    words = list(dict.fromkeys(re.findall(r"\w{4,}", title.casefold())))[:TITLE_WORDS]
    found = [{at for at, text in enumerate(texts) if word in text} for word in words]
    for at in set[int]().union(*(lines_of for lines_of in found if len(lines_of) <= max(2, len(texts) / 5))):
        pieces[at].worth += rules.echo_weight


def _sentences(line: str, most: int) -> list[tuple[int, int]]:
    """[start, end) of the sentences of a line without the space between; endless ones cut at spaces."""
    cuts: list[tuple[int, int]] = []
    start = 0
    for gap in SENTENCE_END.finditer(line):
        end = gap.start() + len(gap[0].rstrip())
        if end > start:
            cuts.extend(_chunks(line, start, end, most))
        start = gap.end()
    return cuts + _chunks(line, start, len(line), most)


def _chunks(line: str, start: int, end: int, most: int) -> list[tuple[int, int]]:
    chunks: list[tuple[int, int]] = []
    while end - start > most:
        at = line.rfind(" ", start + 1, start + most)
        cut = at if at > start else start + most
        chunks.append((start, cut))
        start = cut + 1 if at > start else cut
    return [*chunks, (start, end)] if end > start else chunks
