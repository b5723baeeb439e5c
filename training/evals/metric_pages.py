"""The pages that explain the metrics: assets/metrics/NAME.md, each with a worked example that the real code computes.

    ---
    title: Lists
    metrics: [f1, precision]           base names, what stands before the colon of a metric
    example:
      task: recipe-jsonld
      documents:                       source, gold (none: nobody knows it), answer: text, or an object to be written
        - {source: ..., gold: ..., answer: ..., finish: eos}
      figures: {"f1:recipeIngredient": 0.667}
    labelled: true                     its rule is held against what a person said of it (see `labelled.py`)
    ---
    What it is, in words.

A document may have `answers`, several to one text, and `known`, metric -> [value, n], for what only an engine can tell.
A page about pairs of arms has `pair` (metric, a, b: values by document) in place of documents. Promise: what a page
says under "Worked example" is made from its front matter, whose numbers a test computes again.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, cast

from training.errors import PackError
from training.evals.labelled import check_rule, in_words
from training.evals.metrics import Cells, measure_all, metric_specs, spec_named
from training.evals.paired import compare_metrics
from training.task.pack import BUILTIN, Pack, find_packs, pack_named
from training.task.parse import gold_object, parse_answer
from training.task.records import FinishReason, Score
from training.task.score.answer import counted_object, score_answer
from training.task.score.variety import OVER_SAMPLES, sample_scores
from training.task.yamlfile import parse_yaml, read_utf8

PAGES = BUILTIN.parent / "metrics"
RESAMPLES = 999  # of a worked example's intervals, which no page prints
_HEAD = re.compile(r"---\n(.*?)\n---\n", re.DOTALL)


@dataclass(frozen=True, slots=True)
class MetricPage:
    """`name` is the file's, `metrics` the base names it explains, `body` Markdown with the example at its end."""

    name: str
    title: str
    metrics: tuple[str, ...]
    body: str
    example: Mapping[str, Any] = field(default_factory=dict[str, Any])


@cache
def metric_pages(folder: Path = PAGES) -> tuple[MetricPage, ...]:
    """Every page, in the order of their titles. Raises PackError for one that is not written as it should be."""
    pages = [_read(file) for file in sorted(folder.glob("*.md"))]
    return tuple(sorted(pages, key=lambda page: page.title))


def page_of(metric: str, folder: Path = PAGES) -> MetricPage | None:
    """The page that explains a metric, by its full or base name; None where there is none."""
    pages = metric_pages(folder)
    base = metric if metric.startswith("lint:") else metric.partition(":")[0]
    return next((page for page in pages if base in page.metrics), None)


def worked_figures(example: Mapping[str, Any]) -> dict[str, float | None]:
    """The example's figures, computed now by the code that every evaluation uses, under the names that it gives."""
    wanted = cast("Mapping[str, Any]", example["figures"])
    pack = pack_named(str(example["task"]), find_packs(BUILTIN))
    if "pair" in example:
        found = _pair_figures(pack, example["pair"])
    else:
        cells = _cells(pack, cast("Sequence[Mapping[str, Any]]", example["documents"]))
        specs = [spec for spec in metric_specs(pack) if spec.name in wanted]
        found = {name: made.value for name, made in measure_all(specs, cells, resamples=RESAMPLES).items()}
    return {name: found.get(name) for name in wanted}


def _read(file: Path) -> MetricPage:
    text = read_utf8(file)
    head = _HEAD.match(text)
    if head is None:
        raise PackError(f"{file}: the front matter is missing.", fix="Begin with title and metrics between --- lines.")
    row = parse_yaml(head[1], file)
    title, metrics = row.take("title", str), row.strings("metrics")
    example = cast("dict[str, Any]", row.take("example", dict)) if row.has("example") else {}
    labelled = row.take("labelled", bool, False)
    row.finish()
    parts = [text[head.end() :].strip(), *([in_words(check_rule())] if labelled else [])]
    parts += [_worked(example)] if example else []
    return MetricPage(file.stem, title, metrics, "\n\n".join(parts), example)


def _cells(pack: Pack, documents: Sequence[Mapping[str, Any]]) -> Cells:
    """The documents as a scores frame would have them."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for at, document in enumerate(documents):
        answers = document.get("answers") or [document.get("answer", "")]
        scored = [_scored(pack, document, answer) for answer in answers]
        found = [(k, score) for k, (scores, _, _) in enumerate(scored) for score in scores]
        over = sample_scores(pack, [raw for _, raw, _ in scored], [obj for _, _, obj in scored])
        found += [(OVER_SAMPLES, score) for score in over]
        rows += [asdict(score) | {"doc": f"{at:03}", "k": k} for k, score in found]
    return Cells.from_frame(pd.DataFrame(rows))


def _scored(pack: Pack, document: Mapping[str, Any], answer: Any) -> tuple[list[Score], str, dict[str, Any] | None]:
    raw = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    finish = FinishReason(document.get("finish", "eos"))
    gold = None if document.get("gold") is None else gold_object(pack, document["gold"])
    parsed = parse_answer(pack, raw, finish)
    source = str(document.get("source", ""))
    supported = document.get("supported")
    scores = list(score_answer(pack, parsed, source, gold, raw=raw, finish=finish, supported=supported))
    known = cast("Mapping[str, Sequence[float]]", document.get("known") or {})
    scores += [Score(metric, float(value), n=int(n)) for metric, (value, n) in known.items()]
    return scores, raw, counted_object(parsed)


def _pair_figures(pack: Pack, pair: Mapping[str, Any]) -> dict[str, float | None]:
    spec = spec_named(pack, str(pair["metric"]))
    assert spec is not None
    name, label = spec.keys[0]
    arms = [Cells.from_scores([[Score(name, float(value), label, n=1)] for value in pair[side]]) for side in "ab"]
    figure = compare_metrics([spec], arms[0], arms[1], ("a", "b"))[0]
    return {key: value for key, value in asdict(figure).items() if isinstance(value, (int, float))}


def _worked(example: Mapping[str, Any]) -> str:
    """The example as Markdown: what was there, what was answered, what comes out."""
    lines = ["### Worked example", ""]
    if "pair" in example:
        pair = example["pair"]
        lines += [f"- {side}: {', '.join(f'{value:g}' for value in pair[side])}" for side in "ab"]
    for at, document in enumerate(example.get("documents") or (), 1):
        lines += [f"**Document {at}**", ""] if len(example["documents"]) > 1 else []
        for key in ("source", "gold", "answer", "answers", "finish", "supported", "known"):
            if key in document:
                lines += [f"*{key}*", "", *_fenced(document[key]), ""]
    rows = [f"| `{name}` | {_shown(value)} |" for name, value in example["figures"].items()]
    return "\n".join([*lines, "", "| figure | value |", "|---|---|", *rows])


def _fenced(value: Any) -> list[str]:
    """A value in a fence that nothing in it can close."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    return [fence, text.rstrip("\n"), fence]


def _shown(value: Any) -> str:
    return "none" if value is None else f"{value:g}"
