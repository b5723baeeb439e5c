"""The gates that set the tuned arm beside what is no opponent: arms without a model, and its own export (metrics E).

An export is an arm of imported answers that is named after the adapter: "imported:NAME" with something behind the name
("NAME.gguf", "NAME merged", "NAME@q8"). Answers that ran elsewhere under another name are not taken for an export.
"""

from dataclasses import replace

from training.evals import gate_numbers as decide
from training.evals.arms import shown_name
from training.evals.charts.view import number
from training.evals.charts.words import num, plural
from training.evals.figures import Figures
from training.evals.floors import ahead, floor_metrics
from training.evals.gate_numbers import APART, FAIL, PASS, UNSURE, Decided
from training.evals.gate_rules import Ask, Gate, decided_of, gain_of
from training.evals.records import read_arm

GOLDEN = "golden"


def trivial(ask: Ask) -> Gate:
    """The worst verdict over every arm without a model, by the deciding metric; where none of them has a value of it,
    by the first confirmatory one that both have."""
    figures = ask.figures
    rule = "Better than every arm without a model, lower bound above 0"
    gate = Gate("trivial", "Beats what needs no model", rule, UNSURE)
    arms = figures.arms("trivial")
    if not arms:
        return replace(gate, verdict=APART, why="None was evaluated: add empty, constant, echo and regex.")
    metric = next(iter(floor_metrics(figures, ask.arm)), "")
    found: list[tuple[int, Gate]] = []
    for arm in arms if metric else ():
        figure = figures.between(arm, ask.arm).get(metric)
        known = gain_of(figures, figure, 0.0) if figure is not None else _apart_gain(ask, arm, metric)
        if known is not None:
            decided, gain, n = known
            way = "better" if gain >= 0 else "worse"
            why = f"The hardest is {figures.label(arm)}: {way} by {num(abs(gain))} in {figures.name(metric)}."
            rank = (PASS, UNSURE, FAIL).index(decided.verdict)
            found.append((rank, replace(decided_of(gate, decided, n, gain), why=why)))
    if not found:
        why = "No declared metric is known of both the arm and one without a model."
        return replace(gate, verdict=UNSURE, why=why)
    worst = max(found, key=lambda item: (item[0], -(item[1].measured or 0.0)))[1]
    return replace(worst, why=" ".join(filter(None, (worst.why, _instead(ask, metric), _elsewhere(ask, metric)))))


def _instead(ask: Ask, metric: str) -> str:
    if metric == ask.figures.deciding:
        return ""
    return f"{ask.figures.name(ask.figures.deciding)} takes a model, so that the first confirmatory metric decides."


def _elsewhere(ask: Ask, metric: str) -> str:
    """Further declared metrics that an arm without a model is ahead in: told, not decided by."""
    figures = ask.figures
    found = [one for one in ahead(figures, ask.arm) if one.metric != metric and one.sure]
    said = [
        f"{figures.label(one.arm)} in {figures.name(one.metric)} ({num(one.value)} against {num(one.tuned)})"
        for one in found
    ]
    return f"Ahead of it elsewhere: {', '.join(said)}." if said else ""


def _apart_gain(ask: Ask, arm: str, metric: str) -> tuple[Decided, float, int] | None:
    """Two arms that were not paired: the gap between their own intervals, which is stricter."""
    figures = ask.figures
    mine, other = ask.interval(metric), figures.measured(arm, metric)
    low, high = (number((other or {}).get(key)) for key in ("low", "high"))
    value = number((other or {}).get("value"))
    if mine is None or value is None:
        return None
    low, high = (value if low is None else low), (value if high is None else high)
    if figures.view.better(metric) == "lower":
        gain, ends = value - mine[0], (low - mine[2], high - mine[1])
    else:
        gain, ends = mine[0] - value, (mine[1] - high, mine[2] - low)
    return decide.gain_above(gain, ends[0], ends[1], 0.0, mine[3]), gain, mine[3]


def parity(ask: Ask) -> Gate:
    """An export against its adapter: as strict on every golden document (on all where there are none), and the deciding
    metric the same within the margin, by two one-sided tests: their 90 % interval lies inside it."""
    margin = ask.limit("parity_margin")
    rule = f"As strict on every golden document, and what decides within {num(margin)} of the adapter's (90 % interval)"
    gate = Gate("parity", "The export answers like the adapter", rule, APART)
    pair = export_pair(ask.figures, ask.arm)
    if pair is None:
        why = "No export was evaluated beside the adapter: import its answers under the adapter's name and a suffix."
        return replace(gate, why=why)
    adapter, export = pair
    figure = ask.figures.between(adapter, export).get(ask.figures.deciding)
    ends = [number((figure or {}).get(key)) for key in ("difference", "same_low", "same_high")]
    moved, low, high = ends
    n = int(number((figure or {}).get("n")) or 0)
    if moved is None or low is None or high is None:
        return replace(gate, verdict=UNSURE, why=f"{ask.figures.label(export)} has no difference with an interval.")
    changed, docs, golden = _strict_changes(ask, adapter, export)
    words = f"{ask.figures.label(export)} against {ask.figures.label(adapter)}: {num(moved)} [{num(low)}, {num(high)}]"
    where = plural(docs, "golden document" if golden else "document")
    words = f"{words} in {ask.figures.name(ask.figures.deciding)}, n = {n:,}; strict differs on {changed:,} of {where}."
    inside, outside = -margin < low and high < margin, high <= -margin or low >= margin
    verdict = FAIL if changed or outside else PASS if inside and docs else UNSURE
    required = None
    if verdict is UNSURE and docs:
        required = decide.shrunk(n, max(high - moved, moved - low), margin - abs(moved))
    found = Decided(verdict, max(low, high, key=abs), required)
    return replace(decided_of(gate, found, n, moved), why=words)


def export_pair(figures: Figures, arm: str) -> tuple[str, str] | None:
    """(adapter, export) where both were evaluated: of `arm`, be it either of the two, else None."""
    for adapter in figures.arms("adapter"):
        name = str(read_arm(adapter).adapter)
        for export in figures.arms("imported"):
            own = shown_name(export)
            named = own.startswith(name) and len(own) > len(name) and not own[len(name)].isalnum()
            if named and arm in (adapter, export):
                return adapter, export
    return None


def _strict_changes(ask: Ask, adapter: str, export: str) -> tuple[int, int, bool]:
    """(documents where one of the two is strict and the other not, documents looked at, whether those are golden)."""
    if ask.folder is not None:
        from training.evals.frames import read_frame
        from training.evals.records import GEN

        if (ask.folder / GEN).is_file():
            frame = read_frame(ask.folder, GEN, ["arm", "doc", "k", "tier", "part"], {"arm": [adapter, export]})
            frame = frame[frame["k"] == 0]
            golden = frame[frame["part"] == GOLDEN]
            kept = golden if len(golden) else frame
            sides = kept.assign(fine=kept["tier"] == "strict").groupby("doc", observed=True)["fine"].nunique()
            return int((sides > 1).sum()), len(sides), bool(len(golden))
    figure = ask.figures.between(adapter, export).get("strict") or {}
    wins, losses = (int(number(figure.get(key)) or 0) for key in ("wins", "losses"))
    return wins + losses, int(number(figure.get("n")) or 0), False
