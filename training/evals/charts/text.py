"""Shared wording with the right answer (metrics A9), and how alike the answers to the same document are."""

from collections.abc import Mapping, Sequence
from typing import Any

from training.evals.charts import figures as fg
from training.evals.charts.catalogue import empty, made
from training.evals.charts.chart import Chart
from training.evals.charts.temperatures import over_temperatures
from training.evals.charts.view import Look, Record, View, number, view_of, whole
from training.evals.charts.words import change_sentence, measured_words, n_words, safe

KINDS = ("rouge1", "rouge2", "rougeLsum", "rouge_l", "bertscore", "bertscore_f1", "text_similarity")


def chart_overlap(aggregates: Mapping[str, Any], pair: tuple[str, str] | None, tier: str) -> Chart:
    """ROUGE and, where it was computed, BERTScore per arm, over documents whose right answer has the text."""
    view = view_of(aggregates, pair, tier)
    known = dict.fromkeys(metric for look in view.looks for metric in view.metrics(look.name))
    names = [m for kind in KINDS for m in known if m.partition(":")[0] == kind
             and any(view.measured(look.name, m) for look in view.looks)]  # fmt: skip
    if not names:
        return empty("overlap", "No field of this task is free text that is compared with a right one.")
    arms = [look for look in view.arms() if any(view.measured(look.name, metric) for metric in names)]
    titles = [(view.label(metric), f"n = {_most(view, arms, metric):,}") for metric in names]
    rows = [[view.measured(look.name, metric) for metric in names] for look in arms]
    figure = dots(arms, titles, rows, "F1 of shared wording, 95 % intervals; n: right answer is not empty")
    points = {
        f"{curve}/{at}": {"frame": "scores", "where": {"arm": look.name, "metric": metric.partition(":")[0],
                                                       "field": metric.partition(":")[2]},
                          "words": f"{look.label}: {view.label(metric)}"}
        for curve, look in enumerate(reversed(arms)) for at, metric in enumerate(names)
    }  # fmt: skip
    csv: list[list[Any]] = [["metric", "arm", "value", "low", "high", "n"]]
    for look, row in zip(arms, rows, strict=True):
        csv += [[metric, look.name, *((found or {}).get(key) for key in ("value", "low", "high", "n_scored"))]
                for metric, found in zip(names, row, strict=True)]  # fmt: skip
    figures = view.pair_figures()
    metric = next((name for name in names if name in figures), "")
    if metric:
        insight = change_sentence(view, figures[metric])
    else:
        found = view.measured(arms[0].name, names[0]) or {}
        insight = f"{arms[0].label}: {view.label(names[0])} {measured_words(found)} ({n_words(found.get('n_scored'))})."
    return made("overlap", insight, figure, csv, points)


def dots(
    arms: Sequence[Look], titles: Sequence[tuple[str, str]], rows: Sequence[Sequence[Record | None]], words: str
) -> dict[str, Any]:
    """A row a title, a mark with its interval an arm, a little above one another; all from 0 to 1."""
    data: list[fg.Trace] = []
    step = 0.4 / max(1, len(arms) - 1)
    for at, (look, row) in reversed(list(enumerate(zip(arms, rows, strict=True)))):
        xs, low, high = ([number((found or {}).get(key)) for found in row] for key in ("value", "low", "high"))
        told = [f"{safe(look.label)}, {safe(title)}<br>{safe(measured_words(found or {}), 60)}"
                for (title, _), found in zip(titles, row, strict=True)]  # fmt: skip
        places = [line - 0.02 + step * at if len(arms) > 1 else line + fg.MARK_AT for line in range(len(titles))]
        trace = fg.points(xs, places, look, low=low, high=high, **fg.hover(told))
        data.append(trace | {"marker": fg.marker(look.colour, look.symbol, 9)})
    notes = [note for at, (title, n) in enumerate(titles) for note in fg.row_words(at, title, n)]
    x = fg.axis(words, range=[-0.02, 1.02], tickvals=[0, 0.25, 0.5, 0.75, 1])
    height = 52 + 10 * len(arms)
    y = fg.rows_axis(len(titles))
    return fg.figure(data, 108 + height * len(titles), x, y, annotations=notes, showlegend=True,
                     legend=fg.legend(traceorder="reversed"))  # fmt: skip


def _most(view: View, arms: Sequence[Look], metric: str) -> int:
    return max(whole((view.measured(look.name, metric) or {}).get("n_scored")) for look in arms)


def chart_consistency(aggregates: Mapping[str, Any], pair: tuple[str, str] | None, tier: str) -> Chart:
    """Of two answers to the same document, how much of a field is the same in both: a field a row, or over temperatures
    where an arm was asked at several. Reads tables["consistency"]."""
    view = view_of(aggregates, pair, tier)
    table = view.table("consistency")
    samples = whole(table.get("samples")) or whole(view.data.get("samples"))
    if samples < 2:
        return empty("consistency", "Each document was answered once; ask for two or more samples to see how alike "
                                    "they are.")  # fmt: skip
    fields = {name: held for name, held in (table.get("fields") or {}).items() if held.get("arms")}
    if over := over_temperatures(view, table, fields, samples):
        return over
    arms = [look for look in view.arms(trivial=False) if any(_known(held, look) for held in fields.values())]
    if not fields or not arms:
        return empty("consistency", "No field was given in two answers to the same document.")
    rows = [[held["arms"].get(look.name) for held in fields.values()] for look in arms]
    titles = [(str(held.get("label") or name), f"n = {max(whole((cell or {}).get('n')) for cell in cells):,}")
              for (name, held), cells in zip(fields.items(), zip(*rows, strict=True), strict=True)]  # fmt: skip
    told = table.get("heats") or {}
    own = {number(told[look.name].get("temperature")) for look in arms if look.name in told}
    heat = next(iter(own)) if len(own) == 1 else number(table.get("temperature")) if not own else None
    at = (
        "greedy"
        if heat == 0
        else f"temperature {heat:g}"
        if heat is not None
        else "each at its own temperature"
        if own
        else "temperature unknown"
    )
    figure = dots(arms, titles, rows, f"the same in two of {samples} answers, {at}; 95 % intervals")
    csv: list[list[Any]] = [["field", "arm", "agreement", "low", "high", "n", "samples", "temperature"]]
    csv += [[name, look.name, *((held["arms"].get(look.name) or {}).get(key) for key in ("value", "low", "high", "n")),
             samples, heat] for name, held in fields.items() for look in arms]  # fmt: skip
    return made("consistency", _agreement(fields, arms, samples, at), figure, csv)


def _known(held: Record, look: Look) -> bool:
    return number((held["arms"].get(look.name) or {}).get("value")) is not None


def _agreement(fields: Mapping[str, Record], arms: Sequence[Look], samples: int, at: str) -> str:
    look = arms[min(1, len(arms) - 1)]
    kept = sorted(
        (
            (held["arms"][look.name], str(held.get("label") or name))
            for name, held in fields.items()
            if _known(held, look)
        ),
        key=lambda row: float(row[0]["value"]),
    )
    if not kept:
        return f"{look.label} gave no field twice."
    cell, label = kept[0]
    lead = f"Asked {samples} times ({at}), {look.label} agrees with itself least on {label}"
    return f"{lead}: {measured_words(cell)}, {n_words(cell.get('n'))}."
