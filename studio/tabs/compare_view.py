"""What the compare tab shows at each moment: the plain values of its components, built from frames and records."""

from typing import Any, NamedTuple

import gradio as gr

from studio.actions.compare import Progress
from studio.actions.dataset_versions import answers_of
from studio.deps import Deps
from studio.guard import Visit
from studio.queries.kept import Kept, kept
from studio.tabs import compare_stage as stage
from studio.views.context import context_html
from studio.views.history import history_list
from studio.views.markup import note
from training.errors import StudioError
from training.task.pack import Pack

SAME: Any = gr.skip()  # this component stays as it is
SLOTS = 4
LISTED = 50  # recent comparisons in the sidebar


class CompareView(NamedTuple):
    """What a run, a vote or a reopened comparison shows. Fields not given stay as they are."""

    run: Any = SAME
    cancel: Any = SAME
    save_page: Any = SAME
    fairness: Any = SAME
    verdict: Any = SAME
    slot_0: Any = SAME
    slot_1: Any = SAME
    slot_2: Any = SAME
    slot_3: Any = SAME
    votes: Any = SAME
    comparison_id: Any = SAME
    differences: Any = SAME
    marks: Any = SAME
    preview: Any = SAME
    seen: Any = SAME
    receipt: Any = SAME
    exports: Any = SAME
    answer: Any = SAME
    correct: Any = SAME
    own: Any = SAME
    sent: Any = SAME
    recent: Any = SAME


def slots(cells: list[Any]) -> dict[str, Any]:
    """Column HTML for the first slots; the others are put away."""
    rest = SLOTS - len(cells)
    shown = [gr.update(value=cell, visible=True) for cell in cells] + [gr.update(value="", visible=False)] * rest
    return {f"slot_{i}": value for i, value in enumerate(shown)}


def frame_view(deps: Deps, visit: Visit, frame: Progress, pack: Pack) -> CompareView:
    """One frame of a run; the last one is the kept comparison itself."""
    if frame.comparison:
        return comparison_view(deps, visit, frame.comparison.id)
    seen = context_html(frame.context) if frame.context else SAME
    return CompareView(**BUSY, **NOTHING, **slots(stage.running_stage(frame, pack)), preview=seen, seen=seen)


def failed_view(frame: Progress | None, err: Exception) -> CompareView:
    """What broke, where the answers would have been; the form and its text are untouched.

    `frame` None: it was refused before it began, or broke when the answers were on the page already, as a full disk
    does. What stands there still holds.
    """
    if frame is None:
        return CompareView(**READY)
    fix = err.fix if isinstance(err, StudioError) else "This is a bug of the studio: the terminal has its traceback."
    cells = stage.failed_stage(frame.arms, str(err) or type(err).__name__, fix)
    return CompareView(**READY, **slots(cells))


def comparison_view(deps: Deps, visit: Visit, comparison_id: str) -> CompareView:
    """A finished comparison, from the page's shelf. Details wait for the vote where it was blind."""
    shown = kept(deps, visit.session, comparison_id)
    pack, later = deps.packs.get(shown.data["task"]), "Shown after your vote."
    return CompareView(
        **READY,
        **slots(stage.done_stage(shown, pack)),
        fairness=stage.receipt_line(shown),
        verdict=stage.verdict_html(shown),
        votes=gr.update(visible=shown.hidden),
        save_page=gr.update(visible=not shown.hidden),
        comparison_id=comparison_id,
        differences=note(later) if shown.hidden else stage.diff_html(shown, pack),
        marks=note(later) if shown.hidden else stage.marks_html(shown, pack),
        preview=context_html(shown.data["context"]),
        seen=context_html(shown.data["context"]),
        receipt=note(later) if shown.hidden else stage.receipt_html(shown),
        exports=gr.update(visible=not shown.hidden),
        answer=answer_choices(shown),
        correct=gr.update(visible=not shown.hidden and not deps.settings.space, open=False),
        own="",
        sent="",
        recent=recent_html(deps, visit, "", comparison_id),
    )


def answer_choices(shown: Kept) -> Any:
    """Whose answer could be kept as the right one; nobody's while names are hidden."""
    offered = [] if shown.hidden else answers_of(shown.data)
    return gr.update(choices=offered, value=offered[0] if offered else None)


def empty_view(deps: Deps, visit: Visit) -> CompareView:
    """Nothing compared yet."""
    return CompareView(**READY, **NOTHING, **slots(list(stage.empty_stage())), recent=recent_html(deps, visit, "", ""))


def recent_html(deps: Deps, visit: Visit, search: str, current: str) -> str:
    shelf, kept_here = deps.shelf(visit.session), deps.settings.keep_history
    rows, total = shelf.list_comparisons(LISTED, search), shelf.count_comparisons(search)
    return stage.recent(history_list(rows, deps.now(), current=current, kept=kept_here, total=total), deps.notices)


READY: dict[str, Any] = {"run": gr.update(interactive=True), "cancel": gr.update(interactive=False)}
BUSY: dict[str, Any] = {"run": gr.update(interactive=False), "cancel": gr.update(interactive=True)}
NOTHING: dict[str, Any] = {
    "save_page": gr.update(visible=False),
    "fairness": "",
    "verdict": "",
    "votes": gr.update(visible=False),
    "comparison_id": "",
    "differences": note("After a run: field by field, what the answers have in common and where they part."),
    "marks": note("After a run: your text, with every item of each answer marked where it stands in it."),
    "receipt": note("After a run: what was equal for every column, and what was not."),
    "exports": gr.update(visible=False),
    "correct": gr.update(visible=False),
    "own": "",
    "sent": "",
}
