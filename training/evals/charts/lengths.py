"""How long answers are and how many items they give: tokens against the budget, characters, words, list lengths."""

from collections.abc import Mapping, Sequence
from typing import Any

from training.evals.charts import figures as fg
from training.evals.charts.catalogue import empty, made
from training.evals.charts.chart import Chart
from training.evals.charts.view import Look, Record, View, number, numbers, view_of, whole
from training.evals.charts.words import n_words, num, percent, safe

LARGEST = 22.0


def chart_lengths(aggregates: Mapping[str, Any], pair: tuple[str, str] | None, tier: str) -> Chart:
    """Share of answers up to a length (with the token budget), boxes of characters and words, items given against
    items right. Quantiles only, so that it is as quick for many documents. Reads tables["lengths"]."""
    view = view_of(aggregates, pair, tier)
    table = view.table("lengths")
    held = table.get("arms") or {}
    arms = [look for look in view.arms(trivial=False) if numbers((held.get(look.name) or {}).get("tokens"))]
    sized = arms or [look for look in view.arms() if numbers((held.get(look.name) or {}).get("chars"))]
    if not sized:
        return empty("lengths", "No answer has a length: none was given, or none was decoded here.")
    panels = _panels(view, table, arms, sized)
    heights = [panel["height"] for panel in panels]
    total = sum(heights) + 84 * len(panels)
    data: list[fg.Trace] = []
    layout: dict[str, Any] = {"shapes": [], "annotations": []}
    top = 1.0
    for at, panel in enumerate(panels, start=1):
        suffix = "" if at == 1 else str(at)
        low = top - panel["height"] / total
        layout[f"xaxis{suffix}"] = panel["x"] | {"anchor": f"y{suffix}"}
        layout[f"yaxis{suffix}"] = panel["y"] | {"anchor": f"x{suffix}", "domain": [max(0.0, low), top]}
        data += [trace | {"xaxis": f"x{suffix}", "yaxis": f"y{suffix}"} for trace in panel["data"]]
        for note in panel["notes"]:
            layout["annotations"].append(note | {"xref": f"x{suffix}" if note.get("xref") != "paper" else "paper",
                                                 "yref": f"y{suffix}"})  # fmt: skip
        for shape in panel.get("shapes", ()):
            layout["shapes"].append(shape | {"xref": f"x{suffix}", "yref": f"y{suffix}"})
        top = low - 84 / total
    x, y = layout.pop("xaxis"), layout.pop("yaxis")
    figure = fg.figure(data, total + 30, x, y, showlegend=bool(arms), **layout)
    keys = ("tokens", "chars", "words")
    csv: list[list[Any]] = [["arm", "of", "quantile, or items that are right", "value, or items given", "answers"]]
    for look in sized:
        for key in keys:
            values = numbers((held.get(look.name) or {}).get(key))
            csv += [[look.name, key, at / max(1, len(values) - 1), value, None] for at, value in enumerate(values)]
    for field, counts in (table.get("counts") or {}).items():
        for look in view.looks:
            csv += [[look.name, f"items of {field}, right and given", *cell]
                    for cell in ((counts.get("arms") or {}).get(look.name) or {}).get("points") or ()]  # fmt: skip
    return made("lengths", _insight(view, table, sized), figure, csv, _points(data, sized))


def _panels(view: View, table: Record, arms: Sequence[Look], sized: Sequence[Look]) -> list[dict[str, Any]]:
    held = table.get("arms") or {}
    panels = [_tokens(table, arms)] if arms else []
    panels += [panel for key, noun in (("chars", "characters"), ("words", "words"))
               if (panel := _boxes(held, sized, key, noun))]  # fmt: skip
    panels += [panel for field, counts in (table.get("counts") or {}).items()
               if (panel := _items(view, field, counts))][:1]  # fmt: skip
    return panels


def _tokens(table: Record, arms: Sequence[Look]) -> dict[str, Any]:
    held, budget = table.get("arms") or {}, number(table.get("max_new_tokens"))
    data: list[fg.Trace] = []
    longest = budget or 0.0
    for look in arms:
        values = numbers(held[look.name]["tokens"])
        longest = max(longest, values[-1])
        shares = [at / max(1, len(values) - 1) for at in range(len(values))]
        data.append({
            "type": "scatter", "mode": "lines", "x": values, "y": shares, "name": safe(look.label),
            "line": {"color": look.colour, "width": 2.5, "dash": look.dash, "shape": "linear"},
            **fg.hover([f"{safe(look.label)}<br>{percent(share)} have at most {num(value)} tokens"
                        for share, value in zip(shares, values, strict=True)]),
        })  # fmt: skip
    shapes, notes = [], []
    if budget:
        line = {"color": fg.BAD, "width": 1.5, "dash": "dash"}
        shapes.append({"type": "line", "x0": budget, "x1": budget, "y0": 0, "y1": 1, "line": line})
        notes.append(fg.text(f"budget {budget:,.0f}", budget, 0.04, xanchor="right", xshift=-4, yanchor="bottom"))
    n = max(whole(held[look.name].get("n")) for look in arms)
    x = fg.axis(f"tokens an answer ({n_words(n, 'answer')} an arm)", range=[0, longest * 1.04 or 1])
    y = fg.axis("share up to", range=[0, 1.02], **fg.percent_ticks(1.0))
    return {"data": data, "x": x, "y": y, "height": 190, "notes": notes, "shapes": shapes}


def _boxes(held: Record, arms: Sequence[Look], key: str, noun: str) -> dict[str, Any] | None:
    found = [(look, values) for look in arms if len(values := numbers((held.get(look.name) or {}).get(key))) >= 5]
    if not found:
        return None
    data: list[fg.Trace] = []
    notes: list[dict[str, Any]] = []
    for at, (look, values) in enumerate(found):
        five = [values[round(share * (len(values) - 1))] for share in (0, 0.25, 0.5, 0.75, 1)]
        data.append({
            "type": "box", "orientation": "h", "y": [at + fg.MARK_AT], "lowerfence": [five[0]], "q1": [five[1]],
            "median": [five[2]], "q3": [five[3]], "upperfence": [five[4]], "name": safe(look.label), "width": 0.4,
            "fillcolor": fg.fill(look.colour, 0.35), "line": {"color": look.colour, "width": 1.5}, "showlegend": False,
            "hoverinfo": "x",
        })  # fmt: skip
        notes += fg.row_words(at, look.label, f"median {five[2]:,.0f}")
    x = fg.axis(
        f"{noun} an answer (box: the middle half; line: all)", range=[0, max(v[-1] for _, v in found) * 1.04 or 1]
    )
    return {"data": data, "x": x, "y": fg.rows_axis(len(found)), "height": 40 * len(found), "notes": notes}


def _items(view: View, field: str, counts: Record) -> dict[str, Any] | None:
    """Items given against items right, the arm in question alone: the bubble's area is its answers."""
    look = view.look(view.pair[1]) if view.pair else next(iter(view.arms(trivial=False)), None)
    stored = ((counts.get("arms") or {}).get(look.name) or {}) if look else {}
    cells = [(whole(a), whole(b), whole(n)) for a, b, n in stored.get("points") or () if whole(n)]
    if not cells or look is None:
        return None
    most, reach = max(n for *_, n in cells), max(max(a, b) for a, b, _ in cells) + 1
    data: list[fg.Trace] = [{
        "type": "scatter", "mode": "markers", "x": [a for a, *_ in cells], "y": [b for _, b, _ in cells],
        "showlegend": False, "name": safe(look.label),
        "marker": {"size": [n for *_, n in cells], "sizemode": "area", "sizeref": 2 * most / LARGEST**2, "sizemin": 2.5,
                   "color": fg.fill(look.colour), "line": {"color": look.colour, "width": 1}},
        **fg.hover([f"right {a}, given {b}<br>{n:,} answers" for a, b, n in cells]),
    }]  # fmt: skip
    line = {"type": "line", "x0": 0, "y0": 0, "x1": reach, "y1": reach, "layer": "below",
            "line": {"color": fg.ZERO, "width": 1, "dash": "dash"}}  # fmt: skip
    label = safe(counts.get("label") or field)
    x = fg.axis(f"{label}: items that are right (n = {sum(n for *_, n in cells):,})", range=[-0.5, reach])
    y = fg.axis(f"given by {safe(look.label, 16)}", range=[-0.5, reach])
    return {"data": data, "x": x, "y": y, "height": 240, "notes": [], "shapes": [line]}


def _points(data: Sequence[fg.Trace], arms: Sequence[Look]) -> dict[str, Any]:
    """A length curve's top and a box lead to the arm's answers."""
    by_label = {safe(look.label): look for look in arms}
    return {
        f"{curve}/{at}": {"frame": "gen", "where": {"arm": look.name}, "words": f"{look.label}: all answers"}
        for curve, trace in enumerate(data)
        if trace["type"] == "box" and (look := by_label.get(str(trace["name"])))
        for at in range(1)
    }


def _insight(view: View, table: Record, sized: Sequence[Look]) -> str:
    held = table.get("arms") or {}
    budget = number(table.get("max_new_tokens"))
    shown = [look for look in sized if look.name in (view.pair or ())] or list(sized[:1])
    said: list[str] = []
    for look in reversed(shown):
        arm = held[look.name]
        chars, n, cut = numbers(arm.get("chars")), whole(arm.get("n")), whole(arm.get("cut"))
        middle = (
            f"half of {look.label}'s answers have at most {chars[len(chars) // 2]:,.0f} characters" if chars else ""
        )
        end = f"{cut:,} of {n:,} were cut off by the budget" + (f" of {budget:,.0f} tokens" if budget else "")
        said.append(f"{middle}, {end}" if middle else f"{look.label}: {end}")
    return f"{'; '.join(said)}.".replace("half", "Half", 1) if said else ""
