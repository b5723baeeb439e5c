"""What can be read and taken away of an evaluation: gates, the judge's tables, metric pages, its files as downloads.

Text files go to the browser as they are; frames are copied to a temporary folder first, since the home is not served.
"""

import csv
import io
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from studio.deps import Deps
from studio.queries import evaluation_charts as charts
from studio.queries.evaluation_metrics import lines
from studio.queries.evaluations import (
    Aggregates,
    Choices,
    Pair,
    aggregates,
    arms_of,
    figures_stamp,
    folder_of,
    pack_of,
)
from studio.queries.stamps import stamp
from training.errors import InputError
from training.evals.card import render_card
from training.evals.figures import default_pair
from training.evals.gates import Gate, check_gates
from training.evals.judge.figures import JudgedFigure, PairJudged, arm_figures, pair_figures
from training.evals.judge.frame import NOTE, OVERALL, PAIRWISE, POINTWISE, read_rows
from training.evals.metric_pages import MetricPage, metric_pages, page_of
from training.evals.records import AGGREGATES, CARD, GEN, ITEMS, JUDGE, REPORT, SCORES, SUMMARY
from training.evals.report import render_report
from training.task.pack import Pack

FRAMES = (GEN, SCORES, ITEMS, JUDGE)
TEXTS = {"report": (REPORT, "text/html"), "card": (CARD, "text/markdown"), "summary": (SUMMARY, "application/json")}


def gates(deps: Deps, evaluation: str, pair: Pair) -> list[Gate]:
    """The release gates of the second arm of the pair, against the first."""
    found = aggregates(deps, evaluation)
    if found is None:
        return []
    folder = folder_of(deps, evaluation)
    return _gates(_Ask(folder, figures_stamp(folder), pair), pack_of(deps, found))


@dataclass(frozen=True, slots=True)
class _Ask:
    folder: Path
    stamp: str
    pair: Pair


_remembered: dict[_Ask, list[Gate]] = {}


def _gates(ask: _Ask, pack: Any) -> list[Gate]:
    if ask not in _remembered:
        if len(_remembered) > 16:
            _remembered.clear()
        _remembered[ask] = check_gates(ask.folder, pack, ask.pair.b, ask.pair.a)
    return _remembered[ask]


@dataclass(frozen=True, slots=True)
class Judged:
    """A judge's figures: `arms` by arm and field, `pairs` of arms that were set side by side, `about` who judged, what
    it took and how it was calibrated (see `judge_tables`). A calibration alone has no arms and no pairs."""

    arms: tuple[JudgedFigure, ...]
    pairs: tuple[PairJudged, ...]
    fields: tuple[str, ...]
    about: Mapping[str, Any]


def judge(deps: Deps, evaluation: str) -> Judged | None:
    """What a judge said of an evaluation, or how it was calibrated on it; None where none was asked."""
    folder = folder_of(deps, evaluation)
    return _judge(folder, stamp(folder / JUDGE, folder / NOTE))


@lru_cache(maxsize=8)
def _judge(folder: Path, at: str) -> Judged | None:
    from training.evals.judge.tables import judge_tables  # its statistics would slow the first page down

    rows, about = read_rows(folder), judge_tables(folder)
    if not rows and not about.get("checks"):
        return None
    single = [row for row in rows if row["mode"] == POINTWISE]
    arms = list(dict.fromkeys(str(row["arm"]) for row in single))
    names = [OVERALL, *(name for name in dict.fromkeys(str(row["field"]) for row in single) if name != OVERALL)]
    pairs = list(dict.fromkeys(tuple(sorted((row["arm"], row["other"]))) for row in rows if row["mode"] == PAIRWISE))
    return Judged(
        tuple(arm_figures(rows, arm, name) for arm in arms for name in names),
        tuple(pair_figures(rows, a, b) for a, b in pairs),
        tuple(names),
        about,
    )


def pages() -> Sequence[MetricPage]:
    """Every page that explains metrics, by title."""
    return metric_pages()


def page_choices() -> Choices:
    """(title, name) of every metric page; the metrics that a page explains are part of its title, to be found by."""
    return [
        (f"{page.title} ({', '.join(page.metrics)})" if page.metrics else page.title, page.name) for page in pages()
    ]


def page_named(name: str) -> MetricPage | None:
    """The page of that name, or the one that explains the metric of that name."""
    return next((page for page in pages() if page.name == name), None) or page_of(name)


def page_markdown(page: MetricPage) -> str:
    return f"# {page.title}\n\n{page.body}"


def payload(deps: Deps, evaluation: str, what: str, pair: Pair | None, tier: str) -> dict[str, str]:
    """A file for the browser to save: {name, mime, text}. `what` is one of TEXTS, figures, or chart:ID."""
    folder, found = folder_of(deps, evaluation), aggregates(deps, evaluation)
    name, mime = TEXTS.get(what, ("", ""))
    if name and (folder / name).is_file() and (what not in WRITTEN or _fresh(folder, name, found, pair)):
        return {"name": f"{evaluation}-{name}", "mime": mime, "text": (folder / name).read_text("utf-8")}
    if found is None:
        raise InputError("This evaluation has no figures yet.", fix="Wait until it is finished.")
    if what in WRITTEN:  # of the pair that is looked at, and as the figures are now
        text = WRITTEN[what](folder, pack_of(deps, found), pair)
        return {"name": f"{evaluation}-{name}", "mime": mime, "text": text}
    if what in TEXTS:
        raise InputError(f"This evaluation has no {TEXTS[what][0]}.", fix="It is written at the end: evaluate again.")
    if what.startswith("chart:"):
        chart = charts.drawn(found, charts.known(what.removeprefix("chart:")), pair, tier)
        return _csv(f"{evaluation}-{chart.id}.csv", chart.csv)
    return _csv(f"{evaluation}-figures.csv", figure_rows(deps, found))


def _fresh(folder: Path, name: str, found: Aggregates | None, pair: Pair | None) -> bool:
    """Whether a page on the disk is the one that is wanted: of this pair, not older than what it is made from."""
    if found is not None and pair != default_pair(found):
        return False
    made = (folder / name).stat().st_mtime_ns
    return all(path.stat().st_mtime_ns <= made for part in (AGGREGATES, JUDGE) if (path := folder / part).is_file())


def _card(folder: Path, pack: Pack, pair: Pair | None) -> str:
    return render_card(folder, pack, pair.b if pair else "")


WRITTEN: Mapping[str, Callable[[Path, Pack, Pair | None], str]] = {"report": render_report, "card": _card}


def figure_rows(deps: Deps, found: Aggregates) -> list[list[Any]]:
    """Every figure of every tier as rows under a header."""
    pack = pack_of(deps, found)
    rows: list[list[Any]] = [["tier", "arm", "metric", "value", "ci_low", "ci_high", "n_scored", "n_total", "n_items"]]
    for tier in found.get("tiers") or {}:
        for line in lines(found, pack, tier):
            for arm in arms_of(found):
                one = line.figures.get(str(arm["name"]))
                if one is not None:
                    rows.append([tier, arm["name"], line.metric.name, *(one.get(key) for key in _COLUMNS)])
    return rows


_COLUMNS = ("value", "low", "high", "n_scored", "n_total", "n_items")


def _csv(name: str, rows: Sequence[Sequence[Any]]) -> dict[str, str]:
    """Cells that a spreadsheet would run as a formula are kept as text."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([[_cell(value) for value in row] for row in rows])
    return {"name": name, "mime": "text/csv", "text": out.getvalue()}


def _cell(value: Any) -> Any:
    risky = isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r")
    return f"'{value}" if risky else "" if value is None else value


def frame_files(deps: Deps, evaluation: str) -> list[str]:
    """Copies of the frames, to be served. They go when the system clears its temporary folder."""
    folder = folder_of(deps, evaluation)
    there = [folder / name for name in FRAMES if (folder / name).is_file()]
    if not there:
        raise InputError("This evaluation has no frames.", fix="They are written at the end: wait, or evaluate again.")
    target = Path(tempfile.mkdtemp(prefix="taste-test-frames-"))
    return [str(shutil.copy2(path, target / path.name)) for path in there]
