"""Numbers and comparisons in words, for insight sentences and labels: with their interval and n, never more than those
support. Raw text; `safe` makes it fit for Plotly."""

from collections.abc import Mapping, Sequence
from typing import Any

from training.evals.charts.view import View, number

MINUS = "−"
LABEL = 34  # characters of a label
AT_POINT = 26  # characters of a label beside its point, where room is short
HELD = ", held to the schema"


def safe(text: object, most: int = LABEL) -> str:
    """A text that Plotly shows as it is: it reads a little HTML, and mathematics between dollar signs."""
    line = " ".join(str(text).split())
    line = line if len(line) <= most else line[: most - 1].rstrip() + "…"
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("$", "&#36;"), ("%{", "&#37;{")):
        line = line.replace(character, entity)
    return line


def titled(label: str, most: int = LABEL, mark: str = "") -> str:
    """A safe label of at most `most` characters. Its mark (" ↓" less is better) and what tells an arm that is held to
    the schema from the same arm unheld are never cut off: both stand behind what is."""
    room = max(6, most - len(mark))
    own = label.removesuffix(HELD)
    if own == label or len(label) <= room:
        return safe(label, room) + mark
    return f"{safe(own, max(6, room - len(', held')))}, held{mark}"


def num(value: float | None) -> str:
    """Two decimals, more for what is small, thousands for what is large; "none" for None."""
    if value is None:
        return "none"
    size = abs(value)
    if size >= 100:
        words = f"{size:,.0f}"
    elif size >= 0.1 or size == 0:
        words = f"{size:.2f}"
    else:
        words = f"{size:.3f}"
        words = words[:-1] if words.endswith("0") else words
    return f"{MINUS}{words}" if value < 0 and words.strip("0.") else words


def signed(value: float | None) -> str:
    return f"+{num(value)}" if value is not None and value > 0 else num(value)


def percent(part: float, whole: float = 1.0) -> str:
    """Of a share; never 0 % or 100 % of what is neither."""
    if not whole:
        return "none"
    share = 100 * part / whole
    if 0 < share < 0.5:
        return "<1 %"
    if 99.5 <= share < 100:
        return ">99 %"
    return f"{share:.0f} %"


def interval(value: float | None, low: float | None, high: float | None, *, sign: bool = False) -> str:
    """ "0.61 [0.57, 0.65]"; the value alone where there is no interval."""
    said = signed(value) if sign else num(value)
    if low is None or high is None:
        return said
    words = signed if sign else num
    return f"{said} [{words(low)}, {words(high)}]"


def measured_words(figure: Mapping[str, Any]) -> str:
    return interval(number(figure.get("value")), number(figure.get("low")), number(figure.get("high")))


def difference_words(figure: Mapping[str, Any]) -> str:
    found = [number(figure.get(key)) for key in ("difference", "ci_low", "ci_high")]
    return interval(found[0], found[1], found[2], sign=True)


def n_words(n: Any, noun: str = "document") -> str:
    count = int(number(n) or 0)
    return f"n = {count:,} {noun}{'' if count == 1 else 's'}"


def p_words(p: float | None) -> str:
    return "" if p is None else "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def and_words(words: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    words = [word for word in words if word]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def plural(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def detectable_words(figure: Mapping[str, Any]) -> str:
    """ "a difference of 0.07 would have been seen 4 times in 5"; "" where that is not known."""
    found = number(figure.get("detectable"))
    return f"a difference of {num(found)} would be found 4 times in 5" if found else ""


def doubt_words(figure: Mapping[str, Any]) -> str:
    """Why a difference is not claimed although its interval leaves out 0: the test, corrected or not; "" otherwise."""
    low, high = number(figure.get("ci_low")), number(figure.get("ci_high"))
    if low is None or high is None or low <= 0 <= high:
        return ""
    p, adjusted = number(figure.get("p")), number(figure.get("p_adjusted"))
    if adjusted is not None and p is not None and adjusted > p:
        return f"its test does not hold after correction, {p_words(adjusted)}"
    return f"its test does not hold, {p_words(p)}" if p is not None else ""


def change_sentence(view: View, figure: Mapping[str, Any]) -> str:
    """What became of one metric from a to b: "Ingredients F1 rose by 0.61 [0.57, 0.65]" and who and n."""
    metric = str(figure.get("metric"))
    label, difference = view.label(metric), number(figure.get("difference")) or 0.0
    a, b = (view.look(name).label for name in view.pair or ("a", "b"))
    low, high = number(figure.get("ci_low")), number(figure.get("ci_high"))
    n = n_words(figure.get("n"))
    outcome = view.outcome(figure)
    if outcome == "same":
        return f"{label}: {b} and {a} are equal on every document ({n})."
    if outcome == "unsure":
        why = doubt_words(figure) or detectable_words(figure)
        told = ", ".join((difference_words(figure), n))
        return f"{label}: no difference between {b} and {a} is shown ({told}{'; ' + why if why else ''})."
    size = interval(abs(difference), *sorted((abs(low or 0.0), abs(high or 0.0))))
    way = "higher" if difference > 0 else "lower"
    good = "better" if outcome == "better" else "worse"
    tail = "" if (way == "higher") == (good == "better") else f", which is {good}"
    tail = tail or (", which is worse" if good == "worse" else "")
    return f"{label} is {size} {way} with {b} than with {a}{tail} ({n})."
