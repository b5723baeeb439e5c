"""What changed from one arm to another, metric by metric: the forest, and on how many documents which way."""

from collections.abc import Mapping, Sequence
from typing import Any

from training.evals.charts import figures as fg
from training.evals.charts.catalogue import empty, made
from training.evals.charts.chart import Chart
from training.evals.charts.view import Record, View, number, view_of, whole
from training.evals.charts.words import (
    and_words,
    change_sentence,
    difference_words,
    interval,
    n_words,
    p_words,
    plural,
    safe,
    signed,
    titled,
)
from training.evals.hypotheses import better_share
from training.evals.statistics import exact_sign_test, wilson

MOST = 12  # rows: more than a person reads; the scorecard has all
GROUPS = ("content", "relevance", "grounding", "form", "text")
PLAIN = ("strict", "schema_valid", "hallucinated", "hallucinated_docs", "omitted", "abstain_acc", "exact_record",
         "template_echo", "end_marker", "repetition")  # fmt: skip
FIRST = ("f1", "ordered_f1", "mae_penalised", "slot", "rougeLsum", "qty_acc")
NO_PAIR = "There are no two arms to compare: this evaluation has one."
NO_FIGURES = "No metric has a value in both arms, so there is no difference to show."


def chart_forest(aggregates: Mapping[str, Any], pair: tuple[str, str] | None, tier: str) -> Chart:
    """Paired differences with intervals, turned so that right is better; the band is what n could not have shown.

    Metrics in other units than shares are told in the CSV and in charts of their own. Reads `pairs`.
    """
    view = view_of(aggregates, pair, tier)
    if view.pair is None:
        return empty("forest", NO_PAIR)
    found = chosen(view)
    rows = [row for row in found if not view.about(str(row["metric"])).get("unit")] or found[:1]
    if not rows:
        return empty("forest", NO_FIGURES)
    data = [_bands(view, rows), *_marks(view, rows)]
    notes: list[dict[str, Any]] = []
    for at, row in enumerate(rows):
        star = " *" if row.get("metric") == view.primary else ""
        notes += fg.row_words(at, view.label(str(row["metric"])), difference_words(row), mark_of(view, row) + star)
    reach = max(abs(end) for row in rows for end in _ends(view, row)) * 1.08 or 1.0
    a, b = (view.look(name) for name in view.pair)
    n = n_words(max(whole(row.get("n")) for row in rows))
    more = f"{n}, 95 % intervals, * primary metric<br>grey: too small to be found with this n"
    x = fg.axis(fg.versus(a, b, more), range=[-reach, reach], **fg.signed_ticks(reach))
    figure = fg.figure(
        data, 62 + fg.ROW_PX * len(rows), x, fg.rows_axis(len(rows)), annotations=notes,
        shapes=[fg.line_at(0, dash="solid")],
    )  # fmt: skip
    points = {
        f"{curve}/{at}": _target(view, row)
        for curve in (1, 2, 3)
        for at, row in enumerate(_of(view, rows, ("better", "worse", "unsure")[curve - 1]))
    }
    return made("forest", _forest_insight(view, rows), figure, _csv(view), points)


def chosen(view: View) -> list[Record]:
    """The pair's figures that are worth a row: the primary one, the confirmatory ones, then fields by group."""
    figures = view.pair_figures()
    declared = [view.primary, *(view.data.get("confirmatory") or ())]
    order = [name for name in (*declared, *PLAIN) if name in figures]
    rest = [name for name in figures if name.partition(":")[0] in FIRST and view.better(name) != "none"]
    rest.sort(key=lambda name: (_place(FIRST, name.partition(":")[0]), _place(GROUPS, view.about(name).get("group"))))
    names = list(dict.fromkeys([*order[:8], *rest, *order[8:]]))[:MOST]
    return [figures[name] for name in names]


def mark_of(view: View, row: Record) -> str:
    """What stands behind a metric's name: an arrow where less is better."""
    return " ↓" if view.better(str(row["metric"])) == "lower" else ""


def _place(order: Sequence[Any], name: Any) -> int:
    return order.index(name) if name in order else len(order)


def _ends(view: View, row: Record) -> list[float]:
    metric = str(row["metric"])
    found = [number(row.get(key)) for key in ("difference", "ci_low", "ci_high")]
    return [view.gain(metric, value) for value in found if value is not None] + [number(row.get("detectable")) or 0.0]


def _of(view: View, rows: Sequence[Record], outcome: str) -> list[Record]:
    wanted = {"unsure": ("unsure", "same")}.get(outcome, (outcome,))
    return [row for row in rows if view.outcome(row) in wanted]


def _bands(view: View, rows: Sequence[Record]) -> fg.Trace:
    """What could not have been found: a band around zero in each row."""
    widths = [number(row.get("detectable")) or 0.0 for row in rows]
    return {
        "type": "bar", "orientation": "h", "x": [2 * width for width in widths], "base": [-width for width in widths],
        "y": [at + fg.MARK_AT for at in range(len(rows))], "width": 0.4, "marker": {"color": fg.BAND},
        "hoverinfo": "skip", "name": "too small to be found",
    }  # fmt: skip


def _marks(view: View, rows: Sequence[Record]) -> list[fg.Trace]:
    tuned = view.look((view.pair or ("", ""))[1])
    looks = (("better", tuned.colour, "diamond"), ("worse", fg.BAD, "x"), ("unsure", fg.NONE, "circle-open"))
    traces: list[fg.Trace] = []
    for outcome, colour, symbol in looks:
        kept = _of(view, rows, outcome)
        places = [rows.index(row) + fg.MARK_AT for row in kept]
        xs = [view.gain(str(row["metric"]), number(row["difference"]) or 0.0) for row in kept]
        ends = [sorted(_turned(view, row)) for row in kept]
        traces.append({
            "type": "scatter", "mode": "markers", "x": xs, "y": places, "name": outcome,
            "marker": fg.marker(colour, symbol), "cliponaxis": False,
            "error_x": fg.reach(xs, [end[0] if end else None for end in ends],
                                [end[-1] if end else None for end in ends], colour),
            **fg.hover([_told(view, row) for row in kept]),
        })  # fmt: skip
    return traces


def _turned(view: View, row: Record) -> list[float]:
    found = [number(row.get(key)) for key in ("ci_low", "ci_high")]
    return [view.gain(str(row["metric"]), value) for value in found if value is not None]


def _told(view: View, row: Record) -> str:
    effect, p, adjusted = (number(row.get(key)) for key in ("effect", "p", "p_adjusted"))
    lines = [
        f"<b>{titled(view.label(str(row['metric'])), 60, mark_of(view, row))}</b>",
        safe(f"{difference_words(row)}, {n_words(row.get('n'))}"),
        safe(
            f"{row.get('test') or 'test'}: {p_words(p)}"
            + (f", adjusted {adjusted:.3g}" if adjusted is not None else ""),
            80,
        )
        if p is not None
        else "",
        safe(f"{row.get('effect_name') or 'effect'} {signed(effect)}", 60) if effect is not None else "",
        safe(f"a difference of {number(row.get('detectable')):.3f} would be found 4 times in 5", 80)
        if number(row.get("detectable"))
        else "",
    ]
    return "<br>".join(line for line in lines if line)


def _target(view: View, row: Record) -> dict[str, Any]:
    name, _, field = str(row["metric"]).partition(":")
    where = {"metric": name, "field": field, "arm": list(view.pair or ())}
    return {"frame": "scores", "where": where, "words": view.label(str(row["metric"]))}


def _forest_insight(view: View, rows: Sequence[Record]) -> str:
    lead = change_sentence(view, next((row for row in rows if row["metric"] == view.primary), rows[0]))
    words = (("better", "better"), ("worse", "worse"), ("unsure", "not shown to differ"))
    counts = [(len(_of(view, rows, outcome)), word) for outcome, word in words]
    if len(rows) == 1:
        return lead
    alone = [word for count, word in counts if count == len(rows)]
    if alone:
        return f"{lead[:-1]}; all {len(rows)} metrics here are {alone[0]}."
    said = and_words([f"{count} {'are' if count > 1 else 'is'} {word}" for count, word in counts if count])
    return f"{lead[:-1]}; of {plural(len(rows), 'metric')} here {said}."


def _csv(view: View) -> list[list[Any]]:
    keys = ("a", "b", "metric", "difference", "ci_low", "ci_high", "test", "p", "p_adjusted", "effect", "effect_name",
            "detectable", "n", "wins", "ties", "losses", "p_mid", "margin", "p_same", "shift")  # fmt: skip
    return [list(keys), *([row.get(key) for key in keys] for row in view.pair_figures().values())]


def chart_wins(aggregates: Mapping[str, Any], pair: tuple[str, str] | None, tier: str) -> Chart:
    """On how many documents b is better and on how many worse, by metric; ties are told. Reads `pairs`."""
    view = view_of(aggregates, pair, tier)
    if view.pair is None:
        return empty("wins", NO_PAIR)
    rows = [row for row in chosen(view) if sum(_counts(row)) and view.better(str(row["metric"])) != "none"]
    if not rows:
        return empty("wins", "No metric was scored for the same document in both arms.")
    a, b = (view.look(name) for name in view.pair)
    sides = (("wins", b, 1.0), ("losses", a, -1.0))
    data: list[fg.Trace] = []
    for key, look, sign in sides:
        counts = [(whole(row.get(key)), sum(_counts(row))) for row in rows]
        shares = [part / total for part, total in counts]
        ends = [wilson(part, total) for part, total in counts]
        data.append(fg.bar(
            [sign * share for share in shares], [at + fg.MARK_AT for at in range(len(rows))], f"{look.label} better",
            look.colour, width=0.42, error_x=_reaches(sign, shares, ends, look.colour),
            text=[f"{part:,}" if part else "" for part, _ in counts], textposition="none",
            **fg.hover([safe(f"{look.label} better on {part:,} of {total:,}", 80) for part, total in counts]),
        ))  # fmt: skip
    notes = [note for at, row in enumerate(rows) for note in _wins_words(view, at, row)]
    reach = max(abs(x) for trace in data for x in trace["x"]) or 1.0
    reach = min(1.0, max(reach * 1.15, 0.1))
    n = n_words(max(sum(_counts(row)) for row in rows))
    words = fg.versus(a, b, f"share of documents, {n}")
    x = fg.axis(words, range=[-reach, reach], **fg.percent_ticks(reach, -reach))
    figure = fg.figure(
        data, 64 + fg.ROW_PX * len(rows), x, fg.rows_axis(len(rows)), annotations=notes, barmode="overlay",
        shapes=[fg.line_at(0, dash="solid")],
    )  # fmt: skip
    points = {f"{curve}/{at}": _target(view, row) | {"side": key}
              for curve, (key, *_) in enumerate(sides) for at, row in enumerate(rows)}  # fmt: skip
    csv: list[list[Any]] = [["metric", f"better with {b.label}", "same", f"better with {a.label}", "sign test p",
                             f"share better with {b.label}, the same counting half"]]  # fmt: skip
    csv += [[row["metric"], *_counts(row), _sign_p(row), better_share(*_counts(row))] for row in rows]
    return made("wins", _wins_insight(view, rows), figure, csv, points)


def _wins_words(view: View, at: int, row: Record) -> list[dict[str, Any]]:
    wins, ties, losses = _counts(row)
    same = f", {ties:,} same" if ties else ""
    return fg.row_words(at, view.label(str(row["metric"])), f"{losses:,} : {wins:,}{same}", mark_of(view, row))


def _counts(row: Record) -> tuple[int, int, int]:
    return whole(row.get("wins")), whole(row.get("ties")), whole(row.get("losses"))


def _sign_p(row: Record) -> float:
    wins, _, losses = _counts(row)
    return exact_sign_test(wins, losses)


def _reaches(sign: float, shares: Sequence[float], ends: Sequence[Any], colour: str) -> dict[str, Any]:
    low = [end.low if end else None for end in ends]
    high = [end.high if end else None for end in ends]
    if sign > 0:
        return fg.reach(shares, low, high, colour)
    turned = fg.reach(shares, low, high, colour)
    return turned | {"array": turned["arrayminus"], "arrayminus": turned["array"]}


def _wins_insight(view: View, rows: Sequence[Record]) -> str:
    row = next((row for row in rows if row["metric"] == view.primary), rows[0])
    a, b = (view.look(name).label for name in view.pair or ("", ""))
    wins, ties, losses = _counts(row)
    p = _sign_p(row)
    lead = f"{view.label(str(row['metric']))}: {b} is better on {wins:,} documents, {a} on {losses:,}"
    lead += f", both the same on {ties:,}" if ties else ""
    if wins + losses == 0:
        return f"{view.label(str(row['metric']))}: both arms are the same on all {n_words(ties)[4:]}."
    if p < 0.05:
        return f"{lead} (sign test {p_words(p)}, {n_words(wins + ties + losses)})."
    share = wilson(wins, wins + losses)
    sure = interval(wins / (wins + losses), *(share or (None, None)))
    return f"{lead}: too close to call, {b} wins {sure} of those that differ (sign test {p_words(p)})."
