"""What a finished run is worth on dev rows, and two runs beside each other. Pure: plain JSON in, HTML out.

Every figure stands with its 95 % interval and the number of documents behind it. Loss is shown, and never ranks a run.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from studio.views.markup import Html, each, el, html, icon, insight, note, number, seconds
from studio.views.run_form import label_of
from studio.views.runs import OVER, short_state

Record = Mapping[str, Any]
NAMES = {
    "list_f1": "lists right (mean F1)",
    "field_mean": "fields right (mean)",
    "slot_mean": "fields right (mean)",
    "f1": "F1",
    "slot": "right",
    "strict": "strict answers",
    "usable": "usable answers",
    "schema_valid": "valid against the schema",
    "exact_record": "whole record right",
    "abstain_acc": "says nothing where nothing is",
    "duration_exact": "durations right",
    "hallucinated": "items made up (less is better)",
    "omitted": "items left out (less is better)",
}
FIRST = ("strict", "usable", "schema_valid", "exact_record", "f1", "slot", "duration_exact", "abstain_acc",
         "hallucinated", "omitted")  # fmt: skip
MOST = 12
NONE = "When the run ends, its adapter and its base answer the same dev rows; both stand here with their intervals."
FREE = (
    " These answers were written without a schema. Compare holds those of a JSON task to it, unless you untick that: "
    "more of them are strict and valid there."
)
OFF = "This run scores no dev rows: Dev rows scored at the end is 0."
WITHOUT = "It ended before its adapter and its base had answered the dev rows. Evaluate scores the adapter as it is."
ENDED = "It ended before it was scored: there are no figures. Resume it, and they stand here at its end."


def metric_words(metric: str) -> str:
    """A metric's name as people read it; its field after a comma."""
    name, _, field = metric.partition(":")
    words = NAMES.get(name, name.replace("_", " "))
    return f"{words}, {field}" if field else words


def score_lines(figures: Record, base: Record, primary: str = "") -> list[tuple[str, Record | None, Record | None]]:
    """(metric, base, adapter) of the figures worth reading first, the primary one on top; at most `MOST`."""
    names = [name for name in {**figures, **base} if _has(figures.get(name)) or _has(base.get(name))]
    order = {name: place for place, name in enumerate(FIRST)}
    ranked = sorted(names, key=lambda name: (name != primary, order.get(name.partition(":")[0], len(order))))
    shown = [name for name in ranked if name == primary or name.partition(":")[0] in order][:MOST]
    return [(metric_words(name), base.get(name), figures.get(name)) for name in shown]


def _has(figure: Record | None) -> bool:
    return bool(figure) and figure is not None and figure.get("value") is not None


def unscored_words(status: Record, *, scored: bool) -> str:
    """Why a run has no figures: not wanted, not yet, or it ended without them."""
    state = str(status["state"])
    if not scored:
        return OFF
    if state == "finished":
        return " ".join(filter(None, [str(status["error"]), WITHOUT]))
    return ENDED if state in OVER else NONE


def scores_html(figures: Record, base: Record, primary: str, none: str = NONE) -> Html:
    """The sentence, and the table of adapter beside base; `none` where there are no figures."""
    if not figures:
        return note(none)
    lines = score_lines(figures, base, primary)
    heads = each(el("th", title, scope="col") for title in ("On dev rows", "base", "adapter", "documents"))
    body = each(_line(name, before, after) for name, before, after in lines)
    table = el("table", el("thead", el("tr", heads)), el("tbody", body), cls="tt-table")
    scroll = el("div", table, cls="tt-scroll-x", tabindex="0", role="group", aria_label="scores")
    free = el("p", icon("none"), FREE, cls="tt-dim")
    return el("div", insight(scores_words(figures, base, primary)), scroll, free, cls="tt-data")


def _line(name: str, before: Record | None, after: Record | None) -> Html:
    n = (after or before or {}).get("n_scored")
    total = (after or before or {}).get("n_total")
    counted = "" if n is None else f"{int(n):,} of {int(total or n):,}"
    cells = (el("td", figure_words(side), cls="tt-num") for side in (before, after))
    return el("tr", el("th", name, scope="row"), *cells, el("td", counted, cls="tt-num tt-dim"))


def figure_words(figure: Record | None) -> str:
    """'0.94 (0.87 to 0.98)'; a dash where nothing was scored."""
    if figure is None or figure.get("value") is None:
        return "–"
    low, high = figure.get("low"), figure.get("high")
    inside = f" ({float(low):.2f} to {float(high):.2f})" if low is not None and high is not None else ""
    return f"{float(figure['value']):.2f}{inside}"


def scores_words(figures: Record, base: Record, primary: str) -> str:
    """Adapter against base on the task's primary metric, and whether the intervals part them."""
    name = primary if _has(figures.get(primary)) else next((n for n in FIRST if _has(figures.get(n))), "")
    if not name:
        return "Nothing was scored."
    after, before = figures[name], base.get(name)
    told = f"On {int(after['n_total']):,} dev rows: {metric_words(name)} {float(after['value']):.2f}"
    if before is None or before.get("value") is None:
        return f"{told}; the base was not scored."
    told += f" with the adapter, {float(before['value']):.2f} without."
    apart = _apart(before, after)
    if apart is None:
        return told
    return told + (
        " The intervals do not overlap." if apart else " The intervals overlap: on so few rows this may be chance."
    )


def _apart(one: Record, other: Record) -> bool | None:
    ends = [side.get(key) for side in (one, other) for key in ("low", "high")]
    if any(end is None for end in ends):
        return None
    low_a, high_a, low_b, high_b = (float(end) for end in ends if end is not None)
    return high_a < low_b or high_b < low_a


def beside_html(one: Record, other: Record, differing: Sequence[tuple[str, Any, Any]]) -> Html:
    """Two runs: the settings that differ and nothing else, how both stand, and their dev figures.

    Each side is {"status", "figures", "loss", "dev_loss"}.
    """
    names = [str(side["status"]["run"]) for side in (one, other)]
    words = (
        "The settings are the same."
        if not differing
        else f"{len(differing)} settings differ."
        if len(differing) > 1
        else "One setting differs."
    )
    rows = [
        *((label_of(name), _value(before), _value(after)) for name, before, after in differing),
        ("State", *(short_state(side["status"]) for side in (one, other))),
        ("Training time", *(seconds(float(side["status"]["seconds"])) for side in (one, other))),
        ("Last loss", *(_loss(side["loss"]) for side in (one, other))),
        ("Best dev loss", *(_loss(side["dev_loss"]) for side in (one, other))),
        *((metric, figure_words(a), figure_words(b)) for metric, a, b in score_lines(other["figures"], one["figures"])),
    ]
    heads = each(el("th", el("bdi", title), scope="col") for title in ("", *names))
    body = each(el("tr", el("th", name, scope="row"), el("td", a), el("td", b)) for name, a, b in rows)
    table = el("table", el("thead", el("tr", heads)), el("tbody", body), cls="tt-table")
    never = el("p", icon("none"), " Loss does not tell which run is better: the dev figures do.", FREE, cls="tt-dim")
    scroll = el("div", table, cls="tt-scroll-x", tabindex="0", role="group", aria_label="two runs")
    return el("div", insight(words), scroll, never, cls="tt-data")


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value) if value != "" else "none"


def _loss(value: float | None) -> str:
    return "–" if value is None else number(float(value))


def loss_words(steps: Sequence[Record]) -> str:
    """What the loss did, in one sentence: how far it fell, whether it still falls, and the best dev loss."""
    loss = [(int(s["step"]), float(s["loss"])) for s in steps if s.get("loss") is not None]
    dev = [(int(s["step"]), float(s["dev_loss"])) for s in steps if s.get("dev_loss") is not None]
    if not loss:
        return ""
    first, last = _mean(loss[:3]), _mean(loss[-3:])
    fell = "fell" if last < 0.98 * first else "rose" if last > 1.02 * first else "stayed"
    told = (
        f"Loss {fell} from {first:.3g} to {last:.3g} over {len(loss):,} steps"
        if fell != "stayed"
        else f"Loss stayed at {last:.3g} over {len(loss):,} steps"
    )
    if len(loss) >= 10 and fell != "fell":
        told += ": it does not learn; look at the rate and at the rows"
    if dev:
        at, best = min(dev, key=lambda pair: pair[1])
        told += f"; dev loss was lowest at step {at:,}: {best:.3g}"
        if dev[-1][1] > 1.05 * best:
            told += f", and has risen to {dev[-1][1]:.3g} since: it learns by heart"
    return f"{told}."


def _mean(pairs: Sequence[tuple[int, float]]) -> float:
    return sum(value for _, value in pairs) / len(pairs)


def speed_words(steps: Sequence[Record]) -> str:
    """Pace and memory in one line."""
    speeds = [float(s["tokens_per_s"]) for s in steps if s.get("tokens_per_s")]
    memory = [float(s["memory_bytes"]) for s in steps if s.get("memory_bytes")]
    parts: list[str] = []
    if speeds:
        middle = sorted(speeds)[len(speeds) // 2]
        parts.append(f"{number(round(middle))} tokens a second in the middle (n = {len(speeds):,} steps)")
    if memory:
        parts.append(f"at most {max(memory) / 1e9:.1f} GB of memory")
    return html(", ".join(parts) + ".") if parts else ""
