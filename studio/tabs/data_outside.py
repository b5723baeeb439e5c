"""What of the Data tab reaches beyond this machine: a teacher that writes rows and a judge that scores them, both for
money, and a push to the Hub.

Nothing is paid before its cost was shown and agreed to; keys and tokens are never typed here, only where they are
kept. Neither is there on a Space, nor in a studio that others can reach.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import gradio as gr

from studio.actions import dataset_versions as acts
from studio.actions import datasets as start
from studio.actions.dataset_form import FIELDS, JUDGE, TEACHER, WRITERS, DataForm, meant_yaml
from studio.deps import Deps
from studio.guard import Visit, guard
from studio.queries.dataset_offers import teacher_slices, teacher_styles
from studio.tabs.data_form_view import FormView
from studio.tabs.data_parts import Parts, build_shares, view
from studio.tabs.data_view import JobView, job_view
from studio.tabs.events import QUIET, SLOW
from studio.views import dataset_teacher as views
from studio.views.markup import insight, note
from training.task.records import to_json

KEY_INFO = (
    "Not the key: the name of the environment variable, or of the entry in the keyring (keyring set taste-test NAME), "
    "that holds it. Empty: no key is wanted"
)
JUDGE_INFO = (
    "A larger model scores each row that passed the other gates: realism, correctness, format, difficulty, diversity, "
    "learnability, safety, 1 to 5 each. Kept from 26 of 35 with correctness and safety 4 and format 5; the spec under "
    "Advanced can say otherwise."
)
TOKEN_INFO = "The token is taken from hf auth login, HF_TOKEN or the keyring (keyring set taste-test HF_TOKEN)"


NO_AGREEMENT: Any = gr.update(visible=False)
FIRST: Any = gr.update(variant="primary")


class OfferView(NamedTuple):
    """What teacher and judge would cost, and the button that agrees to just that; by default there is no offer."""

    cost: Any = ""
    agree: Any = NO_AGREEMENT
    offer: Any = ""
    make: Any = FIRST


class WriterView(NamedTuple):
    """The settings of who writes the rows, and of nobody else."""

    teacher_box: Any
    shares: Any


def on_writer(deps: Deps, visit: Visit, writer: str) -> WriterView:
    asked = writer == TEACHER
    return WriterView(gr.update(visible=asked), gr.update(visible=not asked))


def on_judged(deps: Deps, visit: Visit, judged: bool) -> Any:
    return gr.update(visible=judged)


def asked(parts: Parts) -> list[Any]:
    """What a click on the form's buttons is given: the YAML, the YAML as the form last wrote it, the form."""
    return [parts[name] for name in ("yaml", "written", *FIELDS)]


def meant(deps: Deps, given: Sequence[Any]) -> str:
    """The YAML that a click means, of the values of `asked`."""
    text, written, *values = given
    return meant_yaml(text or "", written or "", DataForm.of(values), deps)


def encoding_of(given: Sequence[Any]) -> str:
    """The encoding that stands in the form, of the values of `asked`; it counts for a look before it is confirmed."""
    return DataForm.of(given[2:]).encoding or ""


def on_make(deps: Deps, visit: Visit, *given: Any) -> tuple[Any, ...]:
    """A build, or first what its teacher and its judge would cost. The YAML shown is the one that is built."""
    text = meant(deps, given)
    form = FormView() if text == given[0] else FormView(text, text, "")
    cost = start.cost(deps, text)
    if cost is not None:
        return (*form, *JobView(), *offer_view(cost))
    job = start.start(deps, text)
    return (*form, *job_view(deps, "", f"{job} queued"), *OfferView())


def offer_view(cost: start.Cost) -> OfferView:
    data = to_json(cost)
    agree = gr.update(value=views.agree_words(data), visible=True, interactive=not cost.problem)
    lines = [quote.lines() for quote in cost.quotes]
    return OfferView(views.cost_html(data, lines), agree, cost.offer, gr.update(variant="secondary"))


def on_agree(deps: Deps, visit: Visit, offer: str, *given: Any) -> tuple[Any, ...]:
    job = start.start(deps, meant(deps, given), offer)
    return (*job_view(deps, "", f"{job} queued"), *OfferView())


def on_push(deps: Deps, visit: Visit, name: str | None, repo: str, private: bool) -> str:
    address = acts.push(deps, name or "", repo, private=private)
    who = "only you and whom you let in can read it" if private else "everyone can read it, held-out rows as well"
    return insight(f"{name} is on the Hub at {address}: {who}.")


def build_writer(deps: Deps, task: str) -> Parts:
    """Who writes the rows, and how a teacher is asked."""
    styles = teacher_styles(task, deps)
    choices = [(label, name) for name, label in WRITERS.items()]
    parts: Parts = {
        "writer": gr.Radio(
            choices, value="studio", label="Written by", visible=bool(styles) and deps.settings.allow_paths,
            elem_id="tt-data-writer",
        )
    }  # fmt: skip
    with gr.Group(visible=False, elem_id="tt-data-teacher") as parts["teacher_box"]:
        parts |= build_address(TEACHER)
        parts["teacher_styles"] = gr.CheckboxGroup(
            list(styles), value=list(styles), label="Styles", elem_id="tt-data-teacher-styles"
        )
        parts["teacher_slices"] = build_shares("teacher-slices", "slice", teacher_slices(task, deps), "Slices")
        parts |= build_limits(TEACHER, (("teacher_posts", "Texts per record", "", 1, 0),), 1500)
    return parts


def build_judge(deps: Deps) -> Parts:
    """Whether a judge scores each row, and how it is asked."""
    parts: Parts = {}
    shown = deps.settings.allow_paths and not deps.settings.space
    with gr.Accordion(
        "Judge rows by a rubric", open=False, elem_classes="tt-fold", visible=shown, elem_id="tt-data-judge-box"
    ):
        view(note(JUDGE_INFO))
        parts["judged"] = gr.Checkbox(False, label="Ask a judge, over the network", elem_id="tt-data-judged")
        with gr.Group(visible=False, elem_id="tt-data-judge") as parts["judge_group"]:
            parts |= build_address(JUDGE)
            parts |= build_limits(JUDGE, (), 2000)
    return parts


def build_address(whose: str) -> Parts:
    return {
        f"{whose}_url": gr.Textbox(
            label="Address", placeholder="https://…/v1", info="Of any OpenAI-compatible endpoint",
            elem_id=f"tt-data-{whose}-url",
        ),
        f"{whose}_model": gr.Textbox(
            label="Model", placeholder="its name at that address", elem_id=f"tt-data-{whose}-model"
        ),
        f"{whose}_key": gr.Textbox(
            label="Key", placeholder=f"{whose.upper()}_API_KEY", info=KEY_INFO, elem_id=f"tt-data-{whose}-key"
        ),
    }  # fmt: skip


def build_limits(whose: str, first: tuple[Any, ...], tokens: int) -> Parts:
    """Sizes, prices and caps, two beside each other; `first` stands before them all."""
    parts: Parts = {}
    pairs = (
        (*first, (f"{whose}_at_once", "Calls at once", "", 4, 0)),
        ((f"{whose}_price_in", "Price in", "USD per million tokens", None, None),
         (f"{whose}_price_out", "Price out", "USD per million tokens", None, None)),
        ((f"{whose}_cap", "Spend at most", "USD; needs both prices", None, None),
         (f"{whose}_calls", "Calls at most", "Retries count", 1000, 0)),
        ((f"{whose}_tokens", "Tokens of an answer", "At most, thoughts included", tokens, 0),),
    )  # fmt: skip
    for pair in pairs:
        with gr.Row(elem_classes="tt-data-few"):
            for name, label, info, value, precision in pair:
                shared: dict[str, Any] = {"label": label, "info": info or None, "min_width": 120}
                shared["elem_id"] = f"tt-data-{name.replace('_', '-')}"
                if value is None:  # may be left empty, which a number field would turn into 0
                    parts[name] = gr.Textbox(**shared)
                else:
                    parts[name] = gr.Number(value, precision=precision, minimum=0, **shared)
    return parts


def build_offer() -> Parts:
    """What it would cost, and the button that agrees to it."""
    return {
        "cost": view(elem_id="tt-data-cost"),
        "agree": gr.Button("Build", variant="primary", visible=False, elem_id="tt-data-agree"),
        "offer": gr.Textbox("", visible="hidden", label="Offer", elem_id="tt-data-offer"),
    }


def build_push(deps: Deps) -> Parts:
    parts: Parts = {}
    shown = deps.settings.allow_paths and not deps.settings.space
    with gr.Accordion("Push to the Hub", open=False, elem_classes="tt-fold", visible=shown, elem_id="tt-data-push-box"):
        with gr.Row(elem_classes="tt-data-pick"):
            parts["push_repo"] = gr.Textbox(
                label="Repository", placeholder="owner/name", info=TOKEN_INFO, elem_id="tt-data-push-repo"
            )
            parts["push_private"] = gr.Checkbox(True, label="Private", elem_id="tt-data-push-private", min_width=120)
            parts["push"] = gr.Button("Push this version", size="sm", elem_id="tt-data-push", scale=0)
        parts["pushed"] = view(elem_id="tt-data-pushed")
    return parts


def wire_outside(deps: Deps, parts: Parts) -> None:
    """The build with or without a teacher and a judge, and the push."""
    form, job, offer = ([parts[name] for name in view._fields] for view in (FormView, JobView, OfferView))
    parts["writer"].change(
        guard(partial(on_writer, deps)), parts["writer"], [parts[name] for name in WriterView._fields],
        api_name="data_writer", **QUIET,
    )  # fmt: skip
    parts["judged"].change(
        guard(partial(on_judged, deps)), parts["judged"], parts["judge_group"], api_name="data_judged", **QUIET
    )
    parts["make"].click(
        guard(partial(on_make, deps)), asked(parts), [*form, *job, *offer], api_name="data_build", **SLOW,
        show_progress_on=parts["cost"],
    )  # fmt: skip
    parts["agree"].click(
        guard(partial(on_agree, deps)), [parts["offer"], *asked(parts)], [*job, *offer], api_name="data_agree",
        trigger_mode="once", show_progress_on=parts["cost"], **SLOW,
    )  # fmt: skip
    parts["push"].click(
        guard(partial(on_push, deps)), [parts["version"], parts["push_repo"], parts["push_private"]], parts["pushed"],
        api_name="data_push", trigger_mode="once", **SLOW,
    )  # fmt: skip
