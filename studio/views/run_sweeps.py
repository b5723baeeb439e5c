"""A sweep to be read: which settings did best on dev rows, which are tied with them, what was left out and why. Pure.

The best is the highest of many, so its lead is a little flattered: the tied ones stand beside it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from studio.views.markup import Html, each, el, html, icon, insight, note, plural, seconds
from studio.views.run_form import bytes_words, label_of
from studio.views.run_plots import COLOURS, base_figure, plain
from studio.views.run_scores import figure_words, metric_words
from studio.views.runs import span_words

Record = Mapping[str, Any]
NONE = "A sweep tries several values of the knobs, each combination as a run of the queue, and says which are best."
STATES = {"running": "goes on", "stopped": "is stopped", "finished": "is finished"}


def estimate_html(estimate: Record, combinations: int | None) -> Html:
    """What a sweep will take before it starts."""
    of = f" of {combinations:,} combinations" if combinations else ""
    if estimate["seconds"] is None:
        why = f" {estimate['why']}" if estimate.get("why") else ""
        return note(f"{plural(int(estimate['runs']), 'run')}{of}; how long could not be measured.{why}")
    each_one = f"{span_words(float(estimate['shortest']))} to {span_words(float(estimate['longest']))}"
    words = (
        f"{plural(int(estimate['runs']), 'run')}{of}: about {span_words(float(estimate['seconds']))} of training, "
        f"{each_one} a run. What is left out on the way makes it less; answering "
        f"{int(estimate['rows_evaluated']):,} dev rows after each run comes on top."
    )
    peak = f" At most {bytes_words(estimate['peak_bytes'])} of memory." if estimate["peak_bytes"] else ""
    return insight(words + peak)


def trials_info(needed: int | None) -> str:
    """The line under the number of runs; `needed` is what the usual grid takes before a value can be left out."""
    least = f"; of the usual grid, {needed} leave room to leave values out" if needed else ""
    return f"0: every combination; TPE needs a number{least}"


def pruning_html(needed: int | None, total: int) -> Html:
    """Whether the runs of a grid can leave a value out on the way, or how many could."""
    if needed is None:
        return note("No value can be left out on the way: no two of them meet in enough pairs of runs.")
    if needed > total:
        words = f"{plural(total, 'run')} are too few to leave out what hurts: {needed:,} would do."
        return note(words)
    return html()


def sweep_html(sweep: Record | None, *, driven: bool, last_word: str) -> Html:
    """How it stands in a sentence, its runs as a table, the best first, and what was left out."""
    if sweep is None:
        if driven:
            return el("p", el("span", cls="tt-spin", aria_hidden="true"), " It starts.", cls="tt-progress")
        return el(
            "p", icon("cross"), f" It could not start: {last_word or 'it said nothing'}", cls="tt-note tt-note-bad"
        )
    lost = sweep["state"] == "running" and not driven
    gone = el("p", icon("warn"), " Its process is gone. Go on takes it up where it was.", cls="tt-note tt-note-warn")
    trials = sorted(sweep["trials"], key=lambda t: (t["score"] is None, -(t["score"] or 0.0), t["number"]))
    shown = [trial for trial in trials if trial["state"] != "pruned"]
    table = _table(sweep, shown) if shown else None
    return el("div", gone if lost else None, insight(sweep_words(sweep)), table, _pruned(sweep), cls="tt-data")


def sweep_words(sweep: Record) -> str:
    """The best, what is tied with it, and how far the sweep is."""
    trials: Sequence[Record] = sweep["trials"]
    over = sum(trial["state"] in ("done", "failed") for trial in trials)
    far = f"The sweep {STATES.get(str(sweep['state']), sweep['state'])}: {over} of at most {sweep['total']} runs"
    if sweep["left_s"]:
        far += f", about {span_words(float(sweep['left_s']))} left"
    best = next((trial for trial in trials if trial["number"] == sweep["best"]), None)
    if best is None:
        return f"{far}. None is scored yet."
    tied = len(sweep["tied"]) - 1
    beside = f"{plural(tied, 'other run')} can't be told from it" if tied > 0 else "no other run is tied with it"
    return (
        f"{far}. Best {metric_words(str(sweep['metric']))}: {figure_words(best)} with {values_words(best)}; {beside}."
    )


def values_words(trial: Record) -> str:
    return ", ".join(f"{label_of(name).lower()} {_said(value)}" for name, value in trial["values"].items())


def _table(sweep: Record, trials: Sequence[Record]) -> Html:
    fields = list(sweep["fields"])
    titles = ("", *(label_of(name) for name in fields), metric_words(str(sweep["metric"])), "dev rows", "time", "run")
    rows = each(_row(trial, fields, sweep) for trial in trials)
    head = el("thead", el("tr", *(el("th", title, scope="col") for title in titles)))
    table = el("table", head, el("tbody", rows), cls="tt-table")
    return el("div", table, cls="tt-scroll-x", tabindex="0", role="group", aria_label="runs of the sweep")


def _row(trial: Record, fields: Sequence[str], sweep: Record) -> Html:
    mark = "best" if trial["number"] == sweep["best"] else "tied" if trial["number"] in sweep["tied"] else ""
    score = figure_words({**trial, "value": trial["score"]}) if trial["score"] is not None else str(trial["state"])
    why = el("div", str(trial["reason"]), cls="tt-dim") if trial["reason"] else None
    return el(
        "tr",
        el("th", el("strong", mark) if mark == "best" else mark, scope="row"),
        *(el("td", _said(trial["values"].get(name)), cls="tt-num") for name in fields),
        el("td", score, why, cls="tt-num"),
        el("td", f"{int(trial['n']):,}" if trial["n"] else "", cls="tt-num tt-dim"),
        el("td", seconds(float(trial["seconds"])) if trial["seconds"] else "", cls="tt-num"),
        el("td", el("bdi", str(trial["run"]))),
    )


def _pruned(sweep: Record) -> Html | None:
    items = [
        el("li", el("strong", f"{label_of(str(p['field']))} {_said(p['value'])}"), f": {p['reason']}")
        for p in sweep["pruned"]
    ]
    head = el("h4", "Left out, and why", cls="tt-subhead")
    return html(head, el("ul", *items, cls="tt-list")) if items else None


def _said(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else "" if value is None else str(value)


def parallel_plot(columns: Sequence[Record], tied: Sequence[bool]) -> Any:
    """Each scored run as a line over the swept fields to its score; the best and what is tied with it are thick.

    `columns` hold name, values and places (0..1), the metric last; `tied` is by run in their order. None without a run.
    """
    import plotly.graph_objects as go

    if not columns or not columns[0]["values"]:
        return None
    traces: list[Any] = []
    for at in sorted(range(len(tied)), key=lambda run: tied[run]):
        told = "<br>".join(f"{plain(label_of(str(c['name'])))} {_said(c['values'][at])}" for c in columns)
        traces.append(
            go.Scatter(
                x=list(range(len(columns))), y=[column["places"][at] for column in columns], mode="lines+markers",
                line={"color": COLOURS[0] if tied[at] else COLOURS[5], "width": 3 if tied[at] else 1.2,
                      "dash": "solid" if tied[at] else "dot"},
                name="tied with the best" if tied[at] else "behind", hovertemplate=f"{told}<extra></extra>",
            )
        )  # fmt: skip
    figure = base_figure(traces, 340, f"n = {len(tied):,} scored runs; thick lines are the best and its ties", "")
    names = [
        plain(metric_words(str(c["name"])) if at == len(columns) - 1 else label_of(str(c["name"])))
        for at, c in enumerate(columns)
    ]
    figure.update_xaxes(
        tickvals=list(range(len(columns))), ticktext=names, range=[-0.3, len(columns) - 0.7], rangemode="normal"
    )
    figure.update_yaxes(showticklabels=False, range=[-0.08, 1.08], rangemode="normal")
    for at, column in enumerate(columns):
        for value, place in dict(zip(map(_said, column["values"]), column["places"], strict=True)).items():
            if at < len(columns) - 1 and place is not None:
                figure.add_annotation(x=at, y=place, text=plain(value), showarrow=False, xanchor="left", xshift=8)
    ends = [
        (place, value)
        for place, value in zip(columns[-1]["places"], columns[-1]["values"], strict=True)
        if place is not None
    ]
    for place, value in {min(ends), max(ends)} if ends else ():
        figure.add_annotation(
            x=len(columns) - 1, y=place, text=f"{value:.2f}", showarrow=False, xanchor="left", xshift=8
        )
    figure.update_layout(showlegend=False)
    return figure
