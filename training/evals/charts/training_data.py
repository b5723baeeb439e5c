"""What stands behind an evaluation: settings tried on dev rows, and how near test documents are to training rows."""

from collections.abc import Mapping, Sequence
from typing import Any

from training.evals.charts import figures as fg
from training.evals.charts.catalogue import empty, made
from training.evals.charts.chart import Chart
from training.evals.charts.view import Record, number, numbers, view_of, whole
from training.evals.charts.words import interval, n_words, num, percent, plural, safe

MOST = 16
HEAD: list[Any] = ["setting or checkpoint", "score", "low", "high", "n", "tied with the best", "run", "dev loss"]
LOSS = "dev loss of a checkpoint, which does not rank"


def chart_sweep(aggregates: Mapping[str, Any], pair: tuple[str, str] | None, tier: str) -> Chart:
    """Dev score of each setting with its interval, the tied with the best filled; below, dev loss against a score of
    each checkpoint, which does not rank. Either half stands alone where the other has no data; why is said. Reads
    tables["sweep"]."""
    view = view_of(aggregates, pair, tier)
    table = view.table("sweep")
    every = [row for row in table.get("trials") or () if number(row.get("score")) is not None]
    kept = _checkpoints(table)
    missing = str(table.get("no_checkpoints") or "")
    if not every and not kept:
        why = "No sweep belongs to this evaluation: its arms were not chosen among several settings."
        return empty("sweep", f"{why} {missing}".strip())
    if not every:
        return _only_checkpoints(table, kept)
    lower = view.better(str(table.get("metric") or "")) == "lower"
    every.sort(key=lambda row: float(row["score"]) * (1 if lower else -1))
    rows = every[:MOST]
    tied = [row for row in every if row.get("tied")]
    notes = [n for at, row in enumerate(rows)
             for n in fg.row_words(at, str(row.get("label") or at), num(float(row["score"])))]  # fmt: skip
    metric = safe(view.label(str(table.get("metric") or "score")))
    n = n_words(max(whole(row.get("n")) for row in rows), "dev row")
    more = f"<br>{plural(len(every) - MOST, 'more setting')} in the CSV" if len(every) > MOST else ""
    x = fg.axis(f"{metric}, 95 % intervals<br>{n}{more}", rangemode="tozero")
    data, layout = _settings(rows), {}
    height, y = 108 + fg.ROW_PX * len(rows), fg.rows_axis(len(rows))
    if kept:
        height += 280
        cut = 250 / height
        y |= {"domain": [min(0.9, cut + 0.1), 1]}
        loss = fg.axis(LOSS, anchor="y2")
        layout = {"xaxis2": loss, "yaxis2": fg.axis(_scored_by(table), anchor="x2", domain=[0, cut])}
        data.append(_marks(kept) | {"xaxis": "x2", "yaxis": "y2"})
    figure = fg.figure(data, height, x | {"anchor": "y"}, y, annotations=notes, showlegend=True, **layout)
    keys = ("label", "score", "low", "high", "n", "tied", "run")
    csv = [HEAD, *([*(row.get(key) for key in keys), None] for row in every), *_checkpoint_rows(kept)]
    beside = f" Loss against score by checkpoint is not here: {missing}" if missing and not kept else ""
    return made("sweep", _sweep_insight(every, tied) + beside, figure, csv)


def _settings(rows: Sequence[Record]) -> list[fg.Trace]:
    """A mark a setting with its interval, the tied with the best filled."""
    groups = ((True, "tied with the best", "#0f9488", "diamond"), (False, "behind", fg.NONE, "circle-open"))
    data: list[fg.Trace] = []
    for is_tied, name, colour, symbol in groups:
        kept = [(at, row) for at, row in enumerate(rows) if bool(row.get("tied")) is is_tied]
        xs = [float(row["score"]) for _, row in kept]
        ends = [[number(row.get(key)) for _, row in kept] for key in ("low", "high")]
        data.append({
            "type": "scatter", "mode": "markers", "x": xs, "y": [at + fg.MARK_AT for at, _ in kept], "name": name,
            "marker": fg.marker(colour, symbol), "error_x": fg.reach(xs, ends[0], ends[1], colour), "cliponaxis": False,
            **fg.hover([f"{safe(row.get('label'), 80)}<br>{num(float(row['score']))}, n = {whole(row.get('n')):,}"
                        for _, row in kept]),
        })  # fmt: skip
    return data


def _checkpoints(table: Record) -> list[tuple[float, float, Record]]:
    """(loss, score, row) of each checkpoint that has both."""
    return [(x, y, row) for row in table.get("checkpoints") or ()
            if (x := number(row.get("loss"))) is not None and (y := number(row.get("score"))) is not None]  # fmt: skip


def _marks(rows: Sequence[tuple[float, float, Record]]) -> fg.Trace:
    told = [
        f"{safe(row.get('label'), 60)}<br>loss {num(x)}, score {num(y)}"
        + (f", {n_words(row.get('n'), 'dev row')}" if row.get("n") else "")
        for x, y, row in rows
    ]
    return {
        "type": "scatter", "mode": "markers", "x": [x for x, *_ in rows], "y": [y for _, y, _ in rows],
        "marker": fg.marker(fg.GOOD, "circle", 8), "showlegend": False, "name": "checkpoint", **fg.hover(told),
    }  # fmt: skip


def _scored_by(table: Record) -> str:
    return safe(table.get("checkpoint_metric") or "score of a checkpoint", 60)


def _checkpoint_rows(rows: Sequence[tuple[float, float, Record]]) -> list[list[Any]]:
    return [[row.get("label"), y, None, None, row.get("n"), None, None, x] for x, y, row in rows]


def _only_checkpoints(table: Record, rows: Sequence[tuple[float, float, Record]]) -> Chart:
    """Without a sweep: loss against score alone."""
    figure = fg.figure([_marks(rows)], 320, fg.axis(LOSS), fg.axis(_scored_by(table), range=[-0.03, 1.03]))
    least, most = min(rows, key=lambda row: row[0]), max(rows, key=lambda row: row[1])
    n = n_words(max(whole(row.get("n")) for *_, row in rows), "dev row")
    best = f"the lowest dev loss ({num(least[0])}, {least[2].get('label')}) has a score of {num(least[1])}"
    words = f"Of {plural(len(rows), 'checkpoint')} {best}, the highest score is {num(most[1])} ({n})"
    return made("sweep", f"{words}. No sweep belongs to this evaluation.", figure, [HEAD, *_checkpoint_rows(rows)])


def _sweep_insight(every: Sequence[Record], tied: Sequence[Record]) -> str:
    best = every[0]
    said = interval(float(best["score"]), number(best.get("low")), number(best.get("high")))
    lead = f"The best of {plural(len(every), 'setting')} is {best.get('label')}: {said}"
    lead = f"{lead} on dev rows (n = {whole(best.get('n')):,})"
    others = len(tied) - bool(best.get("tied"))
    if others:
        tie = f"{plural(others, 'other')} {'is' if others == 1 else 'are'} tied with it"
        return f"{lead}; {tie}, and the highest of many is a little flattered."
    return f"{lead}; no other is tied with it, but the highest of many is a little flattered."


def chart_leakage(aggregates: Mapping[str, Any], pair: tuple[str, str] | None, tier: str) -> Chart:
    """How like its nearest training row a test document is, and what both sides share. Reads tables["leakage"]."""
    table = view_of(aggregates, pair, tier).table("leakage")
    edges, counts = numbers(table.get("edges")), [whole(n) for n in table.get("counts") or ()]
    if table.get("n_docs") and number(table.get("n_test")) == 0:
        why = "it knows a version's test, golden and adversarial rows"
        return empty("leakage", f"The leak report is about other documents than these: {why}.")
    if not counts or len(edges) != len(counts) + 1 or not sum(counts):
        return empty("leakage", "The training rows are not known here, so nothing can be said about leakage.")
    line = number(table.get("threshold"))
    bins = [(low, high, n) for low, high, n in zip(edges[:-1], edges[1:], counts, strict=True)]
    colours = [fg.BAD if line is not None and low >= line - 1e-9 else fg.GOOD for low, *_ in bins]
    data: list[fg.Trace] = [{
        "type": "bar", "x": [(low + high) / 2 for low, high, _ in bins], "y": [n or None for *_, n in bins],
        "width": [(high - low) * 0.94 for low, high, _ in bins], "name": "test documents", "cliponaxis": False,
        "marker": {"color": [fg.fill(c) for c in colours], "line": {"color": colours, "width": 1}},
        "text": [f"{n:,}" if n else "" for *_, n in bins], "textposition": "outside", "textfont": {"size": 11},
        **fg.hover([f"{low:.2f} to {high:.2f}: {plural(n, 'document')}" for low, high, n in bins]),
    }]  # fmt: skip
    n_test, n_train = whole(table.get("n_test")) or sum(counts), whole(table.get("n_train"))
    found = [(key, whole(table.get(key))) for key in ("exact", "near", "groups", "answers")]
    shapes = [fg.line_at(line)] if line is not None else []
    notes: list[dict[str, Any]] = []
    if line is not None:
        words = f"near-duplicate from {line:.2f}"
        notes.append(fg.text(words, line, 1, yref="paper", xanchor="right", xshift=-6, yanchor="top"))
    dates = f"<br>{safe(table['dates'], 90)}" if table.get("dates") else ""
    said = f"words shared with the nearest training row<br>n = {n_test:,} test documents, {n_train:,} training rows"
    x = fg.axis(said + dates, range=[-0.01, 1.01])
    y = fg.axis("test documents", rangemode="tozero", tickformat=",d")
    figure = fg.figure(data, 300, x, y, annotations=notes, shapes=shapes)
    examples = table.get("examples") or {}
    points = {f"0/{at}": {"docs": list(docs), "words": f"similarity {edges[at]:.2f} to {edges[at + 1]:.2f}"}
              for at in range(len(counts)) if (docs := examples.get(str(at)))}  # fmt: skip
    csv: list[list[Any]] = [["from", "to", "test documents"]]
    csv += [list(row) for row in bins]
    csv += [[key, "", count] for key, count in found]
    return made("leakage", _leak_insight(found, n_test, table), figure, csv, points)


def _leak_insight(found: Sequence[tuple[str, int]], n_test: int, table: Record) -> str:
    words = {"exact": "have the same words as a training row", "near": "are near-duplicates of one",
             "groups": "share a group with one", "answers": "have the same long answer as one"}  # fmt: skip
    bad = [f"{count:,} ({percent(count, n_test)}) {words[key]}" for key, count in found if count]
    highest = number(table.get("highest"))
    top = f"; the most alike pair reaches {num(highest)}" if highest is not None else ""
    gone = whole(table.get("n_unchecked"))
    top += f"; {gone:,} more training rows are gone and could not be looked at" if gone else ""
    if bad:
        return f"Of {n_test:,} test documents {', '.join(bad)}{top}."
    return f"None of {n_test:,} test documents was found among the training rows, whole, nearly or by group{top}."
