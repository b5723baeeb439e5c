"""What the form of a new dataset shows at each moment: its YAML, what a task and a source bring, first rows."""

from typing import Any, NamedTuple

import gradio as gr

from studio.actions import datasets as start
from studio.deps import Deps
from studio.queries import dataset_jobs as jobs
from studio.queries import datasets as queries
from studio.queries.dataset_offers import FROM_OUTSIDE, menu_rows, source_choices, teacher_slices, teacher_styles
from studio.queries.protectable import protectable
from studio.tabs.data_view import SAME
from studio.views import dataset_rows as row_views
from studio.views.markup import note
from training.task.records import to_json


class FormView(NamedTuple):
    """The YAML of the form, or why there is none. `written` keeps it as the form wrote it, whatever is edited."""

    yaml: Any = SAME
    written: Any = SAME
    said: Any = SAME


class ColumnsView(NamedTuple):
    """A source that nobody has confirmed yet, after the source was changed."""

    file: Any = SAME
    file_box: Any = SAME
    hub_box: Any = SAME
    licence: Any = SAME
    columns: Any = SAME
    mapping: Any = SAME
    confirmed: Any = SAME
    encoding: Any = SAME


class TaskView(NamedTuple):
    """What a task offers: sources, styles and slices, and the same of a teacher."""

    kind: Any
    writer: Any
    teacher_styles: Any
    teacher_slices: Any
    styles: Any
    slices: Any
    posts: Any
    candidates: Any
    protect: Any


class WaitingView(NamedTuple):
    """Rows that were sent here for evaluation."""

    waiting_said: Any
    candidates: Any


class SampleView(NamedTuple):
    """The first rows of a source, or how its columns would be read."""

    sample: Any
    columns: Any
    mapping: Any
    encoding: Any


def task_view(deps: Deps, task: str) -> TaskView:
    kinds = source_choices(task, deps)
    styles, slices = menu_rows(task)
    taught, holds = list(teacher_styles(task, deps)), teacher_slices(task, deps)
    none = {} if taught else {"value": "studio"}
    return TaskView(
        kind=gr.update(choices=kinds, value=kinds[0][1] if kinds else None),
        writer=gr.update(visible=bool(taught) and deps.settings.allow_paths, **none),
        teacher_styles=gr.update(choices=taught, value=taught),
        teacher_slices=gr.update(value=holds, visible=bool(holds)),
        styles=gr.update(value=styles, visible=bool(styles)),
        slices=gr.update(value=slices, visible=bool(slices)),
        posts=gr.update(visible=bool(styles)),
        candidates=gr.update(choices=candidate_choices(deps, task), value=[]),
        protect=gr.update(choices=protectable(deps, task), value=[]),
    )


def waiting_view(deps: Deps, task: str) -> WaitingView:
    choices = candidate_choices(deps, task)
    none = "Nothing waits here. In Compare, under Receipt, Send to a dataset keeps a text with its right answer."
    return WaitingView("" if choices else note(none), gr.update(choices=choices, value=[]))


def candidate_choices(deps: Deps, task: str) -> list[tuple[str, str]]:
    """(label, id); a mended row says that it may be trained on."""
    found = jobs.candidates(deps, task)
    ends = {"row": " · mended: goes where the split puts it"}
    return [(row_views.row_title(to_json(one)) + ends.get(one.use, ""), one.id) for one in found]


def sample_view(found: start.Sample) -> SampleView:
    if found.proposal is None:
        asked = [asked_view(ask) for ask in found.asked]
        rows, bad = queries.shown_rows(found.rows), to_json(found.bad)
        return SampleView(row_views.sample_html(rows, bad, found.teacher, asked), SAME, SAME, SAME)
    mapping = [[field.field, field.column, field.rule] for field in found.proposal.fields]
    guess = found.guess
    shown = row_views.proposal_html(found.proposal, to_json(guess) if guess else None)
    return SampleView(shown, gr.update(visible=True), mapping, encoding_box(guess.encoding if guess else ""))


def asked_view(ask: Any) -> dict[str, str]:
    """A teacher's question as a row of the view: what it is given, where that is from, and what it writes of it."""
    row, slice_ = ask.row, ask.slice.name
    told = {"text": ask.given, "origin": row.origin, "place": row.place, "style": ask.style.name}
    return told if slice_ == "plain" else {**told, "slice": slice_}


def encoding_box(encoding: str) -> Any:
    """The field with the encoding of a file that is not UTF-8; out of sight elsewhere."""
    return gr.update(value=encoding, visible=bool(encoding))


def fresh_columns(kind: str, file: Any = SAME) -> ColumnsView:
    """The boxes of this kind of source, and nothing confirmed."""
    outside = gr.update(visible=kind in FROM_OUTSIDE)
    return ColumnsView(
        file=file,
        file_box=gr.update(visible=kind == "file"),
        hub_box=gr.update(visible=kind == "hub"),
        licence=outside,
        columns=gr.update(visible=False),
        mapping=[],
        confirmed=False,
        encoding=encoding_box(""),
    )
