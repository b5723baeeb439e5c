"""What the data tab shows at each moment: the plain values of its components, built from versions, builds and rows."""

from typing import Any, NamedTuple

import gradio as gr

from studio.deps import Deps
from studio.queries import dataset_jobs as jobs
from studio.queries import dataset_rows as rows
from studio.queries import datasets as queries
from studio.tabs.data_parts import LATER, NO_VERSION, SPACE
from studio.views import dataset_plots as plots
from studio.views import dataset_rows as row_views
from studio.views import datasets as views
from studio.views.markup import html, insight, note
from training.task.records import to_json

SAME: Any = gr.skip()  # this component stays as it is
MOST_ON_A_CARD = 20_000  # characters of a card that are shown


class JobView(NamedTuple):
    """How the latest build stands. `seen` is "ID STATE"; a build that ended just now opens its version."""

    job: Any = SAME
    stop: Any = SAME
    dismiss: Any = SAME
    seen: Any = SAME
    version: Any = SAME


class RefusedView(NamedTuple):
    refused: Any
    mend_row: Any


class RowsView(NamedTuple):
    found: Any
    row: Any


class VersionView(NamedTuple):
    """Everything about one version. Fields not given stay as they are."""

    head: Any = SAME
    funnel_said: Any = SAME
    funnel: Any = SAME
    gate_notes: Any = SAME
    prompts_said: Any = SAME
    prompts: Any = SAME
    answers_said: Any = SAME
    answers: Any = SAME
    spread: Any = SAME
    gate: Any = SAME
    refused_page: Any = SAME
    refused: Any = SAME
    mend_row: Any = SAME
    mended: Any = SAME
    pairs_page: Any = SAME
    pairs: Any = SAME
    part: Any = SAME
    find: Any = SAME
    page: Any = SAME
    found: Any = SAME
    row: Any = SAME
    tokens: Any = SAME
    leaks_page: Any = SAME
    leaks: Any = SAME
    nearest: Any = SAME
    other: Any = SAME
    changes: Any = SAME
    export_parts: Any = SAME
    out_sources: Any = SAME
    spec: Any = SAME
    card: Any = SAME


def empty_view(deps: Deps) -> VersionView:
    """No version is open: what will be here, and what of the datasets folder could not be read."""
    _, notices = queries.versions(deps)
    return VersionView(head=html(SPACE if deps.settings.space else NO_VERSION, *map(note, notices)))


def version_view(deps: Deps, name: str) -> VersionView:
    """One version in all its parts, read once."""
    facts = queries.version_facts(deps, name)
    version, gates, leaks, found = facts.version, facts.gates, facts.leaks, facts.measures
    refused, shown = refused_view(deps, name, "", 1), rows_view(deps, name, next(iter(version.rows)), "", 1)
    counts = rows.refused_counts(deps, name)
    everything = (f"every reason ({sum(counts.values()):,})", "")
    others = [choice for choice in queries.version_choices(deps) if choice[1] != name]
    return VersionView(
        head=views.version_head(to_json(version), deps.now(), ships=facts.ships),
        funnel_said=insight(views.funnel_words(gates)),
        funnel=plot(plots.funnel_plot(gates)),
        gate_notes=views.gate_notes(gates),
        prompts_said=insight(
            found.why
            or views.tokens_words(found.prompts, found.prompt_budget, found.total, "prompts", found.prompt_limit)
        ),
        prompts=plot(plots.tokens_plot(found.prompts, found.prompt_budget)),
        answers_said=insight(
            "" if found.why else views.tokens_words(found.answers, found.answer_budget, found.total, "answers")
        ),
        answers=plot(plots.tokens_plot(found.answers, found.answer_budget)),
        spread=views.distributions(found.counts, found.total),
        gate=gr.update(
            choices=[everything, *((f"{views.gate_words(g)} ({n:,})", g) for g, n in counts.items())], value=""
        ),
        refused_page=1,
        refused=refused.refused,
        mend_row=refused.mend_row,
        mended="",
        pairs_page=1,
        pairs=pairs_html(deps, name, 1),
        part=gr.update(choices=[(f"{p} ({n:,})", p) for p, n in version.rows.items()], value=next(iter(version.rows))),
        find="",
        page=1,
        found=shown.found,
        row=shown.row,
        tokens="",
        leaks_page=1,
        leaks=leaks_html(deps, name, 1),
        nearest=plot(plots.nearest_plot(leaks)),
        other=gr.update(choices=others, value=None),
        changes=LATER if not others else note("Choose another version to see what differs."),
        export_parts=gr.update(choices=list(version.rows), value=[p for p in version.rows if p == "train"]),
        out_sources=gr.update(choices=sorted(found.counts["origin"]), value=[]),
        spec=facts.yaml,
        card=card_text(facts.card),
    )


def pairs_html(deps: Deps, name: str, number: int) -> str:
    """A page of duplicates beside the rows that stay."""
    pairs, total = rows.duplicate_pairs(deps, name, number)
    return views.duplicates(pairs, total)


def leaks_html(deps: Deps, name: str, number: int) -> str:
    """The leak report with a page of its overlaps."""
    leaks = queries.find(deps, name).read("leaks")
    return views.leak_report(leaks, rows.leak_pairs(deps, name, leaks, number))


def plot(figure: Any) -> Any:
    """A chart, or nothing where there is nothing to draw."""
    return gr.update(value=figure, visible=figure is not None)


def card_text(card: str) -> str:
    """The card without the head that only the Hub reads."""
    head, mark, rest = card.removeprefix("---\n").partition("\n---\n")
    return (rest if mark else head)[:MOST_ON_A_CARD]


def refused_view(deps: Deps, name: str, gate: str, number: int) -> RefusedView:
    page = rows.refused_page(deps, name, gate or "", number)
    mendable = [line["row"] for line in page.rows if "row" in line]
    choices = row_views.row_choices(mendable)
    return RefusedView(row_views.refused_html(page), gr.update(choices=choices, value=None))


def rows_view(deps: Deps, name: str, part: str, find: str, number: int) -> RowsView:
    page = rows.rows_page(deps, name, part, find, number)
    choices = row_views.row_choices(page.rows)
    return RowsView(
        row_views.rows_html(page, part), gr.update(choices=choices, value=choices[0][1] if choices else None)
    )


def job_view(deps: Deps, shown: str, seen: str) -> JobView:
    """Only what changed since `shown` is sent; `seen` is what this page knew of it."""
    status = jobs.latest(deps)
    spent = [told.line() for told in status.spending] if status else []
    now = views.job_html(to_json(status) if status else None, spent)
    state = f"{status.id} {status.state}" if status else ""
    if now == shown and state == seen:
        return JobView()
    under_way = status is not None and status.state in jobs.UNDER_WAY
    ended = status is not None and status.state == "finished" and seen.startswith(status.id) and seen != state
    opened = gr.update(choices=queries.version_choices(deps), value=status.version) if ended and status else SAME
    return JobView(
        job=now,
        stop=gr.update(visible=under_way),
        dismiss=gr.update(visible=status is not None and not under_way),
        seen=state,
        version=opened,
    )


def changes_html(deps: Deps, before: str, after: str) -> str:
    diff = queries.differences(deps, before, after)
    data = {**to_json(diff), "spec": diff.spec}
    for kind in ("added", "removed"):
        data[kind] = queries.shown_rows(getattr(diff, kind))
    data["changed"] = [tuple(queries.shown_rows(pair)) for pair in diff.changed]
    return views.html(views.comparison(data, before, after), row_views.changed_html(data))
