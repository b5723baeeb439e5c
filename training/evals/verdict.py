"""Did tuning help, in one sentence with numbers, from the aggregates alone.

    Ingredients F1 rose by 0.61 [0.57, 0.65], n = 300 (0.10 to 0.71); answers with something made up fell by 31 points
    [25, 36], n = 300 (34 % to 3 %); slower by 8 % (n = 20 timed); worse on posts without steps

The primary metric decides, declared in the task before anything was measured: `yes` takes its interval above zero and a
gain of at least the task's minimum difference, `hurt` its interval below zero, anything else is `unsure` and the
sentence says what difference so many documents could have shown. The opponent is the best of the untuned arms on these
very documents, which is the hardest choice for the tuned one; an arm without a model that is ahead is named beside it.
Every clause has its n and, where there is one, its interval. Limit: it speaks of what was measured, on these texts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from training.evals.charts.view import SURE, Record, number
from training.evals.charts.words import (
    and_words,
    change_sentence,
    difference_words,
    interval,
    num,
    p_words,
    percent,
    signed,
)
from training.evals.figures import Figures, SliceChange, default_pair, figures_of
from training.evals.floors import ahead, ahead_words, floor_words
from training.evals.gate_numbers import LEAST_PAIRS
from training.task.pack import Pack

__all__ = ["HELPED", "Verdict", "default_pair", "slice_words", "verdict"]

Helped = Literal["yes", "no", "unsure", "hurt"]
HELPED = {"yes": "It helped", "no": "It made no difference", "unsure": "Not shown either way", "hurt": "It hurt"}
FEW = 30  # documents below which every sentence says so
ROUNDING = 0.006
SLOWER = 0.03  # less than that is as fast
SPOKEN = ("strict", "hallucinated_docs")  # told in the sentence where they moved
SLICES = {
    "plain": "plain posts", "no_ingredients": "posts without ingredients", "no_steps": "posts without steps",
    "two_recipes": "posts with two recipes", "not_recipe": "pages without a recipe", "orders": "texts that give orders",
    "components": "dishes of several parts", "near_miss": "pages about a dish without its recipe",
    "schema_temptation": "pages that show a template", "long": "long posts", "short": "short posts",
    "advert": "adverts", "merged": "two items in one text", "no_companies": "items without companies",
    "gossip": "gossip", "several": "several dishes at once", "not_dish": "names that are no dish",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """`sentence` with its numbers; `facts` further sentences, each with numbers; `worse_on` slices where b lost.

    `helped` no: the interval lies within the minimum difference on both sides of zero. `pair` is who was compared.
    """

    sentence: str
    helped: Helped
    facts: tuple[str, ...] = ()
    worse_on: tuple[str, ...] = ()
    pair: tuple[str, str] | None = None


def verdict(aggregates: Mapping[str, Any], pair: tuple[str, str] | None, pack: Pack, tier: str = "strict") -> Verdict:
    """Did b help over a. `pair` None takes `default_pair`."""
    figures = figures_of(aggregates, pack, pair, tier)
    if figures.pair is None:
        return Verdict(_alone(figures), "unsure")
    main = figures.pairs.get(figures.deciding)
    worse = tuple(slice_words(change.key, change.label) for change in figures.slices if _lost(change))
    if main is None:
        a, b = (figures.label(arm) for arm in figures.pair)
        sentence = f"{_upper(figures.name(figures.primary))} is not known of both {a} and {b}, so neither is better"
        return Verdict(sentence + ".", "unsure", _facts(figures), worse, figures.pair)
    helped = _helped(figures, main)
    clauses = [_main(figures, main, helped), *_beside(figures), _speed(figures), _worse(worse), _outdone(figures)]
    sentence = "; ".join(clause for clause in clauses if clause) + "."
    return Verdict(_upper(sentence), helped, _facts(figures), worse, figures.pair)


def slice_words(key: str, label: str = "") -> str:
    """A slice for people: "slice=no_steps" is "posts without steps", "style=clean" "the style clean". `label` is what
    a table calls it, for slices that have no words here."""
    kind, _, name = key.partition("=")
    if not name:
        return SLICES.get(key, key.replace("_", " "))
    if kind == "slice":
        return SLICES.get(name, f"the slice {name.replace('_', ' ')}")
    if kind == "length" and label:
        return f"texts {label}"
    return label if kind == "missing" and label else f"the {kind} {name.replace('_', ' ')}"


def _helped(figures: Figures, main: Record) -> Helped:
    gain, low, high = figures.gain(figures.deciding, main)
    least = figures.pack.evaluation.minimum_difference
    if low is None or high is None or (number(main.get("n")) or 0) < LEAST_PAIRS:
        return "unsure"
    if not low <= 0 <= high and not figures.shown(figures.deciding, main):
        return "unsure"
    if low > 0:
        return "yes" if gain >= least else "no" if high < least else "unsure"
    if high < 0:
        return "hurt"
    return "no" if -least < low and high < least else "unsure"


def _main(figures: Figures, main: Record, helped: Helped) -> str:
    metric, (gain, low, high) = figures.deciding, figures.gain(figures.deciding, main)
    name, n = figures.name(metric), f"n = {int(number(main.get('n')) or 0):,}"
    a, b = (figures.said(arm, metric) for arm in figures.pair or ())
    few = ", which are few documents" if (number(main.get("n")) or 0) < FEW else ""
    labels = [figures.label(arm) for arm in figures.pair or ()]
    if low == high == 0 and gain == 0:
        return f"{name} is the same for {labels[1]} and {labels[0]} on every document ({b}, {n}{few})"
    if low is not None and figures.shown(metric, main):
        rose = (number(main.get("difference")) or 0.0) > 0
        least = figures.pack.evaluation.minimum_difference
        small = f", less than the {num(least)} that was declared to matter" if low > 0 and gain < least else ""
        way = "rose" if rose else "fell"
        return f"{name} {way} by {figures.size(metric, main)}, {n}{few} ({_ends(figures, metric, main)}){small}"
    if helped == "no":
        least = figures.pack.evaluation.minimum_difference
        both = f"{labels[1]} and {labels[0]}"
        return f"{name} is the same within {num(least)} for {both} ({difference_words(main)}, {n}{few})"
    return (
        f"no difference in {name} is shown between {labels[1]} ({b}) and {labels[0]} ({a}): "
        f"{difference_words(main)}, {n}{few}{_detectable(main)}"
    )


def _ends(figures: Figures, metric: str, main: Record) -> str:
    """Where it came from and went to. Where each arm's own figure is over other documents, only where it went to: the
    two would not add up to the difference, and over how many documents is said."""
    a, b = (figures.value(arm, metric) for arm in figures.pair or ())
    said = [figures.said(arm, metric) for arm in figures.pair or ()]
    if a is not None and b is not None and abs(b - a - (number(main.get("difference")) or 0.0)) < ROUNDING:
        return f"{said[0]} to {said[1]}"
    own = int(number((figures.measured((figures.pair or ("", ""))[1], metric) or {}).get("n_scored")) or 0)
    beside = f", over its own {own:,}" if own and own != number(main.get("n")) else ""
    return f"to {said[1]}{beside}"


def _detectable(main: Record) -> str:
    found = number(main.get("detectable"))
    return f"; so many documents show a difference of {num(found)} four times in five" if found else ""


def _beside(figures: Figures) -> list[str]:
    """The metrics beside the primary one that moved for certain: the two that people ask for, and what got worse."""
    found: list[str] = []
    for metric in dict.fromkeys((*SPOKEN, *figures.confirmatory)):
        figure = figures.pairs.get(metric)
        if figure is None or metric == figures.deciding:
            continue
        outcome = figures.view.outcome(figure)
        if outcome == "worse" or (outcome == "better" and metric in SPOKEN):
            way = "rose" if (number(figure.get("difference")) or 0.0) > 0 else "fell"
            size, n = figures.size(metric, figure), int(number(figure.get("n")) or 0)
            told = f"{figures.name(metric)} {way} by {size}, n = {n:,} ({_ends(figures, metric, figure)})"
            found.append(f"but {told}" if outcome == "worse" else told)
    return found


def _speed(figures: Figures) -> str:
    """How much slower one document alone is, over so many that were timed; nothing is claimed where the paired interval
    holds none."""
    if figures.speed is None:
        return ""
    metric, a, b = figures.speed
    change, figure = b / a - 1, figures.pairs.get(metric) or {}
    counts = [int(number((figures.measured(arm, metric) or {}).get("n_scored")) or 0) for arm in figures.pair or ()]
    n = f"n = {min(counts):,} timed"
    low, high = (number(figure.get(key)) for key in ("ci_low", "ci_high"))
    apart = f"{difference_words(figure)} s, " if low is not None and high is not None else ""
    if low is not None and high is not None and low <= 0 <= high:
        return f"no difference in speed is shown ({apart}{n})"
    if abs(change) < SLOWER:
        return f"as fast ({apart}{n})"
    if change >= 1:
        return f"{b / a:.1f} times as slow ({apart}{n})"
    return f"{'slower' if change > 0 else 'faster'} by {abs(100 * change):.0f} % ({apart}{n})"


def _lost(change: SliceChange) -> bool:
    return change.high is not None and change.high < 0 and change.sure


def _worse(worse: tuple[str, ...]) -> str:
    shown = [*worse[:3], f"{len(worse) - 3} more"] if len(worse) > 3 else worse
    return f"worse on {and_words(shown)}" if worse else ""


def _outdone(figures: Figures) -> str:
    """An arm without a model that is ahead of the tuned one makes the metric, or the model, worthless."""
    return ahead_words(figures, ahead(figures, figures.pair[1])) if figures.pair else ""


def _facts(figures: Figures) -> tuple[str, ...]:
    """Who was compared and why, then each declared metric with its interval, then what else a sceptic asks."""
    if figures.pair is None:
        return ()
    a, b = figures.pair
    bases = figures.arms("base")
    chosen = f", the best of {len(bases)} untuned arms on these documents" if a in bases and len(bases) > 1 else ""
    found = [f"Compared: {figures.label(b)} with {figures.label(a)}{chosen}."]
    metrics = [figures.primary, *figures.confirmatory]
    if figures.deciding != figures.primary:
        wanted, instead = _upper(figures.name(figures.primary)), figures.name(figures.deciding)
        found.append(f"{wanted} would decide but is not known of both; {instead} does instead.")
    found += [change_sentence(figures.view, figures.pairs[metric]) for metric in metrics if metric in figures.pairs]
    main = figures.pairs.get(figures.deciding)
    if main is not None:
        wins, ties, losses = (int(number(main.get(key)) or 0) for key in ("wins", "ties", "losses"))
        found.append(f"Document by document: better on {wins:,}, the same on {ties:,}, worse on {losses:,}.")
        if note := str(main.get("note") or ""):
            found.append(_upper(note if note.endswith(".") else f"{note}."))
        found += _tests(figures, main)
    found += floor_words(figures, b)
    if figures.speed is not None:
        metric, *_ = figures.speed
        said = [f"{figures.said(arm, metric)} {figures.interval(arm, metric)}".strip() for arm in (a, b)]
        n = int(number((figures.measured(b, metric) or {}).get("n_scored")) or 0)
        found.append(
            f"One document alone takes {said[0]} with {figures.label(a)}, {said[1]} with {figures.label(b)} "
            f"(n = {n:,} timed)."
        )
    found += [*_several(figures), *_floor(figures, main)]
    return (*found, *filter(None, [figures.unlooked]))


def _tests(figures: Figures, main: Record) -> list[str]:
    """What the deciding figure's other tests say: the shift of a scale, the less cautious p of a rate, equivalence
    within the margin that was declared."""
    found: list[str] = []
    name = _upper(figures.name(figures.deciding))
    if (shift := number(main.get("shift"))) is not None:
        found.append(f"{name}: the median difference of all pairs of documents (Hodges-Lehmann) is {signed(shift)}.")
    if (p := number(main.get("p_mid"))) is not None:
        found.append(f"{name}: McNemar's mid-p, less cautious than the exact one, is {p:.2g}.")
    margin, p = number(main.get("margin")), number(main.get("p_same"))
    if margin and p is not None and p < SURE:
        found.append(f"{name} is the same within {num(margin)}, by two one-sided tests (p = {p:.2g}).")
    return found


def _several(figures: Figures) -> list[str]:
    """Friedman's test: whether the arms with a model differ at all, and their ranks."""
    told: Record = figures.aggregates.get("several") or {}
    p, rows = number(told.get("p")), told.get("arms") or ()
    if p is None or not rows:
        return []
    said = [f"{figures.label(str(row['arm']))} {interval(*(number(row.get(k)) for k in ('rank', 'low', 'high')))}"
            for row in rows]  # fmt: skip
    way = "differ" if p < SURE else "are not shown to differ"
    who = f"All {len(rows)} arms with a model at once {way} in {figures.name(str(told.get('metric')))}"
    n = int(number(told.get("n")) or 0)
    return [f"{who} (Friedman, {p_words(p)}, n = {n:,}); mean ranks, 1 the best: {', '.join(said)}."]


def _floor(figures: Figures, main: Record | None) -> list[str]:
    """What the batch size alone changes, and whether the difference is larger than that."""
    told = noise_words(figures.aggregates.get("noise_floor") or {}, figures.name)
    moved = number((figures.aggregates.get("noise_floor") or {}).get("mean_abs_difference"))
    size = abs(number((main or {}).get("difference")) or 0.0)
    same = (figures.aggregates.get("noise_floor") or {}).get("metric") == figures.deciding
    if told and same and main is not None and moved and size <= moved:
        told += " The difference between the two arms is no larger than that."
    return [told] if told else []


def noise_words(noise: Record, name: Callable[[str], str] = str) -> str:
    """The batch-noise floor in a sentence; "" where it was not measured. `name` says a metric in words."""
    share, moved = number(noise.get("share_different")), number(noise.get("mean_abs_difference"))
    if share is None:
        return ""
    sizes = and_words([str(size) for size in noise.get("batch_sizes") or ()])
    how = f", which moves {name(str(noise.get('metric')))} by {num(moved)} on average" if moved is not None else ""
    rows = int(number(noise.get("rows")) or 0)
    return (
        f"Batch-noise floor: asked again in another batch size ({sizes}), {percent(share)} of {rows:,} answers come "
        f"out otherwise{how}; differences below that are noise."
    )


def _alone(figures: Figures) -> str:
    """Only one arm: its figure, and that nothing was compared."""
    arms = [arm for arm in figures.arms() if figures.value(arm, figures.primary) is not None]
    if not arms:
        return "Nothing was compared: there are no two arms with figures."
    arm = next((arm for arm in arms if arm not in figures.arms("trivial")), arms[0])
    return (
        f"Nothing was compared: {figures.label(arm)} alone has a {figures.name(figures.primary)} of "
        f"{figures.said(arm, figures.primary)}."
    )


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
