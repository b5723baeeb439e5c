"""The report for people who decide: one HTML file that can be sent, written from an evaluation's folder, never by hand.

Verdict, the declared figures, three charts, five documents side by side, the gates, limits, receipt. It loads nothing,
needs no program and runs only its own script; light and dark follow the reader's system, and it prints. Everything
that a post or a model said is inert in it. Limit: plotly.js stands in it once, so that a file has some 5 MB.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.disk import disk, write_whole
from training.evals.card import write_card
from training.evals.charts.catalogue import CHART_CSS, CHARTS
from training.evals.charts.chart import Chart
from training.evals.charts.view import number
from training.evals.charts.words import MINUS, num, signed
from training.evals.figures import Figures, asked_pair, figures_of, read_aggregates
from training.evals.gates import Gate, check_gates
from training.evals.manifest import read_manifest
from training.evals.records import CARD, REPORT
from training.evals.report_examples import KINDS, RULE, examples
from training.evals.report_facts import limits, receipt
from training.evals.report_html import Html, asset, data, each, el, join, page, section, table
from training.evals.report_sides import example_html, who
from training.evals.verdict import HELPED, Verdict, verdict
from training.task.pack import Pack

WANTED = ("forest", "dumbbell", "clusters", "grounding", "tiers", "wins", "slices", "lengths", "scorecard")
N_CHARTS = 3
NOTED = ("Compared", "Document by document", "Without any model")  # the verdict's facts that no table tells
MARKS = {
    "yes": "M3 9.5 7.5 14 15 4.5", "hurt": "M4 4 14 14M14 4 4 14", "no": "M3 6.5H15M3 11.5H15", "unsure": "M3 9H15",
}  # fmt: skip
LOGO = (
    '<svg viewBox="0 0 64 64" aria-hidden="true"><mask id="bites"><rect width="64" height="64" fill="#fff"/>'
    '<circle cx="29" cy="16" r="5"/><circle cx="29.5" cy="24" r="5"/><circle cx="28" cy="31" r="4"/>'
    '<circle cx="58" cy="37" r="5"/><circle cx="58.5" cy="45" r="5"/></mask><g mask="url(#bites)">'
    '<rect x="8" y="8" width="22" height="48" rx="4" fill="#8796a5"/>'
    '<rect x="35" y="8" width="22" height="48" rx="4" fill="#12958a"/></g></svg>'
)
GATE_WORDS = {"pass": "pass", "fail": "fail", "insufficient data": "short", "not applicable": "apart"}


def write_report(folder: Path, pack: Pack, pair: tuple[str, str] | None = None) -> Path:
    """`render_report` into the folder's report.html, its model card first where it has none; returns the file."""
    if not (folder / CARD).is_file():
        write_card(folder, pack)
    with disk("write the report", folder):
        write_whole(folder / REPORT, render_report(folder, pack, pair))
    return folder / REPORT


def render_report(folder: Path, pack: Pack, pair: tuple[str, str] | None = None) -> str:
    """The whole report as one HTML document. DataError for a folder without aggregates."""
    aggregates, manifest = read_aggregates(folder), read_manifest(folder)
    base, arm = pair or ("", "")
    _, asked = asked_pair(aggregates, arm, base)
    figures = figures_of(aggregates, pack, asked)
    found = verdict(aggregates, figures.pair, pack)
    charts = drawn(aggregates, figures)
    gates = check_gates(folder, pack, *((figures.pair[1], figures.pair[0]) if figures.pair else ()))
    body = el(
        "main",
        _head(aggregates, manifest, pack, found),
        _figures(figures, found),
        _charts(charts),
        _examples(folder, figures),
        _gates(gates),
        section(
            "What this does not say",
            el("ul", each(el("li", _tidy(line)) for line in limits(figures, manifest)), cls="plain"),
        ),
        _receipt(manifest, figures),
        el("footer", "Written by Taste Test from the evaluation's own records: python -m training report DIR."),
        data({chart.id: chart.figure for chart in charts}, "charts"),
    )
    scripts: list[str] = []
    if charts:
        from plotly.offline import get_plotlyjs  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

        scripts = [str(get_plotlyjs()), asset("report.js")]
    return page(f"{pack.title}: {HELPED[found.helped]}", body, scripts, asset("report.css") + CHART_CSS)


def drawn(aggregates: Mapping[str, Any], figures: Figures) -> list[Chart]:
    """The first three of `WANTED` that have something to show."""
    known = {spec.id: spec for spec in CHARTS}
    found: list[Chart] = []
    for name in WANTED:
        if len(found) < N_CHARTS and name in known:
            chart = known[name].draw(aggregates, figures.pair, figures.tier)
            found += [] if chart.figure is None else [chart]
    return found


def _head(aggregates: Mapping[str, Any], manifest: Mapping[str, Any], pack: Pack, found: Verdict) -> Html:
    when = str(manifest.get("finished") or manifest.get("created") or "")[:10]
    name = str(aggregates.get("name") or "")
    first, _, rest = found.sentence.partition("; ")
    mark = Html(
        f'<svg viewBox="0 0 18 18" aria-hidden="true"><path d="{MARKS[found.helped]}" fill="none" '
        'stroke="currentColor" stroke-width="2.5"/></svg>'
    )
    return el(
        "header",
        el(
            "div", Html(LOGO), el("span", pack.title, cls="what"), el("span", name if name != pack.title else ""),
            el("span", when, cls="when"), cls="brand",
        ),
        el(
            "div",
            el("p", mark, HELPED[found.helped], cls=f"helped {found.helped}"),
            el("h1", _weighed(first if rest == "" else f"{first}.")),
            el("p", _tidy(_upper(rest)), cls="also") if rest else None,
            cls="verdict",
        ),
    )  # fmt: skip


def _figures(figures: Figures, found: Verdict) -> Html:
    """The declared figures of both arms."""
    if figures.pair is None:
        return join()
    a, b = figures.pair
    rows: list[Sequence[str]] = []
    for metric in dict.fromkeys((figures.deciding, figures.primary, *figures.confirmatory)):
        figure = figures.pairs.get(metric)
        if figures.measured(a, metric) is None and figures.measured(b, metric) is None:
            continue
        rows.append(
            [
                _upper(figures.name(metric)), _value(figures, a, metric), _value(figures, b, metric),
                _difference(figures, metric), _shown(figures, figure),
            ]
        )  # fmt: skip
    lead = (
        f"Declared before anything was measured. {_upper(figures.name(figures.deciding))} decides; the others are "
        "corrected for being several. Brackets are 95 % intervals."
    )
    if figures.deciding.partition(":")[0] in ("f1", "ordered_f1"):
        lead += " F1 is 1 where everything was found and nothing added, 0 where nothing fits."
    arms = [(figures.label(arm), who(figures, arm)) for arm in (a, b)]
    notes = [fact for fact in found.facts if fact.startswith(NOTED) or " would decide " in fact]
    made = table(("", *arms, "Difference", "Shown"), rows, cls="figures stack")
    return section("In figures", made, el("p", _tidy(" ".join(notes)), cls="note"), lead=_tidy(lead))


def _value(figures: Figures, arm: str, metric: str) -> Html:
    found = figures.measured(arm, metric)
    if found is None:
        return el("span", "not measured", cls="unshown")
    beside = f" of {int(number(found.get('n_scored')) or 0):,}" if figures.is_rate(arm, metric) else ""
    return join(_tidy(figures.said(arm, metric)), el("span", f" {figures.interval(arm, metric)}{beside}", cls="ci"))


def _difference(figures: Figures, metric: str) -> Html:
    figure = figures.pairs.get(metric)
    if figure is None or figures.pair is None:
        return el("span", "not known of both", cls="unshown")
    rate = figures.is_rate(figures.pair[1], metric)
    ends = [number(figure.get(key)) for key in ("difference", "ci_low", "ci_high")]
    said = [signed(value) if not rate or value is None else f"{100 * value:+.0f}".replace("-", MINUS) for value in ends]
    interval = f" [{said[1]}, {said[2]}]" if None not in ends[1:] else ""
    return join(said[0], " points" if rate else None, el("span", interval, cls="ci"))


def _shown(figures: Figures, figure: Mapping[str, Any] | None) -> Html:
    outcome = figures.view.outcome(figure) if figure else "unsure"
    words = {"better": "better", "worse": "worse", "same": "the same", "unsure": "not shown"}[outcome]
    return el("span", words, cls=outcome if outcome in ("better", "worse") else "unshown")


def _charts(charts: Sequence[Chart]) -> Html:
    if not charts:
        return join()
    made = [
        el(
            "div",
            el("h3", chart.title),
            el("p", _tidy(chart.insight), cls="insight"),
            el("div", id=f"chart-{chart.id}", cls="tt-chart", role="img", aria_label=f"{chart.title}. {chart.insight}"),
            _numbers(chart),
            cls="chart",
        )
        for chart in charts
    ]
    return section(f"In {'pictures' if len(charts) > 1 else 'a picture'}", *made)


def _numbers(chart: Chart) -> Html | None:
    """The figures behind a chart as a table, for readers without a picture."""
    if len(chart.csv) < 2:
        return None
    head = [str(cell) for cell in chart.csv[0]]
    rows = [[_cell(cell) for cell in row] for row in chart.csv[1:61]]
    return el(
        "details", el("summary", "The numbers behind it"), el("div", table(head, rows), cls="wide"), cls="numbers"
    )


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return num(value)
    return "" if value is None else str(value)


def _examples(folder: Path, figures: Figures) -> Html:
    found = examples(folder, figures)
    if not found:
        return join()
    made = [
        el("div", el("h3", KINDS[kind]), el("p", example, cls="note"), cls="example")
        if isinstance(example, str)
        else example_html(example, figures)
        for kind, example in zip(KINDS, found, strict=True)
    ]
    return section("Five documents", *made, lead=RULE)


def _gates(gates: Sequence[Gate]) -> Html:
    rows = [
        [
            gate.title,
            el("span", gate.verdict, cls=f"gate {GATE_WORDS[gate.verdict]}"),
            gate.rule,
            _tidy(gate.why + (f" About {_about(gate.n_required)} in all would settle it." if gate.n_required else "")),
        ]
        for gate in gates
        if gate.verdict != "not applicable"
    ]
    apart = [gate.title for gate in gates if gate.verdict == "not applicable"]
    counts = {words: sum(gate.verdict == words for gate in gates) for words in GATE_WORDS}
    lead = (
        f"{counts['pass']} gates pass, {counts['fail']} fail, {counts['insufficient data']} have too few documents. "
        "A pass needs the end of the interval, not only the figure."
    )
    rest = el("p", f"Not part of this evaluation: {'; '.join(apart)}.", cls="note") if apart else None
    return section("May it ship", table(("Gate", "Verdict", "Rule", "Found"), rows, cls="stack gates"), rest, lead=lead)


def _about(n: int) -> str:
    """Two digits are as much as such a forecast bears."""
    step = 10 ** max(0, len(str(n)) - 2)
    return f"{-(-n // step) * step:,}"


def _receipt(manifest: Mapping[str, Any], figures: Figures) -> Html:
    grouped: dict[str, list[Html]] = {}
    for label, text, digest in receipt(manifest, figures):
        code = el("code", digest) if digest else None
        grouped.setdefault(label, []).append(el("div", text, Html(" ") if text and code else None, code))
    rows = [[label, each(lines)] for label, lines in grouped.items()]
    lead = "What somebody needs to have the same figures again."
    return section("Receipt", table(("", "What"), rows, cls="receipt"), lead=lead)


def _weighed(sentence: str) -> Html:
    """The sentence with its interval and what follows in a lighter hand."""
    claim, bracket, rest = _tidy(sentence).partition(" [")
    return join(claim, el("span", f" [{rest}", cls="ci") if bracket else None)


def _tidy(text: str) -> str:
    """No line ends between a number and its unit."""
    return re.sub(r"(?<=\d) (?=%|s\b|points\b)|(?<=\bn) (?==)|(?<==) (?=\d)", "\u00a0", text)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
