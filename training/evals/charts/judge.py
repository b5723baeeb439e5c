"""The judge: what it says of each arm, and how far it agrees with the rules, with itself and with known errors."""

from collections.abc import Mapping, Sequence
from typing import Any

from training.evals.charts import figures as fg
from training.evals.charts.catalogue import empty, made
from training.evals.charts.chart import Chart
from training.evals.charts.view import Look, Record, View, number, view_of, whole
from training.evals.charts.words import measured_words, n_words, num, percent, safe

NONE = "Judge: not run (no endpoint); the scores here are rule-based, and nothing stands in for its verdicts."


def chart_judge(aggregates: Mapping[str, Any], pair: tuple[str, str] | None, tier: str) -> Chart:
    """Judge against rule by document; below, where they were run, scores by dose of known errors and order flips. A
    calibration alone is drawn by its doses.

    Reads tables["judge"].
    """
    view = view_of(aggregates, pair, tier)
    table = view.table("judge")
    overall = table.get("overall") or {}
    arms = [look for look in view.arms() if number((overall.get(look.name) or {}).get("value")) is not None]
    calibrated = _doses(table)
    if not arms and not calibrated:
        return empty("judge", NONE)
    judged = [_overall(overall, arms), *_scatter(view, table, arms)] if arms else []
    panels = [*judged, *calibrated, *_flips(view, table)]
    total = sum(panel["height"] + 78 for panel in panels)
    data: list[fg.Trace] = []
    points: dict[str, Any] = {}
    layout: dict[str, Any] = {"annotations": [], "shapes": []}
    top = 1.0
    for at, panel in enumerate(panels, start=1):
        suffix, low = ("" if at == 1 else str(at)), top - panel["height"] / total
        layout[f"xaxis{suffix}"] = panel["x"] | {"anchor": f"y{suffix}"}
        layout[f"yaxis{suffix}"] = panel["y"] | {"anchor": f"x{suffix}", "domain": [max(0.0, low), top]}
        for note in panel.get("notes", ()):
            xref = note.get("xref") or f"x{suffix}"
            layout["annotations"].append(note | {"xref": xref, "yref": f"y{suffix}"})
        for trace, docs in panel["data"]:
            points |= {f"{len(data)}/{i}": {"docs": [doc], "words": doc} for i, doc in enumerate(docs)}
            data.append(trace | {"xaxis": f"x{suffix}", "yaxis": f"y{suffix}"})
        top = low - 78 / total
    x, y = layout.pop("xaxis"), layout.pop("yaxis")
    figure = fg.figure(data, total + 30, x, y, showlegend=len(arms) > 1, barmode="stack", **layout)
    csv: list[list[Any]] = [["arm", "judge", "low", "high", "n", "unscored"]]
    csv += [
        [look.name, *(overall[look.name].get(k) for k in ("value", "low", "high", "n", "unscored"))] for look in arms
    ]
    if not arms:
        csv = [["errors", "judge", "low", "high", "n"]]
        csv += [[row.get(k) for k in ("dose", "score", "low", "high", "n")] for row in table["doses"]]
    return made("judge", _insight(view, table, arms) if arms else _calibration(table), figure, csv, points)


_Panel = dict[str, Any]


def _overall(overall: Record, arms: Sequence[Look]) -> _Panel:
    data: list[tuple[fg.Trace, list[str]]] = []
    notes: list[dict[str, Any]] = []
    for at, look in enumerate(arms):
        found = overall[look.name]
        value, low, high = (number(found.get(key)) for key in ("value", "low", "high"))
        trace = fg.points([value], [at + fg.MARK_AT], look, low=[low], high=[high], hoverinfo="skip")
        data.append((trace, []))
        missing = whole(found.get("unscored"))
        more = f", {missing:,} unscored" if missing else ""
        notes += fg.row_words(at, look.label, f"{num(value)} of 10, n = {whole(found.get('n')):,}{more}")
    x = fg.axis("judge's mean score, 0 to 10, 95 % intervals", range=[-0.2, 10.2], tickvals=[0, 2, 4, 6, 8, 10])
    return {"data": data, "notes": notes, "x": x, "y": fg.rows_axis(len(arms)), "height": fg.ROW_PX * len(arms)}


def _scatter(view: View, table: Record, arms: Sequence[Look]) -> list[_Panel]:
    data: list[tuple[fg.Trace, list[str]]] = []
    for look in arms:
        rows = [(str(doc), x, y) for doc, left, right in (table.get("scatter") or {}).get(look.name) or ()
                if (x := number(left)) is not None and (y := number(right)) is not None]  # fmt: skip
        if rows:
            told = [f"{safe(doc, 60)}<br>rule {num(x)}, judge {num(y)}" for doc, x, y in rows]
            trace = fg.points([x for _, x, _ in rows], [y for *_, y in rows], look, showlegend=False, **fg.hover(told))
            trace["marker"] = fg.marker(look.colour, look.symbol, 7) | {"opacity": 0.6}
            data.append((trace, [doc for doc, *_ in rows]))
    if not data:
        return []
    rank = number(table.get("spearman"))
    told = f" (Spearman {num(rank)}, n = {whole(table.get('spearman_n')):,})" if rank is not None else ""
    x = fg.axis(f"rule: {safe(view.label(view.primary))}{told}", rangemode="tozero")
    y = fg.axis("judge", range=[-0.4, 10.4], tickvals=[0, 2, 4, 6, 8, 10])
    return [{"data": data, "x": x, "y": y, "height": 220}]


def _doses(table: Record) -> list[_Panel]:
    """Score by how many known errors were put into a right answer: it has to fall."""
    rows = [row for row in table.get("doses") or () if number(row.get("dose")) is not None]
    if not rows:
        return []
    kinds = list(dict.fromkeys(str(row.get("kind") or "all") for row in rows))[:6]
    dashes = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
    data: list[tuple[fg.Trace, list[str]]] = []
    for kind, dash in zip(kinds, dashes, strict=False):
        of = sorted((row for row in rows if str(row.get("kind") or "all") == kind), key=lambda row: float(row["dose"]))
        xs, ys = [float(row["dose"]) for row in of], [number(row.get("score")) for row in of]
        ends = [[number(row.get(key)) for row in of] for key in ("low", "high")]
        trace = {
            "type": "scatter", "mode": "lines+markers", "x": xs, "y": ys, "name": safe(kind), "showlegend": False,
            "line": {"color": fg.GOOD, "width": 2, "dash": dash}, "marker": {"color": fg.GOOD, "size": 6},
            "error_y": fg.reach(ys, ends[0], ends[1], fg.GOOD),
            **fg.hover([f"{safe(kind)}, {x:g} errors: {num(y)}" for x, y in zip(xs, ys, strict=True)]),
        }  # fmt: skip
        data.append((trace, []))
    ends = [
        (trace["x"][-1], trace["y"][-1], trace["name"])
        for trace, _ in data
        if trace["y"] and trace["y"][-1] is not None
    ]
    notes = [fg.text(name, x, y, xanchor="right", yshift=10, xshift=-4) for x, y, name in ends if len(ends) > 1]
    x = fg.axis("known errors put into the right answer", rangemode="tozero", dtick=1)
    y = fg.axis("judge", range=[-0.4, 10.4], tickvals=[0, 2, 4, 6, 8, 10])
    return [{"data": data, "notes": notes, "x": x, "y": y, "height": 200}]


def _flips(view: View, table: Record) -> list[_Panel]:
    rows = [row for row in table.get("pairwise") or () if whole(row.get("n"))]
    if not rows:
        return []
    data: list[tuple[fg.Trace, list[str]]] = []
    parts = (("wins", "first wins in both orders", fg.GOOD, ""), ("ties", "tie, or the order decided", fg.NONE, "/"),
             ("losses", "second wins in both orders", fg.WARN, ""))  # fmt: skip
    for key, name, colour, shape in parts:
        shares = [whole(row.get(key)) / whole(row["n"]) for row in rows]
        data.append((fg.bar(shares, [at + fg.MARK_AT for at in range(len(rows))], name, colour, shape=shape, width=0.4,
                            text=[percent(share) if share > 0.08 else "" for share in shares],
                            textposition="inside", hoverinfo="name", showlegend=False), []))  # fmt: skip
    notes: list[dict[str, Any]] = []
    for at, row in enumerate(rows):
        a, b = (view.look(str(row.get(side))).label for side in ("a", "b"))
        steady = number(row.get("consistent"))
        more = f", {percent(steady)} steady" if steady is not None else ""
        notes += fg.row_words(at, f"{short(a)} : {short(b)}", f"n = {whole(row['n']):,}{more}")
    x = fg.share_axis("pairs: the first wins, ties, the second wins<br>steady: the same winner in both orders")
    return [{"data": data, "notes": notes, "x": x, "y": fg.rows_axis(len(rows)), "height": fg.ROW_PX * len(rows)}]


def short(label: str, most: int = 11) -> str:
    return label if len(label) <= most else label[: most - 1] + "…"


def _calibration(table: Record) -> str:
    """What a calibration alone shows: no answer of an arm was judged."""
    rows = sorted(table["doses"], key=lambda row: float(row["dose"]))
    first, last = rows[0], rows[-1]
    checks = table.get("checks") or ()
    passed = sum(check.get("verdict") == "pass" for check in checks)
    right, damaged = (num(number(row.get("score"))) for row in (first, last))
    return (
        f"No answer was judged. In its calibration the judge gives right answers {right} of 10 and those with "
        f"{whole(last.get('dose'))} known errors {damaged} "
        f"({n_words(whole(first.get('n')), 'document')}); {passed} of {len(checks)} checks passed."
    )


def _insight(view: View, table: Record, arms: Sequence[Look]) -> str:
    overall = table.get("overall") or {}
    shown = [look for look in arms if look.name in (view.pair or ())] or list(arms[:1])
    said = [f"{look.label} {measured_words(overall[look.name])} of 10" for look in reversed(shown)]
    lost = sum(whole(overall[look.name].get("unscored")) for look in shown)
    n = n_words(min(whole(overall[look.name].get("n")) for look in shown), "verdict")
    rank = number(table.get("spearman"))
    agree = (
        f"; judge and rule agree at Spearman {num(rank)}"
        if rank is not None
        else "; agreement with the rule is unknown"
    )
    more = f", {lost:,} unscored" if lost else ""
    sure = "" if table.get("calibrated") else ", not calibrated"
    return f"The judge gives {', '.join(said)} ({n} an arm{more}{sure}){agree}."
