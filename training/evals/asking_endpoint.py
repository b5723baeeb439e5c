"""A larger model behind an OpenAI-compatible address asked every document of an evaluation.

Promise: it is shown the passages that every arm is shown, several documents are asked at once, each answer is kept as
it comes, and what it cost is counted; see training.evals.endpoint. It runs elsewhere, so it takes no lease, and its
times are of a network: they stand in no latency table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from training.chat.exchange import Request, Usage
from training.errors import InputError
from training.evals.answering import Stop, Work
from training.evals.identity import write_asked
from training.evals.records import Answered, EvalArm
from training.task.records import to_json

if TYPE_CHECKING:
    from training.engine.eval_prompts import PromptMaker
    from training.evals.endpoint import Endpoint

WINDOW = 64  # documents whose prompts are made before they are asked


def answer_endpoints(work: Work) -> None:
    """Have every endpoint arm answered. Stop where that is asked for; DataError or ModelError for what can't work."""
    arms = [arm for arm in work.plan.of("endpoint") if next(work.log.missing(arm.name), None) is not None]
    if not arms:
        return
    from training.engine.api import EngineSettings
    from training.engine.eval_prompts import prompts_of
    from training.evals.endpoint import Endpoint, arm_spec, unasked

    base = next((facts.base for facts in work.facts.values() if facts.base_sha256), work.plan.job.base)
    kinds = frozenset(arm.prompted for arm in work.plan.of("base", "adapter", "endpoint"))
    makers = prompts_of(base, EngineSettings(home=work.home), kinds)
    for arm in arms:
        spec = arm_spec(arm.name, work.plan.job)
        work.progress.begin(arm.name)
        with Endpoint(spec, spent=_spent(work.facts[arm.name].cost)) as endpoint:
            try:
                todo = list(work.log.missing(arm.name))
                for at in range(0, len(todo), WINDOW):
                    _ask(work, arm, endpoint, makers, todo[at : at + WINDOW])
            finally:
                facts, used = work.facts[arm.name], endpoint.usage
                facts.cost = {
                    "concurrency": spec.concurrency, "not_asked_for": list(unasked(work.plan.pack.sampling)),
                    "max_tokens": spec.max_tokens, "money": endpoint.money, "currency": spec.prices.currency,
                    **to_json(used),
                }  # fmt: skip
                write_asked(work.folder, work.facts)


def _spent(cost: Mapping[str, Any]) -> Usage:
    """What an arm that goes on has used before."""
    return Usage(**{field.name: int(cost.get(field.name) or 0) for field in fields(Usage)})


def _ask(  # size: who is asked what, and with whose prompts
    work: Work, arm: EvalArm, endpoint: "Endpoint", makers: "PromptMaker", todo: Sequence[tuple[str, int]]
) -> None:
    from training.evals.endpoint import Stopped, question

    asked: list[tuple[str, int, float]] = []
    requests: list[Request] = []
    for doc, k in todo:
        row = work.rows.row(work.rows.places[doc])
        try:
            context = makers.context(work.plan.pack, row)
        except InputError as err:
            work.facts[arm.name].not_shown[doc] = str(err)
            work.log.append(Answered(arm.name, doc, k, "", "error"))
            continue
        share = min(1.0, context.shown_tokens / max(1, context.source_tokens))
        asked.append((doc, k, share))
        requests.append(endpoint.request(question(work.plan.pack, context), work.plan.sampling(k)))
    try:
        for place, answer in endpoint.answer(requests, work.progress.stop):
            doc, k, share = asked[place]
            work.log.append(
                Answered(
                    arm.name, doc, k, answer.text, answer.finish.value, requests[place].key, answer.input_tokens,
                    answer.output_tokens, share, None, round(answer.seconds, 6),
                )
            )  # fmt: skip
            work.progress.answered()
    except Stopped as err:
        raise Stop from err
