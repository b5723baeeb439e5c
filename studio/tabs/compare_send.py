"""What of a comparison goes to a dataset: a column's answer as it is, or the right one, written by a person.

Writes a candidate in the person's home, for evaluation and never for training. Not on a Space, where nothing is kept.
"""

from functools import partial
from typing import Any

import gradio as gr

from studio.actions.dataset_versions import chosen_text, send_comparison, send_corrected
from studio.deps import Deps
from studio.guard import Visit, guard
from studio.tabs.events import QUIET
from studio.views.markup import note

SENT = "Sent: it waits in Data, New dataset, Rows sent from Compare. It is for evaluation, never for training."
Parts = dict[str, Any]


def on_send(deps: Deps, visit: Visit, comparison_id: str, answer: str | None) -> str:
    send_comparison(deps, visit.session, comparison_id, answer or "")
    return note(SENT)


def on_take(deps: Deps, visit: Visit, comparison_id: str, answer: str | None) -> str:
    """The chosen answer as text, to be corrected."""
    return chosen_text(deps, visit.session, comparison_id, answer or "")


def on_correct(deps: Deps, visit: Visit, comparison_id: str, text: str) -> str:
    send_corrected(deps, visit.session, comparison_id, text or "")
    return note(SENT)


def build_correct() -> Parts:
    """A box for the right answer where no column has it; hidden until there is a comparison with names."""
    parts: Parts = {}
    with gr.Accordion(
        "No answer is right? Correct one", open=False, visible=False, elem_classes="tt-fold", elem_id="tt-correct-box"
    ) as parts["correct"]:
        parts["own"] = gr.Textbox(
            label="The right answer", lines=8, max_lines=20, elem_id="tt-own",
            info="In the task's own form. It is checked against the task's contract before it is kept.",
        )  # fmt: skip
        with gr.Row(elem_classes="tt-data-pick"):
            parts["take"] = gr.Button("Take the chosen answer", size="sm", elem_id="tt-take", scale=0)
            parts["send_own"] = gr.Button("Send this answer to a dataset", size="sm", elem_id="tt-send-own", scale=0)
    return parts


def wire_send(deps: Deps, parts: Parts) -> None:
    """Both ways into a dataset; what came of it stands below them."""
    this, chosen, said = parts["comparison_id"], parts["answer"], parts["sent"]
    parts["send"].click(guard(partial(on_send, deps)), [this, chosen], said, api_name="send_comparison", **QUIET)
    parts["take"].click(guard(partial(on_take, deps)), [this, chosen], parts["own"], api_name="take_answer", **QUIET)
    parts["send_own"].click(
        guard(partial(on_correct, deps)), [this, parts["own"]], said, api_name="send_corrected", **QUIET
    )
