"""A refused row mended by hand: what the judge proposed for it, what the gates still say, and where it is kept.

A proposal is only put into the boxes where a person edits: nothing that a judge wrote becomes a row by itself.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import gradio as gr

from studio.actions import dataset_versions as acts
from studio.deps import Deps
from studio.guard import Visit, guard
from studio.queries import dataset_rows as rows
from studio.tabs.data_parts import Parts
from studio.tabs.events import QUIET
from studio.views import dataset_rows as row_views
from studio.views.markup import insight, note
from training.task.records import to_json

SAME: Any = gr.skip()  # this component stays as it is
NO_PROPOSAL: Any = gr.update(visible=False)


class MendView(NamedTuple):
    """A refused row to be edited, and whether the judge proposed another in its place."""

    mend_text: Any = ""
    mend_answer: Any = ""
    propose: Any = NO_PROPOSAL
    mended: Any = ""


def on_mend(deps: Deps, visit: Visit, name: str, row_id: str | None) -> MendView:
    return mend_values(rows.refused_row(deps, name, row_id)) if row_id else MendView()


def on_propose(deps: Deps, visit: Visit, name: str, row_id: str | None) -> tuple[Any, ...]:
    """What the judge would have in the row's place, to be read and checked like an edit of one's own."""
    found = proposal_of(rows.refused_row(deps, name, row_id)) if row_id else None
    if found is None:
        return SAME, SAME, note("The judge proposed nothing for this row.")
    return (*found, note("As the judge would have it. Read it, then check it again: nothing is kept by itself."))


def on_check(deps: Deps, visit: Visit, name: str, row_id: str | None, text: str, answer: str) -> str:
    if not row_id:
        return note("Choose a refused row first.")
    return row_views.verdict_html(to_json(acts.check_again(deps, name, (row_id, text, answer)).refusals))


def on_keep(deps: Deps, visit: Visit, name: str, row_id: str | None, text: str, answer: str) -> str:
    if not row_id:
        return note("Choose a refused row first.")
    acts.keep_mended(deps, name, (row_id, text, answer))
    return insight("Kept for evaluation: it waits under New dataset, Rows sent from Compare.")


def on_return(deps: Deps, visit: Visit, name: str, row_id: str | None, text: str, answer: str) -> str:
    """A row again: it goes where the split puts what it came from, train included."""
    if not row_id:
        return note("Choose a refused row first.")
    acts.keep_mended(deps, name, (row_id, text, answer), use=acts.AGAIN)
    return insight(
        "Kept as a row: it waits under New dataset, Rows sent from Compare. Add it to this version's spec (Card and "
        "export, Use this spec), and build."
    )


def mend_values(line: Mapping[str, Any]) -> MendView:
    """Text and answer of a refused row, as they are edited; a button where the judge proposed others."""
    text, answer = texts_of(line["row"])
    proposed = gr.update(visible=proposal_of(line) is not None)
    return MendView(text, answer, proposed, "")


def proposal_of(line: Mapping[str, Any]) -> tuple[str, str] | None:
    """Text and answer that the judge would have in a refused row's place; None where it proposed none."""
    fixed = line["row"].get("notes", {}).get("fixed_row")
    return texts_of(fixed) if fixed else None


def texts_of(row: Mapping[str, Any]) -> tuple[str, str]:
    return str(row["source"]), row_views.answer_text(row["gold"])


def wire_mend(deps: Deps, parts: Parts) -> None:
    """One refused row at a time."""
    this = parts["version"]
    edited = [parts["mend_text"], parts["mend_answer"]]
    chosen = [this, parts["mend_row"]]
    parts["mend_row"].input(
        guard(partial(on_mend, deps)), chosen, [parts[name] for name in MendView._fields], api_name="data_mend", **QUIET
    )
    parts["propose"].click(
        guard(partial(on_propose, deps)), chosen, [*edited, parts["mended"]], api_name="data_propose", **QUIET
    )
    parts["check"].click(
        guard(partial(on_check, deps)), [*chosen, *edited], parts["mended"], api_name="data_check", **QUIET
    )
    if not deps.settings.space:
        parts["keep"].click(
            guard(partial(on_keep, deps)), [*chosen, *edited], parts["mended"], api_name="data_keep", **QUIET
        )
        parts["give_back"].click(
            guard(partial(on_return, deps)), [*chosen, *edited], parts["mended"], api_name="data_return", **QUIET
        )
